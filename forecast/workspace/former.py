"""A record as it was before renames: the same in every field, with the names of then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from forecast.workspace.evidence_forms.on_scenarios import former_condition
from forecast.workspace.evidence_forms.registry import form_of
from forecast.workspace.files import RESOLUTIONS
from forecast.workspace.read_resolutions import headline, prefix
from forecast.workspace.records import (
    Distribution,
    Event,
    Expert,
    Item,
    MoreLikelyThan,
    Network,
    ReportSource,
    Resolved,
    Settled,
    Statement,
    Target,
    Times,
)
from forecast.workspace.renames import Former


def former_network(network: Network, names: Former) -> Network:
    """Return the network with the names of then."""
    events = [former_event(event, names) for event in network.events.values()]
    return replace(network, events={event.id: event for event in events})


def former_event(event: Event, names: Former) -> Event:
    """Return an event with the names of then."""
    initial = None if event.initial is None else names.state(event.id, event.initial)
    return replace(
        event,
        id=names.name("event", event.id),
        states=_states(event.id, event.states, names),
        parents=tuple(names.name("event", parent) for parent in event.parents),
        initial=initial,
    )


def former_expert(expert: Expert, names: Former, own_groups: frozenset[str]) -> Expert:
    """Return an expert with the names of then; `own_groups` are those that are called like the expert they are of."""
    group = names.name("expert", expert.group) if expert.group in own_groups else expert.group
    return replace(expert, id=names.name("expert", expert.id), group=group)


def former_source(source: ReportSource, names: Former) -> ReportSource:
    """Return a source with the name of then."""
    return replace(source, id=names.name("source", source.id))


def former_statement(statement: Statement, names: Former) -> Statement:
    """Return a statement with the names of then."""
    resolved, condition = statement.resolved, statement.about.condition
    if resolved is not None and resolved.state is not None:
        then = names.state(condition.event, resolved.state) if condition else names.name("scenario", resolved.state)
        resolved = replace(resolved, state=then)
    return replace(
        statement,
        id=names.name("statement", statement.id),
        expert=names.name("expert", statement.expert),
        about=_target(statement.about, names),
        reading=_reading(statement, names),
        resolved=resolved,
    )


def former_item(item: Item, names: Former) -> Item:
    """Return an item with the names of then; one that settles an event by a resolution is called after the event."""
    parts: tuple[Any, ...] = tuple(form_of(part).former(part, names) for part in item.bears_on)
    supersedes = None if item.supersedes is None else names.name("item", item.supersedes)
    source = names.name("source", item.report_source)
    then = replace(item, bears_on=parts, supersedes=supersedes, report_source=source)
    now = item.bears_on[0]
    if item.source.path == RESOLUTIONS and isinstance(now, Settled):
        old = parts[0]
        called = prefix(old.event) + item.id.removeprefix(prefix(now.event))
        return replace(then, id=called, headline=headline(old.event, old.state))
    return replace(then, id=names.name("item", item.id))


def former_resolution(line: Resolved, names: Former) -> Resolved:
    """Return the resolution of a question with the name of then."""
    return replace(line, subject=names.name("question", line.subject))


def _states(event: str, states: tuple[str, ...], names: Former) -> tuple[str, ...]:
    return tuple(names.state(event, state) for state in states)


def _target(target: Target, names: Former) -> Target:
    return replace(
        target,
        condition=None if target.condition is None else former_condition(target.condition, names),
        scenario=None if target.scenario is None else names.name("scenario", target.scenario),
        given=tuple(former_condition(condition, names) for condition in target.given),
    )


def _reading(statement: Statement, names: Former) -> Any:
    reading, condition = statement.reading, statement.about.condition
    match reading:
        case Times():
            return replace(reading, against=_target(reading.against, names))
        case MoreLikelyThan():
            return replace(reading, other=_target(reading.other, names))
        case Distribution() if condition is not None:
            shares = {names.state(condition.event, state): share for state, share in reading.probabilities.items()}
            return replace(reading, probabilities=shares)
    return reading
