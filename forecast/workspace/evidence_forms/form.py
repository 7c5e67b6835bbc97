"""What a form of evidence is: its keys, checks and reading, its likelihood, its words, its option and its questions.

Whatever knows the forms asks their registry: the shape and schema of an item, the columns of tables, the model,
the report, and `forecast add evidence`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, ClassVar, Literal, NamedTuple, override

from forecast.workspace.names import Frame, unknown_state
from forecast.workspace.nodes import Cursor, MapNode, Name, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, Source, known
from forecast.workspace.records import Bearing, Event
from forecast.workspace.renames import Former
from forecast.workspace.wording import long_date
from forecast.workspace.yaml_text import as_in_file, resolve

DECAYED_AFTER_DAYS = 180  # of what is said of the time to come, where the item gives no day
SETTLED_WITHIN_DAYS = 90  # of watched news: a step that was truly taken when it was claimed is settled by then
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


class Asked(NamedTuple):
    """What an option of `forecast add evidence` may name: the events, and the scenarios with `other`."""

    events: Mapping[str, Event]
    scenarios: tuple[str, ...]


class NamesIn(NamedTuple):
    """Names behind a key: of which kind, and whether it holds one, a choice of states, or a map with names as keys."""

    key: str
    kind: Literal["state", "scenario"]
    how: Literal["one", "choice", "keys"]


class Prompt(NamedTuple):
    """A question for one part of what an item says: the key that it fills, and what reads an answer (ValueError)."""

    key: str
    text: str
    read: Callable[[str], Node]
    before: str = ""  # what helps to answer it


class EvidenceForm[B: Bearing](ABC):
    """One way to say what a report means. `key` decides between the forms; `beside` are further keys of this one.

    `key` is also the option of `forecast add evidence`. Its record is an `OnEvent` or an `OnScenarios`.
    """

    key: ClassVar[str]
    meaning: ClassVar[str]  # what it says, for whoever is asked to choose a form
    option: ClassVar[str]  # how an option of the command line says it
    metavar: ClassVar[str]  # the same in short
    help: ClassVar[str]  # of the option
    shape: ClassVar[Any]  # annotation of the value behind `key`
    record: ClassVar[type[Bearing]]
    names: ClassVar[tuple[NamesIn, ...]]
    beside: ClassVar[Mapping[str, Any]] = {}  # annotation by key
    is_on_event: ClassVar[bool] = True  # else about all scenarios
    settles: ClassVar[bool] = False
    may_end: ClassVar[bool] = False  # whether `until` may stand beside it
    of_present: ClassVar[bool] = False  # on the state as of its day; else on what is to come, until it has decayed

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

    @abstractmethod
    def words(self, part: B) -> str:
        """Write for readers what the record says of its event, or of the scenarios."""

    def likelihood(self, part: B, event: Event) -> Sequence[float]:
        """Return how probable an informative report is under each state of its event, up to a common factor.

        Asked of forms on an event that do not settle it. The scenarios' numbers are in their record.
        """
        raise NotImplementedError(self.key, part, event)

    def claimed(self, part: B, event: Event) -> tuple[int, ...]:  # noqa: ARG002 - nothing by default
        """Return the states of which it says that the event is in one on its day, by which it is judged; else none."""
        return ()

    def until(self, part: B) -> date | None:  # noqa: ARG002 - of forms with `may_end`
        """Return the day by which it has decayed, where the item gives one."""
        return None

    def doubts(self, part: B, subject: str, events: Mapping[str, Event]) -> Iterator[Problem]:  # noqa: ARG002 - none
        """Warn of what is right and yet says nothing; `subject` is what messages call the item."""
        yield from ()

    @abstractmethod
    def from_option(self, said: str, asked: Asked) -> dict[str, Node]:
        """Read what an option says, as the entries in a file. Raises ValueError with what is wrong."""

    def prompts(self, event: Event) -> tuple[Prompt, ...]:
        """Return what is asked about an event."""
        raise NotImplementedError(self.key, event)

    def from_answers(self, answers: Mapping[str, Node]) -> dict[str, Node]:
        """Return the entries in a file, from answers by the keys of `prompts`."""
        return dict(answers)

    def node(self, key: str, cell: str, line: int) -> Node:  # noqa: ARG002 - forms with several keys tell them apart
        """Return the tree that YAML would give for a cell."""
        return Scalar(cell, cell, line)

    def unreadable(self, cells: Mapping[str, str], at: Cursor) -> Iterator[Problem]:  # noqa: ARG002 - none by default
        """Report what is wrong in the cells of a row and cannot be seen in their trees."""
        yield from ()


class StateForm[B: Bearing](EvidenceForm[B]):
    """A form whose value is one state of its event."""

    option = "EVENT=STATE"
    metavar = "EVENT=STATE"
    shape = Name

    @override
    def problems(self, at: Cursor, event: str | None, frame: Frame) -> Iterator[Problem]:
        """Report a state that the event does not have."""
        if (state := at.text(self.key)) is not None:
            yield from unknown_state(frame.names, event, state, at.at(self.key))

    @override
    def from_option(self, said: str, asked: Asked) -> dict[str, Node]:
        """Read EVENT=STATE."""
        event, value = event_in_option(said, asked, self.option)
        state = known(value, event.states, f"states of '{event.id}'")
        return {"event": text(event.id), self.key: text(state)}

    @override
    def prompts(self, event: Event) -> tuple[Prompt, ...]:
        """Ask for the state."""

        def read(said: str) -> Node:
            return text(known(said, event.states, "states"))

        return (Prompt(self.key, f"State ({', '.join(event.states)})", read),)


def split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several, `a; b`; one `;` may end it."""
    return [part.strip() for part in cell.removesuffix(";").split(";")]


def all_zero(at: Cursor, key: str, where: str) -> Iterator[Problem]:
    """Report numbers of which none is above 0; `where` says of what they are the numbers."""
    said = at.child(key)
    if not isinstance(said, MapNode):
        return
    numbers = [entry.value for entry in said.entries.values() if isinstance(entry, Scalar)]
    if numbers and all(value == 0 and not isinstance(value, bool) for value in numbers):
        what = f"{key} is 0 in every {where}: the report could not exist"
        yield at.at(key).problem(what, "", "at least one number above 0")


def until_in_words(day: date | None) -> str:
    """Write by when something has decayed, behind what it says."""
    return f", until {long_date(day)}" if day else ""


def event_in_option(said: str, asked: Asked, option: str) -> tuple[Event, str]:
    """Split EVENT=VALUE. Raises ValueError for an event that there is not, and where nothing stands behind it."""
    name, equals, value = (part.strip() for part in said.partition("="))
    known(name, tuple(asked.events), "events")
    if not equals:
        raise ValueError(f"'{said}' has no value for '{name}'; {option}")
    return asked.events[name], value


def ratios_in_option(value: str, names: Sequence[str], what: str) -> Node:
    """Read NUMBER,NUMBER in the order of the names, or a map as in a file. Raises ValueError."""
    if value.startswith("{"):
        return as_in_file(value)
    numbers = [ratio_in_option(part) for part in value.split(",")]
    if len(numbers) != len(names):
        raise ValueError(f"{len(numbers)} numbers for the {len(names)} {what} {', '.join(names)}")
    return mapping(dict(zip(names, numbers, strict=True)))


def ratio_in_option(said: str) -> Scalar:
    """Read a number from 0 on. Raises ValueError."""
    number = resolve(said.strip())
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < inf:
        raise ValueError(f"'{said.strip()}' is no likelihood; a number from 0 on")
    return Scalar(number, said.strip(), 1)
