"""Metaculus: a post or a question of its API with its aggregations, or the site's export of forecasts."""

from __future__ import annotations

import ast
import csv
import io
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.feeds.histories import (
    CrowdOfTables,
    HistorySelection,
    Located,
    NotLocatedError,
    Pages,
    Point,
    as_point,
    gaps,
    inside,
    list_at,
    picked,
)
from forecast.workspace.files import MAX_TABLE_BYTES
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import Problem, Source, is_slip, near, nearest, quoted, shown

DEFAULT = "recency_weighted"
ZIP = b"PK\x03\x04"
FORECASTS, QUESTIONS = "forecast_data.csv", "question_data.csv"
COLUMNS = ("Question ID", "Forecaster Username", "Start Time", "Forecaster Count")
MOST_OF_A_LIST = 100_000  # characters of a cell that holds a list
# What the standard library raises of a ZIP file that is damaged, encrypted, or packed in a way that it does not know.
UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)
YES, SHARES, DISTRIBUTION = "Probability Yes", "Probability Yes Per Category", "Continuous CDF"
SAID = (YES, SHARES, DISTRIBUTION)  # columns of which a table needs one
NUMBERS = ("numeric", "date", "discrete")
Keys = tuple[str | int, ...]


class Metaculus(CrowdOfTables):
    """The aggregation of a question: of yes, of one option, or of a number above a limit."""

    name = "metaculus"
    title = "Metaculus"
    on_page = (
        "a post or a question of the API; the export of the site, `forecast_data.csv` alone or in its ZIP file",
        "`start_time` of `aggregations.NAME.history`; `Start Time`",
        "`centers`, or with `--above` `forecast_values`; `Probability Yes`, `Continuous CDF`",
    )
    keys = ("aggregations", DEFAULT, "history")
    time = "start_time"
    probability = "centers"
    form = "one question of the API with its aggregations"
    takes = ("aggregation", "above")

    def locate(self, value: Any, selection: HistorySelection) -> Located:
        """Return where the history of the one question is, and which of its numbers counts."""
        questions = list(_questions(value))
        if not questions:
            list_at(value, ("question", *self.keys), self.form)
        keys, question = questions[picked("question", [_names(*one) for one in questions], selection)]
        aggregation = _aggregation(question, selection)
        history = (*keys, "aggregations", aggregation, "history")
        list_at(value, history, self.form)
        kind = question.get("type", "binary")
        of = None if question.get("id") is None else _of(str(question["id"]), aggregation)
        if kind == "multiple_choice":
            options = question.get("all_options_ever") or question.get("options")
            if not isinstance(options, list) or not options:
                raise NotLocatedError("a question of several options without 'options'", shown(options), self.form)
            return Located(keys=history, of=of, option=picked("option", [(str(one),) for one in options], selection))
        if kind in NUMBERS:
            scale = inside(question, ("scaling", "continuous_range"))
            return Located(keys=history, of=of, level=_level(kind, scale, selection))
        if kind != "binary":
            allowed = "a benchmark is a probability: of yes, of an option, or of a number above --above"
            raise NotLocatedError("the question has no probabilities", f"type {shown(kind)}", allowed)
        return Located(keys=history, of=of)

    def needs(self, entry: Mapping[str, object]) -> tuple[str, ...]:
        """Return the keys of a point; one whose crowd is hidden has no value."""
        return (self.time,) if "forecast_values" in entry else super().needs(entry)

    def said(self, entry: Mapping[str, object], located: Located) -> tuple[object, object]:
        """Return the start of a point and its probability; None where the crowd is hidden or has no such option."""
        if located.level is None:
            return super().said(entry, located)
        values = entry.get("forecast_values")
        if values is None and entry[self.probability] is not None:
            return entry[self.time], "a history without forecast_values"
        return entry[self.time], None if values is None else _above(values, located.level)

    def from_table(
        self, content: bytes, path: str, selection: HistorySelection, now: float, pages: Pages
    ) -> tuple[tuple[Point, ...], tuple[Problem, ...]] | None:
        """Return the points of an export; None of a file of the API."""
        if content.startswith(ZIP):
            try:
                forecasts, questions = _unpacked(content)
            except (NotLocatedError, *UNREADABLE) as error:
                what = error.what if isinstance(error, NotLocatedError) else f"a ZIP file that cannot be read: {error}"
                return (), (Problem(Source(path, 1), what, "", f"the export of the site, with {FORECASTS}"),)
            return _exported(self, forecasts, questions, f"{path}/{FORECASTS}", selection, now, pages)
        first = content.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0].lower()
        if any(name.lower().encode() in first for name in COLUMNS) and not first.startswith((b"{", b"[")):
            return _exported(self, content, None, path, selection, now, pages)
        return None


def _of(question: str, aggregation: str) -> str:
    """Say whose history it is."""
    return f"question {question}, {aggregation}"


def _questions(value: Any) -> Iterator[tuple[Keys, Mapping[str, object]]]:
    """Yield each question with the keys that lead to it: of a post, a group, a condition, a page of posts."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("aggregations"), dict):
        yield (), value
    for keys in (("question",), ("conditional", "question_yes"), ("conditional", "question_no")):
        if isinstance(inside(value, (*keys, "aggregations")), dict):
            yield keys, inside(value, keys)
    for keys in (("group_of_questions", "questions"), ("results",)):
        several = inside(value, keys)
        for place, one in enumerate(several if isinstance(several, list) else ()):
            yield from (((*keys, place, *within), found) for within, found in _questions(one))


def _names(keys: Keys, question: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a pick may call a question: its id, its label in a group, the branch of a condition."""
    named = [str(question[key]) for key in ("id", "label") if question.get(key) not in (None, "")]
    branch = {"question_yes": "yes", "question_no": "no"}.get(str(keys[-1]) if keys else "")
    return (*named, *([branch] if branch else []))


def _aggregation(question: Mapping[str, object], selection: HistorySelection) -> str:
    """Return which aggregation is read: the one that is wanted, that of the site, or the only one."""
    known: Mapping[str, object] = inside(question, ("aggregations",))
    there = [name for name, one in known.items() if inside(one, ("history",))]
    wanted = selection.aggregation
    if wanted is None:
        wanted = str(question.get("default_aggregation_method") or DEFAULT)
        if wanted not in there and len(there) == 1:
            (wanted,) = there
    elif wanted not in known:
        allowed = f"--aggregation is one of {quoted(known)}"
        raise NotLocatedError("no such aggregation", wanted, allowed + nearest(wanted, list(known)))
    return wanted


def _level(kind: str, scale: Any, selection: HistorySelection) -> float:
    """Return where the wanted number lies among the points at which a distribution is stated, from 0 to their last."""
    if selection.above is None:
        allowed = "--above NUMBER asks how probable it is that the number lies above; a date in seconds since 1970"
        raise NotLocatedError("the question is not binary", shown(kind), allowed)
    if not isinstance(scale, list) or len(scale) < 2 or not all(isinstance(one, int | float) for one in scale):
        what = "a question about a number without its range"
        raise NotLocatedError(what, shown(scale), "scaling.continuous_range, or question_data.csv of the export")
    if any(one >= after for one, after in pairwise(scale)):
        raise NotLocatedError("a range that does not rise", f"{len(scale)} numbers", "rising numbers")
    if not scale[0] <= selection.above <= scale[-1]:
        allowed = f"--above lies within the range from {scale[0]:g} to {scale[-1]:g}"
        raise NotLocatedError("a number outside the range of the question", f"{selection.above:g}", allowed)
    below = min(bisect_right(scale, selection.above) - 1, len(scale) - 2)
    return float(below + (selection.above - scale[below]) / (scale[below + 1] - scale[below]))


def _above(values: Any, level: float) -> object:
    """Return 1 minus the distribution function, a line between its points, at a place; what is none as it stands."""
    below = min(int(level), len(values) - 2) if isinstance(values, list) else -1
    if below < 0 or not all(isinstance(one, int | float) for one in values) or level > len(values) - 1:
        return values
    low, high = values[below], values[below + 1]
    return 1.0 - (low + (level - below) * (high - low))


def _unpacked(content: bytes) -> tuple[bytes, bytes | None]:
    """Return the tables of forecasts and of questions in a ZIP file."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        found = {info.filename.rpartition("/")[2]: info for info in file.infolist()}
        if FORECASTS not in found:
            raise NotLocatedError(f"no {FORECASTS} in the ZIP file")
        tables: list[bytes] = []
        for name in (FORECASTS, QUESTIONS):
            with file.open(found[name]) if name in found else io.BytesIO() as table:
                tables.append(table.read(MAX_TABLE_BYTES + 1))
        if max(map(len, tables)) > MAX_TABLE_BYTES:
            raise NotLocatedError(f"a table of more than {MAX_TABLE_BYTES} bytes in the ZIP file")
    return tables[0], tables[1] or None


class _Export:
    """An export's table of forecasts, and how the rows of one question and one aggregation say a probability."""

    def __init__(self, table: CsvTable, questions: bytes | None, selection: HistorySelection) -> None:
        self._place = {name: at for at, name in enumerate(table.header)}
        ids = list(dict.fromkeys(self.cell(cells, "Question ID") for _, cells in table.rows))
        if not ids:
            raise NotLocatedError("no forecasts", "a header alone", "at least one row")
        wanted = ids[picked("question", [(one,) for one in ids], selection)]
        rows = [(line, cells) for line, cells in table.rows if self.cell(cells, "Question ID") == wanted]
        # A row of one forecaster counts no forecasters.
        crowds = list(dict.fromkeys(self.cell(cells, COLUMNS[1]) for _, cells in rows if self._is_of_crowd(cells)))
        crowd = selection.aggregation or (crowds[0] if len(crowds) == 1 else DEFAULT)
        if crowd not in crowds:
            allowed = f"--aggregation is one of {quoted(crowds)}{nearest(crowd, crowds)}"
            raise NotLocatedError("no such aggregation", crowd, allowed if crowds else "the file has none")
        self.of = _of(wanted, crowd)
        self.rows = [(line, cells) for line, cells in rows if self.cell(cells, COLUMNS[1]) == crowd]
        self._option, self._level = self._how(_about(questions, wanted), selection)

    def cell(self, cells: Sequence[str], column: str) -> str:
        """Return what a row has in a column, nothing where there is no such column."""
        return cells[self._place[column]].strip() if column in self._place else ""

    @property
    def column(self) -> str:
        """Return the column in which a row says a probability."""
        return SHARES if self._option is not None else DISTRIBUTION if self._level is not None else YES

    def _is_of_crowd(self, cells: Sequence[str]) -> bool:
        return self.cell(cells, "Forecaster Count") != ""

    def _how(self, about: Mapping[str, str], selection: HistorySelection) -> tuple[int | None, float | None]:
        """Return the place of the wanted option, or that of the wanted number on the scale; neither of yes or no.

        The first row that says anything shows which; where the crowd is hidden a row says nothing.
        """
        first = next((cells for _, cells in self.rows if any(self.cell(cells, name) for name in SAID)), ())
        if shares := _list(self.cell(first, SHARES)) if first else []:
            options = _list(about.get("MC Options (All)", "")) or _list(about.get("MC Options (Current)", ""))
            named = [(*([str(options[at])] if at < len(options) else []), str(at + 1)) for at in range(len(shares))]
            return picked("option", named, selection), None
        if first and self.cell(first, DISTRIBUTION):
            return None, _level("numeric", _list(about.get("Continuous Range", "")), selection)
        return None, None

    def probability(self, cells: Sequence[str]) -> object:
        """Return what a row says, None where it says nothing; the cell as it stands where that cannot be read."""
        cell = self.cell(cells, self.column)
        if not cell:
            return None
        if self._option is None and self._level is None:
            number = number_in(cell)
            return cell if number is None else number
        numbers = _list(cell)
        if not numbers:
            return cell
        if self._level is not None:
            return _above(numbers, self._level)
        return numbers[self._option] if self._option is not None and self._option < len(numbers) else None


def _exported(
    crowd: Metaculus,
    forecasts: bytes,
    questions: bytes | None,
    path: str,
    selection: HistorySelection,
    now: float,
    pages: Pages,
) -> tuple[tuple[Point, ...], tuple[Problem, ...]]:
    """Return the points of an export's table of forecasts: of one question, those of one aggregation."""
    table, problems = parse_csv(forecasts, path)
    if table is None:
        return (), problems
    if of_columns := tuple(_of_columns(table, path)):
        return (), (*problems, *of_columns)
    try:
        export = _Export(table, questions, selection)
    except NotLocatedError as error:
        return (), (*problems, Problem(Source(path, table.header_line), error.what, error.got, error.allowed))
    if another := tuple(pages.another(export.of, Source(path, table.header_line))):
        return (), (*problems, *another)
    points: list[Point] = []
    found, names = list(problems), ("Start Time", export.column, "End Time")
    for line, cells in export.rows:
        probability = export.probability(cells)
        if probability is None:
            continue
        start, end = export.cell(cells, "Start Time"), export.cell(cells, "End Time")
        point, wrong = as_point(start, probability, crowd, Source(path, line), now, selection, end=end, columns=names)
        found += wrong
        if point is not None:
            points.append(point)
    if not points and not found:
        found.append(Problem(Source(path, 1), "the history is empty", "", "at least one point"))
    return tuple(points), (*found, *gaps(points))


def _of_columns(table: CsvTable, path: str) -> Iterator[Problem]:
    """Report the columns that an export lacks, and those that it has twice."""
    where, header = Source(path, table.header_line), table.header
    read = (*COLUMNS, *SAID, "End Time")
    yield from table.columns(path).repeated(read)
    others = [name for name in header if name not in read]
    for name in read:
        # Of the columns that may be missing one that is misspelt would be passed over.
        is_misspelt = (other := near(name, others)) is not None and is_slip(other, name)
        if name not in header and (name in COLUMNS or is_misspelt):
            allowed = f"columns are {quoted(header)}{nearest(name, header)}"
            yield Problem(where, f"the export has a column {shown(name)}, which is missing", "", allowed)
    if not {*SAID} & {*header} and all(near(name, others) is None for name in SAID):
        yield Problem(where, "no column has the probabilities", quoted(header), f"one of {quoted(SAID)}")


def _about(questions: bytes | None, wanted: str) -> dict[str, str]:
    """Return the row of a question in the export's table of questions; {} without one."""
    if questions is None:
        return {}
    reader = csv.DictReader(io.StringIO(questions.decode("utf-8-sig", "replace")))
    try:
        return next((row for row in reader if row.get("Question ID") == wanted), {})
    except csv.Error:
        return {}


def _list(cell: str) -> list[Any]:
    """Return the list that a cell holds as Python writes it, [] where it holds none."""
    try:
        value = ast.literal_eval(cell) if cell and len(cell) <= MOST_OF_A_LIST else []
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return list(value) if isinstance(value, list | tuple) else []


FEEDS = (Metaculus(),)
