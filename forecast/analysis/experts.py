"""What the model made of each expert: residuals, deviations, noise, record, conflicts, and a summary in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.agreement import Agreement, agreement
from forecast.analysis.coherence import conflicts
from forecast.analysis.distance import Distance
from forecast.analysis.statements import StatementRow, statement_rows
from forecast.digits import score
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork
from forecast.model.reports import Report, claimed_on, verdict
from forecast.posterior.weights import weighted_quantiles
from forecast.sampling.likelihood import DISAGREES, statement_columns
from forecast.sampling.spec import LEAST_RECORD, PriorSpec, active_statements, track_records
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.fits import expit
from forecast.workspace.records import Item, OnEvent, OnScenarios, Settled, Workspace, events_of

Array = NDArray[np.float64]

LEVELS = (0.05, 0.95)
SAYS_AS_MUCH = 0.1  # log-odds; a deviation below it is not worth a sentence
QUIET, LOUD = 0.8, 1.25  # noise, as a multiple of that of an expert of whom nothing is known


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over draws, and the 5 and 95 % quantiles."""

    mean: float
    quantiles: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Resolved forecasts: their number, how many are needed, the Brier score, and bias and slope once learned."""

    resolved: int
    needed: int
    brier: float | None
    bias: Spread | None
    slope: Spread | None


@dataclass(frozen=True, kw_only=True)
class ExpertRow:
    """What the model made of an expert, from the fit on the statements alone.

    `statements`: as the report tells them; `deviation`: mean over the expert's single numbers of what group and coder
    add, in log-odds; `noise`: omega, in log-odds, None for an exact expert; `incoherent`: smallest sets of the expert's
    own statements that cannot all hold; `conflicts`: such sets with statements of others; `summary`: all in words;
    `distances`: the way from each number to what is implied for it, where one expert was asked about; `agreement`: of
    several coders of the expert's words.
    """

    expert: str
    name: str
    group: str
    weight: float
    statements: tuple[StatementRow, ...]
    deviation: Spread | None
    noise: Spread | None
    record: Record
    incoherent: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    summary: str
    distances: tuple[Distance, ...] = ()
    agreement: Agreement | None = None


@dataclass(frozen=True, kw_only=True)
class Coders:
    """How far the coders of all remarks that were coded twice agree, and the sd between them, `kappa`, in log-odds."""

    agreement: Agreement
    kappa: Spread

    def __str__(self) -> str:
        """Tell it in a sentence."""
        low, high = self.kappa.quantiles
        return f"{self.agreement}; sd between coders {self.kappa.mean:.2f} ({low:.2f} to {high:.2f})"


def coders(found: Outcome) -> Coders | None:
    """Compare the coders of all remarks known on the as-of date; None where no probability was coded twice."""
    told = agreement(found.workspace, active_statements(found.workspace, found.as_of))
    fit = found.posterior.base.fit()[0]
    return None if told is None else Coders(agreement=told, kappa=_summed(fit["kappa"].ravel()))


def expert_table(found: Outcome) -> tuple[ExpertRow, ...]:
    """Describe every expert with a statement by the as-of date, in id order."""
    workspace, spec = found.workspace, found.posterior.spec
    told = statement_rows(found, fit := found.posterior.base.fit()[0])
    by_id = {row.id: row for row in told}
    active = active_statements(workspace, found.as_of)
    sets = conflicts(workspace, found.layout, active)
    records = track_records(workspace, found.as_of)
    speaker = {statement.id: statement.expert for statement in active}
    rows = []
    for place, name in enumerate(spec.experts):
        own = [by_id[statement.id] for statement in active if statement.expert == name]
        touching = [ids for ids in sets if any(speaker[one] == name for one in ids)]
        expert = workspace.experts[name]
        row = ExpertRow(
            expert=name,
            name=expert.name,
            group=expert.group,
            weight=expert.weight,
            statements=tuple(own),
            deviation=_deviation(spec, fit, [row.id for row in own]),
            noise=None if expert.exact else _summed(fit["omega"].reshape(-1, len(spec.experts))[:, place]),
            record=_record(spec, fit, name, records.get(name, [])),
            incoherent=tuple(tuple(ids) for ids in touching if all(speaker[one] == name for one in ids)),
            conflicts=tuple(tuple(ids) for ids in touching if any(speaker[one] != name for one in ids)),
            summary="",
            agreement=agreement(workspace, [one for one in active if one.expert == name]),
        )
        rows.append(replace(row, summary=summary(row, _typical(fit))))
    return tuple(rows)


def _typical(fit: Mapping[str, Array]) -> float:
    """Return the mean noise over all experts: what the quiet and the loud are compared with."""
    return float(fit["omega"].mean())


def _summed(values: Array) -> Spread:
    low, high = np.quantile(values, LEVELS).tolist()
    return Spread(mean=float(values.mean()), quantiles=(low, high))


def _deviation(spec: PriorSpec, fit: Mapping[str, Array], names: Sequence[str]) -> Spread | None:
    """Average the deviations over the single numbers of an expert; None where there is none."""
    n_stated = spec.stated.location.size
    rows = [column[0] for name, column in statement_columns(spec).items() if name in names and column[0] < n_stated]
    if not rows or not spec.deviation_labels:
        return None
    columns, weights = spec.deviations.padded()
    deviation = fit["deviation"].reshape(-1, len(spec.deviation_labels))
    return _summed((deviation[:, columns[rows]] * weights[rows]).sum(axis=2).mean(axis=1))


def _record(spec: PriorSpec, fit: Mapping[str, Array], name: str, resolved: Sequence[tuple[float, int]]) -> Record:
    brier, learned = None, dict[str, Spread]()
    if resolved:
        brier = float(np.mean([(expit(location) - happened) ** 2 for location, happened in resolved]))
    if name in spec.rated:
        place = spec.rated.index(name)
        learned = {part: _summed(fit[part].reshape(-1, len(spec.rated))[:, place]) for part in ("bias", "slope")}
    return Record(
        resolved=len(resolved), needed=LEAST_RECORD, brier=brier, bias=learned.get("bias"), slope=learned.get("slope")
    )


def summary(row: ExpertRow, typical_noise: float) -> str:
    """Tell an expert's row in a paragraph; every sentence says what a number in the row says."""
    own = row.statements
    events = sorted({one.event for one in own})
    n = len(own)
    on = events[0] if len(events) == 1 else f"{len(events)} events"
    parts = [f"{row.name} ({row.group.replace('_', ' ')}) made {n} statement{'s' * (n != 1)} on {on}."]
    far = sorted((one for one in own if one.disagrees), key=lambda one: -abs(one.residual or 0.0))
    if far:
        worst = far[0]
        parts.append(
            f"The model ends more than {DISAGREES:g} sd away from {len(far)} of them; farthest from “{worst.says}”: "
            f"coded as {worst.coded}, implied {worst.implied} ({worst.residual_shown} sd)."
        )
    else:
        parts.append(f"The model ends within {DISAGREES:g} sd of {'it' if n == 1 else 'all of them'}.")
    if (deviation := row.deviation) is not None and abs(deviation.mean) >= SAYS_AS_MUCH:
        more = "more" if deviation.mean > 0 else "less"
        by = f"{abs(deviation.mean):.1f} log-odds on average"
        parts.append(f"On what is asked, group and coder say {more} than the model, by {by}.")
    if row.agreement is not None:
        parts.append(f"{row.agreement}.")
    parts.append(_on_noise(row.noise, typical_noise))
    parts.append(_on_record(row.record))
    if row.incoherent:
        sets = "; ".join(" with ".join(ids) for ids in row.incoherent)
        parts.append(f"Not all of this can hold at once: {sets}.")
    if row.conflicts:
        parts.append(f"{len(row.conflicts)} contradiction{'s' * (len(row.conflicts) != 1)} with others.")
    return " ".join(parts)


def _on_noise(noise: Spread | None, typical: float) -> str:
    if noise is None:
        return "What is stated follows from a rule: it is read without extra noise."
    ratio = noise.mean / typical
    word = "as large as" if QUIET <= ratio <= LOUD else "smaller than" if ratio < QUIET else "larger than"
    return f"The extra noise of {noise.mean:.2f} log-odds is {word} that of the others."


def _on_record(record: Record) -> str:
    if record.slope is None or record.bias is None or record.brier is None:
        return f"No track record counts yet ({record.resolved} of {record.needed} resolved forecasts)."
    bias, slope = record.bias.mean, record.slope.mean
    direction = "too high" if bias > 0 else "too low"
    stretch = "too far from" if slope > 1 else "too near to"
    return (
        f"{record.resolved} forecasts are resolved, with a Brier score of {score(record.brier, 3)}: on average "
        f"{abs(bias):.1f} log-odds {direction}, and {stretch} one half by a factor of {max(slope, 1 / slope):.1f}."
    )


# What became of each source: its reliability before and now, its items, and how far the forecast agrees with them.


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
