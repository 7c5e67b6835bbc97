"""Draw docs/forecast.svg from the latest forecast in reports/, and put its table into README.md: `make picture`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from forecast.commands.readable import interval_of, moved_most, points
from forecast.commands.running import Progress
from forecast.digits import percent
from forecast.plain import as_data
from forecast.session import Session
from forecast.words import event_name, first_wins, rules_in_words
from forecast.workspace.read import load
from forecast.workspace.records import Workspace

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("forecast.svg")
README = ROOT / "README.md"
BEGIN, END = "<!-- the latest forecast: make picture -->", "<!-- end of the latest forecast -->"

WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM = 760, 170, 80, 64, 40, 56  # pixels
TICK = 0.1

# Both themes of a page: an SVG that is shown as an image follows the reader's own setting.
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 12px; fill: #59636e }
.grid { stroke: #d1d9e0 } .wide { stroke: #0969da; stroke-width: 3 } .half { stroke: #0969da; stroke-width: 11 }
.now { fill: #fff; stroke: #0969da; stroke-width: 3 } .prior { stroke: #9a6700; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
  .wide, .half, .now { stroke: #4493f8 } .now { fill: #0d1117 } .prior { stroke: #d29922 }
}"""


def picture(table: Mapping[str, Any], prior: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw one row a scenario: 90 % and 50 % intervals, the probability, and a mark at the prior.

    Args:
        table: the content of forecast.json.
        prior: the row of each scenario in the prior, by id.
    """
    rows = sorted(table["scenarios"], key=lambda row: (row["id"] == "other", -row["probability"]))
    highest = max(max(row["quantiles"]["0.95"], prior[row["id"]]["probability"]) for row in rows)
    ticks = int(min(1.0, highest + TICK / 2) / TICK) + 1
    height = TOP + ROW * len(rows) + BOTTOM
    described = ", ".join(f"{_name(row)} {percent(row['probability'], row['mcse'])}" for row in rows)

    def x(probability: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * probability / (ticks * TICK):.1f}"

    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(described)}">',
        f"<style>{STYLE}\n</style>",
        f'<text x="8" y="24">{escape(table["title"])}: scenarios on {table["horizon"]}</text>',
        f'<text class="small" x="8" y="44">as of {table["as_of"]}, news watched until {table["known_until"]}</text>',
    ]
    for tick in range(ticks + 1):
        at, foot = x(tick * TICK), height - BOTTOM
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{foot}"/>')
        parts.append(f'<text class="small" text-anchor="middle" x="{at}" y="{foot + 18}">{tick * 10} %</text>')
    for place, row in enumerate(rows):
        parts += _row(row, prior[row["id"]]["probability"], TOP + ROW * place + ROW // 2, x)
    legend = "circle: probability now; bars: 50 % and 90 % of its distribution; vertical mark: prior"
    parts += [f'<text class="small" x="8" y="{height - 12}">{legend}</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def _name(row: Mapping[str, Any]) -> str:
    return str(row["id"]).replace("_", " ")


def _row(row: Mapping[str, Any], prior: float, y: int, x: Any) -> list[str]:
    quantiles = row["quantiles"]
    return [
        f'<text x="8" y="{y + 5}">{escape(_name(row))}</text>',
        f'<line class="wide" x1="{x(quantiles["0.05"])}" x2="{x(quantiles["0.95"])}" y1="{y}" y2="{y}"/>',
        f'<line class="half" x1="{x(quantiles["0.25"])}" x2="{x(quantiles["0.75"])}" y1="{y}" y2="{y}"/>',
        f'<line class="prior" x1="{x(prior)}" x2="{x(prior)}" y1="{y - 12}" y2="{y + 12}"/>',
        f'<circle class="now" cx="{x(row["probability"])}" cy="{y}" r="6"/>',
        f'<text text-anchor="end" x="{WIDTH - 8}" y="{y + 5}">{percent(row["probability"], row["mcse"])}</text>',
    ]


def readme_table(table: Mapping[str, Any], prior: Mapping[str, Mapping[str, Any]], known: Workspace) -> str:
    """Write the scenarios as a Markdown table: each number beside the rule that it is the probability of."""
    lines = [
        "| scenario | holds when | probability | 90 % interval | prior | change | moved most by, points |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    rules = rules_in_words(known.scenarios, {name: event_name(event) for name, event in known.network.events.items()})
    for row in table["scenarios"]:
        before = prior[row["id"]]
        cells: Sequence[str] = (
            f"`{row['id']}`",
            rules[row["id"]],
            percent(row["probability"], row["mcse"]),
            interval_of(row),
            percent(before["probability"], before["mcse"]),
            points(row["change"], row["mcse"]),
            moved_most(table.get("moved", []), row),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"A probability is that of the rule. {first_wins(known.scenarios)}".rstrip()])


def main() -> None:
    """Read the latest forecast, and write picture and table."""
    path = max((ROOT / "reports").glob("*-*-*/forecast.json"))
    table = json.loads(path.read_text(encoding="utf-8"))
    day = date.fromisoformat(table["as_of"])
    before = Session(ROOT, as_of=day, seed=table["seed"], progress=Progress()).statements_alone()
    prior = {row["id"]: row for row in as_data(before.table.scenarios)}
    PICTURE.write_text(picture(table, prior), encoding="utf-8")
    told = f"{BEGIN}\n{readme_table(table, prior, load(ROOT, datetime.now(UTC).date()))}\n{END}"
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: told, text, flags=re.DOTALL), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)} and the table of {README.name}, as of {day}")


if __name__ == "__main__":
    main()
