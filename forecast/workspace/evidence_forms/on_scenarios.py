"""Evidence on the scenarios: how probable the report is under each of them and under `other`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    all_zero,
    ratios_in_option,
)
from forecast.workspace.evidence_forms.likelihood import Ratio, ratios_in_words
from forecast.workspace.names import OTHER, Frame, unknown_name, unnumbered
from forecast.workspace.nodes import Cursor, MapNode, Name, Node
from forecast.workspace.problems import Problem
from forecast.workspace.read_renames import former_scenario
from forecast.workspace.records import OnScenarios
from forecast.workspace.renames import Former


class OnScenariosForm(EvidenceForm[OnScenarios]):
    """`scenarios: {SCENARIO: NUMBER, ..., other: NUMBER}`."""

    key = "scenarios"
    meaning = "how probable the report is under each scenario"
    option = "NUMBER,NUMBER in the order of the scenarios, or {SCENARIO: NUMBER}"
    metavar = "NUMBERS"
    help = "P(report) in each scenario, in order, and in `other`"
    shape = Annotated[dict[Name, Ratio], Field(min_length=1)]
    record = OnScenarios
    names = (NamesIn("scenarios", "scenario", "keys"),)
    is_on_event = False
    may_end = True

    @override
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report an event beside the scenarios, unknown scenarios, those without a number, and all numbers 0."""
        yield from all_zero(at, self.key, "scenario")
        if at.has("event"):
            allowed = "the rules of the scenarios name their events; a likelihood on one event is an entry of its own"
            yield at.key("event").problem(f"'event' beside '{self.key}'", "", allowed)
        said = at.at(self.key).under(self.key)
        if not isinstance(said.node, MapNode) or frame.names.scenarios is None:
            return
        known = (*frame.names.scenarios, OTHER)
        for name in said.keys:
            yield from unknown_name(known, name, said.key(name), "scenario")
        yield from unnumbered(known, said, "", "number", "scenarios")

    @override
    def build(self, entry: Entry) -> OnScenarios | None:
        """Return the record, None where its numbers are not those of the scenarios that could be read."""
        ratios, rules = entry.values[self.key], entry.frame.rules
        names = (*(rule.id for rule in rules), OTHER)
        if set(ratios) != set(names) or not any(ratios.values()):
            return None
        return OnScenarios({name: ratios[name] for name in names}, rules, entry.until, entry.source)

    @override
    def former(self, part: OnScenarios, names: Former) -> OnScenarios:
        """Return the record with the names of then."""
        ratios = {names.name("scenario", name): ratio for name, ratio in part.ratios.items()}
        return replace(part, ratios=ratios, rules=tuple(former_scenario(rule, names) for rule in part.rules))

    @override
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return nothing: no cell of a table speaks of the scenarios."""
        return None

    @override
    def until(self, part: OnScenarios) -> date | None:
        """Return the day that the item gives."""
        return part.until

    @override
    def words(self, part: OnScenarios) -> str:
        """Write each scenario with its number."""
        return ratios_in_words(part.ratios, part.until)

    @override
    def from_option(self, said: str, asked: Asked) -> dict[str, Node]:
        """Read NUMBER,NUMBER or {SCENARIO: NUMBER}."""
        return {self.key: ratios_in_option(said, asked.scenarios, "scenarios")}
