"""Evidence list: when each item was known, who reported it, what it bears on, and what it weighs now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from forecast.compiled.paths import active_items
from forecast.compiled.reports import Report
from forecast.record.outcome import Outcome
from forecast.report.untrusted import link
from forecast.report.wording import event_names, label, long_date
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, OnScenarios, Settled, Support

CREDIBILITY = {1: "confirmed", 2: "probably true", 3: "possibly true", 4: "doubtful", 5: "improbable", 6: "not judged"}
NO_WEIGHT = 0.05  # decibans: shown as 0.0
NO_BREAK = "\u00a0"  # a state and its likelihood stay on one line


def evidence_list(found: Outcome) -> list[dict[str, Any]]:
    """Describe every item known on the as-of date, the latest first."""
    items = [item for item in found.workspace.items if item.reported <= found.as_of]
    active = {item.id for item in active_items(items, found.as_of)}
    reports = {report.item: report for report in found.posterior.asked.network.reports}
    successor = {item.supersedes: item.id for item in items if item.supersedes}
    rows = [_row(found, item, reports.get(item.id), item.id in active, successor.get(item.id)) for item in items]
    return sorted(rows, key=lambda row: (row["reported"], row["id"]), reverse=True)


def _row(found: Outcome, item: Item, report: Report | None, counts: bool, successor: str | None) -> dict[str, Any]:
    events = event_names(found)
    source = found.workspace.sources[item.report_source]
    return {
        "id": item.id,
        "reported": item.reported.isoformat(),
        "happened": item.happened.isoformat() if item.happened and item.happened != item.reported else None,
        "headline": item.headline,
        "why": item.why,
        "link": link(item.url),
        "source": source.name,
        "grade": source.reliability,
        "credibility": item.credibility,
        "credibility_word": CREDIBILITY[item.credibility],
        "bears_on": [_bearing(bearing, events) for bearing in item.bears_on],
        "group": item.group,
        "copy": report.copy if report else None,
        "informative": report.informative if report else None,
        "decibans": report.decibans if report and report.decibans < float("inf") else None,
        **_standing(item, report, counts, successor),
    }


def _standing(item: Item, report: Report | None, counts: bool, successor: str | None) -> dict[str, Any]:
    """Say what an item weighs now, and whether it still counts."""
    if not counts:
        gone = f"superseded by {successor}" if successor else f"retracted {long_date(item.retracted or item.reported)}"
        return {"counts": False, "weight": "none", "standing": gone}
    settled = any(isinstance(bearing, Settled) for bearing in item.bears_on)
    if report is None:
        return {"counts": True, "weight": "settled", "standing": "settled"}
    size = f"{report.decibans:.1f} dB" if report.decibans < float("inf") else "decisive"
    worn = "decayed" if report.decibans < NO_WEIGHT else ""
    copied = f"copy {report.copy} of a stronger report" if report.copy else ""
    standing = ", ".join(part for part in (copied, worn) if part) or "counts"
    return {"counts": True, "weight": f"settled + {size}" if settled else size, "standing": standing}


def _bearing(bearing: Bearing, events: Mapping[str, str]) -> dict[str, str]:
    about = "scenarios" if isinstance(bearing, OnScenarios) else events[bearing.event]
    return {"event": about, "how": _how(bearing)}


def _how(bearing: Bearing) -> str:
    match bearing:
        case Settled():
            return f"settled as {label(bearing.state)}"
        case Likelihood() | OnScenarios():
            ratios = f"{NO_BREAK}: ".join(
                f"{label(state)}{NO_BREAK}{ratio:g}" for state, ratio in bearing.ratios.items()
            )
            return f"likelihood {ratios}{_until(bearing.until)}"
        case Support():
            favoured = " or ".join(map(label, bearing.states))
            return f"{label(bearing.strength)} support for {favoured}{_until(bearing.until)}"
        case Claim():
            return f"claimed to be {label(bearing.state)} already"


def _until(day: date | None) -> str:
    return f", until {long_date(day)}" if day else ""
