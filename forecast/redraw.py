"""The report of a forecast that is already recorded, drawn again from the files or from what was kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from forecast import pipeline
from forecast.files import read_in, replace_file, replace_folder
from forecast.ledger.entries import Line
from forecast.ledger.kept import DamagedInputError, kept_inputs
from forecast.ledger.ledger import Ledger, read_ledger, same_inputs
from forecast.ledger.line import active_inputs
from forecast.ledger.renamed import called_today
from forecast.lock import locked
from forecast.publish import ReportRequest, material, published, write_index
from forecast.session import Progress, Session
from forecast.workspace.names import seen_on
from forecast.workspace.read import read_workspace


class NotRecordedError(ValueError):
    """No ledger line is of the date, or the files are no longer those that its forecast came from."""


def recorded(session: Session, as_of: date | None = None, number: int | None = None) -> ReportRequest:
    """Compute anew what the ledger holds: the latest forecast, the latest as of a date, or that of a line.

    An update of a date on which nothing was new has no line; it is drawn by the line that held. Where the files have
    changed since, it is computed from the inputs that were kept.

    Raises NotRecordedError, and WorkspaceProblems.
    """
    root, today = session.root, session.now
    ledger = read_ledger(root)
    line = _line(root, ledger.updates, as_of) if number is None else _line_at(ledger, number)
    day, held = as_of or line.as_of, line.as_of
    until = line.number  # lines after it were not there when it was compared
    quiet = "" if day == held else f"nothing was new on {day}: the forecast of {held} held; and "
    changed = f"{quiet}the files have changed since the forecast of {held}"
    inputs = _kept(root, today, ledger.until(until), changed)
    there = replace(session, as_of=day, seed=line.seed, inputs=inputs)
    update = pipeline.conclude(there, attribute=False, n_lines=until)
    if not same_inputs(update.line, update.ledger.updates[-1]):  # with the names of today
        raise NotRecordedError(f"{changed}; run `forecast update`")
    return pipeline.asked_of(replace(update, is_new=False))


def _is_as_it_was(root: Path, today: date, ledger: Ledger) -> bool:
    """Say whether the files still hold what the last forecast rested on, whatever else has come since."""
    workspace, _ = read_workspace(root, today=today)
    if workspace is None:
        return False
    line = called_today(ledger, workspace).updates[-1]
    return active_inputs(seen_on(workspace, line.as_of), line.as_of) == line.inputs


def _kept(root: Path, today: date, ledger: Ledger, changed: str) -> dict[str, bytes] | None:
    """Return the last line's kept inputs, if the files are no longer those; None where they are, or none were kept."""
    line = ledger.updates[-1]
    if line.kept is None or _is_as_it_was(root, today, ledger):
        return None
    try:
        return kept_inputs(root, line.kept)
    except DamagedInputError as error:
        raise NotRecordedError(f"{changed}, and {error}; `forecast verify` says more") from None


def _line_at(ledger: Ledger, number: int) -> Line:
    line = next((line for line in ledger.updates if line.number == number), None)
    if line is not None:
        return line
    last = len(ledger.entries)
    msg = "the ledger has no line yet" if not last else f"the ledger has lines 1 to {last}"
    raise NotRecordedError(f"no forecast is on line {number}; {msg}")


def _line(root: Path, updates: Sequence[Line], as_of: date | None) -> Line:
    """Return the line of a forecast: the latest of its date or, of an update with nothing new, that held.

    Such an update has a folder and no line of its own. Raises NotRecordedError.
    """
    if as_of is None and updates:
        return updates[-1]
    before = [line for line in updates if as_of is not None and line.as_of <= as_of]
    # Of several of one date the last one counts.
    latest = max(reversed(before), key=lambda line: line.as_of, default=None)
    is_there = as_of is not None and read_in(root / "reports" / as_of.isoformat(), "forecast.json") is not None
    if latest is not None and (is_there or latest.as_of == as_of):
        return latest
    what = f"no forecast as of {as_of}" if as_of else "no forecast yet"
    before_it = "" if latest is None or as_of is None else f"; the latest before it is of {_last(root, latest, as_of)}"
    date_wanted = f" --as-of {as_of}" if updates else ""
    raise NotRecordedError(f"{what} in {root / 'reports'}{before_it}; run `forecast update{date_wanted}` first")


def _last(root: Path, latest: Line, as_of: date) -> str:
    """Return the day of the last update before a day: of the latest line, or of one since on which nothing was new."""
    places = (root / "reports").glob("????-??-??/forecast.json")
    quiet = (place.parent.name for place in places if place.parent.name < as_of.isoformat())
    return max((latest.as_of.isoformat(), *quiet))


def redraw(request: ReportRequest, progress: Progress) -> Path:
    """Write the files of the report, each of them whole or not at all, and the list of updates; return the folder.

    Raises NotRecordedError where an update of the same date was written while it was drawn.
    """
    day = request.outcome.as_of.isoformat()
    folder = request.root / "reports" / day
    drawn = published(request, progress)
    with locked(request.root):
        updates = called_today(read_ledger(request.root), request.outcome.workspace).updates
        if _of_day(updates, request.outcome.as_of) != _of_day(request.ledger, request.outcome.as_of):
            raise NotRecordedError(f"another update as of {day} was written meanwhile; run `forecast report` again")
        for name, content in drawn.items():
            replace_file(folder / name, content)
        write_index(request.root, request.outcome, updates)
    return folder


def redraw_line(request: ReportRequest, progress: Progress) -> Path:
    """Write the files of the report of a past line into a folder of its own, `reports/line-N`; return the folder.

    The reports by date, and the list of updates, stay as they are.
    """
    folder = request.root / "reports" / f"line-{request.recorded.number}"
    replace_folder(folder, published(request, progress))
    return folder


def _of_day(updates: Sequence[Line], day: date) -> list[Line]:
    return [line for line in updates if line.as_of == day]


def brief_of(request: ReportRequest, progress: Progress) -> str:
    """Write the report on one page of Markdown."""
    from forecast.report.page import report_brief

    return report_brief(material(request, progress), progress)
