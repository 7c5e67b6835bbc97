"""Forecasts that consist of the same things: options, a number of draws, or quantiles at the same levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.scores.cells import Floats, Ints
from forecast.scores.quantities import pinball_loss
from forecast.scores.rows import KINDS
from forecast.scores.runs import ranges
from forecast.scores.table import Forecasts, Kind
from forecast.scores.ties import points

LEVELS_LISTED = 30  # of a form in a message; of more only the ends are


@dataclass(frozen=True)
class Form:
    """What a forecast consists of: `width` numbers, and their `levels`, rising, if they are quantiles."""

    kind: Kind
    width: int
    levels: tuple[float, ...]

    def __str__(self) -> str:
        if self.kind != "quantiles":
            return f"{self.width} {'draw' if self.width == 1 else 'draws'}"
        if self.width > LEVELS_LISTED:
            return f"{self.width} levels from {self.levels[0]:g} to {self.levels[-1]:g}"
        return ", ".join(f"{one:g}" for one in self.levels)


def alike(forecasts: Forecasts) -> Iterator[tuple[Form, Ints]]:
    """Yield each form that occurs, and which forecasts have it. Levels are the same as `ties.points` has it."""
    kinds = np.array([KINDS.index(one.kind) for one in forecasts.questions], dtype=np.int64)[forecasts.question]
    for kind, name in enumerate(KINDS):
        of_kind = kinds == kind
        for width in np.unique(forecasts.width[of_kind]).tolist():
            chosen = np.flatnonzero(of_kind & (forecasts.width == width))
            if name != "quantiles":
                yield Form(name, width, ()), chosen
                continue
            levels = forecasts.levels[forecasts.first[chosen, np.newaxis] + np.arange(width)]
            same = points(levels.ravel()).reshape(levels.shape)
            _, group = np.unique(same, axis=0, return_inverse=True)
            order = np.argsort(group, kind="stable")
            for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
                yield Form(name, width, tuple(levels[members[0]].tolist())), chosen[members]


@dataclass(frozen=True)
class Stated:
    """What n forecasts consist of.

    `form` (n,) is a place in `forms`. Of forecasts by quantiles also each of e entries: those of forecast i are
    `first[i]` to `first[i] + width[i]` (width 0 for other kinds); `level` (e,) a place in `levels` (L,), and
    `loss` (e,) twice the pinball loss there.
    """

    form: Ints
    forms: tuple[Form, ...]
    first: Ints
    width: Ints
    level: Ints
    levels: Floats
    loss: Floats

    @property
    def mixed(self) -> bool:
        """Whether there are quantiles at different levels, or different numbers of draws."""
        kinds = [one.kind for one in self.forms]
        return kinds.count("draws") > 1 or kinds.count("quantiles") > 1


def stated(forecasts: Forecasts) -> Stated:
    """Gather what forecasts of resolved questions consist of."""
    forms: list[Form] = []
    form, width = np.zeros_like(forecasts.width), np.zeros_like(forecasts.width)
    for one, chosen in alike(forecasts):
        form[chosen] = len(forms)
        forms.append(one)
        width[chosen] = one.width if one.kind == "quantiles" else 0
    entries = ranges(forecasts.first, width)
    said = forecasts.levels[entries]
    level = points(said)
    levels = np.zeros(int(level.max(initial=-1)) + 1)
    levels[level] = said
    loss = 2.0 * pinball_loss(forecasts.entries[entries], said, np.repeat(forecasts.outcome, width))
    return Stated(form, tuple(forms), np.cumsum(width) - width, width, level, levels, loss)
