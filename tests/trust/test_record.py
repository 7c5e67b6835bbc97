"""A simulated year of fifty worlds: the record's interval holds what was to be expected, after every month."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.analysis.record import BASE_RATE, RecordedForecast, scored_ahead
from forecast.ledger.outcome import Outcome
from forecast.model.layout import lay_out
from forecast.posterior.ladder import SubQuestion, ladder, month_end, month_of
from forecast.workspace.records import Item, Settled, Workspace
from tests.analysis.worlds import outcome_of
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import named, random_theta
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

pytestmark = pytest.mark.trust

WORLDS, MONTHS, DRAWS, LEVEL = 50, 12, 40, 0.9
Array = NDArray[np.float64]


def _world() -> Workspace:
    """A cause that never shows, what it drives, and what follows from that."""
    events = [
        event("cause", "constant"),
        event("first", states=("none", "some", "all"), parents=("cause",)),
        event("second", parents=("cause",)),
        event("third", parents=("first",)),
        event("mood", "status", parents=("second",)),
    ]
    return workspace(network(*events))


def _forecast(world: Workspace, theta: Array, of: SubQuestion) -> Outcome:
    """What is forecast at the beginning of the month of a sub-question: all draws, weighed by what has happened."""
    found = outcome_of(world, theta, month_end(month_of(of.by) - 1))
    logs = found.posterior.evaluation.log_evidence
    weights = np.exp(logs - logs.max())
    return replace(
        found,
        posterior=replace(found.posterior, weights=replace(found.posterior.weights, weights=weights / weights.sum())),
    )


def _lived(seed: int) -> tuple[list[RecordedForecast], list[float]]:
    """A year: what was said a month ahead beside a base rate, how it ended, and what difference was to be expected."""
    rng = np.random.default_rng(seed)
    world = _world()
    layout = lay_out(world.network)
    _, theta = random_theta(rng, layout, DRAWS)
    truth = named(layout, theta[:, :1])  # one of the draws, so that the forecaster can learn which
    items: list[Item] = []
    forecasts: list[RecordedForecast] = []
    expected = []
    for month in range(month_of(OPENS) + 1, month_of(OPENS) + 1 + MONTHS):
        as_of, by = month_end(month - 1), month_end(month)
        known = replace(world, items=tuple(items), watched_until=as_of)
        found = _forecast(known, theta, SubQuestion("cause", (), by))
        joint = {states: float(np.sum(p)) for states, p in AsOf(known, truth, as_of, by).joint.items()}
        total = sum(joint.values())
        courses = list(joint)
        ended = courses[rng.choice(len(courses), p=[joint[states] / total for states in courses])]
        state = dict(zip(world.network.events, ended, strict=True))
        differences: dict[str, list[float]] = {}
        for one in ladder(known, layout, as_of, found.posterior).estimates:
            if one.asks.by != by or not isinstance(one.asks, SubQuestion):
                continue
            p, q = one.probability, 0.15
            place = list(world.network.events).index(one.asks.event)
            chance = sum(share for states, share in joint.items() if states[place] in one.asks.states) / total
            gap = chance * ((p - 1) ** 2 - (q - 1) ** 2) + (1 - chance) * (p**2 - q**2)
            differences.setdefault(one.asks.event, []).append(gap)
            forecasts.append(
                RecordedForecast(
                    sub_question=one.asks.name, event=one.asks.event, states=one.asks.states, given=None, by=by,
                    question=None, topic="all", months_ahead=1, line=1, digest="", as_of=as_of, probability=p,
                    is_yes=state[one.asks.event] in one.asks.states, known=by, settled_by=None, others={BASE_RATE: q},
                )
            )  # fmt: skip
        expected += [float(np.mean([np.mean(of) for of in differences.values()]))] if differences else []
        items += _news(found, state, month)
    return forecasts, expected


def _news(found: Outcome, state: dict[str, str], month: int) -> list[Item]:
    """What settles the events that are not as they were."""
    was = found.posterior.asked.network.known
    day = month_end(month)
    news = []
    for v, path in was.paths.items():
        one = found.layout.events[v]
        if one.states[path.on(day)] != state[one.id]:
            news.append(item(f"{one.id}-{month}", day, Settled(one.id, state[one.id], HERE)))
    return news


def test_a_year_of_fifty_worlds_is_covered() -> None:
    """In at least nine worlds of ten the interval holds the mean expected difference after each of twelve months."""
    assert month_end(month_of(OPENS) + MONTHS) < HORIZON - timedelta(days=30)
    covered, widths = 0, []
    for seed in range(WORLDS):
        forecasts, expected = _lived(seed)
        months = sorted({one.month for one in forecasts})
        found = [
            scored_ahead(1, [one for one in forecasts if one.month in months[:n]]).beside[0].difference
            for n in range(1, len(months) + 1)
        ]
        means = np.cumsum(expected) / np.arange(1, len(months) + 1)
        covered += all(one.low <= mean <= one.high for one, mean in zip(found, means, strict=True))
        widths.append(found[-1].high - found[-1].low)
    print(f"{covered} of {WORLDS} worlds covered, mean width {np.mean(widths):.3f}")
    assert covered >= LEVEL * WORLDS
