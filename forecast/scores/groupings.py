"""Groups of forecasts: by forecaster, and within each by topic and by horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.scores.answers import Answers
from forecast.scores.cells import Ints
from forecast.scores.table import MICROSECONDS_A_DAY, Forecasts

HORIZON_DAYS = (7, 30, 90, 365)  # from forecast to close: where one group ends and the next begins
HORIZONS = ("under 7 days", "7 to 30 days", "30 to 90 days", "90 to 365 days", "365 days and more")


@dataclass(frozen=True)
class Grouping:
    """Groups by what `labels` say. `of_forecast` (n,) and `of_answer` (a,) are places in labels, -1 for no group."""

    name: str
    labels: Sequence[Mapping[str, str]]
    of_forecast: Ints
    of_answer: Ints
    timings: frozenset[str]


def groupings(forecasts: Forecasts, answers: Answers) -> Iterator[Grouping]:
    """Yield the groups by forecaster, by topic where there are any, and by horizon."""
    names = forecasts.forecasters
    by_forecaster = [{"forecaster": name} for name in names]
    every = frozenset({"each", "spot", "time_weighted", "daily"})
    yield Grouping("forecaster", by_forecaster, forecasts.forecaster, answers.forecaster, every)
    topics = sorted({one.topic for one in forecasts.questions} - {""})
    if topics:
        places = {topic: place for place, topic in enumerate(topics)}
        topic = np.array([places.get(one.topic, -1) for one in forecasts.questions], dtype=np.int64)
        of_forecast = _product(forecasts.forecaster, topic[forecasts.question], len(topics))
        of_answer = _product(answers.forecaster, topic[answers.question], len(topics))
        labels = [{"forecaster": name, "topic": topic} for name in names for topic in topics]
        yield Grouping("topic", labels, of_forecast, of_answer, every)
    # Days are whole microseconds until here: a forecast of exactly 7 days falls into the second group.
    ahead = forecasts.closes - forecasts.time
    horizon = np.searchsorted(np.array(HORIZON_DAYS) * MICROSECONDS_A_DAY, ahead, side="right")
    of_forecast = _product(forecasts.forecaster, horizon, len(HORIZONS))
    labels = [{"forecaster": name, "horizon": label} for name in names for label in HORIZONS]
    yield Grouping("horizon", labels, of_forecast, np.full(answers.first.size, -1), frozenset({"each"}))


def _product(forecaster: Ints, part: Ints, n_parts: int) -> Ints:
    return np.where(part >= 0, forecaster * n_parts + part, -1)
