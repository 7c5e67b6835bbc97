"""`forecast init DIR`: a small complete workspace to begin with."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.files import partial_beside, remove_dead, replace_file

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small complete workspace into DIR, a new or empty folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise click.BadParameter(f"'{folder}' is not a folder", param_hint="DIR")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise click.BadParameter(f"'{folder}' is not empty; name a new folder", param_hint="DIR")
        write_template(folder.resolve())
    except OSError as error:
        raise click.BadParameter(f"cannot write '{folder}': {error.strerror}", param_hint="DIR") from None
    click.echo(f"wrote a small complete workspace to {folder}")
    click.echo(f"next: forecast check -C {folder}, forecast update -C {folder}, then replace it file by file")


def write_template(folder: Path) -> None:
    """Copy the packaged example to `folder` (absolute, new or empty); it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_dead(folder.parent)
    draft = partial_beside(folder)
    try:
        _copy(files("forecast") / "data" / "init", draft)
        (draft / "reports").mkdir()
        if folder.exists():
            # The folder may be somebody's current one, so it stays, and each part is moved in whole.
            for part in sorted(draft.iterdir()):
                part.rename(folder / part.name)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy(template: Traversable, folder: Path) -> None:
    folder.mkdir()
    for part in sorted(template.iterdir(), key=lambda part: part.name):
        if part.is_dir():
            _copy(part, folder / part.name)
        else:
            replace_file(folder / part.name, part.read_bytes())
