"""Names of events: a reader of the page sees them, and no id."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.report.drawn import Drawn, draw, elements
from tests.report.outcomes import world

NAMES = {
    "will": "Readiness to settle",
    "truce": "Truce – how far",
    "aid": "Help <from> afar",
    "alone": "Something apart",
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The report of the small world, its events with names."""
    net = world().network
    events = {
        event.id: replace(event, name=NAMES[event.id], question="Does it come about?") for event in net.events.values()
    }
    return draw(tmp_path_factory.mktemp("named"), network=replace(net, events=events))


@pytest.mark.parametrize("event", NAMES)
def test_an_event_is_called_by_its_name(named: Drawn, event: str) -> None:
    """Every part of the page that tells of events tells of this one by its name."""
    lists: list[list[dict[str, Any]]] = [
        named.page["events"],
        named.page["question"]["events"],
        named.page["what_if"]["events"],
        named.page["predictive"]["events"],
    ]
    for rows in lists:
        assert 1 == [row["label"] for row in rows].count(NAMES[event])


def test_no_id_is_left(named: Drawn) -> None:
    """No text of the page has an event's id as a word."""
    told = [piece.text for piece in elements(named.html).told if "script" not in piece.around]
    assert len(told) > 500
    assert [] == [text for text in told if re.search(r"\btruce\b", text)]
