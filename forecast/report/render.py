"""The page: report.json's numbers and the figures put into the template, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOT = 10.0  # diameter of a dot, in units of the strip's width
STRIP_WIDTH, STRIP_FOOT, MIN_STACK = 600.0, 16.0, 3


def render(page: Mapping[str, Any], drawing: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """Render report.html.

    Args:
        page: the content of report.json.
        drawing: places of the network's nodes and edges.
        figures: name -> `<svg>` element.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from forecast.report.digits import percent
    from forecast.report.opinions import by_event
    from forecast.report.wording import label, long_date

    environment = Environment(
        loader=PackageLoader("forecast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"long_date": long_date, "label": label}
    environment.globals |= {"percent": percent}
    style = Markup(environment.loader.get_source(environment, "style.css")[0]) if environment.loader else ""
    strips = {row["id"]: dot_strip(row, page["axis_to"]) for row in page["scenarios"]}
    curves = {event["id"]: curve_lines(event, page) for event in page["events"]}
    return environment.get_template("report.html").render(
        page=page,
        style=style,
        strips=strips,
        told=by_event(page["statements"]),
        curves=curves,
        drawing=drawing,
        # Drawn by matplotlib, which escapes the text in it.
        figures={name: Markup(svg) for name, svg in figures.items()},
    )


def dot_strip(row: Mapping[str, Any], axis_to: float) -> dict[str, Any]:
    """Place a scenario's quantile dots on a strip: dots nearer than a diameter are stacked (Wilkinson 1999)."""
    places = [STRIP_WIDTH * value / axis_to for value in row["dots"]]
    stacks: list[list[float]] = []
    for place in places:
        if stacks and place - stacks[-1][0] < DOT:
            stacks[-1].append(place)
        else:
            stacks.append([place])
    height = max(MIN_STACK, *map(len, stacks)) * DOT
    quantiles = {name: STRIP_WIDTH * value / axis_to for name, value in row["quantiles"].items()}
    return {
        "width": STRIP_WIDTH,
        "height": height + STRIP_FOOT,
        "floor": height,
        "radius": 0.46 * DOT,
        "dots": [
            ((stack[0] + stack[-1]) / 2, height - (level + 0.5) * DOT)
            for stack in stacks
            for level in range(len(stack))
        ],
        "quantiles": quantiles,
        "mean": STRIP_WIDTH * row["probability"] / axis_to,
        "ticks": [STRIP_WIDTH * tick / (10.0 * axis_to) for tick in range(round(10 * axis_to) + 1)],
    }


CURVE_WIDTH, CURVE_HEIGHT = 132.0, 40.0


def curve_lines(event: Mapping[str, Any], page: Mapping[str, Any]) -> list[str | None]:
    """Return the points of each state's curve by date; None for a constant, and for a state that is always reached."""
    from datetime import date

    start = date.fromisoformat(page["question"]["known_until"])
    days = [(date.fromisoformat(day) - start).days for day in page["curves"]["days"]]
    lines: list[str | None] = []
    for k, state in enumerate(event["states"]):
        if state["curve"] is None or (k == 0 and event["kind"] == "reached"):
            lines.append(None)
            continue
        first = _known(event, k)
        points = [(0.0, first), *zip(days, (point["probability"] for point in state["curve"]), strict=True)]
        last = max(days[-1], 1)
        lines.append(" ".join(f"{CURVE_WIDTH * x / last:.1f},{CURVE_HEIGHT * (1 - p):.1f}" for x, p in points))
    return lines


def _known(event: Mapping[str, Any], k: int) -> float:
    """Return the probability of a state where the known course ends: it is known, so 0 or 1."""
    current = next(i for i, state in enumerate(event["states"]) if state["state"] == event["current"])
    return float(k <= current if event["kind"] == "reached" else k == current)
