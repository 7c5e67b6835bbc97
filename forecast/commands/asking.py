"""How the questions of `forecast add` are asked: only where no option answers, again after what is wrong, and back.

An entry is a conversation: what was typed, question by question. A step back drops the last answer and asks anew, with
the answers before it given by themselves; an entry that was broken off or refused is kept as a draft and taken up so.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import click

from forecast.commands import running
from forecast.plain import link
from forecast.workspace.drafts import ItemDraft, StatementDraft, draft_item, draft_statement
from forecast.workspace.files import EVIDENCE
from forecast.workspace.nodes import NAME_PATTERN, MapNode, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, WorkspaceProblems, near
from forecast.workspace.records import Workspace

BACK = "<"
HOW = f"{BACK} goes back to the question before; Ctrl-C stops, and what was typed is kept as a draft"
OF_A_DRAFT = re.compile(r"^(?:statement|item) '[^']*': (?:bears_on\[1\]: )?")
MADE_UP = "_asked_"  # id of an item while it is asked about
LONGEST_ID = 100  # characters
Answers = Sequence[tuple[str, str]]


class StepBack(Exception):  # noqa: N818 - no error: what `<` asks for
    """The last answer is taken back, and its question is asked again."""


class Conversation:
    """What was typed, by question; a run of the questions gives the answers of before by itself, as far as they go."""

    def __init__(self, answers: Answers = ()) -> None:
        self._said: list[tuple[str, str]] = []
        self._ahead = deque(answers)
        self._is_shown = bool(answers)  # of a draft: whoever takes it up sees what it says
        self._is_explained = False

    @property
    def answers(self) -> Answers:
        """Return what was typed, in order, also what the present run has not come to yet."""
        return (*self._said, *self._ahead)

    @property
    def is_replayed(self) -> bool:
        """Say whether the next question has its answer already."""
        return bool(self._ahead)

    @property
    def n_said(self) -> int:
        """Return how many answers the present run has come by."""
        return len(self._said)

    def again(self) -> None:
        """Begin another run of the questions, with all that was typed ahead of it."""
        self._ahead = deque(self.answers)
        self._said = []

    def step_back(self) -> None:
        """Take the last answer back. Raises StepBack, and nothing where there is none."""
        if self._said:
            self._said.pop()
            self._is_shown = False
            raise StepBack
        click.echo("this is the first question", err=True)

    def decide(self, question: str, *, to_stderr: bool) -> str:
        """Return the answer to the last question of all, y by default, which no draft keeps. Raises StepBack."""
        while True:
            typed: str = click.prompt(question, default="y", show_default=False, err=to_stderr).strip()
            if typed != BACK:
                return typed
            self.step_back()

    def ask(self, question: str, default: str | None, *, to_stderr: bool) -> str:
        """Return the answer to a question, of before or typed now. Raises StepBack, and click.Abort."""
        key = question.partition(" (")[0]  # what follows lists the names that there are, which may be others by then
        if self._ahead and self._ahead[0][0] == key:
            said = self._ahead.popleft()[1]
            if self._is_shown:
                click.echo(f"{key}: {said}", err=to_stderr)
            self._said.append((key, said))
            return said
        self._ahead.clear()  # the questions go another way than those that were answered
        if not self._is_explained:
            self._is_explained = True
            click.echo(HOW, err=to_stderr)
        while True:
            typed: str = click.prompt(question, default=default, show_default=bool(default), err=to_stderr).strip()
            if typed != BACK:
                self._said.append((key, typed))
                return typed
            self.step_back()

    def forget(self, begun: int) -> None:
        """Drop all answers but the first so many, of which one was wrong, before they are asked for again."""
        del self._said[begun:]
        self._ahead.clear()


def until_settled[T](talk: Conversation, attempt: Callable[[], T]) -> T:
    """Run questions, and what follows from them, until nobody steps back and nothing is refused; return the outcome.

    What is refused at the end is told, and the last question is asked again. Raises WorkspaceProblems where nobody was
    asked anything, and click.Abort.
    """
    while True:
        talk.again()
        try:
            return attempt()
        except StepBack:
            continue
        except WorkspaceProblems as refused:
            if not talk.answers:
                raise
            click.echo(str(refused), err=True)
            click.echo(f"refused; the last question again ({HOW})", err=True)
            try:
                talk.step_back()
            except StepBack:
                continue
            raise


@dataclass(frozen=True)
class Asking:
    """Asks for what no option says; an option that says something impossible is wrong usage."""

    optional_too: bool  # somebody is being asked anyway
    to_stderr: bool
    talk: Conversation = field(default_factory=Conversation)

    def say(self, line: str) -> None:
        """Print what helps to answer the next question."""
        if not self.talk.is_replayed:
            click.echo(line, err=self.to_stderr)

    def note(self, line: str) -> None:
        """Print, on stderr, what is remarkable in the last answer or option."""
        if not self.talk.is_replayed:
            click.echo(line, err=True)

    def get[T](self, question: str, option: str | None, read: Callable[[str], T]) -> T:
        """Return what an option says, or an answer; an answer that cannot be read is asked for again."""
        if option is not None:
            return self.option_or_again(question, option, read)
        return self._asked(question, None, read)

    def option_or_again[T](self, question: str, said: str, read: Callable[[str], T]) -> T:
        """Read what an option says; where it cannot be read, ask if anybody is there to be asked."""
        try:
            return read(said)
        except ValueError as wrong:
            if not self.optional_too:
                prompt = question.splitlines()[-1].partition(" (")[0]
                raise click.UsageError(f"{prompt} '{said}': {wrong}") from wrong
            self.note(str(wrong))
            return self._asked(question, None, read)

    def optional(
        self, question: str, option: str | None, default: str = "", read: Callable[[str], str] = str
    ) -> str | None:
        """Return what an option says, or an answer if somebody is being asked anyway; None for an empty one."""
        if option is not None:
            return self.option_or_again(question, option, read)
        if not self.optional_too:
            return None
        return self._asked(question, default, lambda said: read(said) if said else None)

    def choose[T](self, question: str, read: Callable[[str], T]) -> T:
        """Return what `read` makes of an answer, an empty one too."""
        return self._asked(question, "", read)

    def several[T](self, question: str, said: Sequence[str], read: Callable[[Sequence[str]], T]) -> T:
        """Return what `read` makes of options, or of an answer of several words if somebody is being asked anyway."""
        try:
            if said or not self.optional_too:
                return read(said)
        except ValueError as wrong:
            if not self.optional_too:
                raise click.UsageError(f"{question.partition(' (')[0]} '{' '.join(said)}': {wrong}") from wrong
            self.note(str(wrong))
        return self._asked(question, "", lambda typed: read(typed.split()))

    def typed(self, check: Callable[[str], str]) -> Callable[[str], str]:
        """Return a check that only a conversation makes: without one, the files' own checks name what is wrong."""
        return check if self.optional_too else str

    def confirmed(self, question: str) -> bool:
        """Ask a question whose answer is yes or no, yes by default."""
        return self._asked(f"{question} [Y/n]", "", lambda said: _yes_or_no(said or "y"))

    def decided(self, question: str) -> bool:
        """Ask whether to write what was entered, yes by default."""
        while True:
            try:
                return _yes_or_no(self.talk.decide(f"{question} [Y/n]", to_stderr=self.to_stderr))
            except ValueError as wrong:
                click.echo(str(wrong), err=True)

    def _asked[T](self, question: str, default: str | None, read: Callable[[str], T]) -> T:
        while True:
            said = self.talk.ask(question, default, to_stderr=self.to_stderr)
            try:
                return read(said)
            except ValueError as wrong:
                self.talk.forget(self.talk.n_said - 1)
                click.echo(str(wrong), err=True)


def _yes_or_no(said: str) -> bool:
    answers = {"y": True, "yes": True, "n": False, "no": False}
    if said.lower() not in answers:
        raise ValueError(f"'{said}' is neither y nor n")
    return answers[said.lower()]


def meant(asking: Asking, said: str, known_names: Mapping[str, str], what: str) -> str:
    """Return a name that there is where a new one is nearly the same and whoever is asked meant it; else the new one.

    Args:
        asking: who asks; nobody is asked where nothing is asked anyway.
        said: a name that there is not.
        known_names: the names by what they may be called, themselves among them.
        what: what has these names, in the singular.
    """
    found = near(said, tuple(known_names))
    if found is None or not asking.optional_too:
        return said
    name = known_names[found]
    called = f"'{name}'" if found == name else f"'{name}' ({found})"
    return name if asking.confirmed(f"'{said}' is a new {what}; did you mean {called}?") else said


def something(said: str) -> str:
    """Return a text without the spaces around it. Raises ValueError where nothing is left."""
    if not said.strip():
        raise ValueError("this may not be empty")
    return said.strip()


def a_day(said: str) -> str:
    """Return a day as files have it. Raises ValueError for anything else."""
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise ValueError(f"'{said}' is no date; write YYYY-MM-DD") from None


def past_day(said: str) -> str:
    """Return a day that is not in the future. Raises ValueError for any other."""
    day = date.fromisoformat(a_day(said))
    if day > running.today():
        raise ValueError(f"{day} lies in the future; today is {running.today()} (UTC)")
    return day.isoformat()


def address(said: str) -> str:
    """Return an address that a browser follows. Raises ValueError for any other."""

    found = link(said)
    if found is None or not found.followed:
        raise ValueError(f"'{said}' is no address; https://... without spaces, or nothing")
    return said


def a_name(said: str) -> str:
    """Return what can be a name. Raises ValueError for anything else."""
    if not re.fullmatch(NAME_PATTERN, said) or len(said) > LONGEST_ID:
        raise ValueError(f"'{said}' cannot be a name; letters, digits, '_', '.' and '-', at most {LONGEST_ID} of them")
    return said


def hold_statement(root: Path, said: Mapping[str, Node]) -> None:
    """Raise ValueError where a statement that says this would be wrong; what was not asked yet is made up."""
    made_up: dict[str, Node] = {"source": mapping({"publisher": text("-")}), "says": text("-"), "why": text("-")}
    expert = said["expert"]
    name = expert.text if isinstance(expert, Scalar) else ""
    _hold(draft_statement(root, name, {**made_up, **said}, running.today()))


def hold_item(
    root: Path,
    workspace: Workspace,
    problems: tuple[Problem, ...],
    said: Mapping[str, Node],
    bearings: Sequence[MapNode],
    new_source: tuple[str, MapNode] | None,
) -> None:
    """Raise ValueError where an item that says this would be wrong; what was not asked yet is made up.

    Args:
        root: the workspace.
        workspace: what it holds without the item.
        problems: those that it has without the item.
        said: the keys of the item so far.
        bearings: what it says about events; where nothing is said yet, something without weight.
        new_source: as in `draft_item`.
    """
    if not bearings:
        event = next(iter(workspace.network.events.values()))
        alike = mapping(dict.fromkeys(event.states, Scalar(1, "1", 1)))
        bearings = (mapping({"event": text(event.id), "likelihood": alike}),)
    source = next(iter(workspace.sources), None)
    if source is None and new_source is None:
        return  # an item without a source is wrong whatever it says
    made_up = {"id": text(MADE_UP), "source": text(source or ""), "headline": text("-")}
    said = {**made_up, **said}
    _hold(draft_item(root, f"{EVIDENCE}{MADE_UP}.yaml", said, bearings, new_source, running.today(), problems))


def _hold(draft: StatementDraft | ItemDraft) -> None:
    if draft.workspace is None:
        said = (str(problem).removeprefix(f"{problem.source}: ") for problem in draft.problems)
        raise ValueError("; ".join(OF_A_DRAFT.sub("", one) for one in said))
