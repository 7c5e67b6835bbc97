"""The network compiled for an as-of date: rows, history and reports together, ready for exact inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.history import HistoryRecipe, history_recipe, history_tables
from forecast.compiled.layout import Layout
from forecast.compiled.paths import Known, active_items, settle
from forecast.compiled.reports import Report, weigh
from forecast.compiled.rows import RowRecipe, row_recipe, row_table
from forecast.workspace.records import Item, ReportSource, Workspace

Array = NDArray[np.float64]
Scope = tuple[int, ...]


@dataclass(frozen=True)
class AsOfNetwork:
    """Everything that is known on `known.as_of`, about the states on the date `on`.

    `fixed` are the factors that do not depend on theta: reports (those on the same events multiplied, the maximum
    taken out into `log_fixed`) and observed constants.
    """

    layout: Layout
    known: Known
    on: date
    rows: RowRecipe
    history: HistoryRecipe
    reports: tuple[Report, ...]
    fixed: tuple[tuple[Scope, Array], ...]
    log_fixed: float

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Scope of each factor of `factors`: rows by event, then histories, then fixed factors."""
        families = tuple((*self.layout.parents[v], v) for v in range(len(self.layout.cards)))
        return (*families, *self.history.scopes, *(scope for scope, _ in self.fixed))


def compile_asof(
    layout: Layout,
    items: Iterable[Item],
    sources: Mapping[str, ReportSource],
    as_of: date,
    watched_until: date | None,
    on: date | None = None,
) -> AsOfNetwork:
    """Compile the network as known on `as_of` (day included), for the states on the date `on` (default: horizon)."""
    active = active_items(items, as_of)
    known = settle(layout, active, as_of, watched_until)
    on = layout.horizon if on is None else on
    reports = weigh(layout, known, active, sources, on)
    fixed, log_fixed = _fixed_factors(layout, known, reports)
    return AsOfNetwork(
        layout, known, on, row_recipe(layout, known, on), history_recipe(layout, known), reports, fixed, log_fixed
    )


def compile_opening(layout: Layout, on: date | None = None) -> AsOfNetwork:
    """Compile the network at the opening, before any evidence: where the prior is read."""
    return compile_asof(layout, (), {}, layout.opens, None, on)


def compile_workspace(layout: Layout, workspace: Workspace, as_of: date, on: date | None = None) -> AsOfNetwork:
    """Compile a workspace's network as of a date; an as-of date after the horizon sees the horizon."""
    return compile_asof(layout, workspace.items, workspace.sources, as_of, workspace.watched_until, on)


def factors(network: AsOfNetwork, theta: Array) -> tuple[list[Array], Array]:
    """Compute the factors of all draws.

    Args:
        network: the compiled network.
        theta: (n_theta, draws).

    Returns:
        The factors in the order of `network.scopes`, each (*cards of its scope, draws or 1), and a log offset
        (draws) to add to the log of their product.
    """
    layout, n_draws = network.layout, theta.shape[1]
    table = row_table(network.rows, theta)
    arrays = []
    for v, card in enumerate(layout.cards):
        start, rows = layout.table_offsets[v], layout.n_rows(v)
        shape = (*(layout.cards[p] for p in layout.parents[v]), card, n_draws)
        arrays.append(table[start : start + rows * card].reshape(shape))
    offset = np.full(n_draws, network.log_fixed)
    for log_table in history_tables(network.history, theta):
        peak = log_table.reshape(-1, n_draws).max(axis=0)
        offset += peak
        arrays.append(np.exp(log_table - peak))
    arrays += [fixed[..., np.newaxis] for _, fixed in network.fixed]
    return arrays, offset


def _fixed_factors(
    layout: Layout, known: Known, reports: Sequence[Report]
) -> tuple[tuple[tuple[Scope, Array], ...], float]:
    logs: dict[Scope, Array] = {}
    with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
        for report in reports:
            logs[report.scope] = logs.get(report.scope, 0.0) + np.log(report.table)
        for v, states in known.observed.items():
            seen = np.log([[float(x == state) for x in range(layout.cards[v])] for state in states]).sum(axis=0)
            logs[v,] = logs.get((v,), 0.0) + seen
    total, fixed = 0.0, []
    for scope, table in logs.items():
        peak = float(table.max())
        if peak > -np.inf:
            total += peak
            table = table - peak
        fixed.append((scope, np.exp(table)))
    return tuple(fixed), total
