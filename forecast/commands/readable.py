"""Forecast tables and small drawings on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from forecast.digits import UNKNOWN_ERROR, change, exact, interval, percent
from forecast.posterior.weights import not_reliable
from forecast.sampling.settings import CHAINS, SAMPLED_PER_CHAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table as Grid

    from forecast.analysis.questions import ByDate, Chance, EventOn, ScenarioOn, StateOn


Table = Mapping[str, Any]


def points(difference: float | None, mcse: float | None) -> str:
    """Write a change in percentage points, signed; a dash where there is nothing to compare with."""
    return "-" if difference is None else change(difference, mcse)


def style_of(shown: str) -> str:
    """Return the colour of a change as it is shown: up, down, or none."""
    return {"+": "green", "-": "red"}.get(shown[0], "") if len(shown) > 1 else ""


def interval_of(row: Table) -> str:
    """Write the 90 % interval of a row with `quantiles` and `mcse`."""
    return middle_90(row["quantiles"], row["mcse"])


def middle_90(quantiles: Mapping[str, float], mcse: float | None) -> str:
    """Write the 90 % interval between quantiles, by level."""
    return interval(quantiles["0.05"], quantiles["0.95"], mcse)


def print_table(grid: Grid, console: Console | None = None) -> None:
    """Print a table as wide as the terminal; where that is too narrow, lines break between words, never within one.

    What is left of the width goes to the columns that would break most often. A table whose words
    alone need more is printed wider.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False, soft_wrap=False)
    least, most = [], []
    for column in grid.columns:
        cells = [cell if isinstance(cell, Text) else Text(str(cell)) for cell in (column.header, *column.cells)]
        lines = [line for cell in cells for line in cell.split("\n")]
        most.append(max(line.cell_len for line in lines))
        words = [Text(word).cell_len for line in lines for word in line.plain.split()]
        least.append(most[-1] if column.no_wrap else max(words, default=0))
    gaps = sum(grid.padding[1::2]) * len(least) - (0 if grid.pad_edge else grid.padding[1] + grid.padding[3])
    widths = list(least)
    for _ in range(max(0, min(sum(most), console.width - gaps) - sum(least))):
        place = max(range(len(widths)), key=lambda i: most[i] / max(widths[i], 1))
        widths[place] += 1
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    console.width = max(console.width, sum(widths) + gaps)
    console.print(grid)


def print_scenarios(table: Table, *, with_change: bool) -> None:
    """Print the scenarios: probability, 90 % interval, change, and what moved each most."""
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
    print_table(grid)


def moved_most(moved: Sequence[Mapping[str, Any]], scenario: Table) -> str:
    """Name what had the largest effect on a scenario, with the effect in points: "-" where there is none.

    An effect has the digits of the scenario's own probability: its error is of that size.
    """
    name = scenario["id"]
    best = max(moved, key=lambda row: abs(row["effects"].get(name, 0.0)), default=None)
    error = scenario["mcse"] or UNKNOWN_ERROR  # of what is certain now, the effect is a number that was not
    shown = "0" if best is None else change(best["effects"].get(name, 0.0), error)
    return "-" if best is None or shown == "0" else f"{best['what']} ({shown})"


def print_events(table: Table) -> None:
    """Print every event with its states' probabilities."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "state", "probability", "90 % interval"):
        grid.add_column(heading, justify="left" if heading in {"event", "state"} else "right")
    for event in table["events"]:
        for place, row in enumerate(event["states"]):
            name = event["id"] if place == 0 else ""
            grid.add_row(*map(Text, (name, row["state"], percent(row["probability"], row["mcse"]), interval_of(row))))
    print_table(grid)


def print_basis(table: Table) -> None:
    """Print what the numbers rest on, in two lines."""
    import click

    diagnostics = table["diagnostics"]
    anchor = (
        f"sampled with the evidence known on {diagnostics['anchor']}"
        if diagnostics["anchor"]
        else "sampled from the prior"
    )
    k = "none" if diagnostics["pareto_k"] is None else f"{diagnostics['pareto_k']:.2f}"
    click.echo(f"as of {table['as_of']}, news watched until {table['known_until']}, horizon {table['horizon']}")
    click.echo(
        f"{diagnostics['draws']} draws {anchor}; effective size {diagnostics['ess']:.0f}, Pareto k {k}; "
        f"R-hat {diagnostics['r_hat_max']:.3f}, "
        f"ESS {diagnostics['ess_bulk_min']:.0f} bulk and {diagnostics['ess_tail_min']:.0f} tail, "
        f"{diagnostics['divergences']:.0f} divergences"
    )
    times = diagnostics.get("sampled", 0.0) / (CHAINS * SAMPLED_PER_CHAIN)
    if times > 1.0:
        click.echo(
            f"the chains disagreed at first and were drawn {times:.0f} times as long: "
            f"{diagnostics['sampled']:.0f} draws"
        )


def doubt(table: Table) -> str:
    """Say in one sentence that a forecast is not reliable, and why; empty where it is."""
    return not_reliable(table["diagnostics"].get("reasons", ()))  # older files give no reasons


Row = Mapping[str, Any]

ROUNDING = 9  # decimals: what is nearer to 0 or 1 is known


def print_by(table: ByDate) -> None:
    """Print scenarios and events: probability on the day, 90 % interval, and the probability at the horizon."""
    from rich.table import Table as Grid
    from rich.text import Text

    scenarios = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("scenario", f"on {table.by}", "90 % interval", "at the horizon"):
        scenarios.add_column(heading, justify="left" if heading == "scenario" else "right")
    for row in table.scenarios:
        scenarios.add_row(*map(Text, (row.id, *_cells(row, row.at_horizon, row.at_horizon_mcse))))
    events = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "state", "", str(table.by), "90 % interval", "at the horizon"):
        events.add_column(heading, justify="left" if heading in {"event", "state", ""} else "right")
    for event in table.events:
        for place, cells in enumerate(_states(event)):
            events.add_row(*map(Text, (event.id if place == 0 else "", *cells)))
    print_table(scenarios)
    click.echo()
    print_table(events)
    click.echo(f"as of {table.as_of}, news watched until {table.known_until}, horizon {table.horizon}")
    click.echo("by: this step or a later one taken by the day; on: in this state on the day")


def _states(event: EventOn) -> list[tuple[str, ...]]:
    rows = event.states
    if event.kind != "reached":
        return [(row.state, "on", *_cells(row, row.at_horizon, row.at_horizon_mcse)) for row in rows]
    # At least the first state is certain. The error of a sum is at most the sum of the errors.
    later = [
        [sum(getattr(row, key) for row in rows[place:]) for key in ("at_horizon", "at_horizon_mcse")]
        for place in range(len(rows))
    ]
    cells = [
        (one.state, "by", *_cells(one.reached, *sums))
        for one, sums in zip(rows, later, strict=True)
        if one.reached is not None
    ]
    return list(cells[1:])


def _cells(row: Chance | ScenarioOn | StateOn, at_horizon: float, error: float) -> tuple[str, str, str]:
    low, high = row.quantiles["0.05"], row.quantiles["0.95"]
    if low == high:  # every draw says the same: 0 or 1, but for rounding
        known = percent(round(low, ROUNDING), row.mcse)
        return known, known, known
    return percent(row.probability, row.mcse), middle_90(row.quantiles, row.mcse), percent(at_horizon, error)


def print_prior(table: Table) -> None:
    """Print scenarios and events: by the statements with their 90 % interval, by the flat prior, and the pulls."""
    from rich.table import Table as Grid
    from rich.text import Text

    scenarios = _grid("scenario")
    for row in table["scenarios"]:
        scenarios.add_row(*map(Text, (row["id"], *_numbers(row))))
    print_table(scenarios)
    click.echo()
    events = _grid("event", "state")
    events.add_column("default weight", justify="right")
    for event in table["events"]:
        for place, row in enumerate(event["states"]):
            name, pull = (event["id"], f"{event['pull']:.2f}") if place == 0 else ("", "")
            events.add_row(*map(Text, (name, row["state"], *_numbers(row), pull)))
    print_table(events)
    if not table["next_steps"]:
        return
    click.echo()
    steps = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("event", "next step", "once it is"):
        steps.add_column(name)
    for heading in ("implied then", "before", "stated"):
        steps.add_column(heading, justify="right")
    for row in table["next_steps"]:
        numbers = (percent(row["once"], row["once_mcse"]), percent(row["now"], row["now_mcse"]))
        stated = "-" if row["stated"] is None else exact(row["stated"])
        steps.add_row(*map(Text, (row["event"], row["next"], row["step"], *numbers, stated)))
    print_table(steps)
    said = "stated: the largest number that anybody gave it, of the day it was said; implied: of the day of this prior"
    click.echo(f"{said}, with the time left from then")


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


EIGHTHS = " ▁▂▃▄▅▆▇█"
COLUMNS = 50  # of two percent each
ROWS = 4
TICKS = ((0, "0"), (12, "25"), (25, "50"), (37, "75"), (47, "100 %"))
BAR = 40  # columns of a bar of 100 %


def density(cdf: Callable[[float], float]) -> Iterator[str]:
    """Yield lines that draw a distribution over 0 to 1, given its distribution function, and the axis below."""
    edges = [column / COLUMNS for column in range(1, COLUMNS)]
    below = [0.0, *map(cdf, edges), 1.0]
    masses = [after - before for before, after in pairwise(below)]
    heights = [round(mass / max(masses) * ROWS * 8) for mass in masses]
    for row in reversed(range(ROWS)):
        yield "".join(EIGHTHS[min(max(height - 8 * row, 0), 8)] for height in heights).rstrip()
    axis = [" "] * (COLUMNS + 2)
    for column, label in TICKS:
        axis[column : column + len(label)] = label
    yield "─" * COLUMNS
    yield "".join(axis).rstrip()


def bars(names: Sequence[str], shares: Sequence[float]) -> Iterator[str]:
    """Yield one line for each share, with a bar and the percentage."""
    width = max(map(len, names))
    for name, share in zip(names, shares, strict=True):
        yield f"{name:<{width}}  {'█' * round(share * BAR)} {exact(share)}"


def sparkline(course: Sequence[float | None], top: float) -> str:
    """Draw probabilities as one column each, `top` at full height; a gap where there is none."""
    return "".join(" " if p is None else EIGHTHS[max(1, round(8 * p / top))] if top else EIGHTHS[1] for p in course)
