"""Chains that do not agree are drawn longer, up to a limit, and the fit says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.layout import lay_out
from forecast.sampling import draws as sampling
from forecast.sampling import model
from forecast.sampling.draws import distrust, sample
from forecast.sampling.program import record_program
from forecast.sampling.settings import CHAINS, LONGEST, Effort, SampledFit, kept
from forecast.sampling.spec import PriorSpec, prior_spec
from tests.worlds import event, network, rule, statement, target, workspace

Array = NDArray[np.float64]
AGREED = {"r_hat_max": 1.0, "ess_bulk_min": 900.0, "ess_tail_min": 900.0, "divergences": 0.0}
SEED = 1
FEW, SHORT = Effort(sampled_per_chain=250, tune=250), Effort(sampled_per_chain=50, tune=100)


def _spec(*said: Any) -> PriorSpec:
    net = network(event("truce", "reached", ("no", "yes")))
    known = workspace(net, statements=list(said), scenarios=[rule("peace", truce="yes")])
    return prior_spec(lay_out(net), known, date(2026, 3, 1))


def _opposed() -> PriorSpec:
    """Two experts who exclude each other: the posterior has a hill at each, and chains seldom cross."""
    high = statement("a-high", target("truce", "yes"), 0.95, sd=0.05)
    return _spec(high, statement("b-low", target("truce", "yes"), 0.05, sd=0.05, expert="bob"))


def test_opposed_statements_are_drawn_longer() -> None:
    """Of two opposed sharp statements chains do not agree (of 5000 draws a bulk ESS of 85 to 160, by the seed).

    They are drawn up to the limit, as many draws are kept as ever, and each verdict is told.
    """
    told: list[str] = []
    found = sample(_opposed(), SEED, told.append, FEW)
    assert LONGEST == found.diagnostics["sampled"] / (CHAINS * FEW.sampled_per_chain)
    assert distrust(found.diagnostics)
    assert (1, CHAINS * kept(FEW.sampled_per_chain).size) == found.theta.shape
    verdicts = [doing for doing in told if doing.startswith("the chains do not agree yet (")]
    assert ["drawing 2 times as long", "drawing 4 times as long"] == [doing.rsplit("): ", 1)[1] for doing in verdicts]
    assert "below 400" in verdicts[0]


@cache
def _single() -> tuple[PriorSpec, model.Density]:
    """A single statement, and its density: how long it is drawn changes neither, and compiling takes longest."""
    spec = _spec(statement("said", target("truce", "yes"), 0.3))
    return spec, model.compile_density(model.build_model(spec, record_program(spec)))


def _counted(
    monkeypatch: pytest.MonkeyPatch, judged: Callable[[int], dict[str, float]], effort: Effort
) -> tuple[SampledFit, list[int]]:
    """Sample a single statement with the verdict on the chains replaced, by their length; return the lengths too."""
    drawn, chains = [], sampling.chains_of
    spec, density = _single()

    def counted(*arguments: Any) -> Any:
        drawn.append(arguments[-1])
        return chains(*arguments)

    monkeypatch.setattr(sampling, "chains_of", counted)
    monkeypatch.setattr(sampling, "convergence", lambda sampled, _: judged(next(iter(sampled.values())).shape[1]))
    monkeypatch.setattr(model, "compile_density", lambda _: density)
    return sample(spec, SEED, lambda _: None, effort), drawn


@pytest.mark.parametrize(
    ("agrees_from", "expected"), [(50, [50]), (100, [50, 100]), (200, [50, 100, 200]), (1000, [50, 100, 200])]
)
def test_how_long_chains_are_drawn(monkeypatch: pytest.MonkeyPatch, agrees_from: int, expected: list[int]) -> None:
    """Twice as long until they agree, at most four times; what does not agree then says so."""

    def judged(n_draws: int) -> dict[str, float]:
        return AGREED | {"r_hat_max": 1.0 if n_draws >= agrees_from else 1.09}

    found, drawn = _counted(monkeypatch, judged, SHORT)
    assert expected == drawn
    assert float(CHAINS * expected[-1]) == found.diagnostics["sampled"]
    assert (agrees_from > 200) == bool(distrust(found.diagnostics))
    assert all(values.shape[:2] == (CHAINS, 40) for values in found.posterior.values())


def test_divergences_alone_are_not_drawn_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer chains have no fewer divergences: they are told, not drawn again."""
    _, drawn = _counted(monkeypatch, lambda _: AGREED | {"divergences": 7.0}, SHORT)
    assert [50] == drawn


def test_longer_chains_begin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed gives the same first draws, whatever the length: a longer chain only goes on."""
    short, _ = _counted(monkeypatch, lambda _: AGREED, SHORT)
    monkeypatch.undo()
    long, _ = _counted(monkeypatch, lambda _: AGREED, replace(SHORT, sampled_per_chain=100))
    assert short.posterior["epsilon"][:, :10].tolist() == long.posterior["epsilon"][:, :10].tolist()


@pytest.mark.parametrize("n_draws", [5, 10, 500, 1250])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_kept_draws_are_evenly_spread(n_draws: int, times: int) -> None:
    """Four of five of a usual chain, the last left out; of a longer one as many, evenly but for rounding."""
    found = kept(n_draws, times)
    assert 4 * n_draws // 5 == found.size
    assert 0 <= found[0] < found[-1] < n_draws * times
    steps = np.diff(found)
    assert steps.max() - steps.min() <= 1
    if times == 1:
        assert np.flatnonzero(np.arange(n_draws) % 5 != 4).tolist() == found.tolist()
