"""Draws of stage 1 by the digest of all that decides them: the same numbers with the store or without it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork
from forecast.sampling.settings import CHAINS, LONGEST, SAMPLED_PER_CHAIN, TARGET_ACCEPT, TUNE, SampledFit
from forecast.sampling.spec import PriorSpec
from forecast.store.entries import Place, alone, is_kept, keep, key_of, load
from forecast.store.room import remove_leftovers
from forecast.store.sealed import Part, Sealed
from forecast.store.versions import installed_versions

Environment = dict[str, str]

FEATURES = ("fma", "avx2", "avx512f", "avx512_vnni", "neon", "asimd", "sve")  # of a processor, as Linux names them
# Settings that give a processor another compiler target, BLAS kernel or vector loop than its own.
OVERRIDES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")


@cache
def environment() -> Environment:
    """Return what this process computes on: `processor`, `c_library`, `blas`, `python`."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {
        "processor": " ".join([platform.machine(), *_features()]),
        "c_library": " ".join(filter(None, platform.libc_ver())) or platform.system(),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "python": platform.python_version(),
    }


def overrides() -> Environment:
    """Return the settings of this process's environment under which a processor is not taken as it is."""
    return {name: os.environ[name] for name in OVERRIDES if name in os.environ}


def _features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []  # no Linux: the kind of machine must do
    known = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return [name for name in FEATURES if name in known]


def unlike(told: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Name what two environments (or tables of versions) differ in, each with both values."""
    names = [name for name in sorted({*told, *here}) if told.get(name) != here.get(name)]
    return [
        f"{name.replace('_', ' ')} {told.get(name, 'not recorded')}, here {here.get(name, 'none')}" for name in names
    ]


Array = NDArray[np.float64]
SAMPLING_PACKAGES = ("numba", "numpy", "nutpie", "pymc", "pytensor")


Groups = tuple[dict[str, Array], dict[str, Array]]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Draws of theta (n_theta, draws), the digest of all that decides them, and diagnostics.

    `store` is the folder where what is computed from them is kept; `fit()` reads the whole fit: the posterior and the
    sampler's statistics, each {variable: (chain, draw, ...)}.
    """

    theta: Array
    digest: str
    diagnostics: dict[str, float]
    store: Path
    fit: Callable[[], Groups]


def versions() -> dict[str, str]:
    """Return the versions of the packages that the draws depend on."""
    return installed_versions(SAMPLING_PACKAGES)


def draws_digest(spec: PriorSpec, seed: int) -> str:
    """Compute the digest of everything that decides the draws: compiled numbers, settings, seed, code, versions."""

    def numbers(network: AsOfNetwork) -> tuple[object, ...]:
        return (network.rows, network.causes, network.history, network.fixed)

    layout = spec.layout
    return key_of(
        "draws",
        [layout.cards, layout.parents, [event.kind for event in layout.events]],
        [[event.cpt for event in layout.events], spec.rows.eta, spec.rows.recipes, spec.rows.certain],
        [numbers(network) for network in spec.networks],
        spec.sides,
        [spec.quantities, spec.deviations, spec.stated, spec.distributions, spec.distribution_of],
        [spec.counted, spec.ordered, list(spec.experts)],
        [list(spec.rated), spec.rated_of, spec.is_biased, spec.record],
        None if spec.anchor is None else numbers(spec.anchor),
        [seed, CHAINS, SAMPLED_PER_CHAIN, LONGEST, TUNE, TARGET_ACCEPT],
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
    """Return the draws of a spec from the store, or sample them and keep them there. `refit` ignores the store.

    What another process samples at the same time is waited for. Raises NotSampledError if they would have to be sampled
    and that is not allowed.
    """
    place = Place(cache, "draws", draws_digest(spec, seed))

    def sampled() -> SampledFit:
        return _sampled(spec, seed, place, progress)

    found = None if refit else _load(place, sampled)
    if found is None and not may_sample:
        raise NotSampledError(spec, place.key)
    if found is None:
        with alone(place):
            found = None if refit else _load(place, sampled)
            if found is None:
                fit = sampled()
                found = _load(place, sampled) or _unkept(place, fit)
    return found


def is_drawn(spec: PriorSpec, seed: int, cache: Path) -> bool:
    """Say whether the draws of a spec are in the store."""
    return is_kept(Place(cache, "draws", draws_digest(spec, seed)))


def cached_draws(spec: PriorSpec, seed: int, cache: Path) -> Draws | None:
    """Return the draws of a spec if they are in the store."""
    place = Place(cache, "draws", draws_digest(spec, seed))
    return _load(place, lambda: _sampled(spec, seed, place, lambda _: None))


def _sampled(spec: PriorSpec, seed: int, place: Place, progress: Callable[[str], None]) -> SampledFit:
    from forecast.sampling.sample import sample

    fit = sample(spec, seed, progress)
    keep(place, _parts(fit))
    if place.folder.name == ".cache":
        remove_leftovers(place.folder.parent)  # it takes a moment; sampling took many
    return fit


def _load(place: Place, sampled: Callable[[], SampledFit]) -> Draws | None:
    """Read draws, and later their whole fit; where that turns out to be damaged, it is `sampled` again."""

    def groups() -> Groups:
        found = load(place, _groups)
        if found is None:
            again = sampled()
            found = again.posterior, again.sample_stats
        return found

    def read(entry: Sealed) -> Draws:
        diagnostics = json.loads(entry.text("diagnostics"))
        return Draws(
            theta=entry.array("theta"), digest=place.key, diagnostics=diagnostics, store=place.folder, fit=groups
        )

    return load(place, read)


def _groups(entry: Sealed) -> Groups:
    groups: Groups = ({}, {})
    for part in entry.parts:
        group, _, variable = part.partition("/")
        if variable:
            groups[group == "sample_stats"][variable] = entry.array(part)
    return groups


def _parts(fit: SampledFit) -> dict[str, Part]:
    where = {**environment(), **overrides(), **versions()}
    return {
        "theta": fit.theta,
        "diagnostics": json.dumps(fit.diagnostics, sort_keys=True).encode(),
        "environment": json.dumps(where, sort_keys=True).encode(),
        **{f"posterior/{name}": values for name, values in fit.posterior.items()},
        **{f"sample_stats/{name}": values for name, values in fit.sample_stats.items()},
    }


def _unkept(place: Place, fit: SampledFit) -> Draws:
    return Draws(
        theta=fit.theta,
        digest=place.key,
        diagnostics=fit.diagnostics,
        store=place.folder,
        fit=lambda: (fit.posterior, fit.sample_stats),
    )
