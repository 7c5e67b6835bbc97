"""The names of the code: one public class for a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "forecast").rglob("*.py"))
}


def test_a_public_class_stands_under_its_name_alone() -> None:
    """No two modules of the package have a public class of one name."""
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert {} == {name: paths for name, paths in places.items() if len(paths) > 1}
