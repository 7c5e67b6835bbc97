"""Simulated experts are recovered with nominal coverage: the stored study, and a few worlds drawn anew."""

from __future__ import annotations

import csv
from datetime import date

import pytest

from benchmarks.recovery import ALLOWED, COLUMNS, LEVEL, STORED, WORLDS, coverage, recovered, simulate

pytestmark = pytest.mark.trust
KINDS = ("logit", "omega", "bias", "slope", "stretch")
NEW_WORLDS = range(5000, 5005)


def _stored() -> list[tuple[int, str, int, int]]:
    with STORED.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        assert tuple(rows.fieldnames or ()) == COLUMNS
        return [(int(row["seed"]), row["number"], int(row["n"]), int(row["held"])) for row in rows]


def test_every_seed_is_reported_with_its_date() -> None:
    """The stored study has one row for each seed from 0 on and each kind of number, none left out, and its date."""
    expected = {(seed, kind) for seed in range(WORLDS) for kind in KINDS}
    rows = _stored()
    assert (expected, len(expected)) == ({(seed, kind) for seed, kind, _, _ in rows}, len(rows))
    with STORED.open(encoding="utf-8", newline="") as file:
        days = {row["date"] for row in csv.DictReader(file)}
    assert [True] == [date.fromisoformat(day).year >= 2026 for day in days]


@pytest.mark.parametrize("kind", KINDS[:-1])  # a world has one stretch only: too few numbers for a share of them
def test_stored_coverage_is_nominal(kind: str) -> None:
    """Of all simulated numbers of a kind, 85 to 95 % lie in their 90 % intervals."""
    low, high = ALLOWED
    assert low <= coverage(_stored())[kind] <= high


def test_new_worlds_are_recovered() -> None:
    """Worlds that were never run before are recovered with a coverage near 90 % over all their numbers."""
    rows = list(recovered([simulate(seed) for seed in NEW_WORLDS], seed=1))
    n, held = sum(row[2] for row in rows), sum(row[3] for row in rows)
    assert pytest.approx(held / n, abs=0.05) == LEVEL
