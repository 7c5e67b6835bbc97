"""Enumeration: the slowest and plainest way to answer a query, and random networks to ask."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import exp, fsum, inf, log

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.networks.answer import Answer, Finding
from forecast.networks.network import DiscreteNetwork


def enumerate_answer(network: DiscreteNetwork, findings: Sequence[Finding]) -> Answer | None:
    """Add up the probability of every world in logs, one at a time; None if no world is possible."""
    with np.errstate(divide="ignore"):
        log_tables = {name: np.log(network.tables[name]) for name in network.names}
        log_likelihoods = [(finding.variable, np.log(finding.likelihood)) for finding in findings]
    worlds: list[tuple[dict[str, int], float]] = []
    for indices in product(*(range(len(network.states[name])) for name in network.names)):
        world = dict(zip(network.names, indices, strict=True))
        terms = [log_tables[v][(*(world[parent] for parent in network.parents[v]), world[v])] for v in network.names]
        terms += [log_likelihood[world[variable]] for variable, log_likelihood in log_likelihoods]
        worlds.append((world, -inf if -inf in terms else fsum(terms)))
    largest = max(log_mass for _, log_mass in worlds)
    if largest == -inf:
        return None
    masses = {name: np.zeros(len(network.states[name])) for name in network.names}
    for world, log_mass in worlds:
        for name in network.names:
            masses[name][world[name]] += exp(log_mass - largest)
    total = fsum(exp(log_mass - largest) for _, log_mass in worlds)
    return Answer(largest + log(total), {name: mass / total for name, mass in masses.items()})


@st.composite
def networks(
    draw: st.DrawFn, max_variables: int = 6, *, with_zeros: bool = False, least_states: int = 1
) -> DiscreteNetwork:
    """Draw a network of up to `max_variables` variables with up to three states and up to three parents each.

    With zeros a third of the rows give some state no probability.
    """
    names = tuple(f"v{i}" for i in range(draw(st.integers(1, max_variables))))
    states = {name: tuple(f"s{i}" for i in range(draw(st.integers(least_states, 3)))) for name in names}
    parents: dict[str, tuple[str, ...]] = {}
    tables: dict[str, NDArray[np.float64]] = {}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for i, name in enumerate(names):
        earlier = names[:i]
        chosen = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
        parents[name] = tuple(chosen)
        shape = [len(states[parent]) for parent in chosen]
        tables[name] = rng.dirichlet(np.ones(len(states[name])), size=shape)
        if with_zeros:
            out = rng.integers(0, len(states[name]), shape)[..., np.newaxis] == np.arange(len(states[name]))
            left = np.where(out & (rng.random(shape) < 1 / 3)[..., np.newaxis], 0.0, tables[name])
            sums = left.sum(axis=-1, keepdims=True)
            tables[name] = np.where(sums > 0.0, left / np.where(sums > 0.0, sums, 1.0), tables[name])
    return DiscreteNetwork(names, states, parents, tables, ())


@st.composite
def findings_on(draw: st.DrawFn, network: DiscreteNetwork) -> list[Finding]:
    """Draw virtual evidence and observations on some of the variables; never impossible ones."""
    found = []
    for name in draw(st.lists(st.sampled_from(network.names), max_size=4)):
        n = len(network.states[name])
        numbers = draw(st.lists(st.floats(0.01, 1.0), min_size=n, max_size=n))
        found.append(Finding(name, tuple(numbers), name))
    for name in draw(st.lists(st.sampled_from(network.names), max_size=2, unique=True)):
        seen = draw(st.integers(0, len(network.states[name]) - 1))
        n = len(network.states[name])
        found.append(Finding(name, tuple(float(i == seen) for i in range(n)), name))
    return found


@st.composite
def extreme_findings_on(draw: st.DrawFn, network: DiscreteNetwork) -> list[Finding]:
    """Draw likelihoods of any size that a double holds, subnormal ones and zeros among them, often on one variable."""
    sizes = st.sampled_from([0.0, 5e-324, 1e-320, 1e-300, 1e-150, 0.02, 1.0, 1.0, 3.0, 1e150, 1e300])
    found = []
    for i, name in enumerate(draw(st.lists(st.sampled_from(network.names), max_size=8))):
        n = len(network.states[name])
        numbers = draw(st.lists(sizes, min_size=n, max_size=n).filter(any))
        found += [Finding(name, tuple(numbers), f"{i}:{name}")] * draw(st.sampled_from([1, 1, 1, 7]))
    return found
