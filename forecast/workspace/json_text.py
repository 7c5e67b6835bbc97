"""JSON text to values, and JSON lines to trees: what a reader would take beyond the format is refused with a place."""

from __future__ import annotations

import json
import re
from math import inf, isfinite
from typing import Any

from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.odd_text import blank_at, unfinished_merge
from forecast.workspace.problems import Problem, Source, shown

HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")  # of a pair; alone it can be neither printed nor written
MAX_NUMBER = 300  # digits of an integer: all such are within a double, and Python makes none of more than 4,300
MAX_DEPTH = 100


class NotJsonError(ValueError):
    """A text that is no JSON, or that holds what no reader of it may take: `line` counts from 1, `at` from 0."""

    def __init__(self, what: str, line: int = 1, at: int | None = None) -> None:
        super().__init__(what)
        self.what, self.line, self.at = what, line, at


class _RefusedError(ValueError):
    """A value that is JSON's grammar, and is not taken."""


def load_json(text: str, *, keys_once: bool = False, finite: bool = True) -> Any:
    """Return what a text holds: maps, lists, texts of whole characters, and numbers that a double holds.

    Args:
        text: one JSON value.
        keys_once: whether a key that appears twice in an object is refused; else the last one counts.
        finite: whether NaN, infinities and numbers beyond a double are refused; else they are such floats, for a
            reader that names the place of each.

    Raises NotJsonError: the text is no JSON, is nested deeper than MAX_DEPTH, or has what is refused.
    """
    try:
        value = (ONCE if keys_once else LAST if finite else ANY).decode(text)
        if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
            raise NotJsonError("nested too deeply")
        if HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise NotJsonError("half of a character, such as \\ud800 alone") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(error.msg, error.lineno, error.pos) from None
    except _RefusedError as error:
        raise NotJsonError(str(error)) from None
    except RecursionError:
        raise NotJsonError("nested too deeply") from None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = (
            nested.values() if isinstance(nested, dict) else nested
            for nested in level
            if isinstance(nested, dict | list)
        )
        level = [part for parts in inner for part in parts]
    return bool(level)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RefusedError(f"key {shown(name)} appears twice")
            seen.add(name)
    return entries


def _constant(name: str) -> Any:
    raise _RefusedError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise _RefusedError(f"the number {text[:20]} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise _RefusedError(f"a number of {len(text)} digits")
    return int(text)


LAST = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int)
ONCE = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_once)
ANY = json.JSONDecoder(parse_int=lambda text: inf if len(text) > MAX_NUMBER else int(text))
MAX_LINE_DEPTH = 20


def parse_json_lines(content: bytes, path: str) -> tuple[tuple[MapNode, ...], tuple[Problem, ...]]:
    """Return the object of each line that holds one, and the problems; blank lines are passed over."""
    if (merge := unfinished_merge(content.decode("utf-8", "replace"), path)) is not None:
        return (), (merge,)
    entries: list[MapNode] = []
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
                entries.append(node)
            elif node is not None:
                problems.append(Problem(where, "not a JSON object", shown(text), "one JSON object a line"))
    return tuple(entries), tuple(problems)


def _node(value: Any, line: int, depth: int = 0) -> Node:
    if depth > MAX_LINE_DEPTH:
        raise NotJsonError("nested too deeply")
    if isinstance(value, dict):
        entries = {key: _node(inner, line, depth + 1) for key, inner in value.items()}
        return MapNode(entries, dict.fromkeys(entries, line), line)
    if isinstance(value, list):
        return ListNode(tuple(_node(inner, line, depth + 1) for inner in value), line)
    return Scalar(value, str(value), line)
