"""What one more evidence item does to the forecast: the same day with it and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from forecast.ledger.outcome import Estimate, Outcome
from forecast.ledger.tables import Diagnostics, by_level, diagnostics
from forecast.workspace.records import Item, events_of


@dataclass(frozen=True, kw_only=True)
class ScenarioEffect:
    """A scenario with the item; `before` without it."""

    id: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    before: float
    change: float


@dataclass(frozen=True, kw_only=True)
class StateEffect:
    """A state with the item; `before` without it."""

    state: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    before: float
    change: float


@dataclass(frozen=True, kw_only=True)
class EventStates:
    """An event that the item bears on, and its states."""

    id: str
    states: tuple[StateEffect, ...]


@dataclass(frozen=True, kw_only=True)
class ItemEffect:
    """The forecast with an item; `counts`: it is reported by the as-of date."""

    as_of: date
    known_until: date
    horizon: date
    seed: int
    counts: bool
    scenarios: tuple[ScenarioEffect, ...]
    events: tuple[EventStates, ...]
    diagnostics: Diagnostics


def effect_table(before: Outcome, after: Outcome, item: Item) -> ItemEffect:
    """Compare two outcomes of one day and seed, in the form of forecast.json.

    Each row is the estimate with the item, with `before`, the probability without it, and `change`, the difference
    (fractions of 1). `events` are those that the item bears on (on scenarios: those of their rules). Both are complete
    posteriors: the item's effect on its group, on its source's reliability and on the probabilities of the causes is in
    the difference.
    """
    events = dict.fromkeys(event for part in item.bears_on for event in events_of(part))
    return ItemEffect(
        as_of=after.as_of,
        known_until=after.posterior.asked.network.known.until,
        horizon=after.workspace.network.horizon,
        seed=after.seed,
        counts=item.reported <= after.as_of,
        scenarios=tuple(
            ScenarioEffect(
                id=name,
                probability=estimate.probability,
                quantiles=by_level(estimate),
                mcse=estimate.mcse,
                before=before.scenarios[name].probability,
                change=estimate.probability - before.scenarios[name].probability,
            )
            for name, estimate in after.scenarios.items()
        ),
        events=tuple(
            EventStates(
                id=event,
                states=tuple(
                    _of_state(state, before.events[event][state], estimate)
                    for state, estimate in after.events[event].items()
                ),
            )
            for event in events
        ),
        diagnostics=diagnostics(after),
    )


def _of_state(state: str, before: Estimate, after: Estimate) -> StateEffect:
    return StateEffect(
        state=state,
        probability=after.probability,
        quantiles=by_level(after),
        mcse=after.mcse,
        before=before.probability,
        change=after.probability - before.probability,
    )
