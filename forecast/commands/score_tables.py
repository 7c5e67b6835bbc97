"""Scores as tables on a terminal: few digits, the number of questions and forecasts beside every mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite, isnan
from typing import NamedTuple

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecast.digits import NOTHING, exact, number, percent, score, score_difference
from forecast.scoring.calibration import LEVEL, Bin
from forecast.scoring.measures import MEASURES, TIMINGS
from forecast.scoring.score_table import CalibrationScore, MeanScore, ScoreSheet, SkillScore, UnlikeMeasure

# A reliability diagram as lines of text.

COLUMNS = 40  # for probabilities from 0 to 1
BINS = 12  # lines of one drawing


def calibration(name: str, bins: Sequence[Bin], level: float) -> Iterator[str]:
    """Yield one line for each bin: forecasts, how often they came true, the band under calibration, and a drawing.

    Where there are more than BINS, those with the most forecasts are shown and the rest is counted.
    """
    most = sorted(sorted(bins, key=lambda one: -one.n_forecasts)[:BINS], key=lambda one: one.low)
    band = f"{exact(level)} band"
    axis = f"0 %{'100 %':>{COLUMNS}}"
    yield f"{name + ': said':<22} {'came true':>9}  {band:>12} {'forecasts':>9} {'questions':>9}  {axis}"
    for one in most:
        said = f"{_percent(one.low)} to {_percent(one.high)} %"
        inside = f"{_percent(one.band_low)} to {_percent(one.band_high)}"
        counts = f"{one.n_forecasts:>9} {one.n_questions:>9}"
        yield f"{said:<22} {_percent(one.observed) + ' %':>9}  {inside:>12} {counts}  {_drawing(one)}"
    if rest := len(bins) - len(most):
        yield f"and {rest} bins with fewer forecasts; --json lists all"
    yield "o came true, + was said on average, - band in which it comes true if calibrated"


def _percent(probability: float) -> str:
    return number(probability, None)


def _drawing(interval_bin: Bin) -> str:
    cells = [" "] * (COLUMNS + 1)
    for place in range(_column(interval_bin.band_low), _column(interval_bin.band_high) + 1):
        cells[place] = "-"
    cells[_column(interval_bin.mean_forecast)] = "+"
    cells[_column(interval_bin.observed)] = "o"
    return f"|{''.join(cells)}|"


def _column(probability: float) -> int:
    return round(probability * COLUMNS)


Cell = tuple[str, str]  # text, style

SHOWN = 10  # forecasters with the most questions; --json lists all
PAIRS = 20
LEVELS = 4  # of a score, by name
PLOTTED = 4  # of these, whose calibration is drawn
NAME = 40  # columns of a name, which goes on in the next line
GAP = 2  # columns between those of a table


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
        Column("fair", "crps_fair", "each"),
        Column("over time", "crps_fair", "time_weighted"),
    ),
    "quantiles, lower is better": (
        Column("CRPS of quantiles", "crps_quantiles", "each"),
        Column("at close", "crps_quantiles", "spot"),
        Column("over time", "crps_quantiles", "time_weighted"),
    ),
    "distributions, lower is better": (
        Column("CRPS of CDF", "crps_cdf", "each"),
        Column("at close", "crps_cdf", "spot"),
        Column("over time", "crps_cdf", "time_weighted"),
    ),
}
NOTES = {
    "lower is better": "Brier 0-1 and log: each forecast counts once; 0-2, daily: the Brier score's summed form",
    "higher is better": "baseline, peer: over the whole window, with 0 while no forecast stands",
    "draws, lower is better": "fair: without what a small number of draws adds; none of a single draw",
}
SIGNED = ("baseline", "peer")
OF_PARTS = ("brier", "log", "rps", "crps", "crps_fair", "crps_quantiles", "crps_cdf")  # shown by topic and by horizon
COMPARED = ("brier", "rps", "crps", "crps_fair", "crps_quantiles", "crps_cdf")  # shown with their skill
NOT_ALIKE = {
    "crps": "numbers of draws differ: by CRPS, means of different numbers cannot be compared",
    "crps_quantiles": "levels differ: means of different levels cannot be compared",
}


def print_scores(sheet: ScoreSheet) -> None:
    """Print everything that `score` computed, and last what each number is."""
    n = sheet.questions
    click.echo(
        f"forecasts: {sheet.n_forecasts}, of resolved questions: {n['resolved']}; "
        f"not scored: {n['open']} open and {n['void']} void"
        + (f", {n['known']} whose outcome was known before they opened" if n["known"] else "")
        + (f", {n['mistaken']} with mistakes" if n["mistaken"] else "")
    )
    if sheet.n_left_out:
        click.echo(f"left out: {_counted(sheet.n_left_out, 'forecast')} with mistakes")
    if sheet.n_expected:
        click.echo(
            f"expected scores: {_counted(sheet.n_expected, 'question')} resolved to a share; there a score is the mean "
            "over the outcomes, weighted by their shares"
        )
    names = _shown(sheet)
    means = [row for row in sheet.means if row.forecaster in names]
    for title, columns in TABLES.items():
        _print_means(title, columns, means, names, sheet.unlike)
    for line in _infinite(means):
        click.echo(line)
    _print_skill(sheet, names)
    _print_calibration([row for row in sheet.calibration if row.forecaster in names])
    for grouping in ("topic", "horizon"):
        _print_parts(means, grouping, sheet.unlike)
    if hidden := len({row.forecaster for row in sheet.means} - set(names)):
        click.echo(f"\nand {hidden} forecasters who answered fewer questions; --json lists all")
    _print_legend(sheet)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shown(sheet: ScoreSheet) -> list[str]:
    """Return the forecasters with the most questions, by name."""
    questions: dict[str, int] = {}
    for row in sheet.means:
        if row.grouping == "forecaster":
            questions[row.forecaster] = max(questions.get(row.forecaster, 0), row.n_questions)
    return sorted(sorted(questions, key=lambda name: (-questions[name], name))[:SHOWN])


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str | Cell]], left: int = 1) -> None:
    """Print rows under headings: the first columns to the left, numbers to the right.

    Names break between words alone and numbers never: on a narrow terminal the lines are longer than it is wide.
    """

    texts = [[Text(*((cell, "") if isinstance(cell, str) else cell)) for cell in row] for row in rows]
    console = Console(highlight=False)
    columns = [[heading, *(row[place].plain for row in texts)] for place, heading in enumerate(headings)]
    widths = _widths(columns, left, console.width)
    console.width = max(console.width, sum(widths) + GAP * (len(widths) - 1))
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for place, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        if place < left:
            grid.add_column(heading, width=width, overflow="fold")
        else:
            grid.add_column(heading, justify="right", no_wrap=True, width=width)
    for row in texts:
        grid.add_row(*row)
    click.echo()
    console.print(grid)


def _widths(columns: Sequence[Sequence[str]], left: int, room: int) -> list[int]:
    """Return the width of each column: of the left ones, where there is too little room, as narrow as words allow.

    rich would narrow a column below its longest word, widen it again, and cut the table off at the right.
    """

    longest = [max(map(cell_len, cells)) for cells in columns]
    words = [max(cell_len(word) for cell in cells for word in cell.split()) for cells in columns[:left]]
    widths = [*(min(width, NAME) for width in longest[:left]), *longest[left:]]
    least = [min(word, NAME) for word in words]
    for _ in range(sum(widths) + GAP * (len(widths) - 1) - room):
        wide = [place for place in range(left) if widths[place] > least[place]]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _digits(number: float | None, form: str = ".4f") -> str:
    if number is None or isnan(number):
        return "-"
    return f"{number:{form}}" if isfinite(number) else str(number)


def _score(number: float | None) -> str:
    return _digits(number) if number is None or not isfinite(number) else score(number, 4)


def _part(number: float) -> str:
    """Write a part of a score: what is left over by rounding is none."""
    return _score(0.0 if abs(number) < NOTHING else number)


def _skill(number: float) -> str:
    return score_difference(number, 2) if NOTHING <= abs(number) < inf else _digits(number + 0.0, "+z.2f")


def _signed(number: float) -> Cell:
    """Return a score of which 0 means no better than the yardstick, coloured by its side."""
    text = score_difference(number, 1) if isfinite(number) else _digits(number)
    return text, "green" if number > 0.0 else "red" if number < 0.0 else ""


def _print_means(
    title: str,
    columns: Sequence[Column],
    shown: Sequence[MeanScore],
    names: Sequence[str],
    unlike: Sequence[UnlikeMeasure],
) -> None:
    by = {(row.forecaster, row.measure, row.timing): row for row in shown if row.grouping == "forecaster"}
    rows: list[list[str | Cell]] = []
    for name in names:
        by_column = [by.get((name, column.measure, column.timing)) for column in columns]
        ours = [row for row in by_column if row is not None]
        if ours:
            first = ours[0]
            coverage = [percent(row.coverage, None) for row in ours if row.coverage is not None]
            cells = [_mean(row, first) for row in by_column]
            rows.append([name, str(first.n_questions), str(first.n_forecasts), *cells, *(coverage[:1] or ["-"])])
    if rows:
        headings = [column.heading for column in columns]
        _grid([title, "questions", "forecasts", *headings, "coverage"], rows)
        if title in NOTES:
            click.echo(NOTES[title])
        _print_unlike(unlike, {column.measure for column in columns})


def _mean(row: MeanScore | None, first: MeanScore) -> str | Cell:
    if row is None:
        return "-"
    apart = "" if row.n_questions == first.n_questions else f" (of {row.n_questions})"
    if row.measure in SIGNED:
        text, style = _signed(row.mean)
        return text + apart, style
    return _score(row.mean) + apart


def _infinite(shown: Sequence[MeanScore]) -> Iterator[str]:
    """Yield a line for each mean of the tables that is infinite, with what it is where others clip."""
    printed = {(column.measure, column.timing) for columns in TABLES.values() for column in columns}
    for row in shown:
        if row.infinite and row.clipped and row.grouping == "forecaster" and (row.measure, row.timing) in printed:
            clips = ", ".join(f"{_digits(mean, '.3f')} if clipped at {clip}" for clip, mean in row.clipped.items())
            what = f"{row.measure} ({row.timing.replace('_', ' ')}) of {row.forecaster}"
            scores = "1 infinite score" if row.infinite == 1 else f"{row.infinite} infinite scores"
            yield f"{what}: {_score(row.mean)}, from {scores}; {clips}"


def _print_unlike(unlike: Sequence[UnlikeMeasure], measures: Iterable[str]) -> None:
    """Print below a table what in it may not be compared."""
    for measure in unlike:
        if measure.measure in measures:
            click.echo(NOT_ALIKE[measure.measure])


def _of(row: SkillScore) -> str:
    """Return the name of a compared score, with the levels it is taken at where these are not all that was stated."""
    levels = (row.unlike.levels if row.unlike else None) or ()
    if not levels:
        return row.measure
    if len(levels) > 1:
        return f"{row.measure} at common levels"
    some = ", ".join(f"{level:g}" for level in levels[0])
    return f"{row.measure} at {some if len(levels[0]) <= LEVELS else f'{len(levels[0])} levels'}"


def _withheld(names: Iterable[str], unlike: Sequence[UnlikeMeasure]) -> Iterator[str]:
    """Yield a line for each pair of shown forecasters that leaves questions out as not alike."""
    for measure in unlike:
        why = "numbers of draws differ" if measure.measure == "crps" else "no level in common"
        for pair in measure.pairs:
            left_out = pair.counts.n_questions - pair.counts.n_compared
            if left_out and pair.forecaster in names and pair.benchmark in names:
                questions = "1 question" if left_out == 1 else f"{left_out} questions"
                yield f"not compared by {measure.measure} on {questions}: {pair.forecaster} and {pair.benchmark}, {why}"


def _print_skill(sheet: ScoreSheet, names: Sequence[str]) -> None:
    rows: list[list[str | Cell]] = []
    level = ""
    apart = {(pair.forecaster, pair.benchmark) for measure in sheet.unlike for pair in measure.pairs}
    apart |= {(benchmark, forecaster) for forecaster, benchmark in apart}
    for row in sheet.skill:
        if row.measure not in COMPARED or row.forecaster not in names:
            continue
        # Beside crps it is one row more of the same; it stands for crps where that is withheld.
        if row.measure == "crps_fair" and (row.forecaster, row.benchmark) not in apart:
            continue
        level = f"{exact(row.level)} interval"
        low, high = row.skill.low, row.skill.high
        # Of a single question there is nothing to resample: its interval would have no width.
        has_interval = row.n_questions > 1 and not (isnan(low) or isnan(high))
        interval = f"{_skill(low)} to {_skill(high)}" if has_interval else "-"
        scores = [_score(row.score), _score(row.benchmark_score)]
        # Sure is what is so in the digits that are printed: a skill of 1e-16 is none.
        ends = (round(low, 2), round(high, 2)) if has_interval else (0.0, 0.0)
        sure = "green" if ends[0] > 0.0 else "red" if ends[1] < 0.0 else ""
        counts = [str(row.n_questions), f"{row.n_forecasts} and {row.n_benchmark_forecasts}"]
        skill = (_skill(row.skill.mean), sure)
        rows.append([row.forecaster, row.benchmark, _of(row), *counts, *scores, skill, interval])
    if rows:
        headings = ("score", "questions", "forecasts", "own", "benchmark's", "skill", level)
        _grid(["forecaster", "against", *headings], rows[:PAIRS], left=3)
    if (rest := len(rows) - PAIRS) > 0:
        click.echo(f"and {rest} more pairs; --benchmark NAME leaves those with one forecaster, --json lists all")
    lines = list(_withheld(names, sheet.unlike))
    for line in lines[:PAIRS]:
        click.echo(line)
    if (rest := len(lines) - PAIRS) > 0:
        click.echo(f"and {rest} more pairs that are not compared; --json lists all")


def _print_calibration(shown: Sequence[CalibrationScore]) -> None:
    rows: list[list[str | Cell]] = []
    for row in shown:
        parts = row.parts
        split = (parts.score, parts.miscalibration, parts.discrimination, parts.uncertainty)
        counts = (str(row.n_questions), str(row.n_forecasts))
        rows.append([row.forecaster, *counts, *map(_part, split), _digits(row.auc, ".3f")])
    if rows:
        headings = ("questions", "forecasts", "Brier 0-1", "= MCB", "- DSC", "+ UNC", "AUC")
        _grid(["yes or no", *headings], rows)
    for row in shown[:PLOTTED]:
        click.echo()
        for line in calibration(row.forecaster, row.bins, LEVEL):
            click.echo(line)


def _print_parts(shown: Sequence[MeanScore], grouping: str, unlike: Sequence[UnlikeMeasure]) -> None:
    rows: list[list[str | Cell]] = []
    for row in shown:
        if row.grouping == grouping and row.timing == "each" and row.measure in OF_PARTS:
            counts = (str(row.n_questions), str(row.n_forecasts))
            rows.append([row.forecaster, row.part or "", row.measure, *counts, _score(row.mean)])
    rows.sort(key=lambda cells: (cells[0], OF_PARTS.index(str(cells[2]))))
    if rows:
        _grid(["forecaster", grouping, "score", "questions", "forecasts", "mean"], rows, left=3)
        _print_unlike(unlike, {str(cells[2]) for cells in rows})


def _print_legend(sheet: ScoreSheet) -> None:

    console = Console(highlight=False)
    click.echo()
    for name in sheet.measures:
        definition = MEASURES[name]
        console.print(
            Text.assemble(
                (name, "bold"),
                f": {definition.text}; {definition.span}; {definition.better} is better; {definition.source}",
            )
        )
    for name, text in TIMINGS.items():
        console.print(Text.assemble((name.replace("_", " "), "bold"), f": {text}"))
