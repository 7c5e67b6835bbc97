"""A probability: a number, with an interval, an sd in log-odds, or a degree of confidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, override

from pydantic import BeforeValidator

from forecast.workspace.fits import FitKind, interval_fit, interval_points, interval_sd, logit
from forecast.workspace.nodes import Cursor, Shape, StatedProbability, UnitProbability, Width, refuse
from forecast.workspace.problems import Problem
from forecast.workspace.records import Expert, Probability, Reading
from forecast.workspace.statement_forms.form import (
    LEVEL,
    Built,
    Fitted,
    Numbers,
    Said,
    StatedNumber,
    StatementForm,
    interval_problems,
    point,
    quantiles_with_fit,
)
from forecast.workspace.wording import exact

# The sd, in log-odds, of a number given with a degree of confidence. A convention: no study ties the words to widths.
# With high, the odds are meant to a factor of two either way (at 90 %); each step doubles the sd.
# ICD 203 (2015, D.6.e.(2)) keeps such words apart from the probability itself, as here.
Confidence = Literal["high", "moderate", "low"]
CONFIDENCE_SD: dict[str, float] = dict(zip(get_args(Confidence), (0.35, 0.7, 1.4), strict=True))


class ProbabilityShape(Shape):
    """A best value with an interval, with an sd in log-odds, or with a degree of confidence."""

    best: StatedProbability
    low: UnitProbability | None = None
    high: UnitProbability | None = None
    level: UnitProbability | None = None
    sd: Width | None = None
    confidence: Confidence | None = None
    fit: FitKind | None = None


def _read_number(value: Any) -> Any:
    if isinstance(value, str):
        raise refuse(
            "is not a probability", "a number such as 0.7, without quotes or '%'; or a map with its best value"
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"best": value} if is_number else value


class ProbabilityForm(StatementForm[Probability]):
    """`probability: 0.3`, or a map with `best`."""

    key = "probability"
    shape = Annotated[
        ProbabilityShape, BeforeValidator(_read_number, json_schema_input_type=UnitProbability | ProbabilityShape)
    ]
    record = Probability
    example = "0.3, or {low: 0.1, best: 0.3, high: 0.6}, or {best: 0.3, confidence: moderate}"

    @override
    def build(self, said: Said) -> Built:
        """Return the reading and the problems in it; an interval with a fit is read as quantiles."""
        shape: ProbabilityShape = said.value
        problems = (*interval_problems(said.at, shape.low, shape.best, shape.high), *_two_widths(shape, said.at))
        if problems:
            return None, problems
        level = shape.level or LEVEL
        if shape.fit is not None and shape.low is not None and shape.high is not None:
            if not shape.low < shape.best < shape.high:
                got = f"{shape.low:g}, {shape.best:g}, {shape.high:g}"
                return None, (said.at.at("best").problem("a fit needs low < best < high", got, "leave 'fit' out"),)
            return quantiles_with_fit(interval_points(shape.low, shape.best, shape.high, level), shape.fit, said.at)
        sd, words = shape.sd, None
        if shape.confidence is not None:
            sd, words = CONFIDENCE_SD[shape.confidence], f"{shape.confidence} confidence"
        return Probability(shape.best, shape.low, shape.high, level, sd, words), ()

    @override
    def sd(self, reading: Probability, expert: Expert) -> float | None:
        """Return the sd of the interval, or the one that is stated."""
        if reading.low is not None and reading.high is not None:
            return interval_sd(logit(reading.low), logit(reading.high), reading.level, exact=expert.exact)
        return reading.sd if reading.sd is not None else expert.default_sd

    @override
    def numbers(self, reading: Probability, scale: float, window_days: int) -> Numbers:
        """Return the best value."""
        return StatedNumber(logit(reading.best), scale, of_odds=True)

    @override
    def words(self, reading: Probability, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write how it was put, the best value, and its interval or sd."""
        best, low, high = reading.best, reading.low, reading.high
        put = f"{reading.words}: " if reading.words else ""
        if low is not None and high is not None:
            return f"{put}{exact(best)} ({exact(low)}–{exact(high)}, at {exact(reading.level)})"
        return put + exact(best) + (f" (sd {reading.sd:g} log-odds)" if reading.sd is not None else "")

    @override
    def alike(self, reading: Probability, sd: float) -> Reading:
        """Return the best value."""
        return point(reading.best, sd)

    @override
    def fitted(self, reading: Probability) -> Fitted | None:
        """Return the t about the best value of an interval."""
        if reading.low is None or reading.high is None:
            return None
        interval = reading.low, reading.best, reading.high, reading.level
        name, instead = "the interval about its best value", "move one end, or state quantiles"
        return Fitted(interval_points(*interval), interval_fit(*interval), name, instead)


def _two_widths(shape: ProbabilityShape, at: Cursor) -> Iterator[Problem]:
    """Report a width that is given in two ways, and a fit without an interval."""
    has_interval = shape.low is not None or shape.high is not None
    if shape.sd is not None and has_interval:
        yield at.at("sd").problem("'sd' beside an interval", "", "low and high, or sd")
    if shape.confidence is not None and (has_interval or shape.sd is not None):
        beside = "an interval" if has_interval else "'sd'"
        yield at.at("confidence").problem(f"'confidence' beside {beside}", "", "one of low and high, sd, confidence")
    if shape.fit is not None and not has_interval:
        yield at.at("fit").problem("'fit' without an interval", "", "give low, high")
