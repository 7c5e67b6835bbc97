"""Read what others forecast, `priors/benchmarks/ID.csv`, and the numbers of colleagues, `priors/judgements.csv`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.files import BENCHMARKS, TABLE
from forecast.workspace.nodes import ISO_DAY
from forecast.workspace.numbers import number_in, why_no_number
from forecast.workspace.problems import Problem, Source, choice, shown
from forecast.workspace.records import Benchmark
from forecast.workspace.renames import NO_RENAMES, Renames

COLUMNS = ("date", "forecaster", "probability")
JUDGEMENT_COLUMNS = ("date", "question", "probability", "why")
AUTHOR = "author"  # a column that may be missing, and last: rows of before it was added have no such cell
JUDGEMENT = "judgement"  # who gave no name, and what the id of such a series begins with
OWN, BASE_RATE = "forecast", "base rate"
TAKEN = {  # stand beside the numbers of others under these names
    OWN: "the workspace's own forecasts",
    BASE_RATE: "the base rates of questions",
    JUDGEMENT: "the numbers of priors/judgements.csv",
}

NO_DEFAULTS: Mapping[str, str] = {}
Point = tuple[date, str, float]


def benchmark_id(path: str) -> str:
    """Return the id of the series in a file."""
    return path.removeprefix(BENCHMARKS).removesuffix(TABLE)


def judgement_id(question: str) -> str:
    """Return the id of the series of judgements of a question; no file can be called that."""
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


@dataclass(frozen=True, kw_only=True)
class JudgementRow:
    """A row of judgements: somebody's probability of yes, the day of it, and the line it stands in."""

    line: int
    day: date
    question: str
    author: str
    probability: float
    why: str


def read_judgements(
    content: bytes,
    path: str,
    today: date,
    questions: Sequence[str] | None,
    renames: Renames = NO_RENAMES,
    forecasters: Collection[str] = (),
) -> tuple[dict[str, Benchmark], tuple[Problem, ...]]:
    """Return the series of judgements by question, and the problems found. A question that is not there is a warning.

    Rows are only added, so that a question that was renamed without `forecast rename` would otherwise stop everything.
    `questions` is None where their file could not be read: then any may be there. `forecasters` are those of the
    benchmarks: no author is called like one.
    """
    rows, found = judgement_rows(content, path, today, renames, forecasters)
    points: dict[str, dict[tuple[date, str], tuple[int, Point]]] = {}
    unknown: dict[str, list[JudgementRow]] = {}
    for row in rows:
        where, question, key = Source(path, row.line), row.question, (row.day, row.author)
        if questions is not None and question not in questions:
            unknown.setdefault(question, []).append(row)
            continue
        series = points.setdefault(question, {})
        if key in series:
            found.append(_twice(where, row_in_words(row), series[key][0]))
        series.setdefault(key, (row.line, (row.day, row.author, row.probability)))
    found += [unknown_question(ignored, path, questions or ()) for ignored in unknown.values()]
    benchmarks = {
        question: Benchmark(
            judgement_id(question),
            tuple(point for _, (_, point) in sorted(series.items())),
            Source(path, min(line for line, _ in series.values())),
        )
        for question, series in sorted(points.items())
    }
    return benchmarks, tuple(found)


def unknown_question(rows: Sequence[JudgementRow], path: str, questions: Sequence[str]) -> Problem:
    """Warn, once, of all rows about one question that there is not."""
    row = rows[0]
    what = f"unknown question {shown(row.question)}"
    ignored = "the row is" if len(rows) == 1 else f"its {len(rows):,} rows, to line {rows[-1].line}, are"
    way = f"{ignored} ignored; if it has another name now: forecast rename question {row.question} NAME"
    allowed = f"{way}; {choice('questions', row.question, questions)}"
    return Problem(Source(path, row.line), what, "", allowed, "warning")


def row_in_words(row: JudgementRow) -> str:
    """Name a row by what no other row shares: `question 'on-sale' on 2026-07-01`, and by whom."""
    by = "" if row.author == JUDGEMENT else f" by {shown(row.author)}"
    return f"question {shown(row.question)} on {row.day}{by}"


def judgement_rows(
    content: bytes,
    path: str,
    today: date,
    renames: Renames = NO_RENAMES,
    forecasters: Collection[str] = (),
    needed: Sequence[str] = JUDGEMENT_COLUMNS,
    by_default: Mapping[str, str] = NO_DEFAULTS,
) -> tuple[list[JudgementRow], list[Problem]]:
    """Return the rows of a table of judgements that are right, and the problems found.

    Columns that are not `needed` may be missing; `by_default` is what an empty or missing cell holds, by column.
    """
    table, problems = _table(content, path, needed, (*JUDGEMENT_COLUMNS, AUTHOR), may_lack=AUTHOR)
    found, rows = list(problems), []
    columns = [name for name in (*JUDGEMENT_COLUMNS, AUTHOR) if table and name in table.header]
    for line, cells in table.cells(columns) if table else ():
        where = Source(path, line)
        cells |= {name: text for name, text in by_default.items() if not cells.get(name)}
        day, probability, wrong = _numbers(cells, where, today)
        author = cells.get(AUTHOR) or JUDGEMENT
        found += [*wrong, *wrong_author(author, where, forecasters)]
        question = renames.today("question", cells["question"], where, day or today)
        if day is not None and probability is not None:
            why = cells.get("why", "")
            rows.append(
                JudgementRow(line=line, day=day, question=question, author=author, probability=probability, why=why)
            )
    return rows, found


def wrong_author(author: str, where: Source, forecasters: Collection[str]) -> list[Problem]:
    """Report an author who is called like somebody whose numbers stand elsewhere: the two would become one."""
    if author != JUDGEMENT and author in TAKEN:
        return [Problem(where, f"no author can be called {shown(author)}", "", f"so are {TAKEN[author]}; another name")]
    if author in forecasters:
        allowed = "a series of priors/benchmarks/ has this forecaster; another name"
        return [Problem(where, f"author {shown(author)} is called like a benchmark", "", allowed)]
    return []


def forecasters_of(benchmarks: Mapping[str, Benchmark]) -> frozenset[str]:
    """Return whose numbers stand in the series of others."""
    series = (one for name, one in benchmarks.items() if not name.startswith(f"{JUDGEMENT}/"))
    return frozenset(who for one in series for _, who, _ in one.points)


def authors_of(benchmarks: Mapping[str, Benchmark]) -> frozenset[str]:
    """Return who gave judgements; whoever gave no name is `judgement`."""
    series = (one for name, one in benchmarks.items() if name.startswith(f"{JUDGEMENT}/"))
    return frozenset(who for one in series for _, who, _ in one.points)


def _table(
    content: bytes, path: str, columns: Sequence[str], known: Sequence[str] = (), may_lack: str | None = None
) -> tuple[CsvTable | None, tuple[Problem, ...]]:
    """Return a table if it has all columns, and the problems of its form; a column too many hides no other mistake.

    `known` are all columns that it may have, where these are more.
    """
    table, problems = parse_csv(content, path, may_lack)
    if table is None:
        return None, problems
    header = table.columns(path)
    missing = header.missing(columns, known or columns)
    found = (*problems, *header.unknown(known or columns), *header.repeated(), *missing)
    return None if missing else table.as_meant(path, known or columns, columns), found


def _numbers(cells: Mapping[str, str], where: Source, today: date) -> tuple[date | None, float | None, list[Problem]]:
    problems: list[Problem] = []
    day, probability = _day(cells["date"]), _probability(cells["probability"])
    if day is None:
        problems.append(Problem(where, "date is not a date", shown(cells["date"]), "dates are written YYYY-MM-DD"))
    elif day > today:
        problems.append(Problem(where, "date lies in the future", str(day), f"today is {today}"))
        day = None
    if probability is None:
        said = cells["probability"]
        hint = f"; {why}" if (why := why_no_number(said)) else ""
        problems.append(Problem(where, "probability is not a probability", shown(said), f"a number from 0 to 1{hint}"))
    return day, probability, problems


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


def _probability(cell: str) -> float | None:
    number = number_in(cell)
    return number if number is not None and 0.0 <= number <= 1.0 else None


def _twice(where: Source, what: str, first: int) -> Problem:
    return Problem(where, f"{what} appears twice", "", f"first in line {first}; one number a day, the last of it")
