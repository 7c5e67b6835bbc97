"""The report as one plain map: every number that the page shows, in full and as it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.residuals import DISAGREES
from forecast.record.outcome import Outcome
from forecast.report.events import event_table, uncertain_rows
from forecast.report.evidence import evidence_list
from forecast.report.judgement import headline, question, scenarios
from forecast.report.opinions import statements
from forecast.report.predictive import predictive
from forecast.report.sampling import reweighting, sampling
from forecast.report.untrusted import all_readable
from forecast.report.wording import long_date
from forecast.reweight.curves import Curves

Array = NDArray[np.float64]

CURVE_EVERY = 2  # draws: half of them give the curves to a fraction of a percent, in half the time
FORMAT = 1


def page_numbers(
    found: Outcome,
    prior: Outcome,
    ledger: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
    by_date: Curves,
    fit: dict[str, Array],
) -> dict[str, Any]:
    """Build the content of report.json.

    Args:
        found, prior: the forecast, and the statements alone at the opening.
        ledger: all lines, that of this update last.
        forecast: the content of forecast.json.
        by_date: P(event by a date).
        fit: the posterior of stage 1 without any evidence in the sampler.
    """
    shares = scenarios(found, prior, forecast)
    told = statements(found, fit)
    asked = question(found)
    page = {
        "format": FORMAT,
        "question": asked,
        "headline": headline(shares, long_date(asked["horizon"])),
        "compared_with": forecast.get("compared_with"),
        "axis_to": _axis(shares),
        "scenarios": shares,
        "events": event_table(found, prior, by_date),
        "curves": {
            "days": [day.isoformat() for day in by_date.days],
            "every": CURVE_EVERY,
            "correction": by_date.correction,
            "correction_shown": f"{100.0 * by_date.correction:.2f} points",
        },
        "evidence": evidence_list(found),
        "statements": told,
        "disagreements": [row for row in told if row["disagrees"]],
        "disagrees_above": DISAGREES,
        "predictive": predictive(prior),
        "uncertain_rows": uncertain_rows(found),
        "sampling": sampling(found),
        "reweighting": reweighting(found),
        "reproduce": _reproduce(found, ledger),
    }
    clean: dict[str, Any] = all_readable(page)
    return clean


def _axis(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return where the axis of the scenario figure ends: a round tenth that holds every dot."""
    highest = max(float(row["dots"][-1]) for row in rows)
    return min(1.0, ceil(10.0 * highest + 0.2) / 10.0)


def _reproduce(found: Outcome, ledger: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    line = ledger[-1] if ledger else {}
    return {
        "command": f"forecast update --as-of {found.as_of.isoformat()} --seed {found.seed}",
        "seed": found.seed,
        "draws": found.posterior.draws.digest,
        "line": dict(line),
        "lines": len(ledger),
        "files": dict(sorted(found.workspace.digests.items())),
    }
