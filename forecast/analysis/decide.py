"""Decisions: expected utilities, how sure their order is, and the value of knowing more before choosing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import find_target, probabilities, shares_of
from forecast.analysis.watch import joints_by
from forecast.ledger.outcome import Outcome
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.workspace.records import DecisionProblem

Array = NDArray[np.float64]
LEVELS = (0.05, 0.95)  # quantiles over draws


@dataclass(frozen=True, kw_only=True)
class OptionWorth:
    """What an option is worth, in the unit of the decision.

    `expected`: its expected utility; `low`, `high`: the 5 % and 95 % quantiles of that over draws; `mcse`: the Monte
    Carlo error of `expected`. `best`: the probability that no other option has a higher expected utility,
    given a draw, options that are equal sharing it. `regret`: the expected opportunity loss, what somebody who knew the
    outcome would gain over this option, with `regret_mcse`. `utilities`: by outcome.
    """

    option: str
    expected: float
    low: float
    high: float
    mcse: float
    best: float
    regret: float
    regret_mcse: float
    utilities: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class SeenState:
    """A state that a watched event may be found in, its probability, and which option is then best, worth how much."""

    state: str
    probability: float
    best: str
    expected: float


@dataclass(frozen=True, kw_only=True)
class WatchedFor:
    """What knowing the state of an event on a day is worth before choosing, in the unit of the decision."""

    event: str
    value: float
    states: tuple[SeenState, ...]


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision under the forecast, options in order of their expected utility, the best first.

    `outcomes`: the probability of each scenario, or state of `event`. `perfect`: the expected value of perfect
    information, of knowing the outcome; `known_probabilities`: that of knowing how probable each outcome is, which
    would end the spread over draws and no more. `watching`: by event what its state on the day `by` is worth, the most
    first; `left_out` are constants, of which nothing public need be seen by then.
    """

    decision: str
    question: str
    unit: str
    why: str | None
    event: str | None
    as_of: date
    horizon: date
    outcomes: Mapping[str, float]
    options: tuple[OptionWorth, ...]
    perfect: float
    known_probabilities: float
    by: date
    watching: tuple[WatchedFor, ...]
    left_out: tuple[str, ...]


def decide(outcome: Outcome, decision: DecisionProblem, days: int) -> Decided:
    """Compute what the options of a decision are worth under a forecast.

    Args:
        outcome: the forecast.
        decision: its utilities are what an option is worth whatever made the outcome; choosing changes no probability.
        days: of watching before the choice, from the as-of date on; not beyond the horizon.

    Sources: Raiffa and Schlaifer (1961), chapters 4 and 5, for expected utility, opportunity loss and the value of
    information; Briggs, Claxton and Sculpher (2006), chapter 6, for the share of draws in which an option is best.
    """
    target = find_target(outcome, decision.event)
    worth = np.array(list(decision.options.values()))
    p, shares, weights = probabilities(outcome, target), shares_of(outcome, target), outcome.posterior.weights.weights
    by_draw = worth @ shares
    mean = averages(by_draw, weights, by_draw @ weights)
    quantiles = weighted_quantiles(by_draw, weights, np.array(LEVELS))
    expected = worth @ p
    relative = worth - worth[0]  # what all options have in common changes no choice, and adds no rounding
    gains, losses = relative @ shares, relative.max(axis=0) - relative
    regret, lost = losses @ p, losses @ shares
    of_regret = averages(lost, weights, lost @ weights)
    best_by_draw = _best(gains)
    by = min(outcome.as_of + timedelta(days=days), outcome.layout.horizon)
    joints = joints_by(outcome, by, p, None if decision.event is None else target.rules)
    names = tuple(decision.options)
    rows = [
        OptionWorth(
            option=name,
            expected=float(expected[i]),
            low=float(quantiles[i, 0]),
            high=float(quantiles[i, 1]),
            mcse=float(mean.mcse[i]),
            best=float(best_by_draw[i] @ weights),
            regret=float(regret[i]),
            regret_mcse=float(of_regret.mcse[i]),
            utilities=dict(zip(decision.outcomes, worth[i].tolist(), strict=True)),
        )
        for i, name in enumerate(names)
    ]
    watching = [
        WatchedFor(
            event=outcome.layout.events[v].id,
            value=value_of_knowing(relative, joint),
            states=_states(names, worth, outcome.layout.events[v].states, joint),
        )
        for v, joint in joints.items()
    ]
    return Decided(
        decision=decision.id,
        question=decision.question,
        unit=decision.unit,
        why=decision.why,
        event=decision.event,
        as_of=outcome.as_of,
        horizon=outcome.layout.horizon,
        outcomes=dict(zip(decision.outcomes, p.tolist(), strict=True)),
        options=tuple(sorted(rows, key=lambda row: row.regret)),
        perfect=float(regret.min()),
        known_probabilities=max(float(gains.max(axis=0) @ weights - (gains @ weights).max()), 0.0),
        by=by,
        watching=tuple(sorted(watching, key=lambda row: (-row.value, row.event))),
        left_out=tuple(event.id for v, event in enumerate(outcome.layout.events) if v not in joints),
    )


def value_of_knowing(worth: Array, joint: Array) -> float:
    """Compute the expected value of knowing what an outcome goes with before choosing, never below zero.

    Args:
        worth: (options, outcomes) utilities.
        joint: (outcomes, states) joint probabilities of the outcome and of what will be known.

    Source: Raiffa and Schlaifer (1961), section 4.5: the mean over what is known of the best option's expected utility,
    less that of the option that is best now.
    """
    by_state = worth @ joint
    return max(float(by_state.max(axis=0).sum() - by_state.sum(axis=1).max()), 0.0)  # what is below zero is rounding


def _best(by_draw: Array) -> Array:
    """(options, draws) 1 for the best option of a draw, of several that are equal the same part for each."""
    is_best = by_draw == by_draw.max(axis=0)
    return np.asarray(is_best / is_best.sum(axis=0))


def _states(names: Sequence[str], worth: Array, states: Sequence[str], joint: Array) -> tuple[SeenState, ...]:
    rows = []
    for k, state in enumerate(states):
        probability = float(joint[:, k].sum())
        if probability > 0.0:
            given = worth @ joint[:, k] / probability
            best = int(np.argmax(given))
            rows.append(SeenState(state=state, probability=probability, best=names[best], expected=float(given[best])))
    return tuple(rows)
