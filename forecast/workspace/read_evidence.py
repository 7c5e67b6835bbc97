"""Read `evidence/*.yaml`: dated reports, and what each says about the events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from operator import itemgetter
from typing import Annotated, Any, Literal

from pydantic import Field

from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.evidence_forms import (
    CELLS,
    FORM_OF_CELL,
    FORMS,
    KEYS_ON_EVENT,
    ON_EVENT,
    OTHERS,
    BearingShape,
    evidence_form,
)
from forecast.workspace.evidence_forms.form import Built, Entry
from forecast.workspace.files import COLUMN_MAP, EVIDENCE, RESOLUTIONS, TABLE, InputFiles
from forecast.workspace.names import Frame, Superseding, last_horizon, unknown_event, unknown_name
from forecast.workspace.nodes import (
    ISO_DAY,
    NAME_PATTERN,
    Cursor,
    ListNode,
    MapNode,
    Name,
    Node,
    PastDay,
    Scalar,
    Shape,
    Text,
    child,
    exactly_one,
    hold,
    mapping,
)
from forecast.workspace.problems import Problem, Source, nearest, one_form, quoted, shown
from forecast.workspace.read_questions import headline, prefix
from forecast.workspace.records import CANNOT_BE_JUDGED, DEFAULT_RHO, Bearing, Item, OnEvent, OnScenarios, Settled
from forecast.workspace.renames import Former
from forecast.workspace.yaml_text import resolve


class ItemShape(Shape):
    """One evidence item."""

    format: Literal[1] | None = None
    id: Name
    reported: PastDay
    source: Name
    headline: Text
    bears_on: Annotated[list[BearingShape], Field(min_length=1)]
    happened: PastDay | None = None
    credibility: Annotated[int, Field(ge=1, le=CANNOT_BE_JUDGED)] | None = None
    group: Name | None = None
    rho: Annotated[float, Field(ge=0, lt=1)] = DEFAULT_RHO
    independent: Text | None = None
    url: Text | None = None
    why: Text | None = None
    retracted: PastDay | None = None
    supersedes: Name | None = None


@dataclass(frozen=True)
class EvidenceRead:
    """The items of one file that are right, every id with its place, and the problems found."""

    items: tuple[Item, ...]
    ids: tuple[tuple[str, Source], ...]
    superseding: tuple[Superseding, ...]
    problems: tuple[Problem, ...]


def read_evidence(node: Node, path: str, frame: Frame) -> EvidenceRead:
    """Read one file of evidence: one item or a list of them."""
    reading = EvidenceReader(frame)
    for number, entry in enumerate(Cursor.over(node, path).items(), 1):
        reading.add(entry, number)
    return reading.result()


class EvidenceReader:
    """The items of one file, read one after the other: from trees, or (where they are right) as they come."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.items: list[Item] = []
        self.ids: list[tuple[str, Source]] = []
        self.superseding: list[Superseding] = []
        self.problems: list[Problem] = []

    def add(self, entry: Cursor, number: int) -> None:
        """Read an item from a tree; `number` names it where it has no id."""
        item_id, old_id = entry.text("id"), entry.text("supersedes")
        if item_id is not None:
            self.ids.append((item_id, entry.at("id").source))
        if old_id is not None:
            self.superseding.append(Superseding(item_id or "", old_id, entry.at("supersedes").source))
        subject = f"item {shown(item_id)}" if item_id else f"item number {number}"
        item, found = _read_item(entry.called(subject), self.frame)
        self.problems += found
        if item is not None:
            self.items.append(item)

    def add_right(self, item: Item) -> None:
        """Take an item in which nothing is wrong, but perhaps its source, of which the caller tells."""
        self.ids.append((item.id, item.source))
        if item.supersedes is not None:
            self.superseding.append(Superseding(item.id, item.supersedes, item.source))
        self.items.append(item)

    def result(self) -> EvidenceRead:
        """Return what was read."""
        return EvidenceRead(tuple(self.items), tuple(self.ids), tuple(self.superseding), tuple(self.problems))


def _read_item(at: Cursor, frame: Frame) -> tuple[Item | None, tuple[Problem, ...]]:
    checked = hold(ItemShape, at, frame.today)
    at = checked.meant
    problems = list(checked.problems)
    if (source := at.text("source")) is not None:
        problems += unknown_name(frame.names.sources, source, at.at("source"), "source")
    for number, part in enumerate(at.items_at("bears_on"), 1):
        problems += _bearing_problems(part.under(f"bears_on[{number}]"), frame)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    problems += _dates(shape, checked.at, frame)
    if shape.group is None and checked.at.has("rho"):
        what, allowed = "rho without a group has no effect", "beside `group` alone"
        problems.append(checked.at.at("rho").problem(what, str(shape.rho), allowed, "warning"))
    if shape.group is not None and shape.independent is not None:
        what, allowed = "independent, and in a group of copies", "one of them"
        problems.append(checked.at.at("independent").problem(what, shape.group, allowed))
    bearings: list[Bearing] = []
    for said, part in zip(shape.bears_on, checked.at.items_at("bears_on"), strict=True):
        built = _bearing(said, part.source, frame)
        if built is None:
            continue
        problems += _repeated(bearings, built, at.subject)
        bearings.append(built)
    item = Item(
        id=shape.id,
        reported=shape.reported,
        happened=shape.happened,
        report_source=shape.source,
        credibility=shape.credibility or CANNOT_BE_JUDGED,
        group=shape.group,
        rho=shape.rho,
        headline=shape.headline,
        url=shape.url,
        why=shape.why or "",
        bears_on=tuple(bearings),
        retracted=shape.retracted,
        supersedes=shape.supersedes,
        source=at.source,
        independent=shape.independent,
    )
    return item, tuple(problems)


def _dates(shape: ItemShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    reported, happened, network = shape.reported, shape.happened, frame.network
    if network is not None and happened is not None and happened < network.opens:
        yield at.at("happened").problem("happened before the opening", str(happened), f"from {network.opens} on")
    elif network is not None and reported < network.opens:
        allowed = f"from {network.opens} on; what was known before belongs in statements"
        yield at.at("reported").problem("reported before the opening", str(reported), allowed)
    if happened is not None and happened > reported:
        yield at.at("happened").problem("happened after it was reported", str(happened), f"until {reported}")
    if shape.retracted is not None and shape.retracted < reported:
        what, got = "retracted before it was reported", str(shape.retracted)
        yield at.at("retracted").problem(what, got, f"from {reported} on")
    settles = any(getattr(part, form.key) is not None for part in shape.bears_on for form in FORMS if form.settles)
    if network is not None and settles and (happened or reported) > last_horizon(network):
        got, key = str(happened or reported), "happened" if happened else "reported"
        yield at.at(key).problem("settles an event after the horizon", got, f"until {last_horizon(network)}")
    for number, part in enumerate(shape.bears_on):
        if part.until is not None and part.until < reported:
            where = at.at("bears_on", number, "until")
            yield where.problem("until lies before reported", str(part.until), f"from {reported} on")


def _bearing_problems(at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report everything wrong in one entry of `bears_on`, however wrong the rest of the item is."""
    if not isinstance(at.node, MapNode):
        return
    yield from exactly_one(BearingShape, at)
    if not at.has("event") and not any(at.has(form.key) for form in FORMS if not form.is_on_event):
        yield at.problem("missing key 'event'", "", f"needed are {quoted(['event'])}")
    event = at.text("event")
    if event is not None:
        yield from unknown_event(frame.names, event, at.at("event"))
    for form in FORMS:
        if at.has(form.key) or any(map(at.has, form.beside)):
            yield from form.problems(at, event, frame)
    may_end = [form.key for form in FORMS if form.may_end]
    if at.has("until") and not any(map(at.has, may_end)):
        allowed = f"only with {', '.join(may_end[:-1])} or {may_end[-1]}"
        yield at.key("until").problem("'until' on something that does not decay", "", allowed)


def _bearing(said: BearingShape, source: Source, frame: Frame) -> Bearing | None:
    states = frame.names.states(said.event) if said.event is not None else None
    values = {
        key: getattr(said, key, getattr(said, f"{key}_", None)) for form in FORMS for key in (form.key, *form.beside)
    }
    # A part about the scenarios is read as such, whatever stands beside it.
    for form in sorted(FORMS, key=lambda form: form.is_on_event):
        if values[form.key] is not None and (states is not None or not form.is_on_event):
            entry = Entry(
                values=values, event=said.event or "", states=states or (), until=said.until, source=source, frame=frame
            )
            built: Bearing | None = form.build(entry)
            return built
    return None


def _repeated(earlier: list[Bearing], bearing: Bearing, subject: str) -> Iterator[Problem]:
    # Something public and hard may stand beside a judgement of what it means for the states still open.
    for other in earlier:
        if isinstance(other, OnScenarios) and isinstance(bearing, OnScenarios):
            what = f"{subject}: bears twice on the scenarios"
        elif (
            isinstance(other, OnEvent)
            and isinstance(bearing, OnEvent)
            and other.event == bearing.event
            and isinstance(other, Settled) == isinstance(bearing, Settled)
        ):
            what = f"{subject}: bears twice on event {shown(bearing.event)}"
        else:
            continue
        yield Problem(bearing.source, what, "", f"first at {other.source}; put both into one")


def former_item(item: Item, names: Former) -> Item:
    """Return an item with the names of then; one that settles an event by a resolution is called after the event."""
    parts: tuple[Any, ...] = tuple(evidence_form(part).former(part, names) for part in item.bears_on)
    supersedes = None if item.supersedes is None else names.name("item", item.supersedes)
    source = names.name("source", item.report_source)
    then = replace(item, bears_on=parts, supersedes=supersedes, report_source=source)
    now = item.bears_on[0]
    if item.source.path == RESOLUTIONS and isinstance(now, Settled):
        old = parts[0]
        called = prefix(old.event) + item.id.removeprefix(prefix(now.event))
        return replace(then, id=called, headline=headline(old.event, old.state))
    return replace(then, id=names.name("item", item.id))


# Read `evidence/*.csv`: one item in a row, by the same rules as an item in YAML.
#
# A row in which nothing can be wrong is taken by a short way, which a table of a hundred thousand rows needs; every
# other row is written as the tree that YAML would give and goes the long way, which words its mistakes.


class ColumnMapShape(Shape):
    """Which columns of a table of evidence are read, by key, and what is the same in every row."""

    format: Literal[1] | None = None
    columns: dict[Name, Text]
    always: Annotated[dict[Name, Text | int | float], Field(default_factory=dict)]


KEYS = (
    *("id", "reported", "happened", "source", "credibility", "group", "rho", "headline", "url", "why"),
    *("event", *CELLS, "retracted", "supersedes", "independent"),
)

NEEDED = ("id", "reported", "source", "headline", "event")


@dataclass(frozen=True)
class Columns:
    """Where each key stands: `places` are indices of cells, `always` what is the same in every row."""

    places: Mapping[str, int]
    always: Mapping[str, str] = field(default_factory=dict)

    def in_order(self, width: int) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """Return what takes the cells in the order of KEYS out of a row of so many, one empty cell, and `always`."""
        constant = {key: width + 1 + place for place, key in enumerate(self.always)}
        places = {**self.places, **constant}
        return itemgetter(*[places.get(key, width) for key in KEYS])


def read_columns(
    table: CsvTable, path: str, node: Node | None, map_path: str, today: date
) -> tuple[Columns | None, tuple[Problem, ...]]:
    """Return the columns of a table, by its map if there is one, and the problems. None where no row can be read."""
    of_file = table.columns(path)
    problems = of_file.repeated()
    names = table.as_meant(path, KEYS, NEEDED).header if node is None else table.header
    header = {name: names.index(name) for name in dict.fromkeys(names)}
    if node is None:
        columns = Columns({key: place for key, place in header.items() if key in KEYS})
        found = of_file.unknown(KEYS, _hint)
    else:
        columns, found = _by_map(header, path, node, map_path, today)
    problems += found
    known = {*columns.places, *columns.always}
    missing = [key for key in NEEDED if key not in known]
    if not known & set(KEYS_ON_EVENT):
        missing.append(" or ".join(KEYS_ON_EVENT))
    for key in missing:
        allowed = f"columns are {quoted(table.header)}" + ("" if node is None else f"; the map is {map_path}")
        problems.append(Problem(of_file.where, f"no column holds {key}", "", allowed))
    return (None if missing else columns), tuple(problems)


def _hint(name: str) -> str:
    where = "evidence on scenarios stands in YAML, or is imported as a matrix (--format ach); "
    return where if name in OTHERS else ""


def _by_map(
    header: Mapping[str, int], path: str, node: Node, map_path: str, today: date
) -> tuple[Columns, list[Problem]]:
    at = Cursor.over(node, map_path, "column map")
    checked = hold(ColumnMapShape, at, today)
    problems, shape = list(checked.problems), checked.shape
    if shape is None:
        return Columns({}), problems
    for part, names in (("columns", shape.columns), ("always", shape.always)):
        for key in names:
            where = at.at(part).key(key)
            if key not in KEYS:
                allowed = f"{_hint(key)}keys are {quoted(KEYS)}{nearest(key, KEYS)}"
                problems.append(where.problem(f"unknown key {shown(key)}", "", allowed))
            elif part == "always" and key in shape.columns:
                what = f"{shown(key)} is both a column and always the same"
                problems.append(where.problem(what, "", "one of them"))
    columns = {key: one_form(name) for key, name in shape.columns.items()}
    for key, name in columns.items():
        if name not in header:
            allowed = f"columns are {quoted(header)}{nearest(name, tuple(header))}"
            problems.append(at.at("columns", key).problem(f"{path} has no column {shown(name)}", "", allowed))
    places = {key: header[name] for key, name in columns.items() if name in header and key in KEYS}
    # As it is written: a cell of the table would be text too.
    written = {key: child(child(node, "always"), key) for key in shape.always if key in KEYS}
    return Columns(places, {key: one.text for key, one in written.items() if isinstance(one, Scalar)}), problems


NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
LONGEST_NAME, LONGEST_TEXT = 100, 20_000
CREDIBILITIES = {"": CANNOT_BE_JUDGED, **{str(number): number for number in range(1, CANNOT_BE_JUDGED + 1)}}


NO_BEARING: tuple[Any, bool, None] = (None, False, None)


class PlainRows:
    """Reads rows against one frame, and keeps what it has looked at."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.day = cache(self._day)
        self.bearing = cache(self._bearing)
        self.is_name = cache(_is_name)  # of what many rows share

    def item(self, cells: Sequence[str], source: Source, *, bears: bool = True) -> Item | None:
        """Return the item of a row, its cells in the order of KEYS, or None where anything in it may be wrong.

        Its source may be unknown: where one is misspelt, every row of a table may name it. Without `bears` nothing is
        asked of what it says about its event, and the item bears on none.
        """
        name, day, earlier, reporter, trust, group, rho, headline, url, why, *said, taken_back, old, alone = cells
        network = self.frame.network
        reported, credibility = self.day(day), CREDIBILITIES.get(trust)
        if reported is None or network is None or credibility is None or not reporter or not self.is_name(reporter):
            return None
        built = self.bearing(*said) if bears else NO_BEARING
        if built is None or reported < network.opens:
            return None
        make, settles, until = built
        happened, retracted = self._optional(earlier), self._optional(taken_back)
        if happened is False or retracted is False or (until is not None and until < reported):
            return None
        if (happened is not None and not network.opens <= happened <= reported) or (retracted or reported) < reported:
            return None
        if settles and (happened or reported) > last_horizon(network):
            return None
        if not name or not _is_name(name) or not self.is_name(group) or not _is_name(old) or not headline or rho:
            return None
        if max(len(headline), len(url), len(why), len(alone)) > LONGEST_TEXT or (alone and group):
            return None
        return Item(
            id=name,
            reported=reported,
            happened=happened,
            report_source=reporter,
            credibility=credibility,
            group=group or None,
            rho=DEFAULT_RHO,
            headline=headline,
            url=url or None,
            why=why,
            bears_on=(make(source),) if bears else (),
            retracted=retracted,
            supersedes=old or None,
            source=source,
            independent=alone or None,
        )

    def _optional(self, cell: str) -> date | Literal[False] | None:
        """Return the day of a cell, None where it is empty, False where it is wrong."""
        if not cell:
            return None
        return self.day(cell) or False

    def _day(self, cell: str) -> date | None:
        if not ISO_DAY.fullmatch(cell):
            return None
        try:
            day = date.fromisoformat(cell)
        except ValueError:
            return None
        return day if day <= self.frame.today else None

    def _bearing(self, event: str, *cells: str) -> tuple[Built, bool, date | None] | None:
        """Return what makes the bearing at a place, whether it settles, and until when it weighs."""
        said = dict(zip(CELLS, cells, strict=True))
        forms = [form for form in ON_EVENT if said[form.key]]
        if self.frame.names.states(event) is None or len(forms) != 1:
            return None
        form, until = forms[0], _any_day(said["until"])
        own = {form.key, *form.beside, *(("until",) if form.may_end else ())}
        if any(cell for key, cell in said.items() if key not in own) or (said["until"] and until is None):
            return None
        built = form.plain(said, event, until, self.frame)
        return None if built is None else (built, form.settles, until)


def _is_name(text: str) -> bool:
    return not text or (len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None)


def _any_day(cell: str) -> date | None:
    """Return a day that may lie in the future."""
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


ITEM_KEYS = ("id", "reported", "happened", "source", "credibility", "group", "rho", "headline", "url", "why")
LATER_KEYS = ("retracted", "supersedes", "independent")
NO_COLUMN = f", {quoted(OTHERS)}"  # the ways that no cell can go
NO_ID = "an item without id"
NUMBERS = frozenset(("credibility", "rho"))


def read_tables(
    found: InputFiles, trees: Mapping[str, Node], frame: Frame
) -> tuple[list[EvidenceRead], tuple[Problem, ...]]:
    """Read every table of evidence, by its column map in `trees` if there is one; problems of whole tables apart."""
    read: list[EvidenceRead] = []
    problems: list[Problem] = []
    tables = found.tables()
    for path, map_path in tables.items():
        table, more = parse_csv(found.contents[path], path)
        problems += more
        if table is None or (map_path in found.contents and map_path not in trees):
            continue
        columns, more = read_columns(table, path, trees.get(map_path), map_path, frame.today)
        problems += more
        if columns is not None:
            read.append(read_bulk(table, columns, path, frame))
    for map_path in found.contents:
        if map_path.startswith(EVIDENCE) and map_path.endswith(COLUMN_MAP) and map_path not in tables.values():
            allowed = f"it stands beside {map_path.removesuffix(COLUMN_MAP)}{TABLE}"
            problems.append(Problem(Source(map_path, 1), "a column map without its table", "", allowed))
    return read, tuple(problems)


def read_bulk(table: CsvTable, columns: Columns, path: str, frame: Frame) -> EvidenceRead:
    """Read the rows of a table of evidence. Cells without content are as if they were not there."""
    reading, plain = EvidenceReader(frame), PlainRows(frame)
    sources = None if frame.names.sources is None else frozenset(frame.names.sources)
    in_order = columns.in_order(len(table.header))
    always = ("", *columns.always.values())
    told: dict[tuple[str, ...], tuple[str, tuple[Problem, ...]]] = {}
    for number, (line, row) in enumerate(table.rows, 1):
        row_cells = in_order((*map(str.strip, row), *always))
        item = plain.item(row_cells, Source(path, line))
        if item is not None:
            if sources is not None and item.report_source not in sources:
                of_source = Scalar(item.report_source, item.report_source, line)
                at = Cursor.over(of_source, path, f"item {shown(item.id)}")
                reading.problems += unknown_name(frame.names.sources, item.report_source, at, "source")
            reading.add_right(item)
            continue
        # What is wrong in many rows alike, a name that there is not, is looked at once.
        alike = row_cells[1:4] + row_cells[len(ITEM_KEYS) :]
        but = plain.item(row_cells, Source(path, line), bears=False)
        if but is not None and alike in told:
            subject, found = told[alike]
            reading.problems += [_of_another(problem, subject, but) for problem in found]
            reading.add_right(but)
            continue
        before = len(reading.problems)
        cells = dict(zip(KEYS, row_cells, strict=True))
        at = Cursor.over(as_node(cells, line), path, f"item {shown(cells['id'])}" if cells.get("id") else NO_ID)
        reading.add(at, number)
        unreadable = {form.key: tuple(form.unreadable(cells, at)) for form in ON_EVENT}
        # What could be read of such a cell is a rest: nothing is said of it.
        rests = tuple(f"{at.subject}: {key}" for key, found in unreadable.items() if found)
        rest = [problem for problem in map(_of_a_row, reading.problems[before:]) if not problem.what.startswith(rests)]
        reading.problems[before:] = [*rest, *(problem for found in unreadable.values() for problem in found)]
        if but is not None:
            told[alike] = at.subject, tuple(reading.problems[before:])
    return reading.result()


def _of_another(problem: Problem, subject: str, item: Item) -> Problem:
    """Return the problem of one row as that of another one."""
    return replace(problem, source=item.source, what=f"item {shown(item.id)}{problem.what.removeprefix(subject)}")


def as_node(cells: Mapping[str, str], line: int) -> Node:
    """Return the tree of a row: what YAML would give for an item that bears on one event, all on one line."""
    bearing = {key: _value(key, cells[key], line) for key in ("event", *CELLS) if cells.get(key)}
    item: dict[str, Node] = {key: _value(key, cells[key], line) for key in ITEM_KEYS if cells.get(key)}
    item["bears_on"] = ListNode((mapping(bearing, line),), line)
    item.update({key: _value(key, cells[key], line) for key in LATER_KEYS if cells.get(key)})
    return mapping(item, line)


def _value(key: str, cell: str, line: int) -> Node:
    if (form := FORM_OF_CELL.get(key)) is not None:
        return form.node(key, cell, line)
    return Scalar(resolve(cell) if key in NUMBERS else cell, cell, line)


def _of_a_row(problem: Problem) -> Problem:
    # A row bears on one event: the place in a list of events would only be in the way.
    what = problem.what.replace(": bears_on[1].", ": ", 1).replace(": bears_on[1]", "", 1)
    return replace(problem, what=what, allowed=problem.allowed.replace(NO_COLUMN, ""))
