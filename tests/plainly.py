"""Answers as plain data, as `--json` prints them: what tests compare."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from forecast.analysis import conflict as _conflict
from forecast.analysis import diff as _diff
from forecast.analysis import influence as _influence
from forecast.analysis import questions as _by_date
from forecast.analysis import story as _story
from forecast.analysis import watch as _watch
from forecast.analysis import what_if as _what_if
from forecast.analysis import why as _by_month
from forecast.analysis import why as _why
from forecast.plain import as_data


def plainly(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the answer as a function that gives plain data."""

    @wraps(answer)
    def given(*arguments: Any, **more: Any) -> Any:
        return as_data(answer(*arguments, **more))

    return given


stories = plainly(_story.stories)
watch_list = plainly(_watch.watch_list)
conflict = plainly(_conflict.conflict)
surprise = plainly(_conflict.surprise)
statements = plainly(_conflict.statements)
influence = plainly(_influence.influence)
arrows = plainly(_influence.arrows)
judgements = plainly(_influence.judgements)
without_experts = plainly(_influence.without_experts)
grade_shifts = plainly(_influence.grade_shifts)
what_if = plainly(_what_if.what_if)
by_date = plainly(_by_date.by_date)
why = plainly(_why.why)
why_by_month = plainly(_by_month.why_by_month)
difference = plainly(_diff.difference)
