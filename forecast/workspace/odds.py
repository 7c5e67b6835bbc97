"""Odds as bookmakers write them, and confidence as analysts grade it, as probabilities."""

from __future__ import annotations

import re

ODDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*[:/]\s*([0-9]+(?:\.[0-9]+)?)(?:\s+(on|against))?\s*")

# The sd, in log-odds, of a number given with a degree of confidence. A convention: no study ties the words to widths.
# With high, the odds are meant to a factor of two either way (at 90 %); each step doubles the sd.
# ICD 203 (2015, D.6.e.(2)) keeps such words apart from the probability itself, as here.
CONFIDENCE_SD: dict[str, float] = {"high": 0.35, "moderate": 0.7, "low": 1.4}


def read_odds(text: str) -> tuple[float, float] | None:
    """Return the parts of odds, (it happens, it does not); None where the text holds none.

    'a:b on' and plain 'a:b' are a to b that it happens, 'a:b against' a to b that it does not."""
    match = ODDS.fullmatch(text)
    if match is None:
        return None
    first, second = float(match[1]), float(match[2])
    return (second, first) if match[3] == "against" else (first, second)
