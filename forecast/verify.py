"""Whether every forecast is still what was written: the ledger, what is kept, the files, and a forecast run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from forecast.ledger.kept import KEPT, DamagedInputError, digest_of_content, kept_content, kept_inputs, kept_manifest
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.ledger.line import active_inputs, called_today, record_digest, rolled_to
from forecast.ledger.verified import (
    IntegrityFinding,
    Row,
    verified_chain,
    verified_history,
    verified_inputs,
    verified_origin,
    verified_pages,
)
from forecast.run_again import Recomputed, recompute
from forecast.sampling.draws import environment
from forecast.store.program import installed_versions
from forecast.workspace.files import (
    EVIDENCE,
    GRADES,
    JUDGEMENTS,
    NETWORK,
    QUESTIONS,
    RENAMES,
    RESOLUTIONS,
    SOURCES,
    STATEMENTS,
    WATCH,
    find_files,
)
from forecast.workspace.names import seen_on
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read import read_workspace
from forecast.workspace.read_benchmarks import AUTHOR
from forecast.workspace.records import AnyQuestion, Workspace

Progress = Callable[[str], None]

# What a question is, of each kind; its topic and its base rate may change.
ASKED = ("about", "given", "event", "step", "unit", "cases", "bins", "by", "opens", "resolves")
SINGLE = (SOURCES, WATCH, GRADES)  # files of which a workspace has one
APPENDED = (RESOLUTIONS, JUDGEMENTS, RENAMES)  # files that lines are only ever added to


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was held against what, and what was found: `findings` sorted by place."""

    n_lines: int
    n_copies: int
    n_contents: int
    n_commits: int | None
    recomputed: tuple[Recomputed, ...]
    findings: tuple[IntegrityFinding, ...]

    @property
    def is_whole(self) -> bool:
        """Say whether everything is as it was written; notes do not matter."""
        return all(finding.is_note for finding in self.findings)


def verify(
    root: Path, today: date, progress: Progress, *, since: str | None = None, again: Sequence[int] = ()
) -> Verified:
    """Hold everything that was ever written against what is there now. Nothing is written.

    Args:
        root: the workspace.
        today: the day of reading.
        progress: told what is being done.
        since: a git revision; every line that it or a later commit has must still be there.
        again: numbers of lines whose forecasts are computed again from their kept inputs, draws included.

    Raises WorkspaceProblems for a folder that is no workspace, NoHistoryError (forecast.ledger.verified), and
    NotRecomputableError (forecast.run_again).
    """
    chain = verified_chain(root)
    if not any((root / path).exists() for path in (NETWORK, LEDGER, KEPT)):
        # A folder that was named by mistake must not pass for one in which all is well.
        what, allowed = "this folder is no workspace; nothing was verified", "name the workspace with -C"
        raise WorkspaceProblems([Problem(Source(NETWORK, 1), what, "no such file", allowed)])
    contents, n_contents = verified_inputs(root, chain.sound)
    findings = [*chain.findings, *contents, *verified_pages(root, chain)]
    findings += verified_origin(chain.sound, installed_versions(["forecast"])["forecast"], environment())
    findings += verified_files(root, today, chain.sound)
    findings += verified_course(root, today, chain.sound)
    n_commits = None
    if since is not None:
        lost, n_commits = verified_history(root, chain.rows, since)
        findings += lost
    runs = []
    for number in again:
        run, more = recompute(root, today, chain.rows, number, progress)
        runs.append(run)
        findings += more
    return Verified(
        n_lines=len(chain.rows),
        n_copies=chain.n_copies,
        n_contents=n_contents,
        n_commits=n_commits,
        recomputed=tuple(runs),
        findings=tuple(sorted(set(findings))),
    )


def verified_files(root: Path, today: date, rows: Sequence[Row]) -> list[IntegrityFinding]:
    """Hold the input files as they are now against those that the last update used, on each branch that was joined.

    What is as one branch left it was not changed since, although another branch had it otherwise.
    """
    ends = _last_updates(rows)
    used = {end.number: _manifest(root, end) for end in ends}
    by_end = {end.number: _since(root, today, end) for end in reversed(ends)}
    kinds = {
        number: {(finding.kind, finding.where.path) for finding in findings} for number, findings in by_end.items()
    }
    result: list[IntegrityFinding] = []
    first: dict[tuple[str, Source], int] = {}  # of two branches that say the same of a place, one is heard
    for number, findings in by_end.items():
        for finding in findings:
            about = (finding.kind, finding.where.path)
            if all(other == number or about[1] not in used[other] or about in kinds[other] for other in used):
                result += [finding] if first.setdefault((finding.kind, finding.where), number) == number else []
    return result


def _last_updates(rows: Sequence[Row]) -> list[Row]:
    """Return the updates that no other update follows, directly or behind a merge."""
    parents = {row.digest: row.parents for row in rows}
    updates = _updates(rows)
    numbers = {row.digest for row in updates}
    followed: set[str | None] = set()
    for row in updates:
        before = list(row.parents)
        while before:
            digest = before.pop()
            if digest not in followed:
                followed.add(digest)
                before += () if digest in numbers or digest is None else parents.get(digest, ())
    return [row for row in updates if row.digest not in followed]


def _since(root: Path, today: date, last: Row) -> list[IntegrityFinding]:
    findings: list[IntegrityFinding] = []
    present = find_files(root).contents
    manifest = _manifest(root, last)
    touched = {path for path in manifest if path in present and digest_of_content(present[path]) != manifest[path]}
    absent = [path for path in manifest if path not in present]
    for path in touched.intersection(APPENDED):
        findings += _rewritten(root, path, manifest[path], present[path])
    workspace, problems = read_workspace(root, today=today)
    if workspace is None:
        findings += [_absent(path, last) for path in absent]
        return findings + _unreadable(problems, touched, last, bool(findings))
    edited = _edited(workspace, last, _inputs_called_today(root, workspace, last))
    if QUESTIONS in touched and RENAMES not in {*touched, *(set(present) - set(manifest))}:
        edited += _questions(root, today, workspace, last)
    are_there = not any(finding.kind == "missing file" for finding in edited)
    for path in absent:
        moved = are_there and path.endswith(".yaml") and path.startswith((STATEMENTS, EVIDENCE)) and path not in SINGLE
        what = "this file is gone, and all that the last update used of it stands in other files"
        findings.append(IntegrityFinding(Source(path, 1), "not yet recorded", what) if moved else _absent(path, last))
    named = {finding.where.path for finding in edited}
    for path in sorted(touched - named):
        if path not in APPENDED:
            what = f"the file has other bytes than line {last.number} used, and says the same to its forecast"
            edited.append(IntegrityFinding(Source(path, 1), "not yet recorded", what))
    new = sorted(set(present) - set(manifest)) if manifest else []
    findings += [
        IntegrityFinding(Source(path, 1), "not yet recorded", f"this file is newer than line {last.number}")
        for path in new
    ]
    return [*findings, *edited]


def _updates(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.day is not None and isinstance(row.content.get("inputs"), Mapping)]


def _manifest(root: Path, row: Row) -> dict[str, str]:
    try:
        return kept_manifest(root, str(row.content.get("kept", "")))
    except DamagedInputError:  # verified_inputs says so
        return {}


def _absent(path: str, last: Row) -> IntegrityFinding:
    what = f"the forecast of {last.content['as_of']} used this file, which is no longer there"
    return IntegrityFinding(Source(path, 1), "missing file", what)


def _unreadable(
    problems: Sequence[Problem], touched: Collection[str], last: Row, is_told: bool
) -> list[IntegrityFinding]:
    wrong = [problem for problem in problems if problem.severity == "error"]
    findings = [
        IntegrityFinding(problem.source, "edited", f"since line {last.number}: {problem.what}")
        for problem in wrong
        if problem.source.path in touched
    ]
    if len(findings) < len(wrong) and not (is_told and findings):
        what = "the records in the files were not compared: `forecast check` lists their mistakes"
        findings.append(IntegrityFinding(wrong[0].source, "not yet recorded", what))
    return findings


def _rewritten(root: Path, path: str, digest: str, content: bytes) -> list[IntegrityFinding]:
    try:
        before = kept_content(root, digest)
    except DamagedInputError:
        return []
    number = _first_lost(before, content)
    what = "lines of this file are only ever added, and one that an update used is no longer as it was"
    return [] if number is None else [IntegrityFinding(Source(path, number), "rewritten", what)]


def _first_lost(before: bytes, after: bytes) -> int | None:
    """Return the number of the first line that is no longer there behind those before it; None if all lines are.

    Others may stand between them, as git puts the lines of two branches; the ends of lines may be those of Windows.
    """
    later = iter(_lines_of(after))
    return next((number for number, line in enumerate(_lines_of(before), 1) if line and line not in later), None)


def _lines_of(content: bytes) -> list[bytes]:
    header, *rows = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    # A column of authors that is added behind the others leaves every row as it was.
    return [header.removesuffix(f",{AUTHOR}".encode()), *rows]


def verified_course(root: Path, today: date, rows: Sequence[Row]) -> list[IntegrityFinding]:
    """Tell what was changed between an update and the next one, whose line says so; lines that were lost are wrong."""
    workspace, _ = read_workspace(root, today=today)
    updates = {row.digest: row for row in _updates(rows)}
    called: Mapping[int | None, Mapping[str, Any]] = {}
    if workspace is not None:
        called = _called_today(root, workspace)
    findings: list[IntegrityFinding] = []
    appended = _Appended(root)
    for row in updates.values():
        before = updates.get(str(row.content.get("previous")))
        if before is None:
            continue
        findings += _lost_between(root, before, row, appended)
        inputs = [called.get(end.number, end.content["inputs"]) for end in (before, row)]
        if before.content.get("version") == row.content.get("version") and (names := _changed_names(*inputs)):
            names_shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            what = f"between lines {before.number} and {row.number} was changed: {names_shown}"
            findings.append(IntegrityFinding(Source(LEDGER, row.number), "edited before", what))
    return findings


class _Appended:
    """The digests of the files that are only appended to, by path, of every update; each list of files is read once.

    None where the list is gone or damaged: verified_inputs says so.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._parts: dict[str, bytes] = {}
        self._read: dict[str, dict[str, str] | None] = {}

    def of(self, row: Row) -> dict[str, str] | None:
        """Return those of an update."""
        kept = str(row.content.get("kept", ""))
        if kept not in self._read:
            self._read[kept] = self._digests(kept)
        return self._read[kept]

    def _digests(self, kept: str) -> dict[str, str] | None:
        try:
            content = kept_content(self._root, kept, self._parts)
        except DamagedInputError:
            return None
        # A list may be of thousands of files, of which these are three.
        places = {path: content.find(f"  {path}\n".encode()) for path in APPENDED}
        return {path: content[at - 64 : at].decode("ascii", "replace") for path, at in places.items() if at >= 64}


def _lost_between(root: Path, before: Row, row: Row, appended: _Appended) -> Iterator[IntegrityFinding]:
    if before.content.get("kept") == row.content.get("kept"):
        return
    then, now = appended.of(before), appended.of(row)
    if then is None or now is None:
        return
    for path in APPENDED:
        if path not in then or then[path] == now.get(path):
            continue
        try:
            old, new = (kept_content(root, contents[path]) if path in contents else b"" for contents in (then, now))
        except DamagedInputError:
            continue
        if (number := _first_lost(old, new)) is not None:
            what = f"line {number} of {path}, which line {before.number} used, was no longer there as it was"
            yield IntegrityFinding(Source(LEDGER, row.number), "rewritten", what)


def _changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name the records of two updates' inputs that are others, or that the second no longer has."""
    names = []
    for kind in ("items", "statements"):
        old, new = before.get(kind), after.get(kind)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            names += [f"{kind[:-1]} '{name}'" for name, digest in old.items() if new.get(name) != digest]
    return names


def _questions(root: Path, today: date, workspace: Workspace, last: Row) -> list[IntegrityFinding]:
    """Name the questions that are no longer asked as they were when an update was made."""
    try:
        then, _ = read_workspace(root, today=today, inputs=kept_inputs(root, str(last.content["kept"])))
    except DamagedInputError:
        then = None
    by_id = {question.id: question for question in workspace.asked}
    findings = []
    for old in () if then is None else then.asked:
        new = by_id.get(old.id)
        if new is None:
            what = f"question '{old.id}', which was asked at line {last.number}, is in no file"
            findings.append(IntegrityFinding(Source(QUESTIONS, 1), "edited", what))
        elif type(old) is not type(new) or _asks(old) != _asks(new):
            findings.append(
                IntegrityFinding(new.source, "edited", f"question '{old.id}' was edited after line {last.number}")
            )
    return findings


def _asks(question: AnyQuestion) -> list[str]:
    return [record_digest(getattr(question, key, None)) for key in ASKED]


def _inputs_called_today(root: Path, workspace: Workspace, last: Row) -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = last.content["inputs"]
    return _called_today(root, workspace).get(last.number, inputs)


def _called_today(root: Path, workspace: Workspace) -> Mapping[int | None, Mapping[str, Any]]:
    """Return what lines say of their inputs, under the names of today: what was only renamed was not edited."""
    try:
        return {line.number: line.inputs for line in called_today(read_ledger(root), workspace).updates}
    except WorkspaceProblems:  # the chain says why
        return {}


def _edited(workspace: Workspace, last: Row, then: Mapping[str, Any]) -> list[IntegrityFinding]:
    """Name the records that the last update used and that are no longer what they were, or are gone."""
    as_of = date.fromisoformat(last.content["as_of"])
    seen = seen_on(workspace, as_of)
    now = active_inputs(seen, as_of)
    places: dict[str, dict[str, Source]] = {
        "items": {item.id: item.source for item in workspace.items},
        "statements": {statement.id: statement.source for statement in workspace.statements},
        "experts": {name: expert.source for name, expert in workspace.experts.items()},
        "sources": {name: source.source for name, source in workspace.sources.items()},
    }
    findings = []
    for kind, where in places.items():
        used = then.get(kind, {})
        for name, digest in used.items() if isinstance(used, Mapping) else ():
            name_shown = f"{kind.removesuffix('s')} '{name}'"
            if name not in where:
                what = f"{name_shown}, which line {last.number} used, is in no file"
                findings.append(IntegrityFinding(Source(LEDGER, last.number), "missing file", what))
            elif now[kind].get(name) != digest:
                findings.append(
                    IntegrityFinding(where[name], "edited", f"{name_shown} was edited after line {last.number} used it")
                )
    findings += _retractions(workspace, last, then, now)
    if now["network"] != then.get("network"):
        what = f"the network was edited after line {last.number} used it"
        findings.append(IntegrityFinding(workspace.network.source, "edited", what))
    if now["scenarios"] != then.get("scenarios"):
        first = workspace.scenarios[0].source if workspace.scenarios else workspace.network.source
        findings.append(
            IntegrityFinding(first, "edited", f"the scenarios were edited after line {last.number} used them")
        )
    if rolled_to(seen.network) != last.content.get("rolled"):
        what = f"the horizon of {as_of} is another one than line {last.number} forecast for"
        findings.append(IntegrityFinding(workspace.network.source, "edited", what))
    watched = max(seen.network.opens, min(as_of, workspace.watched_until or as_of, seen.network.horizon))
    if isinstance(until := last.content.get("known_until"), str) and watched.isoformat() < until:
        what = f"news were watched until {until} when line {last.number} was written; the file says {watched}"
        findings.append(IntegrityFinding(Source(WATCH, 1), "edited", what))
    return findings


def _retractions(
    workspace: Workspace, last: Row, then: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[IntegrityFinding]:
    """Name items that no longer are what they were for a line: retracted, or not."""
    places = {item.id: item.source for item in workspace.items}
    retracted = then.get("retracted")
    before = {name for name in retracted if isinstance(name, str)} if isinstance(retracted, list | tuple) else set()
    for name in sorted((before - {*now["retracted"]}) & places.keys()):
        what = f"item '{name}' was retracted when line {last.number} was written, and no longer is"
        yield IntegrityFinding(places[name], "edited", what)
    for name in sorted({*now["retracted"]} - before):
        what = f"item '{name}' is retracted from a day on that is not after line {last.number}, which counted it"
        yield IntegrityFinding(places[name], "not yet recorded", what)
