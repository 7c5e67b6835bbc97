"""Forecasts that ruled out what came true."""

from __future__ import annotations

import numpy as np

from forecast.scores.per_forecast import CLIPS, per_forecast
from forecast.scores.table import Forecasts, resolved
from forecast.workspace.problems import Problem

LISTED = 20  # one message each; the rest is counted


def certainties(forecasts: Forecasts) -> tuple[Problem, ...]:
    """Return a warning for each forecast that gave probability 0 to what came true: its log score is infinite."""
    known = resolved(forecasts)
    wrong = np.flatnonzero(per_forecast(known).p_outcome == 0.0)
    allowed = f"it is reported as such, and with probabilities moved into {' and '.join(map(_interval, CLIPS))}"
    found = []
    for at in wrong.tolist():
        question = known.questions[known.question[at]]
        outcome = int(question.outcome or 0)
        entry = int(known.first[at]) + (0 if question.kind == "yes_no" else outcome)
        what = f"probability {known.entries[entry]:g} and the other outcome: the log score is infinite"
        source = known.where[int(known.rows[entry])]
        found.append(Problem(source, what, f"outcome '{_said(question.options, outcome)}'", allowed, "warning"))
    found.sort()
    if len(found) <= LISTED:
        return tuple(found)
    what = f"{len(found) - LISTED} more forecasts like it"
    return (*found[:LISTED], Problem(found[LISTED].source, what, severity="warning"))


def _said(options: tuple[str, ...], outcome: int) -> str:
    return str(outcome) if options == ("no", "yes") else options[outcome]


def _interval(clip: float) -> str:
    return f"[{clip:g}, {1.0 - clip:g}]"
