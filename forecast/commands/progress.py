"""Progress on stderr: one line that renews itself on a terminal, a line a quarter elsewhere."""

from __future__ import annotations

import re
import sys
import time

import click

PERCENT = re.compile(r"(\d+) %")
QUARTER = 25


class Progress:
    """Call it with what is being done; `done` clears the line.

    Nothing is shown in the first `after_seconds`: what usually takes a moment needs no line.
    """

    def __init__(self, after_seconds: float = 0.0) -> None:
        self._started = time.monotonic()
        self._quiet_until = self._started + after_seconds
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def __call__(self, doing: str) -> None:
        """Show what is being done, with the seconds since the start."""
        if time.monotonic() < self._quiet_until:
            return
        if self._terminal:
            self._show(f"{time.monotonic() - self._started:4.0f} s  {doing}")
            return
        # A log wants a line for each step, not for each percent.
        step = PERCENT.sub(lambda found: f"{int(found[1]) // QUARTER * QUARTER} %", doing)
        if step != self._last:
            click.echo(step, err=True)
            self._last = step

    def done(self) -> None:
        """Clear the line of a terminal."""
        if self._terminal and self._last:
            self._show("")
            click.echo("\r", nl=False, err=True)

    def _show(self, text: str) -> None:
        click.echo(f"\r{text:{len(self._last)}}", nl=False, err=True)
        self._last = text
