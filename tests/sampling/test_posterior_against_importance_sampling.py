"""Sampled posteriors of stage 1 against importance sampling from the prior through the enumeration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from forecast.model.layout import lay_out
from forecast.sampling.draws import draws_digest, sample
from forecast.sampling.spec import PriorSpec, prior_spec
from forecast.workspace.records import Item, Likelihood, Settled
from tests.oracle.enumeration import Theta
from tests.oracle.random_worlds import configurations, named
from tests.oracle.statements import Reader
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
N, SEED = 200_000, 3
SPECS: dict[str, PriorSpec] = {}


def zero_sum(rng: np.random.Generator, sd: float, *axes: int) -> Array:
    """Draws of a ZeroSumNormal of scale sd over the given axes (the last one is that of the draws)."""
    drawn = rng.normal(0.0, sd, (*axes, N))
    for axis in range(len(axes)):
        drawn -= drawn.mean(axis=axis, keepdims=True)
    return drawn


@cache
def prior_theta() -> Theta:
    """Draws of every row by the definition: shared level, one effect a parent, a deviation of the row."""
    rng = np.random.default_rng(5)
    theta: dict[tuple[str, tuple[str, ...], int], Array] = {}
    for one in NET.events.values():
        parents = [NET.events[p].states for p in one.parents]
        nominal = one.kind != "reached"
        half = np.sqrt(0.5) if nominal else 1.0
        levels = [len(one.states)] if nominal else []
        alpha = zero_sum(rng, 2.5 * half, *levels)  # each is stated as a whole
        betas = [zero_sum(rng, 2.5 * half, *levels, len(states)) for states in parents]
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
    omega = {name: np.abs(rng.normal(0.0, 0.25, N)) for name in ("ann", "bob", "editors")}
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


@cache
def fitted(key: str) -> Array:
    """Draws of theta of the spec whose digest is `key`: worlds that read the same are sampled once."""
    return sample(SPECS[key], SEED, lambda _: None).theta


def batch_error(drawn: Array) -> Array:
    """Monte Carlo standard error of the means (quantities, draws of four chains) from 10 batches of each chain."""
    batches = drawn.reshape(len(drawn), 40, -1).mean(axis=2)
    return np.asarray(batches.std(axis=1, ddof=1) / np.sqrt(40.0))


def compared(items: list[Item]) -> tuple[Array, Array, Array, Array]:
    """Means by importance sampling and by the sampler, with their Monte Carlo standard errors."""
    world = workspace(NET, statements=SAID, items=items)
    theta = prior_theta()
    reader = Reader(world, theta)
    readings = [reader.implied(said)[0] for said in SAID]
    weights = statement_weights(np.random.default_rng(6), readings)
    values = np.array([*theta.values(), *readings])
    means = values @ weights
    errors = np.sqrt(((values - means[:, np.newaxis]) ** 2 * weights**2).sum(axis=1))

    layout = lay_out(NET)
    spec = prior_spec(layout, world, HORIZON)
    key = draws_digest(spec, SEED)
    SPECS.setdefault(key, spec)
    sampled = named(layout, fitted(key))
    again = Reader(world, sampled)
    drawn = np.array([*(sampled[key] for key in theta), *(again.implied(said)[0] for said in SAID)])
    return means, errors, drawn.mean(axis=1), batch_error(drawn)


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
