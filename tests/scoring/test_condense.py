"""A condensed spec says what the whole one says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from forecast.model.layout import lay_out
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.spec import SD_DEVIATION, PriorSpec, prior_spec
from forecast.scoring.world import ExpertForecast, ForecastTable, as_workspace, folded_deviations, shared_sides
from forecast.workspace.problems import Source

TODAY = date(2026, 11, 23)


def _spec() -> PriorSpec:
    """Three questions; ann and bob share a group, cem is alone; dia's only fellow answered another question."""
    said = [
        ("ann", "x", "g"), ("bob", "x", "g"), ("cem", "x", None), ("ann", "y", "g"), ("cem", "y", None),
        ("dia", "z", "h"), ("eva", "x", "h"),
    ]  # fmt: skip
    rows = tuple(
        ExpertForecast(expert=expert, question=question, best=0.3, group=group, weight=4.0, source=Source("t.csv", 1))
        for expert, question, group in said
    )
    workspace = as_workspace(
        ForecastTable(path="t.csv", forecasts=rows, questions={"x": None, "y": None, "z": None}, warnings=()), TODAY
    )
    return prior_spec(lay_out(workspace.network), workspace, TODAY)


def test_shared_sides_compute_the_same_quantities() -> None:
    """What every statement reads is the same number, from one side a question instead of one a statement."""
    whole = _spec()
    shared = shared_sides(whole)
    coordinates = np.random.default_rng(1).normal(size=(5, whole.rows.n_coordinates))
    expected, found = (run_draws(coordinates, record_program(spec)) for spec in (whole, shared))
    assert (7, 3) == (len(whole.sides), len(shared.sides))
    assert expected.tolist() == found.tolist()


def test_lone_deviations_become_noise() -> None:
    """A deviation that one reading has alone adds its square to that reading's scale; a shared one stays as it was."""
    whole = _spec()
    folded = folded_deviations(whole)
    assert ("group group g: x[0]",) == folded.deviation_labels
    kept = np.unique(folded.deviations.row)
    assert ["ann: x", "bob: x"] == [whole.statement_ids[row] for row in kept]
    alone = np.setdiff1d(np.arange(whole.stated.scale.size), kept)
    assert whole.stated.scale[kept].tolist() == folded.stated.scale[kept].tolist()
    expected = np.hypot(whole.stated.scale[alone], SD_DEVIATION * 2.0)  # experts of weight 4: the noise is halved after
    assert expected.tolist() == pytest.approx(folded.stated.scale[alone].tolist())


def test_shared_deviations_keep_their_sd() -> None:
    """The prior variance of what a reading hears, deviation and noise together, is the same before and after."""
    whole = _spec()

    def variance(spec: PriorSpec) -> list[float]:
        total = np.square(spec.stated.scale) / spec.stated.weight
        np.add.at(total, spec.deviations.row, np.square(spec.deviations.weight))
        return [float(value) for value in total]

    assert variance(whole) == pytest.approx(variance(folded_deviations(whole)))
