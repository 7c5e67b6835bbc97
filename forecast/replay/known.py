"""What was known on a date: the workspace without anything dated later."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from forecast.prior.spec import active_statements, known_resolution
from forecast.workspace.names import seen_on
from forecast.workspace.records import Benchmark, Item, Resolved, Workspace


def known_on(workspace: Workspace, as_of: date) -> Workspace:
    """Return the workspace as it was known on a date, day included.

    Items, statements, questions and points of benchmarks dated later are gone, and so are experts and sources that only
    they name; later retractions, resolutions, undoings and rolls of the horizon have not happened. A forecast as of the
    date is the same from both workspaces, bit for bit: the engine reads nothing later, and here there is nothing later.
    """
    seen = seen_on(workspace, as_of)
    items = tuple(_not_yet_retracted(item, as_of) for item in seen.items if item.reported <= as_of)
    statements = tuple(known_resolution(one, as_of) for one in active_statements(seen, as_of))
    speakers, reporters = {one.expert for one in statements}, {item.report_source for item in items}
    return replace(
        seen,
        network=replace(seen.network, rolled=tuple(roll for roll in seen.network.rolled if roll.on <= as_of)),
        experts={name: expert for name, expert in seen.experts.items() if name in speakers},
        statements=statements,
        sources={name: source for name, source in seen.sources.items() if name in reporters},
        items=items,
        watched_until=None if seen.watched_until is None else min(seen.watched_until, as_of),
        digests={},
        questions=tuple(question for question in seen.questions if question.opens <= as_of),
        benchmarks={name: _until(series, as_of) for name, series in seen.benchmarks.items()},
        resolutions=tuple(_not_yet_undone(one, as_of) for one in seen.resolutions if one.known <= as_of),
    )


def _not_yet_retracted(item: Item, as_of: date) -> Item:
    return replace(item, retracted=None) if item.retracted and item.retracted > as_of else item


def _not_yet_undone(line: Resolved, as_of: date) -> Resolved:
    return replace(line, undone=None) if line.undone and line.undone > as_of else line


def _until(series: Benchmark, as_of: date) -> Benchmark:
    return replace(series, points=tuple(point for point in series.points if point[0] <= as_of))
