"""Resolved forecasts of an expert: which count, what they teach, and weights."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from forecast.model.layout import lay_out
from forecast.sampling.model import build_model
from forecast.sampling.program import record_program
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import (
    LEAST_RECORD,
    SD_BIAS,
    SD_EXPERT,
    SD_SLOPE,
    PriorSpec,
    prior_spec,
    track_records,
)
from forecast.workspace.records import Resolution, Statement, Times, Workspace
from tests.worlds import OPENS, event, network, statement, target, workspace

KNOWN = OPENS + timedelta(days=100)


def world(n: int, *, on: date = OPENS, state: str | None = "yes", extra: tuple[Statement, ...] = ()) -> Workspace:
    """An expert who gave n forecasts of .7, all resolved on a day to a state, beside others."""
    net = network(event("a", "constant"), event("b", "constant"))
    told = [statement(f"s{i:02}", target("a", "yes"), 0.7, resolved=Resolution(state, on, None)) for i in range(n)]
    return workspace(net, statements=(*told, *extra))


def spec_of(one: Workspace, as_of: date = KNOWN) -> PriorSpec:
    """The compiled statements of a world."""
    return prior_spec(lay_out(one.network), one, as_of)


def test_which_forecasts_count() -> None:
    """Ten that were resolved by the as-of date make a record; void questions and differences never do."""
    enough = LEAST_RECORD
    assert ("ann",) == spec_of(world(enough)).rated
    assert () == spec_of(world(enough - 1)).rated
    assert () == spec_of(world(enough, on=KNOWN + timedelta(days=1))).rated
    assert ("ann",) == spec_of(world(enough, on=KNOWN)).rated
    assert {} == track_records(world(enough, state=None), KNOWN)
    ratio = Times(target("b", "yes"), 2.0, None, None, 0.9, of_odds=True)
    difference = statement("t", target("a", "yes"), ratio, resolved=Resolution("yes", OPENS, None))
    other = statement("u", target("b", "yes"), 0.4, expert="bob", resolved=Resolution("no", OPENS, None))
    records = track_records(world(enough, extra=(difference, other)), KNOWN)
    assert {"ann": enough, "bob": 1} == {name: len(rows) for name, rows in records.items()}
    assert [(logit(0.4), 0)] == records["bob"]


def test_density() -> None:
    """The log density moves with bias and slope as the formulas say: readings, outcomes and priors."""
    ratio = Times(target("b", "yes"), 2.0, None, None, 0.9, of_odds=True)
    one = world(LEAST_RECORD, extra=(statement("t", target("a", "yes"), ratio),))
    spec = spec_of(one)
    program = record_program(spec)
    model = build_model(spec, program)
    log_density = model.compile_logp(mode="FAST_COMPILE")
    point = model.initial_point(0)
    implied = float(logit(0.5))  # every coordinate is zero, and so is every deviation

    def by_hand(bias: float, slope: float, omega: float) -> float:
        scale = np.hypot(0.5, omega)
        readings = LEAST_RECORD * stats.t.logpdf(logit(0.7), DEGREES_OF_FREEDOM, bias + slope * implied, scale)
        readings += stats.t.logpdf(np.log(2.0), DEGREES_OF_FREEDOM, slope * 0.0, np.hypot(0.8, omega))
        outcomes = LEAST_RECORD * np.log(expit((logit(0.7) - bias) / slope))
        prior = stats.norm.logpdf(bias, 0.0, SD_BIAS) + stats.norm.logpdf(np.log(slope), 0.0, SD_SLOPE)
        return float(readings + outcomes + prior)

    omega = np.array([0.3])

    def found(bias: float, slope: float) -> float:
        at = {"bias": np.array([bias]), "slope_log__": np.log([slope]), "omega_score__": _score(omega)}
        return float(log_density(point | at))

    expected = by_hand(0.4, 1.3, 0.3) - by_hand(-0.2, 0.8, 0.3)
    np.testing.assert_allclose(found(0.4, 1.3) - found(-0.2, 0.8), expected, rtol=1e-9)


def _score(omega: Any) -> Any:
    """The standard normal number as far out as omega is in its prior."""
    return stats.norm.isf(stats.halfnorm.sf(omega, scale=SD_EXPERT))


def test_weight() -> None:
    """The variance of what an expert says, extra noise included, is divided by the weight."""
    one = world(1)
    ann = one.experts["ann"]
    heavy = Workspace(**{**vars(one), "experts": {"ann": type(ann)(**{**vars(ann), "weight": 4.0})}})
    spec = spec_of(heavy)
    model = build_model(spec, record_program(spec))
    log_density, point = model.compile_logp(mode="FAST_COMPILE"), model.initial_point(0)

    def found(omega: float) -> float:
        return float(log_density(point | {"omega_score__": _score(np.array([omega]))}))

    def by_hand(omega: float) -> float:
        reading = stats.t.logpdf(logit(0.7), DEGREES_OF_FREEDOM, 0.0, np.hypot(0.5, omega) / 2.0)
        return float(reading + stats.norm.logpdf(_score(omega)))

    np.testing.assert_allclose(found(0.9) - found(0.2), by_hand(0.9) - by_hand(0.2), rtol=1e-9)
