"""forecast.json and forecast.csv hold the same numbers, at full precision."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.ledger.outcome import QUANTILES, ForecastRecord, as_csv, as_json
from forecast.plain import as_data, from_data
from forecast.posterior.weights import weighted_quantiles
from forecast.sampling.settings import CHAINS
from tests.report.outcomes import concluded, world


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """An outcome and its forecast.json."""
    found, _, table = concluded(world(), tmp_path_factory.mktemp("fit"))
    return found, as_data(table)


def test_probabilities_are_weighted_means(made: tuple[Any, dict[str, Any]]) -> None:
    """Probability, quantiles and Monte Carlo error are those of P(s | E, theta_d) under the weights.

    The error is ArviZ's of the mean of n w_d (P(s | E, theta_d) - P(s)) over the chains.
    """
    from arviz_stats.base import array_stats

    found, table = made
    weights, scenarios = found.posterior.weights.weights, found.posterior.evaluation.scenarios
    assert ["peace", "drift", "other"] == [row["id"] for row in table["scenarios"]]
    for row, values in zip(table["scenarios"], scenarios, strict=True):
        mean = float(np.dot(values, weights))
        assert mean == pytest.approx(row["probability"], abs=1e-12)
        terms = (weights.size * weights * (values - mean)).reshape(CHAINS, -1)
        error = float(array_stats.mcse(terms, method="mean", chain_axis=0, draw_axis=1))
        assert error == pytest.approx(row["mcse"], rel=1e-9)
        quantiles = weighted_quantiles(values[np.newaxis], weights, np.array(QUANTILES))[0]
        assert dict(zip(map(str, QUANTILES), quantiles.tolist(), strict=True)) == row["quantiles"]
    blocks = [table["scenarios"], *(event["states"] for event in table["events"])]
    assert [pytest.approx(1.0, abs=1e-12)] * len(blocks) == [sum(row["probability"] for row in b) for b in blocks]


def test_changes_are_against_the_compared_line(made: tuple[Any, dict[str, Any]]) -> None:
    """The change is the probability less that of the line, and nothing where the line does not know the scenario."""
    _, table = made
    assert "2025-06-01" == table["compared_with"]
    assert [row["probability"] - 0.25 for row in table["scenarios"]] == [row["change"] for row in table["scenarios"]]


def test_json_keeps_every_digit(made: tuple[Any, dict[str, Any]]) -> None:
    """Reading the file gives the same numbers, and the same numbers give the same bytes."""
    _, table = made
    assert table == json.loads(as_json(table))
    assert as_json(table) == as_json(json.loads(as_json(table)))
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("inf")})


def test_csv_holds_what_json_holds(made: tuple[Any, dict[str, Any]], tmp_path: Path) -> None:
    """One row for each scenario and each state of an event, with the same numbers."""
    _, table = made
    path = tmp_path / "forecast.csv"
    path.write_bytes(as_csv(from_data(ForecastRecord, table)))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = [("scenario", row["id"], "", row, row["change"]) for row in table["scenarios"]]
    wanted += [("event", e["id"], row["state"], row, None) for e in table["events"] for row in e["states"]]
    assert [row[:3] for row in wanted] == [(row["kind"], row["id"], row["state"]) for row in rows]
    for (*_, numbers, change), row in zip(wanted, rows, strict=True):
        assert numbers["probability"] == float(row["probability"])
        assert list(numbers["quantiles"].values()) == [float(row[f"q{round(100 * p):02d}"]) for p in QUANTILES]
        assert change == (float(row["change"]) if row["change"] else None)
