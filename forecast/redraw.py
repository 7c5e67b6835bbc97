"""The report of a forecast that is already recorded, drawn again from the files as they are now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from forecast import pipeline
from forecast.files import read_in, replace_file
from forecast.lock import locked
from forecast.publish import Asked, material, published, write_index
from forecast.record.ledger import Line, read_ledger, same_inputs

Progress = Callable[[str], None]


class NotRecordedError(ValueError):
    """No ledger line is of the date, or the files are no longer those that its forecast came from."""


def recorded(root: Path, today: date, progress: Progress, as_of: date | None = None) -> Asked:
    """Compute anew what the ledger holds: the latest forecast, or the latest as of a date.

    An update of a date on which nothing was new has no line; it is drawn by the line that held.

    Raises NotRecordedError, and WorkspaceProblems.
    """
    ledger = read_ledger(root)
    place = _place(root, ledger, as_of)
    line = ledger[place]
    day, held = as_of or date.fromisoformat(line["as_of"]), date.fromisoformat(line["as_of"])
    until = place + 1  # lines after it were not there when it was compared
    found = pipeline.conclude(root, today, progress, as_of=day, seed=line["seed"], attribute=False, n_lines=until)
    if not same_inputs(found.line, line):
        quiet = "" if day == held else f"nothing was new on {day}: the forecast of {held} held; and "
        raise NotRecordedError(f"{quiet}the files have changed since the forecast of {held}; run `forecast update`")
    return pipeline.asked_of(replace(found, ledger=ledger[:until], is_new=False))


def _place(root: Path, ledger: Sequence[Line], as_of: date | None) -> int:
    """Return where the line of a forecast stands: the latest of its date or, of an update with nothing new, that held.

    Such an update has a folder and no line of its own. Raises NotRecordedError.
    """
    if as_of is None and ledger:
        return len(ledger) - 1
    days = [date.fromisoformat(line["as_of"]) for line in ledger]
    before = [(day, place) for place, day in enumerate(days) if as_of is not None and day <= as_of]
    is_there = as_of is not None and read_in(root / "reports" / as_of.isoformat(), "forecast.json") is not None
    if before and (is_there or max(before)[0] == as_of):
        return max(before)[1]
    what = f"no forecast as of {as_of}" if as_of else "no forecast yet"
    latest = f"; the latest before it is of {max(before)[0]}" if before else ""
    date_wanted = f" --as-of {as_of}" if ledger else ""
    raise NotRecordedError(f"{what} in {root / 'reports'}{latest}; run `forecast update{date_wanted}` first")


def redraw(asked: Asked, progress: Progress) -> Path:
    """Write the files of the report, each of them whole or not at all, and the list of updates; return the folder.

    Raises NotRecordedError where an update of the same date was written while it was drawn.
    """
    day = asked.outcome.as_of.isoformat()
    folder = asked.root / "reports" / day
    drawn = published(asked, progress)
    with locked(asked.root):
        ledger = read_ledger(asked.root)
        if _of_day(ledger, day) != _of_day(asked.ledger, day):
            raise NotRecordedError(f"another update as of {day} was written meanwhile; run `forecast report` again")
        for name, content in drawn.items():
            replace_file(folder / name, content)
        write_index(asked.root, asked.outcome, ledger)
    return folder


def _of_day(ledger: Sequence[Line], day: str) -> list[Line]:
    return [line for line in ledger if line["as_of"] == day]


def brief_of(asked: Asked, progress: Progress) -> str:
    """Write the report on one page of Markdown."""
    from forecast.report.write import report_brief

    return report_brief(material(asked, progress), progress)
