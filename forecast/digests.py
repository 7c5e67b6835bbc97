"""SHA-256 digests of numbers and records, the same on every run and machine of one kind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

import numpy as np


def digest_of(*values: Any) -> str:
    """Compute the SHA-256 (hex) of records, arrays, numbers, texts and nested collections of them.

    Raises ValueError for a type whose order or representation is not fixed.
    """
    digest = hashlib.sha256()
    _feed(digest, values)
    return digest.hexdigest()


PLAIN = (str, int, float, date, bytes, type(None))


FEW = (date, int, type(None))  # of which the same ones come again and again


def plain_text(value: Any) -> str:
    """Return a plain value (`PLAIN`) with its type, as it is digested."""
    return _often(value) if isinstance(value, FEW) else _plain(value)


def writer_of_plain(kind: type) -> Callable[[Any], str]:
    """Return what `plain_text` does with values of a type, for those who write many."""
    return _often if issubclass(kind, FEW) else _plain


def _plain(value: Any) -> str:
    return f"{type(value).__name__} {value!r};"


# Typed: 1 and True are two values. Floats are left out: 0.0 and -0.0 would be taken for one.
_often = lru_cache(maxsize=10_000, typed=True)(_plain)


@cache
def field_names(record: type) -> tuple[str, ...]:
    """Return the names of a dataclass's fields; a table of evidence asks a hundred thousand times."""
    return tuple(field.name for field in fields(record))


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, PLAIN):
        digest.update(plain_text(value).encode())
    elif isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple | list):
        digest.update(f"sequence {len(value)}:".encode())
        for part in value:
            _feed(digest, part)
    elif isinstance(value, Mapping):
        _feed(digest, sorted(value.items()))
    elif is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode())
        _feed(digest, [getattr(value, name) for name in field_names(type(value))])
    else:
        msg = f"no digest is defined for {type(value).__name__}"
        raise ValueError(msg)
