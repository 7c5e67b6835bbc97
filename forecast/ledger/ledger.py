"""The ledger: one line for each update that had something new, each with the digest of the lines it follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

from forecast.files import locked, replace_file
from forecast.ledger.entries import (
    Entry,
    Line,
    Merge,
    RefusedError,
    encode,
    entry_of,
    line_digest,
    parse_object,
    shape_problems,
)
from forecast.ledger.kept import seal
from forecast.workspace.csv_text import other_encoding, other_line_ends
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, quoted, unfinished_merge

LEDGER = "reports/ledger.jsonl"
DECIDING = ("known_until", "rolled", "seed", "version", "inputs")
JOIN = "run `forecast merge`, which joins them and changes no line"
SIGNS = ("<", ">", "=", "|")  # of conflict markers
SEE = "`forecast verify` says what was written there"
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
    """Return the text of a ledger as on Unix, without what editors of Windows add. Raises WorkspaceProblems."""
    if (other := other_encoding(content, path)) is not None:
        raise WorkspaceProblems([other])
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        if (ends := other_line_ends(text, path, behind="}")) is not None:
            raise WorkspaceProblems([ends])
        return text
    except UnicodeDecodeError as error:
        place = Source(path, error.object.count(b"\n", 0, error.start) + 1)
        got, allowed = f"byte 0x{error.object[error.start]:02x}", SEE
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


# An update reads the ledger again before it adds its line, and after: nothing of it is parsed twice.
@lru_cache(maxsize=2048)
def _entry(text: str, number: int, source: Source) -> Entry:
    if not text.strip():
        raise WorkspaceProblems([Problem(source, "an empty line", "", "one object a line; delete it")])
    try:
        content = parse_object(text)
    except RefusedError as error:
        allowed = f"one object a line; {SEE}"
        raise WorkspaceProblems([Problem(source, "no JSON", str(error), allowed)]) from None
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
    line, and synced; the bytes of the lines before stay as they are. Each line is copied too (forecast.ledger.kept).

    Raises WorkspaceProblems where the ledger cannot be read, and OSError; nothing is then written.
    """
    with locked(root):
        ledger, place = read_ledger(root), root / LEDGER
        linked = replace(line, previous=ledger.last)
        before = place.read_bytes() if ledger.entries else b""
        end = b"" if before.endswith(b"\n") or not before else b"\n"
        text = encode(linked)
        replace_file(place, before + end + f"{text}\n".encode())
        seal(root, (*ledger.texts, text))
        return replace(linked, number=len(ledger.entries) + 1)


def has_news(line: Line, lines: Sequence[Line]) -> bool:
    """Say whether a line differs from the last one in what decides the forecast, or holds what that one lacks.

    So the first update by a version that keeps inputs has a line, by which the forecast can be computed again; and so
    has the first one of a month, which answers sub-questions about months that nothing was said of before.
    """
    if not lines or not same_inputs(line, lines[-1]):
        return True
    last = lines[-1]
    return (last.kept is None and line.kept is not None) or not _days_asked(line) <= _days_asked(last)


def _days_asked(line: Line) -> set[str]:
    return {day for entry in line.ladder or () for day in entry.by}


def same_inputs(line: Line, other: Line) -> bool:
    """Say whether two lines are of the same inputs, whatever their dates."""
    return all(getattr(line, key) == getattr(other, key) for key in DECIDING)


def line_of(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the last line with the date and all inputs of a forecast; None if none has."""
    return next(
        (earlier for earlier in reversed(lines) if earlier.as_of == line.as_of and same_inputs(earlier, line)), None
    )


def line_to_compare(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the latest line with other inputs that is not after the as-of date."""
    return next(
        (earlier for earlier in reversed(lines) if earlier.as_of <= line.as_of and not same_inputs(earlier, line)), None
    )


# As git writes them: seven signs, or more where an attribute says so or a conflict stands in the base of another one.
MARKER = re.compile(r"(<{7,}|\|{7,}|={7,}|>{7,})(?: .*)?")
FOLLOWS = {"": {"<": "ours"}, "ours": {"|": "base", "=": "theirs"}, "base": {"=": "theirs"}, "theirs": {">": ""}}
ANEW = f"get both sides back with `git checkout --merge {LEDGER}`, then run `forecast merge` again"
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
Lines = Sequence[tuple[int, str]]  # each with its number in the file


@dataclass(frozen=True)
class Joined:
    """A ledger with one head, and how it came about.

    `branches` holds how many lines each branch alone had, in the order of their last lines (empty where there was one);
    `solved`: the lines were taken out of conflict markers; `left_out`: how many stood there a second time.
    """

    ledger: Ledger
    branches: tuple[int, ...]
    solved: bool = False
    left_out: int = 0

    @property
    def is_changed(self) -> bool:
        """Something has to be written."""
        return bool(self.branches or self.solved or self.left_out)

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        if not self.is_changed:
            return "nothing to join: the ledger is of one branch"
        parts = ["took the lines of both sides out of the conflict markers"] if self.solved else []
        parts += [_branches(self.branches)] if self.branches else []
        parts += [f"left out {_lines(self.left_out)} that stood there already"] if self.left_out else []
        return "; ".join([*parts, "nothing else changed"])


def merge_ledger(root: Path, on: date) -> Joined:
    """Join the branches of a workspace's ledger under its lock; a ledger with conflict markers is solved first.

    Raises WorkspaceProblems where the lines are no proper ledger, and OSError; nothing is then written.
    """
    place = root / LEDGER
    if not place.exists():
        return Joined(Ledger(), ())
    with locked(root):
        before = place.read_bytes()
        lines = list(enumerate(split_lines(text := decoded(before, LEDGER)), 1))
        has_markers = any(MARKER.fullmatch(line) for _, line in lines)
        joined = join(both_sides(text) if has_markers else lines, on, solved=has_markers)
        if joined.is_changed:
            replace_file(place, _content(joined, before, [line for _, line in lines]))
        seal(root, joined.ledger.texts)  # also what an interrupted command has not copied
    return joined


def merge_files(ours: Path, theirs: Path, on: date) -> Joined:
    """Join two files and write the result to the first, as a merge driver of git does. Raises as `merge_ledger`."""
    sides = [parse_ledger(path.read_bytes(), f"{LEDGER} {side}") for path, side in ((ours, "here"), (theirs, "there"))]
    texts = dict.fromkeys(text for side in sides for text in side.texts)
    joined = join(list(enumerate(texts, 1)), on)
    replace_file(ours, _content(joined, ours.read_bytes(), sides[0].texts))
    return joined


def join(lines: Lines, on: date, *, solved: bool = False) -> Joined:
    """Return the ledger of these lines, each once, with a merge behind them for each branch but the first.

    The first merge names the last lines of the first two branches, the next that merge and the third branch, and so
    on. Raises WorkspaceProblems if the lines make no ledger.
    """
    first: dict[str, int] = {}
    for number, text in lines:
        first.setdefault(text, number)
    ledger = ledger_of(list(first), LEDGER, list(first.values()))
    branches = _alone(ledger) if len(ledger.heads) > 1 else ()
    texts, head = list(ledger.texts), ledger.heads[0]
    for other in ledger.heads[1:]:
        texts.append(encode(Merge(previous=head, also=other, on=on)))
        head = line_digest(texts[-1])
    # Of two sides with markers a line that both have is no line twice.
    left_out = 0 if solved else len(lines) - len(first)
    return Joined(ledger_of(texts, LEDGER) if branches else ledger, branches, solved, left_out)


def both_sides(text: str) -> Lines:
    """Return the lines of a ledger with conflict markers: those of both sides, ours before theirs, without the base.

    Raises WorkspaceProblems where the markers do not stand in their order.
    """
    side, width, taken = "", 0, []
    lines = split_lines(text)
    for number, line in enumerate(lines, 1):
        marker = MARKER.fullmatch(line)
        if marker is None:
            taken += [] if side == "base" else [(number, line)]
        elif (after := FOLLOWS[side].get(line[0])) is not None and (not side or len(marker[1]) == width):
            side, width = after, len(marker[1])
        elif side != "base":  # a conflict within the base is of an older merge
            raise WorkspaceProblems([_not_whole(number, line)])
    if side:
        raise WorkspaceProblems([_not_whole(len(lines), "the end of the file")])
    return taken


def _not_whole(number: int, got: str) -> Problem:
    what = "the markers of an unfinished merge do not stand in their order: <<<<<<<, =======, >>>>>>>"
    return Problem(Source(LEDGER, number), what, quoted([got[:80]]), ANEW)


def _content(joined: Joined, before: bytes, lines: Sequence[str]) -> bytes:
    """Return the bytes to write: those of before with what is new behind them, where no line moved."""
    texts = joined.ledger.texts
    if texts[: len(lines)] != tuple(lines):
        return "".join(f"{text}\n" for text in texts).encode()
    end = b"" if before.endswith(b"\n") or not before else b"\n"
    return before + end + "".join(f"{text}\n" for text in texts[len(lines) :]).encode()


def _alone(ledger: Ledger) -> tuple[int, ...]:
    """Return for each head how many lines lead to it and to no other."""
    parents = {digest: entry.parents for digest, entry in zip(ledger.digests, ledger.entries, strict=True)}
    pasts = [_past(head, parents) for head in ledger.heads]
    return tuple(len(past - set().union(*(other for other in pasts if other is not past))) for past in pasts)


def _past(head: str, parents: dict[str, tuple[str, ...]]) -> set[str]:
    found, open_ = set[str](), [head]
    while open_:
        digest = open_.pop()
        if digest not in found:
            found.add(digest)
            open_ += parents[digest]
    return found


def _branches(counts: Sequence[int]) -> str:
    if len(counts) == 2:
        here, there = counts
        return f"joined two branches: {_lines(here)} from here, {there} from there"
    listed = _listed(map(str, counts))
    return f"joined {NUMBERS.get(len(counts), len(counts))} branches: {listed} lines that only one of them had"


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}"
