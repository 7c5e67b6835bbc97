"""Read `rolled` of the network: each roll goes on where the one before ended."""

from __future__ import annotations

from datetime import date

from forecast.workspace.nodes import Node, line_at
from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import Roll
from forecast.workspace.shapes.network import NetworkHead


def read_rolls(head: NetworkHead, node: Node, path: str) -> tuple[tuple[Roll, ...], tuple[Problem, ...]]:
    """Return the rolls in order, and a problem for each day that does not come after the one before."""
    rolls: list[Roll] = []
    problems: list[Problem] = []
    for number, shape in enumerate(head.rolled or ()):
        before = rolls[-1] if rolls else None
        horizon = before.horizon if before else head.horizon

        def wrong(key: str, what: str, got: date, allowed: str, number: int = number) -> None:
            where = Source(path, line_at(node, "rolled", number, key))
            problems.append(Problem(where, f"network: rolled[{number + 1}]: {what}", str(got), allowed))

        if shape.on < head.opens:
            wrong("on", "on lies before the opening", shape.on, f"from {head.opens} on")
        if before is not None and shape.on <= before.on:
            wrong("on", "on is not after that of the roll before", shape.on, f"after {before.on}")
        if shape.horizon <= horizon:
            wrong("horizon", "the horizon is no later than the one before", shape.horizon, f"after {horizon}")
        elif shape.horizon <= shape.on:
            wrong(
                "horizon", "the horizon is not after the day from which it counts", shape.horizon, f"after {shape.on}"
            )
        rolls.append(Roll(shape.on, shape.horizon, shape.why, Source(path, line_at(node, "rolled", number))))
    return tuple(rolls), tuple(problems)
