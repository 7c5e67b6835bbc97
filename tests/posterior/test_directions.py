"""The sign check: what a parent does in the forecast against the direction that was said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from forecast.model.layout import Layout, lay_out
from forecast.posterior.directions import direction_doubts, effect
from forecast.posterior.posterior import Posterior
from forecast.workspace.records import Cpt, Event, Statement, Workspace
from tests.sampling.cpt_worlds import TABLE
from tests.worlds import SHARED, event, network, statement, target, workspace

CAUSE, OTHER = event("cause", "constant"), event("other", "constant")
STATUS = event("it", "status", parents=["cause", "other"], cpt=TABLE)


def world(it: Event, *statements: Statement) -> tuple[Layout, Workspace]:
    """A cause, another parent, an event, and rules that are exact."""
    made = workspace(network(CAUSE, OTHER, it), statements=statements, experts={"rules": "rules", "ann": "a"})
    exact = {name: replace(expert, exact=name == "rules") for name, expert in made.experts.items()}
    return lay_out(made.network), replace(made, experts=exact)


def drawn(layout: Layout, rows: list[float], other: float) -> Posterior:
    """Three draws of equal rows (cause, then the other parent), P(other) as given; stands in for a posterior."""
    theta = np.zeros((layout.n_theta, 3))
    v = layout.index["it"]
    for row, p in enumerate(rows):
        at = layout.theta_index(v, row, 0)
        if layout.events[v].kind == "reached":
            theta[at] = -np.log1p(-p)
        else:
            theta[at], theta[at + 1] = 1.0 - p, p
    events = [np.full((2, 3), 0.5), np.outer([1.0 - other, other], np.ones(3)), np.full((2, 3), 0.5)]
    found: Any = SimpleNamespace(
        draws=SimpleNamespace(theta=theta),
        weights=SimpleNamespace(weights=np.full(3, 1.0 / 3.0)),
        evaluation=SimpleNamespace(events=tuple(events)),
    )
    return cast("Posterior", found)


@pytest.mark.parametrize("it", [STATUS, event("it", parents=["cause", "other"], cpt=TABLE)])
def test_effect(it: Event) -> None:
    """The rows with the parent in its first and in its last state are averaged over the other parent's forecast."""
    layout, _ = world(it)
    found = drawn(layout, [0.1, 0.5, 0.3, 0.9], 0.25)
    others = [states[:, 0] for states in found.evaluation.events]
    first, last = effect(layout, found.draws.theta, others, layout.index["it"], 0)
    np.testing.assert_allclose([0.75 * 0.1 + 0.25 * 0.5, 0.75 * 0.3 + 0.25 * 0.9], [first[0], last[0]])


def test_steps_and_states_in_between() -> None:
    """How far an event goes is its mean state, as a share of the way from the first to the last."""
    it = event("it", states=["none", "one", "two"], parents=["cause"], cpt=TABLE)
    layout, _ = world(it)
    theta = np.zeros((layout.n_theta, 1))
    v = layout.index["it"]
    theta[layout.theta_index(v, 1, 0)], theta[layout.theta_index(v, 1, 1)] = -np.log(0.5), -np.log(0.8)
    first, last = effect(layout, theta, [np.array([0.5, 0.5])] * 3, v, 0)
    np.testing.assert_allclose([0.0, (0.5 + 0.5 * 0.2) / 2], [first[0], last[0]])


@pytest.mark.parametrize(("key", "sign"), [("raises", 1), ("lowers", -1)])
def test_a_parent_against_its_direction(key: str, sign: int) -> None:
    """A parent that is given one direction and goes the other is named with both numbers; one that keeps it is not."""
    it = replace(STATUS, **cast("Any", {key: ("cause",)}))
    layout, made = world(it)
    rising, falling = [0.2, 0.2, 0.6, 0.6], [0.6, 0.6, 0.2, 0.2]
    kept, turned = (rising, falling)[::sign]
    assert () == direction_doubts(layout, made, drawn(layout, kept, 0.5))
    (doubt,) = direction_doubts(layout, made, drawn(layout, turned, 0.5))
    opposite = {"raises": "lowers", "lowers": "raises"}[key]
    assert f"event 'it': parent 'cause' is given under {key}, and {opposite} it in the forecast" == doubt.what
    first, last = turned[0], turned[-1]
    assert f"P(yes) {first:.2f} with 'no', {last:.2f} with 'yes'" == doubt.got


def test_a_parent_that_a_rule_calls_necessary() -> None:
    """An exact expert's next to nothing without a parent calls it necessary; the same by anybody else does not."""
    about = target("it", "yes", given={"cause": "no"})
    for expert, expected in (("rules", 1), ("ann", 0)):
        layout, made = world(STATUS, statement("needs-cause", about, 0.02, expert=expert, sd=0.3))
        doubts = direction_doubts(layout, made, drawn(layout, [0.6, 0.6, 0.2, 0.2], 0.5))
        assert expected == len(doubts)
        assert all("'cause' is called necessary by statement 'needs-cause'" in doubt.what for doubt in doubts)


def test_a_direction_that_the_prior_holds_is_not_checked() -> None:
    """Under shared rows a direction cannot be turned, so nothing is said."""
    held: Cpt = SHARED
    layout, made = world(replace(STATUS, cpt=held, raises=("cause",)))
    assert () == direction_doubts(layout, made, drawn(layout, [0.6, 0.6, 0.2, 0.2], 0.5))
