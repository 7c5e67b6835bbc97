"""The elements of a list in a JSON file, each with the line on which it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from forecast.workspace.csv_text import decoded
from forecast.workspace.json_text import ANY, NotJsonError, load_json
from forecast.workspace.odd_text import blank_at
from forecast.workspace.problems import Problem, Source, shown

BLANK = re.compile(r"[ \t\n\r]*")


def read_json(content: bytes, path: str) -> tuple[str | None, Any, tuple[Problem, ...]]:
    """Return the text of a file (None where it is no JSON), what it holds, and the problems found."""
    text, problems = decoded(content, path)
    if problems and not text:
        return None, None, tuple(problems)
    try:
        return text, load_json(text, finite=False), tuple(problems)
    except NotJsonError as error:
        where = Source(path, error.line)
        if error.at is None:
            return None, None, (*problems, Problem(where, f"JSON that is not read: {error.what}"))
        if (blank := blank_at(text, error.at, where)) is not None:
            return None, None, (*problems, blank)
        at = text.rfind("\n", 0, error.at) + 1  # where its line begins
        got = text[max(at, error.at - 20) : error.at + 20].split("\n")[0].strip()
        problems.append(Problem(where, f"no JSON: {error.what}", shown(got), "a whole JSON file"))
    return None, None, tuple(problems)


def elements(text: str, keys: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """Yield line and value of each element of the list behind `keys`, in a text that is JSON and holds it.

    Of a key that appears twice the last one counts, as in `json.loads`.
    """
    at = _skip(text, 0)
    for key in keys:
        at = dict(_entries(text, at))[key]
    line, counted = 1, 0
    for begin, value in _items(text, at):
        line, counted = line + text.count("\n", counted, begin), begin
        yield line, value


def _skip(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    return match.end() if match else at


def _entries(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object, each with the place of its value."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = ANY.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        yield key, begin
        at = _after(text, ANY.raw_decode(text, begin)[1])


def _items(text: str, at: int) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a list, each with its place."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = ANY.raw_decode(text, at)
        yield at, value
        at = _after(text, end)


def _after(text: str, at: int) -> int:
    """Return the place after a value and the comma behind it."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at
