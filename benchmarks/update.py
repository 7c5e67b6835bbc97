"""The daily job: `forecast update --no-report` as a whole process against `python -c "import pymc"`. The limit is .6.

Measured is processor time, which other work on the machine changes least. On a copy of this repository's workspace
with its draws cached; each time one weak evidence file is new.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measured import bytecode_kept, median, table, used, workspace

PAIRS = 11
LIMIT = 0.6
ITEM = """\
- id: weak-{number}
  reported: {day}
  source: rferl
  credibility: 4
  headline: Weak report number {number}.
  why: It says little.
  bears_on:
  - {{event: ceasefire, support: slight, for: limited}}
"""


def main() -> None:
    """Alternate both, so that a busy machine slows both, and print the ratio of the medians."""
    # The day before yesterday lies after the last statement, and on no clock in the future.
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    with workspace(cached=True) as root, tempfile.TemporaryDirectory() as kept:
        environment = bytecode_kept(Path(kept))
        update = ("-m", "forecast", "update", "-C", str(root), "--no-report")
        pymc = ("-c", "import pymc")
        for warm in (update, pymc, update):  # the first one samples if the draws are not there
            used(environment, *warm)
        ours, theirs = [], []
        for number in range(PAIRS):
            path = root / "evidence" / f"{day}-weak-{number}.yaml"
            path.write_text(ITEM.format(number=number, day=day), encoding="utf-8")
            ours.append(used(environment, *update).processor)
            path.unlink()
            theirs.append(used(environment, *pymc).processor)
        lines = (root / "reports" / "ledger.jsonl").read_text(encoding="utf-8").count("\n")
    if lines < PAIRS:
        msg = f"only {lines} ledger lines: some update found nothing new"
        raise RuntimeError(msg)
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    table(
        [
            ("one more evidence file", "processor seconds, median", "fastest"),
            ("forecast update --no-report", f"{median(ours):.2f}", f"{min(ours):.2f}"),
            ("python -c 'import pymc'", f"{median(theirs):.2f}", f"{min(theirs):.2f}"),
            (f"ratio (limit {LIMIT:g})", f"{median(ratios):.2f}", f"{min(ours) / min(theirs):.2f}"),
        ]
    )


if __name__ == "__main__":
    main()
