"""Hostile texts in every free text of the files, through the real commands: they can be read and do nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from forecast.commands.main import main
from forecast.workspace.nodes import plain
from forecast.workspace.yaml_text import parse_yaml
from tests.report.drawn import elements
from tests.report.test_hostile import HOSTILE
from tests.together import shared_folder

# Keys whose values are free text; the others are names, days, numbers and words of the format.
FREE = {"title", "question", "resolves", "name", "summary", "says", "why", "headline", "url", "publisher"}
TEXTS = [*HOSTILE[:-1], '=HYPERLINK("https://evil.example","x")', "+1+1", "-2+3", "@SUM(A1)", "<script>\u2028</script>"]
FORMULA = re.compile(r"[=+@\t\r]|-(?![0-9.])")


def _hostile(value: Any, texts: list[str], key: str = "") -> Any:
    """Return a tree whose free texts are hostile ones, each in turn."""
    if isinstance(value, dict):
        return {name: _hostile(part, texts, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_hostile(part, texts, key) for part in value]
    if key in FREE and isinstance(value, str):
        texts.append(texts.pop(0))
        return "".join(c for c in texts[-1] if c.isprintable() or c in "\n\u202e\u2066")
    return value


@pytest.fixture(scope="module")
def written(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every text that `update` and `report` write of such a workspace, by path; written once for all workers."""
    root = shared_folder(tmp_path_factory) / "hostile"
    done = root.with_name("hostile-done")
    with FileLock(root.with_suffix(".lock")):
        if not done.exists():
            _write(shutil.copytree(template, root))
            done.touch()
    found = root.joinpath("reports").rglob("*")
    suffixes = {".html", ".json", ".jsonl", ".md", ".csv"}
    kept = [path for path in found if path.suffix in suffixes and ".cache" not in path.parts]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in kept}


def _write(root: Path) -> None:
    texts = list(TEXTS)
    for path in [*root.glob("priors/**/*.yaml"), *root.glob("evidence/*.yaml")]:
        node, problems = parse_yaml(path.read_bytes(), path.name)
        assert ((), True) == (problems, node is not None)
        path.write_text(json.dumps(_hostile(plain(node), texts) if node else None), encoding="utf-8")
    for command in (["update", "--as-of", "2026-07-02", "--note", TEXTS[0]], ["report"]):
        result = CliRunner().invoke(main, [*command, "-C", str(root)])
        assert 0 == result.exit_code, result.output


def test_pages_hold_no_element_of_theirs(written: dict[str, str]) -> None:
    """No page has an element, a handler or an address that a text brought; links lead within or to web addresses."""
    pages = [path for path in written if path.endswith(".html")]
    assert len(pages) >= 2
    for path in pages:
        for tag, attributes in elements(written[path]).found:
            assert tag not in {"img", "iframe", "object", "embed", "base", "math", "animate", "mglyph"}, path
            assert [] == [name for name in attributes if name.startswith("on")], (path, tag)
            for name in ("href", "src", "xlink:href", "action"):
                address = attributes.get(name) or ""
                assert not re.match(r"(?i)\s*(javascript|data|vbscript|file):", address), (path, tag, address)


def test_nothing_written_reorders_or_commands(written: dict[str, str]) -> None:
    """No page and no brief holds a control character or one that reorders text."""
    for path, text in written.items():
        if path.endswith((".html", ".md")):
            assert set() == set(text) & {"\u202e", "\u2066", "\u2069", "\x00", "\x1b", "\x07"}, path


def test_no_cell_is_a_formula(written: dict[str, str]) -> None:
    """No cell of a table that is written begins as a formula of a spreadsheet does."""
    tables = {path: text for path, text in written.items() if path.endswith(".csv")}
    assert tables
    cells = [(path, cell) for path, text in tables.items() for row in csv.reader(io.StringIO(text)) for cell in row]
    assert [] == [(path, cell) for path, cell in cells if FORMULA.match(cell)]
