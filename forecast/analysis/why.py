"""Why this number: the forecast along the chronology of the evidence, and without each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, inf, isfinite, log10
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.chronology import (
    EvidenceChange,
    PartEstimate,
    Pooled,
    before,
    changes,
    pool_draws,
    prefixes,
    with_items,
)
from forecast.analysis.target import Partition, probabilities, shares_of
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.differences import other_changes
from forecast.ledger.entries import Line
from forecast.ledger.ledger import line_to_compare
from forecast.ledger.line import new_line, table_today
from forecast.ledger.outcome import Outcome, at_opening, kept_forecast
from forecast.model.history import active_items
from forecast.posterior.moved import leave_one_out
from forecast.workspace.records import Item, Workspace

Array = NDArray[np.float64]
Progress = Callable[[str], None]
By = Literal["item", "group", "source"]

TIME = "time without news"
MONTE_CARLO = "Monte Carlo difference"
EXACT = 20  # so many items are left out of every draw; of more, every fourth draw tells what each adds last


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
    change: EvidenceChange | None
    estimate: PartEstimate | None


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
    name = f"the update of {day}" + ("" if compared.number is None else f" (ledger line {compared.number})")
    others = tuple(other_changes(line, compared))
    return Start(name, np.array(parts), day, compared.known_until, new, others)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What became known, when, and by how much the probability changed with it, in fractions of 1 and in decibans."""

    what: str
    kind: str
    on: date | None = None
    headline: str | None = None
    items: tuple[str, ...] = ()
    probability: float | None = None
    step: float = 0.0
    decibans: float | None = None
    leave_one_out: float | None = None


@dataclass(frozen=True, kw_only=True)
class Step(_Row):
    """A step of the evidence. `leave_one_out` is what it adds if it comes last.

    `possible`: the evidence so far is; `reliable`: the draws bear the step; `mcse`: its Monte Carlo error.
    """

    possible: bool = True
    pareto_k: float | None = None
    ess: float | None = None
    reliable: bool = True
    mcse: float | None = None


@dataclass(frozen=True, kw_only=True)
class Stretch(_Row):
    """A step of no single items: a month of the evidence, or the remainder, which is no evidence."""

    mcse: float | None = None
    possible: bool = True
    pareto_k: float | None = None
    ess: float | None = None
    reliable: bool = True


Weighed = tuple["Step", Array]  # with deviations from what the step would be, draw by draw


@dataclass(frozen=True, kw_only=True)
class Why:
    """A probability as a sum of steps.

    `chosen`: why this target, if it was not named; `mcse`: of the probability; `target` and `event`: what is explained;
    `draws`: of the table; `unreliable`: how many steps the draws do not bear.
    """

    chosen: str | None = None
    mcse: float | None = None
    target: str
    event: str | None
    by: str
    as_of: date
    since: str
    from_: float
    to: float
    rows: tuple[Step | Stretch, ...]
    draws: int
    unreliable: int


def most_moved(found: Outcome, target: Partition, start: Start) -> Partition:
    """Return the target with the part that moved most since a start."""
    return replace(target, asked=int(np.argmax(np.abs(probabilities(found, target) - start.parts))))


def why(found: Outcome, target: Partition, start: Start, by: By, top: int | None, progress: Progress) -> Why:
    """Explain a probability as a sum of steps from a start until now.

    Along prefixes of the evidence (by day of report, ties by id) the forecast is computed anew with the items so far,
    as of today: P_k = sum_d w_dk P(part | E_1..k, theta_d), all on the same draws. Step k is P_k - P_(k-1), in decibans
    10 log10 of the ratio of the odds. Time without news, with no item at all, is a step of its own. What the draws of
    the table differ by from those of the forecast (and for an earlier update what is no evidence: statements, settings)
    is the last row, so the steps add up to `to` - `from`, the forecast's own numbers. Of items also what they add last
    instead of in their turn (`leave_one_out`, from the forecast's draws).

    Args:
        found: the forecast.
        target: what is asked; without a part of its own it is the one that moved most since the start.
        start: where the waterfall begins.
        by: one row for each item, or sums over groups (an item without one is its own) or sources.
        top: keep so many of these rows, those with the largest steps, and add up the others.
        progress: is told how far it is.
    """
    now = probabilities(found, target)
    asked = target.asked
    if asked is None:
        return why(found, most_moved(found, target, start), start, by, top, progress)
    pooled = pool_draws(found.posterior, found.seed)
    points = list(_points(found, target, start, pooled, progress))
    items = {item.id: item for item in found.workspace.items}
    steps = _by(_steps(points, asked, items, pooled.log_proposal.size), by, items, top)
    rows = [replace(row, mcse=float(pooled.error(terms[np.newaxis])[0])) for row, terms in steps]
    remainder = _remainder(rows, float(start.parts[asked]), float(now[asked]), start)
    rows = _leave_out(rows, found, target, asked, by, pooled, points, progress)
    return Why(
        target=target.name(asked),
        event=target.event,
        by=by,
        as_of=found.as_of,
        since=start.name,
        from_=float(start.parts[asked]),
        to=float(now[asked]),
        rows=(*rows, remainder),
        draws=pooled.log_proposal.size,
        unreliable=sum(not row.reliable for row in rows),
    )


def _points(found: Outcome, target: Partition, start: Start, pooled: Pooled, progress: Progress) -> Iterator[_Point]:
    workspace, as_of = found.workspace, found.as_of

    def estimate(remaining: Workspace, day: date) -> PartEstimate | None:
        try:
            return pooled.forecast(remaining, found.posterior, day, target.rules)
        except ImpossibleEvidenceError:
            return None

    steps = changes(workspace, as_of, None if start.on is None else start.new, start.on)
    unchanged = before(workspace, steps)
    if start.on is None:
        yield _Point("start", None, pooled.prior(at_opening(found.layout, target.rules, pooled.theta)))
    else:
        watched = start.known_until
        yield _Point("start", None, estimate(replace(unchanged, watched_until=watched), start.on))
    yield _Point("time", None, estimate(unchanged, as_of))
    for number, (change, remaining) in enumerate(zip(steps, prefixes(workspace, steps), strict=True), 1):
        progress(f"adding one item after the other: {100 * number // len(steps)} %")
        yield _Point(change.kind, change, estimate(remaining, as_of))


def _steps(points: Sequence[_Point], asked: int, items: Mapping[str, Item], n_draws: int) -> list[Weighed]:
    rows: list[Weighed] = []
    last, deviations = 0.0, np.zeros(n_draws)
    for place, point in enumerate(points):
        at, own = last, deviations
        if point.estimate is not None:
            at, own = float(point.estimate.shares[asked]), point.estimate.deviations[asked]
        if place:
            rows.append((_row(point, items, last, at), own - deviations))
        last, deviations = at, own
    return rows


def _row(point: _Point, items: Mapping[str, Item], last: float, at: float) -> Step:
    change, estimate = point.change, point.estimate
    return Step(
        what=TIME if change is None else change.item,
        kind=point.kind,
        on=None if change is None else change.on,
        headline=None if change is None else items[change.item].headline,
        items=() if change is None else (change.item,),
        probability=at,
        step=at - last,
        decibans=decibans(last, at),
        possible=estimate is not None,
        pareto_k=None if estimate is None or not isfinite(estimate.pareto_k) else estimate.pareto_k,
        ess=None if estimate is None else estimate.effective_size,
        reliable=estimate is not None and estimate.reliable,
    )


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


def _remainder(rows: Sequence[Step], first: float, last: float, start: Start) -> Stretch:
    """Return the row of what is no evidence: other inputs that changed, and the draws of the table."""
    steps = [row.decibans for row in rows if row.decibans is not None]
    total = decibans(first, last)
    others = [other for other in start.others if other != TIME]
    return Stretch(
        what=" and ".join([*others, MONTE_CARLO]),
        kind="inputs" if others else "monte_carlo",
        probability=last,
        step=last - first - fsum(row.step for row in rows),
        decibans=None if total is None or len(steps) < len(rows) else total - fsum(steps),
    )


def _by(rows: list[Weighed], by: By, items: Mapping[str, Item], top: int | None) -> list[Weighed]:
    """Sum the steps over groups or sources, and over all but the `top` largest; others stay in their order."""
    time, steps = rows[:1], rows[1:]
    if by != "item":
        sums: dict[str, list[Weighed]] = {}
        for row in steps:
            item = items[row[0].what]
            name = item.report_source if by == "source" else item.group or item.id
            sums.setdefault(name, []).append(row)
        steps = [_sum(name, by, members) for name, members in sums.items()]
    if top is None or len(steps) <= top:
        return [*time, *steps]
    largest = sorted(range(len(steps)), key=lambda i: (-abs(steps[i][0].step), i))[:top]
    rest = [row for i, row in enumerate(steps) if i not in largest]
    shown = [steps[i] for i in sorted(largest)]
    return [*time, *shown, _sum(f"{len(rest)} others", "others", rest)]


def _sum(name: str, kind: str, weighed: Sequence[Weighed]) -> Weighed:
    members = [row for row, _ in weighed]
    weights = [row.decibans for row in members if row.decibans is not None]
    days = {row.on for row in members}
    known = [row for row in members if row.ess is not None]
    row = Step(
        what=name,
        kind=kind,
        on=days.pop() if len(days) == 1 else None,
        headline=members[0].headline if len(members) == 1 else None,
        items=tuple(dict.fromkeys(item for row in members for item in row.items)),
        step=fsum(row.step for row in members),
        decibans=None if len(weights) < len(members) else fsum(weights),
        possible=all(row.possible for row in members),
        pareto_k=max((row.pareto_k for row in known if row.pareto_k is not None), default=None),
        ess=min((row.ess for row in known if row.ess is not None), default=None),
        reliable=all(row.reliable for row in members),
    )
    return row, np.asarray(sum(terms for _, terms in weighed))


def _leave_out(
    rows: Sequence[Step],
    found: Outcome,
    target: Partition,
    asked: int,
    by: By,
    pooled: Pooled,
    points: Sequence[_Point],
    progress: Progress,
) -> list[Step]:
    """Fill in what each row's items add when they come last: of single items as an update tells it."""
    active = {item.id for item in active_items(found.workspace.items, found.as_of)}
    if by == "item":
        single = [row.items[0] for row in rows if row.kind in {"item", "retraction"}]
        names = list(dict.fromkeys(single))
        posterior = replace(
            found.posterior, evaluation=replace(found.posterior.evaluation, scenarios=shares_of(found, target))
        )
        rules = replace(found.workspace, scenarios=target.rules)
        effects = leave_one_out(rules, posterior, names, progress, few=EXACT)
        # Of an item that was retracted, leave_one_out tells what the retraction adds.
        told = [(row.kind == "item" and row.what in active) or row.kind == "retraction" for row in rows]
        return [
            replace(row, leave_one_out=float(effects[row.what][asked])) if is_told and row.what in effects else row
            for row, is_told in zip(rows, told, strict=True)
        ]
    everything = points[-1].estimate
    sums = [n for n, row in enumerate(rows) if row.kind in {"group", "source"} and active.intersection(row.items)]
    filled = list(rows)
    for number, n in enumerate(sums, 1):
        progress(f"leaving out one {by} after the other: {100 * number // len(sums)} %")
        rest = [item for item in found.workspace.items if item.id not in rows[n].items]
        try:
            without = pooled.forecast(with_items(found.workspace, rest), found.posterior, found.as_of, target.rules)
        except ImpossibleEvidenceError:
            continue  # what is settled later requires what these items settle
        if everything is not None:
            filled[n] = replace(rows[n], leave_one_out=float(everything.shares[asked] - without.shares[asked]))
    return filled


# Why, of much evidence: the forecast along whole months of it, where item by item would take too long.


def why_by_month(outcome: Outcome, target: Partition, start: Start, progress: Progress) -> Why:
    """Explain a probability since the statements alone as `forecast.analysis.why` does, a step for each month.

    A month's step is what all that became known in it changed, after all that was known before. Months in which the
    evidence so far is impossible are counted with the next one.
    """
    part = most_moved(outcome, target, start).asked or 0
    pooled = pool_draws(outcome.posterior, outcome.seed)
    last = pooled.prior(at_opening(outcome.layout, target.rules, pooled.theta))
    rows: list[Stretch] = []
    steps = changes(outcome.workspace, outcome.as_of)
    for name, until, known in _months(outcome.workspace, steps):
        progress(f"adding one month after the other: {name}")
        try:
            now = pooled.forecast(known, outcome.posterior, outcome.as_of, target.rules)
        except ImpossibleEvidenceError:
            continue
        rows.append(_month(pooled, name, until, last, now, part))
        last = now
    first, end = float(start.parts[part]), float(probabilities(outcome, target)[part])
    explained = sum(row.step for row in rows)
    rows.append(Stretch(what=MONTE_CARLO, kind="monte_carlo", probability=end, step=end - first - explained))
    return Why(
        target=target.name(part),
        event=target.event,
        by="month",
        as_of=outcome.as_of,
        since=start.name,
        from_=first,
        to=end,
        rows=tuple(rows),
        draws=pooled.log_proposal.size,
        unreliable=sum(not row.reliable for row in rows),
    )


def _months(workspace: Workspace, steps: tuple[EvidenceChange, ...]) -> Iterator[tuple[str, date | None, Workspace]]:
    """Yield time without news, then the workspace as it is after each month's changes."""
    yield TIME, None, before(workspace, steps)
    for place, known in enumerate(prefixes(workspace, steps)):
        day = steps[place].on
        if place + 1 == len(steps) or (steps[place + 1].on.year, steps[place + 1].on.month) != (day.year, day.month):
            yield f"{day:%Y-%m}", day, known


def _month(pooled: Pooled, name: str, until: date | None, last: PartEstimate, now: PartEstimate, part: int) -> Stretch:
    first, end = float(last.shares[part]), float(now.shares[part])
    return Stretch(
        what=name,
        kind="time" if until is None else "month",
        on=until,
        probability=end,
        step=end - first,
        decibans=decibans(first, end),
        mcse=float(pooled.error((now.deviations - last.deviations)[part : part + 1])[0]),
        pareto_k=now.pareto_k if isfinite(now.pareto_k) else None,
        ess=now.effective_size,
        reliable=now.reliable,
    )
