"""Statements that cannot all hold, found by linear programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.analysis import coherence as module
from forecast.analysis.coherence import conflicts, incoherent_rules
from forecast.model.layout import Layout, lay_out
from forecast.workspace.records import Condition, MoreLikelyThan, Probability, Requirement, Statement, Times
from tests.worlds import OPENS, event, network, statement, target, workspace

NET = network(event("a", "constant"), event("b", "constant"), event("c", "constant", ("low", "mid", "high")))


def found(*told: Statement) -> list[tuple[str, ...]]:
    """The conflicts among some statements."""
    one = workspace(NET, statements=told, experts={"ann": "east", "bob": "west"})
    return conflicts(one, lay_out(NET), told)


def between(low: float, high: float) -> Probability:
    """A 90 % interval."""
    return Probability((low + high) / 2, low, high, 0.9, None)


def test_two_that_cannot_both_hold() -> None:
    """Intervals of the same probability that do not meet; those that meet are coherent."""
    low, high = (
        statement("s1", target("a", "yes"), between(0.1, 0.3)),
        statement("s2", target("a", "yes"), between(0.5, 0.8)),
    )
    assert [("s1", "s2")] == found(low, high)
    assert [] == found(low, statement("s2", target("a", "yes"), between(0.25, 0.8)))


def test_complements() -> None:
    """P(yes) and P(no) of one event that add up to less than one contradict each other."""
    assert [("s1", "s2")] == found(
        statement("s1", target("a", "yes"), between(0.1, 0.2)), statement("s2", target("a", "no"), between(0.1, 0.2))
    )


def test_three_of_which_any_two_are_fine() -> None:
    """A marginal against two conditionals: only the three together are impossible (law of total probability)."""
    marginal = statement("s1", target("a", "yes"), between(0.7, 0.8))
    given_yes = statement("s2", target("a", "yes", given={"b": "yes"}), between(0.1, 0.3))
    given_no = statement("s3", target("a", "yes", given={"b": "no"}), between(0.2, 0.4))
    other = statement("s4", target("c", "low"), between(0.2, 0.4))
    assert [("s1", "s2", "s3")] == found(marginal, given_yes, given_no, other)
    assert [] == found(marginal, given_yes, other)


def test_orders_and_ratios() -> None:
    """`likelier than` and `times` enter as inequalities between probabilities."""
    likely = statement("s1", target("a", "yes"), between(0.6, 0.8))
    unlikely = statement("s2", target("b", "yes"), between(0.1, 0.2))
    order = statement("s3", target("b", "yes"), MoreLikelyThan(target("a", "yes")))
    ratio = statement("s4", target("b", "yes"), Times(target("a", "yes"), 2.5, 2.0, 3.0, 0.9, of_odds=False))
    assert [] == found(likely, unlikely)
    assert [("s1", "s2", "s3")] == found(likely, unlikely, order)
    assert [("s1", "s4")] == found(likely, ratio)


def test_other_knowledge_is_no_contradiction() -> None:
    """Statements made with different knowledge are not compared: the world moved in between."""
    early = statement("s1", target("a", "yes"), between(0.1, 0.3))
    late = statement("s2", target("a", "yes"), between(0.5, 0.8), day=NET.opens.replace(month=6))
    assert [] == found(early, late)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_a_joint_distribution_says_is_coherent(seed: int) -> None:
    """Statements read off one joint distribution never conflict, whatever they condition on."""
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.ones(12)).reshape(2, 2, 3)
    joint = 0.9 * joint + 0.1 / 12  # no condition is impossible
    axes, told = {"a": 0, "b": 1, "c": 2}, []
    for number in range(8):
        names = rng.permutation(["a", "b", "c"]).tolist()
        states = {e.id: e.states for e in NET.events.values()}
        asked = {name: int(rng.integers(len(states[name]))) for name in names[: int(rng.integers(1, 4))]}
        first, *rest = asked
        pick = [slice(None)] * 3
        for name in rest:
            pick[axes[name]] = slice(asked[name], asked[name] + 1)
        condition = joint[tuple(pick)]
        p = float(np.take(condition, asked[first], axis=axes[first]).sum() / condition.sum())
        about = target(first, states[first][asked[first]], given={name: states[name][asked[name]] for name in rest})
        told.append(statement(f"s{number}", about, p, sd=0.05))
    assert [] == found(*told)


def test_rules_against_what_is_required() -> None:
    """Exact numbers that no distribution gives, for one event requires the other, are an error; people's are not."""
    gated = replace(NET.events["b"], requires=(Requirement("yes", ((Condition("a", ("yes",)),),)),), parents=("a",))
    net = replace(NET, events={**NET.events, "b": gated})
    told = [statement("s1", target("a", "yes"), 0.2, sd=0.1), statement("s2", target("b", "yes"), 0.5, sd=0.1)]
    said = workspace(net, statements=told)
    exact = replace(said, experts={name: replace(one, exact=True) for name, one in said.experts.items()})
    problems = incoherent_rules(exact, lay_out(net), OPENS)
    others = {"s1": "'s2'", "s2": "'s1'"}
    expected = [
        f"statement '{name}': it is exact, and cannot hold together with {other}" for name, other in others.items()
    ]
    assert expected == [problem.what for problem in problems]
    assert all("'b' yes requires a yes" in problem.allowed for problem in problems)
    assert () == incoherent_rules(said, lay_out(net), OPENS)
    free = replace(exact, network=NET)
    assert () == incoherent_rules(free, lay_out(NET), OPENS)


def test_rows_with_rare_conditions_are_coherent() -> None:
    """Exact rows of a table hold together, however rare their conditions; a second number for one of them does not."""
    rows = [(f"r{i}", {"a": a, "b": b}, p) for i, (a, b, p) in enumerate(product(("yes", "no"), ("yes", "no"), (0.1,)))]
    said = [statement("a", target("a", "yes"), 0.001, sd=0.1), statement("b", target("b", "yes"), 0.002, sd=0.1)]
    said += [statement(name, target("c", "low", given=given), p, sd=0.1) for name, given, p in rows]
    for second, expected in ((), []), ((statement("s", said[2].about, 0.6, sd=0.1),), ["r0", "s"]):
        one = workspace(NET, statements=[*said, *second])
        exact = replace(one, experts={name: replace(who, exact=True) for name, who in one.experts.items()})
        problems = incoherent_rules(exact, lay_out(NET), OPENS)
        assert expected == [problem.what.split("'")[1] for problem in problems]


def test_the_answer_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is what was found; programs are solved anew where a number, or what an event requires, differs."""
    solved: list[int] = []
    solve = module._possible

    def counted(layout: Layout, bounds: Iterable[Sequence[module.Bound]]) -> bool:
        solved.append(1)
        return solve(layout, bounds)

    monkeypatch.setattr(module, "_possible", counted)
    gated = replace(NET.events["b"], requires=(Requirement("yes", ((Condition("a", ("yes",)),),)),), parents=("a",))

    def solves(high: float, *, is_gated: bool) -> tuple[bool, list[tuple[str, ...]]]:
        net = replace(NET, events={**NET.events, "b": gated}) if is_gated else NET
        told = (statement("s1", target("a", "yes"), 0.2, sd=0.1), statement("s2", target("b", "yes"), high, sd=0.1))
        world, layout = workspace(net, statements=told), lay_out(net)
        expected, before = conflicts(world, layout, told), len(solved)
        kept = conflicts(world, layout, told, cache=tmp_path)
        assert expected == kept
        return len(solved) > before, kept

    pair = [("s1", "s2")]
    assert (True, pair) == solves(0.5, is_gated=True)
    assert (False, pair) == solves(0.5, is_gated=True)
    assert (True, []) == solves(0.1, is_gated=True)
    assert (False, []) == solves(0.1, is_gated=True)
    assert (True, []) == solves(0.5, is_gated=False)
