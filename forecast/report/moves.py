"""Why the forecast moved: the steps of the evidence as the page tells them, and where their bars stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forecast.report.digits import percent, signed_points
from forecast.report.wording import label, long_date

Row = dict[str, Any]

ROUND = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)  # distances of ticks
NAMED, DECIDES = 3, 0.995  # events in the sentence; what makes a scenario as good as certain is no news
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
LABEL, TOLD = 44, 110  # characters of a headline beside a bar, and in a sentence
TOP = 12  # steps shown one by one; the others are added up
WIDTH, LINE, PAD = 620.0, 26.0, 6.0  # of the figure: width of the bars' area, height of a row, room beside the axis


def waterfall(table: Mapping[str, Any] | None, names: Mapping[str, str], mcse: float) -> Row | None:
    """Describe a table of forecast.answers.why: a sentence, and a row for each step.

    Args:
        table: None where there is nothing to compare with.
        names: of the scenarios, by id.
        mcse: Monte Carlo standard error of the scenario.
    """
    if table is None:
        return None
    rows = _placed(table)
    name = names[table["target"]]
    return {
        "scenario": table["target"],
        "name": name,
        "since": _since(table["since"]),
        "by": table["by"],
        "from": table["from"],
        "from_shown": percent(table["from"], mcse),
        "to": table["to"],
        "to_shown": percent(table["to"], mcse),
        "rows": rows,
        "draws": table["draws"],
        "unreliable": table["unreliable"],
        "sentence": _sentence(name, table, rows, mcse),
        **_range(rows, table),
    }


def _placed(table: Mapping[str, Any]) -> list[Row]:
    """Give every step where it begins and ends: they are summed, so that the last one ends at the forecast."""
    at, rows = float(table["from"]), []
    for step in table["rows"]:
        rows.append(
            {
                "what": _what(step),
                "label": shortened(_said(step) or _what(step), LABEL),
                "headline": _said(step),
                "on": step["on"],
                "kind": step["kind"],
                "step": step["step"],
                "step_shown": signed_points(step["step"], step.get("mcse")),
                "error_shown": "—" if step.get("mcse") is None else f"{100.0 * step['mcse']:.1f}",
                "from": at,
                "to": at + step["step"],
                "decibans": step["decibans"],
                "decibans_shown": "—" if step["decibans"] is None else _signed(step["decibans"], 1),
                "alone": step["leave_one_out"],
                "alone_shown": "—" if step["leave_one_out"] is None else signed_points(step["leave_one_out"], None),
                "reliable": step["reliable"],
            }
        )
        at += float(step["step"])
    return rows


def _what(step: Mapping[str, Any]) -> str:
    if step["kind"] == "retraction":
        return f"retracted: {step['what']}"
    return str(step["what"])


def _said(step: Mapping[str, Any]) -> str | None:
    if step["headline"] is None:
        return None
    return f"{'Retracted: ' if step['kind'] == 'retraction' else ''}{step['headline']}"


def _since(name: str) -> str:
    """Write the date in the name of an update in words."""
    return ISO.sub(lambda found: long_date(found[0]), name)


def in_points(shown: str) -> str:
    """Write a printed number of points with its unit."""
    return f"{shown} {'point' if shown.strip('+−') == '1' else 'points'}"


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text, cut at a word where one ends late enough."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut) + "…"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+z.{decimals}f}".replace("-", "−")
    return text.lstrip("+") if not float(text.replace("−", "-")) else text


def _sentence(name: str, table: Mapping[str, Any], rows: Sequence[Row], mcse: float) -> str:
    change = table["to"] - table["from"]
    size = f"{percent(table['from'], mcse)} to {percent(table['to'], mcse)}"
    verb = "rose" if change > 0 else "fell"
    if percent(table["from"], mcse) == percent(table["to"], mcse):
        said = f"{name} stands at {percent(table['to'], mcse)}, as it did by {_since(table['since'])}"
    else:
        said = f"Since {_since(table['since'])}, {name} {verb} from {size}"
    single = [row for row in rows if row["kind"] in {"item", "retraction"}]
    if not single:
        return f"{said}."
    largest = max(single, key=lambda row: abs(row["step"]))
    if not float(largest["step_shown"].replace("−", "-")):
        return f"{said}. No single report moved it beyond the Monte Carlo error."
    told = f"“{shortened(largest['headline'], TOLD)}”" if largest["headline"] else largest["what"]
    return f"{said}. The largest step by a single report, {in_points(largest['step_shown'])}: {told}"


def _range(rows: Sequence[Row], table: Mapping[str, Any]) -> dict[str, float]:
    ends = [table["from"], table["to"], *(row["from"] for row in rows), *(row["to"] for row in rows)]
    low, high = min(ends), max(ends)
    room = max(0.02, 0.08 * (high - low))
    return {"axis_from": max(0.0, low - room), "axis_to": min(1.0, high + room)}


def bars(fall: Mapping[str, Any]) -> Row:
    """Place the bars of a waterfall: one row each, first and last the forecasts that it leads from and to."""
    low, high = fall["axis_from"], fall["axis_to"]

    def x(value: float) -> float:
        return float(PAD + (WIDTH - 2 * PAD) * (value - low) / (high - low))

    steps = [
        {
            "x": min(x(row["from"]), x(row["to"])),
            "width": abs(x(row["to"]) - x(row["from"])),
            "to": x(row["to"]),
            "y": (i + 1) * LINE,
            "up": row["step"] >= 0,
        }
        for i, row in enumerate(fall["rows"])
    ]
    return {
        "width": WIDTH,
        "line": LINE,
        "height": (len(steps) + 2) * LINE,
        "steps": steps,
        "first": x(fall["from"]),
        "last": x(fall["to"]),
        "ticks": [(x(tick), f"{100 * tick:.0f}") for tick in _ticks(low, high)],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return round values within a range, at most seven of them."""
    size = next(size for size in ROUND if (high - low) / size <= 7)
    return [size * i for i in range(1 + int(high / size)) if low <= size * i]


def watching(table: Mapping[str, Any], names: Mapping[str, str], events: Mapping[str, str]) -> Row:
    """Describe a table of forecast.answers.watch: what is worth watching, and what each outcome would do."""
    rows = [
        {
            "event": events[row["event"]],
            "now": label(row["now"]),
            "defines": row["defines"],
            "bits": row["bits"],
            "bits_shown": f"{row['bits']:.3f}",
            "share": row["share"],
            "share_shown": percent(row["share"], None),
            "outcomes": [_outcome(one, names) for one in row["outcomes"]],
        }
        for row in table["events"]
    ]
    return {
        "by": table["by"],
        "entropy": table["entropy"],
        "entropy_shown": f"{table['entropy']:.2f}",
        "left_out": [events[event] for event in table["left_out"]],
        "rows": rows,
        "sentence": _watch(rows, table),
    }


def _outcome(one: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    moves = one["moves"]
    change = moves["to"] - moves["from"]
    return {
        "state": label(one["state"]),
        "probability": one["probability"],
        "shown": percent(one["probability"], None),
        "scenario": names[moves["scenario"]],
        "from": moves["from"],
        "to": moves["to"],
        "change": change,
        "from_shown": percent(moves["from"], None),
        "to_shown": percent(moves["to"], None),
        "up": change > 0,
        "moves": percent(moves["from"], None) != percent(moves["to"], None),
    }


def _watch(rows: Sequence[Row], table: Mapping[str, Any]) -> str:
    day = long_date(table["by"])
    if not rows:
        return f"No event that can be watched until {day} reveals anything about the scenarios."
    first = ", ".join(row["event"] for row in rows[:NAMED])
    found = [(row, one) for row in rows[:NAMED] for one in row["outcomes"] if one["moves"] and one["to"] < DECIDES]
    said = f"Most worth watching until {day}: {first}."
    if not found:
        return said
    row, most = max(found, key=lambda pair: abs(pair[1]["change"]))
    way = "up" if most["up"] else "down"
    size = f"{most['from_shown']} to {most['to_shown']}"
    return f"{said} If {row['event']} is {most['state']} then, {most['scenario']} goes {way} from {size}."
