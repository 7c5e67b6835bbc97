"""What is implied for the next step of an event once the step before it is taken, and whether anybody stated that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.structure import stated_probability
from forecast.digits import exact, percent
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.outcome import Outcome, PriorTable
from forecast.model.asof import AsOfNetwork, compile_opening, compile_workspace
from forecast.model.decision import Decision
from forecast.plain import spread
from forecast.posterior.posterior import Query, evaluate_scenarios
from forecast.posterior.weights import averages
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Event

Array = NDArray[np.float64]

EVERY = 4  # draws: a quarter of them shows a factor of two
FACTOR = 2.0  # beyond what was stated, or implied before, from which on a next step is worth a statement


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The next step of a reached event, by the horizon: as it is now, and if the `step` before it were taken today.

    `stated` is the largest probability that a statement gives it, without a condition or given the event's own earlier
    state, and `statement` which; None where there is none.
    """

    event: str
    step: str
    next: str
    now: float
    now_mcse: float
    once: float
    once_mcse: float
    stated: float | None
    statement: str | None

    @property
    def is_unstated(self) -> bool:
        """Whether what is implied then is beyond FACTOR times anything that was stated, or is implied now."""
        return self.once > FACTOR * max(self.now, self.stated or 0.0)

    def __str__(self) -> str:
        """Tell it in a line: what is implied then, and before, and what was stated."""
        implied, before = percent(self.once, self.once_mcse), percent(self.now, self.now_mcse)
        stated = (
            "nobody stated it"
            if self.stated is None
            else f"{exact(self.stated)} stated by {shown(self.statement or '')}"
        )
        return f"once {self.step}: {self.next} {implied} implied, {before} before it, {stated}"


@dataclass(frozen=True, kw_only=True)
class PriorWithSteps:
    """The prior in the form of forecast.json, with what it implies for each next step of an event."""

    table: PriorTable = spread()
    next_steps: tuple[NextStep, ...]


def next_steps(found: Outcome, *, at_opening: bool = False) -> tuple[NextStep, ...]:
    """Compute the next step of every event that has a step to come and one behind it, in file order.

    The step is settled on the as-of date, and the draws are weighed by it as they are by any step: this is the forecast
    of that evening. `at_opening`: `found` is the prior, which knows of no evidence.
    """
    known, layout = found.posterior.asked.network.known, found.layout
    if known.until >= layout.horizon:
        return ()
    steps = []
    for v, event in enumerate(layout.events):
        if event.kind != "reached":
            continue
        for k in range(known.paths[v].on(known.paths[v].until) + 1, len(event.states) - 1):
            supposed = {v: (k,)}
            network = (
                compile_opening(layout, None, supposed)
                if at_opening
                else compile_workspace(layout, found.workspace, found.as_of, None, supposed)
            )
            with suppress(ImpossibleEvidenceError):  # it requires something, in one of several ways
                steps.append(_next_step(found, network, v, k))
    return tuple(steps)


def _next_step(found: Outcome, network: AsOfNetwork, v: int, k: int) -> NextStep:
    of, event = found.posterior, found.layout.events[v]
    theta = np.ascontiguousarray(of.draws.theta[:, ::EVERY])
    by_state = Decision(kept=(v,), masks=np.eye(len(network.alive[v])))
    asked = Query(network, by_state.plan(network.cards, network.scopes), by_state)
    evidence, shares = evaluate_scenarios(asked, theta, of.reliabilities.thinned(EVERY))
    weights = of.weights.weights[::EVERY]
    log_weights = np.log(weights, out=np.full_like(weights, -np.inf), where=weights > 0.0)
    log_weights = log_weights + evidence - of.evaluation.log_evidence[::EVERY]
    taken = np.exp(log_weights - log_weights.max())
    once = averages(shares[1:].sum(axis=0)[np.newaxis], taken / taken.sum())
    now = averages(of.evaluation.events[v][k + 1 :].sum(axis=0)[np.newaxis], of.weights.weights)
    said = max(_stated(found, event, k), default=(None, None))
    return NextStep(
        event=event.id,
        step=event.states[k],
        next=event.states[k + 1],
        now=float(now.mean[0]),
        now_mcse=float(now.mcse[0]),
        once=float(once.mean[0]),
        once_mcse=float(once.mcse[0]),
        stated=said[0],
        statement=said[1],
    )


def _stated(found: Outcome, event: Event, k: int) -> Iterator[tuple[float, str]]:
    """Yield what statements give the step after the k-th by the horizon: without a condition, or given its own past.

    What is stated under other conditions is of other cases.
    """
    workspace, later = found.workspace, set(event.states[k + 1 :])
    counted = set(found.posterior.spec.statement_ids)
    for statement in (one for one in workspace.statements if one.id in counted):
        condition, by = statement.about.condition, statement.about.by
        others = [when for when in statement.about.given if when.event != event.id]
        if condition is None or condition.event != event.id or by is not None or others:
            continue
        if (probability := stated_probability(workspace, statement, later)) is not None:
            yield probability, statement.id


def next_step_doubts(found: Outcome) -> tuple[Problem, ...]:
    """Warn of each next step that the prior implies far beyond what anybody stated, once the step before is taken."""
    return tuple(
        _doubt(found.workspace.network.events[step.event], step)
        for step in next_steps(found, at_opening=True)
        if step.is_unstated
    )


def _doubt(event: Event, step: NextStep) -> Problem:
    what = f"event {shown(step.event)}: once it is {shown(step.step)}, all statements together imply "
    what += f"{shown(step.next)} with {percent(step.once, step.once_mcse)}"
    said = "nobody stated it"
    if step.stated is not None and step.statement is not None:
        said = f"{exact(step.stated)} stated by {shown(step.statement)}"
    given = f"{{{event.id}: {{is: {step.step}, when: at_once}}}}"
    return Problem(
        event.source,
        what,
        f"{percent(step.now, step.now_mcse)} before it, and {said}",
        f"up to {FACTOR:g} times that; state it: about: {{event: {event.id}, state: {step.next}, given: {given}}}",
        "warning",
    )
