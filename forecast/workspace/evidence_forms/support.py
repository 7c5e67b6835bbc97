"""Support: a verbal weight of evidence for some states against the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, Literal, override

from forecast.workspace.evidence_forms.form import AT_LEAST, Built, Entry, EvidenceForm, NamesIn, on_one_line, split
from forecast.workspace.names import Frame, chosen, unknown_choice
from forecast.workspace.nodes import Cursor, ListNode, MapNode, Node, Scalar
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Support
from forecast.workspace.renames import Former
from forecast.workspace.shapes import Choice, States

Strength = Literal["slight", "moderate", "strong", "very_strong"]
# Verbal weights of evidence in decibans (Good 1985): half-units of Jeffreys's (1961, appendix B) scale.
DECIBANS: dict[str, float] = {"slight": 2.0, "moderate": 5.0, "strong": 10.0, "very_strong": 15.0}


class SupportForm(EvidenceForm[Support]):
    """`support: STRENGTH` and, beside it, `for: STATES`."""

    key = "support"
    meaning = "in words, how strongly it favours some states"
    option = "EVENT=STATE[,STATE]:STRENGTH or EVENT>=STATE:STRENGTH"
    shape = Strength
    record = Support
    names = (NamesIn("for", "state", "choice"),)
    beside: ClassVar[Mapping[str, Any]] = {"for": States}
    may_end = True

    @override
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report one of the two keys without the other, unknown states, and support for every state."""
        yield from unknown_choice(frame.names, event, at, "for")
        if at.has(self.key) and not at.has("for"):
            yield at.problem("missing key 'for'", "", "support is for a state, a list of states, or {at_least: state}")
        if at.has("for") and not at.has(self.key):
            yield at.key("for").problem("'for' without 'support'", "", "give its strength")
        states = frame.names.states(event) if event else None
        if states is None or not at.has("for"):
            return
        wanted = at.at("for")
        named = {one.node.value for one in wanted.scalars() if isinstance(one.node, Scalar)}
        if named == set(states) or (isinstance(wanted.node, MapNode) and wanted.text("at_least") == states[0]):
            what = f"support for every state of {shown(event)} says nothing"
            yield wanted.problem(what, "", "name the states that are meant")

    @override
    def build(self, entry: Entry) -> Support | None:
        """Return the record if the event has all the states."""
        if entry.values.get("for") is None:
            return None
        wanted = chosen(entry.frame.names, entry.event, entry.values["for"])
        return Support(entry.event, entry.values[self.key], wanted, entry.until, entry.source) if wanted else None

    @override
    def former(self, part: Support, names: Former) -> Support:
        """Return the record with the names of then."""
        states = tuple(names.state(part.event, state) for state in part.states)
        return replace(part, event=names.name("event", part.event), states=states)

    @override
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return what makes the record where the cells are a strength, and some but not all states."""
        strength, cell = cells[self.key], cells["for"]
        named, and_later = split(cell.removeprefix(AT_LEAST)), cell.startswith(AT_LEAST)
        if strength not in DECIBANS or not all(named) or (and_later and len(named) > 1):
            return None
        wanted = chosen(frame.names, event, Choice(tuple(named), and_later))
        if wanted is None or len(wanted) == len(frame.names.states(event) or ()):
            return None
        return lambda source: Support(event, strength, wanted, until, source)

    @override
    def node(self, key: str, cell: str, line: int) -> Node:
        """Return the strength, or what `for` says: a state, a list of them, or `at_least` one."""
        if key == "for" and cell.startswith(AT_LEAST):
            state = cell.removeprefix(AT_LEAST).strip()
            return on_one_line({"at_least": Scalar(state, state, line)}, line)
        if key == "for" and ";" in cell:
            return ListNode(tuple(Scalar(state, state, line) for state in split(cell)), line)
        return Scalar(cell, cell, line)
