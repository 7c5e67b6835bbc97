"""`forecast add judgement` and `forecast team`: one's own numbers, given blind or not, and everybody's side by side."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from forecast.commands import running
from forecast.commands.running import Files, echo_json, opened, right
from forecast.digits import exact, interval, percent, score, score_difference
from forecast.plain import as_data
from forecast.workspace.drafts import LineDraft, draft_judgements, judgements_from
from forecast.workspace.files import read_outside
from forecast.workspace.problems import choice, nearest, one_form, quoted
from forecast.workspace.read import load
from forecast.workspace.read_benchmarks import AUTHOR, JUDGEMENT, JudgementRow, authors_of, judgement_id

if TYPE_CHECKING:
    from forecast.analysis.questions import QuestionStatus
    from forecast.analysis.team import OwnForecast, Team, TeamQuestion, TeamScore
    from forecast.workspace.records import AnyQuestion, Workspace

DEFAULT_SEED = 1  # of the pool, as of `forecast pool`
MOST_PERCENT = 100.0
WORDS = 3  # columns of words, which stand to the left; the rest are numbers


class _Probability(click.ParamType[float]):
    name = "probability"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from forecast.workspace.numbers import number_in

        number = number_in(str(value))
        if number is None:
            self.fail(f"'{value}' is no number; write a probability such as 0.2", param, ctx)
        if 1.0 < number <= MOST_PERCENT:
            self.fail(f"{value} is not a probability; {number:g} % is written {number / 100:g}", param, ctx)
        if not 0.0 <= number <= 1.0:
            self.fail(f"{value} is not a probability; a number from 0 to 1", param, ctx)
        return number


@click.command()
@click.argument("what", metavar="[QUESTION|FILE.csv]", required=False)
@click.argument("probability", metavar="[P]", type=_Probability(), required=False)
@running.workspace
@click.option("--author", default="", metavar="NAME", help="Whose judgement it is (default: the series `judgement`).")
@click.option("--blind", is_flag=True, help="Ask for each number before anybody else's is shown, then show them.")
@click.option("--on", "day", type=running.DATE, metavar="DATE", help="Day of the judgement (default: today, UTC).")
@click.option("--why", default="", metavar="TEXT", help="Why this number and not another.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def judgement(
    what: str | None, probability: float | None, root: Path, author: str, blind: bool, day: date | None, why: str,
    yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Record your own probability P of QUESTION, or a whole FILE.csv, in priors/judgements.csv.

    FILE has the columns question and probability, and may have date, why and author. With --blind and without QUESTION
    every open question is asked that the author has no number of on this day. A judgement never enters a forecast.
    """
    files, today = Files(root), running.today()
    workspace, on = load(root, today), day or today
    who = one_form(author.strip()) or JUDGEMENT
    if what is None and not blind:
        raise click.UsageError("name a question and its probability, or a FILE.csv; --blind asks for the numbers")
    is_file = what is not None and probability is None and not blind
    if is_file and what is not None:
        by_default = {"date": on.isoformat(), "why": why, AUTHOR: "" if who == JUDGEMENT else who}
        rows = _from_file(what, workspace, today, by_default)
    else:
        asked = _asked(workspace, what, who, on)
        _announce(workspace, [who])
        if probability is None:
            rows = _typed(asked, who, on, why, to_stderr=as_json)
        else:
            rows = tuple(_row(one, who, on, probability, why) for one in asked)
    if is_file:
        _announce(workspace, sorted({row.author for row in rows}))
    if not rows:
        _end(None, rows, {}, as_json=as_json, is_written=False)
        return

    def make() -> LineDraft:
        return draft_judgements(root, rows, today)

    draft = right(make())
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    if not as_json:
        click.echo(draft.added)
    try:
        is_wanted = yes or click.confirm(_question(draft, rows), default=True, err=as_json)
    except click.Abort:
        click.echo("\nnothing written; to add the same numbers:", err=True)
        for row in rows:
            given = ["forecast", "add", "judgement", row.question, repr(row.probability), "--on", str(row.day)]
            named = [] if row.author == JUDGEMENT else ["--author", row.author]
            click.echo(f"  {shlex.join([*given, *named, *(['--why', row.why] if row.why else [])])}", err=True)
        raise
    if is_wanted:
        draft = files.write(draft, make)
    beside = _beside(root, rows, on) if blind and is_wanted else {}
    _end(draft, rows, beside, as_json=as_json, is_written=is_wanted)


def _question(draft: LineDraft, rows: Sequence[JudgementRow]) -> str:
    return f"Write {'it' if len(rows) == 1 else f'these {len(rows)} rows'} to {draft.path}?"


def _row(question: AnyQuestion, who: str, on: date, probability: float, why: str) -> JudgementRow:
    return JudgementRow(line=1, day=on, question=question.id, author=who, probability=probability, why=why)


def _from_file(what: str, workspace: Workspace, today: date, by_default: Mapping[str, str]) -> tuple[JudgementRow, ...]:
    """Read a table of judgements. Raises click.UsageError and WorkspaceProblems."""
    path = Path(what)
    if not path.is_file():
        known = [one.id for one in workspace.yes_or_no]
        if what in known:
            raise click.UsageError(f"which probability has '{what}'? write it behind the question, or --blind")
        raise click.UsageError(f"there is no file '{what}', and no question of this name{nearest(what, known)}")
    return judgements_from(read_outside(path), path.as_posix(), workspace, today, by_default)


def _asked(workspace: Workspace, what: str | None, who: str, on: date) -> tuple[AnyQuestion, ...]:
    """Return the question that is named, or all that are open on a day and that an author has no number of then.

    Raises click.UsageError for a question that there is not.
    """
    from forecast.analysis.questions import resolution_on, status_on

    questions = {one.id: one for one in workspace.yes_or_no}
    if what is not None:
        if what in {one.id for one in workspace.asked} - questions.keys():
            raise click.UsageError(f"'{what}' asks for a date or a number, and a judgement is a probability of yes")
        if what not in questions:
            raise click.UsageError(f"there is no question '{what}'; {choice('questions', what, tuple(questions))}")
        return (questions[what],)
    return tuple(
        one
        for one in workspace.yes_or_no
        if status_on(one, resolution_on(workspace.resolutions, one.id, on), on) == "open"
        and (on, who) not in {(day, name) for day, name, _ in _points(workspace, one.id)}
    )


def _points(workspace: Workspace, question: str) -> Sequence[tuple[date, str, float]]:
    series = workspace.benchmarks.get(judgement_id(question))
    return () if series is None else series.points


def _announce(workspace: Workspace, authors: Sequence[str]) -> None:
    """Say of a name that is new which ones there are: one that is mistyped would be one more colleague."""
    known = sorted(authors_of(workspace.benchmarks) - {JUDGEMENT})
    for who in authors:
        if known and who not in (*known, JUDGEMENT):
            click.echo(f"'{who}' is a new author; so far there are {quoted(known)}{nearest(who, known)}", err=True)


def _typed(asked: Sequence[AnyQuestion], who: str, on: date, why: str, *, to_stderr: bool) -> tuple[JudgementRow, ...]:
    """Ask for the probability of each question, and why, with nobody else's number in sight."""
    rows: list[JudgementRow] = []
    for number, one in enumerate(asked, 1):
        click.echo(f"{number} of {len(asked)}: {one.question}", err=to_stderr)
        click.echo(f"  {one.id}, by {one.by}; {one.resolves}", err=to_stderr)

        def read(said: str) -> float | None:
            return None if said == "" else _Probability().convert(said, None, None)

        try:
            given: float | None = click.prompt(
                "  Your probability (empty: none)", "", show_default=False, value_proc=read, err=to_stderr
            )
            if given is None:
                continue
            reason = why or click.prompt("  Why (empty: none)", "", show_default=False, err=to_stderr)
        except click.Abort:
            if not rows:
                raise
            # Who stops in the middle of many questions does not mean to lose what was answered.
            click.echo(f"\nstopped at question {number} of {len(asked)}", err=True)
            break
        rows.append(_row(one, who, on, given, reason.strip()))
    return tuple(rows)


def _beside(root: Path, rows: Sequence[JudgementRow], on: date) -> dict[str, QuestionStatus]:
    """Return what the forecast and others say of the questions that were answered, by question."""
    with opened(root, on) as session:
        return {one.question: one for one in session.questions() if one.question in {row.question for row in rows}}


def _end(
    draft: LineDraft | None,
    rows: Sequence[JudgementRow],
    beside: Mapping[str, QuestionStatus],
    *,
    as_json: bool,
    is_written: bool,
) -> None:
    if as_json:
        path = "priors/judgements.csv" if draft is None else draft.path
        told: dict[str, object] = {"path": path, "written": is_written}
        said = [_as_json(row) for row in rows]
        told |= said[0] if len(said) == 1 else {"judgements": said}
        echo_json(told | ({"questions": as_data(tuple(beside.values()))} if beside else {}))
        return
    click.echo(f"written: {draft.path}" if is_written and draft is not None else "nothing written")
    for row in rows:
        if (one := beside.get(row.question)) is not None:
            click.echo(f"{row.question}: you {exact(row.probability)}, {_said_beside(one)}")


def _as_json(row: JudgementRow) -> dict[str, object]:
    of = {"date": row.day.isoformat(), "question": row.question, "probability": row.probability, "why": row.why}
    return of | {"author": None if row.author == JUDGEMENT else row.author}


def _said_beside(one: QuestionStatus) -> str:
    own = "it has ended" if one.probability is None else f"forecast {percent(one.probability, one.mcse)}"
    if one.probability is not None and one.quantiles is not None:
        own += f" (90 % in {interval(one.quantiles['0.05'], one.quantiles['0.95'], one.mcse)})"
    others = [f"{other.forecaster} {exact(other.probability)} ({other.date})" for other in one.benchmarks]
    base = [f"base rate {exact(one.base_rate.probability)}"] if one.base_rate else []
    return "; ".join([own, *others, *base])


@click.command()
@running.workspace
@running.as_of
@running.seed
@running.as_json
def team(root: Path, as_of: date | None, seed: int | None, as_json: bool) -> None:
    """Print everybody's judgements, pooled as `forecast pool` does, beside forecast, markets and base rates.

    Of questions that are resolved all of them are scored. --seed is that of the pool. Nothing is written.
    """
    with opened(root, as_of) as session:
        found = session.team(DEFAULT_SEED if seed is None else seed)
    if found.reasons:
        click.echo(f"warning: this pool is not reliable: {'; '.join(found.reasons)}", err=True)
    if as_json:
        echo_json(as_data(found))
        return
    if not found.questions:
        click.echo("nobody has judged a question; forecast add judgement QUESTION P --author NAME")
        return
    _print_questions(found.questions)
    if found.scores:
        click.echo()
        _print_scores(found.scores)
    _print_basis(found)


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.commands.readable import print_table

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left")
    for row in rows:
        grid.add_row(*map(Text, row))
    print_table(grid)


def _print_questions(questions: Sequence[TeamQuestion]) -> None:
    from shutil import get_terminal_size

    headings = ("question", "by", "outcome", "people", "pooled", "90 % interval", "forecast", "90 % interval")
    cells = [headings, *(_cells(one) for one in questions)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(headings))]
    for number, row in enumerate(cells):
        words, numbers = row[:WORDS], row[WORDS:]
        padded = [f"{cell:<{width}}" for cell, width in zip(words, widths, strict=False)]
        padded += [f"{cell:>{width}}" for cell, width in zip(numbers, widths[WORDS:], strict=True)]
        line = "  ".join(padded)
        click.secho(line.rstrip(), bold=number == 0)
        if number:
            for part in wrap(_others(questions[number - 1]), get_terminal_size().columns - 4, break_on_hyphens=False):
                click.secho(f"    {part}", dim=True)
            own = questions[number - 1].forecast
            if own is not None and own.basis != "today":
                click.secho(f"    forecast: {_basis(own)}", dim=True)


def _cells(one: TeamQuestion) -> tuple[str, ...]:
    ended = {1: "yes", 0: "no", None: one.status}[one.outcome]
    pooled = one.pooled
    own, its_interval = _own(one.forecast)
    middle = interval(pooled.low, pooled.high, None)
    return (
        one.question,
        str(one.by),
        ended,
        str(pooled.n),
        percent(pooled.probability, None),
        middle,
        own,
        its_interval,
    )


def _own(forecast: OwnForecast | None) -> tuple[str, str]:
    if forecast is None:
        return "-", "-"
    shown = percent(forecast.probability, forecast.mcse)
    if forecast.low is None or forecast.high is None:
        return shown, "-"
    return shown, interval(forecast.low, forecast.high, forecast.mcse)


def _others(one: TeamQuestion) -> str:
    said = [
        f"{other.forecaster} {exact(other.probability)} ({other.date})" for other in (*one.authors, *one.benchmarks)
    ]
    return "; ".join([*said, *([] if one.base_rate is None else [f"base rate {exact(one.base_rate)}"])])


def _basis(forecast: OwnForecast) -> str:
    if forecast.basis == "ledger":
        return f"line {forecast.line} of the ledger, as of {forecast.date}"
    return f"the replay of {forecast.date}"


def _print_scores(scores: Sequence[TeamScore]) -> None:
    rows = []
    for one in scores:
        less = one.less_pooled
        against = ("", "")
        if less is not None:  # of one question alone there is no interval
            middle = f"{score_difference(less.low, 4)} {score_difference(less.high, 4)}" if one.n > 1 else "-"
            against = (score_difference(less.mean, 4), middle)
        log = "infinite" if one.log is None else score(one.log, 4)
        name = one.name if one.basis is None else f"{one.name} ({one.basis})"
        rows.append((name, str(one.n), score(one.brier, 4), log, *against))
    _grid(("scores", "n", "Brier", "log", "Brier less pooled", "90 % interval"), rows)


def _print_basis(found: Team) -> None:
    click.echo()
    n_open = sum(one.outcome is None for one in found.questions)
    resolved = len(found.questions) - n_open
    parts = [
        f"as of {found.as_of}: {_counted(len(found.authors), 'person', 'people')}",
        _counted(n_open, "question without an outcome", "questions without an outcome"),
    ]
    parts.append(f"{resolved} resolved" if resolved else "none resolved, so there are no scores")
    click.echo(", ".join(parts))
    if resolved:
        click.echo("scores are of the day of each question's last judgement, and the pool does not know the outcome")
    bases = {one.forecast.basis for one in found.questions if one.outcome is not None and one.forecast is not None}
    if "ledger" in bases:
        click.echo("forecast (ledger): from lines that are older than the outcome; forecast verify")
    if "replay" in bases:
        click.echo("forecast (replay): computed later, from what was known then; no line of the ledger holds it")
    for line, why in found.not_proven.items():
        click.echo(f"line {line} of the ledger does not count: {why}")
    if any(one.outcome is not None and one.forecast is None for one in found.questions):
        click.echo("the forecast of a past day is in no line of the ledger; forecast backtest computes it, as a replay")
    if found.certain:
        are = "is" if found.certain == 1 else "are"
        click.echo(f"{_counted(found.certain, 'number', 'numbers')} of 0 or 1 {are} pooled as .001 or .999")
    if found.unjudged:
        click.echo(f"open and judged by nobody: {', '.join(found.unjudged)}")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
