"""The short way for a row of bulk evidence: an item, if nothing in the row can be wrong; else None.

What rows have in common (days, sources, likelihoods) is looked at once. Nothing here words a mistake: whatever is not
plainly right is left to the long way, so being too strict here costs time alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Literal

from forecast.workspace.frame import Frame
from forecast.workspace.horizons import last_horizon
from forecast.workspace.names import chosen
from forecast.workspace.problems import Source
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, Settled, Support
from forecast.workspace.shapes.common import ISO_DAY, NAME_PATTERN, Choice

NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
LONGEST_NAME, LONGEST_TEXT = 100, 20_000
NUMBER = re.compile(r"(?=.{1,30}$)([0-9]*\.?[0-9]+|[0-9]+\.)")
CREDIBILITIES = {"": 6, **{str(number): number for number in range(1, 7)}}
STRENGTHS = ("slight", "moderate", "strong", "very_strong")
DEFAULT_RHO = 0.9
AT_LEAST = "at_least="  # before a state in a cell of `for`

Built = Callable[[Source], Bearing]
WAYS = ("settled", "likelihood", "support", "claims", "for", "until")


class PlainRows:
    """Reads rows against one frame, and keeps what it has looked at."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.day = cache(self._day)
        self.bearing = cache(self._bearing)
        self.sources = frozenset(frame.names.sources or ())

    def item(self, cells: Mapping[str, str], source: Source) -> Item | None:
        """Return the item of a row, or None where anything in it may be wrong."""
        get, network = cells.get, self.frame.network
        reported = self.day(cells["reported"])
        credibility, reporter = CREDIBILITIES.get(get("credibility", "")), cells["source"]
        if reported is None or network is None or credibility is None or reporter not in self.sources:
            return None
        built = self.bearing(cells["event"], *[get(way, "") for way in WAYS])
        if built is None or reported < network.opens:
            return None
        make, settles, until = built
        happened, retracted = self._optional(get("happened", "")), self._optional(get("retracted", ""))
        if happened is False or retracted is False or (until is not None and until < reported):
            return None
        if (happened is not None and not network.opens <= happened <= reported) or (retracted or reported) < reported:
            return None
        if settles and (happened or reported) > last_horizon(network):
            return None
        names = cells["id"], get("group", ""), get("supersedes", "")
        texts = cells["headline"], get("url", ""), get("why", "")
        if not names[0] or not all(map(_is_name, names)) or not texts[0] or get("rho"):
            return None
        if max(map(len, texts)) > LONGEST_TEXT:
            return None
        return Item(
            names[0],
            reported,
            happened,
            reporter,
            credibility,
            names[1] or None,
            DEFAULT_RHO,
            texts[0],
            texts[1] or None,
            texts[2],
            (make(source),),
            retracted,
            names[2] or None,
            source,
        )

    def _optional(self, cell: str) -> date | Literal[False] | None:
        """Return the day of a cell, None where it is empty, False where it is wrong."""
        if not cell:
            return None
        return self.day(cell) or False

    def _day(self, cell: str) -> date | None:
        if not ISO_DAY.fullmatch(cell):
            return None
        try:
            day = date.fromisoformat(cell)
        except ValueError:
            return None
        return day if day <= self.frame.today else None

    def _bearing(
        self, event: str, settled: str, likelihood: str, support: str, claims: str, favoured: str, until: str
    ) -> tuple[Built, bool, date | None] | None:
        """Return what makes the bearing at a place, whether it settles, and until when it weighs."""
        states = self.frame.names.states(event)
        one_of = [way for way in (settled, likelihood, support, claims) if way]
        if states is None or len(one_of) != 1 or (favoured and not support) or (until and (settled or claims)):
            return None
        day = _any_day(until)
        if until and day is None:
            return None
        if settled:
            return (lambda source: Settled(event, settled, source), True, None) if settled in states else None
        if claims:
            return (lambda source: Claim(event, claims, source), False, None) if claims in states else None
        if support:
            wanted = self._wanted(event, favoured)
            is_plain = support in STRENGTHS and wanted is not None and len(wanted) < len(states)
            return (lambda source: Support(event, support, wanted or (), day, source), False, day) if is_plain else None
        ratios = _ratios(likelihood)
        if ratios is None or set(ratios) != set(states) or not any(ratios.values()):
            return None
        in_order = {state: ratios[state] for state in states}
        return lambda source: Likelihood(event, in_order, day, source), False, day

    def _wanted(self, event: str, cell: str) -> tuple[str, ...] | None:
        named = split(cell.removeprefix(AT_LEAST))
        and_later = cell.startswith(AT_LEAST)
        is_plain = all(named) and not (and_later and len(named) > 1)
        return chosen(self.frame.names, event, Choice(tuple(named), and_later)) if is_plain else None


def split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several, `a; b`; one `;` may end it."""
    return [part.strip() for part in cell.removesuffix(";").split(";")]


def pair(part: str) -> tuple[str, str]:
    """Return state and number of one part of a likelihood, `STATE=NUMBER`."""
    state, _, number = part.partition("=")
    return state.strip(), number.strip()


def _is_name(text: str) -> bool:
    return not text or (len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None)


def _any_day(cell: str) -> date | None:
    """Return a day that may lie in the future."""
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


def _ratios(cell: str) -> dict[str, float] | None:
    """Return the numbers of a likelihood, or None where a part of it is not plainly STATE=NUMBER."""
    ratios: dict[str, float] = {}
    for state, number in map(pair, split(cell)):
        if not NUMBER.fullmatch(number) or state in ratios:
            return None
        ratios[state] = float(number)
    return ratios
