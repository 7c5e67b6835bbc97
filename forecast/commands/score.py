"""`forecast score`: scores of any table of forecasts, or of the workspace's own replay."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecast.analysis.replay_run import DrawsNotSharedError, NoDatesError
from forecast.analysis.replay_run import backtest as replayed
from forecast.commands import running
from forecast.commands.readable import sparkline
from forecast.commands.running import Progress, echo_json, opened, placed, refused, wrong_usage
from forecast.commands.score_tables import print_scores
from forecast.digits import percent, score_difference, share
from forecast.digits import score as as_score
from forecast.files import replace_file
from forecast.plain import as_data
from forecast.sampling.settings import CORES
from forecast.scoring.measures import certainties, unlike
from forecast.scoring.pool import as_csv, scores
from forecast.scoring.pool import as_json as tables
from forecast.scoring.pool import pool as pooled
from forecast.scoring.read import read_forecasts
from forecast.scoring.rows import MICROSECONDS_A_DAY, known_at
from forecast.scoring.score_table import score as scored
from forecast.scoring.world import read_table
from forecast.workers import WorkersError
from forecast.workspace.problems import choice, of_tables, one_form

if TYPE_CHECKING:
    from forecast.analysis.replay_run import Backtest
    from forecast.scoring.pool import MeanScores, Pool, PooledQuestion, PoolScores

REPLAY = Path("reports") / "replay.csv"
LISTS = ("scores", "questions")  # of the JSON object: long ones, one line an entry


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@running.workspace
@click.option("--benchmark", "benchmarks", multiple=True, metavar="NAME", help="Compare all others with this one.")
@click.option("--ordered", is_flag=True, help="Take the states in the order of their first rows.")
@click.option("--by-question", is_flag=True, help="With --json: every forecaster's scores on every question too.")
@running.as_of
@running.seed
@running.as_json
def score(
    files: Sequence[Path],
    root: Path,
    benchmarks: Sequence[str],
    ordered: bool,
    by_question: bool,
    as_of: date | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Score forecasts whose outcome is known: Brier, log, RPS, CRPS, baseline, peer, skill, calibration, AUC.

    FILE is a CSV table with the columns question, forecaster, time, probability, outcome, opens, closes (and more);
    without one, the workspace's own questions are scored from reports/replay.csv.
    """
    from forecast.scoring.score_table import DEFAULT_SEED

    if not files and not (root / REPLAY).exists():
        msg = f"no FILE is given and {REPLAY.as_posix()} is not there; forecast backtest writes it, or name a table"
        raise click.UsageError(msg)
    if files:
        forecasts = read_forecasts(files, ordered=ordered, today=running.today(), around=True)
    else:
        forecasts = read_forecasts([root / REPLAY], base=root)
    benchmarks = tuple(map(one_form, benchmarks))
    for benchmark in benchmarks:
        if benchmark not in forecasts.forecasters:
            hint = choice("forecasters", benchmark, forecasts.forecasters)
            raise click.BadParameter(f"'{benchmark}': {hint}", param_hint="--benchmark")
    if as_of is not None:
        days = (as_of + timedelta(days=1) - date(1970, 1, 1)).days
        forecasts = known_at(forecasts, days * MICROSECONDS_A_DAY)
    warnings = of_tables(forecasts.warnings)
    for warning in (*warnings, *certainties(forecasts), *(measure.warning for measure in unlike(forecasts))):
        click.echo(str(warning), err=True)
    chosen = DEFAULT_SEED if seed is None else seed
    sheet = scored(forecasts, benchmarks=tuple(dict.fromkeys(benchmarks)), seed=chosen, by_question=by_question)
    if as_json:
        click.echo("\n".join(_lines(sheet.as_json())))
    else:
        print_scores(sheet)
    if any(warning.severity == "error" for warning in forecasts.warnings):
        raise click.exceptions.Exit(1)


def _lines(sheet: Mapping[str, Any]) -> Iterator[str]:
    """Yield the object with one line for each score: short lines to read, and quick to write."""
    parts = []
    for key, value in sheet.items():
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if key in LISTS and value:
            rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False, allow_nan=False) for row in value)
            text = f"[\n{rows}\n ]"
        parts.append(f" {json.dumps(key)}: {text}")
    yield "{"
    yield ",\n".join(parts)
    yield "}"


# `forecast pool`: many experts' forecasts in, one probability a question out.

DEFAULT_SEED = 1
HEADINGS = {"hierarchical": "pooled", "mean_log_odds": "log-odds"}  # of pools, on a terminal
EXPERTS_SHOWN = 10  # with the lowest mean Brier score; the rest is counted


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--no-refit", is_flag=True, help="Do not refit where weights cannot leave out an outcome: faster.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Also write a table to this file.",
)
@running.seed
@running.workers
@running.as_json
def pool(
    file: Path, no_refit: bool, out: Path | None, seed: int | None, workers: int | None, scheduler: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Pool FILE, a CSV table with the columns expert, question, probability (and more), question by question.

    Shown: the hierarchical pool with its 90 % interval, plain pools beside it, and scores where outcomes are known.
    """
    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"there is no folder '{out.parent}'", param_hint="--out")

    today, progress, where = running.today(), Progress(), placed(workers, scheduler, cores_each=CORES)
    table = read_table(file, today)
    for warning in table.warnings:
        click.echo(str(warning), err=True)
    try:
        with refused(WorkersError):
            own = DEFAULT_SEED if seed is None else seed
            result = pooled(table, own, progress, refit=not no_refit, workers=where)
    finally:
        progress.done()
    if result.least_scatter:
        least = f"a scatter of at least {result.least_scatter:g} log-odds is assumed"
        click.echo(f"warning: so many numbers are equal that they show no scatter of experts; {least}", err=True)
    if result.distrust:
        drawn = f"after {result.diagnostics['sampled']:.0f} draws"
        click.echo(f"warning: this pool is not reliable {drawn}: {'; '.join(result.distrust)}", err=True)
    scored = scores(result)
    if out is not None:
        replace_file(out, as_csv(result).encode())
    if as_json:
        click.echo(json.dumps(tables(result, scored), indent=2, ensure_ascii=False, allow_nan=False))
        return
    _print_questions(result.questions)
    if scored.pools:
        _print_scores("pool", scored.pools)
        _print_experts(scored)
    _print_basis(result)


def _print_grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings: names to the left, numbers to the right."""

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        least = 0 if place else len(heading)
        grid.add_column(
            heading, justify="right" if place else "left", overflow="fold", no_wrap=place > 0, min_width=least
        )
    for row in rows:
        grid.add_row(*map(Text, row))
    # Names break where the terminal is narrow; no number does, and none is cut.
    columns = zip(headings[1:], *(row[1:] for row in rows), strict=True)
    least = len(headings[0]) + sum(2 + max(map(len, column)) for column in columns)
    console = Console(highlight=False)
    console.width = max(console.width, least)
    console.print(grid)


def _print_questions(questions: Sequence[PooledQuestion]) -> None:
    names = [HEADINGS.get(name, name) for name in questions[0].plain]
    rows = [
        (
            question.name,
            str(question.n),
            _digits(question.p_event),
            f"{_digits(question.low)} {_digits(question.high)}",
            *map(_digits, question.plain.values()),
            "" if question.outcome is None else str(question.outcome),
        )
        for question in questions
    ]
    _print_grid(["question", "n", "pooled", "90 % interval", *names, "outcome"], rows)


def _print_scores(what: str, scored: Sequence[MeanScores]) -> None:
    rows = []
    for row in scored:
        cells = [HEADINGS.get(row.name, row.name) if what == "pool" else row.name, str(row.n)]
        cells += [as_score(row.means[measure], 4) for measure in ("brier", "log")]
        if row.against_pool is None:
            cells += ["", ""]
        else:
            against = row.against_pool["brier"]
            ends = f"{score_difference(against.low, 4)} {score_difference(against.high, 4)}"
            cells += [score_difference(against.mean, 4), ends]
        rows.append(cells)
    click.echo()
    _print_grid([what, "n", "Brier", "log", "Brier less pooled", "90 % interval"], rows)


def _print_experts(scores: PoolScores) -> None:
    best = sorted(scores.experts, key=lambda one: (one.means["brier"], one.name))[:EXPERTS_SHOWN]
    _print_scores("expert", best)
    if (rest := len(scores.experts) - len(best)) > 0:
        click.echo(f"and {rest} more with higher Brier scores; --json lists all")


def _print_basis(pool: Pool) -> None:
    left, diagnostics = pool.left_out, pool.diagnostics
    click.echo()
    who = f"{_counted(len(pool.table.forecasts), 'forecast')} by {_counted(len(pool.experts), 'expert')}"
    click.echo(
        f"{who}; R-hat {diagnostics['r_hat_max']:.3f}, ESS {diagnostics['ess_bulk_min']:.0f} bulk and "
        f"{diagnostics['ess_tail_min']:.0f} tail, {diagnostics['divergences']:.0f} divergences"
    )
    if left.by_question:
        again = sum(question.refitted for question in left.by_question.values())
        weak = sum(not question.reliable for question in left.by_question.values())
        click.echo(
            f"scored without their own outcome: {len(left.by_question)} questions, {again} of them sampled again"
            + (f", {weak} unreliable" if weak else "")
        )
    click.echo(
        f"fit {pool.seconds_fitting:.1f} s, leaving out {left.seconds_weighing:.1f} s, "
        f"sampling again {left.seconds_refitting:.1f} s",
        err=True,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _digits(probability: float) -> str:
    return share(probability, 3)


# `forecast backtest`: what would have been forecast on past dates, each from what was known then.

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
@running.workspace
@click.option("--from", "first", type=running.DATE, metavar="DATE", help="The first date (default: the opening).")
@click.option("--to", "last", type=running.DATE, metavar="DATE", help="No date after this one (default: today, UTC).")
@click.option("--every", "step", type=_Step(), metavar="STEP", default="7d", show_default=True, help="1d, 7d, 2w, ...")
@running.seed
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.csv",
    help="Write the forecasts here, and a line a date beside it (default: reports/replay.csv).",
)  # fmt: skip
@running.workers
@running.as_json
def backtest(
    root: Path, first: date | None, last: date | None, step: int, seed: int | None, out: Path | None,
    workers: int | None, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Forecast past dates again, each from what was known on it, and write the series for `forecast score`.

    Finished dates are kept: an interrupted run goes on where it was, and a second one only computes what changed.
    """

    if out is not None and out.suffix != ".csv":
        raise click.BadParameter(f"'{out}': write a name that ends with .csv", param_hint="--out")
    started, where = perf_counter(), placed(workers, scheduler)
    with opened(root, seed=seed) as session, wrong_usage(NoDatesError), refused(WorkersError, DrawsNotSharedError):
        result = replayed(
            root, session.now, session.progress, where, first=first, last=last, every_days=step,
            seed=session.seed, out=out,
        )  # fmt: skip
    result = replace(result, seconds=perf_counter() - started)
    for row in result.impossible:
        names = ", ".join(f"'{name}'" for name in row.items)
        click.echo(f"{row.as_of} is left out: its evidence was impossible together: {names}", err=True)
    if as_json:
        echo_json(as_data(result))
    else:
        _print(result, out)


def _print(result: Backtest, out: Path | None) -> None:

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
