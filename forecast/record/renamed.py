"""Lines of the ledger with what they name called as it is today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from forecast.record.ledger import LEDGER, read_ledger
from forecast.workspace.appended_names import Told
from forecast.workspace.mentions import Named
from forecast.workspace.problems import Source

BY_KIND = {"expert": "experts", "source": "sources", "statement": "statements", "item": "items"}  # keys of `inputs`


def told_in_ledger(root: Path) -> Iterator[Told]:
    """Yield the scenarios, experts, sources, statements and items that the lines of the ledger name."""
    for number, line in enumerate(read_ledger(root), 1):
        where, day = Source(LEDGER, number), date.fromisoformat(line["as_of"])
        for row in line["scenarios"]:
            yield Told(Named("scenario", row["id"]), where, day)
        for kind, key in BY_KIND.items():
            for name in line["inputs"][key]:
                yield Told(Named(kind, name), where, day)
