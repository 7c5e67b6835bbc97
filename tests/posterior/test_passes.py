"""Passes that compute only what differs, joints by region, and sources in stages, each against whole passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.inference.engine import ImpossibleEvidenceError
from forecast.model.asof import compile_workspace
from forecast.posterior import passes as module
from forecast.posterior.passes import Passes, outline_of
from forecast.posterior.posterior import evaluate, evaluate_scenarios, query
from forecast.posterior.sources import Reliabilities, StagedSources, draw_reliabilities
from forecast.posterior.weights import smooth
from forecast.workspace.records import Settled, Workspace
from tests.analysis.deal import AS_OF, drawn_theta, known_deal, outcome_of
from tests.oracle.random_worlds import World, random_theta, random_world, timed, with_parts_on_scenarios
from tests.worlds import HORIZON

Array = NDArray[np.float64]
DRAWS, CLOSE = 40, 1e-12


def _world(seed: int) -> World:
    """A random world: half with timings, a third with parts on scenarios."""
    rng = np.random.default_rng([seed, 17])
    world = random_world(seed, 5)
    if seed % 2:
        world = timed(rng, world)
    return with_parts_on_scenarios(rng, world) if seed % 3 == 0 else world


def _draws(world: World, seed: int) -> Array:
    return random_theta(np.random.default_rng([seed, 5]), world.layout, DRAWS)[1]


def _without_each(known: Workspace) -> Iterator[Workspace]:
    """The evidence, without each item, and then again from none to all of it."""
    yield known
    for item in known.items:
        yield replace(known, items=tuple(one for one in known.items if one is not item))
    for n in range(len(known.items) + 1):
        yield replace(known, items=known.items[:n])


def _reliabilities(known: Workspace, world: World, theta: Array) -> Reliabilities | None:
    network = compile_workspace(world.layout, known, HORIZON)
    try:
        return draw_reliabilities(network, known.sources, theta, 1)
    except ImpossibleEvidenceError:
        return None


@pytest.mark.parametrize("room", [module.REMEMBERED, 1])
@pytest.mark.parametrize("seed", range(24))
def test_a_pass_after_another_is_a_whole_pass(seed: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without each item, along prefixes, and where nothing is remembered: impossible ones are told alike."""
    monkeypatch.setattr(module, "REMEMBERED", room)
    world = _world(seed)
    known, theta = world.workspace, _draws(world, seed)
    drawn, passes = _reliabilities(known, world, theta), Passes(theta)
    if drawn is None:
        pytest.skip("the evidence of this world is impossible")
    for remaining in _without_each(known):
        asked = query(compile_workspace(world.layout, remaining, HORIZON), known.scenarios)
        try:
            expected = evaluate_scenarios(asked, theta, drawn)
        except ImpossibleEvidenceError:
            with pytest.raises(ImpossibleEvidenceError):
                passes.evaluate_scenarios(asked, drawn)
            continue
        for one, other in zip(passes.evaluate_scenarios(asked, drawn), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=CLOSE)


def test_what_nothing_hangs_on_is_left_out() -> None:
    """Families below which nothing is known or asked cost nothing: most worlds have some."""
    fewer = 0
    for seed in range(24):
        world = _world(seed)
        asked = query(compile_workspace(world.layout, world.workspace, HORIZON), world.workspace.scenarios[:1])
        outline = outline_of(asked)
        assert outline.order.work <= asked.plan.work
        fewer += len(outline.places) < asked.plan.n_factors
    assert fewer >= 6


@pytest.mark.parametrize("seed", range(24))
def test_joints_tell_what_leaving_out_does(seed: int) -> None:
    """Without each item: where the joints tell, the log evidence and the shares of a whole pass, in every draw."""
    world = _world(seed)
    known, theta = world.workspace, _draws(world, seed)
    drawn = _reliabilities(known, world, theta)
    if drawn is None:
        pytest.skip("the evidence of this world is impossible")
    joints = Passes(theta).joints(query(compile_workspace(world.layout, known, HORIZON), known.scenarios), drawn)
    for remaining in [] if joints is None else _without_each(known):
        network = compile_workspace(world.layout, remaining, HORIZON)
        told = joints.of(network) if joints is not None else None
        if told is not None:
            expected = evaluate_scenarios(query(network, known.scenarios), theta, drawn)
            for one, other in zip(told, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


def test_joints_tell_of_most_reports_and_of_nothing_settled() -> None:
    """Of the deal: every report alone on its events; of what is settled, and of what excludes a state, nothing."""
    known, theta = known_deal(), drawn_theta(known_deal(), 400)
    found = outcome_of(known, theta)
    joints = Passes(theta).joints(found.posterior.asked, found.posterior.reliabilities)
    assert joints is not None
    told = {}
    for item in known.items:
        rest = replace(known, items=tuple(one for one in known.items if one is not item))
        told[item.id] = joints.of(compile_workspace(found.layout, rest, AS_OF)) is not None
        assert not (told[item.id] and any(isinstance(part, Settled) for part in item.bears_on))
    assert {"a-rumour", "b-rumour", "d-wrong", "g-draft"} <= {name for name, is_told in told.items() if is_told}


def test_sources_stand_still_until_they_have_reported_twice_as_often() -> None:
    """With one report at the prior, without a correction; the nodes hang on the reports alone, not on what came before.

    The correction is that of importance sampling: weighed by it, the nodes are a sample of the prior.
    """
    known, theta = known_deal(), drawn_theta(known_deal())
    of = outcome_of(known, theta).posterior
    events = [shares @ of.weights.weights for shares in of.evaluation.events]
    layout, dates = of.asked.network.layout, {item.id: item.reported for item in known.items}
    staged = StagedSources(of.reliabilities, events, theta.shape[1])

    def drawn(names: str) -> Reliabilities:
        items = tuple(one for one in known.items if one.id[0] in names)
        return staged.drawn(compile_workspace(layout, replace(known, items=items), AS_OF), dates)

    source = of.reliabilities.sources.index(known.items[1].report_source)
    assert known.items[1].report_source == known.items[-1].report_source
    once, twice, again = drawn("b"), drawn("bg"), drawn("b")
    np.testing.assert_array_equal(once.nodes, again.nodes)
    assert not once.log_correction.any()
    assert (once.nodes[source] != twice.nodes[source]).any()
    for s, grid in enumerate(of.reliabilities.grids):
        weights = smooth(twice.log_correction).weights if s == source else np.full(theta.shape[1], 1 / theta.shape[1])
        prior = float(np.exp(grid.log_prior) @ grid.reliability)
        assert prior == pytest.approx(float(grid.reliability[twice.nodes[s]] @ weights), abs=0.01)


def test_staged_sources_give_the_forecast_of_sources_drawn_anew() -> None:
    """The weighted forecast is that of the ordinary draws of the sources, within its Monte Carlo error."""
    known, theta = known_deal(), drawn_theta(known_deal(), 20_000)
    of = outcome_of(known, theta).posterior
    events = [shares @ of.weights.weights for shares in of.evaluation.events]
    staged = StagedSources(of.reliabilities, events, theta.shape[1])
    drawn = staged.drawn(of.asked.network, {item.id: item.reported for item in known.items})
    found = evaluate(of.asked, theta, drawn)
    weights = smooth(found.log_evidence + drawn.log_correction).weights
    expected = of.evaluation.scenarios @ of.weights.weights
    np.testing.assert_allclose(found.scenarios @ weights, expected, rtol=0, atol=0.006)
