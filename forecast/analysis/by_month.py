"""Why, of much evidence: the forecast along whole months of it, where item by item would take too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from math import isfinite

from forecast.analysis.chronology import EvidenceChange, PartEstimate, Pooled, before, changes, pool_draws, prefixes
from forecast.analysis.target import Partition, probabilities
from forecast.analysis.why import MONTE_CARLO, TIME, Progress, Start, Stretch, Why, decibans, most_moved
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.outcome import Outcome
from forecast.posterior.evaluate import evaluate_scenarios, query
from forecast.workspace.records import Workspace


def why_by_month(outcome: Outcome, prior: Outcome, target: Partition, start: Start, progress: Progress) -> Why:
    """Explain a probability since the statements alone as `forecast.analysis.why` does, a step for each month.

    A month's step is what all that became known in it changed, after all that was known before. Months in which the
    evidence so far is impossible are counted with the next one.
    """
    part = most_moved(outcome, target, start).asked or 0
    pooled = pool_draws(outcome.posterior, outcome.seed)
    opening = evaluate_scenarios(query(prior.posterior.asked.network, target.rules), pooled.theta)[1]
    last = pooled.prior(opening)
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
