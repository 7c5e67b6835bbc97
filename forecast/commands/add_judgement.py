"""`forecast add judgement`: one's own probability of a question, as one more series that is scored."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click

from forecast.commands import options


class _Probability(click.ParamType[float]):
    name = "probability"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(str(value))
        except ValueError:
            self.fail(f"'{value}' is no number; write a probability such as 0.2", param, ctx)
        if 1.0 < number <= 100.0:
            self.fail(f"{value} is no probability; {number:g} % is written {number / 100:g}", param, ctx)
        if not 0.0 <= number <= 1.0:
            self.fail(f"{value} is no probability; a number from 0 to 1", param, ctx)
        return number


@click.command()
@click.argument("question")
@click.argument("probability", metavar="P", type=_Probability())
@options.workspace
@click.option("--on", "day", type=options.DATE, metavar="DATE", help="Day of the judgement (default: today, UTC).")
@click.option("--why", default="", metavar="TEXT", help="Why this number and not another.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@options.as_json
def judgement(
    question: str, probability: float, root: Path, day: date | None, why: str, yes: bool, as_json: bool
) -> None:
    """Record your own probability P of QUESTION in priors/judgements.csv. It never enters a forecast."""
    from forecast.commands.writing import Files, right
    from forecast.workspace.draft_lines import LineDraft, draft_judgement
    from forecast.workspace.problems import choice
    from forecast.workspace.read import load

    files, today = Files(root), options.today()
    known = [one.id for one in load(root, today).questions]
    if question not in known:
        msg = f"there is no question '{question}'; {choice('questions', question, known)}"
        raise click.UsageError(msg)

    def make() -> LineDraft:
        return draft_judgement(root, day or today, question, probability, why, today)

    draft = right(make())
    if not as_json:
        click.echo(draft.added)
    is_wanted = yes or click.confirm(f"Write it to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        said = {"date": (day or today).isoformat(), "question": question, "probability": probability, "why": why}
        click.echo(json.dumps({"path": draft.path, "written": is_wanted, **said}, ensure_ascii=False, indent=1))
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")
