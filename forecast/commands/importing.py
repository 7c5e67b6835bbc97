"""`forecast import network`: a network file as the priors of a workspace, shown and checked before it is written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import click

from forecast.commands import running
from forecast.commands.running import echo_json
from forecast.files import locked, replace_file
from forecast.networks.as_workspace import SD, as_workspace
from forecast.networks.formats import read_network
from forecast.workspace.files import find_files
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read import read_workspace

A_YEAR = timedelta(days=365)


def import_network(
    file: Path,
    root: Path,
    opens: date | None,
    horizon: date | None,
    sd: float | None,
    *,
    normalise: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Read a network, show what it becomes, and write it. Raises WorkspaceProblems and click's errors of usage."""
    first = opens or running.today()
    last = horizon or first + A_YEAR
    if last <= first:
        raise click.BadParameter(f"{last} is not after the first day, {first}", param_hint="--horizon")
    read = read_network(file, normalise=normalise)
    for warning in read.warnings:
        click.echo(str(warning), err=True)
    try:
        made = as_workspace(read, file.name, first, last, SD if sd is None else sd)
    except ValueError as error:
        raise click.ClickException(f"{file}: {error}") from error
    _refuse_taken(root, made.contents)
    there = find_files(root).contents if root.exists() else {}
    workspace, problems = read_workspace(root, today=running.today(), inputs={**there, **made.contents})
    if workspace is None:
        raise WorkspaceProblems(problems)
    for line in made.told:
        click.echo(line, err=True)
    if problems:
        n = "1 warning" if len(problems) == 1 else f"{len(problems)} warnings"
        click.echo(f"{n} of the workspace: `forecast check` lists them", err=True)
    if not as_json:
        click.echo(f"{made.events} events and {made.statements} statements, {first} to {last}, in")
        click.echo("\n".join(f"  {path}" for path in made.contents))
    is_wanted = yes or click.confirm(f"Write them to {root}?", default=True, err=as_json)
    if is_wanted:
        (root / "reports").mkdir(parents=True, exist_ok=True)  # where the lock is
        with locked(root):
            _refuse_taken(root, made.contents)
            for path, content in made.contents.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                replace_file(root / path, content)
    if as_json:
        told = {"paths": [*made.contents], "written": is_wanted, "events": made.events, "statements": made.statements}
        echo_json({**told, "changed": list(made.told), "problems": [str(one) for one in (*read.warnings, *problems)]})
        return
    if is_wanted:
        click.echo(f"written; next: forecast check -C {root}, then questions, scenarios and how each is settled")
    else:
        click.echo("nothing written")


def _refuse_taken(root: Path, paths: Iterable[str]) -> None:
    """Raise WorkspaceProblems where a file is there already: an import begins a workspace, and changes none."""
    taken = [path for path in paths if (root / path).exists()]
    if taken:
        allowed = "a folder without these files"
        raise WorkspaceProblems(Problem(Source(path, 1), "the file is there already", "", allowed) for path in taken)
