"""How statements read the model: their likelihood in each kept draw, and how far stage 1 ended from each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, Plan
from forecast.inference.tape import normal_quadrature
from forecast.model.asof import AsOfNetwork, Latest, alive_slices, factors
from forecast.sampling.draws import Draws
from forecast.sampling.readings import (
    DEGREES_OF_FREEDOM,
    as_rated,
    case_log_odds,
    log_of_contrasts,
    of_coders,
    reading_variance,
)
from forecast.sampling.spec import SD_EXPERT, Noisy, PriorSpec, RowsPrior, TargetOdds, theta_at_centre
from forecast.store.entries import once, place_of
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import DatedCondition, Statement, Workspace
from forecast.workspace.statement_forms import targets_of

Array = NDArray[np.float64]

NODES = 40  # of the quadrature over a standard normal
LARGEST_PRODUCT = 1e300  # that a double holds; as far below one
RATED = (("bias", 0.0), ("slope", 1.0))  # and what they are for an expert without a record
DISAGREES = 2.0  # residual, in sds, from which on a statement is named


def statement_columns(spec: PriorSpec) -> dict[str, list[int]]:
    """Return the rows of the spec's quantities that belong to each statement."""
    n_stated, n_coordinates = spec.stated.location.size, spec.distributions.location.size
    columns: dict[str, list[int]] = {}
    for i, name in enumerate(spec.statement_ids):
        if i < n_stated:
            columns[name] = [i]
        elif i < n_stated + spec.n_distributions:
            columns[name] = (n_stated + np.flatnonzero(spec.distribution_of == i - n_stated)).tolist()
        else:
            columns[name] = [i - spec.n_distributions + n_coordinates]
    return columns


def residuals(spec: PriorSpec, fit: Mapping[str, Array]) -> dict[str, float | None]:
    """Compute (stated - implied) / sd for each statement; positive: it said more than the model implies.

    The sd is that of everything between the implied and the stated number: the statement's own, its expert's extra
    noise omega at its posterior mean, and the prior sd of the deviations of group and coder. A distribution gives the
    root mean square over its coordinates, a count the gap to its expected number, an order nothing (None).

    Args:
        fit: posterior draws of stage 1, {variable: (chain, draw, ...)}.
    """
    if not spec.statement_ids:
        return {}
    implied = fit["quantity"].reshape(-1, fit["quantity"].shape[-1])
    omega = fit["omega"].reshape(-1, len(spec.experts)).mean(axis=0)
    mean = implied.mean(axis=0)
    gaps: dict[str, float | None] = {}
    beyond = by_coders(spec, fit)[1].mean(axis=1)
    heard = _as_heard(spec, fit, mean[: spec.stated.location.size])
    for name, column in statement_columns(spec).items():
        first, n = column[0], spec.stated.location.size
        counted = first - n - spec.distributions.location.size
        if first < n:
            sd = _sd(spec, spec.stated, omega, 0, beyond)
            gaps[name] = float((spec.stated.location[first] - heard[first]) / sd[first])
        elif counted < 0:
            at = np.array(column) - n
            gap = (spec.distributions.location[at] - mean[column]) / _sd(spec, spec.distributions, omega, n, beyond)[at]
            gaps[name] = float(np.sqrt(np.square(gap).mean()))
        elif counted < len(spec.counted):
            gap = _count_gap(spec.counted[counted], float(-np.expm1(implied[:, first]).mean()))
            gaps[name] = -gap if gap is not None and _counts_staying(spec, first) else gap
        else:
            gaps[name] = None
    return gaps


def by_coders(spec: PriorSpec, fit: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the log density of each row's contrasts between coders, and what coders add to its variance.

    Rows of single numbers, then coordinates of distributions, (rows, draws); (rows, 1) of zeros where no remark was
    coded by several.
    """
    codings = spec.codings
    if codings is None:
        nothing = np.zeros((spec.stated.location.size + spec.distributions.location.size, 1))
        return nothing, nothing
    kappa = fit["kappa"].reshape(-1)
    contrasts = codings.location[:, np.newaxis] + np.zeros(kappa.size)
    if spec.deviation_labels:
        contrasts = contrasts - codings.deviations @ fit["deviation"].reshape(kappa.size, -1).T
    belongs = codings.belongs
    apart = belongs @ np.square(contrasts)
    m = 1.0 + belongs.sum(axis=1, keepdims=True)
    beyond = of_coders(codings.shares[:, np.newaxis], kappa**2, apart) - codings.held[:, np.newaxis]
    return np.asarray(log_of_contrasts(np, m, kappa, apart)), np.asarray(beyond)


def _sd(spec: PriorSpec, noisy: Noisy, omega: Array, first: int, beyond: Array) -> Array:
    """Return the sd of the readings of a block, whose rows among the spec's quantities begin at `first`."""
    by_row = np.bincount(spec.deviations.row, np.square(spec.deviations.weight), minlength=spec.deviations.n_rows)
    deviation = by_row[first : first + noisy.location.size]
    coders = beyond[first : first + noisy.location.size]
    variance = reading_variance(noisy.scatters, omega[noisy.expert], noisy.scale, noisy.weight, coders)
    return np.asarray(np.sqrt(variance + deviation))


def _as_heard(spec: PriorSpec, fit: Mapping[str, Array], implied: Array) -> Array:
    """Return what experts with a track record are expected to state where the model implies `implied`."""
    if not spec.rated:
        return implied
    bias, slope = (fit[name].reshape(-1, len(spec.rated)).mean(axis=0) for name, _ in RATED)
    biases, slopes = (np.append(of, own)[spec.rated_of] for (_, of), own in zip(RATED, (bias, slope), strict=True))
    return np.asarray(as_rated(biases, slopes, spec.is_biased, implied))


def _counts_staying(spec: PriorSpec, row: int) -> bool:
    """Say whether a count's cases were those without a step: its quantity then is of the target, not of the rest."""
    return bool((spec.quantities.column[spec.quantities.row == row] < len(spec.sides)).any())


def _count_gap(counted: Array, p: float) -> float | None:
    happened, of, _, sd = counted.tolist()
    # Binomial variance plus that of a class that differs from the event at hand by `sd` log-odds.
    variance = of * p * (1 - p) + of * (of - 1) * (p * (1 - p) * sd) ** 2
    return (happened - of * p) / float(np.sqrt(variance)) if variance > 0.0 else None


def kept_residuals(spec: PriorSpec, draws: Draws) -> dict[str, float | None]:
    """Return the residuals of a kept fit, computed once: reading all its draws takes longer than a daily update."""
    found = once(
        place_of(draws.store, "residuals", draws.digest), lambda: list(residuals(spec, draws.fit()[0]).values())
    )
    return dict(zip(statement_columns(spec), found, strict=True))


@dataclass(frozen=True)
class _Heard:
    """What was to be read in each draw, before noise: (quantities, draws), in the order of the spec's quantities.

    `contrasts` and `beyond` are those of coders (`by_coders`).
    """

    spec: PriorSpec
    mean: Array
    contrasts: Array
    beyond: Array


def log_likelihood(spec: PriorSpec, fit: Mapping[str, Array], left_out: Collection[str]) -> Array:
    """Compute log p(some statements | CPT rows, deviations) of every draw (draws), up to a constant.

    Exact but for quadrature: the extra noise omega of each expert, the common precision of a distribution and the
    scatter of a count belong to these statements alone and are integrated out (Gauss-Hermite, 40 nodes; the precision
    in closed form, a multivariate t). So all statements of an expert must be left out, or none. An expert with a
    track record keeps it: the bias and the slope are those of the draw.

    Args:
        spec: the statements of stage 1.
        fit: kept draws of stage 1, {variable: (chain, draw, ...)}.
        left_out: ids of the statements.

    Raises ValueError for some but not all single numbers and distributions of one expert.
    """
    return log_likelihoods(spec, fit, [left_out])[0]


def log_likelihoods(spec: PriorSpec, fit: Mapping[str, Array], parts: Sequence[Collection[str]]) -> list[Array]:
    """Compute `log_likelihood` of several parts of the statements, whatever is in two of them once."""
    columns = statement_columns(spec)
    heard = _heard(spec, fit)
    n_noisy = spec.stated.location.size + spec.distributions.location.size
    every: dict[int, list[int]] = {}
    for row in range(n_noisy):
        every.setdefault(_expert(spec, row), []).append(row)

    @cache
    def of_expert(expert: int) -> Array:
        return _of_expert(heard, every[expert])

    @cache
    def of_row(row: int) -> Array:
        place = row - n_noisy
        if place < len(spec.counted):
            return _count(spec.counted[place], heard.mean[row])
        return np.asarray(-np.logaddexp(0.0, -heard.mean[row] / spec.ordered[place - len(spec.counted)]))

    totals = []
    for left_out in parts:
        rows = {row for name, of in columns.items() if name in left_out for row in of}
        total = np.zeros(heard.mean.shape[1])
        for expert in dict.fromkeys(_expert(spec, row) for row in sorted(rows) if row < n_noisy):
            if not rows.issuperset(every[expert]):
                msg = f"some statements of '{spec.experts[expert]}' without the others"
                raise ValueError(msg)
            total += of_expert(expert)
        for row in sorted(row for row in rows if row >= n_noisy):
            total += of_row(row)
        totals.append(total)
    return totals


def heard_in(spec: PriorSpec, fit: Mapping[str, Array]) -> Array:
    """Compute what was to be read in each draw, before noise (quantities, draws): with deviations, bias and slope.

    Args:
        spec: the statements.
        fit: draws of stage 1, {variable: (chain, draw, ...)}.
    """

    def flat(name: str) -> Array:
        return fit[name].reshape(-1, fit[name].shape[-1]).T

    implied = flat("quantity").copy()
    if spec.rated:
        n = spec.stated.location.size
        bias, slope = (np.concatenate([np.full((1, implied.shape[1]), of), flat(name)]) for name, of in RATED)
        implied[:n] = as_rated(bias[spec.rated_of], slope[spec.rated_of], spec.is_biased[:, np.newaxis], implied[:n])
    if spec.deviation_labels:
        implied += spec.deviations @ flat("deviation")
    return implied


def _heard(spec: PriorSpec, fit: Mapping[str, Array]) -> _Heard:
    return _Heard(spec, heard_in(spec, fit), *by_coders(spec, fit))


def _block(spec: PriorSpec, row: int) -> tuple[Noisy, int]:
    n = spec.stated.location.size
    return (spec.stated, row) if row < n else (spec.distributions, row - n)


def _expert(spec: PriorSpec, row: int) -> int:
    noisy, place = _block(spec, row)
    return int(noisy.expert[place])


def _of_expert(heard: _Heard, rows: list[int]) -> Array:
    """Average the likelihood of an expert's numbers and distributions over the expert's own noise."""
    spec, n = heard.spec, heard.spec.stated.location.size
    nodes, weights = normal_quadrature(NODES)
    together: dict[int, list[int]] = {}
    for row in rows:
        # A single number stands alone, the coordinates of a distribution together.
        name = row if row < n else n + int(spec.distribution_of[row - n])
        together.setdefault(name, []).append(row)
    # Nodes come first: arithmetic with what is the same in all draws then runs along the draws.
    given_omega = np.zeros((NODES, heard.mean.shape[1]))
    logarithms = _Logarithms(given_omega)
    square, term = np.empty_like(given_omega), np.empty_like(given_omega)
    for members in together.values():
        square[:] = 0.0
        for row in members:
            noisy, at = _block(spec, row)
            omega, beyond = SD_EXPERT * nodes[:, np.newaxis], heard.beyond[row]
            variance = reading_variance(noisy.scatters[at], omega, noisy.scale[at], noisy.weight[at], beyond)
            np.divide(np.square(noisy.location[at] - heard.mean[row]), variance, out=term)
            square += term
            logarithms.add(-0.5, variance)
        noisy, at = _block(spec, members[0])
        if noisy.scatters[at] == 0.0:
            given_omega += _log_tails(square, len(members), is_rule=True)
        else:  # the tails of a t, as in _log_tails
            square /= DEGREES_OF_FREEDOM
            square += 1.0
            logarithms.add(-(DEGREES_OF_FREEDOM + len(members)) / 2.0, square)
        given_omega += heard.contrasts[members[0]]
    logarithms.finish()
    return _averaged(given_omega, weights)


def _averaged(log_values: Array, weights: Array) -> Array:
    """Average over nodes: the log of a weighted sum of e to the values (nodes, draws)."""
    total = log_values + np.log(weights)[:, np.newaxis]
    peak = total.max(axis=0)
    peak[peak == -np.inf] = 0.0
    total -= peak
    with np.errstate(divide="ignore"):  # what cannot be has log probability minus infinity
        return np.asarray(np.log(np.exp(total, out=total).sum(axis=0)) + peak)


class _Logarithms:
    """Adds multiples of logarithms to a total: one logarithm of a product for many factors of one multiple."""

    def __init__(self, total: Array) -> None:
        self._total = total
        self._products: dict[float, Array] = {}
        self._reach: dict[float, float] = {}  # how far each product may be from one, as a factor

    def add(self, times: float, factor: Array) -> None:
        """Add so many times the logarithm of positive numbers."""
        product = self._products.setdefault(times, np.ones_like(self._total))
        reach = max(float(factor.max()), 1.0 / float(factor.min()))
        if self._reach.get(times, 1.0) * reach > LARGEST_PRODUCT:
            self._take(times)
        self._reach[times] = self._reach.get(times, 1.0) * reach
        product *= factor

    def finish(self) -> None:
        """Take the logarithms of all products that are left."""
        for times in self._products:
            self._take(times)

    def _take(self, times: float) -> None:
        self._total += times * np.log(self._products[times])
        self._products[times][:] = 1.0
        self._reach[times] = 1.0


def _log_tails(square: Array, n: int, *, is_rule: bool) -> Array:
    """Compute the log density of n numbers `square` (squared sds) from what was to be read, up to a constant.

    That of a t; what a rule says has the tails of a normal distribution.
    """
    if is_rule:
        return -square / 2.0
    return np.asarray(-(DEGREES_OF_FREEDOM + n) / 2.0 * np.log1p(square / DEGREES_OF_FREEDOM))


def _count(counted: Array, log_none: Array) -> Array:
    """Average the binomial likelihood of a count over how its class differs from the event at hand."""
    happened, of, _, sd = counted.tolist()
    nodes, weights = normal_quadrature(NODES)
    with np.errstate(divide="ignore"):  # what cannot happen has log-odds minus infinity
        log_odds = case_log_odds(np, log_none) + sd * nodes[:, np.newaxis]
    less_likely = np.log1p(np.exp(-np.abs(log_odds)))  # what ln p and ln(1 - p) have in common
    terms = -of * less_likely
    if happened:
        terms += happened * np.minimum(log_odds, 0.0)
    if of > happened:
        terms += (of - happened) * np.minimum(-log_odds, 0.0)
    return _averaged(terms, weights)


def log_likelihood_given_noise(spec: PriorSpec, fit: Mapping[str, Array], names: Collection[str]) -> dict[str, Array]:
    """Compute log p(statement | CPT rows, deviations, its expert's noise) of every draw (draws), up to a constant.

    Each statement by itself, the extra noise omega of its expert being that of the draw: with it and the deviations,
    statements are independent of each other. The precision of a distribution and the scatter of a count are its own and
    are integrated out.

    Args:
        spec: the statements of stage 1.
        fit: draws of stage 1 with `omega`, {variable: (chain, draw, ...)}.
        names: ids of the statements.
    """
    heard, columns = _heard(spec, fit), statement_columns(spec)
    omega = fit["omega"].reshape(-1, len(spec.experts)).T
    n, m = spec.stated.location.size, spec.stated.location.size + spec.distributions.location.size
    found = {}
    for name in names:
        rows = columns[name]
        if rows[0] >= m:
            place = rows[0] - m
            counts = len(spec.counted)
            found[name] = (
                _count(spec.counted[place], heard.mean[rows[0]])
                if place < counts
                else -np.logaddexp(0.0, -heard.mean[rows[0]] / spec.ordered[place - counts])
            )
            continue
        noisy, start = (spec.stated, 0) if rows[0] < n else (spec.distributions, n)
        at = np.array(rows) - start
        scale, weight = noisy.scale[at, np.newaxis], noisy.weight[at, np.newaxis]
        scatters, beyond = noisy.scatters[at, np.newaxis], heard.beyond[rows]
        variance = reading_variance(scatters, omega[noisy.expert[at]], scale, weight, beyond)
        square = (np.square(noisy.location[at, np.newaxis] - heard.mean[rows]) / variance).sum(axis=0)
        is_rule = noisy.scatters[at[0]] == 0.0
        tails = _log_tails(square, len(rows), is_rule=is_rule) + heard.contrasts[rows[0]]
        found[name] = -0.5 * np.log(variance).sum(axis=0) + tails
    return found


# Kept draws of stage 1 under other statements, or with other evidence known to their authors: the ratio of densities.
#
# What a statement is a reading of is computed anew from the CPT rows by the batched engine where the evidence that
# its author knew is another; the sampler's own tape is for one draw at a time and opens a compiler.

Fit = Mapping[str, Array]
Unit = tuple[tuple[str, ...], str]
LOG_TARGET, LOG_REST, LOG_CONDITION = range(3)  # parts of a quantity: ln a, ln b, ln(a + b) of a side


_BEFORE: Latest[dict[str, Unit]] = Latest(1)  # of the draws' own statements, which many others are held against


def log_likelihood_ratio(spec: PriorSpec, other: PriorSpec, theta: Array, fit: Fit) -> Array | None:
    """Compute the log of the prior and likelihood of other's statements over those of spec's (draws), up to a constant.

    Both specs are of one network of events. Only what differs is computed: experts with another set of numbers, other
    noise or other known evidence, and single counts and orders. Noise that is an expert's own is integrated out on
    either side (forecast.sampling.likelihood); deviations that only the left-out statements had keep their prior.

    Args:
        spec: what the draws were sampled from (its anchor is no statement, and stays out).
        other: what they shall stand for.
        theta: (n_theta, draws).
        fit: the kept fit, {variable: (chain, draw, ...)}.

    The prior differs where other things are spoken of: what is stated has a wide one (forecast.cpt.kind.Spoken).

    Returns None where the draws lack a variable that `other` has: a deviation, what rows of a table share, the bias and
    slope of an expert with another track record, by how much coders differ. (Bias and slope of an expert without one in
    `other` keep the density that they were drawn from.)
    """
    if not set(other.deviation_labels) <= set(spec.deviation_labels) or not _same_records(spec, other):
        return None
    if other.codings is not None and spec.codings is None:
        return None
    prior = log_prior_ratio(spec.rows, other.rows, fit)
    if prior is None:
        return None
    before, after = _BEFORE.once((spec,), None, lambda: _units(spec)), _units(other)
    differing = {name for name in (*before, *after) if before.get(name, ((), ""))[1] != after.get(name, ((), ""))[1]}
    gone = {one for name in differing if name in before for one in before[name][0]}
    come = {one for name in differing if name in after for one in after[name][0]}
    there = log_likelihood(other, _fit_of(spec, other, theta, fit), come) if come else 0.0
    here = log_likelihood(spec, fit, gone) if gone else 0.0
    return np.zeros(theta.shape[1]) + prior + there - here


def log_prior_ratio(rows: RowsPrior, other: RowsPrior, fit: Fit) -> Array | float | None:
    """Compute log p(CPT rows | other) - log p(CPT rows | rows) (draws), up to a constant.

    Both are priors of the same coefficients with other sds: coordinate z is z sd / sd' there, and standard normal.
    Returns None where one has coefficients that the other has not.
    """
    ours, theirs = rows.eta.weights, other.eta.weights
    names = (rows.alpha, rows.beta, rows.epsilon)
    if names != (other.alpha, other.beta, other.epsilon) or not np.array_equal(ours.column, theirs.column):
        return None
    narrower = np.ones(rows.n_coordinates)
    # A basis may have zeros, which tell nothing of the sd of their column; some other entry of it does.
    entries = np.flatnonzero(theirs.weight)
    narrower[ours.column[entries]] = ours.weight[entries] / theirs.weight[entries]
    if (narrower == 1.0).all():
        return 0.0
    parts = [fit[name].reshape(-1, fit[name].shape[-1]) for name in ("alpha", "beta", "epsilon") if name in fit]
    squares: Array = np.square(np.concatenate(parts, axis=1)) * (1.0 - np.square(narrower))
    return np.asarray(squares.sum(axis=1) / 2.0)


def quantities(spec: PriorSpec, theta: Array, rows: Sequence[int]) -> Array:
    """Compute some of the spec's quantities (rows, draws) from CPT rows theta (n_theta, draws).

    Raises forecast.inference.engine.ImpossibleEvidenceError for evidence or a condition without any mass.
    """
    n, weighted = len(spec.sides), spec.quantities
    entries = np.flatnonzero(np.isin(weighted.row, rows))
    logs = log_masses(spec, np.unique(weighted.column[entries] % n).tolist(), theta)
    found = np.zeros((len(rows), theta.shape[1]))
    place = {row: at for at, row in enumerate(rows)}
    for entry in entries:
        part, side = divmod(int(weighted.column[entry]), n)
        a, b = logs[side]
        found[place[int(weighted.row[entry])]] += weighted.weight[entry] * (a, b, np.logaddexp(a, b))[part]
    return found


def log_masses(spec: PriorSpec, sides: Sequence[int], theta: Array) -> dict[int, Array]:
    """Return ln of the masses of each side's target and of its complement (2, draws), up to one constant a draw.

    The tape's own way (`forecast.sampling.program`) also leaves out what is cut off from a target, which for many
    draws of one side saves little. A test holds both together.

    The constant cancels: a quantity is a difference of logs within one network. Factors are computed once a network,
    and sides that are about the same events under the same conditions are solved together.
    """
    by_network: dict[int, list[int]] = {}
    for side in sides:
        by_network.setdefault(spec.sides[side].network, []).append(side)
    logs: dict[int, Array] = {}
    for number, own in by_network.items():
        network = spec.networks[number]
        alike: dict[tuple[object, ...], list[int]] = {}
        for side in own:
            one = spec.sides[side]
            kept = tuple(sorted({*one.variables, *(v for v, _ in one.given)}))
            alike.setdefault((kept, one.rules.scopes, *map(id, one.rules.tables)), []).append(side)
        orders = [_ordered(network, [spec.sides[side] for side in same]) for same in alike.values()]
        for same, found in zip(alike.values(), _on_draws(network, orders, theta), strict=True):
            logs |= zip(same, found.reshape(len(same), 2, -1), strict=True)
    return logs


class _Order(NamedTuple):
    """What solves some sides of a network: its factors that count, by their places, their own, plan and masks."""

    places: list[int]
    own: tuple[Array, ...]
    plan: Plan
    masks: Array


def _ordered(network: AsOfNetwork, sides: Sequence[TargetOdds]) -> _Order:
    """Plan sides that are about the same variables, with the same rules; each has two masks, one after the other."""
    rules = sides[0].rules
    keep = {*sides[0].variables, *(v for v, _ in sides[0].given)}
    places = network.needed_places({*keep, *(v for scope in rules.scopes for v in scope)})
    scopes = network.scopes
    order = ENGINE.plan(
        (*network.cards, *rules.cards), (*(scopes[place] for place in places), *rules.scopes), keep=keep
    )
    masks = np.concatenate([_masks(network, side, order.keep) for side in sides])
    return _Order(places, rules.tables, order, masks)


def _on_draws(network: AsOfNetwork, orders: Sequence[_Order], theta: Array) -> list[Array]:
    """Compute the log masses of some regions (regions, draws) for each plan, with the factors computed once."""

    def solved(block: Array) -> list[Array]:
        tables, _ = factors(network, block)
        return [
            ENGINE.log_regions(one.plan, [*(tables[place] for place in one.places), *one.own], one.masks)
            for one in orders
        ]

    return [np.concatenate(parts, axis=1) for parts in zip(*ENGINE.in_blocks(solved, theta), strict=True)]


def _masks(network: AsOfNetwork, side: TargetOdds, kept: tuple[int, ...]) -> Array:
    """Return the masks of target and complement, both with the conditions, over the alive states of some events."""
    cards = {v: network.layout.cards[v] if v < len(network.cards) else side.table.size for v in kept}
    given = np.ones(tuple(cards.values()))
    for v, states in side.given:
        held = np.isin(np.arange(cards[v]), states).astype(float)
        given *= held.reshape([-1 if w == v else 1 for w in kept])
    target = side.table.reshape([cards[v] if v in side.variables else 1 for v in kept])
    masks = np.stack([given * target, given * (1.0 - target)])
    alive = (alive_slices(network.alive, (v,))[0] if v < len(network.cards) else slice(None) for v in kept)
    return masks[:, *alive]


def impossible_statements(workspace: Workspace, spec: PriorSpec) -> tuple[Problem, ...]:
    """Report statements on what cannot be, or is certain, for an event lacks what it requires.

    Looked at is one draw of rows that are positive wherever they are not held at zero.
    """
    theta, of, n = theta_at_centre(spec.rows), spec.quantities, len(spec.sides)
    said = {statement.id: statement for statement in workspace.statements}
    problems = []
    for name, rows in statement_columns(spec).items():
        entries = np.isin(of.row, rows)
        used: dict[int, set[int]] = {}
        for column in of.column[entries].tolist():
            used.setdefault(column % n, set()).add(column // n)
        given = [when for target in targets_of(said[name]) for when in target.given]
        at_once = any(isinstance(when, DatedCondition) and when.held_by is None for when in given)
        if (found := _impossible(spec, theta, used, comes_at_once=at_once)) is not None:
            problems.append(_impossible_problem(workspace, said[name], found))
    return tuple(sorted(problems))


AT_ONCE = "its condition cannot come true at once"


def _impossible(spec: PriorSpec, theta: Array, used: Mapping[int, set[int]], *, comes_at_once: bool) -> str | None:
    """Say what is wrong with the first side that cannot be, where that is asked, or that is certain."""
    for side, parts in used.items():
        try:
            target, rest = log_masses(spec, [side], theta)[side][:, 0].tolist()
        except ImpossibleEvidenceError:
            network = spec.networks[spec.sides[side].network]
            if _is_possible(network, theta):
                return "its condition cannot be"
            return AT_ONCE if comes_at_once else f"what was known on {network.known.as_of} is impossible"
        if target == -inf and LOG_TARGET in parts:
            return "what it is about cannot be"
        if rest == -inf:
            return "what it is about is certain"
    return None


def _is_possible(network: AsOfNetwork, theta: Array) -> bool:
    try:
        ENGINE.log_evidence(ENGINE.plan(network.cards, network.scopes), factors(network, theta)[0])
    except ImpossibleEvidenceError:
        return False
    return True


def _impossible_problem(workspace: Workspace, statement: Statement, found: str) -> Problem:
    events = workspace.network.events
    named = [
        condition.event
        for target in targets_of(statement)
        for condition in (*((target.condition,) if target.condition else ()), *target.given)
    ]
    needs = [line for name in dict.fromkeys(named) for line in events[name].needs()]
    needs = needs or [line for event in events.values() for line in event.needs()]
    allowed = f"{'; '.join(needs)}: no statement is needed for what follows from it"
    if found == AT_ONCE:
        allowed = f"{'; '.join(needs)}: name in 'given' what comes true with it, also at once"
    return Problem(statement.source, f"statement {shown(statement.id)}: {found}", "", allowed)


def _units(spec: PriorSpec) -> dict[str, Unit]:
    """Return what stands or falls together: each expert's numbers and distributions, each count, each order.

    By name: the statements' ids, and a digest of all that their density hangs on.
    """
    read, heard = _readings(spec), _deviations(spec)
    n, m = spec.stated.location.size, spec.stated.location.size + spec.distributions.location.size
    units: dict[str, list[tuple[str, str]]] = {}
    for name, rows in statement_columns(spec).items():
        first = rows[0]
        if first < m:
            noisy, start = (spec.stated, 0) if first < n else (spec.distributions, n)
            owner = f"expert {spec.experts[noisy.expert[first - start]]}"
            at = [row - start for row in rows]
            told = [column[at] for column in (noisy.location, noisy.scale, noisy.weight, noisy.scatters)]
            told += _of_codings(spec, rows, is_number=first < n)
            if first < n and (rated := int(spec.rated_of[first])):
                told += [np.array([spec.rated[rated - 1]]), spec.is_biased[[first]]]
        else:
            owner, place = f"statement {name}", first - m
            counts = len(spec.counted)
            told = [spec.counted[place] if place < counts else spec.ordered[[place - counts]]]
        digest = digest_of(name, told, [read[row] for row in rows], [heard[row] for row in rows])
        units.setdefault(owner, []).append((name, digest))
    return {owner: (tuple(name for name, _ in told), digest_of(sorted(told))) for owner, told in units.items()}


def _of_codings(spec: PriorSpec, rows: Sequence[int], *, is_number: bool) -> list[Array]:
    """Return what a statement's density has of its coders, by their deviations; nothing where none coded it twice."""
    if spec.codings is None:
        return []
    shares = spec.codings.shares[list(rows)]
    if not shares.any() or not is_number:
        return [shares] if shares.any() else []
    own = np.flatnonzero(spec.codings.of == rows[0])
    told = np.array(
        [
            spec.deviation_labels[column] + f" {weight!r}"
            for row, column, weight in zip(
                spec.codings.deviations.row.tolist(),
                spec.codings.deviations.column.tolist(),
                spec.codings.deviations.weight.tolist(),
                strict=True,
            )
            if row in own
        ],
        dtype=str,
    )
    return [shares, spec.codings.location[own], told]


def _readings(spec: PriorSpec) -> list[str]:
    """Return a digest of what each quantity is: its sides, each with the network that its author knew."""
    known = [digest_of(network.rows, network.causes, network.history, network.fixed) for network in spec.networks]
    sides = [
        digest_of(known[side.network], side.given, side.variables, side.table, *side.rules.scopes, *side.rules.tables)
        for side in spec.sides
    ]
    told: list[list[tuple[int, float, str]]] = [[] for _ in range(spec.quantities.n_rows)]
    of = spec.quantities
    for row, column, weight in zip(of.row.tolist(), of.column.tolist(), of.weight.tolist(), strict=True):
        part, side = divmod(column, len(sides))
        told[row].append((part, weight, sides[side]))
    return [digest_of(sorted(terms)) for terms in told]


def _deviations(spec: PriorSpec) -> list[list[tuple[str, float]]]:
    """Return the deviations of each quantity, by their labels."""
    told: list[list[tuple[str, float]]] = [[] for _ in range(spec.deviations.n_rows)]
    of = spec.deviations
    for row, column, weight in zip(of.row.tolist(), of.column.tolist(), of.weight.tolist(), strict=True):
        told[row].append((spec.deviation_labels[column], weight))
    return [sorted(terms) for terms in told]


def _same_records(spec: PriorSpec, other: PriorSpec) -> bool:
    """Say whether everybody with a track record in `other` has the same one in `spec`."""
    records = [
        {
            name: sorted(zip(of.record.location[mine].tolist(), of.record.happened[mine].tolist(), strict=True))
            for name, mine in ((name, of.record.expert == number) for number, name in enumerate(of.rated))
        }
        for of in (spec, other)
    ]
    return all(records[0].get(name) == told for name, told in records[1].items())


def _fit_of(spec: PriorSpec, other: PriorSpec, theta: Array, fit: Fit) -> dict[str, Array]:
    """Return the draws of `fit` in the columns of another spec; quantities that the fit does not hold are computed."""
    held, wanted = _readings(spec), _readings(other)
    rows = statement_columns(spec)
    source = {row: at for name, own in statement_columns(other).items() for at, row in _paired(rows.get(name, ()), own)}
    kept = {row: at for row, at in source.items() if held[at] == wanted[row]}
    implied = np.empty((1, theta.shape[1], other.quantities.n_rows))
    told = fit["quantity"].reshape(-1, fit["quantity"].shape[-1])
    for row, at in kept.items():
        implied[0, :, row] = told[:, at]
    if missing := [row for row in range(other.quantities.n_rows) if row not in kept]:
        implied[0, :, missing] = quantities(other, theta, missing)
    labels = [spec.deviation_labels.index(label) for label in other.deviation_labels]
    rated = [spec.rated.index(name) for name in other.rated]
    columns = {"deviation": labels, "bias": rated, "slope": rated, "kappa": [0] if other.codings else []}
    return {"quantity": implied, **{name: fit[name][..., at] for name, at in columns.items() if at}}


def _paired(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int]]:
    """Return (row before, row after) of a statement that has as many rows in both."""
    return list(zip(before, after, strict=True)) if len(before) == len(after) else []
