"""The next step once the one before it is taken: by hand, in the warning's words, and silent where it was stated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.analysis.next_step import next_step_doubts, next_steps
from forecast.ledger.outcome import Outcome, outcome
from forecast.model.layout import lay_out
from forecast.posterior.posterior import unweighted
from forecast.sampling.draws import Draws
from forecast.sampling.spec import prior_spec
from forecast.workspace.records import (
    Condition,
    Count,
    DatedCondition,
    Distribution,
    Event,
    Requirement,
    Statement,
    Target,
)
from tests.worlds import HORIZON, OPENS, event, network, statement, workspace

FIRST, SECOND = 0.5, 0.2  # P(step taken in the window | the step before is taken at its opening)
STEPS = ("none", "one", "two")
TWO, ONE_AT_ONCE = Condition("steps", ("two",)), DatedCondition("steps", ("one",), None)
WARNING = (
    "test.yaml:1: warning: event 'steps': once it is 'one', all statements together imply 'two' with 20.0 %; "
    "got 5.8 % before it, and {said}; up to 2 times that; "
    "state it: about: {{event: steps, state: two, given: {{steps: {{is: one, when: at_once}}}}}}"
)


def both() -> float:
    """P(both steps) of two rates, by hand."""
    a, b = -np.log1p(-FIRST), -np.log1p(-SECOND)
    return float(1.0 - (b * np.exp(-a) - a * np.exp(-b)) / (b - a))


def prior(
    made: Iterable[Statement] = (), *others: Event, hazards: Sequence[tuple[float, float]] | None = None
) -> Outcome:
    """The prior of an event of two steps, and of others with even rows, whose draws are all alike.

    `hazards` of both steps: of the draws in turn, where they are not alike.
    """
    net = network(event("steps", states=STEPS), *others)
    layout, spoken = lay_out(net), workspace(net, statements=made)
    numbers = np.full((layout.n_theta, 400), 0.5)
    numbers[list(layout.excluded)] = 0.0
    numbers[:2] = -np.log1p(-np.array([[FIRST], [SECOND]])) if hazards is None else np.resize(hazards, (400, 2)).T
    base = Draws(theta=numbers, digest="", diagnostics={}, store=Path(), fit=lambda: ({}, {}))
    return outcome(spoken, layout, OPENS, 1, unweighted(spoken, layout, prior_spec(layout, spoken, HORIZON), base))


def test_by_hand() -> None:
    """Once the first step is taken at the opening the second has its own hazard for all of the window."""
    (step,) = next_steps(prior(), at_opening=True)
    assert ("steps", "one", "two", None, None) == (step.event, step.step, step.next, step.stated, step.statement)
    assert [both(), 0.0, SECOND, 0.0] == pytest.approx([step.now, step.now_mcse, step.once, step.once_mcse], abs=1e-12)
    assert step.is_unstated


@pytest.mark.parametrize("ways", [1, 2])
def test_a_step_that_requires_something_comes_with_it(ways: int) -> None:
    """What the step before requires is there when it is taken; where that can be in two ways the step has no number."""
    needs = (Condition("mandate", ("yes",)),), (Condition("decree", ("yes",)),)
    treaty = event("treaty", states=("none", "drafted", "signed"), parents=("mandate", "decree"))
    required = tuple(Requirement(state, needs[:ways]) for state in treaty.states[1:])
    others = (event("mandate"), event("decree"), replace(treaty, requires=required))
    steps = {step.event: step for step in next_steps(prior((), *others), at_opening=True)}
    assert ({"steps", "treaty"} if ways == 1 else {"steps"}) == set(steps)
    if ways == 1:
        assert steps["treaty"].once == pytest.approx(-np.expm1(-0.5), abs=1e-12)  # its hazard, for all of the window


def test_draws_are_weighed_by_the_step() -> None:
    """A draw in which the first step was likelier counts for more once that step is taken: by its hazard."""
    (step,) = next_steps(prior(hazards=[(0.2, 0.1)] * 4 + [(0.6, 0.5)] * 4), at_opening=True)
    by_hand = -(0.2 * np.expm1(-0.1) + 0.6 * np.expm1(-0.5)) / (0.2 + 0.6)
    assert step.once == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([], "nobody stated it"),
        ([statement("low", Target(TWO, None, (), None), 0.05)], "5 % stated by 'low'"),
        (
            [
                statement("low", Target(TWO, None, (), None), 0.05),
                statement(
                    "shares",
                    Target(Condition("steps", STEPS), None, (), None),
                    Distribution({"none": 0.5, "one": 0.43, "two": 0.07}, 0.5),
                ),
            ],
            "7 % stated by 'shares'",
        ),
        ([statement("none", Target(TWO, None, (), None), Count(0, 9, "window", None))], "5 % stated by 'none'"),
        ([statement("early", Target(TWO, None, (), date(2026, 1, 1)), 0.3)], "nobody stated it"),
        ([statement("first", Target(Condition("steps", ("one", "two")), None, (), None), 0.5)], "nobody stated it"),
    ],
)
def test_the_warning(made: list[Statement], said: str) -> None:
    """Beyond twice what was stated, or implied before, the warning names the event, the numbers and what to state."""
    assert [WARNING.format(said=said)] == [str(problem) for problem in next_step_doubts(prior(made))]


def test_what_was_stated_is_no_surprise() -> None:
    """A statement on the second step given the first at once, of more than half of what is implied, silences it."""
    made = [statement("then", Target(TWO, None, (ONE_AT_ONCE,), None), 0.11)]
    (step,) = next_steps(prior(made), at_opening=True)
    assert ("then", False) == (step.statement, step.is_unstated)
    assert step.stated == pytest.approx(0.11)
    assert () == next_step_doubts(prior(made))


def test_what_is_stated_of_other_cases_is_not_of_this_one() -> None:
    """A statement under another event's condition leaves the warning as it is."""
    made = [statement("if", Target(TWO, None, (Condition("other", ("yes",)),), None), 0.3)]
    found = prior(made, event("other", "constant"))
    assert [WARNING.format(said="nobody stated it")] == [str(problem) for problem in next_step_doubts(found)]


def test_only_steps_behind_another_are_next() -> None:
    """An event of one step has no next one; of three steps the second and the third are."""
    found = prior((), event("single"), event("long", states=("no", "a", "b", "c")))
    assert [("steps", "two"), ("long", "b"), ("long", "c")] == [
        (step.event, step.next) for step in next_steps(found, at_opening=True)
    ]
