"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

workspace = click.option(
    "-C",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The workspace (default: this folder).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout, and nothing else there.")


def today() -> date:
    """Return today's date in UTC: the default as-of date, on every machine the same."""
    return datetime.now(UTC).date()


class _Date(click.ParamType[date]):
    name = "date"

    def __init__(self, *, may_be_later: bool = False) -> None:
        self.may_be_later = may_be_later

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no date; write YYYY-MM-DD", param, ctx)
        if day > today() and not self.may_be_later:
            self.fail(f"{day} lies in the future; today is {today()} (UTC)", param, ctx)
        return day


DATE = _Date()
ANY_DATE = _Date(may_be_later=True)  # also one that lies in the future
as_of = click.option(
    "--as-of", type=DATE, metavar="DATE", help="Use nothing dated later than this day (default: today, UTC)."
)


def seed(command: Command) -> Command:
    """Add `--seed`."""
    return click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Seed of the draws.")(command)
