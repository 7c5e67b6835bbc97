"""What a ledger says of the same inputs against what is computed here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from forecast.ledger.entries import Line
from forecast.ledger.line import LAST_DIGITS, recomputed
from tests.ledgers import shares, update

PROCESSOR = {"processor": "x86_64 fma avx2", "c_library": "glibc 2.36", "blas": "openblas 0.3", "python": "3.13.0"}


def line(p: float, as_of: str = "2026-01-01", number: int | None = None, **other: Any) -> Line:
    """A line of two scenarios."""
    more = {"known_until": "2026-01-01", "environment": PROCESSOR, **other}
    return replace(update(as_of, number=number, **more), scenarios=shares(peace=p, other=1.0 - p))


def test_the_same_numbers_are_no_news() -> None:
    """Nothing is said of a first forecast, of other inputs, nor of differences in the last digits."""
    assert () == recomputed(line(0.3), [])
    assert () == recomputed(line(0.3), [line(0.9, seed=2), line(0.9, as_of="2025-12-31")])
    assert () == recomputed(line(0.3), [line(0.3 + LAST_DIGITS / 2.0)])


def test_other_numbers_are_told_with_what_differs() -> None:
    """Both numbers stand there, the line of the ledger, and each version and part of the machine that differs."""
    before = line(
        0.31, number=2, versions={"numpy": "2.4"}, environment=PROCESSOR | {"processor": "x86_64 fma avx2 avx512f"}
    )
    [told] = recomputed(line(0.3), [line(0.5, seed=2), before])
    assert told.severity == "warning"
    assert str(told).startswith("reports/ledger.jsonl:2: ")
    for part in (
        "peace 0.3 here, 0.31 in the ledger",
        "other 0.7 here, 0.69 in the ledger",
        "processor x86_64 fma avx2 avx512f, here x86_64 fma avx2",
        "numpy 2.4, here 2.5",
    ):
        assert part in str(told)


def test_where_nothing_differs_the_line_is_doubted() -> None:
    """The same machine and versions give the same numbers, so an edit is the likeliest cause."""
    [told] = recomputed(line(0.3), [line(0.31)])
    assert "was the line edited?" in str(told)
    old = replace(line(0.31), environment=None)
    [told] = recomputed(line(0.3), [old])
    assert "processor not recorded, here x86_64 fma avx2" in str(told)
