"""The smallest change of a joint against a general solver, and contradictions against planted ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize

from forecast.analysis.projection import (
    Atoms,
    UnreachableError,
    dutch_books,
    nearest_coherent,
    plainly_coherent,
    possible_atoms,
    project,
    sure_gain,
)

Array = NDArray[np.float64]


def _joint(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """A distribution on a few atoms, questions about them, and prices that another distribution has."""
    atoms, questions = int(rng.integers(3, 9)), int(rng.integers(1, 4))
    p, other = rng.dirichlet(np.ones(atoms)), rng.dirichlet(np.ones(atoms))
    features = rng.integers(0, 2, (questions, atoms)).astype(float)
    return p, features, features @ other


def _general(p: Array, features: Array, targets: Array) -> Array:
    """The same by a general convex solver, which knows nothing of the dual."""
    rows = np.vstack([features, np.ones(p.size)])
    wanted = np.append(targets, 1.0)
    # Constraints that follow from each other are no constraints to the solver.
    kept: list[int] = []
    for row in range(len(rows)):
        if np.linalg.matrix_rank(rows[[*kept, row]]) > len(kept):
            kept.append(row)
    start = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    found = minimize(  # type: ignore[call-overload]  # the stubs know no such options
        lambda q: float((q * np.log(q / p)).sum()),
        np.clip(start, 1e-3, 1.0),
        jac=lambda q: np.log(q / p) + 1.0,
        bounds=[(1e-13, 1.0)] * p.size,
        constraints=LinearConstraint(rows[kept], wanted[kept], wanted[kept]),
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return np.asarray(found.x)


def test_the_smallest_change_of_200_joints() -> None:
    """The divergence is that which a general convex solver finds, to 1e-8, and the targets are met."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        p, features, targets = _joint(rng)
        found, general = project(p, features, targets), _general(p, features, targets)
        assert features @ general == pytest.approx(targets, abs=1e-8)
        assert float((general * np.log(general / p)).sum()) == pytest.approx(found.divergence, abs=1e-8)
        assert features @ found.probabilities == pytest.approx(targets, abs=1e-12)
        assert p * np.exp(found.log_ratio) == pytest.approx(found.probabilities, abs=1e-15)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pythagoras(seed: int) -> None:
    """KL(r || p) = KL(r || q) + KL(q || p) for every r with the targets: the law of the I-projection."""
    rng = np.random.default_rng(seed)
    p, features, _ = _joint(rng)
    r = rng.dirichlet(np.ones(p.size))
    q = project(p, features, features @ r).probabilities
    apart, left = float((r * np.log(r / p)).sum()), float((r * np.log(r / q)).sum())
    assert apart == pytest.approx(left + float((q * np.log(q / p)).sum()), abs=1e-9)


def test_one_event_is_jeffreys_rule() -> None:
    """With one partition the odds within each part stay as they are."""
    p = np.array([0.1, 0.2, 0.3, 0.4])
    q = project(p, np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([0.6])).probabilities
    assert [0.2, 0.4, 0.4 * 3 / 7, 0.4 * 4 / 7] == pytest.approx(list(q))


def test_an_atom_at_the_edge_vanishes() -> None:
    """Two days at one price leave nothing between them."""
    p = np.array([0.2, 0.3, 0.5])
    found = project(p, np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]), np.array([0.4, 0.4]))
    assert [0.4, 0.0, 0.6] == pytest.approx(list(found.probabilities), abs=1e-12)
    assert p * np.exp(found.log_ratio) == pytest.approx(found.probabilities, abs=1e-12)
    assert found.divergence == pytest.approx(0.4 * np.log(2.0) + 0.6 * np.log(1.2), abs=1e-10)
    assert [True, False, True] == possible_atoms(
        np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]), np.array([0.4, 0.4])
    ).tolist()


def test_an_atom_of_hardly_any_probability_can_gain_some() -> None:
    """However improbable what is possible was, it can be set: 1e-40 to two in five."""
    p = np.array([1e-40, 0.5, 0.5 - 1e-40])
    found = project(p, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), np.array([0.4, 0.1]))
    assert [0.4, 0.1, 0.5] == pytest.approx(list(found.probabilities), abs=1e-12)


@pytest.mark.parametrize("targets", [(0.6, 0.5), (1.0, 0.5), (0.5, 1.2)])
def test_what_no_distribution_has_is_refused(targets: tuple[float, float]) -> None:
    """P(by the first day) above P(by the second), a certain one above an uncertain one, more than one."""
    with pytest.raises(UnreachableError):
        project(np.array([0.2, 0.3, 0.5]), np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]), np.array(targets))


def _planted(rng: np.random.Generator) -> tuple[Array, Array]:
    """Days of two events, prices of a distribution of them, and one that is put beyond its neighbour."""
    days = int(rng.integers(2, 5))
    atoms = [*product(range(days + 1), repeat=2)]
    other = rng.dirichlet(np.ones(len(atoms)))
    features = np.array([[float(atom[e] <= day) for atom in atoms] for e in (0, 1) for day in range(days)])
    prices = features @ other
    early = int(rng.integers(2)) * days + int(rng.integers(days - 1))
    prices[early] = prices[early + 1] + rng.uniform(0.005, 0.1)
    return features, prices


def test_100_planted_dutch_books() -> None:
    """Each is found: the bets win in every atom, and without any one of them there is nothing to win."""
    rng = np.random.default_rng(2)
    for number in range(100):
        features, prices = _planted(rng)
        distance, books = dutch_books(features, prices)
        assert books
        assert distance > 0.004
        for book in books:
            places, stakes = list(book.places), np.array(book.stakes)
            won = stakes @ (prices[places, np.newaxis] - features[places])
            assert won.min() == pytest.approx(book.gain, abs=1e-9)
            assert book.gain > 0.0
            assert np.abs(stakes).max() == pytest.approx(1.0)
            for place in places if number % 10 == 0 else ():
                assert sure_gain(features, prices, [other for other in places if other != place])[0] <= 1e-9


def _looked_for(features: Array) -> Atoms:
    """Two atoms listed; whatever else is possible has to be looked for."""
    return Atoms(features[:, :2], lambda weights: features[:, int((weights @ features).argmax())])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_is_not_listed_is_looked_for(seed: int) -> None:
    """Atoms that are found one after the other give the distance, the gains and the nearest prices of all of them."""
    rng = np.random.default_rng(seed)
    features, prices = _planted(rng) if seed % 3 else _joint(rng)[1:]
    distance, books = dutch_books(features, prices)
    found, same = dutch_books(_looked_for(features), prices)
    assert distance == pytest.approx(found, abs=1e-8)
    assert bool(books) == bool(same)
    for book in same:
        won = np.array(book.stakes) @ (prices[list(book.places), np.newaxis] - features[list(book.places)])
        assert won.min() == pytest.approx(book.gain, abs=1e-8)
    nearest = nearest_coherent(features, prices)
    assert nearest == pytest.approx(nearest_coherent(_looked_for(features), prices), abs=1e-6)
    if not plainly_coherent(features, prices):
        assert distance > 0.0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_book_against_coherent_prices(seed: int) -> None:
    """Prices of any distribution, those with empty atoms too, are no book, and are themselves the nearest ones."""
    rng = np.random.default_rng(seed)
    p, features, prices = _joint(rng)
    if seed % 2:
        p[rng.integers(p.size)] = 0.0
        prices = features @ (p / p.sum())
    distance, books = dutch_books(features, prices)
    assert 0 == len(books)
    assert distance == pytest.approx(0.0, abs=1e-9)
    assert prices == pytest.approx(nearest_coherent(features, prices), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_nearest_coherent_prices(seed: int) -> None:
    """They are coherent, and by the Brier score no worse in any atom (Predd and others 2009)."""
    features, prices = _planted(np.random.default_rng(seed))
    nearest = nearest_coherent(features, prices)
    assert sure_gain(features, nearest)[0] < 1e-9
    before, after = (np.square(features - of[:, np.newaxis]).sum(axis=0) for of in (prices, nearest))
    assert (after < before).all()


def test_two_prices_of_one_question_meet_in_the_middle() -> None:
    """The nearest coherent price of one question with two is their mean; the distance is what lies between them."""
    features, prices = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.3, 0.5])
    assert [0.4, 0.4] == pytest.approx(list(nearest_coherent(features, prices)))
    distance, (book,) = dutch_books(features, prices)
    assert (0.2, 0.2) == pytest.approx((distance, book.gain))
    assert (-1.0, 1.0) == pytest.approx(book.stakes)
