"""`forecast score --json` on 50,000 forecasts, as a process of its own. At most 3 s asked for each table.

    python benchmarks/scores.py [RUNS]

Three shapes of table: few forecasters who update often, many who answer once, and states with draws among them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measured import seconds, table

LIMIT = 3.0
RUNS = 3
OPENS = date(2026, 1, 1)
DAYS = 200
HEADER = "question,forecaster,time,probability,outcome,opens,closes,topic,state,value"


def yes_or_no(n_forecasters: int, n_questions: int, n_updates: int) -> Iterator[str]:
    """Yield rows of forecasters who all answer every question and update it."""
    rng = np.random.default_rng(1)
    truth = rng.beta(1.0, 2.0, n_questions)
    outcome = rng.random(n_questions) < truth
    log_odds = np.log(truth / (1.0 - truth))
    for question in range(n_questions):
        tail = f"{int(outcome[question])},{OPENS},{OPENS + timedelta(DAYS)},topic {question % 5}"
        said = 1.0 / (1.0 + np.exp(-(log_odds[question] + rng.normal(0.0, 0.7, (n_forecasters, n_updates)))))
        days = np.sort(rng.permuted(np.tile(np.arange(DAYS), (n_forecasters, 1)), axis=1)[:, :n_updates], axis=1)
        for forecaster in range(n_forecasters):
            for update in range(n_updates):
                when = f"{OPENS + timedelta(int(days[forecaster, update]))}T{forecaster % 24:02}:30:00Z"
                yield f"q{question},f{forecaster},{when},{said[forecaster, update]:.4f},{tail},,"


def mixed(n_rows: int) -> Iterator[str]:
    """Yield rows of which half are probabilities of four ordered states, half draws in lots of fifty."""
    rng = np.random.default_rng(2)
    tail = f"{OPENS},{OPENS + timedelta(DAYS)}"
    for question in range(n_rows // 2 // 40):
        outcome = "abcd"[question % 4]
        for forecaster in range(10):
            for state, p in zip("abcd", rng.dirichlet(np.ones(4)), strict=True):
                yield f"s{question},f{forecaster},{OPENS},{p:.6f},{outcome},{tail},,{state},"
    for question in range(n_rows // 2 // 500):
        for forecaster in range(10):
            for value in rng.normal(size=50):
                yield f"n{question},f{forecaster},{OPENS},,0.3,{tail},,,{value:.4f}"


TABLES: Mapping[str, Callable[[], Iterator[str]]] = {
    "10 forecasters x 500 questions x 10 updates": lambda: yes_or_no(10, 500, 10),
    "250 forecasters x 200 questions": lambda: yes_or_no(250, 200, 1),
    "5 forecasters x 10,000 questions": lambda: yes_or_no(5, 10_000, 1),
    "states and draws": lambda: mixed(50_000),
}


def main(runs: int) -> None:
    """Print the median seconds of the process for each table."""
    rows: list[tuple[str, ...]] = [("table", "rows", f"seconds (limit {LIMIT:g})", "from", "to", "of processor")]
    with tempfile.TemporaryDirectory() as folder:
        for name, made in TABLES.items():
            lines = list(made())
            file = Path(folder) / "forecasts.csv"
            file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
            before = os.times()
            command = ("-m", "forecast", "score", str(file), "--ordered", "--json")
            taken = [seconds(os.environ, *command) for _ in range(runs)]
            # Beside the wall time: it is what scoring costs where other work runs too.
            after = os.times()
            spent = (after.children_user + after.children_system - before.children_user - before.children_system) / runs
            numbers = (median(taken), min(taken), max(taken), spent)
            rows.append((name, str(len(lines)), *(f"{number:.2f}" for number in numbers)))
    table(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
