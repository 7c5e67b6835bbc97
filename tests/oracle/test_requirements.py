"""What events require: the compiled network and the tape against enumeration, closed forms and simulated histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.engine import ENGINE, ImpossibleEvidenceError
from forecast.model.asof import compile_opening, compile_workspace, factors
from forecast.model.layout import lay_out
from forecast.sampling import op
from forecast.sampling.program import record_program
from forecast.sampling.rows_prior import rows_prior, theta_draws
from forecast.sampling.spec import prior_spec
from forecast.workspace.records import Condition, Event, Network, Requirement, Settled
from tests.oracle.agreement import READABLE, assert_enumerated, enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf, lacks
from tests.oracle.random_worlds import World, named, random_world, some_day, timed
from tests.oracle.statements import Reader, random_statements
from tests.sampling.cpt_worlds import with_random_cpts
from tests.sampling.interpreter import interpret
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, workspace

Array = NDArray[np.float64]
MIDDLE = date(2026, 1, 1)  # 365 of 730 days


def requiring(one: Event, *ways: dict[str, tuple[str, ...]], states: tuple[str, ...] | None = None) -> Event:
    """The event with states (all but the first) that need one of some ways, each of which needs all that it names."""
    any_of = tuple(tuple(Condition(name, of) for name, of in way.items()) for way in ways)
    return replace(one, requires=tuple(Requirement(state, any_of) for state in states or one.states[1:]))


def chances(net: Network, given: dict[str, tuple[float, ...]]) -> Array:
    """One draw of theta: `given[event]` are P(step taken in the window), or P(state), row after row."""
    numbers = []
    for name, one in net.events.items():
        numbers += [-np.log1p(-p) if one.kind == "reached" else p for p in given[name]]
    return np.array(numbers)[:, np.newaxis]


def probability(net: Network, theta: Array, as_of: date = OPENS, **states: str) -> float:
    """P(all of some states at the horizon), nothing settled."""
    asked = workspace(net, scenarios=[rule("asked", **states)])
    return float(answer(asked, theta, as_of).p_scenario[0, 0])


def arriving(theta: float) -> float:
    """P(step of this hazard is taken) if it can be taken from a uniform date of the window on."""
    return float(1.0 + np.expm1(-theta) / theta)


# By hand: a mandate (.4), and talks that need it

MANDATE = event("mandate", states=("none", "given"))
TALKS = requiring(event("talks", parents=["mandate"]), {"mandate": ("given",)})


def test_prerequisite_alone() -> None:
    """P(talks) = P(mandate) times the chance of what can only begin on the mandate's date; given none it is zero."""
    net = network(MANDATE, TALKS)
    theta = chances(net, {"mandate": (0.4,), "talks": (0.0, 0.7)})
    expected = 0.4 * arriving(-np.log1p(-0.7))
    assert expected == pytest.approx(probability(net, theta, talks="yes"), abs=1e-14)
    assert probability(net, theta, mandate="none", talks="yes") == 0.0
    # Half of the window is over, and neither was taken.
    half = (1.0 - 0.6**0.5) * arriving(-0.5 * np.log1p(-0.7))
    assert half == pytest.approx(probability(net, theta, MIDDLE, talks="yes"), abs=1e-12)


def test_settled_prerequisite() -> None:
    """Once the mandate is given the talks have their hazard for the time that is left; before, silence says nothing."""
    net = network(MANDATE, TALKS)
    theta = chances(net, {"mandate": (0.4,), "talks": (0.0, 0.7)})
    given_ = item("given", MIDDLE, Settled("mandate", "given", HERE))
    asked = workspace(net, items=[given_], scenarios=[rule("asked", talks="yes")])
    found = answer(asked, theta, MIDDLE)
    left = (HORIZON - MIDDLE).days / (HORIZON - OPENS).days
    assert 1.0 - 0.3**left == pytest.approx(float(found.p_scenario[0, 0]), abs=1e-14)
    taken = -np.log1p(-0.4)
    expected = np.log(taken) - taken * (1.0 - left)  # of the mandate's date alone
    assert expected == pytest.approx(float(found.log_evidence[0]), abs=1e-12)


def test_two_prerequisites_and_either_of_two() -> None:
    """Of constants: where both are needed the product counts, where either will do the union."""
    gates = [event("a", "constant"), event("b", "constant")]
    both = requiring(event("x", "constant", parents=["a", "b"]), {"a": ("yes",), "b": ("yes",)})
    either = requiring(event("x", "constant", parents=["a", "b"]), {"a": ("yes",)}, {"b": ("yes",)})
    shut, open_ = (1.0, 0.0), (0.3, 0.7)
    for x, rows, expected in (
        (both, (*shut, *shut, *shut, *open_), 0.2 * 0.5 * 0.7),
        (either, (*shut, *open_, *open_, *open_), (1.0 - 0.8 * 0.5) * 0.7),
    ):
        net = network(*gates, x)
        theta = chances(net, {"a": (0.8, 0.2), "b": (0.5, 0.5), "x": rows})
        assert expected == pytest.approx(probability(net, theta, x="yes"), abs=1e-15)


def test_simulated_histories() -> None:
    """After a quiet half window the joint distribution of mandate and talks is that of the histories to .015."""
    rng = np.random.default_rng(20250806)
    mandate, talks = (-np.log1p(-p) for p in (0.5, 0.72))
    given_on = rng.exponential(1.0 / mandate, 2_000_000)
    held_on = given_on + rng.exponential(1.0 / talks, given_on.size)
    quiet = given_on > 0.5
    net = network(MANDATE, TALKS)
    theta = chances(net, {"mandate": (0.5,), "talks": (0.0, 0.72)})
    for states, mask in (
        ({"mandate": "given", "talks": "yes"}, held_on < 1.0),
        ({"mandate": "given", "talks": "no"}, (given_on < 1.0) & (held_on > 1.0)),
        ({"mandate": "none", "talks": "no"}, given_on > 1.0),
    ):
        expected = float(mask[quiet].mean())
        assert expected == pytest.approx(probability(net, theta, MIDDLE, **states), abs=0.015)


# Laws, on random worlds


def at_random(seed: int, n: int, *, has_timing: bool) -> tuple[np.random.Generator, World, Array]:
    """A world with requirements and any kinds of CPT, and coordinates of its rows."""
    rng = np.random.default_rng(seed + 1)
    world = random_world(seed, n, n_reports=4, has_requirements=True)
    net = with_random_cpts(rng, world.workspace.network)
    world = replace(world, workspace=replace(world.workspace, network=net), layout=lay_out(net))
    world = timed(rng, world) if has_timing else world
    return rng, world, rng.normal(size=rows_prior(world.layout).n_coordinates)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.booleans(), st.booleans())
def test_random_worlds(seed: int, n_events: int, by_a_date: bool, has_timing: bool) -> None:
    """Rows, history and forecast are those of the enumeration; evidence is impossible where it says so."""
    world = random_world(seed, n_events, has_requirements=True)
    rng = np.random.default_rng(seed + 1)
    world = timed(rng, world) if has_timing else world
    as_of = some_day(rng)
    on = some_day(rng, as_of) if by_a_date else None
    with np.errstate(divide="ignore", invalid="ignore"):
        log_evidence, _, _ = enumerated(AsOf(world.workspace, world.theta, as_of, on))
        if np.isneginf(log_evidence).any():
            with pytest.raises(ImpossibleEvidenceError):
                answer(world.workspace, world.flat, as_of, on)
        else:
            assert_enumerated(world, as_of, on)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.booleans())
def test_nothing_without_what_it_requires(seed: int, n: int, has_timing: bool) -> None:
    """In every draw P(state, parents without what it requires) is zero to the last bit, and every row sums to one."""
    rng, world, _ = at_random(seed, n, has_timing=has_timing)
    prior = rows_prior(world.layout)
    theta = theta_draws(prior, rng.normal(size=(prior.n_coordinates, 5)))
    compiled = compile_opening(world.layout, some_day(rng))
    tables, _ = factors(compiled, theta)
    order = ENGINE.plan(compiled.cards, compiled.scopes)
    _, families = ENGINE.families(order, tables, range(n))
    for v, one in enumerate(world.layout.events):
        opening = {e.id: e.initial or e.states[0] for e in world.layout.events if e.kind != "constant"}
        np.testing.assert_allclose(tables[v].sum(axis=-2), 1.0, rtol=0, atol=1e-14)
        for configuration in world.layout.configurations(v):
            pairs = zip(world.layout.parents[v], configuration, strict=True)
            then = {world.layout.events[p].id: world.layout.events[p].states[x] for p, x in pairs}
            for k, state in enumerate(one.states):
                now = {name: opening.get(name, state) for name, state in then.items()}
                if lacks(one, state, then) and (one.kind != "reached" or lacks(one, state, now)):
                    assert (families[v][(*configuration, k)] == 0.0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.booleans())
def test_what_statements_read(seed: int, n: int, has_timing: bool) -> None:
    """What is possible is read by the sampler's program, plainly and by its kernel, as the enumeration says."""
    rng, world, x = at_random(seed, n, has_timing=has_timing)
    theta = named(world.layout, theta_draws(rows_prior(world.layout), x[:, np.newaxis]))
    reader = Reader(world.workspace, theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        said = random_statements(rng, reader, 8)
        by_id = {one.id: [float(quantity[0]) for quantity in reader.implied(one)] for one in said}
        as_of = some_day(rng)
        total = np.log(sum(AsOf(world.workspace, theta, as_of).joint.values()))
    anchor = compile_workspace(world.layout, world.workspace, as_of) if np.isfinite(total).all() else None
    spec = prior_spec(world.layout, replace(world.workspace, statements=tuple(said)), HORIZON, anchor)
    expected = [quantity for name in spec.statement_ids for quantity in by_id[name]]
    assume(np.abs(expected).max(initial=0.0) < READABLE)
    expected += [float(np.asarray(total).item())] if anchor else []
    program = record_program(spec)
    outputs, *code = op.packed(program).values()
    values = np.asarray(op.run(x, *code))
    np.testing.assert_allclose(expected, interpret(program, x.tolist()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(expected, values[outputs], rtol=0, atol=1e-9)
    assert np.isfinite(op.run_back(values, outputs, np.ones(outputs.size), x, *code[1:])).all()
