"""The page: report.json's numbers and the figures put into the template, nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from forecast.report.alternatives import small_multiples
from forecast.report.history import chart
from forecast.report.moves import bars
from forecast.report.sections import SECTIONS, contents

Elsewhere = Sequence[tuple[str, str]]  # of pages: what the link says, and its address

DOT = 10.0  # diameter of a dot, in units of the strip's width
STRIP_WIDTH, STRIP_FOOT = 600.0, 16.0
MIN_STACK, MOST_STACK = 3, 6  # height of a strip in dots; a higher stack has smaller ones


def render(
    page: Mapping[str, Any], drawing: Mapping[str, Any], figures: Mapping[str, str], elsewhere: Elsewhere
) -> str:
    """Render report.html.

    Args:
        page: the content of report.json.
        drawing: places of the network's nodes and edges.
        figures: name -> `<svg>` element.
        elsewhere: pages beside it to which it links.
    """
    from markupsafe import Markup

    from forecast.report.opinions import by_event

    environment = page_environment()
    script = source(environment, "script.js")
    falls = {name: bars(page[name]) for name in ("since_update", "since_prior") if page[name]}
    text: str = environment.get_template("report.html").render(
        page=page,
        sections=SECTIONS,
        contents=contents(),
        titles={section.id: section.title for section in SECTIONS},
        elsewhere=elsewhere,
        style=Markup(source(environment, "style.css")),
        script=Markup(script),
        script_hash=_csp_hash(script),
        worlds=Markup(_data_block(page["what_if"])),
        strips={row["id"]: dot_strip(row, page["axis_to"]) for row in page["scenarios"]},
        falls=falls,
        chart=chart(page["history"], page["axis_to"]),
        sparks={row["id"]: _sparks(row, page["history"]) for row in page["history"]["questions"]},
        told=by_event(page["statements"]),
        curves={event["id"]: curve_lines(event, page) for event in page["events"]},
        fans={event["id"]: curve_fans(event, page) for event in page["events"]},
        drawing=drawing,
        multiples=small_multiples(page["alternatives"], page["scenarios"]),
        # Drawn by matplotlib, which escapes the text in it.
        figures={name: Markup(svg) for name, svg in figures.items()},
    )
    return text


def page_environment() -> Any:
    """Return the templates' environment: everything that they print is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from forecast.report.digits import percent
    from forecast.report.wording import counted, label, long_date

    environment = Environment(
        loader=PackageLoader("forecast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"long_date": long_date, "label": label, "counted": counted}
    environment.globals |= {"percent": percent}
    environment.globals["draw"] = environment.get_template("drawings.html").module
    return environment


def source(environment: Any, name: str) -> str:
    """Return the text of a template's file as it is."""
    text: str = environment.loader.get_source(environment, name)[0]
    return text


def _csp_hash(script: str) -> str:
    """Return what the page's policy names its only script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _data_block(values: Any) -> str:
    """Encode values as JSON that cannot end the element it stands in, nor begin another one."""
    text = json.dumps({key: values[key] for key in values if key != "rows"}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def dot_strip(row: Mapping[str, Any], axis_to: float) -> dict[str, Any]:
    """Place a scenario's quantile dots on a strip: dots nearer than a diameter are stacked (Wilkinson 1999).

    What is as good as certain or impossible is one stack, whose dots are made smaller: a row of the main figure is no
    higher for it.
    """
    places = [STRIP_WIDTH * value / axis_to for value in row["dots"]]
    stacks: list[list[float]] = []
    for place in places:
        if stacks and place - stacks[-1][0] < DOT:
            stacks[-1].append(place)
        else:
            stacks.append([place])
    tallest = max(map(len, stacks))
    height = min(max(MIN_STACK, tallest), MOST_STACK) * DOT
    size = min(DOT, height / tallest)
    quantiles = {name: STRIP_WIDTH * value / axis_to for name, value in row["quantiles"].items()}
    return {
        "width": STRIP_WIDTH,
        "height": height + STRIP_FOOT,
        "floor": height,
        "radius": 0.46 * size,
        "dots": [
            ((stack[0] + stack[-1]) / 2, height - (level + 0.5) * size)
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
    lines: list[str | None] = []
    for k, state in enumerate(event["states"]):
        if not _has_curve(event, k):
            lines.append(None)
            continue
        first = _known(event, k)
        lines.append(_points([(0.0, first), *_by_day(page, [point["probability"] for point in state["curve"]])]))
    return lines


def curve_fans(event: Mapping[str, Any], page: Mapping[str, Any]) -> list[str | None]:
    """Return the outline of each state's 90 % band by date; None where there is no curve."""
    fans: list[str | None] = []
    for k, state in enumerate(event["states"]):
        if not _has_curve(event, k):
            fans.append(None)
            continue
        low, high = ([point["quantiles"][end] for point in state["curve"]] for end in (0, -1))
        around = [*_by_day(page, low), *reversed(_by_day(page, high))]
        fans.append(_points([(0.0, _known(event, k)), *around]))
    return fans


def _has_curve(event: Mapping[str, Any], k: int) -> bool:
    return event["states"][k]["curve"] is not None and not (k == 0 and event["kind"] == "reached")


def _by_day(page: Mapping[str, Any], values: Sequence[float]) -> list[tuple[float, float]]:
    """Return (share of the time from the last known day to the horizon, value) of each day of the curves."""
    start = date.fromisoformat(page["question"]["known_until"])
    days = [(date.fromisoformat(day) - start).days for day in page["curves"]["days"]]
    return [(day / max(days[-1], 1), value) for day, value in zip(days, values, strict=True)]


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{CURVE_WIDTH * x:.1f},{CURVE_HEIGHT * (1 - p):.1f}" for x, p in places)


def _sparks(row: Mapping[str, Any], past: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Place each forecaster's course of one question between the opening and the as-of date."""
    start = date.fromisoformat(past["from"])
    days = max((date.fromisoformat(past["to"]) - start).days, 1)

    def course(points: Sequence[Mapping[str, Any]]) -> str:
        places = [((date.fromisoformat(p["day"]) - start).days / days, p["probability"]) for p in points]
        return _points([*places, (1.0, places[-1][1])] if len(places) == 1 else places)

    return [{"own": one["own"], "points": course(one["points"])} for one in row["series"]]


def _known(event: Mapping[str, Any], k: int) -> float:
    """Return the probability of a state where the known course ends: it is known, so 0 or 1."""
    current = next(i for i, state in enumerate(event["states"]) if state["state"] == event["current"])
    return float(k <= current if event["kind"] == "reached" else k == current)
