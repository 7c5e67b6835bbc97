"""Networks with every way to build a CPT, and the coordinates of their rows by label."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.cpt.additive import Additive
from forecast.model.layout import Layout, lay_out
from forecast.sampling.spec import RowsPrior, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Event, Network
from tests.oracle.enumeration import Theta
from tests.oracle.random_worlds import named
from tests.worlds import SHARED

Array = NDArray[np.float64]
TABLE, LOGISTIC, NOISY_MAX = Cpt("table", None), Cpt("logistic", None), Cpt("noisy_max", None)
NET, COMPOUND = Cpt("noisy_or", "net"), Cpt("noisy_or", "compound")


def possible_cpts(event: Event) -> list[Cpt]:
    """Every way to build the CPT of an event."""
    if not event.parents:
        return [SHARED, TABLE]
    has_noisy_or = event.kind == "reached" or len(event.states) == 2
    return [SHARED, TABLE, LOGISTIC, NOISY_MAX, *([NET, COMPOUND] if has_noisy_or else [])]


def with_random_cpts(rng: np.random.Generator, network: Network) -> Network:
    """The network with a way for each event drawn at random."""
    events = {}
    for name, event in network.events.items():
        cpts = possible_cpts(event)
        events[name] = replace(event, cpt=cpts[int(rng.integers(len(cpts)))])
    return replace(network, events=events)


def additive(prior: RowsPrior) -> Additive:
    """The recipe of the rows whose log-odds add up."""
    (recipe,) = [recipe for recipe in prior.recipes if isinstance(recipe, Additive)]
    return recipe


class Drawn:
    """One draw of a network's rows: coordinates by label, and theta as probabilities."""

    def __init__(self, network: Network, given: dict[str, float] | None = None, seed: int = 1) -> None:
        self.layout: Layout = lay_out(network)
        self.prior: RowsPrior = rows_prior(self.layout)
        labels = [*self.prior.alpha, *self.prior.beta, *self.prior.epsilon]
        values = np.random.default_rng(seed).normal(size=len(labels)).tolist()
        self.by_label: dict[str, float] = dict(zip(labels, values, strict=True)) | (given or {})
        self.theta: Array = theta_draws(self.prior, np.array(list(self.by_label.values()))[:, np.newaxis])[:, 0]

    def row(self, name: str, *states: int) -> list[float]:
        """Probability of each state given the parents' states, or of each step of a reached event."""
        event = self.layout.events[self.layout.index[name]]
        parents = tuple(self.layout.events[self.layout.index[p]] for p in event.parents)
        names = tuple(parent.states[x] for parent, x in zip(parents, states, strict=True))
        return [float(self.rows[name, names, k][0]) for k in range(self.layout.width(self.layout.index[name]))]

    @cached_property
    def rows(self) -> Theta:
        """All rows by name, as probabilities."""
        return named(self.layout, self.theta[:, np.newaxis])
