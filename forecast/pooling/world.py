"""A table of forecasts as a workspace: every question an event, every row a statement."""

from __future__ import annotations

from datetime import date, timedelta

from forecast.pooling.table import Forecast, ForecastTable
from forecast.workspace.problems import Source
from forecast.workspace.records import (
    Condition,
    Cpt,
    Event,
    Expert,
    Network,
    Probability,
    Publication,
    Resolution,
    Statement,
    Target,
    Workspace,
)

NO, YES = STATES = ("no", "yes")
# Of a point without an interval, in log-odds. Less than a workspace's default, which is for words: here the author
# wrote the number, and how noisily an expert writes is what omega learns.
DEFAULT_SD = 0.3


def as_workspace(table: ForecastTable, today: date) -> Workspace:
    """Write a table as the workspace that says the same.

    A question is a constant with two states and no parents, so it has no history and the dates of its statements do
    not enter its numbers. An expert without a group is a group of their own. Questions, experts and statements are
    sorted by name: the order of the rows changes nothing.
    """
    opens = today + timedelta(days=1)  # all was said before: everything is read at the opening
    source = Source(table.path, 1)
    events = {name: _event(name, source) for name in sorted(table.questions)}
    network = Network(title=table.path, opens=opens, horizon=opens + timedelta(days=1), events=events, source=source)
    experts = {forecast.expert: _expert(forecast) for forecast in sorted(table.forecasts, key=_pair)}
    statements = tuple(
        _statement(forecast, table.questions[forecast.question], today)
        for forecast in sorted(table.forecasts, key=_pair)
    )
    return Workspace(
        root="",
        network=network,
        scenarios=(),
        experts=experts,
        statements=statements,
        sources={},
        items=(),
        watched_until=None,
        digests={},
    )


def _pair(forecast: Forecast) -> tuple[str, str]:
    return forecast.expert, forecast.question


def _event(name: str, source: Source) -> Event:
    # Without parents "logistic" is one normal log-odds; "shared" would add a second one that nothing tells apart.
    return Event(
        id=name,
        question=name,
        kind="constant",
        states=STATES,
        resolves=name,
        parents=(),
        role="driver",
        initial=None,
        persistence_days=None,
        cpt=Cpt("logistic", None),
        source=source,
    )


def _expert(forecast: Forecast) -> Expert:
    # The two kinds of names are kept apart: a group may be called as an expert is.
    group = f"expert {forecast.expert}" if forecast.group is None else f"group {forecast.group}"
    return Expert(
        id=forecast.expert,
        name=forecast.expert,
        role="",
        group=group,
        default_sd=DEFAULT_SD,
        weight=forecast.weight,
        source=forecast.source,
    )


def _statement(forecast: Forecast, outcome: int | None, today: date) -> Statement:
    return Statement(
        id=f"{forecast.expert}: {forecast.question}",
        date=forecast.day or today,
        expert=forecast.expert,
        publication=Publication(forecast.source.path, None, None),
        says="",
        about=Target(Condition(forecast.question, (YES,)), None, (), None),
        reading=Probability(forecast.best, forecast.low, forecast.high, forecast.level, None),
        coded_by=None,
        why="",
        resolved=None if outcome is None else Resolution(STATES[outcome], today, None),
        source=forecast.source,
    )
