"""Questions of every kind in one forecast: as rows, kept and read back, in the report, in the table of a replay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.analysis.asked import QuestionAnswers, under_rule
from forecast.analysis.questions import QuestionStatus, due, question_table
from forecast.analysis.replay_day import BinForecast, ReplayDistribution, ReplayLine, replay_csv
from forecast.ledger.outcome import Outcome, diagnostics
from forecast.plain import as_data, from_data
from forecast.report.sections.history import beside_row
from forecast.scoring.read import read_forecasts
from forecast.workspace.records import (
    Condition,
    DatedQuestion,
    DateQuestion,
    JointQuestion,
    NumberCase,
    NumberQuestion,
    OtherRule,
    Proposition,
    Question,
    Resolved,
)
from tests.report.kept import BENCHMARK, QUESTION
from tests.report.outcomes import AS_OF, concluded, world
from tests.worlds import HERE, HORIZON

RULE = OtherRule(
    name="contract",
    about=Condition("truce", ("limited", "general")),
    by=date(2026, 3, 1),
    resolves="any truce",
    publication=None,
    benchmarks=(),
    forecasters=("Market",),
)
MARKED = replace(QUESTION, readings=(RULE,))


def asking[Q: DatedQuestion](kind: type[Q], name: str, **asks: Any) -> Q:
    """A question of a kind until the horizon."""
    common: dict[str, Any] = {"opens": date(2025, 2, 1), "topic": "t", "resolves": "r", "base_rate": None}
    return kind(id=name, question=f"{name}?", by=HORIZON, source=HERE, benchmarks=(), **common, **asks)


CASES = (
    NumberCase(Proposition((Condition("aid", ("cut",)),)), ((0.0, 0.0), (1.0, 10.0))),
    NumberCase(Proposition(), ((0.0, 5.0), (1.0, 25.0))),
)
GIVEN = Proposition((Condition("aid", ("cut",)),))
FURTHER = (
    asking(JointQuestion, "if-cut", about=Proposition((Condition("alone", ("yes",)),)), given=GIVEN),
    asking(JointQuestion, "peaceful", about=Proposition(scenario="peace"), given=None),
    asking(DateQuestion, "day", event="truce", step="general"),
    asking(NumberQuestion, "amount", unit="tons", cases=CASES, bins=(5.0, 15.0)),
    asking(NumberQuestion, "level", unit="tons", cases=CASES, bins=()),
)
KNOWN = world(questions=(MARKED,), further=FURTHER, benchmarks={BENCHMARK.id: BENCHMARK})


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The forecast of the small world with questions of every kind."""
    return concluded(KNOWN, tmp_path_factory.mktemp("fit"))[0]


def test_rows(found: Outcome) -> None:
    """Each question has the answer of its kind, and what is kept of the rows is read back as it was."""
    rows = question_table(found)
    assert [one.kind for one in rows] == ["event", "event", "scenario", "date", "number", "number"]
    assert from_data(tuple[QuestionStatus, ...], as_data(rows)) == rows
    by_id = {one.question: one for one in rows}
    assert by_id["peaceful"].probability == pytest.approx(found.scenarios["peace"].probability)
    day = by_id["day"].date_answer
    assert day is not None
    assert day.missed == pytest.approx(1.0 - found.events["truce"]["general"].probability)
    amount = by_id["amount"].number_answer
    assert amount is not None
    assert sum(one.probability for one in amount.bins) == pytest.approx(1.0)
    assert amount.cases[0].probability == pytest.approx(found.events["aid"]["cut"].probability)
    given = by_id["if-cut"].given
    assert given is not None
    assert given.probability == pytest.approx(found.events["aid"]["cut"].probability)


def test_a_difference_is_rule_and_belief(found: Outcome) -> None:
    """The price under the other rule is the answer to the question it asks; the two parts add up to the difference."""
    row = question_table(found)[0]
    [price], [market] = row.readings, row.benchmarks
    other = QuestionAnswers.of(found, [under_rule(MARKED, RULE)]).events["q-truce by contract"]
    assert (price.probability, price.mcse) == (other.probability, other.mcse)
    assert row.probability is not None
    [split] = price.splits
    assert ("contract", market.forecaster) == (price.reading, split.forecaster)
    assert split.other_rule == price.probability - row.probability
    assert split.other_belief == market.probability - price.probability


def test_the_report_shows_each(found: Outcome) -> None:
    """A condition stands beside its question, a split beside its number, and a date or a number is drawn."""
    rows = {row.question: beside_row(row, {}) for row in question_table(found)}
    assert "if aid: cut" in str(rows["if-cut"].condition)
    assert "by the rule of contract" in str(rows["q-truce"].others[0].split)
    assert ["contract"] == [one.name for one in rows["q-truce"].rules]
    for name in ("day", "amount"):
        drawn = rows[name].distribution
        assert drawn is not None
        heights = [p for _, p in drawn.points]
        assert heights == sorted(heights)
        assert (0.0, 1.0) == (drawn.points[0][0], drawn.points[-1][0])
    assert "tons" in rows["amount"].shown


def test_the_table_of_a_replay_is_scored(found: Outcome, tmp_path: Path) -> None:
    """Dates and binned numbers are ordered states, other numbers quantiles; all of it reads as forecasts."""
    ended: dict[str, Any] = {"known": HORIZON, "url": None, "source": HERE}
    lines = (
        Resolved(subject="day", state="yes", on=date(2025, 12, 24), **ended),
        Resolved(subject="amount", state=None, on=HORIZON, value=5.0, **ended),
        Resolved(subject="level", state=None, on=HORIZON, value=7.5, **ended),
        Resolved(subject="if-cut", state=None, on=HORIZON, **ended),
    )
    known = replace(KNOWN, resolutions=lines)
    row = ReplayLine(
        as_of=AS_OF,
        known_until=AS_OF,
        seed=0,
        version="0",
        draws="",
        scenarios=(),
        questions=(),
        diagnostics=diagnostics(found),
        distributions=(
            ReplayDistribution(
                id="amount",
                bins=tuple(
                    BinForecast(bin=name, probability=p)
                    for name, p in (("below 5", 0.5), ("below 15", 0.25), ("15 or more", 0.25))
                ),
                quantiles=(),
            ),
            ReplayDistribution(id="level", bins=(), quantiles=((0.25, 4.0), (0.75, 12.0))),
        ),
    )
    (tmp_path / "replay.csv").write_bytes(replay_csv(known, [row]))
    forecasts = read_forecasts([tmp_path / "replay.csv"])
    outcomes = {one.name: (one.resolution, one.outcome) for one in forecasts.questions}
    assert {"amount": ("resolved", 1.0), "level": ("resolved", 7.5)} == {
        name: outcomes[name] for name in ("amount", "level")
    }
    assert [one.ordered for one in forecasts.questions if one.name == "amount"] == [True]


def test_what_is_due(found: Outcome) -> None:
    """After the last day each kind is to be resolved, by the command for its kind; a void one is none."""
    void = Resolved(subject="if-cut", state=None, on=HORIZON, known=HORIZON, url=None, source=HERE)
    known = replace(KNOWN, resolutions=(void,))
    later = date(HORIZON.year + 1, 1, 15)
    told = {one.subject: one.command for one in due(known, found.layout, later, None, 14) if one.kind == "resolve"}
    assert "if-cut" not in told
    assert f"forecast resolve amount VALUE --on {HORIZON} --source URL" == told["amount"]
    assert {"peaceful", "day", "level"} <= told.keys()


def test_a_plain_question_asks_as_before() -> None:
    """A question about one event has the attributes that it always had, and stands apart from the others."""
    assert (Question, ("general",)) == (type(KNOWN.questions[0]), KNOWN.questions[0].about.states)
    assert [one.id for one in KNOWN.asked] == ["q-truce", *(one.id for one in FURTHER)]
