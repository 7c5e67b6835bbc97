"""Reports as a function of their source's reliability, on a grid: what lets each draw have sources of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, alive_slices, varying_axes, wider_scope
from forecast.compiled.reports import alike, informative_probability
from forecast.workspace.grades import Grade

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# Log-odds of the reliability. Steps of a quarter are finer than any Beta prior of at most a thousand reports needs;
# beyond 8 (one report in three thousand) nothing differs.
LOG_ODDS = np.linspace(-8.0, 8.0, 65)
NODES = 1.0 / (1.0 + np.exp(-LOG_ODDS))


@cache
def log_prior(grade: Grade) -> Array:
    """Return the log prior probability of each node: the Beta density on the log-odds scale, normalised there."""
    a, b = grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty
    logs = a * np.log(NODES) + b * np.log1p(-NODES)
    return np.asarray(logs - np.logaddexp.reduce(logs))


@cache
def informative_at_nodes(credibility: int) -> Array:
    """Return the probability that a report is informative at each node."""
    return np.array([informative_probability(float(node), credibility) for node in NODES])


@dataclass(frozen=True)
class SourceTables:
    """For each factor of a network's reports, in the order of its scopes, log P(reports of a source | states, node).

    `factors[i]` maps the index of a source to an array (nodes, *alive states of the scope or 1); `constant` (sources,
    nodes) is what of a source's reports no state depends on any more.
    """

    factors: tuple[Mapping[int, Array], ...]
    constant: Array


def source_tables(network: AsOfNetwork, sources: Sequence[str]) -> SourceTables:
    """Compute the reports of a network at every node; `sources` must hold every source that reports in it."""
    place = {name: i for i, name in enumerate(sources)}
    constant = np.zeros((len(sources), NODES.size))
    scopes = [scope for scope, _ in network.fixed]
    factors: list[dict[int, Array]] = [{} for _ in scopes]
    for report, times in alike(network.reports):
        states = alive_slices(network.alive, report.scope)
        if not (said := report.said[states]).size:
            continue  # nothing is alive any more, which the rows say already
        if report.is_spent:
            constant[place[report.source]] += times * log(report.noise)
            continue
        source, q = place[report.source], report.kept * informative_at_nodes(report.credibility)
        q = q.reshape(-1, *(1,) * said.ndim)
        with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
            axes = varying_axes(np.log(report.table[states]))
            table = times * np.log(q * said + (1.0 - q) * report.noise)
        scope = tuple(report.scope[axis] for axis in axes)
        table = table[:, *(slice(None) if axis in axes else 0 for axis in range(said.ndim))]
        if not scope:
            constant[source] += table
            continue
        wide = scope if scope in scopes else wider_scope(scope, scopes) or scope
        cards = [len(network.alive[v]) if v in scope else 1 for v in wide]
        known = factors[scopes.index(wide)]
        known[source] = known.get(source, 0.0) + table.reshape(-1, *cards)
    return SourceTables(tuple(factors), constant)


def report_factors(tables: SourceTables, nodes: Index) -> tuple[list[Array], Array]:
    """Compute the factors of the reports in draws whose sources stand at `nodes` (sources, draws).

    Returns arrays (*alive states, draws), the maximum of each draw taken out, and the log offset (draws) of what was.
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
        log_table = np.moveaxis(np.asarray(total), 0, -1)
        peak = log_table.reshape(-1, draws).max(axis=0)
        finite = np.where(peak > -np.inf, peak, 0.0)
        offset += finite
        arrays.append(np.ascontiguousarray(np.exp(log_table - finite)))
    return arrays, offset
