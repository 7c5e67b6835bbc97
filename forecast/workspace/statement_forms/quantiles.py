"""Quantiles: points of a distribution of the probability, and what is fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, override

from pydantic import Field, PlainValidator

from forecast.workspace.fits import FITS, FitKind, expit, fit_quantiles
from forecast.workspace.nodes import Cursor, UnitProbability, read_probability, refuse
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import Problem, choice, shown
from forecast.workspace.records import Expert, Quantiles, Reading
from forecast.workspace.statement_forms.form import (
    FIT_KEY,
    Built,
    Fitted,
    Numbers,
    Said,
    StatedNumber,
    StatementForm,
    point,
    quantiles_with_fit,
)
from forecast.workspace.wording import exact


def _read_point(value: Any) -> float | str:
    if isinstance(value, str):
        if value not in FITS:
            raise refuse("is neither a probability nor a fit", f"a number between 0 and 1, or fit: {' or '.join(FITS)}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse("is not a probability", "a number between 0 and 1")
    return float(read_probability(value))


Point = Annotated[float | str, PlainValidator(_read_point, json_schema_input_type=UnitProbability | FitKind)]


class QuantilesForm(StatementForm[Quantiles]):
    """`quantiles: {LEVEL: PROBABILITY, ..., fit: logit or beta}`."""

    key = "quantiles"
    shape = Annotated[dict[str, Point], Field(min_length=1)]
    record = Quantiles
    may_be_exact = False
    example = "{0.05: 0.1, 0.5: 0.3, 0.95: 0.6}"

    @override
    def build(self, said: Said) -> Built:
        """Return the reading and the problems in it."""
        entries: dict[str, float | str] = said.value
        problems: list[Problem] = []
        points: list[tuple[float, float]] = []
        for key, value in entries.items():
            if key != FIT_KEY:
                read = _point(key, value, points[-1] if points else None, said.at.key(key))
                if isinstance(read, tuple):
                    points.append(read)
                else:
                    problems.append(read)
        kind = next((one for one in FITS if one == entries.get(FIT_KEY, FITS[0])), None)
        if kind is None:
            what = f"unknown fit {shown(entries[FIT_KEY])}"
            problems.append(said.at.key(FIT_KEY).problem(what, "", choice("fits", "", FITS)))
        if not problems and len(points) < 2:
            problems.append(said.at.problem("too few", str(len(points)), "two levels or more"))
        if problems or kind is None:
            return None, tuple(problems)
        return quantiles_with_fit(tuple(points), kind, said.at)

    @override
    def sd(self, reading: Quantiles, expert: Expert) -> float | None:
        """Return the scale of the fit."""
        return fit_quantiles(reading.points, reading.fit).scale

    @override
    def numbers(self, reading: Quantiles, scale: float, window_days: int) -> Numbers:
        """Return the place of the fit."""
        return StatedNumber(fit_quantiles(reading.points, reading.fit).location, scale, of_odds=True)

    @override
    def words(self, reading: Quantiles, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write the points, and what is fitted to them."""
        stated = ", ".join(f"{exact(level)} below {exact(p)}" for level, p in reading.points)
        return f"{stated} ({reading.fit} fit)"

    @override
    def alike(self, reading: Quantiles, sd: float) -> Reading:
        """Return the median of the fit."""
        return point(expit(fit_quantiles(reading.points, reading.fit).location), sd)

    @override
    def fitted(self, reading: Quantiles) -> Fitted | None:
        """Return the fit."""
        other = "beta" if reading.fit == "logit" else "logit"
        instead = f"state other quantiles, or fit: {other}"
        return Fitted(reading.points, fit_quantiles(reading.points, reading.fit), f"the {reading.fit} fit", instead)


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
    level = number_in(key)
    return level if level is not None and 0.0 < level < 1.0 else None
