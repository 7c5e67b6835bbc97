"""The questions of `forecast add evidence`: each asked only where no option answers it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from forecast.commands import running
from forecast.commands.asking import (
    Asking,
    Conversation,
    a_day,
    a_name,
    address,
    hold_item,
    meant,
    past_day,
    something,
)
from forecast.model.reports import same_day_as
from forecast.workspace.drafts import draft_item, free_name, item_path
from forecast.workspace.evidence_forms import FORM_OF_CELL, FORMS, KEYS_ON_EVENT, ON_EVENT
from forecast.workspace.evidence_forms.form import DECAYED_AFTER_DAYS, Asked, EvidenceForm, Prompt, ratio_in_option
from forecast.workspace.evidence_forms.on_scenarios import OnScenariosForm
from forecast.workspace.files import EVIDENCE
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import MapNode, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, WorkspaceProblems, choice, known, nearest
from forecast.workspace.read import read_workspace
from forecast.workspace.records import CANNOT_BE_JUDGED, Network, Scenario, Workspace
from forecast.workspace.renames import LETTERS

WORDS_OF_ID = 6  # of a headline, in an id made from it
CREDIBILITIES = tuple(map(str, range(1, CANNOT_BE_JUDGED + 1)))
SCENARIOS = OnScenariosForm.key  # in the place of an event: what the item says about the scenarios
NEW = "the-item-that-is-being-added"
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
    independent: str | None
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


def evidence_options(given: Mapping[str, Any]) -> EvidenceOptions:
    """Return what the options of the command say, by their names; what is said of the scenarios is said once."""
    rest, said = dict(given), dict[str, tuple[str, ...]]()
    for form in FORMS:
        texts = rest.pop(form.key)
        said[form.key] = texts if form.is_on_event else () if texts is None else (texts,)
    return EvidenceOptions(bearings=Bearings(said, rest.pop("until")), **rest)


def missing(given: EvidenceOptions) -> list[str]:
    """Return the options that nothing is said by and that an item needs."""
    needed = {"--headline": given.headline is not None, "--source": given.source is not None}
    options_of_forms = [f"--{form.key}" for form in FORMS]
    needed[f"{', '.join(options_of_forms[:-1])} or {options_of_forms[-1]}"] = given.bearings.any()
    return [name for name, is_said in needed.items() if not is_said]


def answer(
    root: Path, given: EvidenceOptions, talk: Conversation, as_of: date | None = None, *, ask: bool, to_stderr: bool
) -> tuple[Answered, Asking]:
    """Return an item from options and, if `ask`, from questions; and who asked.

    What is typed is held to the day that the forecast is shown `as_of`: an item of later would not count.
    Raises WorkspaceProblems where the files hold errors already, and UsageError where an answer is missing.
    """
    workspace, problems = read_workspace(root, today=running.today())
    if workspace is None:
        raise WorkspaceProblems(problems)
    lacks = missing(given)
    if lacks and not ask:
        raise click.UsageError(f"with --yes nothing is asked; missing {', '.join(lacks)}")
    asking = Asking(bool(lacks), to_stderr, talk)
    day = as_of if lacks and as_of else running.today()
    questions = _EvidenceQuestions(root, workspace, problems, given, asking, day, can_ask=ask)
    path, fields, bearings, new_source = questions.all()
    return Answered(workspace, problems, path, fields, bearings, new_source), asking


def fitted(root: Path, answered: Answered, *, is_named: bool) -> Answered:
    """Return what was answered for the files as they are now: an id and a file that are free, a source that is new.

    An id that somebody chose (`is_named`) stays as it is. Raises WorkspaceProblems where the files hold errors.
    """
    workspace, problems = read_workspace(root, today=running.today())
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
        credible = partial(known, names=CREDIBILITIES, what="credibilities")
        credibility = optional(question, given.credibility, read=credible)
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
            self._hold(fields, (bearing,), new_source)

        bearings = given.bearings.read(self.workspace.network, self.workspace.scenarios, self.asking, hold)
        independent = self._independent(fields, bearings, new_source)
        if independent:
            fields["independent"] = text(independent)
        why = optional("Why it weighs this much and not more (empty: no reason)", given.why)
        proposed = _free_id(self.root, self.workspace, reported, "-".join((reported, *(slug(headline) or (source,)))))
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
            self._hold({"reported": text(day)})
            return day

        def before(said: str) -> str:
            day = past_day(said)
            self._hold({"reported": text(reported), "happened": text(day)})
            return day

        reported = optional("Reported on", _iso(given.reported), as_of, counting) or as_of
        question = "Happened on (empty: not known, or it is no event)"
        return reported, optional(question, _iso(given.happened), read=before)

    def _hold(
        self, said: dict[str, Node], bearings: Sequence[MapNode] = (), new_source: tuple[str, MapNode] | None = None
    ) -> None:
        if self.asking.optional_too:
            hold_item(self.root, self.workspace, self.problems, said, bearings, new_source)

    def _free(self, said: str) -> str:
        """Return an id that can be one and that no item has. Raises ValueError for any other."""
        if a_name(said) in {item.id for item in self.workspace.items}:
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
        names = {one.name: one.id for one in sources.values()} | {name: name for name in sources}
        return meant(asking, source, names, "source")

    def _group(self) -> str | None:
        groups = tuple(sorted({item.group for item in self.workspace.items if item.group is not None}))
        if self.given.group is None and self.asking.optional_too and groups:
            self.asking.say(f"groups, of items that copy each other: {', '.join(groups)}")
        question = "Group (one of these, or a new one; empty: none)"
        group = self.asking.optional(question, self.given.group, read=self.asking.typed(a_name))
        if not group or group in groups:
            return group
        return meant(self.asking, group, {one: one for one in groups}, "group")

    def _independent(
        self, fields: Mapping[str, Node], bearings: Sequence[MapNode], new_source: tuple[str, MapNode] | None
    ) -> str | None:
        """Return why the item is no copy of what others report of its day, where others do; asked only then."""
        day, of_day = _text_of(fields["reported"]), (one for one in self.workspace.items if one.group is None)
        if "group" in fields or all(one.reported.isoformat() != day for one in of_day):
            return self.given.independent
        said = {"id": text(NEW), **fields}
        draft = draft_item(
            self.root, f"{EVIDENCE}{NEW}.yaml", said, bearings, new_source, running.today(), self.problems
        )
        if draft.workspace is None or draft.item is None:
            return self.given.independent  # the draft itself will say what is wrong
        copies = same_day_as(draft.workspace, draft.item)
        if copies and not self.given.independent:
            rho = draft.workspace.sources[draft.item.report_source].same_day_rho
            others = ", ".join(f"'{one.id}' of '{one.report_source}'" for one in copies)
            self.asking.note(f"{others} says the same on that day: read as copies, rho {rho:.2g}, unless independent")
        if not copies:
            return self.given.independent
        return self.asking.optional("Why it is independent of that (empty: it is a copy)", self.given.independent)

    def _superseded(self, source: str) -> str | None:
        items = [item for item in self.workspace.items if item.report_source == source]
        ids = tuple(item.id for item in self.workspace.items)
        if self.given.supersedes is None and not ids:
            return None
        if self.given.supersedes is None and self.asking.optional_too and items:
            latest = ", ".join(item.id for item in sorted(items, key=lambda item: item.reported)[-ITEMS_SHOWN:])
            self.asking.say(f"latest items of '{source}': {latest}")
        question = "Supersedes the item (an id, if this corrects it; empty: none)"
        return self.asking.optional(question, self.given.supersedes, read=lambda said: known(said, ids, "items"))


def slug(headline: str) -> tuple[str, ...]:
    """Return the first words of a headline as they can stand in a name; letters other than Latin are dropped."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    return tuple(re.findall(r"[a-z0-9]{1,20}", plain.replace("'", ""))[:WORDS_OF_ID])


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _text(said: str | None) -> Scalar | None:
    return text(said) if said else None


@dataclass(frozen=True)
class Bearings:
    """What the options say: texts by the key of their form; `until` holds for all that decay."""

    said: Mapping[str, tuple[str, ...]]
    until: str | None

    def any(self) -> bool:
        """Say whether an option tells what the item says about an event, or about the scenarios."""
        return any(self.said.values())

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
        asked = Asked(network.events, (*(rule.id for rule in rules), OTHER))
        found = []
        for form in FORMS:
            example = f"What it says about an event ({form.key}, {form.option})"
            if not form.is_on_event:
                example = f"What it says about the scenarios (a number for each of {', '.join(asked.scenarios)})"
            for said in self.said[form.key]:
                entries = asking.option_or_again(example, said, partial(form.from_option, asked=asked))
                found.append(mapping(self._with_until(form, entries, asking, hold)))
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
            form: EvidenceForm[Any] = OnScenariosForm()
            entries: dict[str, Node]
            if event == SCENARIOS and SCENARIOS not in network.events:
                entries = {form.key: mapping(_answers(_of_scenarios((*names, OTHER)), asking))}
            else:
                for one in ON_EVENT:
                    asking.say(f"  {one.key}: {one.meaning}")
                form = FORM_OF_CELL[asking.get("Form", None, lambda said: known(said, KEYS_ON_EVENT, "forms"))]
                answers = _answers(form.prompts(network.events[event]), asking)
                entries = {"event": text(event), **form.from_answers(answers)}
            try:
                hold(mapping(entries))
            except ValueError as wrong:
                asking.note(str(wrong))
                asking.talk.forget(begun)
                continue
            if not form.is_on_event:
                about = tuple(network.events)  # of the scenarios an item speaks once
            yield mapping(self._with_until(form, entries, asking, hold))
            event = asking.optional(f"Another event{also} (empty: that is all)", None, read=about_what)

    def _with_until(
        self, form: EvidenceForm[Any], entries: dict[str, Node], asking: Asking, hold: Callable[[MapNode], None]
    ) -> dict[str, Node]:
        if not form.may_end:
            return entries

        def end(said: str) -> str:
            hold(mapping({**entries, "until": text(a_day(said))}))
            return said

        read = end if asking.optional_too else a_day
        question = f"It has decayed by (a day, empty: {DECAYED_AFTER_DAYS} days after the report)"
        until = asking.optional(question, self.until, read=read)
        return {**entries, "until": text(until)} if until else entries


def _of_scenarios(names: Sequence[str]) -> tuple[Prompt, ...]:
    """Return what is asked about the scenarios: a number for each."""
    before = ("How probable is such a report in each scenario? Only ratios matter.", *[""] * len(names))
    return tuple(Prompt(name, f"  {name}", ratio_in_option, says) for name, says in zip(names, before, strict=False))


def _answers(prompts: Sequence[Prompt], asking: Asking) -> dict[str, Node]:
    """Return the answers by key."""
    answers: dict[str, Node] = {}
    for prompt in prompts:
        if prompt.before:
            asking.say(prompt.before)
        answers[prompt.key] = asking.get(prompt.text, None, prompt.read)
    return answers
