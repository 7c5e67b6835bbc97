"""Draws of stage 1 by the digest of the numbers that made them: the same numbers with the cache or without it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork
from forecast.digests import digest_of
from forecast.files import replace_file
from forecast.prior.environment import environment, overrides
from forecast.prior.settings import CHAINS, LONGEST, MODEL_VERSION, SAMPLED_PER_CHAIN, TARGET_ACCEPT, TUNE, Fit
from forecast.prior.spec import PriorSpec

Array = NDArray[np.float64]
SAMPLING_PACKAGES = ("numba", "numpy", "nutpie", "pymc", "pytensor")


@dataclass(frozen=True)
class Draws:
    """Draws of theta (n_theta, draws), their digest, diagnostics, and the folder that holds the whole fit."""

    theta: Array
    digest: str
    diagnostics: dict[str, float]
    folder: Path


def versions() -> dict[str, str]:
    """Return the versions of the packages that the draws depend on."""
    return installed_versions(SAMPLING_PACKAGES)


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of installed packages, sorted by name. Raises KeyError for one that is not installed.

    Read off the names of their .dist-info folders (PEP 376): the library for it opens and parses a file for each
    package, and with its parser takes a tenth of a daily update.
    """
    found = _installed(tuple(sys.path))
    return {name: found[name] for name in sorted(packages)}


@cache
def _installed(places: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in places:
        for folder in Path(place or ".").glob("*.dist-info"):
            name, _, number = folder.name.removesuffix(".dist-info").partition("-")
            found.setdefault(name.lower(), number)
    return found


def draws_digest(spec: PriorSpec, seed: int) -> str:
    """Compute the digest of everything that decides the draws: compiled numbers, settings, seed and versions."""

    def numbers(network: AsOfNetwork) -> tuple[object, ...]:
        return (network.rows, network.history, network.fixed)

    layout = spec.layout
    return digest_of(
        [layout.cards, layout.parents, [event.kind for event in layout.events]],
        [[event.cpt for event in layout.events], spec.rows.eta, spec.rows.noisy_or, spec.rows.noisy_max],
        [numbers(network) for network in spec.networks],
        spec.sides,
        [spec.quantities, spec.deviations, spec.stated, spec.distributions, spec.distribution_of],
        [spec.counted, spec.ordered, list(spec.experts)],
        [list(spec.rated), spec.rated_of, spec.is_biased, spec.record],
        None if spec.anchor is None else numbers(spec.anchor),
        [seed, CHAINS, SAMPLED_PER_CHAIN, LONGEST, TUNE, TARGET_ACCEPT, MODEL_VERSION],
        versions(),
    )


class NotSampledError(LookupError):
    """Draws are not in the cache, and may not be sampled where they were asked for: their spec, and their digest."""

    def __init__(self, spec: PriorSpec, digest: str) -> None:
        self.spec, self.digest = spec, digest
        super().__init__(digest)


def prior_draws(
    spec: PriorSpec,
    seed: int,
    cache: Path,
    progress: Callable[[str], None],
    *,
    refit: bool = False,
    may_sample: bool = True,
) -> Draws:
    """Return the draws of a spec from the cache, or sample them and keep them there. `refit` ignores the cache.

    Raises NotSampledError if they would have to be sampled and that is not allowed.
    """
    digest = draws_digest(spec, seed)
    folder = cache / digest[:32]
    if refit or not (folder / "theta.npy").exists():
        if not may_sample:
            raise NotSampledError(spec, digest)
        from forecast.prior.sample import sample

        _keep(folder, sample(spec, seed, progress))
    return _load(folder, digest)


def cached_draws(spec: PriorSpec, seed: int, cache: Path) -> Draws | None:
    """Return the draws of a spec if they are in the cache."""
    digest = draws_digest(spec, seed)
    folder = cache / digest[:32]
    return _load(folder, digest) if (folder / "theta.npy").exists() else None


def _load(folder: Path, digest: str) -> Draws:
    diagnostics = json.loads((folder / "diagnostics.json").read_text(encoding="utf-8"))
    return Draws(np.load(folder / "theta.npy"), digest, diagnostics, folder)


def load_fit(folder: Path) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the posterior and the sampler's statistics of a kept fit, each {variable: (chain, draw, ...)}."""
    groups: tuple[dict[str, Array], dict[str, Array]] = ({}, {})
    with np.load(folder / "fit.npz") as archive:
        for name in archive.files:
            group, variable = name.split("/", 1)
            groups[group == "sample_stats"][variable] = archive[name]
    return groups


def _keep(folder: Path, fit: Fit) -> None:
    """Write a fit; theta comes last, so that a fit that is not whole is not taken for one."""
    arrays = {f"posterior/{name}": values for name, values in fit.posterior.items()}
    arrays |= {f"sample_stats/{name}": values for name, values in fit.sample_stats.items()}
    replace_file(folder / "fit.npz", lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]  # keyword arrays
    where = json.dumps({**environment(), **overrides(), **versions()}, sort_keys=True)
    replace_file(folder / "environment.json", where.encode())
    text = json.dumps(fit.diagnostics, sort_keys=True)
    replace_file(folder / "diagnostics.json", text.encode())
    replace_file(folder / "theta.npy", lambda file: np.save(file, fit.theta))
