"""`forecast import`: somebody else's file as evidence of a workspace, shown before it is written."""

from __future__ import annotations

import json
from pathlib import Path

import click

from forecast.commands import options


@click.group("import")
def import_() -> None:
    """Bring somebody else's file into a workspace, checked before anything is written."""


@import_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.workspace
@click.option("--format", "form", type=click.Choice(["ach"]), required=True, help="What the file holds.")
@click.option("--event", required=True, metavar="EVENT", help="Which event it bears on.")
@click.option("--yes", is_flag=True, help="Ask nothing; write it if it is right.")
@options.as_json
def evidence(file: Path, root: Path, form: str, event: str, yes: bool, as_json: bool) -> None:  # noqa: ARG001 - `ach` is the one format
    """Write FILE as a file of evidence: an ACH matrix, items by states. Nothing is written if there is a problem."""
    from forecast.feeds.ach import path_of, read_matrix
    from forecast.record.files import replace_file
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice
    from forecast.workspace.read import load, read_workspace

    today = options.today()
    workspace = load(root, today)
    if event not in workspace.network.events:
        msg = f"there is no event '{event}'; {choice('events', event, workspace.network.events)}"
        raise click.UsageError(msg)
    matrix = read_matrix(file.read_bytes(), file.name, event, workspace.network, workspace.scenarios)
    if matrix.problems or not matrix.text:
        empty = Problem(Source(file.name, 1), "no items", "a header alone", "one row an item")
        raise WorkspaceProblems(matrix.problems or [empty])
    path = path_of(file.stem, today)
    if (root / path).exists():
        raise WorkspaceProblems(
            [Problem(Source(path, 1), "the file is there already", "", "remove or rename it first")]
        )
    content = matrix.text.encode()
    _, before = read_workspace(root, today=today)
    checked, problems = read_workspace(root, today=today, drafts={path: content})
    new = [problem for problem in problems if problem not in before]
    if checked is None:
        raise WorkspaceProblems(new)
    if not as_json:
        click.echo(matrix.text, nl=False)
    for problem in new:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {path}?", default=True, err=as_json)
    if is_wanted:
        replace_file(root / path, content)
    if as_json:
        said = {"path": path, "written": is_wanted, "items": len(matrix.lines), "problems": [str(one) for one in new]}
        click.echo(json.dumps(said, ensure_ascii=False, indent=1))
    else:
        click.echo(f"written: {path}" if is_wanted else "nothing written")
