"""A kept posterior is the one that would be computed, and only that of the same inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast import pipeline
from forecast.posterior import posterior as module
from forecast.posterior.posterior import Posterior, kept_posterior, posterior, posterior_place
from forecast.session import DEFAULT_SEED, Session
from tests.commands.conftest import AS_OF, template, updated
from tests.entries import entries

__all__ = ["template", "updated"]  # fixtures of the commands' tests

DAY = date.fromisoformat(AS_OF)


def _silent(doing: str) -> None:
    """Nobody needs to know how far a test is."""


def _asked(root: Path) -> tuple[Posterior, Posterior]:
    """Return the posterior as it is kept after a first question, and as it is computed."""
    session = Session(root, DAY, DAY)
    workspace, layout = session.workspace, session.layout
    cache = root / "reports" / ".cache"
    kept_posterior(layout, workspace, DAY, DEFAULT_SEED, cache, _silent)
    kept = kept_posterior(layout, workspace, DAY, DEFAULT_SEED, cache, _silent)
    return kept, posterior(layout, workspace, DAY, DEFAULT_SEED, cache, _silent)


def test_kept_is_computed(updated: Path) -> None:
    """Every number of a posterior comes back to the last bit."""
    kept, computed = _asked(updated)
    for one, other in (
        (computed.weights.weights, kept.weights.weights),
        (computed.evaluation.log_evidence, kept.evaluation.log_evidence),
        (computed.evaluation.scenarios, kept.evaluation.scenarios),
        (computed.reliabilities.nodes, kept.reliabilities.nodes),
        (computed.reliabilities.log_correction, kept.reliabilities.log_correction),
        (computed.log_anchor, kept.log_anchor),
        (computed.draws.theta, kept.draws.theta),
        *zip(computed.evaluation.events, kept.evaluation.events, strict=True),
    ):
        np.testing.assert_array_equal(one, other, strict=True)
    assert computed.weights.pareto_k == kept.weights.pareto_k
    assert computed.weights.effective_size == kept.weights.effective_size
    assert (computed.anchor, computed.reliabilities.sources, computed.reliabilities.seed) == (
        kept.anchor, kept.reliabilities.sources, kept.reliabilities.seed,
    )  # fmt: skip


def test_it_is_used(updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update no question weighs the evidence again; after a change of any file it is weighed."""

    def refuse(*_: object) -> Posterior:
        raise AssertionError

    pipeline.conclude(Session(updated, DAY, DAY), attribute=False)
    monkeypatch.setattr(module, "posterior", refuse)
    assert DAY == Session(updated, DAY, DAY).outcome.as_of
    path = next((updated / "evidence").glob("*.yaml"))
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        assert DAY == Session(updated, DAY, DAY).outcome.as_of


def test_without_its_draws_it_is_computed(updated: Path) -> None:
    """A kept posterior whose draws are gone from the cache is none."""
    session = Session(updated, DAY, DAY)
    workspace, layout = session.workspace, session.layout
    cache = updated / "reports" / ".cache"
    kept_posterior(layout, workspace, DAY, DEFAULT_SEED, cache, _silent)
    place = posterior_place(workspace, DAY, DEFAULT_SEED, cache)
    assert module._load(layout, workspace, DAY, DEFAULT_SEED, place) is not None
    for path in entries(updated, "draws"):
        path.unlink()
    assert place.path.exists()
    assert module._load(layout, workspace, DAY, DEFAULT_SEED, place) is None


def test_the_key_tells_inputs_apart(updated: Path) -> None:
    """Another date, another seed and another byte of an input are other keys."""
    workspace = Session(updated, DAY, DAY).workspace
    edited = replace(workspace, digests={**workspace.digests, next(iter(workspace.digests)): "0"})
    keys = {
        posterior_place(workspace, DAY, 1, updated).key,
        posterior_place(workspace, DAY, 2, updated).key,
        posterior_place(workspace, date(2026, 6, 30), 1, updated).key,
        posterior_place(edited, DAY, 1, updated).key,
    }
    assert 4 == len(keys)
