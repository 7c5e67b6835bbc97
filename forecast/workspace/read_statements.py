"""Read `priors/statements/*.yaml`: who said what about which event, and what it was read as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from forecast.workspace.names import OTHER, Frame, unknown_name, unknown_state
from forecast.workspace.nodes import Cursor, MapNode, Node, Scalar, exactly_one, hold
from forecast.workspace.problems import Problem, Source, quoted, shown
from forecast.workspace.read_renames import former_target
from forecast.workspace.read_targets import build_target, target_references
from forecast.workspace.records import Coding, Publication, Reading, Resolution, Statement
from forecast.workspace.renames import Former
from forecast.workspace.statement_forms import CODED, FORMS, CodingShape, StatementShape, statement_form
from forecast.workspace.statement_forms.form import Built, Said

ABOUT_TOO = frozenset(form.key for form in FORMS if form.is_read_with_about)


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
    entries = Cursor.over(node, path).items()
    for number, entry in enumerate(entries, 1):
        statement_id = entry.text("id")
        if statement_id is not None:
            ids.append((statement_id, entry.at("id").source))
        subject = f"statement {shown(statement_id)}" if statement_id else f"statement number {number}"
        statement, more = _read_statement(entry.called(subject), frame)
        problems += more
        if statement is not None:
            statements.append(statement)
    return StatementsRead(tuple(statements), len(statements) == len(entries), tuple(ids), tuple(problems))


def _read_statement(at: Cursor, frame: Frame) -> tuple[Statement | None, tuple[Problem, ...]]:
    checked = hold(StatementShape, at, frame.today)
    at = checked.meant
    problems = [*checked.problems, *exactly_one(StatementShape, at)]
    problems += _statement_references(at, frame)
    problems += _empty(at, checked.problems)
    shape, mended = checked.shape, checked.at
    if shape is None:
        return None, tuple(problems)
    is_whole = any(form.is_on_whole_event and mended.has(form.key) for form in FORMS)
    about, wrong = build_target(shape.about, mended.at("about").under("about"), frame, whole_event=is_whole)
    reading, more = _reading(shape, mended, frame)
    # Where a part is wrong the rest of what belongs to it is not: `high` was not given without `low`.
    if "about" not in checked.wrong:
        problems += wrong
    if not checked.wrong & ({*StatementShape.one_of} | ({"about"} if ABOUT_TOO & {*at.keys} else set())):
        problems += more
    resolved, wrong = _resolved(shape, mended, frame)
    problems += wrong
    codings, wrong = _codings(shape, mended, at, frame)
    problems += wrong
    if about is None or reading is None:
        return None, tuple(problems)
    statement = Statement(
        id=shape.id,
        date=shape.date,
        expert=shape.expert,
        publication=Publication(shape.source.publisher, shape.source.title, shape.source.url),
        says=shape.says,
        about=about,
        reading=reading,
        coded_by=shape.coded_by[0].coder if shape.coded_by else None,
        why=shape.why,
        resolved=resolved,
        source=at.source,
        codings=codings,
    )
    return statement, tuple(problems)


def _reading(shape: StatementShape, at: Cursor, frame: Frame) -> Built:
    """Return the reading of a statement (None where it is wrong) and the problems in it."""
    for form in FORMS:
        value = getattr(shape, form.key)
        if value is not None:
            return form.build(Said(value, at.at(form.key).under(form.key), shape.about, at, frame))
    return None, ()


def _codings(
    shape: StatementShape, at: Cursor, whole: Cursor, frame: Frame
) -> tuple[tuple[Coding, ...], tuple[Problem, ...]]:
    """Return what further coders put on the words, and what is wrong with that; `whole`: with the values that are."""
    coders, entries = shape.coded_by or [], at.items_at("coded_by")
    as_written = whole.items_at("coded_by")
    if len(coders) < 2 and not any(map(entry_has_value, entries)):
        return (), ()
    problems: list[Problem] = []
    form = next((form for form in FORMS if getattr(shape, form.key) is not None), None)
    if form is not None and not form.may_be_coded_again:
        allowed = f"of several coders there is {choice_of(CODED)}"
        problems.append(at.at("coded_by").problem(f"several coders of '{form.key}'", "", allowed))
    codings: list[Coding] = []
    seen: dict[str, int] = {}
    for number, (said, entry) in enumerate(zip(coders, entries, strict=True)):
        where = entry.under(f"coded_by[{number + 1}]")
        if (first := seen.setdefault(said.coder, number)) != number:
            got = f"also coded_by[{first + 1}]"
            problems.append(
                where.problem(f"{shown(said.coder)} codes one remark twice", got, "one number of each coder")
            )
        if number == 0:
            if entry_has_value(entry):
                allowed = "the first coder's number and reason are the statement's own; the name alone"
                problems.append(where.problem("the first coder has a number here", "", allowed))
            continue
        if len(as_written) == len(entries):
            problems += exactly_one(CodingShape, as_written[number].called(where.subject))
        if said.why is None:
            problems.append(where.problem("missing key 'why'", "", "why this number and not another"))
        if form is None or not form.may_be_coded_again:
            continue
        coding, more = _coding(said, shape, form.key, where, at, frame)
        problems += more
        if coding is not None:
            codings.append(coding)
    return tuple(codings), tuple(problems)


def _coding(
    said: CodingShape, shape: StatementShape, first: str, where: Cursor, at: Cursor, frame: Frame
) -> tuple[Coding | None, tuple[Problem, ...]]:
    """Return one further coding of a statement whose own form is `first`."""
    for form in FORMS:
        value = getattr(said, form.key, None)
        if value is None or not form.may_be_coded_again:
            continue
        there = where.at(form.key).under(form.key)
        compares = [one.key for one in FORMS if one.second and one.may_be_coded_again]
        alike = [first] if first in compares else [key for key in CODED if key not in compares]
        if form.key not in alike:
            return None, (there.problem(f"not a number of the same thing as '{first}'", "", choice_of(alike)),)
        whole = form.whole(value, getattr(shape, form.key))
        reading, problems = form.build(Said(whole, there, shape.about, at, frame))
        return None if reading is None else Coding(said.coder, reading, said.why or ""), problems
    return None, ()


def entry_has_value(entry: Cursor) -> bool:
    """Say whether an entry of `coded_by` has more than a name."""
    return any(key != "coder" for key in entry.keys)


def choice_of(names: Sequence[str]) -> str:
    """Write some keys of which one is allowed."""
    return f"one of {quoted(names)}" if len(names) > 1 else f"'{names[0]}'"


def _resolved(shape: StatementShape, at: Cursor, frame: Frame) -> tuple[Resolution | None, tuple[Problem, ...]]:
    """Return how the statement turned out, and what is wrong with that."""
    resolved = shape.resolved
    if resolved is None:
        return None, ()
    where = at.at("resolved").under("resolved")
    problems: list[Problem] = []
    if (resolved.state is None) == (resolved.void is None):
        problems.append(where.problem("neither state nor void, or both", "", "one of them"))
    if resolved.on < shape.date:
        what, got = f"{where.subject} before it was said", resolved.on.isoformat()
        problems.append(Problem(where.at("on").source, what, got, f"from {shape.date} on"))
    if any(not form.has_outcome and getattr(shape, form.key) is not None for form in FORMS):
        problems.append(where.problem("only a single probability has an outcome"))
    if problems or any(_unknown_outcome(at, frame)):
        return None, tuple(problems)
    return Resolution(resolved.state, resolved.on, resolved.url), ()


def _empty(at: Cursor, known: Sequence[Problem], above: str = "") -> Iterator[Problem]:
    """Report every key without a value that is no problem yet: left out would mean something else than meant."""
    for key in at.keys:
        name, value = f"{above}{key}", at.child(key)
        if isinstance(value, MapNode):
            yield from _empty(at.at(key), known, f"{name}.")
        elif isinstance(value, Scalar) and value.value is None:
            beginnings = f"{at.subject}: {name} ", f"{at.subject}: unknown key {shown(key)}"
            if not any(one.what.startswith(beginnings) for one in known):
                yield at.key(key).problem(f"{name} is empty", "nothing", "write a value, or take the key out")


def _unknown_outcome(at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report an outcome that is not a state of the event (or no scenario), however wrong the rest is."""
    state, event, scenarios = at.text("resolved", "state"), at.text("about", "event"), frame.names.scenarios
    if state is None:
        return
    where = at.at("resolved", "state").under("resolved")
    known = (*scenarios, OTHER) if event is None and scenarios is not None else None
    unknown = unknown_name(known, state, where, "scenario")
    for problem in unknown_state(frame.names, event, state, where) if event is not None else unknown:
        hint = "; a void question is written void: true" if state.lower() == "void" else ""
        yield replace(problem, allowed=problem.allowed + hint)


def _statement_references(at: Cursor, frame: Frame) -> Iterator[Problem]:
    if (expert := at.text("expert")) is not None:
        yield from unknown_name(frame.names.experts, expert, at.at("expert"), "expert")
    yield from target_references(at, [form.second for form in FORMS if form.second], frame)
    yield from _unknown_outcome(at, frame)
    for form in FORMS:
        if at.has(form.key):
            yield from form.references(at, frame)


def former_statement(statement: Statement, names: Former) -> Statement:
    """Return a statement with the names of then."""
    resolved, condition = statement.resolved, statement.about.condition
    if resolved is not None and resolved.state is not None:
        then = names.state(condition.event, resolved.state) if condition else names.name("scenario", resolved.state)
        resolved = replace(resolved, state=then)

    def former(reading: Reading) -> Reading:
        then: Reading = statement_form(reading).former(reading, statement.about, names)
        return then

    return replace(
        statement.read_by(former),
        id=names.name("statement", statement.id),
        expert=names.name("expert", statement.expert),
        about=former_target(statement.about, names),
        resolved=resolved,
    )
