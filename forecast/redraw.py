"""The report of a forecast that is already recorded, drawn again from the files as they are now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from forecast import pipeline
from forecast.files import replace_file
from forecast.lock import locked
from forecast.publish import Asked, material, published, write_index
from forecast.record.entries import Line
from forecast.record.ledger import read_ledger, same_inputs
from forecast.record.renamed import called_today

Progress = Callable[[str], None]


class NotRecordedError(ValueError):
    """No ledger line is of the date, or the files are no longer those that its forecast came from."""


def recorded(root: Path, today: date, progress: Progress, as_of: date | None = None) -> Asked:
    """Compute anew what the ledger holds: the latest forecast, or the latest as of a date.

    An update of a date on which nothing was new has no line; it is drawn by the line that held.

    Raises NotRecordedError, and WorkspaceProblems.
    """
    ledger = read_ledger(root)
    line = _line(root, ledger.updates, as_of)
    day, held = as_of or line.as_of, line.as_of
    until = line.number  # lines after it were not there when it was compared
    found = pipeline.conclude(root, today, progress, as_of=day, seed=line.seed, attribute=False, n_lines=until)
    updates = found.ledger.updates  # with the names of today
    if not same_inputs(found.line, updates[-1]):
        quiet = "" if day == held else f"nothing was new on {day}: the forecast of {held} held; and "
        raise NotRecordedError(f"{quiet}the files have changed since the forecast of {held}; run `forecast update`")
    return pipeline.asked_of(replace(found, is_new=False))


def _line(root: Path, updates: Sequence[Line], as_of: date | None) -> Line:
    """Return the line of a forecast: the latest of its date or, of an update with nothing new, that held.

    Such an update has a folder and no line of its own. Raises NotRecordedError.
    """
    if as_of is None and updates:
        return updates[-1]
    before = [line for line in updates if as_of is not None and line.as_of <= as_of]
    # Of several of one date the last one counts.
    latest = max(reversed(before), key=lambda line: line.as_of, default=None)
    is_there = as_of is not None and (root / "reports" / as_of.isoformat() / "forecast.json").exists()
    if latest is not None and (is_there or latest.as_of == as_of):
        return latest
    what = f"no forecast as of {as_of}" if as_of else "no forecast yet"
    before_it = "" if latest is None else f"; the latest before it is of {latest.as_of}"
    date_wanted = f" --as-of {as_of}" if updates else ""
    raise NotRecordedError(f"{what} in {root / 'reports'}{before_it}; run `forecast update{date_wanted}` first")


def redraw(asked: Asked, progress: Progress) -> Path:
    """Write the files of the report, each of them whole or not at all, and the list of updates; return the folder.

    Raises NotRecordedError where an update of the same date was written while it was drawn.
    """
    day = asked.outcome.as_of.isoformat()
    folder = asked.root / "reports" / day
    drawn = published(asked, progress)
    with locked(asked.root):
        updates = called_today(read_ledger(asked.root), asked.outcome.workspace).updates
        if _of_day(updates, asked.outcome.as_of) != _of_day(asked.ledger, asked.outcome.as_of):
            raise NotRecordedError(f"another update as of {day} was written meanwhile; run `forecast report` again")
        for name, content in drawn.items():
            replace_file(folder / name, content)
        write_index(asked.root, asked.outcome, updates)
    return folder


def _of_day(updates: Sequence[Line], day: date) -> list[Line]:
    return [line for line in updates if line.as_of == day]


def brief_of(asked: Asked, progress: Progress) -> str:
    """Write the report on one page of Markdown."""
    from forecast.report.write import report_brief

    return report_brief(material(asked, progress), progress)
