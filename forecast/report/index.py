"""The page that lists all updates: reports/index.html, with the course of every scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from forecast.report.digits import percent
from forecast.report.untrusted import all_readable

Row = dict[str, Any]

WIDTH, HEIGHT, ROOM = 220.0, 44.0, 4.0  # of a sparkline, and the room around it


def index_page(title: str, names: Mapping[str, str], lines: Sequence[Mapping[str, Any]], drawn: Sequence[str]) -> str:
    """Render the list of updates.

    Args:
        title: of the question.
        names: of the scenarios that there are now, by id; others are called by their id.
        lines: the ledger's lines in the order of the file, and in the same form forecasts that have a page but no line.
        drawn: as-of dates that have a report.
    """
    from markupsafe import Markup

    from forecast.report.render import page_environment, source

    latest = {line["as_of"]: line for line in lines}  # of several updates of one date the last one counts
    ids = list(dict.fromkeys([*names, *(row["id"] for line in lines for row in line["scenarios"])]))
    ids = [name for name in ids if any(row["id"] == name for line in latest.values() for row in line["scenarios"])]
    content = {
        "title": title,
        "scenarios": [_scenario(name, names.get(name, name), latest) for name in ids],
        "updates": [_update(latest[day], ids, day in drawn) for day in sorted(latest, reverse=True)],
    }
    environment = page_environment()
    style = Markup(source(environment, "style.css"))
    text: str = environment.get_template("index.html").render(index=all_readable(content), style=style)
    return text


def _shares(line: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Return each scenario's probability with its Monte Carlo error, where the line has one."""
    return {row["id"]: (row["probability"], row.get("mcse")) for row in line["scenarios"]}


def _scenario(name: str, called: str, latest: Mapping[str, Mapping[str, Any]]) -> Row:
    told = [(day, p) for day in sorted(latest) if (p := _shares(latest[day]).get(name)) is not None]
    points = [(day, p) for day, (p, _) in told]
    return {"name": called, "shown": percent(*told[-1][1]), "n": len(points), **spark(points)}


def spark(points: Sequence[tuple[str, float]]) -> Row:
    """Place a course between its first and its last day, at the right end, on an axis from 0 to 1."""
    last = date.fromisoformat(points[-1][0])
    days = max((last - date.fromisoformat(points[0][0])).days, 1)
    places = [
        (
            WIDTH - ROOM - (WIDTH - 2 * ROOM) * (last - date.fromisoformat(day)).days / days,
            ROOM + (HEIGHT - 2 * ROOM) * (1.0 - p),
        )
        for day, p in points
    ]
    return {"line": " ".join(f"{x:.1f},{y:.1f}" for x, y in places), "dots": places}


def _update(line: Mapping[str, Any], ids: Sequence[str], has_report: bool) -> Row:
    shares = _shares(line)
    return {
        "as_of": line["as_of"],
        "note": line.get("note"),
        "shown": [percent(*shares[name]) if name in shares else "—" for name in ids],
        "has_report": has_report,
    }
