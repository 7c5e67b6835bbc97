"""CPT rows in which each cause brings an ordered event to some state, and the highest counts: `noisy_max`.

P(state <= y | u) = leak(y) prod_p F_p(y | u_p), with leak and F_p distribution functions over the event's states and
F_p = 1 for a parent in its first state, which brings about nothing (Diez 1993; a link is the cause's alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from forecast.compiled.layout import Index, Layout
from forecast.prior.coordinates import Collector
from forecast.prior.cpt_noisy_or import MEAN_LEAK, SD_LEAK, SD_LINK
from forecast.prior.softplus import softplus


@dataclass(frozen=True)
class NoisyMax:
    """Rows of one nominal event with K ordered states.

    `beyond` (contributions, K - 1): numbers of the log-odds that a contribution goes beyond each state, once it is
    there. `rows[r]` are the contributions that act in row r, the leak's first; `theta` (rows, K) the indices.
    """

    beyond: Index
    rows: tuple[tuple[int, ...], ...]
    theta: Index


def noisy_max(layout: Layout, v: int, collector: Collector) -> NoisyMax:
    """Add an event. Its causes' contributions are centred on the uniform distribution over the states.

    The log-odds of the leak are lower by as much as those of a noisy-OR, of which this is the case of two states.
    """
    event, last = layout.events[v], layout.cards[v] - 1
    uniform = [log(last - j) for j in range(last)]  # once at state j, last - j states lie beyond

    leak = [collector.new("alpha", f"{event.id}[{j}]|leak") for j in range(last)]
    beyond = [[collector.add({leak[j]: SD_LEAK}, MEAN_LEAK + uniform[j]) for j in range(last)]]
    number = {}
    for i, p in enumerate(layout.parents[v]):
        parent = layout.events[p]
        for x in range(1, layout.cards[p]):
            number[i, x] = len(beyond)
            links = [collector.new("beta", f"{event.id}[{j}]|{parent.id}={parent.states[x]}") for j in range(last)]
            beyond.append([collector.add({links[j]: SD_LINK}, uniform[j]) for j in range(last)])
    rows = tuple(
        (0, *(number[i, x] for i, x in enumerate(configuration) if x > 0)) for configuration in layout.configurations(v)
    )
    theta = [[layout.theta_index(v, row, x) for x in range(last + 1)] for row in range(len(rows))]
    return NoisyMax(np.array(beyond, dtype=np.intp), rows, np.array(theta, dtype=np.intp))


def noisy_max_values(xp: Any, recipe: NoisyMax, eta: Any) -> list[tuple[Index, Any]]:
    """Compute theta from log-odds eta (n_eta, draws) as (theta indices, values (entries, draws))."""
    contributions = [_distribution(xp, [eta[number : number + 1] for number in numbers]) for numbers in recipe.beyond]
    values = []
    for row, indices in zip(recipe.rows, recipe.theta, strict=True):
        states = contributions[row[0]]
        for number in row[1:]:
            states = _higher(states, contributions[number])
        values += [(indices[x : x + 1], state) for x, state in enumerate(states)]
    return values


def _distribution(xp: Any, beyond: list[Any]) -> list[Any]:
    """Return the probability (1, draws) of each state from the log-odds (1, draws) of going beyond each."""
    log_there, states = -softplus(xp, -beyond[0]), [xp.exp(-softplus(xp, beyond[0]))]
    for eta in beyond[1:]:
        states.append(xp.exp(log_there - softplus(xp, eta)))
        log_there = log_there - softplus(xp, -eta)
    return [*states, xp.exp(log_there)]


def _higher(first: list[Any], second: list[Any]) -> list[Any]:
    """Return the distribution of the higher of two independent states, as sums of products.

    Differences of cumulative products would lose the digits of small probabilities, and could turn out negative.
    """
    below_first, up_to_second = first[0], second[0]
    states = [below_first * up_to_second]
    for x in range(1, len(first)):
        up_to_second = up_to_second + second[x]
        states.append(first[x] * up_to_second + below_first * second[x])
        below_first = below_first + first[x]
    return states
