"""Steps that add up, prefixes that are forecasts of their own, and draws that serve both ends of the evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from forecast.analysis.chronology import before, changes, log_constant, pool_draws, prefixes
from forecast.analysis.target import find_target, probabilities
from forecast.analysis.why import MONTE_CARLO, TIME, By, Start, decibans, most_moved
from forecast.ledger.outcome import Outcome, prior_outcome, prior_probabilities
from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import evaluate, query
from forecast.posterior.weights import smooth
from forecast.sampling.draws import Draws
from forecast.sampling.spec import PriorSpec
from tests.analysis.deal import AS_OF, DRAWS, Sampled, day, drawn_theta, known_deal, outcome_of
from tests.plainly import why


@pytest.fixture(scope="module")
def found() -> Outcome:
    """A forecast from seven items."""
    return outcome_of(known_deal(), drawn_theta(known_deal()))


def _why(found: Outcome, about: str | None, by: By = "item", top: int | None = None) -> dict[str, Any]:
    target, prior = find_target(found, about), prior_outcome(found)
    start = Start("the prior", probabilities(prior, target))
    table: dict[str, Any] = why(found, target, start, by, top, lambda _: None)
    return table


@pytest.mark.parametrize("about", ["peace", "other", "deal=draft", "talks", "willing=yes", None])
@pytest.mark.parametrize("by", ["item", "group", "source"])
def test_steps_add_up(found: Outcome, about: str | None, by: By) -> None:
    """From the prior to the forecast's own number, in points and in decibans, whatever a row stands for."""
    table = _why(found, about, by)
    rows = table["rows"]
    assert table["to"] - table["from"] == pytest.approx(sum(row["step"] for row in rows), abs=1e-12)
    weights = [row["decibans"] for row in rows]
    if None not in weights:
        assert decibans(table["from"], table["to"]) == pytest.approx(sum(weights), abs=1e-9)
    assert [TIME, MONTE_CARLO] == [rows[0]["what"], rows[-1]["what"]]
    name = about or table["target"]
    own = found.scenarios.get(name)
    if own is not None:
        assert (prior_outcome(found).scenarios[name].probability, own.probability) == (table["from"], table["to"])


@pytest.mark.parametrize("about", ["peace", "deal=draft", "talks", "willing=yes"])
def test_the_prior_of_a_part_is_that_of_the_whole_prior(found: Outcome, about: str) -> None:
    """Scenarios and states alone, without a pass outward, have the probabilities of the prior's own tables."""
    target = find_target(found, about)
    expected = probabilities(prior_outcome(found), target)
    np.testing.assert_allclose(prior_probabilities(found, target.rules), expected, rtol=0, atol=1e-14)


def test_rows_follow_the_chronology(found: Outcome) -> None:
    """By the day of the report, ties by id; a retraction is a row of its own, on its own day."""
    rows = _why(found, "peace")["rows"][1:-1]
    expected = ["a-rumour", "b-rumour", "c-talks", "d-wrong", "d-wrong", "e-aid", "f-draft", "g-draft"]
    assert expected == [row["what"] for row in rows]
    assert [False] * 4 + [True] + [False] * 3 == [row["kind"] == "retraction" for row in rows]
    # A retraction takes back all that the item did.
    assert rows[3]["step"] == pytest.approx(-rows[4]["step"], abs=1e-9)


def test_a_prefix_is_the_forecast_of_a_workspace_with_these_items(found: Outcome) -> None:
    """After each row stands what the workspace with the items so far gives, as of today, on the same draws.

    The sources are drawn in stages, those of the forecast for its evidence alone: that is their Monte Carlo error.
    """
    known, theta = found.workspace, found.posterior.draws.theta
    rows = [row for row in _why(found, "paper")["rows"] if row["kind"] == "item"]
    for row in (rows[2], rows[5]):
        kept = [one for one in known.items if one.reported.isoformat() <= row["on"]]
        expected = outcome_of(replace(known, items=tuple(kept)), theta).scenarios["paper"].probability
        assert expected == pytest.approx(row["probability"], abs=0.002)


def test_prefixes_are_whole_passes(found: Outcome) -> None:
    """Along the prefixes and back every forecast is that of a whole pass with the sources where they stand."""
    known, pooled = found.workspace, pool_draws(found.posterior, found.seed)
    steps = changes(known, AS_OF)
    every = [before(known, steps), *prefixes(known, steps)]
    for remaining in [*every, *reversed(every)]:
        asked = query(compile_workspace(found.layout, remaining, AS_OF), known.scenarios)
        drawn = pooled.sources.drawn(asked.network, {item.id: item.reported for item in remaining.items})
        solved = evaluate(asked, pooled.theta, drawn)
        weights = smooth(solved.log_evidence + drawn.log_correction - pooled.log_proposal).weights
        shares = pooled.forecast(remaining, found.posterior, AS_OF, known.scenarios).shares
        np.testing.assert_allclose(shares, solved.scenarios @ weights, rtol=0, atol=1e-12)


def test_the_last_item_adds_what_leaving_it_out_takes(found: Outcome) -> None:
    """Of the last group, the step is what it adds last, on the same draws."""
    alone = replace(found.workspace, items=tuple(i for i in found.workspace.items if not i.supersedes))
    row = _why(outcome_of(alone, found.posterior.draws.theta), "paper", "group")["rows"][-2]
    assert "f-draft" == row["what"]
    assert row["leave_one_out"] == pytest.approx(row["step"], abs=1e-12)


def test_leaving_an_item_out_is_the_forecast_of_the_files_without_it(found: Outcome) -> None:
    """Of some twenty items each one's last word is the forecast less that of a workspace without the item."""
    known, theta = found.workspace, found.posterior.draws.theta
    table = _why(found, "paper")
    told = {row["what"]: row["leave_one_out"] for row in table["rows"] if row["leave_one_out"] is not None}
    told.pop("d-wrong")  # retracted by now: what its retraction adds
    assert ["a-rumour", "b-rumour", "c-talks", "e-aid", "g-draft"] == list(told)
    for name, actual in told.items():
        rest = tuple(one for one in known.items if one.id != name)
        without = outcome_of(replace(known, items=rest), theta).scenarios["paper"].probability
        assert table["to"] - without == pytest.approx(actual, abs=1e-9)


def test_the_error_of_a_step_is_how_it_scatters() -> None:
    """Over independent draws a step scatters by its Monte Carlo error; that of a group is not the sum of its items'."""
    known = known_deal()
    tables = [
        _why(outcome_of(known, drawn_theta(known, 400, seed), seed), "paper", "group")["rows"] for seed in range(60)
    ]
    for place, row in enumerate(tables[0][:-1]):
        steps = np.array([rows[place]["step"] for rows in tables])
        told = np.sqrt(np.mean([rows[place]["mcse"] ** 2 for rows in tables]))
        # The scatter of 60 steps is itself known to about a tenth;
        # stratified reliabilities scatter less than independent ones.
        assert told == pytest.approx(steps.std(ddof=1), rel=0.45, abs=2e-4), row["what"]


def test_groups_and_sources_are_sums(found: Outcome) -> None:
    """A group's step is the sum of its items' steps; beyond the largest N the others are one row."""
    items = {row["what"]: row["step"] for row in _why(found, "paper")["rows"] if row["kind"] == "item"}
    groups = {row["what"]: row for row in _why(found, "paper", "group")["rows"]}
    assert items["a-rumour"] + items["b-rumour"] == pytest.approx(groups["rumours"]["step"], abs=1e-12)
    top = _why(found, "paper", top=2)["rows"]
    assert [TIME, "6 others", MONTE_CARLO] == [row["what"] for row in top if row["kind"] not in {"item", "retraction"}]
    assert 5 == len(top)


def test_what_moved_most_is_asked_where_nothing_is(found: Outcome) -> None:
    """Without a name it is the scenario, or the state of the event, that moved most."""
    target, prior = find_target(found, None), prior_outcome(found)
    start = Start("", probabilities(prior, target))
    moved = {
        name: abs(found.scenarios[name].probability - prior.scenarios[name].probability) for name in found.scenarios
    }
    assert max(moved, key=lambda name: moved[name]) == target.parts[most_moved(found, target, start).asked or 0]


def test_since_an_update_only_what_is_new_is_a_step(found: Outcome) -> None:
    """New items and retractions since are steps, the rest one remainder, and all add up."""
    target = replace(find_target(found, "paper"))
    start = Start("then", np.array([0.1, 0.2, 0.7]), day(100), day(100), ("e-aid", "f-draft", "g-draft"), ("experts",))
    table = why(found, target, start, "item", None, lambda _: None)
    names = [(row["what"], row["kind"]) for row in table["rows"]]
    assert [
        (TIME, "time"), ("d-wrong", "retraction"), ("e-aid", "item"), ("f-draft", "item"), ("g-draft", "item"),
        (f"experts and {MONTE_CARLO}", "inputs"),
    ] == names  # fmt: skip
    assert table["to"] - 0.2 == pytest.approx(sum(row["step"] for row in table["rows"]), abs=1e-12)


def test_the_last_prefix_is_the_workspace(found: Outcome) -> None:
    """Before all changes there is no item, after all of them every one as it is today."""
    steps = changes(found.workspace, AS_OF)
    assert () == before(found.workspace, steps).items
    assert found.workspace == list(prefixes(found.workspace, steps))[-1]


def test_pooled_draws_serve_both_ends() -> None:
    """Draws of p and of p L / Z together give expectations under p and under p L / Z: normal means, known in form."""
    rng = np.random.default_rng(3)
    plain, tilted = rng.normal(0.0, 1.0, 20_000), rng.normal(1.5, 1.0, 20_000)
    x = np.concatenate([plain, tilted])
    log_l = 1.5 * x  # N(0, 1) times exp(1.5 x) is exp(1.5^2 / 2) N(1.5, 1)
    log_z = log_constant(log_l, plain.size)
    assert 1.125 == pytest.approx(log_z, abs=0.03)
    log_proposal = np.logaddexp(np.log(0.5), np.log(0.5) + log_l - log_z)
    for power, mean in ((0.0, 0.0), (0.5, 0.75), (1.0, 1.5)):
        with np.errstate(over="ignore"):
            weights = smooth(power * log_l - log_proposal).weights
        assert mean == pytest.approx(float(weights @ x), abs=0.05)


def test_anchored_draws_and_the_statements_draws_agree(found: Outcome) -> None:
    """A forecast from draws that knew some evidence is, prefix by prefix, the one from the statements' draws."""
    known, theta = found.workspace, drawn_theta(found.workspace, 40_000)
    anchor = compile_workspace(found.layout, known, day(160))
    log_anchor = evaluate(query(replace(anchor, log_fixed=0.0), ()), theta).log_evidence
    weights = smooth(log_anchor).weights
    chosen = np.random.default_rng(8).choice(theta.shape[1], DRAWS, p=weights)
    spec = cast("PriorSpec", _Spec(anchor))
    base, draws = (cast("Draws", Sampled(part)) for part in (theta[:, :DRAWS], theta[:, chosen]))
    posterior = replace(
        found.posterior, spec=spec, base=base, draws=draws, anchor=day(160), log_anchor=log_anchor[chosen]
    )
    pooled, plain = pool_draws(posterior, 1, 8000), pool_draws(found.posterior, 1, 4000)
    steps = changes(known, AS_OF)
    for remaining in (before(known, steps), *prefixes(known, steps)):
        one, two = (each.forecast(remaining, found.posterior, AS_OF, known.scenarios) for each in (pooled, plain))
        np.testing.assert_allclose(one.shares, two.shares, rtol=0, atol=0.015)
        assert one.reliable


class _Spec:
    def __init__(self, anchor: object) -> None:
        self.anchor = anchor
