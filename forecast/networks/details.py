"""What a network file says beside states and probabilities, so that it can be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Properties = tuple[tuple[str, str], ...]  # names and values, in the order of the file; a name may come twice


@dataclass(frozen=True)
class NoisyMax:
    """A noisy-MAX: each parent by itself puts the variable into a state, and the highest of these states holds.

    The states of the variable are listed from the highest to the one that holds without any cause. `effects[i]` has the
    axes (states of parent i, states of the variable), `leak` the states of the variable; every row sums to one.
    `orders[i]` are the states of parent i as they are ranked, the one without effect last.

    Source: Henrion (1989), Diez (1993), "Parameter adjustment in Bayes networks: the generalized noisy OR-gate".
    """

    effects: tuple[NDArray[np.float64], ...]
    leak: NDArray[np.float64]
    orders: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class VariableDetails:
    """What a file says of a variable besides.

    `title` is its name for readers. `bounds` are those of its states as intervals, one more than there are states, or
    a number for each state. `noisy_max` are the parameters that its table was computed from; `is_deterministic` says
    that the file lists states, not probabilities.
    """

    title: str = ""
    properties: Properties = ()
    bounds: tuple[float, ...] = ()
    noisy_max: NoisyMax | None = None
    is_deterministic: bool = False


@dataclass(frozen=True)
class NetworkDetails:
    """What a file says of the network as a whole, and of each variable that it says more about than its table."""

    name: str = ""
    properties: Properties = ()
    variables: Mapping[str, VariableDetails] = field(default_factory=dict[str, VariableDetails])
