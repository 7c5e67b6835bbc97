"""Compile what sampling needs, so that the first forecast or pool does not: the last step of set-up, about a minute.

What is compiled hangs on the kinds of statements in a workspace, not on their number. Compiled are this repository's
workspace and the example of `forecast init`, by a fit of each that is far too short to be used. A workspace with a
mistake is passed over: set-up is not where it is told.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from forecast.sampling.draws import sample
from forecast.sampling.settings import Effort
from forecast.sampling.spec import prior_spec
from forecast.scoring.density import PanelDensity
from forecast.scoring.panel import Panel
from forecast.session import Session
from forecast.workspace.problems import WorkspaceProblems

SHORT = Effort(sampled_per_chain=4, tune=4, deepest=1)


def precompile(root: Path) -> None:
    """Compile for the workspace in a folder."""
    try:
        session = Session(root)
        sample(prior_spec(session.layout, session.workspace, session.day), session.seed, lambda _: None, SHORT)
    except WorkspaceProblems:
        return


def precompile_pool() -> None:
    """Compile the density of a panel, by one expert on one question."""
    none, one = np.zeros(1, dtype=np.intp), np.ones(1)
    panel = Panel(
        said=one,
        variance=one,
        age=np.zeros(1),
        pair_of=none,
        expert=none,
        question=none,
        shared=none - 1,
        outcome=one,
        n_experts=1,
        n_shared=0,
    )
    density = PanelDensity(panel)
    density.value_and_gradient(density.start(1))


def main() -> None:
    """Compile for both workspaces, and for pools."""
    precompile_pool()
    precompile(Path(__file__).parents[1])
    with TemporaryDirectory() as folder:
        example = Path(folder) / "example"
        subprocess.run([sys.executable, "-m", "forecast", "init", str(example)], check=True, stdout=subprocess.DEVNULL)
        precompile(example)


if __name__ == "__main__":
    main()
