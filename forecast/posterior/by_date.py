"""P(by date) of events and questions: the as-of network asked about other dates, on the same weighted draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.layout import Layout
from forecast.posterior.posterior import Posterior, evaluate, evaluate_regions, query
from forecast.posterior.sources import Reliabilities
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.workspace.records import Condition, Event, Question, Scenario, Workspace

Array = NDArray[np.float64]

CURVE_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Probabilities by date, for each event.

    `mean[v]` (dates, states of v) and `quantiles[v]` (dates, states, CURVE_QUANTILES): of a reached event P(at least
    state k by the date), of the others P(in the state on the date). `mcse[v]` (dates, states) is the Monte Carlo
    standard error of the mean; `correction` the largest change within any draw that made a reached event's curve rise.
    """

    days: tuple[date, ...]
    mean: tuple[Array, ...]
    quantiles: tuple[Array, ...]
    mcse: tuple[Array, ...]
    correction: float


def curve_days(start: date, horizon: date, most: int = 9) -> tuple[date, ...]:
    """Return the quarter ends between a date and the horizon, thinned to at most `most`, then the horizon.

    Ends of years are kept before ends of other quarters.
    """
    ends = [
        date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        for year in range(start.year, horizon.year + 1)
        for month in (3, 6, 9, 12)
    ]
    inside = [day for day in ends if start < day < horizon]
    for months in ((3, 6, 9, 12), (6, 12), (12,)):
        if len(kept := [day for day in inside if day.month in months]) < most:
            return (*kept, horizon)
    years = [day for day in inside if day.month == 12]
    step = -(-len(years) // (most - 1))
    return (*years[step - 1 :: step], horizon)


def curves(
    layout: Layout,
    workspace: Workspace,
    as_of: date,
    theta: Array,
    weights: Array,
    days: Sequence[date],
    *,
    every: int = 1,
    drawn: Reliabilities | None = None,
) -> Curves:
    """Compute P(state by each date) under the weights of the horizon, normalised within each draw.

    Args:
        layout, workspace, as_of: what is known.
        theta: (n_theta, draws).
        weights: (draws,) normalised importance weights, those of the forecast at the horizon.
        days: ascending, none after the horizon.
        every: use every so-many-th draw.
        drawn: the reliability of each source in each draw.

    A report speaks the more loudly the nearer the date that is asked about (it wears off), and parents that arrive
    meanwhile enter by an approximation; so P(at least k by t) of a reached event can come out above its value at a
    later date. The latest date of `days` is left as it is, the forecast at the horizon, and earlier ones are lowered.
    """
    theta, share = np.ascontiguousarray(theta[:, ::every]), weights[::every]
    share = share / share.sum()
    drawn = None if drawn is None else drawn.thinned(every)
    by_day = [_on_day(layout, workspace, as_of, theta, day, drawn) for day in days]
    mean, quantiles, mcse, correction = [], [], [], 0.0
    for v, event in enumerate(layout.events):
        values = np.stack([states[v] for states in by_day])
        if event.kind == "reached":
            stated = at_least(values)
            values = np.minimum.accumulate(stated[::-1])[::-1]
            correction = max(correction, float((stated - values).max()))
        means, flat = values @ share, values.reshape(-1, values.shape[-1])
        mean.append(means)
        mcse.append(averages(flat, share, means.ravel()).mcse.reshape(means.shape))
        quantiles.append(weighted_quantiles(flat, share, np.array(CURVE_QUANTILES)).reshape(*means.shape, -1))
    return Curves(
        days=tuple(days), mean=tuple(mean), quantiles=tuple(quantiles), mcse=tuple(mcse), correction=correction
    )


def at_least(states: Array) -> Array:
    """Turn P(exactly step k), on the last axis but one, into P(at least step k)."""
    added = np.cumsum(states[..., ::-1, :], axis=-2)[..., ::-1, :]
    added[..., 0, :] = 1.0  # not the rounded sum
    return added


def _on_day(
    layout: Layout, workspace: Workspace, as_of: date, theta: Array, day: date, drawn: Reliabilities | None
) -> tuple[Array, ...]:
    # Without the scenario rules no events have to be kept to the last, and the elimination is cheaper.
    return evaluate(query(compile_workspace(layout, workspace, as_of, on=day), ()), theta, drawn).events


QUESTION_QUANTILES = (0.05, 0.5, 0.95)
MOST_ALONE = 4  # events for which an elimination each is less than one that goes back outward


@dataclass(frozen=True, kw_only=True)
class QuestionEstimate:
    """P(yes) of a question, the quantiles of its distribution over draws (in the order of QUESTION_QUANTILES).

    `mcse` is the Monte Carlo standard error. A question that settled evidence has decided is exactly 0 or 1.
    """

    question: str
    probability: float
    quantiles: tuple[float, ...]
    mcse: float
    is_decided: bool


def question_probabilities(
    workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior, questions: Sequence[Question]
) -> tuple[QuestionEstimate, ...]:
    """Compute P(yes) of each question as known on a date, in the order of `questions`.

    Of a reached event: whether it is in one of the states by the question's last day; of a status: on that day. The
    weights are those of the forecast at the horizon, as for P(by date) (reweight.curves). Questions about one event
    and day share one elimination, inward alone, so the answer does not hang on which others are asked.

    A reached event's P(by an earlier day) is never above that at the horizon within a draw, and P(by a later day, to
    which the horizon is still to be rolled) never below it: see reweight.curves for why it could be, and for what is
    done about it there as here.
    """
    estimates: dict[str, QuestionEstimate] = {}
    for day in sorted({question.by for question in questions}):
        network = compile_workspace(layout, workspace, as_of, on=day)
        of_day = [question for question in questions if question.by == day]
        known = {question.id: decided(network, question) for question in of_day}
        estimates |= {name: _certain(name, is_yes) for name, is_yes in known.items() if is_yes is not None}
        still_open = [question for question in of_day if known[question.id] is None]
        shares = states_on(network, posterior, sorted({question.about.event for question in still_open}))
        estimates |= {q.id: _estimate(layout, posterior, q, shares[q.about.event]) for q in still_open}
    return tuple(estimates[question.id] for question in questions)


def decided(network: AsOfNetwork, question: Question) -> bool | None:
    """Say what settled evidence makes of a question, in the network of its last day; None where it leaves it open."""
    return decided_by(network, question.about, question.by)


def decided_by(network: AsOfNetwork, about: Condition, by: date) -> bool | None:
    """Say whether settled evidence has an event in some states on a day, in the network of it; None: it is open."""
    layout = network.layout
    v = layout.index[about.event]
    yes = {layout.state(about.event, state) for state in about.states}
    path = network.known.paths.get(v)
    if path is not None and by <= path.until:
        return path.on(by) in yes
    alive = set(network.alive[v])
    if alive <= yes:
        return True
    return None if alive & yes else False


def states_on(network: AsOfNetwork, posterior: Posterior, events: Sequence[str]) -> dict[str, Array]:
    """Compute P(state of the event | E, theta_d) on the network's date, for each event: (states, draws).

    Of a few events each is the last of an elimination of its own, of more all come from one that goes back outward.
    """
    layout = network.layout
    if network.on == posterior.asked.network.on:
        return {event: posterior.evaluation.events[layout.index[event]] for event in events}
    if len(events) > MOST_ALONE:
        found = evaluate(query(network, ()), posterior.draws.theta, posterior.reliabilities).events
        return {event: found[layout.index[event]] for event in events}
    queries = [query(network, _regions(layout.events[layout.index[event]])) for event in events]
    if not queries:
        return {}
    shares = evaluate_regions(queries, posterior.draws.theta, posterior.reliabilities)
    return {event: of_event[:-1] for event, of_event in zip(events, shares, strict=True)}


def _regions(event: Event) -> list[Scenario]:
    """Return rules that share an event's states out among them, one for each; `other` is left without any."""
    return [Scenario(state, state, "", (Condition(event.id, (state,)),), event.source) for state in event.states]


def _certain(name: str, is_yes: bool) -> QuestionEstimate:
    value = float(is_yes)
    return QuestionEstimate(
        question=name, probability=value, quantiles=(value,) * len(QUESTION_QUANTILES), mcse=0.0, is_decided=True
    )


def _estimate(layout: Layout, posterior: Posterior, question: Question, shares: Array) -> QuestionEstimate:
    yes, weights = yes_in_draws(layout, posterior, question.about, question.by, shares), posterior.weights.weights
    probability = float(yes @ weights)
    quantiles = weighted_quantiles(yes[np.newaxis], weights, np.array(QUESTION_QUANTILES))[0]
    error = float(averages(yes[np.newaxis], weights, np.array([probability])).mcse[0])
    return QuestionEstimate(
        question=question.id,
        probability=probability,
        quantiles=tuple(map(float, quantiles)),
        mcse=error,
        is_decided=False,
    )


def yes_in_draws(layout: Layout, posterior: Posterior, about: Condition, by: date, shares: Array) -> Array:
    """Return P(the condition holds on a day) in every draw, given P(state) on the day (states, draws) as computed.

    Of steps that are reached, never on the wrong side of that at the horizon (`question_probabilities`).
    """
    v = layout.index[about.event]
    event = layout.events[v]
    yes = [event.states.index(state) for state in about.states]
    probability: Array = shares[yes].sum(axis=0)
    if event.kind == "reached" and yes == list(range(yes[0], len(event.states))):
        at_horizon = posterior.evaluation.events[v][yes].sum(axis=0)
        bounded = np.minimum if by <= layout.horizon else np.maximum
        return np.asarray(bounded(probability, at_horizon))
    return probability


@dataclass(frozen=True, kw_only=True)
class OnAllDraws:
    """Means over all draws of what was solved on some of them alone: `mean` (rows).

    `left` (rows, draws of `some`) is what the numbers at the horizon do not explain, `slopes` (rows, numbers) how the
    rest hangs on these.
    """

    mean: Array
    left: Array
    slopes: Array
    some: Posterior
    every: Posterior
    event: int

    def mcse(self) -> Array:
        """Compute the Monte Carlo standard errors (rows): of what is left on some draws, and of the rest on all."""
        left = averages(self.left, self.some.weights.weights).mcse
        if not self.slopes.any():
            return left
        taken = self.slopes @ _at_horizon(self.every, self.event)
        return np.asarray(np.hypot(left, averages(taken, self.every.weights.weights).mcse))


def _at_horizon(of: Posterior, v: int) -> Array:
    return np.concatenate([of.evaluation.events[v], of.evaluation.scenarios])


def on_all_draws(yes: Array, some: Posterior, every: Posterior, v: int) -> OnAllDraws:
    """Average P(yes) on another day (rows, some draws), about one event, as if it had been solved on all draws.

    The mean over some draws is corrected by what the same draws have at the horizon, of the event's states and of the
    scenarios, less what all draws have, times the slope on it (regression estimation). A row that this would lead
    beyond all its draws, where a line says nothing, keeps its plain mean.

    Args:
        yes: (rows, draws of `some`).
        some: some of the draws of `every`, as `thinned` gives them, or `every` itself.
        every: the forecast.
        v: the event.

    Source: Owen (2013), "Monte Carlo theory, methods and examples", section 8.9.
    """
    few = some.weights.weights
    here = _at_horizon(some, v)
    plain, slopes = yes @ few, np.zeros((len(yes), len(here)))
    if some is every:
        return OnAllDraws(mean=plain, left=yes, slopes=slopes, some=some, every=every, event=v)
    means = here @ few
    of_all = [numbers @ every.weights.weights for numbers in (every.evaluation.events[v], every.evaluation.scenarios)]
    centred = here - means[:, np.newaxis]
    slopes = yes @ (centred * few).T @ np.linalg.pinv((centred * few) @ centred.T, rcond=1e-10)
    mean = plain + slopes @ (np.concatenate(of_all) - means)
    inside = (yes.min(axis=1) < mean) & (mean < yes.max(axis=1))
    slopes[~inside] = 0.0
    mean = np.where(inside, mean, plain)
    return OnAllDraws(mean=mean, left=yes - slopes @ here, slopes=slopes, some=some, every=every, event=v)
