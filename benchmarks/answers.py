"""Each question to a forecast as a whole process, against `python -c "import numpy, pandas"`. The limit is three times.

On a copy of this repository's workspace with its draws cached: *first* before anything else was asked since the last
change of the files, *again* once the posterior is kept beside the draws, as it is after an update or a first question.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measured import bytecode_kept, median, seconds, table, workspace

ROUNDS = 7
LIMIT = 3.0
ASKED = (
    ("why", "escalation"),
    ("what-if", "ceasefire=general"),
    ("what-if", "--do", "ceasefire=general"),
    ("what-if", "--set", "ceasefire=general:0.6"),
    ("watch-list",),
    ("influence",),
    ("conflict",),
    ("story",),
    ("sources",),
)


def main() -> None:
    """Alternate each question and the yardstick, so that a busy machine slows both, and print ratios of the medians."""
    rows: list[tuple[str, ...]] = [
        ("forecast ...", "first, s", "again, s", "yardstick, s", "first", f"again (limit {LIMIT:g})")
    ]
    with workspace(cached=True) as root, tempfile.TemporaryDirectory() as kept:
        environment = bytecode_kept(Path(kept))
        yardstick = ("-c", "import numpy, pandas")
        kept_posteriors = root / "reports" / ".cache" / "posterior"
        for asked in ASKED:
            command = ("-m", "forecast", *asked, "-C", str(root))
            for warm in (command, yardstick):  # the first one samples if the draws are not there
                seconds(environment, *warm)
            first: list[float] = []
            again: list[float] = []
            theirs: list[float] = []
            for _ in range(ROUNDS):
                for posterior in kept_posteriors.glob("*.kept"):
                    posterior.unlink()
                first.append(seconds(environment, *command))
                again.append(seconds(environment, *command))
                theirs.append(seconds(environment, *yardstick))
            ratios = [median([a / b for a, b in zip(ours, theirs, strict=True)]) for ours in (first, again)]
            times = [f"{median(one):.2f}" for one in (first, again, theirs)]
            rows.append((" ".join(asked), *times, *(f"{ratio:.2f}" for ratio in ratios)))
    table(rows)


if __name__ == "__main__":
    main()
