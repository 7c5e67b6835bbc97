"""Scores of resolved questions: this forecast, base rates and other forecasters on the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecast.report.digits import percent

Row = dict[str, Any]

OWN = "forecast"
LEAST = 10  # questions that both answered, from which on they are compared in words
NOT_YET = "Not yet: no question has been replayed and scored."
# measure -> timing of forecast.scores; one number a question, so that nobody is scored by how often they speak.
MEASURES = {"brier": "time_weighted", "log": "time_weighted"}


def scored(table: Mapping[str, Any] | None) -> Row:
    """Describe what `forecast score --json` says of the replay.

    Returns `text`, `forecasters` (each with its mean scores and counts), `skill` (against each benchmark, on the
    questions both answered, with its interval), `calibration` (bins with counts and bands) and `resolved`.
    """
    resolved = int(table["n_questions"]["resolved"]) if table else 0
    if table is None or not resolved:
        return {"text": NOT_YET, "resolved": 0, "forecasters": [], "skill": [], "calibration": None, "sentence": ""}
    rows = [row for row in table["scores"] if row["grouping"] == "forecaster"]
    names = list(dict.fromkeys(row["forecaster"] for row in rows))
    names.sort(key=lambda name: name != OWN)
    corp = next((row for row in rows if row["measure"] == "corp" and row["forecaster"] == OWN), None)
    skill = [_skill(row) for row in table["scores"] if _is_skill(row)]
    return {
        "text": f"{resolved} {'question is' if resolved == 1 else 'questions are'} resolved.",
        "resolved": resolved,
        "forecasters": [_forecaster(name, rows) for name in names],
        "skill": skill,
        "least": LEAST,
        "sentence": _sentence(skill),
        "calibration": None if corp is None else _calibration(corp),
        "definitions": {name: table["definitions"][name]["text"] for name in MEASURES if name in table["definitions"]},
    }


def _is_skill(row: Mapping[str, Any]) -> bool:
    return bool(row["measure"] == "skill" and row["of"] == "brier" and row["forecaster"] == OWN)


def _forecaster(name: str, rows: list[Mapping[str, Any]]) -> Row:
    own = {(row["measure"], row["timing"]): row for row in rows if row["forecaster"] == name}
    found: Row = {"name": name}
    for measure, timing in MEASURES.items():
        row = own.get((measure, timing))
        found[measure] = row["mean"] if row else None
        found[f"{measure}_shown"] = _number(row["mean"]) if row else "—"
    counted = own.get(("brier", "time_weighted"))
    return found | {
        "n_questions": counted["n_questions"] if counted else 0,
        "n_forecasts": counted["n_forecasts"] if counted else 0,
    }


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "—" if value is None else str(value).lower()


def _skill(row: Mapping[str, Any]) -> Row:
    ends = [row["low"], row["high"]]
    return {
        "benchmark": row["benchmark"],
        "mean": row["mean"],
        "shown": _signed(row["mean"]),
        # Of a single question there is nothing to resample: its interval would have no width.
        "interval": " to ".join(map(_signed, ends)) if row["n_questions"] > 1 else "—",
        "low": row["low"],
        "high": row["high"],
        "n_questions": row["n_questions"],
    }


def _signed(value: Any) -> str:
    return f"{value:+z.2f}".replace("-", "−") if isinstance(value, float) else "—"


def _sentence(skill: list[Row]) -> str:
    """Say what the numbers carry: better or worse of enough questions, the whole interval on one side of 0."""
    told = [row for row in skill if row["n_questions"] >= LEAST and isinstance(row["low"], float)]
    few = [row["benchmark"] for row in skill if row not in told]
    parts = []
    for row in told:
        verdict = "better than" if row["low"] > 0 else "worse than" if row["high"] < 0 else "not distinguishable from"
        parts.append(f"{verdict} {row['benchmark']} ({row['n_questions']} questions)")
    said = [f"By the Brier score this forecast is {'; '.join(parts)}."] if parts else []
    if few:
        said.append(f"Fewer than {LEAST} questions are shared with {'; '.join(few)}: too few to compare.")
    return " ".join(said)


def _calibration(corp: Mapping[str, Any]) -> Row:
    bins = [
        {
            **one,
            "shown": {key: percent(value, None) for key, value in one.items() if isinstance(value, float)},
        }
        for one in corp["bins"]
    ]
    parts = {key: corp[key] for key in ("score", "miscalibration", "discrimination", "uncertainty")}
    return {**parts, "shown": {key: f"{value:.3f}" for key, value in parts.items()}, "bins": bins}
