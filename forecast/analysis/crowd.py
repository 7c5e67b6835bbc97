"""What the crowd implies: the smallest change of the forecast that gives all prices, and which of them contradict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations_with_replacement, product
from math import comb, log, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.projection import (
    UnreachableError,
    dutch_books,
    nearest_coherent,
    project,
)
from forecast.analysis.questions import latest_numbers, of_other_rules, resolution_on, status_on
from forecast.analysis.supposition import TooDenseError
from forecast.analysis.target import Weighted, weighted
from forecast.inference.engine import ENGINE, draws_at_once
from forecast.ledger.outcome import Outcome, by_level
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.between import paths_table
from forecast.posterior.by_date import QUESTION_QUANTILES, decided, question_probabilities
from forecast.posterior.weights import deviations, effective_size, standard_error, weighted_quantiles
from forecast.workspace.problems import choice
from forecast.workspace.read_benchmarks import authors_of
from forecast.workspace.records import Question

Array = NDArray[np.float64]
Index = NDArray[np.intp]

DRAWS = 500  # of which the joint is taken; its margins are those of all draws
BLOCK = 500  # draws solved at once
MOST_COURSES = 50_000  # of one event through the days that are asked about, in all states of its parents
MOST_ATOMS = 20_000  # answers to all questions times scenarios
LEAST_GAIN = 1e-9  # of a contradiction: less is rounding
ON_THE_EDGE = 1e-7  # of the distance from it, in squared prices: what is nearer lies on it


@dataclass(frozen=True, kw_only=True)
class Price:
    """The latest number of a forecaster for a question.

    `forecast` and `mcse`: what this forecast says; `coherent`: the price that is used, another one only where prices
    contradict each other; `decibans`: how far the odds are apart (10 log10), None where one is 0 or 1.
    """

    question: str
    event: str
    states: tuple[str, ...]
    by: date
    forecaster: str
    date: date
    price: float
    coherent: float
    forecast: float
    mcse: float
    decibans: float | None


@dataclass(frozen=True, kw_only=True)
class Bet:
    """Contracts that pay 1 if yes, to sell at a price (`stake` below zero: to buy)."""

    question: str
    forecaster: str
    price: float
    stake: float


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """A smallest set of prices that no distribution has, as bets that win at least `gain` whatever happens."""

    gain: float
    bets: tuple[Bet, ...]


@dataclass(frozen=True, kw_only=True)
class Implied:
    """A scenario's probability in the forecast, and in the nearest distribution with the crowd's prices.

    `quantiles` of the distribution over draws by level, before and after.
    """

    id: str
    forecast: float
    forecast_mcse: float
    forecast_quantiles: Mapping[str, float]
    implied: float
    mcse: float
    quantiles: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class NotPriced:
    """A question with a price that does not count, and why."""

    question: str
    why: str


@dataclass(frozen=True, kw_only=True)
class CrowdWorld:
    """The world that the prices of a day imply.

    `distance`: the smallest sum of changes after which the prices are coherent (L1), 0 where they are; `bits`: the
    Kullback-Leibler divergence of the implied distribution from the forecast; `ess`: effective draws left under it.
    """

    as_of: date
    prices: tuple[Price, ...]
    distance: float
    contradictions: tuple[Contradiction, ...]
    bits: float
    ess: float
    scenarios: tuple[Implied, ...]
    left_out: tuple[NotPriced, ...]


class NoPricesError(ValueError):
    """Nobody has a price that counts; the message says why."""


class _Asked(NamedTuple):
    """The questions of one event, as parts that their answers share its courses out into.

    `answers` (questions, parts): 1 for yes. `part_of` gives the part of the states on the days and at the horizon.
    """

    v: int
    questions: tuple[Question, ...]
    days: tuple[date, ...]
    answers: Array
    part_of: Callable[[tuple[int, ...]], int]


@dataclass(frozen=True)
class _Joint:
    """P(answers, scenario | E, draw) on some draws: (atoms, scenarios, draws), their weights, and who says yes where.

    `answers`: {question: (atoms,) 1 for yes}.
    """

    shares: Array
    weights: Array
    answers: Mapping[str, Array]

    @property
    def mean(self) -> Array:
        """The weighted mean (atoms, scenarios)."""
        return np.asarray(self.shares @ self.weights)


def crowd(
    outcome: Outcome,
    progress: Callable[[str], None],
    *,
    questions: Collection[str] = (),
    forecasters: Collection[str] = (),
    days: int | None = None,
) -> CrowdWorld:
    """Compute what the latest prices of the open questions imply for the scenarios.

    Args:
        outcome: the forecast.
        progress: is told what is done.
        questions: only these (none named: all that are open).
        forecasters: only those of these (none named: of everybody else, which the own judgement is not).
        days: only prices that are at most so old.

    The joint of all answers and the scenario is exact in every draw: states at the horizon by elimination, those on
    earlier days given them and the states of the parents at the horizon (`paths_table`). Its mean over the draws is
    scaled to the forecast's own numbers, and then changed as little as possible (KL) to one with all prices. Both are
    factors of the answers and the scenario alone, so draws are weighed anew by what the factors give them: what is
    least changed is the joint distribution of draws and worlds. Prices that contradict each other count as the nearest
    coherent ones.

    Raises NoPricesError, ValueError for names that there are not, and TooDenseError.
    """
    posed, left_out = _posed(outcome, questions, forecasters, days)
    asked, more = _asked(outcome, list(posed))
    left_out += more
    used = [question for group in asked for question in group.questions]
    if not used:
        why = "; ".join(f"{one.question}: {one.why}" for one in left_out)
        msg = f"no price counts as of {outcome.as_of}" + (
            f": {why}" if why else "; nobody has forecast an open question"
        )
        raise NoPricesError(msg)
    progress("solving the joint of all questions")
    joint = _joint(weighted(outcome.posterior, max(1, outcome.posterior.weights.weights.size // DRAWS)), asked)
    progress("the forecast's own numbers")
    own = {
        one.question: one
        for one in question_probabilities(outcome.workspace, outcome.layout, outcome.as_of, outcome.posterior, used)
    }
    mean, to_own = _as_forecast(outcome, joint, {name: one.probability for name, one in own.items()})
    said = [(question, who, *point) for question in used for who, point in posed[question].items()]
    features = np.array([joint.answers[question.id] for question, *_ in said])
    prices = np.array([price for *_, price in said])
    progress("the nearest distribution with the prices")
    possible = mean.sum(axis=1) > 0.0
    distance, books = dutch_books(features[:, possible], prices, LEAST_GAIN)
    coherent = nearest_coherent(features[:, possible], prices) if books else prices
    try:
        to_crowd, nats = _to_crowd(mean, features, prices, coherent)
    except UnreachableError as error:
        msg = "the prices ask for what is all but impossible here; name fewer questions to see which"
        raise NoPricesError(msg) from error
    scenarios, ess = _implied(outcome, joint, to_own * to_crowd, features)
    rows = [
        Price(
            question=question.id,
            event=question.about.event,
            states=tuple(question.about.states),
            by=question.by,
            forecaster=who,
            date=when,
            price=price,
            coherent=float(near),
            forecast=own[question.id].probability,
            mcse=own[question.id].mcse,
            decibans=_decibans(price, own[question.id].probability),
        )
        for (question, who, when, price), near in zip(said, coherent, strict=True)
    ]
    contradictions = [
        Contradiction(
            gain=book.gain,
            bets=tuple(
                Bet(question=rows[i].question, forecaster=rows[i].forecaster, price=rows[i].price, stake=stake)
                for i, stake in zip(book.places, book.stakes, strict=True)
            ),
        )
        for book in books
    ]
    return CrowdWorld(
        as_of=outcome.as_of,
        prices=tuple(rows),
        distance=distance if books else 0.0,
        contradictions=tuple(contradictions),
        bits=nats / log(2.0),
        ess=ess,
        scenarios=scenarios,
        left_out=tuple(left_out),
    )


def _decibans(price: float, forecast: float) -> float | None:
    if not (0.0 < price < 1.0 and 0.0 < forecast < 1.0):
        return None
    return 10.0 * float(np.log10(price / (1.0 - price) * ((1.0 - forecast) / forecast)))


def _posed(
    outcome: Outcome, questions: Collection[str], forecasters: Collection[str], days: int | None
) -> tuple[dict[Question, dict[str, tuple[date, float]]], list[NotPriced]]:
    """Return the prices of each open question by forecaster, and the questions whose prices do not count."""
    workspace, day = outcome.workspace, outcome.as_of
    known = [question.id for question in workspace.questions]
    wrong = [
        f"nothing of question '{name}'; {choice('questions', name, known)}" for name in questions if name not in known
    ]
    latest = {
        question: latest_numbers(workspace, question, day)
        for question in workspace.questions
        if not questions or question.id in questions
    }
    people = sorted({who for points in latest.values() for who in points})
    wrong += [
        f"nothing of forecaster '{who}'; {choice('forecasters', who, people)}"
        for who in forecasters
        if who not in people
    ]
    if wrong:
        raise ValueError("\n".join(wrong))
    oldest = date.min if days is None else day - timedelta(days=days)
    authors = authors_of(workspace.benchmarks)
    posed: dict[Question, dict[str, tuple[date, float]]] = {}
    left_out = []
    for question, points in latest.items():
        kept = {
            who: point
            for who, point in points.items()
            if who in forecasters or (not forecasters and who not in authors)
        }
        other = of_other_rules(workspace, question)
        kept = {who: point for who, point in kept.items() if who not in other}
        fresh = {who: point for who, point in kept.items() if point[0] >= oldest}
        status = status_on(question, resolution_on(workspace.resolutions, question.id, day), day)
        if status == "open" and fresh:
            posed[question] = fresh
        elif question.id in questions or (status == "open" and kept):
            why = (
                f"it is {status}"
                if status != "open"
                else "all prices are of another rule"
                if not kept and other
                else "nobody has forecast it"
                if not kept
                else f"no price since {oldest}"
            )
            left_out.append(NotPriced(question=question.id, why=why))
    return posed, left_out


def _asked(outcome: Outcome, questions: Sequence[Question]) -> tuple[list[_Asked], list[NotPriced]]:
    """Return the questions by event, those that are decided, or of a day that the joint does not reach, left out."""
    network, layout = outcome.posterior.asked.network, outcome.layout
    groups: dict[int, list[Question]] = {}
    left_out = []
    for question in questions:
        on_day = compile_workspace(layout, outcome.workspace, outcome.as_of, on=question.by)
        if (answer := decided(on_day, question)) is not None:
            why = f"settled evidence says {'yes' if answer else 'no'}"
            left_out.append(NotPriced(question=question.id, why=why))
        elif question.by > network.on:
            left_out.append(NotPriced(question=question.id, why=f"its last day is after the horizon, {network.on}"))
        else:
            groups.setdefault(layout.index[question.about.event], []).append(question)
    asked = []
    for v, group in sorted(groups.items()):
        made = _parts(network, v, sorted(group, key=lambda one: one.by))
        if made is None:
            why = f"too many courses of '{layout.events[v].id}' through the days that are asked about"
            left_out += [NotPriced(question=question.id, why=why) for question in group]
        else:
            asked.append(made)
    return asked, left_out


def _parts(network: AsOfNetwork, v: int, questions: Sequence[Question]) -> _Asked | None:
    layout, alive = network.layout, network.alive[v]
    days = tuple(sorted({question.by for question in questions if question.by < network.on}))
    ends = (*days, network.on)
    rows = prod(len(network.alive[p]) for p in layout.parents[v])
    n_courses = (
        len(alive) ** len(ends) if layout.events[v].kind == "status" else comb(len(alive) + len(ends) - 1, len(ends))
    )
    if rows * n_courses > MOST_COURSES:
        return None
    courses = (
        product(alive, repeat=len(ends))
        if layout.events[v].kind == "status"
        else combinations_with_replacement(alive, len(ends))
    )
    yes = [
        ({layout.state(question.about.event, x) for x in question.about.states}, ends.index(question.by))
        for question in questions
    ]

    def answers(states: tuple[int, ...]) -> tuple[bool, ...]:
        return tuple(states[place] in wanted for wanted, place in yes)

    parts = {one: place for place, one in enumerate(sorted({answers(states) for states in courses}))}
    table = np.array(list(parts), dtype=float).T
    return _Asked(v, tuple(questions), days, table, lambda states: parts[answers(states)])


def _joint(chosen: Weighted, asked: Sequence[_Asked]) -> _Joint:
    network, queried = chosen.asked.network, chosen.asked
    n, n_parts = len(queried.plan.cards), [group.answers.shape[1] for group in asked]
    n_scenarios = queried.masks.shape[0]
    if (atoms := prod(n_parts)) * n_scenarios > MOST_ATOMS:
        msg = (
            f"{sum(group.answers.shape[0] for group in asked)} questions have {atoms:,} possible joint answers in "
            f"{n_scenarios} scenarios, more than {MOST_ATOMS:,} cases; name fewer questions, or one forecaster"
        )
        raise TooDenseError(msg)
    leaves = [(*network.layout.parents[group.v], group.v, n + i) for i, group in enumerate(asked)]
    # The scenario is a variable below the events of its rules: so one pass gives the joint of it and all answers.
    scenario = n + len(asked)
    rules, together = (*queried.plan.keep, scenario), tuple(range(n, scenario + 1))
    cards = (*queried.plan.cards, *n_parts, n_scenarios)
    order = ENGINE.plan(cards, (*queried.scopes, *leaves, rules, together))
    holds = np.moveaxis(queried.masks, 0, -1)[..., np.newaxis]

    def on_block(places: Index) -> Array:
        block = chosen.block(int(places[0]), int(places[-1]) + 1)
        tables, _ = block.factors()
        own = [
            paths_table(network, group.v, group.days, block.theta, size, group.part_of)
            for group, size in zip(asked, n_parts, strict=True)
        ]
        given = [*queried.with_rules(tables), *own, holds, np.ones((*n_parts, n_scenarios, 1))]
        _, (shares,) = ENGINE.families(order, given, [len(given) - 1])
        return np.broadcast_to(shares, (*shares.shape[:-1], places.size)).reshape(atoms, n_scenarios, places.size)

    size = draws_at_once([order], most=BLOCK)
    shares = np.concatenate(ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=size), axis=-1)
    grid = np.array(list(product(*map(range, n_parts)))).T
    answers = {
        question.id: group.answers[row][grid[i]]
        for i, group in enumerate(asked)
        for row, question in enumerate(group.questions)
    }
    return _Joint(shares, chosen.weights, answers)


def _as_forecast(outcome: Outcome, joint: _Joint, own: Mapping[str, float]) -> tuple[Array, Array]:
    """Return the mean joint with the forecast's own numbers (atoms, scenarios), and the factor that makes it so."""
    mean = joint.mean
    n_atoms, n_scenarios = mean.shape
    by_scenario = [np.broadcast_to(np.eye(n_scenarios)[s], mean.shape).ravel() for s in range(n_scenarios)]
    features = np.array([*by_scenario, *(np.repeat(joint.answers[name], n_scenarios) for name in own)])
    targets = np.array([*(one.probability for one in outcome.scenarios.values()), *own.values()])
    p = mean.ravel() / mean.sum()
    try:
        found = project(p, features, targets)
    except UnreachableError:
        # Numbers of several days come from networks of their own, in which what was reported weighs differently.
        found = project(p, features, nearest_coherent(features[:, p > 0.0], targets))
    factor = np.exp(found.log_ratio).reshape(mean.shape)
    return found.probabilities.reshape(n_atoms, n_scenarios), factor


def _to_crowd(mean: Array, features: Array, prices: Array, coherent: Array) -> tuple[Array, float]:
    """Return the factor of each atom and scenario that gives the prices, and its divergence in nats."""
    p, rows = mean.sum(axis=1), features
    apart = prices - coherent
    if apart.any():
        # Of prices that are not coherent the nearest ones lie on the edge of what is: only the atoms there are left.
        height = apart @ (rows - coherent[:, np.newaxis])
        p = np.where(height > -ON_THE_EDGE, p, 0.0)
    kept = float(p.sum())
    found = project(p / kept, rows, coherent)
    factor = np.exp(found.log_ratio) / kept
    # Given the answers the scenario is as it was, so the divergence of the answers is that of the joint.
    return factor[:, np.newaxis], found.divergence - log(kept)


def _implied(outcome: Outcome, joint: _Joint, factor: Array, features: Array) -> tuple[tuple[Implied, ...], float]:
    weighed = joint.shares * factor[..., np.newaxis]
    masses = weighed.sum(axis=0)
    total = masses.sum(axis=0)
    weights = joint.weights * total
    weights = weights / weights.sum()
    held = total > 0.0
    shares = np.divide(masses, total, out=np.zeros_like(masses), where=held)
    means = shares @ weights
    answers = np.divide(
        np.tensordot(features, weighed.sum(axis=1), axes=1),
        total,
        out=np.zeros((len(features), total.size)),
        where=held,
    )
    errors = _errors(shares, answers, weights, joint, factor, features)
    levels = weighted_quantiles(shares, weights, np.array(QUESTION_QUANTILES))
    rows = [
        Implied(
            id=name,
            forecast=one.probability,
            forecast_mcse=one.mcse,
            forecast_quantiles=by_level(one),
            implied=float(mean),
            mcse=float(error),
            quantiles={str(level): float(x) for level, x in zip(QUESTION_QUANTILES, quantiles, strict=True)},
        )
        for (name, one), mean, error, quantiles in zip(outcome.scenarios.items(), means, errors, levels, strict=True)
    ]
    return tuple(rows), effective_size(weights)


def _errors(shares: Array, answers: Array, weights: Array, joint: _Joint, factor: Array, features: Array) -> Array:
    """Return the Monte Carlo error of each implied probability: the factors follow the draws, so that prices are met.

    What a draw's own answers explain of its deviation is taken out (a calibrated estimator). Source: Deville and
    Saerndal (1992), "Calibration estimators in survey sampling".
    """
    q = (joint.mean * factor) / (joint.mean * factor).sum()
    at = q.sum(axis=1)
    centred = features - (features @ at)[:, np.newaxis]
    slopes = np.linalg.pinv((centred * at) @ centred.T, rcond=1e-10) @ (centred @ q)
    terms = deviations(shares, weights) - slopes.T @ deviations(answers, weights)
    return standard_error(terms)
