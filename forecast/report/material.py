"""What a report is drawn from: the forecast, what the engine answered about it, and what is kept of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecast.analysis.alternatives import AlternativeForecast
from forecast.analysis.influence import Arrow, Judgement
from forecast.analysis.questions import QuestionStatus
from forecast.analysis.story import Story
from forecast.analysis.watch import WatchList
from forecast.analysis.why import Why
from forecast.analysis.worlds import WorldsTable
from forecast.ledger.entries import Line
from forecast.ledger.outcome import Outcome
from forecast.ledger.tables import ForecastRecord
from forecast.report.recorded import Recorded

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the engine answered for the page, from the draws and the update before alone.

    `since_update` is None for a first forecast; `of_sections`: what sections ask themselves, as plain data by the
    section's id; `figures`: those of ArviZ, name -> `<svg>` element.
    """

    stories: tuple[Story, ...]
    since_prior: Why
    since_update: Why | None
    watch: WatchList
    arrows: tuple[Arrow, ...]
    judgements: tuple[Judgement, ...]
    worlds: WorldsTable
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
    forecast: ForecastRecord
    answers: Answers
    questions: tuple[QuestionStatus, ...]
    alternatives: tuple[AlternativeForecast, ...]
    kept: Kept = Kept()
    warnings: tuple[str, ...] = ()

    @property
    def compared_with(self) -> str | None:
        """The day of the update that changes are measured against."""
        day = self.forecast.head.compared_with
        return None if day is None else day.isoformat()
