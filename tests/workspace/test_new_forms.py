"""A form is one file: what the files, the model, the report and the commands need of it follows from its class."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.store.program import PACKAGE

EVIDENCE = '''
from dataclasses import dataclass, replace

from pydantic import Field
from typing import Annotated

from forecast.workspace.evidence_forms.form import EvidenceForm, NamesIn, Prompt, event_in_option, ratio_in_option
from forecast.workspace.names import event_and_states, unknown_state
from forecast.workspace.nodes import Scalar, text
from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import OnEvent
from forecast.workspace.nodes import Name


@dataclass(frozen=True)
class Against(OnEvent):
    event: str
    state: str
    factor: float
    source: Source


class AgainstForm(EvidenceForm[Against]):
    """`against: STATE` and `factor: NUMBER`: so many times less probable in that state."""

    key, meaning, option, metavar = "against", "it speaks against a state", "EVENT=STATE:FACTOR", "EVENT=STATE:FACTOR"
    help, shape, record, names = "Against a state", Name, Against, (NamesIn("against", "state", "one"),)
    beside, of_present = {"factor": Annotated[float, Field(gt=0)]}, True

    def problems(self, at, event, frame):
        if (state := at.text(self.key)) is not None:
            yield from unknown_state(frame.names, event, state, at.at(self.key))

    def build(self, entry):
        return Against(entry.event, entry.values["against"], entry.values["factor"] or 2.0, entry.source)

    def former(self, part, names):
        return replace(part, event=names.name("event", part.event), state=names.state(part.event, part.state))

    def plain(self, cells, event, until, frame):
        return None

    def likelihood(self, part, event):
        return [1.0 if state != part.state else 1.0 / part.factor for state in event.states]

    def words(self, part):
        return f"{part.factor:g} times less probable if {part.state}"

    def doubts(self, part, subject, events):
        if part.factor > 3.0:
            yield Problem(part.source, f"{subject}: a factor above 3 is much", "", "", "warning")

    def from_option(self, said, asked):
        event, value = event_in_option(said, asked, self.option)
        state, _, factor = value.partition(":")
        states = event_and_states(f"{event.id}={state}", asked.events)[1]
        return {"event": text(event.id), "against": states, "factor": ratio_in_option(factor)}

    def prompts(self, event):
        return (Prompt("against", "Against", text), Prompt("factor", "Factor", ratio_in_option))
'''
STATEMENT = '''
import math
from dataclasses import dataclass

from forecast.workspace.records import Reading
from forecast.workspace.nodes import UnitProbability
from forecast.workspace.statement_forms.form import StatedNumber, StatementForm, point


@dataclass(frozen=True)
class Doubt(Reading):
    against: float


class DoubtForm(StatementForm[Doubt]):
    """`doubt: NUMBER`: the probability that it is not so."""

    key, shape, record, example = "doubt", UnitProbability, Doubt, "0.3"

    def build(self, said):
        return Doubt(said.value), ()

    def sd(self, reading, expert):
        return 0.5

    def numbers(self, reading, scale, window_days):
        return StatedNumber(math.log((1 - reading.against) / reading.against), scale, of_odds=True)

    def words(self, reading, scenarios, events):
        return f"doubted at {reading.against:g}"

    def alike(self, reading, sd):
        return point(1 - reading.against, sd)
'''
LOOK = """
from datetime import date
from pathlib import Path
import numpy as np
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.read import load
from forecast.workspace.schemas import text_of
workspace = load(Path("."), date(2026, 7, 1))
(item,) = [one for one in workspace.items if one.headline.startswith("A toy")]
network = compile_workspace(lay_out(workspace.network), workspace, date(2026, 7, 1))
(report,) = [one for one in network.reports if one.item == item.id]
print(evidence_form(item.bears_on[0]).words(item.bears_on[0]))
print(np.round(report.said, 9).tolist())
print("against" in text_of("evidence"), [str(one) for one in workspace.warnings if "factor" in str(one)])
"""
SAID = """
from datetime import date
from pathlib import Path
from forecast.sampling.readings import numbers
from forecast.workspace.read import load
from forecast.workspace.statement_forms import statement_form
workspace = load(Path("."), date(2026, 7, 1))
(one,) = [one for one in workspace.statements if one.id.startswith("toy")]
said = numbers(one, workspace.experts, workspace.network)
print(statement_form(one.reading).words(one.reading, {}, {}), said.location, said.scale)
"""
Python = Callable[..., str]


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Runs a copy of the package that may be added to."""
    shutil.copytree(PACKAGE, tmp_path / "forecast")  # byte code too: compiling all of it takes seconds
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str, cwd: str = "world") -> str:
        called = [sys.executable, *arguments]
        done = subprocess.run(called, env=environment, cwd=tmp_path / cwd, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _add(package: Path, name: str, text: str, form: str) -> None:
    """Put a file into a folder of forms, and an entry into its registry."""
    (package / f"{name}.py").write_text(text, encoding="utf-8")
    registry = package / "__init__.py"
    before = registry.read_text(encoding="utf-8")
    entry = f"from {'.'.join(package.parts[-3:])}.{name} import {form}\n"
    after = re.sub(r"(FORMS: tuple\[\w+\[Any\], \.\.\.\] = \()", rf"{entry}\g<1>{form}(), ", before, count=1)
    assert before != after
    registry.write_text(after, encoding="utf-8")


def test_a_form_of_evidence_is_one_file(tmp_path: Path, python: Python) -> None:
    """A form with a record of its own is read, weighed, worded, warned of, offered by an option and in the schema."""
    _add(tmp_path / "forecast/workspace/evidence_forms", "against", EVIDENCE, "AgainstForm")
    python("-m", "forecast", "init", "world", cwd=".")
    item = ("--headline", "A toy is seen.", "--reported", "2026-06-26", "--source", "newspaper", "--no-effect", "--yes")
    added = python("-m", "forecast", "add", "evidence", *item, "--against", "demand=high:4")
    assert "- {event: demand, against: high, factor: 4}" in added
    words, said, seen = python("-c", LOOK).splitlines()
    assert ("4 times less probable if high", "[1.0, 0.25]") == (words, said)
    warned = (
        "evidence/2026-06-26-a-toy-is-seen.yaml:6: warning: item '2026-06-26-a-toy-is-seen': a factor above 3 is much"
    )
    assert f"True {[warned]}" == seen


def test_a_form_of_statement_is_one_file(tmp_path: Path, python: Python) -> None:
    """A form with a record of its own is read, coded as numbers and worded, and offered by its name."""
    _add(tmp_path / "forecast/workspace/statement_forms", "doubt", STATEMENT, "DoubtForm")
    python("-m", "forecast", "init", "world", cwd=".")
    said = ("--publisher", "A paper", "--says", "Hardly.", "--about", "success=yes", "--why", "A toy.", "--id", "toy")
    given = ("--expert", "market_analyst", "--date", "2026-06-20", *said, "--form", "doubt", "--value", "0.5")
    assert "read as log-odds 0.00, sd 0.50" in python("-m", "forecast", "add", "statement", *given, "--yes")
    assert "doubted at 0.5 0.0 0.5\n" == python("-c", SAID)
