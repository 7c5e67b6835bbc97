"""The names and the types of the code: one public class for a name, records and not dictionaries."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.project import syntax

ANYTHING = "dict[str, Any]"
MOST = 20


def _trees() -> dict[str, ast.Module]:
    """Return the syntax of every module by its file."""
    return {path: syntax.tree(path) for path in syntax.MODULES}


def test_a_public_class_stands_under_its_name_alone() -> None:
    """No two modules of the package have a public class of one name."""
    places = defaultdict(list)
    for path, tree in _trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert {} == {name: paths for name, paths in places.items() if len(paths) > 1}


def _aliases() -> dict[tuple[str, str], str]:
    """Return the names that modules give to a dictionary of anything: (module, name) -> file."""
    return {
        (path.removesuffix(".py").replace("/", "."), target.id): path
        for path, tree in _trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign) and ANYTHING == ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _annotations(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """Yield what parameters, results and fields are annotated with, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
            annotated = [argument.annotation for argument in every if argument is not None]
            yield from ((node.lineno, one) for one in (*annotated, node.returns) if one is not None)
        elif isinstance(node, ast.ClassDef):
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
            yield from ((part.lineno, part.annotation) for part in fields)


def test_a_dictionary_of_anything_is_an_edge() -> None:
    """Under twenty parameters, results and fields are a dictionary of anything, under whatever name: the rest is typed.

    They stand where a library or a file begins: JSON that is read, a schema, pydantic, xarray, what the API gives.
    """
    aliases, places = _aliases(), []
    for path, tree in _trees().items():
        module = path.removesuffix(".py").replace("/", ".")
        names = {name for of, name in aliases if of == module} | {
            part.asname or part.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for part in node.names
            if (node.module, part.name) in aliases
        }
        wanted = re.compile("|".join([re.escape(ANYTHING), *(rf"\b{name}\b" for name in sorted(names))]))
        places += [f"{path}:{line}" for line, of in _annotations(tree) if wanted.search(ast.unparse(of))]
    assert [] == places[MOST - 1 :], places
