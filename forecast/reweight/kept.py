"""The last posteriors, kept beside the draws: questions about one forecast need not weigh its evidence again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import compile_workspace
from forecast.compiled.layout import Layout
from forecast.compiled.reliability import grids_of
from forecast.prior.draws import cached_draws
from forecast.prior.spec import prior_spec
from forecast.reweight.evaluate import Evaluation, query
from forecast.reweight.posterior import Posterior, posterior
from forecast.reweight.sources import Reliabilities
from forecast.reweight.weights import Weights
from forecast.store.entries import Place, is_kept, keep, load, place_of
from forecast.store.sealed import Sealed
from forecast.workspace.records import Workspace


def kept_posterior(
    layout: Layout, workspace: Workspace, as_of: date, seed: int, folder: Path, progress: Callable[[str], None]
) -> Posterior:
    """Return the posterior of a workspace as its files have it: the kept one, or it is computed and kept.

    The kept one counts only for the same bytes of every input file, the same date, seed and packages, and the same
    source code of this program, so it is the one that would be computed, to the last bit. The workspace must be as
    it was read: its digests tell nothing of what was changed in memory. Raises as `posterior`.
    """
    place = posterior_place(workspace, as_of, seed, folder)
    found = _load(layout, workspace, as_of, seed, place)
    if found is None:
        found = posterior(layout, workspace, as_of, seed, folder, progress)
        _keep(found, place)
    return found


def posterior_place(workspace: Workspace, as_of: date, seed: int, folder: Path) -> Place:
    """Return where the posterior of a workspace as it was read is kept."""
    return place_of(folder, "posterior", workspace.digests, as_of, seed)


def keep_posterior(found: Posterior, place: Place) -> None:
    """Keep a posterior, if it is not kept already."""
    if not is_kept(place):
        _keep(found, place)


def _keep(found: Posterior, place: Place) -> None:
    drawn, evaluation, weights = found.reliabilities, found.evaluation, found.weights
    parts = {
        "anchor": np.array("" if found.anchor is None else found.anchor.isoformat()),
        "log_anchor": found.log_anchor,
        "sources": np.array(drawn.sources, dtype=str),
        "nodes": drawn.nodes.astype(np.int16),
        "log_correction": drawn.log_correction,
        "seed": np.array(drawn.seed),
        "log_evidence": evaluation.log_evidence,
        "scenarios": evaluation.scenarios,
        "events": np.concatenate(evaluation.events),
        "weights": weights.weights,
        "diagnostics": np.array([weights.pareto_k, weights.effective_size]),
    }
    keep(place, parts)


def _arrays(entry: Sealed) -> dict[str, NDArray[Any]]:
    return {name: entry.array(name) for name in entry.parts}


def _load(layout: Layout, workspace: Workspace, as_of: date, seed: int, place: Place) -> Posterior | None:
    kept = load(place, _arrays)
    if kept is None:
        return None
    spec = prior_spec(layout, workspace, as_of)
    anchor = date.fromisoformat(text) if (text := str(kept["anchor"])) else None
    known = spec if anchor is None else replace(spec, anchor=compile_workspace(layout, workspace, anchor))
    base = cached_draws(spec, seed, place.folder)
    draws = base if anchor is None else cached_draws(known, seed, place.folder)
    if base is None or draws is None:
        return None  # the draws are gone from the store
    asked = query(compile_workspace(layout, workspace, as_of), workspace.scenarios)
    ends = np.cumsum(layout.cards)[:-1]
    sources = tuple(map(str, kept["sources"]))
    grids = grids_of(asked.network, {name: workspace.sources[name].grade for name in sources})
    return Posterior(
        asked,
        known,
        base,
        draws,
        anchor,
        kept["log_anchor"],
        Reliabilities(sources, grids, kept["nodes"].astype(np.intp), kept["log_correction"], int(kept["seed"])),
        Evaluation(kept["log_evidence"], kept["scenarios"], tuple(np.split(kept["events"], ends))),
        Weights(kept["weights"], *map(float, kept["diagnostics"])),
    )
