"""The door to exact inference: what is asked of a network, whoever computes it, and in which blocks of draws."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.inference import batch, elimination
from forecast.inference.batch import Factor, Solution, messages
from forecast.inference.elimination import EliminationStep, ImpossibleEvidenceError, Plan, Scope, eliminate
from forecast.inference.scaled import DRAWS, Table, contract, logs, shares

# Joint states of a network, for all draws at once: the most probable one, and one drawn at random.

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class MostProbable(NamedTuple):
    """The best joint state within each region of the root, and its mass.

    `log_mass` (regions, draws): natural log of the product of all factors there, minus infinity in a region that has
    no mass. `states` (variables, regions, draws): the state of each variable; meaningless where there is no mass.
    """

    log_mass: Array
    states: Index


def most_probable(network: Plan, factors: Sequence[Factor], regions: Array | None = None) -> MostProbable:
    """Find the joint state of the largest mass in each draw and region. Of equal ones it takes always the same.

    Args:
        network: the elimination plan for the factors' scopes.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        regions: (regions, *states of `network.keep`), 0/1 masks of the root's joint states; None: one that holds
            everything.

    Source: Koller and Friedman (2009), section 13.2 (max-product variable elimination with traceback).
    """
    with np.errstate(divide="ignore"):  # what is impossible has log mass minus infinity
        slots = [logs(factor) if isinstance(factor, Table) else np.log(factor) for factor in factors]
    n_draws = max((factor.shape[-1] for factor in slots), default=1)
    maxima = _Maxima(network)
    tables = [_Logs(scope, slot) for scope, slot in zip(network.scopes, slots, strict=False)]
    reduced = eliminate(network, tables, maxima)
    product = maxima.product([reduced[slot] for slot in network.root], network.keep)
    root = np.broadcast_to(product, (*(network.cards[v] for v in network.keep), n_draws)).reshape(-1, n_draws)
    masks = np.ones((1, root.shape[0])) if regions is None else regions.reshape(regions.shape[0], -1)
    masked = np.where(masks[:, :, np.newaxis] > 0.0, root, -np.inf)
    best = masked.argmax(axis=1)
    log_mass = np.take_along_axis(masked, best[:, np.newaxis], axis=1)[:, 0]
    states = np.zeros((len(network.cards), *best.shape), dtype=np.intp)
    if network.keep:
        states[list(network.keep)] = np.unravel_index(best, tuple(network.cards[v] for v in network.keep))
    for step, choice in zip(reversed(network.steps), reversed(maxima.choices), strict=True):
        # A message that no draw has of its own has a draw axis of length one.
        draw = np.minimum(np.arange(n_draws), choice.shape[-1] - 1)
        states[step.variable] = choice[(*states[list(step.scope)], draw)]
    return MostProbable(log_mass, states)


class _Logs(NamedTuple):
    """Logarithms of a table, an axis for each variable of its scope, draws last."""

    scope: Scope
    numbers: Array


class _Maxima:
    """Sums of logarithms and their maxima; keeps the best state of each variable for the way back."""

    def __init__(self, network: Plan) -> None:
        self._cards = network.cards
        self.choices: list[Index] = []

    def message(self, given: Sequence[_Logs], received: Sequence[_Logs], step: EliminationStep) -> _Logs:
        table = self.product([*given, *received], (*step.scope, step.variable))
        self.choices.append(table.argmax(axis=-2))
        return _Logs(step.scope, table.max(axis=-2))

    def product(self, tables: Sequence[_Logs], axes: Scope) -> Array:
        """Add log tables up over the axes of `axes`, in that order, draws last."""
        total = np.zeros((*(self._cards[v] for v in axes), 1))
        for scope, numbers in tables:
            order = [scope.index(v) for v in axes if v in scope]
            shape = [self._cards[v] if v in scope else 1 for v in axes]
            total = total + numbers.transpose(*order, len(scope)).reshape(*shape, numbers.shape[-1])
        return total


def draw_states(network: Plan, factors: Sequence[Factor], rng: np.random.Generator) -> Index:
    """Draw the state of every variable (variables, draws) from the normalised product of the factors of each draw.

    Args:
        network: the elimination plan for the factors' scopes, without `keep`.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        rng: gives one uniform number for each variable and draw.

    Raises ImpossibleEvidenceError if a draw has no mass, and ValueError for a plan that keeps variables.

    Source: Dawid (1992), "Applications of a general propagation algorithm for probabilistic expert systems".
    """
    if network.keep:
        msg = "a plan without variables that are kept is needed"
        raise ValueError(msg)
    slots = messages(network, factors)
    n_draws = max((slot.numbers.shape[-1] for slot in slots), default=1)
    states = np.zeros((len(network.cards), n_draws), dtype=np.intp)
    for step in reversed(network.steps):
        # The states of the others are drawn by now: a table becomes a row over the variable for each draw.
        rows = [_row(slots[slot], step.variable, network.cards[step.variable], states) for slot in step.inputs]
        chances = shares(contract(rows, (step.variable,), network.cards))
        cumulative = np.cumsum(chances, axis=0)
        below = cumulative[:-1] <= rng.uniform(size=n_draws) * cumulative[-1]
        states[step.variable] = below.sum(axis=0)
    return states


def _row(table: Table, variable: int, card: int, states: Index) -> Table:
    """Return a table at the drawn states of all its variables but one."""
    own = np.arange(card)[:, np.newaxis]
    draw = np.arange(states.shape[1]) if table.numbers.shape[-1] > 1 else np.zeros(states.shape[1], dtype=np.intp)
    at = (*(own if v == variable else states[v] for v in table.axes[:-1]), draw)
    exponents = None if table.exponents is None else table.exponents[at]
    return table._replace(numbers=table.numbers[at], axes=(variable, DRAWS), exponents=exponents)


__all__ = ["BLOCK", "ENGINE", "Engine", "Factor", "ImpossibleEvidenceError", "MostProbable", "Plan", "Solution"]


BLOCK = 1000  # draws solved at once: large enough for numpy's loops, small enough for the processor's cache


class Engine(Protocol):
    """An executor of exact inference on a discrete network, for many draws of its factors at once.

    Factors are non-negative arrays, axes as in the scopes of the plan, then draws (or 1: the same for all draws), or
    tables of logarithms (`scaled.of_logs`). All but `plan` and `in_blocks` raise `ImpossibleEvidenceError` for draws
    without any mass, and ValueError for a factor that holds a negative number, an infinity or NaN.
    """

    def plan(self, cards: Sequence[int], scopes: Iterable[Scope], keep: Iterable[int] = ()) -> Plan:
        """Prepare networks of the given scopes; the variables of `keep` stay together to the last (`regions`)."""

    def evaluate(
        self, network: Plan, factors: Sequence[Factor], regions: Array | None = None, *, by_region: bool = True
    ) -> Solution:
        """Compute the log evidence, the regions' log masses, and every marginal (by region, if asked)."""

    def log_evidence(self, network: Plan, factors: Sequence[Factor]) -> Array:
        """Compute the natural log of the total mass (draws)."""

    def log_regions(self, network: Plan, factors: Sequence[Factor], regions: Array) -> Array:
        """Compute the natural log of each region's mass (regions, draws)."""

    def families(self, network: Plan, factors: Sequence[Factor], wanted: Sequence[int]) -> tuple[Array, list[Array]]:
        """Compute the log evidence (draws), and P(states of its scope | evidence) for some of the factors."""

    def gradient(self, network: Plan, factors: Sequence[Factor]) -> tuple[Array, list[Array]]:
        """Compute the log evidence (draws), and its derivative by the log of every entry of every factor."""

    def most_probable(self, network: Plan, factors: Sequence[Factor], regions: Array | None = None) -> MostProbable:
        """Find the joint state of the largest mass in each draw and region."""

    def draw_states(self, network: Plan, factors: Sequence[Factor], rng: np.random.Generator) -> Index:
        """Draw the state of every variable (variables, draws) from the posterior of each draw."""

    def in_blocks[T](self, solved: Callable[..., T], *by_draw: Any, size: int | None = None) -> list[T]:
        """Call a function on blocks of draws (last axis of every argument); return what it gives, in their order.

        `size` draws a block (None: what suits the executor): a caller with larger tables asks for smaller ones.
        """


class NumpyEngine:
    """Variable elimination on arrays of draws (`batch`), blocks shared out to the processor's cores by threads."""

    plan = staticmethod(elimination.plan)
    evaluate = staticmethod(batch.solve)
    log_evidence = staticmethod(batch.log_evidence)
    log_regions = staticmethod(batch.log_regions)
    families = staticmethod(batch.joints)
    most_probable = staticmethod(most_probable)
    draw_states = staticmethod(draw_states)

    @staticmethod
    def gradient(network: Plan, factors: Sequence[Factor]) -> tuple[Array, list[Array]]:
        """Compute the log evidence and its derivative by the factors' logs: that is each family's posterior."""
        return batch.joints(network, factors, range(network.n_factors))

    @staticmethod
    def in_blocks[T](solved: Callable[..., T], *by_draw: Any, size: int | None = None) -> list[T]:
        """Call a function on blocks of draws; in order, so that results do not depend on the threads.

        numpy lets go of the interpreter's lock inside its loops, so the blocks share the processor's cores.
        """
        length = BLOCK if size is None else size
        starts = range(0, by_draw[0].shape[-1], length)

        def on_block(start: int) -> T:
            try:
                return solved(*(values[..., start : start + length] for values in by_draw))
            except ImpossibleEvidenceError as impossible:
                raise ImpossibleEvidenceError(impossible.draws + start, impossible.factors) from impossible

        with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
            return list(pool.map(on_block, starts))


ENGINE: Engine = NumpyEngine()
