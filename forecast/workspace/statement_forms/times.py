"""Times: the target is so many times as probable, or has so many times the odds, as something else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, override

from pydantic import Field

from forecast.workspace.fits import interval_sd
from forecast.workspace.nodes import MOST_SD, Shape, UnitProbability
from forecast.workspace.read_renames import former_target
from forecast.workspace.read_targets import TargetShape, build_target, inherit
from forecast.workspace.records import Expert, Reading, Target, Times
from forecast.workspace.renames import Former
from forecast.workspace.statement_forms.form import (
    LEVEL,
    Built,
    Numbers,
    Said,
    StatedNumber,
    StatementForm,
    interval_problems,
)
from forecast.workspace.wording import target

Ratio = Annotated[float, Field(ge=1e-12, le=1e12)]  # what lies beyond is no judgement, and overflows in a wide interval


class RatioShape(Shape):
    """So many times, as a further coder has it: against the same as the first coder."""

    ratio: Ratio
    low: Ratio | None = None
    high: Ratio | None = None
    level: UnitProbability | None = None


class TimesShape(RatioShape):
    """So many times as probable as something else."""

    against: TargetShape


class TimesForm(StatementForm[Times]):
    """`times: {against: TARGET, ratio: 3}`."""

    key = "times"
    shape = TimesShape
    shape_again = RatioShape
    record = Times
    example = "{against: {given: {EVENT: STATE}}, ratio: 3, low: 1.5, high: 6}"
    second = ("times", "against")
    is_read_with_about = True

    @override
    def build(self, said: Said) -> Built:
        """Return the reading and the problems in it."""
        times: TimesShape = said.value
        problems = list(interval_problems(said.at, times.low, times.ratio, times.high, "ratio"))
        against_shape, there = inherit(times.against, said.about, said.frame), said.at.at("against")
        against, more = build_target(against_shape, there.under("against"), said.frame)
        problems += more
        if against_shape == said.about:
            problems.append(there.problem("compares the target with itself"))
        if not problems and times.low is not None and times.high is not None:
            sd = interval_sd(math.log(times.low), math.log(times.high), times.level or LEVEL)
            if sd > MOST_SD:
                got, allowed = f"an sd of {sd:.0f} of the log of the ratio", f"at most {MOST_SD:g}; a higher level"
                problems.append(said.at.at("level").problem("the interval says nothing at its level", got, allowed))
        if problems or against is None:
            return None, tuple(problems)
        of_odds = self.key == OddsTimesForm.key
        return Times(against, times.ratio, times.low, times.high, times.level or LEVEL, of_odds), ()

    @override
    def whole(self, value: RatioShape, first: TimesShape | None) -> TimesShape | None:
        """Return the ratio against what the first coder compares with."""
        return first and first.model_copy(update={name: getattr(value, name) for name in RatioShape.model_fields})

    @override
    def sd(self, reading: Times, expert: Expert) -> float | None:
        """Return the sd of the interval, in the logarithm of the ratio."""
        if reading.low is not None and reading.high is not None:
            return interval_sd(math.log(reading.low), math.log(reading.high), reading.level, exact=expert.exact)
        return expert.default_sd

    @override
    def numbers(self, reading: Times, scale: float, window_days: int) -> Numbers:
        """Return the logarithm of the ratio."""
        return StatedNumber(math.log(reading.ratio), scale, reading.of_odds, reading.against)

    @override
    def words(self, reading: Times, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write the ratio, its interval, and what it is of."""
        low, high = reading.low, reading.high
        bounds = f" ({low:g}–{high:g})" if low is not None and high is not None else ""
        what = "odds" if reading.of_odds else "probability"
        return f"{reading.ratio:g} times the {what}{bounds} of: {target(reading.against, scenarios, events)}"

    @override
    def alike(self, reading: Times, sd: float) -> Reading:
        """Return the ratio without its interval; its sd is then its expert's."""
        return replace(reading, low=None, high=None)

    @override
    def second_target(self, reading: Times) -> Target | None:
        """Return what the ratio is against."""
        return reading.against

    @override
    def former(self, reading: Times, about: Target, names: Former) -> Times:
        """Return the reading with the names of then."""
        return replace(reading, against=former_target(reading.against, names))


class OddsTimesForm(TimesForm):
    """`odds_times: {against: TARGET, ratio: 3}`."""

    key = "odds_times"
    second = ("odds_times", "against")
