"""The page that lists all updates: reports/index.html, with the course of every scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from forecast.plain import all_readable
from forecast.report.page import page_environment, rendered, source
from forecast.words import percent

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT, ROOM = 220.0, 44.0, 4.0  # of a sparkline, and the room around it


@dataclass(frozen=True, kw_only=True)
class ListedForecast:
    """A forecast that is listed: its date, its note, and (probability, Monte Carlo error if known) by scenario."""

    as_of: str
    note: str | None
    shares: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """A course: its points as a line, and as places."""

    line: str
    dots: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class IndexScenario:
    """A scenario: its latest probability, and its course of `n` updates."""

    name: str
    shown: str
    n: int
    line: str
    dots: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class IndexUpdate:
    """An update: its date, its note, every scenario as it is shown, and whether there is a report of it."""

    as_of: str
    note: str | None
    shown: Sequence[str]
    has_report: bool


@dataclass(frozen=True, kw_only=True)
class IndexContent:
    """What the list shows."""

    title: str
    scenarios: Sequence[IndexScenario]
    updates: Sequence[IndexUpdate]


@dataclass(frozen=True, kw_only=True)
class IndexShown:
    """What the template of the list reads."""

    index: IndexContent
    style: Markup


def index_page(title: str, names: Mapping[str, str], listed: Sequence[ListedForecast], drawn: Sequence[str]) -> str:
    """Render the list of updates.

    Args:
        title: of the question.
        names: of the scenarios that there are now, by id; others are called by their id.
        listed: the ledger's updates in the order of the file, and forecasts that have a page but no line.
        drawn: as-of dates that have a report.
    """
    from markupsafe import Markup

    latest = {forecast.as_of: forecast for forecast in listed}  # of several updates of one date the last one counts
    ids = list(dict.fromkeys([*names, *(name for forecast in listed for name in forecast.shares)]))
    ids = [name for name in ids if any(name in forecast.shares for forecast in latest.values())]
    content = IndexContent(
        title=title,
        scenarios=[_scenario(name, names.get(name, name), latest) for name in ids],
        updates=[_update(latest[day], ids, has_report=day in drawn) for day in sorted(latest, reverse=True)],
    )
    environment = page_environment()
    shown = IndexShown(index=all_readable(content), style=Markup(source(environment, "style.css")))
    return rendered(environment, "index.html", shown)


def _scenario(name: str, called: str, latest: Mapping[str, ListedForecast]) -> IndexScenario:
    shares = [(day, latest[day].shares[name]) for day in sorted(latest) if name in latest[day].shares]
    course = spark([(day, probability) for day, (probability, _) in shares])
    return IndexScenario(name=called, shown=percent(*shares[-1][1]), n=len(shares), line=course.line, dots=course.dots)


def spark(points: Sequence[tuple[str, float]]) -> Sparkline:
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
    return Sparkline(line=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), dots=places)


def _update(listed: ListedForecast, ids: Sequence[str], *, has_report: bool) -> IndexUpdate:
    return IndexUpdate(
        as_of=listed.as_of,
        note=listed.note,
        shown=[percent(*listed.shares[name]) if name in listed.shares else "—" for name in ids],
        has_report=has_report,
    )
