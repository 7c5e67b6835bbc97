"""Alternatives: the forecast under other weights beside the ordinary one: numbers, sentences, small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from forecast.digits import points
from forecast.prior.spec import active_statements
from forecast.record.alternative_rows import IMPOSSIBLE, NEEDS_REFIT, REFITTED, TOO_MANY, is_clear, largest_change
from forecast.record.outcome import Outcome
from forecast.report.digits import interval, percent
from forecast.report.wording import counted, event_names, label
from forecast.reweight.weights import MAX_PARETO_K, MIN_EFFECTIVE_SIZE

Row = dict[str, Any]

KINDS = {"weights": "Other weights", "group": "Without a group of experts", "source": "Without a source"}
REFIT_ALL = "forecast report --refit-alternatives"


def alternatives(found: Outcome, told: Sequence[Mapping[str, Any]], scenarios: Sequence[Mapping[str, Any]]) -> Row:
    """Describe a table of forecast.answers.alternatives.

    Rows come by kind, within a kind those that move a scenario most first, and last those of which nothing is told.

    Args:
        found: the forecast.
        told: the rows of the table.
        scenarios: the page's rows of the scenarios, in the order in which the page shows them.
    """
    order = list(KINDS)
    ranked = sorted(
        told, key=lambda row: (order.index(row["kind"]), row["scenarios"] is None, -largest_change(row["scenarios"]))
    )
    rows = [_row(found, row, scenarios) for row in ranked]
    missing = [row for row in rows if row["how"] in {NEEDS_REFIT, TOO_MANY}]
    return {
        "rows": rows,
        "kinds": KINDS,
        "told": sum(row["scenarios"] is not None for row in rows),
        "of": len(rows),
        "missing": len(missing),
        "refit_command": f"{REFIT_ALL} --as-of {found.as_of.isoformat()}",
        "max_pareto_k": MAX_PARETO_K,
        "min_effective_size": MIN_EFFECTIVE_SIZE,
        "missing_names": [row["label"] for row in missing if row["kind"] != "source"],
        "sentences": _sentences(rows, scenarios, f"{REFIT_ALL} --as-of {found.as_of.isoformat()}"),
        "axis_to": _axis(rows, scenarios),
    }


def _row(found: Outcome, row: Mapping[str, Any], scenarios: Sequence[Mapping[str, Any]]) -> Row:
    k, events = row["pareto_k"], event_names(found)
    return {
        **row,
        "label": _label(found, row),
        "takes": _takes(row),
        "settles": [events[event] for event in row["settles"]],
        "how_shown": "from draws of its own" if row["how"] == REFITTED else row["how"],
        "k_shown": "—" if k is None else f"{k:.2f}".replace("-", "−"),
        "scenarios": None
        if row["scenarios"] is None
        else {one["id"]: _scenario(row["scenarios"][one["id"]]) for one in scenarios},
    }


def _scenario(one: Mapping[str, Any]) -> Row:
    return {
        **one,
        "shown": percent(one["probability"], one["mcse"]),
        "interval": interval(one["quantiles"]["0.05"], one["quantiles"]["0.95"], one["mcse"]),
        "change_shown": points(one["change"], one["change_mcse"]) if is_clear(one) else "unchanged",
    }


def _label(found: Outcome, row: Mapping[str, Any]) -> str:
    match row["kind"], row["name"]:
        case "source", name:
            return found.workspace.sources[name].name
        case "group", name:
            spoke = {said.expert for said in active_statements(found.workspace, found.as_of)}
            members = [found.workspace.experts[one] for one in sorted(spoke)]
            names = [one.name for one in members if one.group == name]
            return names[0] if len(names) == 1 else label(name)
        case _, "equal-weights":
            return "Equal weights for all statements"
        case _:
            return "Without editors' words and numbers"


def _takes(row: Mapping[str, Any]) -> str:
    """Say what an alternative takes away or changes."""
    count, what = (row["items"], "item") if row["kind"] == "source" else (row["statements"], "statement")
    return f"{count} {what}{'' if count == 1 else 's'}"


def _sentences(rows: Sequence[Mapping[str, Any]], scenarios: Sequence[Mapping[str, Any]], command: str) -> list[str]:
    """Say which alternatives move the forecast most, those that take a known fact away apart from the others.

    A largest change is one of those that are computed: how many they are is said with it, and what is left out of it.
    """
    said = []
    apart = [row for row in rows if not row["settles"]]
    computed = sum(row["scenarios"] is not None for row in apart)
    of = f"Of {counted(len(apart), 'alternative that leaves', 'alternatives that leave')} every known fact as it is"
    if computed < len(apart):
        of += f", {computed} {'is' if computed == 1 else 'are'} computed. Of these"
    if (most := _most(apart, scenarios)) is not None:
        said.append(f"{of}, the largest change: {most}")
    elif computed:
        said.append(f"{of}, none clearly moves a scenario.")
    if missing := _missing(rows):
        said.append(
            f"Not computed, so not compared: {missing}. They may move the forecast more: {command} computes them."
        )
    if (most := _most([row for row in rows if row["settles"]], scenarios)) is not None:
        said.append(f"Where a fact goes with the only source cited for it, and counts as not having happened: {most}")
    if unlike := [row["label"] for row in rows if row["how"] == IMPOSSIBLE]:
        said.append(f"Without these the remaining evidence contradicts itself: {', '.join(unlike)}.")
    return said


def _missing(rows: Sequence[Mapping[str, Any]]) -> str:
    """Name the alternatives that need a fit of their own; of sources, how many there are."""
    missing = [row for row in rows if row["how"] in {NEEDS_REFIT, TOO_MANY}]
    named = [_name_of(row) for row in missing if row["kind"] != "source"]
    sources = len(missing) - len(named)
    return "; ".join([*named, *([f"without {counted(sources, 'source')}, each left out alone"] if sources else [])])


def _name_of(row: Mapping[str, Any]) -> str:
    label_ = str(row["label"])
    return f"{label_[0].lower()}{label_[1:]}" if row["kind"] == "weights" else f"without {label_}"


def _most(rows: Sequence[Mapping[str, Any]], scenarios: Sequence[Mapping[str, Any]]) -> str | None:
    """Name the clear change that is largest; None if there is none."""
    changes = [
        (abs(one["change"]), row, scenario, one)
        for row in rows
        for scenario in scenarios
        if (one := (row["scenarios"] or {}).get(scenario["id"])) and one["change_shown"] != "unchanged"
    ]
    if not changes:
        return None
    _, row, scenario, one = max(changes, key=lambda change: change[0])
    return f"{_name_of(row)}, {scenario['name']} at {one['shown']} in place of {scenario['shown']}."


def _axis(rows: Sequence[Mapping[str, Any]], scenarios: Sequence[Mapping[str, Any]]) -> float:
    """Return where the axis of every panel ends: a round tenth that holds every interval."""
    told = [*scenarios, *(one for row in rows for one in (row["scenarios"] or {}).values())]
    highest = max(float(one["quantiles"]["0.95"]) for one in told)
    return min(1.0, ceil(10.0 * highest) / 10.0)


LABEL, PANEL, GAP, LINE, HEAD = 290.0, 146.0, 14.0, 17.0, 36.0


def small_multiples(table: Mapping[str, Any], scenarios: Sequence[Mapping[str, Any]]) -> Row:
    """Place the figure: a panel for each scenario, a line for each alternative under the heading of its kind."""
    scale = PANEL / table["axis_to"]
    lines: list[Row] = []
    y = HEAD
    for kind, heading in table["kinds"].items():
        of_kind = [row for row in table["rows"] if row["kind"] == kind]
        if not of_kind:
            continue
        y += 0.5 * LINE
        lines.append({"heading": heading, "y": y + 0.75 * LINE})
        y += 1.1 * LINE
        for row in of_kind:
            marks = [_mark(row["scenarios"][one["id"]], scale) for one in scenarios] if row["scenarios"] else None
            lines.append({"heading": None, "y": y + 0.5 * LINE, "row": row, "marks": marks})
            y += LINE
    panels = [
        {
            "x": LABEL + place * (PANEL + GAP),
            "name": one["name"],
            "colour": one["colour"],
            "ordinary": scale * one["probability"],
            "low": scale * one["quantiles"]["0.05"],
            "high": scale * one["quantiles"]["0.95"],
        }
        for place, one in enumerate(scenarios)
    ]
    ticks = [(scale * table["axis_to"] * part, f"{100 * table['axis_to'] * part:.0f}") for part in (0.0, 0.5, 1.0)]
    width = LABEL + len(scenarios) * (PANEL + GAP)
    return {"panels": panels, "lines": lines, "ticks": ticks, "top": HEAD, "floor": y, "width": width, "panel": PANEL}


def _mark(one: Mapping[str, Any], scale: float) -> dict[str, float]:
    low, high = (scale * one["quantiles"][level] for level in ("0.05", "0.95"))
    return {"at": scale * one["probability"], "low": low, "high": high}
