"""Kept draws as those of another workspace: weights that take one posterior to the other, if they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import compile_workspace
from forecast.prior.reread import log_likelihood_ratio
from forecast.prior.spec import prior_spec
from forecast.reweight.evaluate import evaluate_scenarios, query
from forecast.reweight.posterior import Posterior
from forecast.reweight.sources import draw_reliabilities
from forecast.reweight.weights import Weights, weigh_draws
from forecast.workspace.records import Item, Workspace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reweighed:
    """P(s | E, theta_d) (scenarios, draws) under another workspace, and the weights of the draws there."""

    scenarios: Array
    weights: Weights


def reweigh(
    found: Posterior, workspace: Workspace, other: Workspace, fit: Mapping[str, Array], every: int = 1
) -> Reweighed | None:
    """Weigh the draws of a posterior as draws of another workspace's: other statements, experts or items.

    The target over the proposal: P(E' | theta, r') p(r') / (q(r') P(anchor | theta)), where the evidence is another
    one solved anew on each draw with sources of its own, and the ratio of the statements' likelihoods
    (forecast.prior.reread), which an item changes too where somebody spoke after it.

    Args:
        found: the posterior of `workspace`.
        workspace: with the same network of events and the same scenarios as `other`.
        other: what the draws shall stand for.
        fit: the kept fit of the draws, {variable: (chain, draw, ...)}.
        every: use every so-many-th draw.

    Returns None where no weight takes the one to the other (log_likelihood_ratio). Raises
    forecast.inference.batch.ImpossibleEvidenceError where the other evidence contradicts itself.

    Source: Gelfand, Dey and Chang (1992), importance sampling leave-one-out; Vehtari et al. (2024) for the smoothing.
    """
    layout, as_of = found.asked.network.layout, found.asked.network.known.as_of
    theta, log_anchor = found.draws.theta, found.log_anchor
    # Statements know of the evidence only what was reported before them.
    spoken = any(item.reported <= said.date for item in _differing(workspace, other) for said in other.statements)
    if spoken or workspace.statements != other.statements or workspace.experts != other.experts:
        ratio = log_likelihood_ratio(found.spec, prior_spec(layout, other, as_of), theta, fit)
        if ratio is None:
            return None
    else:
        ratio = np.zeros(theta.shape[1])
    if workspace.items == other.items:
        log_evidence = found.evaluation.log_evidence + found.reliabilities.log_correction
        shares = found.evaluation.scenarios
        if every > 1:
            log_evidence, shares = log_evidence[::every], np.ascontiguousarray(shares[:, ::every])
    else:
        thinned = np.ascontiguousarray(theta[:, ::every])
        asked = query(compile_workspace(layout, other, as_of), other.scenarios)
        drawn = draw_reliabilities(asked.network, other.sources, thinned, found.reliabilities.seed)
        log_evidence, shares = evaluate_scenarios(asked, thinned, drawn)
        log_evidence = log_evidence + drawn.log_correction
    log_ratios = log_evidence - log_anchor[::every] + ratio[::every]
    if not (log_ratios > -np.inf).any():
        return None  # the other workspace rules out every draw that there is
    return Reweighed(shares, weigh_draws(log_ratios, shares))


def _differing(workspace: Workspace, other: Workspace) -> list[Item]:
    """Return the items that stand in one of the two workspaces, or differ between them."""
    ours, theirs = ({item.id: item for item in one.items} for one in (workspace, other))
    names = sorted({*ours, *theirs})
    pairs = [(ours.get(name), theirs.get(name)) for name in names]
    return [item for mine, yours in pairs if mine != yours for item in (mine, yours) if item is not None]
