"""`forecast add evidence`: ask what was reported, show what it does to the forecast, and write it to its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options

if TYPE_CHECKING:
    from forecast.commands.evidence_questions import Answered
    from forecast.workspace.draft_items import ItemDraft
    from forecast.workspace.problems import Problem

SPEAKING = ("settled", "likelihood", "support", "claims", "scenarios", "until")


@click.command()
@options.workspace
@click.option("--headline", metavar="TEXT", help="What is reported, in one sentence.")
@click.option(
    "--reported", type=options.DATE, metavar="DATE", help="Day from which it was public (default: today, UTC)."
)
@click.option("--happened", type=options.DATE, metavar="DATE", help="When it happened.")
@click.option("--source", metavar="ID", help="The source, an id of evidence/sources.yaml or a new one.")
@click.option("--source-name", metavar="NAME", help="The name of a new source.")
@click.option("--grade", metavar="LETTER", help="The Admiralty grade of a new source, A to F.")
@click.option(
    "--credibility", metavar="1-6", help="Credibility of this report, 1 confirmed to 6 cannot be judged (default: 6)."
)
@click.option("--group", metavar="NAME", help="Group of items that copy each other.")
@click.option("--rho", type=float, metavar="R", help="Correlation of the copies in the group (default: 0.9).")
@click.option("--url", metavar="URL", help="Address of the report.")
@click.option("--why", metavar="TEXT", help="Why it weighs this much and not more.")
@click.option("--settled", multiple=True, metavar="EVENT=STATE", help="Public, hard and dated; may be repeated.")
@click.option("--likelihood", multiple=True, metavar="EVENT=NUMBERS", help="P(report) in each state; may be repeated.")
@click.option("--support", multiple=True, metavar="EVENT=STATES:STRENGTH", help="A verbal weight; may be repeated.")
@click.option(
    "--claims", multiple=True, metavar="EVENT=STATE", help="The report says that it is already so; may be repeated."
)
@click.option("--scenarios", metavar="NUMBERS", help="P(report) in each scenario, in order, and in `other`.")
@click.option(
    "--until", metavar="DATE", help="Day by which likelihood, support and scenarios decay (default: 180 days)."
)
@click.option("--supersedes", metavar="ID", help="The item that this one corrects.")
@click.option("--id", "item_id", metavar="ID", help="Id of the item (default: made from date and headline).")
@options.as_of
@options.seed
@click.option("--no-effect", is_flag=True, help="Do not compute its effect on the forecast.")
@click.option("--dry-run", is_flag=True, help="Show its effect; write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@options.as_json
def evidence(
    root: Path, as_of: date | None, seed: int | None, no_effect: bool, dry_run: bool, yes: bool, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Add an evidence item in its own file: asks, shows its effect on the forecast, and asks before writing.

    Options answer questions in advance. Nothing is written if the item has a problem.
    """
    from forecast.commands.bearing_questions import Bearings
    from forecast.commands.evidence_questions import Given, answer, fitted
    from forecast.commands.writing import Files, right

    files = Files(root)
    bearings = Bearings(**{name: given.pop(name) for name in SPEAKING})
    answered = answer(root, Given(**given, bearings=bearings), ask=not yes, to_stderr=as_json)
    draft = right(_draft(root, answered))
    effect, doubts = _effect(answered, draft, root, as_of, seed, is_wanted=not no_effect)
    problems = (*draft.problems, *doubts)
    if not as_json:
        _show(draft, effect)
    for problem in problems:
        click.echo(str(problem), err=True)
    is_wanted = not dry_run and (yes or click.confirm(_question(draft), default=True, err=as_json))

    def again() -> ItemDraft:
        nonlocal answered
        answered = fitted(root, answered, is_named=given["item_id"] is not None)
        return _draft(root, answered)

    if is_wanted:
        draft = files.write(draft, again)
    if as_json:
        found = _as_json(answered, effect, problems, is_wanted)
        click.echo(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        click.echo(f"written: {', '.join(draft.contents)}" if is_wanted else "nothing written")


def _draft(root: Path, answered: Answered) -> ItemDraft:
    from forecast.workspace.draft_items import draft_item

    return draft_item(
        root,
        answered.path,
        answered.fields,
        answered.bearings,
        answered.new_source,
        options.today(),
        answered.problems,
    )


def _effect(
    answered: Answered, draft: ItemDraft, root: Path, as_of: date | None, seed: int | None, *, is_wanted: bool
) -> tuple[dict[str, Any] | None, tuple[Problem, ...]]:
    """Return what the item does, and doubts that it raises. Raises WorkspaceProblems for an item that is wrong."""
    from forecast.workspace.problems import WorkspaceProblems

    if draft.workspace is None or draft.item is None:
        raise WorkspaceProblems(draft.problems)
    if not is_wanted:
        return None, ()
    from forecast import pipeline
    from forecast.commands.progress import Progress

    progress = Progress()
    try:
        return pipeline.item_effect(
            root,
            answered.workspace,
            draft.workspace,
            draft.item,
            as_of or options.today(),
            progress,
            seed=pipeline.DEFAULT_SEED if seed is None else seed,
        )
    finally:
        progress.done()


def _question(draft: ItemDraft) -> str:
    return f"Write it to {' and '.join(draft.contents)}?"


def _show(draft: ItemDraft, effect: Mapping[str, Any] | None) -> None:
    click.echo(draft.added)
    if effect is None:
        return
    _print_rows("scenario", [(row["id"], "", row) for row in effect["scenarios"]])
    click.echo()
    named = [
        (event["id"] if place == 0 else "", row["state"], row)
        for event in effect["events"]
        for place, row in enumerate(event["states"])
    ]
    _print_rows("event", named)
    click.echo(f"as of {effect['as_of']}, with all other evidence; change in percentage points")
    if not effect["counts"]:
        click.echo("it is reported later, so it does not count yet")


def _print_rows(kind: str, rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.commands.readable import style_of
    from forecast.digits import change, percent

    with_state = any(state for _, state, _ in rows)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in (kind, "state") if with_state else (kind,):
        grid.add_column(heading)
    for heading in ("before", "after", "change"):
        grid.add_column(heading, justify="right")
    for name, state, row in rows:
        shown = change(row["change"], row["mcse"])
        numbers = [percent(row[key], row["mcse"]) for key in ("before", "probability")]
        labels = (name, state) if with_state else (name,)
        grid.add_row(*map(Text, (*labels, *numbers)), Text(shown, style=style_of(shown)))
    Console(highlight=False, soft_wrap=False).print(grid)


def _as_json(
    answered: Answered, effect: dict[str, Any] | None, problems: Sequence[Problem], is_written: bool
) -> dict[str, Any]:
    from forecast.workspace.draft_items import BEARS_ON
    from forecast.workspace.nodes import plain

    item = {key: plain(value) for key, value in answered.fields.items()}
    item[BEARS_ON] = [plain(bearing) for bearing in answered.bearings]
    new = answered.new_source
    return {
        "path": answered.path,
        "written": is_written,
        "item": item,
        "new_source": {"id": new[0], **plain(new[1])} if new else None,
        "effect": effect,
        "problems": [str(problem) for problem in problems],
    }
