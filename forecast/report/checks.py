"""Checks of the method: the prior predictive, and simulation-based calibration where a run of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.report.wording import long_date

CALIBRATION = "reports/calibration.json"
NEEDED = ("date", "worlds", "quantities")
SURPRISING = 0.01  # p value of a test of even ranks below which a quantity is marked
UNLIKELY = 2.58  # standard errors, as rare as that


def calibration(kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """Describe a stored run of simulation-based calibration.

    The file holds `date` (of the run), `worlds` (how many were simulated), `quantities` (each with `name`, `ranks`:
    a rank for each world, `of`: the largest rank there can be, `p_value`: of a test of even ranks) and, if they were
    counted, `scenarios` (each with `name`, `came`: in how many worlds it came true, `expected`: the sum of its
    probabilities, `z`: the difference in standard errors).

    Source: Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms with
    simulation-based calibration".
    """
    if kept is None:
        text = "Simulation-based calibration has not yet been run."
        return {"run": False, "text": text, "quantities": [], "scenarios": []}
    rows = [
        {
            "name": row["name"],
            "worlds": len(row["ranks"]),
            "ranks": row["ranks"],
            "of": row["of"],
            "p_value": row["p_value"],
            "p_shown": f"{row['p_value']:.3f}",
            "surprising": row["p_value"] < SURPRISING,
        }
        for row in kept["quantities"]
    ]
    marked = [row["name"] for row in rows if row["surprising"]]
    result = (
        f"Ranks are uneven (p below {SURPRISING:g}) for {', '.join(marked)}."
        if marked
        else (f"No quantity's ranks are uneven (p below {SURPRISING:g}).")
    )
    scenarios = [
        {**row, "expected_shown": f"{row['expected']:.1f}", "z_shown": f"{row['z']:+.1f}"}
        for row in kept.get("scenarios", ())
    ]
    text = f"Run on {long_date(kept['date'])} on {kept['worlds']} simulated worlds. {result}{_came(scenarios)}"
    return {
        "run": True,
        "date": kept["date"],
        "worlds": kept["worlds"],
        "text": text,
        "quantities": rows,
        "scenarios": scenarios,
    }


def _came(scenarios: Sequence[Mapping[str, Any]]) -> str:
    """Say whether scenarios came true as often as their probabilities add up to."""
    if not scenarios:
        return ""
    furthest = max(scenarios, key=lambda row: abs(row["z"]))
    told = f"{furthest['came']} times where {furthest['expected_shown']} were expected"
    if abs(furthest["z"]) > UNLIKELY:
        return f" Probabilities are off: “{furthest['name']}” came true {told} ({furthest['z_shown']} standard errors)."
    return f" Scenarios came true as often as they were forecast: “{furthest['name']}”, the furthest off, {told}."
