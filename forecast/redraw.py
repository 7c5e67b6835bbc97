"""The report of a forecast that is already recorded, drawn again from the files as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from forecast import pipeline
from forecast.files import replace_file
from forecast.lock import locked
from forecast.publish import Asked, material, published, write_index
from forecast.record.ledger import read_ledger, same_inputs

Progress = Callable[[str], None]


class NotRecordedError(ValueError):
    """No ledger line is of the date, or the files are no longer those that its forecast came from."""


def recorded(root: Path, today: date, progress: Progress, as_of: date | None = None) -> Asked:
    """Compute anew what the ledger holds: the latest forecast, or the latest as of a date.

    Raises NotRecordedError, and WorkspaceProblems.
    """
    ledger = read_ledger(root)
    places = [place for place, line in enumerate(ledger) if as_of in {None, date.fromisoformat(line["as_of"])}]
    if not places:
        what = f"no forecast as of {as_of}" if as_of else "no forecast yet"
        raise NotRecordedError(f"{what} in {root / 'reports'}; run `forecast update` first")
    line = ledger[places[-1]]
    day = date.fromisoformat(line["as_of"])
    until = places[-1] + 1  # lines after it were not there when it was compared
    found = pipeline.conclude(root, today, progress, as_of=day, seed=line["seed"], attribute=False, n_lines=until)
    if not same_inputs(found.line, line):
        raise NotRecordedError(f"the files have changed since the forecast of {day}; run `forecast update`")
    return pipeline.asked_of(replace(found, ledger=ledger[:until], is_new=False))


def redraw(asked: Asked, progress: Progress) -> Path:
    """Write the files of the report, each of them whole or not at all, and the list of updates; return the folder.

    Raises NotRecordedError where an update of the same date was written while it was drawn.
    """
    day = asked.outcome.as_of.isoformat()
    folder = asked.root / "reports" / day
    drawn = published(asked, progress)
    with locked(asked.root):
        ledger = read_ledger(asked.root)
        if [line for line in ledger if line["as_of"] == day][-1] != asked.ledger[-1]:
            raise NotRecordedError(f"another update as of {day} was written meanwhile; run `forecast report` again")
        for name, content in drawn.items():
            replace_file(folder / name, content)
        write_index(asked.root, asked.outcome, ledger)
    return folder


def brief_of(asked: Asked, progress: Progress) -> str:
    """Write the report on one page of Markdown."""
    from forecast.report.write import report_brief

    return report_brief(material(asked, progress), progress)
