"""What probability words mean: the official bands of the scales, and how people read a word without a scale."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

EMPIRICAL_LEVEL = 0.9  # the table gives the 5 % and 95 % points of what readers answered

# Low and high of each band, in percent. An open end (0, 100) is where the scale stops saying more.
OFFICIAL: dict[str, dict[str, tuple[float, float]]] = {
    # Intelligence Community Directive 203 (2015), table of section D.6.e.(2)(a); both columns of terms.
    "icd203": {
        "almost no chance": (1, 5),
        "remote": (1, 5),
        "very unlikely": (5, 20),
        "highly improbable": (5, 20),
        "unlikely": (20, 45),
        "improbable": (20, 45),
        "roughly even chance": (45, 55),
        "roughly even odds": (45, 55),
        "likely": (55, 80),
        "probable": (55, 80),
        "very likely": (80, 95),
        "highly probable": (80, 95),
        "almost certain": (95, 99),
        "nearly certain": (95, 99),
    },
    # Professional Head of Intelligence Assessment (UK), probability yardstick of 2025; its gaps are meant.
    "phia": {
        "remote chance": (0, 5),
        "highly unlikely": (10, 20),
        "unlikely": (25, 35),
        "realistic possibility": (40, 50),
        "likely": (55, 75),
        "probable": (55, 75),
        "highly likely": (80, 90),
        "almost certain": (95, 100),
    },
    # NATO, Allied Joint Publication 2.1: five bands.
    "nato": {
        "highly unlikely": (0, 10),
        "unlikely": (10, 40),
        "even chance": (40, 60),
        "likely": (60, 90),
        "highly likely": (90, 100),
    },
    # Kent (1964), "Words of Estimative Probability": a centre and "give or take".
    "kent": {
        "almost certain": (87, 99),
        "probable": (63, 87),
        "chances about even": (40, 60),
        "probably not": (20, 40),
        "almost certainly not": (2, 12),
    },
    # Intergovernmental Panel on Climate Change, uncertainty guidance note (2010): nested, open to one side.
    "ipcc": {
        "virtually certain": (99, 100),
        "extremely likely": (95, 100),
        "very likely": (90, 100),
        "likely": (66, 100),
        "about as likely as not": (33, 66),
        "unlikely": (0, 33),
        "very unlikely": (0, 10),
        "extremely unlikely": (0, 5),
        "exceptionally unlikely": (0, 1),
    },
}
SCALES = tuple(OFFICIAL)
OFFICIAL_LEVEL = 0.9  # a convention: an author keeps to the band nine times in ten

# A band that ends at 0 or 1 has no log-odds there; half a percent is as far as the surveys' readers tell words apart.
# Within one percent of certainty (IPCC's outermost terms) the end moves to a tenth of the band's width.
OPEN_END = 0.005


class WordReading(NamedTuple):
    """A word as a probability with an interval; all strictly between 0 and 1."""

    low: float
    best: float
    high: float
    level: float


def terms(scale: str | None) -> tuple[str, ...]:
    """Return the terms of a scale, or those that were surveyed (`scale` None)."""
    return tuple(OFFICIAL[scale]) if scale is not None else tuple(_surveyed())


def read_word(term: str, scale: str | None) -> WordReading:
    """Return how a term is read: on its author's scale, or (None) by the median and the 90 % range of survey answers.

    Official bands are taken at 90 %, with the middle of the band as best. Surveys are pooled by averaging their
    percentiles, weighted by the number of answers; of a survey that is given raw and trimmed, the raw one counts.
    Upper and lower case do not matter. Raises KeyError for an unknown scale or term.

    Sources: the official bands as noted beside them; the CAPphrase survey (CC-BY), the survey of Mauboussin and
    Mauboussin (2018), and two smaller public ones, see `forecast/data/verbal_probability.csv`.
    """
    key = " ".join(term.lower().split())
    if scale is None:
        return _surveyed()[key]
    low, high = (bound / 100 for bound in OFFICIAL[scale][key])
    open_end = min(OPEN_END, (high - low) / 10)
    low, high = max(low, open_end), min(high, 1 - open_end)
    return WordReading(low, (low + high) / 2, high, OFFICIAL_LEVEL)


@cache
def _surveyed() -> dict[str, WordReading]:
    answers: dict[str, list[tuple[float, float, float, float]]] = {}
    with (files("forecast") / "data" / "verbal_probability.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(line for line in table if not line.startswith("#")):
            if row["source"] != "capphrase_4sd":
                numbers = (float(row[name]) for name in ("n", "p05", "median", "p95"))
                n, low, best, high = numbers
                answers.setdefault(row["phrase"].lower(), []).append((n, low, best, high))
    return {phrase: _pooled(rows) for phrase, rows in sorted(answers.items())}


def _pooled(rows: list[tuple[float, float, float, float]]) -> WordReading:
    readers = sum(row[0] for row in rows)
    low, best, high = (sum(row[0] * row[k] for row in rows) / readers / 100 for k in (1, 2, 3))
    low, high = max(low, OPEN_END), min(high, 1 - OPEN_END)
    # "Always" and "never" have their median at the end of the scale; the best value stays inside the interval.
    return WordReading(low, min(max(best, OPEN_END), 1 - OPEN_END), high, EMPIRICAL_LEVEL)
