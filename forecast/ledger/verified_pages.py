"""The forecasts that stand in the folders of reports, against the lines of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from forecast.files import folders_with, read_in
from forecast.ledger.verified import Chain, IntegrityFinding, content_of
from forecast.workspace.problems import Source

Numbers = dict[str, tuple[Any, Any, Any]]  # a scenario's probability, quantiles and Monte Carlo error


def verified_pages(root: Path, chain: Chain) -> Iterator[IntegrityFinding]:
    """Hold the scenarios of every forecast.json against the lines of its date, or of a quiet day against all lines."""
    lines: dict[date, list[Numbers]] = {}
    for row in chain.sound:
        if row.day is not None:
            lines.setdefault(row.day, []).append(_numbers(row.content))
    every = [numbers for expected in lines.values() for numbers in expected]
    for name in folders_with(root / "reports", "forecast.json") if every else ():
        try:
            day = date.fromisoformat(name)
        except ValueError:
            continue
        content = read_in(root / "reports" / name, "forecast.json")
        # Where lines are not what they were, the line of the date may be one of them.
        expected = lines.get(day, every if chain.is_whole else None)
        if expected is None:
            continue
        if content is not None and not any(_are_same(_numbers(content_of(content)), line) for line in expected):
            where = Source(f"reports/{name}/forecast.json", 1)
            yield IntegrityFinding(where, "other page", f"no line of the ledger has these numbers for {day}")


def _numbers(content: Mapping[str, Any]) -> Numbers:
    try:
        rows = {row["id"]: (row["probability"], row.get("quantiles"), row.get("mcse")) for row in content["scenarios"]}
    except (KeyError, TypeError, AttributeError):
        return {}
    # A page tells the quantiles by their names, a line in their order.
    return {name: (p, list(q.values()) if isinstance(q, Mapping) else q, mcse) for name, (p, q, mcse) in rows.items()}


def _are_same(page: Numbers, line: Numbers) -> bool:
    """Say whether a page has the numbers of a line, as far as both tell them."""
    return page.keys() == line.keys() and all(
        all(a == b or None in (a, b) for a, b in zip(numbers, line[name], strict=True))
        for name, numbers in page.items()
    )
