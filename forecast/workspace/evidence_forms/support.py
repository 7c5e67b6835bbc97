"""Support: a verbal weight of evidence for some states against the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, override

from forecast.workspace.evidence_forms.form import (
    AT_LEAST,
    Asked,
    Built,
    Entry,
    EvidenceForm,
    NamesIn,
    Prompt,
    split,
    until_in_words,
)
from forecast.workspace.names import Frame, chosen, event_and_states, unknown_choice
from forecast.workspace.nodes import Choice, Cursor, ListNode, MapNode, Node, Scalar, States, mapping, one_of, text
from forecast.workspace.problems import Problem, known, shown
from forecast.workspace.records import Event, Support
from forecast.workspace.renames import Former
from forecast.workspace.wording import label

# Verbal weights of evidence in decibans (Good 1985): half-units of Jeffreys's (1961, appendix B) scale.
DECIBANS: dict[str, float] = {"slight": 2.0, "moderate": 5.0, "strong": 10.0, "very_strong": 15.0}


class SupportForm(EvidenceForm[Support]):
    """`support: STRENGTH` and, beside it, `for: STATES`."""

    key = "support"
    meaning = "in words, how strongly it favours some states"
    option = "EVENT=STATE[,STATE]:STRENGTH or EVENT>=STATE:STRENGTH"
    metavar = "EVENT=STATES:STRENGTH"
    help = "A verbal weight"
    shape = one_of(DECIBANS)
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
            return mapping({"at_least": Scalar(state, state, line)}, line)
        if key == "for" and ";" in cell:
            return ListNode(tuple(Scalar(state, state, line) for state in split(cell)), line)
        return Scalar(cell, cell, line)

    @override
    def likelihood(self, part: Support, event: Event) -> Sequence[float]:
        """Return 1 for the states that are favoured, and for the others how much less probable the report is there."""
        less = 10.0 ** (-DECIBANS[part.strength] / 10.0)
        return [1.0 if state in part.states else less for state in event.states]

    @override
    def until(self, part: Support) -> date | None:
        """Return the day that the item gives."""
        return part.until

    @override
    def words(self, part: Support) -> str:
        """Write the strength and the states."""
        favoured = " or ".join(map(label, part.states))
        return f"{label(part.strength)} support for {favoured}{until_in_words(part.until)}"

    @override
    def from_option(self, said: str, asked: Asked) -> dict[str, Node]:
        """Read EVENT=STATE,STATE:STRENGTH or EVENT>=STATE:STRENGTH."""
        name = said.partition("=")[0].strip().rstrip(">").strip()
        known(name, tuple(asked.events), "events")
        if "=" not in said:
            raise ValueError(f"'{said}' has no value for '{name}'; {self.option}")
        states, colon, strength = said.rpartition(":")
        if not colon:
            raise ValueError(f"'{said}' has no strength; {self.option}")
        return {
            "event": text(name),
            self.key: text(_strength(strength)),
            "for": event_and_states(states, asked.events)[1],
        }

    @override
    def prompts(self, event: Event) -> tuple[Prompt, ...]:
        """Ask for the states, then for the strength."""

        def states(said: str) -> Node:
            is_later = said.startswith(">=")
            return event_and_states(f"{event.id}{said}" if is_later else f"{event.id}={said}", {event.id: event})[1]

        listed = ", ".join(event.states)
        strengths = ", ".join(f"{name} {decibans:g} dB" for name, decibans in DECIBANS.items())
        return (
            Prompt("for", f"For (of {listed}; several with commas; >=STATE for it and all later ones)", states),
            Prompt(self.key, f"Strength ({strengths})", lambda said: text(_strength(said))),
        )

    @override
    def from_answers(self, answers: Mapping[str, Node]) -> dict[str, Node]:
        """Return the strength before the states."""
        return {self.key: answers[self.key], "for": answers["for"]}


def _strength(said: str) -> str:
    return known(said.strip(), tuple(DECIBANS), "strengths")
