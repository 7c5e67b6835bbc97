"""The report of a small forecast: its numbers against their sources, its elements against what a page may have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.ledger.outcome import prior_predictive
from forecast.report.page import report_tree
from forecast.report.section import sections
from forecast.report.tree import BITS, GROUPS, STEP, bit_rounded
from forecast.sampling.spec import SD_DEVIATION
from tests.report.drawn import Drawn, Elements, draw, elements
from tests.report.outcomes import AS_OF


def test_page_asks_the_network_for_nothing(drawn: Drawn) -> None:
    """Nothing is loaded from anywhere, and the page's own policy forbids it."""
    parsed = elements(drawn.html)
    assert [] == [tag for tag, attributes in parsed.found if "src" in attributes or tag == "link"]
    assert "url(http" not in drawn.html
    assert "@import" not in drawn.html
    assert "default-src 'none'" in drawn.html


def _headings(parsed: Elements) -> Iterator[int]:
    return (int(tag[1]) for tag, _ in parsed.found if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit())


def test_page_is_accessible(drawn: Drawn) -> None:
    """Headings go down one level at a time, ids are unique, and every figure has a text alternative."""
    parsed = elements(drawn.html)
    levels = list(_headings(parsed))
    assert 1 == levels[0]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in parsed.found if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = {attributes["href"] for tag, attributes in parsed.found if tag == "a"}
    assert {f"#{name}" for name in ids} >= {t for t in targets if t and t.startswith("#")}
    for tag, attributes in parsed.found:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label"), attributes
    assert ("html", {"lang": "en"}) in parsed.found
    regions = [attributes["aria-label"] for _, attributes in parsed.found if attributes.get("role") == "region"]
    names = [*regions, *(section.title for section in sections())]
    assert len(set(names)) == len(names)


def test_figures_are_drawn_in_the_colours_of_the_page(recorded: Drawn) -> None:
    """No figure has text or lines of its own white or black: they would vanish in one of the two colour schemes."""
    drawings = re.findall(r"<svg.*?</svg>", recorded.html, flags=re.DOTALL)
    assert len(drawings) > 20
    fixed = re.compile(r"(?:fill|stroke)[:=][ \"]*(?:#fff(?:fff)?|#000(?:000)?|white|black)\b", re.IGNORECASE)
    assert [] == [found for drawing in drawings for found in fixed.findall(drawing)]


def test_same_forecast_same_bytes(drawn: Drawn, tmp_path: Path) -> None:
    """Drawing twice gives the same page and the same numbers, byte for byte."""
    again = draw(tmp_path)
    assert drawn.files["report.html"] == again.files["report.html"]
    assert drawn.files["report.json"] == again.files["report.json"]


def test_numbers_are_those_of_the_forecast(drawn: Drawn) -> None:
    """report.json repeats the forecast's probabilities, prior and now, for scenarios and events."""
    page = drawn.page
    assert {"peace", "drift", "other"} == {row["id"] for row in page["scenarios"]}
    assert "other" == page["scenarios"][-1]["id"]
    for row in page["scenarios"]:
        assert drawn.found.scenarios[row["id"]].probability == row["probability"]
        assert drawn.prior.scenarios[row["id"]].probability == row["prior"]["probability"]
        assert row["probability"] - 0.25 == pytest.approx(row["change"])
        assert row["shown"] in row["sentence"]
        assert row["shown"] in drawn.html
    for event in page["events"]:
        now = drawn.found.events[event["id"]]
        assert [estimate.probability for estimate in now.values()] == [s["probability"] for s in event["states"]]


def test_prior_predictive(drawn: Drawn) -> None:
    """The prior stands beside the flat prior, with each event's default weight, in report.json and on the page."""
    rows = drawn.page["predictive"]
    assert [e.probability for e in drawn.prior.scenarios.values()] == [
        row["statements"]["probability"] for row in rows["scenarios"]
    ]
    flat = prior_predictive(drawn.prior)
    assert [e.probability for e in flat.scenarios.values()] == [row["flat"]["probability"] for row in rows["scenarios"]]
    for name, event in zip(drawn.prior.events, rows["events"], strict=True):
        assert flat.pulls[name] == event["pull"]
        told = [estimate.probability for estimate in drawn.prior.events[name].values()]
        assert told == [row["statements"]["probability"] for row in event["states"]]
        assert pytest.approx(1.0) == sum(row["flat"]["probability"] for row in event["states"])
        assert f'<td class="n">{event["pull_shown"]}</td>' in drawn.html


def test_curves_end_near_the_forecast(drawn: Drawn) -> None:
    """The curve of half of the draws ends within its Monte Carlo error of the forecast."""
    for event in drawn.page["events"]:
        last = event["states"][-1]
        if last["curve"] is not None:
            point = last["curve"][-1]
            assert abs(last["probability"] - point["probability"]) <= 5 * point["mcse"] + 1e-12


def test_evidence_is_listed_with_its_standing(drawn: Drawn) -> None:
    """Items known on the date are listed, each with what became of it; later ones are not."""
    rows = {row["id"]: row for row in drawn.page["evidence"]}
    assert "i-later" not in rows
    assert "settled" == rows["i-settled"]["weight"]
    assert rows["i-said"]["weight"].endswith(" dB")
    assert ["copy 1 of a stronger report", "counts"] == sorted(rows[name]["standing"] for name in ("i-again", "i-copy"))
    assert "retracted 9 August 2025" == rows["i-gone"]["standing"]
    assert "decayed" == rows["i-old"]["standing"]
    reports = {report.item: report.decibans for report in drawn.found.posterior.asked.network.reports}
    assert reports == {name: row["decibans"] for name, row in rows.items() if row["decibans"] is not None}


def test_statements_show_what_they_were_coded_as(drawn: Drawn) -> None:
    """Each statement has its reading in words, and its residual in sds of the statement."""
    rows = {row["id"]: row for row in drawn.page["statements"]}
    assert "30\u202f% (sd 0.5 log-odds)" == rows["s-chance"]["coded"]
    assert rows["s-word"]["coded"].startswith("“likely” (icd203), read as 67.5\u202f%")
    assert "2 of 7 per window" == rows["s-count"]["coded"]
    assert rows["s-times"]["coded"].startswith("2 times the probability (0.5–8) of: aid is cut, if truce is general")
    assert "each state of truce" == rows["s-shares"]["about"]
    assert rows["s-order"]["residual"] is None


def test_residual_of_a_probability(drawn: Drawn) -> None:
    """The residual is (logit stated - mean implied) / sd; sd: own, mean omega of the expert, prior sd of deviations."""
    spec = drawn.found.posterior.spec
    fit, _ = drawn.found.posterior.base.fit()
    quantity, omega = fit["quantity"], fit["omega"]
    column = spec.statement_ids.index("s-chance")
    slack = SD_DEVIATION**2 * (1 if spec.deviation_labels else 0)
    scale = np.sqrt(0.5**2 + omega[..., spec.experts.index("ann")].mean() ** 2 + slack)
    expected = (np.log(0.3 / 0.7) - quantity[..., column].mean()) / scale
    row = next(row for row in drawn.page["statements"] if row["id"] == "s-chance")
    assert expected == pytest.approx(row["residual"], rel=1e-12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False), st.integers(2, 23))
def test_bits_are_rounded_to_the_nearest(value: float, bits: int) -> None:
    """A rounded number is the nearest of so many significant bits, halves to even: as of its fraction, in integers."""
    fraction, power = np.frexp(value)
    expected = np.ldexp(np.rint(fraction * 2.0**bits) / 2.0**bits, power)
    given_ = np.array([value, np.inf, -np.inf, np.nan, 1.0], dtype=np.float32)
    np.testing.assert_array_equal([expected, np.inf, -np.inf, np.nan, 1.0], bit_rounded(given_, bits))


def test_the_file_has_fewer_digits_and_says_the_same(drawn: Drawn, tmp_path: Path) -> None:
    """Draws are rounded as docs/datatree.md says; weights, scenarios and log densities are as they were computed."""
    import xarray as xr

    path = tmp_path / "forecast.nc"
    path.write_bytes(drawn.files["forecast.nc"])
    found, tree = xr.load_datatree(path), report_tree(drawn.found, drawn.prior, drawn.about.recorded)
    assert list(tree.children) == list(found.children)
    rounded = set()
    for group, held in tree.children.items():
        for name, array in held.data_vars.items():
            place = f"{group}/{name}"
            values, stored = array.to_numpy(), np.asarray(found[place])
            if values.dtype.kind != "f":
                assert np.array_equal(values, stored) or values.dtype.kind == "M"
                continue
            error = np.nan_to_num(np.abs(values - stored.astype(np.float64)))  # what nobody knows is not a number
            assert np.all(error <= np.maximum(STEP / 2, 2.0**-BITS * np.nan_to_num(np.abs(values)))), place
            assert np.array_equal(np.isnan(values), np.isnan(stored))
            if np.any(error > 0.0):
                rounded.add(place)
    assert {"posterior/alpha", "posterior/events", "forecast/events", "prior/epsilon"} <= rounded
    exact = ("log_", "joint", "observed_data", "sample_stats", "statements", "evidence")
    assert [] == [one for one in rounded if one.startswith(exact)]
    assert [] == [one for one in rounded if one.endswith(("/weight", "/scenarios", "/log_evidence"))]


def test_data_tree_loads_with_its_groups(drawn: Drawn, tmp_path: Path) -> None:
    """forecast.nc opens with xarray, its joint sums to one for each event, and its weights give the forecast."""
    import xarray as xr

    path = tmp_path / "forecast.nc"
    path.write_bytes(drawn.files["forecast.nc"])
    tree = xr.load_datatree(path)
    assert set(GROUPS) == set(tree.children)
    joint = tree["joint"]["probability"]
    events = [name.partition("=")[0] for name in joint["event_state"].to_numpy().tolist()]
    of_event = joint.assign_coords(of=("event_state", events)).groupby("of").sum().sum("scenario")
    np.testing.assert_allclose(1.0, of_event, rtol=1e-9)
    forecast = tree["forecast"]
    means = (forecast["scenarios"] * forecast["weight"]).sum(("chain", "draw"))
    for name, estimate in drawn.found.scenarios.items():
        assert estimate.probability == pytest.approx(float(means.sel(scenario=name)), abs=1e-12)
        assert estimate.probability == pytest.approx(
            float(joint.sel(scenario=name, event_state=["will=no", "will=yes"]).sum()), abs=1e-9
        )
    assert AS_OF.isoformat() == tree.attrs["as_of"]
