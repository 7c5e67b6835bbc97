"""Which draws an as-of date gets: the refit rule, contradictions, and what an item adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.layout import lay_out
from forecast.model.reports import UndefinedError
from forecast.posterior import posterior as module
from forecast.posterior.moved import leave_one_out
from forecast.posterior.posterior import (
    ContradictionError,
    Posterior,
    anchor_days,
    evaluate_scenarios,
    posterior,
    query,
)
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import smooth, weigh_draws
from forecast.sampling.spec import PriorSpec
from forecast.workspace.records import Claim, Likelihood, Settled, Support, Workspace
from tests.posterior.strong_evidence import (
    AS_OF,
    MONTH,
    NEW,
    NEWER,
    OLD,
    QUARTER,
    draws_of,
    from_pool,
    unsteady_since,
    world,
)
from tests.worlds import HERE, OPENS, event, item, network, rule, workspace

WORLDS = {"quarter": (OLD, QUARTER), "month": (NEWER, MONTH), "as-of": (NEW, AS_OF)}


@pytest.fixture(autouse=True)
def without_sampler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Draws come from a pool instead of the sampler; the cache is the test's own folder."""
    monkeypatch.setattr(module, "prior_draws", draws_of)
    monkeypatch.chdir(tmp_path)


def _posterior(known: Workspace, as_of: date = AS_OF, told: Callable[[str], None] = lambda _: None) -> Posterior:
    return posterior(lay_out(known.network), known, as_of, 1, Path(), told)


@pytest.mark.parametrize("anchor", WORLDS)
def test_refit(anchor: str) -> None:
    """Where the weights fail, the first anchor that mends them is taken, and the forecast is that of a large pool."""
    known, day = WORLDS[anchor]
    expected, error = from_pool(known)
    found = _posterior(known)
    assert (day, True) == (found.anchor, found.weights.reliable)
    weights = found.weights.weights
    actual = found.evaluation.scenarios @ weights
    spread = np.sqrt(np.square(found.evaluation.scenarios - actual[:, np.newaxis]) @ np.square(weights))
    assert (np.abs(expected - actual) < 3.0 * np.hypot(error, spread)).all()

    log_evidence, scenarios = evaluate_scenarios(found.asked, found.base.theta)
    unmended = weigh_draws(log_evidence, scenarios)
    assert not unmended.reliable
    assert (np.abs(expected - scenarios @ unmended.weights) > 10.0 * error).any()


@pytest.mark.parametrize("anchor", WORLDS)
def test_draws_are_asked_for_in_order(anchor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the statements alone, then the starts of quarter and month, then the as-of date; no more than needed."""
    asked: list[date | None] = []

    def noted(spec: PriorSpec, *arguments: Any, **more: Any) -> Any:
        asked.append(spec.anchor.known.as_of if spec.anchor else None)
        return draws_of(spec, *arguments, **more)

    monkeypatch.setattr(module, "prior_draws", noted)
    told: list[str] = []
    _posterior(WORLDS[anchor][0], told=told.append)
    assert [None, QUARTER, MONTH, AS_OF][: len(asked)] == asked
    assert {"quarter": 2, "month": 3, "as-of": 4}[anchor] == len(asked)
    assert f"with the evidence known on {asked[-1]}: drawing" == told[-1]


def test_what_the_sampler_knew_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The anchor's probability is computed once and read again, to the same weights."""
    first = _posterior(OLD)
    real = module.evidence_of

    def of_one_draw(network: AsOfNetwork, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        assert theta.shape[1] == 1  # whether it is possible at all
        return real(network, theta)

    monkeypatch.setattr(module, "evidence_of", of_one_draw)
    again = _posterior(OLD)
    assert (first.log_anchor == again.log_anchor).all()
    assert (first.weights.weights == again.weights.weights).all()
    assert [".kept"] == [path.suffix for path in (first.draws.store / "anchor").iterdir()]


def test_mild_evidence_needs_no_anchor() -> None:
    """The statements' own draws serve as long as their weights are reliable."""
    found = _posterior(world(unsteady_since(QUARTER, changes=1)))
    assert (None, True) == (found.anchor, found.weights.reliable)
    assert (found.log_anchor == 0.0).all()


def test_an_anchor_that_was_impossible_is_passed_over() -> None:
    """A contradiction that stood at the start of the quarter and was retracted since stops nothing."""
    net = network(event("truth", "constant"), *OLD.network.events.values())
    wrong = item("wrong", OPENS, Settled("truth", "no", HERE), retracted=QUARTER + timedelta(days=1))
    right = item("right", OPENS, Settled("truth", "yes", HERE))
    known = workspace(net, items=[*OLD.items, wrong, right], scenarios=OLD.scenarios)
    assert MONTH == _posterior(known).anchor


@pytest.mark.parametrize(
    ("as_of", "earlier"),
    [
        ("2026-01-01", []),
        ("2026-01-31", ["2026-01-01"]),
        ("2026-03-31", ["2026-01-01", "2026-03-01"]),
        ("2026-06-01", ["2026-04-01"]),
        ("2025-09-30", ["2025-09-01"]),
        ("2025-08-20", []),
    ],
)
def test_anchor_days(as_of: str, earlier: list[str]) -> None:
    """The first days of quarter and month, where they lie between the opening and the date, then the date."""
    days = anchor_days(date(2025, 8, 6), date.fromisoformat(as_of))
    assert [*earlier, as_of] == [day.isoformat() for day in days]


def test_a_contradiction_names_a_smallest_set() -> None:
    """Without any one of the items that are named the rest would be possible; innocent items are not named."""
    net = network(event("truth", "constant"), event("proof", "constant", parents=["truth"]), event("fact"))
    known = workspace(
        net,
        items=[
            item("a-harmless", OPENS, Support("fact", "strong", ("yes",), None, HERE)),
            item("b-no", OPENS, Settled("truth", "no", HERE)),
            item("c-harmless", OPENS, Settled("proof", "yes", HERE)),
            item("d-yes", OPENS + timedelta(days=9), Settled("truth", "yes", HERE)),
            item("e-later", AS_OF + timedelta(days=9), Settled("truth", "yes", HERE)),
        ],
    )
    with pytest.raises(ContradictionError, match="b-no, d-yes") as raised:
        _posterior(known)
    assert ["b-no", "d-yes"] == [one.id for one in raised.value.items]


def test_an_undefined_number_names_its_item() -> None:
    """An item whose numbers are none is named, and no forecast comes of it; the others are not."""
    net = network(event("truth", "constant"), event("fact"))
    nothing = Likelihood("truth", {"no": float("nan"), "yes": 1.0}, None, HERE)
    sound = item("a-sound", OPENS, Support("fact", "strong", ("yes",), None, HERE))
    known = workspace(net, items=[sound, item("b-unsound", OPENS, nothing)])
    with pytest.raises(UndefinedError, match="not a number") as raised:
        _posterior(known)
    assert ["b-unsound"] == [one.id for one in raised.value.items]


LATER = date(2025, 9, 1)


def _talked_about() -> Workspace:
    net = network(
        event("will", "constant"),
        event("truce", "reached", ("none", "limited", "general"), parents=["will"]),
        event("aid", "status", ("on", "cut"), parents=["truce"]),
    )
    day = OPENS + timedelta(days=100)
    items = [
        item("claim", day, Claim("aid", "cut", HERE)),
        item("copy", day, Support("truce", "moderate", ("general",), None, HERE), group="g"),
        item("first", day, Support("truce", "strong", ("general",), None, HERE), group="g"),
        item("step", day, Settled("truce", "limited", HERE)),
        item("vector", day, Likelihood("will", {"no": 0.2, "yes": 0.6}, None, HERE)),
        item("late", day + timedelta(days=100), Likelihood("will", {"no": 0.2, "yes": 0.6}, None, HERE), source="blog"),
    ]
    return workspace(net, items=items, scenarios=[rule("peace", truce="general"), rule("drift", aid="cut")])


@pytest.mark.parametrize("n_items", [2, 6])
def test_leaving_one_out_is_running_again(n_items: int) -> None:
    """What an item adds is the forecast less the one of a workspace without it; of many items on every fourth draw."""
    known = _talked_about()
    found = _posterior(known, LATER)
    assert found.anchor is None
    names = [one.id for one in known.items][:n_items]
    step = 1 if n_items == 2 else 4
    theta, drawn = np.ascontiguousarray(found.draws.theta[:, ::step]), found.reliabilities.thinned(step)

    def forecast(remaining: Workspace) -> Any:
        asked = query(compile_workspace(lay_out(known.network), remaining, LATER), known.scenarios)
        own = draw_reliabilities(asked.network, known.sources, theta, drawn.seed) if step == 1 else drawn
        log_evidence, shares = evaluate_scenarios(asked, theta, own)
        return shares @ smooth(log_evidence + own.log_correction).weights

    actual = leave_one_out(known, found, names, lambda _: None)
    assert names == list(actual)
    for name in names:
        without = replace(known, items=tuple(one for one in known.items if one.id != name))
        np.testing.assert_allclose(actual[name], forecast(known) - forecast(without), rtol=0, atol=1e-12)
        assert abs(actual[name].sum()) < 1e-12
    if n_items == 6:
        assert np.abs(actual["first"]).max() > np.abs(actual["copy"]).max() > 0.0
        assert actual["first"][0] > 0.0 > actual["first"][2]
