"""Draws that serve every prefix of the evidence: those of the statements alone together with those that knew more.

Draws that were sampled with an anchor's evidence say little about the time before it, draws of the statements alone
little about the end. Taken together as a sample of the mixture of both, each prefix finds draws near it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import compile_workspace
from forecast.reweight.evaluate import evaluate, evaluate_scenarios, evidence_of, query
from forecast.reweight.mcse import standard_error
from forecast.reweight.posterior import Posterior
from forecast.reweight.psis import effective_size, smooth
from forecast.reweight.sources import draw_reliabilities
from forecast.reweight.weights import MAX_PARETO_K
from forecast.workspace.records import Scenario, Workspace

Array = NDArray[np.float64]

DRAWS = 4000  # of a table of many forecasts
LEAST_SIZE = 100.0  # effective draws from which on a Monte Carlo error can be told
CLOSE = 1e-12  # change of the log normalising constant at which its fixed point counts as reached
MOST_ROUNDS = 10_000


class Estimate(NamedTuple):
    """Probabilities (scenarios with `other`) from reweighted draws, and how well the draws bear them.

    `deviations` (scenarios, draws): what each draw contributes to the distance of each probability from its limit, by
    the delta method. `Pooled.error` makes the Monte Carlo error of a probability of them and, of their difference, that
    of a step between two estimates from these draws. Where it is not `reliable` the draws are too few to tell it.
    """

    shares: Array
    pareto_k: float
    effective_size: float
    reliable: bool
    deviations: Array


class Whole(NamedTuple):
    """The estimate of the scenarios, and the probability of each state of each event."""

    estimate: Estimate
    events: tuple[Array, ...]


@dataclass(frozen=True)
class Pooled:
    """Draws `theta` (n_theta, draws) and the log of their density over that of the statements alone, `log_proposal`.

    `anchored` (draws): of a mixture the probability that a draw came from its second half, the fit that knew evidence.
    """

    theta: Array
    log_proposal: Array
    seed: int
    anchored: Array | None = None

    def error(self, terms: Array) -> Array:
        """Compute Monte Carlo errors (scenarios) from deviations, or from sums and differences of them."""
        return standard_error(terms, samples=1 if self.anchored is None else 2)

    def prior(self, shares: Array) -> Estimate:
        """Weigh P(s | theta_d) (scenarios, draws) as the statements alone do."""
        return self._weighed(np.zeros_like(self.log_proposal), shares)

    def forecast(self, workspace: Workspace, found: Posterior, as_of: date, rules: Sequence[Scenario]) -> Estimate:
        """Compute the forecast of a workspace as of a date, everything anew: rows, history, sources, weights.

        Raises ImpossibleEvidenceError if its evidence is impossible.
        """
        asked = query(compile_workspace(found.asked.network.layout, workspace, as_of), rules)
        drawn = draw_reliabilities(asked.network, workspace.sources, self.theta, self.seed)
        log_evidence, shares = evaluate_scenarios(asked, self.theta, drawn)
        return self._weighed(log_evidence + drawn.log_correction, shares)

    def whole(self, workspace: Workspace, found: Posterior, as_of: date) -> Whole:
        """Compute the forecast of a workspace's scenarios and of all events, everything anew as in `forecast`.

        Raises ImpossibleEvidenceError if its evidence is impossible.
        """
        asked = query(compile_workspace(found.asked.network.layout, workspace, as_of), workspace.scenarios)
        drawn = draw_reliabilities(asked.network, workspace.sources, self.theta, self.seed)
        solved = evaluate(asked, self.theta, drawn)
        log_target = solved.log_evidence + drawn.log_correction
        weights, _ = smooth(log_target - self.log_proposal)
        return Whole(self._weighed(log_target, solved.scenarios), tuple(shares @ weights for shares in solved.events))

    def _weighed(self, log_target: Array, shares: Array) -> Estimate:
        weights, k = smooth(log_target - self.log_proposal)
        size = effective_size(weights)
        mean = np.asarray(shares @ weights)
        reliable = k <= MAX_PARETO_K and size >= LEAST_SIZE
        terms = weights * (shares - mean[:, np.newaxis])
        if self.anchored is None:
            return Estimate(mean, k, size, reliable, terms)
        # The constant Z of the anchored half is an estimate too, from the same draws: sum_d anchored_d, their number,
        # fixes it, and d log w_d / d log Z = anchored_d.
        shared = float((self.anchored * (1.0 - self.anchored)).sum())
        if shared == 0.0:  # no draw of one half could be one of the other: nothing tells how they weigh
            return Estimate(mean, k, size, False, terms)
        terms += (terms @ self.anchored)[:, np.newaxis] * (self.anchored / shared)
        return Estimate(mean, k, size, reliable, terms)


def pool_draws(found: Posterior, seed: int, most: int = DRAWS) -> Pooled:
    """Return at most about `most` draws for forecasts from any part of the evidence.

    Of a forecast from the statements' draws, every so-many-th of them. Of an anchored one half from each: with n0
    draws of p(theta) and n1 of p(theta) L(theta) / Z, all are a sample of the mixture, whose density over p(theta) is
    (n0 + n1 L / Z) / (n0 + n1).

    Source: Kong, McCullagh, Meng, Nicolae and Tan (2003), "A theory of statistical models for Monte Carlo integration".
    """
    if found.anchor is None or found.spec.anchor is None:
        every = max(1, found.draws.theta.shape[1] // most)
        return Pooled(np.ascontiguousarray(found.draws.theta[:, ::every]), found.log_anchor[::every], seed)
    every = max(1, 2 * found.draws.theta.shape[1] // most)
    before = np.ascontiguousarray(found.base.theta[:, ::every])
    after = found.draws.theta[:, ::every]
    # Without the constant of the reports, as it is left out of `log_anchor`.
    log_before = evidence_of(replace(found.spec.anchor, log_fixed=0.0), before)
    log_ratio = np.concatenate([log_before, found.log_anchor[::every]])
    log_z = log_constant(log_ratio, log_before.size)
    n = log_ratio.size
    log_proposal = np.logaddexp(np.log(log_before.size / n), np.log(1.0 - log_before.size / n) + log_ratio - log_z)
    anchored = 1.0 - np.exp(np.log(log_before.size / n) - log_proposal)
    return Pooled(np.ascontiguousarray(np.concatenate([before, after], axis=1)), log_proposal, seed, anchored)


def log_constant(log_ratio: Array, n_before: int) -> float:
    """Estimate log Z = log E_p[L] from draws of p (the first `n_before`) and of p L / Z, by bridge sampling.

    The fixed point of Z = sum over all draws of L / (n0 + n1 L / Z): the maximum-likelihood estimate, and the bridge of
    least error.

    Args:
        log_ratio: (draws,) log L of all draws.
        n_before: how many of them, the first ones, were drawn from p.

    Source: Meng and Wong (1996), "Simulating ratios of normalizing constants via a simple identity", section 3.
    """
    n_after = log_ratio.size - n_before
    log_z = float(np.median(log_ratio))
    for _ in range(MOST_ROUNDS):
        log_terms = log_ratio - np.logaddexp(np.log(n_before), np.log(n_after) + log_ratio - log_z)
        step = float(np.logaddexp.reduce(log_terms)) - log_z
        log_z += step
        if abs(step) < CLOSE:
            break
    return log_z
