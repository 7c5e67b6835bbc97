"""`forecast backtest`: what would have been forecast on past dates, each from what was known then."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened, refused, wrong_usage
from forecast.digits import percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.replay_run import Backtest

WEEK = 7


class _Step(click.ParamType[int]):
    name = "step"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([1-9]\d{0,3})([dw])", value)
        if match is None:
            self.fail(f"'{value}' is not a step; write a number of days or weeks: 1d, 7d, 2w", param, ctx)
        return int(match[1]) * (WEEK if match[2] == "w" else 1)


@click.command()
@options.workspace
@click.option("--from", "first", type=options.DATE, metavar="DATE", help="The first date (default: the opening).")
@click.option("--to", "last", type=options.DATE, metavar="DATE", help="No date after this one (default: today, UTC).")
@click.option("--every", "step", type=_Step(), metavar="STEP", default="7d", show_default=True, help="1d, 7d, 2w, ...")
@options.seed
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.csv",
    help="Write the forecasts here, and a line a date beside it (default: reports/replay.csv).",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Local processes (default: one a core).")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Compute on this Dask cluster instead, such as tcp://10.0.0.5:8786."
)
@options.as_json
def backtest(
    root: Path, first: date | None, last: date | None, step: int, seed: int | None, out: Path | None,
    workers: int | None, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Forecast past dates again, each from what was known on it, and write the series for `forecast score`.

    Finished dates are kept: an interrupted run goes on where it was, and a second one only computes what changed.
    """
    from concurrent.futures.process import BrokenProcessPool

    from forecast.analysis import replay_workers as places
    from forecast.analysis.replay_day import OtherProgramError
    from forecast.analysis.replay_run import DrawsNotSharedError, NoDatesError
    from forecast.analysis.replay_run import backtest as replayed

    if out is not None and out.suffix != ".csv":
        raise click.BadParameter(f"'{out}': write a name that ends with .csv", param_hint="--out")
    if scheduler is not None and workers is not None:
        raise click.UsageError("--workers are local processes; a cluster (--scheduler) has its own")
    started = perf_counter()
    try:
        mapped = places.local(workers or places.cores()) if scheduler is None else places.dask(scheduler)
        with (
            opened(root, seed=seed) as session,
            wrong_usage(NoDatesError),
            refused(OtherProgramError, DrawsNotSharedError),
        ):
            result = replayed(
                root, session.now, session.progress, mapped, first=first, last=last, every_days=step,
                seed=session.seed, out=out,
            )  # fmt: skip
    except ImportError as error:
        raise click.ClickException(f"{error.name} is not installed; run: pip install 'forecast[dask]'") from error
    except BrokenProcessPool as error:
        told_why = "a process that computed dates was ended from outside, often for want of memory"
        raise click.ClickException(f"{told_why}; finished dates are kept: run again, with fewer --workers") from error
    result = replace(result, seconds=perf_counter() - started)
    for row in result.impossible:
        names = ", ".join(f"'{name}'" for name in row.items)
        click.echo(f"{row.as_of} is left out: its evidence was impossible together: {names}", err=True)
    if as_json:
        echo_json(as_data(result))
    else:
        _print(result, out)


def _print(result: Backtest, out: Path | None) -> None:
    from forecast.commands.readable import sparkline

    kept = f", {result.kept} of them kept from before" if result.kept else ""
    fits = result.fits
    sampled = f"; {len(fits)} fits of stage 1 took {sum(fits):.0f} s" if fits else ""
    click.echo(f"{result.dates} dates{kept}: {result.seconds:.0f} s{sampled}")
    if result.scenarios:
        top = max(p for course in result.scenarios.values() for p in course if p is not None)
        width = max(map(len, result.scenarios))
        click.echo(f"from {result.first} to {result.last}, one column a date; full height {percent(top, None)}")
        for name, course in result.scenarios.items():
            now = "" if course[-1] is None else percent(course[-1], None)
            click.echo(f"{name:<{width}}  {sparkline(course, top)}  {now}")
    if result.forecasts:
        table = "" if out is None else f" {shlex.quote(str(out))}"
        click.echo(f"{result.forecasts} forecasts of {result.questions} questions, to be scored: forecast score{table}")
    else:
        click.echo("no question of priors/questions.yaml was open on these dates")
    if result.weak:
        click.echo(f"few draws support the evidence of {len(result.weak)} dates: {', '.join(map(str, result.weak))}")
    for path in result.files:
        click.echo(f"written: {path}")
