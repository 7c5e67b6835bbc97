"""Read what others forecast, `priors/benchmarks/ID.csv`, and one's own numbers, `priors/judgements.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.files import BENCHMARKS, TABLE
from forecast.workspace.nodes import ISO_DAY
from forecast.workspace.problems import Problem, Source, choice, shown
from forecast.workspace.records import Benchmark
from forecast.workspace.renames import NO_RENAMES, Renames

COLUMNS = ("date", "forecaster", "probability")
JUDGEMENT_COLUMNS = ("date", "question", "probability", "why")
JUDGEMENT = "judgement"  # the forecaster's name, and what the id of such a series begins with
OWN, BASE_RATE = "forecast", "base rate"
TAKEN = {  # stand beside the numbers of others under these names
    OWN: "the workspace's own forecasts",
    BASE_RATE: "the base rates of questions",
    JUDGEMENT: "the numbers of priors/judgements.csv",
}

Point = tuple[date, str, float]


def benchmark_id(path: str) -> str:
    """Return the id of the series in a file."""
    return path.removeprefix(BENCHMARKS).removesuffix(TABLE)


def judgement_id(question: str) -> str:
    """Return the id of the series of one's own numbers on a question; no file can be called that."""
    return f"{JUDGEMENT}/{question}"


def read_benchmark(content: bytes, path: str, today: date) -> tuple[Benchmark, tuple[Problem, ...]]:
    """Return the series of a file, by day, and the problems found; rows that are wrong are left out."""
    table, problems = _table(content, path, COLUMNS)
    points: dict[tuple[date, str], tuple[int, Point]] = {}
    found = list(problems)
    for line, cells in table.cells(COLUMNS) if table else ():
        where, forecaster = Source(path, line), cells["forecaster"]
        day, probability, wrong = _numbers(cells, where, today)
        found += wrong
        if not forecaster:
            found.append(Problem(where, "forecaster is empty", "", "who forecast, in words"))
        elif forecaster in TAKEN:
            what = f"no other forecaster can be called {shown(forecaster)}"
            found.append(Problem(where, what, "", f"so are {TAKEN[forecaster]}; another name"))
        if day is None or probability is None or not forecaster:
            continue
        if (day, forecaster) in points:
            found.append(_twice(where, f"{forecaster} on {day}", points[day, forecaster][0]))
            continue
        points[day, forecaster] = line, (day, forecaster, probability)
    series = tuple(point for _, (_, point) in sorted(points.items()))
    return Benchmark(benchmark_id(path), series, Source(path, 1)), tuple(found)


def read_judgements(
    content: bytes, path: str, today: date, questions: Sequence[str], renames: Renames = NO_RENAMES
) -> tuple[dict[str, Benchmark], tuple[Problem, ...]]:
    """Return one's own series by question, and the problems found. A question that is not there is a warning.

    Rows are only added, so that a question that was renamed without `forecast rename` would otherwise stop everything.
    """
    table, problems = _table(content, path, JUDGEMENT_COLUMNS)
    found = list(problems)
    points: dict[str, dict[date, tuple[int, Point]]] = {}
    for line, cells in table.cells(JUDGEMENT_COLUMNS) if table else ():
        where, question = Source(path, line), cells["question"]
        day, probability, wrong = _numbers(cells, where, today)
        found += wrong
        question = renames.today("question", question, where, day or today)
        if question not in questions:
            what = f"unknown question {shown(question)}"
            way = f"the row is ignored; if it has another name now: forecast rename question {question} NAME"
            allowed = f"{way}; {choice('questions', question, questions)}"
            found.append(Problem(where, what, "", allowed, "warning"))
        elif day is not None and probability is not None:
            series = points.setdefault(question, {})
            if day in series:
                found.append(_twice(where, f"question {shown(question)} on {day}", series[day][0]))
            series.setdefault(day, (line, (day, JUDGEMENT, probability)))
    benchmarks = {
        question: Benchmark(
            judgement_id(question),
            tuple(point for _, (_, point) in sorted(series.items())),
            Source(path, min(line for line, _ in series.values())),
        )
        for question, series in sorted(points.items())
    }
    return benchmarks, tuple(found)


def _table(content: bytes, path: str, columns: Sequence[str]) -> tuple[CsvTable | None, tuple[Problem, ...]]:
    """Return a table if it has all columns, and the problems of its form; a column too many hides no other mistake."""
    table, problems = parse_csv(content, path)
    if table is None:
        return None, problems
    header = table.columns(path)
    missing = header.missing(columns, columns)
    found = (*problems, *header.unknown(columns), *header.repeated(), *missing)
    return None if missing else table, found


def _numbers(cells: Mapping[str, str], where: Source, today: date) -> tuple[date | None, float | None, list[Problem]]:
    problems: list[Problem] = []
    day, probability = _day(cells["date"]), _probability(cells["probability"])
    if day is None:
        problems.append(Problem(where, "date is not a date", shown(cells["date"]), "dates are written YYYY-MM-DD"))
    elif day > today:
        problems.append(Problem(where, "date lies in the future", str(day), f"today is {today}"))
        day = None
    if probability is None:
        problems.append(
            Problem(where, "probability is not a probability", shown(cells["probability"]), "a number from 0 to 1")
        )
    return day, probability, problems


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


def _probability(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if 0.0 <= number <= 1.0 else None


def _twice(where: Source, what: str, first: int) -> Problem:
    return Problem(where, f"{what} appears twice", "", f"first in line {first}; one number a day, the last of it")
