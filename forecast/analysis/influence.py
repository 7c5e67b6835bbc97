"""Which arrows carry information, and which judgements the forecast depends on: CPTs, experts, grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import Weighted, weighted
from forecast.analysis.watch import mutual_information
from forecast.inference.engine import ENGINE
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.layout import Layout
from forecast.model.reliability import grids_of
from forecast.posterior.passes import Passes
from forecast.posterior.posterior import Posterior, evenly, query
from forecast.posterior.sources import StagedSources
from forecast.posterior.weights import Weights, deviations, effective_size, standard_error, weigh_draws
from forecast.sampling.likelihood import log_likelihoods
from forecast.sampling.spec import active_statements
from forecast.workspace.records import Workspace
from forecast.workspace.renames import LETTERS, Letter

Array = NDArray[np.float64]

DRAWS = 1000  # of the forecast's, for the arrows and for the grades: the same for both sides of a difference
COLLINEAR = 1e-10  # of the largest eigenvalue: directions that vary less are rounding


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """An arrow of the network, and the mutual information of its ends at the horizon in the mean joint."""

    parent: str
    child: str
    bits: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """An event, and the share of each scenario's spread that its CPT explains; None where the draws are too few."""

    event: str
    shares: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class ProbabilityChange:
    """A change of a probability, and its Monte Carlo error."""

    change: float
    mcse: float


@dataclass(frozen=True, kw_only=True)
class WithoutExpert:
    """The forecast without the statements of an expert, or of a group of several.

    `effects`: of each scenario the probability without less the probability with them; None where the smoothed weights
    fail (`reliable`).
    """

    kind: str
    name: str
    statements: int
    pareto_k: float | None
    ess: float
    reliable: bool
    effects: Mapping[str, ProbabilityChange] | None


@dataclass(frozen=True, kw_only=True)
class GradeShift:
    """The forecast with another grade's row of the table in the place of a grade's own.

    `sources`: how many that reported stand at the grade; `reliability`: mean before and after; `effects`: change of
    each scenario's probability.
    """

    grade: Letter
    as_: Letter
    sources: int
    reliability: tuple[float, float]
    effects: Mapping[str, float]
    pareto_k: float | None
    ess: float
    reliable: bool


@dataclass(frozen=True, kw_only=True)
class Influence:
    """The arrows of the network, strongest first, and the judgements that the scenarios depend on, largest first."""

    arrows: tuple[Arrow, ...]
    judgements: tuple[Judgement, ...]
    experts: tuple[WithoutExpert, ...]
    grades: tuple[GradeShift, ...]

    def of(self, scenario: str) -> Influence:
        """Leave one scenario in the answer, and rank everything by it."""
        judgements = [replace(row, shares={scenario: row.shares[scenario]}) for row in self.judgements]
        grades = [replace(row, effects={scenario: row.effects[scenario]}) for row in self.grades]
        experts = [
            row if row.effects is None else replace(row, effects={scenario: row.effects[scenario]})
            for row in self.experts
        ]
        return replace(
            self,
            judgements=tuple(sorted(judgements, key=lambda row: -(row.shares[scenario] or 0.0))),
            experts=tuple(sorted(experts, key=lambda row: (not row.reliable, -_largest(row)))),
            grades=tuple(sorted(grades, key=lambda row: -abs(row.effects[scenario]))),
        )


def _largest(row: WithoutExpert) -> float:
    return max((abs(effect.change) for effect in (row.effects or {}).values()), default=0.0)


def influence(outcome: Outcome, progress: Callable[[str], None]) -> Influence:
    """Measure the arrows of the network, and the judgements that each scenario's probability depends on.

    Of judgements each event stands by itself, so no order matters, and statements tie events together, so shares need
    not add up to one: the share of the variance over draws of P(scenario | E, draw) that a linear function of the
    event's own CPT explains.
    """
    progress("measuring the arrows")
    measured = arrows(outcome)
    progress("sharing out the spread")
    return Influence(
        arrows=measured,
        judgements=judgements(outcome),
        experts=without_experts(outcome, progress),
        grades=grade_shifts(outcome, progress),
    )


def arrows(outcome: Outcome) -> tuple[Arrow, ...]:
    """Compute what each parent's state tells of its child's: `arrows` of influence."""
    names = [event.id for event in outcome.layout.events]
    thin = max(1, outcome.posterior.weights.weights.size // DRAWS)
    rows = [
        Arrow(parent=names[p], child=names[c], bits=mutual_information(joint))
        for (p, c), joint in arrow_joints(weighted(outcome.posterior, thin)).items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.bits, row.parent, row.child)))


def judgements(outcome: Outcome) -> tuple[Judgement, ...]:
    """Compute the share of each scenario's spread that each event's CPT explains: `judgements` of influence."""
    theta, weights = outcome.posterior.draws.theta, outcome.posterior.weights.weights
    rows = []
    for v, event in enumerate(outcome.layout.events):
        shares = explained(_numbers(outcome.layout, v, theta), outcome.posterior.evaluation.scenarios, weights)
        rows.append(Judgement(event=event.id, shares=dict(zip(outcome.scenario_ids, shares, strict=True))))
    return tuple(sorted(rows, key=lambda row: (-max((s or 0.0 for s in row.shares.values()), default=0.0), row.event)))


def arrow_joints(chosen: Weighted) -> dict[tuple[int, int], Array]:
    """Compute the weighted mean of P(parent, child | E, draw) for each arrow: (alive parent states, child states)."""
    network = chosen.asked.network
    tables, _ = chosen.factors()
    layout = network.layout
    # The first factors are the events' rows, each over its parents and the event, but for chains.
    chained = {recipe.v for recipe in network.causes if recipe.auxiliary}
    children = [c for c, parents in enumerate(layout.parents) if parents and c not in chained]
    order = ENGINE.plan(network.cards, network.scopes)
    joints = {}
    for c, family in zip(children, ENGINE.families(order, tables, children)[1], strict=True):
        mean = family @ chosen.weights
        for place, p in enumerate(layout.parents[c]):
            joints[p, c] = mean.sum(axis=tuple(axis for axis in range(mean.ndim - 1) if axis != place))
    for c in sorted(chained):
        for p in layout.parents[c]:
            joints[p, c] = _pair(network, tables, (p, c)) @ chosen.weights
    return joints


def _pair(network: AsOfNetwork, tables: Sequence[Array], pair: tuple[int, int]) -> Array:
    """Compute P(states of two events | E, draw), by a factor of ones that holds them together."""
    order = ENGINE.plan(network.cards, (*network.scopes, pair))
    ones = np.ones((*(network.cards[v] for v in pair), 1))
    return ENGINE.families(order, [*tables, ones], [len(tables)])[1][0]


def _numbers(layout: Layout, v: int, theta: Array) -> Array:
    """Return the free numbers of an event's CPT on a scale without ends: (numbers, draws)."""
    own = theta[layout.offsets[v] :][: layout.n_rows(v) * layout.width(v)]
    tiny = np.finfo(float).tiny  # a row that a resolution rule makes certain says zero; it does not vary
    logs = np.log(np.maximum(own, tiny))
    if layout.events[v].kind == "reached":
        return logs
    by_row = logs.reshape(-1, layout.width(v), theta.shape[1])
    return (by_row[:, 1:] - by_row[:, :1]).reshape(-1, theta.shape[1])


def explained(numbers: Array, values: Array, weights: Array) -> list[float | None]:
    """Compute the shares of weighted variances that the best linear function of some numbers explains.

    A lower bound of the correlation ratio (Pearson 1905; the closed first-order index of Sobol 1993), estimated from
    the given draws and adjusted for the number of predictors with the effective number of draws (Ezekiel 1930), not
    below zero. None if the draws are fewer than three for each number.

    Args:
        numbers: (numbers, draws); values: (quantities, draws); weights: (draws,), normalised.
    """
    centred = values - (values @ weights)[:, np.newaxis]
    totals = np.square(centred) @ weights
    roots = np.sqrt(weights)
    varying = numbers - (numbers @ weights)[:, np.newaxis]
    varying *= roots
    within, with_values = varying @ varying.T, varying @ (centred * roots).T
    spread = np.sqrt(np.diag(within))
    varies = spread > 0.0
    size, n = effective_size(weights), int(varies.sum())
    # Correlations, and by them the least squares of all quantities at once.
    scale = spread[varies, np.newaxis]
    within, with_values = within[np.ix_(varies, varies)] / (scale * scale.T), with_values[varies] / scale
    slopes = np.linalg.lstsq(within, with_values, rcond=COLLINEAR)[0] if n else with_values
    shares: list[float | None] = []
    for total, held in zip(totals, (slopes * with_values).sum(axis=0), strict=True):
        if not total > 0.0 or not n:
            shares.append(0.0)
        elif size < 3 * n + 2:
            shares.append(None)
        else:
            shares.append(max(0.0, 1.0 - float(1.0 - held / total) * (size - 1.0) / (size - n - 1.0)))
    return shares


def without_experts(outcome: Outcome, progress: Callable[[str], None]) -> tuple[WithoutExpert, ...]:
    """Compute the forecast without the statements of each expert, and of each group of several experts.

    The draws are weighted by P(evidence) over what the sampler knew, as ever, and by 1 / p(the statements left out |
    draw) (forecast.sampling.likelihood): importance sampling from the posterior with everybody. Where the smoothed
    weights fail (Pareto k, effective size) nothing is told: that needs a fit of its own.

    Most moved first, those that need a fit last.

    Source: Gelfand, Dey and Chang (1992), importance sampling leave-one-out; Vehtari, Gelman and Gabry (2017), section
    2.1, for smoothing it.
    """
    posterior = outcome.posterior
    fit = posterior.draws.fit()[0]
    drawn, evaluation = posterior.reliabilities, posterior.evaluation
    log_ratios = evaluation.log_evidence + drawn.log_correction - posterior.log_anchor
    rows = []
    parts = _parts(outcome)
    progress("leaving out one expert after the other")
    said = log_likelihoods(posterior.spec, fit, [statements for _, _, statements in parts])
    for (kind, name, statements), log_likelihood in zip(parts, said, strict=True):
        weights = weigh_draws(log_ratios - log_likelihood, evaluation.scenarios)
        rows.append(
            WithoutExpert(
                kind=kind,
                name=name,
                statements=len(statements),
                pareto_k=weights.pareto_k if isfinite(weights.pareto_k) else None,
                ess=weights.effective_size,
                reliable=weights.reliable,
                effects=_effects(outcome, weights.weights) if weights.reliable else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: (not row.reliable, -_largest(row), row.kind, row.name)))


def _parts(outcome: Outcome) -> list[tuple[str, str, frozenset[str]]]:
    experts: dict[str, set[str]] = {}
    for statement in active_statements(outcome.workspace, outcome.as_of):
        experts.setdefault(statement.expert, set()).add(statement.id)
    groups: dict[str, list[str]] = {}
    for name in sorted(experts):
        groups.setdefault(outcome.workspace.experts[name].group, []).append(name)
    parts = [("expert", name, frozenset(experts[name])) for name in sorted(experts)]
    for group, members in sorted(groups.items()):
        if len(members) > 1:
            parts.append(("group", group, frozenset[str]().union(*(experts[name] for name in members))))
    return parts


def _effects(outcome: Outcome, without: Array) -> dict[str, ProbabilityChange]:
    shares, everybody = outcome.posterior.evaluation.scenarios, outcome.posterior.weights.weights
    # Both are averages over the same draws: the error is that of their difference.
    errors = standard_error(deviations(shares, without) - deviations(shares, everybody))
    changes = shares @ without - shares @ everybody
    rows = zip(outcome.scenario_ids, changes.tolist(), errors.tolist(), strict=True)
    return {name: ProbabilityChange(change=change, mcse=error) for name, change, error in rows}


JUDGED: tuple[Letter, ...] = LETTERS[:-1]  # F cannot be judged: it is not a step of the scale


def grade_shifts(outcome: Outcome, progress: Callable[[str], None]) -> tuple[GradeShift, ...]:
    """Compute the forecast with one grade's row of the table in the place of its neighbour's, one grade at a time.

    Everything of stage 2 is done anew on every so-many-th draw: reports, copies, reliabilities, weights; where a source
    of no grade that is shifted stands is the same on both sides of each difference. The draws of stage 1 stay, although
    statements were read in the light of reports weighed by the old table: a limit.

    Largest change first.
    """
    workspace, used = outcome.workspace, _used(outcome)
    shifts = [
        (letter, JUDGED[place + step])
        for place, letter in enumerate(JUDGED)
        for step in (-1, 1)
        if letter in used and 0 <= place + step < len(JUDGED)
    ]
    rows = []
    every = max(1, outcome.posterior.weights.weights.size // DRAWS)
    passes = Passes(evenly(outcome.posterior.draws.theta, every))

    def forecast(changed: Workspace) -> tuple[Array, Weights]:
        return _forecast(outcome.posterior, passes, every, changed)

    before, _ = forecast(workspace)
    for number, (letter, other) in enumerate(shifts, 1):
        progress(f"shifting one grade after the other: {100 * number // len(shifts)} %")
        after, weights = forecast(shifted(workspace, letter, other))
        rows.append(
            GradeShift(
                grade=letter,
                as_=other,
                sources=used[letter],
                reliability=(workspace.grades[letter].mean, workspace.grades[other].mean),
                effects=dict(zip(outcome.scenario_ids, (after - before).tolist(), strict=True)),
                pareto_k=weights.pareto_k if isfinite(weights.pareto_k) else None,
                ess=weights.effective_size,
                reliable=weights.reliable,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-max(map(abs, row.effects.values())), row.grade, row.as_)))


def shifted(workspace: Workspace, letter: Letter, other: Letter) -> Workspace:
    """Return the workspace with one grade's sources as reliable as another grade's."""
    sources = {
        name: replace(one, grade=workspace.grades[other]) if one.reliability == letter else one
        for name, one in workspace.sources.items()
    }
    return replace(workspace, sources=sources)


def _used(outcome: Outcome) -> dict[Letter, int]:
    reporting = {report.source for report in outcome.posterior.asked.network.reports}
    counts: dict[Letter, int] = {}
    for name in sorted(reporting):
        letter = outcome.workspace.sources[name].reliability
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def _forecast(of: Posterior, passes: Passes, every: int, workspace: Workspace) -> tuple[Array, Weights]:
    """Compute the probability of each scenario on every so-many-th draw of a posterior, and their weights."""
    layout, as_of = of.asked.network.layout, of.asked.network.known.as_of
    queried = query(compile_workspace(layout, workspace, as_of), workspace.scenarios)
    grids = grids_of(queried.network, {name: workspace.sources[name].grade for name in of.reliabilities.sources})
    staged = StagedSources(
        replace(of.reliabilities, grids=grids),
        [shares @ of.weights.weights for shares in of.evaluation.events],
        passes.n_draws,
    )
    drawn = staged.drawn(queried.network, {item.id: item.reported for item in workspace.items})
    log_evidence, shares = passes.evaluate_scenarios(queried, drawn)
    weights = weigh_draws(log_evidence + drawn.log_correction - of.log_anchor[::every], shares)
    return np.asarray(shares @ weights.weights), weights
