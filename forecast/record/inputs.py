"""What an update rests on: digests of the records that count on its as-of date, not of file bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any

from forecast.digests import PLAIN, plain_text
from forecast.prior.came_true import question_outcome
from forecast.prior.spec import active_statements, known_resolution
from forecast.workspace.problems import Source
from forecast.workspace.records import Network, Workspace

SHORT = 16  # hex digits of a record's digest: 64 bits are plenty to notice an edit


def active_inputs(workspace: Workspace, as_of: date) -> dict[str, Any]:
    """Return the digests of all that counts on a date: the network, scenarios, experts, sources, items and statements.

    Nothing dated later enters, resolutions included, so a later file leaves them as they are; neither does the place
    of a record in its file. A retraction enters from its own date, apart from the item: it is no edit. So does the
    outcome of a question that somebody's statement was about; without any the key `resolutions` is left out.
    """
    statements = active_statements(workspace, as_of)
    items = [item for item in workspace.items if item.reported <= as_of]
    experts = {statement.expert for statement in statements}
    sources = {item.report_source for item in items}
    outcomes = {one.id: line for one in statements if (line := question_outcome(workspace, one, as_of)) is not None}
    resolved = (
        {"resolutions": {name: record_digest(replace(line, undone=None)) for name, line in outcomes.items()}}
        if outcomes
        else {}
    )
    return {
        "network": _network_digest(workspace.network),
        "scenarios": record_digest(workspace.scenarios),
        "experts": {name: record_digest(workspace.experts[name]) for name in sorted(experts)},
        "sources": {name: record_digest(workspace.sources[name]) for name in sorted(sources)},
        "statements": {statement.id: record_digest(known_resolution(statement, as_of)) for statement in statements},
        "items": {item.id: record_digest(replace(item, retracted=None) if item.retracted else item) for item in items},
        "retracted": [item.id for item in items if item.retracted and item.retracted <= as_of],
        **resolved,
    }


def rolled_to(network: Network) -> str | None:
    """Return the horizon that is asked about, in ISO form, if it is no longer the file's own."""
    return None if network.horizon == network.window_ends else network.horizon.isoformat()


def _network_digest(network: Network) -> str:
    """Return the digest of the file's network; the horizon that it was rolled to is told apart, as `rolled`."""
    first = replace(network, horizon=network.window_ends)
    timings = {event.id: event.timing for event in network.events.values() if event.timing is not None}
    return record_digest([first, timings] if timings else first)


def record_digest(record: Any) -> str:
    """Return the digest of a record and all that it holds, places in files left out."""
    return hashlib.sha256(f"sequence 1:{_text(record)}".encode()).hexdigest()[:SHORT]


@cache
def _input_fields(record: type) -> tuple[str, Callable[[Any], tuple[Any, ...]]]:
    """Return how the text of a record of this type begins, and what gets the fields that a forecast rests on."""
    names = [field.name for field in fields(record) if field.metadata.get("is_input", True)]
    # A field twice, so that the getter returns a tuple for a record of one field too.
    return f"sequence {len(names) + 1}:str {record.__name__!r};", attrgetter(*names, names[0])


def _text(value: Any) -> str:
    """Return all that a record says, without its place in a file, as one text.

    In one pass, texts first: a table of evidence has a hundred thousand records.
    """
    if type(value) is str:
        return f"str {value!r};"
    if isinstance(value, PLAIN):
        return plain_text(value)
    if isinstance(value, Source):
        return plain_text(None)
    if isinstance(value, tuple | list):
        return f"sequence {len(value)}:{''.join(map(_text, value))}"
    if isinstance(value, Mapping):
        entries = [f"sequence 2:{_text(key)}{_text(part)}" for key, part in value.items()]
        return f"sequence {len(entries)}:{''.join(entries)}"
    if is_dataclass(value) and not isinstance(value, type):
        begin, get = _input_fields(type(value))
        return begin + "".join(map(_text, get(value)[:-1]))
    msg = f"no digest is defined for {type(value).__name__}"
    raise ValueError(msg)
