"""Products of numbers that no double holds, against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.batch import log_evidence, log_regions, solve
from forecast.inference.elimination import plan
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, draw_states, most_probable
from forecast.inference.scaled import SMALLEST, of_logs

Array = NDArray[np.float64]
DRAWS = 2


def extreme_tables(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of any size a double holds, subnormal ones among them; one in twelve is zero."""
    exponents = rng.choice([3.0, 100.0, 300.0], shape) * rng.uniform(-1.0, 1.0, shape)
    numbers = np.where(rng.random(shape) < 0.1, rng.integers(1, 400, shape) * SMALLEST, 10.0**exponents)
    return np.where(rng.random(shape) < 1 / 12, 0.0, numbers)


def extreme_factors(seed: int) -> tuple[list[int], list[tuple[int, ...]], list[Array]]:
    """Up to four variables and up to twelve factors, several of them often on the same variables."""
    rng = np.random.default_rng(seed)
    cards = rng.integers(1, 4, int(rng.integers(1, 5))).tolist()
    scopes: list[tuple[int, ...]] = [(v,) for v in range(len(cards))]
    for _ in range(int(rng.integers(0, 9))):
        size = int(rng.integers(1, min(3, len(cards)) + 1))
        scopes.append(tuple(rng.choice(len(cards), size=size, replace=False).tolist()))
    draws = [DRAWS if i == 0 or rng.random() < 0.7 else 1 for i in range(len(scopes))]
    tables = [extreme_tables(rng, (*(cards[v] for v in scope), n)) for scope, n in zip(scopes, draws, strict=True)]
    return cards, scopes, tables


def whole(
    cards: list[int], scopes: list[tuple[int, ...]], tables: list[Array], draw: int
) -> dict[tuple[int, ...], Fraction]:
    """The product of all factors for every joint state, exactly."""
    joint = {}
    for states in product(*map(range, cards)):
        mass = Fraction(1)
        for scope, table in zip(scopes, tables, strict=True):
            row = table[tuple(states[v] for v in scope)]
            mass *= Fraction(float(row[min(draw, row.size - 1)]))
        joint[states] = mass
    return joint


def log_of(mass: Fraction) -> float:
    """Natural logarithm of a fraction of any size."""
    return log(mass.numerator) - log(mass.denominator) if mass else -np.inf


def as_double(share: Fraction) -> float:
    """The nearest double; the smallest one for what is positive and below it."""
    return max(float(share), SMALLEST) if share else 0.0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_numbers(seed: int) -> None:
    """Evidence, regions, marginals and joints are those of the exact product, whatever the sizes of its factors."""
    cards, scopes, tables = extreme_factors(seed)
    keep = [0] if seed % 2 else []
    order = plan(cards, scopes, keep)
    masks = np.eye(cards[0]) if keep else np.ones((1,))
    exact = [whole(cards, scopes, tables, draw) for draw in range(DRAWS)]
    totals = [sum(joint.values(), Fraction(0)) for joint in exact]
    if not all(totals):
        with pytest.raises(ImpossibleEvidenceError) as impossible:
            solve(order, tables, masks)
        empty = [draw for draw in range(DRAWS) if not totals[draw]]
        assert {*impossible.value.draws.tolist()} <= {*empty}
        few = impossible.value.factors
        part = whole(cards, [scopes[i] for i in few], [tables[i] for i in few], int(impossible.value.draws[0]))
        assert not any(part.values())
        return
    solution = solve(order, tables, masks)
    found = ENGINE.families(order, tables, range(len(tables)))[1]
    regions = log_regions(order, tables, masks)
    for draw, (joint, total) in enumerate(zip(exact, totals, strict=True)):
        assert log_of(total) == pytest.approx(solution.log_evidence[draw], rel=1e-13, abs=1e-11)
        assert log_of(total) == pytest.approx(log_evidence(order, tables)[draw], rel=1e-13, abs=1e-11)
        for region, of_region in enumerate(regions):
            mass = sum((joint[states] for states in joint if not keep or states[0] == region), Fraction(0))
            assert log_of(mass) == pytest.approx(solution.log_regions[region, draw], rel=1e-13, abs=1e-11)
            assert log_of(mass) == pytest.approx(of_region[draw], rel=1e-13, abs=1e-11)
        for v, card in enumerate(cards):
            for state in range(card):
                share = sum((joint[states] for states in joint if states[v] == state), Fraction(0)) / total
                actual = solution.marginals[v][state, :, draw].sum()
                assert as_double(share) == pytest.approx(actual, rel=1e-9, abs=1e-310)
                assert bool(share) == bool(actual)
        for scope, table in zip(scopes, found, strict=True):
            for at in product(*(range(cards[v]) for v in scope)):
                inside = (joint[x] for x in joint if tuple(x[v] for v in scope) == at)
                assert as_double(sum(inside, Fraction(0)) / total) == pytest.approx(
                    table[(*at, draw)], rel=1e-9, abs=1e-310
                )


@pytest.mark.parametrize("n", [1, 2, 3, 1000])
def test_opposed_pairs(n: int) -> None:
    """Pairs of factors that say 1 : 1e-300 and 1e-300 : 1 leave even odds and 1e-300 of mass each, n times over."""
    pair = [np.array([[1.0], [1e-300]]), np.array([[1e-300], [1.0]])]
    solution = solve(plan([2], [(0,)] * (2 * n + 1)), [np.full((2, 1), 0.5), *pair * n])
    assert n * log(1e-300) == pytest.approx(float(solution.log_evidence[0]), rel=1e-14)
    np.testing.assert_array_equal([0.5, 0.5], solution.marginals[0][:, 0, 0])


@pytest.mark.parametrize("size", [1e-300, 5e-324, 1e-3, 1.0, 1e300])
def test_many_factors_on_one_variable(size: float) -> None:
    """5,000 factors of any size on one variable, in 50 draws, count once each."""
    n = 5000
    one = np.array([[size], [size * 0.5 if size > SMALLEST else 2 * size]])
    solution = solve(plan([2], [(0,)] * (n + 1)), [np.full((2, 50), 0.5), *[one] * n])
    larger = float(one.max())
    assert log(0.5) + n * log(larger) == pytest.approx(float(solution.log_evidence[49]), rel=1e-14)
    assert sorted([SMALLEST, 1.0]) == sorted(solution.marginals[0][:, 0, 49].tolist())


def test_messages_that_oppose_each_other() -> None:
    """Messages of 300 variables each way, whose products no double holds, meet in the middle and cancel."""
    n = 300
    scopes = [(0,), *((0, v) for v in range(1, 2 * n + 1)), *((v,) for v in range(1, 2 * n + 1))]
    row = np.array([[0.9, 0.1], [0.1, 0.9]])[..., np.newaxis]
    seen = [np.array([[1.0], [0.0]])] * n + [np.array([[0.0], [1.0]])] * n
    solution = solve(plan([2] * (2 * n + 1), scopes), [np.full((2, 1), 0.5), *[row] * (2 * n), *seen])
    assert n * log(0.09) == pytest.approx(float(solution.log_evidence[0]), rel=1e-13)
    np.testing.assert_allclose([0.5, 0.5], solution.marginals[0][:, 0, 0], rtol=1e-11)
    one_more = solve(
        plan([2] * (2 * n + 1), [*scopes, (1,)]),
        [np.array([[1.0], [1e-300]]), *[row] * (2 * n), *seen, np.full((2, 1), 1e-200)],
    )
    np.testing.assert_allclose([1.0, 1e-300], one_more.marginals[0][:, 0, 0], rtol=1e-11)


def test_draws_differ_by_any_factor() -> None:
    """A draw far out of the others' range takes no digit from them."""
    ordinary = np.array([[0.3, 1e-300, 5e-324], [0.6, 5e-324, 1e300]])
    solution = solve(plan([2], [(0,)] * 4), [ordinary] * 4)
    np.testing.assert_allclose([1 / 17, 1.0, SMALLEST], solution.marginals[0][0, 0], rtol=1e-14)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5])
def test_what_is_no_likelihood_is_refused(wrong: float) -> None:
    """A factor that holds NaN, an infinity or a negative number is an error that says which."""
    with pytest.raises(ValueError, match=rf"over the variables \(0,\) holds {wrong}"):
        solve(plan([2], [(0,)]), [np.array([[0.5], [wrong]])])


def test_joint_states_are_drawn_from_extreme_tables() -> None:
    """States are drawn in the right proportion where the factors' product is no double."""
    n, draws = 400, 4000
    factors = [np.array([[1e-200], [3e-200]]), *[np.array([[1e-3], [1e-2]]), np.array([[1e-2], [1e-3]])] * n]
    factors[0] = np.repeat(factors[0], draws, axis=1)
    states = draw_states(plan([2], [(0,)] * (2 * n + 1)), factors, np.random.default_rng(1))
    assert pytest.approx(0.75, abs=0.03) == states.mean()


def test_factors_given_as_logarithms() -> None:
    """A factor whose numbers no double holds may be given by its logarithms: evidence, posterior and the best state."""
    log_factor = np.array([[-5000.0, -1.0], [-5001.0, -np.inf], [-9000.0, -900.0]])
    prior = np.array([[0.2], [0.3], [0.5]])
    order = plan([3], [(0,), (0,)])
    solution = solve(order, [of_logs(log_factor, (0,)), prior])
    masses = log_factor + np.log(prior)
    np.testing.assert_allclose(np.logaddexp.reduce(masses, axis=0), solution.log_evidence, rtol=1e-14)
    expected = np.exp(masses - solution.log_evidence)
    expected[2] = SMALLEST
    np.testing.assert_allclose(expected, solution.marginals[0][:, 0], rtol=1e-11)
    found = most_probable(order, [of_logs(log_factor, (0,)), prior])
    np.testing.assert_allclose(masses.max(axis=0), found.log_mass[0], rtol=1e-14)


def test_most_probable_state_of_factors_of_any_size() -> None:
    """The largest product of thousands of tiny and of huge factors is found in logs."""
    factors = [np.array([[1e-300], [2e-300]]), np.array([[5e300], [1e300]])] * 2000
    found = most_probable(plan([2], [(0,)] * 4000), factors)
    assert 0 == found.states[0, 0, 0]
    assert 2000 * log(5.0) == pytest.approx(float(found.log_mass[0, 0]), abs=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_logarithm_that_is_no_number_is_refused(wrong: float) -> None:
    """A factor cannot be infinite, nor unknown."""
    with pytest.raises(ValueError, match=r"over the variables \(0,\) has a logarithm"):
        of_logs(np.array([[0.0], [wrong]]), (0,))
