"""Sources of any mean and certainty: worlds against the enumeration with each reliability integrated by quadrature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from math import log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import betaincinv

from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import evaluate, query
from forecast.posterior.sources import draw_reliabilities
from forecast.workspace.records import Item, Workspace
from forecast.workspace.renames import Grade
from tests.oracle.agreement import assert_enumerated, enumerated
from tests.oracle.enumeration import AsOf, States, informative
from tests.oracle.random_worlds import World, random_world
from tests.worlds import OPENS

Array = NDArray[np.float64]
AS_OF = OPENS + timedelta(days=600)
DRAWS = 20_000
GRADES = {
    "nearly always right": {"wire": Grade(0.99, 1.0), "blog": Grade(0.999, 1.0), "agency": Grade(0.9999, 50.0)},
    "nearly always wrong": {"wire": Grade(0.01, 1.0), "blog": Grade(0.001, 2.0), "rumour": Grade(1e-5, 30.0)},
    "anything": {"wire": Grade(0.5, 1.0), "blog": Grade(0.03, 400.0), "agency": Grade(0.97, 1000.0)},
}


def graded(known: Workspace, grades: Mapping[str, Grade]) -> Workspace:
    """The workspace with other grades for some sources."""
    sources = {name: replace(one, grade=grades.get(name, one.grade)) for name, one in known.sources.items()}
    return replace(known, sources=sources)


class Learning(AsOf):
    """Each source's reliability is Beta(mean, certainty), one for all that it reports."""

    def log_told(self, states: States) -> float:
        """Log of the integral of P(all reports | states, reliabilities) over the reliabilities."""
        by_source: dict[str, list[Item]] = {}
        for item in self.items:
            if item.id in self.informative_reports:
                by_source.setdefault(item.report_source, []).append(item)
        return sum(self._log_source(source, items, states) for source, items in by_source.items())

    def _log_source(self, source: str, items: list[Item], states: States) -> float:
        grade = self.workspace.sources[source].grade
        a, b = grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty
        # A copy keeps the share of its voice that it has at the prior mean.
        kept = {i.id: self.informative_reports[i.id] / informative(grade.mean, i.credibility) for i in items}

        def told(level: float) -> float:
            reliability = float(betaincinv(a, b, level))
            parts = [self.mixture(i, kept[i.id] * q_at(reliability, i.credibility), states) for i in items]
            return float(np.prod(parts))

        # Over the levels of the Beta distribution: its density may be infinite at both ends, what is told never is.
        integral = quad(told, 0.0, 1.0, epsabs=0.0, epsrel=1e-7, limit=400)[0]
        return log(integral) if integral > 0.0 else -np.inf


def q_at(reliability: float, credibility: int) -> float:
    """P(informative) at a reliability, the ends included."""
    return reliability if reliability in (0.0, 1.0) else informative(reliability, credibility)


@cache
def reported(seed: int) -> World:
    """A world of one draw in which six to twelve reports are told and nothing is retracted."""
    world = random_world(seed, 3, draws=1, n_reports=0)
    reports = [one for n in range(2) for one in random_world(seed, 3, n_reports=6 + n).workspace.items]
    told = {one.id: one for one in reports if one.id.startswith("report") and one.reported <= AS_OF}
    items = [replace(one, retracted=None, supersedes=None) for one in told.values()]
    settled = [one for one in world.workspace.items if one.id.startswith("settled")]
    made = replace(world.workspace, items=tuple(sorted((*settled, *items), key=lambda one: one.id)))
    return replace(world, workspace=made)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", GRADES)
def test_at_the_mean(name: str, seed: int) -> None:
    """Where sources stand at their prior mean, as for statements, that mean is used as it is written."""
    world = reported(seed)
    assert_enumerated(replace(world, workspace=graded(world.workspace, GRADES[name])), AS_OF)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", GRADES)
def test_learned(name: str, seed: int) -> None:
    """Evidence and posterior are the integrals over every source's Beta distribution, to the error of the draws."""
    world = reported(seed)
    known = graded(world.workspace, GRADES[name])
    log_evidence, _, by_state = enumerated(Learning(known, world.theta, AS_OF))
    asked = query(compile_workspace(world.layout, known, AS_OF), known.scenarios)
    flat = np.tile(world.flat, DRAWS)
    drawn = draw_reliabilities(asked.network, known.sources, flat, 1)
    found = evaluate(asked, flat, drawn)
    logs = found.log_evidence + drawn.log_correction
    assert float(log_evidence[0]) == pytest.approx(float(np.logaddexp.reduce(logs)) - log(DRAWS), abs=0.02)
    share = np.exp(logs - np.logaddexp.reduce(logs))
    for v, event in enumerate(world.layout.events):
        regions = [*(rule.id for rule in known.scenarios), "other"]
        expected = [sum(float(by_state[event.id, state, region][0]) for region in regions) for state in event.states]
        np.testing.assert_allclose(expected, found.events[v] @ share, rtol=0, atol=0.005)
