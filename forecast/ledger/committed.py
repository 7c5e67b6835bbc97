"""The ledger as the repository's history knows it: lines that were committed and are gone are named with the commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from forecast.ledger.ledger import LEDGER
from forecast.ledger.verified import MARKERS, IntegrityFinding, Row, is_joined_otherwise
from forecast.workspace.problems import Source


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
        for number, text in enumerate(_lines(_content(root, commit)), 1):
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


def _lines(content: bytes) -> list[bytes]:
    return content.replace(b"\r\n", b"\n").split(b"\n")


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
