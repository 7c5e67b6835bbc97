"""The last posterior, kept beside the draws: questions about one forecast need not weigh its evidence again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from forecast.compiled.asof import compile_workspace
from forecast.compiled.layout import Layout
from forecast.compiled.reliability import grids_of
from forecast.digests import digest_of
from forecast.files import replace_file
from forecast.prior.draws import cached_draws, versions
from forecast.prior.spec import prior_spec
from forecast.reweight.evaluate import Evaluation, query
from forecast.reweight.posterior import Posterior, posterior
from forecast.reweight.sources import Reliabilities
from forecast.reweight.weights import Weights
from forecast.workspace.records import Workspace

KEPT = "posterior.npz"  # one for a workspace: it is replaced by the next
COMPUTING = ("compiled", "inference", "prior", "reweight", "workspace")  # the folders of code that it comes from


def kept_posterior(
    layout: Layout, workspace: Workspace, as_of: date, seed: int, folder: Path, progress: Callable[[str], None]
) -> Posterior:
    """Return the posterior of a workspace as its files have it: the kept one, or it is computed and kept.

    The kept one counts only for the same bytes of every input file, the same date, seed and packages, and the same
    source code of this program, so it is the one that would be computed, to the last bit. The workspace must be as
    it was read: its digests tell nothing of what was changed in memory. Raises as `posterior`.
    """
    key = posterior_key(workspace, as_of, seed)
    found = _load(layout, workspace, as_of, seed, folder, key)
    if found is None:
        found = posterior(layout, workspace, as_of, seed, folder, progress)
        keep_posterior(found, folder, key)
    return found


def posterior_key(workspace: Workspace, as_of: date, seed: int) -> str:
    """Compute the digest of everything that decides the posterior of a workspace as it was read."""
    return digest_of(workspace.digests, as_of, seed, versions(), code_digest())


@cache
def code_digest(*more: str) -> str:
    """Compute the SHA-256 of the source files that a posterior comes from, and of those in more folders."""
    digest = sha256()
    package = Path(__file__).parents[1]
    for path in sorted(path for folder in (*COMPUTING, *more) for path in (package / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def keep_posterior(found: Posterior, folder: Path, key: str) -> None:
    """Keep a posterior under its key, in the place of the one before."""
    drawn, evaluation, weights = found.reliabilities, found.evaluation, found.weights
    arrays = {
        "key": np.array(key),
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
    replace_file(folder / KEPT, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]  # keyword arrays


def _load(layout: Layout, workspace: Workspace, as_of: date, seed: int, folder: Path, key: str) -> Posterior | None:
    path = folder / KEPT
    if not path.exists():
        return None
    with np.load(path) as archive:
        if str(archive["key"]) != key:
            return None
        kept = {name: archive[name] for name in archive.files}
    spec = prior_spec(layout, workspace, as_of)
    anchor = date.fromisoformat(text) if (text := str(kept["anchor"])) else None
    known = spec if anchor is None else replace(spec, anchor=compile_workspace(layout, workspace, anchor))
    base = cached_draws(spec, seed, folder)
    draws = base if anchor is None else cached_draws(known, seed, folder)
    if base is None or draws is None:
        return None  # the draws were deleted from the cache
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
