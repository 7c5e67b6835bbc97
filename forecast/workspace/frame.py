"""What statements and items are read against: names, window, the horizon of a day, and all that could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from forecast.workspace.names import Names
from forecast.workspace.problems import Source
from forecast.workspace.records import Event, Expert, Item, Network, Scenario, Statement, Workspace


@dataclass(frozen=True)
class Frame:
    """The world that statements and items refer to, as far as it could be read."""

    names: Names
    network: Network | None  # None where its dates are not readable
    today: date
    rules: tuple[Scenario, ...] = ()  # of the scenarios that could be read, in order, without names and summaries

    @property
    def events(self) -> Mapping[str, Event]:
        """The events that could be read."""
        return self.network.events if self.network else {}


def horizon_on(network: Network, day: date) -> date:
    """Return the horizon that forecasts and statements of a day are about."""
    rolled = [roll.horizon for roll in network.rolled if roll.on <= day]
    return rolled[-1] if rolled else network.window_ends


def last_horizon(network: Network) -> date:
    """Return the latest horizon that the file knows, whenever it comes into force."""
    return network.rolled[-1].horizon if network.rolled else network.window_ends


def seen_on(workspace: Workspace, day: date) -> Workspace:
    """Return the workspace with the horizon that is asked about on a day; the same object if that is its own."""
    network = workspace.network
    horizon = horizon_on(network, day)
    if horizon == network.horizon:
        return workspace
    ends = network.window_ends
    seen = replace(network, horizon=horizon, first_horizon=None if horizon == ends else ends)
    return replace(workspace, network=seen)


@dataclass(frozen=True)
class Superseding:
    """One item names another that it takes the place of."""

    item: str
    old: str
    source: Source


@dataclass(frozen=True)
class Readable:
    """Everything that could be read, wrong parts left out."""

    frame: Frame
    experts: Mapping[str, Expert]
    statements: tuple[Statement, ...]
    is_every_statement_read: bool
    items: tuple[Item, ...]
    item_ids: tuple[str, ...]  # also of items that could not be read
    superseding: tuple[Superseding, ...]  # likewise
