"""Draw docs/replay.svg from the replay in reports/, and put its scores into README.md: `make replay`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd

from forecast.analysis.replay_day import TABLE, Course, forecaster_courses, scenario_courses
from forecast.digits import percent, score, score_difference
from forecast.scoring.score_table import score_table

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("replay.svg")
README = ROOT / "README.md"
BEGIN, END = "<!-- the replay: make replay -->", "<!-- end of the replay -->"
OWN = "forecast"

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 340, 48, 150, 40, 40  # pixels
LABEL = 16  # least distance of two labels
TICK = 0.1

# Colours that people who are colour-blind tell apart (Okabe and Ito 2008); each line also has its name beside it.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#8c8c8c")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 12px; fill: #59636e } .grid { stroke: #d1d9e0 }
polyline { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d } }"""


def picture(courses: Mapping[str, Course]) -> str:
    """Draw the probability of each scenario over the dates of the replay."""
    days = next(iter(courses.values())).days
    first, last = days[0].toordinal(), days[-1].toordinal()
    highest = max(max(course.probability) for course in courses.values())
    ticks = int(highest / TICK) + 1

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day.toordinal() - first) / max(last - first, 1)

    def y(probability: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * probability / (ticks * TICK)

    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    ends = ", ".join(f"{_name(name)} {percent(course.probability[-1], None)}" for name, course in courses.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="At the end: {escape(ends)}">',
        f"<style>{STYLE}\n</style>",
        f'<text x="8" y="22">What each week\'s forecast would have said, {days[0]} to {days[-1]}</text>',
    ]
    for tick in range(ticks + 1):
        at = f"{y(tick * TICK):.1f}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text class="small" text-anchor="end" x="{LEFT - 6}" y="{at}" dy="4">{tick * 10} %</text>')
    for year in range(days[0].year, days[-1].year + 1):
        for month in (1, 4, 7, 10):
            if days[0] <= (day := date(year, month, 1)) <= days[-1]:
                foot = f'x="{x(day):.1f}" y="{HEIGHT - BOTTOM + 18}"'
                parts.append(f'<text class="small" text-anchor="middle" {foot}>{day:%Y-%m}</text>')
    placed = HEIGHT + 0.0
    by_height = sorted(zip(courses.items(), COLOURS, strict=True), key=lambda one: one[0][1].probability[-1])
    for (name, course), colour in by_height:
        points = " ".join(f"{x(day):.1f},{y(p):.1f}" for day, p in zip(course.days, course.probability, strict=True))
        parts.append(f'<polyline stroke="{colour}" points="{points}"/>')
        placed = min(placed - LABEL, y(course.probability[-1]))
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{placed:.1f}" dy="4">{escape(_name(name))}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _name(scenario: str) -> str:
    return scenario.replace("_", " ")


def readme_table(found: Mapping[str, Any]) -> str:
    """Write this forecast beside each other forecaster, on the questions and the time that both forecast."""
    names = "beside | questions | forecasts | Brier, ours | theirs | difference, 90 % interval | log, ours | theirs"
    lines = [
        f"| {names} | more to tell |",
        "|---|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    ours = [row for row in found["scores"] if row["measure"] == "skill" and row["forecaster"] == OWN]
    for row in sorted(ours, key=lambda row: (-row["n_questions"], row["benchmark"])):
        if row["of"] != "brier":
            continue
        log = next(one for one in ours if one["of"] == "log" and one["benchmark"] == row["benchmark"])
        less = row["anytime"]
        interval = f"{_apart(less['mean'])} ({_apart(less['low'])} to {_apart(less['high'])})"
        cells = (
            row["benchmark"],
            row["n_questions"],
            f"{row['n_forecasts']}, {row['n_benchmark_forecasts']}",
            _digits(row["score"]),
            _digits(row["benchmark_score"]),
            interval,
            _digits(log["score"]),
            _digits(log["benchmark_score"]),
            "no number" if less["more"] is None else f"{less['more']:,}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    counts = found["n_questions"]
    resolved, unresolved = counts["resolved"], counts["open"]
    told = [f"{resolved} questions have ended, {unresolved} are open. {_heaviest(ours)}".strip()]
    return "\n".join([*lines, "", *told])


def _heaviest(ours: Sequence[Mapping[str, Any]]) -> str:
    """Name the question that the score of the most questions rests on."""
    rows = [row for row in ours if row["of"] == "brier" and "heaviest" in row]
    row = max(rows, key=lambda row: row["n_questions"], default=None)
    if row is None:
        return ""
    one, total = row["heaviest"], row["score"] * row["n_questions"]
    return (
        f"Of the Brier score beside the {row['benchmark']}, {one['score'] / total:.0%} is one question, "
        f"`{one['question']}`: without it the means are {_digits(one['score_without'])} and "
        f"{_digits(one['benchmark_score_without'])}."
    ).replace("%", " %")


def _digits(mean: float | str) -> str:
    return mean if isinstance(mean, str) else score(mean, 3)


def _apart(difference: float) -> str:
    return score_difference(difference, 3)


def main() -> None:
    """Read the replay, and write picture and table."""
    others = {name for question in forecaster_courses(ROOT).values() for name in question} - {OWN}
    found = score_table(pd.read_csv(ROOT / TABLE, dtype=str, keep_default_na=False), benchmarks=sorted(others))
    PICTURE.write_text(picture(scenario_courses(ROOT)), encoding="utf-8")
    told = f"{BEGIN}\n{readme_table(found)}\n{END}"
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: told, text, flags=re.DOTALL), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)} and the scores of {README.name}")


if __name__ == "__main__":
    main()
