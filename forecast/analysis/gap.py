"""The smallest changes that would bring a question to a price: of a report, a CPT row, one statement, all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import inf, isfinite, log10

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.questions import OF_ANOTHER_KIND, latest_numbers, of_other_rules
from forecast.inference.engine import ENGINE, draws_at_once
from forecast.ledger.outcome import Outcome
from forecast.model.asof import alive_slices, compile_workspace, family_tables
from forecast.posterior.by_date import decided, question_probabilities
from forecast.posterior.posterior import Query, query
from forecast.posterior.weights import MAX_PARETO_K, smooth
from forecast.sampling.likelihood import by_coders, heard_in, statement_columns
from forecast.sampling.readings import DEGREES_OF_FREEDOM, numbers, reading_variance
from forecast.workspace.fits import expit
from forecast.workspace.problems import choice
from forecast.workspace.read_benchmarks import authors_of
from forecast.workspace.records import Question, Scenario
from forecast.workspace.statement_forms.form import StatedNumber

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MOST_LOG = 30.0  # of a factor: odds are changed by no more than e to this
HALVINGS = 12  # of the last of these steps
SLIGHTLY = 1e-3  # sds of a statement over which a slope is taken
MOST_TRIED = 100  # places at which a price is looked for
MET = 1e-13  # of a probability: what is as good as reached
FARTHEST = 6.0  # sds by which a statement, or all together, are moved at most
STEP = 0.25  # sds between the places at which the way to the price is looked for
SEARCHED = 40  # rows whose change is found: those that by the slope at the forecast need least


@dataclass(frozen=True, kw_only=True)
class EvidenceGap:
    """One more report that an event is in some states on the question's day, so strong that the price is reached.

    `decibans` of its likelihood ratio for the states against the others; `reached`: the question's probability when the
    network is solved with it. `item` is the report on the event that weighs most now, `item_decibans` how much.
    """

    event: str
    states: tuple[str, ...]
    decibans: float
    reached: float
    item: str | None
    item_decibans: float | None


@dataclass(frozen=True, kw_only=True)
class RowGap:
    """A CPT row, of the time that remains, in which one state's probability is another: means over the draws.

    `log_odds`: of the change, the same in every draw, None where the state is made certain or excluded and the price is
    not reached; `reached`: the question's probability when all is solved with it.
    """

    event: str
    parents: Mapping[str, str]
    state: str
    before: float
    after: float
    log_odds: float | None
    reached: float


@dataclass(frozen=True, kw_only=True)
class StatementGap:
    """A statement as it is and as it would have to be, in units of its own sd in log-odds.

    `stated` and `changed` are probabilities, or None where it states a ratio. `reached` on the draws weighed by it
    (with all of the change), short of the price where the draws bear no more; None where the change is one of several.
    """

    statement: str
    expert: str
    stated: float | None
    changed: float | None
    sds: float
    reached: float | None
    pareto_k: float | None


@dataclass(frozen=True, kw_only=True)
class TogetherGap:
    """All statements moved a little: `sds`, the root of the sum of the squared changes, is as small as it can be.

    By the slope at the forecast, that is. `reached` is short of the price where the draws bear no more. `statements`:
    those that move most.
    """

    sds: float
    reached: float
    pareto_k: float | None
    statements: tuple[StatementGap, ...]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What would bring a question's probability to another one, each kind smallest change first.

    `forecast` is that of `forecast questions`; `start` that of the day's network, from which changes are computed,
    another one only where a later day is the likelier (see P(by date)). `unreached`: how many events, rows and
    statements do not reach it alone, whatever they are changed to.
    """

    as_of: date
    question: str
    text: str
    by: date
    forecast: float
    mcse: float
    start: float
    to: float
    forecaster: str | None
    of: date | None
    decibans: float
    evidence: tuple[EvidenceGap, ...]
    rows: tuple[RowGap, ...]
    statements: tuple[StatementGap, ...]
    together: TogetherGap | None
    unreached: Mapping[str, int]


def gap(
    outcome: Outcome,
    name: str,
    progress: Callable[[str], None],
    *,
    to: float | None = None,
    forecaster: str | None = None,
    top: int = 3,
) -> Gap:
    """Find the smallest changes, each alone, after which a question has a price.

    Args:
        outcome: the forecast.
        name: of an open question that nothing has decided.
        progress: is told what is done.
        to: the probability to reach, between 0 and 1; None: the price.
        forecaster: whose price (None: the latest one).
        top: so many of each kind are solved and told.

    Each kind has its measure: decibans of a report, log-odds of a row, sds of a statement. A report with likelihood
    ratio L for states x makes it (L P(yes, x) + P(yes, not x)) / (L P(x) + P(not x)), solved for L. A row's change is
    the same factor on the odds of one state in every draw; evidence then weighs draws and worlds anew. The statements'
    changes weigh the draws by the ratio of their likelihoods (importance sampling, smoothed).

    Raises ValueError for a question, forecaster or probability that makes no sense.
    """
    question, price, who, when = _wanted(outcome, name, to, forecaster)
    of, layout = outcome.posterior, outcome.layout
    network = of.asked.network
    if question.by != network.on:
        network = compile_workspace(layout, outcome.workspace, outcome.as_of, on=question.by)
    if (answer := decided(network, question)) is not None:
        msg = f"'{name}' is decided: settled evidence says {'yes' if answer else 'no'}"
        raise ValueError(msg)
    (own,) = question_probabilities(outcome.workspace, layout, outcome.as_of, of, [question])
    yes = Scenario("yes", "yes", "", (question.about,), question.source)
    solver = DaySolver(outcome, query(network, [yes]))
    progress("solving every draw")
    families = solver.families()
    start = solver.start
    evidence, no_event = evidence_gaps(solver, question, families, price, top)
    rows, no_row = row_gaps(solver, families, price, top)
    progress("the statements")
    statements, together, no_statement = _statements(outcome, solver.yes, price, top)
    return Gap(
        as_of=outcome.as_of,
        question=name,
        text=question.question,
        by=question.by,
        forecast=own.probability,
        mcse=own.mcse,
        start=start,
        to=price,
        forecaster=who,
        of=when,
        decibans=10.0 * log10(price / (1.0 - price) * (1.0 - own.probability) / own.probability),
        evidence=evidence,
        rows=rows,
        statements=statements,
        together=together,
        unreached={"events": no_event, "rows": no_row, "statements": no_statement},
    )


def _wanted(
    outcome: Outcome, name: str, to: float | None, forecaster: str | None
) -> tuple[Question, float, str | None, date | None]:
    known = {question.id: question for question in outcome.workspace.questions}
    if name in {question.id for question in outcome.workspace.further}:
        msg = f"'{name}' is {OF_ANOTHER_KIND}"
        raise ValueError(msg)
    if name not in known:
        msg = f"nothing of question '{name}'; {choice('questions', name, list(known))}"
        raise ValueError(msg)
    question = known[name]
    if not question.opens <= outcome.as_of <= question.by:
        msg = f"'{name}' is not open on {outcome.as_of}: it is from {question.opens} to {question.by}"
        raise ValueError(msg)
    if to is not None and forecaster is not None:
        msg = "say a probability or a forecaster, not both"
        raise ValueError(msg)
    points = latest_numbers(outcome.workspace, question, outcome.as_of)
    if forecaster is not None and forecaster not in points:
        msg = f"nothing of forecaster '{forecaster}'; {choice('forecasters', forecaster, list(points))}"
        raise ValueError(msg)
    authors = authors_of(outcome.workspace.benchmarks) | of_other_rules(outcome.workspace, question)
    others = [one for one in points if one not in authors]
    if to is None and forecaster is None and not others:
        why = (
            f"all numbers of '{name}' are of another rule"
            if points.keys() - authors_of(outcome.workspace.benchmarks)
            else f"nobody has forecast '{name}'"
        )
        msg = f"{why}; say with --to which probability is to be reached"
        raise ValueError(msg)
    who, when, price = forecaster, None, to
    if price is None:
        who = forecaster or max(others, key=lambda one: (points[one][0], one))
        when, price = points[who]
    if not 0.0 < price < 1.0:
        msg = f"{price:g} is not between 0 and 1: nothing short of settled evidence brings a question there"
        raise ValueError(msg)
    return question, price, who, when


class DaySolver:
    """The network of a question's day on all draws.

    `yes` (draws) and `log_evidence` (draws) are there after `families`.
    """

    def __init__(self, outcome: Outcome, queried: Query) -> None:
        self.outcome, self.queried, self.network = outcome, queried, queried.network
        of = outcome.posterior
        self.theta, self.weights, self.drawn = of.draws.theta, of.weights.weights, of.reliabilities
        self._tables = self.drawn.tables(self.network)
        self.log_evidence = np.zeros(0)
        self.yes = np.zeros(0)

    @property
    def start(self) -> float:
        """P(yes) of the day's network."""
        return float(self.yes @ self.weights)

    def families(self) -> list[Array]:
        """Compute P(states of the row's scope, yes or not | E, draw) of each event: (*states, 2, draws)."""
        n = len(self.network.layout.cards)

        def solved(places: Index) -> tuple[Array, list[Array]]:
            tables, _ = self.factors(places)
            log_evidence, joints = ENGINE.families(
                self.queried.plan, self.queried.with_rules(tables), range(n), self.queried.masks
            )
            return log_evidence, [np.broadcast_to(one, (*one.shape[:-1], places.size)) for one in joints]

        parts = self._on_blocks(solved, 2)
        self.log_evidence = np.concatenate([one for one, _ in parts])
        joints = [np.concatenate(of_event, axis=-1) for of_event in zip(*(one for _, one in parts), strict=True)]
        self.yes = joints[0][..., 0, :].reshape(-1, self.weights.size).sum(axis=0)
        return joints

    def factors(self, places: Index) -> tuple[list[Array], Array]:
        """Compute the factors of some draws that follow each other, and their log offset."""
        first, last = int(places[0]), int(places[-1]) + 1
        return self.drawn.of_draws(places).factors(self.network, self.theta[:, first:last], self._tables)

    def _on_blocks[T](self, solved: Callable[[Index], T], regions: int) -> list[T]:
        size = draws_at_once([self.queried.plan], regions)
        return ENGINE.in_blocks(solved, np.arange(self.weights.size), size=size)


def _needed(yes: float, both: float, states: float, to: float) -> float:
    """Return log L so that (L both + yes - both) / (L states + 1 - states) = to; NaN where no L does it."""
    above, below = to * (1.0 - states) - (yes - both), both - to * states
    return float(np.log(above / below)) if above * below > 0.0 else float("nan")


def evidence_gaps(
    solver: DaySolver,
    question: Question,
    families: Sequence[Array],
    to: float,
    top: int,
) -> tuple[tuple[EvidenceGap, ...], int]:
    """Return the weakest reports that reach a probability, and of how many events none does.

    `families`: those of the solver. One on an event whose causes act each by itself is not looked for.
    """
    network, weights = solver.network, solver.weights
    layout = network.layout
    own = layout.index[question.about.event]
    found, unreached = [], 0
    for v, event in enumerate(layout.events):
        joint = families[v].reshape(-1, *families[v].shape[-3:]).sum(axis=0) @ weights  # (alive states, 2)
        if len(joint) < 2 or len(network.families[v]) > 1:
            unreached += 1
            continue
        sides: list[tuple[int, ...]] = [(k,) for k in range(len(joint))]
        if v == own:
            yes = {layout.state(event.id, x) for x in question.about.states}
            sides = [tuple(k for k, x in enumerate(network.alive[v]) if x in yes)]
        ways = []
        for side in sides:
            of_side = joint[list(side)].sum(axis=0)
            log_ratio = _needed(float(joint[:, 0].sum()), float(of_side[0]), float(of_side.sum()), to)
            if isfinite(log_ratio) and abs(log_ratio) < MOST_LOG:
                ways.append((abs(log_ratio), log_ratio, side))
        if ways:
            found.append((*min(ways), v))
        else:
            unreached += 1
    rows = []
    for _, log_ratio, side, v in sorted(found)[:top]:
        event = layout.events[v]
        joint = families[v].reshape(-1, *families[v].shape[-3:]).sum(axis=0) @ weights
        joint[list(side)] *= np.exp(log_ratio)
        reports = [(report.decibans, report.item) for report in network.reports if v in report.scope]
        strongest = max((one for one in reports if isfinite(one[0])), default=None)
        rows.append(
            EvidenceGap(
                event=event.id,
                states=tuple(event.states[network.alive[v][k]] for k in side),
                decibans=10.0 * log_ratio / float(np.log(10.0)),
                reached=float(joint[:, 0].sum() / joint.sum()),
                item=None if strongest is None else strongest[1],
                item_decibans=None if strongest is None else strongest[0],
            )
        )
    return tuple(rows), unreached


def _slopes(joints: Array, own: Array, solver: DaySolver) -> Array:
    """Compute by how much P(yes) moves with the log-odds of each state of each row, at the forecast.

    `joints` (*states of the scope, yes or not, draws), `own` (*states of the scope, draws) are the rows.
    """
    # The mass of a row's state grows by what the others of the row lose.
    moved = joints @ solver.weights
    moved -= np.einsum("...kd,...yd,d->...ky", own, joints.sum(axis=-3), solver.weights, optimize=True)
    return np.asarray(moved[..., 0] - solver.start * moved.sum(axis=-1))


@dataclass(frozen=True)
class _Row:
    """A row and a state of it, in every draw.

    `joints`: P(states of the row's scope, yes or not | E, draw); `rows`: all rows of the event.
    """

    v: int
    places: tuple[int, ...]
    state: int
    joints: Array
    rows: Array

    @cached_property
    def own(self) -> Array:
        """The state's probability in the row itself (draws)."""
        return np.asarray(self.rows[(*self.places, self.state)])

    @cached_property
    def both(self) -> Array:
        """P(row, state or not, yes or not | E, draw)."""
        joint = self.joints[self.places]
        return np.stack([joint[self.state], joint.sum(axis=0) - joint[self.state]])

    def probability(self, log_ratio: float, yes: Array, weights: Array) -> float:
        """P(yes) with the odds of the state in the row multiplied."""
        ratio = np.exp(log_ratio)
        scale = 1.0 / (1.0 + (ratio - 1.0) * self.own)
        change = self.both[0] * (ratio * scale - 1.0) + self.both[1] * (scale - 1.0)  # (yes or not, draws)
        masses = np.array([yes @ weights, (1.0 - yes) @ weights]) + change @ weights
        return float(masses[0] / masses.sum())


def row_gaps(solver: DaySolver, families: Sequence[Array], to: float, top: int) -> tuple[tuple[RowGap, ...], int]:
    """Return the rows that reach a probability with the least change, and how many do not or were not tried.

    Where none does, those that come nearest, with the state certain or excluded. `families`: those of the solver.
    """
    network, weights, yes = solver.network, solver.weights, solver.yes
    layout = network.layout
    tables = family_tables(network, solver.theta)
    candidates: list[tuple[float, int, _Row]] = []
    for v in range(len(layout.cards)):
        (scope, *chain), full = network.families[v], tables[v][0]
        if chain or len(network.alive[v]) < 2:
            continue
        own = full[alive_slices(network.alive, scope)]
        slopes, means = _slopes(families[v], own, solver), own @ weights
        for *places, k in np.ndindex(*own.shape[:-1]):
            if own.shape[-2] == 2 and k == 0:
                continue  # of two states either says the same
            if not 0.0 < means[(*places, k)] < 1.0:
                continue
            slope = float(slopes[(*places, k)])
            needed = abs((to - solver.start) / slope) if slope else inf
            candidates.append((needed, len(candidates), _Row(v, tuple(places), k, families[v], own)))
    found, nearest = [], []
    for _, place, row in sorted(candidates, key=lambda one: one[:2])[:SEARCHED]:

        def short_of(log_ratio: float, row: _Row = row) -> float:
            return row.probability(log_ratio, yes, weights) - to

        log_ratio = _crossing(short_of)
        if log_ratio is None:
            short, end = min((abs(row.probability(end, yes, weights) - to), end) for end in (MOST_LOG, -MOST_LOG))
            nearest.append((short, place, end, row))
        else:
            found.append((abs(log_ratio), place, log_ratio, row))
    unreached = len(candidates) - len(found)
    rows = []
    for _, _, log_ratio, row in sorted(found or nearest, key=lambda one: one[:2])[:top]:
        event, parents = layout.events[row.v], layout.parents[row.v]
        ratio = np.exp(log_ratio)
        changed = row.own * ratio / (1.0 + (ratio - 1.0) * row.own)
        rows.append(
            RowGap(
                event=event.id,
                parents={
                    layout.events[p].id: layout.events[p].states[network.alive[p][x]]
                    for p, x in zip(parents, row.places, strict=True)
                },
                state=event.states[network.alive[row.v][row.state]],
                before=float(row.own @ weights),
                after=float(changed @ weights),
                log_odds=log_ratio if found else None,
                reached=row.probability(log_ratio, yes, weights),
            )
        )
    return tuple(rows), unreached


def _crossing(f: Callable[[float], float]) -> float | None:
    """Return the x nearest to 0 at which a function of one crossing on either side is 0; or None.

    By false position, an end that stays counting half the next time (the Illinois rule; Dowell and Jarratt 1971).
    """
    at_zero = f(0.0)
    for end in (MOST_LOG, -MOST_LOG):
        if at_zero * (at_end := f(end)) < 0.0:
            return _root(f, (0.0, at_zero), (end, at_end))
    return None


def _root(f: Callable[[float], float], one: tuple[float, float], other: tuple[float, float]) -> float:
    """Find where a function is 0 between two places (x, f(x)) at which it has opposite signs."""
    (a, at_a), (b, at_b) = one, other
    for count in range(MOST_TRIED):
        # False position creeps where the function is flat: every third try halves.
        x = (a + b) / 2.0 if count % 3 == 2 else b - at_b * (b - a) / (at_b - at_a)
        at_x = f(x)
        if abs(at_x) <= MET or abs(b - a) <= MET:
            return x
        if at_x * at_b < 0.0:
            a, at_a = b, at_b
        else:
            at_a /= 2.0
        b, at_b = x, at_x
    return b


class _Statements:
    """The single numbers that were stated, as what weighs the draws: those of a question, yes or not."""

    def __init__(self, outcome: Outcome, yes: Array, to: float) -> None:
        of = outcome.posterior
        self._outcome, self._spec, self._yes, self._to = outcome, of.spec, yes, to
        n = of.spec.stated.location.size
        self.places = {name: rows[0] for name, rows in statement_columns(of.spec).items() if rows[0] < n}
        fit = of.draws.fit()[0]
        with np.errstate(divide="ignore"):  # a draw of weight 0 has log weight minus infinity
            self._log_weights = np.log(of.weights.weights)
        rows = list(self.places.values())
        self._number = {name: number for number, name in enumerate(self.places)}
        stated, omega = of.spec.stated, fit["omega"].reshape(-1, len(of.spec.experts)).T
        heard, beyond = heard_in(of.spec, fit)[rows], by_coders(of.spec, fit)[1][rows]
        scatters, scale, weight = (one[rows, np.newaxis] for one in (stated.scatters, stated.scale, stated.weight))
        sd = np.sqrt(reading_variance(scatters, omega[stated.expert[rows]], scale, weight, beyond))
        self._apart, self._per_sd = (stated.location[rows, np.newaxis] - heard) / sd, scale / sd
        self._is_rule = stated.scatters[rows] == 0.0
        self._side = 1.0 if to > float(yes @ of.weights.weights) else -1.0

    def moved(self, shifts: Mapping[str, float]) -> tuple[float, float]:
        """Return P(yes) with statements moved by so many sds, and Pareto k of the weights."""
        total = self._log_weights + sum(self.changed(name, sds) for name, sds in shifts.items())
        smoothed = smooth(total)
        return float(self._yes @ smoothed.weights), smoothed.pareto_k

    def changed(self, name: str, sds: float) -> Array:
        """Return by how much the log likelihood of a statement changes in each draw if it is moved by so many sds."""
        row = self._number[name]
        apart, moved = self._apart[row], self._apart[row] + sds * self._per_sd[row]
        if self._is_rule[row]:
            return np.asarray((np.square(apart) - np.square(moved)) / 2.0)
        tails = (DEGREES_OF_FREEDOM + 1.0) / 2.0  # of a t, as in forecast.sampling.likelihood
        return np.asarray(
            tails * np.log((DEGREES_OF_FREEDOM + np.square(apart)) / (DEGREES_OF_FREEDOM + np.square(moved)))
        )

    def nearest(self, direction: Mapping[str, float]) -> tuple[float, float, float]:
        """Return how far along a direction the price is reached, P(yes) there, and Pareto k.

        Where it is not, the place farthest along that the draws bear and that comes nearest to the price.
        """

        def at(sds: float) -> tuple[bool, float, float]:
            p, k = self.moved({name: sds * share for name, share in direction.items()})
            return self.reaches(p), p, k

        best = (0.0, *at(0.0)[1:])
        for step in np.arange(STEP, FARTHEST + STEP / 2.0, STEP).tolist():
            is_there, p, k = at(step)
            if not k <= MAX_PARETO_K:
                break
            if is_there:
                low, high = step - STEP, step
                for _ in range(HALVINGS):
                    middle = (low + high) / 2.0
                    low, high = (low, middle) if at(middle)[0] else (middle, high)
                return (high, *at(high)[1:])
            if self._side * (p - best[1]) > 0.0:
                best = (step, p, k)
        return best

    def reaches(self, p: float) -> bool:
        """Say whether a probability is the price, or beyond it."""
        return self._side * (p - self._to) >= 0.0

    def towards(self) -> dict[str, float]:
        """Return by how much P(yes) comes nearer to the price for each sd by which a statement is moved up."""
        weights = np.exp(self._log_weights)
        p_now = self._yes @ weights
        slopes = {}
        for name in self.places:
            # The slope of the log likelihood, of which the draws with yes have more than all have, or less.
            slope = (self.changed(name, SLIGHTLY) - self.changed(name, -SLIGHTLY)) / (2.0 * SLIGHTLY) * weights
            slopes[name] = self._side * float(self._yes @ slope - p_now * slope.sum())
        return slopes

    def told(self, name: str, sds: float, reached: tuple[float, float] | None = None) -> StatementGap:
        """Return a statement as it would have to be."""
        workspace = self._outcome.workspace
        statement = next(one for one in workspace.statements if one.id == name)
        said = numbers(statement, workspace.experts, workspace.network)
        is_probability = isinstance(said, StatedNumber) and said.against is None
        place = self.places[name]
        location, scale = float(self._spec.stated.location[place]), float(self._spec.stated.scale[place])
        return StatementGap(
            statement=name,
            expert=statement.expert,
            stated=expit(location) if is_probability else None,
            changed=expit(location + sds * scale) if is_probability else None,
            sds=sds,
            reached=None if reached is None else reached[0],
            pareto_k=None if reached is None else _finite(reached[1]),
        )


def _finite(k: float) -> float | None:
    return k if isfinite(k) else None


def _statements(
    outcome: Outcome, yes: Array, to: float, top: int
) -> tuple[tuple[StatementGap, ...], TogetherGap | None, int]:
    """Find the changes of single stated numbers; of distributions, counts and orders nothing is said."""
    said = _Statements(outcome, yes, to)
    towards = said.towards()
    ranked = sorted((name for name in towards if towards[name]), key=lambda one: -abs(towards[one]))
    found: list[StatementGap] = []
    short: list[StatementGap] = []
    for name in ranked[: 4 * top]:
        side = float(np.sign(towards[name]))
        sds, p, k = said.nearest({name: side})
        (found if said.reaches(p) else short).append(said.told(name, side * sds, (p, k)))
    found.sort(key=lambda one: abs(one.sds))
    short.sort(key=lambda one: abs((one.reached or 0.0) - to))
    together = None
    length = float(np.sqrt(sum(slope**2 for slope in towards.values())))
    if length > 0.0:
        direction = {name: towards[name] / length for name in ranked}
        sds, p, k = said.nearest(direction)
        most = tuple(said.told(name, sds * direction[name]) for name in ranked[: max(top, 5)])
        together = TogetherGap(sds=sds, reached=p, pareto_k=_finite(k), statements=most)
    return tuple((found or short)[:top]), together, len(towards) - len(found)
