"""What is known of each event's state over time: the settled items as a step function of the date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from forecast.compiled.layout import Layout
from forecast.workspace.records import Item, Settled


@dataclass(frozen=True)
class Path:
    """The known course of one dated event: its first state and the dated changes, each to a state index.

    `until` is the date up to which the state is known (silence counts until then).
    """

    first: int
    changes: tuple[tuple[date, int], ...]
    until: date

    def before(self, day: date) -> int:
        """Return the state just before a day: a change on the day itself does not count yet."""
        return self._last(lambda change: change < day)

    def on(self, day: date) -> int:
        """Return the state at the end of a day."""
        return self._last(lambda change: change <= day)

    def _last(self, counts: Callable[[date], bool]) -> int:
        state = self.first
        for day, after in self.changes:
            if counts(day):
                state = after
        return state


@dataclass(frozen=True)
class Known:
    """What is settled as of a date: a path for each dated event, and observed states of constants.

    `as_of` filters items; `until` = min(as_of, watched_until), within the window, is where silence stops counting.
    """

    as_of: date
    until: date
    paths: dict[int, Path]
    observed: dict[int, tuple[int, ...]]


def active_items(items: Iterable[Item], as_of: date) -> tuple[Item, ...]:
    """Return the items known on a date: reported by then, not yet retracted, not yet superseded."""
    known = [item for item in items if item.reported <= as_of]
    superseded = {item.supersedes for item in known if item.supersedes}
    return tuple(
        item for item in known if item.id not in superseded and not (item.retracted and item.retracted <= as_of)
    )


def settle(layout: Layout, items: Iterable[Item], as_of: date, watched_until: date | None) -> Known:
    """Read the settled parts of the items that are active on `as_of` as paths.

    A step lies at `happened`, else at `reported`. The same state again is no news.
    """
    # News last watched before the opening says nothing of the window: all of it is open.
    until = max(layout.opens, min(as_of, watched_until or as_of, layout.horizon))
    dated: dict[int, dict[date, int]] = {v: {} for v in range(len(layout.events)) if layout.dated(v)}
    last: dict[int, date] = {}
    observed: dict[int, tuple[int, ...]] = {}
    for item in items:
        day = item.happened or item.reported
        for bearing in item.bears_on:
            if not isinstance(bearing, Settled):
                continue
            v, state = layout.index[bearing.event], layout.state(bearing.event, bearing.state)
            if v not in dated:
                observed[v] = (*observed.get(v, ()), state)
                continue
            # Two steps of a reached event on one day: the later one; statuses never share a day (checked).
            dated[v][day] = max(state, dated[v].get(day, 0))
            last[v] = max(day, last.get(v, day))
    paths = {}
    for v, states in dated.items():
        event = layout.events[v]
        first = event.states.index(event.initial) if event.initial is not None else 0
        changes, current = [], first
        for day in sorted(states):
            if states[day] != current:
                changes.append((day, states[day]))
                current = states[day]
        paths[v] = Path(first, tuple(changes), max(until, last.get(v, until)))
    return Known(as_of, until, paths, observed)
