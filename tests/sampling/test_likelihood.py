"""How probable statements are in a draw, against scipy's densities and quadrature; and what leaving them out does."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import binom, halfnorm, multivariate_t, norm, t

from forecast.inference.tape import linear_map
from forecast.sampling import likelihood as module
from forecast.sampling.likelihood import log_likelihood
from forecast.sampling.spec import SD_EXPERT, Noisy, PriorSpec, TrackRecord

Array = NDArray[np.float64]

DRAWS = 3
NAMES = ("ann-1", "ann-2", "bob-1", "eve-1", "ann-spread", "bob-count", "ann-order")


def _noisy(*rows: tuple[float, float, int, float, float]) -> Noisy:
    table = np.array(rows)
    return Noisy(
        location=table[:, 0],
        scale=table[:, 1],
        expert=table[:, 2].astype(np.intp),
        weight=table[:, 3],
        scatters=table[:, 4],
    )


def _spec() -> PriorSpec:
    """Four numbers (ann twice, bob exact, eve with a track record), a distribution of ann, a count, an order."""
    deviations: list[dict[int, float]] = [{0: 0.4}, {1: -0.3}, {}, {0: 0.2}, {1: 0.5}, {}, {}, {}]
    none: Any = ()
    return PriorSpec(
        layout=cast("Any", None),
        rows=cast("Any", None),
        networks=none,
        sides=none,
        quantities=linear_map([]),
        deviations=linear_map(deviations),
        deviation_labels=("first", "second"),
        experts=("ann", "bob", "eve"),
        stated=_noisy(
            (0.4, 0.5, 0, 2.0, 1.0), (-1.0, 0.8, 0, 2.0, 1.0), (0.1, 0.3, 1, 1.0, 0.0), (1.0, 0.6, 2, 1.0, 1.0)
        ),
        distributions=_noisy((0.3, 0.7, 0, 2.0, 1.0), (-0.2, 0.7, 0, 2.0, 1.0)),
        distribution_of=np.array([0, 0], dtype=np.intp),
        counted=np.array([[2.0, 9.0, 1.0, 0.7]]),
        ordered=np.array([0.5]),
        statement_ids=NAMES,
        rated=("eve",),
        rated_of=np.array([0, 0, 0, 1], dtype=np.intp),
        is_biased=np.array([1.0, 1.0, 1.0, 1.0]),
        record=TrackRecord(
            location=np.zeros(0), happened=np.zeros(0, dtype=np.intp), expert=np.zeros(0, dtype=np.intp)
        ),
        anchor=None,
    )


def _fit() -> dict[str, Array]:
    rng = np.random.default_rng(4)
    quantity = rng.normal(size=(1, DRAWS, 8))
    quantity[..., 6] = np.log(rng.uniform(0.2, 0.9, (1, DRAWS)))  # of the count: ln P(one case does not happen)
    return {
        "quantity": quantity,
        "deviation": rng.normal(size=(1, DRAWS, 2)),
        "bias": rng.normal(size=(1, DRAWS, 1)),
        "slope": np.exp(rng.normal(size=(1, DRAWS, 1))),
    }


def _by_scipy(fit: dict[str, Array], draw: int) -> dict[str, float]:
    """Log densities of everything that one draw says of each expert, the noise integrated out by quadrature."""
    implied, (one, two) = fit["quantity"][0, draw], fit["deviation"][0, draw]

    def ann(omega: float) -> float:
        def sd(own: float) -> float:
            return float(np.sqrt((own**2 + omega**2) / 2.0))

        both = t.logpdf(0.4, 4, implied[0] + 0.4 * one, sd(0.5)) + t.logpdf(-1.0, 4, implied[1] - 0.3 * two, sd(0.8))
        mean = [implied[4] + 0.5 * two, implied[5]]
        spread = multivariate_t.logpdf([0.3, -0.2], mean, sd(0.7) ** 2 * np.eye(2), df=4)
        return float(np.exp(both + spread) * halfnorm.pdf(omega, scale=SD_EXPERT))

    def count(z: float) -> float:
        p = 1.0 - np.exp(implied[6])
        odds = np.log(p / (1.0 - p)) + 0.7 * z
        return float(binom.pmf(2, 9, 1.0 / (1.0 + np.exp(-odds))) * norm.pdf(z))

    heard = fit["bias"][0, draw, 0] + fit["slope"][0, draw, 0] * implied[3] + 0.2 * one

    def eve(omega: float) -> float:
        return float(t.pdf(1.0, 4, heard, np.sqrt(0.36 + omega**2)) * halfnorm.pdf(omega, scale=SD_EXPERT))

    order = -np.log1p(np.exp(-implied[7] / 0.5))
    return {
        "ann": np.log(quad(ann, 0.0, 5.0)[0]) + order,
        "bob": norm.logpdf(0.1, implied[2], 0.3) + np.log(quad(count, -9.0, 9.0)[0]),
        "eve": np.log(quad(eve, 0.0, 5.0)[0]),
    }


@pytest.mark.parametrize("expert", ["ann", "bob", "eve"])
def test_against_scipy(expert: str) -> None:
    """Up to a constant it is the log density of what the expert said, noise of the expert's own integrated out."""
    spec, fit = _spec(), _fit()
    found = log_likelihood(spec, fit, {name for name in NAMES if name.startswith(expert)})
    expected = np.array([_by_scipy(fit, draw)[expert] for draw in range(DRAWS)])
    np.testing.assert_allclose(expected - expected[0], found - found[0], rtol=0, atol=1e-5)


def test_experts_are_independent_given_a_draw() -> None:
    """A group's log likelihood is the sum of its members'."""
    spec, fit = _spec(), _fit()
    parts = [log_likelihood(spec, fit, {n for n in NAMES if n.startswith(e)}) for e in ("ann", "bob", "eve")]
    np.testing.assert_allclose(np.sum(parts, axis=0), log_likelihood(spec, fit, set(NAMES)), rtol=0, atol=1e-12)


def test_it_does_not_matter_where_logarithms_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the product of many statements' tails, or of each by itself."""
    expected = log_likelihood(_spec(), _fit(), set(NAMES))
    monkeypatch.setattr(module, "LARGEST_PRODUCT", 1.0)
    np.testing.assert_allclose(expected, log_likelihood(_spec(), _fit(), set(NAMES)), rtol=0, atol=1e-12)


def test_half_an_expert_is_refused() -> None:
    """The noise of an expert cannot be integrated out of some of the expert's numbers alone."""
    with pytest.raises(ValueError, match="'ann' without the others"):
        log_likelihood(_spec(), _fit(), {"ann-1"})


def test_nobody_says_nothing() -> None:
    """Leaving nobody out changes no weight."""
    np.testing.assert_array_equal(np.zeros(DRAWS), log_likelihood(_spec(), _fit(), set()))
