"""Statements for a reader: what each is read as, and whether those by several dates fit one hazard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, expm1, inf, log, log1p

import numpy as np

from forecast.digits import DERIVED, exact, exact_at, fraction, plain
from forecast.model.layout import Layout, exposed_between
from forecast.sampling.readings import numbers, read_at
from forecast.sampling.spec import active_statements
from forecast.workspace.fits import expit, reading_quantile
from forecast.workspace.names import horizon_on
from forecast.workspace.problems import Problem, quoted, shown
from forecast.workspace.records import Condition, DatedCondition, Event, Network, Statement, Workspace
from forecast.workspace.statement_forms import statement_form
from forecast.workspace.statement_forms.form import CountedCases, Numbers, Ordered, StatedDistribution, StatedNumber

SHOWN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
WIDEST_GAP = 0.5  # log-odds between what was stated and what one hazard gives; beyond it the timing is another
SHAPES = tuple(round(0.05 * number, 2) for number in range(1, 101))  # of a Weibull, up to 5


@dataclass(frozen=True)
class _Said:
    """A statement that the first step is taken by a day, its log-odds, and the cumulative hazard that gives them."""

    statement: Statement
    by: date
    location: float

    @property
    def hazard(self) -> float:
        return log1p(exp(self.location))


def by_date_doubts(layout: Layout, workspace: Workspace, as_of: date) -> tuple[Problem, ...]:
    """Warn of statements by several dates that no single hazard under the event's timing can carry.

    Compared are the probabilities that one expert gave on one day (or that are read at the opening), without a
    condition, for the first step of one event by two days or more; the horizon is one of them. The hazard is fitted by
    least squares in its logarithm. The warning names the shape of the Weibull timing that fits best: of
    `SHAPES` the one with the least squares of ln(-ln(1 - p)) against the logarithm of its exposure, which at the
    opening is shape times the logarithm of the share of the window.
    """
    groups: dict[tuple[str, str, date], list[_Said]] = {}
    for statement in active_statements(workspace, as_of):
        said = numbers(statement, workspace.experts, workspace.network)
        about = statement.about
        if about.condition is None or about.given or not isinstance(said, StatedNumber) or said.against is not None:
            continue
        event = layout.events[layout.index[about.condition.event]]
        if event.kind == "reached" and about.condition.states == event.states[1:]:
            by = about.by or horizon_on(workspace.network, statement.date)
            day = read_at(statement, workspace.network) or layout.opens
            if by > day:
                groups.setdefault((statement.expert, event.id, day), []).append(_Said(statement, by, said.location))
    return tuple(sorted(problem for key, group in groups.items() for problem in _doubts(layout, *key[1:], group)))


def _doubts(layout: Layout, event: str, day: date, group: Sequence[_Said]) -> Iterator[Problem]:
    if len({one.by for one in group}) < 2:
        return
    group = sorted(group, key=lambda one: (one.by, one.statement.id))
    v = layout.index[event]
    fitted = _fitted(group, [exposed_between(layout, v, day, one.by) for one in group])
    gap = _widest_gap(group, fitted)
    if gap <= WIDEST_GAP:
        return
    shares = [[(until - layout.opens).days / layout.window_days for until in (day, one.by)] for one in group]
    shape = min(SHAPES, key=lambda shape: _misfit(group, _weibull(shares, shape)))
    left = _widest_gap(group, _fitted(group, _weibull(shares, shape)))
    names = quoted(one.statement.id for one in group)
    pace = "a constant hazard" if layout.events[v].timing is None else "the event's timing"
    places = ", ".join(f"by {one.by} {fraction(expit(one.location), DERIVED)}" for one in group)
    got = f"stated {places}; fitted {', '.join(fraction(-expm1(-hazard), DERIVED) for hazard in fitted)}"
    best = f"timing: {{weibull: {{shape: {shape:g}}}}} fits them best, to {left:.2g} in log-odds"
    what = f"statements {names} on {shown(event)}: {pace} cannot carry them, by {gap:.2g} in log-odds"
    yield Problem(group[-1].statement.source, what, got, f"up to {WIDEST_GAP:g}; {best}", "warning")


def _weibull(shares: Sequence[Sequence[float]], shape: float) -> list[float]:
    return [float(until**shape - seen**shape) for seen, until in shares]


def _misfit(group: Sequence[_Said], exposures: Sequence[float]) -> float:
    """Return the variance of the logarithm of the hazards that the statements give under some exposures."""
    if min(exposures) <= 0.0:
        return inf
    return float(np.var([log(one.hazard / exposure) for one, exposure in zip(group, exposures, strict=True)]))


def _fitted(group: Sequence[_Said], exposures: Sequence[float]) -> list[float]:
    """Return the cumulative hazards that one rate gives, fitted by least squares in its logarithm."""
    logs = [log(one.hazard / exposure) for one, exposure in zip(group, exposures, strict=True)]
    rate = float(np.exp(np.mean(logs)))
    return [rate * exposure for exposure in exposures]


def _widest_gap(group: Sequence[_Said], fitted: Sequence[float]) -> float:
    # The log-odds of 1 - exp(-h) are h + ln(1 - exp(-h)), whatever the size of h.
    return max(abs(one.location - hazard - log(-expm1(-hazard))) for one, hazard in zip(group, fitted, strict=True))


def quantile(said: StatedNumber, level: float) -> float:
    """Return a quantile of what was stated, before anybody's own noise: a probability, or a ratio."""
    place = _place(said, level)
    return exp(place) if said.against is not None else expit(place)


def levels(said: StatedNumber) -> str:
    """Write the quantiles of a stated probability at SHOWN_LEVELS."""
    return ", ".join(f"{exact(level)} below {exact_at(_place(said, level), DERIVED)}" for level in SHOWN_LEVELS)


def _place(said: StatedNumber, level: float) -> float:
    return said.location + said.scale * reading_quantile(level, exact=said.is_exact)


def as_read(said: Numbers) -> str:
    """Write numbers on the log-odds scale for a reader, with the 90 % interval that they leave."""
    match said:
        case StatedNumber(location, scale, of_odds, against, _):
            if against is None:
                ends = [exact_at(_place(said, level), DERIVED) for level in (0.05, 0.95)]
                spread = f"{ends[0].removesuffix(' %')} to {ends[1]}"
                return f"log-odds {location:.2f}, sd {scale:.2f}: {exact_at(location)}, 90 % in {spread}"
            low, middle, high = (quantile(said, level) for level in (0.05, 0.5, 0.95))
            what = "odds" if of_odds else "probability"
            ratio = f"{plain(middle, 3)} times the {what}, 90 % in {plain(low, 2)} to {plain(high, 2)}"
            return f"log of the ratio {location:.2f}, sd {scale:.2f}: {ratio}"
        case StatedDistribution(probabilities, scale, _):
            return f"{' / '.join(map(exact, probabilities))}, sd {scale:.2f} of each log-ratio"
        case CountedCases(happened, of, exponent, stays):
            power = f"P^{exponent:.3g}" if stays else f"1 - (1 - P)^{exponent:.3g}"
            case = "P" if exponent == 1.0 else power
            return f"{happened} of {of} cases, each with probability {case}"
        case Ordered(_, scale):
            return f"a difference of log-odds above 0, with a slip of logistic scale {scale:.2f}"


def in_words(statement: Statement, network: Network) -> str:
    """Say in a sentence which probability a statement is a reading of: of which day, and in which cases."""
    about, day = statement.about, read_at(statement, network) or network.opens
    on = about.by or horizon_on(network, statement.date)
    if about.condition is None:
        what = f"scenario {about.scenario} holds on {on}"
    elif statement_form(statement.reading).is_on_whole_event:
        what = f"{_named(network.events[about.condition.event])} is in each of its states on {on}"
    else:
        what = state_in_words(about.condition, network, on)
    given = " and ".join(condition_in_words(when, network, day, on) for when in about.given)
    return f"the probability that {what}" + (f", if {given}" if given else "")


def condition_in_words(when: Condition, network: Network, day: date, on: date) -> str:
    """Say which cases a condition leaves.

    Args:
        when: the condition, with its own time or without.
        network: with its event.
        day: on which it is read.
        on: the day that the statement is about.
    """
    event = network.events[when.event]
    if isinstance(when, DatedCondition):
        at_once = f"{_named(event)} comes to {_either(when.states)} at once, on {day}"
        at_once += ", with all that it requires" if event.requires else ""
        return at_once if when.held_by is None else state_in_words(when, network, when.held_by)
    return state_in_words(when, network, on) + (", however late" if _is_step(when, event) else "")


def state_in_words(when: Condition, network: Network, on: date | str) -> str:
    """Say that an event is in some states on a day, or has come to them by then."""
    event = network.events[when.event]
    if event.kind == "constant":
        return f"{_named(event)} is {_either(when.states)}"
    if _is_step(when, event):
        return f"{_named(event)} has come to {_either(when.states)} by {on}"
    return f"{_named(event)} is {_either(when.states)} on {on}"


def _is_step(when: Condition, event: Event) -> bool:
    """Say whether a condition is that a step was taken: some state, or any later one."""
    return event.kind == "reached" and when.states == event.states[-len(when.states) :] != event.states


def _named(event: Event) -> str:
    return event.name or event.id.replace("_", " ")


def _either(states: Sequence[str]) -> str:
    return " or ".join(state.replace("_", " ") for state in states)
