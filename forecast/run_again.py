"""A past forecast run again from its kept inputs, and held against the line that the ledger has of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from forecast import pipeline
from forecast.files import locked, read_in, replace_file, replace_folder
from forecast.ledger.entries import AskedEntry, Line, shape_problems
from forecast.ledger.kept import DamagedInputError, kept_inputs
from forecast.ledger.ledger import LEDGER, Ledger, read_ledger, same_inputs
from forecast.ledger.line import LAST_DIGITS, active_inputs, called_today
from forecast.ledger.outcome import QUANTILES, Outcome
from forecast.ledger.verified import IntegrityFinding, Kind, Row
from forecast.posterior.ladder import JointSubQuestion, SubQuestion
from forecast.publish import ReportRequest, material, published, write_index
from forecast.sampling.draws import unlike
from forecast.session import Progress, Session
from forecast.workspace.names import seen_on
from forecast.workspace.problems import Source, WorkspaceProblems
from forecast.workspace.read import read_workspace

ERRORS = 4.0  # Monte Carlo errors of the difference of two forecasts from other draws
CLOSE = 1e-6  # of a diagnostic of the same draws; last digits of a probability are sums of many
ERROR_RATIO = 2.0  # Monte Carlo errors of one forecast from other draws are no further apart
DECIDES = ("horizon", "known_until", "rolled", "kept")  # what a line says of its inputs beside their digests
UNTOLD = {"note", "previous", "environment", "refit", "version", "versions"}  # what no inputs tell
SEEDS = range(2**31)


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """A forecast run again from its kept inputs: its line, and how far the scenarios' probabilities are apart.

    `largest` is the largest difference; `errors` the same in Monte Carlo errors of the difference. `unlike` names what
    differs between the two runs in versions and machines.
    """

    line: int
    as_of: date
    largest: float
    errors: float
    unlike: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Say whether the numbers are the same but for a last digit of a double."""
        return self.largest <= LAST_DIGITS

    @property
    def words(self) -> str:
        """Say how the two agree."""
        if self.is_same:
            return f"line {self.line}, as of {self.as_of}: the same to the last digit ({self.largest:.1g} apart)"
        if math.isinf(self.largest):
            return f"line {self.line}, as of {self.as_of}: other scenarios"
        apart = f"{self.largest:.2g} apart at most, {self.errors:.1f} Monte Carlo errors"
        why = f"; they differ in {'; '.join(self.unlike)}" if self.unlike else ""
        return f"line {self.line}, as of {self.as_of}: {apart}{why}"


class NotRecomputableError(ValueError):
    """A line cannot be run again; the message says why."""


def recompute(
    root: Path, today: date, rows: Sequence[Row], number: int, progress: Progress
) -> tuple[Recomputed, list[IntegrityFinding]]:
    """Run a line's forecast again from its kept inputs, in a folder of its own: no draws are taken from a cache.

    Numbers of the same version on the same kind of machine are the same to the last digit, and so is all else that the
    line says. Others may come from other draws: then probabilities, their errors and their quantiles are compared
    within the Monte Carlo error of what comes out here, whatever error the line tells.

    Raises NotRecomputableError.
    """
    line = _line_at(rows, number).content
    as_of = date.fromisoformat(line["as_of"])
    again = _again(root, max(today, as_of), number, line, progress)
    here = again.line.as_json()
    origin = [name for key in ("environment", "versions") for name in unlike(line.get(key, {}), here[key])]
    if line["version"] != here["version"]:
        origin.insert(0, f"forecast {line['version']}, here {here['version']}")
    is_of_this = all(line[key] == here[key] for key in ("version", "versions"))
    largest, errors = _apart(line["scenarios"], here["scenarios"])
    run = Recomputed(line=number, as_of=as_of, largest=largest, errors=errors, unlike=tuple(origin))
    differences: list[tuple[Kind, str]] = []
    if names := _unlike_inputs(line, here, by_digest=is_of_this):
        differences.append(
            ("other inputs", f"its kept inputs are not those that the line names: they differ in {names}")
        )
    if math.isinf(largest):
        differences.append(("other numbers", "run again from its inputs, it has other scenarios"))
    elif not run.is_same and (not origin or errors > ERRORS):
        differences.append(("other numbers", f"run again from its inputs, it gives others: {run.words}"))
    elif run.is_same and (others := list(_other_numbers(line, again, is_of_this=is_of_this))):
        what = f"its probabilities come out the same when it is run again, but not its {', '.join(others)}"
        differences.append(("other numbers", what))
    elif not run.is_same and (others := list(_others_from_other_draws(line, again))):
        what = f"its probabilities come out alike when it is run again, but not its {', '.join(others)}"
        differences.append(("other numbers", what))
    return run, [IntegrityFinding(Source(LEDGER, number), kind, what) for kind, what in differences]


def _again(root: Path, day: date, number: int, line: Mapping[str, Any], progress: Progress) -> pipeline.Update:
    try:
        inputs = kept_inputs(root, str(line["kept"]))
    except DamagedInputError as error:
        raise NotRecomputableError(f"line {number}: {error}") from None
    as_of = date.fromisoformat(line["as_of"])
    with TemporaryDirectory(prefix="forecast-") as folder:
        try:
            return pipeline.conclude(Session(Path(folder), day, as_of, line["seed"], progress, inputs), attribute=False)
        except WorkspaceProblems as error:
            msg = f"line {number}: this version does not take its kept inputs: {error.problems[0]}"
            raise NotRecomputableError(msg) from None


def _line_at(rows: Sequence[Row], number: int) -> Row:
    row = next((row for row in rows if row.number == number), None)
    if row is None:
        msg = f"no line {number}; the ledger has lines 1 to {len(rows)}" if rows else "the ledger has no line yet"
        raise NotRecomputableError(msg)
    if row.day is None or any(shape_problems(row.content, Source(LEDGER, number))):
        raise NotRecomputableError(f"line {number} is not the line of a forecast")
    if "kept" not in row.content:
        raise NotRecomputableError(f"line {number} was written before inputs were kept")
    if row.content["seed"] not in SEEDS:
        raise NotRecomputableError(f"line {number}: no update takes its seed")
    return row


def _unlike_inputs(line: Mapping[str, Any], here: Mapping[str, Any], *, by_digest: bool) -> str:
    """Name the inputs that a line tells otherwise; of other versions, whose digests are others, by their names."""

    def said(inputs: Any) -> Any:
        return inputs if by_digest or isinstance(inputs, list) else sorted(inputs) if isinstance(inputs, dict) else ""

    unlike_keys = [key for key in DECIDES if line.get(key) != here.get(key)]
    recorded, now = line["inputs"], here["inputs"]
    unlike_keys += [key for key in sorted({*recorded, *now}) if said(recorded.get(key, {})) != said(now.get(key, {}))]
    return ", ".join(key.replace("_", " ") for key in unlike_keys)


def _other_numbers(line: Mapping[str, Any], again: pipeline.Update, *, is_of_this: bool) -> Iterator[str]:
    """Name what a line says beside its probabilities that is not so, or that an update of this version does not say.

    Another version may take other draws for the ladder: its numbers are then compared within their errors.
    """
    here = again.line.as_json()
    rows = {row["id"]: row for row in here["scenarios"]}
    parts = [(f" of {row['id']}", row, rows[row["id"]]) for row in line["scenarios"]]
    parts.append(("", line["diagnostics"], here["diagnostics"]))
    for of, recorded, now in parts:
        names = {*recorded, *now} if is_of_this else recorded.keys() & now.keys()
        yield from (f"{name}{of}" for name in sorted(names) if not _is_close(recorded.get(name), now.get(name)))
    if not is_of_this:
        yield from _other_ladder(line, again, are_same_draws=True)
        return
    said, now = (_by_sub_question(content) for content in (line, here))
    if said and (said.keys() != now.keys() or any(not _is_close(said[one], now[one]) for one in said)):
        yield "ladder"
    yield from sorted(line.keys() - here.keys() - UNTOLD)


def _by_sub_question(line: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    of_events = {
        (row["event"], *row["states"], day): p for row in line.get("ladder", ()) for day, p in row["by"].items()
    }
    asked = {(*_condition(row), day): p for row in line.get("asked", ()) for day, p in row["by"].items()}
    return of_events | asked


def _condition(row: Mapping[str, Any]) -> tuple[str, str]:
    about, given = (json.dumps(row.get(key), sort_keys=True) for key in ("about", "given"))
    return about, given


def _other_ladder(line: Mapping[str, Any], again: pipeline.Update, *, are_same_draws: bool) -> Iterator[str]:
    """Name the ladder of a line where its numbers are not those of this one within the errors of other draws.

    Of other draws something else may be certain or a copy, so that it is no part of the ladder.
    """
    said = _by_sub_question(line)
    found = () if again.ladder is None or not said else again.ladder.estimates
    now = {_asks(one.asks): one for one in found}
    # As for scenarios: what a line's own error can be hangs on that of what comes out here.
    far = ERRORS * math.hypot(1.0, ERROR_RATIO)
    shared = said.keys() & now.keys()
    if (are_same_draws and said.keys() - shared) or any(
        abs(said[one] - now[one].probability) > far * now[one].mcse + LAST_DIGITS for one in shared
    ):
        yield "ladder"


def _asks(one: SubQuestion | JointSubQuestion) -> tuple[str, ...]:
    """Return a sub-question as `_by_sub_question` has those of a line."""
    if isinstance(one, SubQuestion):
        return one.event, *one.states, one.by.isoformat()
    return *_condition(AskedEntry(about=one.about, given=one.given, by={}).as_json()), one.by.isoformat()


def _is_close(recorded: Any, now: Any) -> bool:
    if isinstance(recorded, list) and isinstance(now, list):
        return len(recorded) == len(now) and all(map(_is_close, recorded, now))
    if isinstance(recorded, int | float) and isinstance(now, int | float):
        return math.isclose(recorded, now, rel_tol=CLOSE, abs_tol=LAST_DIGITS)
    return bool(recorded == now)


def _apart(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the largest difference of two forecasts' probabilities, and the largest in Monte Carlo errors of it."""
    recorded = {row["id"]: row for row in before}
    now = {row["id"]: row for row in after}
    if recorded.keys() != now.keys():
        return math.inf, math.inf
    largest, errors = 0.0, 0.0
    for name, row in recorded.items():
        gap = abs(row["probability"] - now[name]["probability"])
        here = now[name]["mcse"]
        # What a line says of its own error excuses no difference: it counts only as far as it can be right.
        error = math.hypot(here, min(row.get("mcse", here), ERROR_RATIO * here))
        largest = max(largest, gap)
        errors = max(errors, gap / error if error > 0.0 else (0.0 if gap <= LAST_DIGITS else math.inf))
    return largest, errors


def _others_from_other_draws(line: Mapping[str, Any], again: pipeline.Update) -> Iterator[str]:
    yield from _other_widths(line["scenarios"], again.outcome)
    yield from _other_ladder(line, again, are_same_draws=False)


def _other_widths(recorded: Sequence[Mapping[str, Any]], outcome: Outcome) -> Iterator[str]:
    """Name errors and quantiles of a forecast from other draws that are not those of this one."""
    weights = outcome.posterior.weights.weights
    draws = dict(zip(outcome.scenarios, outcome.posterior.evaluation.scenarios, strict=True))
    for row in recorded:
        name = row["id"]
        now = outcome.scenarios[name]
        there = row.get("mcse", now.mcse)
        if not now.mcse / ERROR_RATIO - LAST_DIGITS <= there <= now.mcse * ERROR_RATIO + LAST_DIGITS:
            yield f"mcse of {name}"
        if not _are_quantiles(row["quantiles"], draws[name], weights, now.ess):
            yield f"quantiles of {name}"


def _are_quantiles(
    recorded: Sequence[float], draws: np.ndarray[Any, Any], weights: np.ndarray[Any, Any], ess: float
) -> bool:
    """Say whether the shares of draws below the quantiles are theirs, within the errors of two forecasts."""
    if len(recorded) != len(QUANTILES):
        return False
    for p, quantile in zip(QUANTILES, recorded, strict=True):
        error = ERRORS * math.sqrt(2.0 * p * (1.0 - p) / ess)
        below = float(weights[draws < quantile - LAST_DIGITS].sum())
        until = float(weights[draws <= quantile + LAST_DIGITS].sum())
        if below > p + error or until < p - error:
            return False
    return True


# The report of a forecast that is already recorded, drawn again from the files or from what was kept of them.


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
    line = _latest_line(root, ledger.updates, as_of) if number is None else _numbered(ledger, number)
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


def _numbered(ledger: Ledger, number: int) -> Line:
    line = next((line for line in ledger.updates if line.number == number), None)
    if line is not None:
        return line
    last = len(ledger.entries)
    msg = "the ledger has no line yet" if not last else f"the ledger has lines 1 to {last}"
    raise NotRecordedError(f"no forecast is on line {number}; {msg}")


def _latest_line(root: Path, updates: Sequence[Line], as_of: date | None) -> Line:
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
