"""Stage 2: which draws to use for an as-of date, by a rule that looks at the inputs alone.

Base draws know the statements. If the evidence weighs them too unevenly, the evidence known at the start of the
quarter goes into the sampler (the anchor); if that is not enough, the evidence known at the start of the month, and at
last that of the as-of date. A fresh clone therefore ends with the same draws as a workspace that was updated every
day, and as-of dates of one quarter or month share theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import minimal_contradiction
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, Plan, draws_at_once
from forecast.inference.scaled import NotFiniteError
from forecast.model.asof import AsOfNetwork, compile_opening, compile_workspace, factors
from forecast.model.decision import Decision, Rule, TooManyClassesError, decide, rules_of
from forecast.model.layout import Layout, lay_out
from forecast.model.reliability import grids_of
from forecast.model.reports import UndefinedError
from forecast.posterior.sources import Reliabilities, draw_reliabilities
from forecast.posterior.weights import Weights, weigh_draws
from forecast.sampling.draws import Draws, cached_draws, is_drawn, prior_draws
from forecast.sampling.likelihood import impossible_statements
from forecast.sampling.settings import CHAINS
from forecast.sampling.spec import PriorSpec, prior_spec, rows_prior, theta_at_centre
from forecast.store.entries import Place, Sealed, is_kept, keep, load, once_array, place_of
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.records import Item, Requirement, Scenario, Workspace

# The evidence on every draw: its probability, and the posterior of scenarios and events within each draw.

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """A compiled network with its elimination plan, and which scenario holds as masks over the root.

    `decision` has what stands between the network's variables and the root, if anything does.
    """

    network: AsOfNetwork
    plan: Plan
    decision: Decision

    @property
    def masks(self) -> Array:
        """(scenarios + `other`, *states of the root): 1 where the scenario holds."""
        return self.decision.masks

    @property
    def scopes(self) -> tuple[tuple[int, ...], ...]:
        """Scopes of the factors of the plan: those of the network, then those of the rules."""
        return (*self.network.scopes, *self.decision.scopes)

    def with_rules(self, tables: Sequence[Array]) -> list[Array]:
        """Return the factors of the plan, given those of the network."""
        return [*tables, *self.decision.tables]


@dataclass(frozen=True)
class Evaluation:
    """Posterior within each draw.

    `log_evidence` (draws); `scenarios` (scenarios with `other`, draws) = P(s | E, theta_d); `events[v]` (states of v,
    draws) = P(x_v | E, theta_d).
    """

    log_evidence: Array
    scenarios: Array
    events: tuple[Array, ...]


class ContradictionError(ValueError):
    """The evidence is impossible; `items` are a smallest set of items that contradict each other.

    `needs` are what events require and these items leave out, a line each; none where they contradict each other by
    themselves.
    """

    def __init__(self, items: Sequence[Item], needs: Sequence[str] = ()) -> None:
        self.items, self.needs = tuple(items), tuple(needs)
        why = f" ({'; '.join(needs)})" if needs else ""
        super().__init__("evidence with probability zero: " + ", ".join(item.id for item in items) + why)


MOST_PRODUCTS = 10_000_000  # for each draw: of 4000 draws both ways take a quarter of an hour


class TooMuchWorkError(ValueError):
    """An elimination would take more than anybody waits for: so many products for each draw, so many without the rules.

    Nothing has been computed when it is raised.
    """

    def __init__(self, products: int, without_rules: int) -> None:
        self.products, self.without_rules = products, without_rules
        super().__init__(f"{products:,} products for each draw; at most {MOST_PRODUCTS:,}")


def query(network: AsOfNetwork, scenarios: Sequence[Scenario]) -> Query:
    """Plan the elimination of a network, with the rules of the scenarios evaluated on the way or at its end.

    Raises TooMuchWorkError, and TooDenseNetworkError where the tables of one draw need more memory than may be taken.
    """
    return query_rules(network, rules_of(network.layout, network.alive, scenarios))


def query_rules(network: AsOfNetwork, rules: Sequence[Rule]) -> Query:
    """Plan the elimination of a network with rules over any of its variables, as `query` does with scenarios."""
    try:
        decision = decide(network.cards, network.scopes, rules)
    except TooManyClassesError as error:
        raise TooMuchWorkError(max(error.size, MOST_PRODUCTS + 1), _bare(network)) from error
    order = decision.plan(network.cards, network.scopes)
    if order.work > MOST_PRODUCTS:
        raise TooMuchWorkError(order.work, _bare(network))
    draws_at_once([order])
    return Query(network, order, decision)


def _bare(network: AsOfNetwork) -> int:
    return ENGINE.plan(network.cards, network.scopes).work


def evaluate(queried: Query, theta: Array, drawn: Reliabilities | None = None) -> Evaluation:
    """Solve every draw exactly. Raises ImpossibleEvidenceError if a draw has no mass.

    Args:
        queried: the network and the scenarios.
        theta: (n_theta, draws).
        drawn: the reliability of each source in each draw; None: every source at its prior mean.
    """
    with_reports = _factors(queried.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        tables, offset = with_reports(*block)
        solution = ENGINE.evaluate(queried.plan, queried.with_rules(tables), queried.masks, by_region=False)
        return solution.log_evidence + offset, _shares(solution.log_regions), solution.marginals

    parts = ENGINE.in_blocks(solved, theta, *_places(drawn), size=draws_at_once([queried.plan]))
    return Evaluation(
        np.concatenate([evidence for evidence, _, _ in parts]),
        np.concatenate([shares for _, shares, _ in parts], axis=1),
        tuple(
            _all_states(queried.network, v, np.concatenate([marginals[v][:, 0] for _, _, marginals in parts], axis=1))
            for v in _events(queried)
        ),
    )


def evaluate_events(
    networks: Sequence[AsOfNetwork], theta: Array, drawn: Reliabilities | None = None
) -> list[tuple[Array, ...]]:
    """Compute P(x_v | E, theta_d) of every event in several networks: for each network what `Evaluation.events` is.

    Networks that differ in numbers alone, as those of different days mostly do, share one plan and one elimination,
    their draws side by side: of few draws the calls would cost more than the numbers. Raises as `query` and `evaluate`.
    """
    alike: dict[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], list[int]] = {}
    for place, network in enumerate(networks):
        alike.setdefault((network.cards, network.scopes), []).append(place)
    found: dict[int, tuple[Array, ...]] = {}
    for places in alike.values():
        together = [networks[place] for place in places]
        found |= zip(places, _side_by_side(together, theta, drawn), strict=True)
    return [found[place] for place in range(len(networks))]


def _side_by_side(
    networks: Sequence[AsOfNetwork], theta: Array, drawn: Reliabilities | None
) -> Iterator[tuple[Array, ...]]:
    queried = query(networks[0], ())
    with_reports = [_factors(network, drawn) for network in networks]

    def solved(*block: Array) -> list[list[Array]]:
        n_draws = block[0].shape[-1]
        made = [tables for tables, _ in (of(*block) for of in with_reports)]
        beside = [_beside(tables, n_draws) for tables in zip(*made, strict=True)]
        solution = ENGINE.evaluate(queried.plan, queried.with_rules(beside), queried.masks, by_region=False)
        return [np.split(solution.marginals[v][:, 0], len(networks), axis=1) for v in _events(queried)]

    size = draws_at_once([queried.plan])
    size = size._replace(draws=max(1, size.draws // len(networks)))
    parts = ENGINE.in_blocks(solved, theta, *_places(drawn), size=size)
    for place, network in enumerate(networks):
        yield tuple(
            _all_states(network, v, np.concatenate([part[v][place] for part in parts], axis=1))
            for v in _events(queried)
        )


def _beside(tables: Sequence[Array], n_draws: int) -> Array:
    """Put tables (states, draws or 1) of as many networks beside each other, or the one that is all of them."""
    if all(table is tables[0] for table in tables) and tables[0].shape[-1] == 1:
        return tables[0]
    return np.concatenate([np.broadcast_to(table, (*table.shape[:-1], n_draws)) for table in tables], axis=-1)


def mean_joint(queried: Query, theta: Array, weights: Array, drawn: Reliabilities | None = None) -> tuple[Array, ...]:
    """Compute the weighted mean of P(s, x_v | E, theta_d) for each event: (scenarios, states), summing to one.

    `weights` (draws) are the normalised importance weights.
    """
    with_reports = _factors(queried.network, drawn)

    def summed(share: Array, *block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        marginals = ENGINE.evaluate(queried.plan, queried.with_rules(tables), queried.masks).marginals
        return [(_all_states(queried.network, v, marginals[v]) * share).sum(axis=2).T for v in _events(queried)]

    size = draws_at_once([queried.plan], queried.masks.shape[0])
    parts = ENGINE.in_blocks(summed, weights, theta, *_places(drawn), size=size)
    return tuple(np.sum(of_event, axis=0) for of_event in zip(*parts, strict=True))


def _shares(log_regions: Array) -> Array:
    shares = np.exp(log_regions - log_regions.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _events(queried: Query) -> range:
    return range(len(queried.network.layout.cards))


def evenly(theta: Array, every: int) -> Array:
    """Return every so-many-th draw of theta (n_theta, draws), contiguous and to be read only.

    What rows and histories are on draws that nobody can write to is computed once for all questions about them.
    """
    chosen = np.array(theta[:, ::every], order="C")
    chosen.flags.writeable = False
    return chosen


def _all_states(network: AsOfNetwork, v: int, alive: Array) -> Array:
    """Put zeros where the event can no longer be (states on the first axis)."""
    full = np.zeros((network.layout.cards[v], *alive.shape[1:]))
    full[network.alive[v].start : network.alive[v].stop] = alive
    return full


def evaluate_scenarios(queried: Query, theta: Array, drawn: Reliabilities | None = None) -> tuple[Array, Array]:
    """Compute log evidence (draws) and P(s | E, theta_d) (scenarios, draws) alone: the inward pass."""
    with_reports = _factors(queried.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array]:
        tables, offset = with_reports(*block)
        regions = ENGINE.log_regions(queried.plan, queried.with_rules(tables), queried.masks)
        return np.logaddexp.reduce(regions, axis=0) + offset, _shares(regions)

    parts = ENGINE.in_blocks(solved, theta, *_places(drawn), size=draws_at_once([queried.plan]))
    return np.concatenate([evidence for evidence, _ in parts]), np.concatenate([shares for _, shares in parts], axis=1)


def evaluate_regions(queries: Sequence[Query], theta: Array, drawn: Reliabilities | None = None) -> list[Array]:
    """Compute P(region | E, theta_d) (regions, draws) of several queries of one network.

    The factors, a third of the work of one query, are computed once for all of them.
    """
    with_reports = _factors(queries[0].network, drawn)

    def solved(*block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        return [
            _shares(ENGINE.log_regions(queried.plan, queried.with_rules(tables), queried.masks)) for queried in queries
        ]

    size = draws_at_once(one.plan for one in queries)
    parts = ENGINE.in_blocks(solved, theta, *_places(drawn), size=size)
    return [np.concatenate(of_query, axis=1) for of_query in zip(*parts, strict=True)]


def evidence_of(network: AsOfNetwork, theta: Array) -> Array:
    """Compute the log evidence (draws) of a network."""
    elimination = ENGINE.plan(network.cards, network.scopes)

    def solved(block: Array) -> Array:
        tables, offset = factors(network, block)
        return ENGINE.log_evidence(elimination, tables) + offset

    return np.concatenate(ENGINE.in_blocks(solved, theta, size=draws_at_once([elimination])))


def is_possible(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether the evidence of a network has any probability on the given draws."""
    try:
        evidence_of(network, theta)
    except ImpossibleEvidenceError:
        return False
    return True


def is_defined(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether every number of a network is finite on the given draws (or zero: then it is merely impossible)."""
    try:
        return bool(np.isfinite(evidence_of(network, theta)).all())
    except ImpossibleEvidenceError:
        return True
    except NotFiniteError:
        return False


def _factors(network: AsOfNetwork, drawn: Reliabilities | None) -> Callable[..., tuple[list[Array], Array]]:
    """Return what computes the factors of a block of draws, given its theta and (if they are drawn) its places."""
    if drawn is None:
        return lambda theta: factors(network, theta)
    tables = drawn.tables(network)
    return lambda theta, places: drawn.of_draws(places).factors(network, theta, tables)


def _places(drawn: Reliabilities | None) -> list[Any]:
    return [] if drawn is None else [np.arange(drawn.log_correction.size)]


Progress = Callable[[str], None]

SCREENED = 4  # one draw in so many is looked at before weights on draws of the statements alone are tried


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """The forecast as draws: what was asked, the draws, the posterior within each, and their weights.

    `anchor` is the date whose evidence the sampler knew (None: the statements alone); `log_anchor` (draws) is the log
    probability of that evidence, by which the weights are corrected. `base` are the draws of the statements alone.
    `reliabilities` are those of the sources in each draw; their correction is part of the weights too.
    """

    asked: Query
    spec: PriorSpec
    base: Draws
    draws: Draws
    anchor: date | None
    log_anchor: Array
    reliabilities: Reliabilities
    evaluation: Evaluation
    weights: Weights


def spacing(n_draws: int, most: int) -> int:
    """Return of how many draws one is to be taken so that at most `most` are left, and chains stay equally long."""
    chain, rest = divmod(n_draws, CHAINS)
    needed = -(-n_draws // most)
    return needed if rest else next((every for every in range(needed, chain) if chain % every == 0), needed)


def thinned(of: Posterior, most: int) -> Posterior:
    """Return a posterior on evenly spaced draws of it, at most so many."""
    every = spacing(of.weights.weights.size, most)
    if every == 1:
        return of
    weights, evaluation = of.weights.weights[::every], of.evaluation
    return replace(
        of,
        draws=replace(of.draws, theta=evenly(of.draws.theta, every)),
        reliabilities=of.reliabilities.thinned(every),
        weights=replace(of.weights, weights=weights / weights.sum()),
        evaluation=Evaluation(
            evaluation.log_evidence[::every],
            evaluation.scenarios[:, ::every],
            tuple(np.ascontiguousarray(states[:, ::every]) for states in evaluation.events),
        ),
    )


def anchor_days(opens: date, as_of: date) -> tuple[date, ...]:
    """Return the days whose evidence may go into the sampler, in the order in which they are tried.

    The first day of the as-of date's calendar quarter, that of its month, and the date itself: the earlier ones serve
    many dates. None is on or before the opening, and none comes twice.
    """
    quarter = date(as_of.year, 3 * ((as_of.month - 1) // 3) + 1, 1)
    starts = (quarter, as_of.replace(day=1))
    return (*dict.fromkeys(day for day in starts if opens < day < as_of), as_of)


def posterior(
    layout: Layout,
    workspace: Workspace,
    as_of: date,
    seed: int,
    cache: Path,
    progress: Progress,
    *,
    refit: bool = False,
    may_sample: bool = True,
) -> Posterior:
    """Weigh the draws of stage 1 by the evidence, with the evidence inside the sampler where the weights fail.

    Raises ContradictionError if the evidence is impossible, and NotSampledError (forecast.sampling.draws) if draws have
    to be sampled and that is not allowed.
    """
    network = compile_workspace(layout, workspace, as_of)
    queried = query(network, workspace.scenarios)
    spec = prior_spec(layout, workspace, as_of)
    if layout.excluded and (refit or not is_drawn(spec, seed, cache)):
        # Where nothing may be sampled nobody hears of statements: what is asked is whether there are draws.
        (check_possible if may_sample else check_evidence)(workspace, network, spec)
    base = prior_draws(spec, seed, cache, progress, refit=refit, may_sample=may_sample)
    if _may_bear(workspace, queried, base.theta):
        attempt = _attempt(workspace, queried, spec, base, base, None, seed)
        if attempt.weights.reliable:
            return attempt

    def anchored(anchor: date) -> Posterior:
        known = replace(spec, anchor=compile_workspace(layout, workspace, anchor))

        def say(doing: str) -> None:
            progress(f"with the evidence known on {anchor}: {doing}")

        draws = prior_draws(known, seed, cache, say, refit=refit, may_sample=may_sample)
        return _attempt(workspace, queried, known, base, draws, anchor, seed)

    *earlier, last = anchor_days(workspace.network.opens, as_of)
    for day in earlier:
        if _is_possible_on(layout, workspace, day, base):
            attempt = anchored(day)
            if attempt.weights.reliable:
                return attempt
    return anchored(last)


def check_evidence(workspace: Workspace, network: AsOfNetwork, spec: PriorSpec) -> None:
    """Raise ContradictionError for evidence that no draw could make possible."""
    with _contradictions_named(workspace, network, theta_at_centre(spec.rows)):
        evidence_of(network, theta_at_centre(spec.rows))


def check_possible(workspace: Workspace, network: AsOfNetwork, spec: PriorSpec) -> None:
    """Raise ContradictionError, or WorkspaceProblems, for evidence or statements that no draw could make possible."""
    check_evidence(workspace, network, spec)
    if problems := impossible_statements(workspace, spec):
        raise WorkspaceProblems(problems)


def unweighted(workspace: Workspace, layout: Layout, spec: PriorSpec, base: Draws) -> Posterior:
    """Return the prior in the same form: the draws of the statements alone, equally weighted, at the opening."""
    queried = query(compile_opening(layout), workspace.scenarios)
    n_draws = base.theta.shape[1]
    weights = Weights(np.full(n_draws, 1.0 / n_draws), -np.inf, float(n_draws))
    nobody = Reliabilities(
        sources=(), grids=(), nodes=np.zeros((0, n_draws), dtype=np.intp), log_correction=np.zeros(n_draws)
    )
    evaluation = evaluate(queried, base.theta)
    return Posterior(
        asked=queried,
        spec=spec,
        base=base,
        draws=base,
        anchor=None,
        log_anchor=np.zeros(n_draws),
        reliabilities=nobody,
        evaluation=evaluation,
        weights=weights,
    )


def _is_possible_on(layout: Layout, workspace: Workspace, day: date, base: Draws) -> bool:
    """Say whether the evidence known on an earlier day is possible: a contradiction may have been retracted since."""
    return is_possible(compile_workspace(layout, workspace, day), base.theta[:, :1])


def _may_bear(workspace: Workspace, queried: Query, theta: Array) -> bool:
    """Say whether draws of the statements alone may bear the evidence: whether some of them would.

    Every source at its prior mean, and no posterior of every event: that costs a fraction. Where it fails, weights
    with sources of their own are not tried; that saves time where they would fail, and one refit too many is no harm.
    """
    few = evenly(theta, SCREENED)
    with _contradictions_named(workspace, queried.network, few):
        log_evidence, scenarios = evaluate_scenarios(queried, few)
    weights = weigh_draws(log_evidence, scenarios)
    return replace(weights, effective_size=SCREENED * weights.effective_size).reliable


def _attempt(
    workspace: Workspace, queried: Query, spec: PriorSpec, base: Draws, draws: Draws, anchor: date | None, seed: int
) -> Posterior:
    with _contradictions_named(workspace, queried.network, draws.theta):
        drawn = draw_reliabilities(queried.network, workspace.sources, draws.theta, seed)
        evaluation = evaluate(queried, draws.theta, drawn)
        log_anchor = _log_anchor(spec.anchor, draws)
        log_ratios = evaluation.log_evidence + drawn.log_correction - log_anchor
        weights = weigh_draws(log_ratios, evaluation.scenarios)
    return Posterior(
        asked=queried,
        spec=spec,
        base=base,
        draws=draws,
        anchor=anchor,
        log_anchor=log_anchor,
        reliabilities=drawn,
        evaluation=evaluation,
        weights=weights,
    )


def _log_anchor(known: AsOfNetwork | None, draws: Draws) -> Array:
    """Compute the log probability of what the sampler knew, up to a constant.

    It is kept under their digest, which covers all of it but the constant factor of the reports, left out here.
    """
    if known is None:
        return np.zeros(draws.theta.shape[1])
    place = place_of(draws.store, "anchor", draws.digest)
    return once_array(place, lambda: evidence_of(replace(known, log_fixed=0.0), draws.theta))


@contextmanager
def _contradictions_named(workspace: Workspace, network: AsOfNetwork, theta: Array) -> Iterator[None]:
    """Raise impossible evidence as a ContradictionError and undefined numbers as an UndefinedError, with the items."""

    def responsible(is_right: Callable[[AsOfNetwork, Array], bool], few: Array) -> list[Item]:
        """Find a minimal set of items that are wrong together: without any one of them the others are right."""
        kept = [item for item in workspace.items if item.reported <= network.known.as_of]

        def right(items: Sequence[Item]) -> bool:
            without = replace(workspace, items=tuple(items))
            return is_right(compile_workspace(network.layout, without, network.known.as_of), few)

        return minimal_contradiction(kept, right)

    try:
        yield
    except ImpossibleEvidenceError as impossible:
        few = theta[:, impossible.draws[:1]]
        items = responsible(is_possible, few)
        raise ContradictionError(items, _missing_needs(workspace, items, network.known.as_of)) from impossible
    except NotFiniteError as undefined:
        few = np.ascontiguousarray(theta[:, ::SCREENED])
        raise UndefinedError(responsible(is_defined, few), str(undefined)) from undefined


def _missing_needs(workspace: Workspace, items: Sequence[Item], as_of: date) -> list[str]:
    """Return a smallest set of what events require without which some impossible items would be possible."""
    events = workspace.network.events.values()
    every = [(event.id, one) for event in events for one in event.requires]

    def possible(kept: Sequence[tuple[str, Requirement]]) -> bool:
        needs = {event.id: tuple(one for name, one in kept if name == event.id) for event in events}
        network = replace(
            workspace.network, events={event.id: replace(event, requires=needs[event.id]) for event in events}
        )
        layout = lay_out(network)
        compiled = compile_workspace(layout, replace(workspace, network=network, items=tuple(items)), as_of)
        return is_possible(compiled, theta_at_centre(rows_prior(layout)))

    return [f"'{name}' {one.state} requires {one}" for name, one in minimal_contradiction(every, possible)]


def kept_posterior(
    layout: Layout, workspace: Workspace, as_of: date, seed: int, folder: Path, progress: Callable[[str], None]
) -> Posterior:
    """Return the posterior of a workspace as its files have it: the kept one, or it is computed and kept.

    The kept one counts only for the same bytes of every input file, the same date, seed and packages, and the same
    source code of this program, so it is the one that would be computed, to the last bit. The workspace must be as
    it was read: its digests tell nothing of what was changed in memory. Raises as `posterior`.
    """
    place = posterior_place(workspace, as_of, seed, folder)
    kept = _load(layout, workspace, as_of, seed, place)
    if kept is None:
        kept = posterior(layout, workspace, as_of, seed, folder, progress)
        _keep(kept, place)
    return kept


def posterior_place(workspace: Workspace, as_of: date, seed: int, folder: Path) -> Place:
    """Return where the posterior of a workspace as it was read is kept."""
    return place_of(folder, "posterior", workspace.digests, as_of, seed)


def keep_posterior(posterior: Posterior, place: Place) -> None:
    """Keep a posterior, if it is not kept already."""
    if not is_kept(place):
        _keep(posterior, place)


def _keep(posterior: Posterior, place: Place) -> None:
    drawn, evaluation, weights = posterior.reliabilities, posterior.evaluation, posterior.weights
    parts = {
        "anchor": np.array("" if posterior.anchor is None else posterior.anchor.isoformat()),
        "log_anchor": posterior.log_anchor,
        "sources": np.array(drawn.sources, dtype=str),
        "nodes": drawn.nodes.astype(np.int16),
        "log_correction": drawn.log_correction,
        "seed": np.array(drawn.seed),
        "log_evidence": evaluation.log_evidence,
        "scenarios": evaluation.scenarios,
        "events": np.concatenate(evaluation.events),
        "weights": weights.weights,
        "diagnostics": np.array([weights.pareto_k, weights.effective_size]),
    }
    keep(place, parts)


def _arrays(entry: Sealed) -> dict[str, NDArray[Any]]:
    return {name: entry.array(name) for name in entry.parts}


def _load(layout: Layout, workspace: Workspace, as_of: date, seed: int, place: Place) -> Posterior | None:
    kept = load(place, _arrays)
    if kept is None:
        return None
    spec = prior_spec(layout, workspace, as_of)
    anchor = date.fromisoformat(text) if (text := str(kept["anchor"])) else None
    known = spec if anchor is None else replace(spec, anchor=compile_workspace(layout, workspace, anchor))
    base = cached_draws(spec, seed, place.folder)
    draws = base if anchor is None else cached_draws(known, seed, place.folder)
    if base is None or draws is None:
        return None  # the draws are gone from the store
    queried = query(compile_workspace(layout, workspace, as_of), workspace.scenarios)
    ends = np.cumsum(layout.cards)[:-1]
    sources = tuple(map(str, kept["sources"]))
    grids = grids_of(queried.network, {name: workspace.sources[name].grade for name in sources})
    return Posterior(
        asked=queried,
        spec=known,
        base=base,
        draws=draws,
        anchor=anchor,
        log_anchor=kept["log_anchor"],
        reliabilities=Reliabilities(
            sources=sources,
            grids=grids,
            nodes=kept["nodes"].astype(np.intp),
            log_correction=kept["log_correction"],
            seed=int(kept["seed"]),
        ),
        evaluation=Evaluation(kept["log_evidence"], kept["scenarios"], tuple(np.split(kept["events"], ends))),
        weights=Weights(kept["weights"], *map(float, kept["diagnostics"])),
    )
