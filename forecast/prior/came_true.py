"""How a statement turned out: by its own word, or by the question that asked the same."""

from __future__ import annotations

from datetime import date

from forecast.workspace.names import horizon_on
from forecast.workspace.records import Network, Question, Resolved, Statement, Workspace


def asks(statement: Statement, question: Question, network: Network) -> bool:
    """Say whether a question asks what a statement is about: the event, the same states and day, no condition.

    Without a day of its own a statement is about the horizon of the day on which it was made.
    """
    target, condition = statement.about, statement.about.condition
    if condition is None or target.given or condition.event != question.about.event:
        return False
    return (
        set(condition.states) == set(question.about.states)
        and (target.by or horizon_on(network, statement.date)) == question.by
    )


def question_outcome(workspace: Workspace, statement: Statement, as_of: date) -> Resolved | None:
    """Return the line that resolved, by a date, the question a statement is about.

    None where there is none, where the statement says itself how it turned out, and where it was made only once the
    outcome was known.
    """
    if statement.resolved is not None:
        return None
    asked = {question.id for question in workspace.questions if asks(statement, question, workspace.network)}
    lines = [line for line in workspace.resolutions if line.subject in asked and line.counts_on(as_of)]
    known = [line for line in lines if line.state is not None and statement.date < line.known]
    return known[-1] if known else None


def came_true(workspace: Workspace, statement: Statement, as_of: date) -> bool | None:
    """Say whether what was stated turned out so, as known on a date; None where it is open or void."""
    own = statement.resolved
    if own is None:
        line = question_outcome(workspace, statement, as_of)
        return None if line is None else line.state == "yes"
    if own.on > as_of or own.state is None:
        return None
    condition = statement.about.condition
    return own.state in (condition.states if condition else (statement.about.scenario,))
