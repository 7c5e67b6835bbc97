"""What must hold between statements, items and events."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.workspace.fits import interval_sd, logit, t4_quantile
from tests.workspace.writing import example, messages, replace

TEAM = "priors/statements/team.yaml"
OUTSIDE = "priors/statements/outside.yaml"
SHOWN = "evidence/2026-03-02-prototype-shown.yaml"
HIRING = "evidence/2026-05-20-hiring-stop.yaml"


@given(st.floats(0.001, 0.999))
def test_quantile_of_t(p: float) -> None:
    """The closed form of the quantile of Student's t with 4 degrees of freedom is the numerical one."""
    assert t4_quantile(p) == pytest.approx(stats.t.ppf(p, 4), rel=1e-9, abs=1e-7)


def test_sd_of_an_interval() -> None:
    """At 90 % the sd is the width in log-odds over 2 x 2.132."""
    assert interval_sd(logit(0.25), logit(0.92), 0.9) == pytest.approx(
        (math.log(11.5) + math.log(3)) / (2 * 2.1318468), rel=1e-7
    )


def test_sharp_codings_are_warned_about(tmp_path: Path) -> None:
    """A number that an editor put on somebody's words with an sd below 1 is warned about; the expert's own is not."""
    example(tmp_path)
    replace(tmp_path, OUTSIDE, "low: 0.04, best: 0.15, high: 0.5", "low: 0.1, best: 0.15, high: 0.22")
    assert messages(tmp_path, "warning") == []
    replace(tmp_path, OUTSIDE, "  why: A year is short", "  coded_by: editor\n  why: A year is short")
    what = "statement 'editors-success': coded by 'editor' with an sd below 1 in log-odds"
    assert messages(tmp_path, "warning") == [
        f"{OUTSIDE}:25: warning: {what}; got 0.22; it is raised to 1; widen the interval"
    ]


def test_a_rho_without_a_group_is_warned_about(tmp_path: Path) -> None:
    """What is said of the copies in a group has no effect where no group is named."""
    example(tmp_path)
    replace(tmp_path, HIRING, "credibility: 3", "credibility: 3\n  rho: 0.5")
    what = "item 'hiring-stop': rho without a group has no effect; got 0.5; beside `group` alone"
    assert messages(tmp_path, "warning") == [f"{HIRING}:5: warning: {what}"]
    replace(tmp_path, HIRING, "  rho: 0.5", "  rho: 0.5\n  group: hiring")
    assert messages(tmp_path, "warning") == []


def test_events_without_a_marginal_are_warned_about(tmp_path: Path) -> None:
    """An event about which only a conditional statement speaks is warned about."""
    example(tmp_path)
    replace(tmp_path, OUTSIDE, "state: yes}", "state: yes, given: {demand: high}}")
    allowed = "its prior is the default; add a statement without 'given'"
    expected = f"warning: event 'success': no statement gives its probability or a base rate; {allowed}"
    assert messages(tmp_path, "warning") == [f"priors/network.yaml:35: {expected}"]
    replace(tmp_path, OUTSIDE, "{cut: 0.3", "{cut: 0.9")
    assert messages(tmp_path, "warning") == []  # the one that cannot be read may be about it


def test_a_statement_after_the_fact(tmp_path: Path) -> None:
    """A statement made when a settled item had made its target or condition certain or impossible names the item."""
    example(tmp_path)
    replace(tmp_path, TEAM, "[none, shown]", "none")
    assert messages(tmp_path) == []
    replace(tmp_path, TEAM, "date: 2026-01-12", "date: 2026-03-03")
    what = "statement 'lead-launch-needs-test': item 'prototype-shown' had made 'none' impossible for event 'prototype'"
    got = "got a statement of 2026-03-03, the item known from 2026-03-03"
    assert messages(tmp_path) == [f"{TEAM}:10: {what}; {got}; still open were 'shown', 'tested'"]


def test_a_statement_before_the_news(tmp_path: Path) -> None:
    """A statement made after a step, but before it was reported, or after it was retracted, is read without it."""
    example(tmp_path)
    replace(tmp_path, TEAM, "[none, shown]", "none")
    replace(tmp_path, TEAM, "date: 2026-01-12", "date: 2026-03-02")
    assert messages(tmp_path) == []
    replace(tmp_path, TEAM, "date: 2026-03-02", "date: 2026-03-09")
    replace(tmp_path, SHOWN, "credibility: 1", "credibility: 1\n  retracted: 2026-03-09")
    assert messages(tmp_path) == []


def test_counts_are_read_at_the_opening(tmp_path: Path) -> None:
    """A reference class may be counted after the fact: it is read at the opening."""
    example(tmp_path)
    replace(
        tmp_path, OUTSIDE, "event: launch, state: {at_least: limited}", "event: prototype, state: {at_least: shown}"
    )
    replace(
        tmp_path,
        OUTSIDE,
        "- id: launches-base-rate\n  date: 2026-01-05",
        "- id: launches-base-rate\n  date: 2026-05-05",
    )
    assert messages(tmp_path) == []


SECOND = """
- id: second
  reported: 2026-04-01
  source: forum
  headline: It was shown earlier than that, or not at all.
  bears_on:
  - {event: budget, settled: cut}
- id: third
  reported: 2026-04-02
  happened: 2026-04-01
  source: forum
  headline: It was raised.
  bears_on:
  - {event: budget, settled: raised}
"""


@pytest.mark.parametrize(
    ("correction", "count"),
    [("", 1), ("retracted: 2026-04-02", 0), ("retracted: 2026-04-03", 1)],
)
def test_only_what_counts_together_contradicts(tmp_path: Path, correction: str, count: int) -> None:
    """Two statuses on one day contradict each other only if both items count on some same day."""
    file = example(tmp_path) / SHOWN
    text = file.read_text(encoding="utf-8").rstrip() + SECOND
    old = "headline: It was shown earlier than that, or not at all."
    file.write_text(text.replace(old, f"{old}\n  {correction}".rstrip()), encoding="utf-8")
    assert len(messages(tmp_path)) == count


def test_what_supersedes_does_not_contradict(tmp_path: Path) -> None:
    """An item that takes the place of another is not held against it."""
    file = example(tmp_path) / SHOWN
    text = file.read_text(encoding="utf-8").rstrip() + SECOND
    file.write_text(text.replace("headline: It was raised.", "headline: R.\n  supersedes: second"), encoding="utf-8")
    assert messages(tmp_path) == []


def test_circles_of_superseding(tmp_path: Path) -> None:
    """Items of one day that supersede each other in a circle are one problem."""
    file = example(tmp_path) / SHOWN
    text = (file.read_text(encoding="utf-8").rstrip() + SECOND).replace("reported: 2026-04-02", "reported: 2026-04-01")
    text = text.replace("headline: It was raised.", "headline: R.\n  supersedes: second")
    text = text.replace("headline: It was shown", "supersedes: third\n  headline: It was shown")
    file.write_text(text, encoding="utf-8")
    circle = "items supersede each other in a circle: second -> third -> second"
    assert messages(tmp_path) == [f"{SHOWN}:13: {circle}; the latest one supersedes the others"]


def test_copies_are_warned_about(tmp_path: Path) -> None:
    """Two reports with one address on one event in no common group are warned about."""
    example(tmp_path)
    replace(tmp_path, HIRING, "credibility: 3", "credibility: 3\n  url: https://example.org/a")
    copy = (tmp_path / HIRING).read_text(encoding="utf-8").replace("id: hiring-stop", "id: hiring-stop-again")
    (tmp_path / "evidence/2026-05-21-copy.yaml").write_text(copy, encoding="utf-8")
    what = "item 'hiring-stop-again': bears on 'budget' with the same address as item 'hiring-stop'"
    allowed = f"that is at {HIRING}:1; give both one group if they restate each other"
    expected = f"evidence/2026-05-21-copy.yaml:9: warning: {what}; {allowed}"
    assert messages(tmp_path, "warning") == [expected]


def test_wide_ratios_too(tmp_path: Path) -> None:
    """A ratio that an editor coded is held to the same sd as a probability."""
    replace(example(tmp_path), TEAM, "  why: The lead gave the number", "  coded_by: editor\n  why: Coded")
    what = "statement 'lead-launch-needs-test': coded by 'editor' with an sd below 1 in log-odds"
    assert messages(tmp_path, "warning") == [
        f"{TEAM}:10: warning: {what}; got 0.42; it is raised to 1; widen the interval"
    ]


def test_a_statement_on_the_opening_day(tmp_path: Path) -> None:
    """An expert who speaks on the opening day knows that day's news; the editors never do."""
    example(tmp_path)
    replace(tmp_path, SHOWN, "reported: 2026-03-03\n  happened: 2026-03-02", "reported: 2026-01-05")
    assert [message.split(": ")[1] for message in messages(tmp_path)] == ["statement 'lead-prototype'"]
    replace(
        tmp_path,
        TEAM,
        "- id: lead-prototype\n  date: 2026-01-05\n  expert: project_lead",
        "- id: lead-prototype\n  date: 2026-01-05\n  expert: editors",
    )
    assert messages(tmp_path) == []


def test_copies_in_one_group_are_fine(tmp_path: Path) -> None:
    """Two reports with one address in one group are no problem: that is what groups are for."""
    example(tmp_path)
    replace(tmp_path, HIRING, "credibility: 3", "credibility: 3\n  group: hiring\n  url: https://example.org/a")
    copy = (tmp_path / HIRING).read_text(encoding="utf-8").replace("id: hiring-stop", "id: hiring-stop-again")
    (tmp_path / "evidence/2026-05-21-copy.yaml").write_text(copy, encoding="utf-8")
    assert messages(tmp_path, "warning") == []


def test_what_is_allowed(tmp_path: Path) -> None:
    """A status may change from one day to the next, and a report may wear off on its own day."""
    example(tmp_path)
    replace(tmp_path, HIRING, "until: 2026-12-31", "until: 2026-05-20")
    file = tmp_path / SHOWN
    text = file.read_text(encoding="utf-8").rstrip() + SECOND
    file.write_text(text.replace("happened: 2026-04-01", "happened: 2026-04-02"), encoding="utf-8")
    assert messages(tmp_path) == []


def test_not_reached_is_settled_at_the_horizon(tmp_path: Path) -> None:
    """On the horizon date, the lowest state of a reached event can be settled."""
    example(tmp_path)
    replace(tmp_path, "priors/network.yaml", "horizon: 2026-12-31", "horizon: 2026-07-31")
    for path in (HIRING, "evidence/2026-06-18-test-begun.yaml"):
        replace(tmp_path, path, "until: 2026-12-31", "until: 2026-07-31")
    old = "- {event: prototype, support: moderate, for: tested, until: 2026-07-31}"
    replace(tmp_path, "evidence/2026-06-18-test-begun.yaml", old, "- {event: launch, settled: none}")
    assert [message.split("; ")[1] for message in messages(tmp_path)] == ["got 2026-06-18"]
    replace(tmp_path, "evidence/2026-06-18-test-begun.yaml", "reported: 2026-06-18", "reported: 2026-07-31")
    assert messages(tmp_path) == []
