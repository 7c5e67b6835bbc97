"""The paragraph about an expert says what the numbers say."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.feedback.experts import summary
from forecast.workspace.records import Expert
from tests.worlds import HERE

ANN = Expert(id="ann", name="Ann", role="writes", group="east_group", default_sd=1.0, weight=1.0, source=HERE)


def told(name: str, residual: float, event: str = "truce") -> dict[str, Any]:
    """A statement as the report tells it."""
    return {
        "id": name, "event": event, "says": f"words of {name}", "coded": "70 %", "implied": "40 %",
        "residual": residual, "residual_shown": f"{residual:+.1f}", "disagrees": abs(residual) > 2.0,
    }  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    """An expert of whom nothing is remarkable."""
    record = {"resolved": 0, "needed": 10, "brier": None, "bias": None, "slope": None}
    usual = {
        "group": "east_group", "statements": [told("s1", 0.1)], "deviation": {"mean": 0.01}, "noise": {"mean": 0.4},
        "record": record, "incoherent": [], "conflicts": [],
    }  # fmt: skip
    return usual | changes


def test_nothing_remarkable() -> None:
    """One statement, near what all imply, ordinary noise, no record."""
    expected = (
        "Ann (east group) made 1 statement on truce. The model ends within 2 sd of it. The extra noise of 0.40 "
        "log-odds is as large as that of the others. No track record counts yet (0 of 10 resolved forecasts)."
    )
    assert expected == summary(row(), ANN, 0.4)


def test_the_farthest_statement_is_quoted() -> None:
    """Of those that are far off the farthest is told, whichever way."""
    said = [told("s1", 2.5), told("s2", -3.1, "aid"), told("s3", 0.0)]
    text = summary(row(statements=said), ANN, 0.4)
    assert "made 3 statements on 2 events" in text
    assert "2 sd away from 2 of them; farthest from “words of s2”" in text
    assert "(-3.1 sd)" in text


@pytest.mark.parametrize(("mean", "word"), [(0.3, "say more"), (-0.3, "say less")])
def test_deviation(mean: float, word: str) -> None:
    """A deviation worth a sentence is told with its direction."""
    assert word in summary(row(deviation={"mean": mean}), ANN, 0.4)
    assert "On what is asked" not in summary(row(deviation=None), ANN, 0.4)


@pytest.mark.parametrize(("noise", "word"), [(0.2, "smaller than"), (0.6, "larger than")])
def test_noise(noise: float, word: str) -> None:
    """Noise is compared with that of the others."""
    assert f"is {word} that of the others" in summary(row(noise={"mean": noise}), ANN, 0.4)


def test_record_and_contradictions() -> None:
    """A learned record is told by direction and factor; sets that cannot hold are listed."""
    record = {"resolved": 12, "needed": 10, "brier": 0.21, "bias": {"mean": 0.5}, "slope": {"mean": 0.5}}
    text = summary(row(record=record, incoherent=[["s1", "s2"]], conflicts=[["s1", "b1"], ["s2", "b1"]]), ANN, 0.4)
    assert "12 forecasts are resolved, with a Brier score of 0.210: on average 0.5 log-odds too high" in text
    assert "too near to one half by a factor of 2.0" in text
    assert "Not all of this can hold at once: s1 with s2." in text
    assert "2 contradictions with others." in text
