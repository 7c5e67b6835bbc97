"""What became of each source: its reliability before and now, its items, and how far the forecast agrees with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork
from forecast.model.reports import Report, claimed_on, verdict
from forecast.posterior.weights import weighted_quantiles
from forecast.workspace.evidence_forms.registry import evidence_form
from forecast.workspace.records import Item, OnEvent, OnScenarios, Settled, Workspace, events_of

Array = NDArray[np.float64]

LEVELS = (0.05, 0.95)


@dataclass(frozen=True, kw_only=True)
class JudgedClaim:
    """A claim that counts, and what became of it.

    `claimed_on` is the day on which it says that it was so; `was_true` whether it was, None while that is open; `since`
    the settled day from which on it was so, the last one before the claim or the first one after it; None if there is
    none so far.
    """

    item: str
    source: str
    event: str
    states: tuple[str, ...]
    claimed_on: date
    was_true: bool | None
    since: date | None


def judged_claims(network: AsOfNetwork, workspace: Workspace) -> tuple[JudgedClaim, ...]:
    """Compare every claim that counts as of a network's date with what is settled by then, by item."""
    layout, known = network.layout, network.known
    counting = {report.item for report in network.reports}
    claims = []
    for item in workspace.items:
        for part in item.bears_on:
            if item.id not in counting or not isinstance(part, OnEvent):
                continue
            v = layout.index[part.event]
            event, path = layout.events[v], known.paths.get(v)
            claimed = evidence_form(part).claimed(part, event)
            if not claimed:
                continue
            days = [] if path is None else [day for day, state in path.changes if state in claimed]
            claims.append(
                JudgedClaim(
                    item=item.id,
                    source=item.report_source,
                    event=part.event,
                    states=tuple(event.states[state] for state in claimed),
                    claimed_on=claimed_on(item),
                    was_true=verdict(layout, known, item, part),
                    since=_since(days, claimed_on(item), was_reached=event.kind == "reached"),
                )
            )
    return tuple(claims)


def _since(days: Sequence[date], claimed: date, *, was_reached: bool) -> date | None:
    """Return the day on which what held at a claim began, or else the first one after it, of the days it began on."""
    earlier = [day for day in days if day <= claimed]
    if earlier:
        return earlier[0 if was_reached else -1]
    return min(days, default=None)


@dataclass(frozen=True, kw_only=True)
class ItemAgreement:
    """What an item favours of an event (or of "scenarios"), and how far that agrees with the forecast.

    `agreement`: how probable it is by now; of a claim that is judged 1 or 0. `was_true`: whether such a claim was true
    on its day, None for all else.
    """

    event: str
    favours: tuple[str, ...]
    agreement: float
    was_true: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Reported:
    """An item of a source, what became of it (`standing`), and what it says of all that it does not settle."""

    id: str
    reported: date
    headline: str
    credibility: int
    standing: str
    says: tuple[ItemAgreement, ...]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """The posterior of a reliability: mean, and 5 and 95 % quantiles."""

    mean: float
    quantiles: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """What became of a source.

    `prior`: mean of its reliability by the grade; `now`: posterior, None without an unsettled report (what is settled
    is public and says nothing about a source); `agreement`: mean posterior probability of what its reports favour, a
    claim that is judged counting 1 or 0; `true_claims` and `false_alarms`: items whose claims were true, or false, on
    the day of the claim.
    """

    source: str
    name: str
    grade: str
    prior: float
    now: Reliability | None
    agreement: float | None
    items: tuple[Reported, ...]
    true_claims: tuple[str, ...]
    false_alarms: tuple[str, ...]


def source_table(found: Outcome) -> tuple[SourceRow, ...]:
    """Describe every source that reported by the as-of date, in id order."""
    posterior, workspace = found.posterior, found.workspace
    weights, drawn = posterior.weights.weights, posterior.reliabilities
    reports = {report.item: report for report in posterior.asked.network.reports}
    superseded = {item.supersedes for item in workspace.items if item.supersedes and item.reported <= found.as_of}
    judged = judged_claims(posterior.asked.network, workspace)
    rows = []
    for name, source in workspace.sources.items():
        items = [one for one in workspace.items if one.report_source == name and one.reported <= found.as_of]
        if not items:
            continue
        claims = [claim for claim in judged if claim.source == name]
        listed = tuple(_item(found, one, reports.get(one.id), claims, superseded) for one in items)
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
                true_claims=tuple(dict.fromkeys(claim.item for claim in claims if claim.was_true is True)),
                false_alarms=tuple(dict.fromkeys(claim.item for claim in claims if claim.was_true is False)),
            )
        )
    return tuple(rows)


def _item(
    found: Outcome, item: Item, report: Report | None, claims: Sequence[JudgedClaim], superseded: set[str]
) -> Reported:
    own = {claim.event: claim for claim in claims if claim.item == item.id}
    return Reported(
        id=item.id,
        reported=item.reported,
        headline=item.headline,
        credibility=item.credibility,
        standing=_standing(found, item, superseded),
        says=() if report is None else (*_said(found, item, report, own), *_said_of_scenarios(found, item, report)),
    )


def _standing(found: Outcome, item: Item, superseded: set[str]) -> str:
    if item.retracted and item.retracted <= found.as_of:
        return "retracted"
    if item.id in superseded:
        return "superseded"
    return "settled" if all(isinstance(bearing, Settled) for bearing in item.bears_on) else "counts"


def _said(found: Outcome, item: Item, report: Report, claims: Mapping[str, JudgedClaim]) -> list[ItemAgreement]:
    """Tell for each event that an item speaks of which states it favours, and how probable they are by now.

    Of a claim that is judged: what it claimed, and whether that was so.
    """
    weights = found.posterior.weights.weights
    events = {part.event for part in item.bears_on if isinstance(part, OnEvent) and not isinstance(part, Settled)}
    rows = []
    for axis, v in enumerate(report.scope):
        if found.layout.events[v].id not in events:
            continue
        claim = claims.get(found.layout.events[v].id)
        if claim is not None and claim.was_true is not None:
            agrees = float(claim.was_true)
            judged = ItemAgreement(event=claim.event, favours=claim.states, agreement=agrees, was_true=claim.was_true)
            rows.append(judged)
            continue
        others = tuple(other for other in range(len(report.scope)) if other != axis)
        said = report.said.max(axis=others)
        best = np.flatnonzero(said == said.max())
        if best.size == said.size:
            continue  # it is worn off, or never told these states apart
        event = found.layout.events[v]
        now = float(found.posterior.evaluation.events[v][best].sum(axis=0) @ weights)
        rows.append(ItemAgreement(event=event.id, favours=tuple(event.states[x] for x in best), agreement=now))
    return rows


def _said_of_scenarios(found: Outcome, item: Item, report: Report) -> list[ItemAgreement]:
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
            rows.append(ItemAgreement(event="scenarios", favours=tuple(best), agreement=now))
    return rows
