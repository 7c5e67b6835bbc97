"""How the questions of `forecast add` are asked: only where no option answers, and again after what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click

from forecast.workspace.drafts import mapping, text
from forecast.workspace.nodes import ListNode, Node
from forecast.workspace.problems import choice
from forecast.workspace.records import Event
from forecast.workspace.yaml_text import parse_yaml


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


def known(said: str, names: Sequence[str], what: str) -> str:
    """Return a name that there is. Raises ValueError that names the nearest one."""
    if said not in names:
        raise ValueError(f"'{said}' is none of them; {choice(what, said, names)}")
    return said


def something(said: str) -> str:
    """Return a text without the spaces around it. Raises ValueError where nothing is left."""
    if not said.strip():
        raise ValueError("this may not be empty")
    return said.strip()


def as_in_file(said: str) -> Node:
    """Read a value as it stands in a file. Raises ValueError with what is wrong in it."""
    node, problems = parse_yaml(said.encode(), "value")
    if node is None or problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    return node


def event_and_states(said: str, events: Mapping[str, Event]) -> tuple[str, Node]:
    """Read EVENT=STATE[,STATE] or EVENT>=STATE. Raises ValueError for names that there are not."""
    name, _, states = said.partition("=")
    at_least, name = name.endswith(">"), name.rstrip(">").strip()
    known(name, tuple(events), "events")
    named = [known(state.strip(), events[name].states, f"states of '{name}'") for state in states.split(",")]
    if at_least and len(named) == 1:
        return name, mapping({"at_least": text(named[0])})
    return name, text(named[0]) if len(named) == 1 else ListNode(tuple(map(text, named)), 1)
