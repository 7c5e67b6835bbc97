"""Where a forecast stands in the ledger: its own line, or the earlier one that has the same inputs, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecast.ledger.entries import Line
from forecast.ledger.ledger import line_of, same_inputs
from forecast.words import long_date


@dataclass(frozen=True)
class Recorded:
    """A forecast and the ledger.

    `line` is what the ledger holds of it or would hold; `number` that of its line, from 1, None where there is none;
    `same` the number and the date of the latest earlier line with the same inputs; `first`: no line comes before it.
    """

    line: Line
    number: int | None
    same: tuple[int, str] | None
    first: bool

    @property
    def sentence(self) -> str:
        """Say where the forecast is recorded."""
        if self.number is not None:
            return f"line {self.number}"
        if self.same is None:
            return "no line: this forecast is not recorded"
        return f"no line of its own: nothing is new since line {self.same[0]}, of {long_date(self.same[1])}"

    def compared(self, since: str | None) -> str:
        """Say what changes are measured against, given the date of the forecast that was compared with."""
        if since is not None:
            return f"Changes since {long_date(since)}"
        if self.same is not None:
            return f"Nothing new since {long_date(self.same[1])}"
        return "First forecast: nothing to compare with" if self.first else "Nothing earlier to compare with"


def recorded_in(line: Line, updates: Sequence[Line]) -> Recorded:
    """Find a forecast in the ledger; lines that are dated after it are none of its past."""
    own = line_of(line, updates)
    before = [earlier for earlier in updates if earlier.as_of <= line.as_of and earlier is not own]
    same = [(earlier.number or 0, earlier.as_of.isoformat()) for earlier in before if same_inputs(earlier, line)]
    return Recorded(own or line, None if own is None else own.number, same[-1] if same else None, not before)
