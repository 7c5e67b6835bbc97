"""What an update rests on: digests of the records that count on its as-of date, not of file bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from forecast.digests import PLAIN, digest_of
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
        {"resolutions": {name: _digest(replace(line, undone=None)) for name, line in outcomes.items()}}
        if outcomes
        else {}
    )
    return {
        "network": _network_digest(workspace.network),
        "scenarios": _digest(workspace.scenarios),
        "experts": {name: _digest(workspace.experts[name]) for name in sorted(experts)},
        "sources": {name: _digest(workspace.sources[name]) for name in sorted(sources)},
        "statements": {statement.id: _digest(known_resolution(statement, as_of)) for statement in statements},
        "items": {item.id: _digest(replace(item, retracted=None)) for item in items},
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
    return _digest([first, timings] if timings else first)


def _digest(record: Any) -> str:
    return digest_of(_without_places(record))[:SHORT]


@cache
def _input_names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.metadata.get("is_input", True))


def _without_places(value: Any) -> Any:
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Source):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        parts = [_without_places(getattr(value, name)) for name in _input_names(type(value))]
        return [type(value).__name__, *parts]
    if isinstance(value, tuple | list):
        return [_without_places(part) for part in value]
    if isinstance(value, Mapping):
        return [[key, _without_places(part)] for key, part in value.items()]
    return value
