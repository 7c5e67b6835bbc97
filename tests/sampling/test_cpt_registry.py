"""A way to build a CPT is one file: what it needs elsewhere follows from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cpt import KINDS
from forecast.store.program import PACKAGE

STUBBORN = """
from forecast.cpt.additive import AdditiveCpt


class StubbornCpt(AdditiveCpt):
    name = "stubborn"

    def etas(self, family, collector, scale):
        numbers = range(len(family.states) - 1)
        one = [collector.add({collector.new("alpha", f"{family.event}[{j}]"): scale}) for j in numbers]
        return [one for _ in family.configurations]
"""
ASKED = """
from datetime import date
from pathlib import Path
import numpy as np
from forecast.model.layout import lay_out
from forecast.cpt import KINDS
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.read import load
print(*KINDS)
path = Path("priors/network.yaml")
text = path.read_text()
child = text.index("parents: [")
try:
    path.write_text(text[:child] + "cpt: stuborn\\n    " + text[child:])
    load(Path("."), date(2026, 7, 1))
except WorkspaceProblems as wrong:
    print(wrong.problems[0])
path.write_text(text[:child] + "cpt: stubborn\\n    " + text[child:])
layout = lay_out(load(Path("."), date(2026, 7, 1)).network)
(v,) = [v for v, event in enumerate(layout.events) if event.cpt.kind == "stubborn"]
prior = rows_prior(layout)
theta = theta_draws(prior, np.random.default_rng(1).normal(size=(prior.n_coordinates, 1)))[:, 0]
rows = theta[layout.offsets[v] :][: layout.n_rows(v) * layout.width(v)].reshape(layout.n_rows(v), -1)
print(len(rows) > 1 and bool((rows == rows[0]).all()))
"""


def test_a_new_kind_is_one_new_file(tmp_path: Path) -> None:
    """A file in the folder of kinds is read from networks, named in messages, and builds rows."""
    shutil.copytree(PACKAGE, tmp_path / "forecast")  # byte code too: compiling all of it takes seconds
    (tmp_path / "forecast/cpt/stubborn.py").write_text(STUBBORN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def python(*arguments: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=True
        )
        return done.stdout

    python("-m", "forecast", "init", "world")
    names, message, is_one_row = python("-c", ASKED, cwd=tmp_path / "world").splitlines()
    assert sorted([*KINDS, "stubborn"]) == sorted(names.split())
    assert "did you mean 'stubborn'?" in message
    assert is_one_row == "True"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_what_it_needs(name: str) -> None:
    """Every kind explains itself, and a kind with conventions of a leak says what they are."""
    kind = KINDS[name]
    assert kind.__doc__
    assert [] == [leak for leak in kind.leaks if f"'{leak}'" not in kind.leak_rule]
