"""What the crowd implies: the smallest change of the forecast that gives all prices, and which of them contradict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations_with_replacement, product
from math import comb, log, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.projection import (
    Atoms,
    DutchBook,
    UnreachableError,
    dutch_books,
    nearest_coherent,
    plainly_coherent,
)
from forecast.analysis.questions import OF_ANOTHER_KIND, latest_numbers, of_other_rules, resolution_on, status_on
from forecast.analysis.target import Weighted, weighted
from forecast.analysis.tilting import MET, AskedEvent, Tilted, Tilting
from forecast.inference.engine import TooDenseNetworkError
from forecast.ledger.outcome import Outcome, by_level
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.between import CausesOnTheWayError, compile_through
from forecast.model.layout import Layout
from forecast.posterior.by_date import QUESTION_QUANTILES, decided, on_all_draws, states_on, yes_in_draws
from forecast.posterior.posterior import TooMuchWorkError, query, spacing, thinned
from forecast.posterior.weights import deviations, effective_size, standard_error, weighted_quantiles
from forecast.workspace.problems import choice
from forecast.workspace.read_benchmarks import authors_of
from forecast.workspace.records import Question

Array = NDArray[np.float64]
DaysOfEvents = Literal["joint", "apart"]

DRAWS = 500  # of which the joint is taken; its margins are those of all draws
HELD = 50_000_000  # numbers of the tables of all draws: of a large network fewer draws are taken
LEAST_DRAWS = 40
DRAWS_OF_DAYS = 5_000  # on which the forecast's own numbers are solved, all earlier days together
MOST_COURSES = 50_000  # of one event through the days that are asked about, in all states of its parents
MOST_ON_THE_WAY = 20_000  # products for each draw, of a network with days on the way
LEAST_GAIN = 1e-9  # of a contradiction: less is rounding
OWN = 1e-6  # of a probability: the joint has the forecast's own numbers to so much
EDGE = 5e-9  # of a probability: coherent prices are found to TOLERANCE, and nearer to them there may be nothing
ON_THE_EDGE = 1e-7  # of the distance from it, in squared prices: what is nearer lies on it
AWAY_FROM_EDGE, MOST_AWAY = 30.0, 200.0  # by what factor's logarithm atoms off the edge are lessened, and at most


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

    `days`: "joint" where earlier days of all events are solved together, "apart" where those of different events are
    taken as independent given the horizon, None where there are none. `distance`: the smallest sum of changes after
    which the prices are coherent (L1), 0 where they are; `bits`: the Kullback-Leibler divergence of the implied
    distribution from the forecast; `ess`: effective draws left under it.
    """

    as_of: date
    days: DaysOfEvents | None
    prices: tuple[Price, ...]
    distance: float
    contradictions: tuple[Contradiction, ...]
    bits: float
    ess: float
    scenarios: tuple[Implied, ...]
    left_out: tuple[NotPriced, ...]


class NoPricesError(ValueError):
    """Nobody has a price that counts; the message says why."""


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

    The joint of all answers and the scenario is solved in every draw: states at the horizon by elimination, those on
    earlier days with them where the network is small enough, else given them and the states of the parents at the
    horizon (`joint_of`). Its mean over the draws is
    scaled to the forecast's own numbers, and then changed as little as possible (KL) to one with all prices. Both are
    factors of the answers and the scenario alone, so draws are weighed anew by what the factors give them: what is
    least changed is the joint distribution of draws and worlds. Prices that contradict each other count as the nearest
    coherent ones.

    Raises NoPricesError, and ValueError for names that there are not.
    """
    posed, left_out = _posed(outcome, questions, forecasters, days)
    on = {
        day: compile_workspace(outcome.layout, outcome.workspace, outcome.as_of, on=day)
        for day in {question.by for question in posed}
    }
    asked, more = by_event(outcome, list(posed), on)
    left_out += more
    used = [question for group in asked for question in group.questions]
    if not used:
        why = "; ".join(f"{one.question}: {one.why}" for one in left_out)
        msg = f"no price counts as of {outcome.as_of}" + (
            f": {why}" if why else "; nobody has forecast an open question"
        )
        raise NoPricesError(msg)
    progress("the forecast's own numbers")
    own = _own_numbers(outcome, asked, on)
    progress("solving the joint of all questions")
    tilting, days_of_events = joint_of(outcome, asked)
    atoms = tilting.atoms()
    to_own = _as_forecast(outcome, tilting, atoms, [own[question.id][0] for question in used])
    said = [(question, who, *point) for question in used for who, point in posed[question].items()]
    feature_of = {question: row for row, question in enumerate(used)}
    places = [feature_of[question] for question, *_ in said]
    prices = np.array([price for *_, price in said])
    progress("the nearest distribution with the prices")
    priced = atoms.of_rows(places)
    asked_for = sorted(set(places))
    books: tuple[DutchBook, ...] = ()
    distance, coherent, to_crowd = 0.0, prices, None
    if plainly_coherent(priced.features, prices):
        # A joint that has the prices is the proof that they are coherent.
        to_crowd = _with_prices(tilting, to_own, places, prices, np.zeros(tilting.n_features))
    if to_crowd is None:
        distance, books = dutch_books(priced, prices, LEAST_GAIN)
        coherent = nearest_coherent(priced, prices) if books else prices
        away = _at_the_edge(priced.features, prices, coherent, places, tilting.n_features)
        to_crowd = _with_prices(tilting, to_own, places, coherent, away, EDGE)
    if to_crowd is None:
        msg = "the prices ask for what is all but impossible here; name fewer questions to see which"
        raise NoPricesError(msg)
    targets = np.array([coherent[places.index(row)] for row in asked_for])
    moved = float((to_crowd.multipliers - to_own.multipliers)[asked_for] @ targets)
    nats = moved - tilting.weighed(to_crowd.moments)[1] + tilting.weighed(to_own.moments)[1]
    scenarios, ess = _implied(outcome, tilting, to_crowd, asked_for)
    rows = [
        Price(
            question=question.id,
            event=question.about.event,
            states=tuple(question.about.states),
            by=question.by,
            forecaster=who,
            date=when,
            price=price,
            coherent=float(used_price),
            forecast=own[question.id][0],
            mcse=own[question.id][1],
            decibans=_decibans(price, own[question.id][0]),
        )
        for (question, who, when, price), used_price in zip(said, coherent, strict=True)
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
        days=days_of_events,
        prices=tuple(rows),
        distance=distance if books else 0.0,
        contradictions=tuple(contradictions),
        bits=max(nats, 0.0) / log(2.0),
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
    others = {question.id for question in workspace.further}
    wrong = [
        f"'{name}' is {OF_ANOTHER_KIND}"
        if name in others
        else f"nothing of question '{name}'; {choice('questions', name, known)}"
        for name in questions
        if name not in known
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
        other, is_priced = of_other_rules(workspace, question), bool(kept)
        kept = {who: point for who, point in kept.items() if who not in other}
        fresh = {who: point for who, point in kept.items() if point[0] >= oldest}
        status = status_on(question, resolution_on(workspace.resolutions, question.id, day), day)
        if status == "open" and fresh:
            posed[question] = fresh
        elif question.id in questions or (status == "open" and is_priced):
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


def by_event(
    outcome: Outcome, questions: Sequence[Question], on: Mapping[date, AsOfNetwork]
) -> tuple[list[AskedEvent], list[NotPriced]]:
    """Return the questions by event, those that are decided, or of a day that the joint does not reach, left out.

    `on`: the network of each question's last day.
    """
    network, layout = outcome.posterior.asked.network, outcome.layout
    groups: dict[int, list[Question]] = {}
    left_out = []
    for question in questions:
        if (answer := decided(on[question.by], question)) is not None:
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


def _parts(network: AsOfNetwork, v: int, questions: Sequence[Question]) -> AskedEvent | None:
    layout, alive = network.layout, network.alive[v]
    days = tuple(sorted({question.by for question in questions if question.by < network.on}))
    ends = (*days, network.on)
    # Without days on the way nothing hangs on the parents.
    rows = prod(len(network.alive[p]) for p in layout.parents[v]) if days else 1
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
    # A course that no event can take is of any part.
    return AskedEvent(v, tuple(questions), days, table, lambda states: parts.get(answers(states), 0))


def joint_of(outcome: Outcome, asked: Sequence[AskedEvent]) -> tuple[Tilting, DaysOfEvents | None]:
    """Return the joint of draws, worlds and answers, and how the days of different events hang together in it.

    Where a network with each event on each of the days is small enough, that one is solved: then the joint of all days
    is exact, given the model's rows from day to day. None: no question is about an earlier day.
    """
    chosen, network = _some_draws(outcome), outcome.posterior.asked.network
    days = sorted({day for group in asked for day in group.days})
    if not days:
        return Tilting(chosen, asked), None
    if len(days) * _entries_of_a_day(network.layout) <= MOST_ON_THE_WAY / 4:
        with suppress(CausesOnTheWayError, TooMuchWorkError, TooDenseNetworkError):
            sliced = compile_through(network, days, [group.v for group in asked])
            there = query(sliced.network, outcome.workspace.scenarios)
            if there.plan.work <= MOST_ON_THE_WAY:
                return Tilting(replace(chosen, asked=there), asked, sliced.at), "joint"
    return Tilting(chosen, asked), "apart"


def _entries_of_a_day(layout: Layout) -> int:
    """Return roughly how many entries rows have that go on from the states of one day."""
    dated = [v for v in range(len(layout.cards)) if layout.dated(v)]
    return sum(prod(layout.cards[p] for p in (*layout.parents[v], v)) ** 2 for v in dated)


def _some_draws(outcome: Outcome) -> Weighted:
    of = outcome.posterior
    most = max(LEAST_DRAWS, min(DRAWS, HELD // of.asked.plan.message_entries))
    return weighted(of, spacing(of.weights.weights.size, most))


def _own_numbers(
    outcome: Outcome, asked: Sequence[AskedEvent], on: Mapping[date, AsOfNetwork]
) -> dict[str, tuple[float, float]]:
    """Return the forecast's own number for each question, with its Monte Carlo error.

    Those of the horizon from all draws. Of earlier days every draw is solved where the days are few, else evenly spaced
    ones, which the horizon corrects (`on_all_draws`).
    """
    of, layout = outcome.posterior, outcome.layout
    questions = [question for group in asked for question in group.questions]
    days = sorted({question.by for question in questions} - {of.asked.network.on})
    some = thinned(of, DRAWS_OF_DAYS // max(len(days), 1))
    found: dict[str, tuple[float, float]] = {}
    for day in (*days, of.asked.network.on):
        on_day = [question for question in questions if question.by == day]
        if not on_day:
            continue
        draws = of if day == of.asked.network.on else some
        states = states_on(on[day], draws, sorted({question.about.event for question in on_day}))
        for question in on_day:
            yes = yes_in_draws(layout, draws, question.about, day, states[question.about.event])
            number = on_all_draws(yes[np.newaxis], draws, of, layout.index[question.about.event])
            found[question.id] = float(number.mean[0]), float(number.mcse()[0])
    return found


def _as_forecast(outcome: Outcome, tilting: Tilting, atoms: Atoms, own: Sequence[float]) -> Tilted:
    """Return the joint with the forecast's own numbers."""
    targets = np.array([*own, *(one.probability for one in outcome.scenarios.values())])
    rows, start = range(tilting.n_features), np.zeros(tilting.n_features)
    if plainly_coherent(atoms.features, targets):
        try:
            return tilting.to(targets, rows, start, OWN)
        except UnreachableError:
            pass
    # Numbers of several days come from networks of their own, in which what was reported weighs differently.
    return tilting.to(nearest_coherent(atoms, targets), rows, start, OWN)


def _with_prices(
    tilting: Tilting, own: Tilted, places: Sequence[int], prices: Array, away: Array, met: float = MET
) -> Tilted | None:
    """Return the joint nearest to the forecast's in which features have some prices; None where none is found."""
    rows = sorted(set(places))
    targets = np.array([prices[places.index(row)] for row in rows])
    try:
        return tilting.to(targets, rows, own.multipliers + away, met, curvature=own.curvature[np.ix_(rows, rows)])
    except UnreachableError:
        return None


def _at_the_edge(answers: Array, prices: Array, coherent: Array, rows: Sequence[int], size: int) -> Array:
    """Return multipliers (size,) that leave next to nothing but the atoms of which coherent prices on an edge are made.

    Of prices that are not coherent the nearest ones lie on the edge of what is: what they are apart is at a right angle
    to it. `answers` (prices, atoms), `rows` the feature of each price.
    """
    apart = prices - coherent
    multipliers = np.zeros(size)
    if not apart.any():
        return multipliers
    np.add.at(multipliers, list(rows), apart)
    depth = apart @ (coherent[:, np.newaxis] - answers)
    inside = depth[depth > ON_THE_EDGE]
    if not inside.size:
        return np.zeros(size)
    times = min(AWAY_FROM_EDGE / inside.min(), MOST_AWAY / np.abs(multipliers).max())
    return np.asarray(multipliers * times)


def _implied(
    outcome: Outcome, tilting: Tilting, tilted: Tilted, rows: Sequence[int]
) -> tuple[tuple[Implied, ...], float]:
    weights, _ = tilting.weighed(tilted.moments)
    shares = tilted.moments.features[tilting.n_answers :]
    means = shares @ weights
    errors = _errors(tilting, tilted, rows)
    levels = weighted_quantiles(shares, weights, np.array(QUESTION_QUANTILES))
    implied = [
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
    return tuple(implied), effective_size(weights)


def _errors(tilting: Tilting, tilted: Tilted, rows: Sequence[int]) -> Array:
    """Return the Monte Carlo error of each implied probability: the factors follow the draws, so that prices are met.

    What a draw's own answers explain of its deviation is taken out (a calibrated estimator). Source: Deville and
    Saerndal (1992), "Calibration estimators in survey sampling".
    """
    both, (weights, _) = tilting.covariance(tilted.multipliers, tilted.moments, rows), tilting.weighed(tilted.moments)
    slopes = np.linalg.pinv(both[list(rows)], rcond=1e-10) @ both[tilting.n_answers :].T
    scenarios, answers = tilted.moments.features[tilting.n_answers :], tilted.moments.features[list(rows)]
    return np.asarray(standard_error(deviations(scenarios, weights) - slopes.T @ deviations(answers, weights)))
