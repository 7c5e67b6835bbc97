"""Read `priors/questions.yaml`: dated questions about events, each with its rule, base rate and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.names import (
    Frame,
    chosen,
    duplicates,
    last_horizon,
    unknown_choice,
    unknown_event,
    unknown_name,
)
from forecast.workspace.nodes import Cursor, ListNode, Node
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.records import BaseRate, Condition, Publication, Question
from forecast.workspace.renames import NO_RENAMES, Renames
from forecast.workspace.shapes import Day, Name, Shape, States, Text, UnitProbability, hold
from forecast.workspace.statement_forms.registry import PublicationShape


class AboutShape(Shape):
    """The event, and its states that mean yes."""

    event: Name
    state: States


class BaseRateShape(Shape):
    """A forecast that knows nothing but how often such a thing happens."""

    probability: UnitProbability
    source: PublicationShape
    why: Text


class QuestionShape(Shape):
    """A dated question about one event."""

    format: Literal[1] | None = None
    id: Name
    question: Text
    about: AboutShape
    by: Day
    resolves: Text
    opens: Day | None = None
    topic: Text | None = None
    source: PublicationShape | None = None
    base_rate: BaseRateShape | None = None
    benchmarks: Annotated[list[Name], Field(min_length=1)] | None = None
    caution: Text | None = None


NO_TOPIC = "general"


@dataclass(frozen=True)
class QuestionsRead:
    """The questions that are right, the ids of all, and the problems found."""

    questions: tuple[Question, ...]
    ids: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_questions(
    node: Node, path: str, frame: Frame, series: Sequence[str], renames: Renames = NO_RENAMES
) -> QuestionsRead:
    """Read the file; `series` are the ids of the benchmarks that there are.

    A series that is called like a question, or as it was before a rename, belongs to it without being named."""
    questions: list[Question] = []
    ids: list[tuple[str, Source]] = []
    problems: list[Problem] = []
    for number, entry in enumerate(Cursor.over(node, path).items(), 1):
        question_id = entry.text("id")
        subject = f"question {shown(question_id)}" if question_id else f"question number {number}"
        if question_id is not None:
            where = entry.at("id").source
            ids.append((question_id, where))
            if (other := frame.names.at.get(question_id)) is not None:
                what, allowed = f"{subject} is called like an event or a scenario", f"that one is at {other}"
                problems.append(Problem(where, what, "", allowed))
        question, more = _read_question(entry.called(subject), frame, series, renames)
        problems += more
        if question is not None:
            questions.append(question)
    problems += duplicates(ids, "question")
    return QuestionsRead(tuple(questions), tuple(dict.fromkeys(name for name, _ in ids)), tuple(problems))


def _read_question(
    at: Cursor, frame: Frame, series: Sequence[str], renames: Renames
) -> tuple[Question | None, tuple[Problem, ...]]:
    checked = hold(QuestionShape, at, frame.today)
    problems = [*checked.problems, *_references(at, frame, series)]
    shape = checked.shape
    if shape is None or frame.network is None:
        return None, tuple(problems)
    opens = shape.opens or frame.network.opens
    problems += _days(shape, checked.at, frame)
    states = chosen(frame.names, shape.about.event, shape.about.state)
    if states is None:
        return None, tuple(problems)
    if states == frame.names.states(shape.about.event):
        what = f"every state of {shown(shape.about.event)} is named, which is certain"
        problems.append(checked.at.at("about", "state").problem(what, "", "name the states that mean yes"))
    called = (shape.id, *renames.formerly("question", shape.id))
    own = tuple(name for name in called if name in series and name not in (shape.benchmarks or ()))
    question = Question(
        id=shape.id,
        question=shape.question,
        about=Condition(shape.about.event, states),
        by=shape.by,
        opens=opens,
        topic=shape.topic or NO_TOPIC,
        resolves=shape.resolves,
        base_rate=_base_rate(shape.base_rate),
        benchmarks=(*(shape.benchmarks or ()), *own),
        source=at.source,
        caution=shape.caution,
        publication=_publication(shape.source),
    )
    return question, tuple(problems)


def _base_rate(shape: BaseRateShape | None) -> BaseRate | None:
    if shape is None:
        return None
    source = shape.source
    return BaseRate(shape.probability, Publication(source.publisher, source.title, source.url), shape.why)


def _publication(shape: PublicationShape | None) -> Publication | None:
    return None if shape is None else Publication(shape.publisher, shape.title, shape.url)


def _references(at: Cursor, frame: Frame, series: Sequence[str]) -> Iterator[Problem]:
    event = at.text("about", "event")
    if event is not None:
        where, known = at.at("about", "event"), frame.events.get(event)
        yield from unknown_event(frame.names, event, where)
        if known is not None and known.kind == "constant":
            what = f"event {shown(event)} is a constant, which no date settles"
            yield where.problem(what, "", "ask about a reached or status event")
    yield from unknown_choice(frame.names, event, at.at("about"), "state")
    for name, place in at.at("benchmarks").texts() if isinstance(at.child("benchmarks"), ListNode) else ():
        yield from unknown_name(tuple(series), name, place, "benchmark")


def _days(shape: QuestionShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    network = frame.network
    if network is None:
        return
    if not network.opens < shape.by <= last_horizon(network):
        allowed = f"after the opening {network.opens}, not after the horizon {last_horizon(network)}"
        yield at.at("by").problem("by lies outside the window", str(shape.by), allowed)
    elif shape.opens is not None and not network.opens <= shape.opens < shape.by:
        allowed = f"from the opening {network.opens} on, before {shape.by}"
        yield at.at("opens").problem("opens lies outside the window", str(shape.opens), allowed)
