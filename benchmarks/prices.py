"""A copy of this repository's workspace with prices on 25 of its events, which agree with each other or do not."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measured import ROOT
from forecast.session import Session

PRICES = 25
SUPPOSED, WEIGHT = "ceasefire=general", 0.3
OPEN = 0.01  # what is less open than this is not priced


def priced(root: Path, *, coherent: bool) -> Path:
    """Copy the workspace with its draws to a folder, and price events' states at the horizon; return the folder.

    Coherent prices are those of a mixture: the forecast, and the forecast given a supposition. The others are the same,
    but for two states of one event that together cost more than 1.
    """
    shutil.copytree(ROOT / "priors", root / "priors", ignore=shutil.ignore_patterns("questions.yaml", "benchmarks"))
    shutil.copytree(ROOT / "evidence", root / "evidence")
    shutil.copytree(ROOT / "reports" / ".cache", root / "reports" / ".cache")
    for name in ("judgements.csv", "resolutions.jsonl"):
        (root / "priors" / name).unlink(missing_ok=True)
    told = json.loads(_forecast("what-if", SUPPOSED, "--json", "-C", str(root)))
    events = Session(root).workspace.network.events
    prices = {
        (event["id"], state["id"]): (1.0 - WEIGHT) * state["before"] + WEIGHT * state["after"]
        for event in told["events"]
        if events[event["id"]].kind != "constant"  # which no day settles
        for state in event["states"][1:]
        if min(state["before"], 1.0 - state["before"]) > OPEN
    }
    chosen = dict(sorted(prices.items(), key=lambda one: abs(one[1] - 0.5))[:PRICES])
    if len(chosen) < PRICES:
        msg = f"only {len(chosen)} states are open"
        raise RuntimeError(msg)
    if not coherent:
        by_event: dict[str, list[str]] = {}
        for event, state in chosen:
            by_event.setdefault(event, []).append(state)
        event, states = next((event, states) for event, states in by_event.items() if len(states) > 1)
        chosen |= {(event, state): 0.6 for state in states[:2]}
    yesterday = date.fromisoformat(told["as_of"]) - timedelta(days=1)
    (root / "priors" / "benchmarks").mkdir()
    written = []
    for (event, state), price in chosen.items():
        name = f"{event}-{state}".replace("_", "-")
        about = {"event": event, "state": state}
        rule = f"yes = {event} is {state} at the horizon."
        written.append(
            {
                "id": name,
                "question": f"Is {event} {state}?",
                "about": about,
                "by": told["horizon"],
                "opens": str(yesterday),
                "topic": "prices",
                "resolves": rule,
            }
        )
        with (root / "priors" / "benchmarks" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("date", "forecaster", "probability"), (yesterday, "market", f"{price:.6f}")])
    # JSON is YAML.
    (root / "priors" / "questions.yaml").write_text(json.dumps(written, indent=1), encoding="utf-8")
    return root


def _forecast(*arguments: str) -> Any:
    ran = subprocess.run([sys.executable, "-m", "forecast", *arguments], check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return ran.stdout
