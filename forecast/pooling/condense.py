"""A prior of very many statements in fewer numbers: what is asked many times is computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast.prior.linear import LinearMap
from forecast.prior.spec import PriorSpec, Side


def shared_sides(spec: PriorSpec) -> PriorSpec:
    """Return the same spec with equal sides counted once: all who answer a question read one probability."""
    first: dict[tuple[object, ...], int] = {}
    number: list[int] = []
    kept: list[Side] = []
    for side in spec.sides:
        key = (side.network, side.given, side.variables, side.table.tobytes())
        if key not in first:
            first[key] = len(kept)
            kept.append(side)
        number.append(first[key])
    quantities = spec.quantities
    part, side_of = np.divmod(quantities.column, len(spec.sides))  # which logarithm, and of which side
    column = part * len(kept) + np.array(number, dtype=np.intp)[side_of]
    return replace(
        spec, sides=tuple(kept), quantities=LinearMap(quantities.n_rows, quantities.row, column, quantities.weight)
    )


def folded_deviations(spec: PriorSpec) -> PriorSpec:
    """Return the spec with every deviation that a single reading has to itself taken into that reading's noise.

    Such a deviation (of somebody who is alone in a group) tells no two readings apart: it only adds to the noise. It
    is normal and the noise is Student's t, so that adding the squares of their scales makes the sum's tails a little
    heavy: one forecast of .05 alone is pooled at .111 instead of .093; from two on it is less than .002.
    """
    deviations, n_stated = spec.deviations, spec.stated.location.size
    readings = np.bincount(deviations.column, minlength=len(spec.deviation_labels))
    lone = (readings[deviations.column] == 1) & (deviations.row < n_stated)
    variance = np.square(spec.stated.scale)
    # The noise is divided by the expert's weight afterwards; the deviation is not.
    np.add.at(
        variance, deviations.row[lone], spec.stated.weight[deviations.row[lone]] * np.square(deviations.weight[lone])
    )
    used = np.unique(deviations.column[~lone])
    return replace(
        spec,
        stated=replace(spec.stated, scale=np.sqrt(variance)),
        deviations=LinearMap(
            deviations.n_rows,
            deviations.row[~lone],
            np.searchsorted(used, deviations.column[~lone]),
            deviations.weight[~lone],
        ),
        deviation_labels=tuple(spec.deviation_labels[column] for column in used.tolist()),
    )
