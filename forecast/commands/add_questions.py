"""The questions of `forecast add statement`: each asked only where no option answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from forecast.commands import running
from forecast.commands.asking import (
    Asking,
    Conversation,
    a_day,
    address,
    hold_statement,
    past_day,
    something,
)
from forecast.sampling.statements import condition_in_words, state_in_words
from forecast.workspace.names import OTHER, event_and_states, horizon_on
from forecast.workspace.nodes import ISO_DAY, MapNode, Node, Scalar, mapping, plain, text
from forecast.workspace.problems import WorkspaceProblems, choice, known
from forecast.workspace.read import read_workspace
from forecast.workspace.records import EDITORS, Condition, DatedCondition, Event, Network, Workspace
from forecast.workspace.statement_forms import FORMS, READINGS
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


def missing(given: StatementOptions) -> list[str]:
    """Return the options that nothing is said by and that a statement needs."""
    needed = {"expert": given.expert, "publisher": given.publisher, "says": given.says, "about": given.about}
    needed |= {"form": given.form, "value": given.value, "why": given.why}
    return [f"--{name}" for name, said in needed.items() if said is None]


def answer(
    root: Path, given: StatementOptions, talk: Conversation, *, ask: bool, to_stderr: bool
) -> tuple[str, dict[str, Node], Asking]:
    """Return the expert and the fields of the statement, from options and, if `ask`, from questions; and who asked.

    There is no `id` among them but one that was given. Raises WorkspaceProblems where the files hold errors
    already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=running.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    lacks = missing(given)
    if lacks and not ask:
        wrong = _unknown(given, workspace)
        raise click.UsageError("; ".join([f"with --yes nothing is asked; missing {', '.join(lacks)}", *wrong]))
    asking = Asking(bool(lacks), to_stderr, talk)
    return *_StatementQuestions(root, workspace, given, asking).all(), asking


def _unknown(given: StatementOptions, workspace: Workspace) -> Iterator[str]:
    """Yield what is wrong with the names that were given, so that all mistakes are told in one run."""
    named = ((given.expert, tuple(workspace.experts), "experts"), (given.form, tuple(READINGS), "forms"))
    for said, names, what in named:
        if said is not None and said not in names:
            yield f"got '{said}'; {choice(what, said, names)}"


@dataclass(frozen=True)
class _StatementQuestions:
    """Asks what was said, by whom, and about what."""

    root: Path
    workspace: Workspace
    given: StatementOptions
    asking: Asking

    def all(self) -> tuple[str, dict[str, Node]]:
        """Ask in the order in which a statement is read."""
        given, experts = self.given, tuple(self.workspace.experts)
        expert = self.asking.get(
            f"Expert ({', '.join(experts)})", given.expert, lambda said: known(said, experts, "experts")
        )
        today = running.today().isoformat()
        day = given.day.isoformat() if given.day else self.asking.optional("Date", None, today, past_day) or today
        source = {"publisher": text(self.asking.get("Published by", given.publisher, something))}
        if said := self.asking.optional("Title (empty: none)", given.title):
            source["title"] = text(said)
        if said := self.asking.optional("Address (empty: none)", given.url, read=self.asking.typed(address)):
            source["url"] = text(said)
        says = self.asking.get("What was said, in your own words", given.says, something)
        so_far: dict[str, Node] = {"date": text(day), "expert": text(expert)}
        about = self._about(so_far)
        form = self.asking.get(f"Form ({', '.join(READINGS)})", given.form, lambda said: known(said, READINGS, "forms"))

        def value_of(said: str) -> Node:
            value = as_in_file(said)
            self._hold({**so_far, "about": mapping(about), form: value})
            return value

        value = self.asking.get(f"As in a file, {LOOKS[form]}\n{form}", given.value, value_of)
        coded_by = self.asking.optional("Coded by (empty: the expert gave the number)", given.coded_by)
        why = self.asking.get("Why this number and not another", given.why, something)
        fields: dict[str, Node] = {
            **({"id": text(given.statement_id)} if given.statement_id else {}),
            **so_far,
            "source": mapping(source),
            "says": text(says),
            "about": mapping(about),
            form: value,
        }
        if coded_by:
            fields["coded_by"] = text(coded_by)
        return expert, {**fields, "why": text(why)}

    def _hold(self, said: dict[str, Node]) -> None:
        if self.asking.optional_too:
            hold_statement(self.root, said)

    def _held_about(self, so_far: dict[str, Node], about: dict[str, Node]) -> dict[str, Node]:
        """Return what a statement is about. Raises ValueError where no number could be said about that."""
        event = about.get("event")
        whole = isinstance(event, Scalar) and "state" not in about
        form: dict[str, Node] = {"probability": Scalar(0.5, "0.5", 1)}
        if whole and isinstance(event, Scalar):
            states = self.workspace.network.events[event.text].states
            share = 1.0 / len(states)
            form = {"distribution": mapping(dict.fromkeys(states, Scalar(share, repr(share), 1)))}
        self._hold({**so_far, "about": mapping(about), **form})
        return about

    def _about(self, so_far: dict[str, Node]) -> dict[str, Node]:
        given, network = self.given, self.workspace.network
        if given.about is None:
            self.asking.say(f"events: {', '.join(network.events)}")
            self.asking.say(f"scenarios: {', '.join((*_scenarios(self.workspace), OTHER))}")

        def about_what(said: str) -> dict[str, Node]:
            return self._held_about(so_far, self._target(said))

        about = self.asking.get("About (EVENT=STATE, EVENT>=STATE, EVENT, or a scenario)", given.about, about_what)
        event = about.get("event")
        if given.about is None and isinstance(event, Scalar) and "state" not in about:
            states = network.events[event.text].states
            question = f"State ({', '.join(states)}; several with commas; empty: each of them)"

            def chosen(said: str) -> dict[str, Node]:
                return self._held_about(so_far, self._target(f"{event.text}={said}") if said else about)

            about = self.asking.choose(question, chosen)

        def under(conditions: Sequence[str]) -> dict[str, Node]:
            held = [self._condition(one) for one in conditions]
            twice = [name for name, _ in held if [one for one, _ in held].count(name) > 1]
            if twice:
                msg = f"'{twice[0]}' is given twice; several states of one event are separated by commas"
                raise ValueError(f"{msg}: EVENT=STATE,STATE")
            return self._held_about(so_far, {**about, "given": mapping(dict(held))}) if held else about

        about = self.asking.several("If (EVENT=STATE ..., empty: none)", given.given, under)

        def by_day(said: str) -> str:
            self._held_about(so_far, {**about, "by": text(a_day(said))})
            return said

        by = self.asking.optional("By (a day, empty: the horizon)", given.by, read=self.asking.typed(by_day))
        about = {**about, "by": text(by)} if by else about
        return self._in_time(so_far, about) if "given" in about else about

    def _in_time(self, so_far: dict[str, Node], about: dict[str, Node]) -> dict[str, Node]:
        """Give each condition the time at which it is meant to hold; where no option says, ask of dated events."""
        given = about["given"]
        asking, held = self.asking, dict(given.entries) if isinstance(given, MapNode) else {}
        conditions = tuple(held)
        times = [asking.option_or_again("When", one, lambda one: _time_of(one, conditions)) for one in self.given.when]
        said = dict(times)
        if len(said) < len(times):
            raise click.UsageError("--when is given twice for one event; a condition holds at one time")
        for event, states in held.items():
            # What is written as in a file has its time there.
            if isinstance(states, MapNode) and "at_least" not in states.entries:
                continue
            held[event] = states if event not in said else _at(states, said[event])
            if event not in said and asking.optional_too and self.workspace.network.events[event].kind != "constant":
                for line in _meanings(self.workspace.network, event, states, (about.get("by"), so_far)):
                    asking.say(line)

                def meant(time: str, event: str = event, states: Node = states) -> Node:
                    timed = _at(states, _time(time or AT_HORIZON))
                    self._held_about(so_far, {**about, "given": mapping({**held, event: timed})})
                    return timed

                held[event] = asking.choose(f"When, of {event} ({AT_ONCE}, a day, or empty: {AT_HORIZON})", meant)
        return {**about, "given": mapping(held)}

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


def _at(states: Node, time: str) -> Node:
    """Return a condition that holds at a time."""
    if time == AT_HORIZON:
        return states
    return mapping({"is": states, "when" if time == AT_ONCE else "held_by": text(time)})


def _meanings(network: Network, event: str, states: Node, of: tuple[Node | None, Mapping[str, Node]]) -> Iterator[str]:
    """Say what a condition is read as at each time; `of`: the day of the target, and what is said so far."""

    by, said_on, expert = (
        one.text if isinstance(one, Scalar) else "" for one in (of[0], of[1]["date"], of[1]["expert"])
    )
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
