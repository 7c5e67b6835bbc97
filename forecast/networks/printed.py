"""What the digits of printed numbers leave open: by how much a row of rounded probabilities may miss one."""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST_DIGITS = 4  # significant ones that a program prints where it counts those and not the decimals

NUMBER = re.compile(r"[+-]?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?")


def rounding_of(numbers: Sequence[str]) -> float:
    """Return a bound: numbers that add up to one miss it by less once they are rounded and printed.

    Half a unit of the last place of each number. Programs print with as many decimals or as many significant digits
    for a whole row, and leave out zeros at the end; a number's last place is therefore the row's last decimal, or that
    of the row's most significant digits where it comes earlier. Numbers without any decimal are exact. (The bound
    itself would need numbers that all lie in the middle of two roundings and go the same way.)
    """
    printed = [_places(number) for number in numbers]
    finest = min(last for _, last, _ in printed)
    digits = max(LEAST_DIGITS, *(count for _, _, count in printed))
    if finest >= 0:
        return 0.0
    return sum(0.5 * 10.0 ** min(last, max(finest, first - digits + 1)) for first, last, _ in printed)


def _places(number: str) -> tuple[int, int, int]:
    """Return the powers of ten of the first and the last digit, and how many digits there are from one to the other.

    A one counts as the number just below it: as a probability it is rounded where 0.99... would be. A zero has no first
    digit: it is as fine as its row.
    """
    found = NUMBER.fullmatch(number)
    if found is None:
        msg = f"not a number: {number!r}"
        raise ValueError(msg)
    whole, after, only_after, power = found.groups()
    decimals = after or only_after or ""
    exponent = int(power or 0)
    last = exponent - len(decimals)
    digits = ((whole or "") + decimals).lstrip("0")
    if not digits:
        return -(10**6), 0 if last >= 0 else last, 0
    first = last + len(digits) - 1
    return min(first, -1), last, len(digits) - max(first + 1, 0)
