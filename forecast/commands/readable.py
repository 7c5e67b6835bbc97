"""Forecast tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.prior.settings import CHAINS, SAMPLED_PER_CHAIN
from forecast.reweight.trusted import not_reliable

Table = Mapping[str, Any]


def percent(probability: float, mcse: float) -> str:
    """Write a probability in percent with no more digits than its Monte Carlo error allows."""
    digits = 1 if mcse < 0.002 else 0  # a second digit only where it would not be noise
    return f"{100 * probability:.{digits}f} %"


def points(change: float | None) -> str:
    """Write a change in percentage points, signed; a dash where there is nothing to compare with."""
    if change is None:
        return "-"
    return f"{100 * change:+.1f}" if abs(change) >= 0.0005 else "0"


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
        low, high = row["quantiles"]["0.05"], row["quantiles"]["0.95"]
        cells = [row["id"], percent(row["probability"], row["mcse"]), f"{100 * low:.0f} to {100 * high:.0f} %"]
        if with_change:
            cells += [points(row["change"]), moved_most(table.get("moved", []), row["id"])]
        style = "green" if (row["change"] or 0) > 0.0005 else "red" if (row["change"] or 0) < -0.0005 else ""
        grid.add_row(*(Text(cell, style=style if place == 3 else "") for place, cell in enumerate(cells)))
    Console(highlight=False, soft_wrap=False).print(grid)


def moved_most(moved: Sequence[Mapping[str, Any]], scenario: str) -> str:
    """Name what had the largest effect on a scenario, with the effect in percentage points."""
    best = max(moved, key=lambda row: abs(row["effects"].get(scenario, 0.0)), default=None)
    if best is None or abs(effect := best["effects"].get(scenario, 0.0)) < 0.00005:
        return "-"
    return f"{best['what']} ({100 * effect:+.2g})"


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
            low, high = row["quantiles"]["0.05"], row["quantiles"]["0.95"]
            certain = row["probability"] in {0.0, 1.0}
            number = f"{100 * row['probability']:.0f} %" if certain else percent(row["probability"], row["mcse"])
            interval = "known" if certain else f"{100 * low:.0f} to {100 * high:.0f} %"
            name = event["id"] if place == 0 else ""
            grid.add_row(*map(Text, (name, row["state"], number, interval)))
    Console(highlight=False, soft_wrap=False).print(grid)


def print_basis(table: Table) -> None:
    """Print what the numbers rest on, in two lines."""
    import click

    found = table["diagnostics"]
    anchor = (
        f"sampled with the evidence known on {found['anchor']}" if found["anchor"] else "sampled on statements alone"
    )
    k = "none" if found["pareto_k"] is None else f"{found['pareto_k']:.2f}"
    click.echo(f"as of {table['as_of']}, news watched until {table['known_until']}, horizon {table['horizon']}")
    click.echo(
        f"{found['draws']} draws {anchor}; effective size {found['ess']:.0f}, Pareto k {k}; "
        f"R-hat {found['r_hat_max']:.3f}, ESS {found['ess_bulk_min']:.0f} bulk and {found['ess_tail_min']:.0f} tail, "
        f"{found['divergences']:.0f} divergences"
    )
    times = found.get("sampled", 0.0) / (CHAINS * SAMPLED_PER_CHAIN)
    if times > 1.0:
        click.echo(f"the chains did not agree at first: drawn {times:.0f} times as long, {found['sampled']:.0f} draws")


def doubt(table: Table) -> str:
    """Say in one sentence that a forecast is not reliable, and why; empty where it is."""
    return not_reliable(table["diagnostics"].get("reasons", ()))  # older files give no reasons
