"""The page docs/statements.md: each example is read as the line under it says."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from forecast.commands.rename import write_template
from forecast.sampling.readings import numbers
from forecast.sampling.statements import as_read
from forecast.workspace.fits import WORST_MISFIT
from forecast.workspace.read import read_workspace
from forecast.workspace.statement_forms import READINGS
from forecast.workspace.statement_forms.probability import CONFIDENCE_SD
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs/statements.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```\n((?:>[^\n]*\n)+)", TEXT, flags=re.MULTILINE | re.DOTALL)
FRAME = """\
- id: example
  date: 2026-01-05
  expert: market_analyst
  source: {publisher: Example Market Letter}
  says: As on the page.
  why: An example.
"""


@pytest.mark.parametrize(("example", "says"), EXAMPLES, ids=[e.splitlines()[1] for e, _ in EXAMPLES])
def test_the_examples_are_read_so(tmp_path: Path, example: str, says: str) -> None:
    """An example is read as the line under it says, and every warning that it gives stands there too."""
    root = tmp_path / "launch"
    write_template(root)
    indented = "".join(f"  {line}\n" for line in example.splitlines())
    (root / "priors/statements/page.yaml").write_text(FRAME + indented, encoding="utf-8")
    workspace, problems = read_workspace(root, today=date(2026, 12, 1))
    assert workspace is not None
    statement = next(one for one in workspace.statements if one.id == "example")
    found = [as_read(numbers(statement, workspace.experts, workspace.network))]
    fits = [str(problem) for problem in problems if "misses" in problem.what]
    found += [message.partition("'example': ")[2] for message in fits]
    assert [line.removeprefix("> ") for line in says.splitlines() if line != ">"] == found


def test_every_form_has_an_example() -> None:
    """Each form stands on the page in an example."""
    shown = {line.split(":")[0] for example, _ in EXAMPLES for line in example.splitlines()}
    assert set(READINGS) <= shown


def test_the_conventions_are_those_of_the_code() -> None:
    """The table of confidence and the tolerance have the numbers that the program uses."""
    assert f"| sd in log-odds | {' | '.join(f'{sd:g}' for sd in CONFIDENCE_SD.values())} |" in TEXT
    assert f"off by more than {WORST_MISFIT:g}" in TEXT
