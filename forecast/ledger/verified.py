"""What of the ledger and of what is kept beside it is still as it was written, and what has become of the rest.

It works on bytes alone and takes nothing for granted: no line has to be one. What it can tell is told by three things:
each line holds the digest of the line before; a copy of every line is kept under its digest (forecast.ledger.kept); and
each line names the inputs that it came from, which are kept under their digests too (forecast.ledger.verified).
Who changes all three alike is found by computing the forecast again, or by the history of the repository
(forecast.verify).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import eq
from pathlib import Path
from typing import Any, Literal

from forecast.files import folders_with, read_in
from forecast.ledger.entries import MERGE
from forecast.ledger.kept import DamagedInputError, digest_of_content, kept_content, listed_file, sealed_lines
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
    texts = _lines_of(content)
    if not texts[-1]:
        texts.pop()
    merging = [number for number, text in enumerate(texts, 1) if text[:7] in MARKERS]
    rows = []
    if merging:
        markers = "1 marker" if len(merging) == 1 else f"{len(merging)} markers"
        what = f"git left {markers} of a conflict here; `forecast merge` joins both sides"
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


# The ledger as the repository's history knows it: lines that were committed and are gone are named with the commit.


class NoHistoryError(ValueError):
    """The history cannot be read; the message says why."""


def verified_history(root: Path, rows: Sequence[Row], since: str) -> tuple[tuple[IntegrityFinding, ...], int]:
    """Hold the ledger against every commit from a revision on that touched it: no line of theirs may be gone.

    Lines of merged branches count, whatever a merge made of them. How lines stand among each other is held by the chain
    (forecast.ledger.verified): two clones may join the same branches in either order. Returns the findings, and how
    many commits were looked at. Raises NoHistoryError.
    """
    commits = _commits(root, since)
    here = {row.text: row.number for row in rows}
    digests = {row.digest for row in rows}
    committed: set[bytes] = set()
    findings: list[IntegrityFinding] = []
    for commit in commits:
        for number, text in enumerate(_lines_of(_content(root, commit)), 1):
            if not text or text[:7] in MARKERS or text in committed:
                continue
            committed.add(text)
            if text not in here and not is_joined_otherwise(text, digests):
                what = f"line {number} of commit {commit[:12]} is not in the ledger as it was committed"
                findings.append(IntegrityFinding(Source(LEDGER, min(number, len(rows) or 1)), "not in history", what))
    new = [row.number for row in rows if row.text not in committed]
    if new:
        lines = f"line {new[0]} is" if len(new) == 1 else f"{len(new)} lines are"
        what = f"{lines} in none of {len(commits)} commits, so no history says what was written there"
        findings.append(IntegrityFinding(Source(LEDGER, new[0]), "not committed", what))
    return tuple(findings), len(commits)


def _lines_of(content: bytes) -> list[bytes]:
    # Line ends of Windows, and the mark that its editors put before a text, are no change.
    return content.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").split(b"\n")


def _commits(root: Path, since: str) -> list[str]:
    first = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}").decode().strip()
    # In full: by itself git leaves out a branch whose lines a merge has dropped.
    wanted = ("--full-history", "--reverse", f"{first}..HEAD", "--", f"./{LEDGER}")
    return [first, *_git(root, "rev-list", *wanted).decode().split()]


def _content(root: Path, commit: str) -> bytes:
    listed = _git(root, "ls-tree", "--name-only", commit, "--", f"./{LEDGER}")
    return _git(root, "cat-file", "blob", f"{commit}:./{LEDGER}") if listed.strip() else b""


def _git(root: Path, *arguments: str) -> bytes:
    try:
        # What `git replace` puts in the place of a commit is not what was committed.
        command = ["git", "--no-replace-objects", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        msg = "git is not installed; --since reads the history of a git repository"
        raise NoHistoryError(msg) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0].removeprefix("fatal: ")
        raise NoHistoryError(f"git: {said or 'no such revision'}")
    return done.stdout


# What every update says that it came from: its kept inputs, and the version and the machine that computed it.


def verified_inputs(root: Path, rows: Sequence[Row]) -> tuple[tuple[IntegrityFinding, ...], int]:
    """Hold what is kept of every update's inputs against its digests; also return how many contents there are."""
    findings: list[IntegrityFinding] = []
    parts: dict[str, bytes] = {}
    seen: dict[str, None] = {}  # lines of manifests that were looked at already
    contents: set[str] = set()
    updates = [row for row in rows if row.day is not None]
    for row in updates:
        manifest = row.content.get("kept")
        if not isinstance(manifest, str) or manifest in contents:
            continue
        contents.add(manifest)
        try:
            listed = dict.fromkeys(kept_content(root, manifest, parts).decode(errors="replace").splitlines())
            new = [listed_file(text, manifest) for text in listed if text not in seen]
        except DamagedInputError as error:
            findings.append(_damaged(row, "the list of its files", error))
            continue
        seen |= listed
        for path, digest in new:
            if digest in contents:
                continue
            contents.add(digest)
            try:
                kept_content(root, digest)
            except DamagedInputError as error:
                findings.append(_damaged(row, path, error))
    bare = [row.number for row in updates if "kept" not in row.content]
    if bare:
        what = f"{_line_numbers(bare)} {'was' if len(bare) == 1 else 'were'} written before inputs were kept"
        findings.append(IntegrityFinding(Source(LEDGER, bare[0]), "no inputs kept", what))
    return tuple(findings), len(contents)


def _damaged(row: Row, path: str, error: DamagedInputError) -> IntegrityFinding:
    kind: Kind = "kept inputs missing" if error.why == "is missing" else "kept inputs changed"
    what = f"what was kept of {path} for the forecast of {row.content['as_of']} {error.why} (under {error.digest[:16]})"
    return IntegrityFinding(Source(LEDGER, row.number), kind, what)


def _line_numbers(numbers: Sequence[int]) -> str:
    return f"line {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} lines"


def verified_origin(rows: Sequence[Row], version: str, environment: Mapping[str, str]) -> Iterator[IntegrityFinding]:
    """Note which lines another version of the engine or another kind of machine wrote than the one at hand."""
    updates = [row for row in rows if row.day is not None]
    versions: dict[str, list[int]] = {}
    machines: dict[str, list[int]] = {}
    for row in updates:
        versions.setdefault(str(row.content.get("version")), []).append(row.number)
        there = row.content.get("environment")
        if isinstance(there, Mapping):
            names = [name for name in sorted({*there, *environment}) if there.get(name) != environment.get(name)]
            told = ", ".join(f"{name.replace('_', ' ')} {there.get(name)}" for name in names)
            machines.setdefault(told, []).append(row.number)
    for told, numbers in versions.items():
        if told != version:
            what = f"{_line_numbers(numbers)} by forecast {told}; this is {version}"
            yield IntegrityFinding(Source(LEDGER, numbers[0]), "other version", what)
    for told, numbers in machines.items():
        if told:
            yield IntegrityFinding(Source(LEDGER, numbers[0]), "other processor", f"{_line_numbers(numbers)} on {told}")


# The forecasts that stand in the folders of reports, against the lines of the ledger.

Numbers = dict[str, tuple[Any, Any, Any]]  # a scenario's probability, quantiles and Monte Carlo error


def verified_pages(root: Path, chain: Chain) -> Iterator[IntegrityFinding]:
    """Hold the scenarios of every forecast.json against the lines of its date, or of a quiet day against all lines."""
    lines: dict[date, list[Numbers]] = {}
    for row in chain.sound:
        if row.day is not None:
            lines.setdefault(row.day, []).append(_numbers(row.content))
    every = [numbers for expected in lines.values() for numbers in expected]
    for name in folders_with(root / "reports", "forecast.json") if every else ():
        try:
            day = date.fromisoformat(name)
        except ValueError:
            continue
        content = read_in(root / "reports" / name, "forecast.json")
        # Where lines are not what they were, the line of the date may be one of them.
        expected = lines.get(day, every if chain.is_whole else None)
        if expected is None:
            continue
        if content is not None and not any(_are_same(_numbers(content_of(content)), line) for line in expected):
            where = Source(f"reports/{name}/forecast.json", 1)
            yield IntegrityFinding(where, "other page", f"no line of the ledger has these numbers for {day}")


def _numbers(content: Mapping[str, Any]) -> Numbers:
    try:
        rows = {row["id"]: (row["probability"], row.get("quantiles"), row.get("mcse")) for row in content["scenarios"]}
    except (KeyError, TypeError, AttributeError):
        return {}
    # A page tells the quantiles by their names, a line in their order.
    return {name: (p, list(q.values()) if isinstance(q, Mapping) else q, mcse) for name, (p, q, mcse) in rows.items()}


def _are_same(page: Numbers, line: Numbers) -> bool:
    """Say whether a page has the numbers of a line, as far as both tell them."""
    return page.keys() == line.keys() and all(
        all(a == b or None in (a, b) for a, b in zip(numbers, line[name], strict=True))
        for name, numbers in page.items()
    )
