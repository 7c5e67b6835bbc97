"""JSON lines to trees: one object a line, every value knows its line."""

from __future__ import annotations

from typing import Any

from forecast.workspace.json_text import NotJsonError, load_json
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.odd_text import blank_at, unfinished_merge
from forecast.workspace.problems import Problem, Source, shown

MAX_DEPTH = 20


def parse_json_lines(content: bytes, path: str) -> tuple[tuple[MapNode, ...], tuple[Problem, ...]]:
    """Return the object of each line that holds one, and the problems; blank lines are passed over."""
    if (merge := unfinished_merge(content.decode("utf-8", "replace"), path)) is not None:
        return (), (merge,)
    found: list[MapNode] = []
    problems: list[Problem] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        where = Source(path, number)
        text = ""
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            node = _node(load_json(text, keys_once=True), number) if text else None
        except UnicodeDecodeError as error:
            problems.append(Problem(where, "not UTF-8 text", f"byte 0x{raw[error.start]:02x}", "save it as UTF-8"))
        except NotJsonError as error:
            if error.at is not None and (blank := blank_at(text, error.at, where)) is not None:
                problems.append(blank)
                continue
            is_grammar = error.at is not None
            what, allowed = (f"no JSON: {error.what}", "") if is_grammar else (error.what, "one JSON object a line")
            problems.append(Problem(where, what, shown(text) if is_grammar else "", allowed))
        else:
            if isinstance(node, MapNode):
                found.append(node)
            elif node is not None:
                problems.append(Problem(where, "not a JSON object", shown(text), "one JSON object a line"))
    return tuple(found), tuple(problems)


def _node(value: Any, line: int, depth: int = 0) -> Node:
    if depth > MAX_DEPTH:
        raise NotJsonError("nested too deeply")
    if isinstance(value, dict):
        entries = {key: _node(inner, line, depth + 1) for key, inner in value.items()}
        return MapNode(entries, dict.fromkeys(entries, line), line)
    if isinstance(value, list):
        return ListNode(tuple(_node(inner, line, depth + 1) for inner in value), line)
    return Scalar(value, str(value), line)
