"""Why this number: the forecast along the chronology of the evidence, and without each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, inf, isfinite, log10
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.answers.chronology import Change, Estimate, Pooled, before, changes, pool_draws, prefixes, with_items
from forecast.answers.target import Target, probabilities, shares_of
from forecast.compiled.paths import active_items
from forecast.inference.batch import ImpossibleEvidenceError
from forecast.record.differences import other_changes
from forecast.record.entries import Line
from forecast.record.ledger import line_to_compare
from forecast.record.line import new_line
from forecast.record.outcome import Outcome
from forecast.record.renamed import table_today
from forecast.record.tables import kept_forecast
from forecast.reweight.evaluate import evaluate_scenarios, query
from forecast.reweight.moved import leave_one_out
from forecast.workspace.records import Item, Workspace

Array = NDArray[np.float64]
Row = dict[str, Any]
Progress = Callable[[str], None]
By = Literal["item", "group", "source"]

TIME = "time without news"
MONTE_CARLO = "Monte Carlo difference"
EXACT = 20  # so many items are left out of every draw; of more, every fourth draw tells what each adds last
DEVIATIONS = "deviations"  # of a step from what it would be, draw by draw, until its error is told


@dataclass(frozen=True)
class Start:
    """Where a waterfall begins: a probability for each part (`parts`), what it is called, and what changed since.

    For the statements' prior `on` is None. Otherwise it is the as-of date of an earlier update, `known_until` the day
    until which news had been watched then, `new` the items that are new or edited since, and `others` the names of
    what else has changed.
    """

    name: str
    parts: Array
    on: date | None = None
    known_until: date | None = None
    new: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Point:
    """The forecast after a step: what was added, and the estimate (None where the evidence so far is impossible)."""

    kind: str
    change: Change | None
    estimate: Estimate | None


def since_update(
    root: Path, updates: Sequence[Line], found: Outcome, event: str | None, on: date | None
) -> Start | None:
    """Return where an explanation since an earlier update begins.

    The update is the one of a date or the latest before it; with None the one that a new update would be compared with.
    None if there is none or, for an event, if its forecast.json is gone: the ledger holds scenarios alone.
    """
    line = new_line(found)
    if on is None:
        compared = line_to_compare(line, updates)
    else:
        last = min(on, found.as_of)
        early = sorted((one for one in updates if one.as_of <= last), key=lambda one: one.as_of)
        compared = early[-1] if early else None
    if compared is None:
        return None
    if event is None:
        before = compared.probabilities
        parts = [before.get(name, 0.0) for name in found.scenario_ids]  # a scenario that was not there had none
    else:
        kept = kept_forecast(root, compared.as_of.isoformat())
        if kept is None:
            return None
        table = table_today(kept, compared, found.workspace.renames)
        events = {row["id"]: row for row in table.get("events", ())}
        before = {row["state"]: row["probability"] for row in events.get(event, {"states": []})["states"]}
        parts = [before.get(state, 0.0) for state in found.events[event]]
    known = compared.inputs["items"]
    new = tuple(name for name, digest in line.inputs["items"].items() if known.get(name) != digest)
    day = compared.as_of
    return Start(
        f"the update of {day}", np.array(parts), day, compared.known_until, new, tuple(other_changes(line, compared))
    )


def most_moved(found: Outcome, target: Target, start: Start) -> Target:
    """Return the target with the part that moved most since a start."""
    return replace(target, asked=int(np.argmax(np.abs(probabilities(found, target) - start.parts))))


def why(
    found: Outcome, prior: Outcome, target: Target, start: Start, by: By, top: int | None, progress: Progress
) -> Row:
    """Explain a probability as a sum of steps from a start until now.

    Along prefixes of the evidence (by day of report, ties by id) the forecast is computed anew with the items so far,
    as of today: P_k = sum_d w_dk P(part | E_1..k, theta_d), all on the same draws. Step k is P_k - P_(k-1), in decibans
    10 log10 of the ratio of the odds. Time without news, with no item at all, is a step of its own. What the draws of
    the table differ by from those of the forecast (and for an earlier update what is no evidence: statements, settings)
    is the last row, so the steps add up to `to` - `from`, the forecast's own numbers. Of items also what they add last
    instead of in their turn (`leave_one_out`, from the forecast's draws).

    Args:
        found: the forecast.
        prior: that of the statements alone.
        target: what is asked; without a part of its own it is the one that moved most since the start.
        start: where the waterfall begins.
        by: one row for each item, or sums over groups (an item without one is its own) or sources.
        top: keep so many of these rows, those with the largest steps, and add up the others.
        progress: is told how far it is.
    """
    now = probabilities(found, target)
    asked = target.asked
    if asked is None:
        return why(found, prior, most_moved(found, target, start), start, by, top, progress)
    pooled = pool_draws(found.posterior, found.seed)
    points = list(_points(found, prior, target, start, pooled, progress))
    items = {item.id: item for item in found.workspace.items}
    rows = _by(_steps(points, asked, items, pooled.log_proposal.size), by, items, top)
    for row in rows:
        row["mcse"] = float(pooled.error(row.pop(DEVIATIONS)[np.newaxis])[0])
    remainder = _remainder(rows, float(start.parts[asked]), float(now[asked]), start)
    _leave_out(rows, found, target, asked, by, pooled, points, progress)
    return {
        "target": target.name(asked),
        "event": target.event,
        "by": by,
        "as_of": found.as_of.isoformat(),
        "since": start.name,
        "from": float(start.parts[asked]),
        "to": float(now[asked]),
        "rows": [*rows, remainder],
        "draws": pooled.log_proposal.size,
        "unreliable": sum(not row["reliable"] for row in rows),
    }


def _points(
    found: Outcome, prior: Outcome, target: Target, start: Start, pooled: Pooled, progress: Progress
) -> Iterator[_Point]:
    workspace, as_of = found.workspace, found.as_of

    def estimate(remaining: Workspace, day: date) -> Estimate | None:
        try:
            return pooled.forecast(remaining, found.posterior, day, target.rules)
        except ImpossibleEvidenceError:
            return None

    steps = changes(workspace, as_of, None if start.on is None else start.new, start.on)
    unchanged = before(workspace, steps)
    if start.on is None:
        yield _Point("start", None, pooled.prior(_at_opening(prior, target, pooled)))
    else:
        watched = start.known_until
        yield _Point("start", None, estimate(replace(unchanged, watched_until=watched), start.on))
    yield _Point("time", None, estimate(unchanged, as_of))
    for number, (change, remaining) in enumerate(zip(steps, prefixes(workspace, steps), strict=True), 1):
        progress(f"adding one item after the other: {100 * number // len(steps)} %")
        yield _Point(change.kind, change, estimate(remaining, as_of))


def _at_opening(prior: Outcome, target: Target, pooled: Pooled) -> Array:
    """Compute P(part | theta_d) at the opening on the draws of the table."""
    asked = query(prior.posterior.asked.network, target.rules)
    return evaluate_scenarios(asked, pooled.theta)[1]


def _steps(points: Sequence[_Point], asked: int, items: Mapping[str, Item], n_draws: int) -> list[Row]:
    rows, last, deviations = [], 0.0, np.zeros(n_draws)
    for place, point in enumerate(points):
        at, own = last, deviations
        if point.estimate is not None:
            at, own = float(point.estimate.shares[asked]), point.estimate.deviations[asked]
        if place:
            rows.append(_row(point, items, last, at) | {DEVIATIONS: own - deviations})
        last, deviations = at, own
    return rows


def _row(point: _Point, items: Mapping[str, Item], last: float, at: float) -> Row:
    change, estimate = point.change, point.estimate
    return {
        "what": TIME if change is None else change.item,
        "kind": point.kind,
        "on": None if change is None else change.on.isoformat(),
        "headline": None if change is None else items[change.item].headline,
        "items": [] if change is None else [change.item],
        "probability": at,
        "step": at - last,
        "decibans": decibans(last, at),
        "leave_one_out": None,
        "possible": estimate is not None,
        "pareto_k": None if estimate is None or not isfinite(estimate.pareto_k) else estimate.pareto_k,
        "ess": None if estimate is None else estimate.effective_size,
        "reliable": estimate is not None and estimate.reliable,
    }


def decibans(before_it: float, after: float) -> float | None:
    """Compute 10 log10 of the ratio of the odds; None where a probability is 0 or 1 and the ratio has no number."""
    if before_it == after:
        return 0.0
    difference = _log_odds(after) - _log_odds(before_it)
    return difference if isfinite(difference) else None


def _log_odds(p: float) -> float:
    if p <= 0.0 or p >= 1.0:
        return -inf if p <= 0.0 else inf
    return 10.0 * log10(p / (1.0 - p))


def _remainder(rows: Sequence[Row], first: float, last: float, start: Start) -> Row:
    """Return the row of what is no evidence: other inputs that changed, and the draws of the table."""
    steps = [row["decibans"] for row in rows]
    total = decibans(first, last)
    others = [other for other in start.others if other != TIME]
    return {
        "what": " and ".join([*others, MONTE_CARLO]),
        "kind": "inputs" if others else "monte_carlo",
        "on": None,
        "headline": None,
        "items": [],
        "probability": last,
        "step": last - first - fsum(row["step"] for row in rows),
        "decibans": None if total is None or None in steps else total - fsum(steps),
        "leave_one_out": None,
        "mcse": None,
        "possible": True,
        "pareto_k": None,
        "ess": None,
        "reliable": True,
    }


def _by(rows: list[Row], by: By, items: Mapping[str, Item], top: int | None) -> list[Row]:
    """Sum the steps over groups or sources, and over all but the `top` largest; others stay in their order."""
    time, steps = rows[:1], rows[1:]
    if by != "item":
        sums: dict[str, list[Row]] = {}
        for row in steps:
            item = items[row["what"]]
            name = item.report_source if by == "source" else item.group or item.id
            sums.setdefault(name, []).append(row)
        steps = [_sum(name, by, members) for name, members in sums.items()]
    if top is None or len(steps) <= top:
        return [*time, *steps]
    largest = sorted(range(len(steps)), key=lambda i: (-abs(steps[i]["step"]), i))[:top]
    rest = [row for i, row in enumerate(steps) if i not in largest]
    shown = [steps[i] for i in sorted(largest)]
    return [*time, *shown, _sum(f"{len(rest)} others", "others", rest)]


def _sum(name: str, kind: str, members: Sequence[Row]) -> Row:
    weights = [row["decibans"] for row in members]
    days = {row["on"] for row in members}
    known = [row for row in members if row["ess"] is not None]
    return {
        "what": name,
        "kind": kind,
        "on": days.pop() if len(days) == 1 else None,
        "headline": members[0]["headline"] if len(members) == 1 else None,
        "items": list(dict.fromkeys(item for row in members for item in row["items"])),
        "probability": None,
        "step": fsum(row["step"] for row in members),
        "decibans": None if None in weights else fsum(weights),
        "leave_one_out": None,
        DEVIATIONS: sum(row[DEVIATIONS] for row in members),
        "possible": all(row["possible"] for row in members),
        "pareto_k": max((row["pareto_k"] for row in known if row["pareto_k"] is not None), default=None),
        "ess": min((row["ess"] for row in known), default=None),
        "reliable": all(row["reliable"] for row in members),
    }


def _leave_out(
    rows: Sequence[Row],
    found: Outcome,
    target: Target,
    asked: int,
    by: By,
    pooled: Pooled,
    points: Sequence[_Point],
    progress: Progress,
) -> None:
    """Fill in what each row's items add when they come last: of single items as an update tells it."""
    active = {item.id for item in active_items(found.workspace.items, found.as_of)}
    if by == "item":
        single = [row["items"][0] for row in rows if row["kind"] in {"item", "retraction"}]
        names = list(dict.fromkeys(single))
        posterior = replace(
            found.posterior, evaluation=replace(found.posterior.evaluation, scenarios=shares_of(found, target))
        )
        rules = replace(found.workspace, scenarios=target.rules)
        effects = leave_one_out(rules, posterior, names, progress, few=EXACT)
        for row in rows:
            # Of an item that was retracted, leave_one_out tells what the retraction adds.
            if (row["kind"] == "item" and row["what"] in active) or row["kind"] == "retraction":
                row["leave_one_out"] = float(effects[row["what"]][asked])
        return
    everything = points[-1].estimate
    sums = [row for row in rows if row["kind"] in {"group", "source"} and active.intersection(row["items"])]
    for number, row in enumerate(sums, 1):
        progress(f"leaving out one {by} after the other: {100 * number // len(sums)} %")
        rest = [item for item in found.workspace.items if item.id not in row["items"]]
        without = pooled.forecast(with_items(found.workspace, rest), found.posterior, found.as_of, target.rules)
        if everything is not None:
            row["leave_one_out"] = float(everything.shares[asked] - without.shares[asked])


def why_by_month(found: Outcome, prior: Outcome, target: Target, start: Start, progress: Callable[[str], None]) -> Row:
    """Explain a probability since the statements alone as `forecast.answers.why` does, a step for each month.

    A month's step is what all that became known in it changed, after all that was known before. Months in which the
    evidence so far is impossible are counted with the next one.
    """
    asked = most_moved(found, target, start).asked or 0
    pooled = pool_draws(found.posterior, found.seed)
    opening = evaluate_scenarios(query(prior.posterior.asked.network, target.rules), pooled.theta)[1]
    last = pooled.prior(opening)
    rows: list[Row] = []
    steps = changes(found.workspace, found.as_of)
    for name, until, known in _months(found.workspace, steps):
        progress(f"adding one month after the other: {name}")
        try:
            now = pooled.forecast(known, found.posterior, found.as_of, target.rules)
        except ImpossibleEvidenceError:
            continue
        rows.append(_row_of_by_month(pooled, name, until, last, now, asked))
        last = now
    first, end = float(start.parts[asked]), float(probabilities(found, target)[asked])
    told = sum(row["step"] for row in rows)
    rows.append(_blank(MONTE_CARLO, "monte_carlo") | {"step": end - first - told, "probability": end})
    return {
        "target": target.name(asked),
        "event": target.event,
        "by": "month",
        "as_of": found.as_of.isoformat(),
        "since": start.name,
        "from": first,
        "to": end,
        "rows": rows,
        "draws": pooled.log_proposal.size,
        "unreliable": sum(not row["reliable"] for row in rows),
    }


def _months(workspace: Workspace, steps: tuple[Change, ...]) -> Iterator[tuple[str, date | None, Workspace]]:
    """Yield time without news, then the workspace as it is after each month's changes."""
    yield TIME, None, before(workspace, steps)
    for place, known in enumerate(prefixes(workspace, steps)):
        day = steps[place].on
        if place + 1 == len(steps) or (steps[place + 1].on.year, steps[place + 1].on.month) != (day.year, day.month):
            yield f"{day:%Y-%m}", day, known


def _row_of_by_month(pooled: Pooled, name: str, until: date | None, last: Estimate, now: Estimate, asked: int) -> Row:
    first, end = float(last.shares[asked]), float(now.shares[asked])
    return _blank(name, "time" if until is None else "month") | {
        "on": until and until.isoformat(),
        "probability": end,
        "step": end - first,
        "decibans": decibans(first, end),
        "mcse": float(pooled.error((now.deviations - last.deviations)[asked : asked + 1])[0]),
        "pareto_k": now.pareto_k if isfinite(now.pareto_k) else None,
        "ess": now.effective_size,
        "reliable": now.reliable,
    }


def _blank(name: str, kind: str) -> Row:
    return {
        "what": name, "kind": kind, "on": None, "headline": None, "items": [], "probability": None, "step": 0.0,
        "decibans": None, "leave_one_out": None, "mcse": None, "possible": True, "pareto_k": None, "ess": None,
        "reliable": True,
    }  # fmt: skip
