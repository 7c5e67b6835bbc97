"""Settled: public, hard and dated; the event reached, or is in, this state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import override

from forecast.workspace.evidence_forms.form import Built, Entry, NamesIn, StateForm
from forecast.workspace.names import Frame
from forecast.workspace.records import Settled
from forecast.workspace.renames import Former
from forecast.workspace.wording import label


class SettledForm(StateForm[Settled]):
    """`settled: STATE`."""

    key = "settled"
    meaning = "public, hard and dated: it is so"
    help = "Public, hard and dated"
    record = Settled
    names = (NamesIn("settled", "state", "one"),)
    settles = True

    @override
    def build(self, entry: Entry) -> Settled | None:
        """Return the record if the event has the state."""
        state = entry.values[self.key]
        return Settled(entry.event, state, entry.source) if state in entry.states else None

    @override
    def former(self, part: Settled, names: Former) -> Settled:
        """Return the record with the names of then."""
        return replace(part, event=names.name("event", part.event), state=names.state(part.event, part.state))

    @override
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return what makes the record where the cell is a state of the event."""
        state = cells[self.key]
        if until is not None or state not in (frame.names.states(event) or ()):
            return None
        return lambda source: Settled(event, state, source)

    @override
    def words(self, part: Settled) -> str:
        """Write the state."""
        return f"settled as {label(part.state)}"
