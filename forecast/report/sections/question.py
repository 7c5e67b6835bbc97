"""The question: window, horizon, what is known until when, and what resolves each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.ledger.outcome import Outcome
from forecast.report.section import Recorded, Section, Subject, part
from forecast.words import event_name, event_names, label, requirements


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
class AskedQuestion:
    """The question: window, horizon, what is known until when, and what resolves each event; days are ISO dates."""

    title: str
    as_of: str
    opens: str
    horizon: str
    known_until: str
    watched_until: str | None
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
        events=[
            ResolvedEvent(
                id=event.id,
                label=event_name(event),
                question=event.question,
                kind=event.kind,
                role=event.role,
                states=[label(state) for state in event.states],
                resolves=event.resolves,
                requires=requirements(event, names),
            )
            for event in outcome.layout.events
        ],
    )


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
class ModelShown:
    """What the section of the model shows: nothing of this forecast."""


class ModelSection(Section):
    """The formulas of the model, and its limits."""

    id, title, group, place = "model", "Model", "Method", 210

    @classmethod
    def shown(cls, subject: Subject) -> ModelShown:  # noqa: ARG003  # the same for every forecast
        """Return nothing."""
        return ModelShown()


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
