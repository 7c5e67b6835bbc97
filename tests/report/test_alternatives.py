"""Alternatives on the page: every one in the figure and the table, the largest in words, the rest with its command."""

from __future__ import annotations

import re
from typing import Any

import pytest

from forecast.analysis.alternatives import AlternativeForecast, AlternativeShare, Kind
from forecast.ledger.outcome import CLEAR, IMPOSSIBLE, NEEDS_REFIT, REFITTED, REWEIGHTED, TOO_MANY
from forecast.report.sections.alternatives import PANEL, UNCHANGED, alternatives_table, small_multiples
from forecast.report.sections.judgement import ProbableCourse, ScenarioRow
from forecast.words import Estimated
from tests.report.drawn import Drawn, elements

LEVELS = ("0.05", "0.25", "0.5", "0.75", "0.95")


def _told(change: float, error: float = 0.001) -> AlternativeShare:
    low, high = 0.3 + change - 0.1, 0.3 + change + 0.1
    quantiles = dict(zip(LEVELS, (low, low, 0.3 + change, high, high), strict=True))
    return AlternativeShare(probability=0.3 + change, quantiles=quantiles, mcse=0.001, change=change, change_mcse=error)


def _row(
    kind: Kind, name: str, change: float | None, *, settles: tuple[str, ...] = (), how: str = "", error: float = 0.001
) -> AlternativeForecast:
    told = {} if change is None else {"peace": change, "drift": -change, "other": 0.0}
    scenarios = {scenario: _told(by, error) for scenario, by in told.items()} or None
    command = f"forecast show --without-{kind} {name}"
    return AlternativeForecast(
        kind=kind, name=name, description=name, statements=1, items=2, settles=settles,
        how=how or (NEEDS_REFIT if change is None else REWEIGHTED), pareto_k=0.25, ess=900.0, draws=1000,
        command=command, reasons=(), scenarios=scenarios,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scenarios(drawn: Drawn) -> list[ScenarioRow]:
    """The page's rows of the scenarios."""
    return [
        ScenarioRow(**(row | {"prior": Estimated(**row["prior"]), "story": ProbableCourse(**row["story"])}))
        for row in drawn.page["scenarios"]
    ]


def test_rows_come_by_kind_and_size(drawn: Drawn, scenarios: list[ScenarioRow]) -> None:
    """Weights, groups, sources; within a kind the largest change first, and last what nothing is told of."""
    told = [
        _row("source", "wire", 0.01), _row("source", "blog", -0.05, settles=("truce",)), _row("group", "a", None),
        _row("group", "b", 0.02, how=REFITTED), _row("weights", "equal-weights", 0.0),
    ]  # fmt: skip
    table = alternatives_table(drawn.found, told, scenarios)
    assert ["equal-weights", "b", "a", "blog", "wire"] == [row.name for row in table.rows]
    assert (4, 5, 1) == (table.told, table.of, table.missing)
    assert {"b": "from draws of its own", "a": NEEDS_REFIT} == {
        row.name: row.how_shown for row in table.rows if row.kind == "group"
    }
    assert "2 items" == table.rows[-1].takes
    # Somebody alone in a group is called by name.
    people = drawn.found.workspace.experts
    assert people["ann"].name == next(row.label for row in table.rows if row.name == "a")
    # 0.4 is the highest end of an interval here, unless the forecast's own is higher.
    highest = max(0.45, *(row.quantiles["0.95"] for row in scenarios))
    assert highest <= table.axis_to < highest + 0.1


def test_sentences_claim_what_the_numbers_carry(drawn: Drawn, scenarios: list[ScenarioRow]) -> None:
    """The largest clear change is named, one that takes a fact away apart; what is within its error never is."""
    fact, small = _row("source", "blog", -0.05, settles=("truce",)), _row("source", "wire", 0.02)
    first, second = alternatives_table(drawn.found, [fact, small], scenarios).sentences
    assert re.search(r"without wire, .* at 3[02].*%", first)
    assert re.search(r"counts as not having happened: without blog", second)
    unclear = _row("group", "a", 0.009, error=0.009 / CLEAR * 1.01)  # which rounds to a whole point
    assert ["Of 1 alternative that leaves every known fact as it is, none clearly moves a scenario."] == (
        alternatives_table(drawn.found, [unclear], scenarios).sentences
    )
    unlike = _row("source", "wire", None, how=IMPOSSIBLE)
    assert "contradicts itself: wire" in alternatives_table(drawn.found, [unlike], scenarios).sentences[0]


def test_a_largest_change_is_one_of_those_computed(drawn: Drawn, scenarios: list[ScenarioRow]) -> None:
    """Beside it stands how many are computed, who is left out of it by name, and what computes those."""
    told = [
        _row("weights", "equal-weights", None), _row("weights", "without-editors", None), _row("group", "a", None),
        _row("group", "b", 0.02), _row("source", "wire", 0.01), _row("source", "blog", None, how=TOO_MANY),
    ]  # fmt: skip
    table = alternatives_table(drawn.found, told, scenarios)
    most, left_out = table.sentences
    assert most.startswith(
        "Of 6 alternatives that leave every known fact as it is, 2 are computed. Of these, the largest change: without"
    )
    ann = drawn.found.workspace.experts["ann"].name
    assert left_out == (
        "Not computed, so not compared: equal weights for all statements; without editors' words and numbers; "
        f"without {ann}; without 1 source, each left out alone. They may move the forecast more: forecast report "
        "--refit-alternatives --as-of 2025-09-01 computes them."
    )
    (alone,) = alternatives_table(drawn.found, [_row("group", "a", None)], scenarios).sentences
    assert alone.startswith(f"Not computed, so not compared: without {ann}.")


def test_marks_stand_where_the_numbers_are(drawn: Drawn, scenarios: list[ScenarioRow]) -> None:
    """Dots and intervals on the scale of the panel, one line an alternative, no line on another."""
    table = alternatives_table(drawn.found, [_row("source", "wire", 0.1), _row("group", "a", None)], scenarios)
    figure = small_multiples(table, scenarios)
    lines = [line for line in figure.lines if line.heading is None]
    assert [True, False] == [line.marks is None for line in lines]
    at = {one.id: mark for one, mark in zip(scenarios, lines[1].marks or (), strict=True)}
    assert PANEL * 0.4 / table.axis_to == pytest.approx(at["peace"].at)
    assert PANEL * 0.3 / table.axis_to == pytest.approx(at["peace"].low)
    heights = [line.y for line in figure.lines]
    assert sorted(set(heights)) == heights
    ordinary = [PANEL * one.probability / table.axis_to for one in scenarios]
    assert ordinary == pytest.approx([panel.ordinary for panel in figure.panels])


def _moved(row: dict[str, Any]) -> list[bool]:
    return [share["change_shown"] != UNCHANGED for share in row["scenarios"].values()]


def test_the_page_shows_every_alternative(drawn: Drawn) -> None:
    """Each row of report.json stands in the figure; the table has what clearly moves, and counts what does not."""
    rows = drawn.page["alternatives"]["rows"]
    assert {"weights", "group", "source"} == {row["kind"] for row in rows}
    told = [one for one in elements(drawn.html).told if one.section == "alternatives"]
    figure, table = (" ".join(one.text for one in told if where in one.around) for where in ("svg", "table"))
    section = drawn.html.split('<h2 id="alternatives"', 1)[1].split("</section>", 1)[0]
    dots = len(re.findall('<circle class="dot"', section))
    assert len(drawn.page["scenarios"]) * drawn.page["alternatives"]["told"] == dots
    for row in rows:
        assert row["label"] in figure
        shares = (row["scenarios"] or {}).values()
        moved = [share for share in shares if share["change_shown"] != UNCHANGED]
        assert (row["label"] in table) == bool(moved)
        assert all(share["shown"].removesuffix("\u202f%") in table for share in moved)
    still = [row for row in rows if row["scenarios"] and not any(_moved(row))]
    assert not still or f"{len(still)} other alternative" in " ".join(one.text for one in told)
