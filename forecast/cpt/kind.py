"""What a way to build a CPT is: what it asks of its event, its coefficients and their prior, and the rows they make.

Of inputs that may be wrong it says what fits; of events that are checked it builds the prior. Nothing here opens numpy
before rows are built: the readers of files ask for names and rules at every start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
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


@dataclass(frozen=True, kw_only=True)
class Family:
    """An event with its parents, and where its rows stand in theta: row after row from `offset` on.

    Where causes act independently theta holds them in the place of rows: the leak first, then `links`.
    `is_reached`: a row has one number for each step (a rate), otherwise one for each state (a probability). `leak` is
    the convention that the event's `cpt` names, if any.
    """

    event: str
    states: tuple[str, ...]
    is_reached: bool
    parents: tuple[Parent, ...]
    leak: str | None
    offset: int

    @property
    def configurations(self) -> list[Configuration]:
        """The parents' configurations in row order."""
        return list(product(*(range(len(parent.states)) for parent in self.parents)))

    @property
    def links(self) -> list[tuple[int, int]]:
        """Each state of each parent but its first, as the parent's place and the state's number."""
        return [(place, x) for place, parent in enumerate(self.parents) for x in range(1, len(parent.states))]

    def theta_index(self, row: int, k: int) -> int:
        """Return the index in theta of number k (a step, or a state) of a row."""
        width = len(self.states) - 1 if self.is_reached else len(self.states)
        return self.offset + row * width + k


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
    which has to be named beside it, and `leak_rule` what is told to whoever names none. `acts_by_cause`: each parent
    acts by itself and the highest state counts, so that theta holds the leak and `Family.links` in the place of rows.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    fits_without_parents: ClassVar[bool] = False
    leaks: ClassVar[tuple[str, ...]] = ()
    leak_rule: ClassVar[str] = ""
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


def columns(rows: Sequence[Sequence[int]], n: int) -> tuple[Index, ...]:
    """Turn rows of n indices each into n arrays."""
    import numpy as np

    return tuple(np.array(rows, dtype=np.intp).reshape(-1, n).T.copy())
