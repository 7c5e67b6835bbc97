"""The page docs/workspace.md against the forms, scales and conventions of the code."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from forecast.commands.rename import write_template
from forecast.model.reports import CREDIBILITY_SHIFT
from forecast.workspace.evidence_forms.support import DECIBANS
from forecast.workspace.fits import SCALES
from forecast.workspace.read import read_workspace
from forecast.workspace.renames import DEFAULT_GRADES
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs/workspace.md").read_text(encoding="utf-8")
SCHEMAS = sorted((ROOT / "forecast/data/schemas").glob("*.json"))


def _keys(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = set(schema.get("properties", {}))
        return own.union(*(_keys(part) for part in schema.values()))
    if isinstance(schema, list):
        return set().union(*(_keys(part) for part in schema))
    return set()


def _rows(first_cell: str) -> dict[str, list[str]]:
    """Return the rows of the table whose heading begins with a cell, by their first cell."""
    table = TEXT.split(f"| {first_cell} |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    return {first: rest for first, *rest in rows}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_every_key_is_explained(path: Path) -> None:
    """Each key of each published form stands on the page as code."""
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    assert set() == _keys(json.loads(path.read_text(encoding="utf-8"))) - words


def test_the_scales_are_those_of_the_code() -> None:
    """Grades, credibilities, support strengths and verbal scales have the numbers that the arithmetic uses."""
    rows = _rows("grade")
    assert [f"{grade.mean:g}" for grade in DEFAULT_GRADES.values()] == rows["mean"]
    assert [f"{grade.certainty:g}" for grade in DEFAULT_GRADES.values()] == rows["certainty"]
    shifts = [f"{shift:+g}" if shift else "0" for shift in CREDIBILITY_SHIFT.values()]
    assert shifts == _rows("credibility")["added to the log-odds"][:5]
    ratios = {name: [f"{tenths:g}", f"{10 ** (tenths / 10):.2g}"] for name, tenths in DECIBANS.items()}
    assert ratios == _rows("support")
    assert f"scales are {', '.join(f'`{scale}`' for scale in SCALES)}" in TEXT


def test_the_examples_are_read(tmp_path: Path) -> None:
    """The statement and the item of the page have no errors in the workspace that `forecast init` writes."""
    root = tmp_path / "launch"
    write_template(root)
    examples = re.findall(r"^```yaml\n(- id: .*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    scenarios, statement, item = examples
    rmtree(root / "priors/statements")
    for path, text in {
        "priors/scenarios.yaml": scenarios,
        "priors/statements/page.yaml": statement,
        "evidence/2026-04-14-waiting-list.yaml": item,
    }.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    _, problems = read_workspace(root, today=date(2026, 12, 1))
    assert [] == [str(problem) for problem in problems if problem.severity == "error"]
