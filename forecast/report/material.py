"""What a report is drawn from: the forecast, what the engine answered about it, and what is kept of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecast.ledger.entries import Line
from forecast.ledger.outcome import Outcome
from forecast.report.recorded import Recorded

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the engine was asked for the page, as plain tables.

    Each is of the module of forecast.analysis that its name says (`stories`: story; `since_prior` and `since_update`:
    why, the second None for a first forecast; `watch`; `questions`; `influence`; `alternatives`; `worlds`).
    `of_sections`: what sections ask themselves, by the section's id; `figures`: those of ArviZ that depend on the draws
    alone, name -> `<svg>` element.
    """

    stories: Sequence[Row]
    since_prior: Row
    since_update: Row | None
    watch: Row
    questions: Sequence[Row]
    influence: Row
    alternatives: Sequence[Row]
    worlds: Row
    of_sections: Mapping[str, Any]
    figures: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stands in the workspace's `reports` folder beside the forecasts, each None where it was never made.

    `replay`: scenario -> (day, probability) of reports/replay.jsonl; `series`: question -> forecaster -> the same, of
    reports/replay.csv; `scores`: what `forecast score --json` says of it; `calibration`: the content of
    reports/calibration.json.
    """

    replay: Mapping[str, Sequence[tuple[str, float]]] | None = None
    series: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]] | None = None
    scores: Row | None = None
    calibration: Row | None = None


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything that a report is drawn from.

    `prior` is what the statements alone give at the opening; `ledger` holds the lines that were there when it was made,
    and `recorded` says which of them is its own; `forecast` is the content of forecast.json; `warnings` are those that
    the run gave.
    """

    outcome: Outcome
    prior: Outcome
    ledger: tuple[Line, ...]
    recorded: Recorded
    forecast: Row
    answers: Answers
    kept: Kept = Kept()
    warnings: tuple[str, ...] = ()
