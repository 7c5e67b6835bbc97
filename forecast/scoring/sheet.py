"""What scoring a table gives: typed records, which tables read, and as JSON (docs/scores.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from forecast.scoring.calibration import LEVEL, Bin, Decomposition
from forecast.scoring.measures import GROUPINGS, MEASURES, TIMINGS

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class MeanScore:
    """The mean of a measure at a timing over a group: a forecaster, and of these a topic or a horizon (`part`).

    A mean that is not defined is NaN. `infinite` and `clipped` (the mean by the clip) are of measures that can be
    infinite, `coverage` is of means over time.
    """

    measure: str
    timing: str
    grouping: str
    forecaster: str
    part: str | None
    mean: float
    n_questions: int
    n_forecasts: int
    infinite: int | None = None
    clipped: Mapping[float, float] | None = None
    coverage: float | None = None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"measure": self.measure, "timing": self.timing, "grouping": self.grouping}
        row["forecaster"] = self.forecaster
        if self.part is not None:
            row[self.grouping] = self.part
        row |= {"mean": plain_number(self.mean), "n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        if self.clipped is not None:
            row |= {"infinite": self.infinite, "clipped": {str(clip): mean for clip, mean in self.clipped.items()}}
        return row if self.coverage is None else row | {"coverage": self.coverage}


@dataclass(frozen=True, kw_only=True)
class CalibrationScore:
    """A forecaster's yes-or-no forecasts taken together: CORP, and the AUC (None without both outcomes)."""

    forecaster: str
    auc: float | None
    parts: Decomposition
    bins: tuple[Bin, ...]
    n_questions: int
    n_forecasts: int

    def as_json(self) -> tuple[Json, Json]:
        """Return what JSON can hold, one object for each of both measures."""
        head = {"timing": "each", "grouping": "forecaster", "forecaster": self.forecaster}
        counts = {"n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        parts = {key: plain_number(value) for key, value in asdict(self.parts).items() if key != "n"}
        corp: Json = {"measure": "corp", **head, **parts, **counts, "bins": [asdict(part) for part in self.bins]}
        return {"measure": "auc", **head, "mean": self.auc, **counts}, corp


@dataclass(frozen=True, kw_only=True)
class UnlikeCounts:
    """On how many questions two forecasters' forecasts are not alike, on how many of these they are compared.

    `levels` are the sets of levels at which quantiles are compared; None of draws.
    """

    n_questions: int
    n_compared: int
    levels: tuple[tuple[float, ...], ...] | None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        counts: Json = {"n_questions": self.n_questions, "n_compared": self.n_compared}
        return counts if self.levels is None else counts | {"levels": [list(levels) for levels in self.levels]}


@dataclass(frozen=True, kw_only=True)
class UnlikePair:
    """Two forecasters whose forecasts are not all alike under a measure."""

    forecaster: str
    benchmark: str
    measure: str
    counts: UnlikeCounts

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        return {
            "forecaster": self.forecaster,
            "benchmark": self.benchmark,
            "of": self.measure,
            **self.counts.as_json(),
        }


@dataclass(frozen=True, kw_only=True)
class UnlikeMeasure:
    """A measure whose forecasts are not all alike: who states which levels, or how many draws, and the pairs."""

    measure: str
    text: str
    forms: tuple[tuple[tuple[float, ...] | int, tuple[str, ...]], ...]
    pairs: tuple[UnlikePair, ...]

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        forms = [
            {"draws": form, "forecasters": list(who)}
            if isinstance(form, int)
            else {"levels": list(form), "forecasters": list(who)}
            for form, who in self.forms
        ]
        pairs = [pair.as_json() for pair in self.pairs]
        return {"measure": self.measure, "text": self.text, "forecasts": forms, "pairs": pairs}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with the ends of its bootstrap interval, NaN where there is none."""

    mean: float
    low: float
    high: float

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        return {key: plain_number(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class SkillScore:
    """A forecaster against a benchmark by a measure, on the questions of both; `level` is that of the intervals."""

    measure: str
    forecaster: str
    benchmark: str
    skill: Interval
    level: float
    score: float
    benchmark_score: float
    difference: Interval
    n_questions: int
    n_forecasts: int
    n_benchmark_forecasts: int
    unlike: UnlikeCounts | None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"measure": "skill", "of": self.measure, "timing": "shared_time", "grouping": "pair"}
        row |= {"forecaster": self.forecaster, "benchmark": self.benchmark, **self.skill.as_json()}
        row |= {"level": self.level, "score": plain_number(self.score)}
        row |= {"benchmark_score": plain_number(self.benchmark_score), "difference": self.difference.as_json()}
        row |= {"n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        row["n_benchmark_forecasts"] = self.n_benchmark_forecasts
        return row if self.unlike is None else row | {"unlike": self.unlike.as_json()}


@dataclass(frozen=True, kw_only=True)
class QuestionScores:
    """A forecaster's scores on one question, by measure and timing."""

    question: str
    forecaster: str
    topic: str
    outcome: float | str | None
    n_forecasts: int
    coverage: float
    scores: Mapping[str, float]

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"question": self.question, "forecaster": self.forecaster}
        row |= {"topic": self.topic} if self.topic else {}
        row |= {"outcome": self.outcome, "n_forecasts": self.n_forecasts, "coverage": self.coverage}
        return row | {name: plain_number(score) for name, score in self.scores.items()}


@dataclass(frozen=True, kw_only=True)
class ScoreSheet:
    """Everything that scores say about a table. `questions` counts them by resolution."""

    seed: int
    questions: Mapping[str, int]
    n_forecasts: int
    unlike: Sequence[UnlikeMeasure]
    means: Sequence[MeanScore]
    calibration: Sequence[CalibrationScore]
    skill: Sequence[SkillScore]
    by_question: Sequence[QuestionScores] | None

    @property
    def measures(self) -> list[str]:
        """The measures that occur, in the order in which they are explained."""
        used = {mean.measure for mean in self.means}
        used |= {"auc", "corp"} if self.calibration else set()
        used |= {"skill"} if self.skill else set()
        return [name for name in MEASURES if name in used]

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold: an infinite number is "Infinity" or "-Infinity", one that is not defined None."""
        definitions = {name: MEASURES[name] for name in self.measures}
        scores = [mean.as_json() for mean in self.means]
        scores += [row for score in self.calibration for row in score.as_json()]
        scores += [score.as_json() for score in self.skill]
        sheet: Json = {
            "seed": self.seed,
            "level": LEVEL,
            "n_questions": dict(self.questions),
            "n_forecasts": self.n_forecasts,
            "definitions": {
                name: {
                    "text": definition.text,
                    "range": definition.span,
                    "better": definition.better,
                    "source": definition.source,
                }
                for name, definition in definitions.items()
            },
            "timings": dict(TIMINGS),
            "groupings": dict(GROUPINGS),
            "unlike": [measure.as_json() for measure in self.unlike],
            "scores": scores,
        }
        if self.by_question is not None:
            sheet["questions"] = [score.as_json() for score in self.by_question]
        return sheet


def plain_number(value: float) -> float | str | None:
    """Return a number, "Infinity" or "-Infinity", or None for one that is not defined."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0.0 else "-Infinity"
