"""What a question can ask: an event's states, a scenario, either under a condition, a date, a number; and its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field

from forecast.workspace.names import (
    OTHER,
    Frame,
    chosen,
    horizon_on,
    last_horizon,
    unknown_choice,
    unknown_conditions,
    unknown_event,
    unknown_name,
)
from forecast.workspace.nodes import (
    Choice,
    Cursor,
    Day,
    Held,
    HeldShape,
    Name,
    Shape,
    States,
    Text,
    UnitProbability,
    replaced,
)
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import Problem, choice, near, quoted, shown
from forecast.workspace.read_scenarios import covering
from forecast.workspace.records import (
    AnyQuestion,
    BaseRate,
    Condition,
    DatedCondition,
    DatedQuestion,
    DateQuestion,
    JointQuestion,
    NumberCase,
    NumberQuestion,
    OtherRule,
    Proposition,
    Publication,
    Question,
)
from forecast.workspace.statement_forms import PublicationShape


class AboutShape(Shape):
    """The event, and its states that mean yes."""

    event: Name
    state: States


class BaseRateShape(Shape):
    """A forecast that knows nothing but how often such a thing happens, and the ends of its 90 % interval."""

    probability: UnitProbability
    low: UnitProbability | None = None
    high: UnitProbability | None = None
    source: PublicationShape
    why: Text


class OtherRuleShape(Shape):
    """A rule that others resolve by: states, a day, or both that differ from the question's own."""

    name: Text
    about: AboutShape | None = None
    by: Day | None = None
    resolves: Text
    source: PublicationShape | None = None
    benchmarks: Annotated[list[Name], Field(min_length=1)] | None = None
    forecasters: Annotated[list[Text], Field(min_length=1)] | None = None


class AskedShape(Shape):
    """What every question has."""

    format: Literal[1] | None = None
    id: Name
    question: Text
    resolves: Text
    opens: Day | None = None
    topic: Text | None = None
    source: PublicationShape | None = None
    caution: Text | None = None


class YesNoShape(AskedShape):
    """A question that ends in yes or no."""

    base_rate: BaseRateShape | None = None
    benchmarks: Annotated[list[Name], Field(min_length=1)] | None = None
    given: Annotated[dict[Name, Held], Field(min_length=1)] | None = None


class QuestionShape(YesNoShape):
    """A dated question about one event."""

    about: AboutShape
    by: Day
    readings: Annotated[list[OtherRuleShape], Field(min_length=1)] | None = None


class ScenarioQuestionShape(YesNoShape):
    """A question about a scenario, on the horizon where no day is given."""

    scenario: Name
    by: Day | None = None


class StepShape(Shape):
    """A step of a reached event."""

    event: Name
    state: Name


class DateQuestionShape(AskedShape):
    """On which day a step is taken, until the horizon where no day is given."""

    when: StepShape
    by: Day | None = None


class CaseShape(Shape):
    """What a number is in one case: levels of its distribution function with their values."""

    when: Annotated[dict[Name, States], Field(min_length=1)] | None = None
    scenario: Name | None = None
    quantiles: Annotated[dict[str, float], Field(min_length=2)]


class NumberShape(Shape):
    """A quantity that depends on events: its unit, what it is in each case, and the edges of its bins."""

    unit: Text
    cases: Annotated[list[CaseShape], Field(min_length=1)]
    bins: Annotated[list[float], Field(min_length=1)] | None = None


class NumberQuestionShape(AskedShape):
    """How large a quantity is, on the horizon where no day is given."""

    number: NumberShape
    by: Day | None = None


AnyShape = QuestionShape | ScenarioQuestionShape | DateQuestionShape | NumberQuestionShape
SHAPES: Mapping[str, type[AskedShape]] = {
    "about": QuestionShape,
    "scenario": ScenarioQuestionShape,
    "when": DateQuestionShape,
    "number": NumberQuestionShape,
}
EVERY_KEY = tuple(dict.fromkeys(key for shape in SHAPES.values() for key in shape.model_fields))
NO_TOPIC = "general"
SCENARIO = "scenario"  # the key of a condition that names a scenario, where no event is called so


def shape_at(at: Cursor) -> tuple[type[AskedShape], Cursor, tuple[Problem, ...]]:
    """Return the shape of a question by the key that says what it asks, and the question without other such keys.

    With a problem for each of those.
    """
    kinds = [key for key in SHAPES if at.has(key)]
    if not kinds:  # one of them may be there misspelt: the shape knows it
        meant = [near(key, EVERY_KEY) for key in at.keys if key not in EVERY_KEY]
        return next((shape for name, shape in SHAPES.items() if name in meant), QuestionShape), at, ()
    first, *others = kinds
    allowed = f"exactly one of {quoted(SHAPES)}"
    problems = tuple(at.key(key).problem(f"'{key}' beside '{first}'", "", allowed) for key in others)
    node = at.node
    for key in others:
        node = replaced(node, (key,), None)
    return SHAPES[first], Cursor(node, at.path, at.subject, at.line), problems


def references(at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report unknown events, states and scenarios wherever a question names any, and events that no date settles."""
    names = frame.names
    for key in ("about", "when"):
        yield from _event(at.at(key) if at.has(key) else None, frame)
    for reading in at.items_at("readings"):
        yield from _event(reading.at("about") if reading.has("about") else None, frame)
    yield from _scenario(at, names.scenarios)
    if at.has("given"):
        given = at.at("given").under("given")
        if _names_scenario(given, frame):
            yield from _scenario(given, names.scenarios)
            for key in given.keys:
                if key != SCENARIO:
                    yield given.key(key).problem(f"'{key}' beside 'scenario'", "", "events, or one scenario")
        else:
            yield from unknown_conditions(names, given)
            for event in given.keys:
                yield from _timeless(event, given.key(event), frame)
    for case in at.items_at("number", "cases"):
        yield from _scenario(case, names.scenarios)
        if case.has("when"):
            yield from unknown_conditions(names, case.at("when"))


def _event(about: Cursor | None, frame: Frame) -> Iterator[Problem]:
    event = None if about is None else about.text("event")
    if about is None or event is None:
        return
    yield from unknown_event(frame.names, event, about.at("event"))
    yield from _timeless(event, about.at("event"), frame)
    yield from unknown_choice(frame.names, event, about, "state")


def _timeless(event: str, at: Cursor, frame: Frame) -> Iterator[Problem]:
    known = frame.events.get(event)
    if known is not None and known.kind == "constant":
        what = f"event {shown(event)} is a constant, which no date settles"
        yield at.problem(what, "", "ask about a reached or status event")


def _scenario(at: Cursor, scenarios: Sequence[str] | None) -> Iterator[Problem]:
    if scenarios is not None and (name := at.text(SCENARIO)) is not None:
        yield from unknown_name((*scenarios, OTHER), name, at.at(SCENARIO), "scenario")


def _names_scenario(given: Cursor, frame: Frame) -> bool:
    return given.has(SCENARIO) and SCENARIO not in (frame.names.events or {})


@dataclass(frozen=True)
class QuestionBuilder:
    """Makes a question of what was read at a place, with the problems that only its parts together have."""

    at: Cursor
    frame: Frame
    opens: date
    own: tuple[str, ...]  # series that are called like the question

    def build(self, shape: AskedShape) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        """Return the question, None where a name in it is unknown, and the problems found."""
        question, problems = self._asked(shape)
        if isinstance(shape, YesNoShape) and shape.base_rate is not None:
            return question, (*problems, *_ends(shape.base_rate, self.at.at("base_rate")))
        return question, problems

    def _asked(self, shape: AskedShape) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        match shape:
            case QuestionShape():
                return self._about_event(shape)
            case ScenarioQuestionShape():
                known = self.frame.names.scenarios
                about = Proposition(scenario=shape.scenario)
                return self._joint(shape, about if known and shape.scenario in (*known, OTHER) else None)
            case DateQuestionShape():
                return self._date(shape)
            case NumberQuestionShape():
                return self._number(shape)
        return None, ()

    def _made[Q: DatedQuestion](self, kind: type[Q], shape: AskedShape, by: date, **asks: Any) -> Q:
        return kind(
            id=shape.id,
            question=shape.question,
            by=by,
            opens=self.opens,
            topic=shape.topic or NO_TOPIC,
            resolves=shape.resolves,
            base_rate=_base_rate(shape.base_rate) if isinstance(shape, YesNoShape) else None,
            benchmarks=(*(shape.benchmarks or ()), *self.own) if isinstance(shape, YesNoShape) else (),
            source=self.at.source,
            caution=shape.caution,
            publication=_publication(shape.source),
            **asks,
        )

    def _by(self, day: date | None) -> tuple[date, tuple[Problem, ...]]:
        """Return the last day, where none is given the horizon of the opening, and what is wrong with the window."""
        network = self.frame.network
        if network is None:
            raise ValueError("a question is built where the window is known")
        by = day or horizon_on(network, self.opens)
        if not network.opens < by <= last_horizon(network):
            allowed = f"after the opening {network.opens}, not after the horizon {last_horizon(network)}"
            return by, (self.at.at("by").problem("by lies outside the window", str(by), allowed),)
        if not network.opens <= self.opens < by:
            allowed = f"from the opening {network.opens} on, before {by}"
            return by, (self.at.at("opens").problem("opens lies outside the window", str(self.opens), allowed),)
        return by, ()

    def _condition(self, shape: AboutShape, at: Cursor) -> tuple[Condition | None, tuple[Problem, ...]]:
        states = chosen(self.frame.names, shape.event, shape.state)
        if states is None:
            return None, ()
        return Condition(shape.event, states), tuple(self._idle(shape.event, states, at.at("state"), "mean yes"))

    def _idle(self, event: str, states: Sequence[str], at: Cursor, which: str) -> Iterator[Problem]:
        if states == self.frame.names.states(event):
            what = f"every state of {shown(event)} is named, which is certain"
            yield at.problem(what, "", f"name the states that {which}")

    def _about_event(self, shape: QuestionShape) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        about, wrong = self._condition(shape.about, self.at.at("about"))
        if shape.given is not None:
            if shape.readings is not None:
                what, allowed = "'readings' beside 'given'", "other readings of a question without a condition"
                wrong = (*wrong, self.at.key("readings").problem(what, "", allowed))
            question, more = self._joint(shape, None if about is None else Proposition((about,)))
            return question, (*wrong, *more)
        by, more = self._by(shape.by)
        if about is None:
            return None, (*more, *wrong)
        question = self._made(Question, shape, by, about=about)
        readings, others = self._readings(shape.readings or [], question)
        return replace(question, readings=readings), (*more, *wrong, *others)

    def _joint(
        self, shape: QuestionShape | ScenarioQuestionShape, about: Proposition | None
    ) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        by, problems = self._by(shape.by)
        given, wrong = self._given(shape.given, by) if shape.given is not None else (None, ())
        problems = (*problems, *wrong)
        if about is None or (given is None and shape.given is not None):
            return None, problems
        if given is not None:
            problems = (*problems, *self._decides(about, given))
        return self._made(JointQuestion, shape, by, about=about, given=given), problems

    def _given(
        self, shape: Mapping[str, Choice | HeldShape], by: date
    ) -> tuple[Proposition | None, tuple[Problem, ...]]:
        at = self.at.at("given")
        states = {event: wanted.states if isinstance(wanted, HeldShape) else wanted for event, wanted in shape.items()}
        days = {event: wanted.held_by for event, wanted in shape.items() if isinstance(wanted, HeldShape)}
        if _names_scenario(at, self.frame):
            if days:
                what, allowed = "a scenario with a day of its own", "it is read on the question's last day"
                return None, (at.at(SCENARIO).key("held_by").problem(what, str(days[SCENARIO]), allowed),)
            [name, *others] = states[SCENARIO].states
            known = self.frame.names.scenarios
            is_one = not others and len(shape) == 1 and known is not None and name in (*known, OTHER)
            return (Proposition(scenario=name), ()) if is_one else (None, ())
        conditions, problems = self._conditions(states, at, "make the condition true")
        if conditions is None:
            return None, problems
        # On the question's own day a condition is one without a day.
        on_its_day = tuple(
            DatedCondition(one.event, one.states, days[one.event]) if days.get(one.event, by) != by else one
            for one in conditions
        )
        return Proposition(on_its_day), (*problems, *self._own_days(days, at, by))

    def _own_days(self, days: Mapping[str, date], at: Cursor, by: date) -> Iterator[Problem]:
        """Report days of conditions that lie outside the window, or after the question's."""
        network = self.frame.network
        for event, day in days.items():
            place = at.at(event, "held_by").under(f"given.{event}")
            if network is not None and day <= network.opens:
                yield place.problem("held_by lies outside the window", str(day), f"after the opening {network.opens}")
            elif day > by:
                allowed = f"until {by}; where the condition comes later, exchange the two"
                yield place.problem("held_by lies after the question's last day", str(day), allowed)

    def _conditions(
        self, shape: Mapping[str, Choice], at: Cursor, which: str
    ) -> tuple[tuple[Condition, ...] | None, tuple[Problem, ...]]:
        states = {event: chosen(self.frame.names, event, wanted) for event, wanted in shape.items()}
        problems = [
            problem
            for event, of in states.items()
            if of is not None
            for problem in self._idle(event, of, at.at(event, "is") if at.at(event).has("is") else at.at(event), which)
        ]
        if None in states.values():
            return None, tuple(problems)
        return tuple(Condition(event, of) for event, of in states.items() if of is not None), tuple(problems)

    def _decides(self, about: Proposition, given: Proposition) -> Iterator[Problem]:
        """Report a condition that leaves nothing open of the question."""
        at = self.at.key("given")
        if about.scenario is not None and about == given:
            yield at.problem("the condition is the question itself", "", "a condition that leaves it open")
        under = {one.event: self._left_by(one) for one in given.conditions}
        for one in about.conditions:
            left = under.get(one.event, set(one.states)) & set(one.states)
            if one.event in under and (not left or left == under[one.event]):
                word = "certain" if left else "impossible"
                what = f"the condition makes the answer {word}: both are about {shown(one.event)}"
                yield at.problem(what, "", "a condition that leaves it open")

    def _left_by(self, given: Condition) -> set[str]:
        """Return the states that a condition leaves on the question's day: steps are never undone."""
        event = self.frame.events.get(given.event)
        if event is None or not isinstance(given, DatedCondition):
            return set(given.states)
        return set(event.states[event.states.index(given.states[0]) :] if event.kind == "reached" else event.states)

    def _readings(
        self, shapes: Sequence[OtherRuleShape], question: Question
    ) -> tuple[tuple[OtherRule, ...], tuple[Problem, ...]]:
        made: list[OtherRule] = []
        problems: list[Problem] = []
        names: list[str] = []
        taken: dict[str, str] = {}
        for place, shape in enumerate(shapes):
            at = self.at.at("readings", place).under(f"reading {shown(shape.name)}")
            about, wrong = question.about, tuple[Problem, ...]()
            if shape.about is not None:
                found, wrong = self._condition(shape.about, at.at("about"))
                about = found or about
            by, more = (question.by, ()) if shape.by is None else replace(self, at=at)._by(shape.by)
            problems += (*wrong, *more)
            if (about, by) == (question.about, question.by) and not wrong:
                what, allowed = "is the question's own rule", "other states, another event or another day"
                problems.append(at.problem(what, "", allowed))
            if shape.name in names:
                problems.append(at.at("name").problem("appears twice", "", "each reading has a name of its own"))
            names.append(shape.name)
            for name, there in at.at("benchmarks").texts() if shape.benchmarks else ():
                problems += unknown_name(question.benchmarks, name, there, "series of the question")
            for key, said in (("series", shape.benchmarks), ("forecaster", shape.forecasters)):
                for name in said or ():
                    if (other := taken.setdefault(f"{key} {name}", shape.name)) != shape.name:
                        what = f"{key} {shown(name)} is read by reading {shown(other)} already"
                        problems.append(at.problem(what, "", "each number is about one rule"))
            made.append(
                OtherRule(
                    name=shape.name,
                    about=about,
                    by=by,
                    resolves=shape.resolves,
                    publication=_publication(shape.source),
                    benchmarks=tuple(shape.benchmarks or ()),
                    forecasters=tuple(shape.forecasters or ()),
                )
            )
        return tuple(made), tuple(problems)

    def _date(self, shape: DateQuestionShape) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        by, problems = self._by(shape.by)
        event, at = self.frame.events.get(shape.when.event), self.at.at("when")
        if event is None or shape.when.state not in event.states:
            return None, problems
        if event.kind == "status":
            what = f"event {shown(event.id)} is a status, which changes both ways"
            problems = (*problems, at.at("event").problem(what, "", "ask when a step of a reached event is taken"))
        elif shape.when.state == event.states[0]:
            what = f"{shown(event.id)} is {shown(event.states[0])} from the opening on"
            problems = (*problems, at.at("state").problem(what, "", choice("steps", "", event.states[1:])))
        return self._made(DateQuestion, shape, by, event=event.id, step=shape.when.state), problems

    def _number(self, shape: NumberQuestionShape) -> tuple[AnyQuestion | None, tuple[Problem, ...]]:
        by, found = self._by(shape.by)
        problems, said, at = list(found), shape.number, self.at.at("number")
        cases: list[NumberCase] = []
        for place, case in enumerate(said.cases):
            here = at.at("cases", place).under(f"case {place + 1}")
            about, wrong = self._case(case, here)
            points, more = _points(case.quantiles, here.at("quantiles"))
            problems += (*wrong, *more)
            if about is not None and points is not None:
                cases.append(NumberCase(about, points))
        if len(cases) == len(said.cases):
            problems += self._covered([case.about for case in cases], at)
        bins = tuple(said.bins or ())
        if not all(map(isfinite, bins)) or any(low >= high for low, high in pairwise(bins)):
            problems.append(at.at("bins").problem("the edges of bins do not rise", str(list(bins)), "finite, rising"))
        if len(cases) < len(said.cases):
            return None, tuple(problems)
        question = self._made(NumberQuestion, shape, by, unit=said.unit, cases=tuple(cases), bins=bins)
        return question, tuple(problems)

    def _case(self, case: CaseShape, at: Cursor) -> tuple[Proposition | None, tuple[Problem, ...]]:
        if case.when is not None and case.scenario is not None:
            what = "'scenario' beside 'when'"
            return None, (at.key("scenario").problem(what, "", "one of them, or none in the last case"),)
        if case.scenario is not None:
            known = self.frame.names.scenarios
            is_known = known is not None and case.scenario in (*known, OTHER)
            return (Proposition(scenario=case.scenario) if is_known else None), ()
        if case.when is None:
            return Proposition(), ()
        conditions, problems = self._conditions(case.when, at.at("when"), "make it this case")
        return (None if conditions is None else Proposition(conditions)), problems

    def _covered(self, cases: Sequence[Proposition], at: Cursor) -> Iterator[Problem]:
        """Report cases of two sorts, one that never counts, and what no case covers."""
        names, last = self.frame.names, cases[-1] == Proposition()
        stated = cases[:-1] if last else cases
        for place, case in enumerate(stated):
            here = at.at("cases", place)
            if case == Proposition():
                what = f"case {place + 1} names nothing, so that those after it never count"
                yield here.problem(what, "", "'when' or 'scenario' in every case but the last")
                return
            if (case.scenario is None) != (stated[0].scenario is None):
                yield here.problem(
                    f"case {place + 1} is of another sort than the first", "", "all 'when' or all 'scenario'"
                )
                return
        if stated and stated[0].scenario is not None:
            told = [case.scenario for case in stated]
            for place, name in enumerate(told):
                if name in told[:place]:
                    yield at.at("cases", place).problem(f"scenario {shown(name)} has two cases", "", "one each")
            left = [name for name in (*(names.scenarios or ()), OTHER) if name not in told]
            if left and not last:
                yield at.at("cases").problem(
                    "no case covers", quoted(left), "a last case without 'scenario' covers the rest"
                )
            return
        states = {event: frozenset(of) for event, of in (names.events or {}).items() if of}
        regions = [{one.event: frozenset(one.states) for one in case.conditions} for case in stated]
        for place, region in enumerate(regions):
            if (before := covering(region, regions[:place], states)) is not None:
                what = f"case {place + 1} never counts"
                earlier = quoted(str(one + 1) for one in before)
                yield at.at("cases", place).problem(what, "", f"cases {earlier} come first and take all of it")
        if not last and covering({}, regions, states) is None:
            yield at.at("cases").problem(
                "the cases do not cover everything", "", "a last case without 'when' covers the rest"
            )


def _points(
    quantiles: Mapping[str, float], at: Cursor
) -> tuple[tuple[tuple[float, float], ...] | None, tuple[Problem, ...]]:
    """Return points (level, value) of a distribution function, and what is wrong with them."""
    points: list[tuple[float, float]] = []
    for key, value in quantiles.items():
        level = number_in(key)
        if level is None or not 0.0 <= level <= 1.0:
            return None, (at.key(key).problem("this is no level", shown(key), "from 0 to 1"),)
        if not isfinite(value):
            return None, (at.key(key).problem("is not finite", str(value), "a finite number"),)
        if points and (level <= points[-1][0] or value < points[-1][1]):
            got = f"{points[-1][1]:g} at level {points[-1][0]:g}, then {value:g} at {level:g}"
            return None, (at.key(key).problem("levels rise, and values do not fall", got, "in order of the levels"),)
        points.append((level, value))
    if (points[0][0], points[-1][0]) != (0.0, 1.0):
        got = f"levels from {points[0][0]:g} to {points[-1][0]:g}"
        allowed = "from 0, the least value that it can have, to 1, the greatest"
        return None, (at.problem("the levels do not go from 0 to 1", got, allowed),)
    return tuple(points), ()


def _base_rate(shape: BaseRateShape | None) -> BaseRate | None:
    if shape is None:
        return None
    source = shape.source
    publication = Publication(source.publisher, source.title, source.url)
    return BaseRate(shape.probability, publication, shape.why, shape.low, shape.high)


def _ends(shape: BaseRateShape, at: Cursor) -> Iterator[Problem]:
    """Yield what is wrong with the interval of a base rate: it has two ends, and the base rate lies between them."""
    low, high = shape.low, shape.high
    if (low is None) != (high is None):
        missing = "low" if low is None else "high"
        yield at.problem(f"base_rate: missing key '{missing}'", "", "both ends of the 90 % interval, or neither")
    elif low is not None and high is not None and not low <= shape.probability <= high:
        got = f"{low:g}, {shape.probability:g}, {high:g}"
        what = "base_rate: the interval does not hold the probability"
        yield at.key("low").problem(what, got, "low <= probability <= high")


def _publication(shape: PublicationShape | None) -> Publication | None:
    return None if shape is None else Publication(shape.publisher, shape.title, shape.url)
