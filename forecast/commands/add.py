"""`forecast add`: a statement or evidence, shown before it is written; judgements are in `team.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from rich.table import Table as Grid
from rich.text import Text

from forecast.commands import running
from forecast.commands.add_questions import StatementOptions, answer, missing
from forecast.commands.asking import until_settled
from forecast.commands.entry import begun
from forecast.commands.influence import print_distances
from forecast.commands.readable import bars, density, print_table, style_of
from forecast.commands.running import Files, echo_json, opened, right
from forecast.digits import before_after
from forecast.plain import as_data
from forecast.sampling.readings import numbers
from forecast.sampling.statements import SHOWN_LEVELS, as_read, in_words, levels, quantile
from forecast.workspace.drafts import BEARS_ON, draft_item, draft_statement
from forecast.workspace.evidence_forms import FORMS, MAY_END
from forecast.workspace.evidence_forms.form import DECAYED_AFTER_DAYS
from forecast.workspace.fits import logit, reading_cdf
from forecast.workspace.nodes import plain
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.records import CANNOT_BE_JUDGED as LEAST
from forecast.workspace.records import DEFAULT_RHO
from forecast.workspace.statement_forms import READINGS, fit_of
from forecast.workspace.statement_forms.form import StatedDistribution, StatedNumber

if TYPE_CHECKING:
    from forecast.analysis.chronology import ItemEffect, ScenarioEffect, StateEffect
    from forecast.analysis.distance import Distance
    from forecast.commands.evidence_questions import Answered
    from forecast.workspace.drafts import ItemDraft, StatementDraft
    from forecast.workspace.problems import Problem


CREDIBILITY = f"Credibility of this report, 1 confirmed to {LEAST} cannot be judged (default: {LEAST})."
RHO = f"Correlation of the copies in the group (default: {DEFAULT_RHO})."
TAKES_UP = click.option("--draft", is_flag=True, help="Go on with what was broken off or refused last.")


@click.command()
@running.workspace
@click.option("--expert", metavar="ID", help="Who said it, an id of priors/experts.yaml.")
@click.option("--date", "day", type=running.DATE, metavar="DATE", help="When it was said (default: today, UTC).")
@click.option("--publisher", metavar="NAME", help="Where it was published.")
@click.option("--title", metavar="TEXT", help="Title of the publication.")
@click.option("--url", metavar="URL", help="Address of the publication.")
@click.option("--says", metavar="TEXT", help="A paraphrase.")
@click.option("--about", metavar="EVENT=STATES", help="EVENT=STATE[,STATE], or a scenario, or EVENT alone, or YAML.")
@click.option("--given", multiple=True, metavar="EVENT=STATES", help="A condition; may be repeated.")
@click.option(
    "--when",
    multiple=True,
    metavar="EVENT=TIME",
    help="When the condition holds: at_once, a day, or at_horizon; may be repeated.",
)
@click.option("--by", metavar="DATE", help="By this day instead of the horizon.")
@click.option("--form", metavar="FORM", help=f"One of {', '.join(READINGS)}.")
@click.option("--value", metavar="YAML", help="The value of the form, as in a file: 0.3 or {term: likely}.")
@click.option("--coded-by", metavar="NAME", help="Who put the number on the expert's words.")
@click.option("--why", metavar="TEXT", help="Why this number and not another.")
@click.option("--id", "statement_id", metavar="ID", help="Id of the statement (default: made from expert and date).")
@TAKES_UP
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def statement(root: Path, draft: bool, yes: bool, as_json: bool, **given: Any) -> None:
    """Add a statement to priors/statements/EXPERT.yaml: asks, shows how it is read, and asks before writing.

    Options answer questions in advance. Nothing is written if the statement has a problem; what was typed is kept.
    """

    files = Files(root)
    may_ask = not yes and bool(missing(StatementOptions(**given)))
    entry = begun(root, "statement", given, takes_up=draft, may_ask=may_ask, to_stderr=as_json)
    said = StatementOptions(**entry.options)

    def attempt() -> _StatementAttempt:
        expert, fields, asking = answer(root, said, entry.talk, ask=not yes, to_stderr=as_json)

        def make() -> StatementDraft:
            return draft_statement(root, expert, fields, running.today())

        made = right(make())
        if not as_json:
            _show(made)
        way = _distance(root, made)
        if way is not None and not as_json:
            print_distances([way])
        for problem in made.problems:
            click.echo(str(problem), err=True)
        return _StatementAttempt(made, make, way, yes or asking.decided(f"Write it to {made.path}?"))

    with entry.kept():
        last = until_settled(entry.talk, attempt)
        made = files.write(last.draft, last.make) if last.is_wanted else last.draft
    entry.end() if last.is_wanted else entry.keep()
    if as_json:
        echo_json({**_as_json(made, last.is_wanted), "distance": as_data(last.way)})
    else:
        click.echo(f"written: {made.path}" if last.is_wanted else "nothing written")


class _StatementAttempt(NamedTuple):
    """A statement as it was answered, how it is made anew, its way to what is implied, whether it is to be written."""

    draft: StatementDraft
    make: Callable[[], StatementDraft]
    way: Distance | None
    is_wanted: bool


def _distance(root: Path, draft: StatementDraft) -> Distance | None:
    """Return how far from what is stated the draws of all other statements put it, where such draws are kept."""

    if draft.workspace is None or draft.statement is None:
        return None
    with opened(root) as session:
        return session.distance_of(draft.workspace, draft.statement.id)


def _show(draft: StatementDraft) -> None:

    workspace, added = draft.workspace, draft.statement
    if workspace is None or added is None:
        return
    click.echo(draft.added)
    said = numbers(added, workspace.experts, workspace.network)
    click.echo(f"read as {as_read(said)}")
    if added.about.given:
        click.echo(f"of {in_words(added, workspace.network)}")
    if isinstance(said, StatedNumber) and said.against is None:
        location, scale = said.location, said.scale
        for line in density(lambda p: reading_cdf((logit(p) - location) / scale, exact=said.is_exact)):
            click.echo(f"  {line}")
        click.echo(f"  {levels(said)}")
    elif isinstance(said, StatedDistribution) and added.about.condition is not None:
        for line in bars(added.about.condition.states, said.probabilities):
            click.echo(f"  {line}")


def _as_json(draft: StatementDraft, is_written: bool) -> dict[str, Any]:

    read: dict[str, object] = {}
    if draft.workspace is not None and draft.statement is not None:
        said = numbers(draft.statement, draft.workspace.experts, draft.workspace.network)
        read["text"] = as_read(said)
        read["of"] = in_words(draft.statement, draft.workspace.network)
        if isinstance(said, StatedNumber):
            read |= {"location": said.location, "sd": said.scale}
            read["quantiles"] = {str(level): quantile(said, level) for level in SHOWN_LEVELS}
        found = fit_of(draft.statement.reading)
        if found is not None:
            points, fit, *_ = found
            read["fit"] = {
                "stated": [{"level": level, "probability": p} for level, p in points],
                "fitted_levels": fit.fitted,
                "beta": fit.beta,
            }
    return {
        "path": draft.path,
        "written": is_written,
        "statement": {key: plain(value) for key, value in draft.fields.items()},
        "read_as": read,
        "problems": [str(problem) for problem in draft.problems],
    }


def _options_of_forms(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each form of evidence, by its key; what is said of the scenarios is said once."""
    for form in reversed(FORMS):
        more = "; may be repeated." if form.is_on_event else "."
        name, words = f"--{form.key}", f"{form.help}{more}"
        command = click.option(name, multiple=form.is_on_event, metavar=form.metavar, help=words)(command)
    return command


@click.command()
@running.workspace
@click.option("--headline", metavar="TEXT", help="What is reported, in one sentence.")
@click.option(
    "--reported", type=running.DATE, metavar="DATE", help="Day from which it was public (default: today, UTC)."
)
@click.option("--happened", type=running.DATE, metavar="DATE", help="When it happened.")
@click.option("--source", metavar="ID", help="The source, an id of evidence/sources.yaml or a new one.")
@click.option("--source-name", metavar="NAME", help="The name of a new source.")
@click.option("--grade", metavar="LETTER", help="The Admiralty grade of a new source, A to F.")
@click.option(
    "--credibility",
    metavar=f"1-{LEAST}",
    help=CREDIBILITY,
)
@click.option("--group", metavar="NAME", help="Group of items that copy each other.")
@click.option("--rho", type=running.NUMBER, metavar="R", help=RHO)
@click.option("--independent", metavar="WHY", help="Why it is no copy of what others report of its day.")
@click.option("--url", metavar="URL", help="Address of the report.")
@click.option("--why", metavar="TEXT", help="Why it weighs this much and not more.")
@_options_of_forms
@click.option("--until", metavar="DATE", help=f"Day by which {MAY_END} decay (default: {DECAYED_AFTER_DAYS} days).")
@click.option("--supersedes", metavar="ID", help="The item that this one corrects.")
@click.option("--id", "item_id", metavar="ID", help="Id of the item (default: made from date and headline).")
@running.as_of
@running.seed
@click.option("--no-effect", is_flag=True, help="Do not compute its effect on the forecast.")
@click.option("--dry-run", is_flag=True, help="Show its effect; write nothing.")
@TAKES_UP
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def evidence(
    root: Path, as_of: date | None, seed: int | None, no_effect: bool, dry_run: bool, draft: bool, yes: bool,
    as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Add an evidence item in its own file: asks, shows its effect on the forecast, and asks before writing.

    Options answer questions in advance. Nothing is written if the item has a problem; what was typed is kept.
    """
    from forecast.commands.evidence_questions import answer, evidence_options, fitted, missing

    files = Files(root)
    may_ask = not yes and bool(missing(evidence_options(given)))
    entry = begun(root, "evidence", given, takes_up=draft, may_ask=may_ask, to_stderr=as_json)
    said = evidence_options(entry.options)

    def attempt() -> _ItemAttempt:
        answered, asking = answer(root, said, entry.talk, as_of, ask=not yes, to_stderr=as_json)
        made = right(_draft(root, answered))
        effect, doubts = _effect(answered, made, root, as_of, seed, is_wanted=not no_effect)
        problems = (*made.problems, *doubts)
        if not as_json:
            _show_of_add_evidence(made, effect)
        for problem in problems:
            click.echo(str(problem), err=True)
        return _ItemAttempt(answered, made, effect, problems, not dry_run and (yes or asking.decided(_question(made))))

    with entry.kept():
        last = until_settled(entry.talk, attempt)
        answered, made = last.answered, last.draft

        def again() -> ItemDraft:
            nonlocal answered
            answered = fitted(root, answered, is_named=said.item_id is not None)
            return _draft(root, answered)

        if last.is_wanted:
            made = files.write(made, again)
    if last.is_wanted:
        entry.end()
    elif not dry_run:
        entry.keep()
    if as_json:
        echo_json(_as_json_of_add_evidence(answered, last.effect, last.problems, last.is_wanted))
    else:
        click.echo(f"written: {', '.join(made.contents)}" if last.is_wanted else "nothing written")


class _ItemAttempt(NamedTuple):
    """An item as it was answered, what it does, its problems, and whether it is to be written."""

    answered: Answered
    draft: ItemDraft
    effect: ItemEffect | None
    problems: tuple[Problem, ...]
    is_wanted: bool


def _draft(root: Path, answered: Answered) -> ItemDraft:

    return draft_item(
        root,
        answered.path,
        answered.fields,
        answered.bearings,
        answered.new_source,
        running.today(),
        answered.problems,
    )


def _effect(
    answered: Answered, draft: ItemDraft, root: Path, as_of: date | None, seed: int | None, *, is_wanted: bool
) -> tuple[ItemEffect | None, tuple[Problem, ...]]:
    """Return what the item does, and doubts that it raises. Raises WorkspaceProblems for an item that is wrong."""

    if draft.workspace is None or draft.item is None:
        raise WorkspaceProblems(draft.problems)
    if not is_wanted:
        return None, ()

    with opened(root, as_of, seed) as session:
        return session.effect(answered.workspace, draft.workspace, draft.item)


def _question(draft: ItemDraft) -> str:
    return f"Write it to {' and '.join(draft.contents)}?"


def _show_of_add_evidence(draft: ItemDraft, effect: ItemEffect | None) -> None:
    click.echo(draft.added)
    if effect is None:
        return
    _print_rows("scenario", [(row.id, "", row) for row in effect.scenarios])
    click.echo()
    named = [
        (event.id if place == 0 else "", row.state, row)
        for event in effect.events
        for place, row in enumerate(event.states)
    ]
    _print_rows("event", named)
    click.echo(f"as of {effect.as_of}, with all other evidence; change in percentage points")
    if not effect.counts:
        click.echo("it is reported later, so it does not count yet")


def _print_rows(kind: str, rows: Sequence[tuple[str, str, ScenarioEffect | StateEffect]]) -> None:

    with_state = any(state for _, state, _ in rows)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in (kind, "state") if with_state else (kind,):
        grid.add_column(heading)
    for heading in ("before", "after", "change"):
        grid.add_column(heading, justify="right")
    for name, state, row in rows:
        *numbers, shown = before_after((row.before, row.mcse), (row.probability, row.mcse), (row.change, row.mcse))
        labels = (name, state) if with_state else (name,)
        grid.add_row(*map(Text, (*labels, *numbers)), Text(shown, style=style_of(shown)))
    print_table(grid)


def _as_json_of_add_evidence(
    answered: Answered, effect: ItemEffect | None, problems: Sequence[Problem], is_written: bool
) -> dict[str, object]:

    item = {key: plain(value) for key, value in answered.fields.items()}
    item[BEARS_ON] = [plain(bearing) for bearing in answered.bearings]
    new = answered.new_source
    return {
        "path": answered.path,
        "written": is_written,
        "item": item,
        "new_source": {"id": new[0], **plain(new[1])} if new else None,
        "effect": as_data(effect),
        "problems": [str(problem) for problem in problems],
    }
