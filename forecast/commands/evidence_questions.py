"""The questions of `forecast add evidence`: each asked only where no option answers it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from forecast.commands import options
from forecast.commands.asking import (
    Asking,
    Conversation,
    a_day,
    address,
    as_in_file,
    event_and_states,
    known,
    meant,
    past_day,
    something,
    without_place,
)
from forecast.workspace.drafts import draft_item, free_name, item_path, mapping, text
from forecast.workspace.evidence_forms.on_scenarios import OnScenariosForm
from forecast.workspace.evidence_forms.registry import FORMS, KEYS_ON_EVENT, ON_EVENT
from forecast.workspace.evidence_forms.support import DECIBANS
from forecast.workspace.files import EVIDENCE
from forecast.workspace.grades import LETTERS
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import MapNode, Node, Scalar
from forecast.workspace.problems import Problem, WorkspaceProblems, choice, nearest
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Event, Network, Scenario, Workspace
from forecast.workspace.shapes import NAME_PATTERN
from forecast.workspace.yaml_text import resolve

WORDS_OF_ID = 6  # of a headline, in an id made from it
CREDIBILITIES = tuple("123456")
SCENARIOS = OnScenariosForm.key  # in the place of an event: what the item says about the scenarios
MADE_UP = "_asked_"  # id of an item while it is asked about
LONGEST_ID = 100  # characters
ITEMS_SHOWN = 5  # of a source, where somebody may mean one of them


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


SPEAKING = ("settled", "likelihood", "support", "claims", "scenarios", "until")


def told_by(given: Mapping[str, Any]) -> EvidenceOptions:
    """Return what the options of the command say, by their names."""
    bearings = Bearings(**{name: given[name] for name in SPEAKING})
    return EvidenceOptions(**{name: said for name, said in given.items() if name not in SPEAKING}, bearings=bearings)


def missing(given: EvidenceOptions) -> list[str]:
    """Return the options that nothing is said by and that an item needs."""
    needed = {"--headline": given.headline is not None, "--source": given.source is not None}
    needed["--settled, --likelihood, --support, --claims or --scenarios"] = given.bearings.any()
    return [name for name, is_said in needed.items() if not is_said]


def answer(
    root: Path, given: EvidenceOptions, talk: Conversation, as_of: date | None = None, *, ask: bool, to_stderr: bool
) -> tuple[Answered, Asking]:
    """Return an item from options and, if `ask`, from questions; and who asked.

    What is typed is held to the day that the forecast is shown `as_of`: an item of later would not count.
    Raises WorkspaceProblems where the files hold errors already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=options.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    lacks = missing(given)
    if lacks and not ask:
        raise click.UsageError(f"with --yes nothing is asked; missing {', '.join(lacks)}")
    asking = Asking(bool(lacks), to_stderr, talk)
    questions = _EvidenceQuestions(root, workspace, problems, given, asking, as_of or options.today(), can_ask=ask)
    path, fields, bearings, new_source = questions.all()
    return Answered(workspace, problems, path, fields, bearings, new_source), asking


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
    problems: tuple[Problem, ...]
    given: EvidenceOptions
    asking: Asking
    as_of: date
    can_ask: bool

    def all(self) -> tuple[str, dict[str, Node], tuple[MapNode, ...], tuple[str, MapNode] | None]:
        """Ask in the order in which an item is read: what happened first, its name last."""
        given, optional, typed = self.given, self.asking.optional, self.asking.typed
        headline = self.asking.get("What is reported, in one sentence", given.headline, something)
        reported, happened = self._days()
        source, new_source = self._source()
        question = "Credibility, 1 confirmed ... 5 improbable, 6 cannot be judged (empty: 6)"
        credibility = optional(
            question, given.credibility, read=lambda said: known(said, CREDIBILITIES, "credibilities")
        )
        group = self._group()
        url = optional("Address (empty: none)", given.url, read=typed(address))
        supersedes = self._superseded(source)
        said: dict[str, Node | None] = {
            "reported": text(reported),
            "happened": _text(happened),
            "source": text(source),
            "credibility": Scalar(int(credibility), credibility, 1) if credibility else None,
            "group": _text(group),
            "rho": None if given.rho is None else Scalar(given.rho, f"{given.rho!r}", 1),
            "headline": text(headline),
            "url": _text(url),
            "supersedes": _text(supersedes),
        }
        fields = {key: value for key, value in said.items() if value is not None}

        def hold(bearing: MapNode) -> None:
            self._hold({**fields, "id": text(MADE_UP)}, (bearing,), new_source)

        bearings = given.bearings.read(self.workspace.network, self.workspace.scenarios, self.asking, hold)
        why = optional("Why it weighs this much and not more (empty: no reason)", given.why)
        wanted = "-".join((reported, *(slug(headline) or (source,))))
        proposed = _free_id(self.root, self.workspace, reported, wanted)
        item_id = optional("Id", given.item_id, proposed, typed(self._free)) or proposed
        fields = {"id": text(item_id), **fields, **({"why": text(why)} if why else {})}
        return _free_path(self.root, reported, item_id), fields, bearings, new_source

    def _days(self) -> tuple[str, str | None]:
        """Return the day of the report and, if that is known, the day of what is reported."""
        given, optional = self.given, self.asking.optional
        as_of = self.as_of.isoformat()

        def counting(said: str) -> str:
            day = past_day(said)
            if given.reported is None and day > as_of:
                raise ValueError(f"{day} lies after {as_of}, the day of --as-of: the item would not count yet")
            self._hold(self._made_up(day))
            return day

        def before(said: str) -> str:
            day = past_day(said)
            self._hold({**self._made_up(reported), "happened": text(day)})
            return day

        read = counting if self.asking.optional_too else past_day
        reported = optional("Reported on", _iso(given.reported), as_of, read) or as_of
        question = "Happened on (empty: not known, or it is no event)"
        read = before if self.asking.optional_too else past_day
        return reported, optional(question, _iso(given.happened), read=read)

    def _made_up(self, reported: str) -> dict[str, Node]:
        """Return the least that an item needs besides what it says."""
        sources = self.workspace.sources
        source = {"source": text(next(iter(sources)))} if sources else {}
        return {"id": text(MADE_UP), "reported": text(reported), **source, "headline": text("-")}

    def _hold(
        self,
        said: dict[str, Node],
        bearings: Sequence[MapNode] = (),
        new_source: tuple[str, MapNode] | None = None,
    ) -> None:
        """Raise ValueError where an item that says this would be wrong; what was not asked yet is made up.

        Only in a conversation: without one, problems are told together, with their future lines.
        """
        if not self.asking.optional_too or "source" not in said:
            return
        if not bearings:
            event, states = next((event.id, event.states) for event in self.workspace.network.events.values())
            alike = mapping(dict.fromkeys(states, Scalar(1, "1", 1)))
            bearings = (mapping({"event": text(event), "likelihood": alike}),)
        path = f"{EVIDENCE}{MADE_UP}.yaml"
        draft = draft_item(self.root, path, said, bearings, new_source, options.today(), self.problems)
        if draft.workspace is None:
            raise ValueError("; ".join(without_place(problem) for problem in draft.problems))

    def _free(self, said: str) -> str:
        """Return an id that can be one and that no item has. Raises ValueError for any other."""
        if _name(said) in {item.id for item in self.workspace.items}:
            raise ValueError(f"item '{said}' is there already; another id")
        return said

    def _source(self) -> tuple[str, tuple[str, MapNode] | None]:
        """Return the id of the source and, if it is new, what the file of sources is to say about it."""
        given, sources = self.given, self.workspace.sources
        if given.source is None:
            self.asking.say(f"sources: {', '.join(sources)}")
        option = given.source
        while True:
            source = self._one_meant(self.asking.get("Source (one of these, or a new id)", option, something))
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
            self.asking.note(f"'{source}' is a new source{nearest(source, tuple(sources))}")
            asking = replace(self.asking, optional_too=self.can_ask)
            name = asking.optional("Its name (empty: another source)", given.source_name)
            if name:
                question = "Its grade, A completely reliable ... E unreliable, F cannot be judged"
                grade = asking.get(question, given.grade, lambda said: known(said.upper(), LETTERS, "grades"))
                return source, (source, mapping({"name": text(name), "reliability": text(grade)}))
            option = None

    def _one_meant(self, source: str) -> str:
        """Return the source that there is, by id or by name, where a new one is nearly the same and it was meant."""
        sources = self.workspace.sources
        is_described = self.given.source_name is not None and self.given.grade is not None
        if source in sources or is_described:
            return source
        asking = replace(self.asking, optional_too=self.can_ask)
        return meant(
            asking, source, {one.name: one.id for one in sources.values()} | {id: id for id in sources}, "source"
        )

    def _group(self) -> str | None:
        groups = tuple(sorted({item.group for item in self.workspace.items if item.group is not None}))
        if self.given.group is None and self.asking.optional_too and groups:
            self.asking.say(f"groups, of items that copy each other: {', '.join(groups)}")
        question = "Group (one of these, or a new one; empty: none)"
        group = self.asking.optional(question, self.given.group, read=self.asking.typed(_name))
        if not group or group in groups:
            return group
        return meant(self.asking, group, {one: one for one in groups}, "group")

    def _superseded(self, source: str) -> str | None:
        items = [item for item in self.workspace.items if item.report_source == source]
        ids = tuple(item.id for item in self.workspace.items)
        if self.given.supersedes is None and not ids:
            return None
        if self.given.supersedes is None and items:
            latest = ", ".join(item.id for item in sorted(items, key=lambda item: item.reported)[-ITEMS_SHOWN:])
            self.asking.say(f"latest items of '{source}': {latest}")
        question = "Supersedes the item (an id, if this corrects it; empty: none)"
        return self.asking.optional(question, self.given.supersedes, read=lambda said: known(said, ids, "items"))


def slug(headline: str) -> tuple[str, ...]:
    """Return the first words of a headline as they can stand in a name; letters other than Latin are dropped."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    return tuple(re.findall(r"[a-z0-9]{1,20}", plain.replace("'", ""))[:WORDS_OF_ID])


def _name(said: str) -> str:
    """Return what can be a name. Raises ValueError for anything else."""
    if not re.fullmatch(NAME_PATTERN, said) or len(said) > LONGEST_ID:
        raise ValueError(f"'{said}' cannot be a name; letters, digits, '_', '.' and '-', at most {LONGEST_ID} of them")
    return said


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _text(said: str | None) -> Scalar | None:
    return text(said) if said else None


@dataclass(frozen=True)
class Bearings:
    """What the options say: a text for each event, by form; `until` holds for all that wear off."""

    settled: tuple[str, ...]
    likelihood: tuple[str, ...]
    support: tuple[str, ...]
    claims: tuple[str, ...]
    scenarios: str | None
    until: str | None

    def any(self) -> bool:
        """Say whether an option tells what the item says about an event, or about the scenarios."""
        return bool(self.settled or self.likelihood or self.support or self.claims or self.scenarios is not None)

    def read(
        self, network: Network, rules: Sequence[Scenario], asking: Asking, hold: Callable[[MapNode], None]
    ) -> tuple[MapNode, ...]:
        """Return what the item says about each event and the scenarios.

        Asked of events and scenarios, one after the other, where no option says anything; `hold` raises ValueError for
        a part with which the item would be wrong, and then that part is asked for again.
        """
        if not self.any():
            asking.say(f"events: {', '.join(network.events)}")
            return tuple(self._asked(network, rules, asking, hold))
        found = []
        for form in KEYS_ON_EVENT:
            for said in getattr(self, form):
                example = f"What it says about an event ({form}, {LOOKS[form]})"
                entries = asking.option_or_again(example, said, partial(parse, form, network))
                found.append(mapping(self._with_until(form, entries, asking, hold)))
        if self.scenarios is not None:
            names = (*(rule.id for rule in rules), OTHER)
            example = f"What it says about the scenarios (a number for each of {', '.join(names)})"
            numbers = asking.option_or_again(example, self.scenarios, lambda said: _ratios(said, names, "scenarios"))
            found.append(mapping(self._with_until(OnScenariosForm.key, {OnScenariosForm.key: numbers}, asking, hold)))
        return tuple(found)

    def _asked(
        self, network: Network, rules: Sequence[Scenario], asking: Asking, hold: Callable[[MapNode], None]
    ) -> Iterator[MapNode]:
        names = tuple(rule.id for rule in rules)
        about = (*network.events, *((SCENARIOS,) if names and SCENARIOS not in network.events else ()))

        def about_what(said: str) -> str:
            return known(said, about, "events")

        also = f" or `{SCENARIOS}`" if SCENARIOS in about else ""
        event: str | None = asking.get(f"Event{also}", None, about_what)
        while event is not None:
            begun = asking.talk.n_said
            if event == SCENARIOS and SCENARIOS not in network.events:
                form, asked = OnScenariosForm.key, partial(_ask_about_scenarios, (*names, OTHER), asking)
                about = tuple(network.events)  # once in an item
            else:
                for one in ON_EVENT:
                    asking.say(f"  {one.key}: {one.meaning}")
                form = asking.get("Form", None, lambda said: known(said, KEYS_ON_EVENT, "forms"))
                asked = partial(_ask, form, network.events[event], asking)
            entries = asked()
            try:
                hold(mapping(entries))
            except ValueError as wrong:
                asking.note(str(wrong))
                asking.talk.forget(begun)
                continue
            yield mapping(self._with_until(form, entries, asking, hold))
            event = asking.optional(f"Another event{also} (empty: that is all)", None, read=about_what)

    def _with_until(
        self, form: str, entries: dict[str, Node], asking: Asking, hold: Callable[[MapNode], None]
    ) -> dict[str, Node]:
        if not any(one.may_end for one in FORMS if one.key == form):
            return entries

        def end(said: str) -> str:
            hold(mapping({**entries, "until": text(a_day(said))}))
            return said

        read = end if asking.optional_too else a_day
        until = asking.optional("It has decayed by (a day, empty: 180 days after the report)", self.until, read=read)
        return {**entries, "until": text(until)} if until else entries


# How an option says it, which is what is asked for again after one that cannot be read.
LOOKS = {form.key: form.option for form in ON_EVENT}


def parse(form: str, network: Network, said: str) -> dict[str, Node]:
    """Read what an option says about one event. Raises ValueError with what is wrong."""
    event, equals, value = (part.strip() for part in said.partition("="))
    name = event.rstrip(">").strip() if form == "support" else event
    known(name, tuple(network.events), "events")
    if not equals:
        raise ValueError(f"'{said}' has no value for '{name}'; {LOOKS[form]}")
    states = network.events[name].states
    if form == "likelihood":
        return {"event": text(name), form: _ratios(value, states, "states")}
    if form == "support":
        chosen, colon, strength = said.rpartition(":")
        if not colon:
            raise ValueError(f"'{said}' has no strength; {LOOKS[form]}")
        return {
            "event": text(name),
            form: text(_strength(strength)),
            "for": event_and_states(chosen, network.events)[1],
        }
    return {"event": text(name), form: text(known(value, states, f"states of '{name}'"))}


def _ask_about_scenarios(names: Sequence[str], asking: Asking) -> dict[str, Node]:
    asking.say("How probable is such a report in each scenario? Only ratios matter.")
    numbers = {name: asking.get(f"  {name}", None, _number) for name in names}
    return {OnScenariosForm.key: mapping(dict(numbers))}


def _ask(form: str, event: Event, asking: Asking) -> dict[str, Node]:
    states = ", ".join(event.states)
    if form == "likelihood":
        asking.say("How probable is such a report in each state? Only ratios matter; 1 in every state has no weight.")
        return {form: mapping({state: asking.get(f"  {state}", None, _number) for state in event.states})}
    if form == "support":
        question = f"For (of {states}; several with commas; >=STATE for it and all later ones)"
        for_ = asking.get(question, None, lambda said: _states(said, event))
        strengths = ", ".join(f"{name} {decibans:g} dB" for name, decibans in DECIBANS.items())
        return {form: text(asking.get(f"Strength ({strengths})", None, _strength)), "for": for_}
    return {form: text(asking.get(f"State ({states})", None, lambda said: known(said, event.states, "states")))}


def _states(said: str, event: Event) -> Node:
    is_later = said.startswith(">=")
    return event_and_states(f"{event.id}{said}" if is_later else f"{event.id}={said}", {event.id: event})[1]


def _ratios(value: str, names: Sequence[str], what: str) -> Node:
    if value.startswith("{"):
        return as_in_file(value)
    numbers = [_number(part) for part in value.split(",")]
    if len(numbers) != len(names):
        raise ValueError(f"{len(numbers)} numbers for the {len(names)} {what} {', '.join(names)}")
    return mapping(dict(zip(names, numbers, strict=True)))


def _number(said: str) -> Scalar:
    number = resolve(said.strip())
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise ValueError(f"'{said.strip()}' is no likelihood; a number from 0 on")
    return Scalar(number, said.strip(), 1)


def _strength(said: str) -> str:
    return known(said.strip(), tuple(DECIBANS), "strengths")
