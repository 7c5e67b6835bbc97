"""A pool as tables: one object for JSON, one row a question for CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from forecast.scoring.plain import PLAIN_POOLS
from forecast.scoring.pool import INTERVAL, MeanScores, Pool, PooledExpert, PooledQuestion, PooledSpread, PoolScores

CSV_COLUMNS = ("question", "n", "pooled", "low", "high", *PLAIN_POOLS, "outcome", "left_out", "pareto_k", "refitted")


def as_json(pool: Pool, scores: PoolScores) -> dict[str, Any]:
    """Return everything that pooling gave, in full precision. An infinite number is null."""
    left = pool.left_out
    return {
        "file": pool.table.path,
        "seed": pool.seed,
        "forecasts": len(pool.table.forecasts),
        "interval": INTERVAL,
        "questions": [_question(question) for question in pool.questions],
        "experts": [_expert(expert) for expert in pool.experts],
        "scores": {
            "pools": [_scored(scored) for scored in scores.pools],
            "experts": [_scored(scored) for scored in scores.experts],
        },
        "left_out": {
            "questions": len(left.by_question),
            "refitted": sum(question.refitted for question in left.by_question.values()),
            "unreliable": sum(not question.reliable for question in left.by_question.values()),
        },
        "diagnostics": {**pool.diagnostics, "reliable": not pool.distrust, "reasons": list(pool.distrust)},
        "seconds": {
            "fitting": pool.seconds_fitting,
            "leaving_out": left.seconds_weighing,
            "refitting": left.seconds_refitting,
        },
    }


def as_csv(pool: Pool) -> str:
    """Return one row a question; cells of what is not known are empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for question in pool.questions:
        left = question.left_out
        of_left = ("", "", "") if left is None else (left.p_event, _finite(left.pareto_k), int(left.refitted))
        pooled = (question.p_event, question.low, question.high, *question.plain.values())
        rows.writerow([question.name, question.n, *pooled, question.outcome, *of_left])
    return text.getvalue()


def _question(question: PooledQuestion) -> dict[str, object]:
    left = question.left_out
    return {
        "question": question.name,
        "n": question.n,
        "pooled": question.p_event,
        "low": question.low,
        "high": question.high,
        **question.plain,
        "outcome": question.outcome,
        "left_out": None
        if left is None
        else {
            "probability": left.p_event,
            "pareto_k": _finite(left.pareto_k),
            "refitted": left.refitted,
            "reliable": left.reliable,
        },
    }


def _expert(expert: PooledExpert) -> dict[str, object]:
    def spread(quantity: PooledSpread | None) -> Mapping[str, float] | None:
        return None if quantity is None else asdict(quantity)

    return {
        "expert": expert.name,
        "group": expert.group,
        "n": expert.n,
        "omega": spread(expert.omega),
        "bias": spread(expert.bias),
        "slope": spread(expert.slope),
    }


def _scored(scored: MeanScores) -> dict[str, object]:
    against = scored.against_pool
    return {
        "name": scored.name,
        "n": scored.n,
        **scored.means,
        "against_pool": None if against is None else {name: asdict(difference) for name, difference in against.items()},
    }


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
