"""Evidence in bulk: processor seconds to check and update a workspace with a table of 1,000, 10,000, 100,000 items.

On the example of `forecast init`, sampled once before. Limit: 10 s for 100,000 items, reading and weighing together.
"""

from __future__ import annotations

import csv
import random
import tempfile
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measured import bytecode_kept, table, used
from tests.workspace.writing import example

SIZES = (1_000, 10_000, 100_000)
LIMIT = 10.0  # seconds, of the largest
FIRST = date(2026, 7, 1)  # after the last statement of the example
DAYS = 90
AS_OF = FIRST + timedelta(days=DAYS)
COLUMNS = (
    "id",
    "reported",
    "source",
    "credibility",
    "group",
    "headline",
    "event",
    "settled",
    "likelihood",
    "support",
    "for",
)
WAYS = (
    ("", "low=.5;high=.52", "", ""),
    ("", "low=.52;high=.5", "", ""),
    ("", "", "slight", "low"),
    ("", "", "slight", "high"),
)


def write_items(path: Path, number: int) -> None:
    """Write a table of weak reports and repeated facts: a group a day, as many for as against."""
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for item in range(number):
            day = FIRST + timedelta(days=rng.randrange(DAYS))
            ways = WAYS[item % len(WAYS)]
            group = f"wire-{day}"
            rows.writerow((f"bulk-{item}", day, "newspaper", 4, group, f"Report number {item}.", "demand", *ways))


def main() -> None:
    """Print a row for each size; the processes are whole, start-up included."""
    rows = [("items", "check", "update", "update, s per 1,000 items")]
    with tempfile.TemporaryDirectory() as folder:
        environment = bytecode_kept(Path(folder) / "bytecode")
        root = example(Path(folder) / "workspace")
        update = ("-m", "forecast", "update", "-C", str(root), "--no-report", "--as-of", str(AS_OF))
        taken = used(environment, *update).processor  # samples; the draws are then cached
        for size in SIZES:
            write_items(root / "evidence" / "bulk.csv", size)
            checked = used(environment, "-m", "forecast", "check", "-C", str(root)).processor
            taken = used(environment, *update).processor
            rows.append((f"{size:,}", f"{checked:.2f}", f"{taken:.2f}", f"{1000 * taken / size:.3f}"))
    table(rows)
    print(f"limit {LIMIT:g} s for {SIZES[-1]:,} items: {'kept' if taken < LIMIT else 'missed'}")


if __name__ == "__main__":
    main()
