"""`forecast add`, and `add statement`: ask what was said, show how it is read, and write it to its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.add_evidence import evidence
from forecast.commands.add_judgement import judgement

if TYPE_CHECKING:
    from forecast.workspace.drafts import Draft


@click.group()
def add() -> None:
    """Add to the files of a workspace, checked before anything is written."""


add.add_command(evidence)
add.add_command(judgement)


@add.command()
@options.workspace
@click.option("--expert", metavar="ID", help="Who said it, an id of priors/experts.yaml.")
@click.option("--date", "day", type=options.DATE, metavar="DATE", help="When it was said (default: today, UTC).")
@click.option("--publisher", metavar="NAME", help="Where it was published.")
@click.option("--title", metavar="TEXT", help="Title of the publication.")
@click.option("--url", metavar="URL", help="Address of the publication.")
@click.option("--says", metavar="TEXT", help="A paraphrase.")
@click.option("--about", metavar="EVENT=STATES", help="EVENT=STATE[,STATE], or a scenario, or EVENT alone, or YAML.")
@click.option("--given", multiple=True, metavar="EVENT=STATES", help="A condition; may be repeated.")
@click.option("--by", metavar="DATE", help="By this day instead of the horizon.")
@click.option("--form", metavar="FORM", help="probability, quantiles, odds, word, times, odds_times, count, ...")
@click.option("--value", metavar="YAML", help="The value of the form, as in a file: 0.3 or {term: likely}.")
@click.option("--coded-by", metavar="NAME", help="Who put the number on the expert's words.")
@click.option("--why", metavar="TEXT", help="Why this number and not another.")
@click.option("--id", "statement_id", metavar="ID", help="Id of the statement (default: made from expert and date).")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@options.as_json
def statement(root: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Add a statement to priors/statements/EXPERT.yaml: asks, shows how it is read, and asks before writing.

    Options answer questions in advance. Nothing is written if the statement has a problem.
    """
    from forecast.commands.add_questions import Given, answer
    from forecast.commands.writing import Files, right
    from forecast.workspace.drafts import draft_statement

    files = Files(root)
    expert, fields = answer(root, Given(**given), ask=not yes, to_stderr=as_json)

    def make() -> Draft:
        return draft_statement(root, expert, fields, options.today())

    draft = right(make())
    if not as_json:
        _show(draft)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        click.echo(json.dumps(_as_json(draft, is_wanted), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")


def _show(draft: Draft) -> None:
    from forecast.commands import textplot
    from forecast.prior.as_read import as_read, levels
    from forecast.prior.readings import Stated, StatedDistribution, numbers
    from forecast.workspace.log_odds import logit, t4_cdf
    from forecast.workspace.records import Distribution

    workspace, added = draft.workspace, draft.statement
    if workspace is None or added is None:
        return
    click.echo(draft.added)
    said = numbers(added, workspace.experts, workspace.network)
    click.echo(f"read as {as_read(said)}")
    if isinstance(said, Stated) and said.against is None:
        location, scale = said.location, said.scale
        for line in textplot.density(lambda p: t4_cdf((logit(p) - location) / scale)):
            click.echo(f"  {line}")
        click.echo(f"  {levels(said)}")
    elif isinstance(said, StatedDistribution) and isinstance(added.reading, Distribution):
        for line in textplot.bars(list(added.reading.probabilities), said.probabilities):
            click.echo(f"  {line}")


def _as_json(draft: Draft, is_written: bool) -> dict[str, Any]:
    from forecast.prior.as_read import SHOWN_LEVELS, as_read, quantile
    from forecast.prior.readings import Stated, numbers
    from forecast.workspace.misfits import fit_of
    from forecast.workspace.nodes import plain

    read: dict[str, Any] = {}
    if draft.workspace is not None and draft.statement is not None:
        said = numbers(draft.statement, draft.workspace.experts, draft.workspace.network)
        read["text"] = as_read(said)
        if isinstance(said, Stated):
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
