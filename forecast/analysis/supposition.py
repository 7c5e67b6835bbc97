"""What is supposed of the events: learned, imposed, or given another probability; as a user writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import UnknownTargetError, event_states
from forecast.inference.engine import ENGINE, Factor, ImpossibleEvidenceError, KeptMessages, Plan, draws_at_once
from forecast.inference.scaled import Table, of_factor
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, Scope, family_tables, needed_families
from forecast.model.causes import causes_recipes
from forecast.model.decision import Decision, Rule, TooManyClassesError, decide, rules_of
from forecast.model.history import Path
from forecast.model.layout import Layout
from forecast.model.reliability import SourceTables
from forecast.model.rows import row_recipe
from forecast.posterior.sources import Reliabilities
from forecast.workspace.problems import choice, shown
from forecast.workspace.records import Scenario

# A network with factors of the asker's own, and its twin: a second copy of what an imposed state would change.

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BLOCK = 500  # draws solved at once: a twin's tables are larger than those of a forecast
REMEMBERED = 50_000_000  # bytes of messages of a block of draws that the next twin may take
LARGEST_TABLE = 2_000_000  # entries for each draw; a denser twin is refused rather than swapped to disk


class TooDenseError(ValueError):
    """The twin network has too large tables for exact elimination."""


@dataclass(frozen=True)
class Twin:
    """Two worlds that share theta and every event that nothing imposed is upstream of.

    `imposed` maps events to the states that they have at the end; `copied` are the events that have copies in the
    imposed world. The factual world keeps all its rows, history and reports; a copy has its row alone, that of the
    network `later`. `auxiliary` are the auxiliary variables of these rows, which are copied with them.
    """

    network: AsOfNetwork
    later: AsOfNetwork
    imposed: Mapping[int, int]
    copied: tuple[int, ...]
    auxiliary: tuple[int, ...]
    scopes: tuple[Scope, ...]

    @property
    def cards(self) -> tuple[int, ...]:
        """Number of states of each variable: the factual ones, then the copies."""
        return (*self.network.cards, *(len(self.alive(v)) for v in (*self.copied, *self.auxiliary)))

    def alive(self, v: int) -> range:
        """Return the states that event v can be in, in the imposed world.

        That a constant was observed is evidence, which says nothing of its copy.
        """
        if v not in self.copied and v not in self.auxiliary:
            return self.network.alive[v]
        layout = self.network.layout
        return self.later.alive[v] if v in self.auxiliary or layout.dated(v) else range(layout.cards[v])

    def variable(self, v: int) -> int | None:
        """Return the variable that stands for variable v in the imposed world; None for an imposed one."""
        if v in self.imposed:
            return None
        copies = (*self.copied, *self.auxiliary)
        return len(self.network.cards) + copies.index(v) if v in copies else v


@dataclass(frozen=True)
class Solved:
    """Of each draw: log mass (draws), minus infinity where a draw gives none; P(s) (scenarios, draws); `events[v]`
    (states of v, draws), all states; `joint` (states of some events..., draws) where it was asked for. Where a draw has
    no mass its probabilities are zeros.
    """

    log_mass: Array
    scenarios: Array
    events: tuple[Array, ...]
    joint: Array


def descendants_of(layout: Layout, events: Sequence[int]) -> tuple[int, ...]:
    """Return the events downstream of any of some, without these, in layout order."""
    reached = set(events)
    while below := {v for v, parents in enumerate(layout.parents) if reached.intersection(parents)} - reached:
        reached |= below
    return tuple(sorted(reached - set(events)))


def twin(network: AsOfNetwork, imposed: Mapping[int, int], *, at_once: bool = False) -> Twin:
    """Copy the descendants of imposed events; with nothing imposed it is the network itself.

    `at_once`: a dated event is put into its state on the as-of date. What its copy does from then on, and how it acts
    upon those below, follows from their rows as they are once that is known; its causes do not learn of it.

    Source: Balke and Pearl (1994), "Probabilistic evaluation of counterfactual queries"; here the copies have noise of
    their own, for what is asked is what an intervention would do, not what would have been.
    """
    below = descendants_of(network.layout, tuple(imposed))
    started = {v: x for v, x in imposed.items() if at_once and network.layout.dated(v)}
    held = {v: x for v, x in imposed.items() if v not in started}
    return _copying(network, _put_today(network, started), held, tuple(sorted({*below, *started})))


def undisturbed(network: AsOfNetwork, below: Sequence[int]) -> Twin:
    """Copy some events and impose nothing: the world that an intervention above them is held against.

    Its copies follow from their causes as in the twin of the intervention, and no report speaks of them either.
    """
    return _copying(network, network, {}, tuple(below))


def _copying(network: AsOfNetwork, later: AsOfNetwork, held: Mapping[int, int], copied: tuple[int, ...]) -> Twin:
    families = [scope for v in copied for scope in later.families[v]]
    auxiliary = sorted({v for scope in families for v in scope if v >= len(network.layout.cards)})
    made = Twin(network, later, dict(held), copied, tuple(auxiliary), ())
    renamed = ([made.variable(v) for v in scope] for scope in families)
    scopes = (tuple(variable for variable in scope if variable is not None) for scope in renamed)
    return replace(made, scopes=(*network.scopes, *scopes))


def _put_today(network: AsOfNetwork, started: Mapping[int, int]) -> AsOfNetwork:
    """Return the network with the rows that hold once some dated events have come into their states.

    Unlike `forecast.model.history.suppose` it brings nothing along: whoever intervenes asks for no prerequisite.
    """
    if not started:
        return network
    layout, known = network.layout, network.known
    paths, alive = dict(known.paths), list(network.alive[: len(layout.cards)])
    for v, x in started.items():
        day = max(paths[v].until, known.as_of)
        earlier = (change for change in paths[v].changes if change[0] != day)
        paths[v] = Path(paths[v].first, (*earlier, (day, x)), day)
        if layout.events[v].kind == "reached":
            alive[v] = range(x, layout.cards[v])
    known = replace(known, paths=paths)
    causes = causes_recipes(layout, known, network.on)
    alive += [range(len(states)) for recipe in causes for states in [recipe.highest] * recipe.auxiliary]
    rows = row_recipe(layout, known, network.on)
    return replace(network, known=known, rows=rows, causes=causes, alive=tuple(alive))


def solve_twin(
    made: Twin,
    scenarios: Sequence[Scenario],
    theta: Array,
    drawn: Reliabilities,
    weighing: Mapping[Scope, Array],
    wanted: Collection[int] | None = None,
    together: Scope = (),
) -> Solved:
    """Solve the imposed world in every draw, with all evidence of the factual one.

    Args:
        made: the twin.
        scenarios: the rules, judged in the imposed world.
        theta: (n_theta, draws).
        drawn: the reliability of each source in each draw.
        weighing: for some events that are not imposed a non-negative number for each of their joint states, by which
            the joint probabilities of the imposed world are multiplied.
        wanted: the events that are asked about (None: all); of the others, probabilities are zeros.
        together: events, not imposed, whose joint is asked for.

    Raises TooDenseError.
    """
    question = _Question(made, scenarios, weighing, wanted, together)

    def solved(world: _Factual, draws: Index) -> Solved:
        return _where_possible(question, world, draws)

    parts = _on_blocks([question], theta, drawn, solved)
    return Solved(
        np.concatenate([part.log_mass for part in parts]),
        np.concatenate([part.scenarios for part in parts], axis=1),
        tuple(np.concatenate(of_event, axis=1) for of_event in zip(*(part.events for part in parts), strict=True)),
        np.concatenate([part.joint for part in parts], axis=-1),
    )


def mean_of_twins(
    twins: Sequence[tuple[Twin, Collection[int]]],
    scenarios: Sequence[Scenario],
    theta: Array,
    drawn: Reliabilities,
    weights: Array,
) -> list[tuple[Array, dict[int, Array]]]:
    """Solve many imposed worlds, as `solve_twin` solves each; return weighted sums over the draws.

    Args:
        twins: of one network, each with the events that are asked about.
        scenarios, theta, drawn: as of `solve_twin`.
        weights: (draws).

    Returns of each twin P(s) (scenarios) and, by event, P(states). What twins have in common is computed once for each
    block of draws, most of all when one stands behind another that differs little. Raises TooDenseError.
    """
    questions = [_Question(made, scenarios, {}, wanted, ()) for made, wanted in twins]

    def solved(world: _Factual, draws: Index) -> list[list[Array]]:
        of_block = weights[draws]
        found = []
        for question in questions:
            one = _where_possible(question, world, draws)
            found.append([one.scenarios @ of_block, *(one.events[v] @ of_block for v in question.wanted)])
        return found

    parts = _on_blocks(questions, theta, drawn, solved)
    means = [
        [sum(of_blocks, np.zeros(())) for of_blocks in zip(*of_twin, strict=True)]
        for of_twin in zip(*parts, strict=True)
    ]
    return [
        (shares, dict(zip(question.wanted, events, strict=True)))
        for question, (shares, *events) in zip(questions, means, strict=True)
    ]


def _on_blocks[T](
    questions: Sequence[_Question], theta: Array, drawn: Reliabilities, solved: Callable[[_Factual, Index], T]
) -> list[T]:
    network = questions[0].made.network
    tables = drawn.tables(network)

    def on_block(draws: Index) -> T:
        return solved(_Factual(network, theta, drawn, tables), draws)

    size = draws_at_once((question.order for question in questions), most=BLOCK)
    return ENGINE.in_blocks(on_block, np.arange(theta.shape[1]), size=size)


class _Factual:
    """The factual world on a block of draws: its factors, and what passes of its twins have in common."""

    def __init__(self, network: AsOfNetwork, theta: Array, drawn: Reliabilities, tables: SourceTables) -> None:
        self.kept = KeptMessages(REMEMBERED)
        self._network, self._theta, self._drawn, self._tables = network, theta, drawn, tables
        self._made: dict[bytes, tuple[list[Table], Array]] = {}

    def theta(self, draws: Index) -> Array:
        """Return theta of some draws; a slice that nobody can write to has the rows of the last question."""
        first, last = int(draws[0]), int(draws[-1]) + 1
        whole = last - first == draws.size
        return self._theta[:, first:last] if whole else np.ascontiguousarray(self._theta[:, draws])

    def factors(self, draws: Index) -> tuple[list[Table], Array]:
        """Return the factors of some draws as tables, the same ones for every twin, and their log offset."""
        key = draws.tobytes()
        if key not in self._made:
            given, offset = self._drawn.of_draws(draws).factors(self._network, self.theta(draws), self._tables)
            made = [of_factor(one, scope) for one, scope in zip(given, self._network.scopes, strict=True)]
            self._made[key] = made, offset
        return self._made[key]


class _Question:
    """What is asked of a twin, and how it is solved: `wanted` as of `solve_twin`, by default every event."""

    def __init__(
        self,
        made: Twin,
        scenarios: Sequence[Scenario],
        weighing: Mapping[Scope, Array],
        wanted: Collection[int] | None,
        together: Scope,
    ) -> None:
        self.made, self.together = made, together
        self.wanted = _events(made) if wanted is None else wanted
        layout = made.network.layout
        # A factor of ones over the events whose joint is asked for.
        joined = {together: np.ones([layout.cards[v] for v in together])} if together else {}
        self.order, self.decision = _planned(made, scenarios, [*weighing, *joined])
        self._places: Sequence[int] = range(self.order.n_factors)
        at_joint = self.order.n_factors - len(self.decision.tables) - 1
        if wanted is not None:
            self._places, self.order = _outlined(made, self.order, self.decision, [*weighing, *joined], wanted)
        self._asked = [list(self._places).index(at_joint)] if together else []
        self._about = {variable for v in self.wanted if (variable := made.variable(v)) is not None}
        # Of full width, so that a draw without mass is told from all draws without mass.
        self._extra = [
            weights[tuple(_alive(made, v) for v in scope)][..., np.newaxis]
            for scope, weights in (*weighing.items(), *joined.items())
        ]

    def on_draws(self, world: _Factual, draws: Index) -> Solved:
        """Solve some draws. Raises ImpossibleEvidenceError."""
        made, layout = self.made, self.made.network.layout
        given, offset = world.factors(draws)
        arrays: list[Factor] = [*given, *_copied(made, world.theta(draws))]
        arrays += [np.broadcast_to(weights, (*weights.shape[:-1], draws.size)) for weights in self._extra]
        arrays += self.decision.tables
        solution = ENGINE.evaluate(
            self.order,
            [arrays[place] for place in self._places],
            self.decision.masks,
            by_region=False,
            wanted=self._asked,
            about=self._about,
            kept=world.kept,
        )
        shares = np.exp(solution.log_regions - solution.log_evidence)
        events = tuple(
            _event(made, v, solution.marginals, draws.size)
            if v in self.wanted
            else np.zeros((layout.cards[v], draws.size))
            for v in _events(made)
        )
        joint = np.zeros((*(layout.cards[v] for v in self.together), draws.size))
        if self.together:
            joint[tuple(_alive(made, v) for v in self.together)] = solution.families[0][..., 0, :]
        return Solved(solution.log_evidence + offset, shares, events, joint)


def _planned(made: Twin, scenarios: Sequence[Scenario], weighed: Sequence[Scope]) -> tuple[Plan, Decision]:
    layout = made.network.layout
    alive = [range(x, x + 1) if (x := made.imposed.get(v)) is not None else made.alive(v) for v in _events(made)]
    scopes = [*made.scopes, *(_renamed(made, scope) for scope in weighed)]
    rules = [_there(made, rule) for rule in rules_of(layout, alive, scenarios)]
    try:
        decision = decide(made.cards, scopes, rules)
    except TooManyClassesError as error:
        raise TooDenseError(str(error)) from error
    order = decision.plan(made.cards, scopes)
    if order.largest_table > LARGEST_TABLE:
        msg = f"too many connected events below the intervention: a table of {order.largest_table} entries per draw"
        raise TooDenseError(msg)
    return order, decision


def _outlined(
    made: Twin, order: Plan, decision: Decision, weighed: Sequence[Scope], wanted: Collection[int]
) -> tuple[list[int], Plan]:
    """Return the factors that the scenarios and some events hang on, by their places, and the plan of these alone."""
    network = made.network
    n, n_given = len(network.layout.cards), len(network.scopes)
    asked = [made.variable(v) for v in (*wanted, *(v for scope in weighed for v in scope))]
    spoken = (*network.evidence_scopes, *decision.scopes, decision.kept)
    told = {v for scope in spoken for v in scope} | {v for v in asked if v is not None}
    told |= network.known.observed.keys() | {v for v in range(n) if not network.cards[v]}
    copies: list[list[int]] = []
    for v in made.copied:
        start = n_given + sum(map(len, copies))
        copies.append(list(range(start, start + len(made.later.families[v]))))
    families = [*(network.places(v) for v in range(n)), *copies]
    scopes = order.scopes[: order.n_factors]
    needed = needed_families([[scopes[place] for place in places] for places in families], told)
    whole = {place for places in families for place in places}
    left = sorted({*range(order.n_factors)} - whole | {place for one in needed for place in families[one]})
    return left, _plan(order.cards, tuple(scopes[place] for place in left), order.keep)


@lru_cache(maxsize=32)
def _plan(cards: Scope, scopes: tuple[Scope, ...], keep: Scope) -> Plan:
    """Return the plan of twins of that shape: it does not matter which state is imposed."""
    return ENGINE.plan(cards, scopes, keep=keep)


def _renamed(made: Twin, scope: Scope) -> Scope:
    """Return the variables that stand for events in the imposed world, none of which is imposed."""
    return tuple(variable for v in scope if (variable := made.variable(v)) is not None)


def _events(made: Twin) -> range:
    return range(len(made.network.layout.cards))


def _there(made: Twin, rule: Rule) -> Rule:
    """Return a rule over the variables of the imposed world; what it says of an imposed event is true or not."""
    conditions = []
    for v, states in rule.conditions or ():
        if (variable := made.variable(v)) is not None:
            conditions.append((variable, states))
        elif not all(states):
            return Rule(None)
    return Rule(tuple(conditions))


def _alive(made: Twin, v: int) -> slice:
    states = made.alive(v)
    return slice(states.start, states.stop)


def _copied(made: Twin, theta: Array) -> list[Array]:
    """Return the factors of each copy's row (states of what is not imposed..., draws)."""
    if not made.copied:
        return []
    families, tables = made.later.families, family_tables(made.later, theta)
    return [
        full[tuple(made.imposed[other] if other in made.imposed else _alive(made, other) for other in scope)]
        for v in made.copied
        for scope, full in zip(families[v], tables[v], strict=True)
    ]


def _event(made: Twin, v: int, marginals: Sequence[Array], draws: int) -> Array:
    full = np.zeros((made.network.layout.cards[v], draws))
    variable = made.variable(v)
    if variable is None:
        full[made.imposed[v]] = 1.0
    else:
        full[_alive(made, v)] = marginals[variable][:, 0]
    return full


def _where_possible(question: _Question, world: _Factual, block: Index) -> Solved:
    """Solve the draws of a block that give any mass; of the others, all is zero."""
    log_mass = np.full(block.size, -np.inf)
    cards = question.made.network.layout.cards
    scenarios = np.zeros((question.decision.masks.shape[0], block.size))
    events = tuple(np.zeros((card, block.size)) for card in cards)
    joint = np.zeros((*(cards[v] for v in question.together), block.size))
    places = np.arange(block.size)
    while places.size:
        try:
            solved = question.on_draws(world, block[places])
        except ImpossibleEvidenceError as impossible:
            places = np.delete(places, impossible.draws)
            continue
        if places.size == block.size:
            return solved
        log_mass[places], scenarios[:, places] = solved.log_mass, solved.scenarios
        for full, part in zip((*events, joint), (*solved.events, solved.joint), strict=True):
            full[..., places] = part
        break
    return Solved(log_mass, scenarios, events, joint)


ROUNDING = 1e-12  # of a sum of probabilities that a user gives


@dataclass(frozen=True)
class Learned:
    """The event is found in one of some states (indices) on the horizon date."""

    text: str
    event: int
    states: tuple[int, ...]


@dataclass(frozen=True)
class Imposed:
    """Somebody puts the event into a state, whatever its causes."""

    text: str
    event: int
    state: int


@dataclass(frozen=True)
class Reset:
    """Some states of the event shall have these probabilities; the others share the rest as they do now."""

    text: str
    event: int
    probabilities: Mapping[int, float]


@dataclass(frozen=True)
class Supposition:
    """All that is supposed: learned as one condition, then imposed, then reset together.

    `at_once`: what is learned or imposed comes true on the as-of date; otherwise it is so on the horizon date.
    """

    learned: tuple[Learned, ...]
    imposed: tuple[Imposed, ...]
    reset: tuple[Reset, ...]
    at_once: bool = False


def read_supposition(
    outcome: Outcome,
    learned: Sequence[str],
    imposed: Sequence[str],
    reset: Sequence[str],
    *,
    at_once: bool = False,
) -> Supposition:
    """Read EVENT=STATE (or EVENT=STATE,STATE, EVENT>=STATE, EVENT<=STATE), EVENT=STATE and EVENT=STATE:P (or more).

    Raises UnknownTargetError for a name that there is not, and ValueError for what makes no sense together.
    """
    supposition = replace(_all_read(outcome, learned, imposed, reset), at_once=at_once)
    acts = supposition.imposed
    twice = [act.text for place, act in enumerate(acts) if act.event in {other.event for other in acts[:place]}]
    if twice:
        msg = f"'{twice[0]}': two interventions on one event"
        raise ValueError(msg)
    held = {act.event for act in acts}
    below = held.union(descendants_of(outcome.layout, tuple(held)))
    for condition in supposition.learned:
        if condition.event in below:
            msg = f"'{condition.text}': downstream of the intervention, so the condition is ambiguous; ask without --do"
            raise ValueError(msg)
    for change in supposition.reset:
        if change.event in held:
            msg = f"'{change.text}': the intervention fixes the event, so its probability is 1 or 0"
            raise ValueError(msg)
    return supposition


def _all_read(outcome: Outcome, learned: Sequence[str], imposed: Sequence[str], reset: Sequence[str]) -> Supposition:
    """Read every part; what is wrong in several is reported at once."""
    wrong: list[ValueError] = []

    def read[T](reader: Callable[[Outcome, str], T], texts: Sequence[str]) -> tuple[T, ...]:
        held = []
        for text in texts:
            try:
                held.append(reader(outcome, text))
            except ValueError as error:
                wrong.append(error)
        return tuple(held)

    supposition = Supposition(read(_learned, learned), read(_imposed, imposed), read(_reset, reset))
    if wrong:
        unknown = any(isinstance(error, UnknownTargetError) for error in wrong)
        raise (UnknownTargetError if unknown else ValueError)("\n".join(map(str, wrong)))
    return supposition


SIGNED = re.compile(r"([^<>=]*)(>=|<=|=)(.+)", re.DOTALL)


def _split(outcome: Outcome, text: str, form: str) -> tuple[int, tuple[str, ...], str, str]:
    """Return the event, its states, the sign and what stands behind it."""
    parts = SIGNED.fullmatch(text)
    if not parts:
        msg = f"'{text}': write {form}"
        raise UnknownTargetError(msg)
    name, sign, value = parts[1].strip(), parts[2], parts[3].strip()
    states = event_states(outcome, name, tuple(outcome.events))
    return outcome.layout.index[name], states, sign, value


def _only_equal(outcome: Outcome, text: str, form: str) -> tuple[int, tuple[str, ...], str]:
    v, states, sign, value = _split(outcome, text, form)
    if sign != "=":
        msg = f"'{text}': here only one state can be named; write {form}"
        raise UnknownTargetError(msg)
    return v, states, value


def _place(text: str, state: str, states: tuple[str, ...]) -> int:
    if state not in states:
        name = text.partition("=")[0].rstrip("<> ")
        msg = f"'{text}': event '{name}' has no state {shown(state)}; {choice('states', state, states)}"
        raise UnknownTargetError(msg)
    return states.index(state)


def _learned(outcome: Outcome, text: str) -> Learned:
    v, states, sign, value = _split(outcome, text, "EVENT=STATE")
    if sign == "=":
        return Learned(text, v, tuple(_place(text, state.strip(), states) for state in value.split(",")))
    place = _place(text, value, states)
    held = range(place, len(states)) if sign == ">=" else range(place + 1)
    if len(held) == len(states):
        msg = f"'{text}': that is every state, so that nothing is supposed"
        raise ValueError(msg)
    return Learned(text, v, tuple(held))


def _imposed(outcome: Outcome, text: str) -> Imposed:
    v, states, value = _only_equal(outcome, text, "EVENT=STATE")
    return Imposed(text, v, _place(text, value, states))


def _reset(outcome: Outcome, text: str) -> Reset:
    v, states, value = _only_equal(outcome, text, "EVENT=STATE:PROBABILITY")
    given: dict[int, float] = {}
    for part in value.split(","):
        state, colon, number = part.rpartition(":")
        try:
            p = float(number) if colon else -1.0
        except ValueError:
            p = -1.0
        if not 0.0 <= p <= 1.0:
            msg = f"'{text}': write EVENT=STATE:PROBABILITY, the probability between 0 and 1"
            raise ValueError(msg)
        given[_place(text, state, states)] = p
    total = fsum(given.values())
    if total > 1.0 + ROUNDING or (len(given) == len(states) and abs(total - 1.0) > ROUNDING):
        msg = f"'{text}': the probabilities add up to {total:g}"
        raise ValueError(msg)
    return Reset(text, v, given)
