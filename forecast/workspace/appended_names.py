"""What the lines of files name that are only ever appended to: resolutions and judgements, as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.files import JUDGEMENTS, RESOLUTIONS, InputFiles
from forecast.workspace.json_lines import parse_json_lines
from forecast.workspace.mentions import Named
from forecast.workspace.nodes import text_at
from forecast.workspace.problems import Source
from forecast.workspace.renames import Renames
from forecast.workspace.shapes.common import ISO_DAY


class Told(NamedTuple):
    """A name in a line: where, and of which day the line is."""

    named: Named
    where: Source
    day: date


def told_in(found: InputFiles) -> Iterator[Told]:
    """Yield the questions, events and states that resolutions and judgements name."""
    trees, _ = parse_json_lines(found.contents.get(RESOLUTIONS, b""), RESOLUTIONS)
    for tree in trees:
        where, day = Source(RESOLUTIONS, tree.line), _day(text_at(tree, "known"))
        question, event, state = (text_at(tree, key) for key in ("question", "event", "state"))
        if question is not None:
            yield Told(Named("question", question), where, day)
        if event is not None:
            yield Told(Named("event", event), where, day)
            if state is not None:
                yield Told(Named("state", state, event), where, day)
    if JUDGEMENTS in found.contents:
        table, _ = parse_csv(found.contents[JUDGEMENTS], JUDGEMENTS)
        if table is not None and {"date", "question"} <= set(table.header):
            at = table.header.index("question"), table.header.index("date")
            for line, cells in table.rows:
                yield Told(
                    Named("question", cells[at[0]].strip()), Source(JUDGEMENTS, line), _day(cells[at[1]].strip())
                )


def named_today(told: Told, renames: Renames) -> Named:
    """Return what a line names, called as it is today."""
    kind, name, event = told.named
    if event is not None:
        event, name = renames.state_today(event, name, told.where, told.day)
        return Named(kind, name, event)
    return Named(kind, renames.today(kind, name, told.where, told.day))


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text and ISO_DAY.fullmatch(text) else date.min
    except ValueError:
        return date.min
