"""What is not in the files yet: a statement, an item, a line, a roll; its text, and the workspace with it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.files import EVIDENCE, JUDGEMENTS, NETWORK, RESOLUTIONS, SOURCES, STATEMENTS
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, child, mapping, text
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, shown
from forecast.workspace.read import read_workspace
from forecast.workspace.read_benchmarks import (
    AUTHOR,
    JUDGEMENT,
    JUDGEMENT_COLUMNS,
    JudgementRow,
    forecasters_of,
    judgement_id,
    judgement_rows,
    row_in_words,
)
from forecast.workspace.records import Item, Statement, Workspace
from forecast.workspace.renames import NO_RENAMES
from forecast.workspace.yaml_text import parse_yaml, resolve

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()%/ -]*")  # text that is the same without quotes, wherever it stands


@dataclass(frozen=True)
class StatementDraft:
    """A statement to be added: the file, its content then, the keys of the statement, and the problems it would bring.

    `workspace` and `statement` are None where the workspace would have errors."""

    path: str
    added: str
    content: bytes
    fields: Mapping[str, Node]
    workspace: Workspace | None
    statement: Statement | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_statement(root: Path, expert: str, fields: Mapping[str, Node], today: date) -> StatementDraft:
    """Write a statement as it would stand at the end of its expert's file, and check the workspace with it.

    Args:
        root: the workspace. Nothing is written to it.
        expert: whose file it goes to, `priors/statements/EXPERT.yaml`.
        fields: the keys of the statement in the order in which they are written. Without `id` it gets one that is free,
            made from expert and `date`.
        today: dates after it are problems.
    """
    path = f"{STATEMENTS}{expert}.yaml"
    place = root / path
    before = place.read_bytes() if place.is_file() else b""
    known, old = read_workspace(root, today=today)
    if "id" not in fields:
        taken = {statement.id for statement in known.statements} if known else set()
        date_said = fields["date"].text if isinstance(fields["date"], Scalar) else ""
        fields = {"id": text(free_name(f"{expert}-{date_said}", taken.__contains__)), **fields}
    added = statement_text(fields)
    content = before + (b"" if before.endswith(b"\n") or not before else b"\n") + added.encode()
    workspace, problems = read_workspace(root, today=today, drafts={path: content})
    new_id = fields["id"].value if isinstance(fields["id"], Scalar) else None
    found = [statement for statement in workspace.statements if statement.id == new_id] if workspace else []
    said = tuple(problem for problem in problems if problem not in old)
    return StatementDraft(path, added, content, fields, workspace, found[0] if found else None, said)


@dataclass(frozen=True)
class CodingsDraft:
    """Codings to be added: the contents of the files of statements then, by path, and the problems that they bring.

    `workspace` is None where it would have errors."""

    contents: Mapping[str, bytes]
    workspace: Workspace | None
    problems: tuple[Problem, ...]


def draft_codings(root: Path, codings: Mapping[str, MapNode], today: date) -> CodingsDraft:
    """Write further codings behind those of their statements, and check the workspace with them; nothing goes to disk.

    Args:
        root: the workspace.
        codings: entries of `coded_by`, by the ids of their statements.
        today: dates after it are problems.

    Raises WorkspaceProblems where the files hold errors, and where a statement's `coded_by` has no lines of its own.
    """
    known, old = read_workspace(root, today=today)
    if known is None:
        raise WorkspaceProblems(old)
    contents: dict[str, bytes] = {}
    wrong: list[Problem] = []
    by_path: dict[str, list[str]] = {}
    for statement in known.statements:
        if statement.id in codings:
            by_path.setdefault(statement.source.path, []).append(statement.id)
    for path, names in by_path.items():
        content = known.contents.get(path) or (root / path).read_bytes()
        tree, _ = parse_yaml(content, path)
        entries = [one for one in (tree.items if isinstance(tree, ListNode) else (tree,)) if isinstance(one, MapNode)]
        lines = content.decode("utf-8").splitlines(keepends=True)
        places = [(one, name) for one in entries if (name := _text_of(one.entries.get("id"))) in names]
        for entry, name in sorted(places, key=lambda place: -place[0].line):
            if (problem := _add_coding(entry, lines, codings[name], Source(path, entry.line), name)) is not None:
                wrong.append(problem)
        contents[path] = "".join(lines).encode()
    if wrong:
        raise WorkspaceProblems(tuple(wrong))
    workspace, problems = read_workspace(root, today=today, drafts=contents)
    # Lines have moved down; only what is said there for the first time counts.
    said = {(problem.what, problem.got) for problem in old}
    new = tuple(problem for problem in problems if (problem.what, problem.got) not in said)
    return CodingsDraft(contents, workspace, new)


def _text_of(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


CODERS = re.compile(r"(?P<before> *)coded_by:(?P<value>[^#\n]*)(?P<after>#.*)?(?P<end>\r?\n?)")


def _add_coding(entry: MapNode, lines: list[str], coding: MapNode, source: Source, name: str) -> Problem | None:
    """Put a coding behind the others of a statement; return what is in the way."""
    line = entry.key_lines.get("coded_by", entry.line) - 1
    found, coders = CODERS.fullmatch(lines[line]), entry.entries.get("coded_by")
    if found is None or coders is None:
        what, allowed = f"statement {name!r}: coded_by shares its line with other keys", "a line of its own"
        return Problem(source, what, "", allowed)
    before, end = found["before"], found["end"] or "\n"
    own = isinstance(coders, ListNode) and not found["value"].strip()
    if own and isinstance(coders, ListNode):
        at = coders.items[-1].line
        while at < len(lines) and lines[at].strip() and len(lines[at]) - len(lines[at].lstrip()) > len(before):
            at += 1
    else:
        items = coders.items if isinstance(coders, ListNode) else (coders,)
        comment = f" {found['after']}" if found["after"] else ""
        lines[line : line + 1] = [f"{before}coded_by:{comment}{end}", *(f"{before}- {flow(one)}{end}" for one in items)]
        at = line + 1 + len(items)
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += end
    lines.insert(at, f"{before}- {flow(coding)}{end}")
    return None


def free_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name, with the smallest number behind it that makes it free if it is taken."""
    names = (wanted + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(name for name in names if not is_taken(name))


def statement_text(fields: Mapping[str, Node]) -> str:
    """Return a statement in block style, its inner maps on one line each."""
    lines = [f"{key}: {flow(value)}" for key, value in fields.items()]
    return "".join(("- " if number == 0 else "  ") + f"{line}\n" for number, line in enumerate(lines))


def flow(node: Node) -> str:
    """Return a tree on one line of YAML; texts are quoted where they would not be read back as they are."""
    match node:
        case ListNode(items=items):
            return f"[{', '.join(map(flow, items))}]"
        case MapNode(entries=entries):
            return "{" + ", ".join(f"{_key(key)}: {flow(value)}" for key, value in entries.items()) + "}"
        case Scalar(value=str(value)):
            is_plain = PLAIN.fullmatch(value) and value == value.strip() and resolve(value) == value
            return value if is_plain else json.dumps(value, ensure_ascii=False)
        case Scalar(text=written):
            return written


def _key(key: str) -> str:
    # A key is text whatever it looks like, so levels need no quotes.
    return key if PLAIN.fullmatch(key.removeprefix(".")) and key == key.strip() else json.dumps(key, ensure_ascii=False)


BEARS_ON = "bears_on"


@dataclass(frozen=True)
class ItemDraft:
    """An item to be added: its file, the contents of all files that change, and the problems that it would bring.

    `contents` are by path, the item's file last: who writes them in this order never leaves an item without its source.
    `workspace` and `item` are None where the workspace would have errors.
    """

    path: str
    added: str
    contents: dict[str, bytes]
    workspace: Workspace | None
    item: Item | None
    problems: tuple[Problem, ...]


def draft_item(
    root: Path,
    path: str,
    fields: Mapping[str, Node],
    bearings: Sequence[MapNode],
    new_source: tuple[str, MapNode] | None,
    today: date,
    known: tuple[Problem, ...],
) -> ItemDraft:
    """Write an item as it would stand in a file of its own, and check the workspace with it.

    Args:
        root: the workspace. Nothing is written to it.
        path: the file, relative to the workspace; there is none yet.
        fields: the keys of the item in the order in which they are written; `id` among them.
        bearings: what it says about each event; they come last.
        new_source: id and entry of a source that `evidence/sources.yaml` does not hold yet.
        today: dates after it are problems.
        known: problems that the workspace has without the item.
    """
    added = item_text(fields, bearings)
    contents: dict[str, bytes] = {}
    if new_source is not None:
        contents[SOURCES] = _with_source(root / SOURCES, *new_source)
    contents[path] = added.encode()
    workspace, problems = read_workspace(root, today=today, drafts=contents)
    found = [item for item in workspace.items if item.source.path == path] if workspace else []
    said = tuple(problem for problem in problems if problem not in known)
    return ItemDraft(path, added, contents, workspace, found[0] if found else None, said)


def item_path(reported: str, item_id: str) -> str:
    """Return the file that an item gets: `evidence/DATE-ID.yaml`, the date once."""
    name = item_id if item_id.startswith(reported) else f"{reported}-{item_id}"
    return f"{EVIDENCE}{name}.yaml"


def item_text(fields: Mapping[str, Node], bearings: Sequence[MapNode]) -> str:
    """Return an item in block style, what it says about each event on one line."""
    lines = [f"{key}: {flow(value)}" for key, value in fields.items()]
    lines += [f"{BEARS_ON}:", *(f"- {flow(bearing)}" for bearing in bearings)]
    return "".join(("- " if number == 0 else "  ") + f"{line}\n" for number, line in enumerate(lines))


def _with_source(place: Path, name: str, entry: MapNode) -> bytes:
    before = place.read_bytes() if place.is_file() else b""
    # A map of one entry, without its braces.
    line = flow(mapping({name: entry}))[1:-1]
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + f"{line}\n".encode()


@dataclass(frozen=True)
class LineDraft:
    """A line to be added: the file, its content then, and the problems that it would bring.

    `workspace` is None where the workspace would have errors."""

    path: str
    added: str
    content: bytes
    workspace: Workspace | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_resolution(root: Path, fields: Mapping[str, str | bool | float], today: date) -> LineDraft:
    """Write a resolution as the last line of its file, and check the workspace with it. Nothing is written to disk.

    Args:
        root: the workspace.
        fields: keys of the line in the order in which they are written.
        today: dates after it are problems.
    """
    return _draft(root, RESOLUTIONS, json.dumps(fields, ensure_ascii=False), today)


def draft_judgements(root: Path, rows: Sequence[JudgementRow], today: date) -> LineDraft:
    """Write rows as the last ones of their file, and check the workspace with them; nothing goes to disk.

    Where the first author is named the header gets a column for authors; the rows that are there stay as they are.
    """
    place = root / JUDGEMENTS
    before = place.read_bytes() if place.is_file() else b""
    header, line_end = _header(before)
    if AUTHOR not in header and any(row.author != JUDGEMENT for row in rows):
        header = (*header, AUTHOR)
        first, end, rest = before.partition(b"\n")
        bare = first.removesuffix(b"\r")
        before = bare + f",{AUTHOR}".encode() + first[len(bare) :] + end + rest if before else before
    added = "\n".join(_row([_cell(row, column) for column in header]) for row in rows)
    content = before or f"{_row(header)}\n".encode()
    content += b"" if content.endswith(b"\n") else line_end.encode()
    content += f"{added}\n".replace("\n", line_end).encode()
    return _drafted(root, JUDGEMENTS, added, content, today)


def _header(content: bytes) -> tuple[tuple[str, ...], str]:
    """Return the columns of judgements and how lines end; those of a new file where there is none that can be read."""
    table, _ = parse_csv(content, JUDGEMENTS, AUTHOR)
    first = content.partition(b"\n")[0]
    return table.header if table else JUDGEMENT_COLUMNS, "\r\n" if first.endswith(b"\r") else "\n"


def _cell(row: JudgementRow, column: str) -> str:
    author = "" if row.author == JUDGEMENT else row.author
    cells = {"date": row.day.isoformat(), "question": row.question, "probability": repr(row.probability)}
    return (cells | {"why": row.why, AUTHOR: author}).get(column, "")


def judgements_from(
    content: bytes, path: str, workspace: Workspace, today: date, by_default: Mapping[str, str]
) -> tuple[JudgementRow, ...]:
    """Read a table of judgements that are to be added: question and probability, and date, why and author if they are.

    Args:
        content, path: the table, and how messages call it.
        workspace: what it is held against.
        today: dates after it are problems.
        by_default: what an empty or missing cell holds, by column; `date` among them.

    Raises WorkspaceProblems: the table holds mistakes; all of them, by line.
    """
    rows, problems = judgement_rows(
        content, path, today, NO_RENAMES, forecasters_of(workspace.benchmarks), ("question", "probability"), by_default
    )
    questions = tuple(question.id for question in workspace.asked)
    there = {
        (question, day, who): probability
        for question in questions
        if (series := workspace.benchmarks.get(judgement_id(question))) is not None
        for day, who, probability in series.points
    }
    first: dict[tuple[str, date, str], int] = {}
    for row in rows:
        key = row.question, row.day, row.author
        where, allowed = Source(path, row.line), "one number of each author a day"
        if row.question not in questions:
            what = f"unknown question {shown(row.question)}"
            problems.append(Problem(where, what, "", choice("questions", row.question, questions)))
        elif key in there:
            problems.append(
                Problem(where, f"{row_in_words(row)} is in {JUDGEMENTS} already", f"{there[key]:g}", allowed)
            )
        elif key in first:
            problems.append(
                Problem(where, f"{row_in_words(row)} appears twice", "", f"first in line {first[key]}; {allowed}")
            )
        first.setdefault(key, row.line)
    if not rows and not problems:
        problems.append(Problem(Source(path, 1), "there is no row", "", "a header, and a row for each judgement"))
    if problems:
        raise WorkspaceProblems(problems)
    return tuple(rows)


def _draft(root: Path, path: str, added: str, today: date) -> LineDraft:
    place = root / path
    before = place.read_bytes() if place.is_file() else b""
    content = before + (b"" if before.endswith(b"\n") or not before else b"\n") + f"{added}\n".encode()
    return _drafted(root, path, added, content, today)


def _drafted(root: Path, path: str, added: str, content: bytes, today: date) -> LineDraft:
    _, old = read_workspace(root, today=today)
    workspace, problems = read_workspace(root, today=today, drafts={path: content})
    return LineDraft(path, added, content, workspace, tuple(problem for problem in problems if problem not in old))


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


ITEM = re.compile(r"\s*- ?")


@dataclass(frozen=True)
class RollDraft:
    """The lines that come in, the content of the file then, and the problems that it would bring.

    `workspace` is None where it would have errors."""

    path: str
    added: str
    content: bytes
    workspace: Workspace | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_roll(root: Path, on: date, horizon: date, why: str | None, today: date) -> RollDraft:
    """Write a roll behind those that the network has, and check the workspace with it. Nothing is written to disk.

    Raises WorkspaceProblems where there is no network to roll, or its rolls do not stand on lines of their own.
    """
    old, known = read_workspace(root, today=today)
    if old is None:
        raise WorkspaceProblems(known)
    content = (root / NETWORK).read_bytes()
    tree, _ = parse_yaml(content, NETWORK)
    if not isinstance(tree, MapNode):
        msg = "a network that was read is a map"
        raise TypeError(msg)
    fields = {"on": text(on.isoformat()), "horizon": text(horizon.isoformat())}
    entry = flow(mapping({**fields, "why": text(why)} if why else fields))
    lines = content.decode("utf-8").splitlines(keepends=True)
    place, indent = _place(tree, lines)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    added = f"{indent}- {entry}{end}" if "rolled" in tree.entries else f"rolled:{end}- {entry}{end}"
    before = "".join(lines[:place])
    before += "" if before.endswith("\n") else end
    after = (before + added + "".join(lines[place:])).encode()
    workspace, problems = read_workspace(root, today=today, drafts={NETWORK: after})
    # Everything after the new lines has moved down; only what is said there for the first time counts.
    said = {(problem.what, problem.got) for problem in known}
    new = tuple(problem for problem in problems if (problem.what, problem.got) not in said)
    return RollDraft(NETWORK, added, after, workspace, new)


def _place(tree: MapNode, lines: list[str]) -> tuple[int, str]:
    """Return how many lines stand before the new one, and the spaces that it begins with."""
    rolled = child(tree, "rolled")
    if rolled is None:
        return tree.entries["horizon"].line, ""
    key = tree.key_lines["rolled"]
    if isinstance(rolled, ListNode) and rolled.items:
        if all(ITEM.match(lines[item.line - 1]) and item.line > key for item in rolled.items):
            first = lines[rolled.items[0].line - 1]
            return _end(lines, rolled.items[-1].line), first[: len(first) - len(first.lstrip())]
    elif isinstance(rolled, Scalar):
        return key, ""
    what, allowed = "network: the rolls are written on one line", "a line for each roll: - {on: ..., horizon: ...}"
    raise WorkspaceProblems([Problem(Source(NETWORK, key), what, "", allowed)])


def _end(lines: list[str], begin: int) -> int:
    """Return the last line of a list item that begins on a line: before the next key, and its comments."""
    end = begin
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " #"):
        end += 1
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end
