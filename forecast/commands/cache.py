"""`forecast cache`: what is kept below reports/.cache, and how it is pruned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

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
        table = {"folder": str(folder), "bound": room.BOUND, "entries": _rows(left), "removed": _rows(gone)}
        echo_json(table)
        return
    if left:
        _print(left)
    click.echo(f"{_counted(left)} in {folder}; the bound is {_size(room.BOUND)}")
    if prune or everything:
        click.echo(f"removed: {_counted(gone)}")


def _rows(entries: Sequence[StoredEntry]) -> list[dict[str, object]]:
    return [
        {
            "kind": entry.kind,
            "made": entry.made or None,
            "bytes": entry.n_bytes,
            "used": datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds"),
            "code": _code(entry),
            "path": str(entry.path),
        }
        for entry in entries
    ]


def _print(entries: Sequence[StoredEntry]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "made (UTC)"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("size", justify="right", no_wrap=True)
    for heading in ("last used (UTC)", "code"):
        grid.add_column(heading, no_wrap=True)
    for entry in entries:
        made = _minute(datetime.fromisoformat(entry.made)) if entry.made else "-"
        used = _minute(datetime.fromtimestamp(entry.used, UTC))
        grid.add_row(*map(Text, (entry.kind, made, _size(entry.n_bytes), used, _code(entry))))
    Console(highlight=False, soft_wrap=False).print(grid)


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="minutes")


def _code(entry: StoredEntry) -> str:
    return "this" if entry.is_current else "older"


def _counted(entries: Sequence[StoredEntry]) -> str:
    what = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    return f"{what}, {_size(sum(entry.n_bytes for entry in entries))}"


def _size(n_bytes: int) -> str:
    """Write a size with three digits: 12.3 MB."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000.0:
            return f"{size:.3g} {unit}"
        size /= 1000.0
    return f"{size:.3g} GB"
