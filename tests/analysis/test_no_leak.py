"""A forecast as of a date uses nothing that is dated later, to the last bit, and all that came before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from forecast.analysis.replay_day import ReplayLine, job, known_on, open_questions, replay_day
from forecast.ledger.outcome import estimates
from forecast.model.layout import lay_out
from forecast.posterior import posterior as reweighting
from forecast.posterior import weights
from forecast.posterior.by_date import question_probabilities
from forecast.posterior.posterior import ContradictionError, Posterior, posterior
from forecast.workspace.names import seen_on
from forecast.workspace.records import Bearing, Claim, Likelihood, Question, Settled, Support, Workspace
from tests.analysis.replay_worlds import LAST, with_later, world
from tests.analysis.sampling import by_digest
from tests.oracle.random_worlds import some_day
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

SEED = 7
WORLDS = st.integers(0, 10_000)
SIZES = st.integers(1, 4)
# The folder of draws and the patched sampler may serve all examples: draws hang on their digest alone.
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def without_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that hang on nothing but the digest of what made them."""
    monkeypatch.setattr(reweighting, "prior_draws", by_digest)
    monkeypatch.setattr(weights, "MIN_EFFECTIVE_SIZE", 40.0)  # of 120 draws instead of 4000


def _forecast(known: Workspace, as_of: date, folder: Path) -> Posterior | None:
    """Return the forecast as an update makes it; None where the evidence is impossible together."""
    seen = seen_on(known, as_of)
    try:
        return posterior(lay_out(seen.network), seen, as_of, SEED, folder, lambda _: None)
    except ContradictionError:
        return None


def _numbers(known: Workspace, as_of: date, found: Posterior) -> dict[str, Any]:
    seen = seen_on(known, as_of)
    asked = [one for one in open_questions(known_on(known, as_of), as_of) if isinstance(one, Question)]
    return {
        "draws": found.draws.digest,
        "anchor": found.anchor,
        "log evidence": found.evaluation.log_evidence.tobytes(),
        "scenarios": found.evaluation.scenarios.tobytes(),
        "events": [shares.tobytes() for shares in found.evaluation.events],
        "weights": found.weights.weights.tobytes(),
        "questions": question_probabilities(seen, lay_out(seen.network), as_of, found, asked),
    }


def _some_day(known: Workspace, rng: np.random.Generator) -> date:
    """A day of the window, half of the time one on which something is reported."""
    reported = sorted({one.reported for one in known.items if one.reported <= LAST})
    if reported and rng.random() < 0.5:
        return reported[int(rng.integers(len(reported)))]
    return some_day(rng, OPENS, LAST)


@FEW
@given(WORLDS, SIZES)
def test_nothing_later_moves_a_forecast(tmp_path: Path, seed: int, n_events: int) -> None:
    """Anything that is dated after a day leaves every number as of that day as it is, bit for bit, draws included."""
    known, rng = world(seed, n_events), np.random.default_rng(seed + 2)
    as_of = _some_day(known, rng)
    found = _forecast(known, as_of, tmp_path)
    assume(found is not None)
    assert found is not None
    later = with_later(known, as_of, rng)
    after = _forecast(later, as_of, tmp_path)
    assert after is not None
    assert _numbers(known, as_of, found) == _numbers(later, as_of, after)


@FEW
@given(WORLDS, SIZES)
def test_a_replayed_date_is_that_day_s_update(tmp_path: Path, seed: int, n_events: int) -> None:
    """What was known on a day gives the forecast that the whole workspace gives as of it, to the last digit."""
    known, rng = world(seed, n_events), np.random.default_rng(seed + 2)
    as_of = _some_day(known, rng)
    later = with_later(known, as_of, rng)
    found = _forecast(later, as_of, tmp_path)
    assume(found is not None)
    assert found is not None
    row = replay_day(job(later, as_of, SEED, tmp_path))
    assert isinstance(row, ReplayLine)
    scenarios, _ = estimates(later, lay_out(later.network), found.evaluation, found.weights.weights)
    assert [one.probability for one in scenarios.values()] == [one.estimate.probability for one in row.scenarios]
    assert found.draws.digest == row.draws
    asked = {one.question: one.probability for one in _numbers(later, as_of, found)["questions"]}
    assert asked == {one.id: one.probability for one in row.questions}
    assert job(known, as_of, SEED, tmp_path).place == job(later, as_of, SEED, tmp_path).place


@FEW
@given(WORLDS)
def test_something_earlier_does(tmp_path: Path, seed: int) -> None:
    """Without a report or a statement that bears on an open event the forecast of that event is another."""
    rng = np.random.default_rng(seed)
    as_of = some_day(rng, OPENS + timedelta(days=10), LAST)
    day = some_day(rng, OPENS, as_of)
    bearings: list[Bearing] = [
        Likelihood("deal", {"no": 1.0, "yes": float(rng.uniform(0.05, 0.8))}, HORIZON, HERE),
        Support("deal", str(rng.choice(["slight", "moderate", "strong"])), ("yes",), HORIZON, HERE),
        Claim("deal", "yes", HERE),
        Settled("talks", "yes", HERE),
    ]
    known = workspace(
        network(event("talks"), event("deal", parents=["talks"])),
        items=[item("effective", day, bearings[int(rng.integers(4))], credibility=2)],
        statements=[statement("said", target("deal", "yes"), 0.3, day=day)],
        scenarios=[rule("peace", deal="yes")],
    )
    everything = _forecast(known, as_of, tmp_path)
    for less in (replace(known, items=()), replace(known, statements=())):
        fewer = _forecast(less, as_of, tmp_path)
        assert everything is not None
        assert fewer is not None
        scenarios = [one.evaluation.scenarios @ one.weights.weights for one in (everything, fewer)]
        assert (scenarios[0] != scenarios[1]).all()
        assert job(known, as_of, SEED, tmp_path).place != job(less, as_of, SEED, tmp_path).place
