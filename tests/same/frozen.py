"""What makes two runs of the commands alike: one day, no sampler where draws are made up, no digest of code.

Everything is looked up by name among the loaded modules of the package, so that it is found wherever it has been moved.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from types import ModuleType
from typing import Any

import numpy as np

TODAY = date(2026, 11, 29)
CHAINS, DRAWS = 4, 250
SAMPLER = ("spec", "seed", "progress")  # the first parameters of the function `sample`
CODE_DIGEST = re.compile(r'("(?:program|kept|previous|draws|code)": ?)"[0-9a-f]{8,64}"')
PAGE_DIGEST = re.compile(r"(program |<dt>Draws</dt><dd><code>)[0-9a-f]{16,64}")
SECONDS = re.compile(
    r'("(?:fitting|leaving_out|refitting|seconds)": )[0-9.e+-]+|\b[0-9.]+( s)(?=[,\n]|$)', re.MULTILINE
)
FITS = re.compile(r'("fits": \[)[^]]*')  # seconds each
LASTING = re.compile(r":\d+: |[Ee]rror|Usage|Try |warning|refused|changed")


class _AnyDatetime(type(datetime)):  # type: ignore[misc]  # mypy takes no base that is computed
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class Noon(datetime, metaclass=_AnyDatetime):
    """Stands for `datetime` where the package asks for the time: it is always noon of TODAY."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Return noon of TODAY."""
        return datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=tz or UTC)


def open_package() -> None:
    """Import every module of the package, and stop its clock."""
    import forecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in pkgutil.walk_packages(forecast.__path__, "forecast."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    for module in _modules():
        for name, value in list(vars(module).items()):
            if value is datetime:
                setattr(module, name, Noon)


def _modules() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] == "forecast"]


def named(name: str) -> Any:
    """Return the function or class of the package that is called so, in whatever module it stands."""
    found = {
        id(value): value
        for module in _modules()
        if inspect.isroutine(value := vars(module).get(name)) or inspect.isclass(value)
        if value.__module__ == module.__name__
    }
    if len(found) != 1:
        raise LookupError(f"{len(found)} things of the package are called {name}: adapt tests/same/frozen.py")
    return next(iter(found.values()))


def sampler() -> Any:
    """Return the function that samples the statements' posterior: `sample(spec, seed, progress, ...)`."""
    found = [
        value
        for module in _modules()
        if inspect.isfunction(value := vars(module).get("sample")) and value.__module__ == module.__name__
        if tuple(inspect.signature(value).parameters)[:3] == SAMPLER
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} functions are called sample{SAMPLER}: adapt tests/same/frozen.py")
    return found[0]


@contextmanager
def made_up() -> Iterator[list[str]]:
    """Put draws of the prior in the place of sampled ones; yields the digests of what has been made up so far."""
    original, made = sampler(), list[str]()
    returned = original.__globals__[str(original.__annotations__["return"])]

    def sample(spec: Any, seed: int, progress: Any, *_: Any, **__: Any) -> Any:
        progress("opening the sampler")
        fit = returned(**_made_up(spec, seed))
        made.append(_digest(fit.theta, *(fit.posterior[name] for name in sorted(fit.posterior))))
        return fit

    places = [(module, name) for module in _modules() for name, value in vars(module).items() if value is original]
    for module, name in places:
        setattr(module, name, sample)
    try:
        yield made
    finally:
        for module, name in places:
            setattr(module, name, original)


def _made_up(spec: Any, seed: int) -> dict[str, Any]:
    """Draw the coordinates of the rows, and all else that a fit holds, from the prior; seeded by the names alone."""
    rows = spec.rows
    names = [seed, rows.alpha, rows.beta, rows.epsilon, spec.statement_ids, spec.experts, spec.anchor is None]
    rng = np.random.default_rng(int(hashlib.sha256(repr(names).encode()).hexdigest()[:16], 16))
    x = rng.standard_normal((CHAINS * DRAWS, rows.n_coordinates))
    outputs = named("run_draws")(x, named("record_program")(spec))[:, : spec.quantities.n_rows]
    ends = np.cumsum([len(rows.alpha), len(rows.beta)])
    posterior = dict(zip(("alpha", "beta", "epsilon"), np.split(x, ends, axis=1), strict=True))
    posterior = {name: values.reshape(CHAINS, DRAWS, -1) for name, values in posterior.items() if values.size}
    posterior["quantity"] = outputs.reshape(CHAINS, DRAWS, -1)

    def normal(size: int) -> Any:
        return rng.standard_normal((CHAINS, DRAWS, size))

    if spec.sides:
        posterior["omega"] = 0.5 * np.abs(normal(len(spec.experts)))
        sizes = {"deviation": len(spec.deviation_labels), "case_noise": len(spec.counted), "bias": len(spec.rated)}
        posterior |= {name: 0.5 * normal(size) for name, size in sizes.items() if size}
        sizes = {"slope": len(spec.rated), "spread": spec.n_distributions}
        posterior |= {name: np.exp(0.3 * normal(size)) for name, size in sizes.items() if size}
    stats = {"diverging": np.zeros((CHAINS, DRAWS), dtype=bool), "energy": normal(1)[..., 0]}
    diagnostics = {"r_hat_max": 1.0, "ess_bulk_min": 900.0, "ess_tail_min": 900.0, "divergences": 0.0, "sampled": 1e3}
    theta = np.ascontiguousarray(named("run_draws")(x, named("record_theta")(rows)).T)
    return {"theta": theta, "posterior": posterior, "sample_stats": stats, "diagnostics": diagnostics}


def _digest(*arrays: Any) -> str:
    together = hashlib.sha256()
    for array in arrays:
        together.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return together.hexdigest()


def plain(text: str, *folders: str) -> str:
    """Return a text without the names of temporary folders and without seconds and digests that code has a part in."""
    for folder in folders:
        text = text.replace(folder, "DIR")
    text = PAGE_DIGEST.sub(r"\1*", CODE_DIGEST.sub(r'\1"*"', text))
    return FITS.sub(r"\1", SECONDS.sub(r"\1*\2", text))


def said(stderr: str) -> str:
    """Return the warnings and errors on stderr: what is told of progress depends on the clock."""
    return "".join(line for line in stderr.splitlines(keepends=True) if LASTING.search(line))
