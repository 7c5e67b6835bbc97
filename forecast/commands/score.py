"""`forecast score`: scores of any table of forecasts, or of the workspace's own replay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from forecast.commands import options

REPLAY = Path("reports") / "replay.csv"
LISTS = ("scores", "questions")  # of the JSON object: long ones, one line an entry


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.workspace
@click.option("--benchmark", "benchmarks", multiple=True, metavar="NAME", help="Compare all others with this one.")
@click.option("--ordered", is_flag=True, help="Take the states in the order of their first rows.")
@click.option("--by-question", is_flag=True, help="With --json: every forecaster's scores on every question too.")
@options.as_of
@options.seed
@options.as_json
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
    from forecast.scoring.forms import unlike
    from forecast.scoring.per_forecast import certainties
    from forecast.scoring.read import read_forecasts
    from forecast.scoring.score_table import DEFAULT_SEED
    from forecast.scoring.score_table import score as scored
    from forecast.scoring.table import MICROSECONDS_A_DAY, known_at
    from forecast.workspace.problems import choice, one_form

    if not files and not (root / REPLAY).exists():
        msg = f"no FILE is given and {REPLAY.as_posix()} is not there; forecast backtest writes it, or name a table"
        raise click.UsageError(msg)
    if files:
        forecasts = read_forecasts(files, ordered=ordered, today=options.today())
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
    for warning in (*forecasts.warnings, *certainties(forecasts), *(measure.warning for measure in unlike(forecasts))):
        click.echo(str(warning), err=True)
    chosen = DEFAULT_SEED if seed is None else seed
    sheet = scored(forecasts, benchmarks=tuple(dict.fromkeys(benchmarks)), seed=chosen, by_question=by_question)
    if as_json:
        click.echo("\n".join(_lines(sheet.as_json())))
    else:
        from forecast.commands.score_tables import print_scores

        print_scores(sheet)


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
