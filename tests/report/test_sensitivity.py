"""Power-scaling finds the part that a scenario hangs on, and does not take chance for it."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.analysis.influence import Arrow, Judgement
from forecast.report.sections.sensitivity import (
    DEFAULTS,
    PARTS,
    WHOLE,
    hanging_on,
    parts,
    power_rows,
    power_scaled,
    sensitivity_tree,
)
from forecast.sampling.likelihood import log_likelihood
from forecast.words import scenario_names
from tests.report.drawn import Drawn


def test_parts_of_the_posterior(drawn: Drawn) -> None:
    """Defaults are standard normal densities of the tables' coordinates; statements and evidence their likelihood."""
    found = drawn.found
    fit = found.posterior.draws.fit()[0]
    logs = parts(found, fit)
    assert list(PARTS) == list(logs)
    for part, name in DEFAULTS.items():
        coordinates = fit[name].reshape(found.posterior.weights.weights.size, -1)
        np.testing.assert_allclose([-0.5 * row @ row for row in coordinates], logs[part])
    spec = found.posterior.spec
    np.testing.assert_array_equal(log_likelihood(spec, fit, spec.statement_ids), logs["statements"])
    np.testing.assert_array_equal(found.posterior.evaluation.log_evidence, logs["evidence"])


def test_what_a_scenario_hangs_on_is_marked(drawn: Drawn) -> None:
    """A part whose weight moves the scenario is marked; one that is unrelated to it is not."""
    found = drawn.found
    rng = np.random.default_rng(5)
    peace = found.posterior.evaluation.scenarios[0]
    logs = {part: 0.3 * rng.standard_normal(peace.size) for part in PARTS}
    logs["evidence"] = 8.0 * (peace - peace.mean())
    rows = {row.name: row for row in power_rows(scenario_names(found), power_scaled(found, logs))}
    assert ["evidence"] == rows["peace"].sensitive
    by_evidence = rows["peace"].parts["evidence"]
    assert by_evidence is not None
    assert by_evidence > 10 * rows["peace"].chance["levels"]
    for row in rows.values():
        assert row.shown["levels"] == f"{row.parts['levels']:.2f}"


def test_equal_weights_leave_the_draws_as_they_are(drawn: Drawn) -> None:
    """What ArviZ scales are the draws themselves, chain by chain, if all weigh the same; here they are resampled."""
    found = drawn.found
    weights = found.posterior.weights.weights
    tree = sensitivity_tree(found, {part: np.arange(weights.size, dtype=float) for part in PARTS})
    chosen = tree["log_likelihood"]["evidence"].values.ravel().astype(int)
    counts = np.bincount(chosen, minlength=weights.size)
    assert (np.abs(counts - weights.size * weights) <= 1).all()
    np.testing.assert_array_equal(
        found.posterior.evaluation.scenarios[0][chosen], tree["posterior"]["peace"].values.ravel()
    )


def test_whose_tables_the_spread_comes_from(drawn: Drawn) -> None:
    """Of each event the scenario with the largest share is told; where nothing can be told the event is left out."""
    judgements = [
        Judgement(event="big_event", shares={"a": 0.25, "b": 0.5, "c": None}),
        Judgement(event="unknown", shares={"a": None, "b": None, "c": None}),
    ]
    arrows = [Arrow(parent="big_event", child="x", bits=0.12345)]
    told = hanging_on(judgements, arrows, {"a": "A", "b": "B", "c": "C"}, {"big_event": "big event", "x": "x"})
    assert [("big event", "B", "50\u202f%")] == [(r.event, r.scenario, r.shown) for r in told.judgements]
    assert [("big event", "x", "0.123")] == [(r.from_, r.to, r.shown) for r in told.arrows]
    assert drawn.page["hanging_on"]["arrows"][0]["bits"] == pytest.approx(
        max(row["bits"] for row in drawn.page["hanging_on"]["arrows"])
    )


def test_the_diagnosis_has_the_names_of_the_field(drawn: Drawn) -> None:
    """Prior and likelihood: a potential prior-data conflict; the prior alone: a potential strong prior; else none."""
    names = scenario_names(drawn.found)

    def diagnosed(prior: float, likelihood: float) -> set[str]:
        sizes = {"prior": prior, "likelihood": likelihood}
        of = {part: dict.fromkeys(names, sizes.get(part, 0.0)) for part in (*PARTS, *WHOLE)}
        chance = {part: dict.fromkeys(names, 0.02) for part in of}
        return {row.diagnosis for row in power_rows(names, {"of": of, "by_chance": chance})}

    assert {"potential prior-data conflict"} == diagnosed(0.2, 0.2)
    assert {"potential strong prior / weak likelihood"} == diagnosed(0.2, 0.04)
    assert {""} == diagnosed(0.04, 0.2) == diagnosed(0.04, 0.04)


def test_the_diagnosis_is_that_of_arviz(drawn: Drawn) -> None:
    """With chance out of the way the diagnosis of each scenario is what ArviZ's own summary says of the same tree."""
    from arviz_stats import psense_summary

    found = drawn.found
    logs = parts(found, found.posterior.draws.fit()[0])
    scaled = power_scaled(found, logs)
    none = {part: dict.fromkeys(values, 0.0) for part, values in scaled["by_chance"].items()}
    rows = power_rows({name: name for name in found.scenario_ids}, {"of": scaled["of"], "by_chance": none})
    table = psense_summary(sensitivity_tree(found, logs), threshold=0.05)
    for row in rows:
        assert table.loc[row.name, "diagnosis"] == (row.diagnosis or "✓")
        for group in WHOLE:
            assert row.whole[group] == pytest.approx(float(table.loc[row.name, group]), abs=6e-4)
