"""The rows of tables of forecasts, column by column, and where each row stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecast.scores.cells import Cells, Floats, Ints, Mask
from forecast.scores.places import Where
from forecast.scores.table import Kind

KINDS: tuple[Kind, ...] = ("yes_no", "states", "draws", "quantiles")
YES_NO, STATES, DRAWS, QUANTILES = range(4)
VOID = "void"


@dataclass(frozen=True)
class Rows:
    """n rows: cells by column, and what they were read as (NaN, or not `known`, where empty or wrong).

    Times in microseconds since 1970. `wrong` (n,) are the rows with a mistake of their own: what they say is compared
    with nothing.
    """

    where: Where
    cells: Mapping[str, Cells]
    time: Ints
    time_known: Mask
    opens: Ints
    opens_known: Mask
    closes: Ints
    closes_known: Mask
    scheduled: Ints
    scheduled_known: Mask
    probability: Floats
    value: Floats
    level: Floats
    order: Floats
    ordered: bool
    wrong: Mask

    def __len__(self) -> int:
        return len(self.where)

    @property
    def question(self) -> Ints:
        """(n,) which question."""
        return self.cells["question"].codes

    @cached_property
    def kind(self) -> Ints:
        """(n,) the place in KINDS: by which of the columns state, value and quantile is filled."""
        has_value = self.cells["value"].filled
        numeric = np.where(self.cells["quantile"].filled, QUANTILES, DRAWS)
        return np.where(has_value, numeric, np.where(self.cells["state"].filled, STATES, YES_NO))

    def first_with(self, mask: Mask) -> Ints:
        """(questions,) the first row of each question for which `mask` (n,) holds, or -1."""
        first = np.full(len(self.cells["question"].texts), -1, dtype=np.int64)
        chosen = np.flatnonzero(mask)[::-1]
        first[self.question[chosen]] = chosen  # the last assignment, of the first row, stays
        return first
