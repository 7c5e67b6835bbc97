"""Reports as a function of their source's reliability, on a grid: what lets each draw have sources of its own.

A source's log-odds x of reliability stand on evenly spaced nodes. For a density as smooth as a Beta's on that scale,
times what reports say, the sum over nodes is the integral to rounding, as long as the steps are no wider than its sd
(the trapezoidal rule on the whole line: Trefethen and Weideman 2014). A grade so sure that it reaches beyond the ends
of the grid has the rest of its probability in one node at each end, at the rest's own mean: there no report tells
reliabilities apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, expm1, log, log2

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elementary import normal_quadrature
from forecast.model.asof import AsOfNetwork, alive_slices, varying_axes, wider_scope
from forecast.model.reports import CREDIBILITY_SHIFT, UNJUDGED_NODES, alike
from forecast.workspace.grades import Grade
from forecast.workspace.records import CANNOT_BE_JUDGED

Array = NDArray[np.float64]
Index = NDArray[np.intp]

WIDEST_STEP = 0.25  # of the log-odds
MOST_HALVINGS = 4  # of the step: enough for some 16,000 reports of one source
FARTHEST = 24  # log-odds: a source that errs once in 3e10 reports
NEGLIGIBLE = 40.0  # nats by which the prior has fallen where the grid ends


@dataclass(frozen=True)
class Grid:
    """Where the reliability of a source may stand: log-odds (nodes,), and the log prior probability of each node."""

    log_odds: Array
    log_prior: Array

    @property
    def reliability(self) -> Array:
        """The reliability at each node."""
        return _expit(self.log_odds)


@cache
def grid_of(grade: Grade, n_reports: int) -> Grid:
    """Lay out the grid of a source with a grade and so many reports.

    The step is at most the sd of the log-odds after the reports, whatever they say: 2 / sqrt(a + b + n). Away from the
    middle a Beta density falls by a (or b) nats a unit of log-odds.
    """
    a, b = grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty
    seen = a + b + n_reports
    halvings = min(MOST_HALVINGS, max(0, ceil(log2(WIDEST_STEP * seen**0.5 / 2.0))))
    step = WIDEST_STEP / 2**halvings
    low, high = (min(FARTHEST, ceil(log(seen + 1.0) + NEGLIGIBLE / side)) for side in (a, b))
    x = np.arange(-low / step, high / step + 1.0) * step
    logs = -a * np.logaddexp(0.0, -x) - b * np.logaddexp(0.0, x)
    ends = [(-1.0, a, low), (1.0, b, high)]
    rest = [(sign, *_rest(side, end, step)) for sign, side, end in ends if end == FARTHEST]
    for sign, place, log_mass in rest:
        x = np.append(x, sign * place) if sign > 0 else np.insert(x, 0, sign * place)
        logs = np.append(logs, log_mass) if sign > 0 else np.insert(logs, 0, log_mass)
    return Grid(x, np.asarray(logs - np.logaddexp.reduce(logs)))


def _rest(side: float, end: int, step: float) -> tuple[float, float]:
    """Sum the nodes beyond an end, where the density is exp(-side * |x|): their mean place, and the log of the sum.

    The mean is that of the probability of the rarer outcome, exp(-|x|), by which reports could tell the nodes apart.
    """

    def log_sum(rate: float) -> float:
        return -rate * (end + step) - log(-expm1(-rate * step))

    return log_sum(side) - log_sum(side + 1.0), log_sum(side)


def grids_of(network: AsOfNetwork, grades: Mapping[str, Grade]) -> tuple[Grid, ...]:
    """Lay out the grid of every source, in the order of `grades`, for the reports of a network."""
    n_reports: Counter[str] = Counter()
    for report, times in alike(network.reports):
        n_reports[report.source] += 0 if report.is_spent else times
    return tuple(grid_of(grade, n_reports[name]) for name, grade in grades.items())


def _expit(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def informative_at(log_odds: Array, credibility: int) -> tuple[Array, Array]:
    """Compute the probability that a report is informative, and that it is not, at log-odds of reliability (nodes,).

    Both, so that neither loses its digits where the other is near one. See `informative_probability`.
    """
    if credibility != CANNOT_BE_JUDGED:
        shifted = log_odds + CREDIBILITY_SHIFT[credibility]
        return _expit(shifted), _expit(-shifted)
    shifts, weights = normal_quadrature(UNJUDGED_NODES)
    shifted = log_odds + shifts[:, np.newaxis]
    averages = ((_expit(one) * weights[:, np.newaxis]).sum(axis=0) for one in (shifted, -shifted))
    informative, uninformative = averages
    return informative, uninformative


@dataclass(frozen=True)
class SourceTables:
    """For each factor of a network's reports, in the order of its scopes, log P(reports of a source | states, node).

    `factors[i]` maps the index of a source to an array (nodes, *alive states of the scope or 1); `constant[s]` (nodes)
    is what of a source's reports no state depends on any more. The nodes are those of the source's grid.
    """

    factors: tuple[Mapping[int, Array], ...]
    constant: tuple[Array, ...]


def source_tables(network: AsOfNetwork, sources: Sequence[str], grids: Sequence[Grid]) -> SourceTables:
    """Compute the reports of a network at every node; `sources` must hold every source that reports in it."""
    place = {name: i for i, name in enumerate(sources)}
    constant = [np.zeros(grid.log_odds.size) for grid in grids]
    scopes = [scope for scope, _ in network.fixed]
    factors: list[dict[int, Array]] = [{} for _ in scopes]
    informative: dict[tuple[int, int], tuple[Array, Array]] = {}
    for report, times in alike(network.reports):
        states = alive_slices(network.alive, report.scope)
        if not (said := report.said[states]).size:
            continue  # nothing is alive any more, which the rows say already
        source = place[report.source]
        if report.is_spent:
            constant[source] += times * log(report.noise)
            continue
        key = source, report.credibility
        if key not in informative:
            informative[key] = informative_at(grids[source].log_odds, report.credibility)
        q, rest = (values.reshape(-1, *(1,) * said.ndim) for values in informative[key])
        with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
            axes = varying_axes(np.log(report.table[states]))
            kept = report.kept
            table = times * np.log(kept * q * said + (rest + (1.0 - kept) * q) * report.noise)
        scope = tuple(report.scope[axis] for axis in axes)
        table = table[:, *(slice(None) if axis in axes else 0 for axis in range(said.ndim))]
        if not scope:
            constant[source] += table
            continue
        wide = scope if scope in scopes else wider_scope(scope, scopes) or scope
        cards = [len(network.alive[v]) if v in scope else 1 for v in wide]
        known = factors[scopes.index(wide)]
        known[source] = known.get(source, 0.0) + table.reshape(-1, *cards)
    return SourceTables(tuple(factors), tuple(constant))


def report_logs(tables: SourceTables, nodes: Index) -> tuple[list[Array], Array]:
    """Compute the logarithms of the reports' factors in draws whose sources stand at `nodes` (sources, draws).

    Returns arrays (*alive states, draws) for `compiled.asof.factors`, and the log offset (draws) of what no state
    depends on.
    """
    draws = nodes.shape[1]
    offset = np.zeros(draws)
    for source, logs in enumerate(tables.constant):
        offset += logs[nodes[source]]
    arrays = []
    for by_source in tables.factors:
        total: Array | float = 0.0
        for source, table in by_source.items():
            total = total + table[nodes[source]]
        arrays.append(np.moveaxis(np.asarray(total), 0, -1))
    return arrays, offset
