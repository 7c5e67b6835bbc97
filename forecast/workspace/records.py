"""The checked workspace: frozen records, each of which knows the file and line it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from forecast.workspace.problems import Problem, Source
from forecast.workspace.renames import DEFAULT_GRADES, NO_RENAMES, SAME_DAY_RHO, Grade, Letter, Renames, Timing

CANNOT_BE_JUDGED = 6  # credibility of an item that gives none; 1 (confirmed) is the best
DEFAULT_RHO = 0.9  # correlation of the copies in a group that gives none
EDITORS = "editors"  # the expert who speaks at the opening, where nobody else did
NO_INPUT: Mapping[str, bool] = {"is_input": False}  # metadata of a field that no forecast rests on
APART: Mapping[str, bool] = {"is_input": False}  # of one that is said apart, so that others keep their digests
Kind = Literal["reached", "status", "constant"]
Role = Literal["driver", "plan", "consequence"]
Per = Literal["window", "year", "opportunity"]


@dataclass(frozen=True)
class Cpt:
    """How the rows of an event's conditional probability table hang together."""

    kind: str  # forecast.cpt
    leak: str | None  # noisy_or only: whether a link is the cause's alone or includes the leak


@dataclass(frozen=True)
class Counts:
    """How a feed's count over a window becomes a state: each holds from its threshold on, up to the next one's.

    Thresholds rise in the order of the map; below the first of them the event is in its own first state.
    """

    of: Literal["fatalities", "events"]
    window_days: int
    states: Mapping[str, int]


@dataclass(frozen=True)
class Condition:
    """An event being in one of some states (in the event's own order)."""

    event: str
    states: tuple[str, ...]


@dataclass(frozen=True)
class DatedCondition(Condition):
    """A condition that holds on the day `held_by`; None: it comes true on the day on which the statement is read.

    Any other condition holds on the day that the statement is about.
    """

    held_by: date | None


@dataclass(frozen=True)
class Requirement:
    """What a state of an event needs: all conditions of at least one alternative. All these events are parents."""

    state: str
    any_of: tuple[tuple[Condition, ...], ...]

    def is_met(self, states: Mapping[str, str]) -> bool:
        """Say whether it is met by the states of the events that it names."""
        return any(all(states[one.event] in one.states for one in conditions) for conditions in self.any_of)

    def __str__(self) -> str:
        """Write it as a reader's line: `mandate given and summit held or held_again; or decree issued`."""
        ways = (" and ".join(f"{one.event} {' or '.join(one.states)}" for one in all_) for all_ in self.any_of)
        return "; or ".join(ways)

    @property
    def events(self) -> tuple[str, ...]:
        """The events that it names, each once."""
        return tuple(dict.fromkeys(one.event for conditions in self.any_of for one in conditions))


@dataclass(frozen=True, kw_only=True)
class Event:
    """A question with a deadline: its kind, its ordered states, its parents, and how its CPT is built."""

    id: str
    question: str
    kind: Kind
    states: tuple[str, ...]
    resolves: str
    parents: tuple[str, ...]
    role: Role
    initial: str | None  # status only: the state at the opening
    persistence_days: float | None  # status only: tau, the mean time between redraws of the state
    cpt: Cpt
    source: Source
    name: str | None = field(default=None, metadata=NO_INPUT)  # for readers
    counts: Counts | None = field(default=None, metadata=NO_INPUT)
    timing: Timing | None = field(default=None, metadata=APART)  # reached only; None: a constant hazard
    requires: tuple[Requirement, ...] = field(default=(), metadata=APART)  # at most one for each state
    raises: tuple[str, ...] = field(default=(), metadata=APART)  # parents whose later states raise the event
    lowers: tuple[str, ...] = field(default=(), metadata=APART)  # parents whose later states lower it

    def is_excluded(self, state: str, states: Mapping[str, str]) -> bool:
        """Say whether a state lacks what it requires, given the states of the parents."""
        return any(one.state == state and not one.is_met(states) for one in self.requires)

    def needs(self) -> tuple[str, ...]:
        """Return what its states require, a line for states that require the same."""
        lines: dict[str, list[str]] = {}
        for one in self.requires:
            lines.setdefault(str(one), []).append(one.state)
        return tuple(f"'{self.id}' {' or '.join(states)} requires {line}" for line, states in lines.items())

    def direction(self, parent: str) -> int:
        """1 for a parent that raises the event, -1 for one that lowers it, 0 for others."""
        return int(parent in self.raises) - int(parent in self.lowers)


@dataclass(frozen=True)
class Roll:
    """From the day `on` on, forecasts are about a later horizon."""

    on: date
    horizon: date
    why: str | None
    source: Source


@dataclass(frozen=True, kw_only=True)
class Network:
    """The events of one question, between an opening and a horizon. `events` is in file order.

    `horizon` is the day that is asked about: the file's, or (workspace.names.seen_on) the one it was rolled to.
    """

    title: str
    opens: date
    horizon: date
    events: Mapping[str, Event]
    source: Source
    rolled: tuple[Roll, ...] = field(default=(), metadata=APART)  # in order
    first_horizon: date | None = field(default=None, metadata=APART)  # the file's, where it is no longer `horizon`
    otherwise: str | None = field(default=None, metadata=APART)  # what holds when no scenario does; a name

    @property
    def window_ends(self) -> date:
        """End of the window that hazards and CPT rows speak of, whatever horizon is asked about."""
        return self.first_horizon or self.horizon


@dataclass(frozen=True)
class Scenario:
    """A named region of the joint state space; the first scenario whose conditions all hold is the one."""

    id: str
    name: str
    summary: str
    when: tuple[Condition, ...]
    source: Source
    in_words: str = field(default="", metadata=APART)  # the rule as a clause, read after "if" and "that"


@dataclass(frozen=True, kw_only=True)
class Expert:
    """Somebody whose statements are coded; members of one group share deviations."""

    id: str
    name: str
    role: str
    group: str
    default_sd: float  # of a statement, in log-odds, where the statement gives none
    weight: float  # the variance of all that the expert says is divided by it
    source: Source
    exact: bool = False  # what follows from a rule: no noise but the sd that is stated, no deviation


@dataclass(frozen=True)
class Publication:
    """Where a statement was published."""

    publisher: str
    title: str | None
    url: str | None


@dataclass(frozen=True)
class Target:
    """What a statement is about: `condition` (or a scenario), given other conditions, at the horizon or by a date.

    A condition may have a time of its own (DatedCondition).
    """

    condition: Condition | None
    scenario: str | None
    given: tuple[Condition, ...]
    by: date | None


class Reading:
    """What a statement is read as, in one of the forms of statement (forecast.workspace.statement_forms)."""


@dataclass(frozen=True)
class Probability(Reading):
    """A probability with an interval (`low`, `high` at `level`), or a point with an sd in log-odds."""

    best: float
    low: float | None
    high: float | None
    level: float
    sd: float | None
    words: str | None = None  # how it was put where not in these numbers: odds, or a degree of confidence


@dataclass(frozen=True)
class Quantiles(Reading):
    """Points of a distribution of the probability: (level, probability), both rising; and what is fitted to them."""

    points: tuple[tuple[float, float], ...]
    fit: Literal["logit", "beta"]


@dataclass(frozen=True)
class Word(Reading):
    """A verbal term, on its author's scale (None: the empirical reading of the word)."""

    term: str
    scale: str | None


@dataclass(frozen=True)
class Times(Reading):
    """The target is `ratio` times as probable (or has `ratio` times the odds) as `against`."""

    against: Target
    ratio: float
    low: float | None
    high: float | None
    level: float
    of_odds: bool


@dataclass(frozen=True)
class Count(Reading):
    """A reference class: so many of so many. `opportunities` are expected in the window (per opportunity only)."""

    happened: int
    of: int
    per: Per
    opportunities: float | None
    until: date | None = None  # the last day of the cases


@dataclass(frozen=True)
class MoreLikelyThan(Reading):
    """An order without a number: the target is likelier than `other`."""

    other: Target


@dataclass(frozen=True)
class Distribution(Reading):
    """A probability for each state of the target's event; `sd` in log-odds."""

    probabilities: Mapping[str, float]
    sd: float | None


@dataclass(frozen=True)
class Resolution:
    """How what was stated turned out: the state (or scenario) that held, None if the question became void."""

    state: str | None
    on: date
    url: str | None


@dataclass(frozen=True)
class Coding:
    """What one more coder put on an expert's words, and why: a number of the same thing as the first coder's."""

    coder: str
    reading: Reading
    why: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What an expert said, and what it was read as."""

    id: str
    date: date
    expert: str
    publication: Publication
    says: str
    about: Target
    reading: Reading
    coded_by: str | None  # None: the expert gave the number; otherwise who put it on the expert's words
    why: str
    resolved: Resolution | None
    source: Source
    codings: tuple[Coding, ...] = field(default=(), metadata=APART)  # of further coders; `reading` is of `coded_by`

    @property
    def coders(self) -> tuple[str, ...]:
        """Everybody who put a number on the words, the first one first; nobody where the expert gave it."""
        return () if self.coded_by is None else (self.coded_by, *(one.coder for one in self.codings))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What each coder read the words as, the first one first."""
        return (self.reading, *(one.reading for one in self.codings))

    def read_by(self, read: Callable[[Reading], Reading]) -> Statement:
        """Return the statement with every coder's reading changed in one way."""
        codings = tuple(replace(one, reading=read(one.reading)) for one in self.codings)
        return replace(self, reading=read(self.reading), codings=codings)


@dataclass(frozen=True)
class ReportSource:
    """Who reports: `reliability` is the Admiralty grade A to F, `grade` what that says before anything is reported."""

    id: str
    name: str
    reliability: Letter
    grade: Grade
    source: Source
    same_day_rho: float = field(default=SAME_DAY_RHO, metadata=APART)  # correlation with others' reports of one day


class Bearing:
    """What an item says, in one of the forms of evidence; each has its record (forecast.workspace.evidence_forms)."""

    source: Source


class OnEvent(Bearing):
    """What an item says about one event."""

    event: str


@dataclass(frozen=True)
class Settled(OnEvent):
    """Public, hard and dated: the event reached (or is in) this state."""

    event: str
    state: str
    source: Source


@dataclass(frozen=True)
class Likelihood(OnEvent):
    """How probable the report is under each state of the event (up to one common factor)."""

    event: str
    ratios: Mapping[str, float]  # every state, in the event's order
    until: date | None
    source: Source


@dataclass(frozen=True)
class Support(OnEvent):
    """A verbal weight of evidence for some states against the others."""

    event: str
    strength: str
    states: tuple[str, ...]
    until: date | None
    source: Source


@dataclass(frozen=True)
class Claim(OnEvent):
    """The report says that the event is already in this state (or, if reached, past it)."""

    event: str
    state: str
    source: Source


@dataclass(frozen=True)
class OnScenarios(Bearing):
    """How probable the report is under each scenario and `other` (up to one common factor).

    `rules` are those by which it was read, in order, without names and summaries: what a scenario is decides what is
    said, how it is described does not.
    """

    ratios: Mapping[str, float]  # every scenario in the order of the rules, then `other`
    rules: tuple[Scenario, ...]
    until: date | None
    source: Source


def events_of(bearing: Bearing) -> tuple[str, ...]:
    """Return the events that a part of an item speaks about: its own, or all that the scenarios' rules mention."""
    if isinstance(bearing, OnScenarios):
        return tuple(dict.fromkeys(condition.event for rule in bearing.rules for condition in rule.when))
    return (bearing.event,) if isinstance(bearing, OnEvent) else ()


@dataclass(frozen=True, kw_only=True)
class Item:
    """One evidence item. It counts from `reported` on, until retracted or superseded."""

    id: str
    reported: date
    happened: date | None
    report_source: str
    credibility: int  # 1 (confirmed) to 6 (cannot be judged)
    group: str | None
    rho: float  # correlation of the copies in its group
    headline: str
    url: str | None
    why: str
    bears_on: tuple[Bearing, ...]
    retracted: date | None
    supersedes: str | None
    source: Source
    independent: str | None = field(default=None, metadata=APART)  # why it is no copy of others of its day


@dataclass(frozen=True)
class BaseRate:
    """How often such a thing happens: a forecast that knows nothing else, with where it is from.

    It is of the window of its question, from the day on which that opens. `low` and `high` are the ends of a 90 %
    interval, both None where nobody gave one.
    """

    probability: float
    publication: Publication
    why: str  # how the number follows from what was published, or why it is this one
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class DatedQuestion:
    """What every question has, whatever it asks: a last day `by`, its rule, and what others say of it."""

    id: str
    question: str
    by: date
    opens: date  # forecasts of it count from this day on
    topic: str
    resolves: str
    base_rate: BaseRate | None
    benchmarks: tuple[str, ...]  # ids of the series that are shown and scored beside it
    source: Source
    caution: str | None = None  # where a benchmark resolves on another rule
    publication: Publication | None = None  # where such a question was asked


@dataclass(frozen=True, kw_only=True)
class OtherRule:
    """Another reading of a question: a rule that somebody else's contract resolves by, as states and a day of its own.

    `benchmarks` are series of the question, `forecasters` names in them, whose numbers are about this rule.
    """

    name: str
    about: Condition
    by: date
    resolves: str
    publication: Publication | None
    benchmarks: tuple[str, ...]
    forecasters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Question(DatedQuestion):
    """A dated question about one event: is it in one of the states of `about` on `by` (reached: by then)?"""

    about: Condition  # the states that mean yes, in the event's order
    readings: tuple[OtherRule, ...] = ()


@dataclass(frozen=True)
class Proposition:
    """What holds on a day or does not: conditions all at once, or a scenario by its id (`other`: none of them does)."""

    conditions: tuple[Condition, ...] = ()
    scenario: str | None = None


@dataclass(frozen=True, kw_only=True)
class JointQuestion(DatedQuestion):
    """A question about a scenario, or one under a condition: does `about` hold on `by`, given that `given` does?

    It is void where the condition does not come true. None: there is no condition. A condition may hold on an earlier
    day of its own (DatedCondition).
    """

    about: Proposition
    given: Proposition | None


@dataclass(frozen=True, kw_only=True)
class DateQuestion(DatedQuestion):
    """On which day is this step of a reached event taken, or a later one: a day until `by`, or not by then?"""

    event: str
    step: str


@dataclass(frozen=True)
class NumberCase:
    """What a number is where `about` holds, and no case before it: points (level, value) of its distribution function.

    Levels rise from 0, the least value, to 1, the greatest; in between the function is linear. Without conditions and
    scenario it is what holds in all other cases.
    """

    about: Proposition
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class NumberQuestion(DatedQuestion):
    """How large is a quantity on `by`? What it depends on are the cases, of which the first that holds counts.

    `bins` are the inner edges by which it is scored, rising; none: by quantiles.
    """

    unit: str
    cases: tuple[NumberCase, ...]
    bins: tuple[float, ...]


FurtherQuestion = JointQuestion | DateQuestion | NumberQuestion
AnyQuestion = Question | FurtherQuestion


@dataclass(frozen=True)
class Benchmark:
    """What others forecast over time: (day, forecaster, probability of yes), by day, then forecaster."""

    id: str
    points: tuple[tuple[date, str, float], ...]
    source: Source


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """How a question ended, or which state an event is settled in; it counts from `known` on.

    A void or ambiguous question has no state. A line that is undone counts from `known` until the day before
    `undone`, as a retracted item does.
    """

    subject: str  # id of a question or of an event
    state: str | None  # "yes" or "no" of a question (of one about a number None), a state of an event
    on: date  # the day on which it was so
    known: date
    url: str | None
    source: Source
    note: str | None = None
    is_ambiguous: bool = False
    undone: date | None = None
    value: float | None = field(default=None, metadata=APART)  # of a question about a number

    @property
    def has_outcome(self) -> bool:
        """Whether it says how the question ended; otherwise the question is void or ambiguous."""
        return self.state is not None or self.value is not None

    def counts_on(self, day: date) -> bool:
        """Say whether the line is known on a day, and not undone by then."""
        return self.known <= day and (self.undone is None or day < self.undone)


@dataclass(frozen=True, kw_only=True)
class DecisionProblem:
    """A choice: `options` are worth so much, in `unit`, in each of `outcomes`.

    These are the states of `event` at the horizon; without an event the scenarios, `other` last.
    """

    id: str
    question: str
    unit: str
    event: str | None
    outcomes: tuple[str, ...]
    options: Mapping[str, tuple[float, ...]]  # in file order, each in the order of the outcomes
    why: str | None
    source: Source


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Everything that the files of one workspace say. Items, statements and experts are in id order."""

    root: str
    network: Network
    scenarios: tuple[Scenario, ...]
    experts: Mapping[str, Expert]
    statements: tuple[Statement, ...]
    sources: Mapping[str, ReportSource]
    items: tuple[Item, ...]
    watched_until: date | None
    digests: Mapping[str, str]  # path of each input file -> SHA-256 of its bytes
    questions: tuple[Question, ...] = ()  # about one event, in file order
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    resolutions: tuple[Resolved, ...] = ()  # in file order
    grades: Mapping[Letter, Grade] = field(default_factory=DEFAULT_GRADES.copy)  # of every letter, used or not
    warnings: tuple[Problem, ...] = ()  # of the reader, about all files whatever their date
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # of each input file, as it was read
    renames: Renames = NO_RENAMES  # with the names of today
    decisions: tuple[DecisionProblem, ...] = ()  # in file order; no forecast is computed from them
    further: tuple[FurtherQuestion, ...] = ()  # questions of other kinds, in file order

    @property
    def asked(self) -> tuple[AnyQuestion, ...]:
        """The questions of all kinds, in file order."""
        return tuple(sorted((*self.questions, *self.further), key=lambda one: (one.source.path, one.source.line)))

    @property
    def yes_or_no(self) -> tuple[Question | JointQuestion, ...]:
        """The questions that end in yes or no, in file order: somebody's number of them is a probability."""
        return tuple(one for one in self.asked if isinstance(one, Question | JointQuestion))
