"""The door to exact inference: what is asked of a network, whoever computes it, and in which blocks of draws."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.inference import batch, elimination, states
from forecast.inference.batch import Factor, Solution
from forecast.inference.elimination import ImpossibleEvidenceError, Plan, Scope
from forecast.inference.states import MostProbable

__all__ = ["BLOCK", "ENGINE", "Engine", "Factor", "ImpossibleEvidenceError", "MostProbable", "Plan", "Solution"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

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
    most_probable = staticmethod(states.most_probable)
    draw_states = staticmethod(states.draw_states)

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
