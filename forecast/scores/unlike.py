"""Forecasts of numbers whose scores cannot be compared: quantiles of different levels, different numbers of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.scores.alike import Form, alike
from forecast.scores.cells import Ints
from forecast.scores.table import Forecasts, Kind, resolved
from forecast.workspace.problems import Problem, Source, quoted

LISTED = 10  # forms in a message; the rest is counted
MEASURES: Mapping[Kind, str] = {"draws": "crps", "quantiles": "crps_quantiles"}
WHAT = {
    "crps": "numbers of draws differ: scores by crps cannot be compared, for few draws score worse by being few",
    "crps_quantiles": "levels of quantiles differ: scores by crps_quantiles cannot be compared",
}
ALLOWED = {
    "crps": "skill by crps is withheld where they differ; crps_fair compares any numbers of draws from 2 on",
    "crps_quantiles": "skill is computed at the levels that both state, and withheld where there are none",
}


@dataclass(frozen=True)
class Unlike:
    """More than one form of forecast under one measure, each with the forecasters who use it, and where that shows."""

    measure: str
    forms: tuple[tuple[Form, tuple[str, ...]], ...]
    source: Source

    @property
    def warning(self) -> Problem:
        """What a user is told."""
        said = [f"{form} by {quoted(names)}" for form, names in self.forms[:LISTED]]
        more = [f"{len(self.forms) - LISTED} more"] if self.forms[LISTED:] else []
        got = " against ".join([*said, *more])
        return Problem(self.source, WHAT[self.measure], got, ALLOWED[self.measure], "warning")


def unlike(forecasts: Forecasts) -> tuple[Unlike, ...]:
    """Return what is unlike among the forecasts of resolved questions: nothing, or one finding a measure."""
    known = resolved(forecasts)
    by_measure: dict[str, list[tuple[Form, Ints]]] = {}
    for form, chosen in alike(known):
        if form.kind in MEASURES:
            by_measure.setdefault(MEASURES[form.kind], []).append((form, chosen))
    return tuple(_found(known, measure, forms) for measure, forms in by_measure.items() if len(forms) > 1)


def _found(known: Forecasts, measure: str, forms: list[tuple[Form, Ints]]) -> Unlike:
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
