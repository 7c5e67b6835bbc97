"""`forecast code`: a sheet on which a second coder puts numbers on remarks, and what came back of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from forecast.commands import running
from forecast.commands.running import Files, echo_json, right
from forecast.digests import digest_of
from forecast.sampling.readings import coded_numbers, numbers
from forecast.sampling.statements import as_read, in_words
from forecast.workspace.drafts import CodingsDraft, draft_codings, flow
from forecast.workspace.nodes import Cursor, MapNode, Node, Scalar, mapping, plain, text
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, quoted, shown
from forecast.workspace.read import load
from forecast.workspace.records import Statement, Target, Workspace
from forecast.workspace.statement_forms import CODED, statement_form, targets_of
from forecast.workspace.yaml_text import parse_yaml

CODE = 8  # hex digits of a remark's code: its id would tell who spoke
HEAD = """\
# Each remark below is a paraphrase of what somebody said. Put a number on it: what the words stand for on the day on
# which they were said, not what you think yourself, and not in the light of what became known later. Neither the
# speaker nor other coders are named, so that nothing tells what to expect.
#
# Of a `probability` write 0.7, or {low: 0.5, best: 0.7, high: 0.85} with the 90 % interval that the words leave. One of
# these may take its place: `word: {term: likely}`, `odds: 3:1 on`, `quantiles: {0.25: 0.5, 0.5: 0.6, 0.75: 0.7}`.
# Of `times` write {ratio: 2, low: 1, high: 4}: so many times as probable as what it is against (`odds_times`: so many
# times the odds). Say why in a sentence. Leave a remark empty that you cannot code.
"""


@click.command()
@click.argument("experts", metavar="[EXPERT]...", nargs=-1)
@running.workspace
@click.option("--coder", metavar="NAME", help="Who codes: remarks that NAME has coded are left out of the sheet.")
@click.option("--read", "sheet", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Read a sheet.")
@click.option("--yes", is_flag=True, help="Do not ask; write what is read if it has no problem.")
@running.as_json
def code(experts: tuple[str, ...], root: Path, coder: str | None, sheet: Path | None, yes: bool, as_json: bool) -> None:
    """Print a sheet for one more coder of the EXPERTs' remarks, or read one back and add it to their statements.

    The sheet holds what was said and about what, and neither who said it nor what other coders made of it.
    """
    if sheet is not None:
        _read(root, sheet, experts, coder, yes=yes, as_json=as_json)
        return
    workspace = load(root, running.today())
    if not experts:
        raise click.UsageError(f"name an expert, or --read a sheet; {choice('experts', '', workspace.experts)}")
    unknown = [
        f"unknown expert '{name}'; {choice('experts', name, workspace.experts)}"
        for name in experts
        if name not in workspace.experts
    ]
    if unknown:
        raise click.UsageError("; ".join(unknown))
    remarks = [one for one in _remarks(workspace).values() if one.expert in experts and coder not in one.coders]
    entries = [_entry(one, workspace) for one in remarks]
    if as_json:
        echo_json({"coder": coder, "remarks": entries})
    elif entries:
        click.echo("".join(_sheet(entries, coder)), nl=False)
    if not entries:
        click.echo("nothing to code: no remark here has a single number of another coder", err=True)


def _remarks(workspace: Workspace) -> dict[str, Statement]:
    """Return the statements on which somebody else put a number, by codes whose order tells nothing of them."""
    coded = (one for one in workspace.statements if one.coders and statement_form(one.reading).may_be_coded_again)
    return dict(sorted((digest_of(one.id)[:CODE], one) for one in coded))


def _entry(statement: Statement, workspace: Workspace) -> dict[str, object]:
    """Return all that a coder is told of a remark, and the keys that are to be filled in."""
    network, form = workspace.network, statement_form(statement.reading)
    first, *others = targets_of(statement)
    asked = {"number": _of(statement, first, workspace)}
    if others:
        asked["against"] = _of(statement, others[0], workspace)
    condition = statement.about.condition
    event = network.events[condition.event] if condition else None
    about: dict[str, object] = (
        {"question": event.question, "states": list(event.states), "resolves": event.resolves} if event else {}
    )
    if condition is None:
        rules = {
            one.id: " and ".join(f"{c.event} is {' or '.join(c.states)}" for c in one.when)
            for one in workspace.scenarios
        }
        about = {"rules": rules}
    key = form.key if others else CODED[0]
    if others and getattr(statement.reading, "of_odds", False):
        key = "odds_times"
    return {
        "remark": digest_of(statement.id)[:CODE],
        "date": statement.date.isoformat(),
        "says": statement.says,
        **({"title": statement.publication.title} if statement.publication.title else {}),
        **asked,
        **about,
        key: None,
        "why": None,
    }


def _of(statement: Statement, target: Target, workspace: Workspace) -> str:
    return in_words(replace(statement, about=target), workspace.network)


def _sheet(entries: Sequence[Mapping[str, object]], coder: str | None) -> Iterator[str]:
    yield HEAD
    yield f"coder: {flow(text(coder)) if coder else ''}".rstrip() + "\nremarks:\n"
    for entry in entries:
        for place, (key, value) in enumerate(entry.items()):
            lead = "- " if place == 0 else "  "
            yield f"{lead}{key}: {_flow(value)}".rstrip() + "\n"


def _flow(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    return flow(text(str(value)))


def _read(root: Path, sheet: Path, experts: Sequence[str], coder: str | None, *, yes: bool, as_json: bool) -> None:
    if experts:
        raise click.UsageError("a sheet that is read names its remarks itself; leave the experts out")
    files, today = Files(root), running.today()
    workspace = load(root, today)
    try:
        content = sheet.read_bytes()
    except OSError as failure:
        raise click.UsageError(f"{sheet}: {(failure.strerror or str(failure)).lower()}") from failure
    name, filled_in, lines = _codings(content, str(sheet), workspace, coder)
    if not filled_in:
        raise click.UsageError(f"{sheet}: no remark is filled in")
    # Run again after it was interrupted between two files, the command writes the rest.
    codings = {one: said for one, said in filled_in.items() if not _is_there(said, workspace, one)}
    if not codings:
        click.echo(f"nothing new: all that '{name}' coded in this sheet is there", err=True)
        if as_json:
            echo_json({"coder": name, "paths": [], "written": False, "codings": [], "problems": []})
        return

    def make() -> CodingsDraft:
        draft = draft_codings(root, codings, today)
        return replace(draft, problems=tuple(_in_sheet(one, lines, str(sheet)) for one in draft.problems))

    draft = right(make())
    if not as_json:
        _show(draft, codings, name)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {', '.join(draft.contents)}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        rows = [{"statement": one, "read_as": read} for one, read in _as_read(draft, codings)]
        problems = [str(problem) for problem in draft.problems]
        paths = list(draft.contents)
        echo_json({"coder": name, "paths": paths, "written": is_wanted, "codings": rows, "problems": problems})
    else:
        click.echo(f"written: {', '.join(draft.contents)}" if is_wanted else "nothing written")


def _codings(
    content: bytes, path: str, workspace: Workspace, coder: str | None
) -> tuple[str, dict[str, MapNode], dict[str, int]]:
    """Return who coded, what is to be written by statement, and on which line of the sheet each stands.

    Raises WorkspaceProblems for a sheet with mistakes, all of them.
    """
    tree, found = parse_yaml(content, path)
    if tree is None:
        raise WorkspaceProblems(found)
    at, problems = Cursor.over(tree, path, "sheet"), list(found)
    named = at.text("coder") or coder
    if not named:
        problems.append(
            Problem(Source(path, 1), "sheet: no coder", "", "write a name behind `coder:`, or --coder NAME")
        )
    elif coder is not None and named != coder:
        problems.append(at.at("coder").problem("another coder than --coder", named, coder))
    remarks = _remarks(workspace)
    codings: dict[str, MapNode] = {}
    lines: dict[str, int] = {}
    for entry in at.items_at("remarks"):
        key = entry.text("remark") or _plain(entry.child("remark"))
        values = {form: node for form in CODED if (node := entry.child(form)) is not None and not _is_empty(node)}
        why = entry.child("why")
        if key not in remarks:
            got = key or "nothing"
            problems.append(entry.called("sheet").problem("unknown remark", got, choice("remarks", got, remarks)))
            continue
        if not values:
            continue
        about = entry.called(f"remark {shown(key)}")
        if len(values) > 1:
            problems.append(about.problem("more than one number", ", ".join(values), f"one of {quoted(CODED)}"))
        if why is None or _is_empty(why):
            problems.append(about.problem("no reason", "", "say in `why` why this number and not another"))
            continue
        name = remarks[key].id
        if name in codings:
            problems.append(about.problem("stands twice in the sheet", "", f"first on line {lines[name]}"))
        coding = mapping({"coder": text(named or ""), **values, "why": why})
        if named in remarks[key].coders and not _is_there(coding, workspace, name):
            problems.append(about.problem(f"{shown(named)} has coded it already", "", "leave it empty"))
        lines[name] = entry.line
        codings[name] = coding
    if problems:
        raise WorkspaceProblems(tuple(problems))
    return named or "", codings, lines


def _is_there(coding: MapNode, workspace: Workspace, name: str) -> bool:
    """Say whether a statement has this very coding."""
    statement = next(one for one in workspace.statements if one.id == name)
    path = statement.source.path
    tree, _ = parse_yaml(workspace.contents.get(path, b""), path)
    entries = Cursor.over(tree, path).items() if tree is not None else ()
    codings = (one for entry in entries if entry.text("id") == name for one in entry.items_at("coded_by"))
    return any(plain(one.node) == plain(coding) for one in codings)


def _plain(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""  # a code of digits alone is a number to YAML


def _is_empty(node: Node) -> bool:
    """Say whether nothing was filled in: no value, or a map of nothing."""
    if isinstance(node, MapNode):
        return all(map(_is_empty, node.entries.values()))
    return isinstance(node, Scalar) and node.value in {None, ""}


def _in_sheet(problem: Problem, lines: Mapping[str, int], path: str) -> Problem:
    """Return a problem with its place in the sheet instead of that in a file that is not written yet."""
    for name, line in lines.items():
        if problem.what.startswith(f"statement {shown(name)}:"):
            return replace(problem, source=Source(path, line))
    return problem


def _as_read(draft: CodingsDraft, codings: Mapping[str, MapNode]) -> Iterator[tuple[str, str]]:
    workspace = draft.workspace
    for one in workspace.statements if workspace else ():
        if workspace is not None and one.id in codings:
            yield one.id, as_read(numbers(one, workspace.experts, workspace.network))


def _show(draft: CodingsDraft, codings: Mapping[str, MapNode], coder: str) -> None:
    workspace = draft.workspace
    if workspace is None:
        return
    for one in workspace.statements:
        if one.id not in codings:
            continue
        click.echo(f"{one.id}: {one.says}")
        for name, said in zip(one.coders, coded_numbers(one, workspace.experts, workspace.network), strict=True):
            click.echo(f"  {'+' if name == coder else ' '} {name}: {as_read(said)}")
        click.echo(f"    together: {as_read(numbers(one, workspace.experts, workspace.network))}")
