"""What is read by users is plain English: no words that only this project would use so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")))
TEMPLATES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "forecast/report/templates").rglob("*")
    if path.suffix == ".html"
)
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "forecast").rglob("*.py"))
# Plain words for these: depends on, said, decays, default weight, in the opposite direction, every tenth.
PRIVATE = re.compile(
    r"\bh[au]ng(?:s|ing)? on\b|\btold\b|\bwears? (?:off|out)\b|\bthe other way\b|\b(?:so|that)-many-?th\b",
    re.IGNORECASE,
)
BLOCK = re.compile(r"`[^`]*`|<[^>]*>|\{[{%].*?[}%]\}")  # code, tags, and what a template computes


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that may be printed: all but docstrings, keys and names."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    first = (node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body)
    docstrings = {id(statement.value) for statement in first if isinstance(statement, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value if " " in node.value.strip() else ""


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_in_plain_words(page: str) -> None:
    """No page says of a number that it hangs on another, is told or wears off: it depends, is shown, decays."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    if page == "CHANGELOG.md":
        pytest.skip("it quotes what older versions said")
    found = [
        (number, match[0]) for number, line in enumerate(lines, 1) for match in PRIVATE.finditer(BLOCK.sub("", line))
    ]
    assert [] == found


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_report_is_in_plain_words(template: str) -> None:
    """The same of the report's templates."""
    lines = (ROOT / template).read_text(encoding="utf-8").splitlines()
    assert [] == [match[0] for line in lines for match in PRIVATE.finditer(BLOCK.sub("", line))]


@pytest.mark.parametrize("module", MODULES)
def test_messages_are_in_plain_words(module: str) -> None:
    """The same of every text that a module may print."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert [] == [(line, match[0], text) for line, text in _texts(tree) for match in PRIVATE.finditer(text)]
