"""The ledger as a history: each update with its scenarios, what they changed by, and what was new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.record.differences import differences
from forecast.record.ledger import Line, line_to_compare

Row = dict[str, Any]


def history(ledger: Sequence[Line]) -> list[Row]:
    """Return one row for each ledger line, in the order of the file.

    A line is compared with the latest one before it that has other inputs and is not dated after it, as an update is.
    `line` and `compared_with` are numbers of lines, from 1; `change` is None where there is nothing to compare with.
    """
    rows = []
    for place, line in enumerate(ledger):
        compared = line_to_compare(line, ledger[:place])
        before = {row["id"]: row["probability"] for row in compared["scenarios"]} if compared else {}
        rows.append(
            {
                "line": place + 1,
                "as_of": line["as_of"],
                "known_until": line["known_until"],
                "compared_with": None if compared is None else _number(compared, ledger),
                "scenarios": [_with_change(row, before) for row in line["scenarios"]],
                "inputs": differences(compared, line).as_row(),
                "news": differences(compared, line).words(),
                "note": line["note"],
                "seed": line["seed"],
                "version": line["version"],
                "diagnostics": line["diagnostics"],
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


def _number(line: Line, ledger: Sequence[Line]) -> int:
    return next(place for place, one in enumerate(ledger, 1) if one is line)


def _with_change(row: Mapping[str, Any], before: Mapping[str, float]) -> Row:
    known = row["id"] in before
    return {**row, "change": row["probability"] - before[row["id"]] if known else None}
