"""A whole `forecast update --no-report`, nothing cached, of a workspace with one event that has many parents.

Each parent has a statement; the event has one, and one given each of two parents. As independent causes (`noisy_or`)
the event costs little more with every parent; as rows (`shared`) twice as much.
"""

from __future__ import annotations

import os
import tempfile
from math import prod
from pathlib import Path

from benchmarks.measured import seconds, table
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec
from tests.workspace.test_family_sizes import with_parents
from tests.workspace.writing import read

RUNS = (("shared", 4), ("shared", 8), ("{kind: noisy_or, leak: net}", 4), ("{kind: noisy_or, leak: net}", 20))
SAID = """\
- id: on-{name}
  date: 2026-02-01
  expert: editors
  source: {{publisher: A book, title: On causes}}
  says: So it is.
  about: {{event: {about}}}
  probability: {{best: {best}, low: {low}, high: {high}}}
  why: As an example.
"""


def statements(n: int) -> str:
    """Return the statements about the parents and the event."""
    said = [SAID.format(name=f"c{i}", about=f"cause{i}, state: 'yes'", best=0.2, low=0.1, high=0.4) for i in range(n)]
    about = "effect, state: 'yes'"
    said.append(SAID.format(name="effect", about=about, best=0.3, low=0.15, high=0.5))
    for i in (0, 1):
        given = f"{about}, given: {{cause{i}: 'yes'}}"
        said.append(SAID.format(name=f"given-{i}", about=given, best=0.6, low=0.4, high=0.8))
    return "".join(said)


def main() -> None:
    """Print the terms of the recorded program, the largest table that is solved, and the seconds of the update."""
    rows = [("update of a new workspace", "terms", "largest table", "seconds")]
    for cpt, n in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            root = with_parents(Path(folder), n, cpt)
            (root / "priors" / "statements" / "causes.yaml").write_text(statements(n), encoding="utf-8")
            workspace = read(root)
            layout, day = lay_out(workspace.network), workspace.network.horizon
            terms = record_program(prior_spec(layout, workspace, day)).operands.shape[1]
            network = compile_workspace(layout, workspace, workspace.network.opens)
            largest = max(prod(network.cards[variable] for variable in scope) for scope in network.scopes)
            took = seconds(os.environ, "-m", "forecast", "update", "-C", str(root), "--no-report")
        rows.append((f"{n} parents, {cpt}", f"{terms:,}", f"{largest:,}", f"{took:.0f}"))
    table(rows)


if __name__ == "__main__":
    main()
