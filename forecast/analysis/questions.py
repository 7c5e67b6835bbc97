"""Every question with its probability today, what others say, its base rate, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.asked import (
    AnswerKind,
    DateAnswer,
    NumberAnswer,
    QuestionAnswers,
    RulePrice,
    RuleSplit,
    UnderCondition,
    asked_in_words,
    date_answer,
    number_answer,
    over_draws,
    subject_of,
    under_condition,
)
from forecast.analysis.experts import JudgedClaim, judged_claims
from forecast.ledger.differences import changes, other_changes
from forecast.ledger.entries import Line
from forecast.ledger.line import active_inputs, rolled_to
from forecast.ledger.outcome import Estimate, Outcome, by_level, estimates
from forecast.ledger.outcome import outcome as summarised
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.history import active_items
from forecast.model.layout import Layout
from forecast.posterior.by_date import at_least, decided
from forecast.posterior.kinds import settled_answer
from forecast.posterior.posterior import Evaluation, evaluate, query
from forecast.sampling.readings import asks
from forecast.workspace.evidence_forms.form import SETTLED_WITHIN_DAYS
from forecast.workspace.read_questions import REPORTER
from forecast.workspace.records import (
    AnyQuestion,
    DateQuestion,
    FurtherQuestion,
    NumberQuestion,
    OtherRule,
    Question,
    Resolved,
    Workspace,
)

Status = Literal["later", "open", "due", "resolved", "void", "ambiguous"]


def resolution_on(resolutions: Sequence[Resolved], subject: str, day: date) -> Resolved | None:
    """Return the line about a question that counts on a day, if there is one."""
    counting = [line for line in resolutions if line.subject == subject and line.counts_on(day)]
    return counting[-1] if counting else None


def status_on(question: AnyQuestion, resolution: Resolved | None, day: date) -> Status:
    """Say where a question is on a day; `due`: its last day is over, and nobody has resolved it."""
    if resolution is not None:
        return "ambiguous" if resolution.is_ambiguous else "resolved" if resolution.has_outcome else "void"
    if day < question.opens:
        return "later"
    return "due" if day > question.by else "open"


def latest_numbers(workspace: Workspace, question: AnyQuestion, day: date) -> dict[str, tuple[date, float]]:
    """Return the latest (day, probability) of each forecaster that is not after a day, in order of the names."""
    points = [
        (when, who, probability)
        for name in question.benchmarks
        for when, who, probability in workspace.benchmarks[name].points
        if when <= day
    ]
    latest = {who: (when, probability) for when, who, probability in sorted(points)}
    return dict(sorted(latest.items()))


OF_ANOTHER_KIND = (
    "about a scenario, a date or a number, or under a condition: this takes questions about one event alone"
)


def of_other_rules(workspace: Workspace, question: Question) -> frozenset[str]:
    """Return whose numbers of a question are about another rule than its own (`readings`)."""
    named = {who for rule in question.readings for who in rule.forecasters}
    series = {name for rule in question.readings for name in rule.benchmarks}
    return frozenset(named.union(who for name in series for _, who, _ in workspace.benchmarks[name].points))


FORECAST = ("open", "due")  # where a question still has a probability


@dataclass(frozen=True, kw_only=True)
class Other:
    """The latest number of somebody else."""

    forecaster: str
    date: date
    probability: float


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base rate, the ends of its 90 % interval if it has one, where it was published, and why it is one."""

    probability: float
    publisher: str
    why: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a question ended: in which state, on which day, since when that is known, and where it can be read."""

    state: str | None
    on: date
    known: date
    source: str | None
    note: str | None
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class QuestionStatus:
    """A dated question, what the forecast and others say of it, and how it ended.

    `kind` is what it asks about and `asks` says so in words; `event` (None: a scenario, a number) and `states` are
    those asked about. `probability`, `quantiles` and `mcse` are None once it is resolved, and of a question about a
    date or a number, which is answered by `date_answer` or `number_answer`; of one under a condition (`given`) they
    are under it, and None where it can no longer come true. `readings`: the same under other rules.
    """

    question: str
    text: str
    topic: str
    kind: AnswerKind
    asks: str
    event: str | None
    states: tuple[str, ...]
    opens: date
    by: date
    status: Status
    probability: float | None
    quantiles: Mapping[str, float] | None
    mcse: float | None
    is_decided: bool | None
    benchmarks: tuple[Other, ...]
    base_rate: Base | None
    resolution: Ending | None
    caution: str | None
    given: UnderCondition | None = None
    date_answer: DateAnswer | None = None
    number_answer: NumberAnswer | None = None
    readings: tuple[RulePrice, ...] = ()


def question_table(outcome: Outcome) -> tuple[QuestionStatus, ...]:
    """Describe the questions of an outcome's workspace as of its date, in file order; those that open later not."""
    workspace, day = outcome.workspace, outcome.as_of
    ended = {question.id: resolution_on(workspace.resolutions, question.id, day) for question in workspace.asked}
    status = {question.id: status_on(question, ended[question.id], day) for question in workspace.asked}
    still = [question for question in workspace.asked if status[question.id] in FORECAST]
    answers = QuestionAnswers.of(outcome, still)
    return tuple(
        _described(outcome, question, status[question.id], ended[question.id], answers)
        for question in workspace.asked
        if status[question.id] != "later"
    )


def _described(
    outcome: Outcome, question: AnyQuestion, status: Status, ended: Resolved | None, answers: QuestionAnswers
) -> QuestionStatus:
    estimate = answers.events.get(question.id) or answers.joints.get(question.id)
    numbers = latest_numbers(outcome.workspace, question, outcome.as_of).items()
    others = tuple(Other(forecaster=who, date=when, probability=probability) for who, (when, probability) in numbers)
    date_of, number_of = answers.dates.get(question.id), answers.numbers.get(question.id)
    kind, event, states = subject_of(question)
    probability = None if estimate is None else estimate.probability
    row = QuestionStatus(
        question=question.id,
        text=question.question,
        topic=question.topic,
        kind=kind,
        asks=asked_in_words(question),
        event=event,
        states=states,
        opens=question.opens,
        by=question.by,
        status=status,
        probability=probability,
        quantiles=None if estimate is None or estimate.quantiles is None else over_draws(estimate.quantiles),
        mcse=None if estimate is None else estimate.mcse,
        is_decided=next((one.is_decided for one in (estimate, date_of) if one is not None), None),
        benchmarks=others,
        base_rate=_base_rate(question),
        resolution=_ending(ended),
        caution=question.caution,
        given=under_condition(question, answers.joints.get(question.id)),
        date_answer=None if date_of is None else date_answer(date_of),
        number_answer=None
        if number_of is None or not isinstance(question, NumberQuestion)
        else number_answer(question, number_of),
    )
    return _with_readings(outcome.workspace, question, row, answers) if isinstance(question, Question) else row


def _with_readings(
    workspace: Workspace, question: Question, row: QuestionStatus, answers: QuestionAnswers
) -> QuestionStatus:
    """Add what the forecast has for other rules, and split the differences of those whose numbers are about them."""
    probability = row.probability
    if not question.readings or probability is None:
        return row
    series = {who: name for name in question.benchmarks for _, who, _ in workspace.benchmarks[name].points}

    def priced(rule: OtherRule) -> RulePrice:
        price = answers.readings[question.id, rule.name]
        about_it = (
            one
            for one in row.benchmarks
            if one.forecaster in rule.forecasters or series[one.forecaster] in rule.benchmarks
        )
        return RulePrice(
            reading=rule.name,
            event=rule.about.event,
            states=tuple(rule.about.states),
            by=rule.by,
            resolves=rule.resolves,
            probability=price.probability,
            quantiles=over_draws(price.quantiles),
            mcse=price.mcse,
            splits=tuple(
                RuleSplit(
                    forecaster=one.forecaster,
                    other_rule=price.probability - probability,
                    other_belief=one.probability - price.probability,
                )
                for one in about_it
            ),
        )

    return replace(row, readings=tuple(map(priced, question.readings)))


def _base_rate(question: AnyQuestion) -> Base | None:
    base = question.base_rate
    if base is None:
        return None
    return Base(
        probability=base.probability,
        publisher=base.publication.publisher,
        why=base.why,
        low=base.low,
        high=base.high,
    )


def _ending(line: Resolved | None) -> Ending | None:
    if line is None:
        return None
    return Ending(state=line.state, on=line.on, known=line.known, source=line.url, note=line.note, value=line.value)


# What should be done to a workspace: resolve, look at the news, update, feed; and what contradicts itself.

Kind = Literal["resolve", "contradiction", "watch", "update", "benchmark", "claim", "source"]
YES_NO = {True: "yes", False: "no"}


@dataclass(frozen=True)
class Due:
    """Something to do: about what, why, and (where one line does it) the command."""

    kind: Kind
    subject: str
    what: str
    command: str | None = None


def due(workspace: Workspace, layout: Layout, as_of: date, last: Line | None, days: int) -> tuple[Due, ...]:
    """List what is due on a date, contradictions first.

    Args:
        workspace, layout: what is known.
        as_of: the date; nothing later counts.
        last: the latest line of the ledger that is not after the date.
        days: news and benchmarks older than so many days are stale.
    """
    asked = [question for question in workspace.questions if question.opens <= as_of]
    networks = {day: compile_workspace(layout, workspace, as_of, on=day) for day in {one.by for one in asked}}
    found = [one for question in asked for one in _about_question(workspace, networks[question.by], question, as_of)]
    others = [question for question in workspace.further if question.opens <= as_of]
    found += [one for question in others for one in _about_further(workspace, layout, question, as_of)]
    found.sort(key=lambda one: one.kind != "contradiction")
    return (
        *found,
        *_watch(workspace, as_of, days),
        *_update(workspace, as_of, last),
        *_benchmarks(workspace, as_of, days),
        *_claims(workspace, layout, as_of, days),
        *_silent_sources(workspace, as_of),
    )


def _about_question(workspace: Workspace, network: AsOfNetwork, question: Question, as_of: date) -> Iterator[Due]:
    known = decided(network, question)
    line = resolution_on(workspace.resolutions, question.id, as_of)
    if line is None:
        state = None if known is None else YES_NO[known]
        on = _since(network, question) if known else question.by
        command = f"forecast resolve {question.id} {state or 'yes|no'} --on {on} --source URL"
        if status_on(question, line, as_of) == "due":
            so_far = "and settled evidence leaves it open" if state is None else f"and settled evidence says {state}"
            yield Due("resolve", question.id, f"its last day was {question.by}, {so_far}", command)
        elif state is not None:
            yield Due("resolve", question.id, f"settled evidence says {state} already", command)
    elif line.state is not None and known is not None and line.state != YES_NO[known]:
        what = f"resolved as {line.state} ({line.source}), but settled evidence says {YES_NO[known]}"
        undo = f"forecast resolve {question.id} --undo"
        yield Due("contradiction", question.id, what, undo)
    yield from _statements(workspace, question, as_of)


def _about_further(workspace: Workspace, layout: Layout, question: FurtherQuestion, as_of: date) -> Iterator[Due]:
    """Tell what to do about a question of another kind: it is over, or settled evidence answers it."""
    network = compile_workspace(layout, workspace, as_of, on=question.by)
    known, line = settled_answer(network, workspace.scenarios, question), _line_on(workspace, question, as_of)
    said = None if known is None else known[0]
    if line is not None:
        ended = line.state or "void"
        if said is not None and not line.is_ambiguous and line.value is None and ended != said:
            what = f"ended as {ended} ({line.source}), but settled evidence says {said}"
            yield Due("contradiction", question.id, what, f"forecast resolve {question.id} --undo")
        return
    outcome = said or ("VALUE" if isinstance(question, NumberQuestion) else "yes|no")
    on = question.by if known is None else known[1]
    command = f"forecast resolve {question.id} {outcome} --on {on} --source URL"
    command = f"forecast resolve {question.id} --void" if said == "void" else command
    if status_on(question, line, as_of) == "due":
        so_far = "and settled evidence leaves it open" if said is None else f"and settled evidence says {said}"
        yield Due("resolve", question.id, f"its last day was {question.by}, {so_far}", command)
    elif said is not None:
        yield Due("resolve", question.id, f"settled evidence says {said} already", command)


def _line_on(workspace: Workspace, question: AnyQuestion, day: date) -> Resolved | None:
    return resolution_on(workspace.resolutions, question.id, day)


def _since(network: AsOfNetwork, question: Question) -> date:
    """Return the day from which yes held: of a reached event that of the step, of a status the question's last."""
    v = network.layout.index[question.about.event]
    event = network.layout.events[v]
    if event.kind != "reached":
        return question.by
    yes = {network.layout.state(event.id, state) for state in question.about.states}
    return min((day for day, state in network.known.paths[v].changes if state in yes), default=question.by)


def _statements(workspace: Workspace, question: Question, as_of: date) -> Iterator[Due]:
    line = resolution_on(workspace.resolutions, question.id, as_of)
    for statement in workspace.statements:
        own, same = statement.resolved, asks(statement, question, workspace.network)
        if line is None or line.state is None or own is None or own.state is None or not same:
            continue
        said = YES_NO[own.state in question.about.states]
        if said != line.state:
            what = (
                f"the question ended in {line.state}, but statement '{statement.id}' says {said} ({statement.source})"
            )
            yield Due("contradiction", question.id, what)


def _watch(workspace: Workspace, as_of: date, days: int) -> Iterator[Due]:
    watched = workspace.watched_until
    if watched is not None and as_of - watched > timedelta(days=days):
        what = (
            f"somebody last checked the news on {watched}, {(as_of - watched).days} days ago; silence counts until then"
        )
        yield Due("watch", "evidence/watch.yaml", what)


def _update(workspace: Workspace, as_of: date, last: Line | None) -> Iterator[Due]:
    command = "forecast update"
    if last is None:
        yield Due("update", "reports/ledger.jsonl", "no update has been made", command)
        return
    update = f"the update of {last.as_of}"
    inputs = active_inputs(workspace, as_of)
    items, said = last.inputs["items"], last.inputs["statements"]
    # An item that was retracted before any update used it will never count.
    new = [(one.reported, one.id) for one in active_items(workspace.items, as_of) if one.id not in items]
    new += [(one.date, one.id) for one in workspace.statements if one.id in inputs["statements"].keys() - said.keys()]
    for day, name in sorted(new):
        yield Due("update", name, f"of {day}, not in {update}", command)
    for name in inputs["retracted"]:
        if name in items and name not in last.inputs["retracted"]:
            yield Due("update", name, f"retracted, and still counts in {update}", command)
    now = replace(last, inputs=inputs, rolled=rolled_to(workspace.network))
    for name in changes(now, last)[1]:
        yield Due("update", name, f"edited since {update}", command)
    for name in other_changes(now, last):
        if name != "statements" or said.keys() - inputs["statements"].keys():
            yield Due("update", name, f"not as in {update}", command)


def _benchmarks(workspace: Workspace, as_of: date, days: int) -> Iterator[Due]:
    used = {name for question in workspace.asked for name in question.benchmarks}
    for name in sorted(set(workspace.benchmarks) - used):
        yield Due("benchmark", name, "no question uses this series; name it in a question's benchmarks")
    for question in workspace.asked:
        line = resolution_on(workspace.resolutions, question.id, as_of)
        if status_on(question, line, as_of) != "open" or isinstance(question, DateQuestion | NumberQuestion):
            continue
        latest = [day for day, _ in latest_numbers(workspace, question, as_of).values()]
        if not latest:
            yield Due("benchmark", question.id, "no benchmark number")
        elif as_of - max(latest) > timedelta(days=days):
            what = f"the latest number is of {max(latest)}, {(as_of - max(latest)).days} days ago"
            yield Due("benchmark", question.id, what)


def _claims(workspace: Workspace, layout: Layout, as_of: date, days: int) -> Iterator[Due]:
    """Tell claims of a step that nothing has settled, by the day they are false, and each source's false alarms."""
    claims = judged_claims(compile_workspace(layout, workspace, as_of), workspace)
    for claim in claims:
        is_step = layout.events[layout.index[claim.event]].kind == "reached"
        if claim.was_true is None and is_step and as_of - claim.claimed_on > timedelta(days=days):
            last = claim.claimed_on + timedelta(days=SETTLED_WITHIN_DAYS)
            what = (
                f"claims that '{claim.event}' is '{claim.states[0]}' since {claim.claimed_on}, and nothing settles it; "
                f"watched until {last}, it was false when it was made"
            )
            yield Due("claim", claim.item, what)
    for source in sorted({claim.source for claim in claims}):
        judged = [claim for claim in claims if claim.source == source and claim.was_true is not None]
        false = [claim for claim in judged if not claim.was_true]
        if false:
            told = "; ".join(
                f"{one.item} ('{one.event}' is '{one.states[0]}' on {one.claimed_on}, settled {_when(one)})"
                for one in false
            )
            what = f"{len(false)} of {len(judged)} claims were false when they were made: {told}"
            yield Due("claim", source, what, f"forecast sources {source}")


def _when(claim: JudgedClaim) -> str:
    if claim.since is None:
        return f"on no day, and news watched for {SETTLED_WITHIN_DAYS} days"
    late = claim.since > claim.claimed_on
    return f"on {claim.since}; if it was earlier, give that item `happened`" if late else "otherwise on that day"


def _silent_sources(workspace: Workspace, as_of: date) -> Iterator[Due]:
    heard = {item.report_source for item in workspace.items if item.reported <= as_of}
    for name in sorted(set(workspace.sources) - heard - {REPORTER}):
        yield Due("source", name, "listed, and nothing of it has been reported")


# P(by a date): every event and scenario on a day between today and the horizon, with its distribution over draws.

Array = NDArray[np.float64]


class OutsideError(ValueError):
    """The day lies before the as-of date or after the horizon; the message says which days there are."""


@dataclass(frozen=True, kw_only=True)
class Chance:
    """A probability, the quantiles of its distribution over draws, and its Monte Carlo error."""

    probability: float
    quantiles: Mapping[str, float]
    mcse: float


@dataclass(frozen=True, kw_only=True)
class ScenarioOn:
    """A scenario, its rules read on the day, beside the forecast's own probability."""

    id: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    at_horizon: float
    at_horizon_mcse: float


@dataclass(frozen=True, kw_only=True)
class StateOn:
    """A state: P(in it on the day), and `reached`: P(at least this step by the day), where steps are reached."""

    state: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    at_horizon: float
    at_horizon_mcse: float
    reached: Chance | None


@dataclass(frozen=True, kw_only=True)
class EventOn:
    """An event and its states on the day."""

    id: str
    kind: str
    states: tuple[StateOn, ...]


@dataclass(frozen=True, kw_only=True)
class ByDate:
    """The forecast for a day between the as-of date and the horizon."""

    as_of: date
    known_until: date
    by: date
    horizon: date
    scenarios: tuple[ScenarioOn, ...]
    events: tuple[EventOn, ...]


def by_date(outcome: Outcome, day: date) -> ByDate:
    """Compute the forecast for a day: the as-of network of that day under the weights of the horizon.

    Args:
        outcome: the forecast.
        day: from the as-of date to the horizon, both included.

    In every draw P(at least a step by the day) is no higher than by the horizon: see reweight.curves for why it could
    be. Scenarios are not lowered with it.

    Raises OutsideError.
    """
    layout, horizon = outcome.layout, outcome.layout.horizon
    _check_day(outcome, day)
    of = outcome.posterior
    queried = query(compile_workspace(layout, outcome.workspace, outcome.as_of, on=day), outcome.workspace.scenarios)
    on_day = of.evaluation if day == horizon else evaluate(queried, of.draws.theta, of.reliabilities)
    steps = {
        v: np.minimum(at_least(on_day.events[v]), at_least(of.evaluation.events[v]))
        for v, event in enumerate(layout.events)
        if event.kind == "reached"
    }
    for v, least in steps.items():
        least[: queried.network.alive[v].start + 1] = 1.0  # taken already: not the rounded sum
    in_state = tuple(_exactly(steps[v]) if v in steps else states for v, states in enumerate(on_day.events))
    scenarios, events = _estimates(outcome, replace(on_day, events=in_state))
    cumulated = tuple(steps.get(v, states) for v, states in enumerate(on_day.events))
    _, reached = _estimates(outcome, replace(on_day, events=cumulated), adds_up=False)
    return ByDate(
        as_of=outcome.as_of,
        known_until=of.asked.network.known.until,
        by=day,
        horizon=horizon,
        scenarios=tuple(
            ScenarioOn(
                id=name,
                probability=share.probability,
                quantiles=by_level(share),
                mcse=share.mcse,
                at_horizon=outcome.scenarios[name].probability,
                at_horizon_mcse=outcome.scenarios[name].mcse,
            )
            for name, share in scenarios.items()
        ),
        events=tuple(
            EventOn(
                id=event.id,
                kind=event.kind,
                states=tuple(
                    _state(
                        state, share, outcome.events[event.id][state], reached[event.id][state] if v in steps else None
                    )
                    for state, share in events[event.id].items()
                ),
            )
            for v, event in enumerate(layout.events)
        ),
    )


def outcome_on(outcome: Outcome, day: date) -> Outcome:
    """Return the forecast of a day between the as-of date and the horizon, scenarios read on it, to be asked further.

    The as-of network of that day under the weights of the horizon, as in `by_date`; its steps are not lowered to the
    horizon's, so that all that is asked of it comes from one joint distribution. Raises OutsideError.
    """
    _check_day(outcome, day)
    if day == outcome.layout.horizon:
        return outcome
    of = outcome.posterior
    network = compile_workspace(outcome.layout, outcome.workspace, outcome.as_of, on=day)
    queried = query(network, outcome.workspace.scenarios)
    there = replace(of, asked=queried, evaluation=evaluate(queried, of.draws.theta, of.reliabilities))
    return summarised(outcome.workspace, outcome.layout, outcome.as_of, outcome.seed, there)


def _check_day(outcome: Outcome, day: date) -> None:
    horizon = outcome.layout.horizon
    if not outcome.as_of <= day <= horizon:
        msg = f"{day} is no day of this forecast; it runs from its as-of date {outcome.as_of} to its horizon {horizon}"
        raise OutsideError(msg)


def _state(state: str, share: Estimate, at_horizon: Estimate, reached: Estimate | None) -> StateOn:
    return StateOn(
        state=state,
        probability=share.probability,
        quantiles=by_level(share),
        mcse=share.mcse,
        at_horizon=at_horizon.probability,
        at_horizon_mcse=at_horizon.mcse,
        reached=None
        if reached is None
        else Chance(probability=reached.probability, quantiles=by_level(reached), mcse=reached.mcse),
    )


def _estimates(
    outcome: Outcome, evaluation: Evaluation, *, adds_up: bool = True
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]]]:
    weights = outcome.posterior.weights.weights
    return estimates(outcome.workspace, outcome.layout, evaluation, weights, adds_up=adds_up)


def _exactly(at_least_step: Array) -> Array:
    """Turn P(at least step k) (states, draws) into P(exactly step k)."""
    return np.asarray(at_least_step - np.append(at_least_step[1:], np.zeros_like(at_least_step[:1]), axis=0))
