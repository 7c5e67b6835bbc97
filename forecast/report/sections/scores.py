"""Scores of resolved questions: this forecast, base rates and other forecasters on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from forecast.plain import spread
from forecast.report.section import Section, Subject, part
from forecast.words import counted, percent

OWN = "forecast"
LEAST = 10  # questions that both answered, from which on they are compared in words
LEAST_DRAWN = 20  # resolved questions from which on a calibration curve can be told from chance
NOT_YET = "Not yet: no question has been replayed and scored."
# measure -> timing of forecast.scoring; one number a question, so that nobody is scored by how often they speak.
MEASURES = {"brier": "time_weighted", "log": "time_weighted"}


@dataclass(frozen=True, kw_only=True)
class ForecasterRow:
    """A forecaster's mean scores and counts."""

    name: str
    brier: float | None
    brier_shown: str
    log: float | None
    log_shown: str
    n_questions: int
    n_forecasts: int


@dataclass(frozen=True, kw_only=True)
class SkillRow:
    """The skill of this forecast against a benchmark on the questions that both answered, with its interval."""

    benchmark: str
    mean: float | None
    shown: str
    interval: str
    low: float | None
    high: float | None
    n_questions: int


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Forecasts that recalibration puts at one value (`row`: forecast.scoring.corp.Bin), and as they are shown."""

    row: Mapping[str, Any] = spread()
    shown: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CorpParts:
    """The parts of the mean Brier score, and the bins of the calibration curve; `not_drawn`: why it is no figure."""

    not_drawn: str | None
    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    shown: Mapping[str, str]
    bins: Sequence[CalibrationBin]


@dataclass(frozen=True, kw_only=True)
class ScoresTable:
    """Scores of resolved questions: this forecast, base rates and other forecasters on the same questions."""

    text: str
    resolved: int
    forecasters: Sequence[ForecasterRow]
    skill: Sequence[SkillRow]
    least: int
    sentence: str
    calibration: CorpParts | None
    definitions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class NoScores:
    """No question is resolved."""

    text: str = NOT_YET
    resolved: int = 0
    forecasters: Sequence[ForecasterRow] = ()
    skill: Sequence[SkillRow] = ()
    calibration: None = None
    sentence: str = ""


def scored(table: Mapping[str, Any] | None) -> ScoresTable | NoScores:
    """Describe what `forecast score --json` says of the replay."""
    resolved = int(table["n_questions"]["resolved"]) if table else 0
    if table is None or not resolved:
        return NoScores()
    rows = [row for row in table["scores"] if row["grouping"] == "forecaster"]
    names = list(dict.fromkeys(row["forecaster"] for row in rows))
    names.sort(key=lambda name: name != OWN)
    corp = next((row for row in rows if row["measure"] == "corp" and row["forecaster"] == OWN), None)
    skill = [_skill(row) for row in table["scores"] if _is_skill(row)]
    return ScoresTable(
        text=f"{resolved} {'question is' if resolved == 1 else 'questions are'} resolved.",
        resolved=resolved,
        forecasters=[_forecaster(name, rows) for name in names],
        skill=skill,
        least=LEAST,
        sentence=_compared(skill),
        calibration=None if corp is None else _corp(corp),
        definitions={name: table["definitions"][name]["text"] for name in MEASURES if name in table["definitions"]},
    )


def _is_skill(row: Mapping[str, Any]) -> bool:
    return bool(row["measure"] == "skill" and row["of"] == "brier" and row["forecaster"] == OWN)


def _forecaster(name: str, rows: list[Mapping[str, Any]]) -> ForecasterRow:
    own = {(row["measure"], row["timing"]): row for row in rows if row["forecaster"] == name}
    brier, log = (own.get(measure) for measure in MEASURES.items())
    return ForecasterRow(
        name=name,
        brier=brier["mean"] if brier else None,
        brier_shown=_number(brier["mean"]) if brier else "—",
        log=log["mean"] if log else None,
        log_shown=_number(log["mean"]) if log else "—",
        n_questions=brier["n_questions"] if brier else 0,
        n_forecasts=brier["n_forecasts"] if brier else 0,
    )


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "—" if value is None else str(value).lower()


def _skill(row: Mapping[str, Any]) -> SkillRow:
    ends = [row["low"], row["high"]]
    return SkillRow(
        benchmark=row["benchmark"],
        mean=row["mean"],
        shown=_signed(row["mean"]),
        # Of a single question there is nothing to resample: its interval would have no width.
        interval=" to ".join(map(_signed, ends)) if row["n_questions"] > 1 else "—",
        low=row["low"],
        high=row["high"],
        n_questions=row["n_questions"],
    )


def _signed(value: object) -> str:
    return f"{value:+z.2f}".replace("-", "−") if isinstance(value, float) else "—"


def _compared(skill: Sequence[SkillRow]) -> str:
    """Say what the numbers carry: better or worse of enough questions, the whole interval on one side of 0."""
    verdicts, few = [], []
    for row in skill:
        if row.n_questions < LEAST or not isinstance(row.low, float):
            few.append(row.benchmark)
            continue
        below = row.high is not None and row.high < 0
        verdict = "better than" if row.low > 0 else "worse than" if below else "not distinguishable from"
        verdicts.append(f"{verdict} {row.benchmark} ({row.n_questions} questions)")
    said = [f"By the Brier score this forecast is {'; '.join(verdicts)}."] if verdicts else []
    if few:
        said.append(f"Fewer than {LEAST} questions are shared with {'; '.join(few)}: too few to compare.")
    return " ".join(said)


def not_drawn(questions: int, bins: int, uncertainty: float) -> str | None:
    """Say why a calibration curve would show nothing; None where it shows something."""
    if questions < LEAST_DRAWN:
        few = f"{counted(questions, 'resolved question is', 'resolved questions are')}"
        return f"No calibration curve is drawn: {few} fewer than {LEAST_DRAWN}, too few to tell a curve from chance."
    if not uncertainty:
        return "No calibration curve is drawn: all resolved questions have ended in the same way."
    if bins < 2:
        return "No calibration curve is drawn: all forecasts fall into one group, so there is one point and no curve."
    return None


def _corp(corp: Mapping[str, Any]) -> CorpParts:
    parts = {key: corp[key] for key in ("score", "miscalibration", "discrimination", "uncertainty")}
    return CorpParts(
        not_drawn=not_drawn(int(corp["n_questions"]), len(corp["bins"]), parts["uncertainty"]),
        score=parts["score"],
        miscalibration=parts["miscalibration"],
        discrimination=parts["discrimination"],
        uncertainty=parts["uncertainty"],
        shown={key: f"{value:.3f}" for key, value in parts.items()},
        bins=[
            CalibrationBin(
                row=row, shown={key: percent(value, None) for key, value in row.items() if isinstance(value, float)}
            )
            for row in corp["bins"]
        ],
    )


@part
def scores(subject: Subject) -> ScoresTable | NoScores:
    """Return the page's scores."""
    return scored(subject.material.kept.scores)


@dataclass(frozen=True, kw_only=True)
class ScoresShown:
    """What the section of scores shows."""

    scores: ScoresTable | NoScores


class ScoresSection(Section):
    """How good such forecasts have been."""

    id, title, group, place = "scores", "Scores", "Method", 200
    entries: ClassVar[Mapping[str, int]] = {"scores": 330}

    @classmethod
    def shown(cls, subject: Subject) -> ScoresShown:
        """Return the scores."""
        return ScoresShown(scores=scores(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the scores."""
        return {"scores": scores(subject)}
