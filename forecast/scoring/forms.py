"""What forecasts consist of (options, a number of draws, quantiles at levels), and which cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecast.scoring.cells import Floats, Ints
from forecast.scoring.groups import points, ranges
from forecast.scoring.rows import KINDS, Kind
from forecast.scoring.rules import pinball_loss
from forecast.scoring.table import Forecasts, resolved
from forecast.workspace.problems import Problem, Source, quoted

LEVELS_LISTED = 30  # of a form in a message; of more only the ends are
LISTED = 10  # forms in a message; the rest is counted
MEASURE_OF_KIND: Mapping[Kind, str] = {"draws": "crps", "quantiles": "crps_quantiles"}
WHAT = {
    "crps": "numbers of draws differ: scores by crps cannot be compared, for few draws score worse by being few",
    "crps_quantiles": "levels of quantiles differ: scores by crps_quantiles cannot be compared",
}
ALLOWED = {
    "crps": "skill by crps is withheld where they differ; crps_fair compares any numbers of draws from 2 on",
    "crps_quantiles": "skill is computed at the levels that both state, and withheld where there are none",
}


@dataclass(frozen=True)
class ForecastForm:
    """What a forecast consists of: `width` numbers, and their `levels`, rising, if they are quantiles."""

    kind: Kind
    width: int
    levels: tuple[float, ...]

    def __str__(self) -> str:
        if self.kind != "quantiles":
            return f"{self.width} {'draw' if self.width == 1 else 'draws'}"
        if self.width > LEVELS_LISTED:
            return f"{self.width} levels from {self.levels[0]:g} to {self.levels[-1]:g}"
        return ", ".join(f"{level:g}" for level in self.levels)


def alike(forecasts: Forecasts) -> Iterator[tuple[ForecastForm, Ints]]:
    """Yield each form that occurs, and which forecasts have it. Levels are the same as `ties.points` has it."""
    kinds = np.array([KINDS.index(question.kind) for question in forecasts.questions], dtype=np.int64)[
        forecasts.question
    ]
    for kind, name in enumerate(KINDS):
        of_kind = kinds == kind
        for width in np.unique(forecasts.width[of_kind]).tolist():
            chosen = np.flatnonzero(of_kind & (forecasts.width == width))
            if name != "quantiles":
                yield ForecastForm(name, width, ()), chosen
                continue
            levels = forecasts.levels[forecasts.first[chosen, np.newaxis] + np.arange(width)]
            same = points(levels.ravel()).reshape(levels.shape)
            _, group = np.unique(same, axis=0, return_inverse=True)
            order = np.argsort(group, kind="stable")
            for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
                yield ForecastForm(name, width, tuple(levels[members[0]].tolist())), chosen[members]


@dataclass(frozen=True)
class StatedForms:
    """What n forecasts consist of.

    `form` (n,) is a place in `forms`. Of forecasts by quantiles also each of e entries: those of forecast i are
    `first[i]` to `first[i] + width[i]` (width 0 for other kinds); `level` (e,) a place in `levels` (L,), and
    `loss` (e,) twice the pinball loss there.
    """

    form: Ints
    forms: tuple[ForecastForm, ...]
    first: Ints
    width: Ints
    level: Ints
    levels: Floats
    loss: Floats

    @property
    def mixed(self) -> bool:
        """Whether there are quantiles at different levels, or different numbers of draws."""
        kinds = [form.kind for form in self.forms]
        return kinds.count("draws") > 1 or kinds.count("quantiles") > 1


def stated(forecasts: Forecasts) -> StatedForms:
    """Gather what forecasts of resolved questions consist of."""
    forms: list[ForecastForm] = []
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
    return StatedForms(form, tuple(forms), np.cumsum(width) - width, width, level, levels, loss)


@dataclass(frozen=True)
class Unlike:
    """More than one form of forecast under one measure, each with the forecasters who use it, and where that shows."""

    measure: str
    forms: tuple[tuple[ForecastForm, tuple[str, ...]], ...]
    source: Source

    @property
    def warning(self) -> Problem:
        """What a user reads."""
        said = [f"{form} by {quoted(names)}" for form, names in self.forms[:LISTED]]
        more = [f"{len(self.forms) - LISTED} more"] if self.forms[LISTED:] else []
        got = " against ".join([*said, *more])
        return Problem(self.source, WHAT[self.measure], got, ALLOWED[self.measure], "warning")


def unlike(forecasts: Forecasts) -> tuple[Unlike, ...]:
    """Return what is unlike among the forecasts of resolved questions: nothing, or one finding a measure."""
    known = resolved(forecasts)
    by_measure: dict[str, list[tuple[ForecastForm, Ints]]] = {}
    for form, chosen in alike(known):
        if form.kind in MEASURE_OF_KIND:
            by_measure.setdefault(MEASURE_OF_KIND[form.kind], []).append((form, chosen))
    return tuple(_found(known, measure, forms) for measure, forms in by_measure.items() if len(forms) > 1)


def _found(known: Forecasts, measure: str, forms: list[tuple[ForecastForm, Ints]]) -> Unlike:
    # In the order of their first rows, as the table has them; the second one is where they begin to differ.
    first_rows = [int(_rows(known, chosen).min()) for _, chosen in forms]
    in_order = np.argsort(first_rows, kind="stable").tolist()
    named = []
    for at in in_order:
        form, chosen = forms[at]
        names = np.unique(known.forecaster[chosen]).tolist()
        named.append((form, tuple(known.forecasters[name] for name in names)))
    return Unlike(measure, tuple(named), known.where[first_rows[in_order[1]]])


def _rows(known: Forecasts, chosen: Ints) -> Ints:
    """Return the row of the first entry of each chosen forecast."""
    return known.rows[known.first[chosen]]
