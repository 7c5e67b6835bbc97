"""What one more evidence item does to the forecast: the same day with it and without it."""

from __future__ import annotations

from typing import Any

from forecast.record.outcome import Estimate, Outcome
from forecast.record.tables import as_row, diagnostics
from forecast.workspace.records import Item, events_of


def effect_table(before: Outcome, after: Outcome, item: Item) -> dict[str, Any]:
    """Compare two outcomes of one day and seed, in the form of forecast.json.

    Each row is the estimate with the item, with `before`, the probability without it, and `change`, the difference
    (fractions of 1). `events` are those that the item bears on (on scenarios: those of their rules). Both are complete
    posteriors: the item's effect on its group, on its source's reliability and on the probabilities of the causes is in
    the difference.
    """
    events = dict.fromkeys(event for part in item.bears_on for event in events_of(part))
    return {
        "as_of": after.as_of.isoformat(),
        "known_until": after.posterior.asked.network.known.until.isoformat(),
        "horizon": after.workspace.network.horizon.isoformat(),
        "seed": after.seed,
        "counts": item.reported <= after.as_of,
        "scenarios": [
            {"id": name, **_row(before.scenarios[name], estimate)} for name, estimate in after.scenarios.items()
        ],
        "events": [
            {
                "id": event,
                "states": [
                    {"state": state, **_row(before.events[event][state], estimate)}
                    for state, estimate in after.events[event].items()
                ],
            }
            for event in events
        ],
        "diagnostics": diagnostics(after),
    }


def _row(before: Estimate, after: Estimate) -> dict[str, Any]:
    change = after.probability - before.probability
    return {**as_row(after), "before": before.probability, "change": change}
