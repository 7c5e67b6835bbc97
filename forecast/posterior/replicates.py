"""Statements again: what the same people would say in a draw, and the model that has heard both.

For posterior predictive checks, and for simulation-based calibration on the statements at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.inference.tape import LinearMap, linear_map
from forecast.model.asof import AsOfNetwork
from forecast.sampling.likelihood import by_coders, heard_in
from forecast.sampling.readings import DEGREES_OF_FREEDOM, case_log_odds, reading_variance
from forecast.sampling.spec import Noisy, PriorSpec, TrackRecord

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
AGAIN = " (again)"  # behind the id of a statement that is heard a second time


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """Statements as they might have been made in each draw, in the order of the spec's: (draws, ...) each.

    `stated`: single numbers, in log-odds (a ratio: its logarithm); `distributions`: coordinates of distributions;
    `counted`: how many cases moved; `ordered`: 1 where the first was called likelier, else 0; `record`: 1 where a
    resolved forecast of an expert with a track record came true, else 0.
    """

    stated: Array
    distributions: Array
    counted: Whole
    ordered: Whole
    record: Whole


def inputs_digest(spec: PriorSpec) -> str:
    """Compute the SHA-256 (hex) of the numbers of a spec: of what is fitted, whatever program fits it, with any seed.

    Names, texts and the types that hold the numbers are left out: a renamed event, or an array of another kind, is the
    same input. Raises ValueError for a part that is neither a number, a text, nor made of them.
    """

    def of(network: AsOfNetwork) -> tuple[object, ...]:
        return (network.rows, network.causes, network.history, network.fixed)

    layout = spec.layout
    own = [getattr(spec, one.name) for one in fields(spec) if one.name not in {"layout", "networks", "anchor"}]
    return digest_of(
        _numbers([layout.cards, layout.parents]),
        [(event.kind, event.cpt) for event in layout.events],
        _numbers([own, [of(network) for network in spec.networks], spec.anchor and of(spec.anchor)]),
    )


def _numbers(value: Any) -> Any:
    """Return the numbers of records and collections, nested as they are, all of them floats; of a text nothing."""
    if isinstance(value, str):
        return None
    if value is None or isinstance(value, int | float):
        return value if value is None else float(value)
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind in "biuf" else None
    if isinstance(value, Mapping):
        return [(key, _numbers(part)) for key, part in sorted(value.items())]
    if is_dataclass(value) and not isinstance(value, type):
        return [_numbers(getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, Sequence):
        return [_numbers(part) for part in value]
    msg = f"no numbers are defined for {type(value).__name__}"
    raise ValueError(msg)


def observed(spec: PriorSpec) -> Replicates:
    """Return the statements as they were made, in the same form: one draw."""
    return Replicates(
        stated=spec.stated.location[np.newaxis],
        distributions=spec.distributions.location[np.newaxis],
        counted=spec.counted[np.newaxis, :, 0].astype(np.int64),
        ordered=np.ones((1, spec.ordered.size), dtype=np.int64),
        record=spec.record.happened[np.newaxis].astype(np.int64),
    )


def replicates(spec: PriorSpec, fit: Mapping[str, Array], rng: np.random.Generator) -> Replicates:
    """Draw every statement of a spec anew in every draw: the posterior predictive distribution, statement by statement.

    The CPT rows, the deviations of groups and coders, each expert's noise, bias and slope are those of the draw. What
    belongs to one statement alone is drawn anew: the tails of a number, the common precision of a distribution, how the
    class of a count differs from the event at hand. The evidence that an author knew stays as it was, and so does how
    far the coders of a remark lay apart: drawn anew is the mean of their codings.

    Args:
        spec: the statements.
        fit: draws with `quantity`, `omega` and what else the spec has, {variable: (chain, draw, ...)}.
        rng: source of all randomness.
    """
    heard = heard_in(spec, fit).T
    n_draws, n = heard.shape[0], spec.stated.location.size
    m, counts = n + spec.distributions.location.size, len(spec.counted)
    omega = fit["omega"].reshape(n_draws, -1) if spec.experts else np.zeros((n_draws, 0))
    beyond = by_coders(spec, fit)[1].T
    sd, sd_of_whole = _sd(spec.stated, omega, beyond[:, :n]), _sd(spec.distributions, omega, beyond[:, n:])
    return Replicates(
        stated=heard[:, :n] + sd * _people_or_rules(spec.stated, n_draws, rng),
        distributions=heard[:, n:m] + sd_of_whole * _together(spec, n_draws, rng),
        counted=_counts(spec, heard[:, m : m + counts], rng),
        ordered=_came(heard[:, m + counts :] / spec.ordered, rng),
        record=_came(_record_log_odds(spec, fit, n_draws), rng),
    )


def _sd(noisy: Noisy, omega: Array, beyond: Array) -> Array:
    variance = reading_variance(noisy.scatters, omega[:, noisy.expert], noisy.scale, noisy.weight, beyond)
    return np.asarray(np.sqrt(variance))


def _people_or_rules(noisy: Noisy, n_draws: int, rng: np.random.Generator) -> Array:
    size = (n_draws, noisy.location.size)
    people, rules = rng.standard_t(DEGREES_OF_FREEDOM, size), rng.standard_normal(size)
    return np.where(noisy.scatters > 0.0, people, rules)


def _together(spec: PriorSpec, n_draws: int, rng: np.random.Generator) -> Array:
    """Draw the noise of distributions: the coordinates of one have a common precision."""
    half = DEGREES_OF_FREEDOM / 2.0
    precision = rng.gamma(half, 1.0 / half, (n_draws, spec.n_distributions))[:, spec.distribution_of]
    precision[:, spec.distributions.scatters == 0.0] = 1.0
    return np.asarray(rng.standard_normal(precision.shape) / np.sqrt(precision))


def _counts(spec: PriorSpec, log_none: Array, rng: np.random.Generator) -> Whole:
    with np.errstate(divide="ignore"):  # what cannot happen has log-odds minus infinity
        log_odds = case_log_odds(np, log_none) + spec.counted[:, 3] * rng.standard_normal(log_none.shape)
    return rng.binomial(spec.counted[:, 1].astype(np.int64), _expit(log_odds))


def _came(log_odds: Array, rng: np.random.Generator) -> Whole:
    return (rng.uniform(size=log_odds.shape) < _expit(log_odds)).astype(np.int64)


def _record_log_odds(spec: PriorSpec, fit: Mapping[str, Array], n_draws: int) -> Array:
    if not spec.rated:
        return np.zeros((n_draws, 0))
    bias, slope = (fit[name].reshape(n_draws, -1)[:, spec.record.expert] for name in ("bias", "slope"))
    return np.asarray((spec.record.location - bias) / slope)


def _expit(log_odds: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)))


def heard_twice(spec: PriorSpec, again: Replicates, draw: int = 0) -> PriorSpec:
    """Return the spec of the statements together with one replicate of them.

    The second statements share with the first the CPT rows, their deviations, and their expert's noise and record; no
    new coordinate is added for the rows, because what is spoken of is the same. An order that came out the other way
    is one of the two in reverse. The anchor's evidence stays in once.

    Raises ValueError where a remark was coded by several: how far coders lie apart is not drawn anew.
    """
    if spec.codings is not None:
        msg = "remarks that several people coded cannot be stated anew yet; keep one coder of each"
        raise ValueError(msg)
    n_stated, n_distributions = spec.stated.location.size, spec.n_distributions
    ids, counts = spec.statement_ids, len(spec.counted)
    ends = np.cumsum([0, n_stated, spec.distributions.location.size, counts, spec.ordered.size]).tolist()
    order = [row for begin, end in pairwise(ends) for row in 2 * list(range(begin, end))]
    signs = np.ones(len(order))
    if spec.ordered.size:
        signs[-spec.ordered.size :] = np.where(again.ordered[draw] == 1, 1.0, -1.0)
    id_ends = np.cumsum([0, n_stated, n_distributions, counts, spec.ordered.size]).tolist()
    second = spec.counted.copy()
    second[:, 0] = again.counted[draw]
    return replace(
        spec,
        quantities=_rows(spec.quantities, order, signs),
        deviations=_rows(spec.deviations, order, signs),
        stated=_twice(spec.stated, again.stated[draw]),
        distributions=_twice(spec.distributions, again.distributions[draw]),
        distribution_of=np.concatenate([spec.distribution_of, spec.distribution_of + n_distributions]),
        counted=np.concatenate([spec.counted, second]),
        ordered=np.tile(spec.ordered, 2),
        statement_ids=tuple(
            name
            for begin, end in pairwise(id_ends)
            for name in (*ids[begin:end], *(f"{one}{AGAIN}" for one in ids[begin:end]))
        ),
        rated_of=np.tile(spec.rated_of, 2),
        is_biased=np.tile(spec.is_biased, 2),
        record=TrackRecord(
            location=np.tile(spec.record.location, 2),
            happened=np.concatenate([spec.record.happened, again.record[draw].astype(np.intp)]),
            expert=np.tile(spec.record.expert, 2),
        ),
    )


def _twice(noisy: Noisy, location: Array) -> Noisy:
    return Noisy(
        location=np.concatenate([noisy.location, location]),
        scale=np.tile(noisy.scale, 2),
        expert=np.tile(noisy.expert, 2),
        weight=np.tile(noisy.weight, 2),
        scatters=np.tile(noisy.scatters, 2),
    )


def _rows(of: LinearMap, order: Sequence[int], signs: Array) -> LinearMap:
    """Return a map with some rows of another, one after the other, each times its sign."""
    told: list[dict[int, float]] = [{} for _ in range(of.n_rows)]
    for row, column, weight in zip(of.row.tolist(), of.column.tolist(), of.weight.tolist(), strict=True):
        told[row][column] = weight
    return linear_map(
        [{at: sign * w for at, w in told[row].items()} for row, sign in zip(order, signs.tolist(), strict=True)]
    )
