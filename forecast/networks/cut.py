"""A network with evidence, cut down to what a question needs: possible states, ancestors, separate parts.

Observed variables are no axes of any table any more; variables without evidence on themselves or below, and not asked
for, sum to one and are left out (barren nodes: Shachter 1986); what no table connects any more is answered apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Plan, plan
from forecast.networks.discrete import DiscreteNetwork

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Factor:
    """A table over the variables `scope` (those with more than one possible state), its axes in that order.

    `about` are all variables that it was cut from.
    """

    scope: tuple[str, ...]
    entries: Array
    about: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Variables that tables connect, and these tables."""

    variables: tuple[str, ...]
    factors: tuple[Factor, ...]
    cards: tuple[int, ...]

    @cached_property
    def plan(self) -> Plan:
        """An elimination plan of the part; variable i is `variables[i]`."""
        index = {name: i for i, name in enumerate(self.variables)}
        return plan(self.cards, [tuple(index[name] for name in factor.scope) for factor in self.factors])

    @property
    def arrays(self) -> list[Array]:
        """The tables of the factors, for one draw."""
        return [factor.entries[..., np.newaxis] for factor in self.factors]


class CutNetwork:
    """A network given evidence. `possible[v]` are the states of v that no likelihood excludes."""

    def __init__(self, network: DiscreteNetwork, likelihoods: Mapping[str, Sequence[Array]]) -> None:
        """Cut the states; `likelihoods[v]` is what is known about v, P(each finding | state) over its states."""
        self.network = network
        self.evidence = tuple(likelihoods)
        self.possible: Mapping[str, NDArray[np.intp]] = {
            name: np.flatnonzero(np.all(likelihoods[name], axis=0))
            if name in likelihoods
            else np.arange(len(network.states[name]))
            for name in network.names
        }
        self._narrowed = {name for name, left in self.possible.items() if left.size in (1, 0)} | {*likelihoods}
        self._likelihoods = {
            name: [self._cut((name,), likelihood) for likelihood in of_name] for name, of_name in likelihoods.items()
        }
        self._tables: dict[str, Factor] = {}

    def _cut(self, about: tuple[str, ...], entries: Array) -> Factor:
        if self._narrowed.isdisjoint(about):
            return Factor(about, entries, about)
        left = entries[np.ix_(*(self.possible[name] for name in about))]
        scope = tuple(name for name in about if self.possible[name].size != 1)
        return Factor(scope, left.reshape([self.possible[name].size for name in scope]), about)

    def _table(self, name: str) -> Factor:
        if name not in self._tables:
            self._tables[name] = self._cut((*self.network.parents[name], name), self.network.tables[name])
        return self._tables[name]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return variables with all their ancestors."""
        found: set[str] = set()
        waiting = [*names]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.network.parents[name]
        return found

    def parts(self, asked: Iterable[str]) -> tuple[list[Part], list[Factor]]:
        """Return what the evidence and the variables asked for hang on: its separate parts, and single numbers."""
        needed = self.ancestors([*asked, *self.evidence])
        named = [name for name in self.network.names if name in needed]
        return self._apart([f for name in named for f in (self._table(name), *self._likelihoods.get(name, ()))])

    def supports(self) -> tuple[list[Part], list[Factor]]:
        """Return the same for the evidence alone with 1 for every number that is not 0: enough to tell if it can be.

        Likelihoods need no table: what they exclude is cut out of the others.
        """
        needed = self.ancestors(self.evidence)
        tables = [self._table(name) for name in self.network.names if name in needed]
        return self._apart([replace(one, entries=np.sign(one.entries)) for one in tables])

    def _apart(self, factors: Sequence[Factor]) -> tuple[list[Part], list[Factor]]:
        group: dict[str, list[str]] = {}  # of each variable all those it is connected with, itself included
        for factor in factors:
            joined = max((group.setdefault(name, [name]) for name in factor.scope), key=len, default=[])
            for name in factor.scope:
                if group[name] is not joined:
                    joined += (others := group[name])
                    group.update(dict.fromkeys(others, joined))
        inside: dict[int, list[Factor]] = {}
        for factor in factors:
            if factor.scope:
                inside.setdefault(id(group[factor.scope[0]]), []).append(factor)
        order = {name: i for i, name in enumerate(self.network.names)}
        parts = []
        for of_part in inside.values():
            variables = tuple(sorted(group[of_part[0].scope[0]], key=order.__getitem__))
            parts.append(Part(variables, tuple(of_part), tuple(self.possible[name].size for name in variables)))
        return parts, [factor for factor in factors if not factor.scope]
