"""Enumeration: the slowest and plainest way to answer a query, and random networks to ask."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import log

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.networks.answer import Answer, Finding
from forecast.networks.discrete import DiscreteNetwork


def enumerate_answer(network: DiscreteNetwork, findings: Sequence[Finding]) -> Answer:
    """Add up the joint probability of every world, one at a time."""
    total = 0.0
    masses = {name: np.zeros(len(network.states[name])) for name in network.names}
    for indices in product(*(range(len(network.states[name])) for name in network.names)):
        world = dict(zip(network.names, indices, strict=True))
        mass = 1.0
        for name in network.names:
            mass *= network.tables[name][(*(world[parent] for parent in network.parents[name]), world[name])]
        for finding in findings:
            mass *= finding.likelihood[world[finding.variable]]
        total += mass
        for name in network.names:
            masses[name][world[name]] += mass
    return Answer(log(total), {name: mass / total for name, mass in masses.items()})


@st.composite
def networks(draw: st.DrawFn, max_variables: int = 6) -> DiscreteNetwork:
    """Draw a network of up to `max_variables` variables with one to three states and up to three parents each."""
    names = tuple(f"v{i}" for i in range(draw(st.integers(1, max_variables))))
    states = {name: tuple(f"s{i}" for i in range(draw(st.integers(1, 3)))) for name in names}
    parents: dict[str, tuple[str, ...]] = {}
    tables: dict[str, NDArray[np.float64]] = {}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for i, name in enumerate(names):
        earlier = names[:i]
        chosen = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
        parents[name] = tuple(chosen)
        shape = [len(states[parent]) for parent in chosen]
        tables[name] = rng.dirichlet(np.ones(len(states[name])), size=shape)
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
