"""The syntax of the project's modules, parsed once for all tests that read it: parsing takes seconds."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "forecast").rglob("*.py"))}


@cache
def tree(path: str) -> ast.Module:
    """Return the syntax of a module, by its file below the root."""
    return ast.parse(MODULES[path].read_bytes())
