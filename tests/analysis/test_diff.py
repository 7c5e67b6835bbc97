"""The difference of two forecasts as steps that add up, with a remainder for what the files no longer hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.analysis.diff import (
    MONTE_CARLO,
    TIME,
    End,
    UnknownUpdateError,
    end_of_files,
    find_line,
    restored,
)
from forecast.ledger.entries import Merge
from forecast.ledger.ledger import Ledger
from forecast.ledger.outcome import Outcome, outcome
from forecast.model.layout import lay_out
from forecast.posterior import posterior as reweighting
from forecast.posterior import weights
from forecast.workspace.records import Claim, Settled, Support, Workspace
from tests.analysis.sampling import by_digest
from tests.ledgers import digest, ledger, update
from tests.plainly import difference
from tests.worlds import HERE, OPENS, event, item, network, rule, statement, target, workspace

SEED = 3
FIRST, LAST = OPENS + timedelta(days=100), OPENS + timedelta(days=300)


def _known() -> Workspace:
    net = network(event("talks"), event("deal", parents=["talks"]), event("aid", "status", ("low", "high")))
    items = [
        item("a-before", OPENS + timedelta(days=20), Support("deal", "moderate", ("yes",), None, HERE)),
        item("b-wrong", OPENS + timedelta(days=30), Claim("aid", "high", HERE), retracted=LAST - timedelta(days=5)),
        item("c-new", OPENS + timedelta(days=150), Settled("talks", "yes", HERE)),
        item("d-new", OPENS + timedelta(days=200), Support("deal", "strong", ("yes",), None, HERE), group="g"),
    ]
    said = [statement("said", target("deal", "yes"), 0.3)]
    return workspace(net, statements=said, items=items, scenarios=[rule("peace", deal="yes"), rule("cold", aid="low")])


@pytest.fixture(autouse=True)
def without_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that hang on nothing but the digest of what made them."""
    monkeypatch.setattr(reweighting, "prior_draws", by_digest)
    monkeypatch.setattr(weights, "MIN_EFFECTIVE_SIZE", 10.0)  # of 120 draws instead of 4000
    monkeypatch.setattr(weights, "MAX_PARETO_K", 2.0)  # of 30 of them, which tell it within a half or so


def _found(known: Workspace, as_of: date, folder: Path) -> Outcome:
    layout = lay_out(known.network)
    found = reweighting.posterior(layout, known, as_of, SEED, folder, lambda _: None)
    return outcome(known, layout, as_of, SEED, found)


def _end(known: Workspace, as_of: date, folder: Path) -> End:
    return end_of_files(_found(known, as_of, folder))


def _compared(before: Workspace, after: Workspace, folder: Path, first: date = FIRST) -> dict[str, Any]:
    """Compare what one workspace gave on the first day with another on the last one; the files are the latter's."""
    ends = _end(before, first, folder), _end(after, LAST, folder)
    table: dict[str, Any] = difference(*ends, _found(restored(after, ends[1]), LAST, folder), lambda _: None)
    return table


def _add_up(table: dict[str, Any]) -> None:
    for one in table["scenarios"]:
        assert one["change"] == pytest.approx(sum(row["scenarios"][one["id"]] for row in table["rows"]), abs=1e-12)
    for one in table["events"]:
        for state in one["states"]:
            steps = [row["events"][one["id"]][state["id"]] for row in table["rows"]]
            assert state["change"] == pytest.approx(sum(steps), abs=1e-12)


def test_steps_are_the_changes_in_their_order(tmp_path: Path) -> None:
    """Time first, then items and retractions by the day they became known; on the same draws nothing is left over."""
    table = _compared(_known(), _known(), tmp_path)
    steps = [(row["what"], row["kind"]) for row in table["rows"]]
    assert steps == [
        (TIME, "time"),
        ("c-new", "item"),
        ("d-new", "item"),
        ("b-wrong", "retraction"),
        (MONTE_CARLO, "monte_carlo"),
    ]
    _add_up(table)
    rest = table["rows"][-1]
    assert max(map(abs, rest["scenarios"].values())) < 1e-12
    assert max(abs(step) for states in rest["events"].values() for step in states.values()) < 1e-12
    assert all(abs(row["scenarios"]["peace"]) > 1e-3 for row in table["rows"][:3])


def test_one_step_is_the_difference_of_two_forecasts(tmp_path: Path) -> None:
    """With one item more on the same day, its step is the forecast with it less the forecast without it."""
    known = _known()
    less = replace(known, items=tuple(one for one in known.items if one.id != "d-new"))
    table = _compared(less, known, tmp_path, first=LAST)
    assert ["d-new"] == [row["what"] for row in table["rows"] if row["kind"] == "item"]
    with_it, without = (_end(one, LAST, tmp_path).scenarios for one in (known, less))
    step = next(row["scenarios"] for row in table["rows"] if row["what"] == "d-new")
    for name, change in step.items():
        assert with_it[name] - without[name] == pytest.approx(change, abs=1e-12)


def test_what_the_files_no_longer_hold_is_the_remainder(tmp_path: Path) -> None:
    """An edited item enters as it is now; its former text, another statement and an item taken out are left over."""
    known = _known()
    old = replace(
        known,
        items=(
            replace(known.items[0], bears_on=(Support("deal", "very_strong", ("no",), None, HERE),)),
            *known.items[1:],
            item("z-gone", OPENS, Support("deal", "strong", ("no",), None, HERE)),
        ),
        statements=(statement("said", target("deal", "yes"), 0.6),),
    )
    table = _compared(old, known, tmp_path)
    _add_up(table)
    rest = table["rows"][-1]
    assert "statements and edited items as they were and items taken out and Monte Carlo difference" == rest["what"]
    assert abs(rest["scenarios"]["peace"]) > 1e-3
    assert "a-before" in [row["what"] for row in table["rows"] if row["kind"] == "item"]


def test_a_retraction_that_was_entered_late(tmp_path: Path) -> None:
    """A retraction dated before the first forecast, which did not know of it, is a step and no remainder."""
    known = _known()
    late = replace(known.items[1], retracted=FIRST - timedelta(days=1))
    table = _compared(known, replace(known, items=(known.items[0], late, *known.items[2:])), tmp_path)
    assert ["b-wrong"] == [row["what"] for row in table["rows"] if row["kind"] == "retraction"]
    assert abs(table["rows"][-1]["scenarios"]["cold"]) < 1e-12


def test_news_that_was_watched_less_long(tmp_path: Path) -> None:
    """The time that nobody watched before the first date is part of the step of time, and nothing is left over."""
    known = _known()
    table = _compared(replace(known, watched_until=FIRST - timedelta(days=60)), known, tmp_path)
    assert [TIME] == [row["what"] for row in table["rows"][:1]]
    assert max(map(abs, table["rows"][-1]["scenarios"].values())) < 1e-12


def test_files_that_were_edited_after_both(tmp_path: Path) -> None:
    """A retraction entered after both updates, and dated before them, changes neither of them."""
    known = replace(_known(), items=tuple(replace(one, retracted=None) for one in _known().items))
    ends = _end(known, FIRST, tmp_path), _end(known, LAST, tmp_path)
    files = replace(known, items=tuple(replace(one, retracted=FIRST) for one in known.items))
    table = difference(*ends, _found(restored(files, ends[1]), LAST, tmp_path), lambda _: None)
    assert ["time", "item", "item", "monte_carlo"] == [row["kind"] for row in table["rows"]]
    assert max(map(abs, table["rows"][-1]["scenarios"].values())) < 1e-12


def _ledger() -> Ledger:
    """Three updates, the last two of one date and of two branches, and the merge of these."""
    first = update("2026-01-01")
    branches = [update("2026-02-01", note=note, previous=digest(first)) for note in ("here", "there")]
    joined = Merge(previous=digest(branches[0]), also=digest(branches[1]), on=date(2026, 2, 2))
    return ledger(first, *branches, joined, update("2026-03-01", previous=digest(joined)))


LEDGER = _ledger()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("3", 3),
        ("5", 5),
        ("latest", 5),
        ("~0", 5),
        ("~1", 3),
        ("~3", 1),
        ("2026-02-01", 3),
        ("2026-01-01", 1),
        ("2026-01-02", None),
    ],
)
def test_names_of_updates(text: str, number: int | None) -> None:
    """A line is named by number, from the end, or by its date, of which the last line counts."""
    line = find_line(text, LEDGER)
    assert number == (None if line is None else line.number)


@pytest.mark.parametrize("text", ["0", "4", "6", "~4", "last", "2026-13-01", "~", "", "-1"])
def test_wrong_names(text: str) -> None:
    """What names no line says what does."""
    with pytest.raises(UnknownUpdateError, match=r"lines 1 to 5; a day .* needs no line|write a day"):
        find_line(text, LEDGER)
