"""The questions of `forecast add statement`: each asked only where no option answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

import click

from forecast.commands import options
from forecast.workspace.drafts import mapping, text
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import Mapping as Map
from forecast.workspace.nodes import Node, Scalar
from forecast.workspace.nodes import Sequence as List
from forecast.workspace.problems import WorkspaceProblems, choice
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace
from forecast.workspace.shapes.statements import READINGS
from forecast.workspace.yaml_text import parse_yaml

# What the value of each form looks like in a file.
LOOKS = {
    "probability": "0.3, or {low: 0.1, best: 0.3, high: 0.6}, or {best: 0.3, confidence: moderate}",
    "quantiles": "{0.05: 0.1, 0.5: 0.3, 0.95: 0.6}",
    "odds": "3:1 on, or {best: 3:1 on, low: 2:1 on, high: 5:1 on}",
    "word": "{term: likely, scale: icd203}",
    "times": "{against: {given: {EVENT: STATE}}, ratio: 3, low: 1.5, high: 6}",
    "odds_times": "{against: {given: {EVENT: STATE}}, ratio: 3, low: 1.5, high: 6}",
    "count": "{happened: 7, of: 20, per: window}",
    "more_likely_than": "{event: EVENT, state: STATE}",
    "distribution": "{STATE: 0.2, STATE: 0.8, sd: 1}",
}


@dataclass(frozen=True)
class Given:
    """What the options say; None or empty where they do not."""

    expert: str | None
    day: date | None
    publisher: str | None
    title: str | None
    url: str | None
    says: str | None
    about: str | None
    given: tuple[str, ...]
    by: str | None
    form: str | None
    value: str | None
    coded_by: str | None
    why: str | None
    statement_id: str | None


def answer(root: Path, given: Given, *, ask: bool, to_stderr: bool) -> tuple[str, dict[str, Node]]:
    """Return the expert and the fields of the statement, from options and, if `ask`, from questions.

    Raises WorkspaceProblems where the files hold errors already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=options.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    needed = {"expert": given.expert, "publisher": given.publisher, "says": given.says, "about": given.about}
    needed |= {"form": given.form, "value": given.value, "why": given.why}
    missing = [f"--{name}" for name, said in needed.items() if said is None]
    if missing and not ask:
        raise click.UsageError(f"with --yes nothing is asked; missing {', '.join(missing)}")
    return _Questions(workspace, given, bool(missing), to_stderr).all()


@dataclass(frozen=True)
class _Questions:
    """Asks for what no option says; an option that says something impossible is wrong usage."""

    workspace: Workspace
    given: Given
    optional_too: bool  # somebody is being asked anyway
    to_stderr: bool

    def all(self) -> tuple[str, dict[str, Node]]:
        """Ask in the order in which a statement is read."""
        given, experts = self.given, tuple(self.workspace.experts)
        expert = self._get(
            f"Expert ({', '.join(experts)})", given.expert, lambda said: _known(said, experts, "experts")
        )
        today = options.today().isoformat()
        day = given.day.isoformat() if given.day else self._optional("Date", None, today) or today
        source = {"publisher": text(self._get("Published by", given.publisher, _something))}
        for key, question, option in (("title", "Title", given.title), ("url", "Address", given.url)):
            if said := self._optional(f"{question} (empty: none)", option):
                source[key] = text(said)
        says = self._get("What was said, in your own words", given.says, _something)
        about = self._about()
        form = self._get(f"Form ({', '.join(READINGS)})", given.form, lambda said: _known(said, READINGS, "forms"))
        value = self._get(f"As in a file, {LOOKS[form]}\n{form}", given.value, _value)
        coded_by = self._optional("Coded by (empty: the expert gave the number)", given.coded_by)
        why = self._get("Why this number and not another", given.why, _something)
        fields: dict[str, Node] = {
            "id": text(given.statement_id or self._free_id(expert, day)),
            "date": text(day),
            "expert": text(expert),
            "source": mapping(source),
            "says": text(says),
            "about": mapping(about),
            form: value,
        }
        if coded_by:
            fields["coded_by"] = text(coded_by)
        return expert, {**fields, "why": text(why)}

    def _about(self) -> dict[str, Node]:
        given, network = self.given, self.workspace.network
        if given.about is None:
            click.echo(f"events: {', '.join(network.events)}", err=self.to_stderr)
            click.echo(f"scenarios: {', '.join((*_scenarios(self.workspace), OTHER))}", err=self.to_stderr)
        about = self._get("About (EVENT=STATE, EVENT>=STATE, EVENT, or a scenario)", given.about, self._target)
        event = about.get("event")
        if given.about is None and isinstance(event, Scalar) and "state" not in about:
            states = network.events[event.text].states
            question = f"State ({', '.join(states)}; several with commas; empty: each of them)"
            if said := self._optional(question, None):
                about = self._target(f"{event.text}={said}")
        conditions = list(given.given) or (self._optional("If (EVENT=STATE ..., empty: none)", None) or "").split()
        held = [self._option_or_again("If", one, self._condition) for one in conditions]
        if held:
            about = {**about, "given": mapping(dict(held))}
        if by := self._optional("By (a day, empty: the horizon)", given.by):
            about = {**about, "by": text(by)}
        return about

    def _target(self, said: str) -> dict[str, Node]:
        """Read EVENT=STATE[,STATE], EVENT>=STATE, EVENT, SCENARIO, or what stands in a file."""
        if said.startswith("{"):
            node = _value(said)
            return dict(node.entries) if isinstance(node, Map) else {}
        name, _, states = said.partition("=")
        at_least, name = name.endswith(">"), name.rstrip(">").strip()
        events, scenarios = self.workspace.network.events, (*_scenarios(self.workspace), OTHER)
        if not states:
            _known(name, (*events, *scenarios), "events and scenarios")
            return {"scenario": text(name)} if name in scenarios else {"event": text(name)}
        _known(name, tuple(events), "events")
        named = [_known(state.strip(), events[name].states, f"states of '{name}'") for state in states.split(",")]
        if at_least and len(named) == 1:
            return {"event": text(name), "state": mapping({"at_least": text(named[0])})}
        return {"event": text(name), "state": text(named[0]) if len(named) == 1 else List(tuple(map(text, named)), 1)}

    def _condition(self, said: str) -> tuple[str, Node]:
        found = self._target(said)
        event, state = found.get("event"), found.get("state")
        if not isinstance(event, Scalar) or state is None:
            raise ValueError(f"'{said}' is no condition; EVENT=STATE[,STATE] or EVENT>=STATE")
        return event.text, state

    def _free_id(self, expert: str, day: str) -> str:
        taken = {statement.id for statement in self.workspace.statements}
        names = (f"{expert}-{day}" + (f"-{number}" if number > 1 else "") for number in count(1))
        return next(name for name in names if name not in taken)

    def _get[T](self, question: str, option: str | None, read: Callable[[str], T]) -> T:
        """Return what an option says, or an answer; an answer that cannot be read is asked for again."""
        if option is not None:
            return self._option_or_again(question, option, read)
        while True:
            try:
                return read(click.prompt(question, err=self.to_stderr).strip())
            except ValueError as wrong:
                click.echo(str(wrong), err=True)

    def _option_or_again[T](self, question: str, said: str, read: Callable[[str], T]) -> T:
        try:
            return read(said)
        except ValueError as wrong:
            if not self.optional_too:
                raise click.UsageError(str(wrong)) from wrong
            click.echo(str(wrong), err=True)
            return self._get(question, None, read)

    def _optional(self, question: str, option: str | None, default: str = "") -> str | None:
        if option is not None or not self.optional_too:
            return option
        said: str = click.prompt(question, default=default, show_default=bool(default), err=self.to_stderr)
        return said.strip() or None


def _scenarios(workspace: Workspace) -> tuple[str, ...]:
    return tuple(scenario.id for scenario in workspace.scenarios)


def _known(said: str, names: Sequence[str], what: str) -> str:
    if said not in names:
        raise ValueError(f"'{said}' is none of them; {choice(what, said, names)}")
    return said


def _something(said: str) -> str:
    if not said.strip():
        raise ValueError("this may not be empty")
    return said.strip()


def _value(said: str) -> Node:
    node, problems = parse_yaml(said.encode(), "value")
    if node is None or problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    return node
