"""JSON lines to trees: one object a line, every value knows its line."""

from __future__ import annotations

import json
from typing import Any

from forecast.workspace.nodes import Mapping, Node, Scalar, Sequence
from forecast.workspace.odd_text import blank_at, unfinished_merge
from forecast.workspace.problems import Problem, Source, shown

MAX_DEPTH = 20


class _RefusedError(ValueError):
    """What is JSON, and is not taken."""


def parse_json_lines(content: bytes, path: str) -> tuple[tuple[Mapping, ...], tuple[Problem, ...]]:
    """Return the object of each line that holds one, and the problems; blank lines are passed over."""
    if (merge := unfinished_merge(content.decode("utf-8", "replace"), path)) is not None:
        return (), (merge,)
    found: list[Mapping] = []
    problems: list[Problem] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        where = Source(path, number)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            node = _node(json.loads(text, object_pairs_hook=_once, parse_constant=_refuse), number) if text else None
        except UnicodeDecodeError as error:
            problems.append(Problem(where, "not UTF-8 text", f"byte 0x{raw[error.start]:02x}", "save it as UTF-8"))
        except _RefusedError as error:
            problems.append(Problem(where, str(error), "", "one JSON object a line"))
        except (json.JSONDecodeError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError) and (blank := blank_at(error.doc, error.pos, where)) is not None:
                problems.append(blank)
                continue
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            problems.append(Problem(where, f"no JSON: {reason}", shown(raw.decode("utf-8", "replace"))))
        else:
            if isinstance(node, Mapping):
                found.append(node)
            elif node is not None:
                problems.append(Problem(where, "not a JSON object", shown(text), "one JSON object a line"))
    return tuple(found), tuple(problems)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"key {shown(twice)} stands twice")
    return entries


def _refuse(name: str) -> Any:
    raise _RefusedError(f"{name} is no JSON number")


def _node(value: Any, line: int, depth: int = 0) -> Node:
    if depth > MAX_DEPTH:
        raise _RefusedError("nested too deeply")
    if isinstance(value, dict):
        entries = {key: _node(inner, line, depth + 1) for key, inner in value.items()}
        return Mapping(entries, dict.fromkeys(entries, line), line)
    if isinstance(value, list):
        return Sequence(tuple(_node(inner, line, depth + 1) for inner in value), line)
    return Scalar(value, str(value), line)
