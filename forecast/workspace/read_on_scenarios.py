"""Read the part of an evidence item that speaks of the scenarios: a number for each of them and for `other`."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.workspace.frame import Frame
from forecast.workspace.names import OTHER, unknown_name
from forecast.workspace.nodes import Mapping, Scalar, child
from forecast.workspace.problems import Problem, Source, choice, quoted
from forecast.workspace.records import OnScenarios
from forecast.workspace.shapes.evidence import SCENARIOS, BearingShape


def scenario_problems(node: Mapping, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    """Report what is wrong in a part that speaks of the scenarios, the form of its numbers apart."""
    if SCENARIOS not in node.entries:
        return
    if "event" in node.entries:
        what = f"{subject}: 'event' beside '{SCENARIOS}'"
        allowed = "the rules of the scenarios name their events; a likelihood on one event is an entry of its own"
        yield Problem(Source(path, node.key_lines["event"]), what, "", allowed)
    said = child(node, SCENARIOS)
    if not isinstance(said, Mapping) or frame.names.scenarios is None:
        return
    known = (*frame.names.scenarios, OTHER)
    for name in said.entries:
        yield from unknown_name(known, name, Source(path, said.key_lines[name]), f"{subject}: scenarios", "scenario")
    for name in known:
        if name not in said.entries:
            what = f"{subject}: scenarios: '{name}' has no number"
            yield Problem(Source(path, said.line), what, "", choice("scenarios", "", known))


def no_event(node: Mapping, path: str, subject: str) -> Iterator[Problem]:
    """Report a part that names neither an event nor scenarios."""
    if "event" not in node.entries and SCENARIOS not in node.entries:
        allowed = f"needed are {quoted(['event'])}"
        yield Problem(Source(path, node.line), f"{subject}: missing key 'event'", "", allowed)


def all_zero(node: Mapping, key: str, where: str, path: str, subject: str) -> Iterator[Problem]:
    """Report numbers of which none is above 0; `where` says of what they are the numbers."""
    said = child(node, key)
    if not isinstance(said, Mapping):
        return
    numbers = [entry.value for entry in said.entries.values() if isinstance(entry, Scalar)]
    if numbers and all(value == 0 and not isinstance(value, bool) for value in numbers):
        what = f"{subject}: {key} is 0 in every {where}: the report could not exist"
        yield Problem(Source(path, said.line), what, "", "at least one number above 0")


def on_scenarios(shape: BearingShape, source: Source, frame: Frame) -> OnScenarios | None:
    """Return the part of an item, or None where its numbers are not those of the scenarios that could be read."""
    names = (*(rule.id for rule in frame.rules), OTHER)
    if shape.scenarios is None or set(shape.scenarios) != set(names) or not any(shape.scenarios.values()):
        return None
    return OnScenarios({name: shape.scenarios[name] for name in names}, frame.rules, shape.until, source)
