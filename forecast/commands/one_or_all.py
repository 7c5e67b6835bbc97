"""What a command prints about all of something, or about the one that is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]


def one_or_all(
    compute: Callable[[Callable[[str], None]], Sequence[Row]],
    kind: str,
    name: str | None,
    *,
    as_json: bool,
    print_all: Callable[[Sequence[Row]], None],
    print_one: Callable[[Row], None],
) -> None:
    """Compute rows, each of which holds its id under `kind`, and print all of them or the one called `name`.

    Raises click.UsageError, with the nearest name, if there is none of that name.
    """
    from forecast.commands.progress import Progress
    from forecast.workspace.problems import choice

    progress = Progress()
    try:
        rows = compute(progress)
    finally:
        progress.done()
    known = [row[kind] for row in rows]
    if name is not None and name not in known:
        msg = f"nothing of {kind} '{name}'; {choice(f'{kind}s', name, known)}"
        raise click.UsageError(msg)
    one = next((row for row in rows if row[kind] == name), None)
    if as_json:
        click.echo(json.dumps(rows if one is None else one, ensure_ascii=False, indent=1, allow_nan=False))
    elif one is None:
        print_all(rows)
    else:
        print_one(one)
