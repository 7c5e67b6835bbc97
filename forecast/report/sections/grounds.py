"""What the forecast rests on: evidence, expert statements, and both apart from what is assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.analysis.experts import coders
from forecast.analysis.remedies import kept_remedies
from forecast.analysis.statements import StatementRow, statement_rows
from forecast.ledger.outcome import Outcome
from forecast.model.history import active_items
from forecast.model.reports import Report, verdict
from forecast.plain import Link, as_data, link
from forecast.report.section import Section, Subject, part, plain
from forecast.sampling.likelihood import DISAGREES
from forecast.sampling.spec import SD_COUNT, SD_DEVIATION, SD_EXPERT
from forecast.words import counted, event_names, label, long_date, scenario_names
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.records import Bearing, Item, OnEvent, OnScenarios, Settled

CREDIBILITY = {1: "confirmed", 2: "probably true", 3: "possibly true", 4: "doubtful", 5: "improbable", 6: "not judged"}
NO_WEIGHT = 0.05  # decibans: shown as 0.0
DISAGREEING = 3  # named in the brief


@dataclass(frozen=True, kw_only=True)
class BearingRow:
    """An event, or the scenarios, and how an item bears on it.

    `towards`: the states (the scenarios) under which the report is likeliest; empty where it settles the event, or is
    as likely under all.
    """

    event: str
    how: str
    settles: bool
    towards: str


@dataclass(frozen=True, kw_only=True)
class EvidenceRow:
    """An item: when it was known, who reported it, what it bears on, what it weighs now and whether it still counts.

    `copy` is 0 for the strongest of its group, then 1, 2, …; `informative` the prior probability that the report is;
    `decibans` the largest weight between two joint states of its events, None where it is without limit.
    """

    id: str
    reported: str
    happened: str | None
    headline: str
    why: str
    link: Link | None
    source: str
    grade: str
    credibility: int
    credibility_word: str
    bears_on: Sequence[BearingRow]
    group: str | None
    copy: int | None
    informative: float | None
    decibans: float | None
    counts: bool
    weight: str
    standing: str


def evidence_rows(outcome: Outcome) -> list[EvidenceRow]:
    """Describe every item known on the as-of date, the latest first."""
    items = [item for item in outcome.workspace.items if item.reported <= outcome.as_of]
    active = {item.id for item in active_items(items, outcome.as_of)}
    reports = {report.item: report for report in outcome.posterior.asked.network.reports}
    successor = {item.supersedes: item.id for item in items if item.supersedes}
    rows = [
        _evidence_row(outcome, item, reports.get(item.id), item.id in active, successor.get(item.id)) for item in items
    ]
    return sorted(rows, key=lambda row: (row.reported, row.id), reverse=True)


def _evidence_row(
    outcome: Outcome, item: Item, report: Report | None, counts: bool, successor: str | None
) -> EvidenceRow:
    source = outcome.workspace.sources[item.report_source]
    weight, standing = _standing(item, report, counts, successor, _verdicts(outcome, item) if report else "")
    return EvidenceRow(
        id=item.id,
        reported=item.reported.isoformat(),
        happened=item.happened.isoformat() if item.happened and item.happened != item.reported else None,
        headline=item.headline,
        why=item.why,
        link=link(item.url),
        source=source.name,
        grade=source.reliability,
        credibility=item.credibility,
        credibility_word=CREDIBILITY[item.credibility],
        bears_on=[_bearing(bearing, outcome) for bearing in item.bears_on],
        group=item.group,
        copy=report.copy if report else None,
        informative=report.informative if report else None,
        decibans=report.decibans if report and report.decibans < float("inf") else None,
        counts=counts,
        weight=weight,
        standing=standing,
    )


def _verdicts(outcome: Outcome, item: Item) -> str:
    """Say whether what an item claims was so on its day; nothing while that is open."""
    layout, known = outcome.layout, outcome.posterior.asked.network.known
    parts = [part for part in item.bears_on if isinstance(part, OnEvent)]
    verdicts = {verdict(layout, known, item, part) for part in parts} - {None}
    return " and ".join(f"{'true' if was_true else 'false'} when claimed" for was_true in sorted(verdicts, key=bool))


def _standing(item: Item, report: Report | None, counts: bool, successor: str | None, judged: str) -> tuple[str, str]:
    """Say what an item weighs now, and what became of it."""
    if not counts:
        gone = f"superseded by {successor}" if successor else f"retracted {long_date(item.retracted or item.reported)}"
        return "none", gone
    settled = any(isinstance(bearing, Settled) for bearing in item.bears_on)
    if report is None:
        return "settled", "settled"
    size = f"{report.decibans:.1f} dB" if report.decibans < float("inf") else "decisive"
    worn = judged or ("decayed" if report.decibans < NO_WEIGHT else "")
    copied = f"copy {report.copy} of a stronger report" if report.copy else ""
    standing = ", ".join(text for text in (copied, worn) if text) or "counts"
    return (f"settled + {size}" if settled else size), standing


def _bearing(bearing: Bearing, outcome: Outcome) -> BearingRow:
    about = event_names(outcome)[bearing.event] if isinstance(bearing, OnEvent) else "scenarios"
    settles = isinstance(bearing, Settled)
    towards = "" if settles else " or ".join(_favoured(bearing, outcome))
    return BearingRow(event=about, how=evidence_form(bearing).words(bearing), settles=settles, towards=towards)


def _favoured(bearing: Bearing, outcome: Outcome) -> list[str]:
    """Return the states of an event, or the scenarios, under which a report is likeliest; none if under all.

    Of a reached event those count that are still possible.
    """
    if isinstance(bearing, OnEvent):
        layout, paths = outcome.layout, outcome.posterior.asked.network.known.paths
        v = layout.index[bearing.event]
        event, path = layout.events[v], paths.get(v)
        first = path.on(path.until) if path and event.kind == "reached" else 0
        likelihood = evidence_form(bearing).likelihood(bearing, event)[first:]
        said = dict(zip(map(label, event.states[first:]), likelihood, strict=True))
    elif isinstance(bearing, OnScenarios):
        names = scenario_names(outcome)
        said = {names.get(name, name): number for name, number in bearing.ratios.items()}
    else:
        return []
    best = [name for name, ratio in said.items() if ratio == max(said.values())]
    return best if len(best) < len(said) else []


@part
def evidence(subject: Subject) -> list[EvidenceRow]:
    """Return the page's items of evidence."""
    return evidence_rows(subject.outcome)


@part
def statements(subject: Subject) -> list[StatementRow]:
    """Return the page's expert statements."""
    return statement_rows(subject.outcome, subject.fit)


@dataclass(frozen=True, kw_only=True)
class EvidenceShown:
    """What the section of evidence shows."""

    evidence: Sequence[EvidenceRow]
    as_of: str


class EvidenceSection(Section):
    """Every item known on the as-of date, and what it weighs."""

    id, title, group, place = "evidence", "Evidence", "What it rests on", 100
    entries: ClassVar[Mapping[str, int]] = {"evidence": 190}

    @classmethod
    def shown(cls, subject: Subject) -> EvidenceShown:
        """Return the items."""
        return EvidenceShown(evidence=evidence(subject), as_of=subject.outcome.as_of.isoformat())

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the items."""
        return {"evidence": evidence(subject)}


@dataclass(frozen=True, kw_only=True)
class StatementsShown:
    """What the section of statements shows; `by_publication` groups them by who said them where, when, coded by whom.

    `remedies`: what can be done about each statement that disagrees, by its id; `coders`: how far several coders agree.
    """

    statements: Sequence[StatementRow]
    disagreements: Sequence[StatementRow]
    remedies: Mapping[str, str]
    disagrees_above: float
    coders: str
    by_publication: Sequence[tuple[StatementRow, Sequence[StatementRow]]]


class StatementsSection(Section):
    """What experts said, what it was coded as, where the model ended, and who disagrees."""

    id, title, group, place = "statements", "Expert statements", "What it rests on", 110
    entries: ClassVar[Mapping[str, int]] = {
        "statements": 200,
        "disagreements": 210,
        "disagrees_above": 220,
        "coders": 225,
    }

    @classmethod
    def shown(cls, subject: Subject) -> StatementsShown:
        """Return the statements, by event and by publication."""
        groups: dict[tuple[object, ...], list[StatementRow]] = {}
        for row in sorted(statements(subject), key=lambda row: (row.expert, row.date, row.coded_by or "")):
            said_in = (row.expert, row.date, row.coded_by, row.publisher, row.link and row.link.url)
            groups.setdefault(said_in, []).append(row)
        return StatementsShown(
            statements=statements(subject),
            disagreements=_disagreements(subject),
            remedies=_remedies(subject) if _disagreements(subject) else {},
            disagrees_above=DISAGREES,
            coders=_between_coders(subject),
            by_publication=[(rows[0], rows) for rows in groups.values()],
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the statements, and those that disagree."""
        return {
            "statements": statements(subject),
            "disagreements": _disagreements(subject),
            "disagrees_above": DISAGREES,
            "coders": as_data(coders(subject.outcome)),
        }

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Name the experts who disagree most visibly."""
        rows = _disagreements(subject)[:DISAGREEING]
        listed = "; ".join(f"{row.expert} on {row.event} ({row.residual_shown} sd)" for row in rows)
        nobody = "No expert's statement ends far from what all statements together imply."
        return ["## Who disagrees", plain(f"{listed}.") if rows else nobody]


def _between_coders(subject: Subject) -> str:
    found = coders(subject.outcome)
    return "Each remark has one coder." if found is None else f"{found}."


def _remedies(subject: Subject) -> dict[str, str]:
    found = subject.outcome
    return kept_remedies(found.workspace, found.as_of, found.seed, found.posterior.spec, found.posterior.base)


def _disagreements(subject: Subject) -> list[StatementRow]:
    return [row for row in statements(subject) if row.disagrees]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Something that enters the forecast: evidence, judgement or assumption, and the section that has more of it."""

    kind: str
    what: str
    where: str


@part
def grounds(subject: Subject) -> list[Ground]:
    """List what enters the forecast by its nature, with numbers (ICD 203, section D.6.e.(3))."""
    said, events = statements(subject), subject.outcome.layout.events
    counting = [row for row in evidence(subject) if row.counts]
    settled = sum(row.weight.startswith("settled") for row in counting)
    by_experts = [row for row in said if row.voice == "expert"]
    own = sum(row.coded_by is None for row in by_experts)
    editors, rules = (sum(row.voice == voice for row in said) for voice in ("editors", "rule"))
    grades = sorted({row.grade for row in counting})
    free = without_statement(subject)
    reports, coded = len(counting) - settled, len(by_experts) - own
    graded = (
        f"How far a source of grade {', '.join(grades) or 'A to F'} can be relied on, before its reports are compared."
    )
    errors = (
        f"How statements err: a group's deviation with sd {SD_DEVIATION:g}, an expert's own noise of scale "
        f"{SD_EXPERT:g}, a reference class against the case at hand with sd {SD_COUNT:g}, in log-odds."
    )
    facts = f"{counted(settled, 'report')} of public, hard and dated facts, taken as true."
    heard = f"{counted(reports, 'report')}, weighed by grade and credibility; any may be wrong."
    numbered = f"{counted(coded, 'statement')} by experts that an editor coded, with a wide interval."
    ruled = f"{counted(rules, 'statement')} that a rule settles: how events are resolved."
    rows = [
        ("evidence", facts, "evidence"),
        ("evidence", heard, "evidence"),
        ("judgement", f"{counted(own, 'statement')} by experts with figures of their own.", "statements"),
        ("judgement", numbered, "statements"),
        ("judgement", f"{counted(editors, 'statement')} of the editors' own.", "statements"),
        ("assumption", ruled, "statements"),
        ("judgement", f"Which of {counted(len(events), 'event')} depends on which; the rules of scenarios.", "network"),
        ("assumption", graded, "evidence"),
        ("assumption", errors, "model"),
        ("assumption", _timing(subject.outcome), "model"),
        ("assumption", f"{counted(free, 'event')} that no statement is about: the default prior holds.", "checks"),
    ]
    return [Ground(kind=kind, what=what, where=where) for kind, what, where in rows]


def without_statement(subject: Subject) -> int:
    """Count the events that no statement is about."""
    about = {row.event_id for row in statements(subject)}
    return sum(event.id not in about for event in subject.outcome.layout.events)


def _timing(outcome: Outcome) -> str:
    timed = sum(event.timing is not None for event in outcome.layout.events)
    text = "An open step is as likely on one day as on the next, given its causes"
    return f"{text}, but for {counted(timed, 'event')} with a timing of its own." if timed else f"{text}."


@dataclass(frozen=True, kw_only=True)
class GroundsShown:
    """What the section of grounds shows."""

    grounds: Sequence[Ground]


class GroundsSection(Section):
    """Evidence, judgement and assumption, told apart."""

    id, title, group, place = "grounds", "Evidence, judgement, assumption", "What it rests on", 120
    entries: ClassVar[Mapping[str, int]] = {"grounds": 230}

    @classmethod
    def shown(cls, subject: Subject) -> GroundsShown:
        """Return the grounds."""
        return GroundsShown(grounds=grounds(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the grounds."""
        return {"grounds": grounds(subject)}
