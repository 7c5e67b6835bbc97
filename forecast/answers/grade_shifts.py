"""The forecast with another table of grades: what would follow if sources of one grade were better or worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import compile_workspace
from forecast.record.outcome import Outcome
from forecast.reweight.evaluate import evaluate_scenarios, query
from forecast.reweight.posterior import Posterior
from forecast.reweight.sources import draw_reliabilities
from forecast.reweight.weights import Weights, weigh_draws
from forecast.workspace.grades import LETTERS, Letter
from forecast.workspace.records import Workspace

Array = NDArray[np.float64]
Row = dict[str, Any]

DRAWS = 1000  # of the forecast's: the same for both sides of a difference
JUDGED: tuple[Letter, ...] = LETTERS[:-1]  # F cannot be judged: it is no step of the scale


def grade_shifts(found: Outcome, progress: Callable[[str], None]) -> list[Row]:
    """Compute the forecast with one grade's row of the table in the place of its neighbour's, one grade at a time.

    Everything of stage 2 is done anew on every so-many-th draw: reports, copies, reliabilities, weights. The draws
    of stage 1 stay, although statements were read in the light of reports weighed by the old table: a limit.

    Each row: `grade`, `as` (the letter whose row is used), `sources` (how many that reported stand at the grade),
    `reliability` (mean before and after), `effects` (scenario -> change of its probability), `pareto_k`, `ess`,
    `reliable`. Largest change first.
    """
    workspace, used = found.workspace, _used(found)
    shifts = [
        (letter, JUDGED[place + step])
        for place, letter in enumerate(JUDGED)
        for step in (-1, 1)
        if letter in used and 0 <= place + step < len(JUDGED)
    ]
    rows = []
    before, _ = _forecast(found.posterior, workspace, found.seed)
    for number, (letter, other) in enumerate(shifts, 1):
        progress(f"shifting one grade after the other: {100 * number // len(shifts)} %")
        after, weights = _forecast(found.posterior, shifted(workspace, letter, other), found.seed)
        rows.append(
            {
                "grade": letter,
                "as": other,
                "sources": used[letter],
                "reliability": [workspace.grades[one].mean for one in (letter, other)],
                "effects": dict(zip(found.scenario_ids, (after - before).tolist(), strict=True)),
                "pareto_k": weights.pareto_k if isfinite(weights.pareto_k) else None,
                "ess": weights.effective_size,
                "reliable": weights.reliable,
            }
        )
    return sorted(rows, key=lambda row: (-max(map(abs, row["effects"].values())), row["grade"], row["as"]))


def shifted(workspace: Workspace, letter: Letter, other: Letter) -> Workspace:
    """Return the workspace with one grade's sources as reliable as another grade's."""
    sources = {
        name: replace(one, grade=workspace.grades[other]) if one.reliability == letter else one
        for name, one in workspace.sources.items()
    }
    return replace(workspace, sources=sources)


def _used(found: Outcome) -> dict[Letter, int]:
    reporting = {report.source for report in found.posterior.asked.network.reports}
    counts: dict[Letter, int] = {}
    for name in sorted(reporting):
        letter = found.workspace.sources[name].reliability
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def _forecast(of: Posterior, workspace: Workspace, seed: int) -> tuple[Array, Weights]:
    """Compute the probability of each scenario on some of the posterior's draws, and their weights."""
    every = max(1, of.weights.weights.size // DRAWS)
    theta = np.ascontiguousarray(of.draws.theta[:, ::every])
    layout, as_of = of.asked.network.layout, of.asked.network.known.as_of
    asked = query(compile_workspace(layout, workspace, as_of), workspace.scenarios)
    drawn = draw_reliabilities(asked.network, workspace.sources, theta, seed)
    log_evidence, shares = evaluate_scenarios(asked, theta, drawn)
    weights = weigh_draws(log_evidence + drawn.log_correction - of.log_anchor[::every], shares)
    return np.asarray(shares @ weights.weights), weights
