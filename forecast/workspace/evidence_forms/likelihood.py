"""Likelihood: how probable the report is under each state of the event, up to one common factor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, override

from pydantic import Field

from forecast.workspace.evidence_forms.form import Built, Entry, EvidenceForm, NamesIn, all_zero, on_one_line, split
from forecast.workspace.names import Frame, unknown_state, unnumbered
from forecast.workspace.nodes import Cursor, MapNode, Node, Scalar
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Likelihood
from forecast.workspace.renames import Former
from forecast.workspace.shapes import Name
from forecast.workspace.yaml_text import resolve

NUMBER = re.compile(r"(?=.{1,30}$)([0-9]*\.?[0-9]+|[0-9]+\.)")
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LikelihoodForm(EvidenceForm[Likelihood]):
    """`likelihood: {STATE: NUMBER, ...}`, a number for every state."""

    key = "likelihood"
    meaning = "how probable the report is in each state"
    option = "EVENT=NUMBER,NUMBER in the order of the states, or EVENT={STATE: NUMBER}"
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
        return on_one_line({state: Scalar(resolve(number), number, line) for state, number in parts.items()}, line)

    @override
    def unreadable(self, cells: Mapping[str, str], at: Cursor) -> Iterator[Problem]:
        """Report parts of a cell that are no pair, and states that stand twice."""
        cell = cells.get(self.key, "")
        states: set[str] = set()
        for part in split(cell) if cell else ():
            state, number = _pair(part)
            if not state or not number:
                allowed = "STATE=NUMBER; STATE=NUMBER, one for every state"
                yield at.problem("likelihood is not readable", shown(part), allowed)
            elif state in states:
                yield at.problem(f"likelihood: state {shown(state)} appears twice", "", "once each")
            states.add(state)


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
