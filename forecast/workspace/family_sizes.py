"""How large the CPT of an event becomes, and what it will cost, before anything is built of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from forecast.cpt import KINDS
from forecast.workspace.names import Readable, horizon_on
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import EDITORS, Count, Event, Item, Network, Settled, Statement, Workspace

# Measured with events of 4 to 11 parents of two states and 1 to 13 networks (two cores at 2.8 GHz): a fit takes one to
# two milliseconds for each term of its recorded program. A row's number has about 9 terms and one for each parent where
# it is built, and 18 in each network that statements are read in.
TERMS_BUILT, TERMS_COMPILED, SECONDS_A_TERM = 9, 18, 2e-3
# The sampler, its checks and the draws that are kept hold each coordinate ten times: 5000 draws of 8 bytes.
BYTES_A_COORDINATE = 10 * 5000 * 8
# Stage 2 holds theta, the factors and messages of 4000 draws.
BYTES_AN_ENTRY = 6 * 4000 * 8
MANY_ROWS = 64  # from which on `check --network` tells what a CPT costs
LONG_MINUTES, MUCH_MEMORY = 2.0, 1e9  # beyond which one event is warned about
MOST_MINUTES, MOST_MEMORY = 60.0, 8e9  # beyond which it is refused: nobody waits for it, or it does not fit


@dataclass(frozen=True, kw_only=True)
class FamilySize:
    """The CPT of one event: its rows (or causes that act each by itself), coordinates of its prior, bytes while it is
    fitted, and minutes of a fit.
    """

    rows: int
    coordinates: int
    memory: float
    minutes: float

    def __str__(self) -> str:
        minutes = f"{self.minutes:,.0f} minutes" if self.minutes >= 1.5 else "a minute or less"
        return (
            f"{self.rows:,} rows, {self.coordinates:,} parameters, {self.memory / 1e9:,.1f} GB, {minutes} for each fit"
        )


def holds_causes(event: Event) -> bool:
    """Say whether an event is held as causes that act each by itself, in the place of rows.

    What an event requires stops all of its causes at once, so that one that requires something has rows.
    """
    return KINDS[event.cpt.kind].acts_by_cause and not event.requires


def family_size(event: Event, events: Mapping[str, Event], n_networks: int, *, is_settled: bool = True) -> FamilySize:
    """Predict what an event's CPT will cost.

    Args:
        event: the event.
        events: its parents among others; one that is not there is left out.
        n_networks: dates for which the network is compiled.
        is_settled: whether anything about the event is settled.

    Causes that act each by itself need a table over all parents only where a reached event has several steps; the
    history of a status, and of a step that was taken, needs one over the constants among them.
    """
    parents = [events[name] for name in event.parents if name in events]
    states, width = [len(parent.states) for parent in parents], len(event.states) - 1
    kind = KINDS[event.cpt.kind]
    rows = prod(states)
    if holds_causes(event) and not (event.kind == "reached" and width > 1):
        together = event.kind == "status" or (event.kind == "reached" and is_settled)
        constants = prod(len(parent.states) for parent in parents if parent.kind == "constant")
        rows = max(1 + sum(number - 1 for number in states), constants if together else 1)
    coordinates = kind.n_coordinates(len(event.states), states)
    terms = rows * width * (TERMS_BUILT + len(states) + TERMS_COMPILED * n_networks)
    return FamilySize(
        rows=rows,
        coordinates=coordinates,
        memory=coordinates * BYTES_A_COORDINATE + rows * len(event.states) * BYTES_AN_ENTRY,
        minutes=terms * SECONDS_A_TERM / 60.0,
    )


def compiled_networks(network: Network, statements: tuple[Statement, ...]) -> int:
    """Count the days and horizons for which the network is compiled: those of the statements, and that of the day."""
    read = {
        (
            None if said.expert == EDITORS or isinstance(said.reading, Count) else max(said.date, network.opens),
            said.about.by or horizon_on(network, said.date),
        )
        for said in statements
    }
    return 1 + len(read)


def size_in(workspace: Workspace, event: Event) -> FamilySize:
    """Predict what an event's CPT costs in a workspace."""
    network = workspace.network
    n_networks = compiled_networks(network, workspace.statements)
    return family_size(event, network.events, n_networks, is_settled=event.id in _settled(workspace.items))


def _settled(items: Iterable[Item]) -> set[str]:
    return {part.event for item in items for part in item.bears_on if isinstance(part, Settled)}


def _way_out(event: Event) -> str:
    if not KINDS[event.cpt.kind].acts_by_cause:
        return "use cpt noisy_or or noisy_max if each cause acts by itself, merge parents into one, or drop a parent"
    if event.requires:
        return "make its causes an event of their own with this cpt, and let this one require it too; or drop a parent"
    if event.kind == "reached" and len(event.states) > 2:
        return "make each step an event of its own, merge parents into one, or drop a parent"
    return "merge the constants among the parents into one, or drop a parent"


def large_families(all_: Readable) -> Iterator[Problem]:
    """Warn of events whose rows will take long or much memory, and refuse those that nobody could wait for.

    The limits are for one event. Nothing of the size of a CPT is built before this is said.
    """
    network = all_.frame.network
    if network is None:
        return
    n_networks, settled = compiled_networks(network, all_.statements), _settled(all_.items)
    for event in network.events.values():
        size = family_size(event, network.events, n_networks, is_settled=event.id in settled)
        is_refused = size.minutes > MOST_MINUTES or size.memory > MOST_MEMORY
        if not is_refused and size.minutes <= LONG_MINUTES and size.memory <= MUCH_MEMORY:
            continue
        what = f"event {shown(event.id)}: {len(event.parents)} parents make {'too many' if is_refused else 'many'} rows"
        allowed = _way_out(event)
        if is_refused:
            allowed = f"at most {MOST_MINUTES:.0f} minutes and {MOST_MEMORY / 1e9:.0f} GB; {allowed}"
        yield Problem(event.source, what, str(size), allowed, "error" if is_refused else "warning")
