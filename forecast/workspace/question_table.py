"""Questions from a CSV table: each is written as it would stand in `priors/questions.yaml`, and checked there.

A row is a question. One without an id goes on with the question above it: another case of its number, another reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.drafts import LineDraft, flow
from forecast.workspace.files import QUESTIONS
from forecast.workspace.names import OTHER, event_and_states
from forecast.workspace.nodes import ListNode, Node, Scalar, mapping, text
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, quoted
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Event, Workspace
from forecast.workspace.yaml_text import resolve

NEEDED = ("id", "question", "resolves")
COLUMNS = (
    *("id", "question", "about", "given", "when", "by", "opens", "topic", "resolves", "caution", "benchmarks"),
    *("publisher", "title", "url", "base_rate", "base_publisher", "base_why"),
    *("unit", "bins", "case", "reading", "reading_about", "reading_by", "reading_resolves"),
    *("reading_benchmarks", "reading_forecasters"),
)
CASE = "case"  # beside it columns that are called like levels, such as 0.5, have the values of the quantiles
READING = tuple(name for name in COLUMNS if name.startswith("reading"))
OTHERWISE = ("", "otherwise")  # the case of all that no case above names
LISTS = ("benchmarks", "reading_benchmarks", "reading_forecasters")  # several are parted by ;
SOURCE = ("publisher", "title", "url")
BASE_RATE = ("base_rate", "base_publisher", "base_why")
PLAIN = ("id", "question", "by", "opens", "topic", "resolves", "caution")  # columns that are keys as they are


def draft_questions(root: Path, content: bytes, file: str, today: date) -> LineDraft:
    """Write the rows of a table behind the questions that there are, and check the workspace with them.

    Args:
        root: the workspace. Nothing is written to it.
        content, file: the table, and what messages call it.
        today: dates after it are problems.

    What is wrong with a question is told at its row. Raises WorkspaceProblems where the workspace holds errors already.
    """
    before, old = read_workspace(root, today=today)
    if before is None:
        raise WorkspaceProblems(old)
    place = root / QUESTIONS
    so_far = place.read_bytes() if place.is_file() else b""
    table, found = parse_csv(content, file)
    if table is None:
        return LineDraft(QUESTIONS, "", so_far, None, found)
    header = table.columns(file)
    levels = [name for name in table.header if _is_level(name)]
    problems = [*found, *header.repeated(), *header.missing(NEEDED, COLUMNS)]
    problems += header.unknown((*COLUMNS, *levels), _level_hint)
    table = table.as_meant(file, (*COLUMNS, *levels), NEEDED)
    lacking = {*NEEDED} - {*table.header}
    empty = {f"{name} is empty" for name in lacking}  # once, of the header
    is_whole = not lacking and {*table.header} <= {*COLUMNS, *levels}
    rows = [
        _Row(line, {name: cell for name, cell in cells.items() if cell}, Source(file, line))
        for line, cells in table.cells([name for name in (*COLUMNS, *levels) if name in table.header])
    ]
    so_far += b"" if so_far.endswith(b"\n") or not so_far else b"\n"
    added, lines = "", dict[int, int]()  # the row of each line that comes in
    for first, *more in _questions(rows):
        written, wrong = _written(first, more, levels, before)
        wrong = [one for one in wrong if one.what not in empty]
        problems += wrong
        if wrong:
            continue
        begins = (so_far.decode("utf-8", "replace") + added).count("\n") + 1
        lines |= {begins + number: row for number, (_, row) in enumerate(written)}
        added += "".join(f"{line}\n" for line, _ in written)
    if not lines and not problems:
        problems.append(Problem(Source(file, 1), "no row but the header", "", "one question a row"))
    drafted = so_far + added.encode()
    if not is_whole or not lines:
        return LineDraft(QUESTIONS, added, drafted, None, tuple(problems))
    # A question whose row is wrong hides nothing of the others.
    workspace, all_problems = read_workspace(root, today=today, drafts={QUESTIONS: drafted})
    told = tuple(_at_row(one, file, lines) for one in all_problems if one not in old)
    return LineDraft(QUESTIONS, added, drafted, None if problems else workspace, (*problems, *told))


def _at_row(problem: Problem, file: str, lines: Mapping[int, int]) -> Problem:
    """Return a problem of a line that came in at the row of the table that it came from."""
    where = problem.source
    if where.path != QUESTIONS or where.line not in lines:
        return problem
    return replace(problem, source=Source(file, lines[where.line]))


@dataclass(frozen=True)
class _Row:
    """A row of the table: its line, the cells that hold anything, and its place for messages."""

    line: int
    said: Mapping[str, str]
    where: Source


def _is_level(name: str) -> bool:
    level = number_in(name)
    return level is not None and 0.0 <= level <= 1.0


def _level_hint(name: str) -> str:
    return "a level is a column from 0 to 1, such as 0.05; " if name.strip(" %").replace(".", "", 1).isdecimal() else ""


def _questions(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Yield the rows of each question: one with an id, or that asks something, begins it."""
    of_one: list[_Row] = []
    for row in rows:
        if of_one and not {"id", "question"} & set(row.said):
            of_one.append(row)
            continue
        if of_one:
            yield of_one
        of_one = [row]
    if of_one:
        yield of_one


def _written(
    first: _Row, more: Sequence[_Row], levels: Sequence[str], known: Workspace
) -> tuple[list[tuple[str, int]], list[Problem]]:
    """Return the lines of a question as they stand in the file, each with its row, and what is wrong with the rows."""
    fields, problems = _fields(first.said, known, first.where)
    lines = [(f"{key}: {flow(value)}", first.line) for key, value in fields.items()]
    cases = [(row, stated) for row in (first, *more) if (stated := _stated(row, levels))]
    readings = [row for row in (first, *more) if set(READING) & set(row.said)]
    problems += [one for row in (first, *more) for one in _misplaced(row, row is first, levels)]
    is_number = "unit" in first.said or "bins" in first.said or bool(cases)
    if is_number:
        lines += [(line, first.line) for line in _number_keys(first)]
        for row, stated in cases:
            case, wrong = _case(row, stated, known)
            problems += wrong
            lines.append((f"  - {flow(mapping(case))}", row.line))
    lines += [("readings:", first.line)] if readings else []
    for row in readings:
        reading, wrong = _reading(row, known)
        problems += wrong
        lines.append((f"- {flow(mapping(reading))}", row.line))
    if not is_number and "about" not in first.said and "when" not in first.said:
        allowed = "about: EVENT=STATE, EVENT>=STATE or a scenario; when: EVENT=STATE; or a unit with cases"
        problems.append(Problem(first.where, "asks about nothing", "", allowed))
    return [(("- " if number == 0 else "  ") + line, row) for number, (line, row) in enumerate(lines)], problems


def _stated(row: _Row, levels: Sequence[str]) -> dict[str, str]:
    return {level: row.said[level] for level in levels if level in row.said}


def _misplaced(row: _Row, is_first: bool, levels: Sequence[str]) -> Iterator[Problem]:
    """Report a case without quantiles, and of a row that goes on what it cannot say."""
    is_case = bool(_stated(row, levels))
    if CASE in row.said and not is_case:
        allowed = "values in columns that are called like levels: 0, 0.05, 0.5, 0.95, 1"
        yield Problem(row.where, "a case without quantiles", row.said[CASE], allowed)
    if is_first:
        return
    if others := [name for name in row.said if name not in (CASE, *levels, *READING)]:
        what = f"{quoted(others)} in a row without an id, which goes on with the question above"
        yield Problem(row.where, what, "", "a case, or a reading; another question has an id of its own")
    elif CASE not in row.said and not is_case and not set(READING) & set(row.said):
        yield Problem(row.where, "a row with nothing in it", "", "a case or a reading of the question above")


def _number_keys(first: _Row) -> Iterator[str]:
    yield "number:"
    if "unit" in first.said:
        yield f"  unit: {flow(text(first.said['unit']))}"
    if "bins" in first.said:
        yield f"  bins: {flow(ListNode(tuple(_number(edge.strip()) for edge in first.said['bins'].split(';')), 1))}"
    yield "  cases:"


def _number(cell: str) -> Scalar:
    """Return a number as in a file; what is none is told where it is read."""
    return Scalar(resolve(cell), cell, 1)


def _case(row: _Row, stated: Mapping[str, str], known: Workspace) -> tuple[dict[str, Node], list[Problem]]:
    fields: dict[str, Node] = {}
    problems = []
    said = row.said.get(CASE, "")
    if said not in OTHERWISE:
        try:
            (asked,) = _asked("given", said, known).values()
            fields = {"scenario": text(said)} if "=" not in said else {"when": asked}
        except ValueError as error:
            problems.append(Problem(row.where, f"{CASE}: {error}", said))
    in_order = sorted(stated, key=float)
    fields["quantiles"] = mapping({level: _number(stated[level]) for level in in_order})
    return fields, problems


def _reading(row: _Row, known: Workspace) -> tuple[dict[str, Node], list[Problem]]:
    fields: dict[str, Node] = {}
    problems = []
    for name in (name for name in READING if name in row.said):
        key = "name" if name == "reading" else name.removeprefix("reading_")
        said = row.said[name]
        if key == "about":
            try:
                fields |= _asked("about", said, known) if "=" in said else _no_event(said)
            except ValueError as error:
                problems.append(Problem(row.where, f"{name}: {error}", said))
        else:
            fields[key] = _list(said) if name in LISTS else text(said)
    return fields, problems


def _no_event(said: str) -> dict[str, Node]:
    msg = f"'{said}' is no event with a state; EVENT=STATE or EVENT>=STATE"
    raise ValueError(msg)


def _list(said: str) -> ListNode:
    return ListNode(tuple(text(one.strip()) for one in said.split(";") if one.strip()), 1)


def _fields(said: Mapping[str, str], known: Workspace, where: Source) -> tuple[dict[str, Node], list[Problem]]:
    """Return the keys of a question by the cells of its first row, and what is wrong with these."""
    fields: dict[str, Node] = {}
    empty = [name for name in NEEDED if name not in said]
    problems = [Problem(where, f"{name} is empty", "", "needed of every question") for name in empty]
    for name in (name for name in COLUMNS if name in said):
        try:
            if name in PLAIN:
                fields[name] = text(said[name])
            elif name in ("about", "given", "when"):
                fields |= _asked(name, said[name], known)
            elif name == "benchmarks":
                fields[name] = _list(said[name])
        except ValueError as error:
            problems.append(Problem(where, f"{name}: {error}", said[name]))
    source: dict[str, Node] = {key: text(said[key]) for key in SOURCE if key in said}
    if source:
        fields["source"] = mapping(source)
    rate = {name: said[name] for name in BASE_RATE if name in said}
    if rate and len(rate) < len(BASE_RATE):
        problems.append(Problem(where, "part of a base rate", quoted(rate), quoted(BASE_RATE)))
    elif rate:
        fields["base_rate"] = _base_rate(rate)
    return fields, problems


def _base_rate(said: Mapping[str, str]) -> Node:
    """Return a base rate as in a file; a probability that is none is told where it is read."""
    number, publisher, why = (said[name] for name in BASE_RATE)
    source = mapping({"publisher": text(publisher)})
    return mapping({"probability": Scalar(resolve(number), number, 1), "source": source, "why": text(why)})


def _asked(column: str, said: str, known: Workspace) -> dict[str, Node]:
    """Read EVENT=STATE[,STATE], EVENT>=STATE, several of them with `;` as a condition, or a scenario.

    Each of a condition may end in @DAY, a day of its own.
    """
    events, scenarios = known.network.events, (*(one.id for one in known.scenarios), OTHER)
    if column == "given":
        if "=" not in said:
            return {"given": mapping({"scenario": text(_scenario(said, scenarios))})}
        parts = [_on_its_day(part.strip(), events) for part in said.split(";")]
        twice = [event for place, (event, _) in enumerate(parts) if event in dict(parts[:place])]
        if twice:
            msg = f"'{twice[0]}' is given twice; several states are EVENT=STATE,STATE"
            raise ValueError(msg)
        return {"given": mapping(dict(parts))}
    if "=" not in said:
        if column == "when":
            raise ValueError("a date is that of a step: EVENT=STATE")
        return {"scenario": text(_scenario(said, scenarios))}
    event, states = event_and_states(said, events)
    if column == "when":
        return {"when": mapping({"event": text(event), "state": states})}
    return {"about": mapping({"event": text(event), "state": states})}


def _on_its_day(said: str, events: Mapping[str, Event]) -> tuple[str, Node]:
    condition, has_day, day = said.partition("@")
    event, states = event_and_states(condition.strip(), events)
    return event, mapping({"is": states, "held_by": text(day.strip())}) if has_day else states


def _scenario(said: str, scenarios: tuple[str, ...]) -> str:
    if said not in scenarios:
        msg = f"there is no scenario '{said}'; {choice('scenarios', said, scenarios)}; an event is EVENT=STATE"
        raise ValueError(msg)
    return said
