"""`forecast decide`: what the options of a decision are worth under the forecast, and what knowing more is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import running
from forecast.commands.running import echo_json, opened
from forecast.digits import percent
from forecast.plain import as_data
from forecast.workspace.problems import choice

if TYPE_CHECKING:
    from forecast.analysis.decide import Decided, WatchedFor

FIGURES = 4  # of the largest number of a decision
MOST_WATCHED = 6  # events that are shown; --json has all


@click.command()
@click.argument("name", metavar="[DECISION]", required=False)
@running.workspace
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True, help="Days of watching before it.")
@running.as_of
@running.seed
@running.as_json
def decide(name: str | None, root: Path, days: int, as_of: date | None, seed: int | None, as_json: bool) -> None:
    """Compare the options of each decision in priors/decisions.yaml, or of DECISION alone.

    Shown: expected utility with the spread of it over draws, how often each option is best, the expected loss against
    knowing the outcome, and what it is worth to know the outcome, or an event's state in some days, before choosing.
    """
    with opened(root, as_of, seed) as session:
        known = [one.id for one in session.files.decisions]
        if name is not None and name not in known:
            raise click.UsageError(f"there is no decision '{name}'; {choice('decisions', name, known)}")
        found = session.decisions(days, name)
    if as_json:
        echo_json(as_data(found if name is None else found[0]))
        return
    if not found:
        click.echo("there are no decisions; write them in priors/decisions.yaml")
    for number, one in enumerate(found):
        if number:
            click.echo()
        _print(one)


def _print(one: Decided) -> None:
    write = _Writer.of([number for row in one.options for number in row.utilities.values()])
    click.secho(f"{one.decision}: {one.question}", bold=True)
    of = "scenarios" if one.event is None else f"the states of {one.event}"
    click.echo(f"in {one.unit}, by {of} at the horizon {one.horizon}; as of {one.as_of}")
    click.echo()
    cells = [
        (
            row.option,
            write(row.expected, row.mcse),
            f"{write(row.low, row.mcse)} to {write(row.high, row.mcse)}",
            percent(row.best, None),
            write(row.regret, row.regret_mcse),
        )
        for row in one.options
    ]
    _grid(("option", "expected", "90 % interval", "best", "regret"), cells, decimals=(1, 4))
    click.echo()
    error = one.options[0].regret_mcse  # of knowing all; less is known no better than that
    options = tuple(row.option for row in one.options)
    _grid(
        (one.event or "scenario", "probability", *options),
        [
            (outcome, percent(p, None), *(write(row.utilities[outcome]) for row in one.options))
            for outcome, p in one.outcomes.items()
        ],
    )
    click.echo()
    click.echo(f"worth of knowing the outcome before choosing: {write(one.perfect, error)}")
    click.echo(f"worth of knowing how probable each is, without spread: {write(one.known_probabilities, error)}")
    telling = [row for row in one.watching if row.value > 0.0 and not write(row.value, error).startswith("<")]
    if not telling:
        click.echo(f"worth of knowing an event's state on {one.by}: next to nothing, as the same option stays best")
        return
    click.echo(f"worth of knowing an event's state on {one.by} before choosing:")
    rows = [(row.event, write(row.value, error), _then(row)) for row in telling[:MOST_WATCHED]]
    _grid(("event", "worth", "then best"), rows, words=(2,), decimals=(1,))
    if (rest := len(telling) - MOST_WATCHED) > 0:
        click.echo(f"and {rest} more that are worth less; --json lists all")


def _then(row: WatchedFor) -> str:
    """Say which option is best in which state, options that are best in several with all of these."""
    states: dict[str, list[str]] = {}
    for seen in row.states:
        states.setdefault(seen.best, []).append(f"{seen.state} ({percent(seen.probability, None)})")
    return "; ".join(f"{option} if {' or '.join(of)}" for option, of in states.items())


@dataclass(frozen=True)
class _Writer:
    """Writes utilities alike: so many decimals that the largest number of a decision has FIGURES digits."""

    decimals: int

    @classmethod
    def of(cls, numbers: Sequence[float]) -> _Writer:
        largest = max((abs(number) for number in numbers), default=0.0)
        return cls(max(FIGURES - 1 - floor(log10(largest)), 0) if largest > 0.0 else 0)

    def __call__(self, number: float, mcse: float = 0.0) -> str:
        """Write a number in the finest power of ten that twice its Monte Carlo error does not exceed."""
        power = max(-self.decimals, ceil(log10(2.0 * mcse))) if mcse > 0.0 else -self.decimals
        text = f"{round(number, -power):,.{max(-power, 0)}f}"
        if any(digit in text for digit in "123456789") or number == 0.0:
            return text
        return f"<{10.0**power:,.{max(-power, 0)}f}" if number > 0.0 else text.lstrip("-")


def _at_the_point(heading: str, numbers: Sequence[str]) -> tuple[str, list[str]]:
    """Fill up a column of numbers so that their decimal points stand below each other, and its heading to the right."""
    behind = [len(text.partition(".")[2]) + ("." in text) for text in numbers]
    filled = [text + " " * (max(behind, default=0) - n) for text, n in zip(numbers, behind, strict=True)]
    width = max(map(len, (heading, *filled)))
    return heading.rjust(width), [text.rjust(width) for text in filled]


def _grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: Sequence[int] = (),
    decimals: Sequence[int] = (),
) -> None:
    """Print rows under headings: the first column and those of `words` to the left, numbers to the right.

    Columns of `decimals` hold numbers with more and fewer decimals: their points stand below each other.
    """
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.commands.readable import print_table

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    columns = [[row[place] for row in rows] for place in range(len(headings))]
    for place, heading in enumerate(headings):
        if place in decimals:
            at_the_point, columns[place] = _at_the_point(heading, columns[place])
            grid.add_column(at_the_point, no_wrap=True)
        else:
            grid.add_column(heading, justify="left" if place in (0, *words) else "right")
    for row in zip(*columns, strict=True):
        grid.add_row(*map(Text, row))
    print_table(grid)
