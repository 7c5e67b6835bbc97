"""Whether every forecast is still what was written: the ledger, what is kept, the files, and a forecast run again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forecast import pipeline
from forecast.prior.environment import environment, unlike
from forecast.record.committed import verified_history
from forecast.record.entry_shape import shape_problems
from forecast.record.inputs import active_inputs
from forecast.record.kept import DamagedError, digest_of_content, kept_content, kept_inputs, kept_manifest
from forecast.record.ledger import LEDGER, read_ledger
from forecast.record.recomputed import LAST_DIGITS
from forecast.record.renamed import called_today
from forecast.record.verified import (
    Finding,
    Row,
    verified_chain,
    verified_inputs,
    verified_origin,
    verified_pages,
)
from forecast.store.versions import installed_versions
from forecast.workspace.files import JUDGEMENTS, RENAMES, RESOLUTIONS, find_files
from forecast.workspace.horizons import seen_on
from forecast.workspace.problems import Source, WorkspaceProblems
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace

Progress = Callable[[str], None]

APPENDED = (RESOLUTIONS, JUDGEMENTS, RENAMES)  # files that lines are only ever added to
ERRORS = 4.0  # Monte Carlo errors of the difference of two forecasts from other draws
CLOSE = 1e-6  # of a diagnostic of the same draws; last digits of a probability are sums of many
DECIDES = ("known_until", "rolled", "inputs")  # what a line says of its inputs, apart from how it was computed


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was held against what, and what was found: `findings` sorted by place."""

    n_lines: int
    n_copies: int
    n_contents: int
    n_commits: int | None
    recomputed: tuple[Recomputed, ...]
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Say whether everything is as it was written; notes do not matter."""
        return all(finding.is_note for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """A forecast run again from its kept inputs: its line, and how far the scenarios' probabilities are apart.

    `largest` is the largest difference; `errors` the same in Monte Carlo errors of the difference. `unlike` names what
    differs between the two runs in versions and machines.
    """

    line: int
    as_of: date
    largest: float
    errors: float
    unlike: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Say whether the numbers are the same but for a last digit of a double."""
        return self.largest <= LAST_DIGITS

    @property
    def words(self) -> str:
        """Say how the two agree."""
        if self.is_same:
            return f"line {self.line}, as of {self.as_of}: the same to the last digit ({self.largest:.1g} apart)"
        apart = f"{self.largest:.2g} apart at most, {self.errors:.1f} Monte Carlo errors"
        why = f"; they differ in {'; '.join(self.unlike)}" if self.unlike else ""
        return f"line {self.line}, as of {self.as_of}: {apart}{why}"


class NotRecomputableError(ValueError):
    """A line cannot be run again; the message says why."""


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

    Raises NoHistoryError (forecast.record.committed), and NotRecomputableError.
    """
    chain = verified_chain(root)
    contents, n_contents = verified_inputs(root, chain.sound)
    found = [*chain.findings, *contents, *verified_pages(root, chain.sound)]
    found += verified_origin(chain.sound, installed_versions(["forecast"])["forecast"], environment())
    found += verified_files(root, today, chain.sound)
    n_commits = None
    if since is not None:
        lost, n_commits = verified_history(root, chain.rows, since)
        found += lost
    runs = []
    for number in again:
        run, more = recompute(root, today, chain.rows, number, progress)
        runs.append(run)
        found += more
    return Verified(
        n_lines=len(chain.rows),
        n_copies=chain.n_copies,
        n_contents=n_contents,
        n_commits=n_commits,
        recomputed=tuple(runs),
        findings=tuple(sorted(set(found))),
    )


def verified_files(root: Path, today: date, rows: Sequence[Row]) -> list[Finding]:
    """Hold the input files as they are now against those that the last update used."""
    updates = [row for row in rows if row.day is not None and isinstance(row.content.get("inputs"), Mapping)]
    if not updates:
        return []
    last = updates[-1]
    found: list[Finding] = []
    present = find_files(root).contents
    touched: set[str] = set()
    try:
        manifest = kept_manifest(root, str(last.content.get("kept", "")))
    except DamagedError:
        manifest = {}
    for path, digest in manifest.items():
        if path not in present:
            what = f"the forecast of {last.content['as_of']} used this file, which is no longer there"
            found.append(Finding(Source(path, 1), "missing file", what))
        elif digest_of_content(present[path]) != digest:
            touched.add(path)
            if path in APPENDED:
                found += _rewritten(root, path, digest, present[path])
    workspace, problems = read_workspace(root, today=today)
    if workspace is None:
        wrong = [problem for problem in problems if problem.severity == "error"]
        found += [
            Finding(one.source, "edited", f"since line {last.number}: {one.what}")
            for one in wrong
            if one.source.path in touched
        ]
        if len(found) < len(wrong):
            what = "the records in the files were not compared: `forecast check` lists their mistakes"
            found.append(Finding(wrong[0].source, "not yet recorded", what))
        return found
    edited = _edited(workspace, last, _inputs_called_today(root, workspace, last))
    named = {finding.where.path for finding in edited}
    for path in sorted(touched - named):
        if path not in APPENDED:
            what = f"the file has other bytes than line {last.number} used; no forecast depends on the difference"
            edited.append(Finding(Source(path, 1), "not yet recorded", what))
    new = sorted(set(present) - set(manifest)) if manifest else []
    found += [
        Finding(Source(path, 1), "not yet recorded", f"this file is newer than line {last.number}") for path in new
    ]
    return [*found, *edited]


def _rewritten(root: Path, path: str, digest: str, content: bytes) -> list[Finding]:
    try:
        before = kept_content(root, digest)
    except DamagedError:
        return []
    if content.startswith(before.rstrip(b"\n")):
        return []
    same = next(
        (n for n, (a, b) in enumerate(zip(before.split(b"\n"), content.split(b"\n"), strict=False)) if a != b), 0
    )
    what = "lines of this file are only ever added, and one that an update used is no longer as it was"
    return [Finding(Source(path, same + 1), "rewritten", what)]


def _inputs_called_today(root: Path, workspace: Workspace, last: Row) -> Mapping[str, Any]:
    """Return what a line says of its inputs, under the names of today: what was only renamed was not edited."""
    try:
        updates = called_today(read_ledger(root), workspace).updates
    except WorkspaceProblems:  # the chain says why
        updates = ()
    told: Mapping[str, Any] = last.content["inputs"]
    return next((line.inputs for line in updates if line.number == last.number), told)


def _edited(workspace: Workspace, last: Row, then: Mapping[str, Any]) -> list[Finding]:
    """Name the records that the last update used and that are no longer what they were, or are gone."""
    as_of = date.fromisoformat(last.content["as_of"])
    now = active_inputs(seen_on(workspace, as_of), as_of)
    places: dict[str, dict[str, Source]] = {
        "items": {item.id: item.source for item in workspace.items},
        "statements": {statement.id: statement.source for statement in workspace.statements},
        "experts": {name: expert.source for name, expert in workspace.experts.items()},
        "sources": {name: source.source for name, source in workspace.sources.items()},
    }
    found = []
    for kind, where in places.items():
        used = then.get(kind, {})
        for name, digest in used.items() if isinstance(used, Mapping) else ():
            told = f"{kind.removesuffix('s')} '{name}'"
            if name not in where:
                what = f"{told}, which line {last.number} used, is in no file"
                found.append(Finding(Source(LEDGER, last.number), "missing file", what))
            elif now[kind].get(name) != digest:
                found.append(Finding(where[name], "edited", f"{told} was edited after line {last.number} used it"))
    if now["network"] != then.get("network"):
        what = f"the network was edited after line {last.number} used it"
        found.append(Finding(workspace.network.source, "edited", what))
    if now["scenarios"] != then.get("scenarios"):
        first = workspace.scenarios[0].source if workspace.scenarios else workspace.network.source
        found.append(Finding(first, "edited", f"the scenarios were edited after line {last.number} used them"))
    return found


def recompute(
    root: Path, today: date, rows: Sequence[Row], number: int, progress: Progress
) -> tuple[Recomputed, list[Finding]]:
    """Run a line's forecast again from its kept inputs, in a folder of its own: no draws are taken from a cache.

    Numbers of the same version on the same kind of machine are the same to the last digit. Others may come from other
    draws: then they are compared within the Monte Carlo errors of both.

    Raises NotRecomputableError.
    """
    line = _line_at(rows, number).content
    try:
        inputs = kept_inputs(root, str(line["kept"]))
    except DamagedError as error:
        raise NotRecomputableError(f"line {number}: {error}") from None
    as_of = date.fromisoformat(line["as_of"])
    with TemporaryDirectory(prefix="forecast-") as folder:
        day, seed = max(today, as_of), line["seed"]
        try:
            again = pipeline.conclude(
                Path(folder), day, progress, as_of=as_of, seed=seed, attribute=False, inputs=inputs
            )
        except WorkspaceProblems as error:
            msg = f"line {number}: this version does not take its kept inputs: {error.problems[0]}"
            raise NotRecomputableError(msg) from None
    here = again.line.as_json()
    origin = [name for key in ("environment", "versions") for name in unlike(line.get(key, {}), here[key])]
    if line["version"] != here["version"]:
        origin.insert(0, f"forecast {line['version']}, here {here['version']}")
    largest, errors = _apart(line["scenarios"], here["scenarios"])
    if largest <= LAST_DIGITS and (others := _other_numbers(line, here)):
        what = f"its probabilities come out the same when it is run again, but not its {', '.join(others)}"
        return Recomputed(line=number, as_of=as_of, largest=largest, errors=errors, unlike=tuple(origin)), [
            Finding(Source(LEDGER, number), "other numbers", what)
        ]
    run = Recomputed(line=number, as_of=as_of, largest=largest, errors=errors, unlike=tuple(origin))
    where, found = Source(LEDGER, number), []
    is_of_this = all(line[key] == here[key] for key in ("version", "versions"))
    if is_of_this and any(line.get(key) != here.get(key) for key in DECIDES):
        what = (
            f"its kept inputs are not those that the line names: they differ in {', '.join(_unlike_inputs(line, here))}"
        )
        found.append(Finding(where, "other inputs", what))
    if not run.is_same and (not origin or errors > ERRORS):
        found.append(Finding(where, "other numbers", f"run again from its inputs, it gives others: {run.words}"))
    return run, found


def _line_at(rows: Sequence[Row], number: int) -> Row:
    row = next((row for row in rows if row.number == number), None)
    if row is None:
        msg = f"no line {number}; the ledger has lines 1 to {len(rows)}" if rows else "the ledger has no line yet"
        raise NotRecomputableError(msg)
    if row.day is None or any(shape_problems(row.content, Source(LEDGER, number))):
        raise NotRecomputableError(f"line {number} is not the line of a forecast")
    if "kept" not in row.content:
        raise NotRecomputableError(f"line {number} was written before inputs were kept")
    return row


def _unlike_inputs(line: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    told = {**line, **line.get("inputs", {})}
    now = {**here, **here["inputs"]}
    keys = ("known_until", "rolled", *sorted({*line.get("inputs", {}), *here["inputs"]}))
    return [key.replace("_", " ") for key in keys if told.get(key) != now.get(key)]


def _other_numbers(line: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Name what a line says of its numbers that is not so: quantiles, Monte Carlo errors, diagnostics."""
    pairs = [
        (f"{key} of {row['id']}", row.get(key), other.get(key))
        for row, other in zip(line["scenarios"], here["scenarios"], strict=True)
        for key in ("quantiles", "mcse")
        if key in row
    ]
    pairs += [(key, value, here["diagnostics"].get(key)) for key, value in line.get("diagnostics", {}).items()]
    return [name for name, told, now in pairs if not _is_close(told, now)]


def _is_close(told: Any, now: Any) -> bool:
    if isinstance(told, list) and isinstance(now, list):
        return len(told) == len(now) and all(map(_is_close, told, now))
    if isinstance(told, int | float) and isinstance(now, int | float):
        return math.isclose(told, now, rel_tol=CLOSE, abs_tol=LAST_DIGITS)
    return bool(told == now)


def _apart(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the largest difference of two forecasts' probabilities, and the largest in Monte Carlo errors of it."""
    told = {row["id"]: row for row in before}
    now = {row["id"]: row for row in after}
    if told.keys() != now.keys():
        return 1.0, float("inf")
    largest, errors = 0.0, 0.0
    for name, row in told.items():
        gap = abs(row["probability"] - now[name]["probability"])
        error = (row.get("mcse", 0.0) ** 2 + now[name].get("mcse", 0.0) ** 2) ** 0.5
        largest = max(largest, gap)
        errors = max(errors, gap / error if error > 0.0 else (0.0 if gap <= LAST_DIGITS else float("inf")))
    return largest, errors
