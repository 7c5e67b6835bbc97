"""The questions of `forecast add evidence`: each asked only where no option answers it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from forecast.commands import options
from forecast.commands.asking import Asking, something
from forecast.workspace.drafts import free_name, item_path
from forecast.workspace.evidence_forms.form import DECAYED_AFTER_DAYS, Asked, EvidenceForm
from forecast.workspace.evidence_forms.registry import FORM_OF_CELL, FORMS, KEYS_ON_EVENT, ON_EVENT
from forecast.workspace.grades import LETTERS
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import MapNode, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, WorkspaceProblems, choice, known, nearest
from forecast.workspace.read import read_workspace
from forecast.workspace.records import CANNOT_BE_JUDGED, Event, Network, Scenario, Workspace

WORDS_OF_ID = 6  # of a headline, in an id made from it
CREDIBILITIES = tuple(map(str, range(1, CANNOT_BE_JUDGED + 1)))


@dataclass(frozen=True)
class EvidenceOptions:
    """What the options say; None or empty where they do not."""

    item_id: str | None
    reported: date | None
    happened: date | None
    source: str | None
    source_name: str | None
    grade: str | None
    credibility: str | None
    group: str | None
    rho: float | None
    headline: str | None
    url: str | None
    why: str | None
    supersedes: str | None
    bearings: Bearings


@dataclass(frozen=True)
class Answered:
    """The workspace without the item, the item as it is to stand in a file, and its source if that is new."""

    workspace: Workspace
    problems: tuple[Problem, ...]
    path: str
    fields: dict[str, Node]
    bearings: tuple[MapNode, ...]
    new_source: tuple[str, MapNode] | None


def answer(root: Path, given: EvidenceOptions, *, ask: bool, to_stderr: bool) -> Answered:
    """Return an item from options and, if `ask`, from questions.

    Raises WorkspaceProblems where the files hold errors already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=options.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    needed = {"--headline": given.headline is not None, "--source": given.source is not None}
    options_of_forms = [f"--{form.key}" for form in FORMS]
    needed[f"{', '.join(options_of_forms[:-1])} or {options_of_forms[-1]}"] = given.bearings.any()
    missing = [name for name, is_said in needed.items() if not is_said]
    if missing and not ask:
        raise click.UsageError(f"with --yes nothing is asked; missing {', '.join(missing)}")
    questions = _EvidenceQuestions(root, workspace, given, Asking(bool(missing), to_stderr), can_ask=ask)
    path, fields, bearings, new_source = questions.all()
    return Answered(workspace, problems, path, fields, bearings, new_source)


def fitted(root: Path, answered: Answered, *, is_named: bool) -> Answered:
    """Return what was answered for the files as they are now: an id and a file that are free, a source that is new.

    An id that somebody chose (`is_named`) stays as it is. Raises WorkspaceProblems where the files hold errors.
    """
    workspace, problems = read_workspace(root, today=options.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    reported, item_id = (_text_of(answered.fields[key]) for key in ("reported", "id"))
    if not is_named:
        item_id = _free_id(root, workspace, reported, item_id)
    new = answered.new_source
    if new is not None and (known_now := workspace.sources.get(new[0])) is not None:
        said = tuple(_text_of(new[1].entries[key]) for key in ("name", "reliability"))
        new = None if said == (known_now.name, known_now.reliability) else new
    fields = {**answered.fields, "id": text(item_id)}
    return Answered(workspace, problems, _free_path(root, reported, item_id), fields, answered.bearings, new)


def _text_of(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _free_id(root: Path, workspace: Workspace, reported: str, wanted: str) -> str:
    taken = {item.id for item in workspace.items}
    return free_name(wanted, lambda name: name in taken or (root / item_path(reported, name)).exists())


def _free_path(root: Path, reported: str, item_id: str) -> str:
    stem = item_path(reported, item_id).removesuffix(".yaml")
    return free_name(stem, lambda name: (root / f"{name}.yaml").exists()) + ".yaml"


@dataclass(frozen=True)
class _EvidenceQuestions:
    """Asks what was reported, by whom, and what it says about which events."""

    root: Path
    workspace: Workspace
    given: EvidenceOptions
    asking: Asking
    can_ask: bool

    def all(self) -> tuple[str, dict[str, Node], tuple[MapNode, ...], tuple[str, MapNode] | None]:
        """Ask in the order in which an item is read: what happened first, its name last."""
        given, optional = self.given, self.asking.optional
        headline = self.asking.get("What is reported, in one sentence", given.headline, something)
        today = options.today().isoformat()
        reported = optional("Reported on", _iso(given.reported), today, _past_day) or today
        happened = optional("Happened on (empty: not known, or it is no event)", _iso(given.happened), read=_past_day)
        source, new_source = self._source()
        question = "Credibility, 1 confirmed ... 5 improbable, 6 cannot be judged (empty: 6)"
        credibility = optional(
            question, given.credibility, read=lambda said: known(said, CREDIBILITIES, "credibilities")
        )
        group = self._group()
        url = optional("Address (empty: none)", given.url)
        bearings = given.bearings.read(self.workspace.network, self.workspace.scenarios, self.asking)
        why = optional("Why it weighs this much and not more (empty: no reason)", given.why)
        wanted = "-".join((reported, *(slug(headline) or (source,))))
        proposed = _free_id(self.root, self.workspace, reported, wanted)
        item_id = given.item_id or optional("Id", None, proposed) or proposed
        said: dict[str, Node | None] = {
            "id": text(item_id),
            "reported": text(reported),
            "happened": _text(happened),
            "source": text(source),
            "credibility": Scalar(int(credibility), credibility, 1) if credibility else None,
            "group": _text(group),
            "rho": None if given.rho is None else Scalar(given.rho, f"{given.rho!r}", 1),
            "headline": text(headline),
            "url": _text(url),
            "supersedes": _text(self._superseded()),
            "why": _text(why),
        }
        fields = {key: value for key, value in said.items() if value is not None}
        return _free_path(self.root, reported, item_id), fields, bearings, new_source

    def _source(self) -> tuple[str, tuple[str, MapNode] | None]:
        """Return the id of the source and, if it is new, what the file of sources is to say about it."""
        given, sources = self.given, self.workspace.sources
        if given.source is None:
            self.asking.say(f"sources: {', '.join(sources)}")
        option = given.source
        while True:
            source = self.asking.get("Source (one of these, or a new id)", option, something)
            if source in sources:
                # The same once more is right: a command that was interrupted may have written the source alone.
                there = sources[source]
                if (
                    given.source_name not in (None, there.name)
                    or (given.grade or there.reliability).upper() != there.reliability
                ):
                    msg = f"source '{source}' is there already, with grade {there.reliability}"
                    raise click.UsageError(f"{msg}; --source-name and --grade describe a new one")
                return source, None
            if not self.can_ask and (given.source_name is None or given.grade is None):
                msg = f"unknown source '{source}'; {choice('sources', source, sources)}"
                raise click.UsageError(f"{msg}; a new one needs --source-name and --grade")
            click.echo(f"'{source}' is a new source{nearest(source, tuple(sources))}", err=True)
            asking = Asking(optional_too=self.can_ask, to_stderr=self.asking.to_stderr)
            name = asking.optional("Its name (empty: another source)", given.source_name)
            if name:
                question = "Its grade, A completely reliable ... E unreliable, F cannot be judged"
                grade = asking.get(question, given.grade, lambda said: known(said.upper(), LETTERS, "grades"))
                return source, (source, mapping({"name": text(name), "reliability": text(grade)}))
            option = None

    def _group(self) -> str | None:
        groups = tuple(sorted({item.group for item in self.workspace.items if item.group is not None}))
        if self.given.group is None and self.asking.optional_too and groups:
            self.asking.say(f"groups, of items that copy each other: {', '.join(groups)}")
        group = self.asking.optional("Group (one of these, or a new one; empty: none)", self.given.group)
        if group and group not in groups and (near := nearest(group, groups)):
            click.echo(f"'{group}' is a new group{near}", err=True)
        return group

    def _superseded(self) -> str | None:
        ids = tuple(item.id for item in self.workspace.items)
        if self.given.supersedes is None:
            return None
        return self.asking.option_or_again(
            "Supersedes the item", self.given.supersedes, lambda said: known(said, ids, "items")
        )


def slug(headline: str) -> tuple[str, ...]:
    """Return the first words of a headline as they can stand in a name; letters other than Latin are dropped."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    return tuple(re.findall(r"[a-z0-9]{1,20}", plain.replace("'", ""))[:WORDS_OF_ID])


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _text(said: str | None) -> Scalar | None:
    return text(said) if said else None


def _past_day(said: str) -> str:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise ValueError(f"'{said}' is no date; write YYYY-MM-DD") from None
    if day > options.today():
        raise ValueError(f"{day} lies in the future; today is {options.today()} (UTC)")
    return day.isoformat()


@dataclass(frozen=True)
class Bearings:
    """What the options say: texts by the key of their form; `until` holds for all that decay."""

    said: Mapping[str, tuple[str, ...]]
    until: str | None

    def any(self) -> bool:
        """Say whether an option tells what the item says about an event, or about the scenarios."""
        return any(self.said.values())

    def read(self, network: Network, rules: Sequence[Scenario], asking: Asking) -> tuple[MapNode, ...]:
        """Return what the item says about each event and the scenarios.

        Asked of events, one after the other, where no option says anything.
        """
        if not self.any():
            asking.say(f"events: {', '.join(network.events)}")
            return tuple(self._asked(network, asking))
        asked = Asked(network.events, (*(rule.id for rule in rules), OTHER))
        found = []
        for form in FORMS:
            example = f"What it says about an event ({form.key}, {form.option})"
            if not form.is_on_event:
                example = f"What it says about the scenarios (a number for each of {', '.join(asked.scenarios)})"
            for said in self.said[form.key]:
                entries = asking.option_or_again(example, said, partial(form.from_option, asked=asked))
                found.append(mapping(self._with_until(form, entries, asking)))
        return tuple(found)

    def _asked(self, network: Network, asking: Asking) -> Iterator[MapNode]:
        def event_of(said: str) -> str:
            return known(said, tuple(network.events), "events")

        event: str | None = asking.get("Event", None, event_of)
        while event is not None:
            for one in ON_EVENT:
                asking.say(f"  {one.key}: {one.meaning}")
            key = asking.get("Form", None, lambda said: known(said, KEYS_ON_EVENT, "forms"))
            form = FORM_OF_CELL[key]
            entries = {"event": text(event), **_ask(form, network.events[event], asking)}
            yield mapping(self._with_until(form, entries, asking))
            event = asking.optional("Another event (empty: that is all)", None, read=event_of)

    def _with_until(self, form: EvidenceForm[Any], entries: dict[str, Node], asking: Asking) -> dict[str, Node]:
        if not form.may_end:
            return entries
        question = f"It has decayed by (a day, empty: {DECAYED_AFTER_DAYS} days after the report)"
        until = asking.optional(question, self.until, read=_day)
        return {**entries, "until": text(until)} if until else entries


def _ask(form: EvidenceForm[Any], event: Event, asking: Asking) -> dict[str, Node]:
    answers: dict[str, Node] = {}
    for prompt in form.prompts(event):
        if prompt.before:
            asking.say(prompt.before)
        answers[prompt.key] = asking.get(prompt.text, None, prompt.read)
    return form.from_answers(answers)


def _day(said: str) -> str:
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise ValueError(f"'{said}' is no date; write YYYY-MM-DD") from None
