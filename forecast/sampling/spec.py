"""The prior as plain arrays: which queries on which as-of networks, read by whom, how noisily.

Light on purpose: the daily update builds it to find its cached draws by digest, without opening the sampler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.cpt import KINDS, ROWS
from forecast.cpt.kind import PARTS, UNSPOKEN, Collector, Family, Gathered, Parent, Recipe, Spoken, open_families
from forecast.inference.engine import ENGINE
from forecast.inference.tape import LinearMap, NumpyMath, linear_map, zero_sum_basis
from forecast.model.asof import AsOfNetwork, Latest, compile_opening, compile_workspace
from forecast.model.between import CausesOnTheWayError, Sliced, compile_through
from forecast.model.decision import LARGEST_JOINT, Decision, TooManyClassesError, decide, rules_of
from forecast.model.layout import Index, Layout, rule_events, scenario_masks
from forecast.sampling.readings import (
    CODER_VARIANCE,
    MEDIAN_CODER,
    SD_LOG_CODER,
    came_true,
    coded_numbers,
    numbers,
    of_coders,
    read_at,
)
from forecast.workspace.names import OTHER, horizon_on
from forecast.workspace.problems import Problem, WorkspaceProblems
from forecast.workspace.records import Condition, DatedCondition, Statement, Target, Workspace
from forecast.workspace.statement_forms import targets_of
from forecast.workspace.statement_forms.form import CountedCases, Ordered, StatedDistribution, StatedNumber

# The prior of CPT rows: theta as a function of independent standard normal coordinates.
#
# Each event's rows are built in the way that its `cpt` names (forecast.cpt): log-odds are linear in the coordinates,
# and each way turns its own into theta.

Array = NDArray[np.float64]
NOBODY_SPOKE: Mapping[str, Spoken] = {}


@dataclass(frozen=True)
class LogOdds:
    """eta = mean + weights @ coordinates (alpha, then beta, then epsilon, one after the other)."""

    mean: Array
    weights: LinearMap

    def __matmul__(self, coordinates: Any) -> Any:
        """Compute eta (n_eta, draws) from coordinates (n, draws), arrays or values on a tape."""
        return self.weights @ coordinates + self.mean[:, np.newaxis]


@dataclass(frozen=True, kw_only=True)
class RowsPrior:
    """theta from standard normal coordinates (alpha, then beta, then epsilon, one after the other).

    `eta` gives log-odds, `recipes` turn them into theta, each that of the events whose rows are built in one way.
    `certain` are the entries that are one: the state that is left alone in a row where the others lack what they
    require. Entries that nothing names are zero.
    """

    alpha: tuple[str, ...]  # a readable label of each coordinate
    beta: tuple[str, ...]
    epsilon: tuple[str, ...]
    eta: LogOdds
    recipes: tuple[Recipe, ...]
    certain: Index
    n_theta: int

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates."""
        return len(self.alpha) + len(self.beta) + len(self.epsilon)


def rows_prior(layout: Layout, spoken: Mapping[str, Spoken] = NOBODY_SPOKE) -> RowsPrior:
    """Lay out the coordinates of every event's rows. `spoken`: what of events, by their ids, is stated."""
    collector, gathered = Collector(), Gathered(ROWS)
    certain: list[int] = []
    for v, event in enumerate(layout.events):
        families = [_family(layout, v, spoken.get(event.id, UNSPOKEN))]
        if event.requires:
            possible = [layout.possible(v, row) for row in range(layout.n_rows(v))]
            families = open_families(families[0], possible)
            alone = [(row, states[0]) for row, states in enumerate(possible) if len(states) == 1]
            certain += [layout.theta_index(v, *place) for place in alone if event.kind != "reached"]
        for family in families:
            KINDS[event.cpt.kind].add(family, collector, gathered)
    return RowsPrior(
        alpha=collector.labels("alpha"),
        beta=collector.labels("beta"),
        epsilon=collector.labels("epsilon"),
        eta=_log_odds(collector),
        recipes=gathered.recipes(),
        certain=np.array(certain, dtype=np.intp),
        n_theta=layout.n_theta,
    )


def spoken_of(layout: Layout, workspace: Workspace, statements: Iterable[Statement]) -> dict[str, Spoken]:
    """Return what of each event statements put numbers on.

    A number under a condition on a parent is about what that parent does, one under no such condition about the event
    as a whole. A comparison of two targets puts a number on neither.
    """
    whole: set[str] = set()
    given: dict[str, set[str]] = {}
    for statement in statements:
        said, about = numbers(statement, workspace.experts, workspace.network), statement.about
        compares = isinstance(said, Ordered) or (isinstance(said, StatedNumber) and said.against is not None)
        if about.condition is None or compares:
            continue
        event = layout.events[layout.index[about.condition.event]]
        if named := {when.event for when in about.given}.intersection(event.parents):
            given.setdefault(event.id, set()).update(named)
        else:
            whole.add(event.id)
    return {name: Spoken(name in whole, frozenset(given.get(name, ()))) for name in sorted({*whole, *given})}


def _family(layout: Layout, v: int, spoken: Spoken) -> Family:
    event = layout.events[v]
    return Family(
        event=event.id,
        states=event.states,
        is_reached=event.kind == "reached",
        parents=tuple(Parent(layout.events[p].id, layout.events[p].states) for p in layout.parents[v]),
        leak=event.cpt.leak,
        offset=layout.offsets[v],
        directions=tuple(event.direction(layout.events[p].id) for p in layout.parents[v]),
        spoken=spoken,
        is_by_cause=layout.acts_by_cause(v),
    )


def _log_odds(collector: Collector) -> LogOdds:
    starts, start = {}, 0
    for part in PARTS:
        starts[part] = start
        start += len(collector.labels(part))
    rows = [{starts[c.part] + c.number: weight for c, weight in weights.items()} for weights in collector.weights]
    return LogOdds(np.array(collector.means), linear_map(rows))


def theta_values(xp: Any, prior: RowsPrior, coordinates: Any) -> Iterator[tuple[Index, Any]]:
    """Compute theta from coordinates (n, draws) as (theta indices, values (entries, draws)).

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    eta = prior.eta @ coordinates
    for recipe in prior.recipes:
        yield from recipe.values(xp, eta)


def theta_at_centre(prior: RowsPrior) -> Array:
    """Return theta (n_theta, 1) with every coordinate at zero: positive wherever it is not held at zero."""
    return theta_draws(prior, np.zeros((prior.n_coordinates, 1)))


def theta_draws(prior: RowsPrior, coordinates: Array) -> Array:
    """Compute theta (n_theta, draws) from coordinates (n, draws)."""
    theta = np.zeros((prior.n_theta, coordinates.shape[1]))
    theta[prior.certain] = 1.0
    for where, values in theta_values(NumpyMath, prior, coordinates):
        theta[where] = values
    return theta


States = tuple[int, ...]
Given = tuple[tuple[int, States], ...]
Supposed = Given  # what comes true on the day on which a statement is read
Voices = Sequence[tuple[str, str, float]]  # kind of deviation, whose, and its weight
Through = tuple[tuple[date, ...], tuple[int, ...]]  # days on the way, and the events that are spoken of

SD_DEVIATION = 0.4  # of a group's (or a coder's) deviation, the stated state's component, in log-odds
SD_COUNT = 0.7  # of a reference class against the event at hand, in log-odds
SD_EXPERT = 0.25  # half-normal scale of an expert's own extra noise omega, in log-odds
SD_BIAS, SD_SLOPE = 0.5, 0.35  # of an expert's bias (log-odds) and of the logarithm of the slope, before the record
MOST_ENTRIES = 200_000  # products of a network with days on the way: more would cost several times all other statements
LEAST_RECORD = 10  # resolved forecasts from which on an expert's own bias and slope are learned


@dataclass(frozen=True, kw_only=True)
class TargetOdds:
    """P(target and given, known evidence) against P(not target and given, known evidence), in one network.

    `variables` are the target's event (or the events of the scenario rules), `table` its 0/1 indicator over them.
    """

    network: int
    given: Given
    variables: tuple[int, ...]
    table: Array

    @property
    def rules(self) -> Decision:
        """What stands between the network's variables and `variables`: nothing."""
        return UNDECIDED


UNDECIDED = Decision(kept=(), masks=np.ones(1))


@dataclass(frozen=True, kw_only=True)
class DecidedOdds(TargetOdds):
    """The same of a scenario whose rules are evaluated on the way of the elimination.

    `variables` is what `decision` leaves to the last.
    """

    decision: Decision

    @property
    def rules(self) -> Decision:
        """What stands between the network's variables and `variables`."""
        return self.decision


@dataclass(frozen=True, kw_only=True)
class PriorSpec:
    """All numbers of stage 1.

    A quantity is a fixed linear combination of ln a, ln b and ln(a + b) of the sides (a: target, b: its complement;
    columns of `quantities` count the sides' ln a first, then ln b, then ln(a + b)) plus one of deviation coordinates.
    Rows of `quantities`, in order: the single numbers, the coordinates of distributions, counts, orders.
    """

    layout: Layout
    rows: RowsPrior
    networks: tuple[AsOfNetwork, ...]
    sides: tuple[TargetOdds, ...]
    quantities: LinearMap
    deviations: LinearMap
    deviation_labels: tuple[str, ...]
    experts: tuple[str, ...]
    stated: Noisy
    distributions: Noisy
    distribution_of: NDArray[np.intp]  # for each coordinate, which distribution statement
    counted: Array  # (counts, 4): cases with a step, cases, exponent, sd of the class against the event at hand
    ordered: Array  # logistic scale of each order
    statement_ids: tuple[str, ...]  # by block: single numbers, distributions, counts, orders
    rated: tuple[str, ...]  # experts with a track record of LEAST_RECORD or more
    rated_of: Index  # for each single number: 1 + which of them stated it, 0 for nobody
    is_biased: Array  # for each single number: 0 for a difference (a constant bias cancels), else 1
    record: TrackRecord
    anchor: AsOfNetwork | None
    codings: Codings | None = None  # None where no remark was coded by several

    @property
    def n_distributions(self) -> int:
        """Number of statements that give a whole distribution."""
        return int(self.distribution_of.max(initial=-1)) + 1


@dataclass(frozen=True, kw_only=True)
class Noisy:
    """Stated values with their sd (log-odds), the index of the expert whose omega adds to it, and the expert's weight.

    The noise of a reading is sqrt((sd^2 + scatters omega^2) / weight); `scatters` is 0 for an exact expert, else 1.
    It has the tails of a t with 4 degrees of freedom, that of an exact expert those of a normal distribution.
    """

    location: Array
    scale: Array
    expert: NDArray[np.intp]
    weight: Array
    scatters: Array


@dataclass(frozen=True, kw_only=True)
class Codings:
    """What is known of coders where remarks were coded by several.

    `shares` of each single number and then of each coordinate of a distribution: one over how many coded it, 0 where
    the expert gave it; `held`: what its variance holds of coders as it stands in the spec. Contrasts are the codings of
    one remark in an orthonormal zero-sum basis, in log-odds: `location`, `of` which single number, and their
    deviations, which are those of the coders.
    """

    shares: Array
    held: Array
    location: Array
    of: Index
    deviations: LinearMap

    @property
    def belongs(self) -> Array:
        """Which contrast is of which number or coordinate: 0 or 1, (as `shares`, contrasts)."""
        return np.equal.outer(np.arange(self.shares.size), self.of).astype(float)


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """Resolved forecasts: the stated log-odds, whether it happened (0 or 1), and the index of the rated expert."""

    location: Array
    happened: Index
    expert: Index


class _Collector:
    """Gathers sides, networks and deviations while the statements are read one after the other."""

    def __init__(self, layout: Layout, workspace: Workspace) -> None:
        self.layout, self.workspace = layout, workspace
        self.networks: dict[tuple[date | None, date, Supposed, Through], Sliced] = {}
        self.sides: list[TargetOdds] = []
        self.deviation_labels: list[str] = []
        self.deviation_starts: dict[tuple[str, str, int], int] = {}

    def side(self, statement: Statement, target: Target, table: Array | None = None) -> int:
        """Add a side and return its number. `table` overrides the target's own indicator."""
        variables = self._variables(target)
        number, given = self._network(statement, target, variables)
        decision = UNDECIDED if target.condition is not None else self._decision(statement, number)
        if decision.cards:
            mask = decision.masks[self._names.index(str(target.scenario))]
            self.sides.append(
                DecidedOdds(network=number, given=given, variables=decision.kept, table=mask, decision=decision)
            )
        else:
            own = self._indicator(target) if table is None else table
            self.sides.append(TargetOdds(network=number, given=given, variables=variables, table=own))
        return len(self.sides) - 1

    @property
    def _names(self) -> list[str]:
        return [*(scenario.id for scenario in self.workspace.scenarios), OTHER]

    def _decision(self, statement: Statement, number: int) -> Decision:
        """Return how the rules of the scenarios are evaluated in a network."""
        network = list(self.networks.values())[number].network
        try:
            rules = rules_of(self.layout, network.alive, self.workspace.scenarios)
            return decide(network.cards, network.scopes, rules)
        except TooManyClassesError as error:
            what = f"statement '{statement.id}': the rules of the scenarios are about too many events at once"
            got = f"a table of {error.size:,} entries"
            allowed = f"at most {LARGEST_JOINT:,}; say it of an event, or let the rules name fewer events"
            raise WorkspaceProblems([Problem(statement.source, what, got, allowed)]) from error

    def _network(self, statement: Statement, target: Target, variables: tuple[int, ...]) -> tuple[int, Given]:
        """Return the number of the network in which a target is read, and its conditions there."""
        network = self.workspace.network
        read, on = read_at(statement, network), target.by or horizon_on(network, statement.date)
        dated = [when for when in target.given if isinstance(when, DatedCondition)]
        at_once = tuple((self.layout.index[when.event], self._states(when)) for when in dated if when.held_by is None)
        held = {when.event: when.held_by for when in dated if when.held_by is not None and when.held_by != on}
        days = tuple(sorted(set(held.values())))
        about = {*variables, *(self.layout.index[when.event] for when in target.given)} if days else set()
        key = (read, on, at_once, (days, tuple(sorted(about))))
        if key not in self.networks:
            self.networks[key] = self._compiled(statement, *key)
        sliced, given = self.networks[key], []
        for when in target.given:
            v = self.layout.index[when.event]
            if (v, self._states(when)) not in at_once or not isinstance(when, DatedCondition):
                given.append((sliced.at.get((held.get(when.event, on), v), v), self._states(when)))
        return list(self.networks).index(key), tuple(given)

    def _compiled(
        self, statement: Statement, read: date | None, on: date, at_once: Supposed, through: Through
    ) -> Sliced:
        layout, supposed = self.layout, dict(at_once)
        network = (
            compile_opening(layout, on, supposed)
            if read is None
            else compile_workspace(layout, self.workspace, read, on, supposed)
        )
        days, about = through
        if not days:
            return Sliced(network=network, at={})
        try:
            sliced = compile_through(network, days, about)
        except CausesOnTheWayError as error:
            kind = self.workspace.network.events[str(error)].cpt.kind
            what = f"statement '{statement.id}': 'held_by' hangs together with event '{error}', of cpt {kind}"
            allowed = f"say when: at_once, leave 'held_by' out, or give '{error}' cpt shared"
            raise WorkspaceProblems([Problem(statement.source, what, "", allowed)]) from error
        size = ENGINE.plan(sliced.network.cards, sliced.network.scopes).work
        if size > MOST_ENTRIES:
            what = f"statement '{statement.id}': 'held_by' is about the states of too many events on two days"
            allowed = f"at most {MOST_ENTRIES}; say when: at_once, or leave 'held_by' out"
            raise WorkspaceProblems([Problem(statement.source, what, f"{size} products", allowed)])
        return sliced

    def _variables(self, target: Target) -> tuple[int, ...]:
        if target.condition is not None:
            return (self.layout.index[target.condition.event],)
        return rule_events(self.layout, self.workspace.scenarios)

    def _indicator(self, target: Target) -> Array:
        if target.condition is not None:
            indicator = np.zeros(self.layout.cards[self.layout.index[target.condition.event]])
            indicator[list(self._states(target.condition))] = 1.0
            return indicator
        masks = scenario_masks(self.layout, self.workspace.scenarios)
        return np.asarray(masks[self._names.index(str(target.scenario))])

    def _states(self, condition: Condition) -> States:
        return tuple(self.layout.state(condition.event, state) for state in condition.states)

    def deviation(
        self, statement: Statement, target: Target, sign: float, row: dict[int, float], voices: Voices | None = None
    ) -> None:
        """Add sign * delta[group, event, states] (and the coders' mean) to a row over the deviation coordinates.

        `voices`: other deviations, each with its weight.
        """
        if target.condition is None or self.workspace.experts[statement.expert].exact:
            return
        v = self.layout.index[target.condition.event]
        states = list(self._states(target.condition))
        for kind, name, share in self._voices(statement) if voices is None else voices:
            for j, weight in enumerate(self._component(v)[states].sum(axis=0).tolist()):
                coordinate = self._coordinates(kind, name, v) + j
                row[coordinate] = row.get(coordinate, 0.0) + sign * share * weight

    def _voices(self, statement: Statement) -> Voices:
        """Return whose deviations a reading has: its expert's group, and its coders, of several the mean."""
        group, coders = self.workspace.experts[statement.expert].group, statement.coders
        return [("group", group, 1.0), *(("coder", coder, 1.0 / len(coders)) for coder in coders)]

    def deviation_coordinate(self, statement: Statement, v: int, direction: Array, row: dict[int, float]) -> None:
        """Add the deviation along a direction of the states' log-ratios (for a whole distribution)."""
        if self.workspace.experts[statement.expert].exact:
            return
        for kind, name, _ in self._voices(statement):  # a distribution has one coder
            for j, weight in enumerate((direction[:, np.newaxis] * self._component(v)).sum(axis=0).tolist()):
                coordinate = self._coordinates(kind, name, v) + j
                row[coordinate] = row.get(coordinate, 0.0) + weight

    def _component(self, v: int) -> Array:
        n = self.layout.cards[v]
        # Scaled so that each state's component has the stated sd, whatever the number of states.
        return zero_sum_basis(n) * (SD_DEVIATION / sqrt(1.0 - 1.0 / n))

    def _coordinates(self, kind: str, name: str, v: int) -> int:
        key = (kind, name, v)
        if key not in self.deviation_starts:
            self.deviation_starts[key] = len(self.deviation_labels)
            event = self.layout.events[v].id
            self.deviation_labels += [f"{kind} {name}: {event}[{j}]" for j in range(self.layout.cards[v] - 1)]
        return self.deviation_starts[key]


def prior_kappa(rng: np.random.Generator, n: int) -> Array:
    """Draw by how much coders differ (1, draws, 1), in log-odds, before any remark is coded twice."""
    return np.exp(log(MEDIAN_CODER) + SD_LOG_CODER * rng.standard_normal((1, n, 1)))


def active_statements(workspace: Workspace, as_of: date) -> tuple[Statement, ...]:
    """Return the statements made by a date, in id order."""
    return tuple(statement for statement in workspace.statements if statement.date <= as_of)


def known_resolution(statement: Statement, as_of: date) -> Statement:
    """Return the statement with its resolution only if that was known on a date."""
    later = statement.resolved is not None and statement.resolved.on > as_of
    return replace(statement, resolved=None) if later else statement


def track_records(workspace: Workspace, as_of: date) -> dict[str, list[tuple[float, int]]]:
    """Return (stated log-odds, whether it happened) of each expert's forecasts that were resolved by a date.

    Resolved by their own word, or by the question that asked the same (prior.readings). Forecasts of one probability
    only; a void question is no record.
    """
    records: dict[str, list[tuple[float, int]]] = {}
    for statement in active_statements(workspace, as_of):
        happened = came_true(workspace, statement, as_of)
        if happened is None or workspace.experts[statement.expert].exact:  # a rule has no bias to be learned
            continue
        said = numbers(statement, workspace.experts, workspace.network)
        if isinstance(said, StatedNumber) and said.against is None:
            records.setdefault(statement.expert, []).append((said.location, int(happened)))
    return records


def _track_record(records: dict[str, list[tuple[float, int]]], rated: tuple[str, ...]) -> TrackRecord:
    rows = [(location, happened, i) for i, expert in enumerate(rated) for location, happened in records[expert]]
    table = np.array(rows, dtype=float).reshape(-1, 3)
    return TrackRecord(location=table[:, 0], happened=table[:, 1].astype(np.intp), expert=table[:, 2].astype(np.intp))


def prior_spec(layout: Layout, workspace: Workspace, as_of: date, anchor: AsOfNetwork | None = None) -> PriorSpec:
    """Compile the statements known on a date. `anchor`: evidence that stage 1 includes (the refit of model.md)."""
    spec = _LATEST.once((layout, workspace), as_of, lambda: _compiled_statements(layout, workspace, as_of))
    return spec if anchor is None else replace(spec, anchor=anchor)


_LATEST: Latest[PriorSpec] = Latest(2)


def _compiled_statements(layout: Layout, workspace: Workspace, as_of: date) -> PriorSpec:
    collector = _Collector(layout, workspace)
    statements = active_statements(workspace, as_of)
    experts = tuple(sorted({statement.expert for statement in statements}))
    records = track_records(workspace, as_of)
    rated = tuple(expert for expert in experts if len(records.get(expert, ())) >= LEAST_RECORD)
    rated_of: list[int] = []
    is_biased: list[float] = []
    blocks: dict[str, list[tuple[dict[tuple[str, int], float], dict[int, float]]]]
    blocks = {kind: [] for kind in ("stated", "distribution", "count", "order")}
    noisy: dict[str, list[tuple[float, float, int, float, float]]] = {"stated": [], "distribution": []}
    distribution_of: list[int] = []
    counted: list[tuple[float, float, float, float]] = []
    ordered: list[float] = []
    ids: dict[str, list[str]] = {name: [] for name in blocks}
    shares: dict[str, list[float]] = {"stated": [], "distribution": []}
    contrasts: list[tuple[float, int, dict[int, float]]] = []
    for statement in statements:
        expert = experts.index(statement.expert)
        weight = workspace.experts[statement.expert].weight
        spread = 1.0 / sqrt(weight)
        scatters = 0.0 if workspace.experts[statement.expert].exact else 1.0
        match numbers(statement, workspace.experts, workspace.network):
            case StatedNumber() as said:
                ids["stated"].append(statement.id)
                noisy["stated"].append((said.location, said.scale, expert, weight, scatters))
                rated_of.append(1 + rated.index(statement.expert) if statement.expert in rated else 0)
                is_biased.append(float(said.against is None))
                blocks["stated"].append(_difference(collector, statement, said.against, said.of_odds))
                shares["stated"].append(_share(statement))
                of = len(ids["stated"]) - 1
                contrasts += [(location, of, row) for location, row in _contrasts(collector, statement)]
            case StatedDistribution() as said:
                for row, location in _log_ratios(collector, statement, said):
                    blocks["distribution"].append(row)
                    noisy["distribution"].append((location, said.scale, expert, weight, scatters))
                    distribution_of.append(len(ids["distribution"]))
                    shares["distribution"].append(_share(statement))
                ids["distribution"].append(statement.id)
            case CountedCases() as said:
                ids["count"].append(statement.id)
                # The quantity is ln P(no step in a case): where staying was counted, the other cases took one.
                moved, open_part = (said.of - said.happened, "a") if said.stays else (said.happened, "b")
                counted.append((moved, said.of, said.exponent, SD_COUNT * spread))
                side = collector.side(statement, statement.about)
                blocks["count"].append(({(open_part, side): said.exponent, ("total", side): -said.exponent}, {}))
            case Ordered() as said:
                ids["order"].append(statement.id)
                ordered.append(said.scale * spread)
                blocks["order"].append(_difference(collector, statement, said.other, of_odds=True))
    rows = [row for block in blocks.values() for row in block]
    place = {"a": 0, "b": len(collector.sides), "total": 2 * len(collector.sides)}
    return PriorSpec(
        layout=layout,
        rows=rows_prior(layout, spoken_of(layout, workspace, statements)),
        networks=tuple(sliced.network for sliced in collector.networks.values()),
        sides=tuple(collector.sides),
        quantities=linear_map([{place[part] + side: w for (part, side), w in row.items()} for row, _ in rows]),
        deviations=linear_map([row for _, row in rows]),
        deviation_labels=tuple(collector.deviation_labels),
        experts=experts,
        stated=_noisy(noisy["stated"]),
        distributions=_noisy(noisy["distribution"]),
        distribution_of=np.array(distribution_of, dtype=np.intp),
        counted=np.array(counted, dtype=float).reshape(-1, 4),
        ordered=np.array(ordered, dtype=float),
        statement_ids=tuple(name for block in ids.values() for name in block),
        rated=rated,
        rated_of=np.array(rated_of, dtype=np.intp),
        is_biased=np.array(is_biased),
        record=_track_record(records, rated),
        anchor=None,
        codings=_codings(shares["stated"] + shares["distribution"], contrasts) if contrasts else None,
    )


def _share(statement: Statement) -> float:
    return 1.0 / len(statement.coders) if statement.coders else 0.0


def _codings(shares: Sequence[float], contrasts: Sequence[tuple[float, int, dict[int, float]]]) -> Codings:
    locations, of, rows = zip(*contrasts, strict=True)
    by_row, location, coded = np.array(shares), np.array(locations), np.array(of, dtype=np.intp)
    apart = np.bincount(coded, np.square(location), minlength=by_row.size)
    held = of_coders(by_row, CODER_VARIANCE, apart)
    return Codings(shares=by_row, held=held, location=location, of=coded, deviations=linear_map(rows))


def _contrasts(collector: _Collector, statement: Statement) -> Iterator[tuple[float, dict[int, float]]]:
    """Yield the contrasts of a remark's codings, each with its row over the deviation coordinates."""
    codings = coded_numbers(statement, collector.workspace.experts, collector.workspace.network)
    basis = zero_sum_basis(len(codings)) if len(codings) > 1 else np.zeros((0, 0))
    for k in range(basis.shape[1]):
        voices = [("coder", coder, float(basis[j, k])) for j, coder in enumerate(statement.coders)]
        row: dict[int, float] = {}
        for target, sign in [(statement.about, 1.0), *((other, -1.0) for other in targets_of(statement)[1:])]:
            collector.deviation(statement, target, sign, row, voices)
        yield sum(float(basis[j, k]) * one.location for j, one in enumerate(codings)), row


def _noisy(rows: Sequence[tuple[float, float, int, float, float]]) -> Noisy:
    table = np.array(rows, dtype=float).reshape(-1, 5)
    return Noisy(
        location=table[:, 0],
        scale=table[:, 1],
        expert=table[:, 2].astype(np.intp),
        weight=table[:, 3],
        scatters=table[:, 4],
    )


Row = tuple[dict[tuple[str, int], float], dict[int, float]]


def _difference(collector: _Collector, statement: Statement, against: Target | None, of_odds: bool) -> Row:
    """Return the log-odds (or log probability) of the target, less that of `against`."""
    below = "b" if of_odds else "total"
    row: dict[tuple[str, int], float] = {}
    deviation: dict[int, float] = {}
    for target, sign in [(statement.about, 1.0), *([(against, -1.0)] if against else [])]:
        side = collector.side(statement, target)
        row |= {("a", side): sign, (below, side): -sign}
        collector.deviation(statement, target, sign, deviation)
    return row, deviation


def _log_ratios(collector: _Collector, statement: Statement, said: StatedDistribution) -> list[tuple[Row, float]]:
    """Return one row a coordinate of the centred log-ratios, in the orthonormal zero-sum basis."""
    n = len(said.probabilities)
    sides = [collector.side(statement, statement.about, np.eye(n)[x]) for x in range(n)]
    basis = zero_sum_basis(n)
    v = collector.sides[sides[0]].variables[0]
    rows = []
    for j in range(n - 1):
        deviation: dict[int, float] = {}
        collector.deviation_coordinate(statement, v, basis[:, j], deviation)
        location = sum(float(basis[x, j]) * log(p) for x, p in enumerate(said.probabilities))
        rows.append((({("a", side): float(basis[x, j]) for x, side in enumerate(sides)}, deviation), location))
    return rows
