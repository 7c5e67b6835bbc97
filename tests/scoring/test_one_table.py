"""One table of forecasts for `forecast score` and `forecast pool`: the same columns, names and mistakes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.cells import COLUMNS, SECOND_NAMES
from forecast.scoring.read import read_forecasts
from forecast.scoring.rows import Forecasts
from forecast.scoring.world import ForecastTable, read_table
from forecast.workspace.problems import WorkspaceProblems

TODAY = date(2026, 11, 23)
WINDOW = {"opens": "2026-01-01", "closes": "2026-01-11"}
RAIN = {"question": "rain", "forecaster": "ann", "time": "2026-01-02", "probability": ".5", "outcome": "1", **WINDOW}


def _file(folder: Path, *rows: dict[str, str], names: dict[str, str] | None = None) -> Path:
    called = [(names or {}).get(column, column) for column in COLUMNS]
    lines = [",".join(called), *(",".join(row.get(column, "") for column in COLUMNS) for row in rows)]
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _told(path: Path) -> list[list[str]]:
    """Return the mistakes that scoring and that pooling report."""
    told = []
    for read in (lambda: read_forecasts([path], today=TODAY), lambda: read_table(path, TODAY)):
        try:
            read()
        except WorkspaceProblems as found:
            told.append([str(one) for one in found.problems if one.severity == "error"])
        else:
            told.append([])
    return told


def _both(path: Path) -> tuple[Forecasts, ForecastTable]:
    return read_forecasts([path], today=TODAY), read_table(path, TODAY)


@pytest.mark.parametrize("names", [{}, SECOND_NAMES])
def test_one_file_is_scored_and_pooled(tmp_path: Path, names: dict[str, str]) -> None:
    """A file with every column, under either of their names, is read by both commands."""
    row = {**RAIN, "topic": "weather", "low": ".4", "high": ".7", "level": ".8", "group": "met", "weight": "2"}
    scored, pooled = _both(_file(tmp_path, row, names=names))
    (forecast,) = pooled.forecasts
    assert (("ann",), [0.5], "weather") == (scored.forecasters, scored.entries.tolist(), scored.questions[0].topic)
    found = (forecast.expert, forecast.best, forecast.low, forecast.high, forecast.level, forecast.group)
    assert (("ann", 0.5, 0.4, 0.7, 0.8, "met"), 2.0, 0.0) == (found, forecast.weight, forecast.age)
    assert ((), ()) == (scored.warnings, pooled.warnings)


WRONG = (
    {"probability": "1.2"},
    {"time": "2026-11-24", "closes": "2026-12-31"},
    {"time": "2026-02-01"},
    {"low": ".6", "high": ".9"},
    {"low": ".1"},
    {"level": "90"},
    {"weight": "0"},
    {"outcome": "viod"},
    {"question": ""},
    {"forecaster": ""},
    {"value": "3"},
    {"quantile": ".5"},
    {"opens": "1.1."},
    {"scheduled_close": "2026-01-05"},
    {"order": "1"},
)


@pytest.mark.parametrize("wrong", WRONG, ids="-".join)
def test_a_mistake_in_any_column_is_reported_by_both(tmp_path: Path, wrong: dict[str, str]) -> None:
    """What is wrong in a column that one of the commands does not use is reported by it all the same."""
    scored, pooled = _told(_file(tmp_path, RAIN | wrong))
    assert (True, scored) == (bool(scored), pooled)


CELL = st.sampled_from(["", "", ".5", "1", "2026-01-02", "a", "void", "2"])


@given(cells=st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELL), min_size=1, max_size=3))
def test_both_report_the_same_mistakes(tmp_path_factory: pytest.TempPathFactory, cells: list[dict[str, str]]) -> None:
    """Of complete rows with anything written over, both commands report the same, in the same order."""
    rows = [RAIN | row | {"time": f"2026-01-0{2 + at}"} | WINDOW for at, row in enumerate(cells)]
    scored, pooled = _told(_file(tmp_path_factory.mktemp("any"), *rows))
    of_pools_alone = ("no forecast of a yes-or-no question", "0 is read as 0.001")
    assert scored == [one for one in pooled if not any(part in one for part in of_pools_alone)]


def test_earlier_forecasts_have_their_age(tmp_path: Path) -> None:
    """Of revised forecasts, in whatever order, the latest stands for the expert; the others follow with their age."""
    revised = [RAIN | {"time": f"2026-01-0{day}", "probability": f".{day}"} for day in (3, 5, 2)]
    scored, pooled = _both(_file(tmp_path, *revised, RAIN | {"forecaster": "bob", "time": "2026-01-09"}))
    assert ([0.2, 0.3, 0.5, 0.5], ()) == (scored.entries.tolist(), pooled.warnings)
    assert [("ann", 0.5, 4.0), ("bob", 0.5, 0.0)] == [(one.expert, one.best, one.age) for one in pooled.forecasts]
    assert [(0.3, 6.0), (0.2, 7.0)] == [(one.best, one.age) for one in pooled.earlier]


def test_states_and_numbers_are_not_pooled(tmp_path: Path) -> None:
    """Questions about states or numbers are left out of a pool with a note; alone they are none."""
    states = [RAIN | {"question": "rate", "state": state, "outcome": "up"} for state in ("up", "down")]
    value = RAIN | {"question": "mm", "value": "3", "probability": "", "outcome": "4"}
    scored, pooled = _both(_file(tmp_path, *states, value, RAIN))
    assert (["rate", "mm", "rain"], {"rain": 1}) == ([one.name for one in scored.questions], pooled.questions)
    what = ["forecasts of states or numbers are not pooled; got 3 rows"]
    assert what == [str(one).partition("warning: ")[2].rpartition(";")[0] for one in pooled.warnings]
    with pytest.raises(WorkspaceProblems, match="no forecast of a yes-or-no question"):
        read_table(_file(tmp_path, value), TODAY)


def test_a_void_question_is_pooled_without_an_outcome(tmp_path: Path) -> None:
    """A question that counts nowhere has no outcome to a pool."""
    _, pooled = _both(_file(tmp_path, RAIN | {"outcome": "void"}))
    assert {"rain": None} == pooled.questions
