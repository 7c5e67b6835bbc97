"""Whatever is done to the files, reading them ends with located problems."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.workspace.nodes import plain
from forecast.workspace.read import read_workspace
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import TODAY, example

FILES = (
    "priors/network.yaml",
    "priors/scenarios.yaml",
    "priors/experts.yaml",
    "priors/statements/team.yaml",
    "priors/statements/outside.yaml",
    "evidence/sources.yaml",
    "evidence/watch.yaml",
    "evidence/2026-03-02-prototype-shown.yaml",
    "evidence/2026-04-14-waiting-list.yaml",
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 0.5, 1.5, 10**30, float("nan"), float("inf")),
    *("", " ", "no", "x" * 1_000_000, "\u2028\x85\x00", "\ud800"),
    *("2026-02-30", "2026-01-05", "2099-01-01", "0000-00-00"),
    *("demand", "launch", "general", "other", "event"),
    *([], [[]], [None], [1, "none"], ["none", "none"], [{"id": "a"}, {"id": "a"}]),
    *({}, {"at_least": "shown"}, {"at_least": 3}, {"event": "launch"}, {"sd": 1}, {"": ""}, {"scenario": "other"}),
    *({"launch": "general"}, {"format": 1}),
)


def located(folder: Path) -> list[str]:
    """Return what is wrong with the places of a workspace's problems (nothing should be)."""
    workspace, problems = read_workspace(folder, today=TODAY)
    wrong = []
    for problem in problems:
        place = folder / problem.source.path
        lines = place.read_bytes().count(b"\n") + 1 if place.is_file() else 1
        if not place.exists() and problem.what != "file is missing":
            wrong.append(f"no such file: {problem}")
        if not 1 <= problem.source.line <= lines or "\n" in str(problem):
            wrong.append(f"not a place: {problem}")
    if (workspace is None) != any(problem.severity == "error" for problem in problems):
        wrong.append("a workspace with errors, or none without")
    return wrong


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the steps to every value of a tree."""
    steps = [above] if above else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return steps + [place for key, part in inner for place in places(part, (*above, key))]


def mutate(tree: Any, rng: random.Random) -> Any:
    """Delete a value, rename a key, or put another value in its place; once."""
    steps = rng.choice(places(tree) or [()])
    if not steps:
        return copy.deepcopy(rng.choice(VALUES))
    holder = tree
    for step in steps[:-1]:
        holder = holder[step]
    match rng.randrange(4):
        case 0:
            del holder[steps[-1]]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(("format", "at_least", f"{steps[-1]}s", "", "1"))] = holder.pop(steps[-1])
        case 2 if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[steps[-1]]))
        case _:
            holder[steps[-1]] = copy.deepcopy(rng.choice(VALUES))
    return tree


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untouched example to copy from."""
    return example(tmp_path_factory.mktemp("original"))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(path=st.sampled_from(FILES), seed=st.integers(0, 2**32), number=st.integers(1, 4))
def test_any_change_of_values(original: Path, tmp_path: Path, path: str, seed: int, number: int) -> None:
    """A file with keys deleted or renamed and values exchanged gives problems in existing lines, never an exception."""
    example(tmp_path)
    node, _ = parse_yaml((original / path).read_bytes(), path)
    tree = plain(node) if node else None
    rng = random.Random(seed)
    for _ in range(number):
        tree = mutate(tree, rng)
    # JSON is YAML too, one value a line.
    (tmp_path / path).write_text(json.dumps(tree, indent=1), encoding="utf-8")
    assert located(tmp_path) == []


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(path=st.sampled_from(FILES), cut=st.tuples(st.floats(0, 1), st.integers(0, 40)), filling=st.binary(max_size=30))
def test_any_change_of_bytes(original: Path, tmp_path: Path, path: str, cut: tuple[float, int], filling: bytes) -> None:
    """A file in which any bytes stand in place of others gives problems in existing lines, never an exception."""
    example(tmp_path)
    content = (original / path).read_bytes()
    at = int(cut[0] * len(content))
    (tmp_path / path).write_bytes(content[:at] + filling + content[at + cut[1] :])
    assert located(tmp_path) == []
