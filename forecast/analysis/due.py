"""What should be done to a workspace: resolve, look at the news, update, feed; and what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from forecast.analysis.questions import latest_numbers, resolution_on, status_on
from forecast.analysis.sources import JudgedClaim, judged_claims
from forecast.ledger.differences import changes, other_changes
from forecast.ledger.entries import Line
from forecast.ledger.line import active_inputs, rolled_to
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.history import active_items
from forecast.model.layout import Layout
from forecast.posterior.by_date import decided
from forecast.sampling.readings import asks
from forecast.workspace.evidence_forms.form import SETTLED_WITHIN_DAYS
from forecast.workspace.read_resolutions import REPORTER
from forecast.workspace.records import Question, Workspace

Kind = Literal["resolve", "contradiction", "watch", "update", "benchmark", "claim", "source"]
YES_NO = {True: "yes", False: "no"}


@dataclass(frozen=True)
class Due:
    """Something to do: about what, why, and (where one line does it) the command."""

    kind: Kind
    subject: str
    what: str
    command: str | None = None


def due(workspace: Workspace, layout: Layout, as_of: date, last: Line | None, days: int) -> tuple[Due, ...]:
    """List what is due on a date, contradictions first.

    Args:
        workspace, layout: what is known.
        as_of: the date; nothing later counts.
        last: the latest line of the ledger that is not after the date.
        days: news and benchmarks older than so many days are stale.
    """
    asked = [question for question in workspace.questions if question.opens <= as_of]
    networks = {day: compile_workspace(layout, workspace, as_of, on=day) for day in {one.by for one in asked}}
    found = [one for question in asked for one in _about_question(workspace, networks[question.by], question, as_of)]
    found.sort(key=lambda one: one.kind != "contradiction")
    return (
        *found,
        *_watch(workspace, as_of, days),
        *_update(workspace, as_of, last),
        *_benchmarks(workspace, as_of, days),
        *_claims(workspace, layout, as_of, days),
        *_silent_sources(workspace, as_of),
    )


def _about_question(workspace: Workspace, network: AsOfNetwork, question: Question, as_of: date) -> Iterator[Due]:
    known = decided(network, question)
    line = resolution_on(workspace.resolutions, question.id, as_of)
    if line is None:
        state = None if known is None else YES_NO[known]
        on = _since(network, question) if known else question.by
        command = f"forecast resolve {question.id} {state or 'yes|no'} --on {on} --source URL"
        if status_on(question, line, as_of) == "due":
            so_far = "and settled evidence leaves it open" if state is None else f"and settled evidence says {state}"
            yield Due("resolve", question.id, f"its last day was {question.by}, {so_far}", command)
        elif state is not None:
            yield Due("resolve", question.id, f"settled evidence says {state} already", command)
    elif line.state is not None and known is not None and line.state != YES_NO[known]:
        what = f"resolved as {line.state} ({line.source}), but settled evidence says {YES_NO[known]}"
        undo = f"forecast resolve {question.id} --undo"
        yield Due("contradiction", question.id, what, undo)
    yield from _statements(workspace, question, as_of)


def _since(network: AsOfNetwork, question: Question) -> date:
    """Return the day from which yes held: of a reached event that of the step, of a status the question's last."""
    v = network.layout.index[question.about.event]
    event = network.layout.events[v]
    if event.kind != "reached":
        return question.by
    yes = {network.layout.state(event.id, state) for state in question.about.states}
    return min((day for day, state in network.known.paths[v].changes if state in yes), default=question.by)


def _statements(workspace: Workspace, question: Question, as_of: date) -> Iterator[Due]:
    line = resolution_on(workspace.resolutions, question.id, as_of)
    for statement in workspace.statements:
        own, same = statement.resolved, asks(statement, question, workspace.network)
        if line is None or line.state is None or own is None or own.state is None or not same:
            continue
        said = YES_NO[own.state in question.about.states]
        if said != line.state:
            what = (
                f"the question ended in {line.state}, but statement '{statement.id}' says {said} ({statement.source})"
            )
            yield Due("contradiction", question.id, what)


def _watch(workspace: Workspace, as_of: date, days: int) -> Iterator[Due]:
    watched = workspace.watched_until
    if watched is not None and as_of - watched > timedelta(days=days):
        what = (
            f"somebody last checked the news on {watched}, {(as_of - watched).days} days ago; silence counts until then"
        )
        yield Due("watch", "evidence/watch.yaml", what)


def _update(workspace: Workspace, as_of: date, last: Line | None) -> Iterator[Due]:
    command = "forecast update"
    if last is None:
        yield Due("update", "reports/ledger.jsonl", "no update has been made", command)
        return
    update = f"the update of {last.as_of}"
    inputs = active_inputs(workspace, as_of)
    items, said = last.inputs["items"], last.inputs["statements"]
    # An item that was retracted before any update used it will never count.
    new = [(one.reported, one.id) for one in active_items(workspace.items, as_of) if one.id not in items]
    new += [(one.date, one.id) for one in workspace.statements if one.id in inputs["statements"].keys() - said.keys()]
    for day, name in sorted(new):
        yield Due("update", name, f"of {day}, not in {update}", command)
    for name in inputs["retracted"]:
        if name in items and name not in last.inputs["retracted"]:
            yield Due("update", name, f"retracted, and still counts in {update}", command)
    now = replace(last, inputs=inputs, rolled=rolled_to(workspace.network))
    for name in changes(now, last)[1]:
        yield Due("update", name, f"edited since {update}", command)
    for name in other_changes(now, last):
        if name != "statements" or said.keys() - inputs["statements"].keys():
            yield Due("update", name, f"not as in {update}", command)


def _benchmarks(workspace: Workspace, as_of: date, days: int) -> Iterator[Due]:
    used = {name for question in workspace.questions for name in question.benchmarks}
    for name in sorted(set(workspace.benchmarks) - used):
        yield Due("benchmark", name, "no question uses this series; name it in a question's benchmarks")
    for question in workspace.questions:
        line = resolution_on(workspace.resolutions, question.id, as_of)
        if status_on(question, line, as_of) != "open":
            continue
        latest = [day for day, _ in latest_numbers(workspace, question, as_of).values()]
        if not latest:
            yield Due("benchmark", question.id, "no benchmark number")
        elif as_of - max(latest) > timedelta(days=days):
            what = f"the latest number is of {max(latest)}, {(as_of - max(latest)).days} days ago"
            yield Due("benchmark", question.id, what)


def _claims(workspace: Workspace, layout: Layout, as_of: date, days: int) -> Iterator[Due]:
    """Tell claims of a step that nothing has settled, by the day they are false, and each source's false alarms."""
    claims = judged_claims(compile_workspace(layout, workspace, as_of), workspace)
    for claim in claims:
        is_step = layout.events[layout.index[claim.event]].kind == "reached"
        if claim.was_true is None and is_step and as_of - claim.claimed_on > timedelta(days=days):
            last = claim.claimed_on + timedelta(days=SETTLED_WITHIN_DAYS)
            what = (
                f"claims that '{claim.event}' is '{claim.states[0]}' since {claim.claimed_on}, and nothing settles it; "
                f"watched until {last}, it was false when it was made"
            )
            yield Due("claim", claim.item, what)
    for source in sorted({claim.source for claim in claims}):
        judged = [claim for claim in claims if claim.source == source and claim.was_true is not None]
        false = [claim for claim in judged if not claim.was_true]
        if false:
            told = "; ".join(
                f"{one.item} ('{one.event}' is '{one.states[0]}' on {one.claimed_on}, settled {_when(one)})"
                for one in false
            )
            what = f"{len(false)} of {len(judged)} claims were false when they were made: {told}"
            yield Due("claim", source, what, f"forecast sources {source}")


def _when(claim: JudgedClaim) -> str:
    if claim.since is None:
        return f"on no day, and news watched for {SETTLED_WITHIN_DAYS} days"
    late = claim.since > claim.claimed_on
    return f"on {claim.since}; if it was earlier, give that item `happened`" if late else "otherwise on that day"


def _silent_sources(workspace: Workspace, as_of: date) -> Iterator[Due]:
    heard = {item.report_source for item in workspace.items if item.reported <= as_of}
    for name in sorted(set(workspace.sources) - heard - {REPORTER}):
        yield Due("source", name, "listed, and nothing of it has been reported")
