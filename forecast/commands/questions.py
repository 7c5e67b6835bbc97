"""`forecast questions`, `due` and `resolve`: what is asked, what should be done, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import running
from forecast.commands.readable import middle_90
from forecast.commands.running import Files, echo_json, one_or_all, opened, said
from forecast.digits import exact, percent
from forecast.sampling.readings import asks
from forecast.workspace.drafts import LineDraft, draft_resolution
from forecast.workspace.files import RESOLUTIONS
from forecast.workspace.problems import WorkspaceProblems, choice
from forecast.workspace.read import load
from forecast.workspace.read_questions import NO, YES, subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.analysis.questions import Due, Other, QuestionStatus
    from forecast.workspace.records import Event, Question, Workspace


@click.command()
@click.argument("name", required=False)
@running.workspace
@running.as_of
@running.seed
@running.as_json
def questions(name: str | None, root: Path, as_of: date | None, seed: int | None, as_json: bool) -> None:
    """Print every question's probability beside benchmarks and the base rate; with NAME, all about one question."""
    with opened(root, as_of, seed) as session:
        rows = session.questions()
    one_or_all(rows, "question", name, as_json=as_json, print_all=_print_all, print_one=_print_one)


def _print_all(rows: Sequence[QuestionStatus]) -> None:
    width = max((len(row.question) for row in rows), default=0)
    if not rows:
        click.echo("there are no questions; write them in priors/questions.yaml")
        return
    click.secho(f"{'question':{width}}  {'by':10}  {'status':9}  forecast, 90 % interval", bold=True)
    for row in rows:
        shown, interval = _forecast(row)
        numbers = "-" if row.probability is None else f"{shown}, {interval}"
        color = "yellow" if row.status == "due" else None
        left = f"{row.question:{width}}  {row.by}  "
        click.echo(left + click.style(f"{_status(row):9}", fg=color) + f"  {numbers}")
        for line in wrap(_others(row), get_terminal_size().columns - 4, break_on_hyphens=False):
            click.secho(f"    {line}", dim=True)
    click.echo("the latest number of each benchmark, which may resolve by other rules: `forecast questions NAME`")


def _others(row: QuestionStatus) -> str:
    base = [f"base rate {exact(row.base_rate.probability)}"] if row.base_rate else []
    return "; ".join([*(_other(one) for one in row.benchmarks), *base])


def _other(one: Other) -> str:
    return f"{one.forecaster} {exact(one.probability)} ({one.date:%Y-%m})"


def _status(row: QuestionStatus) -> str:
    return str(row.resolution.state) if row.resolution and row.status == "resolved" else row.status


def _forecast(row: QuestionStatus) -> tuple[str, str]:

    if row.probability is None or row.quantiles is None:
        return "-", "-"
    shown = percent(row.probability, row.mcse)
    return shown, "settled" if row.is_decided else middle_90(row.quantiles, row.mcse)


def _print_one(row: QuestionStatus) -> None:
    shown, interval = _forecast(row)
    click.echo(f"{row.text}\n{row.event}: {' or '.join(row.states)}, {row.opens} to {row.by}")
    if row.probability is not None:
        click.echo(f"forecast   {shown}" + (", settled" if row.is_decided else f", 90 % in {interval}"))
    for one in row.benchmarks:
        click.echo(f"{one.forecaster}   {exact(one.probability)} on {one.date}")
    if row.base_rate:
        base = row.base_rate
        click.echo(f"base rate   {exact(base.probability)} ({base.publisher}): {base.why}")
    if row.caution:
        click.echo(f"caution   {row.caution}")
    if row.resolution:
        ended = row.resolution
        why = f": {ended.note}" if ended.note else ""
        click.echo(f"ended   {_status(row)} on {ended.on}, known from {ended.known}{why}")
        if ended.source:
            click.echo(f"source   {ended.source}")
    elif row.status == "due":
        click.echo(f"it is due: forecast resolve {row.question} yes|no --on DATE --source URL")


HEADINGS = {
    "contradiction": "Contradicts itself",
    "resolve": "To resolve",
    "watch": "News not watched",
    "update": "Not in any update",
    "benchmark": "Benchmarks",
    "claim": "Claims",
    "source": "Sources that never reported",
}


@click.command()
@running.workspace
@running.as_of
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=14,
    show_default=True,
    help="Days after which news and benchmarks are stale.",
)
@running.as_json
def due(root: Path, as_of: date | None, days: int, as_json: bool) -> None:
    """List what is due: questions to resolve, news not watched, evidence not in any update, contradictions."""

    with opened(root, as_of) as session:
        day, ledger, found = session.day, session.ledger, session.due(days)
    said(ledger)
    if as_json:
        told = {"as_of": day.isoformat(), "due": [asdict(one) for one in found]}
        echo_json(told)
        return
    for kind, heading in HEADINGS.items():
        if of_kind := [one for one in found if one.kind == kind]:
            click.secho(heading, bold=True)
            _print(of_kind)
    click.echo("nothing is due" if not found else f"as of {day}; {len(found)} to look at")


def _print(found: Sequence[Due]) -> None:
    for one in found:
        click.echo(f"  {one.subject}: {one.what}")
    # What many have in common is said once.
    for command in dict.fromkeys(one.command for one in found if one.command is not None):
        click.secho(f"    {command}", fg="cyan")


Fields = dict[str, "str | bool"]


@click.command()
@click.argument("subject", metavar="ID")
@click.argument("state", required=False)
@running.workspace
@click.option(
    "--on", "day", type=running.DATE, metavar="DATE", help="Day on which it came true (for a no: the last day)."
)
@click.option("--known", type=running.DATE, metavar="DATE", help="Day from which it is known (default: today, UTC).")
@click.option("--source", metavar="URL", help="Address of the source; needed with a state.")
@click.option("--note", metavar="TEXT", help="What a later reader should know.")
@click.option("--void", is_flag=True, help="The question lapsed; it is not scored.")
@click.option("--ambiguous", is_flag=True, help="It cannot be said, as the note explains; it is not scored.")
@click.option("--undo", is_flag=True, help="Undo the latest resolution, from the day this is known.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def resolve(subject: str, state: str | None, root: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Resolve the question ID as yes or no, or settle the event ID in a state, in priors/resolutions.jsonl.

    Lines are only added: a mistake is undone by a later line. Nothing is written if there is a problem.
    """

    files, today = Files(root), running.today()
    question = None
    undoes_alone = given["undo"] and not (state or given["void"] or given["ambiguous"])
    # What is undone may be the very mistake for which the files cannot be read.
    if not undoes_alone or subject not in _resolved_so_far(root):
        workspace = load(root, today)
        questions = {question.id: question for question in workspace.questions}
        _known_names(subject, state, questions, workspace.network.events, given)
        question = questions.get(subject)
    fields = _line(subject, state, question, today, given)

    def make() -> LineDraft:
        return draft_resolution(root, fields, today)

    draft = make()
    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    does = _what_it_does(draft.workspace, subject, fields, question)
    if not as_json:
        click.echo(draft.added)
        click.echo(does)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        told = {"path": draft.path, "written": is_wanted, "line": fields, "does": does}
        told["problems"] = [str(problem) for problem in draft.problems]
        echo_json(told)
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")


def _resolved_so_far(root: Path) -> tuple[str, ...]:
    """Return what the lines of the file are about: a line can be undone although its question was renamed."""

    path = root / RESOLUTIONS
    return subjects(path.read_bytes(), RESOLUTIONS) if path.is_file() else ()


def _known_names(
    subject: str,
    state: str | None,
    questions: Mapping[str, Question],
    events: Mapping[str, Event],
    given: Mapping[str, Any],
) -> None:
    """Raise click.UsageError for an id or a state that there is not, and for outcomes that exclude each other."""

    if subject not in questions and subject not in events:
        msg = f"there is no question or event '{subject}'; {choice('they', subject, (*questions, *events))}"
        raise click.UsageError(msg)
    others = [name for name in ("void", "ambiguous", "undo") if given[name]]
    is_event = subject not in questions
    if is_event and {"void", "ambiguous"} & set(others):
        raise click.UsageError(
            f"'{subject}' is an event, which is settled in a state; void and ambiguous are questions"
        )
    if len(others) + (state is not None) != 1:
        allowed = "a state or --undo" if is_event else "a state, --void, --ambiguous or --undo"
        raise click.UsageError(f"say one outcome of '{subject}': {allowed}")
    states = events[subject].states if is_event else (YES, NO)
    if state is not None and state not in states:
        raise click.UsageError(f"'{subject}' cannot be '{state}'; {choice('states', state, states)}")


def _line(subject: str, state: str | None, question: Question | None, today: date, given: Mapping[str, Any]) -> Fields:
    """Return the line of the file, with the days that no option says.

    A no is of the question's last day; a question is void or ambiguous as of the day that this is known.
    """

    known: date = given["known"] or today
    day: date | None = given["day"]
    fields: Fields = {"undo" if given["undo"] else "event" if question is None else "question": subject}
    if state is not None:
        fields["state"] = state
    fields |= {name: True for name in ("void", "ambiguous") if given[name]}
    if not given["undo"]:
        if day is None:
            if question is None or state not in (None, NO):
                raise click.UsageError("say with --on DATE on which day it was so")
            if question.by > today and state == NO:
                raise click.UsageError(f"'{subject}' is open until {question.by}; a no cannot be known before")
            day = question.by if state == NO else known
        fields["on"] = day.isoformat()
    elif day is not None:
        raise click.UsageError("--undo takes no --on; --known says from when the line no longer counts")
    fields["known"] = known.isoformat()
    return fields | {name: given[name] for name in ("source", "note") if given[name] is not None}


def _what_it_does(workspace: Workspace, subject: str, fields: Fields, question: Question | None) -> str:
    known = fields["known"]
    if "undo" in fields:
        return f"what was resolved last of {subject} no longer counts from {known} on; before that day it did"
    if question is None:
        item = next(
            item for item in reversed(workspace.items) if item.id.startswith(f"resolved-{subject}-{fields['on']}")
        )
        return (
            f"{subject} is settled as {fields['state']} on {fields['on']}: item {item.id}, which counts from {known} on"
        )
    if "state" not in fields:
        return f"{subject} ends without an outcome from {known} on, and is not scored"
    experts = _experts_taught(workspace, question)
    taught = f"; it enters the track record of {', '.join(experts)}" if experts else ""
    return f"{subject} ends in {fields['state']}, from {known} on, and is scored{taught}"


def _experts_taught(workspace: Workspace, question: Question) -> list[str]:

    said = [one for one in workspace.statements if one.resolved is None and asks(one, question, workspace.network)]
    return sorted({one.expert for one in said})
