"""A past forecast run again from its kept inputs, and held against the line that the ledger has of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from forecast import pipeline
from forecast.ledger.entries import shape_problems
from forecast.ledger.kept import DamagedInputError, kept_inputs
from forecast.ledger.ledger import LEDGER
from forecast.ledger.line import LAST_DIGITS
from forecast.ledger.outcome import QUANTILES, Outcome
from forecast.ledger.verified import IntegrityFinding, Kind, Row
from forecast.sampling.draws import unlike
from forecast.session import Session
from forecast.workspace.problems import Source, WorkspaceProblems

Progress = Callable[[str], None]

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
    elif run.is_same and (others := list(_other_numbers(line, here, is_of_this=is_of_this))):
        what = f"its probabilities come out the same when it is run again, but not its {', '.join(others)}"
        differences.append(("other numbers", what))
    elif not run.is_same and (others := list(_other_widths(line["scenarios"], again.outcome))):
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


def _other_numbers(line: Mapping[str, Any], here: Mapping[str, Any], *, is_of_this: bool) -> Iterator[str]:
    """Name what a line says beside its probabilities that is not so, or that an update of this version does not say."""
    rows = {row["id"]: row for row in here["scenarios"]}
    parts = [(f" of {row['id']}", row, rows[row["id"]]) for row in line["scenarios"]]
    parts.append(("", line["diagnostics"], here["diagnostics"]))
    for of, recorded, now in parts:
        names = {*recorded, *now} if is_of_this else recorded.keys() & now.keys()
        yield from (f"{name}{of}" for name in sorted(names) if not _is_close(recorded.get(name), now.get(name)))
    if is_of_this:
        yield from sorted(line.keys() - here.keys() - UNTOLD)


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
