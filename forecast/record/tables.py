"""forecast.json and forecast.csv: the numbers of an update for machines, at full precision."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from forecast.record.entries import Line
from forecast.record.outcome import QUANTILES, Estimate, Outcome
from forecast.reweight.trusted import reasons


def forecast_table(found: Outcome, compared: Line | None, version: str) -> dict[str, Any]:
    """Build the content of forecast.json; `compared` is the ledger line that changes are measured against."""
    known = found.posterior.asked.network.known
    before = compared.probabilities if compared else {}
    return {
        "format": 1,
        "title": found.workspace.network.title,
        "as_of": found.as_of.isoformat(),
        "opens": found.workspace.network.opens.isoformat(),
        "horizon": found.workspace.network.horizon.isoformat(),
        "known_until": known.until.isoformat(),
        "seed": found.seed,
        "version": version,
        "compared_with": compared.as_of.isoformat() if compared else None,
        "scenarios": [
            {"id": name, **as_row(estimate), "change": _change(estimate, before.get(name))}
            for name, estimate in found.scenarios.items()
        ],
        "events": [
            {
                "id": name,
                "states": [{"state": state, **as_row(estimate)} for state, estimate in states.items()],
            }
            for name, states in found.events.items()
        ],
        "diagnostics": diagnostics(found),
    }


def diagnostics(found: Outcome) -> dict[str, Any]:
    """Return how far the numbers can be trusted: the weights, and the sampling that the draws come from.

    `reliable` where there are no `reasons` (forecast.reweight.trusted) against it.
    """
    fit = found.posterior.draws.diagnostics
    weights = found.posterior.weights
    sizes = {name: estimate.ess for name, estimate in found.scenarios.items()}
    doubts = reasons(fit, weights, sizes, {name: estimate.mcse for name, estimate in found.scenarios.items()})
    return {
        "pareto_k": weights.pareto_k if weights.pareto_k > float("-inf") else None,
        "ess": weights.effective_size,
        "ess_scenario_min": min(sizes.values()),
        "reliable": not doubts,
        "reasons": list(doubts),
        "anchor": found.posterior.anchor.isoformat() if found.posterior.anchor else None,
        "draws": int(weights.weights.size),
        **fit,
    }


def as_row(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as it stands in forecast.json."""
    quantiles = {str(p): value for p, value in zip(QUANTILES, estimate.quantiles, strict=True)}
    return {"probability": estimate.probability, "quantiles": quantiles, "mcse": estimate.mcse}


def _change(estimate: Estimate, before: float | None) -> float | None:
    return None if before is None else estimate.probability - before


def as_json(table: Mapping[str, Any]) -> bytes:
    """Encode a table as JSON, the same bytes for the same numbers."""
    return (json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(table: Mapping[str, Any]) -> bytes:
    """Encode the scenarios and event states of a table as CSV, one row each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "id", "state", "probability", *(f"q{round(100 * p):02d}" for p in QUANTILES), "change"])
    for row in table["scenarios"]:
        change = "" if row["change"] is None else row["change"]
        writer.writerow(["scenario", row["id"], "", row["probability"], *row["quantiles"].values(), change])
    for event in table["events"]:
        for row in event["states"]:
            numbers = (row["probability"], *row["quantiles"].values())
            writer.writerow(["event", event["id"], row["state"], *numbers, ""])
    return text.getvalue().encode()
