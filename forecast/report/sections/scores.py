"""Scores: this forecast beside base rates and others on the same questions and days, and the record of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from forecast.digits import NOTHING, score, score_difference
from forecast.plain import spread
from forecast.report.section import Section, Subject, part
from forecast.words import counted, percent

OWN = "forecast"
LEAST_DRAWN = 20  # resolved questions from which on a calibration curve can be told from chance
NOT_YET = "Not yet: no question has been replayed and scored."
MEASURES = ("brier", "log")


@dataclass(frozen=True, kw_only=True)
class ScoresBeside:
    """This forecast and another on the questions that both answered, over the time that both forecasts stood.

    `difference` is ours less theirs of the Brier scores, `low` and `high` the ends of its interval, which holds
    whenever it is looked at; `more` is how many more questions like these would tell, None where no number would.
    """

    name: str
    n_questions: int
    brier: float | None
    brier_theirs: float | None
    log: float | str | None
    log_theirs: float | str | None
    difference: float | None
    low: float | None
    high: float | None
    more: int | None
    shown: Mapping[str, str]

    @property
    def is_worse(self) -> bool:
        """Say whether this forecast is told apart, and the worse one."""
        return self.low is not None and self.low > 0.0


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
class RecordRow:
    """The record so many months ahead, beside one other forecast; `row` is as `forecast record --json` has it."""

    row: Mapping[str, Any] = spread()
    shown: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RecordShown:
    """The record of the ledger's own sub-questions: in words, and beside others."""

    text: str
    rows: Sequence[RecordRow]


@dataclass(frozen=True, kw_only=True)
class ScoresTable:
    """Scores of resolved questions, of the replay, and the record of the ledger."""

    text: str
    resolved: int
    beside: Sequence[ScoresBeside]
    sentence: str
    heaviest: str
    calibration: CorpParts | None
    definitions: Mapping[str, str]
    record: RecordShown


@dataclass(frozen=True, kw_only=True)
class NoScores:
    """No question is resolved."""

    text: str = NOT_YET
    resolved: int = 0
    beside: Sequence[ScoresBeside] = ()
    sentence: str = ""
    heaviest: str = ""
    calibration: None = None
    record: RecordShown


def scored(table: Mapping[str, Any] | None, kept: Mapping[str, Any] | None = None) -> ScoresTable | NoScores:
    """Describe what `forecast score --json` says of the replay, and `forecast record --json` of the ledger."""
    resolved = int(table["n_questions"]["resolved"]) if table else 0
    if table is None or not resolved:
        return NoScores(record=recorded(kept))
    skill = [row for row in table["scores"] if row["measure"] == "skill" and row["forecaster"] == OWN]
    logs = {row["benchmark"]: row for row in skill if row["of"] == "log"}
    rows = [row for row in skill if row["of"] == "brier"]
    rows.sort(key=lambda row: (-row["n_questions"], row["benchmark"]))
    beside = [_beside(row, logs.get(row["benchmark"])) for row in rows]
    corp = next((row for row in table["scores"] if row["measure"] == "corp" and row["forecaster"] == OWN), None)
    return ScoresTable(
        text=f"Replayed from what was known on each day, by people who knew the outcome: {_are(resolved)} resolved.",
        resolved=resolved,
        beside=beside,
        sentence=_compared(beside),
        heaviest=_heaviest(rows),
        calibration=None if corp is None else _corp(corp),
        definitions={name: table["definitions"][name]["text"] for name in MEASURES if name in table["definitions"]},
        record=recorded(kept),
    )


def _are(count: int) -> str:
    return f"{count} {'question is' if count == 1 else 'questions are'}"


def _beside(row: Mapping[str, Any], log: Mapping[str, Any] | None) -> ScoresBeside:
    found = row.get("anytime") or {"mean": None, "low": None, "high": None, "more": None}
    logs = (None, None) if log is None else (log["score"], log["benchmark_score"])
    return ScoresBeside(
        name=row["benchmark"],
        n_questions=row["n_questions"],
        brier=row["score"],
        brier_theirs=row["benchmark_score"],
        log=logs[0],
        log_theirs=logs[1],
        difference=found["mean"],
        low=found["low"],
        high=found["high"],
        more=found["more"],
        shown={
            "brier": _number(row["score"]),
            "brier_theirs": _number(row["benchmark_score"]),
            "log": _number(logs[0]),
            "log_theirs": _number(logs[1]),
            "difference": _signed(found["mean"]),
            "interval": f"{_signed(found['low'])} to {_signed(found['high'])}",
            "more": _more(found["more"]),
        },
    )


def _more(count: int | None) -> str:
    return "no number" if count is None else "none" if count == 0 else f"{count:,}"


def _number(value: object) -> str:
    return score(value, 3) if isinstance(value, float) else "—" if value is None else str(value).lower()


def _signed(value: object) -> str:
    return score_difference(value, 3).replace("-", "−") if isinstance(value, float) else "—"


def _compared(rows: Sequence[ScoresBeside]) -> str:
    """Say what the numbers carry: better or worse only where the whole interval is on one side of 0."""
    told = [
        f"{'better' if row.high < 0.0 else 'worse'} than {row.name} ({counted(row.n_questions, 'question')})"
        for row in rows
        if row.low is not None and row.high is not None and not row.low <= 0.0 <= row.high
    ]
    rest = [f"{row.name} ({counted(row.n_questions, 'question')})" for row in rows if row.low is None or row.more != 0]
    said = [f"By the Brier score this forecast is {'; '.join(told)}."] if told else []
    if rest:
        said.append(f"Too few are answered by both to tell it apart from {'; '.join(rest)}.")
    return " ".join(said)


def _heaviest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Name the question that the score beside the first other rests on, if there is any."""
    row = next((row for row in rows if row.get("heaviest") is not None), None)
    if row is None:
        return ""
    one = row["heaviest"]
    total = row["score"] * row["n_questions"]
    if not isinstance(one["score"], float) or total == 0.0:
        return ""
    return (
        f"Of the score beside {row['benchmark']}, {percent(one['score'] / total, None)} is the question "
        f"“{one['question']}” (Brier {_number(one['score'])}; {row['benchmark']} {_number(one['benchmark_score'])}); "
        f"without it the means are {_number(one['score_without'])} and {_number(one['benchmark_score_without'])}."
    )


def recorded(kept: Mapping[str, Any] | None) -> RecordShown:
    """Describe what `forecast record --json` says."""
    if kept is None or kept["first"] is None:
        text = "No line of the ledger before this one holds sub-questions of its own, so there is no record yet."
        return RecordShown(text=text, rows=())
    entered = f"{kept['n_entered']} sub-questions stand in the ledger since {kept['first']}"
    if not kept["ahead"]:
        return RecordShown(text=f"{entered}; none has ended yet, the first do on {kept['next_month']}.", rows=())
    told = [
        f"{_ahead(row)} ahead {row['n_sub_questions']} of {row['n_events']} events have ended in "
        f"{row['n_months']} {'month' if row['n_months'] == 1 else 'months'}, {row['n_yes']} in yes where "
        f"{row['expected_yes']:.1f} were expected"
        for row in kept["ahead"]
    ]
    rows = [RecordRow(row=row, shown=_record_shown(row)) for ahead in kept["ahead"] for row in ahead["beside"]]
    return RecordShown(text=f"{entered}: {'; '.join(told)}.", rows=rows)


def _ahead(row: Mapping[str, Any]) -> str:
    return "1 month" if row["months_ahead"] == 1 else f"{row['months_ahead']} months"


def _record_shown(row: Mapping[str, Any]) -> dict[str, str]:
    found = row["difference"]
    return {
        "ahead": _ahead(row),
        "brier": _number(row["brier"]),
        "brier_theirs": _number(row["brier_theirs"]),
        "log": _number(row["log"]),
        "log_theirs": _number(row["log_theirs"]),
        "difference": _signed(found["mean"]),
        "interval": f"{_signed(found['low'])} to {_signed(found['high'])}",
        "more": _more(row["sub_questions_more"]),
    }


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
        shown={key: score(value if abs(value) > NOTHING else 0.0, 3) for key, value in parts.items()},
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
    return scored(subject.material.kept.scores, subject.material.kept.record)


@dataclass(frozen=True, kw_only=True)
class ScoresShown:
    """What the section of scores shows."""

    scores: ScoresTable | NoScores


class ScoresSection(Section):
    """How good such forecasts have been."""

    id, title, group, place = "scores", "Scores", "Method", 200
    entries: ClassVar[Mapping[str, int]] = {"scores": 330}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Say what the score is, and whether it is told apart from the first other's."""
        found = scores(subject)
        if not found.beside:
            return found.text
        row = found.beside[0]
        told = row.low is not None and row.high is not None and not row.low <= 0.0 <= row.high
        verdict = ("worse" if row.is_worse else "better") if told else "too few to tell them apart"
        ahead = "" if found.record.rows else ", none forecast before the outcome"
        brier = f"Brier {row.shown['brier']}, {row.name} {row.shown['brier_theirs']}"
        return f"{counted(row.n_questions, 'resolved question')}{ahead}: {brier}: {verdict}"

    @classmethod
    def shown(cls, subject: Subject) -> ScoresShown:
        """Return the scores."""
        return ScoresShown(scores=scores(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the scores."""
        return {"scores": scores(subject)}
