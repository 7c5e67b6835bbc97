"""A sample of the trials of tests/crash/test_all_crashes.py: kills, full disks and eight processes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.trials import FULL, REFUSED, Trials
from tests.crash.workspaces import ROWS, Courses, Row


def test_killed_at_a_call(courses: Courses, tmp_path: Path) -> None:
    """Killed at a call that writes, a command loses nothing that it acknowledged, and completes when run again."""
    trials = Trials(courses, tmp_path, 1)
    for course in trials.rows(3):
        trials.kill_at_a_call(course)
    assert 3 == trials.counts["kills"]


@pytest.mark.parametrize("how", ["INT", "TERM"])
def test_interrupted_and_terminated_at_a_call(courses: Courses, tmp_path: Path, how: str) -> None:
    """The same where a command is interrupted (Ctrl-C), which is no traceback, or terminated."""
    trials = Trials(courses, tmp_path, 8)
    for course in trials.rows(2):
        trials.end_at(course, how, trials.rng.randrange(len(course.calls)))
    assert 2 == trials.counts["kills"]


def test_killed_when_it_has_told(courses: Courses, tmp_path: Path) -> None:
    """Killed at once when it has said what is written, a command has written it."""
    trials = Trials(courses, tmp_path, 7)
    for course in trials.rows(2):
        trials.kill_when_told(course)
    assert 2 == trials.counts["acknowledged before the kill"]


def test_killed_at_an_instant(courses: Courses, tmp_path: Path) -> None:
    """The same at a random moment of its time; what it has started ends with it."""
    trials = Trials(courses, tmp_path, 3)
    for course in trials.rows(2):
        trials.kill_at_an_instant(course)
    assert 2 == trials.counts["kills"]


def test_disk_full(courses: Courses, tmp_path: Path) -> None:
    """A full disk is one line of error; files are as before or as after, and it completes once there is room."""
    trials = Trials(courses, tmp_path, 4)
    for course in trials.rows(2):
        trials.refuse(course, FULL)
    assert 2 == trials.counts["refusals"]


@pytest.mark.parametrize("row", ROWS[:3], ids=lambda row: row.name)
def test_refused_otherwise(courses: Courses, tmp_path: Path, row: Row) -> None:
    """So are a disk that is read-only, missing rights, and a fault of the disk."""
    trials = Trials(courses, tmp_path, 5)
    trials.refuse(courses.of(row), REFUSED)
    assert 1 == trials.counts["refusals"]


def test_eight_at_once(courses: Courses, tmp_path: Path) -> None:
    """What eight commands say at once that they have written is there, though one of them is killed."""
    trials = Trials(courses, tmp_path, 6)
    trials.eight_at_once(kill_one=True)
    assert 1 == trials.counts["runs of eight"]
