"""Read `priors/decisions.yaml`: options, and what each is worth in every scenario or state of an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.names import OTHER, Frame, duplicates, unknown_event
from forecast.workspace.nodes import Cursor, MapNode, Name, Node, Shape, Text, hold
from forecast.workspace.problems import Problem, Source, choice, near, quoted, shown
from forecast.workspace.records import DecisionProblem

Utility = Annotated[float, Field(allow_inf_nan=False)]
FEWEST = 2  # options


class DecisionShape(Shape):
    """A choice among options, worth so much in each scenario, or in each state of an event at the horizon."""

    format: Literal[1] | None = None
    id: Name
    question: Text
    unit: Text
    event: Name | None = None
    options: Annotated[dict[Name, dict[Name, Utility]], Field(json_schema_extra={"minProperties": FEWEST})]
    why: Text | None = None


def read_decisions(node: Node, path: str, frame: Frame) -> tuple[tuple[DecisionProblem, ...], tuple[Problem, ...]]:
    """Return the decisions that are right, in file order, and the problems found."""
    decisions: list[DecisionProblem] = []
    problems: list[Problem] = []
    ids: list[tuple[str, Source]] = []
    for number, item in enumerate(Cursor.over(node, path).items(), 1):
        name = item.text("id")
        if name is not None:
            ids.append((name, item.at("id").source))
        at = item.called(f"decision {shown(name)}" if name else f"decision number {number}")
        checked = hold(DecisionShape, at, frame.today)
        at = checked.meant
        outcomes = _outcomes(at, frame)
        wrong = [*checked.problems, *_references(at, frame, outcomes)]
        problems += wrong
        if checked.shape is None or outcomes is None or wrong:
            continue
        shape = checked.shape
        decisions.append(
            DecisionProblem(
                id=shape.id,
                question=shape.question,
                unit=shape.unit,
                event=shape.event,
                outcomes=tuple(outcomes),
                options={
                    option: tuple(worth[outcome] for outcome in outcomes) for option, worth in shape.options.items()
                },
                why=shape.why,
                source=at.source,
            )
        )
    problems += duplicates(ids, "decision")
    return tuple(decisions), tuple(problems)


def _outcomes(at: Cursor, frame: Frame) -> Sequence[str] | None:
    """Return what an option has to be worth something in; None where that could not be read."""
    if at.has("event"):
        event = at.text("event")
        return None if event is None else frame.names.states(event)
    return None if frame.names.scenarios is None else (*dict.fromkeys(frame.names.scenarios), OTHER)


def _references(at: Cursor, frame: Frame, outcomes: Sequence[str] | None) -> Iterator[Problem]:
    event = at.text("event")
    if event is not None:
        yield from unknown_event(frame.names, event, at.at("event"))
    options = at.at("options").keys if at.has("options") else ()
    if at.has("options") and len(options) < FEWEST and isinstance(at.child("options"), MapNode):
        what = f"{len(options)} option" if options else "no option"
        yield at.key("options").problem(what, "", f"a decision is among {FEWEST} or more")
    if outcomes is None:
        return
    kind, plural = (f"event '{event}' has no state", "states") if event else ("unknown scenario", "scenarios")
    for option in options:
        worth = at.at("options").key(option)
        if not worth.keys:
            continue  # no map, which was said
        named = worth.called(f"{at.subject}: option {shown(option)}")
        missing = [outcome for outcome in outcomes if not worth.has(outcome)]
        for outcome in worth.keys:
            if outcome not in outcomes:
                yield named.key(outcome).problem(f"{kind} {shown(outcome)}", "", choice(plural, outcome, outcomes))
                if (meant := near(outcome, outcomes)) in missing:
                    missing.remove(meant)
        if missing:
            yield named.problem(f"no utility for {quoted(missing)}", "", f"a number for each of {quoted(outcomes)}")
