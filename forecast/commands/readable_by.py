"""The forecast for a day, as `forecast show --by` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from forecast.commands.readable import interval_of
from forecast.digits import percent

Row = Mapping[str, Any]

ROUNDING = 9  # decimals: what is nearer to 0 or 1 is known


def print_by(table: Row) -> None:
    """Print scenarios and events: probability on the day, 90 % interval, and the probability at the horizon."""
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    scenarios = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("scenario", f"on {table['by']}", "90 % interval", "at the horizon"):
        scenarios.add_column(heading, justify="left" if heading == "scenario" else "right")
    for row in table["scenarios"]:
        scenarios.add_row(*map(Text, (row["id"], *_cells(row, row["at_horizon"], row["at_horizon_mcse"]))))
    events = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "state", "", table["by"], "90 % interval", "at the horizon"):
        events.add_column(heading, justify="left" if heading in {"event", "state", ""} else "right")
    for event in table["events"]:
        for place, cells in enumerate(_states(event)):
            events.add_row(*map(Text, (event["id"] if place == 0 else "", *cells)))
    console.print(scenarios)
    click.echo()
    console.print(events)
    click.echo(f"as of {table['as_of']}, news watched until {table['known_until']}, horizon {table['horizon']}")
    click.echo("by: this step or a later one taken by the day; on: in this state on the day")


def _states(event: Row) -> list[tuple[str, ...]]:
    rows = event["states"]
    if event["kind"] != "reached":
        return [(row["state"], "on", *_cells(row, row["at_horizon"], row["at_horizon_mcse"])) for row in rows]
    # At least the first state is certain. The error of a sum is at most the sum of the errors.
    later = [
        [sum(one[key] for one in rows[place:]) for key in ("at_horizon", "at_horizon_mcse")]
        for place in range(len(rows))
    ]
    cells = [(one["state"], "by", *_cells(one["reached"], *sums)) for one, sums in zip(rows, later, strict=True)]
    return list(cells[1:])


def _cells(row: Row, at_horizon: float, error: float) -> tuple[str, str, str]:
    low, high = row["quantiles"]["0.05"], row["quantiles"]["0.95"]
    if low == high:  # every draw says the same: 0 or 1, but for rounding
        known = percent(round(low, ROUNDING), row["mcse"])
        return known, "known", known
    return percent(row["probability"], row["mcse"]), interval_of(row), percent(at_horizon, error)
