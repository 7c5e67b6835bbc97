"""Families of independent causes: chains and tables against the enumeration, and closed forms for twenty parents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.model import causes
from forecast.model.asof import compile_opening, compile_workspace, factors
from forecast.model.layout import lay_out
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Event, Network, Settled
from tests.oracle.agreement import assert_enumerated, assert_read, enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import World, named, random_world, some_day, timed
from tests.oracle.statements import Reader, random_statements
from tests.sampling.cpt_worlds import COMPOUND, NET, NOISY_MAX
from tests.sampling.interpreter import interpret
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, workspace

Array = NDArray[np.float64]
MIDDLE = date(2026, 1, 1)
SEEDS = st.integers(0, 2**32 - 1)
PARENTS = 20


@contextmanager
def tables_up_to(entries: int) -> Iterator[None]:
    """Families with more entries than this are chains."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causes, "LARGEST_TABLE", entries)
        yield


def by_cause(rng: np.random.Generator, one: Event) -> Event:
    """The event with causes that act each by itself, if it has parents."""
    if not one.parents:
        return one
    or_too = one.kind == "reached" or len(one.states) == 2
    cpts = [NOISY_MAX, *([NET, COMPOUND] if or_too else [])]
    return replace(one, cpt=cpts[int(rng.integers(len(cpts)))])


def world_of_causes(seed: int, n_events: int, *, is_timed: bool, has_requirements: bool = False) -> World:
    """A random world in which every event with parents is a noisy OR or a noisy MAX; some may require a parent."""
    rng = np.random.default_rng(seed + 1)
    made = random_world(seed, n_events, has_requirements=has_requirements)
    if is_timed:
        made = timed(rng, made)
    net = made.workspace.network
    net = replace(net, events={name: by_cause(rng, one) for name, one in net.events.items()})
    if has_requirements:  # of half of the events alone: the others can be chains
        events = {name: replace(one, requires=one.requires * int(rng.integers(2))) for name, one in net.events.items()}
        net = replace(net, events=events)
    layout = lay_out(net)
    prior = rows_prior(layout)
    flat = theta_draws(prior, rng.normal(size=(prior.n_coordinates, 3)))
    return World(replace(made.workspace, network=net), layout, named(layout, flat), flat)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(3, 6), st.booleans(), st.booleans(), st.sampled_from([0, 64]))
def test_random_worlds(seed: int, n_events: int, by_a_date: bool, is_timed: bool, entries: int) -> None:
    """Evidence, scenarios and events are the enumeration's, where families are tables and where they are chains."""
    world = world_of_causes(seed, n_events, is_timed=is_timed)
    rng = np.random.default_rng(seed + 2)
    as_of = some_day(rng)
    with tables_up_to(entries):
        assert_enumerated(world, as_of, some_day(rng, as_of) if by_a_date else None)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(4, 6), st.booleans(), st.booleans())
def test_random_worlds_that_require(seed: int, n_events: int, by_a_date: bool, is_timed: bool) -> None:
    """The same where some events require a parent, among and below chains; what the enumeration excludes is impossible.

    Events that require nothing are chains; one that requires something has rows.
    """
    world = world_of_causes(seed, n_events, is_timed=is_timed, has_requirements=True)
    rng = np.random.default_rng(seed + 2)
    as_of = some_day(rng)
    on = some_day(rng, as_of) if by_a_date else None
    with tables_up_to(0), np.errstate(divide="ignore", invalid="ignore"):
        log_evidence, _, _ = enumerated(AsOf(world.workspace, world.theta, as_of, on))
        if np.isneginf(log_evidence).any():
            with pytest.raises(ImpossibleEvidenceError):
                answer(world.workspace, world.flat, as_of, on)
        else:
            assert_enumerated(world, as_of, on)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(3, 5))
def test_statements_read_of_chains(seed: int, n_events: int) -> None:
    """With chains, what statements read is the enumeration's, by the program and by the engine."""
    rng = np.random.default_rng(seed + 3)
    world = world_of_causes(seed, n_events, is_timed=False)
    x = rng.normal(size=rows_prior(world.layout).n_coordinates)
    reader = Reader(world.workspace, named(world.layout, theta_draws(rows_prior(world.layout), x[:, np.newaxis])))
    statements = random_statements(rng, reader, 6)
    with tables_up_to(0):
        assert_read(world, x, reader, statements, HORIZON)


def many_parents(kind: str, cpt: Cpt, states: tuple[str, ...] = ("no", "yes")) -> Network:
    """A child of twenty parents, none of which has parents."""
    names = [f"p{n}" for n in range(PARENTS)]
    parents = [event(name, "constant" if kind == "constant" else "reached") for name in names]
    return network(*parents, event("child", kind, states, names, cpt=cpt))  # type: ignore[arg-type]


def child(net: Network, theta: Array, *, as_of: date | None = None) -> Array:
    """P(child's states) (states, draws)."""
    layout = lay_out(net)
    compiled = compile_opening(layout) if as_of is None else compile_workspace(layout, workspace(net), as_of)
    tables, _ = factors(compiled, theta)
    assert max(table.size // theta.shape[1] for table in tables) <= 64
    return np.asarray(solve(plan(compiled.cards, compiled.scopes), tables).marginals[PARENTS][:, 0])


def drawn(net: Network, draws: int = 4) -> Array:
    """Theta from the prior."""
    prior = rows_prior(lay_out(net))
    return theta_draws(prior, np.random.default_rng(5).normal(size=(prior.n_coordinates, draws)))


def test_noisy_or_of_twenty_parents() -> None:
    """P(no) is (1 - leak) times the product over the parents of 1 - P(parent) link, the parents being independent."""
    net = many_parents("constant", NET)
    theta, layout = drawn(net), lay_out(net)
    v = PARENTS
    present = [theta[layout.theta_index(p, 0, 1)] for p in range(PARENTS)]
    links = [theta[layout.theta_index(v, 1 + p, 1)] for p in range(PARENTS)]
    expected = theta[layout.theta_index(v, 0, 0)] * prod(1.0 - p * link for p, link in zip(present, links, strict=True))
    np.testing.assert_allclose(expected, child(net, theta)[0], rtol=1e-12)


def test_noisy_max_of_twenty_parents() -> None:
    """P(state <= y) is the leak's times the product over the parents of 1 - P(parent) P(its cause goes beyond y)."""
    net = many_parents("constant", NOISY_MAX, ("low", "mid", "high"))
    theta, layout = drawn(net), lay_out(net)
    of = [[theta[layout.theta_index(PARENTS, cause, x)] for x in range(3)] for cause in range(1 + PARENTS)]
    present = [theta[layout.theta_index(p, 0, 1)] for p in range(PARENTS)]
    cumulative = [
        np.sum(of[0][: y + 1], axis=0)
        * prod(1.0 - p * np.sum(cause[y + 1 :], axis=0) for p, cause in zip(present, of[1:], strict=True))
        for y in range(3)
    ]
    np.testing.assert_allclose(cumulative, np.cumsum(child(net, theta), axis=0), rtol=1e-12)


def test_twenty_parents_that_may_come() -> None:
    """After a quiet half each cause acts for a part of the rest: the survival is a product over the parents."""
    net = many_parents("reached", NET)
    theta, layout = drawn(net), lay_out(net)
    half = (HORIZON - MIDDLE).days / (HORIZON - OPENS).days
    survival = np.exp(-half * theta[layout.theta_index(PARENTS, 0, 0)])
    for p in range(PARENTS):
        comes = -np.expm1(-half * theta[layout.theta_index(p, 0, 0)])
        link = half * theta[layout.theta_index(PARENTS, 1 + p, 0)]
        survival = survival * (1.0 - comes + comes * -np.expm1(-link) / link)
    np.testing.assert_allclose(survival, child(net, theta, as_of=MIDDLE)[0], rtol=1e-12)


def test_a_quiet_year_speaks_of_each_unobserved_cause_by_itself() -> None:
    """Under twenty constants that may drive it, the history of a quiet event is a product of factors of one each."""
    names = [f"p{n}" for n in range(PARENTS)]
    causes_ = [event(name, "constant") for name in names]
    net = network(*causes_, event("child", "reached", ("no", "yes"), names, cpt=NET))
    theta, layout = drawn(net), lay_out(net)
    compiled = compile_workspace(layout, workspace(net), MIDDLE)
    tables, _ = factors(compiled, theta)
    found = solve(plan(compiled.cards, compiled.scopes), tables).marginals
    past = (MIDDLE - OPENS).days / (HORIZON - OPENS).days
    for p in range(PARENTS):
        present, link = theta[layout.theta_index(p, 0, 1)], theta[layout.theta_index(PARENTS, 1 + p, 0)]
        quiet = present * np.exp(-past * link)
        np.testing.assert_allclose(quiet / (quiet + 1.0 - present), found[p][1, 0], rtol=1e-11)


def test_statements_on_twenty_parents_are_a_short_program() -> None:
    """A statement about the child, and one given a parent, are recorded in a few thousand terms, and read right."""
    net = many_parents("constant", NET)
    said = [
        statement("child", target("child", "yes"), 0.5, expert="editors"),
        statement("given", target("child", "yes", given={"p3": "yes"}), 0.5, expert="editors"),
    ]
    layout = lay_out(net)
    spec = replace(
        prior_spec(layout, workspace(net, statements=said), HORIZON), rows=rows_prior(layout)
    )  # of x, whatever is stated
    program = record_program(spec)
    assert program.operands.shape[1] < 3000
    x = np.random.default_rng(5).normal(size=spec.rows.n_coordinates)
    theta = theta_draws(spec.rows, x[:, np.newaxis])[:, 0]
    present = [theta[layout.theta_index(p, 0, 1)] for p in range(PARENTS)]
    links = [theta[layout.theta_index(PARENTS, 1 + p, 1)] for p in range(PARENTS)]
    leak = theta[layout.theta_index(PARENTS, 0, 0)]
    no = leak * prod(1.0 - p * link for p, link in zip(present, links, strict=True))
    given_p3 = no * (1.0 - links[3]) / (1.0 - present[3] * links[3])
    expected = [float(np.log1p(-q) - np.log(q)) for q in (no, given_p3)]
    np.testing.assert_allclose(expected, interpret(program, x.tolist()), rtol=0, atol=1e-9)


def test_a_step_that_was_taken() -> None:
    """A step on its day has the rate of all causes that then act, unobserved ones included."""
    net = network(
        event("plan", "constant"),
        event("quiet", "constant"),
        event("child", "reached", ("no", "yes"), ["plan", "quiet"], cpt=NET),
    )
    theta, layout = drawn(net, 1), lay_out(net)
    happened = item("child", MIDDLE, Settled("child", "yes", HERE))
    compiled = compile_workspace(layout, workspace(net, items=(happened,)), MIDDLE)
    tables, _ = factors(compiled, theta)
    found = solve(plan(compiled.cards, compiled.scopes), tables).marginals[0][1, 0]
    past = (MIDDLE - OPENS).days / (HORIZON - OPENS).days
    leak, *links = (theta[layout.theta_index(2, cause, 0)] for cause in range(3))
    chance = {
        (a, b): [1.0 - theta[1], theta[1]][a]
        * [1.0 - theta[3], theta[3]][b]
        * (rate := leak + a * links[0] + b * links[1])
        * np.exp(-past * rate)
        for a in (0, 1)
        for b in (0, 1)
    }
    np.testing.assert_allclose((chance[1, 0] + chance[1, 1]) / sum(chance.values()), found, rtol=1e-11)
