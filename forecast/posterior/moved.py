"""Other evidence, statements or experts on the same draws: what moved the forecast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.inference.engine import ImpossibleEvidenceError
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.posterior.passes import Passes
from forecast.posterior.posterior import Posterior, evenly, query
from forecast.posterior.sources import Reliabilities, draw_reliabilities
from forecast.posterior.weights import Weights, smooth, weigh_draws
from forecast.sampling.likelihood import log_likelihood_ratio
from forecast.sampling.spec import prior_spec
from forecast.workspace.files import TABLE
from forecast.workspace.records import Item, Settled, Workspace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reweighed:
    """P(s | E, theta_d) (scenarios, draws) under another workspace, and the weights of the draws there."""

    scenarios: Array
    weights: Weights


def reweigh(
    posterior: Posterior,
    workspace: Workspace,
    other: Workspace,
    fit: Mapping[str, Array],
    every: int = 1,
    passes: Passes | None = None,
) -> Reweighed | None:
    """Weigh the draws of a posterior as draws of another workspace's: other statements, experts or items.

    The target over the proposal: P(E' | theta, r') p(r') / (q(r') P(anchor | theta)), where the evidence is another
    one solved anew on each draw with sources of its own, and the ratio of the statements' likelihoods
    (forecast.sampling.likelihood), which an item changes too where somebody spoke after it.

    Args:
        posterior: the posterior of `workspace`.
        workspace: with the same network of events and the same scenarios as `other`.
        other: what the draws shall stand for.
        fit: the kept fit of the draws, {variable: (chain, draw, ...)}.
        every: use every so-many-th draw.
        passes: on these draws, of the workspaces before: what they have in common with this one is not done again.

    Returns None where no weight takes the one to the other (log_likelihood_ratio). Raises
    forecast.inference.engine.ImpossibleEvidenceError where the other evidence contradicts itself.

    Source: Gelfand, Dey and Chang (1992), importance sampling leave-one-out; Vehtari et al. (2024) for the smoothing.
    """
    layout, as_of = posterior.asked.network.layout, posterior.asked.network.known.as_of
    theta, log_anchor = posterior.draws.theta, posterior.log_anchor
    # Statements know of the evidence only what was reported before them.
    spoken = any(item.reported <= said.date for item in _differing(workspace, other) for said in other.statements)
    if spoken or workspace.statements != other.statements or workspace.experts != other.experts:
        ratio = log_likelihood_ratio(posterior.spec, prior_spec(layout, other, as_of), theta, fit)
        if ratio is None:
            return None
    else:
        ratio = np.zeros(theta.shape[1])
    if workspace.items == other.items:
        log_evidence = posterior.evaluation.log_evidence + posterior.reliabilities.log_correction
        shares = posterior.evaluation.scenarios
        if every > 1:
            log_evidence, shares = log_evidence[::every], np.ascontiguousarray(shares[:, ::every])
    else:
        thinned = np.ascontiguousarray(theta[:, ::every])
        queried = query(compile_workspace(layout, other, as_of), other.scenarios)
        drawn = draw_reliabilities(queried.network, other.sources, thinned, posterior.reliabilities.seed)
        log_evidence, shares = (passes or Passes(thinned)).evaluate_scenarios(queried, drawn)
        log_evidence = log_evidence + drawn.log_correction
    log_ratios = log_evidence - log_anchor[::every] + ratio[::every]
    if not (log_ratios > -np.inf).any():
        return None  # the other workspace rules out every draw that there is
    return Reweighed(shares, weigh_draws(log_ratios, shares))


def _differing(workspace: Workspace, other: Workspace) -> list[Item]:
    """Return the items that stand in one of the two workspaces, or differ between them."""
    ours, theirs = ({item.id: item for item in version.items} for version in (workspace, other))
    names = sorted({*ours, *theirs})
    pairs = [(ours.get(name), theirs.get(name)) for name in names]
    return [item for mine, yours in pairs if mine != yours for item in (mine, yours) if item is not None]


# With more items than this an update uses every fourth draw: ranking a hundred items need not take half a minute.
FEW, THINNING = 4, 4
ONE_BY_ONE = 20  # items of one table that are still told apart


def leave_one_out(
    workspace: Workspace, posterior: Posterior, items: Sequence[str], progress: Callable[[str], None], few: int = FEW
) -> dict[str, Array]:
    """Compute, for each item id, what it adds to each scenario's probability: all evidence less all but the item.

    Of up to `few` items it is the forecast less the forecast of the files without the item, to the last digits; of more
    both are estimated from every fourth draw.

    The network is compiled and solved anew without the item (dividing its likelihood out of the joint would be wrong:
    it also shaped theta, the group it stands in and its source's reliability). Without an item, what it supersedes
    comes back. Of an item that is retracted by now it is what the retraction adds.
    """
    return leave_out(workspace, posterior, {item: frozenset((item,)) for item in items}, progress, few)


def parts_of(workspace: Workspace, items: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return items one by one under their ids, but those of a table, where they are many, together under its path."""
    files = {item.id: item.source.path for item in workspace.items}
    sizes = Counter(files[name] for name in items)
    parts: dict[str, list[str]] = {}
    for name in items:
        path = files[name]
        together = path.endswith(TABLE) and sizes[path] > ONE_BY_ONE
        parts.setdefault(path if together else name, []).append(name)
    return {name: frozenset(part) for name, part in parts.items()}


def leave_out(
    workspace: Workspace,
    posterior: Posterior,
    parts: Mapping[str, frozenset[str]],
    progress: Callable[[str], None],
    few: int = FEW,
) -> dict[str, Array]:
    """Compute, for each part of the evidence (the ids of its items, by name), what it adds, as leave_one_out does.

    A part without which the rest is impossible (it settles what something settled later requires) has no such effect,
    and is not among them.
    """
    theta, log_anchor, drawn = posterior.draws.theta, posterior.log_anchor, posterior.reliabilities
    if len(parts) > few:
        theta, log_anchor = evenly(theta, THINNING), log_anchor[::THINNING]
        drawn = drawn.thinned(THINNING)
    layout, as_of = posterior.asked.network.layout, posterior.asked.network.known.as_of
    # Of few parts the sources are drawn anew without each: then the effect of one new item is the change since before.
    every_draw = theta is posterior.draws.theta
    passes = Passes(theta)

    def weighed(log_evidence: Array, shares: Array, own: Reliabilities) -> Array:
        return np.asarray(shares @ smooth(log_evidence + own.log_correction - log_anchor).weights)

    def forecast(network: AsOfNetwork) -> Array:
        own = draw_reliabilities(network, workspace.sources, theta, drawn.seed) if every_draw else drawn
        return weighed(*passes.evaluate_scenarios(query(network, workspace.scenarios), own), own)

    joints = None
    if every_draw:
        everything = posterior.evaluation.scenarios @ posterior.weights.weights
    else:
        network = compile_workspace(layout, workspace, as_of)
        joints = passes.joints(query(network, workspace.scenarios), drawn)
        everything = forecast(network) if joints is None else weighed(joints.log_evidence, joints.scenarios, drawn)
    settling = {item.id for item in workspace.items if any(isinstance(one, Settled) for one in item.bears_on)}
    effects: dict[str, Array] = {}
    # What settles nothing comes first: its networks have the rows of the whole, and joints tell of them.
    for number, name in enumerate(sorted(parts, key=lambda name: not settling.isdisjoint(parts[name])), 1):
        if len(parts) > FEW:
            progress(f"leaving out one item after the other: {100 * number // len(parts)} %")
        with suppress(ImpossibleEvidenceError):
            without = compile_workspace(layout, _undone(workspace, parts[name], as_of), as_of)
            told = None if joints is None else joints.of(without)
            effects[name] = everything - (forecast(without) if told is None else weighed(*told, drawn))
    return {name: effects[name] for name in parts if name in effects}


def _undone(workspace: Workspace, names: Collection[str], as_of: date) -> Workspace:
    """Return the workspace without some items or, where one is retracted by now, without its retraction."""
    items = []
    for item in workspace.items:
        if item.id not in names:
            items.append(item)
        elif item.retracted and item.retracted <= as_of:
            items.append(replace(item, retracted=None))
    return replace(workspace, items=tuple(items))
