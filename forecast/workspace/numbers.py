"""Numbers as people write them: which texts are numbers, and what is wrong with those that are nearly one."""

from __future__ import annotations

import re
from decimal import Decimal
from math import inf, isfinite

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
PERCENT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?%", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
GROUPED = re.compile(r"[+-]?\d+(?:_\d+)+(?:\.\d+)?", re.ASCII)
OTHER_BASE = re.compile(r"0(?:x[0-9a-fA-F]{1,9}|o[0-7]{1,9}|b[01]{1,30})")
RANGE = "numbers go from 1e-323 to 1e308, and 0 is written 0"


def number_in(text: str) -> float | None:
    """Return the finite number that a text is, with a point if it has decimals; None where it is none.

    float() also takes `1_0`, `nan` and the digits of other scripts: a cell of that kind is somebody's mistake. So is a
    number that a double would hold as zero: what is merely improbable would be impossible.
    """
    value = float(text) if NUMBER.fullmatch(text) else inf
    return value if isfinite(value) and not (value == 0.0 and vanishes(text)) else None


def vanishes(text: str) -> bool:
    """Say whether a written number is not zero, and so small that a double would hold zero for it, as 1e-400."""
    return float(text) == 0.0 and text.replace("E", "e").partition("e")[0].strip("+-0.") != ""


def why_no_number(text: str) -> str:
    """Return how a text that is no number would be written as one, as far as that can be told; else nothing.

    As with a comma or a percent sign, with signs between its digits, or out of range.
    """
    bare = text.strip()
    if NUMBER.fullmatch(bare):
        return RANGE if number_in(bare) is None else ""
    if (percent := PERCENT.fullmatch(bare)) is not None:
        return f"{bare} is written {(Decimal(percent[1]) / 100).normalize():f}"
    if DECIMAL_COMMA.fullmatch(bare):
        return f"decimals are written with a point: {bare.replace(',', '.')}"
    if GROUPED.fullmatch(bare):
        return f"digits stand together: {bare.replace('_', '')}"
    if OTHER_BASE.fullmatch(bare):
        return f"numbers are decimal: {int(bare, 0)}"
    return ""
