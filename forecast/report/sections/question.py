"""The question: window, horizon, what is known until when, and what resolves each event."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from forecast.cpt import KINDS
from forecast.cpt.additive import (
    MEAN_RISE,
    SD_ALPHA,
    SD_ALPHA_STATED,
    SD_BETA,
    SD_EPSILON,
    SD_RISE,
    SD_TABLE,
    SD_TABLE_STATED,
)
from forecast.cpt.noisy_or import MEAN_LEAK, MEAN_RAISE, SD_LEAK, SD_LINK, SD_RAISE, SD_STATED
from forecast.ledger.outcome import Outcome
from forecast.report.section import Recorded, Section, Subject, part
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import SD_BIAS, SD_COUNT, SD_DEVIATION, SD_EXPERT, SD_SLOPE
from forecast.words import conditions, event_name, event_names, label, requirements
from forecast.workspace.records import Event

CODE = re.compile(r"`(\w+)`")  # an event in a rule of resolution


@dataclass(frozen=True, kw_only=True)
class ResolvedEvent:
    """An event of the question, what resolves it, and what its states cannot be without, a line each."""

    id: str
    label: str
    question: str
    kind: str
    role: str
    states: Sequence[str]
    resolves: str
    requires: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class RuleByNames:
    """A scenario and its own rule, in the names of events and states."""

    scenario: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """The question: window, horizon, what is known until when, rules, and what resolves each event; days are ISO dates.

    `rules` are in the order in which they are read: the first that holds wins.
    """

    title: str
    as_of: str
    opens: str
    horizon: str
    known_until: str
    watched_until: str | None
    rules: Sequence[RuleByNames]
    events: Sequence[ResolvedEvent]


def asked_question(outcome: Outcome) -> AskedQuestion:
    """Describe the question."""
    watched, names = outcome.workspace.watched_until, event_names(outcome)
    return AskedQuestion(
        title=outcome.workspace.network.title,
        as_of=outcome.as_of.isoformat(),
        opens=outcome.layout.opens.isoformat(),
        horizon=outcome.layout.horizon.isoformat(),
        known_until=outcome.posterior.asked.network.known.until.isoformat(),
        watched_until=watched.isoformat() if watched else None,
        rules=[RuleByNames(scenario=one.name, rule=conditions(one.when, names)) for one in outcome.workspace.scenarios],
        events=[
            ResolvedEvent(
                id=event.id,
                label=event_name(event),
                question=event.question,
                kind=event.kind,
                role=event.role,
                states=[label(state) for state in event.states],
                resolves=_named(event, names),
                requires=requirements(event, names),
            )
            for event in outcome.layout.events
        ],
    )


def _named(event: Event, names: Mapping[str, str]) -> str:
    """Write the events that a rule names between backticks, and its own states, as the page names them."""
    text = CODE.sub(lambda found: names.get(found[1], found[0]), event.resolves)
    for state in event.states:
        text = re.sub(rf"(?<![\w.-]){re.escape(state)}(?![\w-])", label(state), text)
    return text


@part
def question(subject: Subject) -> AskedQuestion:
    """Return the page's question."""
    return asked_question(subject.outcome)


@dataclass(frozen=True, kw_only=True)
class QuestionShown:
    """What the section of the question shows."""

    question: AskedQuestion


class QuestionSection(Section):
    """What is being forecast, and what resolves it."""

    id, title, group, place = "question", "Question, window and rules", "In short", 20
    entries: ClassVar[Mapping[str, int]] = {"question": 20}

    @classmethod
    def shown(cls, subject: Subject) -> QuestionShown:
        """Return the question."""
        return QuestionShown(question=question(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the question."""
        return {"question": question(subject)}


# The model, and how to get the same numbers again.


@dataclass(frozen=True, kw_only=True)
class PriorRow:
    """A part of the prior: its symbol, what it is, its distribution, and how many of it this forecast has."""

    symbol: str
    what: str
    distribution: str
    entries: int


@part
def priors(subject: Subject) -> list[PriorRow]:
    """List every prior of the forecast with its symbol (Kruschke 2021, "Bayesian analysis reporting guidelines")."""
    spec = subject.outcome.posterior.spec
    of_statements = [
        (
            "δ",
            "deviation of a group or coder from the implied log-odds of a state",
            f"Normal(0, {SD_DEVIATION:g}²), summing to zero over the states",
            len(spec.deviation_labels),
        ),
        ("ω", "extra noise of an expert, log-odds", f"HalfNormal({SD_EXPERT:g})", len(spec.experts)),
        ("b", "bias of an expert with a track record, log-odds", f"Normal(0, {SD_BIAS:g}²)", len(spec.rated)),
        ("k", "slope of an expert with a track record", f"ln k ~ Normal(0, {SD_SLOPE:g}²)", len(spec.rated)),
        ("e", "log-odds of a count's class less those of the event", f"Normal(0, {SD_COUNT:g}²)", len(spec.counted)),
        (
            "λ",
            "common precision of a distribution's coordinates: so they are a multivariate t",
            f"Gamma({DEGREES_OF_FREEDOM / 2:g}, {DEGREES_OF_FREEDOM / 2:g})",
            spec.n_distributions,
        ),
    ]
    rows = [*_table_priors(subject.outcome), *of_statements, *_source_priors(subject.outcome)]
    return [PriorRow(symbol=a, what=b, distribution=c, entries=n) for a, b, c, n in rows if n]


def _table_priors(outcome: Outcome) -> list[tuple[str, str, str, int]]:
    """Return the priors of the tables' coefficients, by kind of table: symbol, what it is, distribution, how many."""
    spec, events = outcome.posterior.spec, outcome.layout.events

    def count(kinds: Sequence[str], part: Sequence[str], *, rises: bool = False) -> int:
        of = {event.id for event in events if event.cpt.kind in kinds}
        return sum(label.partition("[")[0] in of and (" rise " in label) == rises for label in part)

    rows, between = spec.rows, f"{SD_BETA * sqrt(2.0):.2g}"
    causes = ("noisy_or", "noisy_max")
    rise = f"softplus(Normal({MEAN_RISE:g}, {SD_RISE:g}²)) over all of its states"
    return [
        (
            "α",
            f"level of an event's table, log-odds between two states; sd {SD_ALPHA_STATED:g} where it is stated",
            f"Normal(0, {SD_ALPHA:g}²)",
            count(("shared", "logistic"), rows.alpha),
        ),
        (
            "β",
            "effect of a parent, between two of its states, over the root of the number of parents",
            f"Normal(0, {between}²), summing to zero",
            count(("shared", "logistic", "table"), rows.beta),
        ),
        (
            "d",
            "effect of a parent that only raises or lowers the event",
            rise,
            count(tuple(KINDS), rows.beta, rises=True),
        ),
        (
            "ε",
            "a row's own deviation, between two states",
            f"Normal(0, {SD_EPSILON:g}²)",
            count(("shared",), rows.epsilon),
        ),
        (
            "η",
            "a row that shares nothing, between two states",
            f"Normal(0, {SD_TABLE:g}²)",
            count(("table",), rows.epsilon),
        ),
        (
            "α",
            "what all such rows share where they are stated",
            f"Normal(0, {SD_TABLE_STATED:g}²)",
            count(("table",), rows.alpha),
        ),
        (
            "leak",
            f"what happens without any of the causes, log-odds; sd {SD_STATED:g} where it is stated",
            f"Normal({MEAN_LEAK:g}, {SD_LEAK:g}²)",
            count(causes, rows.alpha),
        ),
        (
            "link",
            "what a cause does by itself, log-odds; with compound links what it adds to the leak's",
            f"Normal(0, {SD_LINK:g}²); softplus(Normal({MEAN_RAISE:g}, {SD_RAISE:g}²))",
            count(causes, rows.beta),
        ),
    ]


def _source_priors(outcome: Outcome) -> list[tuple[str, str, str, int]]:
    """Return the prior of the reliability of sources, by grade."""
    drawn, sources = outcome.posterior.reliabilities.sources, outcome.workspace.sources
    grades: dict[tuple[float, float], int] = {}
    for name in drawn:
        grade = sources[name].grade
        grades[grade.mean, grade.certainty] = grades.get((grade.mean, grade.certainty), 0) + 1
    return [
        (
            "r",
            f"reliability of a source, by its grade worth {certainty:g} reports",
            f"Beta({mean * certainty:g}, {(1.0 - mean) * certainty:g})",
            n,
        )
        for (mean, certainty), n in sorted(grades.items(), reverse=True)
    ]


@dataclass(frozen=True, kw_only=True)
class ModelShown:
    """What the section of the model shows beside its formulas: the priors."""

    priors: Sequence[PriorRow]


class ModelSection(Section):
    """The formulas of the model, its priors, and its limits."""

    id, title, group, place = "model", "Model", "Method", 210
    entries: ClassVar[Mapping[str, int]] = {"priors": 335}

    @classmethod
    def shown(cls, subject: Subject) -> ModelShown:
        """Return the priors."""
        return ModelShown(priors=priors(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the priors."""
        return {"priors": priors(subject)}


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How to get the same numbers again: command, seed, versions, draws, ledger line, digests of the files."""

    command: str
    seed: int
    draws: str
    version: str
    versions: Mapping[str, str]
    line: Mapping[str, object] | None
    number: int | None
    sentence: str
    note: str | None
    files: Mapping[str, str]


def reproduction(outcome: Outcome, recorded: Recorded) -> Reproduction:
    """Describe how to get the same numbers again."""
    is_recorded = recorded.number is not None
    return Reproduction(
        command=f"forecast update --as-of {outcome.as_of.isoformat()} --seed {outcome.seed}",
        seed=outcome.seed,
        draws=outcome.posterior.draws.digest,
        version=recorded.line.version,
        versions=dict(recorded.line.versions),
        line=recorded.line.as_json() if is_recorded else None,
        number=recorded.number,
        sentence=recorded.sentence,
        note=recorded.line.note if is_recorded else None,
        files=dict(sorted(outcome.workspace.digests.items())),
    )


@part
def reproduce(subject: Subject) -> Reproduction:
    """Return how to get the page's numbers again."""
    return reproduction(subject.outcome, subject.material.recorded)


@dataclass(frozen=True, kw_only=True)
class ReproduceShown:
    """What the section about getting the same numbers again shows."""

    reproduce: Reproduction


class ReproduceSection(Section):
    """How to get the same numbers again."""

    id, title, group, place = "reproduce", "Reproduce", "Method", 220
    entries: ClassVar[Mapping[str, int]] = {"reproduce": 340}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Return the command."""
        return reproduce(subject).command

    @classmethod
    def shown(cls, subject: Subject) -> ReproduceShown:
        """Return how to get the same numbers again."""
        return ReproduceShown(reproduce=reproduce(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return how to get the same numbers again."""
        return {"reproduce": reproduce(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Say where the whole report is, and how to draw it again."""
        path = f"`reports/{subject.outcome.as_of.isoformat()}/report.html`"
        return ["---", f"The whole report: {path}. Again: `{reproduce(subject).command}`."]
