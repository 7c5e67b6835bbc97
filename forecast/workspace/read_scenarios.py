"""Read `priors/scenarios.yaml`: rules in order, and whether each can ever be the first to match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.files import NETWORK
from forecast.workspace.names import OTHER, Names, chosen, unknown_conditions
from forecast.workspace.nodes import Cursor, Name, Node, Shape, States, Text, hold
from forecast.workspace.problems import Problem, Source, quoted, shown
from forecast.workspace.records import Condition, Scenario


class ScenarioShape(Shape):
    """A named region: every event listed is in one of the states given at the horizon."""

    format: Literal[1] | None = None
    id: Name
    name: Text | None = None
    summary: Text | None = None
    in_words: Text | None = None
    when: Annotated[dict[Name, States], Field(min_length=1)]


# Of a rule's region; beyond that the question is left open. Ten times as many take forty rules a minute.
MAX_PIECES = 2_000
Region = dict[str, frozenset[str]]  # events that are narrowed down, and the states left; a box in the joint states


def read_scenarios(
    node: Node, path: str, names: Names, today: date, otherwise: str | None = None
) -> tuple[tuple[Scenario, ...], tuple[Problem, ...]]:
    """Return the scenarios that are right, in file order, and the problems found.

    `otherwise` is what it is called when none of them holds.
    """
    problems: list[Problem] = []
    scenarios: list[Scenario] = []
    seen: set[str] = set()
    for number, item in enumerate(Cursor.over(node, path).items(), 1):
        scenario_id = item.text("id")
        at = item.called(f"scenario {shown(scenario_id)}" if scenario_id else f"scenario number {number}")
        checked = hold(ScenarioShape, at, today)
        problems += checked.problems
        at = checked.meant
        if at.has("when"):
            problems += unknown_conditions(names, at.at("when"))
        if scenario_id is not None:
            problems += _id_problems(scenario_id, at.at("id").source, names, seen)
        if checked.shape is None:
            continue
        if otherwise is not None and checked.shape.name == otherwise:
            what, allowed = "is called like what holds when no scenario does", f"not the 'otherwise' of {NETWORK}"
            problems.append(at.at("name").problem(what, shown(otherwise), allowed))
        conditions = [(event, chosen(names, event, wanted)) for event, wanted in checked.shape.when.items()]
        if all(states is not None for _, states in conditions):
            scenarios.append(
                Scenario(
                    checked.shape.id,
                    checked.shape.name or checked.shape.id.replace("_", " "),
                    checked.shape.summary or "",
                    tuple(Condition(event, states) for event, states in conditions if states is not None),
                    at.source,
                    checked.shape.in_words or "",
                )
            )
    return tuple(scenarios), (*problems, *_shadowed(scenarios, names))


def _id_problems(name: str, source: Source, names: Names, seen: set[str]) -> Iterator[Problem]:
    if name in (names.events or {}):
        what = f"scenario {shown(name)} is called like an event"
        allowed = f"the event is at {names.at[name]}; events and scenarios share one set of names"
        yield Problem(source, what, "", allowed)
    elif name in seen:
        what, allowed = f"scenario {shown(name)} appears twice", f"first at {names.at[name]}; ids are used once"
        yield Problem(source, what, "", allowed)
    elif name == OTHER:
        what = f"a scenario may not be called '{OTHER}'"
        yield Problem(source, what, "", "it is built in: the scenario where no rule matches")
    seen.add(name)


def _shadowed(scenarios: Sequence[Scenario], names: Names) -> Iterator[Problem]:
    states = {event: frozenset(of) for event, of in (names.events or {}).items() if of}
    regions = [{condition.event: frozenset(condition.states) for condition in scenario.when} for scenario in scenarios]
    for number, scenario in enumerate(scenarios):
        blockers = covering(regions[number], regions[:number], states)
        if blockers is not None and all(scenarios[k].id != scenario.id for k in blockers):
            what = f"scenario {shown(scenario.id)} can never be the first to match"
            earlier = quoted(scenarios[k].id for k in blockers)
            allowed = f"everything it covers is taken by {earlier} before it; put it earlier or narrow those"
            yield Problem(scenario.source, what, "", allowed)


def covering(region: Region, earlier: Sequence[Region], states: Mapping[str, frozenset[str]]) -> tuple[int, ...] | None:
    """Return which earlier regions together cover `region` (their indices), or None where some of it is left.

    Each earlier box is cut out of the boxes that are left; exact, and small where rules name few events."""
    left: list[Region] = [region]
    used: list[int] = []
    for number, other in enumerate(earlier):
        pieces = [piece for box in left for piece in _cut(box, other, states)]
        if pieces != left:
            used.append(number)
        left = pieces
        if not left:
            return tuple(used)
        if len(left) > MAX_PIECES:
            return None
    return None


def _cut(box: Region, other: Region, states: Mapping[str, frozenset[str]]) -> Iterator[Region]:
    """Yield boxes that make up `box` without `other`; disjoint, so that few are left to cut."""
    if any(not box.get(event, states[event]) & allowed for event, allowed in other.items()):
        yield box
        return
    inside = dict(box)
    for event, allowed in other.items():
        here = inside.get(event, states[event])
        if outside := here - allowed:
            yield {**inside, event: outside}
        inside[event] = here & allowed
