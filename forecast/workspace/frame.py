"""What every statement and item is read against: the names, the window, and the day of reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from forecast.workspace.names import Names
from forecast.workspace.records import Event, Network, Scenario


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
