"""Forecast tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.digits import UNKNOWN_ERROR, change, interval, percent
from forecast.prior.settings import CHAINS, SAMPLED_PER_CHAIN
from forecast.reweight.trusted import not_reliable

Table = Mapping[str, Any]


def points(difference: float | None, mcse: float | None) -> str:
    """Write a change in percentage points, signed; a dash where there is nothing to compare with."""
    return "-" if difference is None else change(difference, mcse)


def style_of(shown: str) -> str:
    """Return the colour of a change as it is shown: up, down, or none."""
    return {"+": "green", "-": "red"}.get(shown[0], "") if len(shown) > 1 else ""


def interval_of(row: Table) -> str:
    """Write the 90 % interval of a row with `quantiles` and `mcse`."""
    return interval(row["quantiles"]["0.05"], row["quantiles"]["0.95"], row["mcse"])


def print_scenarios(table: Table, *, with_change: bool) -> None:
    """Print the scenarios: probability, 90 % interval, change, and what moved each most."""
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("scenario")
    grid.add_column("probability", justify="right")
    grid.add_column("90 % interval", justify="right")
    if with_change:
        grid.add_column("change", justify="right")
        grid.add_column("moved most by")
    for row in table["scenarios"]:
        cells = [row["id"], percent(row["probability"], row["mcse"]), interval_of(row)]
        if with_change:
            cells += [points(row["change"], row["mcse"]), moved_most(table.get("moved", []), row)]
        grid.add_row(*(Text(cell, style=style_of(cell) if place == 3 else "") for place, cell in enumerate(cells)))
    Console(highlight=False, soft_wrap=False).print(grid)


def moved_most(moved: Sequence[Mapping[str, Any]], scenario: Table) -> str:
    """Name what had the largest effect on a scenario, with the effect in points: "-" where none can be told.

    An effect has the digits of the scenario's own probability: its error is of that size.
    """
    name = scenario["id"]
    best = max(moved, key=lambda row: abs(row["effects"].get(name, 0.0)), default=None)
    error = scenario["mcse"] or UNKNOWN_ERROR  # of what is certain now, the effect is a number that was not
    shown = "0" if best is None else change(best["effects"].get(name, 0.0), error)
    return "-" if best is None or shown == "0" else f"{best['what']} ({shown})"


def print_events(table: Table) -> None:
    """Print every event with its states' probabilities."""
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "state", "probability", "90 % interval"):
        grid.add_column(heading, justify="left" if heading in {"event", "state"} else "right")
    for event in table["events"]:
        for place, row in enumerate(event["states"]):
            spread = "known" if row["probability"] in {0.0, 1.0} else interval_of(row)
            name = event["id"] if place == 0 else ""
            grid.add_row(*map(Text, (name, row["state"], percent(row["probability"], row["mcse"]), spread)))
    Console(highlight=False, soft_wrap=False).print(grid)


def print_basis(table: Table) -> None:
    """Print what the numbers rest on, in two lines."""
    import click

    found = table["diagnostics"]
    anchor = f"sampled with the evidence known on {found['anchor']}" if found["anchor"] else "sampled from the prior"
    k = "none" if found["pareto_k"] is None else f"{found['pareto_k']:.2f}"
    click.echo(f"as of {table['as_of']}, news watched until {table['known_until']}, horizon {table['horizon']}")
    click.echo(
        f"{found['draws']} draws {anchor}; effective size {found['ess']:.0f}, Pareto k {k}; "
        f"R-hat {found['r_hat_max']:.3f}, ESS {found['ess_bulk_min']:.0f} bulk and {found['ess_tail_min']:.0f} tail, "
        f"{found['divergences']:.0f} divergences"
    )
    times = found.get("sampled", 0.0) / (CHAINS * SAMPLED_PER_CHAIN)
    if times > 1.0:
        click.echo(
            f"the chains disagreed at first and were drawn {times:.0f} times as long: {found['sampled']:.0f} draws"
        )


def doubt(table: Table) -> str:
    """Say in one sentence that a forecast is not reliable, and why; empty where it is."""
    return not_reliable(table["diagnostics"].get("reasons", ()))  # older files give no reasons
