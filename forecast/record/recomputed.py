"""A forecast that is computed again, against the ledger's line for the same inputs."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.prior.environment import unlike
from forecast.record.ledger import DECIDING, LEDGER, Line
from forecast.workspace.problems import Problem, Source

LAST_DIGITS = 1e-9  # of a probability: a thousand times what another processor's last digits can change


def recomputed(line: Line, ledger: Sequence[Line]) -> tuple[Problem, ...]:
    """Warn where the ledger has other numbers for the same inputs, date and seed: both numbers, and what differs.

    `line` is the one just computed. The latest line of the ledger with the same inputs is meant.
    """
    same = ("as_of", *DECIDING)
    places = [n for n, old in enumerate(ledger) if all(old.get(key) == line.get(key) for key in same)]
    if not places:
        return ()
    told = ledger[places[-1]]
    before = {row["id"]: row["probability"] for row in told["scenarios"]}
    moved = [row for row in line["scenarios"] if abs(row["probability"] - before.get(row["id"], 0.0)) > LAST_DIGITS]
    if not moved:
        return ()
    pairs = [(row["id"], row["probability"], before.get(row["id"], 0.0)) for row in moved]
    got = ", ".join(f"{name} {here:.6g} here, {there:.6g} in the ledger" for name, here, there in pairs)
    parts = [unlike(told.get(key, {}), line[key]) for key in ("environment", "versions")]
    names = [name for part in parts for name in part]
    why = f"they differ in {'; '.join(names)}" if names else "no version or processor differs: was the line edited?"
    what = f"the ledger's forecast of {told['as_of']} comes out otherwise from the same inputs"
    source = Source(LEDGER, places[-1] + 1)
    return (Problem(source, what, got, f"differences of at most {LAST_DIGITS:g}; {why}", "warning"),)
