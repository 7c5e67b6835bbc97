"""Random small worlds as outcomes whose draws have weights, and the same by enumeration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.outcome import Outcome, outcome
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import Evaluation, Posterior, Query, evaluate, query
from forecast.posterior.sources import Reliabilities
from forecast.posterior.weights import Weights
from forecast.sampling.draws import Draws
from forecast.sampling.spec import PriorSpec
from forecast.workspace.records import Workspace
from tests.oracle import enumeration
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import random_world, with_parts_on_scenarios
from tests.posterior.standing import standing_at
from tests.worlds import OPENS

Array = NDArray[np.float64]
AS_OF = OPENS.replace(year=OPENS.year + 1, month=3)
DRAWS = 4


@dataclass(frozen=True)
class Answered:
    """An outcome, and the weighted mean joint P(states | E) by enumeration: {states in event order: probability}."""

    outcome: Outcome
    oracle: AsOf
    joint: Mapping[tuple[str, ...], float]

    def scenario(self, states: tuple[str, ...]) -> str:
        """Return the scenario of a joint state."""
        return self.oracle.scenario(dict(zip(self.oracle.network.events, states, strict=True)))


def answered(
    seed: int, n_events: int, monkeypatch: pytest.MonkeyPatch, *, has_requirements: bool = False
) -> Answered | None:
    """Return a random world whose sources stand at known reliabilities; None if its evidence is impossible.

    `has_requirements`: some states of some events require others.
    """
    world, rng = (
        random_world(seed, n_events, draws=DRAWS, has_requirements=has_requirements),
        np.random.default_rng(seed + 1),
    )
    if seed % 2:
        world = with_parts_on_scenarios(np.random.default_rng(seed), world)
    # Copies are ranked by strength at the prior mean, which is not where the sources stand here.
    known = replace(world.workspace, items=tuple(replace(item, group=None) for item in world.workspace.items))
    names = tuple(sorted(known.sources))
    reliability = dict(zip(names, rng.uniform(0.05, 0.95, len(names)).tolist(), strict=True))
    for name in names:
        monkeypatch.setitem(enumeration.GRADE_MEAN, known.sources[name].reliability, reliability[name])
    enumeration.informative.cache_clear()
    asked = query(compile_workspace(world.layout, known, AS_OF), known.scenarios)
    drawn = standing_at(reliability, DRAWS)
    try:
        evaluation = evaluate(asked, world.flat, drawn)
    except ImpossibleEvidenceError:
        return None
    weights = Weights(rng.dirichlet(np.ones(DRAWS)), 0.0, float(DRAWS))
    found = _posterior(asked, world.flat, drawn, weights, evaluation)
    oracle = AsOf(known, world.theta, AS_OF)
    total = sum(oracle.joint.values())
    joint = {states: float(weights.weights @ (chance / total)) for states, chance in oracle.joint.items()}
    enumeration.informative.cache_clear()
    return Answered(outcome(known, world.layout, AS_OF, 0, found), oracle, joint)


def outcome_of(known: Workspace, theta: Array, as_of: date) -> Outcome:
    """Return the outcome of a workspace without reports on equally weighted draws of theta (n_theta, draws)."""
    layout, n = lay_out(known.network), theta.shape[1]
    asked = query(compile_workspace(layout, known, as_of), known.scenarios)
    found = _posterior(
        asked, theta, standing_at({}, n), Weights(np.full(n, 1.0 / n), 0.0, float(n)), evaluate(asked, theta)
    )
    return outcome(known, layout, as_of, 0, found)


def with_theta(found: Outcome, theta: Array) -> Outcome:
    """Return an outcome whose draws are others (n_theta, draws); nothing of it is computed anew."""
    draws = cast("Draws", _Draws(theta))
    weights = Weights(np.full(theta.shape[1], 1.0 / theta.shape[1]), 0.0, float(theta.shape[1]))
    log_anchor = np.zeros(theta.shape[1])
    posterior = replace(found.posterior, base=draws, draws=draws, log_anchor=log_anchor, weights=weights)
    return replace(found, posterior=posterior)


def _posterior(asked: Query, theta: Array, drawn: Reliabilities, weights: Weights, solved: Evaluation) -> Posterior:
    draws, spec = cast("Draws", _Draws(theta)), cast("PriorSpec", None)
    return Posterior(
        asked=asked,
        spec=spec,
        base=draws,
        draws=draws,
        anchor=None,
        log_anchor=np.zeros(theta.shape[1]),
        reliabilities=drawn,
        evaluation=solved,
        weights=weights,
    )


@dataclass(frozen=True)
class _Draws:
    theta: Array
