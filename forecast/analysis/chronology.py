"""The evidence in the order in which it became known, and draws that serve every part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.posterior.evaluate import evaluate, evaluate_scenarios, evidence_of, query
from forecast.posterior.mcse import standard_error
from forecast.posterior.posterior import Posterior
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import MAX_PARETO_K, effective_size, smooth
from forecast.workspace.records import Item, Scenario, Workspace


@dataclass(frozen=True, order=True)
class EvidenceChange:
    """An item enters (`retracts` false), or is taken back."""

    on: date
    item: str
    retracts: bool

    @property
    def kind(self) -> Literal["item", "retraction"]:
        """What the change is called."""
        return "retraction" if self.retracts else "item"


def changes(
    workspace: Workspace, as_of: date, new: Collection[str] | None = None, since: date | None = None
) -> tuple[EvidenceChange, ...]:
    """Return the changes of the evidence until a date (day included), by day, ties by id.

    Args:
        workspace: the items.
        as_of: nothing dated later counts.
        new: items that enter; None: all. Of the others only retractions after `since` are changes.
        since: the date up to which the items that are not new are as they were; None: none is.
    """
    entered = []
    for item in workspace.items:
        enters = item.reported <= as_of and (new is None or item.id in new)
        if enters:
            entered.append(EvidenceChange(item.reported, item.id, retracts=False))
        if item.retracted and item.retracted <= as_of and (enters or (since is not None and item.retracted > since)):
            entered.append(EvidenceChange(max(item.reported, item.retracted), item.id, retracts=True))
    return tuple(sorted(entered))


def before(workspace: Workspace, of: Sequence[EvidenceChange]) -> Workspace:
    """Return the workspace before any of the changes: neither what enters nor the retractions."""
    entering = {change.item for change in of if not change.retracts}
    retracted = {change.item for change in of if change.retracts}
    items = (item for item in workspace.items if item.id not in entering)
    return with_items(workspace, [replace(i, retracted=None) if i.id in retracted else i for i in items])


def prefixes(workspace: Workspace, of: Sequence[EvidenceChange]) -> Iterator[Workspace]:
    """Yield the workspace after each change; after the last one it is the workspace as of the changes' date."""
    whole = {item.id: item for item in workspace.items}
    items = {item.id: item for item in before(workspace, of).items}
    for change in of:
        item = whole[change.item]
        items[item.id] = item if change.retracts else replace(item, retracted=None)
        yield with_items(workspace, items.values())


def with_items(workspace: Workspace, items: Iterable[Item]) -> Workspace:
    """Return a workspace with other items, in id order."""
    return replace(workspace, items=tuple(sorted(items, key=lambda item: item.id)))


Array = NDArray[np.float64]

DRAWS = 4000  # of a table of many forecasts
LEAST_SIZE = 100.0  # effective draws from which on a Monte Carlo error can be told
CLOSE = 1e-12  # change of the log normalising constant at which its fixed point counts as reached
MOST_ROUNDS = 10_000


class PartEstimate(NamedTuple):
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

    estimate: PartEstimate
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

    def prior(self, shares: Array) -> PartEstimate:
        """Weigh P(s | theta_d) (scenarios, draws) as the statements alone do."""
        return self._weighed(np.zeros_like(self.log_proposal), shares)

    def forecast(
        self, workspace: Workspace, posterior: Posterior, as_of: date, rules: Sequence[Scenario]
    ) -> PartEstimate:
        """Compute the forecast of a workspace as of a date, everything anew: rows, history, sources, weights.

        Raises ImpossibleEvidenceError if its evidence is impossible.
        """
        queried = query(compile_workspace(posterior.asked.network.layout, workspace, as_of), rules)
        drawn = draw_reliabilities(queried.network, workspace.sources, self.theta, self.seed)
        log_evidence, shares = evaluate_scenarios(queried, self.theta, drawn)
        return self._weighed(log_evidence + drawn.log_correction, shares)

    def whole(self, workspace: Workspace, posterior: Posterior, as_of: date) -> Whole:
        """Compute the forecast of a workspace's scenarios and of all events, everything anew as in `forecast`.

        Raises ImpossibleEvidenceError if its evidence is impossible.
        """
        queried = query(compile_workspace(posterior.asked.network.layout, workspace, as_of), workspace.scenarios)
        drawn = draw_reliabilities(queried.network, workspace.sources, self.theta, self.seed)
        solved = evaluate(queried, self.theta, drawn)
        log_target = solved.log_evidence + drawn.log_correction
        weights, _ = smooth(log_target - self.log_proposal)
        return Whole(self._weighed(log_target, solved.scenarios), tuple(shares @ weights for shares in solved.events))

    def _weighed(self, log_target: Array, shares: Array) -> PartEstimate:
        weights, k = smooth(log_target - self.log_proposal)
        size = effective_size(weights)
        mean = np.asarray(shares @ weights)
        reliable = k <= MAX_PARETO_K and size >= LEAST_SIZE
        terms = weights * (shares - mean[:, np.newaxis])
        if self.anchored is None:
            return PartEstimate(mean, k, size, reliable, terms)
        # The constant Z of the anchored half is an estimate too, from the same draws: sum_d anchored_d, their number,
        # fixes it, and d log w_d / d log Z = anchored_d.
        shared = float((self.anchored * (1.0 - self.anchored)).sum())
        if shared == 0.0:  # no draw of one half could be one of the other: nothing tells how they weigh
            return PartEstimate(mean, k, size, False, terms)
        terms += (terms @ self.anchored)[:, np.newaxis] * (self.anchored / shared)
        return PartEstimate(mean, k, size, reliable, terms)


def pool_draws(posterior: Posterior, seed: int, most: int = DRAWS) -> Pooled:
    """Return at most about `most` draws for forecasts from any part of the evidence.

    Of a forecast from the statements' draws, every so-many-th of them. Of an anchored one half from each: with n0
    draws of p(theta) and n1 of p(theta) L(theta) / Z, all are a sample of the mixture, whose density over p(theta) is
    (n0 + n1 L / Z) / (n0 + n1).

    Source: Kong, McCullagh, Meng, Nicolae and Tan (2003), "A theory of statistical models for Monte Carlo integration".
    """
    if posterior.anchor is None or posterior.spec.anchor is None:
        every = max(1, posterior.draws.theta.shape[1] // most)
        return Pooled(np.ascontiguousarray(posterior.draws.theta[:, ::every]), posterior.log_anchor[::every], seed)
    every = max(1, 2 * posterior.draws.theta.shape[1] // most)
    before = np.ascontiguousarray(posterior.base.theta[:, ::every])
    after = posterior.draws.theta[:, ::every]
    # Without the constant of the reports, as it is left out of `log_anchor`.
    log_before = evidence_of(replace(posterior.spec.anchor, log_fixed=0.0), before)
    log_ratio = np.concatenate([log_before, posterior.log_anchor[::every]])
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
