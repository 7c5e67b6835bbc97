"""Read a single probability: a number, an interval, quantiles or odds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, PlainValidator

from forecast.workspace.cursor import Cursor
from forecast.workspace.fits import FITS, FitKind, NoBeta, Points, fit_quantiles, interval_points
from forecast.workspace.problems import Problem, choice, shown
from forecast.workspace.records import Probability, Quantiles, Reading
from forecast.workspace.shapes import Positive, Shape, UnitProbability, read_probability, refuse

ODDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*[:/]\s*([0-9]+(?:\.[0-9]+)?)(?:\s+(on|against))?\s*")


# The sd, in log-odds, of a number given with a degree of confidence. A convention: no study ties the words to widths.
# With high, the odds are meant to a factor of two either way (at 90 %); each step doubles the sd.
# ICD 203 (2015, D.6.e.(2)) keeps such words apart from the probability itself, as here.
CONFIDENCE_SD: dict[str, float] = {"high": 0.35, "moderate": 0.7, "low": 1.4}


def read_odds(text: str) -> tuple[float, float] | None:
    """Return the parts of odds, (it happens, it does not); None where the text holds none.

    'a:b on' and plain 'a:b' are a to b that it happens, 'a:b against' a to b that it does not."""
    match = ODDS.fullmatch(text)
    if match is None:
        return None
    first, second = float(match[1]), float(match[2])
    return (second, first) if match[3] == "against" else (first, second)


class ProbabilityShape(Shape):
    """A best value with an interval, with an sd in log-odds, or with a degree of confidence."""

    best: UnitProbability
    low: UnitProbability | None = None
    high: UnitProbability | None = None
    level: UnitProbability | None = None
    sd: Positive | None = None
    confidence: Literal["high", "moderate", "low"] | None = None
    fit: FitKind | None = None


class Odds(NamedTuple):
    """Odds as they were written, and the probability that they are."""

    text: str
    probability: float


def _read_odds(value: Any) -> Odds:
    parts = read_odds(value) if isinstance(value, str) else None
    if parts is None:
        raise refuse(
            "cannot be read as odds", "'3:1 on' is three to one that it happens; '3:1 against' that it does not"
        )
    happens, fails = parts
    if happens == 0 or fails == 0:
        raise refuse("may not be 0 or infinite", "no evidence could ever move a certainty; write '99:1 on', or less")
    return Odds(" ".join(str(value).split()), happens / (happens + fails))


OddsText = Annotated[Odds, PlainValidator(_read_odds, json_schema_input_type=str)]


class OddsShape(Shape):
    """The best odds, with others as an interval."""

    best: OddsText
    low: OddsText | None = None
    high: OddsText | None = None
    level: UnitProbability | None = None


def _read_number(value: Any) -> Any:
    if isinstance(value, str):
        raise refuse(
            "is not a probability", "a number such as 0.7, without quotes or '%'; or a map with its best value"
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"best": value} if is_number else value


def _read_odds_text(value: Any) -> Any:
    return {"best": value} if not isinstance(value, dict) else value


def _read_point(value: Any) -> float | str:
    if isinstance(value, str):
        if value not in FITS:
            raise refuse("is neither a probability nor a fit", f"a number between 0 and 1, or fit: {' or '.join(FITS)}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse("is no probability", "a number between 0 and 1")
    return float(read_probability(value))


NumberOrInterval = Annotated[
    ProbabilityShape, BeforeValidator(_read_number, json_schema_input_type=UnitProbability | ProbabilityShape)
]


OddsOrInterval = Annotated[OddsShape, BeforeValidator(_read_odds_text, json_schema_input_type=str | OddsShape)]


Point = Annotated[float | str, PlainValidator(_read_point, json_schema_input_type=UnitProbability | FitKind)]


LEVEL = 0.9  # of an interval that does not say


FIT_KEY = "fit"


Built = tuple[Reading | None, tuple[Problem, ...]]


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


def build_probability(shape: ProbabilityShape, at: Cursor) -> Built:
    """Return the reading of `probability` and the problems in it."""
    problems = (*interval_problems(at, shape.low, shape.best, shape.high), *_two_widths(shape, at))
    if problems:
        return None, problems
    level = shape.level or LEVEL
    if shape.fit is not None and shape.low is not None and shape.high is not None:
        if not shape.low < shape.best < shape.high:
            got = f"{shape.low:g}, {shape.best:g}, {shape.high:g}"
            return None, (at.at("best").problem("a fit needs low < best < high", got, "leave 'fit' out"),)
        return _fitted(interval_points(shape.low, shape.best, shape.high, level), shape.fit, at)
    sd, words = shape.sd, None
    if shape.confidence is not None:
        sd, words = CONFIDENCE_SD[shape.confidence], f"{shape.confidence} confidence"
    return Probability(shape.best, shape.low, shape.high, level, sd, words), ()


def build_odds(shape: OddsShape, at: Cursor) -> Built:
    """Return the reading of `odds`, a probability, and the problems in it."""
    low, high = shape.low, shape.high
    bounds = (None if low is None else low.probability, None if high is None else high.probability)
    problems = tuple(interval_problems(at, bounds[0], shape.best.probability, bounds[1]))
    if problems:
        return None, problems
    words = f"odds {shape.best.text}" + (f" ({low.text} to {high.text})" if low and high else "")
    return Probability(shape.best.probability, *bounds, shape.level or LEVEL, None, words), ()


def build_quantiles(entries: dict[str, float | str], at: Cursor) -> Built:
    """Return the reading of `quantiles` and the problems in it."""
    problems: list[Problem] = []
    points: list[tuple[float, float]] = []
    for key, value in entries.items():
        if key != FIT_KEY:
            point = _point(key, value, points[-1] if points else None, at.key(key))
            if isinstance(point, tuple):
                points.append(point)
            else:
                problems.append(point)
    kind = next((one for one in FITS if one == entries.get(FIT_KEY, FITS[0])), None)
    if kind is None:
        what = f"unknown fit {shown(entries[FIT_KEY])}"
        problems.append(at.key(FIT_KEY).problem(what, "", choice("fits", "", FITS)))
    if not problems and len(points) < 2:
        problems.append(at.problem("too few", str(len(points)), "two levels or more"))
    if problems or kind is None:
        return None, tuple(problems)
    return _fitted(tuple(points), kind, at)


def _point(
    key: str, value: float | str, before: tuple[float, float] | None, at: Cursor
) -> tuple[float, float] | Problem:
    """Return one quantile as (level, probability), or what is wrong with it."""
    level = _level(key)
    if level is None:
        allowed = "between 0 and 1, neither included; the 5 % point is written 0.05"
        return at.problem("this is no level", shown(key), allowed)
    if isinstance(value, str):
        return at.problem(f"the quantile at {key} is no number", shown(value), "a probability")
    if before is not None and level <= before[0]:
        allowed = "from the lowest level to the highest"
        return at.problem("levels do not rise", f"{level:g} after {before[0]:g}", allowed)
    if before is not None and value <= before[1]:
        got = f"{value:g} at {level:g} after {before[1]:g} at {before[0]:g}"
        return at.problem("quantiles cross", got, "a higher level has a higher probability")
    return level, value


def _level(key: str) -> float | None:
    try:
        level = float(key)
    except ValueError:
        return None
    return level if 0.0 < level < 1.0 else None


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


def _fitted(points: Points, kind: FitKind, at: Cursor) -> Built:
    try:
        fit_quantiles(points, kind)
    except NoBeta:
        what = "no beta comes near: too narrow, too wide, or too near 0 or 1"
        return None, (at.at(FIT_KEY).problem(what, "", "leave 'fit' out"),)
    return Quantiles(points, kind), ()
