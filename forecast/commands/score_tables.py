"""Scores as tables on a terminal: few digits, the number of questions and forecasts beside every mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from forecast.commands.score_plots import calibration
from forecast.digits import exact, percent

Row = Mapping[str, Any]
Cell = tuple[str, str]  # text, style

SHOWN = 10  # forecasters with the most questions; --json lists all
PAIRS = 20
PLOTTED = 4  # of these, whose calibration is drawn
NAME = 40  # columns of a name, which goes on in the next line
WIDEST = 1000  # columns that no table needs


class Column(NamedTuple):
    """One mean of a table."""

    heading: str
    measure: str
    timing: str


# Above each table stands what is good; a mean over other questions than the row's says over how many.
TABLES: Mapping[str, Sequence[Column]] = {
    "lower is better": (
        Column("Brier 0-1", "brier", "each"),
        Column("at close", "brier", "spot"),
        Column("over time", "brier", "time_weighted"),
        Column("0-2, daily", "brier_sum", "daily"),
        Column("log", "log", "each"),
    ),
    "higher is better": (
        Column("baseline", "baseline", "time_weighted"),
        Column("at close", "baseline", "spot"),
        Column("peer", "peer", "time_weighted"),
        Column("at close", "peer", "spot"),
    ),
    "ordered states, lower is better": (
        Column("RPS", "rps", "each"),
        Column("at close", "rps", "spot"),
        Column("over time", "rps", "time_weighted"),
    ),
    "draws, lower is better": (
        Column("CRPS", "crps", "each"),
        Column("at close", "crps", "spot"),
        Column("over time", "crps", "time_weighted"),
    ),
    "quantiles, lower is better": (
        Column("CRPS of quantiles", "crps_quantiles", "each"),
        Column("at close", "crps_quantiles", "spot"),
        Column("over time", "crps_quantiles", "time_weighted"),
    ),
}
NOTES = {
    "lower is better": "Brier 0-1 and log: each forecast counts once; 0-2, daily: the Brier score's summed form",
    "higher is better": "baseline, peer: over the whole window, with 0 before the first forecast",
}
SIGNED = ("baseline", "peer")
OF_PARTS = ("brier", "log", "rps", "crps", "crps_quantiles")  # shown by topic and by horizon


def print_scores(found: Mapping[str, Any]) -> None:
    """Print everything that `score` computed, and last what each number is."""
    n = found["n_questions"]
    click.echo(
        f"forecasts: {found['n_forecasts']}, of resolved questions: {n['resolved']}; "
        f"not scored: {n['open']} open and {n['void']} void"
    )
    names = _shown(found["scores"])
    shown = [row for row in found["scores"] if row["forecaster"] in names]
    for title, columns in TABLES.items():
        _print_means(title, columns, shown, names)
    for line in _infinite(shown):
        click.echo(line)
    _print_skill(shown)
    _print_calibration(shown, found["level"])
    for grouping in ("topic", "horizon"):
        _print_parts(shown, grouping)
    if hidden := len({row["forecaster"] for row in found["scores"]} - set(names)):
        click.echo(f"\nand {hidden} forecasters who answered fewer questions; --json lists all")
    _print_legend(found)


def _shown(scores: Sequence[Row]) -> list[str]:
    """Return the forecasters with the most questions, by name."""
    questions: dict[str, int] = {}
    for row in scores:
        if row["grouping"] == "forecaster":
            questions[row["forecaster"]] = max(questions.get(row["forecaster"], 0), row["n_questions"])
    return sorted(sorted(questions, key=lambda name: (-questions[name], name))[:SHOWN])


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str | Cell]], left: int = 1) -> None:
    """Print rows under headings: the first columns to the left, numbers to the right.

    Names break between words alone and numbers never: on a narrow terminal the lines are longer than it is wide.
    """
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    texts = [[Text(*((cell, "") if isinstance(cell, str) else cell)) for cell in row] for row in rows]
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        cells = [heading, *(row[place].plain for row in texts)]
        if place < left:
            word = max(len(word) for cell in cells for word in cell.split())
            grid.add_column(heading, min_width=min(word, NAME), max_width=NAME, overflow="fold")
        else:
            grid.add_column(heading, justify="right", no_wrap=True, min_width=max(map(len, cells)))
    for row in texts:
        grid.add_row(*row)
    console = Console(highlight=False)
    needed = Measurement.get(console, console.options.update(max_width=WIDEST), grid).minimum
    console.width = max(console.width, needed)
    click.echo()
    console.print(grid)


def _digits(number: float | str | None, form: str = ".4f") -> str:
    if number is None:
        return "-"
    return {"Infinity": "inf", "-Infinity": "-inf"}[number] if isinstance(number, str) else f"{number:{form}}"


def _signed(number: float | str | None, form: str) -> Cell:
    """Return a score of which 0 means no better than the yardstick, coloured by its side."""
    value = 0.0 if number is None else float(number)
    return _digits(number, form), "green" if value > 0.0 else "red" if value < 0.0 else ""


def _print_means(title: str, columns: Sequence[Column], shown: Sequence[Row], names: Sequence[str]) -> None:
    by = {(row["forecaster"], row["measure"], row["timing"]): row for row in shown if row["grouping"] == "forecaster"}
    rows: list[list[str | Cell]] = []
    for name in names:
        found = [by.get((name, column.measure, column.timing)) for column in columns]
        ours = [row for row in found if row is not None]
        if ours:
            first = ours[0]
            coverage = [percent(row["coverage"], None) for row in ours if "coverage" in row]
            cells = [_mean(row, first) for row in found]
            rows.append([name, str(first["n_questions"]), str(first["n_forecasts"]), *cells, *(coverage[:1] or ["-"])])
    if rows:
        headings = [column.heading for column in columns]
        _grid([title, "questions", "forecasts", *headings, "coverage"], rows)
        if title in NOTES:
            click.echo(NOTES[title])


def _mean(row: Row | None, first: Row) -> str | Cell:
    if row is None:
        return "-"
    apart = "" if row["n_questions"] == first["n_questions"] else f" (of {row['n_questions']})"
    if row["measure"] in SIGNED:
        text, style = _signed(row["mean"], "+.1f")
        return text + apart, style
    return _digits(row["mean"]) + apart


def _infinite(shown: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each mean of the tables that is infinite, with what it is where others clip."""
    printed = {(column.measure, column.timing) for columns in TABLES.values() for column in columns}
    for row in shown:
        if row.get("infinite") and row["grouping"] == "forecaster" and (row["measure"], row["timing"]) in printed:
            clips = ", ".join(f"{_digits(mean, '.3f')} if clipped at {clip}" for clip, mean in row["clipped"].items())
            what = f"{row['measure']} ({row['timing'].replace('_', ' ')}) of {row['forecaster']}"
            scores = "1 infinite score" if row["infinite"] == 1 else f"{row['infinite']} infinite scores"
            yield f"{what}: {_digits(row['mean'])}, from {scores}; {clips}"


def _print_skill(shown: Sequence[Row]) -> None:
    rows: list[list[str | Cell]] = []
    level = ""
    for row in shown:
        if row["measure"] != "skill" or row["of"] not in {"brier", "rps", "crps", "crps_quantiles"}:
            continue
        level = f"{exact(row['level'])} interval"
        # Of a single question there is nothing to resample: its interval would have no width.
        low, high = (row["low"], row["high"]) if row["n_questions"] > 1 else (None, None)
        interval = "-" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"
        scores = [_digits(row["score"]), _digits(row["benchmark_score"])]
        sure = "" if low is None or high is None or low <= 0.0 <= high else "green" if low > 0.0 else "red"
        counts = [str(row["n_questions"]), f"{row['n_forecasts']} and {row['n_benchmark_forecasts']}"]
        skill = (_digits(row["mean"], "+.2f"), sure)
        rows.append([row["forecaster"], row["benchmark"], row["of"], *counts, *scores, skill, interval])
    if rows:
        headings = ("score", "questions", "forecasts", "own", "benchmark's", "skill", level)
        _grid(["forecaster", "against", *headings], rows[:PAIRS], left=3)
    if (rest := len(rows) - PAIRS) > 0:
        click.echo(f"and {rest} more pairs; --benchmark NAME leaves those with one forecaster, --json lists all")


def _print_calibration(shown: Sequence[Row], level: float) -> None:
    rows: list[list[str | Cell]] = []
    areas = {row["forecaster"]: row["mean"] for row in shown if row["measure"] == "auc"}
    parts = [row for row in shown if row["measure"] == "corp"]
    for row in parts:
        split = (row[key] for key in ("score", "miscalibration", "discrimination", "uncertainty"))
        counts = (str(row["n_questions"]), str(row["n_forecasts"]))
        rows.append([row["forecaster"], *counts, *map(_digits, split), _digits(areas[row["forecaster"]], ".3f")])
    if rows:
        headings = ("questions", "forecasts", "Brier 0-1", "= MCB", "- DSC", "+ UNC", "AUC")
        _grid(["yes or no", *headings], rows)
    for row in parts[:PLOTTED]:
        click.echo()
        for line in calibration(row["forecaster"], row["bins"], level):
            click.echo(line)


def _print_parts(shown: Sequence[Row], grouping: str) -> None:
    rows: list[list[str | Cell]] = []
    for row in shown:
        if row["grouping"] == grouping and row["timing"] == "each" and row["measure"] in OF_PARTS:
            counts = (str(row["n_questions"]), str(row["n_forecasts"]))
            rows.append([row["forecaster"], row[grouping], row["measure"], *counts, _digits(row["mean"])])
    rows.sort(key=lambda cells: (cells[0], OF_PARTS.index(str(cells[2]))))
    if rows:
        _grid(["forecaster", grouping, "score", "questions", "forecasts", "mean"], rows, left=3)


def _print_legend(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    click.echo()
    for name, one in found["definitions"].items():
        text = f": {one['text']}; {one['range']}; {one['better']} is better; {one['source']}"
        console.print(Text.assemble((name, "bold"), text))
    for name, text in found["timings"].items():
        console.print(Text.assemble((name.replace("_", " "), "bold"), f": {text}"))
