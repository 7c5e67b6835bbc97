"""The ledger as a history: each update with its scenarios, what they changed by, and what was new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.record.differences import differences
from forecast.record.entries import Line, Share
from forecast.record.ledger import line_to_compare

Row = dict[str, Any]


def history(updates: Sequence[Line]) -> list[Row]:
    """Return one row for each update of a ledger, in the order of the file.

    A line is compared with the latest one before it that has other inputs and is not dated after it, as an update is.
    `line` and `compared_with` are numbers of lines, from 1; `change` is None where there is nothing to compare with.
    """
    rows = []
    for place, line in enumerate(updates):
        compared = line_to_compare(line, updates[:place])
        before = compared.probabilities if compared else {}
        told = differences(compared, line)
        rows.append(
            {
                "line": line.number,
                "as_of": line.as_of.isoformat(),
                "known_until": line.known_until.isoformat(),
                "compared_with": None if compared is None else compared.number,
                "scenarios": [_with_change(share, before) for share in line.scenarios],
                "inputs": told.as_row(),
                "news": told.words(),
                "note": line.note,
                "seed": line.seed,
                "version": line.version,
                "diagnostics": dict(line.diagnostics),
            }
        )
    return rows


def courses(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, list[float | None]]]:
    """Return the as-of dates in order, and each scenario's probability on them (None where it was not there).

    Of several updates of one date the last one counts.
    """
    by_date: dict[str, Mapping[str, Any]] = {row["as_of"]: row for row in rows}
    days = sorted(by_date)
    names = dict.fromkeys(one["id"] for day in days for one in by_date[day]["scenarios"])
    known = {day: {one["id"]: one["probability"] for one in by_date[day]["scenarios"]} for day in days}
    return days, {name: [known[day].get(name) for day in days] for name in names}


def _with_change(share: Share, before: Mapping[str, float]) -> Row:
    change = share.probability - before[share.id] if share.id in before else None
    return {**share.as_json(), "change": change}
