"""P(by a date): every event and scenario on a day between today and the horizon, with its distribution over draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Estimate, Outcome, estimates
from forecast.ledger.tables import by_level
from forecast.model.asof import compile_workspace
from forecast.posterior.by_date import at_least
from forecast.posterior.evaluate import Evaluation, evaluate, query

Array = NDArray[np.float64]


class OutsideError(ValueError):
    """The day lies before the as-of date or after the horizon; the message says which days there are."""


@dataclass(frozen=True, kw_only=True)
class Chance:
    """A probability, the quantiles of its distribution over draws, and its Monte Carlo error."""

    probability: float
    quantiles: Mapping[str, float]
    mcse: float


@dataclass(frozen=True, kw_only=True)
class ScenarioOn:
    """A scenario, its rules read on the day, beside the forecast's own probability."""

    id: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    at_horizon: float
    at_horizon_mcse: float


@dataclass(frozen=True, kw_only=True)
class StateOn:
    """A state: P(in it on the day), and `reached`: P(at least this step by the day), where steps are reached."""

    state: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    at_horizon: float
    at_horizon_mcse: float
    reached: Chance | None


@dataclass(frozen=True, kw_only=True)
class EventOn:
    """An event and its states on the day."""

    id: str
    kind: str
    states: tuple[StateOn, ...]


@dataclass(frozen=True, kw_only=True)
class ByDate:
    """The forecast for a day between the as-of date and the horizon."""

    as_of: date
    known_until: date
    by: date
    horizon: date
    scenarios: tuple[ScenarioOn, ...]
    events: tuple[EventOn, ...]


def by_date(outcome: Outcome, day: date) -> ByDate:
    """Compute the forecast for a day: the as-of network of that day under the weights of the horizon.

    Args:
        outcome: the forecast.
        day: from the as-of date to the horizon, both included.

    In every draw P(at least a step by the day) is no higher than by the horizon: see reweight.curves for why it could
    be. Scenarios are not lowered with it.

    Raises OutsideError.
    """
    layout, horizon = outcome.layout, outcome.layout.horizon
    if not outcome.as_of <= day <= horizon:
        msg = f"{day} is no day of this forecast; it runs from its as-of date {outcome.as_of} to its horizon {horizon}"
        raise OutsideError(msg)
    of = outcome.posterior
    queried = query(compile_workspace(layout, outcome.workspace, outcome.as_of, on=day), outcome.workspace.scenarios)
    on_day = of.evaluation if day == horizon else evaluate(queried, of.draws.theta, of.reliabilities)
    steps = {
        v: np.minimum(at_least(on_day.events[v]), at_least(of.evaluation.events[v]))
        for v, event in enumerate(layout.events)
        if event.kind == "reached"
    }
    for v, least in steps.items():
        least[: queried.network.alive[v].start + 1] = 1.0  # taken already: not the rounded sum
    in_state = tuple(_exactly(steps[v]) if v in steps else states for v, states in enumerate(on_day.events))
    scenarios, events = _estimates(outcome, replace(on_day, events=in_state))
    cumulated = tuple(steps.get(v, states) for v, states in enumerate(on_day.events))
    _, reached = _estimates(outcome, replace(on_day, events=cumulated), adds_up=False)
    return ByDate(
        as_of=outcome.as_of,
        known_until=of.asked.network.known.until,
        by=day,
        horizon=horizon,
        scenarios=tuple(
            ScenarioOn(
                id=name,
                probability=share.probability,
                quantiles=by_level(share),
                mcse=share.mcse,
                at_horizon=outcome.scenarios[name].probability,
                at_horizon_mcse=outcome.scenarios[name].mcse,
            )
            for name, share in scenarios.items()
        ),
        events=tuple(
            EventOn(
                id=event.id,
                kind=event.kind,
                states=tuple(
                    _state(
                        state, share, outcome.events[event.id][state], reached[event.id][state] if v in steps else None
                    )
                    for state, share in events[event.id].items()
                ),
            )
            for v, event in enumerate(layout.events)
        ),
    )


def _state(state: str, share: Estimate, at_horizon: Estimate, reached: Estimate | None) -> StateOn:
    return StateOn(
        state=state,
        probability=share.probability,
        quantiles=by_level(share),
        mcse=share.mcse,
        at_horizon=at_horizon.probability,
        at_horizon_mcse=at_horizon.mcse,
        reached=None
        if reached is None
        else Chance(probability=reached.probability, quantiles=by_level(reached), mcse=reached.mcse),
    )


def _estimates(
    outcome: Outcome, evaluation: Evaluation, *, adds_up: bool = True
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]]]:
    weights = outcome.posterior.weights.weights
    return estimates(outcome.workspace, outcome.layout, evaluation, weights, adds_up=adds_up)


def _exactly(at_least_step: Array) -> Array:
    """Turn P(at least step k) (states, draws) into P(exactly step k)."""
    return np.asarray(at_least_step - np.append(at_least_step[1:], np.zeros_like(at_least_step[:1]), axis=0))
