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
from forecast.commands.running import Files, echo_json, one_or_all, opened, right, said
from forecast.digits import amount, change, exact, percent
from forecast.sampling.readings import asks
from forecast.workspace.drafts import LineDraft, draft_resolution
from forecast.workspace.files import RESOLUTIONS
from forecast.workspace.problems import Problem, WorkspaceProblems, choice
from forecast.workspace.question_table import draft_questions
from forecast.workspace.read import load
from forecast.workspace.read_questions import NO, UNDONE_ALREADY, YES, subjects
from forecast.workspace.records import NumberQuestion, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.analysis.asked import BinShare
    from forecast.analysis.questions import Due, Other, QuestionStatus
    from forecast.workspace.records import AnyQuestion, Event, Workspace


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


SHOWN_LEVELS = ("0.05", "0.5", "0.95")


def _print_all(rows: Sequence[QuestionStatus]) -> None:
    width = max((len(row.question) for row in rows), default=0)
    if not rows:
        click.echo("there are no questions; write them in priors/questions.yaml")
        return
    click.secho(f"{'question':{width}}  {'by':10}  {'status':9}  forecast, 90 % interval", bold=True)
    for row in rows:
        color = "yellow" if row.status == "due" else None
        left = f"{row.question:{width}}  {row.by}  "
        click.echo(left + click.style(f"{_status(row):9}", fg=color) + f"  {_in_short(row)}")
        for line in wrap(_others(row), get_terminal_size().columns - 4, break_on_hyphens=False):
            click.secho(f"    {line}", dim=True)
    click.echo("the latest number of each benchmark, which may resolve by other rules: `forecast questions NAME`")


def _in_short(row: QuestionStatus) -> str:
    """Write the answer on one line: a probability, the days of a date, the quantiles of a number."""
    if (by := row.date_answer) is not None:
        if by.taken is not None:
            return f"{by.taken}, settled"
        days = [f"{exact(float(level))} by {day}" for level, day in by.dates.items() if day and level in SHOWN_LEVELS]
        return "; ".join([*days, f"not by {row.by} {percent(by.missed, by.mcse)}"])
    if (number := row.number_answer) is not None:
        low, middle, high = (amount(number.quantiles[level]) for level in SHOWN_LEVELS)
        return f"{middle}, {low} to {high} {number.unit}"
    if row.given is not None and row.given.probability == 0.0:
        return "the condition can no longer come true"
    shown, interval = _forecast(row)
    numbers = "-" if row.probability is None else f"{shown}, {interval}"
    return f"{numbers}, {_under(row)}" if row.given is not None and row.probability is not None else numbers


def _day(row: QuestionStatus, day: date | None) -> str:
    return f"no day until {row.by}" if day is None else f"{day}"


def _under(row: QuestionStatus) -> str:
    given = row.given
    if given is None:
        return ""
    known = "" if given.probability is None else f" ({percent(given.probability, given.mcse)})"
    return f"if {given.condition}{known}"


def _others(row: QuestionStatus) -> str:
    base = [f"base rate {exact(row.base_rate.probability)}"] if row.base_rate else []
    rules = [f"by the rule of {one.reading} {percent(one.probability, one.mcse)}" for one in row.readings]
    return "; ".join([*(_other(one) for one in row.benchmarks), *base, *rules])


def _other(one: Other) -> str:
    return f"{one.forecaster} {exact(one.probability)} ({one.date:%Y-%m})"


def _status(row: QuestionStatus) -> str:
    if row.resolution is None or row.status != "resolved":
        return row.status
    value = row.resolution.value
    return str(row.resolution.state) if value is None else amount(value)


def _forecast(row: QuestionStatus) -> tuple[str, str]:

    if row.probability is None or row.quantiles is None:
        return "-", "-"
    shown = percent(row.probability, row.mcse)
    return shown, "settled" if row.is_decided else middle_90(row.quantiles, row.mcse)


def _print_one(row: QuestionStatus) -> None:
    click.echo(f"{row.text}\n{row.asks}, {row.opens} to {row.by}")
    if row.given is not None:
        click.echo(f"{_under(row)}; otherwise it is void")
        if row.given.probability == 0.0:
            click.echo(f"the condition can no longer come true: forecast resolve {row.question} --void")
    _print_answer(row)
    rules = {split.forecaster: f", by the rule of {rule.reading}" for rule in row.readings for split in rule.splits}
    for one in row.benchmarks:
        click.echo(f"{one.forecaster}   {exact(one.probability)} on {one.date}{rules.get(one.forecaster, '')}")
    if row.base_rate:
        base = row.base_rate
        between = "" if base.low is None or base.high is None else f", {exact(base.low)} to {exact(base.high)}"
        click.echo(f"base rate   {exact(base.probability)}{between} from {row.opens} on ({base.publisher}): {base.why}")
    _print_readings(row)
    if row.caution:
        click.echo(f"caution   {row.caution}")
    if row.resolution:
        ended = row.resolution
        why = f": {ended.note}" if ended.note else ""
        click.echo(f"ended   {_status(row)} on {ended.on}, known from {ended.known}{why}")
        if ended.source:
            click.echo(f"source   {ended.source}")
    elif row.status == "due":
        outcome = "VALUE" if row.kind == "number" else "yes|no"
        click.echo(f"it is due: forecast resolve {row.question} {outcome} --on DATE --source URL")


def _print_answer(row: QuestionStatus) -> None:
    shown, interval = _forecast(row)
    if row.probability is not None:
        click.echo(f"forecast   {shown}" + (", settled" if row.is_decided else f", 90 % in {interval}"))
    if (by := row.date_answer) is not None:
        if by.taken is not None:
            click.echo(f"forecast   {by.taken}, settled")
        else:
            click.echo("forecast   the day by which it has been taken with a probability of")
            for level, day in by.dates.items():
                click.echo(f"  {exact(float(level)):>5}   {_day(row, day)}")
            spread = "settled" if row.is_decided else f"90 % in {middle_90(by.quantiles, by.mcse)}"
            click.echo(f"not by {row.by}   {percent(by.missed, by.mcse)}, {spread}")
            click.echo("by the end of each day")
            for share in by.days:
                click.echo(f"  {share.day}   {percent(share.probability, None)}")
    if (number := row.number_answer) is not None:
        click.echo(f"forecast   in {number.unit}, the number that it does not exceed with a probability of")
        for level, value in number.quantiles.items():
            click.echo(f"  {exact(float(level)):>5}   {amount(value)}")
        low, high = (amount(number.mean_quantiles[level]) for level in ("0.05", "0.95"))
        click.echo(f"mean   {amount(number.mean)}, 90 % in {low} to {high}")
        for case in number.cases:
            click.echo(f"  {percent(case.probability, None):>5}   {case.case}")
        for one in number.bins:
            click.echo(f"  {percent(one.probability, None):>5}   {_bin(one)}")


def _bin(one: BinShare) -> str:
    if one.low is None:
        return "all" if one.high is None else f"below {amount(one.high)}"
    return f"{amount(one.low)} or more" if one.high is None else f"{amount(one.low)} to {amount(one.high)}"


def _print_readings(row: QuestionStatus) -> None:
    """Print what the forecast has for other rules, and what of each difference is the rule, what the belief."""
    for rule in row.readings:
        states, interval = " or ".join(rule.states), middle_90(rule.quantiles, rule.mcse)
        click.echo(f"by the rule of {rule.reading}   {percent(rule.probability, rule.mcse)}, 90 % in {interval}")
        click.echo(f"  {rule.event}: {states} by {rule.by}; {rule.resolves}")
        for one in rule.splits:
            whole = change(one.other_rule + one.other_belief, row.mcse)
            rules, belief = change(one.other_rule, row.mcse), change(one.other_belief, row.mcse)
            parts = f"{rules} is the other rule, {belief} another belief"
            click.echo(f"  {one.forecaster} is {whole} points from this forecast: {parts}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@running.workspace
@click.option("--yes", is_flag=True, help="Do not ask; write them if they have no problem.")
@running.as_json
def add_questions(file: Path, root: Path, yes: bool, as_json: bool) -> None:
    """Add the questions of a CSV table FILE to priors/questions.yaml, all of them or none.

    Columns: id, question, resolves, and about (EVENT=STATE, EVENT>=STATE or a scenario), when (EVENT=STATE) or unit;
    given, by, opens, topic, caution, benchmarks, publisher, title, url, base_rate, base_publisher and base_why where
    they are needed; of numbers bins, case and a column for each level; of other readings reading, reading_about,
    reading_by and reading_resolves. A row without an id is one more case or reading of the question above.
    """
    files, today = Files(root), running.today()
    content = file.read_bytes()

    def make() -> LineDraft:
        return draft_questions(root, content, str(file), today)

    draft = right(make())
    if not as_json:
        click.echo(draft.added, nl=False)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write them to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        echo_json({"path": draft.path, "written": is_wanted, "added": draft.added})
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")


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


WHOLE = 1e15  # up to which a number that is whole is written without a point
Fields = dict[str, "str | bool | float"]


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
    """Resolve the question ID as yes, no or a number, or settle the event ID in a state, in priors/resolutions.jsonl.

    Lines are only added: a mistake is undone by a later line. Nothing is written if there is a problem.
    """

    files, today = Files(root), running.today()
    question = None
    undoes_alone = given["undo"] and not (state or given["void"] or given["ambiguous"])
    # What is undone may be the very mistake for which the files cannot be read.
    if not undoes_alone or subject not in _resolved_so_far(root):
        workspace = load(root, today)
        questions = {question.id: question for question in workspace.asked}
        _known_names(subject, state, questions, workspace.network.events, given)
        question = questions.get(subject)
    fields = _line(subject, state, question, today, given)

    def make() -> LineDraft:
        return draft_resolution(root, fields, today)

    draft = make()
    idle = [problem for problem in draft.problems if problem.what.endswith(UNDONE_ALREADY) and given["undo"]]
    if draft.workspace is None or any(_is_of_last_line(problem, draft) for problem in idle):
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


def _is_of_last_line(problem: Problem, draft: LineDraft) -> bool:
    return problem.source.line == draft.content.count(b"\n")


def _resolved_so_far(root: Path) -> tuple[str, ...]:
    """Return what the lines of the file are about: a line can be undone although its question was renamed."""

    path = root / RESOLUTIONS
    return subjects(path.read_bytes(), RESOLUTIONS) if path.is_file() else ()


def _known_names(
    subject: str,
    state: str | None,
    questions: Mapping[str, AnyQuestion],
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
    if isinstance(questions.get(subject), NumberQuestion):
        if state is not None and _as_number(state) is None:
            raise click.UsageError(f"'{subject}' asks for a number; got '{state}'; digits, such as 1200 or 0.5")
        return
    states = events[subject].states if is_event else (YES, NO)
    if state is not None and state not in states:
        raise click.UsageError(f"'{subject}' cannot be '{state}'; {choice('states', state, states)}")


def _line(
    subject: str, state: str | None, question: AnyQuestion | None, today: date, given: Mapping[str, Any]
) -> Fields:
    """Return the line of the file, with the days that no option says.

    A no is of the question's last day; a question is void or ambiguous as of the day that this is known.
    """

    known: date = given["known"] or today
    day: date | None = given["day"]
    fields: Fields = {"undo" if given["undo"] else "event" if question is None else "question": subject}
    is_number = isinstance(question, NumberQuestion)
    value = _as_number(state) if is_number and state is not None else None
    if value is not None:
        fields["value"] = value
    elif state is not None:
        fields["state"] = state
    fields |= {name: True for name in ("void", "ambiguous") if given[name]}
    if not given["undo"]:
        if day is None:
            if question is None or (state not in (None, NO) and not is_number):
                raise click.UsageError("say with --on DATE on which day it was so")
            is_last = state == NO or value is not None
            if question.by > today and is_last:
                said = "a no" if value is None else "its number"
                raise click.UsageError(f"'{subject}' is open until {question.by}; {said} cannot be known before")
            day = question.by if is_last else known
        fields["on"] = day.isoformat()
    elif day is not None:
        raise click.UsageError("--undo takes no --on; --known says from when the line no longer counts")
    fields["known"] = known.isoformat()
    return fields | {name: given[name] for name in ("source", "note") if given[name] is not None}


def _as_number(text: str) -> float | None:
    """Read a number, whole where it is written so; None for anything else."""
    from forecast.workspace.numbers import number_in

    value = number_in(text)
    return None if value is None else int(value) if value.is_integer() and abs(value) < WHOLE else value


def _what_it_does(workspace: Workspace, subject: str, fields: Fields, question: AnyQuestion | None) -> str:
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
    if "value" in fields:
        return f"{subject} ends at {fields['value']}, from {known} on, and is scored"
    if "state" not in fields:
        return f"{subject} ends without an outcome from {known} on, and is not scored"
    experts = _experts_taught(workspace, question)
    taught = f"; it enters the track record of {', '.join(experts)}" if experts else ""
    return f"{subject} ends in {fields['state']}, from {known} on, and is scored{taught}"


def _experts_taught(workspace: Workspace, question: AnyQuestion) -> list[str]:

    if not isinstance(question, Question):
        return []
    said = [one for one in workspace.statements if one.resolved is None and asks(one, question, workspace.network)]
    return sorted({one.expert for one in said})
