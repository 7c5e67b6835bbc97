"""Histories of a crowd or a market: points in time with a probability of yes, and their last values as a benchmark."""

from __future__ import annotations

import csv
import io
import math
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, ClassVar, TypeGuard

from forecast.workspace.csv_text import ANY, NotJsonError, decoded, load_json
from forecast.workspace.feeds import Feed
from forecast.workspace.feeds.coded_table import day_of_seconds
from forecast.workspace.problems import Problem, Source, blank_at, is_slip, nearest, quoted, shown
from forecast.workspace.read_benchmarks import COLUMNS
from forecast.workspace.records import Benchmark

# The elements of a list in a JSON file, each with the line on which it begins.

BLANK = re.compile(r"[ \t\n\r]*")


def read_json(content: bytes, path: str) -> tuple[str | None, Any, tuple[Problem, ...]]:
    """Return the text of a file (None where it is no JSON), what it holds, and the problems found."""
    text, problems = decoded(content, path)
    if problems and not text:
        return None, None, tuple(problems)
    if not text.strip():
        return None, None, (*problems, Problem(Source(path, 1), "the file is empty", "", "a whole JSON file"))
    try:
        return text, load_json(text, finite=False), tuple(problems)
    except NotJsonError as error:
        where = Source(path, error.line)
        if error.at is None:
            return None, None, (*problems, Problem(where, f"JSON that is not read: {error.what}", "", error.allowed))
        if (blank := blank_at(text, error.at, where)) is not None:
            return None, None, (*problems, blank)
        at = text.rfind("\n", 0, error.at) + 1  # where its line begins
        got = text[max(at, error.at - 20) : error.at + 20].split("\n")[0].strip()
        problems.append(Problem(where, f"no JSON: {error.what}", shown(got), "a whole JSON file"))
    return None, None, tuple(problems)


Step = str | int  # on the way to a list: a key of an object, or a place in a list


def elements(text: str, keys: Sequence[Step]) -> Iterator[tuple[int, Any]]:
    """Yield line and value of each element of the list behind `keys`, in a text that is JSON and holds it."""
    at = _skip(text, 0)
    for key in keys:
        at = _place_of(text, at, key) if isinstance(key, int) else dict(_entries(text, at))[key]
    line, counted = 1, 0
    for begin, value in _items(text, at):
        line, counted = line + text.count("\n", counted, begin), begin
        yield line, value


def _place_of(text: str, at: int, number: int) -> int:
    """Return where an element of the list at a place begins."""
    for found, (begin, _) in enumerate(_items(text, at)):
        if found == number:
            return begin
    raise IndexError(number)


def _skip(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    return match.end() if match else at


def _entries(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object, each with the place of its value."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = ANY.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        yield key, begin
        at = _after(text, ANY.raw_decode(text, begin)[1])


def _items(text: str, at: int) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a list, each with its place."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = ANY.raw_decode(text, at)
        yield at, value
        at = _after(text, end)


def _after(text: str, at: int) -> int:
    """Return the place after a value and the comma behind it."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}  # of time: how many a second has
OF = ""  # in what pages have in common: whose history they are; no key of a point is called so
# No such site is as old; seconds where milliseconds are meant fall into the first weeks of 1970.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
Row = tuple[date, str, float]


@dataclass(frozen=True)
class Point:
    """A probability of yes that was true from `seconds` (since 1970, UTC) on, and until `end` if that is known.

    `before`: what the site says it was right before, by which points of one instant are put in order.
    """

    seconds: float
    probability: float
    source: Source
    before: float | None = None
    end: float | None = None


@dataclass(frozen=True, kw_only=True)
class HistorySelection:
    """Which history of a file is wanted, and how it is read.

    `picks` name what a file has several of: a question, an option, an answer, a token or a ticker. `aggregation` is
    that of Metaculus; `complement` takes 1 - p, of a file with the prices of "no"; `above` asks of a distribution how
    probable it is that the number lies above it. `matched` gathers the picks that named something.
    """

    picks: tuple[str, ...] = ()
    aggregation: str | None = None
    complement: bool = False
    above: float | None = None
    matched: set[str] = field(default_factory=set, compare=False)


ALL = HistorySelection()


@dataclass(frozen=True)
class Pages:
    """What pages of one history have in common: `same` by key of a point, and each point by its id."""

    same: dict[str, object] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)

    def another(self, of: str | None, source: Source) -> Iterator[Problem]:
        """Report a file whose history is not that of the files before it."""
        if of is not None and (first := self.same.setdefault(OF, of)) != of:
            yield Problem(source, "another history than that of the files before", shown(of), f"{shown(first)} alone")


@dataclass(frozen=True, kw_only=True)
class Located:
    """Where in a file the wanted list of points is, and which number of a point counts.

    `keys` lead to the list. `option` is the place among several probabilities; `level` that on the scale, from 0 to 1,
    of a distribution. `remarks` say what else the file tells; they are placed at its first line. `of` is whose history
    it is, where the file says so once for all points.
    """

    keys: tuple[Step, ...]
    option: int | None = None
    level: float | None = None
    remarks: tuple[Problem, ...] = ()
    of: str | None = None


class NotLocatedError(Exception):
    """A file does not hold what is wanted: what is wrong, what was got, what is allowed."""

    def __init__(self, what: str, got: str = "", allowed: str = "") -> None:
        super().__init__(what)
        self.what, self.got, self.allowed = what, got, allowed


END = "end_time"  # of a point, where the site says until when it stood


class Crowd(Feed):
    """A site with a crowd or a market: where its file holds the list of points, and which keys of a point are read.

    `per_second`: how many of its units of time a second has. `form`: what the file is, in words. `same`: keys that
    have one value in all pages, or they are of several questions; a pick names one of them. `before`: the key of what
    the probability was right before; `id`: of what no two points have in common. `takes` are the options, beside
    picks, that it knows. A site with other shapes overrides `locate`, `needs` and `said`.
    """

    is_evidence = False
    keys: ClassVar[tuple[str, ...]]
    time: ClassVar[str]
    probability: ClassVar[str]
    per_second: ClassVar[float] = 1.0
    form: ClassVar[str]
    same: ClassVar[tuple[str, ...]] = ()
    before: ClassVar[str | None] = None
    id: ClassVar[str | None] = None
    takes: ClassVar[tuple[str, ...]] = ()

    def locate(self, value: Any, selection: HistorySelection) -> Located:  # noqa: ARG002 - of sites with several histories
        """Return where the points are. Raises NotLocatedError."""
        list_at(value, self.keys, self.form)
        return Located(keys=self.keys)

    def needs(self, entry: Mapping[str, object]) -> tuple[str, ...]:  # noqa: ARG002 - of sites with several shapes
        """Return the keys that a point has to have."""
        return (self.time, self.probability)

    def may_have(self, entry: Mapping[str, object]) -> Iterator[tuple[Mapping[str, object], tuple[str, ...]]]:
        """Yield a point, and what is within it, each with the keys that are read of it and may be left out."""
        yield entry, tuple(key for key in (*self.same, self.before, self.id, END) if key is not None)

    def said(self, entry: Mapping[str, object], located: Located) -> tuple[object, object]:
        """Return the time and the probability of a point as the file has them; None for a point without a value."""
        probability = entry[self.probability]
        if isinstance(probability, list) and located.option is not None:
            probability = probability[located.option] if located.option < len(probability) else None
        elif isinstance(probability, list) and len(probability) == 1:
            probability = probability[0]
        return entry[self.time], probability


class CrowdOfTables(Crowd):
    """A site that also gives its histories as tables."""

    @abstractmethod
    def from_table(
        self, content: bytes, path: str, selection: HistorySelection, now: float, pages: Pages
    ) -> tuple[tuple[Point, ...], tuple[Problem, ...]] | None:
        """Return the points of a file that is a table, and what is wrong in it or with it among `pages`.

        None where it is none.
        """


def list_at(value: Any, keys: Sequence[Step], form: str) -> None:
    """Raise NotLocatedError where there is no list behind keys."""
    if not isinstance(inside(value, keys), list):
        there = inside(value, keys[:-1])
        got = f"keys are {quoted(there)}" if isinstance(there, dict) else shown(there)
        raise NotLocatedError(f"no list at {'.'.join(map(str, keys)) or 'the top'}", got, form)


def inside(value: Any, keys: Sequence[Step]) -> Any:
    """Return what is behind keys, None where that is nothing."""
    for key in keys:
        if isinstance(key, int):
            value = value[key] if isinstance(value, list) and key < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def picked(what: str, names: Sequence[tuple[str, ...]], selection: HistorySelection) -> int:
    """Return which of several, each with its names, a pick names; the only one needs none. Raises NotLocatedError."""
    chosen = [place for place, known in enumerate(names) if set(known) & set(selection.picks)]
    selection.matched.update(pick for pick in selection.picks for known in names if pick in known)
    if len(chosen) == 1:
        return chosen[0]
    if len(names) == 1 and not chosen:
        return 0
    listed = "; ".join(" or ".join(shown(name) for name in known if name) for known in names[:PICKS_LISTED])
    more = f"; {len(names) - PICKS_LISTED} more" if names[PICKS_LISTED:] else ""
    near = "".join(nearest(pick, [name for known in names for name in known]) for pick in selection.picks)
    got = quoted(selection.picks) if selection.picks else f"{len(names)} of them"
    raise NotLocatedError(f"several {what}s", got, f"--pick one of {listed}{more}{near}")


PICKS_LISTED = 20


def read_points(
    content: bytes, path: str, crowd: Crowd, now: float, selection: HistorySelection = ALL, pages: Pages | None = None
) -> tuple[tuple[Point, ...], tuple[Problem, ...]]:
    """Return the points of a file in file order, and what is wrong in it, or does not go with the `pages` before it.

    `now` is in seconds since 1970.
    """
    pages = pages or Pages()
    in_table = crowd.from_table(content, path, selection, now, pages) if isinstance(crowd, CrowdOfTables) else None
    if in_table is not None:
        return in_table
    text, value, problems = read_json(content, path)
    if text is None:
        return (), problems
    try:
        located = crowd.locate(value, selection)
    except NotLocatedError as error:
        return (), (*problems, Problem(Source(path, 1), error.what, error.got, error.allowed))
    points: list[Point] = []
    found_wrong = [*problems, *(replace(remark, source=Source(path, 1)) for remark in located.remarks)]
    if another := tuple(pages.another(located.of, Source(path, 1))):
        return (), (*found_wrong, *another)
    nulls = 0
    entries = list(elements(text, located.keys))
    # Of several answers in one list a pick names one.
    apart = [
        key
        for key in crowd.same
        if any(entry.get(key) in selection.picks for _, entry in entries if isinstance(entry, dict))
    ]
    selection.matched.update(str(entry.get(key)) for key in apart for _, entry in entries if isinstance(entry, dict))
    for line, entry in entries:
        source = Source(path, line)
        if not isinstance(entry, dict):
            found_wrong.append(Problem(source, "not a point of a history", shown(entry), "a JSON object"))
            continue
        of_keys = [*_missing(entry, crowd, source), *_misspelt(entry, crowd, source)]
        if not of_keys and any(entry.get(key) not in selection.picks for key in apart):
            continue
        wrong = of_keys or [*_other(entry, crowd, pages.same, source)]
        if not wrong:
            time, probability = crowd.said(entry, located)
            if probability is None:
                nulls += 1
                continue
            before, wrong = _before(entry, crowd, source)
            end = entry.get(END)
            point, of_point = as_point(time, probability, crowd, source, now, selection, end=end)
            wrong += of_point
            if point is not None:
                turned = complement(before) if before is not None and selection.complement else before
                wrong += _again(entry, crowd, point, pages)
                points.append(replace(point, before=turned))
        found_wrong += wrong
    if not points and not any(problem.severity == "error" for problem in found_wrong):
        what = "the history is empty" if not nulls else "the history has no value"
        found_wrong.append(Problem(Source(path, 1), what, "", "at least one point"))
    return tuple(points), (*found_wrong, *gaps(points))


def gaps(points: Sequence[Point]) -> Iterator[Problem]:
    """Warn where a value ended and the next one came a day or more later: in a series it stands until then."""
    in_order = sorted(points, key=lambda point: point.seconds)
    ended = [
        point
        for point, after in pairwise(in_order)
        if point.end is not None and after.seconds - point.end >= SECONDS_A_DAY
    ]
    if ended:
        what = f"{len(ended)} {'value' if len(ended) == 1 else 'values'} ended a day or more before the next one"
        ends = f"the first at {datetime.fromtimestamp(ended[0].end or 0.0, UTC).date()}"
        yield Problem(ended[0].source, what, ends, "in the series a value stands until the next one", "warning")


SECONDS_A_DAY = 86400.0


def _missing(entry: dict[str, object], crowd: Crowd, source: Source) -> Iterator[Problem]:
    for key in crowd.needs(entry):
        if key not in entry:
            allowed = f"keys are {quoted(entry)}{nearest(key, tuple(entry))}"
            yield Problem(source, f"a point without {shown(key)}", "", allowed)


def _misspelt(entry: dict[str, object], crowd: Crowd, source: Source) -> Iterator[Problem]:
    """Report each key that is nearly one which a point may leave out and does: it would be passed over."""
    for part, keys in crowd.may_have(entry):
        read = {*keys, *(crowd.needs(entry) if part is entry else ())}
        strange = [key for key in part if key not in read]
        for key in keys:
            meant = [one for one in strange if is_slip(one, key)] if key not in part else []
            if meant:
                allowed = f"keys that are read are {quoted(sorted(read))}; did you mean {shown(key)}?"
                yield Problem(source, f"unknown key {shown(meant[0])}", "", allowed)


def _other(entry: dict[str, object], crowd: Crowd, same: dict[str, object], source: Source) -> Iterator[Problem]:
    for key in crowd.same:
        value = entry.get(key)
        if same.setdefault(key, value) != value:
            what = f"{key} differs from the points before: points of several questions or answers"
            yield Problem(source, what, shown(value), f"{shown(same[key])} alone, or --pick one of them")


def _before(entry: Mapping[str, object], crowd: Crowd, source: Source) -> tuple[float | None, list[Problem]]:
    """Return what the probability was right before a point, None where the site does not say; or what is wrong."""
    said = entry.get(crowd.before) if crowd.before else None
    if said is None:
        return None, []
    if _is_number(said) and 0.0 <= said <= 1.0:
        return float(said), []
    return None, [Problem(source, f"{crowd.before} is not a probability", shown(said), "one number from 0 to 1")]


def _again(entry: dict[str, object], crowd: Crowd, point: Point, pages: Pages) -> Iterator[Problem]:
    """Report a point with the id of another one that says something else: one of the two is out of date."""
    name = entry.get(crowd.id) if crowd.id else None
    if not isinstance(name, str | int):
        return
    first = pages.points.setdefault(str(name), point)
    if (first.seconds, first.probability) != (point.seconds, point.probability):
        what = f"{crowd.id} {shown(name)} appears twice, with another time or probability"
        yield Problem(point.source, what, repr(point.probability), f"{first.probability!r} at {first.source}; keep one")


def as_point(
    time: object,
    probability: object,
    crowd: Crowd,
    source: Source,
    now: float,
    selection: HistorySelection,
    *,
    end: object = None,
    columns: tuple[str, str, str] | None = None,
) -> tuple[Point | None, list[Problem]]:
    """Return a time and a probability of a file as a point, or what is wrong with them, by the names of `columns`."""
    wrong: list[Problem] = []
    form_of_time = "a number, or ISO 8601 with its offset" if columns is None else "ISO 8601 with its offset"
    of_time, of_probability, of_end = columns or (crowd.time, crowd.probability, END)
    seconds = _seconds(time, crowd.per_second)
    if seconds is None:
        wrong.append(Problem(source, f"{of_time} is not a time", shown(time), form_of_time))
    elif not EARLIEST <= seconds <= now:
        likely = [
            unit for unit, per_second in UNITS.items() if EARLIEST <= seconds * crowd.per_second / per_second <= now
        ]
        hint = f"; in {likely[0]} it would be one" if likely and _is_number(time) else ""
        allowed = f"a time since 2000, not in the future, with {crowd.per_second:g} a second{hint}"
        wrong.append(Problem(source, f"{of_time} is not a time of a history", shown(time), allowed))
    share = float(probability) if _is_number(probability) and 0.0 <= probability <= 1.0 else None
    if share is None:
        what = f"{of_probability} is not a probability"
        is_text = isinstance(probability, str) and re.fullmatch(r"[01]?\.?\d+", probability)
        allowed = "one number from 0 to 1, without quotes" if is_text else "one number from 0 to 1"
        if _is_number(probability) and 1.0 < probability <= 100.0:
            allowed += f"; {probability:g} % is written {probability / 100.0:g}"
        wrong.append(Problem(source, what, shown(probability), allowed))
    until = None if end in (None, "") else _seconds(end, crowd.per_second)
    if until is None and end not in (None, ""):
        wrong.append(Problem(source, f"{of_end} is not a time", shown(end), form_of_time))
    elif until is not None and seconds is not None and not wrong and until < seconds:
        wrong.append(Problem(source, f"{of_end} lies before {of_time}", shown(end), f"{shown(time)} or later"))
    if wrong or seconds is None or share is None:
        return None, wrong
    return Point(seconds, complement(share) if selection.complement else share, source, end=until), wrong


def complement(share: float) -> float:
    """Return 1 - p, in the digits that p is written with: of .7 it is .3."""
    return float(1 - Decimal(repr(share)))


def _seconds(time: Any, per_second: float) -> float | None:
    if _is_number(time):
        return float(time) / per_second
    if not isinstance(time, str):
        return None
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return moment.astimezone(UTC).timestamp() if moment.tzinfo else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def last_of_days(points: Iterable[Point], today: date) -> tuple[dict[date, Point], tuple[Problem, ...]]:
    """Return the last point of each day before `today`, which is not over yet, by day; and days with two last values.

    The order of the points is of no matter, nor is a point that stands there twice.
    """
    instants: dict[float, list[Point]] = {}
    for point in sorted(points, key=lambda one: (one.seconds, one.source)):
        instants.setdefault(point.seconds, []).append(point)
    last: dict[date, Point] = {}
    problems: dict[date, Problem] = {}
    stood: float | None = None
    for seconds, group in instants.items():
        end = last_of_instant(group, stood)
        stood = group[-1].probability if end is None else end.probability
        day = day_of_seconds(seconds)
        if day >= today:
            continue
        problems.pop(day, None)
        if end is None:
            first, other = group[0], next(one for one in group if one.probability != group[0].probability)
            got, allowed = (
                f"{first.probability!r} and {other.probability!r}",
                f"the other at {first.source}; keep one",
            )
            problems[day] = Problem(other.source, f"two values at the last moment of {day}", got, allowed)
        last[day] = end or group[-1]
    return last, tuple(problems[day] for day in sorted(problems))


def last_of_instant(points: Sequence[Point], stood: float | None) -> Point | None:
    """Return the last of points of one instant, None where that cannot be told.

    Each continues where another one ended: the last one is that at which one chain of all of them ends. Where they lead
    back to where they began, the last one is where the instant found the probability, `stood`.
    """
    if len({point.probability for point in points}) == 1:
        return points[0]
    if any(point.before is None for point in points):
        return None
    # A page that overlaps another repeats its points.
    moves = {(_digits(point.before), _digits(point.probability)): point for point in points}
    ends = Counter(after for _, after in moves)
    ends.subtract(before for before, _ in moves)
    last = {value for value, n in ends.items() if n > 0}
    if not last and stood is not None:
        last = {_digits(stood)}
    found = [point for (_, after), point in moves.items() if after in last]
    return found[0] if len(last) == 1 and found else None


def _digits(probability: float | None) -> float:
    """Return a probability as two bets have it in common: the site computes it anew each time."""
    return round(probability or 0.0, 9)


def merged(
    before: Benchmark | None, forecaster: str, new: dict[date, Point]
) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """Return the rows of a series with new ones, by day and forecaster; a day that had another value is a problem."""
    rows = {(day, who): value for day, who, value in (before.points if before else ())}
    problems = []
    for day, point in new.items():
        known = rows.setdefault((day, forecaster), point.probability)
        if known != point.probability and before is not None:
            what = f"{forecaster} on {day} differs from the value in {before.source.path}"
            allowed = f"{known!r}; take that row out first if it was wrong"
            problems.append(Problem(point.source, what, repr(point.probability), allowed))
    return tuple((day, who, value) for (day, who), value in sorted(rows.items())), tuple(problems)


def as_csv(rows: Iterable[Row]) -> bytes:
    """Return a series as the file that a workspace reads; probabilities keep every digit."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((day.isoformat(), who, repr(value)) for day, who, value in rows)
    return text.getvalue().encode()
