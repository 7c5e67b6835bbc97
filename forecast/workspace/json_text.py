"""JSON text to values: what Python's reader takes beyond the format, or ends at, is refused with a place."""

from __future__ import annotations

import json
import re
from math import inf, isfinite
from typing import Any

from forecast.workspace.problems import shown

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
        keys_once: whether a key that stands twice in an object is refused; else the last one counts.
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
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [part for parts in inner for part in parts]
    return bool(level)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _RefusedError(f"key {shown(twice)} stands twice")
    return entries


def _constant(name: str) -> Any:
    raise _RefusedError(f"{name} is no JSON number")


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
