"""The recorded program of stage 1 against the enumeration: what each statement is a reading of, and its gradient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.tape import Program
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.sampling import op
from forecast.sampling.program import record_program
from forecast.sampling.spec import PriorSpec, prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Condition, Item, Likelihood, Settled, Statement, Target, Times, Workspace
from tests.oracle.enumeration import AsOf, Theta
from tests.oracle.random_worlds import World, named, random_world, some_day, timed
from tests.oracle.statements import Reader, random_statements
from tests.sampling.interpreter import interpret
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

Array = NDArray[np.float64]


def run(program: Program, x: Array) -> Array:
    """All values of a program by the sampler's kernel."""
    return np.asarray(op.run(x, *list(op.packed(program).values())[1:])[0])


def gradient(program: Program, x: Array, output: int) -> Array:
    """Derivative of one output by the inputs, by the sampler's kernel."""
    outputs, given, *code = op.packed(program).values()
    weights = np.zeros(outputs.size)
    weights[output] = 1.0
    values, slopes = op.run(x, given, *code)
    return np.asarray(op.run_back(values, slopes, outputs, weights, x, *code))


READABLE = 14.0  # log-odds: further out the rounding of 1 - p is more than the tolerance


def in_order(spec: PriorSpec, statements: list[Statement]) -> list[Statement]:
    """The statements in the order of the spec's rows."""
    by_id = {one.id: one for one in statements}
    return [by_id[name] for name in spec.statement_ids]


def at_random(seed: int, n: int, *, has_timing: bool) -> tuple[np.random.Generator, World, Array, Theta]:
    """A world of n events, coordinates and the theta that they are; the generator goes on from there."""
    world = random_world(seed, n, n_reports=4)
    rng = np.random.default_rng(seed + 1)
    world = timed(rng, world) if has_timing else world
    prior = rows_prior(world.layout)
    x = rng.normal(size=prior.n_coordinates)
    return rng, world, x, named(world.layout, theta_draws(prior, x[:, np.newaxis]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
def test_what_statements_read(seed: int, n: int, has_timing: bool) -> None:
    """Every quantity of the program is the enumeration's, interpreted plainly and by the kernel; so is the anchor."""
    rng, world, x, theta = at_random(seed, n, has_timing=has_timing)
    layout, reader = world.layout, Reader(world.workspace, theta)
    statements = random_statements(rng, reader, 8)
    anchor_day = some_day(rng)
    spoken = replace(world.workspace, statements=tuple(statements))
    anchor = compile_workspace(layout, world.workspace, anchor_day)
    spec = replace(prior_spec(layout, spoken, HORIZON, anchor), rows=rows_prior(layout))  # of x, whatever is stated
    expected = [float(q[0]) for one in in_order(spec, statements) for q in reader.implied(one)]
    assume(np.abs(expected).max(initial=0.0) < READABLE)
    total = sum(AsOf(world.workspace, theta, anchor_day).joint.values())
    expected.append(float(np.log(total).item()))
    program = record_program(spec)
    np.testing.assert_allclose(expected, interpret(program, x.tolist()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(expected, run(program, x)[program.outputs], rtol=0, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
def test_gradient(seed: int, n: int, has_timing: bool) -> None:
    """The gradient is that of central differences, for every quantity."""
    rng, world, x, theta = at_random(seed, n, has_timing=has_timing)
    layout, reader = world.layout, Reader(world.workspace, theta)
    spoken = replace(world.workspace, statements=tuple(random_statements(rng, reader, 5)))
    spec = prior_spec(layout, spoken, HORIZON, compile_workspace(layout, spoken, some_day(rng)))
    program = record_program(replace(spec, rows=rows_prior(layout)))  # of x, whatever is stated
    directions = rng.normal(size=(3, x.size))
    h = 1e-5
    for direction in directions:
        ahead, behind = (run(program, x + sign * h * direction)[program.outputs] for sign in (1.0, -1.0))
        slopes = [float(gradient(program, x, output) @ direction) for output in range(program.outputs.size)]
        np.testing.assert_allclose((ahead - behind) / (2.0 * h), slopes, rtol=1e-6, atol=1e-7)


# One statement of 1 July 2025 about a status whose cause may be settled, reported or retracted around that day

DAY = date(2025, 7, 1)
NET = network(event("cause"), event("mood", "constant"), event("effect", "status", parents=["cause", "mood"]))
SAID = statement("said", target("effect", "yes"), 0.3, day=DAY)
FACT = item("fact", DAY, Settled("cause", "yes", HERE))
TALK = item("talk", DAY, Likelihood("mood", {"no": 0.1, "yes": 1.0}, None, HERE))


def implied_on(items: list[Item]) -> tuple[float, float]:
    """Log-odds of g by the program and by the enumeration, at one fixed theta."""
    world: Workspace = workspace(NET, statements=[SAID], items=items)
    layout = lay_out(NET)
    spec = prior_spec(layout, world, HORIZON)
    x = np.random.default_rng(8).normal(size=spec.rows.n_coordinates)
    theta = named(layout, theta_draws(spec.rows, x[:, np.newaxis]))
    (read,) = interpret(record_program(spec), x.tolist())
    return float(Reader(world, theta).implied(SAID)[0][0]), read


def test_observed_constant() -> None:
    """A constant that was observed is evidence about what caused it, and about what else it caused."""
    net = network(event("root", "constant"), event("sign", "constant", parents=["root"]))
    seen = item("seen", DAY, Settled("sign", "yes", HERE))
    said = statement("said", target("root", "yes"), 0.3, day=DAY)
    world = workspace(net, statements=[said], items=[seen])
    spec = prior_spec(lay_out(net), world, HORIZON)
    x = np.random.default_rng(8).normal(size=spec.rows.n_coordinates)
    theta = named(lay_out(net), theta_draws(spec.rows, x[:, np.newaxis]))
    odds = theta["root", (), 1] * theta["sign", ("yes",), 1] / (theta["root", (), 0] * theta["sign", ("no",), 1])
    expected = [pytest.approx(float(np.log(odds[0])), abs=1e-12)]
    assert expected == interpret(record_program(spec), x.tolist())


def test_compared_with_a_certainty() -> None:
    """A comparison with what its conditions make certain is one with 1, also where evidence decides its events."""
    net = network(event("mood", "constant"), event("effect", "status", parents=["mood"]))
    certain = Target(None, "calm", (Condition("mood", ("no",)), Condition("effect", ("no",))), None)
    said = statement("said", target("effect", "yes"), Times(certain, 0.3, None, None, 0.9, of_odds=False), day=DAY)
    world = workspace(net, statements=[said], items=[item("fact", DAY, Settled("effect", "no", HERE))],
                      scenarios=[rule("calm", mood="no", effect="no")])  # fmt: skip
    prior = rows_prior(lay_out(net))
    x = np.random.default_rng(8).normal(size=prior.n_coordinates)
    theta = named(lay_out(net), theta_draws(prior, x[:, np.newaxis]))
    happens, rest = (float(logs[0]) for logs in Reader(world, theta).logs(said, said.about))
    program = record_program(prior_spec(lay_out(net), world, HORIZON))
    expected = [pytest.approx(happens - float(np.logaddexp(happens, rest)), abs=1e-12)]
    assert expected == interpret(program, x.tolist())
    assert expected == run(program, x)[program.outputs].tolist()
    assert np.isfinite(gradient(program, x, 0)).all()


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ([FACT], [replace(FACT, reported=DAY + timedelta(days=1))]),
        ([TALK], [replace(TALK, reported=DAY + timedelta(days=1))]),
        ([replace(TALK, retracted=DAY)], [replace(TALK, retracted=DAY + timedelta(days=1))]),
    ],
    ids=["settled", "report", "retraction"],
)
def test_moved_across_the_statement_s_date(earlier: list[Item], later: list[Item]) -> None:
    """An item known, or retracted, on the statement's date changes what it reads; one of the next day does not."""
    before, after = implied_on(earlier), implied_on(later)
    assert before[0] == pytest.approx(before[1], abs=1e-11)
    assert after[0] == pytest.approx(after[1], abs=1e-11)
    assert abs(before[0] - after[0]) > 0.01
    unknown = [] if later[0].retracted is None else [replace(TALK, retracted=None)]
    assert after == implied_on(unknown)


# A constant that long histories and many reports decide beyond what a double can hold beside one

MOODS = network(event("mood", "constant"), event("pulse", "status", parents=["mood"], persistence_days=1.0))


def restless(changes: int) -> list[Item]:
    """A status that changes every other day, so often; then it stays."""
    days = [OPENS + timedelta(days=1 + 2 * k) for k in range(changes)]
    return [item(f"p{k:04}", day, Settled("pulse", ("yes", "no")[k % 2], HERE)) for k, day in enumerate(days)]


def talks(count: int) -> list[Item]:
    """So many reports of one day that the mood is yes."""
    return [item(f"t{k:04}", OPENS, Likelihood("mood", {"no": 0.05, "yes": 1.0}, None, HERE)) for k in range(count)]


@pytest.mark.parametrize(
    "items", [restless(170), restless(350), restless(0), talks(700), [*restless(350), *talks(900)]]
)
@pytest.mark.parametrize("about", ["mood", "pulse"])
def test_long_histories_and_many_reports(items: list[Item], about: str) -> None:
    """What a statement reads, and its slope, are those of the sums in logarithms, however improbable a state became."""
    day = HORIZON - timedelta(days=1)
    said = [statement("s", target(about, "yes"), 0.3, day=day)]
    world = workspace(MOODS, statements=said, items=items, watched_until=day)
    layout = lay_out(MOODS)
    spec = replace(
        prior_spec(layout, world, HORIZON, compile_workspace(layout, world, day)), rows=rows_prior(layout)
    )  # of x, whatever is stated
    x = np.random.default_rng(3).normal(size=spec.rows.n_coordinates) * 3.0
    theta = named(layout, theta_draws(spec.rows, x[:, np.newaxis]))
    expected = logs_by_hand(theta, items, day)
    program = record_program(spec)
    found = run(program, x)[program.outputs]
    np.testing.assert_allclose([expected[about], expected["evidence"]], found, rtol=1e-9, atol=1e-9)
    h, direction = 1e-5, np.random.default_rng(4).normal(size=x.size)
    ahead, behind = (run(program, x + sign * h * direction)[program.outputs] for sign in (1.0, -1.0))
    slopes = [float(gradient(program, x, output) @ direction) for output in range(2)]
    np.testing.assert_allclose((ahead - behind) / (2.0 * h), slopes, rtol=1e-5, atol=1e-6)


def logs_by_hand(theta: Theta, items: list[Item], day: date) -> dict[str, float]:
    """Return the log-odds of both events being yes at the horizon, and the log of the evidence's probability."""
    log_joint, log_yes = [], []
    q = 0.85  # of grade B at credibility 3
    reports = sum(one.id.startswith("t") for one in items)
    changes = [one for one in items if one.id.startswith("p")]
    for mood in ("no", "yes"):
        row = [float(theta["pulse", (mood,), state][0]) for state in (0, 1)]
        log_p = float(np.log(theta["mood", (), ("no", "yes").index(mood)][0]))
        state, since = 0, OPENS
        for change in changes:
            log_p -= (change.reported - since).days * (1.0 - row[state])
            state, since = 1 - state, change.reported
            log_p += float(np.log(row[state]))
        log_p -= (day - since).days * (1.0 - row[state])
        log_p += reports * float(np.log(q * (1.0 if mood == "yes" else 0.05) + (1.0 - q) * 0.525))
        stay = float(np.exp(-1.0))
        log_joint.append(log_p)
        log_yes.append(log_p + float(np.log(stay * state + (1.0 - stay) * row[1])))
    total, yes = float(np.logaddexp.reduce(log_joint)), float(np.logaddexp.reduce(log_yes))
    no = float(np.logaddexp.reduce([a + np.log(-np.expm1(b - a)) for a, b in zip(log_joint, log_yes, strict=True)]))
    return {"mood": log_joint[1] - log_joint[0], "pulse": yes - no, "evidence": total}
