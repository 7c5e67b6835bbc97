"""Read `priors/statements/*.yaml`: who said what about which event, and what it was read as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from forecast.workspace.checked import exactly_one, hold
from forecast.workspace.frame import Frame
from forecast.workspace.names import OTHER, list_of, unknown_name, unknown_state
from forecast.workspace.nodes import Mapping, Node, Scalar, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.read_readings import build_reading, distribution_references
from forecast.workspace.read_targets import build_target, target_references
from forecast.workspace.records import Publication, Resolution, Statement
from forecast.workspace.shapes.statements import StatementShape

ABOUT_TOO = frozenset({"times", "odds_times", "more_likely_than", "distribution", "count"})  # read with `about`


@dataclass(frozen=True)
class StatementsRead:
    """The statements of one file that are right (all of them if it is whole), every id with its place, the problems."""

    statements: tuple[Statement, ...]
    is_whole: bool
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
    return StatementsRead(tuple(statements), len(statements) == len(list_of(node)), tuple(ids), tuple(problems))


def _read_statement(item: Node, path: str, subject: str, frame: Frame) -> tuple[Statement | None, tuple[Problem, ...]]:
    checked = hold(StatementShape, item, path, subject, frame.today)
    problems = [*checked.problems, *exactly_one(StatementShape, item, path, subject)]
    problems += _references(item, path, subject, frame)
    problems += _empty(item, path, subject, checked.problems)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    about_node = child(checked.node, "about") or checked.node
    is_whole = child(checked.node, "distribution") is not None
    about, found = build_target(shape.about, about_node, frame, path, f"{subject}: about", whole_event=is_whole)
    reading, more = build_reading(shape, checked.node, frame, path, subject)
    # Where a part is wrong the rest of what belongs to it is not: `high` was not given without `low`.
    if "about" not in checked.wrong:
        problems += found
    if not checked.wrong & ({*StatementShape.one_of} | ({"about"} if ABOUT_TOO & {*_keys(item)} else set())):
        problems += more
    resolved, wrong = _resolved(shape, checked.node, frame, path, subject)
    problems += wrong
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
        resolved,
        Source(path, item.line),
    )
    return statement, tuple(problems)


def _keys(item: Node) -> tuple[str, ...]:
    return tuple(item.entries) if isinstance(item, Mapping) else ()


def _resolved(
    shape: StatementShape, node: Node, frame: Frame, path: str, subject: str
) -> tuple[Resolution | None, tuple[Problem, ...]]:
    """Return how the statement turned out, and what is wrong with that."""
    resolved, where = shape.resolved, child(node, "resolved") or node
    if resolved is None:
        return None, ()
    subject = f"{subject}: resolved"
    problems: list[Problem] = []
    if (resolved.state is None) == (resolved.void is None):
        problems.append(
            Problem(Source(path, where.line), f"{subject}: neither state nor void, or both", "", "one of them")
        )
    if resolved.on < shape.date:
        got, allowed = resolved.on.isoformat(), f"from {shape.date} on"
        problems.append(Problem(Source(path, line_at(where, "on")), f"{subject} before it was said", got, allowed))
    if shape.count is not None or shape.distribution is not None or shape.more_likely_than is not None:
        problems.append(Problem(Source(path, where.line), f"{subject}: only a single probability has an outcome"))
    if problems or any(_unknown_outcome(node, path, subject, frame)):
        return None, tuple(problems)
    return Resolution(resolved.state, resolved.on, resolved.url), ()


def _empty(item: Node, path: str, subject: str, known: Sequence[Problem], above: str = "") -> Iterator[Problem]:
    """Report every key without a value that is no problem yet: left out would mean something else than meant."""
    if not isinstance(item, Mapping):
        return
    for key, value in item.entries.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _empty(value, path, subject, known, f"{name}.")
        elif isinstance(value, Scalar) and value.value is None:
            what = f"{subject}: {name} is empty"
            if not any(
                one.what.startswith((f"{subject}: {name} ", f"{subject}: unknown key {shown(key)}")) for one in known
            ):
                allowed = "write a value, or take the key out"
                yield Problem(Source(path, item.key_lines[key]), what, "nothing", allowed)


def _unknown_outcome(item: Node, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    """Report an outcome that is no state of the event (or no scenario), however wrong the rest is."""
    state, event = text_at(item, "resolved", "state"), text_at(item, "about", "event")
    if state is None:
        return
    where = Source(path, line_at(item, "resolved", "state"))
    scenarios = frame.names.scenarios
    known = (*scenarios, OTHER) if event is None and scenarios is not None else None
    found = unknown_name(known, state, where, subject, "scenario")
    for problem in unknown_state(frame.names, event, state, where, subject) if event is not None else found:
        hint = "; a void question is written void: true" if state.lower() == "void" else ""
        yield replace(problem, allowed=problem.allowed + hint)


def _references(item: Node, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    expert = text_at(item, "expert")
    if expert is not None:
        yield from unknown_name(frame.names.experts, expert, Source(path, line_at(item, "expert")), subject, "expert")
    yield from target_references(item, frame, path, subject)
    yield from _unknown_outcome(item, path, f"{subject}: resolved", frame)
    yield from distribution_references(item, frame, path, subject)
