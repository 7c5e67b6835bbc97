"""The smallest changes that would bring a question to a price: of a report, a CPT row, one statement, all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import inf, isfinite, log10

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.questions import latest_numbers, of_other_rules
from forecast.inference.engine import ENGINE, draws_at_once
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, alive_slices, compile_workspace, family_tables
from forecast.posterior.by_date import decided, question_probabilities
from forecast.posterior.posterior import Query, query
from forecast.posterior.weights import MAX_PARETO_K, smooth
from forecast.sampling.likelihood import log_likelihood_given_noise, statement_columns
from forecast.sampling.readings import numbers
from forecast.sampling.spec import PriorSpec
from forecast.workspace.fits import expit
from forecast.workspace.problems import choice
from forecast.workspace.read_benchmarks import authors_of
from forecast.workspace.records import Question, Scenario
from forecast.workspace.statement_forms.form import StatedNumber

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MOST_LOG = 30.0  # of a factor: odds are changed by no more than e to this
HALVINGS = 60
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
    evidence, no_event = evidence_gaps(solver, question, families, price, top, progress)
    rows, no_row = row_gaps(solver, families, price, top, progress)
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
        msg = f"nobody has forecast '{name}'; say with --to which probability is to be reached"
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
    """The network of a question's day on all draws, as it is and with a row multiplied.

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
            tables, _ = self._factors(places)
            log_evidence, joints = ENGINE.families(
                self.queried.plan, self.queried.with_rules(tables), range(n), self.queried.masks
            )
            return log_evidence, [np.broadcast_to(one, (*one.shape[:-1], places.size)) for one in joints]

        parts = self._on_blocks(solved, 2)
        self.log_evidence = np.concatenate([one for one, _ in parts])
        joints = [np.concatenate(of_event, axis=-1) for of_event in zip(*(one for _, one in parts), strict=True)]
        self.yes = joints[0][..., 0, :].reshape(-1, self.weights.size).sum(axis=0)
        return joints

    def reached(self, v: int, factor: Callable[[Index], Array]) -> float:
        """Solve all draws with the row of an event multiplied (*alive states of its scope, draws); return P(yes)."""

        def solved(places: Index) -> Array:
            tables, _ = self._factors(places)
            tables[v] = tables[v] * factor(places)
            return ENGINE.log_regions(self.queried.plan, self.queried.with_rules(tables), self.queried.masks)

        logs = np.concatenate(self._on_blocks(solved, 2), axis=1) - self.log_evidence
        masses = np.exp(logs) @ self.weights
        return float(masses[0] / masses.sum())

    def _factors(self, places: Index) -> tuple[list[Array], Array]:
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
    progress: Callable[[str], None],
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
        progress(f"solving every draw with a report on {event.id}")
        factor = np.ones(len(network.alive[v]))
        factor[list(side)] = np.exp(log_ratio)
        reports = [(report.decibans, report.item) for report in network.reports if v in report.scope]
        strongest = max((one for one in reports if isfinite(one[0])), default=None)
        rows.append(
            EvidenceGap(
                event=event.id,
                states=tuple(event.states[network.alive[v][k]] for k in side),
                decibans=10.0 * log_ratio / float(np.log(10.0)),
                reached=solver.reached(v, lambda _, factor=factor: factor[:, np.newaxis]),  # type: ignore[misc]
                item=None if strongest is None else strongest[1],
                item_decibans=None if strongest is None else strongest[0],
            )
        )
    return tuple(rows), unreached


@dataclass(frozen=True)
class _Row:
    """A row and a state of it, in every draw.

    `both`: P(row, state or not, yes or not | E, draw); `own`: the state's probability in the row itself.
    """

    v: int
    places: tuple[int, ...]
    state: int
    both: Array
    own: Array

    def probability(self, log_ratio: float, yes: Array, weights: Array) -> float:
        """P(yes) with the odds of the state in the row multiplied."""
        ratio = np.exp(log_ratio)
        scale = 1.0 / (1.0 + (ratio - 1.0) * self.own)
        change = self.both[0] * (ratio * scale - 1.0) + self.both[1] * (scale - 1.0)  # (yes or not, draws)
        masses = np.array([yes @ weights, (1.0 - yes) @ weights]) + change @ weights
        return float(masses[0] / masses.sum())


def row_gaps(
    solver: DaySolver, families: Sequence[Array], to: float, top: int, progress: Callable[[str], None]
) -> tuple[tuple[RowGap, ...], int]:
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
        for places in np.ndindex(*own.shape[:-2]):
            joint = families[v][places]  # (states, yes or not, draws)
            for k in range(own.shape[-2]):
                if own.shape[-2] == 2 and k == 0:
                    continue  # of two states either says the same
                both = np.stack([joint[k], joint.sum(axis=0) - joint[k]])
                row = _Row(v, places, k, both, own[(*places, k)])
                if not 0.0 < float(row.own @ weights) < 1.0:
                    continue
                slope = (row.probability(1e-4, yes, weights) - row.probability(-1e-4, yes, weights)) / 2e-4
                needed = abs((to - solver.start) / slope) if slope else inf
                candidates.append((needed, len(candidates), row))
    found, nearest = [], []
    for _, place, row in sorted(candidates, key=lambda one: one[:2])[:SEARCHED]:
        log_ratio = _crossing(lambda x, row=row: row.probability(x, yes, weights) - to)  # type: ignore[misc]
        if log_ratio is None:
            short, end = min((abs(row.probability(end, yes, weights) - to), end) for end in (MOST_LOG, -MOST_LOG))
            nearest.append((short, place, end, row))
        else:
            found.append((abs(log_ratio), place, log_ratio, row))
    unreached = len(candidates) - len(found)
    rows = []
    for _, _, log_ratio, row in sorted(found or nearest, key=lambda one: one[:2])[:top]:
        event, parents = layout.events[row.v], layout.parents[row.v]
        progress(f"solving every draw with a row of {event.id} changed")
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
                reached=solver.reached(row.v, lambda draws, row=row, ratio=ratio: _scaled(network, row, ratio, draws)),  # type: ignore[misc]
            )
        )
    return tuple(rows), unreached


def _scaled(network: AsOfNetwork, row: _Row, ratio: float, draws: Index) -> Array:
    """Return by what the rows of an event are multiplied where the odds of one state of one row are."""
    parents = network.layout.parents[row.v]
    factor = np.ones((*(len(network.alive[p]) for p in parents), len(network.alive[row.v]), draws.size))
    scale = 1.0 / (1.0 + (ratio - 1.0) * row.own[draws])
    factor[row.places] = scale
    factor[(*row.places, row.state)] = ratio * scale
    return factor


def _crossing(f: Callable[[float], float]) -> float | None:
    """Return the x nearest to 0 at which a function of one crossing on either side is 0, by bisection; or None."""
    at_zero = f(0.0)
    for end in (MOST_LOG, -MOST_LOG):
        if at_zero * f(end) < 0.0:
            low, high = 0.0, end
            for _ in range(HALVINGS):
                middle = (low + high) / 2.0
                low, high = (middle, high) if at_zero * f(middle) > 0.0 else (low, middle)
            return (low + high) / 2.0
    return None


class _Statements:
    """The single numbers that were stated, as what weighs the draws: those of a question, yes or not."""

    def __init__(self, outcome: Outcome, yes: Array, to: float) -> None:
        of = outcome.posterior
        self._outcome, self._spec, self._yes, self._to = outcome, of.spec, yes, to
        n = of.spec.stated.location.size
        self.places = {name: rows[0] for name, rows in statement_columns(of.spec).items() if rows[0] < n}
        self._fit = of.draws.fit()[0]
        with np.errstate(divide="ignore"):  # a draw of weight 0 has log weight minus infinity
            self._log_weights = np.log(of.weights.weights)
        self._known = log_likelihood_given_noise(of.spec, self._fit, list(self.places))
        self._side = 1.0 if to > float(yes @ of.weights.weights) else -1.0

    def moved(self, shifts: Mapping[str, float]) -> tuple[float, float]:
        """Return P(yes) with statements moved by so many sds, and Pareto k of the weights."""
        changed = log_likelihood_given_noise(_shifted(self._spec, self.places, shifts), self._fit, list(shifts))
        total = self._log_weights + np.sum([changed[name] - self._known[name] for name in shifts], axis=0)
        smoothed = smooth(total)
        return float(self._yes @ smoothed.weights), smoothed.pareto_k

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
                for _ in range(20):
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
        ways = {name: (self.moved({name: 0.05})[0] - self.moved({name: -0.05})[0]) / 0.1 for name in self.places}
        return {name: self._side * slope for name, slope in ways.items()}

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


def _shifted(spec: PriorSpec, places: Mapping[str, int], shifts: Mapping[str, float]) -> PriorSpec:
    location = spec.stated.location.copy()
    for name, sds in shifts.items():
        location[places[name]] += sds * spec.stated.scale[places[name]]
    return replace(spec, stated=replace(spec.stated, location=location))
