"""What a form of statement is: its key and shape, checks and reading, width, numbers, words, fit and names.

What the sampler is given is one of four kinds of number: each has its likelihood there, whatever the form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StatedNumber:
    """`location` is a noisy reading of logit P(target), of its log, or of a difference of two such terms.

    `scale` is that of the noise in log-odds (Student t, 4 degrees of freedom; normal where `is_exact`); `against` is
    the term subtracted.
    """

    location: float
    scale: float
    of_odds: bool
    against: Target | None = None
    is_exact: bool = False


@dataclass(frozen=True)
class StatedDistribution:
    """A probability for each state of the target's event, and the sd of each log-ratio coordinate."""

    probabilities: tuple[float, ...]
    scale: float
    is_exact: bool = False


@dataclass(frozen=True)
class CountedCases:
    """`happened` of `of` cases, each with probability 1 - (1 - P(target))^exponent.

    `stays`: the target is that some steps are not taken, and each case has probability P(target)^exponent.
    """

    happened: int
    of: int
    exponent: float
    stays: bool = False


@dataclass(frozen=True)
class Ordered:
    """The target was said to be likelier than `other`; `scale` is the logistic scale of a slip, in log-odds."""

    other: Target
    scale: float


Numbers = StatedNumber | StatedDistribution | CountedCases | Ordered


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
    may_be_exact: ClassVar[bool] = True  # a rule can say it: a number, not a word, counted cases or a fit
    may_be_coded_again: ClassVar[bool] = True  # it is a single number, of which there can be a mean
    shape_again: ClassVar[Any] = None  # of a further coder's value; None: as that of the first
    is_at_opening: ClassVar[bool] = False  # read there, before any evidence, whenever it was made

    @abstractmethod
    def build(self, said: Said) -> Built:
        """Return the reading (None where it is wrong) and the problems in it."""

    @abstractmethod
    def sd(self, reading: R, expert: Expert) -> float | None:
        """Return the sd that a reading implies, or its expert's own where it implies none; None where it has none.

        In log-odds; of a ratio of probabilities, in the logarithm of the ratio."""

    @abstractmethod
    def numbers(self, reading: R, scale: float, window_days: int) -> Numbers:
        """Return what the sampler is given: numbers on the log-odds scale.

        `scale` is the sd of `sd` (its expert's own where that is None), as far as it is granted; the window is that of
        the day of the statement.
        """

    @abstractmethod
    def words(self, reading: R, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write for readers what a statement was coded as, with the names of scenarios and events by id."""

    @abstractmethod
    def alike(self, reading: R, sd: float) -> Reading:
        """Return a reading with its best value alone, at the sd of everybody."""

    def references(self, statement: Cursor, frame: Frame) -> Iterator[Problem]:  # noqa: ARG002 - none by default
        """Report unknown names in the value, however wrong the rest of the statement is; targets apart."""
        yield from ()

    def whole(self, value: Any, first: Any) -> Any:  # noqa: ARG002 - it is whole by default
        """Return a further coder's value with what it leaves out of the first coder's, None where that is another's."""
        return value

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
