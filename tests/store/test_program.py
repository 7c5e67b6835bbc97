"""What is kept knows the code that computes it: no module is missing in a key, and none that cannot matter is in it."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from forecast.store.program import KERNEL_CODE, KINDS, PACKAGE

MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
COVERED = {name: (kind.computed_by, kind.code) for name, kind in KINDS.items()}
COVERED["kernels"] = (("sampling/op.py",), KERNEL_CODE)
NO_NUMBERS = {
    "distributed",
    "click",
    "filelock",
    "jinja2",
    "markupsafe",
    "rich",
    "yaml",
    "pydantic",
    "pydantic_core",
    "fast_sugiyama",
    "h5py",  # of the file of draws, which no answer reads
}

# Numbers of the model that no compiled number shows, and where each stands.
CONSTANTS = {
    "SD_EXPERT": "sampling/spec.py",
    "DEGREES_OF_FREEDOM": "sampling/readings.py",
    "DEEPEST": "sampling/settings.py",
    "SD_BIAS": "sampling/spec.py",
    "SD_SLOPE": "sampling/spec.py",
    "SD_DEVIATION": "sampling/spec.py",
}


@cache  # kinds share most of their modules
def _imports(path: str) -> tuple[str, ...]:
    """Return the dotted names that a module imports anywhere, also inside functions, but not for types alone."""
    nodes: list[ast.AST] = [ast.parse(MODULES[path].read_text(encoding="utf-8"))]
    found: list[str] = []
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        nodes += ast.iter_child_nodes(node)
    return tuple(found)


def _files(dotted: str) -> Iterator[str]:
    """Yield the files that importing a name runs: the module, and the packages above it."""
    parts = dotted.split(".")[1:]
    for n in range(len(parts) + 1):
        path = "/".join(parts[:n])
        yield from (name for name in (f"{path}.py", f"{path}/__init__.py".removeprefix("/")) if name in MODULES)


def _closure(start: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Return the modules of this package that some modules lead to, and the other packages that these open."""
    seen, others, ahead = set[str](), set[str](), list(start)
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        for dotted in _imports(path):
            if dotted.split(".")[0] == "forecast":
                ahead += _files(dotted)
            else:
                others.add(dotted.split(".")[0])
    return seen, others - sys.stdlib_module_names


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(place in {".", path} or path.startswith(f"{place}/") for place in places)


@pytest.mark.parametrize("name", COVERED)
def test_the_code_of_a_kind_is_all_that_it_imports(name: str) -> None:
    """Every module that the computing modules lead to, however they import it, is part of the kind's digest."""
    computed_by, code = COVERED[name]
    assert [] == sorted(path for path in _closure(computed_by)[0] if not _is_in(path, code))
    assert set(code) - {"."} <= {*MODULES, *(path.split("/")[0] for path in MODULES)}


@pytest.mark.parametrize("name", KINDS)
def test_the_packages_of_a_kind_are_all_that_it_opens(name: str) -> None:
    """Every library that the computing modules lead to is in the key with its version, or computes no number."""
    assert [] == sorted(_closure(KINDS[name].computed_by)[1] - NO_NUMBERS - set(KINDS[name].packages))


def test_draws_do_not_hang_on_who_shows_them() -> None:
    """The report, the commands and the answers are no part of what decides draws; an edit there samples nothing."""
    assert [] == [path for path in ("report/page.py", "commands/update.py", "analysis/why.py", "publish.py")
                  if _is_in(path, KINDS["draws"].code)]  # fmt: skip


KEYS = """
import json
from forecast.store.entries import key_of
from forecast.store.program import KERNEL_CODE, KINDS, source_digest
print(json.dumps({**{kind: key_of(kind, 1) for kind in KINDS}, "kernels": source_digest(*KERNEL_CODE)}))
"""


def _keys(parent: Path) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(parent), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KEYS], env=environment, cwd=parent, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, whose files may be edited and are put back."""
    parent = tmp_path_factory.mktemp("copied")
    shutil.copytree(PACKAGE, parent / "forecast")  # byte code too: compiling all of it takes seconds
    return parent


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, str]:
    """The keys of the copy as it is."""
    return _keys(copied)


def _keys_after(parent: Path, path: str, edited: str) -> dict[str, str]:
    place = parent / "forecast" / path
    before = place.read_text(encoding="utf-8")
    place.write_text(edited, encoding="utf-8")
    try:
        return _keys(parent)
    finally:
        place.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_constant_changes_the_key_of_the_draws(copied: Path, before: dict[str, str], constant: str) -> None:
    """Whoever changes a number of the model gets other draws, and everything that is computed from draws anew."""
    text = (copied / "forecast" / CONSTANTS[constant]).read_text(encoding="utf-8")
    (line,) = re.findall(rf"^.*\b{constant}\b.* = .*$", text, flags=re.MULTILINE)
    numbers = (
        line.replace(" = ", " = 1 + ", 1) if ", " not in line.split(" = ")[0] else re.sub(r"\d+\.\d+", "7.0", line)
    )
    edited = text.replace(line, numbers)
    assert text != edited
    after = _keys_after(copied, CONSTANTS[constant], edited)
    assert set(KINDS) == {kind for kind in KINDS if before[kind] != after[kind]}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("report/page.py", {"answers"}),
        ("commands/update.py", {"answers"}),
        ("analysis/why.py", {"answers", "alternatives", "replay", "team"}),
        ("analysis/replay_day.py", {"answers", "alternatives", "replay", "team"}),
        ("posterior/weights.py", {"anchor", "posterior", "alternatives", "answers", "remedies", "replay", "team"}),
        ("sampling/op.py", {*KINDS, "kernels"}),
        ("inference/tape.py", {*KINDS, "kernels"}),
    ],
)
def test_an_edit_reaches_what_can_hang_on_it(
    copied: Path, before: dict[str, str], path: str, changed: set[str]
) -> None:
    """A module's text is in the keys of what it may decide, and in no others."""
    text = (copied / "forecast" / path).read_text(encoding="utf-8")
    after = _keys_after(copied, path, f"{text}# A word.\n")
    assert changed == {kind for kind in before if before[kind] != after[kind]}
