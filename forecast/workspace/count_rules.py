"""What must hold between an event's `counts` and its states."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, child
from forecast.workspace.problems import Problem, Source, choice, shown


def count_problems(node: Node, path: str, subject: str) -> Iterator[Problem]:
    """Report thresholds of states that the event does not have, that do not rise, or that leave a state two ranges."""
    thresholds, listed = child(child(node, "counts"), "states"), child(node, "states")
    if not isinstance(thresholds, MapNode):
        return
    numbers = {
        state: entry.value
        for state, entry in thresholds.entries.items()
        if isinstance(entry, Scalar) and type(entry.value) is int
    }
    for (before, low), (state, high) in zip(numbers.items(), list(numbers.items())[1:], strict=False):
        if high <= low:
            where = Source(path, thresholds.entries[state].line)
            what = f"{subject}: counts: the threshold of {shown(state)} does not rise"
            yield Problem(where, what, shown(high), f"above {low}, that of {shown(before)}")
    states = [getattr(item, "value", None) for item in listed.items] if isinstance(listed, ListNode) else []
    if not states or not all(isinstance(state, str) for state in states):
        return
    for state, line in thresholds.key_lines.items():
        if state not in states:
            what = f"{subject}: counts: unknown state {shown(state)}"
            yield Problem(Source(path, line), what, "", choice("states", state, map(str, states)))
    first, lowest = states[0], next(iter(numbers.values()), 0)
    if first in numbers and lowest > 0:
        what = f"{subject}: counts: {shown(first)} holds below the lowest threshold, and has one of its own"
        allowed = "leave it out, or give 0 to the state that the lowest counts mean"
        yield Problem(Source(path, thresholds.key_lines[str(first)]), what, shown(numbers[first]), allowed)
