"""How the questions of `forecast add` are asked: only where no option answers, and again after what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click


@dataclass(frozen=True)
class Asking:
    """Asks for what no option says; an option that says something impossible is wrong usage."""

    optional_too: bool  # somebody is being asked anyway
    to_stderr: bool

    def say(self, line: str) -> None:
        """Print what helps to answer the next question."""
        click.echo(line, err=self.to_stderr)

    def get[T](self, question: str, option: str | None, read: Callable[[str], T]) -> T:
        """Return what an option says, or an answer; an answer that cannot be read is asked for again."""
        if option is not None:
            return self.option_or_again(question, option, read)
        while True:
            try:
                return read(click.prompt(question, err=self.to_stderr).strip())
            except ValueError as wrong:
                click.echo(str(wrong), err=True)

    def option_or_again[T](self, question: str, said: str, read: Callable[[str], T]) -> T:
        """Read what an option says; where it cannot be read, ask if anybody is there to be asked."""
        try:
            return read(said)
        except ValueError as wrong:
            if not self.optional_too:
                prompt = question.splitlines()[-1].partition(" (")[0]
                raise click.UsageError(f"{prompt} '{said}': {wrong}") from wrong
            click.echo(str(wrong), err=True)
            return self.get(question, None, read)

    def optional(
        self, question: str, option: str | None, default: str = "", read: Callable[[str], str] = str
    ) -> str | None:
        """Return what an option says, or an answer if somebody is being asked anyway; None for an empty one."""
        if option is not None:
            return self.option_or_again(question, option, read)
        while self.optional_too:
            said: str = click.prompt(question, default=default, show_default=bool(default), err=self.to_stderr)
            try:
                return read(said.strip()) if said.strip() else None
            except ValueError as wrong:
                click.echo(str(wrong), err=True)
        return None


def something(said: str) -> str:
    """Return a text without the spaces around it. Raises ValueError where nothing is left."""
    if not said.strip():
        raise ValueError("this may not be empty")
    return said.strip()
