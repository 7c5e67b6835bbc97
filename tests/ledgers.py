"""Lines and ledgers for tests, without any computation."""

from __future__ import annotations

from datetime import date
from typing import Any

from forecast.ledger.entries import Entry, Line, Share, encode, entry_of, line_digest
from forecast.ledger.ledger import LEDGER, Ledger, ledger_of

INPUTS: dict[str, Any] = {
    "network": "n", "scenarios": "s", "experts": {}, "sources": {}, "statements": {}, "items": {}, "retracted": [],
}  # fmt: skip


def line_json(as_of: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    """A line as it stands in the file, of two scenarios; what is named otherwise is so."""
    shares = [{"id": name, "probability": 0.5, "quantiles": [0.25, 0.5, 0.75]} for name in ("peace", "other")]
    same: dict[str, Any] = {
        "format": 1,
        "as_of": as_of,
        "horizon": "2027-12-31",
        "rolled": None,
        "known_until": as_of,
        "seed": 1,
        "version": "1",
        "versions": {"numpy": "2.5"},
        "inputs": INPUTS,
        "scenarios": shares,
        "diagnostics": {},
        "note": None,
        "previous": None,
    }
    return {**same, **more}


def update(as_of: str = "2026-03-01", *, number: int | None = None, **more: Any) -> Line:
    """A line as a record."""
    line = entry_of(line_json(as_of, **more), number)
    assert isinstance(line, Line)
    return line


def shares(**probabilities: float) -> tuple[Share, ...]:
    """Scenarios with no spread."""
    return tuple(Share(id=name, probability=p, quantiles=(p, p, p)) for name, p in probabilities.items())


def ledger(*entries: Entry) -> Ledger:
    """The ledger that these are the lines of."""
    return ledger_of([encode(entry) for entry in entries], LEDGER)


def day(text: str) -> date:
    """A date."""
    return date.fromisoformat(text)


def digest(entry: Entry) -> str:
    """By what others name an entry."""
    return line_digest(encode(entry))
