"""A table of forecasts as a workspace (every question an event, every row a statement), and as a smaller prior."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from forecast.inference.linear import LinearMap
from forecast.sampling.spec import PriorSpec, TargetOdds
from forecast.scoring.pool_table import ExpertForecast, ForecastTable
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


def _pair(forecast: ExpertForecast) -> tuple[str, str]:
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


def _expert(forecast: ExpertForecast) -> Expert:
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


def _statement(forecast: ExpertForecast, outcome: int | None, today: date) -> Statement:
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


def shared_sides(spec: PriorSpec) -> PriorSpec:
    """Return the same spec with equal sides counted once: all who answer a question read one probability."""
    first: dict[tuple[object, ...], int] = {}
    number: list[int] = []
    kept: list[TargetOdds] = []
    for side in spec.sides:
        key = (side.network, side.given, side.variables, side.table.tobytes())
        if key not in first:
            first[key] = len(kept)
            kept.append(side)
        number.append(first[key])
    quantities = spec.quantities
    part, side_of = np.divmod(quantities.column, len(spec.sides))  # which logarithm, and of which side
    column = part * len(kept) + np.array(number, dtype=np.intp)[side_of]
    return replace(
        spec, sides=tuple(kept), quantities=LinearMap(quantities.n_rows, quantities.row, column, quantities.weight)
    )


def folded_deviations(spec: PriorSpec) -> PriorSpec:
    """Return the spec with every deviation that a single reading has to itself taken into that reading's noise.

    Such a deviation (of somebody who is alone in a group) tells no two readings apart: it only adds to the noise. It
    is normal and the noise is Student's t, so that adding the squares of their scales makes the sum's tails a little
    heavy: one forecast of .05 alone is pooled at .111 instead of .093; from two on it is less than .002.
    """
    deviations, n_stated = spec.deviations, spec.stated.location.size
    readings = np.bincount(deviations.column, minlength=len(spec.deviation_labels))
    lone = (readings[deviations.column] == 1) & (deviations.row < n_stated)
    variance = np.square(spec.stated.scale)
    # The noise is divided by the expert's weight afterwards; the deviation is not.
    np.add.at(
        variance, deviations.row[lone], spec.stated.weight[deviations.row[lone]] * np.square(deviations.weight[lone])
    )
    used = np.unique(deviations.column[~lone])
    return replace(
        spec,
        stated=replace(spec.stated, scale=np.sqrt(variance)),
        deviations=LinearMap(
            deviations.n_rows,
            deviations.row[~lone],
            np.searchsorted(used, deviations.column[~lone]),
            deviations.weight[~lone],
        ),
        deviation_labels=tuple(spec.deviation_labels[column] for column in used.tolist()),
    )
