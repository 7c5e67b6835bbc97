"""How far stage 1 ended from each statement, in the statement's own standard deviations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forecast.prior.draws import Draws
from forecast.prior.spec import Noisy, PriorSpec
from forecast.store.entries import once, place_of

Array = NDArray[np.float64]

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
    extra = noisy.scatters * omega[noisy.expert]
    return np.asarray(np.sqrt((np.square(noisy.scale) + np.square(extra)) / noisy.weight + deviation))


def _as_heard(spec: PriorSpec, fit: Mapping[str, Array], implied: Array) -> Array:
    """Return what experts with a track record are expected to state where the model implies `implied`."""
    if not spec.rated:
        return implied
    bias, slope = (fit[name].reshape(-1, len(spec.rated)).mean(axis=0) for name in ("bias", "slope"))
    return np.append(0.0, bias)[spec.rated_of] * spec.is_biased + np.append(1.0, slope)[spec.rated_of] * implied


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
