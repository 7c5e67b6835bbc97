"""All kinds of CPT by name: every subclass of `CptKind` in a module of this folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from forecast.cpt.kind import CptKind, FamilyRows


def _kinds() -> dict[str, CptKind]:
    for module in sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")):
        import_module(f"{__package__}.{module}")
    waiting: list[Any] = [CptKind]  # mypy: an abstract class is no value of type[CptKind]
    kinds: list[CptKind] = []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        kinds += [kind()] if "name" in vars(kind) else []
    names = [kind.name for kind in kinds]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"two kinds of CPT are called {', '.join(twice)}"
        raise ValueError(msg)
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.order, kind.name))}


KINDS = _kinds()
DEFAULT = "shared"
WITHOUT_OPTIONS = tuple(name for name, kind in KINDS.items() if not kind.leaks)
WITHOUT_PARENTS = tuple(name for name, kind in KINDS.items() if kind.fits_without_parents)
LEAKS = tuple(dict.fromkeys(leak for kind in KINDS.values() for leak in kind.leaks))
ROWS: tuple[type[FamilyRows], ...] = tuple(dict.fromkeys(rows for kind in KINDS.values() for rows in kind.gathers))
