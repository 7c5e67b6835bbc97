"""The record: forecasts that the ledger holds since before their outcome, scored by what settled evidence made of them.

One clock, that of months. All sub-questions that end in a month are one time of it, with the forecast that stood so
many months before: of the last line that is not after the end of that earlier month. Which questions these are, and
what was said of them, is fixed when that month ends, so that an early yes brings no more weight than a late no. A
time's score is the mean over its events of the mean over each event's sub-questions, which hang together as they like
(forecast.scoring.sequence).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from forecast.ledger.entries import Line
from forecast.ledger.kept import DamagedInputError, kept_content, kept_inputs, kept_manifest
from forecast.ledger.ledger import Ledger
from forecast.ledger.verified import verified_chain
from forecast.model.history import Known, active_items, settle
from forecast.model.layout import Layout, lay_out
from forecast.posterior.kinds import rules_until
from forecast.posterior.ladder import JointSubQuestion, SubQuestion, day_of, month_end, month_of
from forecast.scoring.sequence import MeanDifference, ScoreDifferences, mean_difference
from forecast.workspace.files import WATCH
from forecast.workspace.names import OTHER
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Condition, JointQuestion, Proposition, Question, Settled, Workspace

MONTHS_AHEAD = (1, 3, 6, 12)
BANDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)
BASE_RATE, DAY_BEFORE = "base rate", "line before"
WATCHED = re.compile(rb"^watched_until:\s*['\"]?(\d{4}-\d\d-\d\d)", re.MULTILINE)
Score = Literal["brier", "log"]


@dataclass(frozen=True, kw_only=True)
class SettledAnswer:
    """What settled evidence makes of a sub-question: since when that is known, by which item (None: by silence).

    `is_yes` is None where its condition did not come true, so that it is void.
    """

    is_yes: bool | None
    known: date
    item: str | None
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordedForecast:
    """A forecast that counts: what was asked, where it stands, how it ended, and what others said on the same day.

    `event` is a scenario where one was asked about, `given` the condition of a question, in one word. `digest` is the
    SHA-256 of its line, which every later line rests on. `others`: name -> probability, the base rate
    and the line before among them.
    """

    sub_question: str
    event: str
    states: tuple[str, ...]
    given: str | None
    by: date
    question: str | None
    topic: str
    months_ahead: int
    line: int
    digest: str
    as_of: date
    probability: float
    is_yes: bool
    known: date
    settled_by: str | None
    others: Mapping[str, float]

    @property
    def month(self) -> int:
        """The month in which the sub-question ends (forecast.posterior.ladder.month_of)."""
        return month_of(self.by)


@dataclass(frozen=True, kw_only=True)
class BesideOther:
    """This forecast beside another one on the same sub-questions and days; lower scores are better.

    `difference` is ours less theirs, by months of the clock; None of the log score where somebody was certain.
    `sub_questions_more`: how many more sub-questions would tell, at as many a month as so far.
    """

    months_ahead: int
    topic: str | None
    other: str
    n_months: int
    n_events: int
    n_sub_questions: int
    brier: float
    brier_theirs: float
    difference: MeanDifference
    sub_questions_more: int | None
    log: float | None
    log_theirs: float | None
    log_difference: MeanDifference | None


@dataclass(frozen=True, kw_only=True)
class Band:
    """The forecasts between two probabilities: how many, of how many events, what they expected, what happened."""

    low: float
    high: float
    n_sub_questions: int
    n_events: int
    expected: float
    happened: int


@dataclass(frozen=True, kw_only=True)
class RecordAhead:
    """All that was said so many months ahead.

    `bias` is the mean of probability less outcome, with its interval. `sharpness` is the mean of p (1 - p): the Brier
    score that the forecasts expect of themselves, 0 where each is certain.
    """

    months_ahead: int
    n_months: int
    n_events: int
    n_sub_questions: int
    n_yes: int
    expected_yes: float
    brier: float
    log: float | None
    sharpness: float
    bias: MeanDifference
    bands: tuple[Band, ...]
    beside: tuple[BesideOther, ...]
    by_topic: tuple[BesideOther, ...]


@dataclass(frozen=True, kw_only=True)
class LedgerRecord:
    """The record of a workspace on a day.

    `first` and `n_lines`: since when and how often sub-questions were entered. `n_entered`: how many different ones;
    `n_open`: how many of them are open; `next_month`: the end of the month whose answers come next. `not_proven`: line
    -> why its numbers do not count. `lost`: events of which sub-questions were entered that the network lacks today.
    """

    as_of: date
    first: date | None
    n_lines: int
    n_entered: int
    n_open: int
    next_month: date | None
    not_proven: Mapping[int, str]
    lost: tuple[str, ...]
    ahead: tuple[RecordAhead, ...]
    forecasts: tuple[RecordedForecast, ...] = field(repr=False)


Asks = SubQuestion | JointSubQuestion


def settled_answer(workspace: Workspace, layout: Layout, as_of: date, asks: Asks) -> SettledAnswer | None:
    """Say what settled evidence that is known on a date makes of a sub-question; None while it is open."""
    return _answer(workspace, layout, _known(workspace, layout, as_of), asks)


def _known(workspace: Workspace, layout: Layout, as_of: date) -> Known:
    return settle(layout, active_items(workspace.items, as_of), as_of, workspace.watched_until)


def _answer(workspace: Workspace, layout: Layout, known: Known, asks: Asks) -> SettledAnswer | None:
    if isinstance(asks, JointSubQuestion):
        return _joint_answer(workspace, layout, known, asks)
    v = layout.index[asks.event]
    event, path = layout.events[v], known.paths.get(v)
    if path is None:
        return None
    yes = {layout.state(asks.event, state) for state in asks.states}
    is_final = event.kind == "reached" and yes == set(range(min(yes), layout.cards[v]))
    on = min(asks.by, path.until)
    is_yes = path.on(on) in yes
    if asks.by > path.until and not (is_final and is_yes):
        return None
    # What settles it: of a step the first item that has it, of a status the last one about it until the day.
    about = [
        (item.reported, item.id, item.source.path)
        for item in active_items(workspace.items, known.as_of)
        for bearing in item.bears_on
        if isinstance(bearing, Settled)
        and bearing.event == asks.event
        and (item.happened or item.reported) <= asks.by
        and (not is_final or layout.state(asks.event, bearing.state) in yes)
    ]
    if not about or (is_final and not is_yes):
        return SettledAnswer(is_yes=is_yes, known=asks.by, item=None)
    reported, name, place = min(about) if is_final else max(about)
    return SettledAnswer(is_yes=is_yes, known=reported if is_final else max(reported, asks.by), item=name, path=place)


def _joint_answer(workspace: Workspace, layout: Layout, known: Known, asks: JointSubQuestion) -> SettledAnswer | None:
    """Say the same of a scenario or of an event under a condition, from what is known of all events that it names."""

    def all_of(conditions: Sequence[Condition]) -> SettledAnswer | None:
        return _all(
            [
                _answer(workspace, layout, known, SubQuestion(one.event, one.states, day_of(one, asks.by)))
                for one in conditions
            ]
        )

    def holds(about: Proposition) -> SettledAnswer | None:
        if about.scenario is None:
            return all_of(about.conditions)
        *earlier, own = rules_until(about, workspace.scenarios)
        return _all([*(_opposite(all_of(rule)) for rule in earlier), *([all_of(own)] if own else [])])

    given = None if asks.given is None else holds(asks.given)
    if asks.given is not None and (given is None or not given.is_yes):
        return None if given is None else replace(given, is_yes=None)
    answer = holds(asks.about)
    if answer is None or given is None or given.known <= answer.known:
        return answer
    return replace(given, is_yes=answer.is_yes)


def _opposite(answer: SettledAnswer | None) -> SettledAnswer | None:
    return None if answer is None else replace(answer, is_yes=not answer.is_yes)


def _all(answers: Sequence[SettledAnswer | None]) -> SettledAnswer | None:
    """Say whether all is so: no from the first no on that is known, yes since the last yes."""
    told = [one for one in answers if one is not None]
    if no := [one for one in told if not one.is_yes]:
        return min(no, key=lambda one: one.known)
    return max(told, key=lambda one: one.known) if told and len(told) == len(answers) else None


def record(
    root: Path, workspace: Workspace, layout: Layout, as_of: date, ledger: Ledger, *, before: date | None = None
) -> LedgerRecord:
    """Score what the ledger said of sub-questions that have ended by a date.

    Args:
        root: the workspace's folder, where the lines and their inputs are kept.
        workspace, layout: what is known on the date.
        as_of: no line and no outcome after it counts.
        ledger: under the names of today.
        before: only lines of earlier days are looked at.
    """
    not_proven: dict[int, str] = {}
    lines = [line for line in _sound(root, ledger, as_of, not_proven) if before is None or line.as_of < before]
    asked = _asked(lines)
    lost = sorted({name for one in asked for name in _not_there(workspace, layout, one)})
    asked = {one: told for one, told in asked.items() if _can_be_settled(workspace, layout, one)}
    known = _known(workspace, layout, as_of)
    answers = {
        one: answer
        for one in asked
        if _is_known(workspace, layout, one) and (answer := _answer(workspace, layout, known, one)) is not None
    }
    seen = _Lines(root, lines, ledger.digests, as_of, not_proven)
    forecasts: list[RecordedForecast] = []
    for ahead in MONTHS_AHEAD:
        forecasts += _with_base_rates(list(_standing(workspace, layout, seen, asked, answers, ahead)))
    still_open = [
        one for one in asked if one not in answers and _is_known(workspace, layout, one) and one.by > known.until
    ]
    return LedgerRecord(
        as_of=as_of,
        first=min((line.as_of for line in lines), default=None),
        n_lines=len(lines),
        n_entered=len(asked),
        n_open=len(still_open),
        next_month=min((one.by for one in still_open), default=None),
        not_proven=dict(sorted(not_proven.items())),
        lost=tuple(lost),
        ahead=tuple(
            scored_ahead(ahead, of)
            for ahead in MONTHS_AHEAD
            if (of := [one for one in forecasts if one.months_ahead == ahead])
        ),
        forecasts=tuple(forecasts),
    )


def _sound(root: Path, ledger: Ledger, as_of: date, not_proven: dict[int, str]) -> list[Line]:
    """Return the lines with sub-questions that are as they were written; add the others to those that prove nothing."""
    sound = {row.number for row in verified_chain(root).sound}
    lines = [line for line in ledger.updates if line.ladder is not None and line.as_of <= as_of and line.number]
    for line in lines:
        if line.number not in sound:
            not_proven[line.number or 0] = "it is not as it was written (`forecast verify`)"
    return [line for line in lines if line.number in sound]


def _asked(lines: Sequence[Line]) -> dict[Asks, dict[int, float]]:
    """Return each sub-question of the lines, with its probability by the number of the line."""
    asked: dict[Asks, dict[int, float]] = {}
    for line in lines:
        for one in line.asked:
            for day, probability in one.by.items():
                joint = JointSubQuestion(one.about, one.given, date.fromisoformat(day))
                asked.setdefault(joint, {})[line.number or 0] = probability
        for entry in line.ladder or ():
            for day, probability in entry.by.items():
                asks = SubQuestion(entry.event, entry.states, date.fromisoformat(day))
                asked.setdefault(asks, {})[line.number or 0] = probability
    return asked


@dataclass(frozen=True, kw_only=True)
class EnteredForecast:
    """What a line of the ledger said of a question before anybody knew the answer; `digest` is that of the line."""

    question: str
    line: int
    digest: str
    as_of: date
    probability: float


@dataclass(frozen=True, kw_only=True)
class EnteredForecasts:
    """The forecasts of some questions that the ledger holds, and the lines that prove nothing, with the reason."""

    forecasts: tuple[EnteredForecast, ...]
    not_proven: Mapping[int, str]


def entered_forecasts(
    root: Path, workspace: Workspace, layout: Layout, as_of: date, ledger: Ledger, on: Mapping[str, date]
) -> EnteredForecasts:
    """Find what the ledger held of resolved questions about one event, since before their outcomes.

    Args:
        root, workspace, layout, as_of, ledger: as in `record`.
        on: question -> the day after which no line counts.

    Of each the latest line that asks it and is older than its outcome: than what settles the event, and than the
    question's own resolution. Both must be missing from the files that the line was made from, as in `record`.
    """
    not_proven: dict[int, str] = {}
    lines = _sound(root, ledger, as_of, not_proven)
    asked, known = _asked(lines), _known(workspace, layout, as_of)
    seen = _Lines(root, lines, ledger.digests, as_of, not_proven)
    found: list[EnteredForecast] = []
    for question in workspace.questions:
        asks = SubQuestion(question.about.event, tuple(question.about.states), question.by)
        told = [one for one in workspace.resolutions if one.subject == question.id and one.counts_on(as_of)]
        if question.id not in on or not told or asks not in asked:
            continue
        settled = _answer(workspace, layout, known, asks)
        public = min([told[-1].known, *([] if settled is None else [settled.known])])
        there = [line for line in lines if line.as_of <= on[question.id] and line.number in asked[asks]]
        for line in sorted(there, key=lambda one: (one.as_of, one.number or 0), reverse=True):
            if seen.knew_no_resolution(line, asks, public):
                number = line.number or 0
                found.append(
                    EnteredForecast(
                        question=question.id,
                        line=number,
                        digest=ledger.digests[number - 1],
                        as_of=line.as_of,
                        probability=asked[asks][number],
                    )
                )
                break
    return EnteredForecasts(forecasts=tuple(found), not_proven=dict(sorted(not_proven.items())))


def _is_known(workspace: Workspace, layout: Layout, asks: Asks) -> bool:
    return not _not_there(workspace, layout, asks)


def _not_there(workspace: Workspace, layout: Layout, asks: Asks) -> tuple[str, ...]:
    """Return the events and scenarios of a sub-question that there are not, or not with its states."""
    named = (Proposition((asks.about,)),) if isinstance(asks, SubQuestion) else _propositions(asks)
    scenarios = {*(one.id for one in workspace.scenarios), OTHER, None}
    return tuple(
        [about.scenario or "" for about in named if about.scenario not in scenarios]
        + [
            one.event
            for about in named
            for one in about.conditions
            if (v := layout.index.get(one.event)) is None
            or not one.states
            or not set(one.states) <= set(layout.events[v].states)
        ]
    )


def _propositions(asks: JointSubQuestion) -> tuple[Proposition, ...]:
    return (asks.about,) if asks.given is None else (asks.about, asks.given)


def _can_be_settled(workspace: Workspace, layout: Layout, asks: Asks) -> bool:
    """Say whether what is asked has a day on which it is known: a scenario that hangs on a constant may never have."""
    if isinstance(asks, SubQuestion) or not _is_known(workspace, layout, asks):
        return True
    rules = [rule for about in _propositions(asks) for rule in rules_until(about, workspace.scenarios)]
    return all(layout.dated(layout.index[one.event]) for rule in rules for one in rule)


@dataclass(frozen=True)
class _Lines:
    """The lines that may count, and what proves that they are older than an outcome."""

    root: Path
    lines: Sequence[Line]
    digests: Sequence[str]
    as_of: date
    not_proven: dict[int, str]
    _files: dict[int, tuple[Mapping[str, str], date]] = field(default_factory=dict)
    _there: dict[int, Workspace | None] = field(default_factory=dict)

    def standing(self, day: date, asks: Asks, answer: SettledAnswer) -> Line | None:
        """Return the latest line, of a day not after this one, that is older than the outcome; of one day the last."""
        there = sorted((line for line in self.lines if line.as_of <= day), key=lambda line: line.as_of)
        return next((line for line in reversed(there) if self.is_older(line, asks, answer)), None)

    def before(self, line: Line) -> Line | None:
        """Return the latest line of an earlier day."""
        at = max((other.as_of for other in self.lines if other.as_of < line.as_of), default=None)
        return None if at is None else [other for other in self.lines if other.as_of == at][-1]

    def is_older(self, line: Line, asks: Asks, answer: SettledAnswer) -> bool:
        """Say whether a line was written before an outcome was in the files that it was made from.

        The date that a line tells proves nothing by itself: a forecast can be made as of any past day. But a line
        names the digests of all files that were there, those of later dates too, and their contents are kept.
        """
        if line.as_of >= answer.known:
            return False
        try:
            manifest, watched = self._read(line)
            # Of a condition on an earlier day silence until then may have settled it.
            is_plain = isinstance(asks, SubQuestion)
            if answer.path not in manifest and (answer.item is not None or (is_plain and watched < asks.by)):
                return True
        except DamagedInputError as error:
            self.not_proven[line.number or 0] = f"what it was made from {error.why}"
            return False
        return self._held_nothing(line, asks)

    def knew_no_resolution(self, line: Line, asks: SubQuestion, known: date) -> bool:
        """Say the same of a question that was resolved, or known from its event, on a day."""
        return line.as_of < known and self._held_nothing(line, asks)

    def _held_nothing(self, line: Line, asks: Asks) -> bool:
        """Say whether the files of a line neither settled what is asked nor resolved a question that asks it."""
        number = line.number or 0
        try:
            there = self._workspace(line)
        except DamagedInputError as error:
            self.not_proven[number] = f"what it was made from {error.why}"
            return False
        if there is None:
            self.not_proven[number] = "this version does not take the files that it was made from"
            return False
        layout = lay_out(there.network)
        same = _same(there, asks)
        is_told = any(one.subject in same and one.undone is None for one in there.resolutions)
        if not is_told and _is_known(there, layout, asks) and settled_answer(there, layout, self.as_of, asks) is None:
            return True
        self.not_proven[number] = f"the files that it was made from held outcomes already, such as that of {asks.name}"
        return False

    def _read(self, line: Line) -> tuple[Mapping[str, str], date]:
        """Return the digests of the files of a line, by path, and until when they say that news were watched."""
        number = line.number or 0
        if number not in self._files:
            manifest = kept_manifest(self.root, line.kept or "")
            watched = WATCHED.search(kept_content(self.root, manifest[WATCH])) if WATCH in manifest else None
            # Where no day is found the files are read as a whole.
            self._files[number] = manifest, date.max if watched is None else date.fromisoformat(watched[1].decode())
        return self._files[number]

    def _workspace(self, line: Line) -> Workspace | None:
        number = line.number or 0
        if number not in self._there:
            self._there[number] = read_workspace(
                self.root, today=self.as_of, inputs=kept_inputs(self.root, line.kept or "")
            )[0]
        return self._there[number]


def _same(there: Workspace, asks: Asks) -> set[str]:
    """Return the questions of a workspace that ask the same."""
    if isinstance(asks, SubQuestion):
        return {one.id for one in there.questions if (one.about, one.by) == (asks.about, asks.by)}
    joint = (one for one in there.further if isinstance(one, JointQuestion))
    return {one.id for one in joint if (one.about, one.given, one.by) == (asks.about, asks.given, asks.by)}


def _standing(
    workspace: Workspace,
    layout: Layout,
    seen: _Lines,
    asked: Mapping[Asks, Mapping[int, float]],
    answers: Mapping[Asks, SettledAnswer],
    ahead: int,
) -> Iterator[RecordedForecast]:
    """Yield what stood so many months before each month that is over, of what was still open then."""
    questions: dict[Asks, Question | JointQuestion] = {}
    for known in workspace.yes_or_no:
        if isinstance(known, Question):
            questions[SubQuestion(known.about.event, tuple(known.about.states), known.by)] = known
        else:
            questions[JointSubQuestion(known.about, known.given, known.by)] = known
    topics = {one.about.event: one.topic for one in reversed(workspace.questions)}
    by_month: dict[int, list[Asks]] = {}
    in_order: list[Asks] = [*sorted(one for one in asked if isinstance(one, SubQuestion))]
    in_order += sorted((one for one in asked if isinstance(one, JointSubQuestion)), key=lambda one: one.name)
    for one in in_order:
        if _is_known(workspace, layout, one):
            by_month.setdefault(month_of(one.by), []).append(one)
    for month, of_month in sorted(by_month.items()):
        # A month counts as a whole: those that end early in yes would be counted before those that end in no.
        if any(one not in answers for one in of_month):
            continue
        begins = month_end(month - ahead)
        for one in of_month:
            answer = answers[one]
            if answer.known <= begins or answer.is_yes is None:
                continue  # it was settled when the time began, or its condition never came true
            line = seen.standing(begins, one, answer)
            if line is None or (probability := asked[one].get(line.number or 0)) is None:
                continue
            before = seen.before(line)
            question = questions.get(one)
            event, states, given = _subject(one)
            others = {} if question is None else _benchmarks(workspace, question.benchmarks, line.as_of)
            if question is not None and question.base_rate is not None:
                others[BASE_RATE] = question.base_rate.probability
            if before is not None and (number := asked[one].get(before.number or 0)) is not None:
                others[DAY_BEFORE] = number
            yield RecordedForecast(
                sub_question=one.name,
                event=event,
                states=states,
                given=given,
                by=one.by,
                question=None if question is None else question.id,
                topic=question.topic if isinstance(question, JointQuestion) else topics.get(event, event),
                months_ahead=ahead,
                line=line.number or 0,
                digest=seen.digests[(line.number or 0) - 1],
                as_of=line.as_of,
                probability=probability,
                is_yes=answer.is_yes,
                known=answer.known,
                settled_by=answer.item,
                others=others,
            )


def _subject(asks: Asks) -> tuple[str, tuple[str, ...], str | None]:
    """Return the event or scenario asked about, its states, and the condition in one word."""
    if isinstance(asks, SubQuestion):
        return asks.event, asks.states, None
    given = asks.name.partition("|")[2] or None
    if asks.about.scenario is not None:
        return asks.about.scenario, (), given
    return asks.about.conditions[0].event, asks.about.conditions[0].states, given


def _benchmarks(workspace: Workspace, series: Sequence[str], day: date) -> dict[str, float]:
    points = sorted(point for name in series for point in workspace.benchmarks[name].points if point[0] <= day)
    return {who: probability for _, who, probability in points}


def _with_base_rates(forecasts: Sequence[RecordedForecast]) -> Iterator[RecordedForecast]:
    """Give each forecast without a base rate of its own the share of yes among what had ended when it was made.

    Of the same event and states in the months before, at the same distance: (yes + share) / (ended + 1), drawn towards
    the share of all, (yes + 1/2) / (ended + 1), with the weight of one. Where nothing had ended there is none.
    """
    for one in forecasts:
        ended = [other for other in forecasts if max(other.known, other.by) <= one.as_of]
        if BASE_RATE in one.others or not ended:
            yield one
            continue
        share = (sum(other.is_yes for other in ended) + 0.5) / (len(ended) + 1)
        alike = (one.event, one.states, one.given)
        same = [other.is_yes for other in ended if (other.event, other.states, other.given) == alike]
        yield replace(one, others={**one.others, BASE_RATE: (sum(same) + share) / (len(same) + 1)})


def scored_ahead(ahead: int, forecasts: Sequence[RecordedForecast]) -> RecordAhead:
    """Score forecasts that were all made so many months ahead; there is at least one."""
    own = [one.probability for one in forecasts]
    names = [BASE_RATE, DAY_BEFORE, *sorted({name for one in forecasts for name in one.others})]
    others = [name for name in dict.fromkeys(names) if any(name in one.others for one in forecasts)]
    return RecordAhead(
        months_ahead=ahead,
        n_months=len({one.month for one in forecasts}),
        n_events=len({one.event for one in forecasts}),
        n_sub_questions=len(forecasts),
        n_yes=sum(one.is_yes for one in forecasts),
        expected_yes=sum(own),
        brier=float(_by_month(forecasts, lambda one: _loss("brier", one.probability, one.is_yes)).mean()),
        log=_finite(_by_month(forecasts, lambda one: _loss("log", one.probability, one.is_yes)).mean()),
        sharpness=float(_by_month(forecasts, lambda one: one.probability * (1.0 - one.probability)).mean()),
        bias=mean_difference(
            ScoreDifferences(
                difference=_by_month(forecasts, lambda one: one.probability - one.is_yes),
                low=_by_month(forecasts, lambda one: one.probability - 1.0),
                high=_by_month(forecasts, lambda one: one.probability),
            ),
            lag=ahead,
        ),
        bands=tuple(_bands(forecasts)),
        beside=tuple(_beside(ahead, None, name, forecasts) for name in others),
        by_topic=tuple(
            _beside(ahead, topic, BASE_RATE, of_topic)
            for topic in dict.fromkeys(one.topic for one in forecasts)
            if (of_topic := [one for one in forecasts if one.topic == topic and BASE_RATE in one.others])
        ),
    )


def _by_month(forecasts: Sequence[RecordedForecast], of: Callable[[RecordedForecast], float]) -> np.ndarray:
    """Return for each month, in order, the mean over events of the mean over their sub-questions."""
    months: dict[int, dict[str, list[float]]] = {}
    for one in forecasts:
        months.setdefault(one.month, {}).setdefault(one.event, []).append(of(one))
    return np.array([np.mean([np.mean(values) for values in events.values()]) for _, events in sorted(months.items())])


def _loss(score: Score, probability: float, is_yes: bool) -> float:
    """Return the Brier score (from 0 to 1) or the log score of a probability of yes."""
    if score == "brier":
        return (probability - is_yes) ** 2
    chance = probability if is_yes else 1.0 - probability
    return math.inf if chance <= 0.0 else -math.log(chance)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _beside(ahead: int, topic: str | None, name: str, forecasts: Sequence[RecordedForecast]) -> BesideOther:
    both = [one for one in forecasts if name in one.others]
    brier, log = (_difference(score, name, both, ahead) for score in ("brier", "log"))
    assert brier is not None  # for the type checker: a Brier score is always finite
    n_months = brier.n_times
    more = None if brier.more is None else math.ceil(brier.more * len(both) / n_months)
    return BesideOther(
        months_ahead=ahead,
        topic=topic,
        other=name,
        n_months=n_months,
        n_events=len({one.event for one in both}),
        n_sub_questions=len(both),
        brier=float(_by_month(both, lambda one: _loss("brier", one.probability, one.is_yes)).mean()),
        brier_theirs=float(_by_month(both, lambda one: _loss("brier", one.others[name], one.is_yes)).mean()),
        difference=brier,
        sub_questions_more=more,
        log=_finite(_by_month(both, lambda one: _loss("log", one.probability, one.is_yes)).mean()),
        log_theirs=_finite(_by_month(both, lambda one: _loss("log", one.others[name], one.is_yes)).mean()),
        log_difference=log,
    )


def _difference(score: Score, name: str, both: Sequence[RecordedForecast], lag: int) -> MeanDifference | None:
    """Compare the scores of two forecasts; None where an outcome that somebody ruled out has an infinite score."""

    def of(one: RecordedForecast, is_yes: bool) -> float:
        return _loss(score, one.probability, is_yes) - _loss(score, one.others[name], is_yes)

    if any(not 0.0 < p < 1.0 for one in both for p in (one.probability, one.others[name])) and score == "log":
        return None
    said = ScoreDifferences(
        difference=_by_month(both, lambda one: of(one, one.is_yes)),
        low=_by_month(both, lambda one: min(of(one, True), of(one, False))),
        high=_by_month(both, lambda one: max(of(one, True), of(one, False))),
    )
    return mean_difference(said, lag=lag)


def _bands(forecasts: Sequence[RecordedForecast]) -> Iterator[Band]:
    for low, high in pairwise(BANDS):
        inside = [one for one in forecasts if low <= one.probability < high or (high == one.probability == 1.0)]
        if inside:
            yield Band(
                low=low,
                high=high,
                n_sub_questions=len(inside),
                n_events=len({one.event for one in inside}),
                expected=sum(one.probability for one in inside),
                happened=sum(one.is_yes for one in inside),
            )
