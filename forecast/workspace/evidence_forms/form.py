"""What a form of evidence is: its keys and their shapes, its checks, its reading, its cells in a table, its names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal, NamedTuple

from forecast.workspace.names import Frame
from forecast.workspace.nodes import Cursor, MapNode, Node, Scalar
from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import Bearing
from forecast.workspace.renames import Former

AT_LEAST = "at_least="  # before a state in a cell of `for`

Built = Callable[[Source], Bearing]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of `bears_on` whose shape is right: its values by key, and the event it speaks about, if any."""

    values: Mapping[str, Any]
    event: str
    states: tuple[str, ...]  # of the event, in order
    until: date | None
    source: Source
    frame: Frame


class NamesIn(NamedTuple):
    """Names behind a key: of which kind, and whether it holds one, a choice of states, or a map with names as keys."""

    key: str
    kind: Literal["state", "scenario"]
    how: Literal["one", "choice", "keys"]


class EvidenceForm[B: Bearing](ABC):
    """One way to say what a report means. `key` decides between the forms; `beside` are further keys of this one."""

    key: ClassVar[str]
    meaning: ClassVar[str]  # what it says, for whoever is asked to choose a form
    option: ClassVar[str]  # how an option of the command line says it
    shape: ClassVar[Any]  # annotation of the value behind `key`
    record: ClassVar[type[Bearing]]
    names: ClassVar[tuple[NamesIn, ...]]
    beside: ClassVar[Mapping[str, Any]] = {}  # annotation by key
    is_on_event: ClassVar[bool] = True  # else about all scenarios
    settles: ClassVar[bool] = False
    may_end: ClassVar[bool] = False  # whether `until` may stand beside it

    @abstractmethod
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report what is wrong in an entry that has the key (or one beside it), however wrong the rest is."""

    @abstractmethod
    def build(self, entry: Entry) -> B | None:
        """Return the record, None where a name in it is unknown."""

    @abstractmethod
    def former(self, part: B, names: Former) -> B:
        """Return the record with the names of then."""

    @abstractmethod
    def plain(self, cells: Mapping[str, str], event: str, until: date | None, frame: Frame) -> Built | None:
        """Return what makes the record of a row in which nothing can be wrong, None for every other row."""

    def node(self, key: str, cell: str, line: int) -> Node:  # noqa: ARG002 - forms with several keys tell them apart
        """Return the tree that YAML would give for a cell."""
        return Scalar(cell, cell, line)

    def unreadable(self, cells: Mapping[str, str], at: Cursor) -> Iterator[Problem]:  # noqa: ARG002 - none by default
        """Report what is wrong in the cells of a row and cannot be seen in their trees."""
        yield from ()


def split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several, `a; b`; one `;` may end it."""
    return [part.strip() for part in cell.removesuffix(";").split(";")]


def on_one_line(entries: dict[str, Node], line: int) -> MapNode:
    """Return a map that stands on one line."""
    return MapNode(entries, dict.fromkeys(entries, line), line)


def all_zero(at: Cursor, key: str, where: str) -> Iterator[Problem]:
    """Report numbers of which none is above 0; `where` says of what they are the numbers."""
    said = at.child(key)
    if not isinstance(said, MapNode):
        return
    numbers = [entry.value for entry in said.entries.values() if isinstance(entry, Scalar)]
    if numbers and all(value == 0 and not isinstance(value, bool) for value in numbers):
        what = f"{key} is 0 in every {where}: the report could not exist"
        yield at.at(key).problem(what, "", "at least one number above 0")
