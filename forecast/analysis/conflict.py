"""How far the reports disagree: all together, in pairs, each with all others; and which statements they refute."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import combinations
from math import hypot, log

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.experts import JudgedClaim, judged_claims
from forecast.digests import digest_of
from forecast.digits import number
from forecast.inference.engine import ENGINE, Plan
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, alive_slices, factors, varying_axes
from forecast.model.reports import Report
from forecast.posterior.posterior import Posterior
from forecast.posterior.weights import averages, effective_size, smooth, standard_error
from forecast.sampling.draws import Draws
from forecast.sampling.likelihood import statement_columns
from forecast.workspace.fits import expit, reading_quantile
from forecast.workspace.statement_forms import targets_of

Array = NDArray[np.float64]
Scope = tuple[int, ...]


class Background:
    """The forecast's draws, weighted as if nothing had been reported but what is settled.

    Every source stands at its prior mean. `told` are the reports that still tell states apart, in the order of the
    network's; `weights` (draws) are proportional to P(settled | theta) over what the draws knew, smoothed.
    """

    def __init__(self, found: Posterior, every: int = 1) -> None:
        self.network = found.asked.network
        self.theta = np.ascontiguousarray(found.draws.theta[:, ::every])
        bare: AsOfNetwork = replace(self.network, reports=(), fixed=(), log_fixed=0.0)
        self.tables, offset = factors(bare, self.theta)
        cut = [_cut(self.network, report) for report in self.network.reports]
        varying = [i for i, (scope, _) in enumerate(cut) if scope]
        self.told = tuple(self.network.reports[i] for i in varying)
        self._tables = [cut[i][1] for i in varying]
        with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
            self._logs = [np.log(table) for table in self._tables]
        self.scopes = tuple(dict.fromkeys(cut[i][0] for i in varying))
        self._place = [self.scopes.index(cut[i][0]) for i in varying]
        self.plan: Plan = ENGINE.plan(self.network.cards, [*bare.scopes, *self.scopes])
        self.silent = ENGINE.log_evidence(self.plan, self.factors(()))
        smoothed = smooth(self.silent + offset - found.log_anchor[::every])
        self.weights, self.pareto_k = smoothed
        self.effective_size = effective_size(self.weights)

    def table(self, i: int) -> Array:
        """Return P(report i | states of its scope), alive states, over the events that it still tells apart."""
        return self._tables[i]

    def place(self, i: int) -> int:
        """Return which of `scopes` report i speaks of."""
        return self._place[i]

    def factors(self, kept: Collection[int]) -> list[Array]:
        """Return the factors of `plan` with some reports (places in `told`) and no others, each scope's largest 1."""
        return [*self.tables, *(table[..., np.newaxis] for table, _ in self._reported(kept))]

    def _reported(self, kept: Collection[int]) -> list[tuple[Array, float]]:
        """Multiply reports scope by scope; return each product, its maximum taken out, and the log of that."""
        logs = [np.zeros([self.network.cards[v] for v in scope]) for scope in self.scopes]
        for i in kept:
            logs[self._place[i]] = logs[self._place[i]] + self._logs[i]
        return [scaled(log_table) for log_table in logs]

    def log_given(self, kept: Collection[int]) -> Array:
        """Compute log P(these reports | settled, theta_d) (draws)."""
        spent = sum(peak for _, peak in self._reported(kept))
        return ENGINE.log_evidence(self.plan, self.factors(kept)) + spent - self.silent

    def chances(self, given: int | None = None) -> Array:
        """Compute P(report | settled, one other report or none, theta_d) for every report (reports, draws)."""
        wanted = range(len(self.tables), len(self.tables) + len(self.scopes))
        _, joint = ENGINE.families(self.plan, self.factors(() if given is None else (given,)), wanted)
        rows = []
        for i, table in enumerate(self._tables):
            of = joint[self._place[i]]
            rows.append((table[..., np.newaxis] * of).reshape(-1, of.shape[-1]).sum(axis=0))
        return np.stack(rows) if rows else np.zeros((0, self.theta.shape[1]))


def scaled(log_table: Array) -> tuple[Array, float]:
    """Return the exponentials of a table of logs without its maximum, and the maximum (0 where nothing is possible)."""
    peak = float(log_table.max(initial=-np.inf))
    peak = peak if peak > -np.inf else 0.0
    return np.exp(log_table - peak), peak


def _cut(network: AsOfNetwork, report: Report) -> tuple[Scope, Array]:
    """Return the events that a report still tells apart, and its table over their alive states."""
    table = report.table[alive_slices(network.alive, report.scope)]
    axes = varying_axes(table)
    flat = tuple(slice(None) if axis in axes else 0 for axis in range(table.ndim))
    return tuple(report.scope[axis] for axis in axes), table[flat] if table.size else table


ROUNDING = 1e-9  # log probabilities that differ by less are equal


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """The predictive p-value of the reports, its Monte Carlo error, and how many simulated reports come out.

    `median` is the number of them; `draws` and `ess` say what the p-value is from.
    """

    p_value: float
    mcse: float
    draws: int
    ess: float
    median: int


def surprise(background: Background, seed: int) -> Surprise:
    """Compute the predictive p-value of the reports: the chance of reports that are no likelier than those that came.

    In each draw the states of all events are drawn from the as-of network given what is settled, and every report
    that still tells states apart comes out with probability P(i | states) or does not (its likelihoods are read on
    their own scale, the largest 1). The discrepancy is log P(which came out | settled, theta_d), so the p-value is the
    weighted share of draws whose simulated reports have at most that of the real ones, all of which came out.

    Source: Gelman, Meng and Stern (1996), "Posterior predictive assessment of model fitness via realized
    discrepancies".
    """
    rng = np.random.default_rng(int(digest_of(seed, "surprise")[:16], 16))
    weights, n = background.weights, background.weights.size
    states = ENGINE.draw_states(background.plan, background.factors(()), rng)
    logs = [np.zeros((*table.shape[:-1], n)) for table in background.factors(())[len(background.tables) :]]
    count = np.zeros(n)
    for i in range(len(background.told)):
        place, table = background.place(i), background.table(i)[..., np.newaxis]
        chance = background.table(i)[tuple(states[v] for v in background.scopes[place])]
        came = rng.uniform(size=n) < chance
        with np.errstate(divide="ignore"):  # what cannot be has log probability minus infinity
            logs[place] += np.log(np.where(came, table, 1.0 - table))
        count += came
    peaks = [log_table.reshape(-1, n).max(axis=0) for log_table in logs]
    reported = [np.exp(log_table - peak) for log_table, peak in zip(logs, peaks, strict=True)]
    simulated = ENGINE.log_evidence(background.plan, [*background.tables, *reported]) + sum(peaks) - background.silent
    real = background.log_given(range(len(background.told)))
    p, error = share_below(simulated, real, weights)
    order = np.argsort(count, kind="stable")
    median = count[order][np.searchsorted(np.cumsum(weights[order]), 0.5)]
    return Surprise(p_value=p, mcse=error, draws=n, ess=background.effective_size, median=int(median))


def share_below(simulated: Array, real: Array, weights: Array) -> tuple[float, float]:
    """Return the weighted share of draws with simulated <= real (log probabilities), and its Monte Carlo error."""
    below = (simulated <= real + ROUNDING).astype(float)
    found = averages(below[np.newaxis], weights)
    return float(found.mean[0]), float(found.mcse[0])


def two_outcomes(chance: float) -> float:
    """Return the p-value of what had this chance where only one other thing could have been."""
    return chance if chance < 0.5 else 1.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """A stated probability against what the evidence made of it.

    `stated`: low, middle and high of the 90 % interval; `before` and `after`: what the model implies for it, in the
    world as its author could know it (mean log-odds over the draws as a probability), without and with the evidence;
    `refuted`: before lies in the interval and after does not, by a move that is beyond twice its Monte Carlo error
    (`mcse`, of the log-odds) and can be seen in whole percents.
    """

    statement: str
    expert: str
    stated: tuple[float, float, float]
    before: float
    after: float
    mcse: float
    refuted: bool


def statements(found: Outcome) -> list[Held]:
    """Hold each stated probability against what the evidence made of it: refuted ones first, then those moved most."""
    spec, of = found.posterior.spec, found.posterior
    if not spec.statement_ids:
        return []
    said = {statement.id: statement for statement in found.workspace.statements}
    base = _quantities(of.base)
    before = averages(base.T, np.full(base.shape[0], 1.0 / base.shape[0]))
    after = averages(_quantities(of.draws).T, of.weights.weights)
    rows = []
    for name, column in statement_columns(spec).items():
        at = column[0]
        if at >= spec.stated.location.size or len(targets_of(said[name])) > 1:
            continue
        reach = reading_quantile(0.95, exact=not spec.stated.scatters[at])
        half, middle = reach * float(spec.stated.scale[at]), float(spec.stated.location[at])
        was, now = (float(ends.mean[at]) for ends in (before, after))
        error = hypot(float(before.mcse[at]), float(after.mcse[at]))
        crossed = abs(was - middle) <= half < abs(now - middle)
        row = Held(
            statement=name,
            expert=said[name].expert,
            stated=(expit(middle - half), expit(middle), expit(middle + half)),
            before=expit(was),
            after=expit(now),
            mcse=error,
            refuted=crossed and abs(now - was) > 2.0 * error and number(expit(was), None) != number(expit(now), None),
        )
        rows.append((row.refuted, abs(now - was), name, row))
    return [row for *_, row in sorted(rows, key=lambda row: (not row[0], -row[1], row[2]))]


def _quantities(draws: Draws) -> Array:
    """Return what the statements read in each draw (draws, quantities)."""
    kept = draws.fit()[0]["quantity"]
    return kept.reshape(-1, kept.shape[-1])


Progress = Callable[[str], None]

DRAWS = 100  # of the forecast's, for the pairs
SURPRISE_DRAWS = 1000  # of the forecast's, each of which simulates all reports once
LEAST = 0.01  # decibans; a report that says less by now makes no pair worth telling
DECIBANS = 10.0 / log(10.0)  # of one natural logarithm


@dataclass(frozen=True, kw_only=True)
class ReportConflict:
    """A report's own part: its probability given the settled items against that given all other reports too.

    `chance` is the latter, with its `mcse`; `p_value`: of coming out or not, the probability of what is no likelier.
    """

    item: str
    decibans: float
    chance: float
    mcse: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class ReportPair:
    """Two reports: decibans above zero where they are less probable together; `copies`: they are of one group."""

    items: tuple[str, str]
    decibans: float
    copies: bool
    mcse: float


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """How far the reports disagree.

    `reports`: their number, of which `telling` still tell states apart; `surprise`: how probable they are among
    simulated ones; `conflict` (decibans): log of the product of the single reports' probabilities over their joint
    probability, above zero if they are less probable together than independently, with its Monte Carlo error `mcse`;
    `items`: each report's own part; `claims`: those that are judged by now, true or false on their day; `statements`:
    those that the evidence moved most; `fights` and `supports`: the strongest pairs; `draws`, `ess` and `pareto_k`: of
    the draws for the pairs.
    """

    reports: int
    telling: int
    surprise: Surprise
    conflict: float
    mcse: float
    items: tuple[ReportConflict, ...]
    claims: tuple[JudgedClaim, ...]
    statements: tuple[Held, ...]
    fights: tuple[ReportPair, ...]
    supports: tuple[ReportPair, ...]
    draws: int
    ess: float
    pareto_k: float | None


def conflict(found: Outcome, top: int, progress: Progress) -> Conflict:
    """Measure how far the reports disagree with each other, under the statements and what is settled.

    Args:
        found: the forecast.
        top: pairs told on each side, and statements.
        progress: is told how far it is.

    Every source stands at its prior mean: what is measured is disagreement about the events.

    Source: Jensen, Chamberlain, Nordahl and Jensen (1991), "Analysis in HUGIN of data conflict".
    """
    size = found.posterior.weights.weights.size
    background = Background(found.posterior, max(1, size // DRAWS))
    progress("weighing the reports against each other")
    singles = background.chances()
    log_joint = background.log_given(range(len(background.told)))
    whole, mcse = _conflict(singles, log_joint, background.weights)
    pairs = _pairs(found, background, singles)
    ranked = sorted(pairs, key=lambda row: (-row.decibans, row.items))
    progress("simulating reports")
    return Conflict(
        reports=len(background.network.reports),
        telling=len(background.told),
        surprise=surprise(Background(found.posterior, max(1, size // SURPRISE_DRAWS)), found.seed),
        conflict=whole,
        mcse=mcse,
        items=_items(background, singles, log_joint),
        claims=tuple(
            claim for claim in judged_claims(background.network, found.workspace) if claim.was_true is not None
        ),
        statements=tuple(statements(found)[:top]),
        fights=tuple([row for row in ranked if row.decibans > 0.0][:top]),
        supports=tuple([row for row in reversed(ranked) if row.decibans < 0.0][:top]),
        draws=background.weights.size,
        ess=background.effective_size,
        pareto_k=background.pareto_k if np.isfinite(background.pareto_k) else None,
    )


def _conflict(singles: Array, log_joint: Array, weights: Array) -> tuple[float, float]:
    """Return 10 log10 [prod_i P(i) / P(all)] and its Monte Carlo error (delta method)."""
    joint = np.exp(log_joint - log_joint.max())
    apart, together = singles @ weights, float(joint @ weights)
    whole = float(np.log(apart).sum()) - log(together) - float(log_joint.max())
    deviation = (singles / apart[:, np.newaxis] - 1.0).sum(axis=0) - (joint / together - 1.0)
    return DECIBANS * whole, DECIBANS * _error(weights * deviation)


def _items(background: Background, singles: Array, log_joint: Array) -> tuple[ReportConflict, ...]:
    """Compute for each report 10 log10 [P(i) / P(i | all others)]; one that says nothing any more has none."""
    weights, rows = background.weights, []
    for i, report in enumerate(background.told):
        log_others = background.log_given([j for j in range(len(background.told)) if j != i])
        # P(i | all others) = E[P(all)] / E[P(others)]
        peak = max(log_joint.max(), log_others.max())
        joint, others = np.exp(log_joint - peak), np.exp(log_others - peak)
        chance = float(joint @ weights / (others @ weights))
        error = _error(weights * (joint - chance * others)) / float(others @ weights)
        decibans = DECIBANS * (log(float(singles[i] @ weights)) - log(chance))
        p_value = two_outcomes(chance)
        rows.append(ReportConflict(item=report.item, decibans=decibans, chance=chance, mcse=error, p_value=p_value))
    return tuple(sorted(rows, key=lambda row: (-row.decibans, row.item)))


def _pairs(found: Outcome, background: Background, singles: Array) -> list[ReportPair]:
    """Compute 10 log10 [P(i) P(j) / P(i, j)] for every pair of reports that still say something."""
    weights = background.weights
    groups = {item.id: item.group for item in found.workspace.items}
    speaking = [i for i in range(len(background.told)) if _span(background.table(i)) >= LEAST]
    apart, rows, terms = singles @ weights, [], []
    given = {i: background.chances(i) for i in speaking[:-1]}
    for i, j in combinations(speaking, 2):
        joint = singles[i] * given[i][j]
        both = float(joint @ weights)
        terms.append(weights * (singles[i] / apart[i] + singles[j] / apart[j] - joint / both - 1.0))
        one, other = sorted((background.told[i].item, background.told[j].item))
        is_copied = groups[one] is not None and groups[one] == groups[other]
        rows.append(((one, other), DECIBANS * log(apart[i] * apart[j] / both), is_copied))
    errors = DECIBANS * standard_error(np.stack(terms)) if rows else np.zeros(0)
    return [
        ReportPair(items=items, decibans=decibans, copies=copies, mcse=error)
        for (items, decibans, copies), error in zip(rows, errors.tolist(), strict=True)
    ]


def _error(terms: Array) -> float:
    """Return the Monte Carlo error of the sum of terms (draws)."""
    return float(standard_error(terms[np.newaxis])[0])


def _span(table: Array) -> float:
    """Return by how many decibans a report tells states apart: no pair with it can be further from none."""
    return DECIBANS * log(float(table.max()) / low) if (low := float(table.min())) > 0.0 else np.inf
