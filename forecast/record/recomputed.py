"""A forecast that is computed again, against the ledger's line for the same inputs."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.prior.environment import unlike
from forecast.record.entries import Line, encode
from forecast.record.ledger import LEDGER, line_of
from forecast.workspace.problems import Problem, Source

RENAMED = "names that were changed since, whose order decides the draws"
LAST_DIGITS = 1e-9  # of a probability: a thousand times what another processor's last digits can change


def recomputed(line: Line, updates: Sequence[Line], texts: Sequence[str] = ()) -> tuple[Problem, ...]:
    """Warn where the ledger has other numbers for the same inputs, date and seed: both numbers, and what differs.

    `line` is the one just computed. The latest line of the ledger with the same inputs is meant. `texts` are the lines
    of the file, from which an update differs that named something otherwise.
    """
    told = line_of(line, updates)
    if told is None:
        return ()
    here, before = line.probabilities, told.probabilities
    pairs = [(name, p, before.get(name, 0.0)) for name, p in here.items()]
    pairs = [(name, p, old) for name, p, old in pairs if abs(p - old) > LAST_DIGITS]
    if not pairs:
        return ()
    got = ", ".join(f"{name} {p:.6g} here, {old:.6g} in the ledger" for name, p, old in pairs)
    parts = [unlike(told.environment or {}, line.environment or {}), unlike(told.versions, line.versions)]
    names = [name for part in parts for name in part]
    names += [RENAMED] if texts and told.number and encode(told) != texts[told.number - 1] else []
    why = f"they differ in {'; '.join(names)}" if names else "no version or processor differs: was the line edited?"
    what = f"the ledger's forecast of {told.as_of} comes out otherwise from the same inputs"
    source = Source(LEDGER, told.number or 0)
    return (Problem(source, what, got, f"differences of at most {LAST_DIGITS:g}; {why}", "warning"),)
