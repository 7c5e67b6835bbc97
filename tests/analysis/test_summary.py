"""The paragraph about an expert says what the numbers say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from forecast.analysis.experts import ExpertRow, Record, Spread, summary
from forecast.analysis.statements import StatementRow


def told(name: str, residual: float, event: str = "truce") -> StatementRow:
    """A statement as the report tells it."""
    return StatementRow(
        id=name, event=event, says=f"words of {name}", coded="70 %", implied="40 %", residual=residual,
        residual_shown=f"{residual:+.1f}", disagrees=abs(residual) > 2.0, date="2026-01-01", expert="ann",
        group="east_group", coded_by=None, voice="expert", why="", publisher="", title=None, link=None, event_id=event,
        about=event, implied_values={},
    )  # fmt: skip


def spread(mean: float) -> Spread:
    """A mean whose quantiles do not matter."""
    return Spread(mean=mean, quantiles=(mean, mean))


def record(resolved: int = 0, brier: float | None = None, learned: Spread | None = None) -> Record:
    """A record, with the same bias and slope."""
    return Record(resolved=resolved, needed=10, brier=brier, bias=learned, slope=learned)


def row(**changes: Any) -> ExpertRow:
    """An expert of whom nothing is remarkable."""
    usual = ExpertRow(
        expert="ann",
        name="Ann",
        group="east_group",
        weight=1.0,
        statements=(told("s1", 0.1),),
        deviation=spread(0.01),
        noise=spread(0.4),
        record=record(),
        incoherent=(),
        conflicts=(),
        summary="",
    )
    return replace(usual, **changes)


def test_nothing_remarkable() -> None:
    """One statement, near what all imply, ordinary noise, no record."""
    expected = (
        "Ann (east group) made 1 statement on truce. The model ends within 2 sd of it. The extra noise of 0.40 "
        "log-odds is as large as that of the others. No track record counts yet (0 of 10 resolved forecasts)."
    )
    assert expected == summary(row(), 0.4)


def test_the_farthest_statement_is_quoted() -> None:
    """Of those that are far off the farthest is told, whichever way."""
    said = [told("s1", 2.5), told("s2", -3.1, "aid"), told("s3", 0.0)]
    text = summary(row(statements=said), 0.4)
    assert "made 3 statements on 2 events" in text
    assert "2 sd away from 2 of them; farthest from “words of s2”" in text
    assert "(-3.1 sd)" in text


@pytest.mark.parametrize(("mean", "word"), [(0.3, "say more"), (-0.3, "say less")])
def test_deviation(mean: float, word: str) -> None:
    """A deviation worth a sentence is told with its direction."""
    assert word in summary(row(deviation=spread(mean)), 0.4)
    assert "On what is asked" not in summary(row(deviation=None), 0.4)


@pytest.mark.parametrize(("noise", "word"), [(0.2, "smaller than"), (0.6, "larger than")])
def test_noise(noise: float, word: str) -> None:
    """Noise is compared with that of the others."""
    assert f"is {word} that of the others" in summary(row(noise=spread(noise)), 0.4)


def test_record_and_contradictions() -> None:
    """A learned record is told by direction and factor; sets that cannot hold are listed."""
    sets = {"incoherent": (("s1", "s2"),), "conflicts": (("s1", "b1"), ("s2", "b1"))}
    text = summary(row(record=record(12, 0.21, spread(0.5)), **sets), 0.4)
    assert "12 forecasts are resolved, with a Brier score of 0.210: on average 0.5 log-odds too high" in text
    assert "too near to one half by a factor of 2.0" in text
    assert "Not all of this can hold at once: s1 with s2." in text
    assert "2 contradictions with others." in text
