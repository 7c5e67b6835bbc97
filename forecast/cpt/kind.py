"""What a way to build a CPT is: what it asks of its event, its coefficients and their prior, and the rows they make.

Of inputs that may be wrong it says what fits; of events that are checked it builds the prior. Nothing here opens numpy
before rows are built: the readers of files ask for names and rules at every start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.intp]

Part = Literal["alpha", "beta", "epsilon"]
PARTS: tuple[Part, ...] = ("alpha", "beta", "epsilon")
Configuration = tuple[int, ...]  # a state of each parent


@dataclass(frozen=True)
class Coordinate:
    """A standard normal coordinate: what it belongs to (the event, a parent of it, one row) and its number there."""

    part: Part
    number: int


class Collector:
    """Hands out coordinates and gathers the log-odds that are made of them: `means` and `weights`, eta by eta."""

    def __init__(self) -> None:
        self._labels: dict[Part, list[str]] = {part: [] for part in PARTS}
        self.means: list[float] = []
        self.weights: list[dict[Coordinate, float]] = []

    def new(self, part: Part, label: str) -> Coordinate:
        """Return a new coordinate under a label for readers."""
        self._labels[part].append(label)
        return Coordinate(part, len(self._labels[part]) - 1)

    def add(self, weights: dict[Coordinate, float], mean: float = 0.0) -> int:
        """Add one eta, N(mean, sum of squared weights), and return its number."""
        self.means.append(mean)
        self.weights.append(weights)
        return len(self.means) - 1

    def labels(self, part: Part) -> tuple[str, ...]:
        """Return the labels of one part's coordinates."""
        return tuple(self._labels[part])


class Parent(NamedTuple):
    """A parent of an event, by its id, with its states in order."""

    id: str
    states: tuple[str, ...]


class Spoken(NamedTuple):
    """What of an event people put numbers on: the event as a whole, and the event given states of some parents (ids).

    What is stated is learned from statements, so its prior is wide (`SD_..._STATED` of the kinds): a narrow one is a
    voice that nobody raised. What nobody speaks of keeps the prior of its kind.
    """

    as_a_whole: bool = False
    given: frozenset[str] = frozenset()


UNSPOKEN = Spoken()


class OpenRow(NamedTuple):
    """A row that is left open: its number among all rows, the places of its parents' states, and its numbers.

    `numbers` are the steps, or states, that do not lack what they require.
    """

    row: int
    configuration: Configuration
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Family:
    """An event with its parents, and where its rows stand in theta: row after row from `offset` on.

    `is_by_cause`: theta holds the causes in the place of rows, the leak first, then `links`.
    `is_reached`: a row has one number for each step (a rate), otherwise one for each state (a probability). `leak` is
    the convention that the event's `cpt` names, if any. `directions` holds of each parent 1 where a later state of it
    raises the event, -1 where it lowers it, 0 where it may do either; empty: all may. `spoken`: what of it is stated.

    Of an event that requires something, a family is what is left open (`open_families`): the rows of `open_rows`, over
    the parents and states among which they differ, and of a reached event the steps from `first` on that are open in
    the same rows. A kind that asks for `configurations`, `numbers` and `theta_index` need not know of it.
    """

    event: str
    states: tuple[str, ...]
    is_reached: bool
    parents: tuple[Parent, ...]
    leak: str | None
    offset: int
    directions: tuple[int, ...] = ()
    spoken: Spoken = UNSPOKEN
    is_by_cause: bool = False
    open_rows: tuple[OpenRow, ...] | None = None  # None: all rows, every number of them
    first: int = 0  # step of the event that is the family's first
    row_width: int | None = None  # numbers of a row of the event; None: those of the family

    def direction(self, i: int) -> int:
        """Return the direction of parent i, 0 for none."""
        return self.directions[i] if self.directions else 0

    @property
    def configurations(self) -> list[Configuration]:
        """The parents' configurations in row order."""
        if self.open_rows is not None:
            return [one.configuration for one in self.open_rows]
        return list(product(*(range(len(parent.states)) for parent in self.parents)))

    @property
    def width(self) -> int:
        """Numbers of a row: steps of a reached event, states of the others."""
        return len(self.states) - 1 if self.is_reached else len(self.states)

    def numbers(self, row: int) -> tuple[int, ...]:
        """Return the numbers of a row that are not held at zero."""
        return tuple(range(self.width)) if self.open_rows is None else self.open_rows[row].numbers

    @property
    def links(self) -> list[tuple[int, int]]:
        """Each state of each parent but its first, as the parent's place and the state's number."""
        return [(place, x) for place, parent in enumerate(self.parents) for x in range(1, len(parent.states))]

    @property
    def acting(self) -> list[tuple[int, ...]]:
        """Which causes act in each row that theta holds, by number: 0 the leak, then `links`."""
        if self.is_by_cause:
            return [(cause,) for cause in range(1 + len(self.links))]
        number = {link: cause for cause, link in enumerate(self.links, 1)}
        return [
            (0, *(number[place, x] for place, x in enumerate(configuration) if x > 0))
            for configuration in self.configurations
        ]

    def theta_index(self, row: int, k: int) -> int:
        """Return the index in theta of number k (a step, or a state) of a row."""
        width = self.width if self.row_width is None else self.row_width
        return self.offset + self.row_number(row) * width + self.first + k

    def row_number(self, row: int) -> int:
        """Return the number of a row among all rows of the event."""
        return row if self.open_rows is None else self.open_rows[row].row

    def label(self, j: int) -> str:
        """Return how readers call log-odds j of the event."""
        return f"{self.event}[{self.first + j}]"


def open_families(family: Family, possible: Sequence[tuple[int, ...]]) -> list[Family]:
    """Return what is left open of an event's family, given the numbers of each row that do not lack what they require.

    Of a nominal event these are the rows with two states and more (a state that is left alone is certain); of a reached
    one, for each stretch of steps that are open in the same rows, these rows.
    """
    configurations = family.configurations
    if not family.is_reached:
        return _opened(family, 0, [(r, configurations[r], x) for r, x in enumerate(possible) if len(x) > 1])
    rows_of = [tuple(row for row, steps in enumerate(possible) if k in steps) for k in range(family.width)]
    families, first = [], 0
    for _, stretch in groupby(rows_of):
        rows = list(stretch)
        steps = tuple(range(len(rows)))
        part = replace(family, states=family.states[first : first + len(rows) + 1], row_width=family.width)
        families += _opened(part, first, [(row, configurations[row], steps) for row in rows[0]])
        first += len(rows)
    return families


def _opened(family: Family, first: int, rows: Sequence[tuple[int, Configuration, tuple[int, ...]]]) -> list[Family]:
    """Return a family of some rows, over the parents that are in two states and more in them; none without rows."""
    if not rows:
        return []
    live = [sorted({configuration[i] for _, configuration, _ in rows}) for i in range(len(family.parents))]
    varying = [i for i, states in enumerate(live) if len(states) > 1]
    open_rows = tuple(
        OpenRow(row, tuple(live[i].index(configuration[i]) for i in varying), numbers)
        for row, configuration, numbers in rows
    )
    parents = tuple(Parent(family.parents[i].id, tuple(family.parents[i].states[x] for x in live[i])) for i in varying)
    width = family.width if family.row_width is None else family.row_width
    directions = tuple(family.direction(i) for i in varying)
    return [replace(family, parents=parents, directions=directions, open_rows=open_rows, first=first, row_width=width)]


class Recipe(Protocol):
    """How log-odds become theta. A frozen record of arrays, which enters the digest of draws."""

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta from log-odds eta (n_eta, draws) as (theta indices, values (entries, draws)).

        `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
        """


class FamilyRows(ABC):
    """Gathers the rows of all events that are built in one way, so that they are computed together."""

    @abstractmethod
    def recipe(self) -> Recipe | None:
        """Return how theta of all that was added is computed; None where that is nothing."""


class Gathered:
    """One of each class of `FamilyRows`, in the order in which their recipes are computed."""

    def __init__(self, classes: Sequence[type[FamilyRows]]) -> None:
        self._rows = {kind: kind() for kind in classes}

    def of[T: FamilyRows](self, kind: type[T]) -> T:
        """Return the one of a class."""
        rows = self._rows[kind]
        assert isinstance(rows, kind)  # for the type checker
        return rows

    def recipes(self) -> tuple[Recipe, ...]:
        """Return the recipes of all that was added."""
        return tuple(recipe for rows in self._rows.values() if (recipe := rows.recipe()) is not None)


class CptKind(ABC):
    """A value of `cpt` in the network's file.

    A new kind is a subclass in a new file of this folder, where `registry` finds it. `order` is its place wherever
    kinds are listed; `fits_without_parents` whether it makes sense for a single row; `leaks` the conventions one of
    which has to be named beside it, and `leak_rule` what is told to whoever names none. `can_lower`: a parent can make
    the event less probable; `keeps_directions`: the prior holds a parent to the direction that the event gives it.
    `acts_by_cause`: each parent acts by itself and the highest state counts, so that theta can hold the leak and
    `Family.links` in the place of rows (`Family.is_by_cause`).
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    fits_without_parents: ClassVar[bool] = False
    leaks: ClassVar[tuple[str, ...]] = ()
    leak_rule: ClassVar[str] = ""
    can_lower: ClassVar[bool] = True
    keeps_directions: ClassVar[bool] = False
    acts_by_cause: ClassVar[bool] = False
    gathers: ClassVar[tuple[type[FamilyRows], ...]]  # where its rows are gathered

    def misfit(self, event_kind: str, n_states: int) -> tuple[str, str] | None:  # noqa: ARG002  # most fit any event
        """Say why the kind does not fit an event: what is wrong (after "on an event of kind"), and what to use."""
        return None

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates of an event from its states and those of each parent: one for each number of a row."""
        return (n_states - 1) * prod(parents)

    @abstractmethod
    def add(self, family: Family, collector: Collector, gathered: Gathered) -> None:
        """Add an event of this kind: its coordinates and log-odds, and its rows to one of those that gather them."""


def softplus(xp: Any, x: Any) -> Any:
    """Compute ln(1 + e^x), the rate -ln(1 - p) of log-odds x, without overflow.

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def higher(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Return the distribution of the higher of two independent states, as sums of products.

    Differences of cumulative products would lose the digits of small probabilities, and could turn out negative.
    """
    below_first, up_to_second = first[0], second[0]
    states = [below_first * up_to_second]
    for x in range(1, len(first)):
        up_to_second = up_to_second + second[x]
        states.append(first[x] * up_to_second + below_first * second[x])
        below_first = below_first + first[x]
    return states


def columns(rows: Sequence[Sequence[int]], n: int) -> tuple[Index, ...]:
    """Turn rows of n indices each into n arrays."""
    import numpy as np

    return tuple(np.array(rows, dtype=np.intp).reshape(-1, n).T.copy())
