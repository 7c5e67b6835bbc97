"""ARCHITECTURE.md's tables of modules and of libraries, and the imports that are really there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.project.syntax import MODULES, ROOT, tree

EVERYWHERE = "everywhere"


def _table(heading: str) -> list[tuple[list[str], str]]:
    """Return the rows of the table under a heading row: names of the first cell, text of the second."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    body = text.split(f"| {heading} |", 1)[1].split("\n", 2)[2].split("\n\n", 1)[0]
    cells = [row.strip().strip("|").split("|", 1) for row in body.splitlines()]
    return [(re.findall(r"`([^`]+)`", first), second.strip()) for first, second in cells]


ORDER = [name for names, _ in _table("module") for name in names]
DOORS = {name: re.findall(r"`([^`]+)`", where) or [where] for names, where in _table("library") for name in names}


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _rank(path: str) -> int | None:
    return next((rank for rank, place in enumerate(ORDER) if _within(path, place)), None)


def _module(dotted: str) -> str | None:
    """Return the file of a module of the project."""
    path = dotted.replace(".", "/")
    return next((name for name in (f"{path}.py", f"{path}/__init__.py") if name in MODULES), None)


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a node imports; a text that names a module is one that is imported later."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("forecast."):
        yield from (name for name in [node.value.split(":")[0]] if _module(name))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _walk(node: ast.AST, *, types: bool, functions: bool) -> Iterator[ast.AST]:
    yield node
    for part in ast.iter_child_nodes(node):
        is_function = isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if (types or not _is_for_types(part)) and (functions or not is_function):
            yield from _walk(part, types=types, functions=functions)


@cache
def _imports(path: str, *, types: bool = True, functions: bool = True) -> frozenset[str]:
    """Return what a module imports, as dotted names; with what is only for types, and what is inside functions."""
    return frozenset(name for node in _walk(tree(path), types=types, functions=functions) for name in _names(node))


def _inside(path: str, **which: bool) -> set[str]:
    """Return the project's own modules that a module imports."""
    names = [name for name in _imports(path, **which) if name.split(".")[0] == "forecast"]
    found = {_module(name) or _module(name.rpartition(".")[0]) for name in names}
    return {module for module in found if module is not None and module != path}


def _libraries(path: str, **which: bool) -> set[str]:
    tops = {name.split(".")[0] for name in _imports(path, **which)}
    return {top for top in tops if top not in sys.stdlib_module_names and top != "forecast"}


def test_every_module_has_its_row() -> None:
    """Every module stands in exactly one row of the table, and every row holds a module."""
    rows = {path: [place for place in ORDER if _within(path, place)] for path in MODULES}
    assert {} == {path: places for path, places in rows.items() if len(places) != 1}
    assert [] == [place for place in ORDER if not any(_within(path, place) for path in MODULES)]


@pytest.mark.parametrize("path", MODULES)
def test_imports_go_downhill(path: str) -> None:
    """A module imports nothing from a row below its own."""
    rank = _rank(path)
    assert rank is not None
    uphill = {(path, other) for other in _inside(path) if (_rank(other) or 0) > rank}
    assert set() == uphill


def test_no_circle() -> None:
    """No module imports itself by way of others."""
    circle: list[str] = []
    try:
        TopologicalSorter({path: _inside(path) for path in MODULES}).prepare()
    except CycleError as found:
        circle = found.args[1]
    assert [] == circle


@pytest.mark.parametrize("path", MODULES)
def test_a_library_has_one_door(path: str) -> None:
    """A third-party library is imported, other than for its types, only by the modules that the table names."""
    strays = {
        (path, library)
        for library in _libraries(path, types=False)
        if not any(place == EVERYWHERE or _within(path, place) for place in DOORS.get(library, []))
    }
    assert set() == strays


def test_every_door_is_used() -> None:
    """The table names no library and no door that nothing goes through."""
    unused = {
        (library, place)
        for library, places in DOORS.items()
        for place in places
        if not any(
            library in _libraries(path, types=False) for path in MODULES if place == EVERYWHERE or _within(path, place)
        )
    }
    assert set() == unused


def test_the_daily_update_opens_no_heavy_door() -> None:
    """What the pipeline's imports load before any function runs is light: YAML, pydantic, numpy."""
    reached: set[str] = set()
    waiting = ["forecast/pipeline.py"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += sorted(_inside(path, types=False, functions=False))
    loaded = {library for path in reached for library in _libraries(path, types=False, functions=False)}
    assert {"numpy", "pydantic", "pydantic_core", "yaml"} == loaded
