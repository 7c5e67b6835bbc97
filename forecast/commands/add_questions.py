"""The questions of `forecast add statement`: each asked only where no option answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from forecast.commands import options
from forecast.commands.asking import Asking, something
from forecast.workspace.names import OTHER, event_and_states, horizon_on
from forecast.workspace.nodes import MapNode, Node, Scalar, mapping, plain, text
from forecast.workspace.problems import WorkspaceProblems, known
from forecast.workspace.read import read_workspace
from forecast.workspace.records import EDITORS, Condition, DatedCondition, Event, Network, Workspace
from forecast.workspace.shapes import ISO_DAY
from forecast.workspace.statement_forms.registry import FORMS, READINGS
from forecast.workspace.yaml_text import as_in_file

# What the value of each form looks like in a file.
LOOKS = {form.key: form.example for form in FORMS}


@dataclass(frozen=True)
class StatementOptions:
    """What the options say; None or empty where they do not."""

    expert: str | None
    day: date | None
    publisher: str | None
    title: str | None
    url: str | None
    says: str | None
    about: str | None
    given: tuple[str, ...]
    when: tuple[str, ...]
    by: str | None
    form: str | None
    value: str | None
    coded_by: str | None
    why: str | None
    statement_id: str | None


def answer(root: Path, given: StatementOptions, *, ask: bool, to_stderr: bool) -> tuple[str, dict[str, Node]]:
    """Return the expert and the fields of the statement, from options and, if `ask`, from questions.

    There is no `id` among them but one that was given. Raises WorkspaceProblems where the files hold errors
    already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=options.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    needed = {"expert": given.expert, "publisher": given.publisher, "says": given.says, "about": given.about}
    needed |= {"form": given.form, "value": given.value, "why": given.why}
    missing = [f"--{name}" for name, said in needed.items() if said is None]
    if missing and not ask:
        raise click.UsageError(f"with --yes nothing is asked; missing {', '.join(missing)}")
    return _StatementQuestions(workspace, given, Asking(bool(missing), to_stderr)).all()


@dataclass(frozen=True)
class _StatementQuestions:
    """Asks what was said, by whom, and about what."""

    workspace: Workspace
    given: StatementOptions
    asking: Asking

    def all(self) -> tuple[str, dict[str, Node]]:
        """Ask in the order in which a statement is read."""
        given, experts = self.given, tuple(self.workspace.experts)
        expert = self.asking.get(
            f"Expert ({', '.join(experts)})", given.expert, lambda said: known(said, experts, "experts")
        )
        today = options.today().isoformat()
        day = given.day.isoformat() if given.day else self.asking.optional("Date", None, today) or today
        source = {"publisher": text(self.asking.get("Published by", given.publisher, something))}
        for key, question, option in (("title", "Title", given.title), ("url", "Address", given.url)):
            if said := self.asking.optional(f"{question} (empty: none)", option):
                source[key] = text(said)
        says = self.asking.get("What was said, in your own words", given.says, something)
        about = self._about(day, expert)
        form = self.asking.get(f"Form ({', '.join(READINGS)})", given.form, lambda said: known(said, READINGS, "forms"))
        value = self.asking.get(f"As in a file, {LOOKS[form]}\n{form}", given.value, as_in_file)
        coded_by = self.asking.optional("Coded by (empty: the expert gave the number)", given.coded_by)
        why = self.asking.get("Why this number and not another", given.why, something)
        fields: dict[str, Node] = {
            **({"id": text(given.statement_id)} if given.statement_id else {}),
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

    def _about(self, day: str, expert: str) -> dict[str, Node]:
        given, network = self.given, self.workspace.network
        if given.about is None:
            self.asking.say(f"events: {', '.join(network.events)}")
            self.asking.say(f"scenarios: {', '.join((*_scenarios(self.workspace), OTHER))}")
        about = self.asking.get("About (EVENT=STATE, EVENT>=STATE, EVENT, or a scenario)", given.about, self._target)
        event = about.get("event")
        if given.about is None and isinstance(event, Scalar) and "state" not in about:
            states = network.events[event.text].states
            question = f"State ({', '.join(states)}; several with commas; empty: each of them)"
            if said := self.asking.optional(question, None):
                about = self._target(f"{event.text}={said}")
        conditions = (
            list(given.given) or (self.asking.optional("If (EVENT=STATE ..., empty: none)", None) or "").split()
        )
        held = [self.asking.option_or_again("If", one, self._condition) for one in conditions]
        twice = [name for name, _ in held if [one for one, _ in held].count(name) > 1]
        if twice:
            msg = f"'{twice[0]}' is given twice; several states of one event are separated by commas: EVENT=STATE,STATE"
            raise click.UsageError(msg)
        if by := self.asking.optional("By (a day, empty: the horizon)", given.by):
            about = {**about, "by": text(by)}
        if held:
            about = {**about, "given": mapping(self._in_time(dict(held), by, day, expert))}
        return about

    def _in_time(self, held: dict[str, Node], by: str | None, day: str, expert: str) -> dict[str, Node]:
        """Give each condition the time at which it is meant to hold; where no option says, ask of dated events."""
        asking, conditions = self.asking, tuple(held)
        times = [asking.option_or_again("When", one, lambda one: _time_of(one, conditions)) for one in self.given.when]
        said = dict(times)
        if len(said) < len(times):
            raise click.UsageError("--when is given twice for one event; a condition holds at one time")
        for event, states in held.items():
            time = said.get(event)
            if time is None and asking.optional_too and self.workspace.network.events[event].kind != "constant":
                for line in _meanings(self.workspace.network, event, states, (by, day, expert)):
                    asking.say(line)
                time = asking.optional(f"When ({AT_ONCE}, a day, or empty: {AT_HORIZON})", None, read=_time)
            if time is not None and time != AT_HORIZON:
                held[event] = mapping({"is": states, "when" if time == AT_ONCE else "held_by": text(time)})
        return held

    def _target(self, said: str) -> dict[str, Node]:
        """Read EVENT=STATE[,STATE], EVENT>=STATE, EVENT, SCENARIO, or what stands in a file."""
        if said.startswith("{"):
            node = as_in_file(said)
            return dict(node.entries) if isinstance(node, MapNode) else {}
        events, scenarios = self.workspace.network.events, (*_scenarios(self.workspace), OTHER)
        if "=" not in said:
            known(said, (*events, *scenarios), "events and scenarios")
            return {"scenario": text(said)} if said in scenarios else {"event": text(said)}
        event, states = event_and_states(said, events)
        return {"event": text(event), "state": states}

    def _condition(self, said: str) -> tuple[str, Node]:
        found = self._target(said)
        event, state = found.get("event"), found.get("state")
        if not isinstance(event, Scalar) or state is None:
            raise ValueError(f"'{said}' is not a condition; EVENT=STATE[,STATE] or EVENT>=STATE")
        return event.text, state


def _scenarios(workspace: Workspace) -> tuple[str, ...]:
    return tuple(scenario.id for scenario in workspace.scenarios)


AT_ONCE, AT_HORIZON = "at_once", "at_horizon"


def _time(said: str) -> str:
    """Return when a condition holds, as in a file. Raises ValueError for what is no time."""
    if said not in (AT_ONCE, AT_HORIZON) and not ISO_DAY.fullmatch(said):
        raise ValueError(f"'{said}' is no time; {AT_ONCE}, a day (YYYY-MM-DD) or {AT_HORIZON}")
    return said


def _time_of(said: str, events: Sequence[str]) -> tuple[str, str]:
    """Read EVENT=TIME. Raises ValueError for an event that is not given, and for what is no time."""
    event, _, time = said.partition("=")
    return known(event.strip(), events, "conditions"), _time(time.strip())


def _meanings(network: Network, event: str, states: Node, of: tuple[str | None, str, str]) -> Iterator[str]:
    """Say what a condition is read as at each time; `of`: the day of the target, of the statement, and its expert."""
    from forecast.sampling.statements import condition_in_words, state_in_words

    by, said_on, expert = of
    try:
        said, day = date.fromisoformat(said_on), date.fromisoformat(by) if by else None
    except ValueError:
        return  # the draft says what is wrong with a day
    when = Condition(event, _meant(network.events[event], states))
    read, on = network.opens if expert == EDITORS else max(said, network.opens), day or horizon_on(network, said)
    yield f"  {AT_ONCE}: if {condition_in_words(DatedCondition(event, when.states, None), network, read, on)}"
    yield f"  a day: if {state_in_words(when, network, 'that day')}"
    yield f"  {AT_HORIZON}: if {condition_in_words(when, network, read, on)}"


def _meant(event: Event, states: Node) -> tuple[str, ...]:
    match plain(states):
        case {"at_least": first}:
            return event.states[event.states.index(first) :]
        case str(state):
            return (state,)
        case listed:
            return tuple(state for state in event.states if state in listed)
