"""Records of answers as plain data: what `--json` prints, and what pages are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any


def plain(value: Any) -> Any:
    """Turn records, and collections of them, into dictionaries, lists, texts and numbers.

    A record is a dataclass: its fields in their order, dates in ISO form. A field `from_` stands under `from`, which is
    no name in Python. What is plain already stays as it is.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name.removesuffix("_"): plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
