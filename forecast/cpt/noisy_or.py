"""CPT rows in which any cause suffices by itself: `noisy_or`.

P(yes | u) = 1 - (1 - leak) prod_p (1 - link_p[u_p]), a parent in its first state having no link (Pearl 1988, section
4.3.2; the leak: Henrion 1989). With rates -ln(1 - p) that is a sum: those of the leak and of the links that act add up.
Theta holds each of them by itself, so that many parents are no more than many links (forecast.model.causes), or, of an
event that requires something, the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from forecast.cpt.kind import Collector, CptKind, Family, FamilyRows, Gathered, columns, softplus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from forecast.cpt.kind import Index
    from forecast.inference.tape import LinearMap

# The leak is what happens without any of the named causes: log-odds N(-2, 1.5^2), median .12.
MEAN_LEAK, SD_LEAK = -2.0, 1.5
# A net link is anything between 0 and 1: log-odds N(0, 1.5^2).
SD_LINK = 1.5
# A compound link raises the leak's log-odds by softplus(N(2, 1.5^2)): with a median leak it is about one half as well.
MEAN_RAISE, SD_RAISE = 2.0, 1.5
# Of the leak of an event that somebody put a number on, and of the links of a parent under whose states it is stated.
SD_STATED = 3.0

COMPOUND = "compound"  # the convention in which a link includes the leak


@dataclass(frozen=True, kw_only=True)
class NoisyOr:
    """Sums of the rates of leaks and links: theta of reached steps, and of nominal events with two states.

    `net` are the log-odds of leaks and net links; compound link i has log-odds eta[leak[i]] + softplus(eta[raise_[i]]).
    `from_net` and `from_compound` add up those that act. Rows `steps` of the sums are theta at `reached`; rows `binary`
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

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta (`Recipe`).

        A compound link c includes the leak. Its net value is (c - leak) / (1 - leak) (Henrion 1989), so its rate is
        what c has above the leak's, ln((1 + e^(eta + d)) / (1 + e^eta)) for c with log-odds higher by d than the
        leak's eta.
        """
        leak = xp.exp(-softplus(xp, -eta[self.leak]))
        above = xp.log1p(leak * xp.expm1(softplus(xp, eta[self.raise_])))
        rates = self.from_net @ softplus(xp, eta[self.net]) + self.from_compound @ above
        binary = rates[self.binary]
        return [
            (self.reached, rates[self.steps]),
            (self.no, xp.exp(-binary)),
            (self.yes, -xp.expm1(-binary)),
        ]


def leak_sd(family: Family) -> float:
    """Return the sd of a leak's log-odds."""
    return SD_STATED if family.spoken.as_a_whole or family.spoken.given else SD_LEAK


def link_sd(family: Family, place: int, usual: float) -> float:
    """Return the sd of the log-odds of a parent's links, by the parent's place."""
    return SD_STATED if family.parents[place].id in family.spoken.given else usual


class _Rate(NamedTuple):
    """A rate's number among its like."""

    is_compound: bool
    number: int


class NoisyOrRows(FamilyRows):
    """The rows of all noisy-OR events."""

    def __init__(self) -> None:
        self._net: list[int] = []
        self._compound: list[list[int]] = []
        self._sums: list[tuple[dict[int, float], dict[int, float]]] = []
        self._steps: list[list[int]] = []
        self._binary: list[list[int]] = []

    def add(self, family: Family, collector: Collector) -> None:
        """Add an event: reached (each step by itself), or with two states."""
        for j in range(len(family.states) - 1):
            leak = collector.add({collector.new("alpha", f"{family.label(j)}|leak"): leak_sd(family)}, MEAN_LEAK)
            self._net.append(leak)
            rates = [_Rate(False, len(self._net) - 1), *self._links(family, j, leak, collector)]
            for row, causes in enumerate(family.acting):
                acting = [rates[cause] for cause in causes]
                net = {rate.number: 1.0 for rate in acting if not rate.is_compound}
                self._sums.append((net, {rate.number: 1.0 for rate in acting if rate.is_compound}))
                place = len(self._sums) - 1
                if family.is_reached:
                    self._steps.append([place, family.theta_index(row, j)])
                else:
                    self._binary.append([place, *(family.theta_index(row, x) for x in (0, 1))])

    def _links(self, family: Family, j: int, leak: int, collector: Collector) -> Iterator[_Rate]:
        for place, x in family.links:
            parent = family.parents[place]
            coordinate = collector.new("beta", f"{family.label(j)}|{parent.id}={parent.states[x]}")
            if family.leak == COMPOUND:
                self._compound.append([leak, collector.add({coordinate: link_sd(family, place, SD_RAISE)}, MEAN_RAISE)])
                yield _Rate(True, len(self._compound) - 1)
            else:
                self._net.append(collector.add({coordinate: link_sd(family, place, SD_LINK)}))
                yield _Rate(False, len(self._net) - 1)

    def recipe(self) -> NoisyOr:
        """Return how theta is computed. Also of nothing: what is recorded decides the order of later sums."""
        from forecast.inference.tape import linear_map

        leak, raise_ = columns(self._compound, 2)
        steps, reached = columns(self._steps, 2)
        binary, no, yes = columns(self._binary, 3)
        (net,) = columns([[eta] for eta in self._net], 1)
        return NoisyOr(
            net=net,
            leak=leak,
            raise_=raise_,
            from_net=linear_map([rates for rates, _ in self._sums]),
            from_compound=linear_map([compound for _, compound in self._sums]),
            steps=steps,
            reached=reached,
            binary=binary,
            no=no,
            yes=yes,
        )


class NoisyOrCpt(CptKind):
    """Any cause suffices; of reached events, and of others with two states."""

    name = "noisy_or"
    can_lower = False
    order = 3
    acts_by_cause = True
    leaks = ("net", COMPOUND)
    leak_rule = (
        "a noisy_or needs leak: 'net' (a link is what the cause does alone) or 'compound' (it includes the leak)"
    )
    gathers = (NoisyOrRows,)

    def misfit(self, event_kind: str, n_states: int) -> tuple[str, str] | None:
        """More than two states have an order only where the event is reached step by step."""
        if event_kind == "reached" or n_states <= 2:
            return None
        return "with more than two states", "use 'noisy_max' for ordered states"

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates: of the leak, and of a link for each state of a parent but its first."""
        return (n_states - 1) * (1 + sum(states - 1 for states in parents))

    def add(self, family: Family, collector: Collector, gathered: Gathered) -> None:
        """Add an event."""
        gathered.of(NoisyOrRows).add(family, collector)
