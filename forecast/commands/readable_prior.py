"""The prior on a terminal: what the statements alone imply, beside the prior that nobody has spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forecast.commands.readable import Table, interval_of
from forecast.digits import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table as Grid


def print_prior(table: Table) -> None:
    """Print scenarios and events: by the statements with their 90 % interval, by the flat prior, and the pulls."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    scenarios = _grid("scenario")
    for row in table["scenarios"]:
        scenarios.add_row(*map(Text, (row["id"], *_numbers(row))))
    console.print(scenarios)
    console.print()
    events = _grid("event", "state")
    events.add_column("default weight", justify="right")
    for event in table["events"]:
        for place, row in enumerate(event["states"]):
            name, pull = (event["id"], f"{event['pull']:.2f}") if place == 0 else ("", "")
            events.add_row(*map(Text, (name, row["state"], *_numbers(row), pull)))
    console.print(events)


def _grid(*names: str) -> Grid:
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in names:
        grid.add_column(name)
    for heading in ("prior", "90 % interval", "flat"):
        grid.add_column(heading, justify="right")
    return grid


def _numbers(row: Mapping[str, Any]) -> tuple[str, str, str]:
    flat = row["flat"]
    return (
        percent(row["probability"], row["mcse"]),
        interval_of(row),
        percent(flat["probability"], flat["mcse"]),
    )
