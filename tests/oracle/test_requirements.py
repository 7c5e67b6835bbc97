"""What events require: the compiled network and the tape against enumeration, closed forms and simulated histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.analysis.supposition import solve_twin, twin
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError
from forecast.model.asof import compile_opening, compile_workspace, factors
from forecast.model.layout import Layout, lay_out
from forecast.posterior.posterior import ContradictionError, check_possible
from forecast.sampling import op
from forecast.sampling.likelihood import impossible_statements
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec, rows_prior, theta_draws
from forecast.workspace.problems import Problem
from forecast.workspace.records import Condition, Cpt, Event, Kind, Network, Requirement, Settled, Target
from tests.oracle.agreement import READABLE, assert_enumerated, enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf, lacks
from tests.oracle.random_worlds import World, highest_of, named, random_world, some_day, timed
from tests.oracle.statements import Reader, random_statements
from tests.posterior.standing import standing_at
from tests.sampling.cpt_worlds import COMPOUND, LOGISTIC, NET, NOISY_MAX, TABLE, with_random_cpts
from tests.sampling.interpreter import interpret
from tests.worlds import HERE, HORIZON, OPENS, SHARED, event, item, network, rule, statement, target, workspace

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


# Every kind of CPT: what is open is as if the prerequisite were none of the event's parents

KINDS = [SHARED, TABLE, LOGISTIC, NOISY_MAX, NET, COMPOUND]


def rows_of(layout: Layout, theta: Array, name: str) -> Array:
    """The numbers of an event's rows (rows, numbers, draws), also where theta holds causes that act by themselves."""
    v = layout.index[name]
    if layout.acts_by_cause(v):
        return np.array([highest_of(layout, v, configuration, theta) for configuration in layout.configurations(v)])
    size = layout.n_rows(v) * layout.width(v)
    return theta[layout.offsets[v] :][:size].reshape(-1, layout.width(v), theta.shape[1])


@pytest.mark.parametrize("cpt", KINDS)
@pytest.mark.parametrize("kind", ["reached", "status", "constant"])
def test_open_rows(cpt: Cpt, kind: Kind) -> None:
    """The rows with the prerequisite are those of the event without it, coordinate by coordinate; the others are zero.

    A state that is left alone is certain.
    """
    mood = event("mood", "constant", ("a", "b", "c"))
    gate = event("gate", "constant", ("shut", "ajar", "open"))
    bare = event("x", kind, parents=["mood"], cpt=cpt)
    gated = requiring(replace(bare, parents=("gate", "mood")), {"gate": ("open",)})
    plain, layout = (lay_out(network(mood, gate, one)) for one in (bare, gated))
    priors = rows_prior(plain), rows_prior(layout)
    assert [prior.n_coordinates for prior in priors] == [priors[0].n_coordinates] * 2
    x = np.random.default_rng(3).normal(size=(priors[0].n_coordinates, 4))
    expected, found = (theta_draws(prior, x) for prior in priors)
    width = layout.width(layout.index["x"])
    rows = rows_of(layout, found, "x").reshape(3, 3, width, 4)
    np.testing.assert_allclose(rows_of(plain, expected, "x"), rows[2], rtol=1e-14)
    shut = np.zeros(width) if kind == "reached" else np.array([1.0, 0.0])
    assert (rows[:2] == shut[:, np.newaxis]).all()


@pytest.mark.parametrize("cpt", [SHARED, TABLE, LOGISTIC, NOISY_MAX])
def test_rows_with_some_states(cpt: Cpt) -> None:
    """A row that leaves some states open has their probabilities given that it is one of them."""
    gate = event("gate", "constant", ("shut", "open"))
    bare = event("x", "constant", ("none", "local", "general"), parents=["gate"], cpt=cpt)
    gated = requiring(bare, {"gate": ("open",)}, states=("general",))
    layouts = [lay_out(network(gate, one)) for one in (bare, gated)]
    priors = [rows_prior(layout) for layout in layouts]
    fewer = 1 if cpt == TABLE else 0  # a row of a table has a coordinate less
    assert priors[0].n_coordinates == priors[1].n_coordinates + fewer
    x = np.random.default_rng(3).normal(size=(priors[1].n_coordinates, 4))
    found = theta_draws(priors[1], x)[2:].reshape(2, 3, 4)
    assert (found[0, 2] == 0.0).all()
    np.testing.assert_allclose(1.0, found.sum(axis=1), rtol=0, atol=1e-15)
    if cpt != TABLE:
        free = rows_of(layouts[0], theta_draws(priors[0], x), "x")
        np.testing.assert_allclose(free[0, :2] / free[0, :2].sum(axis=0), found[0, :2], rtol=0, atol=1e-14)
        np.testing.assert_allclose(free[1], found[1], rtol=1e-14)


def test_a_later_step_that_is_closed() -> None:
    """Where the second step lacks what it requires, both have probability zero in each of 2000 draws, not nearly so."""
    gate = event("gate", "constant")
    gated = requiring(event("x", states=("none", "first", "second"), parents=["gate"]), {"gate": ("yes",)},
                      states=("second",))  # fmt: skip
    layout = lay_out(network(gate, gated))
    prior = rows_prior(layout)
    theta = theta_draws(prior, np.random.default_rng(1).normal(size=(prior.n_coordinates, 2000)))
    row = factors(compile_opening(layout), theta)[0][1][0]
    assert (row[2] == 0.0).all()
    np.testing.assert_allclose(np.exp(-theta[layout.theta_index(1, 0, 0)]), row[0], rtol=1e-12)


# What is settled against it, and what is imposed


def test_a_contradiction_names_what_is_required() -> None:
    """Talks settled before the mandate are impossible, which names items and requirement; on one day they are fine."""
    net = network(MANDATE, TALKS, event("noise"))
    held, given_ = (
        item("b-held", MIDDLE, Settled("talks", "yes", HERE)),
        item("c-given", MIDDLE + timedelta(days=1), Settled("mandate", "given", HERE)),
    )
    innocent = item("a-noise", MIDDLE, Settled("noise", "yes", HERE))
    late = workspace(net, items=[innocent, held, given_])
    layout = lay_out(net)
    spec = replace(prior_spec(layout, late, HORIZON), rows=rows_prior(layout))  # of x, whatever is stated
    with pytest.raises(ContradictionError) as raised:
        check_possible(late, compile_workspace(layout, late, HORIZON), spec)
    assert ["b-held"] == [one.id for one in raised.value.items]
    assert ("'talks' yes requires mandate given",) == raised.value.needs
    same_day = workspace(net, items=[held, replace(given_, reported=MIDDLE)])
    check_possible(same_day, compile_workspace(layout, same_day, HORIZON), spec)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (target("talks", "yes", given={"mandate": "none"}), "what it is about cannot be"),
        (target("talks", "no", given={"mandate": "none"}), "what it is about is certain"),
        (target("mood", "yes", given={"mandate": "none", "talks": "yes"}), "its condition cannot be"),
        (target("talks", "yes"), None),
    ],
)
def test_statements_on_what_cannot_be(about: Target, expected: str | None) -> None:
    """A statement on what its conditions rule out, or make certain, is a problem at its line, with the requirement."""
    net = network(event("mood", "constant"), MANDATE, TALKS)
    said = workspace(net, statements=[statement("said", about, 0.3)])
    told = impossible_statements(said, prior_spec(lay_out(net), said, HORIZON))
    allowed = "'talks' yes requires mandate given: no statement is needed for what follows from it"
    assert [Problem(HERE, f"statement 'said': {expected}", "", allowed)] * (expected is not None) == list(told)


def test_imposing_what_lacks_its_prerequisite() -> None:
    """An intervention cuts what led there: talks can be imposed without a mandate, and say nothing of it."""
    after = requiring(event("treaty", parents=["talks"]), {"talks": ("yes",)})
    net = network(MANDATE, TALKS, after)
    theta = chances(net, {"mandate": (0.4,), "talks": (0.0, 0.7), "treaty": (0.0, 0.5)})
    compiled = compile_workspace(lay_out(net), workspace(net), OPENS)
    solved = solve_twin(twin(compiled, {1: 1}), (), theta, standing_at({}, 1), {})
    assert [0.6, 0.4] == pytest.approx(solved.events[0][:, 0].tolist(), abs=1e-14)
    # The talks begin on a uniform date, as any parent that has still to move.
    assert arriving(-np.log1p(-0.5)) == pytest.approx(float(solved.events[2][1, 0]), abs=1e-14)
    none = solve_twin(twin(compiled, {1: 0}), (), theta, standing_at({}, 1), {})
    assert [1.0, 0.0] == none.events[2][:, 0].tolist()


def test_silence_about_a_constant() -> None:
    """Talks that were held say for sure that the constant which they require is so."""
    net = network(event("will", "constant"), requiring(event("talks", parents=["will"]), {"will": ("yes",)}))
    theta = chances(net, {"will": (0.9, 0.1), "talks": (0.0, 0.3)})
    held = workspace(net, items=[item("held", MIDDLE, Settled("talks", "yes", HERE))])
    assert [[0.0], [1.0]] == answer(held, theta, HORIZON).joint[0][:, 0].tolist()


# Laws, on random worlds


def at_random(seed: int, n: int, *, has_timing: bool) -> tuple[np.random.Generator, World, Array]:
    """A world with requirements and any kinds of CPT, and coordinates of its rows."""
    rng = np.random.default_rng(seed + 1)
    world = random_world(seed, n, n_reports=4, has_requirements=True)
    net = with_random_cpts(rng, world.workspace.network)
    world = replace(world, workspace=replace(world.workspace, network=net), layout=lay_out(net))
    world = timed(rng, world) if has_timing else world
    return rng, world, rng.normal(size=rows_prior(world.layout).n_coordinates)


@settings(max_examples=50, deadline=None)
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


@settings(max_examples=25, deadline=None)
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
    spec = replace(
        prior_spec(world.layout, replace(world.workspace, statements=tuple(said)), HORIZON, anchor),
        rows=rows_prior(world.layout),
    )  # of x, whatever is stated
    assume(not impossible_statements(replace(world.workspace, statements=tuple(said)), spec))  # refused
    expected = [quantity for name in spec.statement_ids for quantity in by_id[name]]
    assume(np.abs(expected).max(initial=0.0) < READABLE)
    expected += [float(np.asarray(total).item())] if anchor else []
    program = record_program(spec)
    outputs, *code = op.packed(program).values()
    values = np.asarray(op.run(x, *code))
    np.testing.assert_allclose(expected, interpret(program, x.tolist()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(expected, values[outputs], rtol=0, atol=1e-9)
    assert np.isfinite(op.run_back(values, outputs, np.ones(outputs.size), x, *code[1:])).all()
