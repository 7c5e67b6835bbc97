"""A record as it was before renames: the same in every field, with the names of then."""

from __future__ import annotations

from dataclasses import replace

from forecast.workspace.records import (
    Condition,
    Event,
    Expert,
    Network,
    ReportSource,
    Requirement,
    Resolved,
    Scenario,
    Target,
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
        parents=_events(event.parents, names),
        raises=_events(event.raises, names),
        lowers=_events(event.lowers, names),
        initial=initial,
        requires=tuple(
            Requirement(
                names.state(event.id, one.state),
                tuple(tuple(former_condition(condition, names) for condition in all_) for all_ in one.any_of),
            )
            for one in event.requires
        ),
    )


def _events(ids: tuple[str, ...], names: Former) -> tuple[str, ...]:
    return tuple(names.name("event", event) for event in ids)


def former_expert(expert: Expert, names: Former, own_groups: frozenset[str]) -> Expert:
    """Return an expert with the names of then; `own_groups` are those that are called like the expert they are of."""
    group = names.name("expert", expert.group) if expert.group in own_groups else expert.group
    return replace(expert, id=names.name("expert", expert.id), group=group)


def former_source(source: ReportSource, names: Former) -> ReportSource:
    """Return a source with the name of then."""
    return replace(source, id=names.name("source", source.id))


def former_resolution(line: Resolved, names: Former) -> Resolved:
    """Return the resolution of a question with the name of then."""
    return replace(line, subject=names.name("question", line.subject))


def _states(event: str, states: tuple[str, ...], names: Former) -> tuple[str, ...]:
    return tuple(names.state(event, state) for state in states)


def former_condition(condition: Condition, names: Former) -> Condition:
    """Return a condition with the names of then."""
    event = condition.event
    states = tuple(names.state(event, state) for state in condition.states)
    return replace(condition, event=names.name("event", event), states=states)


def former_scenario(scenario: Scenario, names: Former) -> Scenario:
    """Return a scenario with the names of then; a title that comes from its id, or is its id, is that of then too."""
    old = names.name("scenario", scenario.id)
    titles = {scenario.id.replace("_", " "): old.replace("_", " "), scenario.id: old}
    when = tuple(former_condition(condition, names) for condition in scenario.when)
    return replace(scenario, id=old, name=titles.get(scenario.name, scenario.name), when=when)


def former_target(target: Target, names: Former) -> Target:
    """Return a target with the names of then."""
    return replace(
        target,
        condition=None if target.condition is None else former_condition(target.condition, names),
        scenario=None if target.scenario is None else names.name("scenario", target.scenario),
        given=tuple(former_condition(condition, names) for condition in target.given),
    )
