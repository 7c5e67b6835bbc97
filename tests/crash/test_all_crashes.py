"""Every command that writes is killed, refused by the disk and run beside others, many times; counts are printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.trials import FULL, HOW, REFUSED, Trials, told
from tests.crash.workspaces import ROWS, WITH_PAGE, Courses

pytestmark = pytest.mark.trust
AT_CALLS, AT_INSTANTS, WITH_A_PAGE = 150, 60, 6
FULL_DISKS, REFUSALS, EIGHTS = 50, 30, 20
LAST_CALLS = 30  # of an update: those by which it writes its forecast and its line


def test_kills(courses: Courses, tmp_path: Path) -> None:
    """Of more than 200 kills none loses what was acknowledged, and none leaves a workspace that needs a person."""
    trials = Trials(courses, tmp_path, 2026)
    for row in ROWS:
        trials.kill_when_told(courses.of(row))
        trials.kill_at_a_call(courses.of(row))  # each command at least once
    for course in trials.rows(AT_CALLS):
        trials.kill_at_a_call(course)
    for course in trials.rows(AT_INSTANTS):
        trials.kill_at_an_instant(course)
    for course in trials.rows(WITH_A_PAGE, [WITH_PAGE]):
        trials.kill_at_a_call(course)
    kills = 2 * len(ROWS) + AT_CALLS + AT_INSTANTS + WITH_A_PAGE
    assert kills == trials.counts["kills"] > 200
    print(f"\n{told(trials.counts)}\n    0  lost, 0 workspaces that need a person")


def test_signals(courses: Courses, tmp_path: Path) -> None:
    """Fifty commands that are interrupted, and fifty that are terminated."""
    trials = Trials(courses, tmp_path, 5)
    for how in ("INT", "TERM"):
        for course in trials.rows(50):
            trials.end_at(course, how, trials.rng.randrange(len(course.calls)))
    print(told(trials.counts))
    assert 100 == trials.counts["kills"]


def test_every_call_of_an_update(courses: Courses, tmp_path: Path) -> None:
    """Killed before, in and after each call by which an update writes its forecast and its line, the same holds."""
    trials = Trials(courses, tmp_path, 1)
    course = courses.of(ROWS[0])
    for number in range(len(course.calls) - LAST_CALLS, len(course.calls)):
        for how in HOW:
            trials.kill_at(course, how, number)
    assert LAST_CALLS * len(HOW) == trials.counts["kills"]
    print(f"\n{told(trials.counts)}\n    0  lost, 0 workspaces that need a person")


def test_full_disks(courses: Courses, tmp_path: Path) -> None:
    """Of 50 full disks, and others that refuse, each is one line of error, and nothing is lost."""
    trials = Trials(courses, tmp_path, 2027)
    for hows, n in ((FULL, FULL_DISKS), (REFUSED, REFUSALS)):
        for course in trials.rows(n):
            trials.refuse(course, hows)
    assert FULL_DISKS + REFUSALS == trials.counts["refusals"]
    print(f"\n{told(trials.counts)}\n    0  lost, 0 workspaces that need a person")


def test_eight_at_once(courses: Courses, tmp_path: Path) -> None:
    """In 20 runs of eight commands at once, and 20 in which one is killed, all that was acknowledged is there."""
    trials = Trials(courses, tmp_path, 2028)
    for number in range(2 * EIGHTS):
        trials.eight_at_once(kill_one=number >= EIGHTS)
    assert (2 * EIGHTS, EIGHTS) == (trials.counts["runs of eight"], trials.counts["killed in between"])
    print(f"\n{told(trials.counts)}\n    0  lost, 0 workspaces that need a person")
