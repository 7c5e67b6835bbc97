"""What became of each source: its reliability before and now, its items, and how far the forecast agrees with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome
from forecast.model.reports import Report
from forecast.posterior.weights import weighted_quantiles
from forecast.workspace.records import Item, OnEvent, OnScenarios, Settled, events_of

Array = NDArray[np.float64]

LEVELS = (0.05, 0.95)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an item favours of an event (or of "scenarios"), and how probable that is by now."""

    event: str
    favours: tuple[str, ...]
    agreement: float


@dataclass(frozen=True, kw_only=True)
class Reported:
    """An item of a source, what became of it (`standing`), and what it says of all that it does not settle."""

    id: str
    reported: date
    headline: str
    credibility: int
    standing: str
    says: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """The posterior of a reliability: mean, and 5 and 95 % quantiles."""

    mean: float
    quantiles: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """What became of a source.

    `prior`: mean of its reliability by the grade; `now`: posterior, None without an unsettled report (what is settled
    is public and says nothing about a source); `agreement`: mean posterior probability of what its reports favour.
    """

    source: str
    name: str
    grade: str
    prior: float
    now: Reliability | None
    agreement: float | None
    items: tuple[Reported, ...]


def source_table(found: Outcome) -> tuple[SourceRow, ...]:
    """Describe every source that reported by the as-of date, in id order."""
    posterior, workspace = found.posterior, found.workspace
    weights, drawn = posterior.weights.weights, posterior.reliabilities
    reports = {report.item: report for report in posterior.asked.network.reports}
    superseded = {item.supersedes for item in workspace.items if item.supersedes and item.reported <= found.as_of}
    rows = []
    for name, source in workspace.sources.items():
        items = [one for one in workspace.items if one.report_source == name and one.reported <= found.as_of]
        if not items:
            continue
        listed = tuple(_item(found, one, reports.get(one.id), superseded) for one in items)
        agreements = [said.agreement for one in listed for said in one.says]
        now = None
        if any(one.id in reports for one in items):
            values = drawn.reliability[drawn.sources.index(name)]
            low, high = weighted_quantiles(values[np.newaxis], weights, np.array(LEVELS))[0].tolist()
            now = Reliability(mean=float(values @ weights), quantiles=(low, high))
        rows.append(
            SourceRow(
                source=name,
                name=source.name,
                grade=source.reliability,
                prior=source.grade.mean,
                now=now,
                agreement=float(np.mean(agreements)) if agreements else None,
                items=listed,
            )
        )
    return tuple(rows)


def _item(found: Outcome, item: Item, report: Report | None, superseded: set[str]) -> Reported:
    return Reported(
        id=item.id,
        reported=item.reported,
        headline=item.headline,
        credibility=item.credibility,
        standing=_standing(found, item, superseded),
        says=() if report is None else (*_said(found, item, report), *_said_of_scenarios(found, item, report)),
    )


def _standing(found: Outcome, item: Item, superseded: set[str]) -> str:
    if item.retracted and item.retracted <= found.as_of:
        return "retracted"
    if item.id in superseded:
        return "superseded"
    return "settled" if all(isinstance(bearing, Settled) for bearing in item.bears_on) else "counts"


def _said(found: Outcome, item: Item, report: Report) -> list[Said]:
    """Tell for each event that an item speaks of which states it favours, and how probable they are by now."""
    weights = found.posterior.weights.weights
    events = {part.event for part in item.bears_on if isinstance(part, OnEvent) and not isinstance(part, Settled)}
    rows = []
    for axis, v in enumerate(report.scope):
        if found.layout.events[v].id not in events:
            continue
        others = tuple(other for other in range(len(report.scope)) if other != axis)
        said = report.said.max(axis=others)
        best = np.flatnonzero(said == said.max())
        if best.size == said.size:
            continue  # it is worn off, or never told these states apart
        event = found.layout.events[v]
        now = float(found.posterior.evaluation.events[v][best].sum(axis=0) @ weights)
        rows.append(Said(event=event.id, favours=tuple(event.states[x] for x in best), agreement=now))
    return rows


def _said_of_scenarios(found: Outcome, item: Item, report: Report) -> list[Said]:
    """Tell which scenarios an item favours, and how probable they are by now; nothing where that has worn off."""
    rows = []
    for part in item.bears_on:
        if not isinstance(part, OnScenarios):
            continue
        events = {found.layout.index[event] for event in events_of(part)}
        others = tuple(axis for axis, v in enumerate(report.scope) if v not in events)
        said = report.said.max(axis=others)
        best = [name for name, number in part.ratios.items() if number == max(part.ratios.values())]
        if said.min() < said.max():
            now = sum(found.scenarios[name].probability for name in best)
            rows.append(Said(event="scenarios", favours=tuple(best), agreement=now))
    return rows
