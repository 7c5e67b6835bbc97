"""What computes each kind of kept numbers: its source code and the packages it stands on, as one digest.

A number that is kept is never older than the code that computes it. Nobody has to remember that: the digest is taken of
the bytes of the source, and a test follows the imports and finds every module that is missing in `KINDS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from forecast.digests import digest_of

# Versions of installed packages, at little cost.


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of installed packages, sorted by name. Raises KeyError for one that is not installed.

    Read off the names of their .dist-info folders (PEP 376): the library for it opens and parses a file for each
    package, and with its parser takes a tenth of a daily update.
    """
    versions = _installed(tuple(sys.path))
    return {name: versions[name] for name in sorted(packages)}


@cache
def _installed(places: tuple[str, ...]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for place in places:
        for folder in Path(place or ".").glob("*.dist-info"):
            name, _, number = folder.name.removesuffix(".dist-info").partition("-")
            versions.setdefault(name.lower(), number)
    return versions


PACKAGE = Path(__file__).parents[1]

GROUND = ("__init__.py", "digests.py", "files.py", "store")
SAMPLING = (*GROUND, "digits.py", "model", "cpt", "inference", "sampling", "workspace")
WEIGHING = (*SAMPLING, "posterior")
REMEDIES = tuple(
    f"analysis/{name}.py" for name in ("__init__", "chronology", "distance", "remedies", "statements", "structure")
)
SAMPLERS = ("arviz_stats", "llvmlite", "numba", "numpy", "nutpie", "pymc", "pytensor", "scipy")
FIGURES = (*SAMPLERS, "arviz_base", "arviz_plots", "matplotlib", "xarray")


# What sampling/op.py runs, and whence it has this digest.
KERNELS = (
    "inference/__init__.py",
    "inference/tape.py",
    "sampling/__init__.py",
    "sampling/op.py",
)
KERNEL_CODE = ("__init__.py", "digests.py", "store/__init__.py", "store/program.py", *KERNELS)


@dataclass(frozen=True)
class Kind:
    """A kind of kept numbers.

    `computed_by` are the files that compute it; `code` the folders and files (of the package, too) that hold those and
    all they import; `packages` the others whose version may change a number; `most` how many entries are kept, where
    one takes the place of another.
    """

    computed_by: tuple[str, ...]
    code: tuple[str, ...]
    packages: tuple[str, ...] = SAMPLERS
    most: int | None = None


KINDS = {
    "draws": Kind(("sampling/draws.py",), SAMPLING),
    "residuals": Kind(("sampling/likelihood.py",), SAMPLING),
    "anchor": Kind(("posterior/posterior.py",), WEIGHING),
    "posterior": Kind(("posterior/posterior.py",), WEIGHING, most=4),
    "coherence": Kind(("analysis/coherence.py",), (*SAMPLING, "analysis/__init__.py", "analysis/coherence.py")),
    "alternatives": Kind(("analysis/alternatives.py",), (*WEIGHING, "analysis", "ledger", "plain.py", "workers.py")),
    "remedies": Kind(("analysis/remedies.py",), (*WEIGHING, *REMEDIES, "ledger", "plain.py", "words.py")),
    "replay": Kind(("analysis/replay_day.py",), (*WEIGHING, "ledger", "analysis", "plain.py", "workers.py")),
    "team": Kind(
        ("analysis/team.py",), (*WEIGHING, "ledger", "analysis", "scoring", "plain.py", "words.py", "workers.py")
    ),
    "answers": Kind(("publish.py",), (".",), FIGURES),
}


@cache
def program(kind: str) -> str:
    """Compute the digest of everything but its inputs that decides what is kept of a kind."""
    of = KINDS[kind]
    return digest_of(source_digest(*of.code), installed_versions(of.packages))


@cache
def source_digest(*places: str) -> str:
    """Compute the SHA-256 of source files, and of all those in folders; places are relative to the package."""
    return digest_of([[place, _digest(place)] for place in places])


@cache  # kinds share most of their places
def _digest(place: str) -> str:
    digest = sha256()
    for path in _sources(str(PACKAGE / place)):
        with open(path, "rb") as file:  # noqa: PTH123  # hundreds of files, and pathlib is half of the time
            content = file.read()
        digest.update(f"{os.path.relpath(path, PACKAGE)} {len(content)}\n".replace(os.sep, "/").encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(path: str) -> Iterator[str]:
    """Yield the source files at or below a path, in the order of their names."""
    if path.endswith(".py"):
        yield path
        return
    with os.scandir(path) as listing:
        below = sorted((entry.name, entry.is_dir(), entry.path) for entry in listing)
    for name, is_folder, there in below:
        if is_folder or name.endswith(".py"):
            yield from _sources(there)
