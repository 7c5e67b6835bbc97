"""The ledger as the repository's history knows it: lines that were committed and are gone are named with the commit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from forecast.record.ledger import LEDGER
from forecast.record.verified import Finding, Row
from forecast.workspace.problems import Source


class NoHistoryError(ValueError):
    """The history cannot be read; the message says why."""


def verified_history(root: Path, rows: Sequence[Row], since: str) -> tuple[tuple[Finding, ...], int]:
    """Hold the ledger against every commit from a revision on that touched it: no line may be gone or moved.

    Returns the findings, and how many commits were looked at. Raises NoHistoryError.
    """
    commits = _commits(root, since)
    here = {row.text: row.number for row in rows}
    found: list[Finding] = []
    told: set[bytes] = set()
    for commit in commits:
        texts = [text for text in _content(root, commit).removesuffix(b"\n").split(b"\n") if text]
        for number, text in enumerate(texts, 1):
            if text not in here and text not in told:
                told.add(text)
                what = f"line {number} of commit {commit[:12]} is not in the ledger as it was committed"
                found.append(Finding(Source(LEDGER, min(number, len(rows) or 1)), "not in history", what))
        found += _moved([here[text] for text in texts if text in here], commit)
    return tuple(dict.fromkeys(found)), len(commits)


def _moved(places: Sequence[int], commit: str) -> Iterator[Finding]:
    for one, other in pairwise(places):
        if other < one:
            what = f"commit {commit[:12]} has lines {other} and {one} in the other order"
            yield Finding(Source(LEDGER, other), "reordered", what)


def _commits(root: Path, since: str) -> list[str]:
    first = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}").decode().strip()
    later = _git(root, "rev-list", "--reverse", f"{first}..HEAD", "--", f"./{LEDGER}").decode().split()
    return [first, *later]


def _content(root: Path, commit: str) -> bytes:
    listed = _git(root, "ls-tree", "--name-only", commit, "--", f"./{LEDGER}")
    return _git(root, "cat-file", "blob", f"{commit}:./{LEDGER}") if listed.strip() else b""


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        msg = "git is not installed; --since reads the history of a git repository"
        raise NoHistoryError(msg) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0].removeprefix("fatal: ")
        raise NoHistoryError(f"git: {said or 'no such revision'}")
    return done.stdout
