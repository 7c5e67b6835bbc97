"""Warnings about evidence that only the weighed reports can show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork, alive_slices
from forecast.model.layout import Layout, rule_events, scenario_of_each
from forecast.model.reports import Report
from forecast.workspace.names import OTHER
from forecast.workspace.problems import Problem
from forecast.workspace.records import Item, OnEvent, OnScenarios, Scenario, Settled, Workspace

Array = NDArray[np.float64]

# About the weight of evidence at which even odds become a probability of .98: rare for unsettled news.
MANY_DECIBANS = 17.0


def evidence_doubts(network: AsOfNetwork, workspace: Workspace) -> tuple[Problem, ...]:
    """Warn of unsettled reports that weigh too much together, and of items that likely restate each other.

    `network` is the workspace compiled as of a date: its reports are those that count then."""
    layout = network.layout
    items = {item.id: item for item in workspace.items}
    restated = _restated(layout, rule_events(layout, workspace.scenarios), [items[one.item] for one in network.reports])
    return tuple(sorted([*_heavy(layout, network, items), *_heavy_on_scenarios(network, workspace, items), *restated]))


def _heavy(layout: Layout, network: AsOfNetwork, items: dict[str, Item]) -> Iterator[Problem]:
    for v, event in enumerate(layout.events):
        alive = list(network.alive[v])
        weights = _weights([report for report in network.reports if v in report.scope], v, alive)
        total = sum(weights.values(), start=np.zeros(len(alive)))
        if np.ptp(total) > MANY_DECIBANS:
            strongest = max(weights, key=lambda name: (float(np.ptp(weights[name])), name))
            best, worst = (event.states[alive[i]] for i in (int(total.argmax()), int(total.argmin())))
            yield Problem(
                items[strongest].source,
                f"{len(weights)} unsettled items on '{event.id}' add up for '{best}' against '{worst}'",
                f"{np.ptp(total):.0f} dB, most of it from '{strongest}'",
                f"seldom more than {MANY_DECIBANS:.0f} dB; items of one origin share a group",
                "warning",
            )


def _heavy_on_scenarios(network: AsOfNetwork, workspace: Workspace, items: dict[str, Item]) -> Iterator[Problem]:
    """Warn of items on scenarios as of those on an event; each scenario the average over its joint states."""
    layout, rules = network.layout, workspace.scenarios
    reports = [report for report in network.reports if _is_on_scenarios(items[report.item])]
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
            f"{np.ptp(total):.0f} dB, most of it from '{strongest}'",
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


def _weights(reports: list[Report], v: int, alive: list[int]) -> dict[str, Array]:
    """Return each report's weight on the states that are alive, by item; what is alike is computed once."""
    found: dict[tuple[int, float], Array] = {}
    weights: dict[str, Array] = {}
    for report in reports:
        # Items that say the same share one array (`weigh`); of a spent copy nothing but its noise is left.
        key = (id(report.said), 0.0 if report.is_spent else report.informative)
        if key not in found:
            found[key] = _decibans(report, v)[alive]
        weights[report.item] = found[key]
    return weights


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
        found = next(
            (
                (v, linked, first)
                for v in events
                for linked in near[v]
                for first in seen.get((second.report_source, second.reported, linked), ())
                if first.group is None or first.group != second.group
            ),
            None,
        )
        if found is not None:
            v, linked, first = found
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


def _is_on_scenarios(item: Item) -> bool:
    return any(isinstance(bearing, OnScenarios) for bearing in item.bears_on)
