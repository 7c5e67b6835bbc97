"""Reports on the scenarios: a factor over the joint states of the events that the rules mention."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.model.reliability import evidence_doubts
from forecast.model.reports import Report
from forecast.workspace.problems import Problem
from forecast.workspace.records import Item, Kind, Likelihood, Network, OnScenarios, Scenario, Settled, Workspace
from tests.oracle.agreement import assert_enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf, first_rule
from tests.oracle.random_worlds import World, named, random_theta, random_world, some_day, with_parts_on_scenarios
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, workspace

DAY = date(2025, 7, 2)
MIDDLE = date(2026, 1, 1)
THREE = network(
    event("talks"),
    event("truce", "status", ("none", "local", "general"), ["talks"]),
    event("will", "constant"),
)
RULES = (rule("peace", truce="general", talks="yes"), rule("pause", truce=("local", "general"), will="yes"))


def on(rules: tuple[Scenario, ...], *numbers: float, until: date | None = None) -> OnScenarios:
    """A part on the scenarios, a number for each and for `other`."""
    names = (*(one.id for one in rules), "other")
    return OnScenarios(dict(zip(names, numbers, strict=True)), rules, until, HERE)


def reports(net: Network, *items: Item, as_of: date = MIDDLE) -> dict[str, Report]:
    """The weighed reports by item."""
    compiled = compile_workspace(lay_out(net), workspace(net, items=items, scenarios=RULES), as_of)
    return {report.item: report for report in compiled.reports}


def world(*items: Item, seed: int = 1, net: Network = THREE, rules: tuple[Scenario, ...] = RULES) -> World:
    """A world of these items, with random probabilities."""
    made = workspace(net, items=items, scenarios=rules)
    layout = lay_out(net)
    theta, flat = random_theta(np.random.default_rng(seed), layout, 3)
    return World(made, layout, theta, flat)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
def test_random_worlds(seed: int, n_events: int, by_a_date: bool) -> None:
    """The log of P(E), P(s|E) and P(s, x|E) are those of the enumeration: with groups, wear, retractions and all."""
    rng = np.random.default_rng(seed + 1)
    made = with_parts_on_scenarios(rng, random_world(seed, n_events))
    as_of = some_day(rng)
    assert_enumerated(made, as_of, some_day(rng, as_of) if by_a_date else None)


@pytest.mark.parametrize("until", [None, MIDDLE - timedelta(days=1), HORIZON])
@pytest.mark.parametrize("as_of", [DAY, MIDDLE, HORIZON])
def test_one_item_by_hand(until: date | None, as_of: date) -> None:
    """One item, alone or beside a part on an event, weighs as in the enumeration, whether it has worn off or not."""
    alone = item("alone", DAY, on(RULES, 1.0, 0.4, 0.1, until=until))
    both = item(
        "both", DAY, on(RULES, 0.2, 1.0, 0.5, until=until), Likelihood("will", {"no": 1.0, "yes": 3.0}, None, HERE)
    )
    reached = item("reached", DAY, Settled("talks", "yes", HERE))
    for items in ((alone,), (both,), (alone, both, reached)):
        assert_enumerated(world(*items), as_of, None)


def test_unworn_table() -> None:
    """P(i|x) = q a(s(x)) + (1 - q) mean a: a by the first rule that holds, the mean over scenarios and `other`."""
    found = reports(THREE, item("one", HORIZON, on(RULES, 1.0, 0.4, 0.1)), as_of=HORIZON)["one"]
    assert ((0, 1, 2), (2, 3, 2)) == (found.scope, found.said.shape)
    early = reports(THREE, item("one", DAY, on(RULES, 5.0, 2.0, 0.5, until=HORIZON)))["one"]
    numbers = {"peace": 1.0, "pause": 0.4, "other": 0.1}
    for x, talks in enumerate(("no", "yes")):
        for y, truce in enumerate(("none", "local", "general")):
            for z, will in enumerate(("no", "yes")):
                said = numbers[first_rule(RULES, {"talks": talks, "truce": truce, "will": will})]
                assert 0.85 * said + 0.15 * 0.5 == pytest.approx(early.table[x, y, z])


def test_wears_towards_what_stays() -> None:
    """Half worn, the number lies half-way to that of the scenario in which all dated events stay; constants stand."""
    until = MIDDLE + (HORIZON - MIDDLE) // 2
    wide = network(event("talks"), event("will", "constant"))
    rules = (rule("deal", talks="yes", will="yes"), rule("hope", will="yes"))
    found = reports(wide, item("one", DAY, on(rules, 1.0, 0.4, 0.1, until=until)))["one"]
    share = (until - MIDDLE).days / (HORIZON - MIDDLE).days
    expected = [[0.1, 0.4], [0.1, 0.4 + share * 0.6]]  # talks x will; today there are no talks
    assert expected == [pytest.approx(row) for row in found.said.tolist()]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0))
def test_equal_numbers_say_nothing(seed: int, number: float) -> None:
    """A report as probable under every scenario changes no posterior."""
    made = random_world(seed, 4)
    rules = made.workspace.scenarios or (rule("first", e0="s1"),)
    before = replace(made.workspace, scenarios=rules)
    more = item("nothing", OPENS + timedelta(days=30), on(rules, *[number] * (len(rules) + 1)))
    after = replace(before, items=tuple(sorted((*before.items, more), key=lambda one: one.id)))
    first, second = (answer(one, made.flat, MIDDLE) for one in (before, after))
    for expected, actual in zip(first.joint, second.joint, strict=True):
        np.testing.assert_allclose(expected, actual, rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["reached", "status", "constant"]), st.integers(0, 500))
def test_a_scenario_that_is_one_event(seed: int, kind: Kind, days: int) -> None:
    """Where the only scenario is one of two states of one event, its numbers are a likelihood on the event."""
    rng = np.random.default_rng(seed)
    net = network(event("cause", "constant"), event("fact", kind, parents=["cause"]))
    rules = (rule("it_is", fact="yes"),)
    yes, no = rng.uniform(0.0, 1.0, 2).tolist()
    until = None if rng.random() < 0.5 else DAY + timedelta(days=days)
    other = item("two", DAY, Likelihood("cause", {"no": 0.5, "yes": 1.0}, None, HERE))
    parts = on(rules, yes, no, until=until), Likelihood("fact", {"no": no, "yes": yes}, until, HERE)
    pair = [world(item("one", DAY, part), other, net=net, rules=rules, seed=seed) for part in parts]
    first, second = (answer(made.workspace, made.flat, MIDDLE) for made in pair)
    np.testing.assert_allclose(first.log_evidence, second.log_evidence, rtol=0, atol=1e-12)
    for expected, actual in zip(first.joint, second.joint, strict=True):
        np.testing.assert_allclose(expected, actual, rtol=0, atol=1e-12)


def test_copies_and_contradictions() -> None:
    """In a group reports that favour a same scenario are copies, those that favour another one are not."""
    found = reports(
        THREE,
        item("strong", DAY, on(RULES, 1.0, 0.1, 0.1, until=HORIZON), group="g"),
        item("tie", DAY, on(RULES, 1.0, 1.0, 0.3, until=HORIZON), group="g"),
        item("against", DAY, on(RULES, 0.2, 0.3, 1.0, until=HORIZON), group="g"),
        item("elsewhere", DAY, Likelihood("will", {"no": 1.0, "yes": 0.5}, None, HERE), group="g"),
    )
    copies = {name: report.copy for name, report in found.items()}
    assert {"strong": 0, "tie": 1, "against": 0, "elsewhere": 0} == copies


@pytest.mark.parametrize(("no", "copy"), [(0.5, 1), (2.0, 0)])
def test_copies_of_one_part(no: float, copy: int) -> None:
    """An item that also bears on an event is compared by the event alone with one that bears on nothing else."""
    found = reports(
        THREE,
        item("both", DAY, on(RULES, 1.0, 0.1, 0.1, until=HORIZON), says_will(0.5), group="g"),
        item("weaker", DAY, says_will(no), group="g"),
    )
    assert {"both": 0, "weaker": copy} == {name: report.copy for name, report in found.items()}


def says_will(no: float) -> Likelihood:
    """A likelihood of the constant, with this number against 1."""
    return Likelihood("will", {"no": no, "yes": 1.0}, None, HERE)


def test_a_retracted_item_is_gone() -> None:
    """From the day of its retraction on an item on scenarios counts no more."""
    gone = item("gone", DAY, on(RULES, 1.0, 0.1, 0.1), retracted=DAY + timedelta(days=10))
    assert [1, 0] == [len(reports(THREE, gone, as_of=DAY + timedelta(days=n))) for n in (9, 10)]


def test_items_that_say_much_together_are_warned_about() -> None:
    """More than 17 dB on the scenarios from unsettled items is told, with the scenario and the strongest item."""
    items = [item(f"i{n}", DAY, on(RULES, 1.0, 0.05, 0.05, until=HORIZON)) for n in range(5)]
    found = [problem.what for problem in _doubts(_of(*items))]
    assert "5 unsettled items on the scenarios add up for 'peace' against" in " ".join(found)
    assert [] == [what for what in found if "one source on one day" in what]
    few = [problem.what for problem in _doubts(_of(items[0]))]
    assert [] == few


def test_an_item_on_an_event_of_the_rules_may_restate_one_on_the_scenarios() -> None:
    """From one source on one day, an item on the scenarios and one on an event of their rules are warned about."""
    both = _of(
        item("a", DAY, on(RULES, 1.0, 0.5, 0.5)),
        item("b", DAY, Likelihood("will", {"no": 1.0, "yes": 0.5}, None, HERE)),
    )
    said = "item 'b' on 'will' and item 'a' on the scenarios come from one source on one day"
    assert [said] == [problem.what for problem in _doubts(both)]


def _doubts(of: Workspace) -> tuple[Problem, ...]:
    return evidence_doubts(compile_workspace(lay_out(THREE), of, MIDDLE), of)


def _of(*items: Item) -> Workspace:
    return workspace(THREE, items=items, scenarios=RULES)


def test_wears_from_the_first_day_that_is_not_known() -> None:
    """Where the last facts of the rules' events are of different days, the time ahead begins with the earliest."""
    late = item("late", MIDDLE, Settled("talks", "yes", HERE))
    made = world(item("one", DAY, on(RULES, 1.0, 0.4, 0.1, until=HORIZON - timedelta(days=90))), late)
    watched = replace(made, workspace=replace(made.workspace, watched_until=DAY))
    oracle = AsOf(watched.workspace, named(watched.layout, watched.flat), MIDDLE)
    assert (DAY, MIDDLE) == (oracle.known_until("truce"), oracle.known_until("talks"))
    assert_enumerated(watched, MIDDLE, None)
