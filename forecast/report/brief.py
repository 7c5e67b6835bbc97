"""The report on one page of Markdown, for a mail or a pull request: the same numbers, fewer of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forecast.record.ledger import LEDGER
from forecast.report.moves import in_points
from forecast.report.wording import long_date

STEPS, WATCHED, DISAGREEING = 5, 3, 3  # told


def brief(page: Mapping[str, Any]) -> str:
    """Write the brief from the content of report.json."""
    asked = page["question"]
    parts = [
        f"# {plain(asked['title'])}: forecast for {long_date(asked['horizon'])}",
        f"**{plain(page['headline'])}**",
        f"As of {long_date(asked['as_of'])}; events known until {long_date(asked['known_until'])}. {page['compared']}.",
        *(f"**{plain(line)}**" for line in page["warnings"] if line.startswith(LEDGER)),
        _scenarios(page),
        *([plain(page["first_wins"])] if page["first_wins"] else []),
        _confidence(page["confidence"]),
        *_moved(page),
        "## What would change it",
        plain(page["watch"]["sentence"]),
        *(f"- {plain(line)}" for line in _watched(page["watch"])),
        "## Who disagrees",
        _disagreements(page),
        *([plain(" ".join(page["alternatives"]["sentences"]))] if page["alternatives"]["sentences"] else []),
        "---",
        f"Full report: `reports/{asked['as_of']}/report.html`. To reproduce: `{page['reproduce']['command']}`.",
    ]
    return "\n\n".join(_joined(parts)) + "\n"


def _joined(parts: list[str]) -> list[str]:
    """Put the lines of a list together: between them an empty line would pull it apart."""
    blocks: list[str] = []
    for part in parts:
        if blocks and part.startswith("- ") and blocks[-1].rsplit("\n", 1)[-1].startswith("- "):
            blocks[-1] += f"\n{part}"
        else:
            blocks.append(part)
    return blocks


def _scenarios(page: Mapping[str, Any]) -> str:
    rows = [
        "| Scenario | Holds when | Probability | 90 % interval | In words | Change |", "|---|---|---:|---:|---|---|",
    ]  # fmt: skip
    for row in page["scenarios"]:
        told = (plain(row["name"]), plain(row["rule"]), row["shown"], row["interval"], row["word"], row["moved"] or "—")
        rows.append(f"| {' | '.join(told)} |")
    return "\n".join(rows)


def _confidence(found: Mapping[str, Any]) -> str:
    weakest = [reason["text"] for reason in found["reasons"] if reason["level"] != "high"]
    return plain(" ".join([found["sentence"], *weakest]))


def _moved(page: Mapping[str, Any]) -> list[str]:
    fall = page["since_update"] or page["since_prior"]
    steps = sorted((row for row in fall["rows"] if row["headline"]), key=lambda row: -abs(row["step"]))[:STEPS]
    lines = [f"- {in_points(row['step_shown'])}: {plain(row['headline'])} ({row['on']})" for row in steps]
    return ["## Why it moved", plain(fall["sentence"]), *lines]


def _watched(watch: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['event']}, now {row['now']}: "
        + "; ".join(
            f"{one['state']} ({one['shown']}) would put {one['scenario']} at {one['to_shown']}"
            for one in row["outcomes"][:2]
        )
        for row in watch["rows"][:WATCHED]
    ]


def _disagreements(page: Mapping[str, Any]) -> str:
    rows = page["disagreements"][:DISAGREEING]
    if not rows:
        return "No expert's statement ends far from what all statements together imply."
    listed = "; ".join(f"{row['expert']} on {row['event']} ({row['residual_shown']} sd)" for row in rows)
    return plain(f"{listed}.")


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line: every sign with a meaning there is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))
