"""`forecast verify --since`: the ledger against what was committed of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from forecast.ledger.entries import line_digest
from forecast.ledger.ledger import LEDGER
from tests.commands.verifying import chain_anew, encode, kinds, verified


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.email=a@example.org", "-c", "user.name=a"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_history_of_the_repository(twice: Path) -> None:
    """A ledger that was chained anew with all that is kept differs from what was committed, at the line."""
    rows = (twice / LEDGER).read_text(encoding="utf-8").splitlines()
    _git(twice, "init", "-q")
    (twice / LEDGER).write_text(f"{rows[0]}\n", encoding="utf-8")
    _git(twice, "add", "-f", LEDGER)
    _git(twice, "commit", "-qm", "one")
    (twice / LEDGER).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    _git(twice, "commit", "-qam", "two")
    assert 2 == verified(twice, "--since", "HEAD~1")["commits"]
    forged = json.loads(rows[1])
    forged["scenarios"][0]["probability"] += 0.01
    shutil.rmtree(twice / "reports/2026-07-05")
    chain_anew(twice, rows[0], encode(forged))
    assert line_digest(rows[0]) == forged["previous"]
    assert [] == kinds(twice)
    assert {"not in history", "not committed"} == set(kinds(twice, "--since", "HEAD~1"))
    assert {"not in history", "not committed"} == set(kinds(twice, "--since", "HEAD"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_merge_that_drops_a_branch(twice: Path) -> None:
    """Lines of a branch are in the history although the merge threw them away; so is what `git replace` hides."""
    rows = (twice / LEDGER).read_bytes().splitlines(keepends=True)
    _git(twice, "init", "-q", "-b", "main")
    (twice / LEDGER).write_bytes(rows[0].replace(b"\n", b"\r\n"))  # a checkout of Windows is no other line
    _git(twice, "add", "-f", LEDGER)
    _git(twice, "commit", "-qm", "one")
    _git(twice, "checkout", "-qb", "side")
    (twice / LEDGER).write_bytes(b"".join(rows))
    _git(twice, "commit", "-qam", "two")
    _git(twice, "checkout", "-q", "main")
    _git(twice, "commit", "-q", "--allow-empty", "-m", "three")
    _git(twice, "merge", "-q", "-s", "ours", "side", "-m", "four")
    shutil.rmtree(twice / "reports/kept/lines")
    (twice / LEDGER).write_bytes(rows[0])
    assert "not in history" in kinds(twice, "--since", "HEAD~2")
    _git(twice, "replace", "side", "HEAD~2")
    assert "not in history" in kinds(twice, "--since", "side")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_ledger_that_was_never_committed(twice: Path) -> None:
    """Where no commit has the ledger, its history says nothing, and that is said."""
    _git(twice, "init", "-q")
    _git(twice, "commit", "-q", "--allow-empty", "-m", "nothing")
    (finding,) = verified(twice, "--since", "HEAD")["findings"]
    assert ("not committed", True) == (finding["kind"], finding["what"].startswith("2 lines are in none of 1 commits"))
