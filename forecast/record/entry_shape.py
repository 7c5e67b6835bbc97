"""The shape of what stands on a line of the ledger; whatever is wrong with one is said with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from forecast.record.entries import FORMAT, MERGE
from forecast.workspace.json_text import NotJsonError, load_json
from forecast.workspace.problems import Problem, Source, nearest, shown

Check = tuple[Callable[[Any], bool], str]  # whether a value is right, and what is allowed
DIGEST = re.compile(r"[0-9a-f]{64}")
ROUNDING = 1e-9  # of a probability: a weighted mean of ones may end in another last digit


class RefusedError(ValueError):
    """JSON that no ledger holds: a key twice, a number that is none; the message says which."""


def parse_object(text: str) -> Mapping[str, Any]:
    """Parse one line. Raises RefusedError, which says what is wrong."""
    try:
        content = load_json(text, keys_once=True)
    except NotJsonError as error:
        raise RefusedError(error.what) from None
    if not isinstance(content, dict):
        msg = "no object"
        raise RefusedError(msg)
    return content


def shape_problems(content: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Yield what is wrong with the keys and values of an entry. Keys that are not known are a later version's."""
    kind = content.get("kind")
    if "kind" in content and kind != MERGE:
        yield Problem(source, "an entry of another kind", shown(kind), f"'{MERGE}', or no kind: an update")
    elif kind == MERGE:
        yield from _problems(content, MERGE_SHAPE, source, "")
        if content.get("previous") == content.get("also"):
            yield Problem(source, "a merge of one branch", "the same digest twice", "the digests of two entries")
    else:
        yield from _problems(content, LINE_SHAPE, source, "")
        yield from _nested(content, source)


def _nested(content: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    if isinstance(inputs := content.get("inputs"), dict):
        yield from _problems(inputs, INPUTS_SHAPE, source, "inputs: ")
    rows = content.get("scenarios")
    for place, row in enumerate(rows if isinstance(rows, list) else (), 1):
        if isinstance(row, dict):
            yield from _problems(row, SHARE_SHAPE, source, f"scenario {place}: ")
    ids = [row["id"] for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
    if twice := [name for place, name in enumerate(ids) if name in ids[:place]]:
        yield Problem(source, "a scenario stands twice", shown(twice[0]), "each scenario once")


def _problems(content: Mapping[str, Any], shape: Mapping[str, Check], source: Source, where: str) -> Iterator[Problem]:
    for key, (is_right, allowed) in shape.items():
        if key in content:
            if not is_right(content[key]):
                yield Problem(source, f"{where}'{key}' is not as an update writes it", shown(content[key]), allowed)
        elif key not in MAY_LACK:
            others = [name for name in content if name not in shape]
            near = nearest(key, others).replace("did you mean", "there is").rstrip("?")
            yield Problem(source, f"{where}no key '{key}'{near}", "", allowed)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return _is_number(value) and -ROUNDING <= value <= 1 + ROUNDING


def _or_none(check: Check) -> Check:
    return (lambda value: value is None or check[0](value)), f"{check[1]}, or null"


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and {*map(type, value.values())} <= {str}


DAY: Check = (_is_day, "a day, YYYY-MM-DD")
LINK: Check = (_is_digest, "the SHA-256 of another line, 64 hexadecimal digits")
TEXT: Check = (_is_text, "a text")
TEXTS: Check = (_texts, "a map of texts")
FORMATS: Check = ((lambda value: _is_integer(value) and value == FORMAT), f"{FORMAT}; a later forecast may write more")
MAY_LACK = {"environment", "kept", "refit", "mcse", "resolutions"}  # as older lines do, or most
LINE_SHAPE: Mapping[str, Check] = {
    "format": FORMATS,
    "as_of": DAY,
    "horizon": DAY,
    "rolled": _or_none(DAY),
    "known_until": DAY,
    "seed": (_is_integer, "an integer"),
    "version": TEXT,
    "versions": TEXTS,
    "environment": TEXTS,
    "inputs": ((lambda value: isinstance(value, dict)), "a map of digests"),
    "scenarios": (
        (lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value)),
        "a list of objects",
    ),
    "diagnostics": ((lambda value: isinstance(value, dict)), "a map"),
    "note": _or_none(TEXT),
    "previous": _or_none(LINK),
    "kept": LINK,
    "refit": ((lambda value: value is True), "true, or no such key"),
}
INPUTS_SHAPE: Mapping[str, Check] = {
    "network": TEXT,
    "scenarios": TEXT,
    "experts": TEXTS,
    "sources": TEXTS,
    "statements": TEXTS,
    "items": TEXTS,
    "retracted": (
        (lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value)),
        "a list of ids",
    ),
    "resolutions": TEXTS,
}
SHARE_SHAPE: Mapping[str, Check] = {
    "id": TEXT,
    "probability": (_is_share, "a number from 0 to 1"),
    "quantiles": (
        (lambda value: isinstance(value, list) and all(map(_is_share, value))),
        "a list of numbers from 0 to 1",
    ),
    "mcse": ((lambda value: _is_number(value) and value >= 0), "a number that is not negative"),
}
MERGE_SHAPE: Mapping[str, Check] = {
    "format": FORMATS,
    "previous": LINK,
    "also": LINK,
    "on": DAY,
    "note": _or_none(TEXT),
}
