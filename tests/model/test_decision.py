"""Which rule holds first: the same by the rules' joint states, by a diagram, and by looking at every joint state."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.engine import ENGINE
from forecast.model import decision
from forecast.model.decision import Decision, Rule, TooManyClassesError, decide

DRAWS = 2


def force_diagrams(monkeypatch: pytest.MonkeyPatch, merged: tuple[float, ...] = decision.MERGED) -> None:
    """Evaluate rules by a diagram, however few joint states they have."""
    monkeypatch.setattr(decision, "SMALL_JOINT", -1)
    monkeypatch.setattr(decision, "LARGEST_JOINT", -1)
    monkeypatch.setattr(decision, "MERGED", merged)
    decision._cheapest.cache_clear()


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, ...]], list[Rule]]:
    """Variables of one to four states, factors over up to three of them, and rules over any.

    A rule may name a variable twice, name all of its states or none, and be the same as another.
    """
    cards = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    variables = range(len(cards))
    factors = st.lists(st.sampled_from(variables), min_size=1, max_size=3, unique=True).map(tuple)
    scopes = [*draw(st.lists(factors, max_size=6)), *((v,) for v in variables)]
    condition = st.sampled_from(variables).flatmap(
        lambda v: st.tuples(st.just(v), st.tuples(*[st.booleans()] * cards[v]))
    )
    rule = st.lists(condition, max_size=4).map(lambda conditions: Rule(tuple(conditions)))
    rules = draw(st.lists(st.one_of(rule, st.just(Rule(None))), max_size=6))
    return cards, scopes, rules


def _holds(rule: Rule, states: tuple[int, ...]) -> bool:
    return rule.conditions is not None and all(named[states[v]] for v, named in rule.conditions)


def _first(rules: list[Rule], states: tuple[int, ...]) -> int:
    return next((number for number, rule in enumerate(rules) if _holds(rule, states)), len(rules))


def _decisions(
    cards: list[int], scopes: list[tuple[int, ...]], rules: list[Rule], monkeypatch: pytest.MonkeyPatch
) -> list[Decision]:
    """The joint, and a diagram for each share of pairs that is merged."""
    made = [decide(cards, scopes, rules)]
    for share in decision.MERGED:
        with monkeypatch.context() as forced:
            force_diagrams(forced, (share,))
            made.append(decide(cards, scopes, rules))
    return made


@settings(max_examples=150, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1))
def test_every_way_gives_the_sums_over_all_joint_states(
    made: tuple[list[int], list[tuple[int, ...]], list[Rule]], seed: int
) -> None:
    """Masses of the rules, marginals by rule, and the best state under each rule, against enumeration."""
    cards, scopes, rules = made
    rng = np.random.default_rng(seed)
    factors = [rng.uniform(0.1, 1.0, (*(cards[v] for v in scope), DRAWS)) for scope in scopes]
    masses = np.zeros((len(rules) + 1, DRAWS))
    by_state = [np.zeros((card, len(rules) + 1, DRAWS)) for card in cards]
    best = np.full((len(rules) + 1, DRAWS), -np.inf)
    for states in product(*map(range, cards)):
        mass = prod(
            (factor[tuple(states[v] for v in scope)] for scope, factor in zip(scopes, factors, strict=True)),
            start=np.ones(DRAWS),
        )
        number = _first(rules, states)
        masses[number] += mass
        best[number] = np.maximum(best[number], np.log(mass))
        for v, x in enumerate(states):
            by_state[v][x, number] += mass
    with pytest.MonkeyPatch.context() as monkeypatch:
        for found in _decisions(cards, scopes, rules, monkeypatch):
            plan, tables = found.plan(cards, scopes), [*factors, *found.tables]
            solved = ENGINE.evaluate(plan, tables, found.masks)
            np.testing.assert_allclose(np.exp(solved.log_regions), masses, rtol=1e-12)
            np.testing.assert_allclose(np.exp(solved.log_evidence), masses.sum(axis=0), rtol=1e-12)
            for v, joint in enumerate(by_state):
                np.testing.assert_allclose(solved.marginals[v], joint / masses.sum(axis=0), rtol=1e-12, atol=0.0)
            tops = ENGINE.most_probable(plan, tables, found.masks)
            np.testing.assert_allclose(tops.log_mass, best, rtol=1e-12)
            for number, draw in zip(*np.nonzero(np.isfinite(best)), strict=True):
                course = tuple(tops.states[: len(cards), number, draw].tolist())
                assert _first(rules, course) == number == found.first(course, len(cards))


@settings(max_examples=100, deadline=None)
@given(networks())
def test_every_way_tells_the_rule_of_a_joint_state(
    made: tuple[list[int], list[tuple[int, ...]], list[Rule]],
) -> None:
    """`first` is the first rule that holds, and a diagram's variables are determined by what they are read from."""
    cards, scopes, rules = made
    with pytest.MonkeyPatch.context() as monkeypatch:
        for found in _decisions(cards, scopes, rules, monkeypatch):
            np.testing.assert_array_equal(found.masks.sum(axis=0), 1.0)
            for table in found.tables:
                np.testing.assert_array_equal(table.sum(axis=-2), 1.0)
            for states in product(*map(range, cards)):
                assert found.first(states, len(cards)) == _first(rules, states)


def test_many_events_need_no_joint_of_their_states() -> None:
    """Twenty rules over twenty variables of a chain: the joint has 3^20 states, the elimination a few thousand."""
    n = 20
    cards, scopes = [3] * n, [(v, v + 1) for v in range(n - 1)]
    rules = [Rule(((v, (True, False, False)), (v + 1, (False, False, True)))) for v in range(n - 1)]
    found = decide(cards, scopes, rules)
    assert found.plan(cards, scopes).work < 100_000
    factors = [np.full((3, 3, 1), 1.0 / 3.0) for _ in scopes]
    solved = ENGINE.evaluate(found.plan(cards, scopes), [*factors, *found.tables], found.masks)
    shares = np.exp(solved.log_regions - solved.log_evidence)[:, 0]
    assert shares[0] == pytest.approx(1.0 / 9.0, rel=1e-12)
    # That no low is followed by a high: the recurrence of the words without that pair.
    words = [1, 3]
    while len(words) <= n:
        words.append(3 * words[-1] - words[-2])
    assert shares[-1] == pytest.approx(words[n] / 3.0**n, rel=1e-12)


def test_rules_that_no_way_holds_are_refused() -> None:
    """Sixty rules over twenty of forty events each, of which little can be told early: a number is told."""
    n = 40
    rng = np.random.default_rng(3)
    cards = [4] * n
    rules = [
        Rule(
            tuple(
                (int(v), tuple(rng.permutation([True, True, False, False]).tolist())) for v in rng.permutation(n)[:20]
            )
        )
        for _ in range(60)
    ]
    with pytest.raises(TooManyClassesError, match=r"need a table of [\d,]+ entries"):
        decide(cards, [(v,) for v in range(n)], rules)
