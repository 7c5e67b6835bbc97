"""The ledger: one line for each update that had something new, each with the digest of the line before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from forecast.files import replace_file
from forecast.lock import locked
from forecast.workspace.json_text import NotJsonError, load_json
from forecast.workspace.odd_text import unfinished_merge
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, shown

LEDGER = "reports/ledger.jsonl"
Line = dict[str, Any]
DECIDING = ("known_until", "rolled", "seed", "version", "inputs")


def read_ledger(root: Path) -> tuple[Line, ...]:
    """Read all lines. Raises WorkspaceProblems if a line is no JSON object or the chain of digests is broken."""
    path = root / LEDGER
    if not path.exists():
        return ()
    lines: list[Line] = []
    before = None
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        place = Source(LEDGER, error.object.count(b"\n", 0, error.start) + 1)
        got, allowed = f"byte 0x{error.object[error.start]:02x}", "lines are only ever appended"
        raise WorkspaceProblems([Problem(place, "not UTF-8 text", got, allowed)]) from None
    if (merge := unfinished_merge(content, LEDGER)) is not None:
        raise WorkspaceProblems([merge])
    for number, text in enumerate(_texts(content), 1):
        source = Source(LEDGER, number)
        try:
            line = load_json(text)
        except NotJsonError as error:
            raise WorkspaceProblems([Problem(source, "no JSON", error.what, "one object a line")]) from None
        if not isinstance(line, dict) or line.get("previous") != before:
            allowed = f"the digest of the line before: {before}; lines are only ever appended"
            got = shown(line.get("previous")) if isinstance(line, dict) else "no object"
            raise WorkspaceProblems([Problem(source, "the ledger's chain is broken", got, allowed)])
        lines.append(line)
        before = line_digest(text)
    return tuple(lines)


def _texts(content: str) -> list[str]:
    # Not splitlines: a note may hold one of Unicode's other line ends.
    return content.removesuffix("\n").split("\n")


def line_digest(text: str) -> str:
    """Compute the SHA-256 of a line as it stands in the file, without its end."""
    return hashlib.sha256(text.encode()).hexdigest()


def encode(line: Mapping[str, Any]) -> str:
    """Write a line as text, the same for the same content."""
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def append(root: Path, line: Line) -> Line:
    """Add a line behind the one that is last now, whatever was last when it was computed; return it as it stands there.

    The lock of the workspace is held from reading to writing. The file is replaced whole, so that it never holds half a
    line, and synced; the bytes of the lines before stay as they are. Raises WorkspaceProblems where the chain is broken
    already, and OSError; nothing is then written.
    """
    with locked(root):
        lines, place = read_ledger(root), root / LEDGER
        chained = {**line, "previous": line_digest(_texts(place.read_text(encoding="utf-8"))[-1]) if lines else None}
        before = place.read_bytes() if lines else b""
        end = b"" if before.endswith(b"\n") or not before else b"\n"
        replace_file(place, before + end + f"{encode(chained)}\n".encode())
    return chained


def has_news(line: Line, lines: Sequence[Line]) -> bool:
    """Say whether a line differs from the last one in anything that decides the forecast."""
    return not lines or not same_inputs(line, lines[-1])


def same_inputs(line: Line, other: Line) -> bool:
    """Say whether two lines are of the same inputs, whatever their dates."""
    return all(line.get(key) == other.get(key) for key in DECIDING)


def line_of(line: Line, lines: Sequence[Line]) -> int | None:
    """Return the number, from 1, of the last line with the date and all inputs of a forecast; None if none has."""
    places = [place for place, one in enumerate(lines, 1) if one["as_of"] == line["as_of"] and same_inputs(one, line)]
    return places[-1] if places else None


def line_to_compare(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the latest line with other inputs that is not after the as-of date."""
    as_of = date.fromisoformat(line["as_of"])
    for earlier in reversed(lines):
        if date.fromisoformat(earlier["as_of"]) <= as_of and not same_inputs(earlier, line):
            return earlier
    return None
