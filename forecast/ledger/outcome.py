"""What an update concludes: tables of scenarios and events, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.inference.scaled import NotFiniteError
from forecast.model.layout import Layout
from forecast.posterior.evaluate import Evaluation
from forecast.posterior.mcse import averages
from forecast.posterior.posterior import Posterior, unweighted
from forecast.posterior.weights import no_false_certainty, weighted_quantiles
from forecast.workspace.names import OTHER
from forecast.workspace.records import Workspace

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Estimate:
    """A probability with the quantiles of its distribution over draws, in the order of QUANTILES.

    `mcse` is the Monte Carlo standard error of the probability, and `ess` how many independent draws would give it.
    """

    probability: float
    quantiles: tuple[float, ...]
    mcse: float
    ess: float


@dataclass(frozen=True)
class Outcome:
    """The forecast as of a date.

    `scenarios`: id -> estimate, `other` last. `events`: id -> state -> estimate.
    """

    workspace: Workspace
    layout: Layout
    as_of: date
    seed: int
    posterior: Posterior
    scenarios: Mapping[str, Estimate]
    events: Mapping[str, Mapping[str, Estimate]]

    @property
    def scenario_ids(self) -> tuple[str, ...]:
        """Scenario ids in rule order, `other` last."""
        return tuple(self.scenarios)


def outcome(workspace: Workspace, layout: Layout, as_of: date, seed: int, posterior: Posterior) -> Outcome:
    """Summarise a posterior."""
    scenarios, events = estimates(workspace, layout, posterior.evaluation, posterior.weights.weights)
    return Outcome(workspace, layout, as_of, seed, posterior, scenarios, events)


def prior_outcome(forecast: Outcome) -> Outcome:
    """Summarise the prior that a forecast started from: the statements alone, at the opening."""
    posterior = unweighted(forecast.workspace, forecast.layout, forecast.posterior.spec, forecast.posterior.base)
    return outcome(forecast.workspace, forecast.layout, forecast.workspace.network.opens, forecast.seed, posterior)


def estimates(
    workspace: Workspace, layout: Layout, evaluation: Evaluation, weights: Array, *, adds_up: bool = True
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]]]:
    """Summarise draws by their weights: each scenario, and each state of each event.

    `adds_up`: an event's states share one among them; False where they are P(at least this step).
    """
    names = [*(scenario.id for scenario in workspace.scenarios), OTHER]
    rows = iter(_rows([evaluation.scenarios, *evaluation.events], weights, adds_up=adds_up))
    scenarios = {name: next(rows) for name in names}
    events = {event.id: {state: next(rows) for state in event.states} for event in layout.events}
    return scenarios, events


def _rows(blocks: list[Array], weights: Array, *, adds_up: bool) -> list[Estimate]:
    values = np.concatenate(blocks)  # errors of many rows at once cost less than a few at a time
    summary = averages(values, weights, np.concatenate([block @ weights for block in blocks]))
    # Every forecast, prior, alternative and past date passes here: nothing undefined is ever printed or written.
    if not all(np.isfinite(numbers).all() for numbers in (summary.mean, summary.mcse)):
        msg = "a probability of the forecast, or its Monte Carlo error, is infinite or not a number"
        raise NotFiniteError(msg)
    quantiles = weighted_quantiles(values, weights, np.array(QUANTILES))
    # What is the same in all draws is just that: weights add up to one but for rounding.
    means = np.where(summary.mcse == 0.0, quantiles[:, QUANTILES.index(0.5)], summary.mean)
    if adds_up:
        ends = np.cumsum([len(block) for block in blocks])[:-1]
        means, quantiles = (_apart(np.split(of, ends), blocks, weights) for of in (means, quantiles))
    numbers = zip(means.tolist(), quantiles.tolist(), summary.mcse.tolist(), summary.ess.tolist(), strict=True)
    return [Estimate(p, tuple(row), error, size) for p, row, error, size in numbers]


def _apart(parts: list[Array], blocks: list[Array], weights: Array) -> Array:
    pairs = zip(parts, blocks, strict=True)
    return np.concatenate([no_false_certainty(part, block, weights) for part, block in pairs])
