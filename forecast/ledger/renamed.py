"""Lines of the ledger with what they name called as it is today; the file itself keeps the names of then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from forecast.ledger.entries import Entry, Line
from forecast.ledger.ledger import LEDGER, Ledger, read_ledger
from forecast.ledger.line import network_digest, record_digest
from forecast.sampling.spec import known_resolution
from forecast.workspace import former
from forecast.workspace.mentions import Named, Told
from forecast.workspace.problems import Source
from forecast.workspace.read_evidence import former_item
from forecast.workspace.read_statements import former_statement
from forecast.workspace.records import Workspace
from forecast.workspace.renames import Former, Rename, Renames

BY_KIND = {"expert": "experts", "source": "sources", "statement": "statements", "item": "items"}  # keys of `inputs`
KINDS = {key: kind for kind, key in BY_KIND.items()} | {"resolutions": "statement"}


def told_in_ledger(root: Path) -> Iterator[Told]:
    """Yield the scenarios, experts, sources, statements and items that the lines of the ledger name."""
    for line in read_ledger(root).updates:
        where, day = _place(line), line.as_of
        for share in line.scenarios:
            yield Told(Named("scenario", share.id), where, day)
        for kind, key in BY_KIND.items():
            for name in line.inputs[key]:
                yield Told(Named(kind, name), where, day)


def called_today(ledger: Ledger, workspace: Workspace) -> Ledger:
    """Return a ledger whose updates name everything as the workspace does; texts and digests of lines are the file's.

    A digest of a record becomes the one that the record has today, if it is the one that the record had under the names
    of then: what was only renamed is not told as edited, and what was edited is.
    """
    if not workspace.renames.made:
        return ledger
    known: dict[tuple[Rename, ...], _Records] = {}

    def today(entry: Entry) -> Entry:
        if not isinstance(entry, Line):
            return entry
        names = workspace.renames.before(_place(entry), entry.as_of)
        if names.since not in known:
            known[names.since] = _records(workspace, names) if names.since else _Records({}, {})
        return _line_today(entry, workspace.renames, known[names.since])

    return Ledger(tuple(map(today, ledger.entries)), ledger.texts)


def table_today(table: Mapping[str, Any], line: Line, renames: Renames) -> dict[str, Any]:
    """Return the scenarios and events of a forecast.json that belongs to a line, called as they are today."""
    where, day = _place(line), line.as_of

    def states(event: Mapping[str, Any]) -> list[dict[str, object]]:
        named = [(row, renames.state_today(event["id"], row["state"], where, day)[1]) for row in event["states"]]
        return [{**row, "state": name} for row, name in named]

    scenarios = [{**row, "id": renames.today("scenario", row["id"], where, day)} for row in table["scenarios"]]
    events = [
        {**event, "id": renames.today("event", event["id"], where, day), "states": states(event)}
        for event in table.get("events", ())
    ]
    return {**table, "scenarios": scenarios, "events": events}


@dataclass(frozen=True)
class _Records:
    """What the records of the files were called and digested to, under other names: then -> today."""

    digests: Mapping[str, str]
    items: Mapping[str, str]


def _place(line: Line) -> Source:
    return Source(LEDGER, line.number or 1)


def _line_today(line: Line, renames: Renames, records: _Records) -> Line:
    where, day = _place(line), line.as_of

    def called(kind: str, name: str) -> str:
        return (records.items.get(name) if kind == "item" else None) or renames.today(kind, name, where, day)

    inputs: dict[str, Any] = {}
    for key, value in line.inputs.items():
        if isinstance(value, str):
            inputs[key] = records.digests.get(value, value)
        elif isinstance(value, Mapping):
            kind = KINDS.get(key, key)
            named = {called(kind, name): records.digests.get(digest, digest) for name, digest in value.items()}
            inputs[key] = dict(sorted(named.items()))
        else:
            inputs[key] = sorted(called("item", name) for name in value)
    shares = tuple(
        replace(scenario, id=renames.today("scenario", scenario.id, where, day)) for scenario in line.scenarios
    )
    return replace(line, inputs=inputs, scenarios=shares)


def _records(workspace: Workspace, names: Former) -> _Records:
    own = frozenset(expert.group for expert in workspace.experts.values() if expert.group == expert.id)
    scenarios = tuple(former.former_scenario(scenario, names) for scenario in workspace.scenarios)
    digests = {
        network_digest(former.former_network(workspace.network, names)): network_digest(workspace.network),
        record_digest(scenarios): record_digest(workspace.scenarios),
    }

    def add(records: Any, then: Callable[[Any], Any]) -> None:
        digests.update((record_digest(then(record)), record_digest(record)) for record in records)

    add(workspace.experts.values(), lambda one: former.former_expert(one, names, own))
    add(workspace.sources.values(), lambda one: former.former_source(one, names))
    add(workspace.statements, lambda one: former_statement(one, names))
    # As they count before it is known how they turned out.
    open_ones = [known_resolution(statement, date.min) for statement in workspace.statements]
    add(open_ones, lambda one: former_statement(one, names))
    standing = [replace(item, retracted=None) for item in workspace.items]
    add(standing, lambda one: former_item(one, names))
    questions = {question.id for question in workspace.questions}
    of_questions = [replace(line, undone=None) for line in workspace.resolutions if line.subject in questions]
    add(of_questions, lambda one: former.former_resolution(one, names))
    return _Records(digests, {former_item(item, names).id: item.id for item in workspace.items})
