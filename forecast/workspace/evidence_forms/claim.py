"""Claim: the report says that the event is in this state already, or past it; the source decides how far it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import override

from forecast.workspace.evidence_forms.form import Built, Entry, NamesIn, StateForm
from forecast.workspace.names import Frame
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Claim, Event
from forecast.workspace.renames import Former
from forecast.workspace.wording import label


class ClaimForm(StateForm[Claim]):
    """`claims: STATE`."""

    key = "claims"
    meaning = "the report says that it is already so"
    help = "The report says that it is already so"
    record = Claim
    names = (NamesIn("claims", "state", "one"),)
    of_present = True

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

    @override
    def likelihood(self, part: Claim, event: Event) -> Sequence[float]:
        """Return 1 for the states that it claims; 0 for the others."""
        claimed = self.claimed(part, event)
        return [float(x in claimed) for x in range(len(event.states))]

    @override
    def claimed(self, part: Claim, event: Event) -> tuple[int, ...]:
        """Return the state, and for a reached event all behind it."""
        state = event.states.index(part.state)
        return tuple(range(state, len(event.states))) if event.kind == "reached" else (state,)

    @override
    def words(self, part: Claim) -> str:
        """Write the state."""
        return f"claimed to be {label(part.state)} already"

    @override
    def doubts(self, part: Claim, subject: str, events: Mapping[str, Event]) -> Iterator[Problem]:
        """Warn of a claim that a reached event is in its lowest state or a later one: that is always so."""
        event = events.get(part.event)
        if event is not None and event.kind == "reached" and part.state == event.states[0]:
            what = f"{subject}: the claim that {shown(event.id)} is {shown(part.state)} says nothing"
            allowed = "a reached event is claimed to be in a state or a later one; give a likelihood, or support"
            yield Problem(part.source, what, "", allowed, "warning")
