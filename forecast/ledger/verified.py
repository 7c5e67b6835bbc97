"""What of the ledger and of what is kept beside it is still as it was written, and what has become of the rest.

It works on bytes alone and takes nothing for granted: no line has to be one. What it can tell is told by three things:
each line holds the digest of the line before; a copy of every line is kept under its digest (forecast.ledger.kept); and
each line names the inputs that it came from, which are kept under their digests too (forecast.ledger.verified_origin).
Who changes all three alike is found by computing the forecast again, or by the history of the repository
(forecast.verify).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import eq
from pathlib import Path
from typing import Any, Literal

from forecast.ledger.entries import MERGE
from forecast.ledger.kept import digest_of_content, sealed_lines
from forecast.ledger.ledger import LEDGER
from forecast.workspace.problems import Source

Kind = Literal[
    "changed", "removed", "truncated", "reordered", "repeated", "added", "broken", "unfinished merge",
    "kept copy damaged", "kept copy missing", "kept inputs missing", "kept inputs changed",
    "edited", "missing file", "rewritten", "other page", "other numbers", "other inputs", "not in history",
    "fork", "no copy", "no inputs kept", "other version", "other processor", "not yet recorded", "not committed",
    "edited before",
]  # fmt: skip
NOTES: tuple[Kind, ...] = (
    "fork", "no copy", "no inputs kept", "other version", "other processor", "not yet recorded", "not committed",
    "edited before",
)  # fmt: skip
MOST_TRIED = 50  # kept lines that a line whose neighbours say nothing is held against, and such lines
LIKE = 0.5  # share of the bytes that a line has in common with what it was
MARKERS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")


@dataclass(frozen=True, order=True)
class IntegrityFinding:
    """Something that is not as it was written, or (a note) something that a reader should know.

    `kind` is one of few words that a program can rely on; `where` the file and line; `what` says it to a person.
    """

    where: Source
    kind: Kind
    what: str

    @property
    def is_note(self) -> bool:
        """Say whether nothing is wrong with it."""
        return self.kind in NOTES

    def __str__(self) -> str:
        return f"{self.where}: {'note: ' if self.is_note else ''}{self.kind}: {self.what}"


@dataclass(frozen=True)
class Row:
    """A line of the ledger as it stands in the file: its number from 1, bytes, digest, and content if it has one."""

    number: int
    text: bytes
    digest: str
    content: Mapping[str, Any]

    @property
    def day(self) -> date | None:
        """The date of the forecast; None where the line is of none."""
        try:
            return date.fromisoformat(self.content["as_of"])
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def parents(self) -> tuple[str | None, ...]:
        """The digests of the lines that it follows; none for one that cannot be read."""
        return _parents(self.content)


@dataclass(frozen=True)
class Chain:
    """The rows of a ledger, and what was found about them; `n_copies` of the rows have a kept copy.

    `sound` are the rows that can be taken at their word.
    """

    rows: tuple[Row, ...]
    sound: tuple[Row, ...]
    findings: tuple[IntegrityFinding, ...]
    n_copies: int = 0

    @property
    def is_whole(self) -> bool:
        """Say whether every line is as it was written."""
        return all(finding.is_note for finding in self.findings)


@dataclass(frozen=True)
class _Held:
    """What the kept copies say: what was found, digests of lines that this explains, and lines that had a follower."""

    findings: tuple[IntegrityFinding, ...]
    n_copies: int = 0
    explained: frozenset[str] = frozenset()
    followed: frozenset[str | None] = frozenset()


def verified_chain(root: Path) -> Chain:
    """Hold the ledger against its own digests and the kept copies of its lines. Nothing is raised for its content."""
    sealed, damaged = sealed_lines(root)
    findings = [
        IntegrityFinding(
            Source(f"reports/kept/lines/{name}.gz", 1), "kept copy damaged", "this copy of a line is no longer it"
        )
        for name in damaged
    ]
    try:
        content = (root / LEDGER).read_bytes()
    except FileNotFoundError:
        content = b""
    rows, merging = _rows(content)
    findings += merging
    held = _against_copies(rows, sealed, frozenset(damaged))
    findings += [*held.findings, *_order(rows, held)]
    sound = tuple(row for row in rows if row.digest not in held.explained)
    return Chain(rows, sound, tuple(sorted(findings)), held.n_copies)


def _rows(content: bytes) -> tuple[tuple[Row, ...], list[IntegrityFinding]]:
    # A checkout with line ends of Windows is no change.
    texts = content.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n") if content else []
    merging = [number for number, text in enumerate(texts, 1) if text[:7] in MARKERS]
    rows = []
    if merging:
        what = f"git left {len(merging)} markers of a conflict here; `forecast merge` joins both sides"
        rows.append(IntegrityFinding(Source(LEDGER, merging[0]), "unfinished merge", what))
    kept = ((number, text) for number, text in enumerate(texts, 1) if number not in merging)
    return tuple(Row(number, text, hashlib.sha256(text).hexdigest(), content_of(text)) for number, text in kept), rows


def content_of(text: bytes) -> Mapping[str, Any]:
    """Return the object that a text of JSON is, or an empty one."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _parents(content: Mapping[str, Any]) -> tuple[str | None, ...]:
    keys = [key for key in ("previous", "also") if key in content]
    return tuple(content[key] for key in keys if content[key] is None or isinstance(content[key], str))


def _against_copies(rows: Sequence[Row], sealed: Mapping[str, bytes], damaged: frozenset[str]) -> _Held:
    """Tell lines that were changed, removed, cut off or slipped in by the copies that are kept of all lines."""
    here = {row.digest for row in rows}
    known = set(sealed) | damaged
    if not known:
        return _Held(tuple(_without_copies(rows)))
    missing = {d: text for d, text in sealed.items() if d not in here and not is_joined_otherwise(text, here)}
    # A line whose copy alone is gone is vouched for by the copy of a line that follows it.
    vouched = {parent for text in sealed.values() for parent in _parents(content_of(text))}
    strange = [row for row in rows if row.digest not in known | vouched and row.text]
    pairs = _pairs(rows, strange, missing)
    findings = [_changed(row, missing[pairs[row.number]]) for row in strange if row.number in pairs]
    findings += _copies_gone([row for row in rows if row.digest in vouched - known])
    findings += _empty(rows)
    gone = {digest: text for digest, text in missing.items() if digest not in pairs.values()}
    # A line end that was changed makes two lines of one, or one of two.
    joined = {digest for digest, text in gone.items() if any(text in row.text for row in strange)}
    named = {parent for row in rows for parent in row.parents}
    added = set()
    for row in strange:
        if row.number in pairs or any(row.text and row.text in missing[digest] for digest in pairs.values()):
            continue
        if row.parents and row.digest not in named:
            what = "no copy of this line is kept: an update was interrupted right behind it, or it was slipped in"
            findings.append(
                IntegrityFinding(Source(LEDGER, row.number), "no copy", f"{what}; --recompute {row.number} tells")
            )
        else:
            findings.append(IntegrityFinding(Source(LEDGER, row.number), "added", "no update wrote this line"))
            added.add(row.digest)
    findings += _gone({digest: text for digest, text in gone.items() if digest not in joined}, rows, sealed)
    explained = frozenset(
        {*missing, *added, *(row.digest for row in strange if row.number in pairs), *(damaged - here)}
    )
    followed = frozenset(parent for text in missing.values() for parent in _parents(content_of(text)))
    return _Held(tuple(findings), sum(row.digest in sealed for row in rows), explained, followed)


def is_joined_otherwise(text: bytes, here: Collection[str]) -> bool:
    """Say whether a line only joins lines that are all here: two clones may join the same branches, each by a line."""
    content = content_of(text)
    return (
        content.get("kind") == MERGE and not content.get("note") and all(parent in here for parent in _parents(content))
    )


def _copies_gone(rows: Sequence[Row]) -> Iterator[IntegrityFinding]:
    for row in rows:
        what = "the copy of this line is gone; the copy of the next line says that the line is as it was written"
        yield IntegrityFinding(Source(LEDGER, row.number), "kept copy missing", what)


def _empty(rows: Sequence[Row]) -> Iterator[IntegrityFinding]:
    empty = [row.number for row in rows if not row.text]
    if empty:
        what = "no update wrote this line" if len(empty) == 1 else f"no update wrote these {len(empty):,} empty lines"
        yield IntegrityFinding(Source(LEDGER, empty[0]), "added", what)


def _without_copies(rows: Sequence[Row]) -> Iterator[IntegrityFinding]:
    if rows:
        what = (
            "no copies of lines are kept: if a line was changed and all later lines chained again, it cannot be noticed"
        )
        yield IntegrityFinding(Source(LEDGER, 1), "no copy", what)


def _pairs(rows: Sequence[Row], strange: Sequence[Row], missing: Mapping[str, bytes]) -> dict[int, str]:
    """Return which missing line each strange one was, by number, as its neighbours or most of its bytes say."""
    parents = {digest: _parents(content_of(text)) for digest, text in missing.items()}
    children = {parent: digest for digest, named in reversed(parents.items()) for parent in named}
    at = {row.number: row for row in rows}
    pairs: dict[int, str] = {}
    left = dict(missing)
    for row in strange:
        before, after = at.get(row.number - 1), at.get(row.number + 1)
        follows = None if before is None else pairs.get(before.number, before.digest)
        child = children.get(follows)
        if child in left and _alike(row.text, left[child]) > LIKE:  # so a line of many that were chained anew is found
            pairs[row.number] = child
        elif len(strange) <= MOST_TRIED:
            close = [
                digest
                for digest in left
                if (after is not None and digest in after.parents)
                or follows in parents[digest]
                or row.text in missing[digest]
            ]
            tried = close or list(left)[:MOST_TRIED]
            best = max(tried, key=lambda digest: _alike(row.text, missing[digest]), default=None)
            if best is not None and (len(close) == 1 or _alike(row.text, missing[best]) > LIKE):
                pairs[row.number] = best
        if row.number in pairs:
            del left[pairs[row.number]]
    return pairs


def _alike(one: bytes, other: bytes) -> float:
    """Return the share of bytes that two texts have in common at their beginnings and ends, or place by place."""
    same = sum(map(eq, one, other))
    back = sum(map(eq, reversed(one), reversed(other)))
    return float(max(same, back, same if one not in other else len(one)) / max(1, min(len(one), len(other))))


def _changed(row: Row, text: bytes) -> IntegrityFinding:
    before = content_of(text)
    keys = [key for key in sorted({*before, *row.content}) if before.get(key) != row.content.get(key)]
    if not row.content:
        difference = "it can no longer be read"
    elif keys:
        difference = f"it differs in {', '.join(f"'{key}'" for key in keys)}"
    else:
        difference = "it says the same in other bytes"
    place = f"what was written is kept in reports/kept/lines/{digest_of_content(text)[:16]}..."
    return IntegrityFinding(
        Source(LEDGER, row.number), "changed", f"this line is not as it was written: {difference}; {place}"
    )


def _gone(gone: Mapping[str, bytes], rows: Sequence[Row], sealed: Mapping[str, bytes]) -> Iterator[IntegrityFinding]:
    """Tell lines that are no longer there: in the middle, where later ones rest on them, or at the end."""
    parents = {digest: _parents(content_of(text)) for digest, text in sealed.items()}
    needed = [parent for row in rows for parent in row.parents]
    ancestors: set[str | None] = set()
    while needed:
        digest = needed.pop()
        if digest is not None and digest not in ancestors:
            ancestors.add(digest)
            needed += parents.get(digest, ())
    for digest, text in gone.items():
        if digest in ancestors:
            behind = next((row.number for row in rows if digest in row.parents), None)
            where = Source(LEDGER, behind or 1)
            yield IntegrityFinding(where, "removed", f"the line {_told(text)} was removed; later lines rest on it")
    # An update goes on from a line that was changed, and copies it as it then stands.
    days = {(row.parents, str(row.content.get("as_of"))): row for row in rows if row.digest in ancestors}
    cut = [digest for digest in gone if digest not in ancestors]
    for digest in list(cut):
        if (row := days.get((parents[digest], str(content_of(gone[digest]).get("as_of"))))) is not None:
            cut.remove(digest)
            yield _changed(row, gone[digest])
    if cut:
        last = max((row.number for row in rows), default=0)
        lines = "; ".join(_told(gone[digest]) for digest in cut[:3]) + ("; ..." if len(cut) > 3 else "")
        what = f"{len(cut)} {'line' if len(cut) == 1 else 'lines'} that had been written {_are(cut)} cut off: {lines}"
        yield IntegrityFinding(Source(LEDGER, last + 1), "truncated", what)


def _are(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _told(text: bytes) -> str:
    content = content_of(text)
    kind = "merge" if content.get("kind") == "merge" else "forecast"
    return f"of the {kind} of {content.get('as_of') or content.get('on')}"


def _order(rows: Sequence[Row], held: _Held) -> Iterator[IntegrityFinding]:
    """Hold each line against the ones that it names: they stand before it."""
    place: dict[str, int] = {}
    for row in rows:
        if row.digest in place and row.text:
            what = f"this line appears twice, first at line {place[row.digest]}"
            yield IntegrityFinding(Source(LEDGER, row.number), "repeated", what)
        place.setdefault(row.digest, row.number)
    for row in rows:
        if row.digest in held.explained or not row.text:
            continue
        if not row.parents:
            yield IntegrityFinding(Source(LEDGER, row.number), "broken", "this is no line of a ledger")
        for parent in row.parents:
            if parent is None or parent in held.explained:
                continue
            if parent not in place:
                what = "it follows a line that is not there: the line before was changed, or lines were removed"
                yield IntegrityFinding(Source(LEDGER, row.number), "broken", what)
            elif place[parent] >= row.number:
                what = f"it stands before line {place[parent]}, which it follows: lines were put in another order"
                yield IntegrityFinding(Source(LEDGER, row.number), "reordered", what)
    named = {*held.followed, *(parent for row in rows for parent in row.parents)}
    ends = {row.digest: row.number for row in rows if row.parents and row.digest not in named | held.explained}
    heads = list(ends.values())
    if len(heads) > 1:
        what = f"two branches end at lines {' and '.join(map(str, heads))}; `forecast merge` joins them"
        yield IntegrityFinding(Source(LEDGER, heads[0]), "fork", what)
