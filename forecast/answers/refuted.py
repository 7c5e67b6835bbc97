"""Stated probabilities against what the evidence made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.draws import Draws
from forecast.prior.residuals import statement_columns
from forecast.record.outcome import Outcome
from forecast.workspace.fits import expit, t4_quantile
from forecast.workspace.records import Times

Array = NDArray[np.float64]
Row = dict[str, Any]


def statements(found: Outcome) -> list[Row]:
    """Hold each stated probability against what the evidence made of it: refuted ones first, then those moved most.

    Each: `statement`, `expert`, `stated` (low, middle and high of the 90 % interval), `before` and `after` (what the
    model implies for it, in the world as its author could know it: mean log-odds over the draws as a probability,
    without and with the evidence) and `refuted`: before lies in the interval and after does not.
    """
    spec, of = found.posterior.spec, found.posterior
    if not spec.statement_ids:
        return []
    said = {statement.id: statement for statement in found.workspace.statements}
    before = _quantities(of.base).mean(axis=0)
    after = of.weights.weights @ _quantities(of.draws)
    rows = []
    for name, column in statement_columns(spec).items():
        at = column[0]
        if at >= spec.stated.location.size or isinstance(said[name].reading, Times):
            continue
        half, middle = t4_quantile(0.95) * float(spec.stated.scale[at]), float(spec.stated.location[at])
        was, now = (float(values[at]) for values in (before, after))
        row = {
            "statement": name,
            "expert": said[name].expert,
            "stated": [expit(middle + sign * half) for sign in (-1, 0, 1)],
            "before": expit(was),
            "after": expit(now),
            "refuted": abs(was - middle) <= half < abs(now - middle),
        }
        rows.append((row["refuted"], abs(now - was), name, row))
    return [row for *_, row in sorted(rows, key=lambda row: (not row[0], -row[1], row[2]))]


def _quantities(draws: Draws) -> Array:
    """Return what the statements read in each draw (draws, quantities)."""
    kept = draws.fit()[0]["quantity"]
    return kept.reshape(-1, kept.shape[-1])
