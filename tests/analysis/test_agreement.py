"""Krippendorff's alpha against the worked example of its author, and what it means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.analysis.agreement import krippendorff_alpha

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, part C: four observers, twelve units, values missing.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_published_example() -> None:
    """Interval data with missing values: alpha is 0.849."""
    units = [[float(row[unit]) for row in OBSERVERS if row[unit] != "."] for unit in range(12)]
    found = krippendorff_alpha(units)
    assert found is not None
    assert round(found, 3) == 0.849


values = st.lists(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=4), min_size=2, max_size=6)


@given(values, st.floats(-3.0, 3.0), st.floats(0.1, 10.0))
def test_origin_and_unit_do_not_matter(units: list[list[float]], shift: float, scale: float) -> None:
    """Alpha of interval data is the same on any scale that has the same intervals, and at most 1."""
    found = krippendorff_alpha(units)
    if found is None or np.std([value for unit in units for value in unit]) < 1e-3:
        return
    moved = krippendorff_alpha([[shift + scale * value for value in unit] for unit in units])
    assert found == pytest.approx(moved, abs=1e-6)
    assert found <= 1.0 + 1e-9


def test_agreement_and_chance() -> None:
    """Coders who agree have 1; who differ as much within a remark as between remarks, about 0; too few have none."""
    assert krippendorff_alpha([[1.0, 1.0], [2.0, 2.0, 2.0], [3.0]]) == 1.0
    chance = krippendorff_alpha(np.random.default_rng(1).normal(size=(400, 2)).tolist())
    assert chance == pytest.approx(0.0, abs=0.2)
    assert krippendorff_alpha([[1.0, 2.0]]) is None
    assert krippendorff_alpha([[1.0, 1.0], [1.0, 1.0]]) is None
