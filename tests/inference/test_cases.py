"""One case at a time: index lists and compiled loops against the sum over all states, within a bound of memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import inf, log, prod
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference import engine, junction
from forecast.inference.batch import solve
from forecast.inference.compiled import Compiled
from forecast.inference.elimination import SEARCHED_FROM, Plan, _graph, _Search, plan
from forecast.inference.engine import Cases, ImpossibleEvidenceError, TooDenseNetworkError, bytes_of
from forecast.inference.flat import Flat
from forecast.inference.junction import Case, Potentials, clique_tree
from tests.inference.test_elimination_and_batch import random_factors, whole

Array = NDArray[np.float64]
EXECUTORS = (Potentials, Flat, Compiled)


def _case(seed: int, *, zeros: float = 0.0, spread: float = 0.0) -> tuple[Plan, list[Array], Array]:
    """A plan, its factors of one case, and their product over all states."""
    rng = np.random.default_rng(seed)
    cards, scopes, tables = random_factors(rng)
    factors = []
    for table in tables:
        factor = np.array(table[..., 0]) * 10.0 ** rng.uniform(-spread, spread, table.shape[:-1])
        factors.append(np.asarray(np.where(rng.random(factor.shape) < zeros, 0.0, factor)))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # numbers far apart are not for this product
        joint = whole(cards, scopes, [factor[..., np.newaxis] for factor in factors])[..., 0]
    return plan(cards, scopes), factors, joint


def _assert_is(joint: Array, found: Case) -> None:
    total = joint.sum()
    assert log(total) == pytest.approx(found.log_evidence, abs=1e-12)
    for v, marginal in enumerate(found.marginals):
        others = tuple(axis for axis in range(joint.ndim) if axis != v)
        np.testing.assert_allclose(joint.sum(axis=others) / total, marginal, rtol=0, atol=1e-12)
        assert ((joint.sum(axis=others) > 0.0) == (marginal > 0.0)).all()


@pytest.mark.parametrize("executor", EXECUTORS)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), zeros=st.sampled_from([0.0, 0.3, 0.6]))
def test_a_case_is_the_sum_over_all_states(executor: Callable[[Plan], Flat], seed: int, zeros: float) -> None:
    """Whatever the scopes: parts without a connection, single states, numbers without variables, zeros."""
    network, factors, joint = _case(seed, zeros=zeros)
    if not joint.any():
        with pytest.raises(ImpossibleEvidenceError) as refused:
            Cases(network).solve(factors)
        alone = [np.ones_like(factor) for factor in factors]
        for place in refused.value.factors:
            alone[place] = factors[place]
        arrays = [factor[..., np.newaxis] for factor in alone]
        assert not whole(list(network.cards), list(network.scopes[: network.n_factors]), arrays).any()
        return
    found = executor(network).solve(factors)
    assert found is not None
    _assert_is(joint, found)
    _assert_is(joint, Cases(network).solve(factors))


@settings(max_examples=100, deadline=None)
@example(seed=2**32 - 1, spread=120.0)  # a share of 5e-324, which the last division lost
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([40.0, 120.0, 290.0]))
def test_numbers_far_apart_are_right_or_left_to_the_careful_executor(seed: int, spread: float) -> None:
    """No product that doubles do not hold is lost: an executor says so, or its answer is that of scaled tables."""
    network, factors, _ = _case(seed, zeros=0.2, spread=spread)
    try:
        expected = solve(network, [factor[..., np.newaxis] for factor in factors])
    except ImpossibleEvidenceError:
        with pytest.raises(ImpossibleEvidenceError):
            Cases(network).solve(factors)
        return
    for executor in (*EXECUTORS, Cases):
        found = executor(network).solve(factors)
        if found is not None:
            assert float(expected.log_evidence[0]) == pytest.approx(found.log_evidence, rel=1e-12, abs=1e-12)
            for one, other in zip(expected.marginals, found.marginals, strict=True):
                np.testing.assert_allclose(one[:, 0, 0], other, rtol=1e-11, atol=1e-300)
                assert ((one[:, 0, 0] > 0.0) == (other > 0.0)).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.0, 2.0, 12.0]),
    room=st.sampled_from([1, 40]),
    short=st.sampled_from([2, 16]),
)
def test_potentials_spread_and_rescaled_are_the_same(seed: int, spread: float, room: int, short: int) -> None:
    """Whenever powers of two are taken out, and however sums are added up: the answer is the sum over all states."""
    network, factors, joint = _case(seed, zeros=0.2, spread=spread)
    if not joint.any():
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(junction, "LITTLE_ROOM", room)
        patch.setattr(junction, "SHORT", short)
        patch.setattr(junction, "SPREAD_FROM", 0)
        found = Potentials(network).solve(factors)
        assert found is not None
        _assert_is(joint, found)
        patch.setattr(junction, "ROOM", room + 100)
        found = Potentials(network).solve(factors)
    if found is not None:
        _assert_is(joint, found)


def _grid(n: int, seed: int = 0) -> tuple[Plan, list[Array]]:
    """A square of three-state variables, each joined with its right and its lower neighbour, some numbers zero."""
    rng = np.random.default_rng(seed)
    pairs = [(v, v + 1) for v in range(n * n) if (v + 1) % n] + [(v, v + n) for v in range(n * n - n)]
    factors = [np.where(rng.random((3, 3)) < 0.2, 0.0, rng.uniform(0.2, 1.0, (3, 3))) for _ in pairs]
    return plan([3] * (n * n), pairs), factors


@pytest.mark.parametrize("n", [3, 6, 8])
def test_executors_agree(n: int) -> None:
    """Index lists, compiled loops and the executor of draws agree to 1e-12, scaled or not."""
    network, factors = _grid(n)
    expected = solve(network, [factor[..., np.newaxis] for factor in factors])
    for size in (1.0, 1e-30):
        for executor in EXECUTORS:
            found = executor(network).solve([factor * size for factor in factors])
            assert found is not None
            log_evidence = float(expected.log_evidence[0]) + len(factors) * log(size)
            assert log_evidence == pytest.approx(found.log_evidence, rel=1e-12)
            for one, other in zip(expected.marginals, found.marginals, strict=True):
                np.testing.assert_allclose(one[:, 0, 0], other, rtol=0, atol=1e-12)


def test_the_executor_follows_the_predicted_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks use index lists, large ones compiled loops, those between them arrays; never what ran before."""
    work = _grid(5)[0].work
    for listed, compiled, expected in ((work, work + 1, Flat), (1, work + 1, Potentials), (1, work, Compiled)):
        monkeypatch.setattr(engine, "LISTED_UP_TO", listed)
        monkeypatch.setattr(engine, "COMPILED_FROM", compiled)
        network, factors = _grid(5)
        for _ in range(2):
            Cases(network).solve(factors)
            assert [*network.prepared] == [expected.__name__]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_conditioning_changes_nothing(seed: int) -> None:
    """Within less memory than the tables need, some variables are fixed state by state: the answer is the same."""
    network, factors, joint = _case(seed, zeros=0.2)
    if not joint.any():
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "SMALL", 0)
        try:
            cases = Cases(network, memory=max(1, bytes_of(network) * 2 // 3))
        except TooDenseNetworkError:
            return
        assert cases.given
        _assert_is(joint, cases.solve(factors))


def test_a_larger_network_is_conditioned() -> None:
    """A grid in a third of its memory answers as with all of it; in next to none it is refused with the numbers."""
    network, factors = _grid(8)
    expected = Cases(network, memory=10**9).solve(factors)
    tight = Cases(network, memory=bytes_of(network) // 3)
    assert tight.given
    found = tight.solve(factors)
    assert expected.log_evidence == pytest.approx(found.log_evidence, abs=1e-11)
    for one, other in zip(expected.marginals, found.marginals, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    huge = plan([3] * 1600, [scope for v in range(1560) for scope in ((v, v + 40), (v, v + 1))])
    with pytest.raises(TooDenseNetworkError, match=r"with a table of [\d,]+ numbers, where 1 GB are allowed"):
        Cases(huge, memory=10**9)


def _cliques(cards: Sequence[int], scopes: Sequence[tuple[int, ...]]) -> None:
    network = plan(cards, scopes)
    cliques = clique_tree(network)
    assert sorted(range(len(cards))) == sorted(v for clique in cliques for v in clique.own)
    assert sorted(i for i, scope in enumerate(scopes) if scope) == sorted(i for one in cliques for i in one.factors)
    inside = [{*clique.separator, *clique.own} for clique in cliques]
    for c, clique in enumerate(cliques):
        assert all({*scopes[i]} <= inside[c] for i in clique.factors)
        for child in clique.children:
            assert child < c
            assert cliques[child].height < clique.height
            assert {*cliques[child].separator} == inside[child] & inside[c]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_cliques_are_a_tree_with_running_intersections(seed: int) -> None:
    """Every variable is summed out once, every factor lies within its clique, and neighbours share the separator."""
    cards, scopes, _ = random_factors(np.random.default_rng(seed))
    _cliques(cards, scopes)


@pytest.mark.parametrize("seed", [0, 1, 4, 8])
def test_orders_are_searched_where_tables_are_large(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Numbers of states count: where edges alone would join variables of twenty states, others are joined instead."""
    rng = np.random.default_rng(seed)
    cards = [20 if v % 4 == 0 else 2 for v in range(60)]
    scopes: list[tuple[int, ...]] = [(v, (v + 1) % 60) for v in range(60)]
    scopes += [tuple(rng.choice(60, 3, replace=False).tolist()) for _ in range(25)]
    found = plan(cards, scopes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.inference.elimination.SEARCHED_FROM", 10**30)
        first = plan(cards, scopes)
    assert 10 * found.work < first.work
    assert found == plan(cards, scopes)
    monkeypatch.setattr("forecast.inference.elimination.MOST_LOOKS", -1)
    assert first == plan(cards, scopes)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_costs_that_are_kept_up_are_those_that_are_counted(seed: int) -> None:
    """After each step of a search: the weight of the edges that neighbours lack, and the size of their table."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 14))
    cards = rng.integers(1, 7, n).tolist()
    scopes = [tuple(rng.choice(n, min(n, int(rng.integers(1, 4))), replace=False).tolist()) for _ in range(2 * n)]
    weights = [cards, [1] * n][seed % 2]

    class Counted(_Search):
        def _wait(self, v: int) -> None:
            around = [a for a in range(n) if self._graph[v] >> a & 1]
            lacking = [(a, b) for a, b in combinations(around, 2) if not self._graph[a] >> b & 1]
            assert sum(weights[a] * weights[b] for a, b in lacking) == self._lacks[v]
            assert prod([cards[v], *(cards[a] for a in around)]) == self._sizes[v]
            super()._wait(v)

    search = Counted(cards, _graph(n, scopes), scopes[0][: seed % 3])
    search.weigh(weights)
    search.copy().run()
    search.change(Random(seed), 1.0)
    search.run()
    assert sorted({*range(n)} - {*scopes[0][: seed % 3]}) == sorted(search.order)


def test_where_no_edge_lacks_there_is_nothing_to_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty roots that are all joined, and a child of each pair: the first order is a best one, tables are large."""
    searches: list[bool] = []
    run = _Search.run

    def counted(self: _Search, *, until_one_lacks: bool = False, limit: float = inf) -> None:
        searches.append(until_one_lacks)
        run(self, until_one_lacks=until_one_lacks, limit=limit)

    monkeypatch.setattr(_Search, "run", counted)
    pairs = [(a, b, 20 + n) for n, (a, b) in enumerate(combinations(range(20), 2))]
    network = plan([2] * (20 + len(pairs)), [tuple(range(20)), *pairs])
    assert network.largest_table == 2**20 > SEARCHED_FROM
    assert searches == [True]


@pytest.mark.parametrize("shape", ["children", "children with a parent of their own", "parents"])
def test_thousands_of_neighbours(shape: str) -> None:
    """A node with thousands of neighbours is planned with tables of a family, in looks that grow with their number."""
    n = 2000
    scopes: list[tuple[int, ...]] = [(v,) for v in range(n + 1)]
    if shape == "children":
        scopes = [(0,), *((0, v) for v in range(1, n + 1))]
    elif shape == "children with a parent of their own":
        scopes = [(0,), *((0, v, v + 1) for v in range(1, n, 2))]
    network = plan([2] * (n + 1), scopes)
    assert network.largest_table <= 8
    factors = [np.full((2,) * len(scope), 0.5) for scope in scopes]
    found = Cases(network).solve(factors)
    np.testing.assert_allclose(0.5, np.array(found.marginals))


def test_a_product_of_thousands_that_no_double_holds() -> None:
    """Index lists leave it to arrays, which take out powers of two on the way: the posterior is the closed form's."""
    n = 1500
    rng = np.random.default_rng(0)
    factors = [rng.uniform(0.1, 1.0, (2,)), *rng.uniform(0.1, 1.0, (n, 2, 2))]
    network = plan([2] * (n + 1), [(0,), *((0, v) for v in range(1, n + 1))])
    found = Cases(network).solve(factors)
    assert [*network.prepared] == ["Flat", "Potentials"]
    logs = np.log(factors[0]) + sum(np.log(factor.sum(axis=1)) for factor in factors[1:])
    log_evidence = np.logaddexp.reduce(logs)
    assert log_evidence == pytest.approx(found.log_evidence, rel=1e-12)
    of_root = np.exp(logs - log_evidence)
    np.testing.assert_allclose(of_root, found.marginals[0], rtol=1e-9)
    for factor, marginal in zip(factors[1:], found.marginals[1:], strict=True):
        np.testing.assert_allclose(of_root @ (factor / factor.sum(axis=1, keepdims=True)), marginal, rtol=1e-9)
