"""The input files of a workspace and their bytes, whatever lies there; and any other file that a user names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forecast.workspace.problems import Problem, Source, WorkspaceProblems, nearest, quoted, shown

NETWORK = "priors/network.yaml"
SCENARIOS = "priors/scenarios.yaml"
EXPERTS = "priors/experts.yaml"
STATEMENTS = "priors/statements/"
EVIDENCE = "evidence/"
SOURCES = "evidence/sources.yaml"
WATCH = "evidence/watch.yaml"
GRADES = "evidence/grades.yaml"
TABLE, COLUMN_MAP = ".csv", ".columns.yaml"  # bulk evidence, and what its columns mean: NAME.csv, NAME.columns.yaml
QUESTIONS = "priors/questions.yaml"
RESOLUTIONS = "priors/resolutions.jsonl"
JUDGEMENTS = "priors/judgements.csv"
DECISIONS = "priors/decisions.yaml"
RENAMES = "priors/renames.jsonl"
APPENDED = (RESOLUTIONS, JUDGEMENTS, "reports/ledger.jsonl")  # whose lines keep the names that they were written with
UNFINISHED = "reports/.rename.json"  # what a rename is about to write; it goes when all is written
BENCHMARKS = "priors/benchmarks/"  # what others forecast; no forecast is ever computed from them
REPORTS = "reports"
IN_PRIORS = (NETWORK, SCENARIOS, EXPERTS)
OPTIONAL_IN_PRIORS = (QUESTIONS, RESOLUTIONS, JUDGEMENTS, RENAMES, DECISIONS)
MAX_BYTES = 10_000_000  # of a file of YAML
MAX_TABLE_BYTES = 200_000_000
UNREAD_SUFFIXES = (".yml", ".csv", ".json", ".jsonl", ".yaml")


@dataclass(frozen=True)
class InputFiles:
    """The bytes of every input file by its path relative to the workspace, in path order."""

    contents: dict[str, bytes]
    problems: tuple[Problem, ...]

    @property
    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, in hexadecimal."""
        return {path: hashlib.sha256(content).hexdigest() for path, content in self.contents.items()}

    def with_drafts(self, drafts: Mapping[str, bytes]) -> InputFiles:
        """Return the same with other contents of some files, or with new ones."""
        return InputFiles(dict(sorted({**self.contents, **drafts}.items())), self.problems)

    def statements(self) -> dict[str, bytes]:
        """Return the files that hold statements."""
        return {path: content for path, content in self.contents.items() if path.startswith(STATEMENTS)}

    def evidence(self) -> dict[str, bytes]:
        """Return the files that hold evidence items."""
        others = (SOURCES, WATCH, GRADES)
        below = {p: content for p, content in self.contents.items() if p.startswith(EVIDENCE) and p not in others}
        return {p: content for p, content in below.items() if not p.endswith((TABLE, COLUMN_MAP))}

    def tables(self) -> dict[str, str]:
        """Return the tables of evidence, each with the path where its column map would be."""
        return {p: p.removesuffix(TABLE) + COLUMN_MAP for p in self.contents if _is_table(p)}

    def benchmarks(self) -> dict[str, bytes]:
        """Return the files that hold what others forecast."""
        return {path: content for path, content in self.contents.items() if _is_benchmark(path)}

    def trees(self) -> dict[str, bytes]:
        """Return the files that are YAML."""
        return {path: content for path, content in self.contents.items() if path.endswith(".yaml")}


def find_files(root: Path) -> InputFiles:
    """Read every input file below `priors/` and `evidence/`, never one outside the workspace.

    Links to folders are not followed, and links that lead out are problems, also those of `reports/`: what is written
    there would be written elsewhere.
    """
    contents: dict[str, bytes] = {}
    within = root.resolve()
    problems = [*leading_out(root, within)]
    for folder in ("priors", "evidence"):
        if _leads_out(root / folder, within):
            continue
        for path, place in sorted(_files_below(root, folder)):
            found = _bytes_of(place, path, within) if _is_input(path) else _unread(path, place)
            if isinstance(found, bytes):
                contents[path] = found
            elif found is not None:
                problems.append(found)
    problems += [_missing(path) for path in IN_PRIORS if path not in contents and not _reported(path, problems)]
    return InputFiles(contents, tuple(problems))


def given_files(contents: Mapping[str, bytes]) -> InputFiles:
    """Return input files that are not on the disk but in memory, by path."""
    problems = tuple(_missing(path) for path in IN_PRIORS if path not in contents)
    return InputFiles(dict(sorted(contents.items())), problems)


def leading_out(root: Path, within: Path) -> Iterator[Problem]:
    """Yield a problem for each folder of a workspace, and each entry of `reports/`, that is a link out of it."""
    places = [root / folder for folder in ("priors", "evidence", REPORTS)]
    if (root / REPORTS).is_dir() and not _leads_out(root / REPORTS, within):
        with os.scandir(root / REPORTS) as entries:
            places += sorted(Path(entry) for entry in entries if entry.is_symlink())
    for place in places:
        if _leads_out(place, within):
            yield _outside(_readable(place.relative_to(root).as_posix()), place)


def _leads_out(place: Path, within: Path) -> bool:
    return place.is_symlink() and not Path(os.path.realpath(place)).is_relative_to(within)


def _outside(path: str, place: Path) -> Problem:
    got, allowed = shown(str(place.readlink())), "a workspace holds its own files; copy what it leads to"
    return Problem(Source(path, 1), "a link that leads out of the workspace", got, allowed)


def _files_below(root: Path, folder: str) -> Iterator[tuple[str, Path]]:
    for at, folders, names in os.walk(root / folder):
        # A folder that is called like a file is somebody's mistake.
        # So is one that is a link: it is not followed, and what is behind it would be missed without a word.
        odd = [name for name in folders if name.endswith((".yaml", TABLE)) or Path(at, name).is_symlink()]
        folders[:] = [name for name in folders if name not in odd and not name.startswith(".")]
        for name in (*names, *odd):
            if not name.startswith("."):
                place = Path(at, name)
                yield _readable(place.relative_to(root).as_posix()), place


def _readable(path: str) -> str:
    """Return the path as text that can be printed, whatever bytes the name is made of."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _is_table(path: str) -> bool:
    return path.startswith(EVIDENCE) and path.endswith(TABLE)


def _is_input(path: str) -> bool:
    is_yaml = path.endswith(".yaml") and (path in IN_PRIORS or path.startswith((STATEMENTS, EVIDENCE)))
    return is_yaml or path in OPTIONAL_IN_PRIORS or _is_table(path) or _is_benchmark(path)


def _is_benchmark(path: str) -> bool:
    return path.startswith(BENCHMARKS) and path.endswith(TABLE)


def _bytes_of(place: Path, path: str, within: Path) -> bytes | Problem:
    try:
        if _leads_out(place, within):
            return _outside(path, place)
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            return Problem(Source(path, 1), "not a file", "a folder" if place.is_dir() else "a device", "a text file")
        most = MAX_TABLE_BYTES if path.endswith(TABLE) else MAX_BYTES
        if status.st_size > most:
            got, allowed = f"{status.st_size} bytes", f"at most {most} bytes; split the file"
            return Problem(Source(path, 1), "file too large", got, allowed)
        return place.read_bytes()
    except OSError as error:
        return Problem(Source(path, 1), "file cannot be read", error.strerror or "", "a readable text file")


def _unread(path: str, place: Path) -> Problem | None:
    if place.is_symlink() and place.is_dir():
        what, allowed = "a link to a folder is not followed", "put the files themselves there"
        return Problem(Source(path, 1), what, shown(str(place.readlink())), allowed, "warning")
    if not path.endswith(UNREAD_SUFFIXES) or path.startswith(BENCHMARKS):
        return None
    patterns = (STATEMENTS + "*.yaml", BENCHMARKS + "*.csv", EVIDENCE + "*.yaml", EVIDENCE + "*.csv")
    read = (*IN_PRIORS, *OPTIONAL_IN_PRIORS, *patterns)
    allowed = f"read are {quoted(read)}{nearest(path, (*IN_PRIORS, *OPTIONAL_IN_PRIORS))}"
    return Problem(Source(path, 1), "this file is not read", "", allowed, "warning")


def _missing(path: str) -> Problem:
    return Problem(
        Source(path, 1), "file is missing", "", "every workspace needs it; `forecast init` writes an example"
    )


def _reported(path: str, problems: list[Problem]) -> bool:
    return any(problem.source.path == path for problem in problems)


def read_outside(path: Path, name: str | None = None, most: int = MAX_TABLE_BYTES) -> bytes:
    """Return what a file holds, read once, as it may be a pipe.

    Args:
        path: the file.
        name: how messages call it; None for its path.
        most: bytes; what goes on for longer, as `/dev/zero` does, is not read to an end.

    Raises WorkspaceProblems: the file cannot be read, or is larger.
    """
    source = Source(path.as_posix() if name is None else name, 1)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise WorkspaceProblems([Problem(source, f"cannot be read: {error.strerror or error}")]) from None
    if len(content) > most:
        raise WorkspaceProblems([Problem(source, "file too large", "", f"at most {most} bytes; split the file")])
    return content
