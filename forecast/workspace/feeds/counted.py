"""Incidents of a coder counted over a window of days, and the state that an event's thresholds make of the count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Literal

from forecast.workspace.feeds.coded_table import (
    CodedRow,
    CodedTable,
    Coder,
    Coverage,
    File,
    RowCondition,
    Selection,
    Span,
    read_coded,
)
from forecast.workspace.nodes import MapNode, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, Source, gathered, shown
from forecast.workspace.records import Counts, Event


@dataclass(frozen=True)
class Wanted:
    """What to count: `of` in the days from `first` to `last`, both included, as it was known on `reported`."""

    of: str
    first: date
    last: date
    reported: date
    conditions: tuple[RowCondition, ...]
    is_whole: bool  # the user says that the files hold all of the window


@dataclass(frozen=True)
class IncidentCount:
    """A count with its bounds.

    `best` has every incident that ends in the window, so consecutive windows add up; `low` those that lie wholly in
    it, at the coder's low number; `high` all that touch it, at the high one.
    """

    low: int
    best: int
    high: int
    problems: tuple[Problem, ...]

    @property
    def is_right(self) -> bool:
        """Say whether the count can be used: there are warnings at most."""
        return all(problem.severity == "warning" for problem in self.problems)


def count(files: Sequence[File], coder: Coder, wanted: Wanted) -> IncidentCount:
    """Count incidents over a window. The order of files and rows is of no matter; problems are errors and warnings."""
    tally = _Tally(coder, wanted)
    problems: list[Problem] = []
    for file in files:
        table, of_table = read_coded(file, coder)
        problems += of_table
        unknown = tuple(tally.selection.column_problems(table)) if table else ()
        problems += unknown
        if table is not None and not unknown:
            tally.add(table)
    problems += tally.problems
    if not any(problem.severity == "error" for problem in problems):
        problems += tally.doubts(Source(files[0].name, 1))
    return IncidentCount(tally.low, tally.best, tally.high, gathered(set(problems)))


def state_of(event: Event, counts: Counts, number: int) -> str:
    """Return the state that a count means: that of the last threshold that it reaches, else the event's first."""
    reached = [state for state, threshold in counts.states.items() if number >= threshold]
    return reached[-1] if reached else event.states[0]


class _Tally:
    """Adds up rows, and remembers what shows whether the files hold the whole window."""

    def __init__(self, coder: Coder, wanted: Wanted) -> None:
        self.coder, self.wanted = coder, wanted
        self.selection = Selection(wanted.conditions)
        self.low = self.best = self.high = 0
        self.problems: list[Problem] = []
        self.seen: dict[str, tuple[Source, bytes]] = {}  # by key: where a row stands, and the digest of its cells
        self.overlaps: dict[tuple[str, str], list[Source]] = {}  # by two files: rows of the second that the first has
        self.coverage = Coverage(coder)
        self.uncertain: Counter[str] = Counter()
        self.first_uncertain: dict[str, Source] = {}
        self.later: list[tuple[date, Source]] = []

    def add(self, table: CodedTable) -> None:
        """Count a file."""
        if self.wanted.of == "fatalities" and not self.coder.counts_deaths:
            what = f"{self.coder.title} does not count fatalities"
            where = Source(table.name, table.header_line)
            self.problems.append(Problem(where, what, "", "an event whose counts are `of: events`"))
            return
        order = [place for _, place in sorted(table.places.items())]
        for cells in table.cells(self.problems):
            if not self._stood_before(cells, order):
                self._add_row(cells)

    def _stood_before(self, cells: CodedRow, order: Sequence[int]) -> bool:
        """Say whether another file has the same row, which then counts once; report a key that appears twice."""
        key = cells.code(self.coder.key)
        if not key:
            cells.refuse(self.coder.key, "is empty", "every row has one")
            return False
        digest = blake2b("\x1f".join(cells.row[place] for place in order).encode(), digest_size=16).digest()
        first, of_first = self.seen.setdefault(key, (cells.source, digest))
        if first == cells.source:
            return False
        if first.path != cells.source.path and of_first == digest:
            self.overlaps.setdefault((first.path, cells.source.path), []).append(cells.source)
            return True
        what = f"{self.coder.key} {shown(key)} appears twice"
        self.problems.append(Problem(cells.source, what, "", f"first at {first}; it would count twice"))
        return False

    def _add_row(self, cells: CodedRow) -> None:
        before = len(self.problems)
        span, added, is_meant = self.coder.span(cells), self.coder.added(cells), self.selection.takes(cells)
        if span is None or len(self.problems) > before:
            # It is not counted, but what else is wrong in the row is told in the same run.
            if self.wanted.of == "fatalities" and self.coder.counts_deaths:
                self.coder.deaths(cells)
            return
        if (known := max(span[1], added or span[1])) > self.wanted.reported:
            self.later.append((known, cells.source))
        self.coverage.add(cells, span, added)
        if is_meant and span[0] <= self.wanted.last and span[1] >= self.wanted.first:
            self._count(cells, span)

    def _count(self, cells: CodedRow, span: Span) -> None:
        doubt = self.coder.doubt(cells)
        numbers = (1, 1, 1) if self.wanted.of == "events" or not self.coder.counts_deaths else self.coder.deaths(cells)
        if numbers is None:
            return
        wanted = self.wanted
        if wanted.first <= span[0] and span[1] <= wanted.last:
            self.low += numbers[0]
        else:
            self._doubt("begins before the window or ends after it; it counts where it ends", cells.source)
        if span[1] <= wanted.last:
            self.best += numbers[1]
        self.high += numbers[2]
        if doubt is not None:
            self._doubt(doubt, cells.source)

    def _doubt(self, what: str, where: Source) -> None:
        self.uncertain[what] += 1
        self.first_uncertain[what] = min(where, self.first_uncertain.get(what, where))

    def doubts(self, where: Source) -> Iterator[Problem]:
        """Report what is wrong with the files as a whole, and what is uncertain in the count."""
        wanted = self.wanted
        yield from self.selection.unmet(where, "warning" if wanted.is_whole else "error")
        if self.later:
            known, place = min(self.later, key=lambda pair: pair[1])
            what = f"a row of {known}, after the day on which the count was reported ({len(self.later)} such rows)"
            yield Problem(place, what, str(wanted.reported), "--reported: the day from which these files were public")
        for (first, _), places in sorted(self.overlaps.items()):
            many = "1 row" if len(places) == 1 else f"{len(places):,} rows"
            yield Problem(
                min(places), f"the files overlap: {many} of {first} again; each counts once", severity="warning"
            )
        for what, number in sorted(self.uncertain.items()):
            text = f"an incident {what} ({number} of those that count)"
            yield Problem(self.first_uncertain[what], text, severity="warning")
        if not wanted.is_whole:
            yield from self.coverage.doubts(wanted.first, wanted.last, where)


# A count of incidents as an evidence item: the state that the event's thresholds make of it, and its words.

Way = Literal["claims", "settled", "support"]
BOUNDS = ("low", "best", "high")


@dataclass(frozen=True)
class Filed:
    """What the item says beside the count."""

    item_id: str
    source: str
    credibility: str | None
    group: str | None
    url: str | None
    way: Way
    strength: str | None  # of support


def states_of(event: Event, counts: Counts, counted: IncidentCount) -> dict[str, str]:
    """Return the state that each bound of a count means."""
    return {bound: state_of(event, counts, getattr(counted, bound)) for bound in BOUNDS}


def state_problems(
    event: Event, counted: IncidentCount, states: dict[str, str], way: Way, where: Source
) -> Iterator[Problem]:
    """Warn where the bounds mean different states; refuse to report that a reached event is at its beginning."""
    if len(set(states.values())) > 1:
        said = ", ".join(f"{bound} {getattr(counted, bound)} is '{states[bound]}'" for bound in BOUNDS)
        what = f"the bounds of the count are different states of '{event.id}'"
        yield Problem(where, what, said, "the item says the best; its credibility can say how sure that is", "warning")
    if event.kind == "reached" and states["best"] == event.states[0] and way != "support":
        what = f"the count says that '{event.id}' is still '{event.states[0]}', which is no news"
        yield Problem(where, what, str(counted.best), "of a reached event silence counts without an item")


def item_fields(
    coder: Coder,
    event: Event,
    counts: Counts,
    counted: IncidentCount,
    wanted: Wanted,
    filed: Filed,
    files: Sequence[File],
) -> tuple[dict[str, Node], MapNode]:
    """Return the keys of the item in the order in which they are written, and what it says about the event."""
    state = state_of(event, counts, counted.best)
    spread = f" ({counted.low} to {counted.high})" if counted.low < counted.high else ""
    where = f", {', '.join(map(str, wanted.conditions))}" if wanted.conditions else ""
    headline = f"{coder.title} counts {counted.best} {counts.of}{spread} from {wanted.first} to {wanted.last}{where}."
    names = ", ".join(sorted(file.name for file in files))
    given: dict[str, str | None] = {
        "id": filed.item_id,
        "reported": str(wanted.reported),
        "happened": str(wanted.last),
        "source": filed.source,
        "credibility": filed.credibility,
        "group": filed.group,
        "headline": headline,
        "url": filed.url,
        "why": f"By its thresholds {_range(event, counts, state)}; counted in {names}.",
    }
    fields: dict[str, Node] = {
        key: Scalar(int(value), value, 1) if key == "credibility" else text(value)
        for key, value in given.items()
        if value is not None
    }
    said = {"support": filed.strength or "", "for": state} if filed.way == "support" else {filed.way: state}
    return fields, mapping({"event": text(event.id), **{key: text(value) for key, value in said.items()}})


def _range(event: Event, counts: Counts, state: str) -> str:
    """Say in words from which count to which an event is in a state."""
    names = list(counts.states)
    low = counts.states.get(state)
    after = names.index(state) + 1 if low is not None else 0
    most = counts.states[names[after]] - 1 if after < len(names) else None
    numbers = f"from {low or 0} to {most}" if most is not None else f"from {low or 0} on"
    return f"{event.id} is '{state}' {numbers} {counts.of} in {counts.window_days} days"
