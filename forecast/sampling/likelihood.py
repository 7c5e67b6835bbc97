"""How statements read the model: their likelihood in each kept draw, and how far stage 1 ended from each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elementary import normal_quadrature
from forecast.sampling.draws import Draws
from forecast.sampling.noise import as_rated, case_log_odds, reading_variance
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import SD_EXPERT, Noisy, PriorSpec
from forecast.store.entries import once, place_of

Array = NDArray[np.float64]

NODES = 40  # of the quadrature over a standard normal
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
    heard = _as_heard(spec, fit, mean[: spec.stated.location.size])
    for name, column in statement_columns(spec).items():
        first, n = column[0], spec.stated.location.size
        counted = first - n - spec.distributions.location.size
        if first < n:
            gaps[name] = float((spec.stated.location[first] - heard[first]) / _sd(spec, spec.stated, omega, 0)[first])
        elif counted < 0:
            at = np.array(column) - n
            gap = (spec.distributions.location[at] - mean[column]) / _sd(spec, spec.distributions, omega, n)[at]
            gaps[name] = float(np.sqrt(np.square(gap).mean()))
        elif counted < len(spec.counted):
            gap = _count_gap(spec.counted[counted], float(-np.expm1(implied[:, first]).mean()))
            gaps[name] = -gap if gap is not None and _counts_staying(spec, first) else gap
        else:
            gaps[name] = None
    return gaps


def _sd(spec: PriorSpec, noisy: Noisy, omega: Array, first: int) -> Array:
    """Return the sd of the readings of a block, whose rows among the spec's quantities begin at `first`."""
    by_row = np.bincount(spec.deviations.row, np.square(spec.deviations.weight), minlength=spec.deviations.n_rows)
    deviation = by_row[first : first + noisy.location.size]
    variance = reading_variance(noisy.scatters, omega[noisy.expert], noisy.scale, noisy.weight)
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
    """What was to be read in each draw, before noise: (quantities, draws), in the order of the spec's quantities."""

    spec: PriorSpec
    mean: Array


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
    columns = statement_columns(spec)
    heard = _heard(spec, fit)
    n_stated, n_distributed = spec.stated.location.size, spec.distributions.location.size
    rows = {row for name, row_list in columns.items() if name in left_out for row in row_list}
    noisy = [row for row in sorted(rows) if row < n_stated + n_distributed]
    total = np.zeros(heard.mean.shape[1])
    by_expert: dict[int, list[int]] = {}
    for row in noisy:
        by_expert.setdefault(_expert(spec, row), []).append(row)
    for expert, own in by_expert.items():
        every = [row for row in range(n_stated + n_distributed) if _expert(spec, row) == expert]
        if own != every:
            msg = f"some statements of '{spec.experts[expert]}' without the others"
            raise ValueError(msg)
        total += _of_expert(heard, own)
    for row in sorted(rows.difference(noisy)):
        place = row - n_stated - n_distributed
        if place < len(spec.counted):
            total += _count(spec.counted[place], heard.mean[row])
        else:
            total += -np.logaddexp(0.0, -heard.mean[row] / spec.ordered[place - len(spec.counted)])
    return total


def _heard(spec: PriorSpec, fit: Mapping[str, Array]) -> _Heard:
    def flat(name: str) -> Array:
        return fit[name].reshape(-1, fit[name].shape[-1]).T

    implied = flat("quantity").copy()
    if spec.rated:
        n = spec.stated.location.size
        bias, slope = (np.concatenate([np.full((1, implied.shape[1]), of), flat(name)]) for name, of in RATED)
        implied[:n] = as_rated(bias[spec.rated_of], slope[spec.rated_of], spec.is_biased[:, np.newaxis], implied[:n])
    if spec.deviation_labels:
        implied += spec.deviations @ flat("deviation")
    return _Heard(spec, implied)


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
    given_omega = np.zeros((heard.mean.shape[1], NODES))
    for members in together.values():
        square = np.zeros_like(given_omega)
        for row in members:
            noisy, at = _block(spec, row)
            omega = SD_EXPERT * nodes
            sd = np.sqrt(reading_variance(noisy.scatters[at], omega, noisy.scale[at], noisy.weight[at]))
            square += np.square((noisy.location[at] - heard.mean[row])[:, np.newaxis] / sd)
            given_omega -= np.log(sd)
        noisy, at = _block(spec, members[0])
        given_omega += _log_tails(square, len(members), is_rule=noisy.scatters[at] == 0.0)
    return np.asarray(np.logaddexp.reduce(given_omega + np.log(weights), axis=1))


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
        log_odds = case_log_odds(np, log_none)[:, np.newaxis] + sd * nodes
    log_yes, log_no = -np.logaddexp(0.0, -log_odds), -np.logaddexp(0.0, log_odds)
    terms = np.zeros_like(log_odds)
    if happened:
        terms += happened * log_yes
    if of > happened:
        terms += (of - happened) * log_no
    return np.asarray(np.logaddexp.reduce(terms + np.log(weights), axis=1))


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
        variance = reading_variance(noisy.scatters[at, np.newaxis], omega[noisy.expert[at]], scale, weight)
        square = (np.square(noisy.location[at, np.newaxis] - heard.mean[rows]) / variance).sum(axis=0)
        is_rule = noisy.scatters[at[0]] == 0.0
        found[name] = -0.5 * np.log(variance).sum(axis=0) + _log_tails(square, len(rows), is_rule=is_rule)
    return found
