"""The joint of draws, worlds and answers, and what it is where the odds of answers and scenarios are multiplied.

Multiplying whatever answers yes to a question by one number, and so for every question and scenario, is exponential
tilting: the changes of a distribution that are least in Kullback-Leibler divergence have this form. The numbers of one
event's questions are a factor of that event's states and days alone, so that each tilted joint is one elimination of
the network, however many joint answers there are.

Source: Csiszar (1975), "I-divergence geometry of probability distributions and minimization problems".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.projection import NEAR, Atoms, UnreachableError
from forecast.analysis.target import Weighted
from forecast.inference.engine import ENGINE, Factor, ImpossibleEvidenceError, KeptMessages, draws_at_once
from forecast.inference.scaled import Table, of_factor
from forecast.model.between import paths_table
from forecast.workspace.records import Question

Array = NDArray[np.float64]
Index = NDArray[np.intp]

REMEMBERED = 50_000_000  # bytes of messages of a block of draws that the next pass may take
SEEDS = 400  # worlds that are listed before any is looked for
PILOT = 50  # draws on which multipliers that are far away are found roughly
CURVED = 16  # draws of which second derivatives are taken
MOST_STEPS = 80
RENEWED = 10  # steps after which second derivatives are taken anew
MET = 1e-9  # of a probability: what is as good as reached
SLOPE = 1e-4  # share of the predicted decrease that a step has to bring (Armijo)
LAST_DIGITS = 1e-15  # of the dual's value: what a step may seem to rise by
ROUGHLY = 2e-3  # the same on the few draws
SHORTEST = 1e-10  # share of a step that is tried
MOST_AT_ONCE = 8.0  # of a multiplier's logarithm, in one step
ROUNDING = 1e-11  # of the largest second derivative: a direction that has less is one in which nothing varies


@dataclass(frozen=True)
class AskedEvent:
    """The questions of one event, as parts that their answers share its courses out into.

    `answers` (questions, parts): 1 for yes. `part_of` gives the part of the states on the days and at the horizon.
    """

    v: int
    questions: tuple[Question, ...]
    days: tuple[date, ...]
    answers: Array
    part_of: Callable[[tuple[int, ...]], int]


class Moments(NamedTuple):
    """A tilted joint: the log of each draw's mass, of that before (draws), and P(feature | draw) (features, draws)."""

    log_mass: Array
    features: Array


class Tilted(NamedTuple):
    """A tilted joint: its multipliers (features,), and the moments under them.

    `curvature` (rows, rows): roughly the covariance of the features that were looked for, with which to go on.
    """

    multipliers: Array
    moments: Moments
    curvature: Array


class _Group(NamedTuple):
    """An event's part: scope of its factor, P(part | states) (states, parts, draws or 1), shape of the states."""

    scope: tuple[int, ...]
    shape: tuple[int, ...]
    table: Array


class Tilting:
    """The joint of draws, worlds and answers under the draws' weights, as a family of tilted distributions.

    Features are the answers (1 for yes) to the questions, event by event as they come in `asked`, then the scenarios.
    Multipliers are logarithms, one for each feature.
    """

    def __init__(
        self, chosen: Weighted, asked: Sequence[AskedEvent], at: Mapping[tuple[date, int], int] | None = None
    ) -> None:
        """Take the joint of draws, of the network asked about.

        Args:
            chosen: the draws, and the network of the horizon; or one with variables for the days on the way
                (`compile_through`).
            asked: the questions.
            at: the variable of an event on a day on the way. Without it, states on a day are those given the horizon's
                (`paths_table`), of different events independently.
        """
        queried = chosen.asked
        network, plan = queried.network, queried.plan
        self.weights, self.masks, self._plan = chosen.weights, queried.masks, plan
        tables, _ = chosen.factors()
        self._tables = [np.asarray(table) for table in queried.with_rules(tables)]
        self._answers = [group.answers for group in asked]
        self._groups = []
        for group in asked:
            # Without days on the way the answer is that of the states at the horizon, whatever led there.
            n_parts = group.answers.shape[1]
            if at is not None and group.days:
                scope = (*(at[day, group.v] for day in group.days), group.v)
                table = _on_the_way([network.alive[v] for v in scope], group)
                self._groups.append(_Group(scope, table.shape[:-2], table.reshape(-1, *table.shape[-2:])))
                continue
            parents = network.layout.parents[group.v] if group.days else ()
            if group.days:
                table = paths_table(network, group.v, group.days, chosen.theta, n_parts, group.part_of)
            else:
                table = _at_the_end(network.alive[group.v], group)
            shape = table.shape[:-2]
            self._groups.append(_Group((*parents, group.v), shape, table.reshape(-1, *table.shape[-2:])))
        scopes = [group.scope for group in self._groups]
        self._order = ENGINE.plan(plan.cards, (*queried.scopes, *scopes, plan.keep), plan.keep)
        self._ends = [0, *accumulate(len(answers) for answers in self._answers)]
        self.n_answers = self._ends[-1]
        self.n_features = self.n_answers + len(self.masks)
        self._untilted: Array | None = None
        self._scopes = queried.scopes
        self._blocks: dict[tuple[int, int, int], tuple[list[Table], KeptMessages]] = {}

    # Moments.

    def at(self, multipliers: Array, every: int = 1) -> Moments:
        """Solve all draws, or one in so many, under multipliers."""
        before = self._before()[::every]
        rows = self._by_group(multipliers)
        found = self._solved(
            slice(None, None, every),
            [np.broadcast_to(row[:, np.newaxis], (row.size, 1)) for row in rows],
        )
        return Moments(found.log_mass - before, found.features)

    def _before(self) -> Array:
        if self._untilted is None:
            nothing = [np.zeros((row.size, 1)) for row in self._by_group(np.zeros(self.n_features))]
            self._untilted = self._solved(slice(None), nothing).log_mass
        return self._untilted

    def _by_group(self, multipliers: Array) -> list[Array]:
        """Return the logarithm by which each part of each event is multiplied, and at last each scenario."""
        parts = [
            multipliers[a:b] @ answers for a, b, answers in zip(self._ends, self._ends[1:], self._answers, strict=False)
        ]
        return [*parts, multipliers[self.n_answers :]]

    def _solved(self, draws: slice | Index, logs: Sequence[Array]) -> Moments:
        """Solve draws, the parts of each event and at last the scenarios multiplied: `logs` (parts, draws or 1)."""
        ways = [_of_draws(group.table, draws) for group in self._groups]
        n_draws = self.weights[draws].size
        factors = [np.exp(log - log.max(axis=0)) for log in logs]
        offset = np.sum([log.max(axis=0) for log in logs], axis=0)
        # (states, draws): the share of an event's courses that is left, multiplied.
        left = [np.einsum("rpd,pd->rd", *_alike(way, factor)) for way, factor in zip(ways, factors, strict=False)]
        root = np.tensordot(np.moveaxis(self.masks, 0, -1), factors[-1], axes=1)
        n_plain = len(self._tables)
        tilted = [
            *(one.reshape(*group.shape, one.shape[-1]) for one, group in zip(left, self._groups, strict=True)),
            root,
        ]
        wanted = range(n_plain, n_plain + len(left))

        def on_block(places: Index) -> tuple[Array, Array, list[Array]]:
            of = slice(int(places[0]), int(places[-1]) + 1)
            plain, kept = self._untouched(draws, of)
            block: list[Factor] = [*plain, *(_of_draws(table, of) for table in tilted)]
            found = ENGINE.evaluate(self._order, block, self.masks, by_region=False, wanted=wanted, about=(), kept=kept)
            families = [one[..., 0, :].reshape(-1, places.size) for one in found.families]
            return (
                np.broadcast_to(found.log_evidence, places.size),
                np.broadcast_to(found.log_regions, (len(self.masks), places.size)),
                families,
            )

        parts = ENGINE.in_blocks(on_block, np.arange(n_draws), size=draws_at_once([self._order]))
        log_mass = np.concatenate([one for one, _, _ in parts])
        scenarios = np.exp(np.concatenate([one for _, one, _ in parts], axis=1) - log_mass)
        rows = []
        for i, (way, factor, share) in enumerate(zip(ways, factors, left, strict=False)):
            joint = np.concatenate([families[i] for _, _, families in parts], axis=-1)
            each = np.divide(joint, share, out=np.zeros(joint.shape), where=np.broadcast_to(share > 0.0, joint.shape))
            rows.append(self._answers[i] @ (np.einsum("rpd,rd->pd", *_alike(way, each)) * factor))
        return Moments(log_mass + offset, np.concatenate([*rows, scenarios]))

    def _untouched(self, draws: slice | Index, of: slice) -> tuple[list[Table], KeptMessages | None]:
        """Return the network's own factors on a block of some draws, and what passes on the same block had in common.

        Of draws by their numbers, as second derivatives are taken of, nothing is kept.
        """
        if not isinstance(draws, slice):
            return self._on_block(draws, of), None
        key = draws.step or 1, of.start, of.stop
        if key not in self._blocks:
            self._blocks[key] = self._on_block(draws, of), KeptMessages(REMEMBERED)
        return self._blocks[key]

    def _on_block(self, draws: slice | Index, of: slice) -> list[Table]:
        scopes = self._order.scopes
        return [of_factor(_of_draws(_of_draws(one, draws), of), scopes[at]) for at, one in enumerate(self._tables)]

    def weighed(self, moments: Moments, every: int = 1) -> tuple[Array, float]:
        """Return the draws' weights in a tilted joint, and the log of its mass."""
        weights = self.weights[::every] / self.weights[::every].sum()
        peak = moments.log_mass[weights > 0.0].max()
        masses = weights * np.exp(moments.log_mass - peak)
        total = float(masses.sum())
        return masses / total, float(peak + np.log(total))

    def covariance(self, multipliers: Array, moments: Moments, rows: Sequence[int], every: int = 1) -> Array:
        """Return the covariance of every feature with some (features, rows) in a tilted joint.

        Between draws that of their probabilities, all in `moments` (of one draw in so many, as `at` gave them). Within
        them the mean over CURVED draws: the mean of a feature under one more factor, 1 + another, is what the two have
        in common.
        """
        places = list(rows)
        weights, _ = self.weighed(moments, every)
        centred = moments.features - (moments.features @ weights)[:, np.newaxis]
        between = (centred * weights) @ centred[places].T
        step = max(1, weights.size // CURVED)
        draws = np.arange(0, self.weights.size, every)[::step]
        share = weights[::step] / weights[::step].sum()
        copies = len(places)
        logs = [np.repeat(row[:, np.newaxis], copies * draws.size, axis=1) for row in self._by_group(multipliers)]
        for copy, row in enumerate(places):
            of = slice(copy * draws.size, (copy + 1) * draws.size)
            if row >= self.n_answers:
                logs[-1][row - self.n_answers, of] += np.log(2.0)
                continue
            group = next(i for i, end in enumerate(self._ends[1:]) if row < end)
            logs[group][:, of] += np.log1p(self._answers[group][row - self._ends[group]])[:, np.newaxis]
        found = self._solved(np.tile(draws, copies), logs).features.reshape(-1, copies, draws.size)
        plain = moments.features[:, ::step]
        # E[g (1 + f)] = E'[g] (1 + E f), and what is left of it without E g E f and E g is the covariance.
        within = np.einsum("fcd,cd,d->fc", found - plain[:, np.newaxis], 1.0 + plain[places], share)
        # A feature is 0 or 1, so that its variance is known in all draws: few draws need only tell the correlation.
        few, all_draws = (np.sqrt(np.maximum(of * (1.0 - of), 0.0)) for of in (plain, moments.features))
        known, seen = (all_draws * weights) @ all_draws[places].T, (few * share) @ few[places].T
        return np.asarray(between + within * np.divide(known, seen, out=np.ones_like(seen), where=seen > 0.0))

    # The least change.

    def to(
        self,
        targets: Array,
        rows: Sequence[int],
        start: Array,
        met: float = MET,
        *,
        curvature: Array | None = None,
    ) -> Tilted:
        """Find the least change after which some features have given probabilities.

        Args:
            targets: (rows,).
            rows: places of features; the multipliers of the others stay as they are.
            start: (features,) where the search begins.
            met: how near to the targets is as good as there.
            curvature: (rows, rows) that of a joint far away from it: then it is looked for on few draws first.

        The log mass less multipliers times targets is convex, and its slope is what lies between the features'
        probabilities and the targets: its minimum is looked for by Newton's steps with second derivatives from few
        draws, which the slopes of all draws correct on the way (BFGS). Raises UnreachableError.

        Source: Nocedal and Wright (2006), "Numerical Optimization", chapter 6.
        """
        every = max(1, self.weights.size // PILOT)
        if curvature is not None and every > 1:
            (start, _, _), _ = self._minimum(targets, rows, start, ROUGHLY, curvature, every)
            curvature = None
        found, short = self._minimum(targets, rows, start, met, curvature)
        if short > max(NEAR, met):
            raise UnreachableError
        return found

    def _minimum(
        self, targets: Array, rows: Sequence[int], start: Array, met: float, curvature: Array | None, every: int = 1
    ) -> tuple[Tilted, float]:
        places = list(rows)

        def at(multipliers: Array) -> tuple[float, Array, Moments]:
            moments = self.at(multipliers, every)
            weights, log_total = self.weighed(moments, every)
            value = log_total - float(multipliers[places] @ targets)
            return value, moments.features[places] @ weights - targets, moments

        multipliers = start.copy()
        value, slope, moments = at(multipliers)
        if curvature is None:
            curvature = self.covariance(multipliers, moments, places, every)[places]
        inverse = _inverse(curvature)
        for count in range(1, MOST_STEPS + 1):
            if np.abs(slope).max(initial=0.0) <= met:
                break
            if count % RENEWED == 0:
                inverse = _inverse(self.covariance(multipliers, moments, places, every)[places])
            step = -inverse @ slope
            step *= min(1.0, MOST_AT_ONCE / max(float(np.abs(step).max()), MET))
            decrease, length = float(slope @ step), 1.0
            tried = multipliers.copy()
            while True:
                tried[places] = multipliers[places] + length * step
                try:
                    found = at(tried)
                except ImpossibleEvidenceError:  # so far out that nothing is left: a shorter step
                    found = (np.inf, slope, moments)
                if found[0] <= value + SLOPE * length * decrease + LAST_DIGITS * (1.0 + abs(value)):
                    break
                if (length := length / 2.0) < SHORTEST:
                    return Tilted(multipliers, moments, _inverse(inverse)), float(np.abs(slope).max(initial=0.0))
            if np.abs(found[1]).max() >= np.abs(slope).max() and np.abs(slope).max() < NEAR:
                break  # rounding is all that is left
            inverse = _updated(inverse, length * step, found[1] - slope)
            multipliers, (value, slope, moments) = tried, found

        return Tilted(multipliers, moments, _inverse(inverse)), float(np.abs(slope).max(initial=0.0))

    # What is possible.

    def atoms(self) -> Atoms:
        """Return what is possible in any draw, as features of answers and scenarios: some worlds, and how to find more.

        The worlds are drawn evenly from what is possible, with changing preferences.
        """
        n, n_parts = len(self._plan.cards), [answers.shape[1] for answers in self._answers]
        leaves = [(*group.scope, n + i) for i, group in enumerate(self._groups)]
        scenario = n + len(n_parts)
        scopes = (*self._scopes, *leaves, (*self._plan.keep, scenario))
        holds = np.moveaxis(self.masks, 0, -1)[..., np.newaxis]
        ways = [group.table.reshape(*group.shape, *group.table.shape[-2:]) for group in self._groups]
        tables = [(table > 0.0).any(axis=-1, keepdims=True).astype(float) for table in (*self._tables, *ways, holds)]
        # Where all is possible nothing has to be looked at.
        kept = [i for i, table in enumerate(tables) if not table.all()]
        cards = (*self._plan.cards, *n_parts, len(self.masks))
        possible = [tables[i] for i in kept] + [np.ones((card, 1)) for card in self._plan.cards]
        liked_by = range(n, n + len(n_parts) + 1)
        order = ENGINE.plan(cards, (*(scopes[i] for i in kept), *((v,) for v in range(n)), *((v,) for v in liked_by)))

        def features(states: Index) -> Array:
            answers = [self._answers[i][:, states[n + i]] for i in range(len(n_parts))]
            return np.concatenate([*answers, np.eye(len(self.masks))[:, states[scenario]]])

        def farthest(weights: Array) -> Array:
            liked = [np.exp(log - log.max())[:, np.newaxis] for log in self._by_group(weights)]
            return features(ENGINE.most_probable(order, [*possible, *liked]).states[:, 0])[:, 0]

        rng = np.random.default_rng(0)
        liked = [np.exp(rng.normal(0.0, 2.0, (size, SEEDS))) for size in (*n_parts, len(self.masks))]
        return Atoms(features(ENGINE.draw_states(order, [*possible, *liked], rng)), farthest)


def _at_the_end(alive: Sequence[int], group: AskedEvent) -> Array:
    table = np.zeros((len(alive), group.answers.shape[1], 1))
    for x, state in enumerate(alive):
        table[x, group.part_of((state,) * (len(group.days) + 1))] = 1.0
    return table


def _on_the_way(alive: Sequence[range], group: AskedEvent) -> Array:
    """Return which part the states on the days and at the horizon belong to (states on each, parts, 1)."""
    table = np.zeros((*map(len, alive), group.answers.shape[1], 1))
    for places in np.ndindex(*map(len, alive)):
        table[(*places, group.part_of(tuple(states[x] for states, x in zip(alive, places, strict=True))))] = 1.0
    return table


def _of_draws(table: Array, draws: slice | Index) -> Array:
    return table if table.shape[-1] == 1 else table[..., draws]


def _alike(first: Array, second: Array) -> tuple[Array, Array]:
    """Return two arrays with as many draws each: einsum broadcasts no axis of length one that is named."""
    n = max(first.shape[-1], second.shape[-1])
    return np.broadcast_to(first, (*first.shape[:-1], n)), np.broadcast_to(second, (*second.shape[:-1], n))


def _inverse(of: Array) -> Array:
    values, vectors = np.linalg.eigh((of + of.T) / 2.0)
    varies = values > ROUNDING * max(float(values.max(initial=0.0)), 1e-300)
    return np.asarray((vectors[:, varies] / values[varies]) @ vectors[:, varies].T)


def _updated(inverse: Array, step: Array, change: Array) -> Array:
    """Return the inverse second derivatives that explain by how much a slope changed over a step (BFGS)."""
    along = float(step @ change)
    if along <= 1e-14 * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return inverse
    left = np.eye(step.size) - np.outer(step, change) / along
    return np.asarray(left @ inverse @ left.T + np.outer(step, step) / along)
