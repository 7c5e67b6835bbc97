"""What a workspace may keep beside its forecasts: a replay, benchmarks, a run of calibration."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from forecast.workspace.records import BaseRate, Benchmark, Condition, Publication, Question
from tests.worlds import HERE

COLUMNS = ("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "topic")
QUESTION = Question(
    id="q-truce",
    question="Is there a general truce by October?",
    about=Condition("truce", ("general",)),
    by=date(2025, 10, 1),
    opens=date(2025, 2, 1),
    topic="truce",
    resolves="yes = there is.",
    base_rate=BaseRate(0.0312, Publication("somebody", None, None), "counted"),
    benchmarks=("q-truce",),
    source=HERE,
    caution="The market asks for less.",
)
BENCHMARK = Benchmark("q-truce", ((date(2025, 3, 1), "Market", 0.125), (date(2025, 12, 1), "Market", 0.9)), HERE)


def replay_rows() -> list[dict[str, str]]:
    """Forty resolved questions: the forecast is right, the market says a half."""
    rng = np.random.default_rng(1)
    rows = []
    for n in range(40):
        happened = int(rng.random() < 0.5)
        for who, p in (("forecast", 0.9 if happened else 0.1), ("Market", 0.5), ("base rate", 0.5)):
            cells = (f"q{n}", who, "2025-03-01", str(p), str(happened), "2025-02-01", "2025-06-01", "truce")
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    open_ = ("q-truce", "forecast", "2025-03-01", "0.2", "", "2025-02-01", "2025-10-01", "truce")
    return [*rows, dict(zip(COLUMNS, open_, strict=True))]


def keep(root: Path) -> None:
    """Write a replay and a run of simulation-based calibration into a workspace's folder of reports."""
    reports = root / "reports"
    lines = [",".join(COLUMNS), *(",".join(row.values()) for row in replay_rows())]
    (reports / "replay.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    levels = {"0.05": 0.1, "0.5": 0.2, "0.95": 0.4}
    days = [
        {
            "as_of": (date(2025, 2, 1) + timedelta(days=30 * n)).isoformat(),
            "scenarios": [
                {"id": name, "probability": 0.2 + 0.01 * n, "quantiles": levels} for name in ("peace", "drift", "other")
            ],
        }
        for n in range(12)
    ]
    (reports / "replay.jsonl").write_text("".join(json.dumps(day) + "\n" for day in days), encoding="utf-8")
    ranks = np.random.default_rng(2).integers(0, 100, 200).tolist()
    run = {
        "date": "2025-08-01",
        "model": "a made-up network: not this one",
        "worlds": 200,
        "quantities": [{"name": "logit P", "ranks": ranks, "of": 99, "p_value": 0.4}],
        "scenarios": [
            {"name": "peace", "came": 61, "expected": 58.25, "z": 0.52},
            {"name": "other", "came": 139, "expected": 141.75, "z": -0.61},
        ],
    }
    (reports / "calibration.json").write_text(json.dumps(run), encoding="utf-8")
    refits = {"as_of": "2025-07-01", "draws": "of an older model", "refits": 200, "doubtful": 0}
    (reports / "posterior-calibration.json").write_text(json.dumps({**run, **refits}), encoding="utf-8")
