"""docs/trust.md: every promise names tests, and each of them exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
PROMISES, BEYOND = PAGE.split("## What is not promised")
ROWS = [row for row in re.findall(r"^\| (?!promise)([^-].*) \|$", PROMISES, flags=re.MULTILINE) if row]


@pytest.mark.parametrize("row", ROWS)
def test_a_promise_names_its_tests(row: str) -> None:
    """Each row of a table of promises ends with tests; a file or a function of that name is there."""
    promise, told = row.split(" | ")
    named = re.findall(r"`(tests/[^`]+)`", told)
    assert promise
    assert named
    for name in named:
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not function or function in functions, name


def test_all_promises_are_rows() -> None:
    """Nothing is promised outside the tables but what introduces them and says where a promise ends."""
    assert len(ROWS) > 20
    texts = [text.strip() for text in PROMISES.split("\n\n") if text.strip() and not text.startswith(("#", "|"))]
    assert [True, True] == [text.startswith(("Each row names", "**Without one of the two")) for text in texts]
    assert BEYOND.count("\n- ") == BEYOND.strip().count("\n") + 1
