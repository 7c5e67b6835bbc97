"""What a sceptic asks of the forecast first: who disagrees, whose numbers these are, on what it rests, what is idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p

from forecast.report.section import Subject, part
from forecast.report.sections.alternatives import REFIT_ALL, UNCHANGED, alternatives
from forecast.report.sections.grounds import statements
from forecast.report.sections.history import PERCENT, BesideRow, OtherForecast, history
from forecast.report.sections.judgement import scenario_rows
from forecast.report.sections.watch import LEAST, watch
from forecast.report.sections.waterfall import shortened
from forecast.words import counted, event_names, scenario_names
from forecast.workspace.read_benchmarks import authors_of

HEADLINE = 50  # characters of a report's headline
CLEAR_POINT = 0.01  # a change that is told of a report
_LEAST = f"{100 * LEAST:.0f} points"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """The open question on which somebody else is furthest from this forecast, and how their rule differs."""

    question: str
    text: str
    forecaster: str
    day: str
    probability: float
    shown: str
    other: float
    other_shown: str
    caution: str | None


@dataclass(frozen=True, kw_only=True)
class CodedPart:
    """How many statements carry the editors' numbers, and the scenario that moves most without them.

    `shown` is None where the forecast without them has not been computed; `command` then computes it. Both 90 %
    intervals stand by: the forecast's takes the coding as it is.
    """

    statements: int
    of: int
    scenario: str | None
    probability: float | None
    shown: str | None
    ordinary_shown: str | None
    interval: str | None
    ordinary_interval: str | None
    command: str


@dataclass(frozen=True, kw_only=True)
class CarryingReport:
    """The report without which a scenario changes most: its change and the events that the report settles."""

    item: str
    headline: str
    scenario: str
    shown: str
    change: float
    change_shown: str
    settles: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Idle:
    """What moves no scenario: events outside the rules, and reports left out one by one; `of` how many there are."""

    events: int
    events_of: int
    reports: int
    reports_of: int


@dataclass(frozen=True, kw_only=True)
class Caveat:
    """A fact in a sentence or two, and what it is called."""

    title: str
    text: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Caveats:
    """The four facts as numbers, each None where there is none, and all that there are as sentences.

    `in_odds` is the question on which the odds differ most, by factor, where that is another one than in points.
    """

    disagreement: Disagreement | None
    in_odds: Disagreement | None
    coding: CodedPart | None
    datum: CarryingReport | None
    idle: Idle
    told: Sequence[Caveat]


@part
def caveats(subject: Subject) -> Caveats:
    """Return what a sceptic asks first."""
    disagreement, odds = _disagreements(subject)
    coded, datum, idle = _coded(subject), _datum(subject), _idle(subject)
    told = [
        Caveat(title="Who disagrees", text=_on_disagreement(disagreement), where="history"),
        Caveat(title="Whose numbers", text=_on_coding(coded), where="statements"),
        Caveat(title="It depends on", text=_on_datum(datum), where="evidence"),
        Caveat(title="Not moving it", text=_on_idle(idle), where="watch"),
    ]
    return Caveats(
        disagreement=disagreement,
        in_odds=odds,
        coding=coded,
        datum=datum,
        idle=idle,
        told=[one for one in told if one.text],
    )


def _disagreements(subject: Subject) -> tuple[Disagreement | None, Disagreement | None]:
    """Compare probabilities of open questions with the latest numbers of others; judgements of colleagues are none.

    Returns where they differ most in points, and where most in odds if that is elsewhere. A probability of 0 or 1 has
    no odds to compare.
    """
    authors = authors_of(subject.outcome.workspace.benchmarks)
    pairs = [
        _compared(row, other, row.probability)
        for row in history(subject).questions
        if row.probability is not None and row.status == "open"
        for other in row.others
        if other.forecaster not in authors
    ]
    if not pairs:
        return None, None
    most = max(pairs, key=lambda one: (abs(one.other - one.probability), one.question, one.forecaster))
    inner = [one for one in pairs if 0.0 < one.probability < 1.0 and 0.0 < one.other < 1.0]
    odds = max(inner, key=lambda one: (_odds_apart(one), one.question, one.forecaster), default=None)
    return most, None if odds is None or odds.question == most.question else odds


def _compared(row: BesideRow, other: OtherForecast, probability: float) -> Disagreement:
    return Disagreement(
        question=row.id,
        text=row.text,
        forecaster=other.forecaster,
        day=other.day,
        probability=probability,
        shown=row.shown,
        other=other.probability,
        other_shown=other.shown,
        caution=row.caution,
    )


def _odds_apart(row: Disagreement) -> float:
    """Return the ratio of the odds, in log-odds."""
    ours, theirs = (log(p) - log1p(-p) for p in (row.probability, row.other))
    return abs(ours - theirs)


def in_odds(asked: Caveats) -> str:
    """Name the question on which the odds differ most, as a part of a sentence; empty where it is the same one."""
    if (row := asked.in_odds) is None:
        return ""
    return f", in odds most on “{row.text}” ({row.forecaster} {row.other_shown}, here {row.shown})"


def _on_disagreement(row: Disagreement | None) -> str:
    if row is None:
        return "No market or crowd has a number on an open question."
    rule = row.caution.split(". ")[0].rstrip(".") + "." if row.caution else "No difference of rules is noted."
    return f"{row.text} {row.forecaster} {row.other_shown} ({row.day}), here {row.shown}. {rule}"


def _coded(subject: Subject) -> CodedPart | None:
    """Take the alternative without the editors, if anything is theirs."""
    row = next((row for row in alternatives(subject).rows if row.name == "without-editors"), None)
    if row is None:
        return None
    command = f"{REFIT_ALL} --as-of {subject.outcome.as_of.isoformat()}"
    scenarios, shares = scenario_rows(subject), row.scenarios or {}
    moved = [one for one in scenarios if one.id in shares and shares[one.id].change_shown != UNCHANGED]
    most = max(moved, key=lambda one: abs(shares[one.id].change), default=None)
    return CodedPart(
        statements=row.statements,
        of=len(statements(subject)),
        scenario=most.name if most else None,
        probability=shares[most.id].probability if most else None,
        shown=shares[most.id].shown if most else "" if shares else None,
        ordinary_shown=most.shown if most else None,
        interval=shares[most.id].interval if most else None,
        ordinary_interval=most.interval if most else None,
        command=command,
    )


def _on_coding(row: CodedPart | None) -> str:
    if row is None:
        return "No statement carries a number of the editors."
    said = f"{row.statements} of {counted(row.of, 'statement')} carry editors' numbers;"
    if row.scenario:
        there, here = (
            f"{shown} ({(ends or '').removesuffix(PERCENT)})"
            for shown, ends in ((row.shown, row.interval), (row.ordinary_shown, row.ordinary_interval))
        )
        return f"{said} without them: {row.scenario} {there}, not {here}."
    if row.shown is None:
        return f"{said} without them: not computed here."
    return f"{said} without them no scenario clearly moves."


def _datum(subject: Subject) -> CarryingReport | None:
    """Take the report without which any scenario changes most."""
    names, events = scenario_names(subject.outcome), event_names(subject.outcome)
    headlines = {item.id: item.headline for item in subject.outcome.workspace.items}
    rows = {row.id: row for row in scenario_rows(subject)}
    reports = subject.material.answers.dependence.reports
    if not reports:
        return None
    row = reports[0]
    most = max(row.changes, key=lambda name: (abs(row.changes[name]), name))
    return CarryingReport(
        item=row.item,
        headline=headlines.get(row.item, row.item),
        scenario=names[most],
        shown=rows[most].shown,
        change=row.changes[most],
        change_shown=counted(round(100 * abs(row.changes[most])), "point"),
        settles=[events[event] for event in row.settles],
    )


def _on_datum(row: CarryingReport | None) -> str:
    if row is None:
        return "No report counts as yet."
    if abs(row.change) < CLEAR_POINT:
        return "Left out alone, no report changes a scenario by a point."
    report = f"“{shortened(row.headline, HEADLINE).rstrip('.')}”"
    # What a fact's only report settles counts as not having happened once the report is left out.
    if row.settles:
        moves, without = "would lose" if row.change < 0 else "would gain", f"had {report} not happened"
    else:
        moves, without = "loses" if row.change < 0 else "gains", f"without the report {report}"
    return f"{row.scenario} ({row.shown}) {moves} {row.change_shown} {without}."


def _idle(subject: Subject) -> Idle:
    """Count events outside the rules that move no scenario by LEAST, and reports that change none by a point."""
    outside = [row for row in watch(subject).rows if not row.defines]
    rests = subject.material.answers.dependence
    small = [row for row in rests.reports if max(map(abs, row.changes.values())) < CLEAR_POINT]
    return Idle(
        events=sum(all(abs(one.change) < LEAST for one in row.outcomes) for row in outside),
        events_of=len(outside),
        reports=len(small),
        reports_of=len(rests.reports),
    )


def _on_idle(row: Idle) -> str:
    """Say what is idle; empty where there is nothing that could be."""
    events, reports = counted(row.events_of, "event"), counted(row.reports_of, "report")
    if not row.events_of:
        return f"Without any one of {row.reports} of {reports} no scenario moves by a point." if row.reports_of else ""
    said = f"{row.events} of {events} outside rules (under {_LEAST})"
    return f"{said}, {row.reports} of {reports} (under 1)." if row.reports_of else f"{said}."


def apart(row: Disagreement | None) -> float | None:
    """Return how far the disagreement is, in fractions of 1."""
    return None if row is None else abs(row.probability - row.other)
