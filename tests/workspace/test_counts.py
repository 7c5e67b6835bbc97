"""The key `counts` of an event: what is read, what is refused, and that no forecast rests on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.ledger.line import active_inputs
from forecast.workspace.records import Counts
from tests.workspace.writing import TODAY, example, messages, read, replace

BUDGET = "    persistence_days: 400         # how long a state lasts on average before it is decided anew\n"


def with_counts(folder: Path, counts: str) -> Path:
    """Write the example with `counts` on the event `budget`: cut, kept, raised."""
    replace(example(folder), "priors/network.yaml", BUDGET, f"{BUDGET}    counts: {counts}\n")
    return folder


def test_counts_are_read(tmp_path: Path) -> None:
    """Thresholds keep the order of the file, which may go down the event's states."""
    with_counts(tmp_path, "{of: events, window_days: 30, states: {raised: 0, kept: 4, cut: 20}}")
    expected = Counts("events", 30, {"raised": 0, "kept": 4, "cut": 20})
    found = read(tmp_path).network.events["budget"].counts
    assert found is not None
    assert (expected, ["raised", "kept", "cut"]) == (found, list(found.states))


def test_no_forecast_rests_on_counts(tmp_path: Path) -> None:
    """An update with thresholds has the inputs of one without them."""
    before = active_inputs(read(example(tmp_path)), TODAY)
    with_counts(tmp_path, "{of: fatalities, window_days: 30, states: {kept: 1, raised: 9}}")
    assert before == active_inputs(read(tmp_path), TODAY)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (
            "{of: events, window_days: 30, states: {kept: 1, risen: 9}}",
            "unknown state 'risen'; states are 'cut', 'kept', 'raised'; did you mean 'raised'?",
        ),
        (
            "{of: events, window_days: 30, states: {kept: 9, raised: 9}}",
            "the threshold of 'raised' does not rise; got 9; above 9, that of 'kept'",
        ),
        (
            "{of: events, window_days: 30, states: {cut: 1, raised: 9}}",
            "'cut' holds below the lowest threshold, and has one of its own; got 1",
        ),
        ("{of: deaths, window_days: 30, states: {kept: 1}}", "counts.of is not a known value; got 'deaths'"),
        ("{of: events, window_days: 0, states: {kept: 1}}", "counts.window_days is out of range; got 0"),
        ("{of: events, window_days: 30, states: {kept: -1}}", "counts.states.kept is out of range; got -1"),
        ("{of: events, window_days: 30, states: {kept: 1.5}}", "counts.states.kept must be a whole number"),
        ("{of: events, window_days: 30, states: {}}", "counts.states holds too little"),
        ("{of: events, states: {kept: 1}}", "counts: missing key 'window_days'"),
    ],
)
def test_wrong_counts_are_located(tmp_path: Path, counts: str, says: str) -> None:
    """A wrong threshold is one problem, at its line and in the words of its event."""
    found = messages(with_counts(tmp_path, counts))
    assert len(found) == 1
    assert found[0].startswith("priors/network.yaml:18: event 'budget': ")
    assert says in found[0]
