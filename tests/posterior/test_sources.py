"""Reliabilities of sources: exact on the grid, learned from what becomes of their reports, and cheap in draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betaln

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.model.reliability import grid_of, grids_of
from forecast.posterior.posterior import evaluate, query
from forecast.posterior.sources import Reliabilities, draw_reliabilities
from forecast.posterior.weights import weigh_draws
from forecast.workspace.records import Claim, Item, Likelihood, ReportSource, Settled, Workspace
from forecast.workspace.renames import DEFAULT_GRADES, Grade
from tests.oracle.random_worlds import random_world, some_day
from tests.posterior.standing import standing_at
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

Array = NDArray[np.float64]


def says(name: str, yes: float, no: float = 1.0) -> Likelihood:
    """A likelihood of a yes-or-no event."""
    return Likelihood(name, {"no": no, "yes": yes}, None, HERE)


def with_grade(known: Workspace, name: str, reliability: float) -> Workspace:
    """The workspace with another prior mean of one source."""
    source = replace(known.sources[name], grade=Grade(reliability, 20.0))
    return replace(known, sources={**known.sources, name: source})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_at_a_node_it_is_that_reliability(seed: int, n: int) -> None:
    """Drawn factors at a reliability equal the factors of a workspace whose sources have that prior mean."""
    world = random_world(seed, n, n_reports=6)
    rng = np.random.default_rng(seed + 1)
    day = some_day(rng)
    known = world.workspace
    reliability = {name: float(rng.uniform(0.01, 0.99)) for name in sorted(known.sources)}
    for name, mean in reliability.items():
        known = with_grade(known, name, mean)
    # Copies are ranked by strength at the prior mean: a source of other reliability may rank otherwise.
    alone = tuple(replace(one, group=None) for one in world.workspace.items)
    plain, other = replace(known, items=alone), replace(world.workspace, items=alone)
    expected = evaluate(query(compile_workspace(world.layout, plain, day), known.scenarios), world.flat)
    asked = query(compile_workspace(world.layout, other, day), known.scenarios)
    found = evaluate(asked, world.flat, standing_at(reliability, world.flat.shape[1]))
    np.testing.assert_allclose(found.log_evidence, expected.log_evidence, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.scenarios, expected.scenarios, rtol=0, atol=1e-10)
    for one, two in zip(found.events, expected.events, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-10)


def one_source(*items: Item, grade: Grade = DEFAULT_GRADES["C"], p: float = 0.3) -> tuple[Workspace, Array]:
    """Two constant facts, both probable with p, and items of one source."""
    net = network(event("fact", "constant"), event("other", "constant"))
    known = workspace(net, items=items)
    known = replace(known, sources={"wire": ReportSource("wire", "wire", "C", grade, HERE)})
    return known, np.array([1 - p, p, 1 - p, p])[:, np.newaxis]


def learned(known: Workspace, theta: Array, draws: int = 20_000) -> tuple[float, float, float]:
    """Evidence, mean reliability, and P(fact) by importance sampling."""
    flat = np.tile(theta, draws)
    asked = query(compile_workspace(lay_out(known.network), known, HORIZON), ())
    drawn = draw_reliabilities(asked.network, known.sources, flat, 1)
    found = evaluate(asked, flat, drawn)
    ratios = np.exp(found.log_evidence + drawn.log_correction)
    share = ratios / ratios.sum()
    return float(ratios.mean()), float(drawn.reliability[0] @ share), float(found.events[0][1] @ share)


def by_enumeration(known: Workspace, theta: Array) -> tuple[float, float, float]:
    """The same, summed over the nodes."""
    layout = lay_out(known.network)
    asked = query(compile_workspace(layout, known, HORIZON), ())
    [grid] = grids_of(asked.network, {name: one.grade for name, one in known.sources.items()})
    n = grid.log_odds.size
    everywhere = Reliabilities(
        sources=("wire",), grids=(grid,), nodes=np.arange(n)[np.newaxis], log_correction=np.zeros(n)
    )
    found = evaluate(asked, np.tile(theta, n), everywhere)
    joint = np.exp(grid.log_prior + found.log_evidence)
    share = joint / joint.sum()
    return float(joint.sum()), float(grid.reliability @ share), float(found.events[0][1] @ share)


DAY = date(2025, 7, 2)
TEN = tuple(
    item(f"i{k}", DAY + timedelta(days=k), says("fact", 4.0) if k % 3 else says("fact", 0.25)) for k in range(10)
)


REFUTED = (*TEN, item("z", DAY, Settled("fact", "no", HERE)))
CLAIMED = (item("a", DAY, Claim("fact", "yes", HERE)),)


@pytest.mark.parametrize("items", [(), TEN, REFUTED, CLAIMED])
@pytest.mark.parametrize("grade", [DEFAULT_GRADES["C"], DEFAULT_GRADES["F"], DEFAULT_GRADES["A"]])
def test_sampling_equals_the_sum_over_reliabilities(items: tuple[Item, ...], grade: Grade) -> None:
    """Draws from the proposal with corrected weights give the exact evidence, reliability and posterior."""
    known, theta = one_source(*items, grade=grade)
    np.testing.assert_allclose(learned(known, theta), by_enumeration(known, theta), rtol=0.01, atol=0.002)


GRADES = st.builds(Grade, st.floats(1e-6, 1.0 - 1e-6), st.floats(1.0, 1000.0))


@settings(max_examples=200, deadline=None)
@given(GRADES, st.integers(0, 5000), st.integers(0, 5000))
def test_the_grid_integrates_the_beta_distribution(grade: Grade, right: int, wrong: int) -> None:
    """Sums over the grid are the integrals: r^k (1 - r)^m under Beta(a, b) is B(a + k, b + m) / B(a, b)."""
    grid = grid_of(grade, right + wrong)
    a, b = grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty
    log_r, log_rest = -np.logaddexp(0.0, -grid.log_odds), -np.logaddexp(0.0, grid.log_odds)
    found = float(np.logaddexp.reduce(grid.log_prior + right * log_r + wrong * log_rest))
    exact = betaln(a + right, b + wrong) - betaln(a, b)
    assert exact == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("mean", [0.99, 0.01, 0.5, 0.999999])
@pytest.mark.parametrize("certainty", [1.0, 20.0, 1000.0])
def test_a_grade_is_used_as_it_is_stated(mean: float, certainty: float) -> None:
    """Whatever a grade's mean and certainty, its prior has that mean and the variance m (1 - m) / (c + 1)."""
    grid = grid_of(Grade(mean, certainty), 0)
    prior, spread = np.exp(grid.log_prior), mean * (1.0 - mean) / (certainty + 1.0)
    assert mean == pytest.approx(float(grid.reliability @ prior), abs=1e-9)
    assert spread == pytest.approx(float(np.square(grid.reliability - mean) @ prior), abs=1e-9)


def test_one_report_of_a_custom_grade() -> None:
    """Both stages use the mean: of a source right 99 times in 100, a claim against odds of 1 to 9 is by hand."""
    grade = Grade(0.99, 1.0)
    known, theta = one_source(item("a", DAY, Claim("fact", "no", HERE)), grade=grade, p=0.1)
    yes = 0.1 * 0.01 * 0.5
    exact = yes / (yes + 0.9 * (0.99 + 0.01 * 0.5))
    assert exact == pytest.approx(by_enumeration(known, theta)[2], abs=1e-9)
    asked = query(compile_workspace(lay_out(known.network), known, HORIZON), ())
    assert exact == pytest.approx(float(evaluate(asked, theta).events[0][1, 0]), abs=1e-12)


MANY = 700


@pytest.mark.parametrize("state", ["yes", "no"])
@pytest.mark.parametrize("count", [MANY, 5000])
def test_any_number_of_reports_of_one_source(count: int, state: str) -> None:
    """Reports without end leave no number undefined: evidence and posterior are those of the sum in logarithms."""
    strong = says("fact", 30.0) if state == "yes" else says("fact", 1.0, 30.0)
    told = tuple(item(f"i{k:04}", DAY, strong) for k in range(count))
    known, theta = one_source(*told)
    layout = lay_out(known.network)
    asked = query(compile_workspace(layout, known, HORIZON), ())
    flat = np.tile(theta, 400)
    drawn = draw_reliabilities(asked.network, known.sources, flat, 1)
    found = evaluate(asked, flat, drawn)
    assert np.isfinite(drawn.log_correction).all()
    assert np.isfinite(found.log_evidence).all()
    r = drawn.reliability[0]
    favoured, other = count * np.log(r + (1 - r) * 31 / 60), count * np.log(r / 30 + (1 - r) * 31 / 60)
    log_yes, log_no = (favoured, other) if state == "yes" else (other, favoured)
    log_evidence = np.logaddexp(np.log(0.3) + log_yes, np.log(0.7) + log_no)
    np.testing.assert_allclose(found.log_evidence, log_evidence, rtol=0, atol=1e-9 * count)
    np.testing.assert_allclose(found.events[0][1], np.exp(np.log(0.3) + log_yes - log_evidence), rtol=1e-9, atol=1e-12)
    weights = weigh_draws(found.log_evidence + drawn.log_correction, found.scenarios)
    assert weights.effective_size > 200.0


def test_what_reports_make_improbable_stays_possible() -> None:
    """A state that nothing rules out has a probability, however many reports speak against it."""
    known, theta = one_source(*(item(f"i{k:04}", DAY, says("fact", 30.0)) for k in range(3000)))
    asked = query(compile_workspace(lay_out(known.network), known, HORIZON), ())
    flat = np.tile(theta, 400)
    drawn = draw_reliabilities(asked.network, known.sources, flat, 1)
    assert (evaluate(asked, flat, drawn).events[0] > 0.0).all()
    assert (evaluate(asked, flat).events[0] > 0.0).all()


@pytest.mark.parametrize("count", [10, 40, 1000])
def test_two_sources_that_contradict_each_other_without_end(count: int) -> None:
    """Of two sources alike, one says yes and one says no, however often: evidence and posterior are the exact sums."""
    mine, yours = says("fact", 20.0), says("fact", 1.0, 20.0)
    told = [item(f"i{k:04}", DAY, mine) for k in range(count)]
    told += [item(f"j{k:04}", DAY, yours, source="post") for k in range(count)]
    known, theta = one_source(*told)
    known = replace(known, sources={name: replace(known.sources["wire"], id=name) for name in ("post", "wire")})
    flat = np.tile(theta, 4000)
    asked = query(compile_workspace(lay_out(known.network), known, HORIZON), ())
    drawn = draw_reliabilities(asked.network, known.sources, flat, 1)
    found = evaluate(asked, flat, drawn)
    ratios = found.log_evidence + drawn.log_correction
    r, log_prior = drawn.grids[0].reliability, drawn.grids[0].log_prior
    right, wrong = (
        np.logaddexp.reduce(log_prior + count * np.log(r * share + (1 - r) * 21 / 40)) for share in (1.0, 1 / 20)
    )
    assert right + wrong == pytest.approx(float(np.logaddexp.reduce(ratios)) - np.log(4000), abs=0.02)
    weights = weigh_draws(ratios, found.scenarios)
    assert 0.3 == pytest.approx(float(found.events[0][1] @ weights.weights), abs=0.02)
    assert weights.effective_size > 2000.0
    assert weights.reliable


def test_what_becomes_of_reports_moves_their_source() -> None:
    """Reports against what is later settled cost reliability, reports in favour of it earn some."""
    told = tuple(item(f"i{k}", DAY, says("fact", 9.0), says("other", 1.0)) for k in range(3))
    later = DAY + timedelta(days=30)
    _, before, _ = by_enumeration(*one_source(*told))
    _, right, _ = by_enumeration(*one_source(*told, item("z", later, Settled("fact", "yes", HERE))))
    _, wrong, _ = by_enumeration(*one_source(*told, item("z", later, Settled("fact", "no", HERE))))
    assert wrong < before < right
    assert wrong < DEFAULT_GRADES["C"].mean < right


@pytest.mark.parametrize("days", [(10, 20, 30), (10, 20, 60), (10, 60, 70), (50, 60, 70)])
def test_a_false_alarm_costs_its_source(days: tuple[int, ...]) -> None:
    """Claims of a step that is settled on day 50: the reliability is that of enumeration over days and reliabilities.

    The step comes on day t = 1 .. 730 or never; a claim on day c has probability r [t <= c] + (1 - r)/2; t is 50.
    """
    claims = [item(f"c{c}", OPENS + timedelta(days=c), Claim("deal", "yes", HERE)) for c in days]
    settled = item("z", OPENS + timedelta(days=50), Settled("deal", "yes", HERE))
    known = workspace(network(event("deal")), items=[*claims, settled])
    grade = DEFAULT_GRADES["C"]
    known = replace(known, sources={"wire": ReportSource("wire", "wire", "C", grade, HERE)})
    p = 0.4
    theta = np.array([[-np.log1p(-p)]])
    _, found, _ = by_enumeration(known, theta)
    a, b = grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty
    r = (np.arange(20_000) + 0.5) / 20_000
    window = (HORIZON - OPENS).days
    joint = np.zeros_like(r)
    for t in range(1, window + 2):  # the last stands for never
        chance = (1.0 - p) ** ((t - 1) / window) - ((1.0 - p) ** (t / window) if t <= window else 0.0)
        said = np.prod([r * (t <= c) + (1.0 - r) / 2.0 for c in days], axis=0)
        joint += r ** (a - 1.0) * (1.0 - r) ** (b - 1.0) * chance * said * (t == 50)
    assert float(joint @ r / joint.sum()) == pytest.approx(found, abs=1e-6)
    assert (found > grade.mean) == (sum(c >= 50 for c in days) >= 3)


def test_a_refuted_source_is_believed_less_elsewhere() -> None:
    """What a source says of one event counts less once it was wrong about another."""
    told = (item("i1", DAY, says("fact", 9.0)), *(item(f"j{k}", DAY, says("other", 9.0)) for k in range(3)))
    refuted = item("z", DAY + timedelta(days=30), Settled("other", "no", HERE))
    _, _, believed = by_enumeration(*one_source(*told))
    _, _, doubted = by_enumeration(*one_source(*told, refuted))
    assert doubted < believed


def test_sixty_sources_and_five_hundred_items() -> None:
    """The effective size stays above 400 of 4000 draws, where draws from the prior leave next to nothing."""
    rng = np.random.default_rng(11)
    names = [f"e{v}" for v in range(15)]
    net = network(*(event(name, "constant", parents=names[max(0, v - 1) : v]) for v, name in enumerate(names)))
    truth = {name: bool(rng.uniform() < 0.4) for name in names}
    sources = {f"s{k:02}": ReportSource(f"s{k:02}", "s", "F", DEFAULT_GRADES["F"], HERE) for k in range(60)}
    reliable = {name: rng.uniform(0.05, 0.98) for name in sources}
    items = []
    for k in range(500):
        source, about = f"s{rng.integers(60):02}", names[int(rng.integers(15))]
        favours = truth[about] if rng.uniform() < reliable[source] else bool(rng.uniform() < 0.5)
        ratio = float(rng.uniform(3.0, 20.0))
        told = says(about, ratio if favours else 1 / ratio)
        items.append(item(f"i{k:03}", OPENS + timedelta(days=k), told, source=source, credibility=3))
    known = replace(workspace(net, items=items), sources=sources)
    theta = np.concatenate([[0.6, 0.4], *([0.7, 0.3, 0.4, 0.6] for _ in names[1:])])
    flat = np.tile(theta[:, np.newaxis], 4000)
    asked = query(compile_workspace(lay_out(net), known, HORIZON), ())
    drawn = draw_reliabilities(asked.network, sources, flat, 1)
    found = evaluate(asked, flat, drawn)
    assert weigh_draws(found.log_evidence + drawn.log_correction, found.scenarios).effective_size >= 400.0
    rng = np.random.default_rng(2)
    anywhere = np.stack([rng.choice(grid.log_odds.size, 4000, p=np.exp(grid.log_prior)) for grid in drawn.grids])
    by_prior = evaluate(
        asked,
        flat,
        Reliabilities(sources=drawn.sources, grids=drawn.grids, nodes=anywhere, log_correction=np.zeros(4000)),
    )
    assert weigh_draws(by_prior.log_evidence, by_prior.scenarios).effective_size < 40.0


def test_streams_hang_on_the_source_alone() -> None:
    """Another source that reports nothing changes no draw of the others."""
    known, theta = one_source(*TEN)
    flat = np.tile(theta, 500)
    asked = compile_workspace(lay_out(known.network), known, HORIZON)
    more = {**known.sources, "a": ReportSource("a", "a", "F", DEFAULT_GRADES["F"], HERE)}
    alone, together = (draw_reliabilities(asked, one, flat, 3) for one in (known.sources, more))
    np.testing.assert_array_equal(alone.nodes[0], together.nodes[together.sources.index("wire")])
    np.testing.assert_allclose(alone.log_correction, together.log_correction, rtol=0, atol=1e-12)
