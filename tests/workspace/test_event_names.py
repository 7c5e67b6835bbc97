"""The key `name` of an event: what readers call it, one name an event, and no forecast rests on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.ledger.line import active_inputs
from tests.workspace.writing import TODAY, example, messages, name_event, read

NETWORK = "priors/network.yaml"


def test_a_name_is_read_and_no_forecast_rests_on_it(tmp_path: Path) -> None:
    """An event has the name that the file gives it, and an update has the inputs of one without the name."""
    before = read(example(tmp_path))
    name_event(tmp_path, "budget", "  Next year's budget ")
    after = read(tmp_path)
    assert [None, "Next year's budget"] == [one.network.events["budget"].name for one in (before, after)]
    assert active_inputs(before, TODAY) == active_inputs(after, TODAY)


def test_two_events_of_one_name(tmp_path: Path) -> None:
    """A name that another event has, or whose id in words it is, is refused: a reader could not tell them apart."""
    example(tmp_path)
    name_event(tmp_path, "budget", "What it costs")
    name_event(tmp_path, "launch", "what  it Costs")
    name_event(tmp_path, "success", "Prototype")
    said = [message.split(": ", 1)[1] for message in messages(tmp_path)]
    allowed = "each event has a name of its own"
    assert said == [
        f"event 'launch': the name is also that of 'budget'; got 'what it Costs'; {allowed}",
        f"event 'success': the name is also that of 'prototype'; got 'Prototype'; {allowed}",
    ]


@pytest.mark.parametrize(
    ("name", "says"),
    [("''", "name must not be empty"), ("x" * 61, "name is too long"), ("[a]", "name must be text")],
)
def test_wrong_names(tmp_path: Path, name: str, says: str) -> None:
    """Nothing, too much, and what is no text is a located problem."""
    name_event(example(tmp_path), "budget", name)
    (said,) = messages(tmp_path)
    assert said.startswith(f"{NETWORK}:")
    assert says in said
