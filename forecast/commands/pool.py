"""`forecast pool`: many experts' forecasts in, one probability a question out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import Progress
from forecast.digits import share

if TYPE_CHECKING:
    from forecast.scoring.pool import MeanScores, Pool, PooledQuestion, PoolScores

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
@options.seed
@options.as_json
def pool(file: Path, no_refit: bool, out: Path | None, seed: int | None, as_json: bool) -> None:
    """Pool FILE, a CSV table with the columns expert, question, probability (and more), question by question.

    Shown: the hierarchical pool with its 90 % interval, plain pools beside it, and scores where outcomes are known.
    """
    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"there is no folder '{out.parent}'", param_hint="--out")
    from forecast.scoring.pool import pool as pooled
    from forecast.scoring.pool import scores
    from forecast.scoring.pool_table import read_table
    from forecast.scoring.pool_tables import as_csv
    from forecast.scoring.pool_tables import as_json as tables

    today, progress = options.today(), Progress()
    table = read_table(file, today)
    for warning in table.warnings:
        click.echo(str(warning), err=True)
    try:
        result = pooled(table, today, DEFAULT_SEED if seed is None else seed, progress, refit=not no_refit)
    finally:
        progress.done()
    if result.distrust:
        drawn = f"after {result.diagnostics['sampled']:.0f} draws"
        click.echo(f"warning: this pool is not reliable {drawn}: {'; '.join(result.distrust)}", err=True)
    scored = scores(result)
    if out is not None:
        from forecast.files import replace_file

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
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left", overflow="fold", no_wrap=place > 0)
    for row in rows:
        grid.add_row(*map(Text, row))
    Console(highlight=False).print(grid)


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
        cells += [f"{row.means[measure]:.4f}" for measure in ("brier", "log")]
        if row.against_pool is None:
            cells += ["", ""]
        else:
            against = row.against_pool["brier"]
            cells += [f"{against.mean:+.4f}", f"{against.low:+.4f} {against.high:+.4f}"]
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
