"""`forecast cache`: what is kept below reports/.cache, and how it is pruned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json

if TYPE_CHECKING:
    from forecast.store.room import StoredEntry


@click.command()
@options.workspace
@click.option("--prune", is_flag=True, help="Remove entries of older code, and entries beyond the bound of 2 GB.")
@click.option("--all", "everything", is_flag=True, help="Remove every entry.")
@options.as_json
def cache(root: Path, prune: bool, everything: bool, as_json: bool) -> None:
    """List what is cached. The cache saves time and changes no number."""
    from forecast.store import room

    folder = root / "reports" / ".cache"
    gone = room.prune(folder, everything=everything) if prune or everything else []
    left = room.listed(folder)
    if as_json:
        told = {"folder": str(folder), "bound": room.BOUND, "entries": _rows(left), "removed": _rows(gone)}
        echo_json(told)
        return
    if left:
        _print(left)
    click.echo(f"{_counted(left)} in {folder}; the bound is {_size(room.BOUND)}")
    if prune or everything:
        click.echo(f"removed: {_counted(gone)}")


def _rows(found: Sequence[StoredEntry]) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "made": one.made or None,
            "bytes": one.n_bytes,
            "used": datetime.fromtimestamp(one.used, UTC).isoformat(timespec="seconds"),
            "code": _code(one),
            "path": str(one.path),
        }
        for one in found
    ]


def _print(found: Sequence[StoredEntry]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "made (UTC)"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("size", justify="right", no_wrap=True)
    for heading in ("last used (UTC)", "code"):
        grid.add_column(heading, no_wrap=True)
    for one in found:
        made = _minute(datetime.fromisoformat(one.made)) if one.made else "-"
        used = _minute(datetime.fromtimestamp(one.used, UTC))
        grid.add_row(*map(Text, (one.kind, made, _size(one.n_bytes), used, _code(one))))
    Console(highlight=False, soft_wrap=False).print(grid)


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="minutes")


def _code(one: StoredEntry) -> str:
    return "this" if one.is_current else "older"


def _counted(found: Sequence[StoredEntry]) -> str:
    what = "1 entry" if len(found) == 1 else f"{len(found)} entries"
    return f"{what}, {_size(sum(one.n_bytes for one in found))}"


def _size(n_bytes: int) -> str:
    """Write a size with three digits: 12.3 MB."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000.0:
            return f"{size:.3g} {unit}"
        size /= 1000.0
    return f"{size:.3g} GB"
