"""The table of a replay: who forecast what, when, on which question, and how it turned out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.analysis.replay_day import (
    COLUMNS,
    LINES,
    TABLE,
    ImpossibleDay,
    Replayed,
    ReplayLine,
    ReplayQuestion,
    ReplayScenario,
    forecaster_courses,
    how_ended,
    question_courses,
    replay_csv,
    replay_jsonl,
    scenario_courses,
)
from forecast.ledger.outcome import Diagnostics, EstimateRow
from forecast.workspace.records import BaseRate, Benchmark, Condition, Publication, Question, Resolved, Workspace
from tests.worlds import HERE, OPENS, event, network, workspace

BOOK = Publication("book", None, None)
DAYS = [date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1), date(2025, 6, 1)]


def _question(name: str, by: date, opens: date = OPENS, rate: float | None = None, *series: str) -> Question:
    base = None if rate is None else BaseRate(rate, BOOK, "because")
    return Question(
        id=name,
        question="?",
        about=Condition("deal", ("yes",)),
        by=by,
        opens=opens,
        topic="war, peace",
        resolves="r",
        base_rate=base,
        benchmarks=series,
        source=HERE,
    )


def _resolved(name: str, state: str | None, on: date, undone: date | None = None, unclear: bool = False) -> Resolved:
    return Resolved(
        subject=name,
        state=state,
        on=on,
        known=date(2025, 7, 1),
        url=None,
        source=HERE,
        note=None,
        is_ambiguous=unclear,
        undone=undone,
    )


def _known(*questions: Question, resolutions: tuple[Resolved, ...] = ()) -> Workspace:
    market = Benchmark(
        "market",
        ((date(2025, 2, 1), "market", 0.3), (date(2025, 4, 1), "market", 0.4), (date(2025, 4, 2), "late", 0.6)),
        HERE,
    )
    known = workspace(network(event("deal")))
    return replace(known, questions=questions, benchmarks={"market": market}, resolutions=resolutions)


def _line(day: date, **questions: float) -> ReplayLine:
    quantiles = {"0.05": 0.0, "0.5": 0.5, "0.95": 1.0}
    trust = Diagnostics(
        pareto_k=None, ess=1.0, ess_scenario_min=1.0, reliable=True, reasons=(), anchor=None, draws=1, fit={}
    )
    return ReplayLine(
        as_of=day, known_until=day, seed=1, version="1", draws="d", diagnostics=trust,
        scenarios=(
            ReplayScenario(id="peace", estimate=EstimateRow(probability=0.25, quantiles=quantiles, mcse=0.01)),
        ),
        questions=tuple(
            ReplayQuestion(id=name, probability=p, quantiles=quantiles, mcse=0.01, decided=False)
            for name, p in questions.items()
        ),
    )  # fmt: skip


def _rows(known: Workspace, lines: Sequence[Replayed]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(replay_csv(known, lines).decode())))


def test_every_forecaster_as_of_every_date() -> None:
    """Own forecast, base rate, and each series as it stood on the date: nothing before its first point."""
    known = _known(_question("q", date(2026, 1, 1), OPENS, 0.2, "market"))
    rows = _rows(known, [_line(day, q=0.1 + place / 10) for place, day in enumerate(DAYS[:3])])
    assert list(COLUMNS) == list(rows[0])
    found = [(row["forecaster"], row["time"], row["probability"]) for row in rows]
    assert found == [
        ("base rate", "2025-03-01", "0.2"),
        ("base rate", "2025-04-01", "0.2"),
        ("base rate", "2025-05-01", "0.2"),
        ("forecast", "2025-03-01", "0.1"),
        ("forecast", "2025-04-01", "0.2"),
        ("forecast", "2025-05-01", "0.30000000000000004"),
        ("late", "2025-05-01", "0.6"),
        ("market", "2025-03-01", "0.3"),
        ("market", "2025-04-01", "0.4"),
        ("market", "2025-05-01", "0.4"),
    ]
    assert {("", "2025-01-01", "2026-01-01", "war, peace")} == {
        (row["outcome"], row["opens"], row["closes"], row["topic"]) for row in rows
    }


@pytest.mark.parametrize(
    ("resolution", "closes", "outcome", "days"),
    [
        (None, date(2025, 6, 1), "", 2),
        (_resolved("q", "no", date(2025, 6, 1)), date(2025, 6, 1), "0", 2),
        (_resolved("q", "yes", date(2025, 5, 1)), date(2025, 5, 1), "1", 1),
        (_resolved("q", None, date(2025, 5, 2)), date(2025, 5, 2), "void", 2),
        (_resolved("q", None, date(2025, 5, 2), unclear=True), date(2025, 5, 2), "void", 2),
        (_resolved("q", "yes", date(2025, 5, 1), undone=date(2025, 7, 2)), date(2025, 6, 1), "", 2),
    ],
)
def test_a_question_ends(resolution: Resolved | None, closes: date, outcome: str, days: int) -> None:
    """Forecasts count from the opening to the day before a question ended; what is undone ends nothing."""
    asked = _question("q", date(2025, 6, 1), date(2025, 4, 1))
    known = _known(asked, resolutions=() if resolution is None else (resolution,))
    assert (closes, outcome) == how_ended(known, asked)
    rows = _rows(known, [_line(day, q=0.5) for day in DAYS])
    assert [day.isoformat() for day in DAYS[1 : 1 + days]] == [row["time"] for row in rows]
    assert {outcome} == {row["outcome"] for row in rows}


def test_numbers_from_before_the_opening_do_not_stand() -> None:
    """A forecaster's number is scored from the first one since the question opened, that day included."""
    known = _known(_question("q", date(2026, 1, 1), date(2025, 4, 2), None, "market"))
    rows = _rows(known, [_line(day, q=0.5) for day in DAYS])
    assert [("forecast", "2025-05-01"), ("forecast", "2025-06-01"), ("late", "2025-05-01"), ("late", "2025-06-01")] == [
        (row["forecaster"], row["time"]) for row in rows
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """The series for charts are those of the files; without files there are none."""
    assert ({}, {}, {}) == (scenario_courses(tmp_path), question_courses(tmp_path), forecaster_courses(tmp_path))
    known = _known(_question("q", date(2026, 1, 1), OPENS, 0.2, "market"))
    lines: list[Replayed] = [
        _line(DAYS[0], q=0.125),
        ImpossibleDay(as_of=date(2025, 4, 1), impossible=("a",)),
        _line(DAYS[2], q=0.5),
    ]
    (tmp_path / "reports").mkdir()
    (tmp_path / LINES).write_bytes(replay_jsonl(lines))
    (tmp_path / TABLE).write_bytes(replay_csv(known, lines))
    assert (DAYS[0], DAYS[2]) == scenario_courses(tmp_path)["peace"].days
    course = question_courses(tmp_path)["q"]
    assert ((0.125, 0.5), (0.0, 0.0), (1.0, 1.0)) == (course.probability, course.low, course.high)
    found = forecaster_courses(tmp_path)["q"]
    assert ((DAYS[0], 0.125), (DAYS[2], 0.5)) == found["forecast"]
    assert ((DAYS[2], 0.6),) == found["late"]
