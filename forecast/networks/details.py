"""What a network file says beside states and probabilities, so that it can be written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Properties = tuple[tuple[str, str], ...]  # names and values, in the order of the file; a name may come twice


@dataclass(frozen=True)
class NoisyMaxParameters:
    """A noisy-MAX: each parent by itself puts the variable into a state, and the highest of these states holds.

    The states of the variable are listed from the highest to the one that holds without any cause. `effects[i]` has the
    axes (states of parent i in the order of the parent, states of the variable), `leak` the states of the variable;
    every row sums to one. `orders[i]` are the states of parent i as they are ranked; the last has no effect.

    Source: Henrion (1989), Diez (1993), "Parameter adjustment in Bayes networks: the generalized noisy OR-gate".
    """

    effects: tuple[Array, ...]
    leak: Array
    orders: tuple[tuple[int, ...], ...]

    def table(self) -> Array:
        """Return P(state | states of the parents), with the axes (parents..., states).

        Parents are added one by one: the higher of two states is s where one is s and the other no higher, or the
        other way round. Nothing is subtracted, so that a small probability keeps its digits.
        """
        made = self.leak
        for effect in self.effects:
            no_higher = np.flip(np.cumsum(np.flip(made, -1), -1), -1)  # P(state s or lower); states fall from the left
            by_parent = np.flip(np.cumsum(np.flip(effect, -1), -1), -1)
            lower = np.zeros_like(by_parent)
            lower[..., :-1] = by_parent[..., 1:]
            made = made[..., np.newaxis, :] * lower + no_higher[..., np.newaxis, :] * effect
        return made


@dataclass(frozen=True)
class VariableDetails:
    """What a file says of a variable besides.

    `title` is its name for readers, `noisy_max` the parameters that its table was computed from; `is_deterministic`
    says that the file lists states, not probabilities. `kept` is what only the format of the file has a place for, as
    it was written, under the name of that place.
    """

    title: str = ""
    properties: Properties = ()
    noisy_max: NoisyMaxParameters | None = None
    is_deterministic: bool = False
    kept: Properties = ()


@dataclass(frozen=True)
class NetworkDetails:
    """What a file says of the network as a whole, and of each variable that it says more about than its table.

    `kept` here and of the variables belongs to the format with the title `form`, and to no other.
    """

    name: str = ""
    properties: Properties = ()
    variables: Mapping[str, VariableDetails] = field(default_factory=dict[str, VariableDetails])
    form: str = ""
    kept: Properties = ()

    def of(self, name: str) -> VariableDetails:
        """Return what is said of a variable."""
        return self.variables.get(name, NOTHING)


NOTHING = VariableDetails()
NAMED_AT_MOST = 3


def listed(names: Sequence[str]) -> str:
    """Name a few variables and count the others: `'a', 'b', 'c' and 5 more`."""
    more = len(names) - NAMED_AT_MOST
    return ", ".join(f"'{name}'" for name in islice(names, NAMED_AT_MOST)) + (f" and {more} more" if more > 0 else "")
