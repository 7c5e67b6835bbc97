"""What a form of statement is: its key and shape, its checks and reading, its width, its fit, its names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from forecast.workspace.fits import Fit, FitKind, NoBeta, Points, fit_quantiles
from forecast.workspace.names import Frame
from forecast.workspace.nodes import Cursor
from forecast.workspace.problems import Problem
from forecast.workspace.read_targets import TargetShape
from forecast.workspace.records import Expert, Probability, Quantiles, Reading, Target
from forecast.workspace.renames import Former

LEVEL = 0.9  # of an interval that does not say
FIT_KEY = "fit"

Built = tuple[Reading | None, tuple[Problem, ...]]


class Said(NamedTuple):
    """The value of a form in a statement whose shape is right, and what it is read with."""

    value: Any
    at: Cursor  # the value
    about: TargetShape
    statement: Cursor
    frame: Frame


class Fitted(NamedTuple):
    """What was stated, what is fitted to it, how that is called, and what else could be done."""

    points: Points
    fit: Fit
    name: str
    instead: str


class StatementForm[R: Reading](ABC):
    """One way to say a number. `key` decides between the forms; the defaults are those of a single probability."""

    key: ClassVar[str]
    shape: ClassVar[Any]  # annotation of the value behind `key`
    record: ClassVar[type[Reading]]
    example: ClassVar[str]  # what the value looks like in a file
    second: ClassVar[tuple[str, ...]] = ()  # steps to a second target
    is_read_with_about: ClassVar[bool] = False  # mistakes in `about` are mistakes in its reading
    is_on_whole_event: ClassVar[bool] = False  # `about` names no state
    has_outcome: ClassVar[bool] = True

    @abstractmethod
    def build(self, said: Said) -> Built:
        """Return the reading (None where it is wrong) and the problems in it."""

    @abstractmethod
    def sd(self, reading: R, expert: Expert) -> float | None:
        """Return the sd that a reading implies, or its expert's own where it implies none; None where it has none.

        In log-odds; of a ratio of probabilities, in the logarithm of the ratio."""

    @abstractmethod
    def alike(self, reading: R, sd: float) -> Reading:
        """Return a reading with its best value alone, at the sd of everybody."""

    def references(self, statement: Cursor, frame: Frame) -> Iterator[Problem]:  # noqa: ARG002 - none by default
        """Report unknown names in the value, however wrong the rest of the statement is; targets apart."""
        yield from ()

    def fitted(self, reading: R) -> Fitted | None:  # noqa: ARG002 - nothing by default
        """Return what is fitted to the reading, None where nothing is."""
        return None

    def second_target(self, reading: R) -> Target | None:  # noqa: ARG002 - nothing by default
        """Return what a reading compares its target with."""
        return None

    def former(self, reading: R, about: Target, names: Former) -> R:  # noqa: ARG002 - no names by default
        """Return a reading with the names of then."""
        return reading


def interval_problems(
    at: Cursor, low: float | None, best: float, high: float | None, name: str = "best"
) -> Iterator[Problem]:
    """Report an interval that is half there, turned round, or does not hold its best value (called `name`)."""
    if (low is None) != (high is None):
        there, missing = ("low", "high") if high is None else ("high", "low")
        yield at.at(there).problem(f"'{there}' without '{missing}'", "", "give both")
    if low is not None and high is not None:
        if low >= high:
            yield at.at("low").problem("low is not below high", f"low {low:g}, high {high:g}", "low < high")
        elif not low <= best <= high:
            yield at.at(name).problem(f"the interval does not hold its {name}", f"{best:g}", f"{low:g} to {high:g}")
    elif low is None and high is None and at.has("level"):
        yield at.at("level").problem("'level' without an interval", "", "give low, high")


def quantiles_with_fit(points: Points, kind: FitKind, at: Cursor) -> Built:
    """Return quantiles as a reading, where the fit that is asked for exists."""
    try:
        fit_quantiles(points, kind)
    except NoBeta:
        what = "no beta comes near: too narrow, too wide, or too near 0 or 1"
        return None, (at.at(FIT_KEY).problem(what, "", "leave 'fit' out"),)
    return Quantiles(points, kind), ()


def point(best: float, sd: float) -> Probability:
    """Return a single number with an sd in log-odds."""
    return Probability(best, None, None, LEVEL, sd)
