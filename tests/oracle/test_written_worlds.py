"""Statements of random worlds, written as a user writes them: what is read back is what was meant."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from forecast.workspace.read import read_workspace
from forecast.workspace.records import MoreLikelyThan, Statement, Target, Times
from tests.oracle.test_many_worlds import FEW, LATEST, MANY, SMALL, made
from tests.oracle.written import as_meant, speakable, write_world
from tests.worlds import rule, second_target, with_second


@cache
def read_back(seed: int) -> tuple[list[Statement], list[Statement]]:
    """What was meant and what is read of a world's statements; those that the checks refuse are written no more."""
    with TemporaryDirectory() as folder:
        return _read_back(Path(folder), seed)


def _read_back(folder: Path, seed: int) -> tuple[list[Statement], list[Statement]]:
    one = made(seed, *SMALL)
    world = replace(one.world.workspace, items=())
    said = [speakable(statement, world.network) for statement in one.said]
    said = [statement for statement in said if not compares_with_itself(statement)]
    if not world.scenarios:
        world = replace(world, scenarios=(rule("first", e0=world.network.events["e0"].states[-1]),))
    for _ in range(len(said) + len(world.scenarios) + 1):
        write_world(folder, world, said)
        read, problems = read_workspace(folder, today=LATEST)
        if read is not None:
            return [as_meant(statement, world.network) for statement in said], list(read.statements)
        refused = {
            name for problem in problems for name in re.findall(r"^(?:statement|scenario) '(\S+)'", problem.what)
        }
        assert refused, [str(problem) for problem in problems if problem.severity == "error"]
        said = [statement for statement in said if statement.id not in refused]
        world = replace(world, scenarios=tuple(one for one in world.scenarios if one.id not in refused))
    raise ValueError(folder)


def compares_with_itself(one: Statement) -> bool:
    """Whether a comparison has two equal sides."""
    return isinstance(one.reading, Times | MoreLikelyThan) and second_target(one.reading) == one.about


def told(one: Statement) -> tuple[object, ...]:
    """What a statement says, whatever its place."""
    reading = one.reading
    if isinstance(reading, Times | MoreLikelyThan):
        reading = with_second(reading, in_order(second_target(reading)))
    return one.id, one.date, one.expert, in_order(one.about), reading


def in_order(target: Target) -> Target:
    """A target whose conditions stand in the order of their events."""
    return replace(target, given=tuple(sorted(target.given, key=lambda condition: condition.event)))


@pytest.mark.parametrize("seed", range(FEW))
def test_what_is_read_is_what_was_meant(seed: int) -> None:
    """Every target that is read from files has the event, states, conditions and day that were meant."""
    meant, read = read_back(seed)
    assert [told(one) for one in meant] == [told(one) for one in read]


@pytest.mark.trust
@pytest.mark.parametrize("seed", range(2000, 2000 + MANY))
def test_many_written_worlds(seed: int) -> None:
    """The same, of many worlds."""
    meant, read = read_back(seed)
    assert [told(one) for one in meant] == [told(one) for one in read]


def test_hardly_any_statement_is_refused() -> None:
    """Of the statements of these worlds at most a tenth is refused, and comparisons by days are among the others."""
    kept, by_days, all_ = 0, 0, 0
    for seed in range(FEW):
        all_ += len(made(seed, *SMALL).said)
        meant, _ = read_back(seed)
        kept += len(meant)
        compared = [one.reading for one in meant if isinstance(one.reading, Times | MoreLikelyThan) and one.about.by]
        by_days += sum(second_target(reading).condition is not None for reading in compared)
    assert (True, True) == (kept > 0.9 * all_, by_days > 3)
