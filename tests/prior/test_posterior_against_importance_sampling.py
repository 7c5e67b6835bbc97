"""Sampled posteriors of stage 1 against importance sampling from the prior through the enumeration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from forecast.compiled.layout import lay_out
from forecast.prior.sample import sample
from forecast.prior.spec import prior_spec
from forecast.workspace.records import Item, Likelihood, Settled
from tests.oracle.enumeration import Theta
from tests.oracle.random_worlds import configurations
from tests.oracle.statements import Reader
from tests.prior.test_program_against_enumeration import named
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, workspace

Array = NDArray[np.float64]
DAY = date(2025, 7, 1)
NEXT_DAY = DAY + timedelta(days=1)
NET = network(
    event("cause"),
    event("mood", "constant", ["bad", "fair", "good"]),
    event("effect", "status", parents=["cause", "mood"]),
)
SAID = [
    statement("a-effect", target("effect", "yes"), 0.7, day=DAY, sd=0.3),
    statement("b-cause", target("cause", "yes"), 0.4, expert="editors", sd=0.3),
    statement("c-mood", target("mood", "good", given={"effect": "no"}), 0.3, expert="bob", day=DAY, coded_by="editor"),
    statement("d-mood", target("mood", "bad"), 0.25, expert="ann", day=DAY, sd=0.4),
]
SDS = [0.3, 0.3, 1.0, 0.4]  # as read: a number that somebody else coded has an sd of at least one
FACT = item("fact", DAY, Settled("cause", "yes", HERE))
TALK = item("talk", DAY, Likelihood("mood", {"bad": 0.05, "fair": 0.3, "good": 1.0}, None, HERE))
N = 300_000


def zero_sum(rng: np.random.Generator, sd: float, *axes: int) -> Array:
    """Draws of a ZeroSumNormal of scale sd over the given axes (the last one is that of the draws)."""
    drawn = rng.normal(0.0, sd, (*axes, N))
    for axis in range(len(axes)):
        drawn -= drawn.mean(axis=axis, keepdims=True)
    return drawn


def prior_theta(rng: np.random.Generator) -> Theta:
    """Draws of every row by the definition: shared level, one effect a parent, a deviation of the row."""
    theta = {}
    for one in NET.events.values():
        parents = [NET.events[p].states for p in one.parents]
        nominal = one.kind != "reached"
        half = np.sqrt(0.5) if nominal else 1.0
        levels = [len(one.states)] if nominal else []
        alpha = zero_sum(rng, 1.5 * half, *levels)
        betas = [zero_sum(rng, half, *levels, len(states)) for states in parents]
        for u in configurations(NET, one):
            eta = alpha + zero_sum(rng, 0.3 * half, *levels)
            for beta, states, state in zip(betas, parents, u, strict=True):
                eta = eta + beta[..., states.index(state), :] / np.sqrt(len(parents))
            if nominal:
                rows = np.exp(eta) / np.exp(eta).sum(axis=0)
                theta |= {(one.id, u, k): rows[k] for k in range(len(rows))}
            else:
                theta[one.id, u, 0] = 1.0 / (1.0 + np.exp(-eta))
    return theta


def statement_weights(rng: np.random.Generator, readings: Sequence[Array]) -> Array:
    """Normalised weights: logit s ~ StudentT(4, logit g + delta of the group and the coder, sqrt(sd^2 + omega^2))."""
    omega = {name: np.abs(rng.normal(0.0, 0.5, N)) for name in ("ann", "bob", "editors")}
    deviation = {}
    for name, groups in {"effect": ["a"], "cause": ["editors"], "mood": ["a", "b", "editor (coder)"]}.items():
        states = NET.events[name].states
        for group in groups:
            deviation[group, name] = zero_sum(rng, 0.4 / np.sqrt(1.0 - 1.0 / len(states)), len(states))
    shifts = [
        deviation["a", "effect"][1],
        deviation["editors", "cause"][1],
        deviation["b", "mood"][2] + deviation["editor (coder)", "mood"][2],
        deviation["a", "mood"][0],
    ]
    log_weights = np.zeros(N)
    for said, sd, g, shift in zip(SAID, SDS, readings, shifts, strict=True):
        stated = {"a-effect": 0.7, "b-cause": 0.4, "c-mood": 0.3, "d-mood": 0.25}[said.id]
        scale = np.sqrt(sd**2 + omega[said.expert] ** 2)
        log_weights += stats.t.logpdf(np.log(stated / (1.0 - stated)), 4, loc=g + shift, scale=scale)
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


VARIANTS: dict[str, tuple[list[Item], list[Item]]] = {
    "settled": ([FACT], [replace(FACT, reported=NEXT_DAY)]),
    "report": ([TALK], [replace(TALK, reported=NEXT_DAY)]),
    "retraction": ([replace(TALK, retracted=DAY)], [replace(TALK, retracted=NEXT_DAY)]),
}


def compared(items: list[Item]) -> tuple[Array, Array, Array, Array]:
    """Means by importance sampling and by the sampler, with their Monte Carlo standard errors."""
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(5)
    world = workspace(NET, statements=SAID, items=items)
    theta = prior_theta(rng)
    reader = Reader(world, theta)
    readings = [reader.implied(said)[0] for said in SAID]
    weights = statement_weights(rng, readings)
    values = np.array([*theta.values(), *readings])
    means = values @ weights
    errors = np.sqrt(((values - means[:, np.newaxis]) ** 2 * weights**2).sum(axis=1))

    layout = lay_out(NET)
    fit = sample(prior_spec(layout, world, HORIZON), 3, lambda _: None)
    sampled = named(layout, fit.theta)
    again = Reader(world, sampled)
    drawn = np.array([*(sampled[key] for key in theta), *(again.implied(said)[0] for said in SAID)])
    chains = drawn.reshape(len(drawn), 4, -1)
    effective = array_stats.ess(chains, chain_axis=1, draw_axis=2, method="mean")
    return means, errors, drawn.mean(axis=1), drawn.std(axis=1) / np.sqrt(effective)


@pytest.mark.parametrize("variant", VARIANTS)
def test_posterior(variant: str) -> None:
    """An item moved across a statement's date moves the posterior as importance sampling says, to 4 MCSE."""
    seen, unseen = (compared(items) for items in VARIANTS[variant])
    for expected, error, actual, sampling_error in (seen, unseen):
        assert (np.abs(expected - actual) < 4.0 * np.hypot(error, sampling_error)).all()
    moved = np.abs(seen[0] - unseen[0]) / np.hypot(seen[1], unseen[1])
    assert moved.max() > 8.0


def test_the_dates_of_this_file() -> None:
    """The statements lie inside the window."""
    assert OPENS < DAY < NEXT_DAY < HORIZON
