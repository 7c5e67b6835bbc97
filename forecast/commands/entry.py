"""What somebody enters by `forecast add`: where it is broken off or refused, a draft is kept and offered next time.

A draft is a file of its own, `reports/.KIND-TOKEN.draft`: what was typed, question by question, and what the options
said. It is no input: nothing reads it but the same command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from secrets import token_hex
from typing import Any

import click

from forecast.commands.asking import Answers, Conversation
from forecast.files import remove_file, replace_file
from forecast.workspace.problems import WorkspaceProblems

NOTHING: tuple[Any, ...] = (None, ())  # what an option says that was not given
DAYS = ("day", "reported", "happened")  # options whose values are dates


@dataclass(frozen=True)
class _Kept:
    """A draft: its file, what the options said, and what was typed."""

    place: Path
    options: Mapping[str, Any]
    answers: Answers


@dataclass(frozen=True)
class NewEntry:
    """What somebody enters: what the options say, what was typed so far, and the file of the draft it came from."""

    root: Path
    kind: str
    options: Mapping[str, Any]
    talk: Conversation
    place: Path | None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what was typed as a draft where an entry is broken off or refused, and let that pass through."""
        try:
            yield
        except (click.Abort, click.UsageError, WorkspaceProblems, OSError):
            with suppress(OSError):  # the disk may be what failed
                self.keep()
            raise

    def keep(self) -> None:
        """Write what was typed, if anything was, where the next entry finds it. Raises OSError."""
        if not self.talk.answers:
            return
        said = {key: _written(value) for key, value in self.options.items() if value not in NOTHING}
        draft = {"format": 1, "options": said, "answers": [list(one) for one in self.talk.answers]}
        place = self.place or self.root / "reports" / f".{self.kind}-{token_hex(4)}.draft"
        replace_file(place, json.dumps(draft, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass"))
        click.echo(f"kept as a draft: `forecast add {self.kind} --draft` goes on with it", err=True)

    def end(self) -> None:
        """Remove the draft that the entry came from: it is in the files now."""
        if self.place is not None:
            remove_file(self.place)


def begun(
    root: Path, kind: str, given: Mapping[str, Any], *, takes_up: bool, may_ask: bool, to_stderr: bool
) -> NewEntry:
    """Return an entry, new or one that was kept: the latest where it is wanted (`takes_up`), or offered and accepted.

    Args:
        root: the workspace.
        kind: what is added, a subcommand of `forecast add`.
        given: what the options say; it counts for more than what those of the draft said.
        takes_up: whether a draft is wanted.
        may_ask: whether questions are going to be asked, so that a draft is offered.
        to_stderr: whether the offer is printed on stderr.

    Raises UsageError where a draft is wanted and there is none.
    """
    new = NewEntry(root, kind, given, Conversation(), None)
    drafts = _drafts(root, kind)
    if takes_up and not drafts:
        msg = f"there is no draft of {kind}"
        raise click.UsageError(msg)
    if not drafts or not (takes_up or may_ask):
        return new
    kept = drafts[-1]
    if not takes_up:
        first = kept.answers[0][1]
        more = f", the latest of {len(drafts)}" if len(drafts) > 1 else ""
        question = f"There is a draft that begins “{first}”{more}. Go on with it (n: keep it, d: delete it)?"
        answer = click.prompt(question, default="y", type=click.Choice(["y", "n", "d"]), err=to_stderr)
        if answer == "d":
            remove_file(kept.place)
        if answer != "y":
            return new
    options = {key: kept.options.get(key, said) if said in NOTHING else said for key, said in given.items()}
    return NewEntry(root, kind, options, Conversation(kept.answers), kept.place)


def _drafts(root: Path, kind: str) -> list[_Kept]:
    """Return the drafts of a kind that can be read, the latest last."""
    places = [place for place in (root / "reports").glob(f".{kind}-*.draft") if place.is_file()]
    by_age = sorted(places, key=lambda place: (place.stat().st_mtime_ns, place.name))
    return [kept for place in by_age if (kept := _read(place)) is not None]


def _read(place: Path) -> _Kept | None:
    """Return what a draft says; None for what is none, as a file that somebody has changed."""
    try:
        read = json.loads(place.read_bytes())
        options = {str(key): _value(key, value) for key, value in read["options"].items()}
        answers = [(question, said) for question, said in read["answers"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    texts = [one for pair in answers for one in pair]
    return _Kept(place, options, answers) if texts and all(isinstance(one, str) for one in texts) else None


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value


def _value(key: str, written: Any) -> Any:
    """Return the value of an option as the command line gives it. Raises ValueError for what it never gives."""
    if key in DAYS:
        return date.fromisoformat(written)
    if isinstance(written, list) and all(isinstance(one, str) for one in written):
        return tuple(written)
    if isinstance(written, str) or (key == "rho" and isinstance(written, float)):
        return written
    raise ValueError(f"{key} is no option")
