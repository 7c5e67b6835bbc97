"""What if: the forecast had something been learned, were it imposed, or were its probability another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.target import UnknownTargetError, event_states
from forecast.answers.twin import Twin, descendants_of, solve_twin, twin
from forecast.compiled.paths import active_items
from forecast.inference.scaled import SMALLEST
from forecast.record.outcome import Estimate, Outcome
from forecast.reweight.mcse import deviations, standard_error
from forecast.reweight.psis import effective_size, pareto_k
from forecast.reweight.weights import no_false_certainty
from forecast.workspace.problems import choice, shown
from forecast.workspace.records import Settled

Array = NDArray[np.float64]
Row = dict[str, Any]

ROUNDING = 1e-12  # of a sum of probabilities that a user gives
LEAST_SET = 1e-300  # a probability below it cannot be set to another one: the ratio would leave the range of doubles


class ImpossibleError(ValueError):
    """What is supposed cannot be, given the evidence; the message names what of it."""


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
    """All that is supposed: learned as one condition, then imposed, then reset one after the other."""

    learned: tuple[Learned, ...]
    imposed: tuple[Imposed, ...]
    reset: tuple[Reset, ...]


@dataclass(frozen=True)
class _State:
    """The mean joint of the imposed world: `p_learned` of the conditions, weights (draws), and probabilities.

    `draws`: P(scenario) and P(state of each event) in every draw, (parts, draws) each, the scenarios first.
    """

    p_learned: float
    weights: Array
    scenarios: Array
    events: tuple[Array, ...]
    draws: tuple[Array, ...]


def read_supposition(
    found: Outcome, learned: Sequence[str], imposed: Sequence[str], reset: Sequence[str]
) -> Supposition:
    """Read EVENT=STATE (or EVENT=STATE,STATE), EVENT=STATE and EVENT=STATE:P (or EVENT=STATE:P,STATE:P).

    Raises UnknownTargetError for a name that there is not, and ValueError for what makes no sense together.
    """
    asked = _all_read(found, learned, imposed, reset)
    acts = asked.imposed
    twice = [act.text for place, act in enumerate(acts) if act.event in {other.event for other in acts[:place]}]
    if twice:
        msg = f"'{twice[0]}': two interventions on one event"
        raise ValueError(msg)
    held = {act.event for act in acts}
    below = held.union(descendants_of(found.layout, tuple(held)))
    for one in asked.learned:
        if one.event in below:
            msg = f"'{one.text}': downstream of the intervention, so the condition is ambiguous; ask without --do"
            raise ValueError(msg)
    for change in asked.reset:
        if change.event in held:
            msg = f"'{change.text}': the intervention fixes the event, so its probability is 1 or 0"
            raise ValueError(msg)
    return asked


def _all_read(found: Outcome, learned: Sequence[str], imposed: Sequence[str], reset: Sequence[str]) -> Supposition:
    """Read every part; what is wrong in several is told at once."""
    wrong: list[ValueError] = []

    def read[T](reader: Callable[[Outcome, str], T], texts: Sequence[str]) -> tuple[T, ...]:
        held = []
        for text in texts:
            try:
                held.append(reader(found, text))
            except ValueError as error:
                wrong.append(error)
        return tuple(held)

    asked = Supposition(read(_learned, learned), read(_imposed, imposed), read(_reset, reset))
    if wrong:
        unknown = any(isinstance(error, UnknownTargetError) for error in wrong)
        raise (UnknownTargetError if unknown else ValueError)("\n".join(map(str, wrong)))
    return asked


def _split(found: Outcome, text: str, form: str) -> tuple[int, tuple[str, ...], str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        msg = f"'{text}': write {form}"
        raise UnknownTargetError(msg)
    states = event_states(found, name, tuple(found.events))
    return found.layout.index[name], states, value


def _place(text: str, state: str, states: tuple[str, ...]) -> int:
    if state not in states:
        msg = (
            f"'{text}': event '{text.partition('=')[0]}' has no state {shown(state)}; {choice('states', state, states)}"
        )
        raise UnknownTargetError(msg)
    return states.index(state)


def _learned(found: Outcome, text: str) -> Learned:
    v, states, value = _split(found, text, "EVENT=STATE")
    return Learned(text, v, tuple(_place(text, state, states) for state in value.split(",")))


def _imposed(found: Outcome, text: str) -> Imposed:
    v, states, value = _split(found, text, "EVENT=STATE")
    return Imposed(text, v, _place(text, value, states))


def _reset(found: Outcome, text: str) -> Reset:
    v, states, value = _split(found, text, "EVENT=STATE:PROBABILITY")
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


def what_if(found: Outcome, asked: Supposition, progress: Callable[[str], None]) -> Row:
    """Compute every probability before and after a supposition.

    Learned: sum_d w_d P(s, x | E, theta_d) / sum_d w_d P(x | E, theta_d), several as one condition. Imposed: in a twin
    network, the factual world with all evidence, the imposed one with the events fixed and copies of their descendants
    that no report speaks of (listed as `set_aside`); no other event moves. Reset, Jeffrey's rule: the mean joint times
    q(x) / P(x), one after the other in the order given.

    Raises ImpossibleError, TooDenseError.

    Source: Pearl (2009), "Causality", section 3.2; Jeffrey (1983), "The logic of decision", chapter 11.
    """
    for act in asked.imposed:
        alive = found.posterior.asked.network.alive[act.event]
        if found.layout.dated(act.event) and act.state not in alive:
            msg = f"'{act.text}' is no longer possible: {_now(found, act.event)}"
            raise ImpossibleError(msg)
    made = twin(found.posterior.asked.network, {act.event: act.state for act in asked.imposed})
    weighing = _indicators(found, asked.learned)
    progress("solving every draw under the supposition")
    state = _solved(found, made, weighing)
    if state is None:
        raise ImpossibleError(_why_impossible(found, asked.learned))
    for change in asked.reset:
        progress(f"solving every draw with {change.text}")
        ratio = _ratios(change, state.events[change.event])
        weighing[change.event] = weighing.get(change.event, 1.0) * ratio
        if (after := _solved(found, made, weighing)) is None:
            raise ImpossibleError(f"'{change.text}' is impossible given the evidence and the earlier suppositions")
        state = replace(after, p_learned=state.p_learned)
    return _table(found, asked, made, state)


def _indicators(found: Outcome, learned: Sequence[Learned]) -> dict[int, Array]:
    weighing: dict[int, Array] = {}
    for one in learned:
        indicator = np.zeros(found.layout.cards[one.event])
        indicator[list(one.states)] = 1.0
        weighing[one.event] = weighing.get(one.event, 1.0) * indicator
    return weighing


def _solved(found: Outcome, made: Twin, weighing: Mapping[int, Array]) -> _State | None:
    """Solve all draws and average them; None where no draw gives what is supposed any probability."""
    posterior = found.posterior
    solved = solve_twin(made, found.workspace.scenarios, posterior.draws.theta, posterior.reliabilities, weighing)
    with np.errstate(divide="ignore"):  # a draw of weight 0 has log weight minus infinity
        log_mass = np.log(posterior.weights.weights) + solved.log_mass - posterior.evaluation.log_evidence
    log_total = float(np.logaddexp.reduce(log_mass))
    if log_total == -np.inf:
        return None
    weights = np.exp(log_mass - log_total)
    means = tuple(_mean(event, weights) for event in solved.events)
    draws = (solved.scenarios, *solved.events)
    return _State(max(float(np.exp(log_total)), SMALLEST), weights, _mean(solved.scenarios, weights), means, draws)


def _mean(shares: Array, weights: Array) -> Array:
    """Average shares (parts, draws) that add up to one: to the last digit, so that what is supposed is certain."""
    means = shares @ weights
    return no_false_certainty(means / means.sum(), shares, weights)


def _ratios(change: Reset, now: Array) -> Array:
    """Return q(x) / P(x) for each state of an event."""
    named = list(change.probabilities)
    wanted = np.zeros_like(now)
    others = np.delete(np.arange(now.size), named)
    left, rest = 1.0 - fsum(change.probabilities.values()), float(now[others].sum())
    wanted[named] = list(change.probabilities.values())
    if rest > 0.0:
        wanted[others] = now[others] * (left / rest)
    if (wanted[now == 0.0] > 0.0).any() or (rest == 0.0 and left > ROUNDING):
        msg = f"'{change.text}' gives probability to a state that the evidence or earlier suppositions exclude"
        raise ImpossibleError(msg)
    if (wanted[(now > 0.0) & (now < LEAST_SET)] > 0.0).any():
        msg = f"'{change.text}' gives probability to a state that is nearly impossible by now (under {LEAST_SET:g})"
        raise ImpossibleError(msg)
    return np.divide(wanted, now, out=np.zeros_like(now), where=now > 0.0)


def _why_impossible(found: Outcome, learned: Sequence[Learned]) -> str:
    """Name a smallest set of conditions that cannot hold together."""
    network = twin(found.posterior.asked.network, {})
    kept = list(learned)
    for one in learned:
        fewer = [other for other in kept if other is not one]
        if _solved(found, network, _indicators(found, fewer)) is None:
            kept = fewer
    names = ", ".join(f"'{one.text}'" for one in kept)
    if len(kept) > 1:
        return f"{names} cannot hold together, given the evidence"
    return f"{names} is impossible given the evidence: {_now(found, kept[0].event)}"


def _now(found: Outcome, v: int) -> str:
    event = found.layout.events[v]
    states = found.posterior.asked.network.alive[v]
    possible = [event.states[x] for x in states]
    return f"'{event.id}' can only be {' or '.join(repr(state) for state in possible)} by now"


def _table(found: Outcome, asked: Supposition, made: Twin, state: _State) -> Row:
    evaluation = found.posterior.evaluation
    errors = [
        _errors(found.posterior.weights.weights, before, state.weights, after)
        for before, after in zip((evaluation.scenarios, *evaluation.events), state.draws, strict=True)
    ]
    scenarios = [
        _change(name, one, after, *error)
        for (name, one), after, error in zip(found.scenarios.items(), state.scenarios.tolist(), errors[0], strict=True)
    ]
    events = []
    for v, event in enumerate(found.layout.events):
        known = found.events[event.id].items()
        after = zip(known, state.events[v].tolist(), errors[v + 1], strict=True)
        rows = [_change(x, one, p, *error) for (x, one), p, error in after]
        moved = 0.5 * fsum(abs(row["change"]) for row in rows)
        events.append({"id": event.id, "moved": moved, "states": rows})
    with np.errstate(divide="ignore"):  # a draw that what is learned rules out
        k = pareto_k(np.log(state.weights))
    return {
        "as_of": found.as_of.isoformat(),
        "learned": [one.text for one in asked.learned],
        "p_learned": state.p_learned if asked.learned else None,
        "imposed": [one.text for one in asked.imposed],
        "set": [one.text for one in asked.reset],
        "commutes": len(asked.reset) < 2,
        "scenarios": sorted(scenarios, key=lambda row: -abs(row["change"])),
        "events": sorted(events, key=lambda row: -row["moved"]),
        "descendants": [found.layout.events[v].id for v in made.descendants],
        "set_aside": _set_aside(found, made),
        "diagnostics": {"ess": effective_size(state.weights), "pareto_k": k if isfinite(k) else None},
    }


def _errors(weights: Array, before: Array, others: Array, after: Array) -> list[tuple[float, float]]:
    """Return the Monte Carlo error of each probability after, and that of its change: both are of the same draws."""
    own = deviations(after, others)
    terms = (own, own - deviations(before, weights))
    mcse, of_change = (standard_error(one).tolist() for one in terms)
    return list(zip(mcse, of_change, strict=True))


def _change(name: str, before: Estimate, after: float, mcse: float, change_mcse: float) -> Row:
    return {
        "id": name,
        "before": before.probability,
        "after": after,
        "change": after - before.probability,
        "before_mcse": before.mcse,
        "after_mcse": mcse,
        "change_mcse": change_mcse,
    }


def _set_aside(found: Outcome, made: Twin) -> list[Row]:
    """List the reports about what is imposed or lies below: in the imposed world they say nothing."""
    touched = {*made.imposed, *made.descendants}
    headlines = {item.id: item.headline for item in found.workspace.items}
    names = [event.id for event in found.layout.events]
    rows: list[Row] = [
        {
            "item": report.item,
            "headline": headlines[report.item],
            "events": [names[v] for v in report.scope if v in touched],
            "decibans": report.decibans if isfinite(report.decibans) else None,
        }
        for report in made.network.reports
        if touched.intersection(report.scope) and report.decibans > 0.0
    ]
    for item in active_items(found.workspace.items, found.as_of):
        # A settled state of a dated event is where it stands, in both worlds; a constant that was seen is evidence.
        seen = [part.event for part in item.bears_on if isinstance(part, Settled)]
        about = [name for name in seen if (v := found.layout.index[name]) in touched and not found.layout.dated(v)]
        if about:
            rows.append({"item": item.id, "headline": item.headline, "events": about, "decibans": None})
    return sorted(rows, key=lambda row: (-(row["decibans"] or float("inf")), row["item"]))
