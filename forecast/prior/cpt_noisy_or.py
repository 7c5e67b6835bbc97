"""CPT rows in which any cause suffices by itself: `noisy_or`.

P(yes | u) = 1 - (1 - leak) prod_p (1 - link_p[u_p]), a parent in its first state having no link (Pearl 1988, section
4.3.2; the leak: Henrion 1989). With rates -ln(1 - p) that is a sum: those of the leak and of the links that act add up.
A sum of rates is also what theta holds of a reached event's step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from forecast.compiled.layout import Index, Layout
from forecast.prior.coordinates import Collector
from forecast.prior.linear import LinearMap, linear_map
from forecast.prior.softplus import softplus

# The leak is what happens without any of the named causes: log-odds N(-2, 1.5^2), median .12.
MEAN_LEAK, SD_LEAK = -2.0, 1.5
# A net link is anything between 0 and 1: log-odds N(0, 1.5^2).
SD_LINK = 1.5
# A compound link raises the leak's log-odds by softplus(N(2, 1.5^2)): with a median leak it is about one half as well.
MEAN_RAISE, SD_RAISE = 2.0, 1.5


@dataclass(frozen=True)
class NoisyOr:
    """Rows as sums of rates: theta of reached steps, and of nominal events with two states.

    `net` are the log-odds of leaks and net links; compound link i has log-odds eta[leak[i]] + softplus(eta[raise_[i]]).
    `from_net` and `from_compound` add up their rates. Rows `steps` of the sums are theta at `reached`; rows `binary`
    make theta at `no` and `yes`.
    """

    net: Index
    leak: Index
    raise_: Index
    from_net: LinearMap
    from_compound: LinearMap
    steps: Index
    reached: Index
    binary: Index
    no: Index
    yes: Index


class _Link(NamedTuple):
    """A link's number among its like."""

    is_compound: bool
    number: int


class NoisyOrs:
    """Gathers the rows of all noisy-OR events."""

    def __init__(self) -> None:
        self._net: list[int] = []
        self._compound: list[list[int]] = []
        self._sums: list[tuple[dict[int, float], dict[int, float]]] = []
        self._steps: list[list[int]] = []
        self._binary: list[list[int]] = []

    def add(self, layout: Layout, v: int, collector: Collector) -> None:
        """Add an event: reached (each step by itself), or with two states."""
        event = layout.events[v]
        for j in range(layout.cards[v] - 1):
            leak = collector.add({collector.new("alpha", f"{event.id}[{j}]|leak"): SD_LEAK}, MEAN_LEAK)
            self._net.append(leak)
            own = len(self._net) - 1
            links = self._links(layout, v, j, leak, collector)
            for row, configuration in enumerate(layout.configurations(v)):
                acting = [links[i, x] for i, x in enumerate(configuration) if x > 0]
                net = {own: 1.0} | {link.number: 1.0 for link in acting if not link.is_compound}
                self._sums.append((net, {link.number: 1.0 for link in acting if link.is_compound}))
                place = len(self._sums) - 1
                if event.kind == "reached":
                    self._steps.append([place, layout.theta_index(v, row, j)])
                else:
                    self._binary.append([place, *(layout.theta_index(v, row, x) for x in (0, 1))])

    def _links(self, layout: Layout, v: int, j: int, leak: int, collector: Collector) -> dict[tuple[int, int], _Link]:
        """Return the links by parent's place and its state."""
        event, links = layout.events[v], {}
        for i, p in enumerate(layout.parents[v]):
            for x in range(1, layout.cards[p]):
                parent = layout.events[p]
                coordinate = collector.new("beta", f"{event.id}[{j}]|{parent.id}={parent.states[x]}")
                if event.cpt.leak == "compound":
                    self._compound.append([leak, collector.add({coordinate: SD_RAISE}, MEAN_RAISE)])
                    links[i, x] = _Link(True, len(self._compound) - 1)
                else:
                    self._net.append(collector.add({coordinate: SD_LINK}))
                    links[i, x] = _Link(False, len(self._net) - 1)
        return links

    def finish(self) -> NoisyOr:
        """Return the recipe."""
        leak, raise_ = _columns(self._compound, 2)
        steps, reached = _columns(self._steps, 2)
        binary, no, yes = _columns(self._binary, 3)
        return NoisyOr(
            np.array(self._net, dtype=np.intp),
            leak,
            raise_,
            linear_map([net for net, _ in self._sums]),
            linear_map([compound for _, compound in self._sums]),
            steps,
            reached,
            binary,
            no,
            yes,
        )


def _columns(rows: list[list[int]], n: int) -> tuple[Index, ...]:
    return tuple(np.array(rows, dtype=np.intp).reshape(-1, n).T.copy())


def noisy_or_values(xp: Any, recipe: NoisyOr, eta: Any) -> list[tuple[Index, Any]]:
    """Compute theta from log-odds eta (n_eta, draws) as (theta indices, values (entries, draws)).

    A compound link c includes the leak. Its net value is (c - leak) / (1 - leak) (Henrion 1989), so its rate is what c
    has above the leak's, ln((1 + e^(eta + d)) / (1 + e^eta)) for c with log-odds higher by d than the leak's eta.
    """
    leak = xp.exp(-softplus(xp, -eta[recipe.leak]))
    above = xp.log1p(leak * xp.expm1(softplus(xp, eta[recipe.raise_])))
    rates = recipe.from_net @ softplus(xp, eta[recipe.net]) + recipe.from_compound @ above
    binary = rates[recipe.binary]
    return [
        (recipe.reached, rates[recipe.steps]),
        (recipe.no, xp.exp(-binary)),
        (recipe.yes, -xp.expm1(-binary)),
    ]
