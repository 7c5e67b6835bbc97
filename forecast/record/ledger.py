"""The ledger: one line for each update that had something new, each with the digest of the line before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from forecast.files import replace_file
from forecast.lock import locked
from forecast.record.entries import Entry, Line, encode, entry_of, line_digest
from forecast.record.entry_shape import RefusedError, parse_object, shape_problems
from forecast.workspace.odd_text import unfinished_merge
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

LEDGER = "reports/ledger.jsonl"
DECIDING = ("known_until", "rolled", "seed", "version", "inputs")
JOIN = "run `forecast merge`, which joins them and changes no line"
SIGNS = ("<", ">", "=", "|")  # of conflict markers
SOLVE = "run `forecast merge`, which takes the lines of both sides"


@dataclass(frozen=True)
class Ledger:
    """The entries of a ledger in the order of the file, and each one's text there, without the end of its line.

    Each entry names the digests of those that it comes after: one of an update, two of a merge. A ledger of one branch
    is a chain; of two branches that git has put into one file it is a fork, which has two heads.
    """

    entries: tuple[Entry, ...] = ()
    texts: tuple[str, ...] = ()

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """The SHA-256 of each entry, by which others name it."""
        return tuple(map(line_digest, self.texts))

    @cached_property
    def updates(self) -> tuple[Line, ...]:
        """The updates alone, in the order of the file."""
        return tuple(entry for entry in self.entries if isinstance(entry, Line))

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The digests of the entries that no other names, in the order of the file: one of each branch."""
        named = {parent for entry in self.entries for parent in entry.parents}
        return tuple(digest for digest in self.digests if digest not in named)

    @property
    def last(self) -> str | None:
        """The digest of the last entry, which the next one names; None where there is none."""
        return self.digests[-1] if self.digests else None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a command that reads the ledger should say once: that it is forked."""
        return () if self.fork is None else (self.fork,)

    @property
    def fork(self) -> Problem | None:
        """A warning that names the last line of each branch; None if there is one branch."""
        if len(self.heads) < 2:
            return None
        numbers = [self.digests.index(head) + 1 for head in self.heads]
        places = [str(Source(LEDGER, number)) for number in numbers]
        got = f"branches that end at {', '.join(places[:-1])} and {places[-1]}"
        what = f"the ledger is forked: {len(places)} branches were put into one file"
        return Problem(Source(LEDGER, numbers[-1]), what, got, JOIN, "warning")

    def until(self, number: int | None) -> Ledger:
        """Return the ledger as it was when it had so many lines (with None: as it is)."""
        return Ledger(self.entries[:number], self.texts[:number])

    def with_update(self, line: Line) -> tuple[Line, ...]:
        """Return the updates and one more, numbered as it will be when it is written."""
        return (*self.updates, replace(line, number=len(self.entries) + 1))


def read_ledger(root: Path) -> Ledger:
    """Read the ledger of a workspace; an empty one if there is no file.

    Raises WorkspaceProblems for a line that is no entry, and where an entry names a line before it that is not there.
    """
    path = root / LEDGER
    return parse_ledger(path.read_bytes(), LEDGER) if path.exists() else Ledger()


def parse_ledger(content: bytes, path: str) -> Ledger:
    """Read the bytes of a ledger; `path` is what messages call it. Raises WorkspaceProblems."""
    lines = split_lines(text := decoded(content, path))
    # No entry begins with such a sign, and to search all of a long text for markers takes longer than to parse it.
    if any(line[:1] in SIGNS for line in lines) and (merge := unfinished_merge(text, path, way=SOLVE)) is not None:
        raise WorkspaceProblems([merge])
    return ledger_of(lines, path)


def decoded(content: bytes, path: str) -> str:
    """Return the text of a ledger, with line ends as on Unix. Raises WorkspaceProblems."""
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        place = Source(path, error.object.count(b"\n", 0, error.start) + 1)
        got, allowed = f"byte 0x{error.object[error.start]:02x}", "lines are only ever appended"
        raise WorkspaceProblems([Problem(place, "not UTF-8 text", got, allowed)]) from None


def split_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text without their ends."""
    # Not splitlines: a note may hold one of Unicode's other line ends.
    return tuple(text.removesuffix("\n").split("\n"))


def ledger_of(texts: Sequence[str], path: str, numbers: Sequence[int] | None = None) -> Ledger:
    """Return the ledger that lines of text make; messages call the lines by `numbers`, or as they stand here.

    Raises WorkspaceProblems, at the first line that is wrong.
    """
    places = [Source(path, number) for number in numbers or range(1, len(texts) + 1)]
    entries = tuple(
        _entry(text, number, place) for number, (text, place) in enumerate(zip(texts, places, strict=True), 1)
    )
    ledger = Ledger(entries, tuple(texts))
    if (problem := next(_broken(ledger, places), None)) is not None:
        raise WorkspaceProblems([problem])
    return ledger


def _entry(text: str, number: int, source: Source) -> Entry:
    try:
        content = parse_object(text)
    except RefusedError as error:
        raise WorkspaceProblems([Problem(source, "no JSON", str(error), "one object a line")]) from None
    if problems := list(shape_problems(content, source)):
        raise WorkspaceProblems(problems)
    return entry_of(content, number)


def _broken(ledger: Ledger, places: Sequence[Source]) -> Iterator[Problem]:
    """Yield what is wrong with the places of the entries: each comes after those that it names, and stands once."""
    numbers: dict[str, int] = {}
    for place, digest in zip(places, ledger.digests, strict=True):
        numbers.setdefault(digest, place.line)
    before: set[str] = set()
    for source, entry, digest in zip(places, ledger.entries, ledger.digests, strict=True):
        if digest in before:
            what = f"the ledger has a line twice, on lines {numbers[digest]} and {source.line}"
            yield Problem(source, what, "", "each line once; `forecast merge` leaves out the second")
        for parent in entry.parents:
            if parent in before:
                continue
            allowed = "the digest of a line before it; lines are only ever appended"
            if parent in numbers:
                order = f"line {source.line} comes after line {numbers[parent]}"
                what = f"the ledger's lines stand in another order: {order}"
            else:
                what = "the ledger's chain is broken: a line before was changed or removed"
            yield Problem(source, what, f"'{parent}'", allowed)
        before.add(digest)


def append(root: Path, line: Line) -> Line:
    """Add an update behind the line that is last now, whatever was last when it was computed; return it as it stands.

    The lock of the workspace is held from reading to writing. The file is replaced whole, so that it never holds half a
    line, and synced; the bytes of the lines before stay as they are.

    Raises WorkspaceProblems where the ledger cannot be read, and OSError; nothing is then written.
    """
    with locked(root):
        ledger, place = read_ledger(root), root / LEDGER
        linked = replace(line, previous=ledger.last)
        before = place.read_bytes() if ledger.entries else b""
        end = b"" if before.endswith(b"\n") or not before else b"\n"
        replace_file(place, before + end + f"{encode(linked)}\n".encode())
        return replace(linked, number=len(ledger.entries) + 1)


def has_news(line: Line, lines: Sequence[Line]) -> bool:
    """Say whether a line differs from the last one in anything that decides the forecast."""
    return not lines or not same_inputs(line, lines[-1])


def same_inputs(line: Line, other: Line) -> bool:
    """Say whether two lines are of the same inputs, whatever their dates."""
    return all(getattr(line, key) == getattr(other, key) for key in DECIDING)


def line_of(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the last line with the date and all inputs of a forecast; None if none has."""
    return next((one for one in reversed(lines) if one.as_of == line.as_of and same_inputs(one, line)), None)


def line_to_compare(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the latest line with other inputs that is not after the as-of date."""
    return next((one for one in reversed(lines) if one.as_of <= line.as_of and not same_inputs(one, line)), None)
