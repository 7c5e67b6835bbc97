"""Read `priors/renames.jsonl`: which names were changed; lines are only ever added."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from forecast.workspace.csv_text import parse_json_lines
from forecast.workspace.files import UNFINISHED
from forecast.workspace.names import OTHER, Names
from forecast.workspace.nodes import Cursor, Name, PastDay, Shape, hold, text_at
from forecast.workspace.problems import Problem, Source, choice, shown
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
from forecast.workspace.renames import Former, Rename, Renames, follow, states_of

Kind = Literal["question", "event", "state", "scenario", "expert", "source", "statement", "item"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class RenameShape(Shape):
    """One line: what was renamed, and how many lines the appended files had by then."""

    format: Literal[1] | None = None
    kind: Kind
    event: Name | None = None
    old: Name
    new: Name
    on: PastDay
    lines: dict[str, Annotated[int, Field(ge=0)]] | None = None


def read_renames(content: bytes, path: str, today: date) -> tuple[tuple[Rename, ...], tuple[Problem, ...]]:
    """Return the lines that are right, in file order, and the problems found."""
    trees, problems = parse_json_lines(content, path)
    made: list[Rename] = []
    every = list(problems)
    for tree in trees:
        old = text_at(tree, "old")
        at = Cursor.over(tree, path, f"rename of {shown(old)}" if old else "rename")
        checked = hold(RenameShape, at, today)
        wrong = list(_wrong(checked.meant))
        every += [*checked.problems, *wrong]
        if (shape := checked.shape) is not None and not checked.problems and not wrong:
            made.append(Rename(shape.kind, shape.old, shape.new, shape.on, at.source, shape.event, shape.lines))
    return tuple(made), tuple(every)


def _wrong(at: Cursor) -> Iterator[Problem]:
    kind, old, new = (at.text(key) for key in ("kind", "old", "new"))
    if old is not None and old == new:
        yield at.problem("old and new name are the same", shown(new), "a line that says a new name")
    if kind == "state" and not at.has("event"):
        yield at.problem("missing key 'event'", "", "the event whose state it is")
    if kind not in (None, "state") and at.has("event"):
        yield at.problem(f"'event' beside kind {shown(kind)}", "", "only with kind 'state'")


def leading_nowhere(renames: Renames) -> Iterator[Problem]:
    """Warn of names that nothing is called today, and that were not changed again."""
    for place, one in enumerate(renames.made):
        event, name = follow(renames.made[place + 1 :], one.kind, one.event, one.new)
        kind = states_of(event) if event is not None else one.kind
        known = renames.known.get(kind)
        if known is not None and name not in known:
            called = f"state of event '{event}'" if one.kind == "state" else one.kind
            what = f"rename of {shown(one.old)}: there is no {called} {shown(name)}"
            way = f"if it has another name now: forecast rename {one.kind} {one.new} NAME"
            allowed = f"{way}; {choice('they', name, tuple(known))}"
            yield Problem(one.source, what, "", allowed, "warning")


def names_by_kind(names: Names) -> dict[str, Collection[str]]:
    """Return the names that the four files define, by kind; a kind whose file could not be read is left out."""
    names_of: dict[str, Collection[str] | None] = {
        "event": names.events,
        "scenario": None if names.scenarios is None else (*names.scenarios, OTHER),
        "expert": names.experts,
        "source": names.sources,
        **{states_of(event): states for event, states in (names.events or {}).items()},
    }
    return {kind: known for kind, known in names_of.items() if known is not None}


def unfinished_rename(root: Path) -> Problem | None:
    """Return the problem of a workspace in which a rename has written some of its files and not the others."""
    try:
        command = json.loads((root / UNFINISHED).read_bytes())["command"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        command = "forecast rename OLD NEW"
    what = "a rename is not finished: some files have the old name, others the new one"
    allowed = f"if no other command is running it was interrupted; this finishes it: {command}"
    return Problem(Source(UNFINISHED, 1), what, "", allowed)


# A record as it was before renames: the same in every field, with the names of then.


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
