"""SHA-256 digests of numbers and records, the same on every run and machine of one kind."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import numpy as np


def digest_of(*values: Any) -> str:
    """Compute the SHA-256 (hex) of records, arrays, numbers, texts and nested collections of them.

    Raises ValueError for a type whose order or representation is not fixed.
    """
    digest = hashlib.sha256()
    _feed(digest, values)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, str | int | float | date | bytes) or value is None:
        digest.update(f"{type(value).__name__} {value!r};".encode())
    elif isinstance(value, tuple | list):
        digest.update(f"sequence {len(value)}:".encode())
        for part in value:
            _feed(digest, part)
    elif isinstance(value, Mapping):
        _feed(digest, sorted(value.items()))
    elif is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode())
        _feed(digest, [getattr(value, field.name) for field in fields(value)])
    else:
        msg = f"no digest is defined for {type(value).__name__}"
        raise ValueError(msg)
