"""Records as plain data, and texts from files as a page may show them.

Text from files is not trusted: what it may do on a page is be read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

ATOMS = {str, int, float, bool, NoneType}  # most of what is plain already: to ask what else it is takes longest
KEPT_CONTROLS = "\n\t"
# Invisible characters that reorder or hide what follows: bidirectional controls are of category Cf.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # needed to write Persian, Hindi and others


def readable(text: str) -> str:
    """Return the text with every control and invisible character written out as `[U+202E]`."""
    if text.isprintable():  # none of UNSEEN is
        return text
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in UNSEEN and c not in KEPT_CONTROLS + JOINERS else c
        for c in text
    )


def all_readable(value: Any) -> Any:
    """Apply `readable` to every text (keys included) in nested records, maps and lists."""
    match value:
        case str():
            return readable(value)
        case Mapping():
            return {readable(str(key)): all_readable(part) for key, part in value.items()}
        case list() | tuple():
            return [all_readable(part) for part in value]
        case _ if _is_record(value):
            of = type(value)
            columns = _columns(of)  # type: ignore[arg-type]  # mypy takes no class for hashable
            return of(**{name: all_readable(getattr(value, name)) for name, _, _ in columns})
        case _:
            return value


def spread() -> Any:
    """Declare a field whose own parts stand in the plain data beside the other fields, not below its name."""
    return field(metadata={"spread": True})


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


@cache
def _columns(of: type[Any]) -> tuple[tuple[str, str, bool], ...]:
    """Return each field of a record: its name, its key in the plain data, and whether its parts are spread."""
    return tuple((field.name, field.name.removesuffix("_"), "spread" in field.metadata) for field in fields(of))


def as_data(value: Any) -> Any:
    """Turn nested records into maps, lists, texts and numbers that JSON can write.

    A record is a dataclass: its fields in their order, dates in ISO form; a field `from_` is the key `from`, which is
    no name in Python. What is plain already stays as it is.
    """
    if type(value) in ATOMS:
        return value
    match value:
        case Mapping():
            return {key: as_data(part) for key, part in value.items()}
        case list() | tuple():
            return [part if type(part) in ATOMS else as_data(part) for part in value]
        case date():
            return value.isoformat()
        case _ if _is_record(value):
            entries: dict[str, object] = {}
            columns = _columns(type(value))  # type: ignore[arg-type]  # as above
            for name, key, parts in columns:
                content = as_data(getattr(value, name))
                entries |= content if parts else {key: content}
            return entries
        case _:
            return value


def from_data(kind: Any, data: Any) -> Any:
    """Turn what `as_data` made of a value back into the value; `kind` is its annotation, such as a record's class.

    Of several records that may stand in one place it is the one whose keys, in their order, are those of the data.
    What other programs write belongs to a reader that checks it. Raises KeyError, TypeError and ValueError for data of
    another form.
    """
    if kind in ATOMS:
        return data
    origin, of = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        if not isinstance(data, Mapping):
            msg = f"no record but a {type(data).__name__}"
            raise TypeError(msg)
        hints = _hints(kind)  # type: ignore[arg-type]  # mypy takes no class for hashable
        columns = _columns(kind)  # type: ignore[arg-type]  # as above
        own = {key for _, key, parts in columns if not parts}
        rest = {key: part for key, part in data.items() if key not in own}  # of the one whose parts are spread, if any
        values = {name: from_data(hints[name], rest if parts else data[key]) for name, key, parts in columns}
        return kind(**values)  # type: ignore[operator]  # a class
    if origin in {Union, UnionType}:
        return None if data is None else from_data(_chosen([part for part in of if part is not NoneType], data), data)
    if origin is tuple:
        if of[-1] is ... and of[0] in ATOMS:
            return tuple(data)
        kinds = [of[0]] * len(data) if of[-1] is ... else of
        return tuple(from_data(of_part, part) for of_part, part in zip(kinds, data, strict=True))
    if origin in {Mapping, dict}:
        return {key: from_data(of[1], part) for key, part in data.items()}
    if origin is Sequence:
        return [from_data(of[0], part) for part in data]
    return date.fromisoformat(data) if kind is date else data


@cache
def _hints(of: type[Any]) -> dict[str, Any]:
    return get_type_hints(of)


def _chosen(kinds: Sequence[Any], data: Any) -> Any:
    """Return the record whose keys are those of the data, or the only kind there is."""
    if len(kinds) == 1:
        return kinds[0]
    keys = list(data)
    return next(kind for kind in kinds if [key for _, key, _ in _columns(kind)] == keys)


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address, whether it may be followed, and its host."""

    url: str
    followed: bool
    host: str


def link(url: str | None) -> Link | None:
    """Read an address: only http and https with a host may be followed; others are shown."""
    from urllib.parse import urlsplit

    if not url:
        return None
    try:
        parts = urlsplit(url)
        followed = parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url
        return Link(url=url, followed=followed, host=(parts.hostname or "") if followed else "")
    except ValueError:  # a malformed address, such as a bad IPv6 host
        return Link(url=url, followed=False, host="")
