"""Answers to questions of further kinds: scenarios and conditions, dates, numbers; exact within each weighted draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from forecast.model import decision
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.between import compile_through
from forecast.model.layout import Layout
from forecast.posterior.by_date import QUESTION_QUANTILES, curve_days, on_all_draws, states_on, yes_in_draws
from forecast.posterior.piecewise import PiecewiseLinear, mixture
from forecast.posterior.posterior import Posterior, evaluate_regions, query, query_rules, thinned
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.workspace.names import OTHER
from forecast.workspace.problems import Source
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    DateQuestion,
    JointQuestion,
    NumberQuestion,
    Proposition,
    Scenario,
    Workspace,
)

Array = NDArray[np.float64]
Rule = tuple[Condition, ...]
JOINT_PRODUCTS = 80_000_000  # of which as many draws are solved where a condition is on an earlier day,
JOINT_DRAWS = 250  # and at least so many: the network then has each event twice
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the distribution of a date or a number


@dataclass(frozen=True, kw_only=True)
class JointEstimate:
    """P(yes), or P(yes | the condition), and P(the condition): None without one.

    `quantiles` (in the order of QUESTION_QUANTILES) are over draws, each weighed by how probable it makes the
    condition. `probability` is None where the condition can no longer come true. `mcse` and `given_mcse` are Monte
    Carlo standard errors.
    """

    question: str
    probability: float | None
    quantiles: tuple[float, ...] | None
    mcse: float | None
    is_decided: bool
    p_given: float | None
    given_mcse: float | None


@dataclass(frozen=True, kw_only=True)
class DateEstimate:
    """The distribution of the day on which a step is taken.

    `days` and `by_day`: P(taken by the end of the day), never falling, on some ends of quarters (`curve_days`) and on
    the days of `dates`. `dates`: for each of LEVELS the first day by which it is taken with that probability,
    None where that is after the last day. `missed` = P(not by the last day), with quantiles over draws and its Monte
    Carlo error. `taken`: the day, where it is settled.
    """

    question: str
    days: tuple[date, ...]
    by_day: tuple[float, ...]
    dates: tuple[date | None, ...]
    missed: float
    quantiles: tuple[float, ...]
    mcse: float
    taken: date | None
    is_decided: bool


@dataclass(frozen=True, kw_only=True)
class NumberEstimate:
    """The distribution of a number: the mixture of its cases by their probabilities.

    `quantiles` of it at LEVELS, its `mean`, the quantiles of the mean over draws (`mean_quantiles`) with its Monte
    Carlo error, P(case) in the order of the cases, and P(bin): below the first edge, between edges, above the last.
    """

    question: str
    distribution: PiecewiseLinear = field(repr=False)
    quantiles: tuple[float, ...]
    mean: float
    mean_quantiles: tuple[float, ...]
    mcse: float
    cases: tuple[float, ...]
    bins: tuple[float, ...]


def rules_until(about: Proposition, scenarios: Sequence[Scenario]) -> tuple[Rule, ...]:
    """Return rules of which the last is the first to hold exactly where a proposition does.

    Those before it are the scenarios that would take its place; of `other` the last rule names nothing.
    """
    if about.scenario is None:
        return (about.conditions,)
    rules = tuple(one.when for one in scenarios)
    if about.scenario == OTHER:
        return (*rules, ())
    return rules[: [one.id for one in scenarios].index(about.scenario) + 1]


def joint_rules(
    about: Proposition, given: Proposition | None, scenarios: Sequence[Scenario]
) -> tuple[tuple[Rule, ...], int, range]:
    """Return rules, the place of that which is the first to hold where both propositions do, and those of `given`.

    The places are of rules, and one behind the last is that none holds.
    """
    yes = rules_until(about, scenarios)
    if given is None:
        return yes, len(yes) - 1, range(len(yes) + 1)
    *earlier, under = rules_until(given, scenarios)
    rules = (*earlier, *(_both(under, rule) for rule in yes), under)
    return rules, len(rules) - 2, range(len(earlier), len(rules))


def _both(one: Rule, other: Rule) -> Rule:
    """Return the conditions of two rules together; of an event that both name on a day, the states that both allow."""
    met: dict[tuple[str, date | None], Condition] = {}
    for condition in (*one, *other):
        key = condition.event, _own_day(condition)
        allowed = met[key].states if key in met else condition.states
        met[key] = replace(condition, states=tuple(state for state in condition.states if state in allowed))
    return tuple(met.values())


def _own_day(condition: Condition) -> date | None:
    """Return the day of its own on which a condition is read; None: the question's."""
    return condition.held_by if isinstance(condition, DatedCondition) else None


def joint_estimates(
    workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, questions: Sequence[JointQuestion]
) -> tuple[JointEstimate, ...]:
    """Compute P(about | given) on each question's last day, as known on a date, in the order of `questions`.

    The mean joint over weighted draws is conditioned: sum_d w_d P(about, given | E, theta_d) over sum_d w_d
    P(given | E, theta_d). So what the condition would teach about theta counts, as in `forecast what-if`. On the
    horizon a scenario without a condition is the forecast's own number. Days before it are not lowered to the
    horizon's value (`question_probabilities`): a law of total probability holds between the answers of one day.

    A condition with an earlier day of its own is read in the joint distribution of both days (`compile_through`), in
    which reports speak of the question's day. Where that is large it is solved on some draws, evenly spaced; what these
    say at the horizon, less what all say there, corrects them (`on_all_draws`).

    Raises CausesOnTheWayError, TooMuchWorkError and TooDenseNetworkError.
    """
    found: dict[str, JointEstimate] = {}
    for one in joints_in_draws(workspace, layout, as_of, posterior, questions):
        estimate = _joint(one.question, one.of.weights.weights, one.share, one.yes, one.within, one.known)
        if one.of is not posterior and estimate.probability is not None and not estimate.is_decided:
            probability, error = ratio_on_all_draws(one, posterior, layout)
            estimate = replace(estimate, probability=probability, mcse=error)
        found[one.question.id] = estimate
    return tuple(found[one.id] for one in questions)


@dataclass(frozen=True, kw_only=True)
class JointInDraws:
    """A question in the draws of a posterior.

    `share` (rules + 1, draws) = P(rule is the first to hold | E, theta_d); `yes` is the place of that of both, `within`
    those of the condition. `known` says of each what settled evidence makes of it, None where that is open.
    """

    question: JointQuestion
    of: Posterior
    share: Array = field(repr=False)
    yes: int
    within: range
    known: tuple[bool | None, ...]

    @property
    def under(self) -> Array:
        """P(the condition) in each draw."""
        if self.question.given is None:
            return np.ones_like(self.of.weights.weights)
        return np.asarray(self.share[self.within.start : self.within.stop].sum(axis=0))

    @property
    def is_open(self) -> bool:
        """Say whether settled evidence leaves both answers open, and the condition possible."""
        inside = {self.known[place] for place in self.within}
        others = {self.known[place] for place in self.within if place != self.yes}
        return self.known[self.yes] is None and inside != {False} and others != {False}


def ratio_on_all_draws(one: JointInDraws, every: Posterior, layout: Layout) -> tuple[float, float]:
    """Return P(yes | the condition) as if all draws had been solved, and its Monte Carlo error (`on_all_draws`)."""
    both = one.share[one.yes]
    events = [condition.event for condition in one.question.about.conditions]
    of_all = on_all_draws(np.stack([both, one.under - both]), one.of, every, layout.index[events[0]] if events else 0)
    p_yes, p_no = of_all.mean.tolist()
    probability = p_yes / (p_yes + p_no)
    # By how much the share of yes moves with each of the two.
    moves = np.array([[1.0 - probability, -probability]]) / (p_yes + p_no)
    error = replace(of_all, mean=moves @ of_all.mean, left=moves @ of_all.left, slopes=moves @ of_all.slopes)
    return probability, float(error.mcse()[0])


def joints_in_draws(
    workspace: Workspace,
    layout: Layout,
    as_of: date,
    posterior: Posterior,
    questions: Sequence[JointQuestion],
    compiled: Mapping[date, AsOfNetwork] = MappingProxyType({}),
) -> Iterator[JointInDraws]:
    """Solve questions on their last days, day after day; raises as `joint_estimates`.

    `compiled` are networks of days that are there already.
    """
    for day in sorted({one.by for one in questions}):
        network = compiled.get(day) or compile_workspace(layout, workspace, as_of, on=day)
        asked = {one.id: joint_rules(one.about, one.given, workspace.scenarios) for one in questions if one.by == day}
        through = {name: days for name, (rules, _, _) in asked.items() if (days := _on_the_way(network, rules))}
        plain = [name for name in asked if name not in through]
        shares = _shares_on(network, posterior, workspace.scenarios, [_open(network, asked[name][0]) for name in plain])
        solved = {name: (share, posterior) for name, share in zip(plain, shares, strict=True)}
        for name, days in through.items():
            solved[name] = _through(network, days, posterior, asked[name][0])
        for one in (one for one in questions if one.by == day):
            (rules, yes, within), (share, of) = asked[one.id], solved[one.id]
            known = _is_known(network, rules)
            yield JointInDraws(question=one, of=of, share=share, yes=yes, within=within, known=known)


def _on_the_way(network: AsOfNetwork, rules: Sequence[Rule]) -> tuple[date, ...]:
    """Return the days of conditions that are still to come, in order."""
    return tuple(sorted({day for rule in rules for one in rule if (day := _still_to_come(network, one)) is not None}))


def _still_to_come(network: AsOfNetwork, condition: Condition) -> date | None:
    """Return the own day of a condition, None where it is known what was so on it."""
    day = _own_day(condition)
    return None if day is None or day <= network.known.paths[network.layout.index[condition.event]].until else day


def _open(network: AsOfNetwork, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules on the network's date: of conditions whose own day is over what is known of it is left.

    One that was met says nothing more; a rule with one that was not can never hold.
    """

    def left(rule: Rule) -> Rule:
        over = [one for one in rule if _own_day(one) is not None]
        met = all(_is_met(network, one) for one in over)
        rest = tuple(one for one in rule if one not in over)
        return rest if met else (*rest, *(Condition(one.event, ()) for one in over))

    return tuple(map(left, rules))


def _is_met(network: AsOfNetwork, condition: Condition) -> bool:
    """Say whether a condition was met on a day that is over."""
    v, day = network.layout.index[condition.event], _own_day(condition)
    path = network.known.paths[v]
    return network.layout.events[v].states[path.on(day or network.on)] in condition.states


def _through(
    network: AsOfNetwork, days: Sequence[date], posterior: Posterior, rules: Sequence[Rule]
) -> tuple[Array, Posterior]:
    """Compute P(each rule is the first to hold | E, theta_d), and that none does, of conditions on several days.

    Returns it with the draws that it was solved on: all of them where the network of all days is small.
    """
    layout = network.layout
    sliced = compile_through(network, days, {layout.index[one.event] for rule in rules for one in rule})

    def variable(condition: Condition) -> tuple[int, tuple[bool, ...]]:
        v = layout.index[condition.event]
        day = _still_to_come(network, condition)
        place = v if day is None else sliced.at[day, v]
        states = (layout.events[v].states[x] for x in sliced.network.alive[place])
        return place, tuple(state in condition.states for state in states)

    def rule_of(rule: Rule) -> decision.Rule:
        over = [one for one in rule if _own_day(one) is not None and _still_to_come(network, one) is None]
        if not all(_is_met(network, one) for one in over):
            return decision.Rule(None)
        return decision.Rule(tuple(variable(one) for one in rule if one not in over))

    queried = query_rules(sliced.network, [rule_of(rule) for rule in rules])
    some = thinned(posterior, max(JOINT_DRAWS, JOINT_PRODUCTS // max(queried.plan.work, 1)))
    (shares,) = evaluate_regions([queried], some.draws.theta, some.reliabilities)
    return shares, some


def _shares_on(
    network: AsOfNetwork, posterior: Posterior, scenarios: Sequence[Scenario], ruled: Sequence[tuple[Rule, ...]]
) -> list[Array]:
    """Compute P(each rule is the first to hold | E, theta_d), and that none does: (rules + 1, draws) of each list."""
    whole = tuple(one.when for one in scenarios)
    known: dict[int, Array] = {}
    if network.on == posterior.asked.network.on:
        of = posterior.evaluation.scenarios
        known = {place: _grouped(of, len(rules)) for place, rules in enumerate(ruled) if rules == whole[: len(rules)]}
        known |= {place: _grouped(of, len(rules)) for place, rules in enumerate(ruled) if rules == (*whole, ())}
    asked = [place for place in range(len(ruled)) if place not in known]
    queries = [query(network, [_scenario(rule) for rule in ruled[place]]) for place in asked]
    solved = evaluate_regions(queries, posterior.draws.theta, posterior.reliabilities) if queries else []
    known |= dict(zip(asked, solved, strict=True))
    return [known[place] for place in range(len(ruled))]


def _grouped(of: Array, n_rules: int) -> Array:
    """Return the first rows, then the sum of all others; of all of them and a rule without conditions, a row of 0."""
    rest = of[n_rules:].sum(axis=0, keepdims=True)
    return np.concatenate([of[:n_rules], rest])


def _scenario(rule: Rule) -> Scenario:
    """Return a rule as the engine takes it; a rule has no place in a file."""
    return Scenario("rule", "rule", "", rule, Source("", 1))


def _is_known(network: AsOfNetwork, rules: Sequence[Rule]) -> tuple[bool | None, ...]:
    """Say of each rule whether it is the first to hold by what is settled; None where that is open. One more: none."""
    answers: list[bool | None] = []
    before: bool | None = False  # whether an earlier rule holds
    for rule in rules:
        here = _holds(network, rule)
        if before or here is False:
            answers.append(False)
        else:
            answers.append(True if here and before is False else None)
        before = True if before or here else before if here is False else None
    return (*answers, None if before is None else not before)


def _holds(network: AsOfNetwork, rule: Rule) -> bool | None:
    layout, certain = network.layout, True
    for condition in rule:
        v = layout.index[condition.event]
        path = network.known.paths.get(v)
        named = {layout.state(condition.event, state) for state in condition.states}
        day = _own_day(condition) or network.on
        is_past = path is not None and day <= path.until
        alive = {path.on(day)} if path is not None and is_past else set(network.alive[v])
        if not alive & named:
            return False
        certain = certain and alive <= named
    return True if certain else None


def _joint(
    question: JointQuestion,
    weights: Array,
    share: Array,
    yes: int,
    within: range,
    known: Sequence[bool | None],
) -> JointEstimate:
    inside = [known[place] for place in within]
    came = True if question.given is None else True if True in inside else False if set(inside) == {False} else None
    p_given = given_mcse = None
    under = np.ones_like(weights) if question.given is None else share[within.start : within.stop].sum(axis=0)
    total = float(under @ weights)
    if question.given is not None:
        p_given = float(came) if came is not None else min(total, 1.0)
        given_mcse = 0.0 if came is not None else _error(under, weights, total)
        outside = [known[place] for place in range(len(known)) if place not in within]
        if outside and set(outside) == {False}:
            p_given, given_mcse = 1.0, 0.0
    if came is False or total <= 0.0:
        return JointEstimate(
            question=question.id,
            probability=None,
            quantiles=None,
            mcse=None,
            is_decided=False,
            p_given=0.0,
            given_mcse=0.0,
        )
    others = {known[place] for place in within if place != yes}
    is_yes = True if known[yes] or others == {False} else False if known[yes] is False else None
    if is_yes is not None:
        value = float(is_yes)
        quantiles, error = (value,) * len(QUESTION_QUANTILES), 0.0
    else:
        in_draws = np.divide(share[yes], under, out=np.zeros_like(under), where=under > 0.0)
        weighed = weights * under / total
        value = float(in_draws @ weighed)
        quantiles, error = _over_draws(in_draws, weighed), _error(in_draws, weighed, value)
    return JointEstimate(
        question=question.id,
        probability=value,
        quantiles=quantiles,
        mcse=error,
        is_decided=is_yes is not None,
        p_given=p_given,
        given_mcse=given_mcse,
    )


def _over_draws(values: Array, weights: Array) -> tuple[float, ...]:
    return tuple(weighted_quantiles(values[np.newaxis], weights, np.array(QUESTION_QUANTILES))[0].tolist())


def _error(values: Array, weights: Array, mean: float) -> float:
    return float(averages(values[np.newaxis], weights, np.array([mean])).mcse[0])


def date_estimate(
    workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, question: DateQuestion
) -> DateEstimate:
    """Compute the distribution of the day on which a step is taken, as known on a date.

    P(by a day) is the answer to the question about that day (`question_probabilities`), the mean over weighted draws;
    where it would fall from one of some ends of quarters to a later one within a draw, the earlier is lowered, as
    `curves` does. The days of LEVELS are found by halving between these.
    """
    taken_by = _TakenBy(workspace, layout, as_of, posterior, question)
    bins, weights = taken_by.days, posterior.weights.weights
    if taken_by.is_settled:
        return _settled(question, bins, taken_by.taken)
    at_ends = taken_by.at_days
    dates: list[date | None] = []
    for level in LEVELS:
        place = int(np.searchsorted(at_ends, level))
        if place == len(bins):
            dates.append(None)
            continue
        earliest = [day - timedelta(days=1) for day in dates[-1:] if day is not None]
        after = max([taken_by.until, *bins[place - 1 : place], *earliest])
        dates.append(_first_day(after, bins[place], level, taken_by.share))
    missed = 1.0 - taken_by.in_draws[-1]
    mean = float(missed @ weights)
    days = tuple(sorted({*bins, *(day for day in dates if day is not None)}))
    return DateEstimate(
        question=question.id,
        days=days,
        by_day=tuple(np.maximum.accumulate([taken_by.share(day) for day in days]).tolist()),
        dates=tuple(dates),
        missed=mean,
        quantiles=_over_draws(missed, weights),
        mcse=_error(missed, weights, mean),
        taken=None,
        is_decided=False,
    )


DAY_ERROR = 5e-4  # between two days of `taken_by_day`: how far the middle may lie from the line


def taken_by_day(
    workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, question: DateQuestion
) -> tuple[tuple[date, float], ...]:
    """Compute P(taken by the end of a day) as a whole, never falling: at days between which it is a straight line.

    From the opening, on which it is 0, to the last day; what is left then is P(not by the last day). Days are added
    until the middle of each stretch lies within DAY_ERROR of the line; every answer is that of `date_estimate`.
    """
    taken_by = _TakenBy(workspace, layout, as_of, posterior, question)
    opens, by = question.opens, question.by
    if taken_by.is_settled:
        taken = taken_by.taken
        turn = [] if taken is None or taken > by else [taken - timedelta(days=1), taken]
        days = sorted({opens, by, *(day for day in turn if day >= opens)})
        return tuple((day, float(taken is not None and taken <= day)) for day in days)
    start = max(opens, taken_by.until)
    stated = {opens: 0.0, start: 0.0, **dict(zip(taken_by.days, taken_by.at_days.tolist(), strict=True))}
    stretches = list(pairwise([start, *(day for day in taken_by.days if day > start)]))
    while stretches:
        low, high = stretches.pop()
        half = (high - low).days // 2
        if half:
            middle = low + timedelta(days=half)
            line = stated[low] + (stated[high] - stated[low]) * half / (high - low).days
            stated[middle] = taken_by.share(middle)
            if abs(stated[middle] - line) > DAY_ERROR:
                stretches += [(low, middle), (middle, high)]
    in_order = sorted(stated)
    shares = np.maximum.accumulate([stated[day] for day in in_order])
    return tuple(zip(in_order, np.minimum(shares, 1.0).tolist(), strict=True))


class _TakenBy:
    """P(taken by the end of a day) of a question, in draws and on the mean.

    `days` are some ends of quarters and the last day; `in_draws` (days, draws) and `at_days` are the shares there;
    `until` is the day until which it is known, `taken` the day where it is settled that there is one.
    """

    def __init__(
        self, workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, question: DateQuestion
    ) -> None:
        event = layout.events[layout.index[question.event]]
        step = event.states.index(question.step)
        self._of = workspace, layout, as_of, posterior
        self._about = Condition(question.event, event.states[step:])
        path = compile_workspace(layout, workspace, as_of, on=question.by).known.paths[layout.index[question.event]]
        self.until = path.until
        self.taken = min((day for day, state in path.changes if state >= step), default=None)
        self.is_settled = self.taken is not None or question.by <= path.until
        self.days = curve_days(question.opens, question.by)
        if not self.is_settled:
            weights = posterior.weights.weights
            self.in_draws = np.minimum.accumulate(np.stack([self._on(day) for day in self.days])[::-1])[::-1]
            self.at_days = self.in_draws @ weights
            self._known = dict(zip(self.days, self.at_days.tolist(), strict=True))

    def share(self, day: date) -> float:
        """Return P(taken by the end of a day), not above that of the next of `days` in any draw."""
        if day not in self._known:
            later = self.in_draws[next(place for place, end in enumerate(self.days) if end > day)]
            self._known[day] = float(np.minimum(self._on(day), later) @ self._of[3].weights.weights)
        share: float = self._known[day]
        return share

    def _on(self, day: date) -> Array:
        workspace, layout, as_of, posterior = self._of
        if day <= self.until:
            return np.zeros_like(posterior.weights.weights)
        network = compile_workspace(layout, workspace, as_of, on=day)
        shares = states_on(network, posterior, [self._about.event])[self._about.event]
        return yes_in_draws(layout, posterior, self._about, day, shares)


def _first_day(after: date, until: date, level: float, by: Callable[[date], float]) -> date:
    """Return the first day after one, up to another, by which the probability is at least a level; on that it is."""
    while (until - after).days > 1:
        middle = after + timedelta(days=(until - after).days // 2)
        if by(middle) >= level:
            until = middle
        else:
            after = middle
    return until


def _settled(question: DateQuestion, bins: tuple[date, ...], taken: date | None) -> DateEstimate:
    inside = taken is not None and taken <= question.by
    days = tuple(sorted({*bins, *([taken] if taken is not None and inside else [])}))
    return DateEstimate(
        question=question.id,
        days=days,
        by_day=tuple(float(taken is not None and taken <= day) for day in days),
        dates=((taken if inside else None),) * len(LEVELS),
        missed=float(not inside),
        quantiles=(float(not inside),) * len(QUESTION_QUANTILES),
        mcse=0.0,
        taken=taken,
        is_decided=True,
    )


def settled_answer(
    network: AsOfNetwork, scenarios: Sequence[Scenario], question: JointQuestion | DateQuestion | NumberQuestion
) -> tuple[str, date] | None:
    """Say what settled evidence makes of a question, in the network of its last day, and since when it was so.

    `yes`, `no`, or `void` where the condition did not come true; None where it leaves the answer open.
    """
    if isinstance(question, NumberQuestion):
        return None
    if isinstance(question, DateQuestion):
        v = network.layout.index[question.event]
        step, path = network.layout.state(question.event, question.step), network.known.paths[v]
        taken = min((day for day, state in path.changes if state >= step), default=None)
        if taken is not None and taken <= question.by:
            return "yes", taken
        return ("no", question.by) if taken is not None or question.by <= path.until else None
    rules, yes, within = joint_rules(question.about, question.given, scenarios)
    known = _is_known(network, rules)
    inside = {known[place] for place in within}
    if question.given is not None and inside == {False}:
        days = (_own_day(one) for one in question.given.conditions if _holds(network, (one,)) is False)
        return "void", min((day or question.by for day in days), default=question.by)
    if known[yes]:
        return "yes", max((_since(network, one) for one in _conditions(question)), default=question.by)
    outside = {known[place] for place in range(len(known)) if place not in within}
    came = question.given is None or True in inside or outside == {False}
    return ("no", question.by) if came and known[yes] is False else None


def _conditions(question: JointQuestion) -> Rule:
    return (*question.about.conditions, *(question.given.conditions if question.given else ()))


def _since(network: AsOfNetwork, condition: Condition) -> date:
    """Return the day from which a condition that is settled held: of a reached event that of the step."""
    v = network.layout.index[condition.event]
    if network.layout.events[v].kind != "reached":
        return _own_day(condition) or network.on
    named = {network.layout.state(condition.event, state) for state in condition.states}
    return min((day for day, state in network.known.paths[v].changes if state in named), default=network.on)


def number_estimates(
    workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, questions: Sequence[NumberQuestion]
) -> tuple[NumberEstimate, ...]:
    """Compute the distribution of each number on its day, as known on a date.

    Given the case, it is what the question states; the distribution is the exact mixture, by the mean over weighted
    draws of P(case | E, theta_d).
    """
    found: dict[str, NumberEstimate] = {}
    for day in sorted({one.by for one in questions}):
        network = compile_workspace(layout, workspace, as_of, on=day)
        of_day = [one for one in questions if one.by == day]
        ruled = [_rules_of(one, workspace.scenarios) for one in of_day]
        for one, share in zip(of_day, _shares_on(network, posterior, workspace.scenarios, ruled), strict=True):
            found[one.id] = _number(one, _of_cases(one, workspace.scenarios, share), posterior.weights.weights)
    return tuple(found[one.id] for one in questions)


def _rules_of(question: NumberQuestion, scenarios: Sequence[Scenario]) -> tuple[Rule, ...]:
    if question.cases[0].about.scenario is not None:
        return tuple(one.when for one in scenarios)
    return tuple(case.about.conditions for case in question.cases if case.about != Proposition())


def _of_cases(question: NumberQuestion, scenarios: Sequence[Scenario], share: Array) -> Array:
    """Return P(case) in every draw: (cases, draws)."""
    if question.cases[0].about.scenario is None:
        return share[: len(question.cases)]
    places = {name: place for place, name in enumerate((*(one.id for one in scenarios), OTHER))}
    named = [places.get(case.about.scenario or "") for case in question.cases]
    rest = [place for place in places.values() if place not in named]
    return np.stack([share[rest].sum(axis=0) if place is None else share[place] for place in named])


def _number(question: NumberQuestion, cases: Array, weights: Array) -> NumberEstimate:
    parts = [PiecewiseLinear.of_points(case.points) for case in question.cases]
    shares = cases @ weights
    shares = shares / shares.sum()
    whole = mixture(parts, shares)
    means = np.array([part.mean for part in parts])
    in_draws = means @ cases
    mean = float(means @ shares)
    edges = [0.0, *(whole.below(edge) for edge in question.bins), 1.0]
    return NumberEstimate(
        question=question.id,
        distribution=whole,
        quantiles=tuple(whole.quantile(level) for level in LEVELS),
        mean=mean,
        mean_quantiles=tuple(
            weighted_quantiles(in_draws[np.newaxis], weights, np.array(QUESTION_QUANTILES))[0].tolist()
        ),
        mcse=_error(in_draws, weights, mean),
        cases=tuple(shares.tolist()),
        bins=tuple(np.diff(edges).tolist()) if question.bins else (),
    )
