"""Statements again: their noise is the model's own, and a model that has heard both ranks what was drawn evenly.

The refits here are importance samples under the density of statements, with which drawing them has no code in common,
or the normal distribution that a conjugate model has in closed form. benchmarks/posterior_calibration.py does the same
with the sampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, chisquare, kstest, norm, t

from forecast.inference.tape import linear_map
from forecast.model.layout import lay_out
from forecast.posterior.replicates import AGAIN, Replicates, heard_twice, inputs_digest, observed, replicates
from forecast.sampling.likelihood import log_likelihood_given_noise, statement_columns
from forecast.sampling.spec import SD_EXPERT, Noisy, PriorSpec, TrackRecord, prior_spec
from forecast.workspace.records import Network, Statement
from tests.worlds import event, network, statement, target, workspace

Array = NDArray[np.float64]
Fit = dict[str, Array]

DRAWS = 2000
ROUNDS = 60
LEAST_P = CAUGHT = 1e-4  # p values: of what is right at least, of what is planted at most
NAMES = ("ann-1", "ann-2", "rule-1", "eve-1", "ann-spread", "bob-count", "ann-order")
EXPERTS = ("ann", "bob", "eve", "rule")


def _noisy(*rows: tuple[float, float, int, float, float]) -> Noisy:
    columns = np.array(rows).reshape(-1, 5).T
    location, scale, expert, weight, scatters = columns
    return Noisy(location=location, scale=scale, expert=expert.astype(np.intp), weight=weight, scatters=scatters)


def spec_of(**changed: Any) -> PriorSpec:
    """Every form of statement, each a reading of a coordinate of its own; two of them share a deviation."""
    deviations: list[dict[int, float]] = [{0: 0.4}, {0: -0.3}, {}, {1: 0.2}, {1: 0.5}, {}, {}, {0: 0.3}]
    nothing = cast("Any", ())
    spec = PriorSpec(
        layout=cast("Any", None),
        rows=cast("Any", None),
        networks=nothing,
        sides=nothing,
        quantities=linear_map([{row: 1.0} for row in range(8)]),
        deviations=linear_map(deviations),
        deviation_labels=("first", "second"),
        experts=EXPERTS,
        stated=_noisy(
            (0.4, 0.5, 0, 2.0, 1.0), (-1.0, 0.8, 0, 2.0, 1.0), (0.1, 0.9, 3, 1.0, 0.0), (1.0, 0.6, 2, 1.0, 1.0)
        ),
        distributions=_noisy((0.3, 0.7, 0, 2.0, 1.0), (-0.2, 0.7, 0, 2.0, 1.0)),
        distribution_of=np.array([0, 0], dtype=np.intp),
        counted=np.array([[2.0, 9.0, 1.0, 0.7]]),
        ordered=np.array([0.5]),
        statement_ids=NAMES,
        rated=("eve",),
        rated_of=np.array([0, 0, 0, 1], dtype=np.intp),
        is_biased=np.ones(4),
        record=TrackRecord(
            location=np.array([1.5, 0.5, -1.0, -2.0, 0.2]),
            happened=np.array([1, 0, 0, 0, 1], dtype=np.intp),
            expert=np.zeros(5, dtype=np.intp),
        ),
        anchor=None,
    )
    return replace(spec, **changed)


def prior(rng: np.random.Generator, draws: int = DRAWS) -> tuple[Array, Fit]:
    """Draw coordinates (draws, 8) and what else the statements read; the count's is ln of a probability."""
    at = rng.standard_normal((draws, 8))
    at[:, 6] = -np.logaddexp(0.0, at[:, 6])
    return at, {
        "deviation": rng.standard_normal((1, draws, 2)),
        "omega": np.abs(rng.normal(0.0, SD_EXPERT, (1, draws, 4))),
        "bias": rng.normal(0.0, 0.5, (1, draws, 1)),
        "slope": np.exp(rng.normal(0.0, 0.35, (1, draws, 1))),
    }


def said(spec: PriorSpec, at: Array, fit: Fit) -> dict[str, Array]:
    """Log density of each statement (draws)."""
    heard = (spec.quantities @ at.T).T[np.newaxis]
    return log_likelihood_given_noise(spec, {**fit, "quantity": heard}, spec.statement_ids)


def weights(spec: PriorSpec, at: Array, fit: Fit) -> Array:
    """Weigh draws of the prior by statements and track record."""
    logs = np.sum(list(said(spec, at, fit).values()), axis=0)
    log_odds = (spec.record.location - fit["bias"][0]) / fit["slope"][0]
    logs = logs - np.logaddexp(0.0, (1.0 - 2.0 * spec.record.happened) * log_odds).sum(axis=1)
    found: Array = np.exp(logs - logs.max())
    return found / found.sum()


def one(at: Array, fit: Fit, draw: int) -> Fit:
    """A draw of the prior as a fit."""
    return {"quantity": at[np.newaxis, [draw]], **{name: values[:, [draw]] for name, values in fit.items()}}


def ranked(at: Array, fit: Fit) -> Array:
    """What is ranked: each coordinate, the deviations, the noise of ann, bias and slope; (draws, 13)."""
    return np.concatenate([at, fit["deviation"][0], fit["omega"][0][:, :1], fit["bias"][0], fit["slope"][0]], axis=1)


def places(spec: PriorSpec, wrong: PriorSpec | None = None) -> Array:
    """Rank what is drawn from the posterior in refits to both: (rounds, 13) in (0, 1). `wrong` is stated from."""
    rng = np.random.default_rng(20251)
    at, fit = prior(rng)
    others, other_fit = prior(rng)  # a sample of its own: what was drawn must not be in it
    first, values, found = weights(spec, at, fit), ranked(others, other_fit), []
    for _ in range(ROUNDS):
        drawn = int(rng.choice(DRAWS, p=first))
        again = replicates(wrong or spec, one(at, fit, drawn), rng)
        truth = ranked(at, fit)[drawn]
        both = weights(heard_twice(spec, again), others, other_fit)
        found.append((both[:, np.newaxis] * (values < truth)).sum(axis=0))
    return np.array(found)


def test_what_was_drawn_is_ranked_evenly() -> None:
    """Säilynoja and others (2025): a draw of the posterior is one of the posterior given both."""
    p = [kstest(column, "uniform").pvalue for column in places(spec_of()).T]
    assert min(p) > LEAST_P, p


def test_a_wrong_likelihood_is_seen() -> None:
    """Numbers with more noise than the fit believes leave what they are readings of ranked too far out."""
    noisy = replace(spec_of().stated, scale=10.0 * spec_of().stated.scale)
    found = places(spec_of(), spec_of(stated=noisy))
    p = [kstest(found[:, at], "uniform").pvalue for at in range(4)]
    assert min(p) < CAUGHT, p


def test_the_noise_of_each_form() -> None:
    """Each form against scipy's distribution of it, given the draw."""
    spec, rng, n = spec_of(), np.random.default_rng(3), 20_000
    at, fit = prior(rng, 1)
    many = {name: np.repeat(values, n, axis=1) for name, values in {"quantity": at[np.newaxis], **fit}.items()}
    told = replicates(spec, many, rng)
    heard = (spec.deviations @ fit["deviation"][0].T)[:, 0] + at[0]
    heard[3] += (fit["slope"][0, 0, 0] - 1.0) * at[0, 3] + fit["bias"][0, 0, 0]
    sd = np.sqrt(
        (spec.stated.scale**2 + (fit["omega"][0, 0, spec.stated.expert] * spec.stated.scatters) ** 2) / [2, 2, 1, 1]
    )
    z = (told.stated - heard[:4]) / sd
    assert min(kstest(z[:, i], t(4).cdf).pvalue for i in (0, 1, 3)) > LEAST_P
    assert kstest(z[:, 2], norm.cdf).pvalue > LEAST_P  # a rule has the tails of a normal distribution
    both = (told.distributions - heard[4:6]) / np.sqrt((0.7**2 + fit["omega"][0, 0, 0] ** 2) / 2)
    assert kstest(both[:, 0], t(4).cdf).pvalue > LEAST_P
    assert np.corrcoef(np.abs(both).T)[0, 1] > 0.1  # one precision for both
    node = norm.ppf((np.arange(400) + 0.5) / 400)
    chance = 1.0 / (1.0 + np.exp(-(np.log(-np.expm1(heard[6])) - heard[6] + 0.7 * node)))
    expected = n * binom.pmf(np.arange(10)[:, np.newaxis], 9, chance).mean(axis=1)
    bins = np.bincount(told.counted[:, 0], minlength=10)
    kept = expected > 5
    assert chisquare(bins[kept], expected[kept] * bins[kept].sum() / expected[kept].sum()).pvalue > LEAST_P
    for share, log_odds in (
        (told.ordered[:, 0].mean(), heard[7] / 0.5),
        (told.record[:, 0].mean(), (1.5 - fit["bias"][0, 0, 0]) / fit["slope"][0, 0, 0]),
    ):
        p = 1.0 / (1.0 + np.exp(-log_odds))
        assert abs(share - p) < 5.0 * np.sqrt(p * (1.0 - p) / n)


def test_hearing_what_was_said_once_more_counts_it_twice() -> None:
    """With the statements themselves as the replicate the log density of each is there twice."""
    spec, rng = spec_of(), np.random.default_rng(4)
    at, fit = prior(rng, 50)
    twice = heard_twice(spec, observed(spec))

    once, both = said(spec, at, fit), said(twice, at, fit)
    for name in NAMES:
        np.testing.assert_allclose(both[name] + both[name + AGAIN], 2.0 * once[name], rtol=1e-12)
    assert 2 * len(NAMES) == len(twice.statement_ids) == len(statement_columns(twice))
    assert {len(rows) for rows in statement_columns(spec).values()} == {1, 2}
    assert len(statement_columns(twice)["ann-spread" + AGAIN]) == 2


def test_an_order_that_came_out_the_other_way_is_one_in_reverse() -> None:
    """P(the second was called likelier) is 1 - P(the first was)."""
    spec, rng = spec_of(), np.random.default_rng(5)
    at, fit = prior(rng, 50)
    made, found = observed(spec), []
    for ordered in (0, 1):
        other = Replicates(**{**vars(made), "ordered": np.array([[ordered]])})
        twice = heard_twice(spec, other)
        found.append(np.exp(said(twice, at, fit)["ann-order" + AGAIN]))
    np.testing.assert_allclose(np.ones(50), found[0] + found[1], rtol=1e-12)


def conjugate(n: int) -> PriorSpec:
    """Say a number n times by a rule: a normal distribution about a coordinate that is standard normal."""
    spec = spec_of()
    return replace(
        spec,
        quantities=linear_map([{0: 1.0}] * n),
        deviations=linear_map([{}] * n),
        deviation_labels=(),
        experts=("rule",),
        stated=_noisy(*((0.3 + 0.2 * i, 0.8, 0, 1.0, 0.0) for i in range(n))),
        distributions=_noisy(),
        distribution_of=np.zeros(0, dtype=np.intp),
        counted=np.zeros((0, 4)),
        ordered=np.zeros(0),
        statement_ids=tuple(f"rule-{i}" for i in range(n)),
        rated=(),
        rated_of=np.zeros(n, dtype=np.intp),
        is_biased=np.ones(n),
        record=TrackRecord(
            location=np.zeros(0), happened=np.zeros(0, dtype=np.intp), expert=np.zeros(0, dtype=np.intp)
        ),
    )


def normal_posterior(noisy: Noisy) -> tuple[float, float]:
    """Mean and sd of a standard normal coordinate given normal readings of it."""
    precision = 1.0 + (1.0 / noisy.scale**2).sum()
    return float((noisy.location / noisy.scale**2).sum() / precision), float(precision**-0.5)


@pytest.mark.parametrize(("believed", "even"), [(1.0, True), (0.5, False)])
def test_a_posterior_in_closed_form(believed: float, even: bool) -> None:
    """Of a conjugate model the places in the refits are exactly even; a fit that believes in half the noise is seen."""
    spec, rng, found = conjugate(3), np.random.default_rng(6), []
    mean, sd = normal_posterior(spec.stated)
    for _ in range(400):
        truth = rng.normal(mean, sd)
        draw = {"quantity": np.full((1, 1, 3), truth), "omega": np.full((1, 1, 1), 0.4)}
        both = heard_twice(spec, replicates(spec, draw, rng)).stated
        at, width = normal_posterior(replace(both, scale=believed * both.scale))
        found.append(norm.cdf((truth - at) / width))
    p = kstest(found, "uniform").pvalue
    assert p > LEAST_P if even else p < CAUGHT


BELOW = event("b", states=("none", "some", "all"), parents=["a"])
WORLD = network(event("a"), BELOW)
SAID = (statement("s", target("a", "yes"), 0.3), statement("t", target("b", "all"), 0.2, sd=0.7))


def _digest(net: Network = WORLD, said: Sequence[Statement] = SAID) -> str:
    return inputs_digest(prior_spec(lay_out(net), workspace(net, statements=said), date(2025, 6, 1)))


def test_the_inputs_are_numbers_and_no_names() -> None:
    """Another name, title or reason is the same input; another number, state, parent, kind, sd or statement is not."""
    renamed = network(replace(event("a"), name="Another"), BELOW)
    assert _digest() == _digest(renamed)
    assert _digest() == _digest(said=[replace(SAID[0], id="r"), SAID[1]])
    other = {
        _digest(),
        _digest(said=SAID[:1]),
        _digest(said=[statement("s", target("a", "yes"), 0.31), SAID[1]]),
        _digest(said=[SAID[0], statement("t", target("b", "all"), 0.2, sd=0.8)]),
        _digest(said=[SAID[0], statement("t", target("b", "some"), 0.2, sd=0.7)]),
        _digest(network(event("a"), event("b", states=("none", "some", "all")))),
        _digest(network(event("a", "status"), BELOW)),
    }
    assert len(other) == 7


def test_the_inputs_are_the_same_for_every_type_of_number() -> None:
    """An array of other integers, or a number that is whole, is the same input; its last digit is not."""
    spec = prior_spec(lay_out(WORLD), workspace(WORLD, statements=SAID), date(2025, 6, 1))
    short = replace(spec, rated_of=spec.rated_of.astype(np.int32))
    assert inputs_digest(spec) == inputs_digest(short)
    moved = replace(spec, stated=replace(spec.stated, scale=np.nextafter(spec.stated.scale, 9.0)))
    assert inputs_digest(spec) != inputs_digest(moved)
