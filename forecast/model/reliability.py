"""Reports as a function of their source's reliability, on a grid: what lets each draw have sources of its own.

A source's log-odds x of reliability stand on evenly spaced nodes. For a density as smooth as a Beta's on that scale,
times what reports say, the sum over nodes is the integral to rounding, as long as the steps are no wider than its sd
(the trapezoidal rule on the whole line: Trefethen and Weideman 2014). A grade so sure that it reaches beyond the ends
of the grid has the rest of its probability in one node at each end, at the rest's own mean: there no report tells
reliabilities apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from math import ceil, expm1, log, log2

import numpy as np
from numpy.typing import NDArray

from forecast.digits import past
from forecast.inference.tape import normal_quadrature
from forecast.model.asof import (
    HEARD,
    MANY_COPIES,
    AsOfNetwork,
    Latest,
    Scope,
    alive_slices,
    heard_logs,
    sum_of_copies,
    wider_scope,
)
from forecast.model.layout import Layout, rule_events, scenario_of_each
from forecast.model.reports import (
    CREDIBILITY_SHIFT,
    UNJUDGED_NODES,
    Report,
    copies_alike,
    favoured,
    same_day_reports,
)
from forecast.workspace.names import OTHER
from forecast.workspace.problems import Problem, quoted, shown
from forecast.workspace.records import CANNOT_BE_JUDGED, Item, OnEvent, OnScenarios, Scenario, Settled, Workspace
from forecast.workspace.renames import Grade

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

    def informative(self, credibility: int) -> tuple[Array, Array]:
        """Compute `informative_at` the nodes, once for each credibility."""
        if credibility not in self._informative:
            self._informative[credibility] = informative_at(self.log_odds, credibility)
        return self._informative[credibility]

    @cached_property
    def _informative(self) -> dict[int, tuple[Array, Array]]:
        return {}


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
    for same in network.kinds:
        n_reports[same[0].source] += 0 if same[0].is_spent else len(same)
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


_TABLES: Latest[SourceTables] = Latest(2)


def source_tables(network: AsOfNetwork, sources: Sequence[str], grids: Sequence[Grid]) -> SourceTables:
    """Compute the reports of a network at every node; `sources` must hold every source that reports in it."""
    return _TABLES.once((network, grids), tuple(sources), lambda: _source_tables(network, sources, grids))


def _source_tables(network: AsOfNetwork, sources: Sequence[str], grids: Sequence[Grid]) -> SourceTables:
    place = {name: i for i, name in enumerate(sources)}
    constant = [np.zeros(grid.log_odds.size) for grid in grids]
    scopes = [scope for scope, _ in network.fixed]
    factors: list[dict[int, Array]] = [{} for _ in scopes]
    for copies in copies_alike(network.kinds):
        report = copies[0][0]
        source = place[report.source]
        if report.is_spent:
            constant[source] += sum(map(len, copies)) * log(report.noise)
            continue
        for scope, table in _at_nodes(network.alive, copies, grids[source]):
            if not scope:
                constant[source] += table
                continue
            wide = scope if scope in scopes else wider_scope(scope, scopes) or scope
            cards = [len(network.alive[v]) if v in scope else 1 for v in wide]
            known = factors[scopes.index(wide)]
            known[source] = known.get(source, 0.0) + table.reshape(-1, *cards)
    return SourceTables(tuple(factors), tuple(constant))


def _at_nodes(alive: Sequence[range], copies: Sequence[Sequence[Report]], grid: Grid) -> Iterator[tuple[Scope, Array]]:
    """Yield what kinds of reports that differ as copies alone say (`report_at_nodes`), but of what is not alive."""
    if len(copies) < MANY_COPIES:
        found = [(*report_at_nodes(alive, same[0], grid), float(len(same))) for same in copies]
    else:
        q, rest = grid.informative(copies[0][0].credibility)
        kept = np.array([[same[0].kept] for same in copies])
        found = [(*sum_of_copies(alive, copies, kept * q, rest + (1.0 - kept) * q, np.log), 1.0)]
    for scope, table, times in found:
        if table.size:  # else nothing is alive any more, which the rows say already
            yield scope, table if times == 1.0 else times * table


def report_at_nodes(alive: Sequence[range], report: Report, grid: Grid) -> tuple[Scope, Array]:
    """Return the events that a report tells apart, and log P(report | states, node): (nodes, *alive states)."""
    states = alive_slices(alive, report.scope)

    def compute() -> tuple[Grid, Scope, Array]:
        said, (scope, _) = report.said[states], heard_logs(alive, report)
        if not said.size:
            return grid, scope, said
        q, rest = (values.reshape(-1, *(1,) * said.ndim) for values in grid.informative(report.credibility))
        kept = report.kept
        with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
            table = np.log(kept * q * said + (rest + (1.0 - kept) * q) * report.noise)
        # The grid is kept with it, so that no other one takes its place in memory.
        return grid, scope, table[:, *(slice(None) if v in scope else 0 for v in report.scope)]

    told = (report.scope, report.noise, report.informative, report.kept, report.credibility)
    _, scope, table = HEARD.once(report.said, (id(grid), *told, *((of.start, of.stop) for of in states)), compute)
    return scope, table


def report_logs(tables: SourceTables, nodes: Index) -> tuple[list[Array], Array]:
    """Compute the logarithms of the reports' factors in draws whose sources stand at `nodes` (sources, draws).

    Returns arrays (*alive states, draws) for `compiled.asof.factors`, and the log offset (draws) of what no state
    depends on.
    """
    draws = nodes.shape[1]
    offset = np.zeros(draws)
    for source, logs in enumerate(tables.constant):
        offset += logs[nodes[source]]
    return [logs_at(by_source, nodes) for by_source in tables.factors], offset


def logs_at(by_source: Mapping[int, Array], nodes: Index) -> Array:
    """Compute the logarithms (*alive states, draws) of one of the factors of `report_logs`."""
    total: Array | float = 0.0
    for source, table in by_source.items():
        flat = np.ascontiguousarray(table.reshape(len(table), -1).T)
        total = total + flat[:, nodes[source]].reshape(*table.shape[1:], -1)
    return np.asarray(total)


# Warnings about evidence that only the weighed reports can show.

# About the weight of evidence at which even odds become a probability of .98: rare for unsettled news.
MANY_DECIBANS = 17.0


def evidence_doubts(network: AsOfNetwork, workspace: Workspace) -> tuple[Problem, ...]:
    """Warn of unsettled reports that weigh too much together, and of items that likely restate each other.

    `network` is the workspace compiled as of a date: its reports are those that count then."""
    layout = network.layout
    items = {item.id: item for item in workspace.items}
    restated = _restated(layout, rule_events(layout, workspace.scenarios), [items[one.item] for one in network.reports])
    same_day = _of_one_day(network, workspace, items)
    heavy = [*_heavy(layout, network, items), *_heavy_on_scenarios(network, workspace, items)]
    return tuple(sorted([*heavy, *restated, *same_day]))


def _of_one_day(network: AsOfNetwork, workspace: Workspace, items: dict[str, Item]) -> Iterator[Problem]:
    """Warn of reports that are taken for copies, since several sources say the same of one event on one day."""
    events = workspace.network.events
    active = [one for report in network.reports if (one := items[report.item]).group is None]
    for names in same_day_reports((item, favoured(item, events)) for item in active):
        others = {claim for name in names[1:] for claim in favoured(items[name], events)}
        event, states = next(claim for claim in favoured(items[names[0]], events) if claim in others)
        claimed = " or ".join(shown(events[event].states[x]) for x in states)
        rho = workspace.sources[items[names[0]].report_source].same_day_rho
        yield Problem(
            items[names[-1]].source,
            f"items {quoted(names)}: several sources on one day for {claimed} of {shown(event)}, in no group",
            f"read as copies, rho {rho:.2g}",
            "one `group` for those that restate each other, or `independent` with the reason for one that does not",
            "warning",
        )


def _heavy(layout: Layout, network: AsOfNetwork, items: dict[str, Item]) -> Iterator[Problem]:
    for v, event in enumerate(layout.events):
        alive = list(network.alive[v])
        weights = [(_decibans(same[0], v)[alive], same) for same in network.kinds if v in same[0].scope]
        total = sum((len(same) * weight for weight, same in weights), start=np.zeros(len(alive)))
        if np.ptp(total) > MANY_DECIBANS:
            _, strongest = max((float(np.ptp(weight)), max(one.item for one in same)) for weight, same in weights)
            best, worst = (event.states[alive[i]] for i in (int(total.argmax()), int(total.argmin())))
            many = sum(len(same) for _, same in weights)
            yield Problem(
                items[strongest].source,
                f"{many} unsettled items on '{event.id}' add up for '{best}' against '{worst}'",
                f"{past(float(np.ptp(total)), MANY_DECIBANS, (2, 3, 4, 6))} dB, most of it from '{strongest}'",
                f"seldom more than {MANY_DECIBANS:.0f} dB; items of one origin share a group",
                "warning",
            )


def _heavy_on_scenarios(network: AsOfNetwork, workspace: Workspace, items: dict[str, Item]) -> Iterator[Problem]:
    """Warn of items on scenarios as of those on an event; each scenario the average over its joint states."""
    layout, rules = network.layout, workspace.scenarios
    on_scenarios = {item.id for item in items.values() for bearing in item.bears_on if isinstance(bearing, OnScenarios)}
    reports = [report for report in network.reports if report.item in on_scenarios]
    if not reports:
        return
    present = np.unique(scenario_of_each(layout, rules)[alive_slices(network.alive, rule_events(layout, rules))])
    weights = {report.item: _by_scenario(report, layout, rules, network.alive) for report in reports}
    total = sum(weights.values(), start=np.zeros(present.size))
    if np.ptp(total) > MANY_DECIBANS:
        names = [*(rule.id for rule in rules), OTHER]
        strongest = max(weights, key=lambda name: (float(np.ptp(weights[name])), name))
        best, worst = (names[present[i]] for i in (int(total.argmax()), int(total.argmin())))
        yield Problem(
            items[strongest].source,
            f"{len(weights)} unsettled items on the scenarios add up for '{best}' against '{worst}'",
            f"{past(float(np.ptp(total)), MANY_DECIBANS, (2, 3, 4, 6))} dB, most of it from '{strongest}'",
            f"seldom more than {MANY_DECIBANS:.0f} dB; items of one origin share a group",
            "warning",
        )


def _by_scenario(report: Report, layout: Layout, rules: Sequence[Scenario], alive: Sequence[range]) -> Array:
    """Return the report's weight (decibans) on each scenario that can still be, the other events averaged over."""
    events = rule_events(layout, rules)
    others = tuple(axis for axis, v in enumerate(report.scope) if v not in events)
    table = report.table[alive_slices(alive, report.scope)].mean(axis=others)
    which = scenario_of_each(layout, rules)[alive_slices(alive, events)]
    return np.asarray(10.0 * np.log10([table[which == number].mean() for number in np.unique(which)]))


def _decibans(report: Report, v: int) -> Array:
    """Return the report's weight on each state of one of its events, the others averaged over their states."""
    others = tuple(axis for axis, other in enumerate(report.scope) if other != v)
    return np.asarray(10.0 * np.log10(report.table.mean(axis=others)))


def _restated(layout: Layout, rules: Sequence[int], items: list[Item]) -> Iterator[Problem]:
    """Warn of each item that stands on an event linked to an earlier item's, of one source and day: once an item.

    Of the earlier items on an event two of different groups are remembered; one of them is in another group than
    the item at hand, if any is. The time is therefore linear in the items. The scenarios are like one more event,
    linked to those that their rules mention.
    """
    scenarios = len(layout.events)
    names = [*(f"'{event.id}'" for event in layout.events), "the scenarios"]
    near: dict[int, list[int]] = {v: [] for v in range(scenarios + 1)}
    for v, parents in enumerate(layout.parents):
        for p in parents:
            near[v].append(p)
            near[p].append(v)
    for v in rules:
        near[v].append(scenarios)
        near[scenarios].append(v)
    seen: dict[tuple[str, date, int], list[Item]] = {}
    for second in items:
        events = _unsettled(layout, second)
        earlier_linked = [
            (v, linked, first)
            for v in events
            for linked in near[v]
            for first in seen.get((second.report_source, second.reported, linked), ())
            if first.group is None or first.group != second.group
        ]
        if earlier_linked:
            v, linked, first = earlier_linked[0]
            a, b = names[linked], names[v]
            yield Problem(
                second.source,
                f"item '{second.id}' on {b} and item '{first.id}' on {a} come from one source on one day",
                f"{a} and {b} are linked, so one report may count twice",
                "give them one group, or make them one item",
                "warning",
            )
        for v in events:
            earlier = seen.setdefault((second.report_source, second.reported, v), [])
            if not earlier or (len(earlier) == 1 and earlier[0].group is not None and earlier[0].group != second.group):
                earlier.append(second)


def _unsettled(layout: Layout, item: Item) -> list[int]:
    """Return the events that an item bears on, the number after the last of them for the scenarios."""
    return [
        layout.index[bearing.event] if isinstance(bearing, OnEvent) else len(layout.events)
        for bearing in item.bears_on
        if not isinstance(bearing, Settled)
    ]
