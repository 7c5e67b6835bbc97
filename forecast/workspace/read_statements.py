"""Read `priors/statements/*.yaml`: who said what about which event, and what it was read as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forecast.workspace.checked import exactly_one, hold
from forecast.workspace.frame import Frame
from forecast.workspace.names import list_of, unknown_name
from forecast.workspace.nodes import Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.read_readings import build_reading, distribution_references
from forecast.workspace.read_targets import build_target, target_references
from forecast.workspace.records import Publication, Statement
from forecast.workspace.shapes.statements import StatementShape


@dataclass(frozen=True)
class StatementsRead:
    """The statements of one file that are right, every id with its place, and the problems found."""

    statements: tuple[Statement, ...]
    ids: tuple[tuple[str, Source], ...]
    problems: tuple[Problem, ...]


def read_statements(node: Node, path: str, frame: Frame) -> StatementsRead:
    """Read one file of statements."""
    statements: list[Statement] = []
    ids: list[tuple[str, Source]] = []
    problems: list[Problem] = []
    for number, item in enumerate(list_of(node), 1):
        statement_id = text_at(item, "id")
        if statement_id is not None:
            ids.append((statement_id, Source(path, line_at(item, "id"))))
        subject = f"statement {shown(statement_id)}" if statement_id else f"statement number {number}"
        statement, found = _read_statement(item, path, subject, frame)
        problems += found
        if statement is not None:
            statements.append(statement)
    return StatementsRead(tuple(statements), tuple(ids), tuple(problems))


def _read_statement(item: Node, path: str, subject: str, frame: Frame) -> tuple[Statement | None, tuple[Problem, ...]]:
    checked = hold(StatementShape, item, path, subject, frame.today)
    problems = [*checked.problems, *exactly_one(StatementShape, item, path, subject)]
    problems += _references(item, path, subject, frame)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    about_node = child(checked.node, "about") or checked.node
    is_whole = child(checked.node, "distribution") is not None
    about, found = build_target(shape.about, about_node, frame, path, f"{subject}: about", whole_event=is_whole)
    reading, more = build_reading(shape, checked.node, frame, path, subject)
    problems += [*found, *more]
    if about is None or reading is None:
        return None, tuple(problems)
    statement = Statement(
        shape.id,
        shape.date,
        shape.expert,
        Publication(shape.source.publisher, shape.source.title, shape.source.url),
        shape.says,
        about,
        reading,
        shape.coded_by,
        shape.why,
        Source(path, item.line),
    )
    return statement, tuple(problems)


def _references(item: Node, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    expert = text_at(item, "expert")
    if expert is not None:
        yield from unknown_name(frame.names.experts, expert, Source(path, line_at(item, "expert")), subject, "expert")
    yield from target_references(item, frame, path, subject)
    yield from distribution_references(item, frame, path, subject)
