"""How probable some statements are in each kept draw: what leaving them out divides the draws' weights by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.portable import normal_quadrature
from forecast.prior.readings import DEGREES_OF_FREEDOM
from forecast.prior.residuals import statement_columns
from forecast.prior.spec import SD_EXPERT, Noisy, PriorSpec

Array = NDArray[np.float64]

NODES, _WEIGHTS = normal_quadrature(40)
LOG_WEIGHTS: Array = np.log(_WEIGHTS)


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
        implied[:n] = bias[spec.rated_of] * spec.is_biased[:, np.newaxis] + slope[spec.rated_of] * implied[:n]
    if spec.deviation_labels:
        implied += spec.deviations @ flat("deviation")
    return _Heard(spec, implied)


RATED = (("bias", 0.0), ("slope", 1.0))  # and what they are for an expert without a record


def _block(spec: PriorSpec, row: int) -> tuple[Noisy, int]:
    n = spec.stated.location.size
    return (spec.stated, row) if row < n else (spec.distributions, row - n)


def _expert(spec: PriorSpec, row: int) -> int:
    noisy, place = _block(spec, row)
    return int(noisy.expert[place])


def _of_expert(heard: _Heard, rows: list[int]) -> Array:
    """Average the likelihood of an expert's numbers and distributions over the expert's own noise."""
    spec, n = heard.spec, heard.spec.stated.location.size
    together: dict[int, list[int]] = {}
    for row in rows:
        # A single number stands alone, the coordinates of a distribution together.
        name = row if row < n else n + int(spec.distribution_of[row - n])
        together.setdefault(name, []).append(row)
    given_omega = np.zeros((heard.mean.shape[1], NODES.size))
    for members in together.values():
        square = np.zeros_like(given_omega)
        for row in members:
            noisy, at = _block(spec, row)
            extra = noisy.scatters[at] * SD_EXPERT * NODES
            sd = np.sqrt((noisy.scale[at] ** 2 + extra**2) / noisy.weight[at])
            square += np.square((noisy.location[at] - heard.mean[row])[:, np.newaxis] / sd)
            given_omega -= np.log(sd)
        power = (DEGREES_OF_FREEDOM + len(members)) / 2.0
        given_omega -= power * np.log1p(square / DEGREES_OF_FREEDOM)
    return np.asarray(np.logaddexp.reduce(given_omega + LOG_WEIGHTS, axis=1))


def _count(counted: Array, log_none: Array) -> Array:
    """Average the binomial likelihood of a count over how its class differs from the event at hand."""
    happened, of, _, sd = counted.tolist()
    with np.errstate(divide="ignore"):  # what cannot happen has log-odds minus infinity
        log_odds = (np.log(-np.expm1(log_none)) - log_none)[:, np.newaxis] + sd * NODES
    log_yes, log_no = -np.logaddexp(0.0, -log_odds), -np.logaddexp(0.0, log_odds)
    terms = np.zeros_like(log_odds)
    if happened:
        terms += happened * log_yes
    if of > happened:
        terms += (of - happened) * log_no
    return np.asarray(np.logaddexp.reduce(terms + LOG_WEIGHTS, axis=1))
