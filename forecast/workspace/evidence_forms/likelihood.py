"""Likelihood: how probable the report is under each state of the event, up to one common factor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, override

from pydantic import Field

from forecast.workspace.evidence_forms.form import (
    Asked,
    Built,
    Entry,
    EvidenceForm,
    NamesIn,
    Prompt,
    all_zero,
    event_in_option,
    ratio_in_option,
    ratios_in_option,
    split,
    until_in_words,
)
from forecast.workspace.names import Frame, unknown_state, unnumbered
from forecast.workspace.nodes import Cursor, MapNode, Name, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Event, Likelihood
from forecast.workspace.renames import Former
from forecast.workspace.wording import NO_BREAK, label
from forecast.workspace.yaml_text import resolve

NUMBER = re.compile(r"(?=.{1,30}$)([0-9]*\.?[0-9]+|[0-9]+\.)")
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LikelihoodForm(EvidenceForm[Likelihood]):
    """`likelihood: {STATE: NUMBER, ...}`, a number for every state."""

    key = "likelihood"
    meaning = "how probable the report is in each state"
    option = "EVENT=NUMBER,NUMBER in the order of the states, or EVENT={STATE: NUMBER}"
    metavar = "EVENT=NUMBERS"
    help = "P(report) in each state"
    shape = Annotated[dict[Name, Ratio], Field(min_length=1)]
    record = Likelihood
    names = (NamesIn("likelihood", "state", "keys"),)
    may_end = True

    @override
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report unknown states, states without a number, and numbers that are all 0."""
        yield from all_zero(at, self.key, "state")
        states, said = frame.names.states(event) if event else None, at.at(self.key)
        if not isinstance(at.child(self.key), MapNode) or states is None:
            return
        for state in said.keys:
            yield from unknown_state(frame.names, event, state, said.key(state).under(self.key))
        yield from unnumbered(states, said.under(self.key), f"event '{event}': state ", "number", "states")

    @override
    def build(self, entry: Entry) -> Likelihood | None:
        """Return the record if there is a number for each state of the event, and for nothing else."""
        ratios = entry.values[self.key]
        if set(ratios) != set(entry.states):
            return None
        return Likelihood(entry.event, {state: ratios[state] for state in entry.states}, entry.until, entry.source)

    @override
    def former(self, part: Likelihood, names: Former) -> Likelihood:
        """Return the record with the names of then."""
        ratios = {names.state(part.event, state): ratio for state, ratio in part.ratios.items()}
        return replace(part, event=names.name("event", part.event), ratios=ratios)

    @override
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return what makes the record where the cell is a plain number for each state."""
        ratios, states = _ratios(cells[self.key]), frame.names.states(event) or ()
        if ratios is None or set(ratios) != set(states) or not any(ratios.values()):
            return None
        in_order = {state: ratios[state] for state in states}
        return lambda source: Likelihood(event, in_order, until, source)

    @override
    def node(self, key: str, cell: str, line: int) -> Node:
        """Return the map that the parts of a cell make up."""
        parts = dict(_pair(part) for part in split(cell) if "=" in part)
        return mapping({state: Scalar(resolve(number), number, line) for state, number in parts.items()}, line)

    @override
    def unreadable(self, cells: Mapping[str, str], at: Cursor) -> Iterator[Problem]:
        """Report parts of a cell that are no pair, together, and states that stand twice."""
        cell = cells.get(self.key, "")
        states: set[str] = set()
        parts = split(cell) if cell else []
        if wrong := [part for part in parts if not all(_pair(part))]:
            allowed = "STATE=NUMBER; STATE=NUMBER, one for every state"
            yield at.problem("likelihood is not readable", shown("; ".join(wrong)), allowed)
        for state, _ in map(_pair, parts):
            if state and state in states:
                yield at.problem(f"likelihood: state {shown(state)} appears twice", "", "once each")
            states.add(state)

    @override
    def likelihood(self, part: Likelihood, event: Event) -> Sequence[float]:
        """Return the numbers as they are."""
        return [part.ratios[state] for state in event.states]

    @override
    def until(self, part: Likelihood) -> date | None:
        """Return the day that the item gives."""
        return part.until

    @override
    def words(self, part: Likelihood) -> str:
        """Write each state with its number."""
        return ratios_in_words(part.ratios, part.until)

    @override
    def from_option(self, said: str, asked: Asked) -> dict[str, Node]:
        """Read EVENT=NUMBER,NUMBER or EVENT={STATE: NUMBER}."""
        event, value = event_in_option(said, asked, self.option)
        return {"event": text(event.id), self.key: ratios_in_option(value, event.states, "states")}

    @override
    def prompts(self, event: Event) -> tuple[Prompt, ...]:
        """Ask for the number of each state."""
        before = "How probable is such a report in each state? Only ratios matter; 1 in every state has no weight."
        first, *rest = event.states
        return (
            Prompt(first, f"  {first}", ratio_in_option, before),
            *(Prompt(state, f"  {state}", ratio_in_option) for state in rest),
        )

    @override
    def from_answers(self, answers: Mapping[str, Node]) -> dict[str, Node]:
        """Return the numbers as a map."""
        return {self.key: mapping(answers)}


def ratios_in_words(ratios: Mapping[str, float], until: date | None) -> str:
    """Write the numbers of states or scenarios."""
    listed = f"{NO_BREAK}: ".join(f"{label(state)}{NO_BREAK}{ratio:g}" for state, ratio in ratios.items())
    return f"likelihood {listed}{until_in_words(until)}"


def _pair(part: str) -> tuple[str, str]:
    """Return state and number of one part of a cell, `STATE=NUMBER`."""
    state, _, number = part.partition("=")
    return state.strip(), number.strip()


def _ratios(cell: str) -> dict[str, float] | None:
    """Return the numbers of a cell, or None where a part of it is not plainly STATE=NUMBER."""
    ratios: dict[str, float] = {}
    for state, number in map(_pair, split(cell)):
        if not NUMBER.fullmatch(number) or state in ratios:
            return None
        ratios[state] = float(number)
    return ratios
