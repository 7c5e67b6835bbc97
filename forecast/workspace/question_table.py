"""Questions from a CSV table: each row is written as it would stand in `priors/questions.yaml`, and checked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.drafts import LineDraft, statement_text
from forecast.workspace.files import QUESTIONS
from forecast.workspace.names import OTHER, event_and_states
from forecast.workspace.nodes import Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, quoted
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace
from forecast.workspace.yaml_text import resolve

NEEDED = ("id", "question", "resolves")
COLUMNS = (
    *("id", "question", "about", "given", "when", "by", "opens", "topic", "resolves", "caution"),
    *("publisher", "title", "url", "base_rate", "base_publisher", "base_why"),
)
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
    problems = [*found, *header.repeated(), *header.missing(NEEDED, COLUMNS), *header.unknown(COLUMNS)]
    columns = [name for name in COLUMNS if name in table.header]
    so_far += b"" if so_far.endswith(b"\n") or not so_far else b"\n"
    added, lines = "", dict[int, int]()  # the row of each line that comes in
    for row, cells in table.cells(columns):
        fields, wrong = _fields(cells, before, Source(file, row))
        problems += wrong
        written = statement_text(fields)
        first = (so_far.decode("utf-8", "replace") + added).count("\n") + 1
        lines |= {first + number: row for number in range(written.count("\n"))}
        added += written
    if not lines and not problems:
        problems.append(Problem(Source(file, 1), "no row but the header", "", "one question a row"))
    drafted = so_far + added.encode()
    if problems:
        return LineDraft(QUESTIONS, added, drafted, None, tuple(problems))
    workspace, all_problems = read_workspace(root, today=today, drafts={QUESTIONS: drafted})
    told = tuple(_at_row(one, file, lines) for one in all_problems if one not in old)
    return LineDraft(QUESTIONS, added, drafted, workspace, told)


def _at_row(problem: Problem, file: str, lines: Mapping[int, int]) -> Problem:
    """Return a problem of a line that came in at the row of the table that it came from."""
    where = problem.source
    if where.path != QUESTIONS or where.line not in lines:
        return problem
    return replace(problem, source=Source(file, lines[where.line]))


def _fields(cells: Mapping[str, str], known: Workspace, where: Source) -> tuple[dict[str, Node], list[Problem]]:
    """Return the keys of a question by the cells of a row, and what is wrong with these."""
    fields: dict[str, Node] = {}
    said = {name: cell for name, cell in cells.items() if cell}
    empty = [name for name in NEEDED if name not in said]
    problems = [Problem(where, f"{name} is empty", "", "needed of every question") for name in empty]
    for name in (name for name in COLUMNS if name in said):
        try:
            if name in PLAIN:
                fields[name] = text(said[name])
            elif name in ("about", "given", "when"):
                fields |= _asked(name, said[name], known)
        except ValueError as error:
            problems.append(Problem(where, f"{name}: {error}", said[name]))
    if "about" not in said and "when" not in said:
        allowed = "about: EVENT=STATE, EVENT>=STATE or a scenario; or when: EVENT=STATE"
        problems.append(Problem(where, "asks about nothing", "", allowed))
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
    """Read EVENT=STATE[,STATE], EVENT>=STATE, several of them with `;` as a condition, or a scenario."""
    events, scenarios = known.network.events, (*(one.id for one in known.scenarios), OTHER)
    if column == "given":
        if "=" not in said:
            return {"given": mapping({"scenario": text(_scenario(said, scenarios))})}
        parts = [event_and_states(part.strip(), events) for part in said.split(";")]
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


def _scenario(said: str, scenarios: tuple[str, ...]) -> str:
    if said not in scenarios:
        msg = f"there is no scenario '{said}'; {choice('scenarios', said, scenarios)}; an event is EVENT=STATE"
        raise ValueError(msg)
    return said
