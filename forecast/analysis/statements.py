"""Expert statements: what was said, what it was coded as, where the model ended, and how far apart the two are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import combinations, product
from math import exp, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import zero_sum_basis
from forecast.ledger.outcome import Outcome
from forecast.model.layout import Layout
from forecast.plain import Link, link
from forecast.posterior.weights import averages, quantile_errors
from forecast.sampling.likelihood import DISAGREES, residuals, statement_columns
from forecast.sampling.readings import numbers, read_at
from forecast.sampling.spec import active_statements
from forecast.words import conditions, event_names, interval, label, percent, scenario_names, target
from forecast.workspace.fits import expit, logit, reading_quantile
from forecast.workspace.names import horizon_on
from forecast.workspace.problems import Problem, quoted, shown
from forecast.workspace.records import EDITORS, Condition, DatedCondition, Expert, Statement, Target, Workspace
from forecast.workspace.statement_forms import statement_form
from forecast.workspace.statement_forms.form import CountedCases, Ordered, StatedDistribution, StatedNumber

Array = NDArray[np.float64]
Voice = Literal["expert", "editors", "rule"]


@dataclass(frozen=True)
class _Implied:
    """What stage 1 implies for a statement: as text, and as numbers."""

    shown: str
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """A statement beside what the model of all statements implies for it.

    `voice` says whose number it is: an expert's, the editors' own, or what follows from a rule; `event` is "scenarios"
    where it is about one; `residual` is coded less implied in standard deviations, None for a mere order.
    """

    id: str
    date: str
    expert: str
    group: str
    coded_by: str | None
    voice: Voice
    says: str
    why: str
    publisher: str
    title: str | None
    link: Link | None
    event: str
    event_id: str | None
    about: str
    coded: str
    implied: str
    implied_values: Mapping[str, object]
    residual: float | None
    residual_shown: str
    disagrees: bool


def statement_rows(outcome: Outcome, fit: Mapping[str, Array]) -> list[StatementRow]:
    """Describe every statement known on the as-of date, by event and date.

    Args:
        outcome: the forecast.
        fit: the posterior of stage 1 without the anchor's evidence, {variable: (chain, draw, ...)}.
    """
    spec = outcome.posterior.spec
    said = {statement.id: statement for statement in outcome.workspace.statements}
    columns = statement_columns(spec)
    gaps = residuals(spec, fit)
    quantity = fit["quantity"].reshape(-1, fit["quantity"].shape[-1]) if columns else np.empty((0, 0))
    names, events = scenario_names(outcome), event_names(outcome)
    rows = []
    for name, column in columns.items():
        statement = said[name]
        implied = _implied(outcome, statement, quantity[:, column])
        expert = outcome.workspace.experts[statement.expert]
        residual = gaps[name]
        rows.append(
            StatementRow(
                id=name,
                date=statement.date.isoformat(),
                expert=expert.name,
                group=label(expert.group),
                coded_by=statement.coded_by,
                voice=_voice(expert),
                says=statement.says,
                why=statement.why,
                publisher=statement.publication.publisher,
                title=statement.publication.title,
                link=link(statement.publication.url),
                event=events[statement.about.condition.event] if statement.about.condition else "scenarios",
                event_id=statement.about.condition.event if statement.about.condition else None,
                about=_about(statement, names, events),
                coded=statement_form(statement.reading).words(statement.reading, names, events),
                implied=implied.shown,
                implied_values=implied.values,
                residual=residual,
                residual_shown=_signed(residual),
                disagrees=residual is not None and abs(residual) > DISAGREES,
            )
        )
    order = {event.id: v for v, event in enumerate(outcome.layout.events)}
    return sorted(rows, key=lambda row: (order.get(row.event_id or "", len(order)), row.date, row.id))


def _voice(expert: Expert) -> Voice:
    """Say whose number a statement of somebody is: an expert's, the editors' own, or what follows from a rule."""
    return "editors" if expert.id == EDITORS else "rule" if expert.exact else "expert"


def _about(statement: Statement, names: Mapping[str, str], events: Mapping[str, str]) -> str:
    if not statement_form(statement.reading).is_on_whole_event or statement.about.condition is None:
        return target(statement.about, names, events)
    given = f", if {conditions(statement.about.given, events)}" if statement.about.given else ""
    return f"each state of {events[statement.about.condition.event]}{given}"


def _implied(outcome: Outcome, statement: Statement, quantity: Array) -> _Implied:
    workspace = outcome.workspace
    match numbers(statement, workspace.experts, workspace.network):
        case StatedNumber(against=against):
            if against is not None:
                return _factor(np.exp(quantity[:, 0]))
            return _chance(1.0 / (1.0 + np.exp(-quantity[:, 0])))
        case StatedDistribution() as said:
            basis = zero_sum_basis(len(said.probabilities))
            return _distribution(statement, np.exp(quantity @ basis.T))
        case CountedCases(stays=stays):
            return _chance(np.exp(quantity[:, 0]) if stays else -np.expm1(quantity[:, 0]), " a case")
        case Ordered():
            share, error = _average((quantity[:, 0] > 0.0).astype(float))
            return _Implied(f"so in {percent(share, error)} of draws", {"share_of_draws": share})


def _average(values: Array) -> tuple[float, float]:
    """Return the mean of values (draws) and its Monte Carlo error."""
    average = averages(values[np.newaxis], np.full(values.size, 1.0 / values.size))
    return float(average.mean[0]), float(average.mcse[0])


def _chance(values: Array, unit: str = "") -> _Implied:
    mean, error = _average(values)
    low, high = np.quantile(values, [0.05, 0.95]).tolist()
    # Of a wide distribution the mean is known to ten points only; its ends, near 0 or 1, often to one.
    of_low, of_high = quantile_errors(values, [0.05, 0.95])
    shown = f"{percent(mean, error)}{unit} ({interval(low, high, (of_low, of_high))})"
    return _Implied(shown, {"mean": mean, "quantiles": [low, high]})


def _factor(values: Array) -> _Implied:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    numbers_ = {"median": middle, "quantiles": [low, high]}
    return _Implied(f"{_two_digits(middle)} times ({_two_digits(low)}–{_two_digits(high)})", numbers_)


def _signed(residual: float | None) -> str:
    return "—" if residual is None else f"{residual:+z.1f}".replace("-", "−")


def _two_digits(factor: float) -> str:
    return f"{factor:#.2g}".rstrip(".")


def _distribution(statement: Statement, shares: Array) -> _Implied:
    shares = shares / shares.sum(axis=1, keepdims=True)
    states = statement.about.condition.states if statement.about.condition else ()
    averaged = [_average(share) for share in shares.T]
    shown = ", ".join(f"{label(s)} {percent(*average)}" for s, average in zip(states, averaged, strict=True))
    return _Implied(shown, {"mean": {s: mean for s, (mean, _) in zip(states, averaged, strict=True)}})


NEAR_THE_ENDS = 0.05  # a probability below it, or above the rest, is told in log-odds
Unit = Literal["probability", "log-odds", "log-ratio"]


@dataclass(frozen=True)
class DistanceScale:
    """How what is implied for a statement is told: its unit, and the number of each draw in it."""

    unit: Unit
    stated: float
    values: Callable[[Array], Array]  # (rows, draws) -> (draws)
    state: str | None = None

    def mean(self, quantity: Array, weights: Array) -> tuple[float, float]:
        """Return the weighted mean over draws of what is implied, (rows, draws), and its Monte Carlo error."""
        found = averages(self.values(quantity)[np.newaxis], weights)
        return float(found.mean[0]), float(found.mcse[0])


def scale_of(
    said: Statement, read: StatedNumber | StatedDistribution | CountedCases, last: Array, weights: Array
) -> DistanceScale:
    """Choose how the way from a statement to what is implied for it, (rows, draws) with weights, is told.

    In points, or in log-odds where the stated or the implied probability is near 0 or 1. A distribution is told by the
    state that is implied farthest from what was stated.
    """
    if isinstance(read, StatedNumber) and read.against is not None:
        return DistanceScale("log-ratio", read.location, _first)
    state = None
    log_odds: Callable[[Array], Array]
    if isinstance(read, StatedNumber):
        stated, log_odds = expit(read.location), _first
    elif isinstance(read, CountedCases):
        stated, log_odds = read.happened / read.of, _of_staying if read.stays else _of_moving
    else:
        gaps = np.abs(_shares(last) @ weights - np.array(read.probabilities))
        place = int(gaps.argmax())
        stated, state = read.probabilities[place], _states(said)[place]
        log_odds = partial(_of_state, place)

    def chance(quantity: Array) -> Array:
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds(quantity))))

    implied = float(chance(last) @ weights)
    is_inside = all(NEAR_THE_ENDS <= p <= 1.0 - NEAR_THE_ENDS for p in (stated, implied))
    if is_inside or stated in {0.0, 1.0}:  # of a count: no case, or all
        return DistanceScale("probability", stated, chance, state)
    return DistanceScale("log-odds", logit(stated), log_odds, state)


def _first(quantity: Array) -> Array:
    return np.asarray(quantity[0])


def _of_moving(quantity: Array) -> Array:
    """Compute the log-odds of a case of a count, from ln P(it does not happen)."""
    return np.asarray(np.log(-np.expm1(quantity[0])) - quantity[0])


def _of_state(place: int, quantity: Array) -> Array:
    share = _shares(quantity)[place]
    return np.asarray(np.log(share) - np.log1p(-share))


def _of_staying(quantity: Array) -> Array:
    return -_of_moving(quantity)


def _shares(quantity: Array) -> Array:
    """Compute the probabilities of a distribution (states, draws) from its coordinates."""
    unscaled = np.exp(zero_sum_basis(len(quantity) + 1) @ quantity)
    return np.asarray(unscaled / unscaled.sum(axis=0))


def _states(said: Statement) -> Sequence[str]:
    return said.about.condition.states if said.about.condition else ()


# Which statements cannot all hold: linear programs over the joint probabilities of the events they name.
#
# De Finetti's notion of coherence: a set of stated probabilities is coherent if some joint distribution gives every
# one of them. Here each statement is an interval (90 %), so that only a contradiction beyond what was granted counts.

LEVEL = 0.9  # of the interval that a statement is held to
LEAST_CONDITION = 0.01  # a condition is taken to be possible: given what cannot happen, everything is coherent
LEAST_CONDITION_OF_A_RULE = 1e-7  # of an exact statement, such as a row of a table: nobody chose to speak about it
TOLERANCE = 1e-10  # of the linear programs, so that the least condition leaves no room for a contradiction
LARGEST_JOINT = 50_000  # joint states of the events of one comparison; beyond it nothing is said


@dataclass(frozen=True)
class Bound:
    """target - factor * other <= 0 over joint states: indicator tables of (event, states) conditions."""

    plus: tuple[tuple[Condition, ...], float]
    minus: tuple[tuple[Condition, ...], float]


def conflicts(
    workspace: Workspace, layout: Layout, statements: Sequence[Statement], least: int = 1
) -> list[tuple[str, ...]]:
    """Return smallest sets of statement ids that no joint distribution satisfies within their 90 % intervals.

    Compared are statements read with the same knowledge and for the same day, about events (scenarios, counts and
    ratios of odds or of different conditions are not linear, and left out). Pairs first; a set without such a pair that
    is still contradictory is cut down to one from which nothing can be taken.
    Fewer statements than `least` that share events are not looked at.
    """
    groups: dict[object, dict[str, list[Bound]]] = {}
    for statement in statements:
        if bounds := _bounds(workspace, statement):
            key = (
                read_at(statement, workspace.network) or workspace.network.opens,
                statement.about.by or horizon_on(workspace.network, statement.date),
            )
            groups.setdefault(key, {})[statement.id] = bounds
    sets: list[tuple[str, ...]] = []
    for group in groups.values():
        for component in _components(layout, group):
            sets += _contradictions(layout, component) if len(component) >= least else []
    return sorted(sets)


def incoherent_rules(workspace: Workspace, layout: Layout, as_of: date) -> tuple[Problem, ...]:
    """Report exact statements that cannot all hold within what is granted to each, at each of them, with the others."""
    statements = active_statements(workspace, as_of)
    exact = {one.id: one for one in statements if workspace.experts[one.expert].exact}
    if len(exact) < 2:
        return ()
    needs = "; ".join(line for event in layout.events for line in event.needs())
    problems = []
    for names in conflicts(workspace, layout, list(exact.values()), least=2):
        for name in names:
            others = quoted(other for other in names if other != name)
            what = f"statement {shown(name)}: it is exact, and cannot hold together with {others}"
            got = "; ".join(f"{other} at {exact[other].source}" for other in names if other != name)
            allowed = "what follows from rules is one number; correct one of them, or give it a wider sd"
            problems.append(Problem(exact[name].source, what, got, f"{allowed} ({needs})" if needs else allowed))
    return tuple(sorted(problems))


def _contradictions(layout: Layout, bounds: Mapping[str, Sequence[Bound]]) -> list[tuple[str, ...]]:
    if _possible(layout, bounds.values()):
        return []
    shared = {name: _events(one) for name, one in bounds.items()}
    pairs: list[tuple[str, ...]] = [
        (a, b)
        for a, b in combinations(sorted(bounds), 2)
        if shared[a] & shared[b] and not _possible(layout, [bounds[a], bounds[b]])
    ]
    in_pairs = {name for pair in pairs for name in pair}
    rest = {name: one for name, one in bounds.items() if name not in in_pairs}
    if _possible(layout, rest.values()):
        return pairs
    kept = dict(rest)
    for name in sorted(rest):
        fewer = {other: one for other, one in kept.items() if other != name}
        if not _possible(layout, fewer.values()):
            kept = fewer
    return [*pairs, tuple(sorted(kept))]


def _bounds(workspace: Workspace, statement: Statement) -> list[Bound]:
    """Write a statement as linear inequalities in joint probabilities; empty if it is none, or about several days."""
    about = statement.about
    if about.condition is None or any(isinstance(when, DatedCondition) for when in about.given):
        return []
    is_exact = workspace.experts[statement.expert].exact
    least = LEAST_CONDITION_OF_A_RULE if is_exact else LEAST_CONDITION
    reach = reading_quantile((1.0 + LEVEL) / 2.0, exact=is_exact)
    said = numbers(statement, workspace.experts, workspace.network)
    match said:
        case StatedNumber() if said.against is None:
            low, high = (expit(said.location + side * reach * said.scale) for side in (-1.0, 1.0))
            return _between(about.condition, about.given, low, high, least)
        case StatedNumber() if said.against is not None and not said.of_odds:
            low, high = (exp(said.location + side * reach * said.scale) for side in (-1.0, 1.0))
            return _ratio(about, said.against, low, high)
        case StatedDistribution():
            rows: list[Bound] = []
            for state, p in zip(about.condition.states, said.probabilities, strict=True):
                low, high = (expit(logit(p) + side * reach * said.scale) for side in (-1.0, 1.0))
                rows += _between(Condition(about.condition.event, (state,)), about.given, low, high, least)
            return rows
        case Ordered():
            return _ratio(about, said.other, 1.0, None)
    return []


def _between(condition: Condition, given: tuple[Condition, ...], low: float, high: float, least: float) -> list[Bound]:
    both = (condition, *given)
    bounds = [Bound((given, low), (both, 1.0)), Bound((both, 1.0), (given, high))]
    return [*bounds, Bound(((), least), (given, 1.0))] if given else bounds


def _ratio(target: Target, other: Target, low: float, high: float | None) -> list[Bound]:
    if target.given != other.given or other.condition is None or target.condition is None or target.by != other.by:
        return []
    first, second = (target.condition, *target.given), (other.condition, *target.given)
    bounds = [Bound((second, low), (first, 1.0))]
    return bounds if high is None else [*bounds, Bound((first, 1.0), (second, high))]


def _events(bounds: Sequence[Bound]) -> set[str]:
    return {condition.event for bound in bounds for side in (bound.plus, bound.minus) for condition in side[0]}


def _components(layout: Layout, bounds: Mapping[str, Sequence[Bound]]) -> list[dict[str, Sequence[Bound]]]:
    """Split statements into parts that share no event, and nothing that these require."""
    parts: list[tuple[set[str], dict[str, Sequence[Bound]]]] = []
    for name, one in bounds.items():
        events, members = set(_with_required(layout, _events(one))), {name: one}
        for part in [part for part in parts if part[0] & events]:
            parts.remove(part)
            events, members = events | part[0], {**part[1], **members}
        parts.append((events, members))
    return [members for _, members in parts]


def _possible(layout: Layout, statements: Iterable[Sequence[Bound]]) -> bool:
    """Say whether some joint distribution of the events satisfies all bounds (True also where it is too large)."""
    from scipy.optimize import linprog

    bounds = [bound for statement in statements for bound in statement]
    events = _with_required(layout, _events(bounds))
    cards = [layout.cards[layout.index[event]] for event in events]
    if not bounds or prod(cards) > LARGEST_JOINT:
        return True
    rows = np.stack([_mass(layout, events, cards, *b.plus) - _mass(layout, events, cards, *b.minus) for b in bounds])
    rows = rows[:, _open(layout, events)]
    n = rows.shape[1]
    solution = linprog(
        np.zeros(n),
        A_ub=rows,
        b_ub=np.zeros(len(rows)),
        A_eq=np.ones((1, n)),
        b_eq=[1.0],
        method="highs",
        options={"primal_feasibility_tolerance": TOLERANCE},
    )
    return bool(solution.status != 2)


def _with_required(layout: Layout, events: set[str]) -> list[str]:
    """Return the events with all that they require, one through the other."""
    waiting, found = list(events), set(events)
    while waiting:
        event = layout.events[layout.index[waiting.pop()]]
        more = {name for one in event.requires for name in one.events} - found
        found |= more
        waiting += more
    return sorted(found)


def _open(layout: Layout, events: Sequence[str]) -> NDArray[np.bool_]:
    """Return which joint states, flat, no event is in without what it requires.

    A step needs it on its own day: what a status has been since is not held against it.
    """
    own = [layout.events[layout.index[name]] for name in events]
    kinds = {one.id: one.kind for one in own}
    states = [dict(zip(events, combination, strict=True)) for combination in product(*(one.states for one in own))]
    held = np.ones(len(states), dtype=bool)
    for event in own:
        for one in event.requires:
            if event.kind == "reached" and any(kinds[name] == "status" for name in one.events):
                continue
            place = event.states.index(one.state)
            needing = event.states[place:] if event.kind == "reached" else (one.state,)
            held &= np.array([which[event.id] not in needing or one.is_met(which) for which in states])
    return held


def _mass(layout: Layout, events: list[str], cards: list[int], conditions: Sequence[Condition], factor: float) -> Array:
    """Return factor times the indicator of the conditions over the joint states, flat."""
    table = np.full(cards, factor)
    for condition in conditions:
        axis = events.index(condition.event)
        allowed = np.zeros(cards[axis])
        allowed[[layout.state(condition.event, state) for state in condition.states]] = 1.0
        table *= allowed.reshape([-1 if i == axis else 1 for i in range(len(cards))])
    return table.ravel()
