"""Two branches of a ledger made one: the lines of both, each once and as it stands, and a line that names both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.files import replace_file
from forecast.lock import locked
from forecast.record.entries import Merge, encode, line_digest
from forecast.record.kept import seal
from forecast.record.ledger import LEDGER, Ledger, decoded, ledger_of, parse_ledger, split_lines
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, quoted

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
        told = ["took the lines of both sides out of the conflict markers"] if self.solved else []
        told += [_branches(self.branches)] if self.branches else []
        told += [f"left out {_lines(self.left_out)} that stood there already"] if self.left_out else []
        return "; ".join([*told, "nothing else changed"])


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


def _not_whole(number: int, found: str) -> Problem:
    what = "the markers of an unfinished merge do not stand in their order: <<<<<<<, =======, >>>>>>>"
    return Problem(Source(LEDGER, number), what, quoted([found[:80]]), ANEW)


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
