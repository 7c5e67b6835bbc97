"""Read `priors/questions.yaml`: dated questions about events, each with its rule, base rate and benchmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from forecast.workspace.csv_text import parse_json_lines
from forecast.workspace.names import Frame, duplicates, last_horizon, unknown_event, unknown_name, unknown_state
from forecast.workspace.nodes import (
    ISO_DAY,
    Cursor,
    ListNode,
    MapNode,
    Name,
    Node,
    PastDay,
    Scalar,
    Shape,
    Text,
    exactly_one,
    hold,
    text_at,
)
from forecast.workspace.problems import Problem, Source, choice, quoted, shown
from forecast.workspace.question_kinds import QuestionBuilder, references, shape_at
from forecast.workspace.records import (
    AnyQuestion,
    Condition,
    DatedCondition,
    DateQuestion,
    Event,
    Item,
    JointQuestion,
    NumberQuestion,
    Question,
    ReportSource,
    Resolved,
    Settled,
)
from forecast.workspace.renames import DEFAULT_GRADES, NO_RENAMES, Letter, Renames


@dataclass(frozen=True)
class QuestionsRead:
    """The questions of all kinds that are right, the ids of all, and the problems found.

    `ids` is None where the file could not be read: then no name is reported as unknown.
    """

    questions: tuple[AnyQuestion, ...]
    ids: tuple[str, ...] | None
    problems: tuple[Problem, ...]


def read_questions(
    node: Node, path: str, frame: Frame, series: Sequence[str], renames: Renames = NO_RENAMES
) -> QuestionsRead:
    """Read the file; `series` are the ids of the benchmarks that there are.

    A series that is called like a question, or as it was before a rename, belongs to it without being named."""
    questions: list[AnyQuestion] = []
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
) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
    kind, at, wrong = shape_at(at)
    checked = hold(kind, at, frame.today)
    at = checked.meant
    problems = [*wrong, *checked.problems, *references(at, frame), *_series(at, series)]
    shape = checked.shape
    if shape is None or frame.network is None:
        return None, tuple(problems)
    called = (shape.id, *renames.formerly("question", shape.id))
    named = [name for name, _ in checked.at.at("benchmarks").texts()]
    own = tuple(name for name in called if name in series and name not in named)
    builder = QuestionBuilder(checked.at, frame, shape.opens or frame.network.opens, own)
    question, more = builder.build(shape)
    return question, (*problems, *more)


def _series(at: Cursor, series: Sequence[str]) -> Iterator[Problem]:
    for name, place in at.at("benchmarks").texts() if isinstance(at.child("benchmarks"), ListNode) else ():
        yield from unknown_name(tuple(series), name, place, "benchmark")


# Read `priors/resolutions.jsonl`: how questions ended, and what events are settled in, also as evidence items.


class ResolutionShape(Shape):
    """One line: how a question ended, which state an event is settled in, or that an earlier line is undone."""

    one_of: ClassVar[tuple[str, ...]] = ("question", "event", "undo")

    format: Literal[1] | None = None
    question: Name | None = None
    event: Name | None = None
    undo: Name | None = None
    state: Name | None = None
    void: Literal[True] | None = None
    ambiguous: Literal[True] | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    on: PastDay | None = None
    known: PastDay
    source: Text | None = None
    note: Text | None = None


YES, NO = "yes", "no"
OUTCOME_KEYS = ("state", "value", "void", "ambiguous")


@dataclass(frozen=True)
class _Standing:
    """A line that is not undone: its place among those that are right, or what is said of it until it is undone."""

    where: Source
    known: date
    place: int | None
    told: tuple[Problem, ...] = ()


UNDONE_ALREADY = "it is undone already"


@dataclass
class _Reading:
    """What was read so far; `standing` are the lines that are not undone, by their subject."""

    path: str
    frame: Frame
    questions: Mapping[str, AnyQuestion]
    question_ids: tuple[str, ...] | None  # also of questions that could not be read; None where the file could not
    lines: list[Resolved]
    standing: dict[str, list[_Standing]]
    problems: list[Problem]
    is_whole: bool  # every line could be read as one
    undone: dict[str, Source] = field(default_factory=dict)  # the last line that undoes something of a subject


def read_resolutions(
    content: bytes, path: str, frame: Frame, read: QuestionsRead, renames: Renames = NO_RENAMES
) -> tuple[tuple[Resolved, ...], tuple[Problem, ...]]:
    """Return the lines that are right, in file order, each with the day it was undone on, and the problems found.

    What was renamed since counts under its name of today. A question, event or state that is not there any more is a
    warning, until the line is undone: lines are only added, so that it would otherwise stop everything.
    """
    trees, problems = parse_json_lines(content, path)
    reading = _Reading(path, frame, {q.id: q for q in read.questions}, read.ids, [], {}, list(problems), not problems)
    for tree in trees:
        _read_line(reading, _in_names_of_today(tree, Source(path, tree.line), renames, frame.today))
    reading.problems += [problem for lines in reading.standing.values() for line in lines for problem in line.told]
    return tuple(reading.lines), tuple(reading.problems)


def _read_line(reading: _Reading, tree: MapNode) -> None:
    name = text_at(tree, "question") or text_at(tree, "event") or text_at(tree, "undo")
    at = Cursor.over(tree, reading.path, f"resolution of {shown(name)}" if name else "resolution")
    checked = hold(ResolutionShape, at, reading.frame.today)
    at = checked.meant
    wrong = [*checked.problems, *exactly_one(ResolutionShape, at)]
    unknown = tuple(_let_be(problem, name) for problem in _unknown_names(reading, at))
    shape = checked.shape
    if shape is None or wrong:
        reading.problems += [*wrong, *unknown]
        _stands_although_wrong(reading, tree, name, at)
    elif shape.undo is not None:
        reading.problems += _undo(reading, shape, shape.undo, at)
    elif unknown:
        reading.standing.setdefault(name or "", []).append(_Standing(at.source, shape.known, None, unknown))
    else:
        line, wrong = _resolved(reading, shape, at)
        reading.problems += wrong
        if line is None or wrong:
            _stands_although_wrong(reading, tree, name, at)
            return
        twice = tuple(_already(reading, line.subject, at)) if shape.question is not None else ()
        # Of two lines about one question, as two branches may have them, a later line can undo the second.
        standing = _Standing(at.source, line.known, None if twice else len(reading.lines), twice)
        reading.standing.setdefault(line.subject, []).append(standing)
        reading.lines += [] if twice else [line]


def _stands_although_wrong(reading: _Reading, tree: MapNode, name: str | None, at: Cursor) -> None:
    """Let a line that could not be read count for what later lines undo or repeat: its own message is enough."""
    lines = reading.standing.setdefault(name or "", [])
    if text_at(tree, "undo") is None:
        lines.append(_Standing(at.source, date.min, None))
    elif lines:
        lines.pop()


def _in_names_of_today(tree: MapNode, where: Source, renames: Renames, today: date) -> MapNode:
    """Return a line with what it names called as it is today."""
    known = text_at(tree, "known") or ""
    day = date.fromisoformat(known) if ISO_DAY.fullmatch(known) and _is_day(known) else today
    names: dict[str, str] = {}
    for key in ("question", "event"):
        if (name := text_at(tree, key)) is not None:
            names[key] = renames.today(key, name, where, day)
    if (event := text_at(tree, "event")) is not None and (state := text_at(tree, "state")) is not None:
        names["event"], names["state"] = renames.state_today(event, state, where, day)
    if (name := text_at(tree, "undo")) is not None:
        subjects = (renames.today(kind, name, where, day) for kind in ("question", "event"))
        names["undo"] = next((subject for subject in subjects if subject != name), name)
    if not renames.made or not names:
        return tree
    return replace(
        tree, entries={**tree.entries, **{key: Scalar(name, name, tree.line) for key, name in names.items()}}
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def subjects(content: bytes, path: str) -> tuple[str, ...]:
    """Return what the lines of a file resolve, also what is not there any more."""
    trees, _ = parse_json_lines(content, path)
    names = (text_at(tree, "question") or text_at(tree, "event") for tree in trees)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _let_be(problem: Problem, name: str | None) -> Problem:
    ways = f"`forecast rename OLD NEW` says what it is called now, `forecast resolve {name} --undo` ends it"
    way = f"the line is ignored; {ways}"
    return replace(problem, allowed=f"{way}; {problem.allowed}", severity="warning")


def _unknown_names(reading: _Reading, at: Cursor) -> Iterator[Problem]:
    names = reading.frame.names
    if (question := at.text("question")) is not None:
        yield from unknown_name(reading.question_ids, question, at, "question")
    if (event := at.text("event")) is not None:
        yield from unknown_event(names, event, at)
        if (state := at.text("state")) is not None:
            yield from unknown_state(names, event, state, at)


def _undo(reading: _Reading, shape: ResolutionShape, name: str, at: Cursor) -> Iterator[Problem]:
    extra = [key for key in (*OUTCOME_KEYS, "on") if getattr(shape, key) is not None]
    if extra:
        yield at.problem(f"{quoted(extra)} beside 'undo'", "", "only known, source and note")
        return
    standing, events, ids = reading.standing.get(name), reading.frame.names.events, reading.question_ids
    if not standing and (events is None or ids is None or not reading.is_whole):
        return  # it may be there and could not be read
    if not standing and name not in (events or {}) and name not in (ids or ()):
        yield from unknown_name(ids, name, at, "question")
        return
    if not standing and name in reading.undone:
        # Two branches undid the same line, and a union merge keeps both: nobody may take one out of the file.
        allowed = f"at {reading.undone[name]}; the line is ignored"
        yield at.problem(UNDONE_ALREADY, "", allowed, "warning")
        return
    if not standing:
        yield at.problem("there is nothing to undo", "", "an earlier line that is not undone yet")
        return
    line = standing.pop()
    reading.undone[name] = at.source
    if shape.known < line.known:
        what, allowed = "undone before it was known", f"from {line.known} on, as {line.where} says"
        yield at.problem(what, str(shape.known), allowed)
        return
    if line.place is not None:
        reading.lines[line.place] = replace(reading.lines[line.place], undone=shape.known)


def _resolved(reading: _Reading, shape: ResolutionShape, at: Cursor) -> tuple[Resolved | None, list[Problem]]:
    name = shape.question or shape.event or ""
    question = reading.questions.get(name) if shape.question else None
    problems = list(_outcome_or_not(shape, question, at))
    on = shape.on
    if on is None:
        problems.append(at.problem("missing key 'on'", "", "the day on which it was so"))
        return None, problems
    if shape.known < on:
        problems.append(at.problem("known before it was so", str(shape.known), f"from {on} on"))
    event = None if shape.question else reading.frame.events.get(name)
    if question is not None:
        problems += _question_days(question, reading.frame.events, shape, on, at)
    elif (network := reading.frame.network) is not None and event is not None:
        if not network.opens <= on <= last_horizon(network):
            allowed = f"from {network.opens} to {last_horizon(network)}"
            problems.append(at.problem("on lies outside the window", str(on), allowed))
        if shape.source is None:
            problems.append(at.problem("missing key 'source'", "", "where it can be read"))
    if question is None and event is None:
        return None, problems  # it could not be read, which was said there
    line = Resolved(
        subject=name,
        state=shape.state,
        on=on,
        known=shape.known,
        url=shape.source,
        source=at.source,
        note=shape.note,
        is_ambiguous=bool(shape.ambiguous),
        value=shape.value,
    )
    return line, problems


def _outcome_or_not(shape: ResolutionShape, question: AnyQuestion | None, at: Cursor) -> Iterator[Problem]:
    said = [key for key in OUTCOME_KEYS if getattr(shape, key) is not None]
    if shape.event is not None:
        if said != ["state"]:
            yield at.problem("an event is settled in a state", quoted(said), "state alone")
        return
    own = "value" if isinstance(question, NumberQuestion) else "state"
    others = [key for key in OUTCOME_KEYS if key not in ("state", "value")]
    if len(said) != 1:
        yield at.problem("needs one outcome", quoted(said), f"one of {quoted([own, *others])}")
    elif question is not None and said[0] in ("state", "value") and said != [own]:
        is_number = own == "value"
        what = (
            "a question about a number ends in a 'value'"
            if is_number
            else "only a question about a number has a 'value'"
        )
        yield at.problem(what, quoted(said), f"one of {quoted([own, *others])}")
    elif shape.state is not None and shape.state not in (YES, NO):
        what = f"a question ends in yes or no, not {shown(shape.state)}"
        yield at.problem(what, "", choice("states", shape.state, (YES, NO)))
    if shape.ambiguous is not None and shape.note is None:
        yield at.problem("ambiguous without a note", "", "say what is unclear")
    if (shape.state is not None or shape.value is not None) and shape.source is None:
        yield at.problem("missing key 'source'", "", "where it can be read")


def _question_days(
    question: AnyQuestion, events: Mapping[str, Event], shape: ResolutionShape, on: date, at: Cursor
) -> Iterator[Problem]:
    early_yes = shape.state == YES and ends_early(question, events, shape.known)
    said = "a value" if shape.value is not None else shape.state
    if on < question.opens:
        yield at.problem("on lies before the question opened", str(on), f"from {question.opens} on")
    elif said is not None and on > question.by:
        yield at.problem("on lies after the question's last day", str(on), f"until {question.by}")
    elif said is not None and shape.known < question.by and not early_yes:
        got = f"known on {shape.known}"
        allowed = f"from {question.by} on; until then it can still change"
        yield at.problem(f"{said} before the question's last day", got, allowed)
    elif said is not None and shape.state in (None, NO) and on < question.by:
        yield at.problem(f"{said} holds on the question's last day", str(on), f"on {question.by}")


def ends_early(question: AnyQuestion, events: Mapping[str, Event], day: date) -> bool:
    """Say whether yes is final on a day before the last one: a step that was reached is never undone."""
    match question:
        case Question(about=about):
            return _is_upward(about, events)
        case DateQuestion():
            return True
        case JointQuestion(about=about, given=given):
            conditions = (*about.conditions, *(given.conditions if given else ()))
            no_scenario = about.scenario is None and (given is None or given.scenario is None)
            is_over = (
                isinstance(one, DatedCondition) and one.held_by is not None and one.held_by <= day for one in conditions
            )
            return no_scenario and all(
                over or _is_upward(one, events) for one, over in zip(conditions, is_over, strict=True)
            )
    return False


def _is_upward(about: Condition, events: Mapping[str, Event]) -> bool:
    event = events.get(about.event)
    return (
        event is not None
        and event.kind == "reached"
        and about.states == event.states[event.states.index(about.states[0]) :]
    )


def _already(reading: _Reading, name: str, at: Cursor) -> Iterator[Problem]:
    places = [line.place for line in reading.standing.get(name, ()) if line.place is not None]
    if places:
        earlier = reading.lines[places[-1]]
        value = None if earlier.value is None else f"{earlier.value:g}"
        outcome = earlier.state or value or ("ambiguous" if earlier.is_ambiguous else "void")
        what = f"it is resolved already, as {outcome}"
        way = f"undo that one first; where the file holds both, `forecast resolve {name} --undo` ends this one"
        yield at.problem(what, "", f"at {earlier.source}; {way}")


REPORTER = "resolutions"  # the id of the source of such items
CONFIRMED = 1

# Settled parts stand outside the source mixture: this grade never enters a number.
GRADE: Letter = "A"


def prefix(event: str) -> str:
    """Return what the id of an event's items begins with."""
    return f"resolved-{event}-"


def headline(event: str, state: str) -> str:
    """Return the headline of an item that settles an event."""
    return f"{event.replace('_', ' ')} is settled: {state}"


def resolved_items(resolutions: Iterable[Resolved], events: Mapping[str, object]) -> tuple[Item, ...]:
    """Return an item `resolved-EVENT-DATE` for each line about an event; one that was undone is retracted."""
    items: list[Item] = []
    times: Counter[str] = Counter()
    for line in resolutions:
        if line.subject not in events or line.state is None:
            continue
        name = f"{prefix(line.subject)}{line.on}"
        times[name] += 1
        items.append(
            Item(
                id=name if times[name] == 1 else f"{name}-{times[name]}",
                reported=line.known,
                happened=line.on,
                report_source=REPORTER,
                credibility=CONFIRMED,
                group=None,
                rho=0.0,
                headline=headline(line.subject, line.state),
                url=line.url,
                why=line.note or "Entered as resolved by whoever keeps this workspace, from the source that is named.",
                bears_on=(Settled(line.subject, line.state, line.source),),
                retracted=line.undone,
                supersedes=None,
                source=line.source,
            )
        )
    return tuple(items)


def with_reporter(
    sources: Mapping[str, ReportSource], items: tuple[Item, ...], place: Source
) -> dict[str, ReportSource]:
    """Return the sources with the one of resolved items, if there are any and nobody is called like it."""
    own = ReportSource(REPORTER, "Resolutions", GRADE, DEFAULT_GRADES[GRADE], place)
    return dict(sorted({**({REPORTER: own} if items else {}), **sources}.items()))
