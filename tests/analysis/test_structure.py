"""What the network's structure makes of stated numbers: said with numbers that enumeration and closed forms give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.analysis.structure import Structure, keeping
from forecast.cpt import KINDS
from forecast.model.asof import compile_asof, family_tables
from forecast.model.history import settle
from forecast.model.layout import Layout, lay_out
from forecast.workspace.records import (
    Condition,
    Cpt,
    DatedCondition,
    Event,
    MoreLikelyThan,
    Requirement,
    Settled,
    Statement,
    Target,
    Times,
    Workspace,
)
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, workspace

WINDOW = (HORIZON - OPENS).days


def _structure(known: Workspace, as_of: date = OPENS, exact: str = "") -> Structure:
    experts = {name: replace(one, exact=name == exact) for name, one in known.experts.items()}
    return Structure(workspace=replace(known, experts=experts), layout=lay_out(known.network), as_of=as_of)


def _told(structure: Structure) -> str:
    return "\n".join(map(str, structure.doubts()))


def _needs(one: Event, *ways: tuple[str, str]) -> Event:
    """The event, its last state requiring each of some states, or (several ways) one of them."""
    any_of = tuple((Condition(name, (state,)),) for name, state in ways)
    return replace(one, requires=(Requirement(one.states[-1], any_of),), parents=tuple(name for name, _ in ways))


# A status keeps its state.


def _ferry(days: float, licence: str = "constant") -> tuple[Event, Event]:
    parent = event("licence", licence, ("held", "revoked"))  # type: ignore[arg-type]  # a kind
    return parent, event("ferry", "status", ("running", "stopped"), ["licence"], persistence_days=days)


@settings(max_examples=50, deadline=None)
@given(days=st.floats(1.0, 5000.0), seen=st.integers(0, WINDOW - 1), row=st.floats(0.0, 1.0))
def test_no_row_leaves_the_bounds(days: float, seen: int, row: float) -> None:
    """Whatever the row, the compiled network gives a status nothing outside the bounds, and 0 and 1 reach them."""
    layout, as_of = lay_out(network(event("ferry", "status", persistence_days=days))), OPENS + timedelta(days=seen)
    kept = keeping(layout, settle(layout, (), as_of, None), (), "ferry", HORIZON)
    assert kept is not None

    def compiled(p: float) -> float:
        made = family_tables(compile_asof(layout, (), {}, as_of, None), np.array([[1.0 - p], [p]]))
        return float(made[0][0][1, 0])

    low, high = kept.bounds(("yes",))
    assert low - 1e-12 <= compiled(row) <= high + 1e-12
    assert (low, high) == pytest.approx((compiled(0.0), compiled(1.0)), abs=1e-12)
    assert (1.0 - high, 1.0 - low) == pytest.approx(kept.bounds(("no",)), abs=1e-12)


@pytest.mark.parametrize("kind", ["constant", "reached"])
def test_a_rule_that_a_status_outlasts_is_told(kind: str) -> None:
    """97 % within two years is beyond a status that lasts 400 days; the bound is said, and `requires` if it fits."""
    said = statement("rule", target("ferry", "stopped", given={"licence": "revoked"}), 0.97, sd=0.3)
    told = _told(_structure(workspace(network(*_ferry(400.0, kind)), statements=[said]), exact="ann"))
    assert f"at most {100 * (1 - exp(-WINDOW / 400)):.0f} %" in told
    assert ("requires: {running: {licence: held}} of 'ferry'" in told) == (kind == "constant")
    assert "persistence_days of 'ferry'" in told
    lasting = _structure(workspace(network(*_ferry(50.0, kind)), statements=[said]), exact="ann")
    assert "keeps its state" not in _told(lasting)


def test_a_rule_is_held_to_today_a_judgement_to_its_day() -> None:
    """A rule holds on every day: later, when too little time is left, only that of an exact expert is broken."""
    said = statement("rule", target("ferry", "stopped", given={"licence": "revoked"}), 0.97, sd=0.3)
    known, late = workspace(network(*_ferry(100.0)), statements=[said]), HORIZON - timedelta(days=100)
    assert "keeps its state" in _told(_structure(known, late, exact="ann"))
    assert "keeps its state" not in _told(_structure(known, late))
    assert "keeps its state" not in _told(_structure(known, OPENS, exact="ann"))


def test_what_a_status_requires_ends_with_it() -> None:
    """Where the state lacks under the condition what it requires it has been drawn again: nothing bounds the rule."""
    licence, ferry = _ferry(400.0)
    held = (Requirement("running", ((Condition("licence", ("held",)),),)),)
    said = statement("rule", target("ferry", "stopped", given={"licence": "revoked"}), 0.97, sd=0.3)
    known = workspace(network(licence, replace(ferry, requires=held)), statements=[said])
    assert "keeps its state" not in _told(_structure(known, exact="ann"))


# Steps that require each other multiply.


def _chain(*steps: float, end: float | None, at_once: bool = False) -> Workspace:
    """Events a, b, ..., each requiring the one before it, with what is stated of each given that; `end` of the last."""
    names = "abcdefg"[: len(steps)]
    events = [event(names[0]), *(_needs(event(b), (a, "yes")) for a, b in pairwise(names))]
    said = [statement("s-a", target("a", "yes"), steps[0])]
    for before, name, p in zip(names, names[1:], steps[1:], strict=False):
        when = DatedCondition(before, ("yes",), None) if at_once else Condition(before, ("yes",))
        said.append(statement(f"s-{name}", Target(Condition(name, ("yes",)), None, (when,), None), p))
    if end is not None:
        said.append(statement("end", target(names[-1], "yes"), end))
    return workspace(network(*events), statements=said)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.floats(0.05, 0.95), min_size=2, max_size=5))
def test_a_chain_is_the_product_of_its_steps(steps: list[float]) -> None:
    """Where each step is stated given the one before it, the last is at most their product."""
    known = _chain(*steps, end=None)
    chain = _structure(known).chain("abcdefg"[len(steps) - 1], ("yes",))
    assert float(np.prod(steps)) == pytest.approx(chain.most)
    assert len(steps) == len(chain.links)


@pytest.mark.parametrize("at_once", [False, True])
def test_an_end_beyond_its_chain_is_told(at_once: bool) -> None:
    """35 % at the end of a chain of 18 % is told with the chain, .5 in log-odds above it not yet."""
    known = _chain(0.85, 0.7, 0.6, 0.5, end=0.35, at_once=at_once)
    told = _told(_structure(known))
    assert "d yes given c 50 % x c yes given b 60 % x b yes given a 70 % x a yes 85 % = 18 % at most" in told
    (end,) = (one for one in known.statements if one.id == "end")
    (note,) = _structure(known).notes(end)
    assert "d yes requires c yes, which requires b yes, which requires a yes" in note
    assert "chain" not in _told(_structure(_chain(0.85, 0.7, 0.6, 0.5, end=0.2, at_once=at_once)))


def test_several_ways_are_no_chain() -> None:
    """With another way the product of one is no bound; the least of several prerequisites is."""
    events = [event("a"), event("b"), _needs(event("c"), ("a", "yes"), ("b", "yes"))]
    said = [statement("s-a", target("a", "yes"), 0.1), statement("s-c", target("c", "yes"), 0.5)]
    assert "chain" not in _told(_structure(workspace(network(*events), statements=said)))
    both = (Condition("a", ("yes",)), Condition("b", ("yes",)))
    events[2] = replace(events[2], requires=(Requirement("yes", (both,)),))
    assert "not stated x a yes 10 % = 10 % at most" in _told(_structure(workspace(network(*events), statements=said)))


# A small number is no prerequisite.


@pytest.mark.parametrize(
    ("p", "state", "under", "is_told"),
    [
        (0.02, "yes", "no", True),
        (0.98, "no", "no", True),
        (0.2, "yes", "no", False),
        (0.02, "yes", "yes", False),  # what is excluded by a step that is taken cannot be said by `requires`
    ],
)
def test_a_small_number_asks_for_requires(p: float, state: str, under: str, is_told: bool) -> None:
    """What is stated near nothing without a parent's step asks whether it can happen at all, and how to say so."""
    events = network(event("contract"), event("subsidy", parents=["contract"]))
    said = statement("without", target("subsidy", state, given={"contract": under}), p)
    known = workspace(events, statements=[said])
    told = _told(_structure(known))
    assert ("if it cannot happen then, say requires: {contract: yes} of 'subsidy'" in told) == is_told
    assert "cannot happen" not in _told(_structure(known, exact="ann"))


# A parent's first state has no effect where causes only add up.


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("states", [("yes", "no"), ("no", "yes"), ("bad", "good")])
def test_a_first_state_that_is_not_the_absence(kind: str, states: tuple[str, str]) -> None:
    """Told is a parent one of whose later states is named for an absence, under kinds whose causes only add up."""
    cpt = Cpt(kind, next(iter(KINDS[kind].leaks), None))
    events = network(event("weather", "constant", states), event("delay", parents=["weather"], cpt=cpt))
    is_told = "the first state of a parent has no effect" in _told(_structure(workspace(events)))
    assert (states == ("yes", "no") and not KINDS[kind].can_lower) == is_told


@pytest.mark.parametrize("kind", ["reached", "status", "constant"])
@pytest.mark.parametrize("states", [("yes", "no"), ("no", "yes"), ("first", "second")])
def test_a_reached_event_that_begins_at_its_end(kind: str, states: tuple[str, str]) -> None:
    """Told is a reached event of which a later state is named for an absence: it begins in its first state."""
    delay = event("delay", kind, states)  # type: ignore[arg-type]  # a kind
    told = _told(_structure(workspace(network(delay))))
    assert (kind == "reached" and states == ("yes", "no")) == ("begins in its first state" in told)


def _said_of_weather() -> dict[str, list[Statement]]:
    bad, good = (target("delay", "yes", given={"weather": x}) for x in ("bad", "good"))
    return {
        "numbers": [statement("b", bad, 0.8), statement("g", good, 0.2)],
        "ratio": [statement("b", good, Times(bad, 0.5, None, None, 0.9, of_odds=False))],
        "order": [statement("b", bad, MoreLikelyThan(good))],
    }


@pytest.mark.parametrize("how", ["numbers", "ratio", "order"])
def test_a_first_state_that_is_stated_to_act(how: str) -> None:
    """Statements that give the event more in the first state are told, in any form; turned round they are none."""
    leaky = Cpt("noisy_or", "net")
    for states in (("bad", "good"), ("good", "bad")):
        events = network(event("weather", "constant", states), event("delay", parents=["weather"], cpt=leaky))
        known = workspace(events, statements=_said_of_weather()[how])
        told = _told(_structure(known))
        assert (states[0] == "bad") == ("the first state of a parent has no effect" in told)


# Why a number is another under the same condition.


def _why(known: Workspace, as_of: date, *, at_once: bool, here: float = 0.1) -> str:
    structure = _structure(known, as_of)
    layout: Layout = structure.layout
    return structure.why_other(known.statements[0], here, settle(layout, known.items, as_of, None), at_once=at_once)


def test_why_a_stated_number_is_another_here() -> None:
    """Named are the day that was meant, and the time that has passed with what the same pace gives in the rest."""
    events, half = network(event("a"), event("b", parents=["a"])), OPENS + timedelta(days=WINDOW // 2)
    about = Target(Condition("b", ("yes",)), None, (DatedCondition("a", ("yes",), None),), None)
    known = workspace(events, statements=[statement("once", about, 0.75)])
    assert "--at-once" in _why(known, half, at_once=False)
    assert "at the same pace the 365 days left give 50 %" in _why(known, half, at_once=True, here=0.5)
    assert "forecast experts ann" in _why(known, half, at_once=True, here=0.05)
    plain = workspace(events, statements=[statement("in", target("b", "yes", given={"a": "yes"}), 0.75)])
    assert "ask without --at-once" in _why(plain, half, at_once=True)
    taken = replace(plain, items=(item("it", half, Settled("b", "yes", HERE)),))
    assert "forecast experts ann" in _why(taken, half, at_once=False)
