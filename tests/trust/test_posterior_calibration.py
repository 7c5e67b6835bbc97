"""Posterior simulation-based calibration: the stored run of the shipped workspace, and all of it on a tiny one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import posterior_calibration as benchmark
from benchmarks.measured import ROOT
from benchmarks.posterior_calibration import RANKED, STORED, Base, Task, evenness, run
from forecast.model.layout import lay_out
from forecast.posterior.posterior import posterior
from forecast.posterior.replicates import Replicates, replicates
from forecast.workspace.records import Distribution, Workspace
from tests.worlds import event, network, rule, statement, target, workspace

pytestmark = pytest.mark.trust
LEAST_P = 0.001  # of some ten quantities: one in a hundred runs fails by chance
CAUGHT = 1e-4
REFITS = 100  # of the shipped workspace at least, and of the tiny one
TINY, AS_OF = "tiny", date(2025, 6, 1)


def _stored() -> Any:
    path = ROOT / STORED
    if not path.exists():
        pytest.fail("none has been run: python -m benchmarks.posterior_calibration")
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_stored_run_is_whole_and_even() -> None:
    """At least a hundred refits, hardly any whose chains did not agree, and no quantity ranked unevenly."""
    kept = _stored()
    assert kept["refits"] >= REFITS
    assert kept["doubtful"] <= kept["refits"] / 50
    for one in kept["quantities"]:
        assert kept["refits"] == len(one["ranks"])
        assert all(0 <= rank <= RANKED for rank in one["ranks"])
        assert evenness(one["ranks"]) == pytest.approx(one["p_value"], rel=1e-9)
        assert one["p_value"] > LEAST_P, one["name"]


def tiny() -> Workspace:
    """One constant event, of which three people and a rule say something, and a distribution of another."""
    net = network(event("will", "constant"), event("side", "constant", ("left", "middle", "right")))
    shares = {"left": 0.2, "middle": 0.3, "right": 0.5}
    said = (
        statement("a", target("will", "yes"), 0.3, expert="ann", sd=0.5),
        statement("b", target("will", "yes"), 0.5, expert="bob", sd=0.8),
        statement("c", target("side", "left"), 0.2, expert="bob", sd=0.8),
        statement("d", target("side", *shares), Distribution(shares, 0.6), expert="ann"),
    )
    return workspace(net, scenarios=[rule("will", will="yes"), rule("left", side="left")], statements=said)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmark, run on the tiny world."""
    known = tiny()
    found = posterior(lay_out(known.network), known, AS_OF, 1, tmp_path, lambda _doing: None)
    held = Base(known, found, found.draws.fit()[0])
    benchmark.reference.cache_clear()
    monkeypatch.setattr(benchmark, "base", lambda *_of: held)
    yield
    benchmark.reference.cache_clear()


def _p_values() -> dict[str, float]:
    refits = [run(Task(TINY, AS_OF.isoformat(), 1, number)) for number in range(REFITS)]
    assert sum(one.doubtful for one in refits) <= REFITS / 50
    return {name: evenness([one.ranks[name] for one in refits]) for name in refits[0].ranks}


@pytest.mark.usefixtures("small")
def test_the_sampler_is_calibrated_on_a_tiny_world() -> None:
    """All of a run, the sampler included: what was drawn is ranked evenly."""
    found = _p_values()
    assert min(found.values()) > LEAST_P, found


@pytest.mark.usefixtures("small")
def test_a_wrong_likelihood_is_seen_by_the_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where people state with six times the noise that the fit believes in, some quantity's ranks are uneven."""

    def noisier(*arguments: Any) -> Replicates:
        spec, *rest = arguments
        return replicates(replace(spec, stated=replace(spec.stated, scale=6.0 * spec.stated.scale)), *rest)

    monkeypatch.setattr(benchmark, "replicates", noisier)
    found = _p_values()
    assert min(found.values()) < CAUGHT, found


def test_ranks_of_weighted_draws() -> None:
    """With equal weights the rank of one of N + 1 alike is even; ties are broken by chance; weights count as draws."""
    rng = np.random.default_rng(1)
    sets = rng.standard_normal((3000, 200))
    even = np.full(199, 1.0 / 199)
    assert evenness([benchmark.rank(rng, one[1:], even, one[0]) for one in sets]) > LEAST_P
    assert evenness([benchmark.rank(rng, np.zeros(199), even, 0.0) for _ in range(3000)]) > LEAST_P
    doubled = np.repeat([2.0, 1.0], [66, 67]) / 199
    at = np.concatenate([np.zeros(66), np.ones(67)])
    assert abs(benchmark.rank(rng, at, doubled, 0.5) - 66) <= 1
