"""The smallest change of a distribution that gives some probabilities, and whether any distribution gives them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import minimal_contradiction

Array = NDArray[np.float64]

TOLERANCE = 1e-9  # of a probability: what the linear programs tell from rounding
MOST_STEPS = 400  # of Newton's method; a few are needed, more where an atom all but vanishes
MET = 1e-13  # of a probability: what is as good as reached
REACHED = 1e-12  # of a probability: beyond it an atom may have to vanish
NEAR = 1e-9  # beyond which targets were not reached
SLOPE = 1e-4  # share of the predicted decrease that a step has to bring (Armijo)
LAST_DIGITS = 1e-15  # of the dual's value: what a step may seem to rise by
ROUNDING = 1e-12  # of the largest eigenvalue, and of a feature in a direction in which it does not vary
LEAST_CURVATURE = 1e-250  # what is divided by
MOST_AT_ONCE = 20.0  # of a logarithm of a probability, in one step


class UnreachableError(ValueError):
    """No distribution on the same atoms has the probabilities."""


@dataclass(frozen=True)
class Projection:
    """The distribution q nearest to p among those with given probabilities, q = p exp(log_ratio) on each atom.

    `divergence`: KL(q || p) in nats.
    """

    probabilities: Array
    log_ratio: Array
    divergence: float


def project(p: Array, features: Array, targets: Array) -> Projection:
    """Minimise KL(q || p) over the distributions q with features @ q = targets (the I-projection).

    Args:
        p: (atoms,) non-negative, adding up to one.
        features: (constraints, atoms) of numbers, mostly indicators.
        targets: (constraints,).

    q is p exp(lambda · f) / Z; lambda minimises the convex dual log Z - lambda · targets, by Newton's method with a
    line search. Constraints may repeat or follow from each other. A target that only the edge of what is possible
    reaches takes atoms away: those that no distribution with the targets gives any probability are found first.

    Raises UnreachableError.

    Source: Csiszar (1975), "I-divergence geometry of probability distributions and minimization problems".
    """
    held = p > 0.0
    for feature, target in zip(features, targets, strict=True):
        inside = feature[held]
        if inside.size and target in (inside.min(), inside.max()):
            held &= feature == target
    if not held.any():
        raise UnreachableError
    found = _newton(p[held], features[:, held], targets)
    if found[2] > REACHED:
        # Beyond the edge of what is possible, or on it: there some atoms are to have no probability at all.
        inner = held.copy()
        inner[held] = possible_atoms(features[:, held], targets)
        if inner.any() and inner.sum() < held.sum():
            on_edge = _newton(p[inner], features[:, inner], targets)
            if on_edge[2] <= max(found[2], REACHED):
                held, found = inner, on_edge
    if found[2] > NEAR:
        raise UnreachableError
    q, log_ratio = np.zeros(p.size), np.full(p.size, -np.inf)
    q[held], log_ratio[held] = found[:2]
    return Projection(q, log_ratio, max(float(q[held] @ log_ratio[held]), 0.0))


def _newton(p: Array, features: Array, targets: Array) -> tuple[Array, Array, float]:
    """Return q, log(q / p), and how far from the targets q is, on atoms that all have some probability."""
    log_p = np.log(p)
    apart = features - targets[:, np.newaxis]
    multipliers = np.zeros(len(targets))

    def at(multipliers: Array) -> tuple[float, Array, Array]:
        logs = log_p + multipliers @ apart
        peak = logs.max()
        mass = np.exp(logs - peak)
        whole = mass.sum()
        return float(peak + np.log(whole)), mass / whole, logs - peak - np.log(whole)

    value, q, log_q = at(multipliers)
    for _ in range(MOST_STEPS):
        slope = apart @ q
        if np.abs(slope).max(initial=0.0) <= MET:
            break
        centred = apart - slope[:, np.newaxis]
        curvature = (centred * q) @ centred.T
        values, vectors = np.linalg.eigh(curvature)
        along, spread = vectors.T @ slope, np.abs(vectors.T @ apart).max(axis=1)
        varies = spread > ROUNDING
        # Where an atom of hardly any probability is to gain some, the curvature is next to nothing: each way is taken
        # as far as the logs of atoms may change at once.
        way = -along[varies] / np.maximum(values[varies], max(ROUNDING * values.max(), LEAST_CURVATURE))
        step = vectors[:, varies] @ np.clip(way, -MOST_AT_ONCE / spread[varies], MOST_AT_ONCE / spread[varies])
        decrease = float(slope @ step)
        length, tried = 1.0, (value, q, log_q)
        while length > 1e-12:
            tried = at(multipliers + length * step)
            if tried[0] <= value + SLOPE * length * decrease + LAST_DIGITS * (1.0 + abs(value)):
                break
            length /= 2.0
        else:
            break
        if np.abs(apart @ tried[1]).max() >= np.abs(slope).max() and np.abs(slope).max() < NEAR:
            break  # rounding is all that is left
        multipliers = multipliers + length * step
        value, q, log_q = tried
    return q, log_q - log_p, float(np.abs(apart @ q).max(initial=0.0))


def possible_atoms(features: Array, targets: Array) -> NDArray[np.bool_]:
    """Say of each atom whether some distribution with the targets gives it any probability; none where there is none.

    One linear program: of all q >= 0 with features @ q = targets t and sum(q) = t >= 1 that with the most atoms at 1
    or above has the widest support.
    """
    from scipy.optimize import linprog

    kinds, inverse = np.unique(features, axis=1, return_inverse=True)
    n = kinds.shape[1]
    equal = np.zeros((len(targets) + 1, 2 * n + 1))
    equal[:-1, :n], equal[:-1, -1] = kinds, -targets
    equal[-1, :n], equal[-1, -1] = 1.0, -1.0
    least = np.hstack([-np.eye(n), np.eye(n), np.zeros((n, 1))])  # what counts is at most 1 and at most q
    solution = linprog(
        np.concatenate([np.zeros(n), -np.ones(n), [0.0]]),
        A_ub=least,
        b_ub=np.zeros(n),
        A_eq=equal,
        b_eq=np.zeros(len(equal)),
        bounds=[(0.0, None)] * n + [(0.0, 1.0)] * n + [(1.0, None)],
        method="highs",
        options={"primal_feasibility_tolerance": TOLERANCE},
    )
    if solution.status != 0:
        return np.zeros(features.shape[1], dtype=bool)
    return np.asarray((np.asarray(solution.x)[n : 2 * n] > 0.5)[inverse.ravel()])


@dataclass(frozen=True)
class DutchBook:
    """A smallest set of prices that contradict each other, and the bets that show it.

    `places` of the prices; `stakes`: contracts that pay 1 if yes to sell at the price (negative: to buy), the largest
    one being 1; `gain`: what they bring at least, whatever happens. Without any one of the prices there is no such bet.
    """

    places: tuple[int, ...]
    stakes: tuple[float, ...]
    gain: float


class Atoms:
    """What is possible, as the atoms' features (constraints, atoms): all of them, or those that were looked at so far.

    `farthest` finds the possible atom with the largest weights @ features, where there are too many to list: what a
    program finds on the atoms listed is then right for all once no such atom is farther out.
    """

    def __init__(self, features: Array, farthest: Callable[[Array], Array] | None = None) -> None:
        self.features = np.unique(features, axis=1)
        self._farthest = farthest

    def of_rows(self, rows: Sequence[int]) -> Atoms:
        """Return the same atoms by some of their features, in an order of one's own, which may repeat."""
        places, of_all = list(rows), self._farthest
        if of_all is None:
            return Atoms(self.features[places])

        def farthest(weights: Array) -> Array:
            spread = np.zeros(len(self.features))
            np.add.at(spread, places, weights)
            return of_all(spread)[places]

        return Atoms(self.features[places], farthest)

    def reaches(self, weights: Array, height: float) -> bool:
        """Say whether weights @ features is at most a height for every possible atom; if not, list one beyond it."""
        if self._farthest is None:
            return True
        atom = self._farthest(weights)
        if weights @ atom <= height + TOLERANCE * max(np.abs(weights).max(initial=0.0), TOLERANCE):
            return True
        if (self.features == atom[:, np.newaxis]).all(axis=0).any():
            return True  # what was beyond it is rounding
        self.features = np.column_stack([self.features, atom])
        return False


def plainly_coherent(features: Array, prices: Array) -> bool:
    """Say whether no two prices alone contradict each other on the atoms given (prices, atoms), of 0 and 1.

    Two contradict each other where yes to one is yes to the other and has the higher price, where both are never yes
    and have more than one together, or never no and have less.
    """
    no = 1.0 - features
    above = prices[:, np.newaxis] > prices + TOLERANCE
    together = prices[:, np.newaxis] + prices
    pairs = ~np.eye(len(prices), dtype=bool)
    wrong = (features @ no.T == 0.0) & above
    wrong |= (features @ features.T == 0.0) & (together > 1.0 + TOLERANCE) & pairs
    wrong |= (no @ no.T == 0.0) & (together < 1.0 - TOLERANCE) & pairs
    return not wrong.any()


def sure_gain(of: Array | Atoms, prices: Array, places: Sequence[int] | None = None) -> tuple[float, Array]:
    """Return the most that bets of at most 1 on each of some prices bring for certain, and the stakes.

    Args:
        of: (prices, atoms) what a contract pays in each atom.
        prices: (prices,).
        places: of the prices that may be bet on (None: all).

    By duality the gain is the smallest sum of absolute changes of these prices after which some distribution has them
    all: 0 where they are coherent. Where not all atoms are listed, one in which the bets lose most is added until none
    is lacking (a cutting plane).

    Source: de Finetti (1937), "La prevision: ses lois logiques, ses sources subjectives"; Kelley (1960), "The
    cutting-plane method for solving convex programs".
    """
    from scipy.optimize import linprog

    atoms = of if isinstance(of, Atoms) else Atoms(of)
    used = list(range(len(prices))) if places is None else list(places)
    stakes = np.zeros(len(prices))
    if not used:
        return 0.0, stakes
    while True:
        kinds = np.unique(atoms.features[used], axis=1)
        solution = linprog(
            np.append(-prices[used], 1.0),
            A_ub=np.vstack([kinds, -np.ones(kinds.shape[1])]).T,
            b_ub=np.zeros(kinds.shape[1]),
            bounds=[(-1.0, 1.0)] * len(used) + [(None, None)],
            method="highs",
            options={"primal_feasibility_tolerance": TOLERANCE},
        )
        stakes[used] = np.asarray(solution.x)[:-1]
        gain = max(-float(np.asarray(solution.fun)), 0.0)
        # More atoms only lower the gain: without any there is nothing to look for.
        if gain <= TOLERANCE or atoms.reaches(stakes, float(np.asarray(solution.x)[-1])):
            return gain, stakes


def dutch_books(of: Array | Atoms, prices: Array, least: float = TOLERANCE) -> tuple[float, tuple[DutchBook, ...]]:
    """Return how far prices are from coherence (L1), and smallest sets that contradict each other.

    Sets that have no price in common, each cut down until nothing can be taken (an irreducible infeasible subset); of
    what a set leaves the next one is found. A gain of less than `least` is rounding. `of`: as in `sure_gain`.
    """
    atoms = of if isinstance(of, Atoms) else Atoms(of)
    distance, stakes = sure_gain(atoms, prices)
    left, books = list(range(len(prices))), []
    gain = distance
    while gain > least:
        staked = [place for place in left if abs(stakes[place]) > TOLERANCE]
        smallest = minimal_contradiction(staked, lambda some: sure_gain(atoms, prices, some)[0] <= least)
        gain, stakes = sure_gain(atoms, prices, smallest)
        books.append(DutchBook(tuple(smallest), tuple(float(stakes[place]) for place in smallest), gain))
        left = [place for place in left if place not in smallest]
        gain, stakes = sure_gain(atoms, prices, left) if left else (0.0, stakes)
    return distance, tuple(books)


def nearest_coherent(of: Array | Atoms, prices: Array) -> Array:
    """Return the coherent prices nearest to some in the sum of squared differences; `of`: as in `sure_gain`.

    By the Brier score they are at least as good as the prices, whatever happens.

    Source: Predd and others (2009), "Probabilistic coherence and proper scoring rules"; the projection as a problem of
    non-negative least squares: Lawson and Hanson (1974), chapter 23; one atom after the other: Wolfe (1976), "Finding
    the nearest point in a polytope".
    """
    from scipy.optimize import nnls

    atoms = of if isinstance(of, Atoms) else Atoms(of)
    while True:
        system = np.vstack([atoms.features - prices[:, np.newaxis], np.ones(atoms.features.shape[1])])
        weights, _ = nnls(system, np.append(np.zeros(len(prices)), 1.0))
        nearest = np.asarray(atoms.features @ (weights / weights.sum()))
        apart = prices - nearest
        # No possible atom lies beyond the plane through the nearest point, at a right angle to what is apart.
        if np.abs(apart).max() <= TOLERANCE or atoms.reaches(apart, float(apart @ nearest)):
            return nearest
