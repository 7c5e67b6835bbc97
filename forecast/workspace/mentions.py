"""What files name: places of a tree, cells of a table, and lines that are only ever added."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from forecast.workspace import files
from forecast.workspace.csv_text import parse_csv, parse_json_lines
from forecast.workspace.evidence_forms import FORMS, ON_EVENT
from forecast.workspace.evidence_forms.form import AT_LEAST
from forecast.workspace.files import JUDGEMENTS, RESOLUTIONS, InputFiles
from forecast.workspace.names import map_of
from forecast.workspace.nodes import ISO_DAY, ListNode, MapNode, Node, Scalar, Step, child, text_at
from forecast.workspace.problems import Source
from forecast.workspace.read_benchmarks import AUTHOR
from forecast.workspace.read_requires import ANY_OF, states_requiring
from forecast.workspace.renames import Renames
from forecast.workspace.statement_forms import FORMS as STATEMENT_FORMS
from forecast.workspace.statement_forms.distribution import SD_KEY


class Named(NamedTuple):
    """A name: of which kind, how it is called and, of a state, of which event (None where a table's rows say it)."""

    kind: str
    name: str
    event: str | None = None


class Mention(NamedTuple):
    """A place of a tree: a value, or the key of one; `cell` says that the text is written as in a table's column."""

    steps: tuple[Step, ...]
    is_key: bool
    named: Named | None
    cell: str | None = None


Mentions = Iterator[Mention]


@dataclass(frozen=True)
class _At:
    """A value with its place."""

    node: Node
    steps: tuple[Step, ...] = ()

    def below(self, *steps: Step) -> Iterator[_At]:
        """Yield what stands at some steps, if anything does."""
        node: Node | None = self.node
        for step in steps:
            node = child(node, step)
        if node is not None:
            yield _At(node, (*self.steps, *steps))

    def entries(self) -> Iterator[tuple[str, _At]]:
        """Yield the keys of a map with their values."""
        if isinstance(self.node, MapNode):
            for key, value in self.node.entries.items():
                yield key, _At(value, (*self.steps, key))

    def items(self) -> Iterator[_At]:
        """Yield the items of a list, or a value that stands alone."""
        if isinstance(self.node, ListNode):
            for place, item in enumerate(self.node.items):
                yield _At(item, (*self.steps, place))
        else:
            yield self

    def names(self, kind: str, event: str | None = None) -> Mentions:
        """Yield the names that a text, or a list of texts, holds."""
        for item in self.items():
            if isinstance(item.node, Scalar) and isinstance(item.node.value, str):
                yield Mention(item.steps, False, Named(kind, item.node.value, event))  # a field

    def named_by(self, key: str, kind: str, event: str | None = None) -> Mentions:
        """Yield the names behind a key of a map."""
        for value in self.below(key):
            yield from value.names(kind, event)

    def keys(self, kind: str, event: str | None = None) -> Mentions:
        """Yield the keys of a map as names."""
        for key, value in self.entries():
            yield Mention(value.steps, True, Named(kind, key, event))  # a field


def mentions(path: str, tree: Node) -> Mentions:
    """Yield every place of a file that names something."""
    top = _At(tree)
    if path in _FILES:
        yield from _FILES[path](top)
    elif path.startswith(files.STATEMENTS):
        for item in top.items():
            yield from _statement(item)
    elif path.endswith(files.COLUMN_MAP):
        yield from _column_map(top)
    elif path.startswith(files.EVIDENCE) and path not in (files.WATCH, files.GRADES):
        for item in top.items():
            yield from _evidence(item)


def _network(top: _At) -> Mentions:
    for events in top.below("events"):
        yield from events.keys("event")
        for event, at in events.entries():
            for key in ("parents", "raises", "lowers"):
                yield from at.named_by(key, "event")
            yield from at.named_by("states", "state", event)
            yield from at.named_by("initial", "state", event)
            for states in at.below("counts", "states"):
                yield from states.keys("state", event)
            for needs in at.below("requires"):
                yield from _requires(needs, event)


def _requires(needs: _At, event: str) -> Mentions:
    for state in states_requiring(needs.node):
        for below in (needs,) if state is None else needs.below(state):
            if state is not None:
                yield Mention(below.steps, True, Named("state", state, event))
            for key, value in below.entries():
                if key != ANY_OF:
                    yield Mention(value.steps, True, Named("event", key))
                    yield from _choice(value, key)
                for conditions in value.items() if key == ANY_OF else ():
                    yield from _conditions(conditions)


def _scenarios(top: _At) -> Mentions:
    for item in top.items():
        yield from item.named_by("id", "scenario")
        for rule in item.below("when"):
            yield from _conditions(rule)


def _experts(top: _At) -> Mentions:
    yield from _top_keys(top, "expert")
    # Whoever states no group is a group of their own, which others may name.
    of_their_own = {name for name, entry in map_of(top.node).items() if child(entry, "group") is None}
    for _, entry in top.entries():
        for mention in entry.named_by("group", "expert"):
            if mention.named is not None and mention.named.name in of_their_own:
                yield mention


def _sources(top: _At) -> Mentions:
    yield from _top_keys(top, "source")


def _top_keys(top: _At, kind: str) -> Mentions:
    known = map_of(top.node)
    for mention in top.keys(kind):
        if mention.named is not None and mention.named.name in known:
            yield mention


def _questions(top: _At) -> Mentions:
    for item in top.items():
        yield from item.named_by("id", "question")
        yield from item.named_by("scenario", "scenario")
        for about in (*item.below("about"), *item.below("when")):
            yield from _target(about, None)
        for reading in (one for readings in item.below("readings") for one in readings.items()):
            for about in reading.below("about"):
                yield from _target(about, None)
        for case in (one for cases in item.below("number", "cases") for one in cases.items()):
            yield from case.named_by("scenario", "scenario")
            for rule in case.below("when"):
                yield from _conditions(rule)
        for given in item.below("given"):
            yield from _given(given)


def _given(given: _At) -> Mentions:
    """Yield what a condition of a question names: a scenario, or events with their states."""
    if isinstance(child(given.node, "scenario"), Scalar) and len(list(given.entries())) == 1:
        yield from given.named_by("scenario", "scenario")
    else:
        yield from _conditions(given)


def _decisions(top: _At) -> Mentions:
    for item in top.items():
        event = text_at(item.node, "event")
        yield from item.named_by("event", "event")
        for options in item.below("options"):
            for _, worth in options.entries():
                yield from worth.keys("scenario" if event is None else "state", event)


def _statement(item: _At) -> Mentions:
    yield from item.named_by("id", "statement")
    yield from item.named_by("expert", "expert")
    event = text_at(item.node, "about", "event")
    for about in item.below("about"):
        yield from _target(about, None)
    for form in STATEMENT_FORMS:
        for other in item.below(*form.second) if form.second else ():
            yield from _target(other, event)
    for shares in item.below("distribution"):
        for mention in shares.keys("state", event):
            if mention.named is not None and mention.named.name != SD_KEY:
                yield mention
    for resolved in item.below("resolved"):
        yield from resolved.named_by("state", "scenario" if event is None else "state", event)


def _target(target: _At, inherited: str | None) -> Mentions:
    event = text_at(target.node, "event") or inherited
    yield from target.named_by("event", "event")
    yield from target.named_by("scenario", "scenario")
    for states in target.below("state"):
        yield from _choice(states, event)
    for given in target.below("given"):
        yield from _conditions(given)


def _conditions(rule: _At) -> Mentions:
    yield from rule.keys("event")
    for event, states in rule.entries():
        dated = list(states.below("is"))
        yield from _choice(dated[0] if dated else states, event)


def _choice(states: _At, event: str | None) -> Mentions:
    if isinstance(states.node, MapNode):
        yield from states.named_by("at_least", "state", event)
    else:
        yield from states.names("state", event)


def _evidence(item: _At) -> Mentions:
    yield from item.named_by("id", "item")
    yield from item.named_by("source", "source")
    yield from item.named_by("supersedes", "item")
    for parts in item.below("bears_on"):
        for part in parts.items():
            event = text_at(part.node, "event")
            yield from part.named_by("event", "event")
            for names in (names for form in FORMS for names in form.names):
                of = event if names.kind == "state" else None
                for said in part.below(names.key):
                    yield from HOW[names.how](said, names.kind, of)


def _column_map(top: _At) -> Mentions:
    """Yield what is the same in every row of a table, written as a cell of it would be."""
    for always in top.below("always"):
        for key, value in always.entries():
            if isinstance(value.node, Scalar) and isinstance(value.node.value, str):
                yield Mention(value.steps, False, None, key)  # a field


# What follows a key of a form of evidence.
HOW: dict[str, Callable[[_At, str, str | None], Mentions]] = {
    "one": _At.names,
    "choice": lambda said, _, event: _choice(said, event),
    "keys": _At.keys,
}

_FILES: dict[str, Callable[[_At], Mentions]] = {
    files.NETWORK: _network,
    files.SCENARIOS: _scenarios,
    files.EXPERTS: _experts,
    files.SOURCES: _sources,
    files.QUESTIONS: _questions,
    files.DECISIONS: _decisions,
}

WHOLE = {
    "id": "item",
    "supersedes": "item",
    "source": "source",
    "event": "event",
}
HOW_IN_CELL = {names.key: names.how for form in ON_EVENT for names in form.names}  # states of the row's event
STATES = tuple(HOW_IN_CELL)
CELL = re.compile(r'("(?:[^"]|"")*"|[^,"\r\n][^,\r\n]*|)(,|\r?\n|\Z)')


class Cell(NamedTuple):
    """The place of a cell's content in the text of a table, quotes around it left out."""

    begin: int
    end: int


def cells_of(text: str) -> Iterator[list[Cell]]:
    """Yield the cells of each row of a table that `parse_csv` reads without a problem, blank lines as one cell."""
    row: list[Cell] = []
    for cell in CELL.finditer(text):
        begin, end = cell.span(1)
        is_quoted = end - begin >= len('""') and text[begin] == '"'
        row.append(Cell(begin + is_quoted, end - is_quoted))
        if cell[2] != ",":
            yield row
            row = []


def names_in(column: str, cell: str, event: str | None) -> Iterator[tuple[int, int, Named]]:
    """Yield begin, end and meaning of each name in a cell of a column."""
    if column in WHOLE:
        yield from _one(cell, 0, WHOLE[column], None)
    elif (how := HOW_IN_CELL.get(column)) == "one":
        yield from _one(cell, 0, "state", event)
    elif how == "choice" and cell.strip().startswith(AT_LEAST):
        begin = cell.index(AT_LEAST) + len(AT_LEAST)
        yield from _one(cell[begin:], begin, "state", event)
    elif how is not None:
        begin = 0
        for part in cell.split(";"):
            yield from _one(part.partition("=")[0], begin, "state", event)
            begin += len(part) + 1


def _one(text: str, offset: int, kind: str, event: str | None) -> Iterator[tuple[int, int, Named]]:
    name = text.strip()
    if name:
        begin = offset + len(text) - len(text.lstrip())
        yield begin, begin + len(name), Named(kind, name, event)


class Told(NamedTuple):
    """A name in a line: where, and of which day the line is."""

    named: Named
    where: Source
    day: date


def told_in(inputs: InputFiles) -> Iterator[Told]:
    """Yield the questions, events and states that resolutions and judgements name."""
    trees, _ = parse_json_lines(inputs.contents.get(RESOLUTIONS, b""), RESOLUTIONS)
    for tree in trees:
        where, day = Source(RESOLUTIONS, tree.line), _day(text_at(tree, "known"))
        question, event, state = (text_at(tree, key) for key in ("question", "event", "state"))
        if question is not None:
            yield Told(Named("question", question), where, day)
        if event is not None:
            yield Told(Named("event", event), where, day)
            if state is not None:
                yield Told(Named("state", state, event), where, day)
    if JUDGEMENTS in inputs.contents:
        table, _ = parse_csv(inputs.contents[JUDGEMENTS], JUDGEMENTS, AUTHOR)
        if table is not None and {"date", "question"} <= set(table.header):
            at = table.header.index("question"), table.header.index("date")
            for line, cells in table.rows:
                yield Told(
                    Named("question", cells[at[0]].strip()), Source(JUDGEMENTS, line), _day(cells[at[1]].strip())
                )


def named_today(mention: Told, renames: Renames) -> Named:
    """Return what a line names, called as it is today."""
    kind, name, event = mention.named
    if event is not None:
        event, name = renames.state_today(event, name, mention.where, mention.day)
        return Named(kind, name, event)
    return Named(kind, renames.today(kind, name, mention.where, mention.day))


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text and ISO_DAY.fullmatch(text) else date.min
    except ValueError:
        return date.min
