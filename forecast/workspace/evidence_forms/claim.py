"""Claim: the report says that the event is in this state already, or past it; the source decides how far it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import override

from forecast.workspace.evidence_forms.form import Built, Entry, EvidenceForm, NamesIn
from forecast.workspace.names import Frame, unknown_state
from forecast.workspace.nodes import Cursor
from forecast.workspace.problems import Problem
from forecast.workspace.records import Claim
from forecast.workspace.renames import Former
from forecast.workspace.shapes import Name


class ClaimForm(EvidenceForm[Claim]):
    """`claims: STATE`."""

    key = "claims"
    meaning = "the report says that it is already so"
    option = "EVENT=STATE"
    shape = Name
    record = Claim
    names = (NamesIn("claims", "state", "one"),)

    @override
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report a state that the event does not have."""
        if (state := at.text(self.key)) is not None:
            yield from unknown_state(frame.names, event, state, at.at(self.key))

    @override
    def build(self, entry: Entry) -> Claim | None:
        """Return the record if the event has the state."""
        state = entry.values[self.key]
        return Claim(entry.event, state, entry.source) if state in entry.states else None

    @override
    def former(self, part: Claim, names: Former) -> Claim:
        """Return the record with the names of then."""
        return replace(part, event=names.name("event", part.event), state=names.state(part.event, part.state))

    @override
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return what makes the record where the cell is a state of the event."""
        state = cells[self.key]
        if until is not None or state not in (frame.names.states(event) or ()):
            return None
        return lambda source: Claim(event, state, source)
