"""Items that look like copies of each other and stand in no common group: each would count as news of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from difflib import SequenceMatcher

from forecast.workspace.problems import Problem, one_form, shown
from forecast.workspace.readable import Readable
from forecast.workspace.records import Item, Settled, events_of

ALIKE = 0.9  # ratio of difflib from which two headlines are the same in other words
ENDS = 12  # characters at either end of a headline; one end must be the same for two headlines to be compared
LONGEST = 300  # characters of a headline that are compared


def copied_reports(all_: Readable) -> Iterator[Problem]:
    """Warn of an item with the address of another one on its event, or with its headline on its event and day.

    Of the earlier items at an address, or beginning or ending like this one, the first of two groups are compared: the
    time is linear in the items. A copy whose headline differs at both ends is not seen.
    """
    by_url: dict[tuple[str, str], list[Item]] = {}
    by_headline: dict[tuple[str, date, str], list[Item]] = {}
    for item in all_.items:
        headline = _plain(item)
        for bearing in item.bears_on:
            if isinstance(bearing, Settled):
                continue
            is_told = False
            for event in events_of(bearing):
                same_url = by_url.setdefault((item.url, event), []) if item.url else []
                blocks = [
                    by_headline.setdefault((event, item.reported, end), [])
                    for end in dict.fromkeys(("<" + headline[:ENDS], ">" + headline[-ENDS:]))
                ]
                found = next((other for other in same_url if _apart(item, other)), None)
                how = "address" if found is not None else "headline"
                if found is None:
                    every = (one for block in blocks for one in block)
                    found = next((one for one in every if _apart(item, one) and _alike(headline, _plain(one))), None)
                if found is not None and not is_told:
                    what = f"item {shown(item.id)}: bears on {shown(event)} with the {how} of item {shown(found.id)}"
                    allowed = f"that is at {found.source}; give both one group if they restate each other"
                    yield Problem(bearing.source, what, "", allowed, "warning")
                    is_told = True  # of all events of the scenarios: one copy
                for known in (same_url, *blocks):
                    _remember(known, item)


def _remember(known: list[Item], item: Item) -> None:
    """Keep the first item of two groups; an item without one is in no group that another could share."""
    if not known or (len(known) == 1 and known[0].group is not None and known[0].group != item.group):
        known.append(item)


def _apart(item: Item, other: Item) -> bool:
    is_grouped = item.group is not None and item.group == other.group
    return other is not item and not is_grouped and item.supersedes != other.id and other.supersedes != item.id


def _plain(item: Item) -> str:
    return " ".join(one_form(item.headline[:LONGEST]).casefold().split())


def _alike(first: str, second: str) -> bool:
    """Say whether the ratio of difflib is at least ALIKE; what both begin and end with decides most cases."""
    shorter, total = min(len(first), len(second)), len(first) + len(second)
    begin = _shared(first, second)
    end = min(_shared(first[::-1], second[::-1]), shorter - begin)
    if 2 * (begin + end) >= ALIKE * total:
        return True
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _shared(first: str, second: str) -> int:
    """Return how many characters two texts share at their beginning."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
