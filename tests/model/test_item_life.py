"""The life of an item: from which day it counts, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from forecast.ledger.line import active_inputs
from forecast.model.history import active_items
from tests.workspace.writing import example, read

DAY = timedelta(days=1)
LATER = date(2026, 6, 1)


def test_an_item_counts_from_its_report_until_it_is_retracted_or_superseded(tmp_path: Path) -> None:
    """An item counts on `reported` and not before, whenever it happened; no longer on the day of its retraction, nor on
    that of the report that supersedes it."""
    first = replace(read(example(tmp_path)).items[0], id="first", reported=LATER, happened=LATER - 20 * DAY)
    second = replace(first, id="second", reported=LATER + 5 * DAY, supersedes="first", retracted=LATER + 9 * DAY)

    def counting(days: int) -> list[str]:
        return [item.id for item in active_items((first, second), LATER + days * DAY)]

    expected = {-1: [], 0: ["first"], 4: ["first"], 5: ["second"], 8: ["second"], 9: []}
    assert expected == {days: counting(days) for days in expected}


def test_the_ledger_tells_which_version_counted(tmp_path: Path) -> None:
    """The inputs of a day hold each reported item by the digest of its version; an edit changes it, a retraction is
    listed beside it from its own day on."""
    workspace = read(example(tmp_path))
    item = workspace.items[0]
    edited = replace(workspace, items=(replace(item, headline="Another."), *workspace.items[1:]))
    retracted = replace(workspace, items=(replace(item, retracted=LATER), *workspace.items[1:]))
    day = max(LATER, item.reported)
    before, after, withdrawn = (active_inputs(one, day) for one in (workspace, edited, retracted))
    changed = [name for name, digest in before["items"].items() if after["items"][name] != digest]
    assert ([item.id], before["items"], [item.id]) == (changed, withdrawn["items"], withdrawn["retracted"])
    assert active_inputs(retracted, LATER - DAY) == active_inputs(workspace, LATER - DAY)
    assert item.id not in active_inputs(workspace, item.reported - DAY)["items"]
