"""`forecast import`: somebody else's file as evidence or as a benchmark of a workspace, shown before it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from forecast.commands import options
from forecast.commands.import_shown import Imported, Shown, known_event, refuse_taken
from forecast.workspace.evidence_forms.support import DECIBANS
from forecast.workspace.feeds.registry import ItemsFeed, feeds, names
from forecast.workspace.records import CANNOT_BE_JUDGED as LEAST

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STRENGTHS = f"{', '.join(list(DECIBANS)[:-1])} or {list(DECIBANS)[-1]}"
CREDIBILITY = f"Credibility of the count (default: {LEAST})."
YES = click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")


@click.group("import")
def import_() -> None:
    """Import another program's file, checked before anything is written."""


@import_.command()
@click.argument("file", type=FILE, nargs=-1, required=True)
@options.workspace
@click.option("--format", "form", type=click.Choice(names(evidence=True)), required=True, help="What the files hold.")
@click.option("--event", metavar="EVENT", help="The event that it concerns (a matrix without one: the scenarios).")
@click.option("--from", "first", type=options.DATE, metavar="DATE", help="First day of the window that is counted.")
@click.option("--to", "last", type=options.DATE, metavar="DATE", help="Last day of the window.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Count only these rows; may be repeated.")
@click.option("--whole", is_flag=True, help="The files hold all of the window, also where they have no rows.")
@click.option("--as", "way", type=click.Choice(["claims", "settled", "support"]), help="How the count enters the item.")
@click.option("--strength", metavar="WORD", help=f"Strength for --as support: {STRENGTHS}.")
@click.option("--source", metavar="ID", help="Source that counted, an id of evidence/sources.yaml.")
@click.option(
    "--credibility",
    type=click.IntRange(1, LEAST),
    metavar=f"1-{LEAST}",
    help=CREDIBILITY,
)
@click.option(
    "--reported", type=options.DATE, metavar="DATE", help="Day from which the count is public (default: today, UTC)."
)
@click.option("--group", metavar="NAME", help="Group of items that copy each other.")
@click.option("--url", metavar="URL", help="Where the files come from.")
@click.option("--id", "item_id", metavar="ID", help="Id of the item (default: FORMAT-EVENT-DATE).")
@YES
@options.as_json
def evidence(
    file: tuple[Path, ...], root: Path, form: str, event: str | None, yes: bool, as_json: bool, **given: Any
) -> None:
    """Write FILE as evidence: an ACH matrix, items by states or scenarios, or incidents counted over a window of days.

    Files of one coder are counted together. Nothing is written if there is a problem.
    """
    from forecast.commands.import_counts import CountOptions, import_counts
    from forecast.workspace.files import read_outside

    feed, options_given = feeds()[form], CountOptions(**given)
    if not isinstance(feed, ItemsFeed):
        if event is None:
            msg = f"--format {form} needs --event: incidents are counted for one event"
            raise click.UsageError(msg)
        read = [(name.name, read_outside(name, name.name)) for name in file]  # once: it may be a pipe
        counted_for = event
        Shown(yes, as_json).write(root, lambda: import_counts(read, root, form, counted_for, options_given))
        return
    said = options_given.given
    if said or len(file) > 1:
        msg = f"{', '.join(said) or 'several files'}: not with --format {form}, where one file says all"
        raise click.UsageError(msg)
    content = read_outside(file[0], file[0].name)  # once: it may be a pipe
    Shown(yes, as_json).write(root, lambda: _items(feed, file[0], content, root, event))


def _items(feed: ItemsFeed, file: Path, content: bytes, root: Path, event: str | None) -> Imported:
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems
    from forecast.workspace.read import load, read_workspace

    today = options.today()
    workspace = load(root, today)
    if event is not None:
        known_event(event, workspace.network.events)
    items = feed.read(content, file.name, event, workspace.network, workspace.scenarios)
    if not items.text:
        empty = Problem(Source(file.name, 1), "no items", "a header alone", "one row an item")
        raise WorkspaceProblems(items.problems or [empty])
    path = f"evidence/{today}-{file.stem}.yaml"
    refuse_taken(root, path)
    text = items.text.encode()
    _, before = read_workspace(root, today=today)
    checked, problems = read_workspace(root, today=today, drafts={path: text})
    new = [items.placed(problem, path, file.name) for problem in problems if problem not in before]
    if checked is None or items.problems:
        raise WorkspaceProblems({*new, *items.problems})
    return Imported(checked, path, text, new, {"items": len(items.lines)}, items.text)


@import_.command()
@click.argument("file", type=FILE)
@options.workspace
@click.option(
    "--format",
    "form",
    type=click.Choice(names(evidence=False)),
    required=True,
    help="What the file holds.",
)
@click.option(
    "--id", "benchmark_id", required=True, metavar="ID", help="Id of the benchmark: priors/benchmarks/ID.csv."
)
@click.option("--question", metavar="ID", help="The question, which has to name the benchmark.")
@click.option("--name", metavar="TEXT", help="Name of the forecaster (default: the format).")
@YES
@options.as_json
def benchmark(file: Path, root: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write a crowd's or market's history in FILE as a benchmark series: the last value of each day, in UTC.

    A benchmark is shown and scored beside the forecast; it is never evidence. Nothing is written if there is a problem.
    """
    from forecast.commands.import_benchmark import import_benchmark
    from forecast.workspace.files import read_outside

    content = read_outside(file, file.name)  # once: it may be a pipe
    Shown(yes, as_json).write(root, lambda: import_benchmark(content, file.name, root, **given))
