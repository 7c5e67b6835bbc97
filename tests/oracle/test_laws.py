"""What must hold of every network, whatever its numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.model.asof import AsOfNetwork, compile_workspace, factors
from forecast.model.layout import lay_out
from forecast.model.rows import row_table
from forecast.workspace.records import Item, Likelihood, Network, Settled
from tests.oracle.engine import Answer, answer
from tests.oracle.enumeration import AsOf, Theta
from tests.oracle.random_worlds import configurations, random_theta, random_world, some_day
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, random_network, workspace

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 6)


def flattened(net: Network, theta: Theta) -> Array:
    """Write theta by name as the engine's vector of the network's own order."""
    rows = []
    for one in net.events.values():
        for parents in configurations(net, one):
            for k in range(len(one.states) - (one.kind == "reached")):
                p = theta[one.id, parents, k]
                rows.append(-np.log1p(-p) if one.kind == "reached" else p)
    return np.array(rows)


def assert_same(expected: Answer, actual: Answer) -> None:
    """Equal to rounding."""
    np.testing.assert_allclose(expected.log_evidence, actual.log_evidence, rtol=0, atol=1e-11)
    for one, other in zip(expected.joint, actual.joint, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_order_of_evidence(seed: int, n: int) -> None:
    """The order in which items stand means nothing."""
    world = random_world(seed, n)
    rng = np.random.default_rng(seed)
    as_of = some_day(rng)
    shuffled = tuple(world.workspace.items[i] for i in rng.permutation(len(world.workspace.items)))
    mixed = replace(world.workspace, items=shuffled)
    assert_same(answer(world.workspace, world.flat, as_of), answer(mixed, world.flat, as_of))


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_all_ones(seed: int, n: int) -> None:
    """A likelihood that is one everywhere changes nothing, alone or as a copy in a group."""
    world = random_world(seed, n)
    rng = np.random.default_rng(seed)
    as_of = some_day(rng)
    extra = [
        item(
            f"nothing-{v}",
            some_day(rng, OPENS, as_of),
            Likelihood(one.id, dict.fromkeys(one.states, 1.0), None, HERE),
            group=str(rng.choice(["north", "south"])),
        )
        for v, one in enumerate(world.layout.events)
    ]
    more = replace(world.workspace, items=(*world.workspace.items, *extra))
    assert_same(answer(world.workspace, world.flat, as_of), answer(more, world.flat, as_of))


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_split_of_a_likelihood(seed: int, n: int) -> None:
    """Outside the source mixture a likelihood vector may be split into factors."""
    world = random_world(seed, n)
    rng = np.random.default_rng(seed)
    compiled = compile_workspace(world.layout, world.workspace, some_day(rng))
    tables, _ = factors(compiled, world.flat)
    v = int(rng.integers(n))
    cards, scopes = compiled.cards, compiled.scopes
    first, second = rng.uniform(0.1, 1.0, (2, cards[v], 1))
    whole = solve(plan(cards, [*scopes, (v,)]), [*tables, first * second])
    split = solve(plan(cards, [(v,), *scopes, (v,)]), [first, *tables, second])
    assert_same(Answer(*whole[:3]), Answer(*split[:3]))


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_relabelled_states(seed: int, n: int) -> None:
    """The order of the states of a status or constant event permutes its results and changes no others."""
    world = random_world(seed, n)
    rng = np.random.default_rng(seed)
    as_of = some_day(rng)
    net = world.workspace.network
    events, orders = {}, []
    for one in net.events.values():
        kept = one.kind == "reached"
        order = list(range(len(one.states))) if kept else rng.permutation(len(one.states)).tolist()
        events[one.id] = replace(one, states=tuple(one.states[k] for k in order))
        orders.append(order)
    renamed = replace(net, events=events)
    theta = {}
    for (name, parents, k), p in world.theta.items():
        nominal = net.events[name].kind != "reached"
        theta[name, parents, events[name].states.index(net.events[name].states[k]) if nominal else k] = p
    plain = answer(world.workspace, world.flat, as_of)
    permuted = tuple(table[order] for table, order in zip(plain.joint, orders, strict=True))
    relabelled = answer(replace(world.workspace, network=renamed), flattened(renamed, theta), as_of)
    assert_same(plain._replace(joint=permuted), relabelled)


def digest(compiled: AsOfNetwork) -> str:
    """Everything that decides the forecast, to the last bit."""
    alive = [list(states) for states in compiled.alive]
    return digest_of(compiled.rows, compiled.history, compiled.fixed, compiled.log_fixed, alive)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_nothing_dated_later_counts(seed: int, n: int) -> None:
    """Items, retractions and corrections of a later date leave the as-of network as it is, bit for bit."""
    world = random_world(seed, n)
    as_of = some_day(np.random.default_rng(seed), OPENS, HORIZON - timedelta(days=1))
    compiled = compile_workspace(world.layout, world.workspace, as_of)
    known = []
    for one in world.workspace.items:
        if one.reported > as_of:
            continue
        late = one.retracted is not None and one.retracted > as_of
        known.append(replace(one, retracted=None) if late else one)
    without = replace(world.workspace, items=tuple(known))
    assert digest(compiled) == digest(compile_workspace(world.layout, without, as_of))
    later = [replace(one, id=f"later-{one.id}", reported=as_of + timedelta(days=1)) for one in known]
    corrections = [replace(one, supersedes=old.id) for one, old in zip(later, known, strict=True)]
    more = replace(world.workspace, items=(*world.workspace.items, *corrections))
    assert digest(compiled) == digest(compile_workspace(world.layout, more, as_of))


PAIR = network(event("a"), event("b", "status", parents=["a"]))
TALK = Likelihood("b", {"no": 0.2, "yes": 1.0}, None, HERE)


def counted(as_of: date, *items: Item) -> set[str]:
    """Ids of the items that count, seen from what they change."""
    layout = lay_out(PAIR)
    whole = digest(compile_workspace(layout, workspace(PAIR, items=items), as_of))
    return {
        one.id
        for one in items
        if whole != digest(compile_workspace(layout, workspace(PAIR, items=[i for i in items if i is not one]), as_of))
    }


def test_an_item_counts_from_its_own_day_on() -> None:
    """The as-of day is included; an event that happened earlier counts only once it is reported."""
    day = date(2025, 5, 1)
    heard = item("heard", day, TALK)
    held = item("held", day, Settled("a", "yes", HERE), happened=day - timedelta(days=30))
    assert set() == counted(day - timedelta(days=1), heard, held)
    assert {"heard", "held"} == counted(day, heard, held)


def test_retraction_and_supersession_count_from_their_own_day_on() -> None:
    """A retracted or superseded item counted before and not after."""
    day, later = date(2025, 5, 1), date(2025, 6, 1)
    retracted = item("retracted", day, TALK, retracted=later)
    assert {"retracted"} == counted(later - timedelta(days=1), retracted)
    assert set() == counted(later, retracted)
    first = item("first", day, TALK)
    second = item("second", later, Likelihood("b", {"no": 0.5, "yes": 1.0}, None, HERE), supersedes="first")
    layout = lay_out(PAIR)

    def seen(as_of: date, *items: Item) -> str:
        return digest(compile_workspace(layout, workspace(PAIR, items=items), as_of))

    before = later - timedelta(days=1)
    assert seen(before, first) == seen(before, first, second)
    assert seen(later, replace(second, supersedes=None)) == seen(later, first, second)


@pytest.mark.parametrize("seed", range(6))
def test_inference_at_the_mean_rows(seed: int) -> None:
    """E[P(s, E)] / E[P(E)] is inference at the mean compiled rows if events' tables are independent and a = o.

    Each event's table takes one of three values, independently: all combinations together are the exact expectation.
    """
    rng = np.random.default_rng(seed)
    net = random_network(rng, 5)
    layout = lay_out(net)
    names = list(net.events)
    choices = [random_theta(rng, layout, 3)[1] for _ in names]
    combinations = list(product(range(3), repeat=len(names)))
    flat = np.empty((layout.n_theta, len(combinations)))
    for v in range(len(names)):
        own = slice(layout.offsets[v], layout.offsets[v] + layout.n_rows(v) * layout.width(v))
        flat[own] = choices[v][own][:, [combination[v] for combination in combinations]]
    items = []
    for one in net.events.values():
        ratios = dict(zip(one.states, rng.uniform(0.1, 1.0, len(one.states)).tolist(), strict=True))
        items.append(item(f"report-{one.id}", OPENS, Likelihood(one.id, ratios, None, HERE)))
    compiled = compile_workspace(layout, workspace(net, items=items), OPENS)
    order = plan(layout.cards, compiled.scopes)
    tables, _ = factors(compiled, flat)
    solution = solve(order, tables)
    weights = np.exp(solution.log_evidence)
    mean_rows = [
        row_table(compiled.rows, flat)[start : start + layout.n_rows(v) * card]
        .mean(axis=1)
        .reshape(*(layout.cards[p] for p in layout.parents[v]), card, 1)
        for v, (start, card) in enumerate(zip(layout.table_offsets, layout.cards, strict=True))
    ]
    at_mean = solve(order, [*mean_rows, *(np.exp(table)[..., np.newaxis] for _, table in compiled.fixed)])
    assert weights.mean() == pytest.approx(float(np.exp(at_mean.log_evidence[0])), rel=1e-12)
    for v in range(len(names)):
        averaged = (solution.marginals[v][:, 0] * weights).sum(axis=1) / weights.sum()
        np.testing.assert_allclose(at_mean.marginals[v][:, 0, 0], averaged, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES)
def test_probability_by_a_date_grows(seed: int, n: int) -> None:
    """P(a reached event is past a state by t) never falls with t, as long as no report wears off meanwhile."""
    world = random_world(seed, n, n_reports=0)
    rng = np.random.default_rng(seed)
    as_of = some_day(rng)
    past: dict[int, Array] = {}
    for on in sorted({as_of, HORIZON, *(some_day(rng, as_of) for _ in range(4))}):
        joint = answer(world.workspace, world.flat, as_of, on).joint
        for v, one in enumerate(world.layout.events):
            if one.kind == "reached":
                reached = 1.0 - np.cumsum(joint[v].sum(axis=1), axis=0)
                assert (reached >= past.get(v, reached) - 1e-12).all()
                past[v] = reached


def test_history_sends_nothing_back_to_a_dated_parent() -> None:
    """What a child did says nothing of its parent's future; it does speak of an undated parent."""
    net = network(event("cause"), event("fact", "constant"), event("child", parents=["cause", "fact"]))
    layout = lay_out(net)
    theta, flat = random_theta(np.random.default_rng(4), layout, 2)
    day = date(2025, 9, 1)
    moved = workspace(net, items=[item("child", day, Settled("child", "yes", HERE))])
    before = [table.sum(axis=1) for table in answer(workspace(net, watched_until=day), flat, day).joint]
    after = [table.sum(axis=1) for table in answer(moved, flat, day).joint]
    np.testing.assert_allclose(before[0], after[0], rtol=0, atol=1e-14)
    assert (np.abs(before[1] - after[1]) > 1e-3).all()
    assert AsOf(moved, theta, day).state("child", day) == 1


def test_a_child_that_moves_on_its_parent_s_day() -> None:
    """A child that moves on the day of its parent, and skips a step, did so as its parent was before that day."""
    net = network(event("cause"), event("child", states=["none", "some", "all"], parents=["cause"]))
    theta, flat = random_theta(np.random.default_rng(6), lay_out(net), 2)
    day = date(2025, 9, 1)
    moved = [item("cause", day, Settled("cause", "yes", HERE)), item("child", day, Settled("child", "all", HERE))]
    part = (day - OPENS).days / (HORIZON - OPENS).days

    def density(name: str, parents: tuple[str, ...]) -> Array:
        """Open until the day, then all its steps at once."""
        steps = [theta[key] for key in theta if key[:2] == (name, parents)]
        hazards: Array = np.prod([-np.log(1.0 - p) for p in steps], axis=0)
        return np.asarray((1.0 - steps[0]) ** part * hazards)

    expected = np.log(density("cause", ()) * density("child", ("no",)))
    np.testing.assert_allclose(expected, answer(workspace(net, items=moved), flat, day).log_evidence, atol=1e-12)
