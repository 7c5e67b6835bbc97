"""What is computed once for several questions, rows, histories and reports: the numbers are those without that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.model import asof, reliability
from forecast.model.asof import OtherDays, compile_workspace, factors
from forecast.model.history import active_items
from forecast.model.layout import lay_out
from forecast.model.reliability import SourceTables, grids_of, source_tables
from forecast.model.reports import Copies
from forecast.posterior.posterior import evenly
from forecast.workspace.records import Kind, Likelihood
from tests.oracle.random_worlds import random_world
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

HALF = (HORIZON - OPENS).days // 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_every_question_gets_its_own_tables(seed: int, n_events: int) -> None:
    """Other evidence, other dates, other draws and blocks of them, in any order, each as if it came first."""
    rng = np.random.default_rng(seed)
    world = random_world(seed, n_events, draws=8)
    thetas = [evenly(world.flat, 1), evenly(world.flat[:, ::-1], 1), evenly(world.flat, 2)]
    for _ in range(12):
        items = tuple(item for item in world.workspace.items if rng.random() < 0.7)
        as_of = OPENS + timedelta(days=int(rng.choice([40, 200])))
        network = compile_workspace(world.layout, replace(world.workspace, items=items), as_of)
        theta = thetas[int(rng.integers(len(thetas)))]
        block = theta[:, 1:3] if rng.random() < 0.5 else theta
        written = np.array(block)  # these may be written to, so that nothing is kept of them
        expected, spent = factors(
            compile_workspace(world.layout, replace(world.workspace, items=items), as_of), written
        )
        got, offset = factors(network, block)
        assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
        assert np.array_equal(spent, offset)


def test_draws_that_may_change_are_computed_anew() -> None:
    """Draws that somebody writes to have other rows afterwards."""
    world = random_world(3, 3, draws=4)
    network = compile_workspace(world.layout, world.workspace, OPENS)
    theta = np.array(world.flat)
    before = [np.array(one) for one in factors(network, theta)[0]]
    theta[:] = theta[:, ::-1].copy()
    after = factors(network, theta)[0]
    expected = factors(network, np.array(world.flat[:, ::-1]))[0]
    assert all(np.array_equal(a, b) for a, b in zip(expected, after, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_other_days_are_compiled_as_if_alone() -> None:
    """Where reports are told apart once for several days, each day has the factors of its own network, to the bit."""
    shared = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asof, "MOST_HEARD", 0)
        for seed in range(60):
            world = random_world(seed, 3, n_reports=12)
            # Twice each, so that there are copies that differ in name alone.
            items = [*world.workspace.items, *(replace(one, id=f"{one.id}-again") for one in world.workspace.items)]
            known = replace(world.workspace, items=tuple(one for one in items if one.supersedes is None))
            as_of = OPENS + timedelta(days=HALF)
            days = OtherDays(known, compile_workspace(world.layout, known, as_of))
            for day in (as_of + timedelta(days=20), as_of + timedelta(days=90), HORIZON):
                made, alone = days.on(day), compile_workspace(world.layout, known, as_of, on=day)
                assert [len(same) for same in made.kinds] == [len(same) for same in alone.kinds]
                assert made.log_fixed == alone.log_fixed
                assert made.evidence_scopes == alone.evidence_scopes
                for (_, one), (_, other) in zip(made.fixed, alone.fixed, strict=True):
                    assert np.array_equal(one, other)
                shared += len(made.reports) < len(alone.reports)
    assert shared > 60


def test_other_copies_on_another_day_are_told_apart_anew() -> None:
    """A report that has worn off by a day is no longer the strongest of its group: the shortcut is not taken."""
    refused = 0
    for seed in range(60):
        world = random_world(seed, 2, n_reports=12)
        as_of = OPENS + timedelta(days=HALF)
        network = compile_workspace(world.layout, world.workspace, as_of)
        items = active_items(world.workspace.items, as_of)
        copies = Copies(world.layout, network.known, items, world.workspace.sources, network.on, network.kinds)
        refused += copies.on(as_of + timedelta(days=1)) is None
    assert 0 < refused < 60


@settings(max_examples=30, deadline=None)
@given(
    yes=st.sampled_from([0.0, 0.05, 0.5, 3.0]),
    copies=st.integers(1, 40),
    rho=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    credibility=st.sampled_from([1, 4, 6]),
    reached=st.booleans(),
)
def test_many_copies_at_once_as_one_by_one(
    yes: float, copies: int, rho: float, credibility: int, reached: bool
) -> None:
    """The tables of copies, at every node of their source and at its prior mean, are the sum of those of each."""
    kind: Kind = "reached" if reached else "constant"
    found = workspace(
        network(event("fact", kind), event("other", "constant")),
        items=[
            *(
                item(f"i{n}", OPENS, Likelihood("fact", {"no": 1.0, "yes": yes}, None, HERE), group="wire", rho=rho,
                     credibility=credibility)
                for n in range(copies)
            ),
            item("apart", OPENS, Likelihood("other", {"no": 1.0, "yes": yes}, None, HERE)),
        ],
    )  # fmt: skip
    layout = lay_out(found.network)
    sources = tuple(found.sources)
    made = []
    for many in (1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asof, "MANY_COPIES", many)
            patch.setattr(reliability, "MANY_COPIES", many)
            compiled = compile_workspace(layout, found, HORIZON)
            grids = grids_of(compiled, {name: source.grade for name, source in found.sources.items()})
            made.append((compiled, source_tables(compiled, sources, grids)))
    (first, at_once), (second, one_by_one) = made
    assert [scope for scope, _ in second.fixed] == [scope for scope, _ in first.fixed]
    for (_, expected), (_, got) in zip(second.fixed, first.fixed, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    assert second.log_fixed == pytest.approx(first.log_fixed, abs=1e-10)
    # A copy that tells no states apart to the last digit may stand in either of the two.
    for expected, got in zip(_by_source(one_by_one), _by_source(at_once), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def _by_source(tables: SourceTables) -> list[NDArray[np.float64]]:
    """What each source adds up to where every event is in its first state, then what the other states add to that."""
    found = []
    for source, constant in enumerate(tables.constant):
        of_source = [
            by_source[source].reshape(constant.size, -1) for by_source in tables.factors if source in by_source
        ]
        found.append(constant + sum(table[:, 0] for table in of_source))
        found += [table[:, 1:] - table[:, :1] for table in of_source]
    return found
