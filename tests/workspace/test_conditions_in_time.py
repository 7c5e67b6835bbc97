"""Conditions with a time of their own in the user's file: what is read, and what each mistake is answered with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from forecast.workspace.records import Condition, DatedCondition
from tests.workspace.writing import example, messages, read, replace

FILE = "priors/statements/page.yaml"
TEXT = """\
- id: said
  date: {day}
  expert: {expert}
  source: {{publisher: x}}
  says: If so, then so.
  about: {about}
  probability: 0.3
  why: An example.
"""
JUNE = date(2026, 6, 30)
LAUNCH = "event: launch, state: {at_least: limited}"


def with_statement(folder: Path, about: str, day: str = "2026-01-20", expert: str = "market_analyst") -> Path:
    """The example with one more statement; its `about` stands on line 6."""
    path = example(folder) / FILE
    path.write_text(TEXT.format(day=day, expert=expert, about=about), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tested", Condition("prototype", ("tested",))),
        ("{is: tested}", Condition("prototype", ("tested",))),
        ("{is: {at_least: shown}, when: at_horizon}", Condition("prototype", ("shown", "tested"))),
        ("{is: tested, when: at_once}", DatedCondition("prototype", ("tested",), None)),
        ("{is: [shown, tested], held_by: 2026-06-30}", DatedCondition("prototype", ("shown", "tested"), JUNE)),
    ],
)  # fmt: skip
def test_what_is_read(tmp_path: Path, given: str, expected: Condition) -> None:
    """A condition without a time, or at the horizon, is what it always was; at once and by a day it has its time."""
    found = read(with_statement(tmp_path, f"{{{LAUNCH}, given: {{prototype: {given}}}}}"))
    about = next(one for one in found.statements if one.id == "said").about
    assert about.given == (expected,)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, when: at_once, held_by: 2026-06-30}}}}}}",
         "about: given.prototype: 'when' beside 'held_by'; one of them"),
        (f"{{{LAUNCH}, given: {{demand: {{is: high, when: at_once}}}}}}",
         "about: given.demand: 'when' on an event of kind constant; it holds all window long; leave it out"),
        (f"{{{LAUNCH}, by: 2026-06-30, given: {{prototype: {{is: tested, when: at_horizon}}}}}}",
         ("about: given.prototype: 'when: at_horizon' beside 'by'; without 'when' it holds on 2026-06-30 too; "
         "of another day say held_by")),
        (f"{{{LAUNCH}, given: {{budget: {{is: [cut, raised], when: at_once}}}}}}",
         ("about: given.budget: a status comes into one state at once; got several; "
         "name one of them, or say held_by a day")),
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, held_by: 2027-01-31}}}}}}",
         ("about: given.prototype: held_by lies outside the window; got 2027-01-31; "
         "after the opening 2026-01-05, not after the horizon 2026-12-31")),
        (f"{{{LAUNCH}, by: 2026-06-30, given: {{prototype: {{is: tested, held_by: 2026-07-01}}}}}}",
         ("about: given.prototype: held_by lies after the day that the statement is about; got 2026-07-01; "
         "until 2026-06-30")),
        ("{event: launch, state: limited, given: {launch: general}}",
         ("about: event 'launch' is given itself; conditions are other events, or its own earlier state "
         "(held_by, or when: at_once)")),
        (f"{{{LAUNCH}, given: {{launch: {{is: limited, when: at_once}}}}}}",
         "about: 'limited or general' is certain once 'launch' is 'limited'; still open then: 'limited', 'general'"),
        ("{event: launch, state: none, given: {launch: {is: limited, held_by: 2026-06-30}}}",
         "about: 'none' is impossible once 'launch' is 'limited'; still open then: 'limited', 'general'"),
        (f"{{{LAUNCH}, given: {{prototype: {{is: testd, when: at_once}}}}}}",
         ("about: given: event 'prototype' has no state 'testd'; states are 'none', 'shown', 'tested'; "
         "did you mean 'tested'?")),
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, wenn: at_once}}}}}}",
         "about.given.prototype: unknown key 'wenn'; keys are 'is', 'held_by', 'when'; did you mean 'when'?"),
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, when: at_one}}}}}}",
         ("about.given.prototype.when is not a known value; got 'at_one'; allowed are 'at_once', 'at_horizon'; "
         "did you mean 'at_once'?")),
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, held_by: soon}}}}}}",
         "about.given.prototype.held_by is not a date; got 'soon'; dates are written YYYY-MM-DD"),
        (f"{{{LAUNCH}, given: {{prototype: {{held_by: 2026-06-30}}}}}}",
         "about.given.prototype: missing key 'is'; needed are 'is'"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, about: str, expected: str) -> None:
    """Each mistake in the time of a condition is said once, at its line, with what is allowed."""
    assert [f"{FILE}:6: statement 'said': {expected}"] == messages(with_statement(tmp_path, about))


@pytest.mark.parametrize(
    ("about", "day", "expected"),
    [
        (f"{{{LAUNCH}, given: {{prototype: {{is: tested, held_by: 2026-01-20}}}}}}", "2026-01-20",
         "held_by is over, or later than what is asked; got 2026-01-20; after 2026-01-20, until 2026-12-31"),
        (f"{{{LAUNCH}, given: {{prototype: {{is: shown, when: at_once}}}}}}", "2026-03-10",
         ("event 'prototype' cannot come into 'shown' at once; got it is in that state on 2026-03-10; "
         "leave the condition out, or name another state")),
        (f"{{{LAUNCH}, given: {{prototype: {{is: {{at_least: shown}}, held_by: 2026-06-30}}}}}}", "2026-03-10",
         ("item 'prototype-shown' had made 'shown or tested' certain for event 'prototype'; "
         "got a statement of 2026-03-10, the item known from 2026-03-03; still open were 'shown', 'tested'")),
        (f"{{{LAUNCH}, given: {{budget: {{is: kept, when: at_once}}}}}}", "2026-01-20",
         ("event 'budget' cannot come into 'kept' at once; got it is in that state on 2026-01-20; "
         "leave the condition out, or name another state")),
    ],
)  # fmt: skip
def test_what_is_certain_or_over(tmp_path: Path, about: str, day: str, expected: str) -> None:
    """A condition that is so already, or whose time is over when it is said, is a mistake of the statement."""
    assert [f"{FILE}:1: statement 'said': {expected}"] == messages(with_statement(tmp_path, about, day))


def test_what_the_timing_rules_out(tmp_path: Path) -> None:
    """A condition at once or by a day until which the timing lets nothing happen is impossible, whoever says it."""
    timing = "    parents: [budget]\n    timing: {steps: [{from: 2026-01-05, rate: 0}, {from: 2026-07-01, rate: 1}]}\n"
    for name, time, expected in (
        ("a", "held_by: 2026-06-30",
         ("cannot move by its timing; got rate 0 on every day after 2026-01-20 until 2026-06-30; "
         "a later 'held_by', or a rate above 0 before it")),
        ("b", "when: at_once",
         "cannot move at once by its timing; got rate 0 on 2026-01-20; say held_by, with a day of a rate above 0"),
    ):  # fmt: skip
        folder = with_statement(tmp_path / name, f"{{{LAUNCH}, given: {{prototype: {{is: tested, {time}}}}}}}")
        replace(folder, "priors/network.yaml", "    parents: [budget]\n", timing)
        found = [one for one in messages(folder) if one.startswith(FILE)]
        assert [f"{FILE}:1: statement 'said': event 'prototype' {expected}"] == found
