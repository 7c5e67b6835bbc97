"""The question: window, horizon, what is known until when, and what resolves each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.ledger.outcome import Outcome
from forecast.report.section import Section, Subject, part
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
