"""How much of each scenario's probability hangs on one report: the forecast without each of them, all scenarios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from forecast.ledger.outcome import Outcome
from forecast.model.history import active_items
from forecast.posterior.moved import THINNING, leave_out, parts_of
from forecast.workspace.records import Settled

MOST = 120  # reports that are left out one by one: of more, those that weigh most


@dataclass(frozen=True, kw_only=True)
class OneLeftOut:
    """A report (or a table of many) and by how much each scenario's probability changes without it, in fractions of 1.

    `item`: its id, of a table the path; `settles`: the events that it settles, which then count as not having happened.
    """

    item: str
    settles: tuple[str, ...]
    changes: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """What each report does to the scenarios, the largest change of any of them first.

    `of`: how many reports count; `impossible`: those without which the others contradict themselves; `draws`: that the
    changes are computed from.
    """

    of: int
    impossible: tuple[str, ...]
    draws: int
    reports: tuple[OneLeftOut, ...]


def dependence(outcome: Outcome, progress: Callable[[str], None]) -> Dependence:
    """Leave each report out, one at a time, and compute every scenario anew (forecast.posterior.moved.leave_out).

    Of more than MOST parts those are looked at that settle an event, and then those of the largest weight of evidence.
    """
    active = {item.id: item for item in active_items(outcome.workspace.items, outcome.as_of)}
    settles = {
        name: tuple(bearing.event for bearing in item.bears_on if isinstance(bearing, Settled))
        for name, item in active.items()
    }
    decibans = {report.item: report.decibans for report in outcome.posterior.asked.network.reports}
    parts = parts_of(outcome.workspace, list(active))

    def weight(name: str) -> tuple[bool, float, str]:
        members = parts[name]
        return not any(settles[one] for one in members), -max(decibans.get(one, 0.0) for one in members), name

    looked_at = {name: parts[name] for name in sorted(parts, key=weight)[:MOST]}
    size = outcome.posterior.weights.weights.size
    effects = leave_out(outcome.workspace, outcome.posterior, looked_at, progress, few=0)
    rows = [
        OneLeftOut(
            item=name,
            settles=tuple(sorted({event for one in looked_at[name] for event in settles[one]})),
            changes=dict(zip(outcome.scenario_ids, (-effect).tolist(), strict=True)),
        )
        for name, effect in effects.items()
    ]
    return Dependence(
        of=len(active),
        impossible=tuple(name for name in looked_at if name not in effects),
        draws=len(range(0, size, THINNING)),
        reports=tuple(sorted(rows, key=lambda row: (-max(map(abs, row.changes.values())), row.item))),
    )
