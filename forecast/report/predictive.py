"""The prior predictive in the report: scenarios and events by the statements alone, and by nobody's."""

from __future__ import annotations

from typing import Any

from forecast.record.outcome import Estimate, Outcome
from forecast.record.tables import FLAT_DRAWS, prior_predictive
from forecast.report.digits import estimate
from forecast.report.wording import event_names, label, scenario_names


def predictive(prior: Outcome) -> dict[str, Any]:
    """Describe every scenario and event state by the statements alone and by the flat prior, and each event's pull."""
    flat = prior_predictive(prior)
    names, events = scenario_names(prior), event_names(prior)

    def row(name: str, told: Estimate, untold: Estimate) -> dict[str, Any]:
        return {"name": name, "statements": estimate(told), "flat": estimate(untold)}

    return {
        "draws": FLAT_DRAWS,
        "scenarios": [row(names[name], told, flat.scenarios[name]) for name, told in prior.scenarios.items()],
        "events": [
            {
                "label": events[name],
                "pull": flat.pulls[name],
                "pull_shown": f"{flat.pulls[name]:.2f}",
                "states": [row(label(state), told, flat.events[name][state]) for state, told in states.items()],
            }
            for name, states in prior.events.items()
        ],
    }
