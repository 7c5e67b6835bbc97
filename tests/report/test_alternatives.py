"""Alternatives on the page: those that change a scenario in the figure, the largest in words, the rest counted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast.analysis.alternatives import AlternativeForecast, AlternativeShare, Kind
from forecast.ledger.outcome import CLEAR, IMPOSSIBLE, NEEDS_REFIT, REFITTED, REWEIGHTED, TOO_MANY
from forecast.publish import material
from forecast.report.page import report_files
from forecast.report.sections.alternatives import AXIS, UNCHANGED, alternatives_table, panels
from forecast.report.sections.judgement import ProbableCourse, ScenarioRow
from forecast.words import Estimated
from tests.report.drawn import Drawn
from tests.report.outcomes import asked, world

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
    """Dots and intervals on the scale of the panel, of the forecast and of alternatives that change it clearly."""
    told = [_row("source", "wire", 0.1), _row("group", "a", None), _row("group", "b", 0.0)]
    table = alternatives_table(drawn.found, told, scenarios)
    figure = panels(table, scenarios)
    assert {"source wire"} == set(figure.marks)
    at = {one.id: mark for one, mark in zip(scenarios, figure.marks["source wire"], strict=True)}
    assert AXIS * 0.4 / table.axis_to == pytest.approx(at["peace"].at)
    assert AXIS * 0.3 / table.axis_to == pytest.approx(at["peace"].low)
    ordinary = [AXIS * one.probability / table.axis_to for one in scenarios]
    assert ordinary == pytest.approx([mark.at for mark in figure.ordinary])
    assert f"{100 * table.axis_to:.0f}" == figure.ticks[-1][1]


def _moved(row: dict[str, Any]) -> list[bool]:
    return [share["change_shown"] != UNCHANGED for share in row["scenarios"].values()]


def test_the_page_shows_what_changes_and_counts_the_rest(answered: Path) -> None:
    """Each alternative that moves a scenario has a row with a dot a scenario, its k and its ESS; the others a line."""
    about = asked(world(), answered)
    found = material(about, lambda _: None)
    ids = about.outcome.scenario_ids

    def told(kind: Kind, name: str, change: float, ess: float) -> AlternativeForecast:
        shares = {scenario: _told(change if n == 0 else 0.0) for n, scenario in enumerate(ids)}
        return replace(_row(kind, name, 0.0), scenarios=shares, ess=ess)

    rows = (
        told("source", "wire", 0.1, 812.4),
        told("group", "a", 0.0, 640.2),
        told("weights", "equal-weights", 0.004, 7e2),
    )
    drawn = Drawn(about, report_files(replace(found, alternatives=rows), lambda _: None))
    section = drawn.html.split('<h2 id="alternatives"', 1)[1].split("</section>", 1)[0]
    table = section.split("<table", 1)[1].split("</table>", 1)[0]
    moving = next(row for row in drawn.page["alternatives"]["rows"] if row["name"] == "wire")
    assert [True, False, False] == _moved(moving)
    assert (
        f'<td class="n" data-label="Pareto k">{moving["k_shown"]}</td><td class="n" data-label="ESS">812</td>' in table
    )
    assert len(ids) == len(re.findall('<path class="dot"', table))
    assert moving["label"] in table
    assert "Equal weights" not in table
    borne = "(k at most 0.25, effective size at least 640)"
    assert f"2 other alternatives move no scenario by half a point beyond error {borne}." in section
