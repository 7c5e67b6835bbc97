"""Other coordinates for the same distribution: half-normal scales as normal scores."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
from scipy import stats

from forecast.sampling.model import NormalScores

SD = 0.25


SCORES = np.linspace(-6.0, 8.0, 57)


def test_scores_are_as_improbable() -> None:
    """A scale and its score are equally far out in a half-normal and a normal distribution, and back again."""
    scale = NormalScores(SD).backward(pt.as_tensor(SCORES)).eval()
    np.testing.assert_allclose(stats.halfnorm.isf(stats.norm.sf(SCORES), scale=SD), scale, rtol=1e-7)
    np.testing.assert_allclose(SCORES, NormalScores(SD).forward(pt.as_tensor(scale)).eval(), rtol=1e-7, atol=1e-7)


def test_a_half_normal_scale_has_a_normal_score() -> None:
    """The density of a half-normal scale times the Jacobian is the standard normal density of the score."""
    transform, z = NormalScores(SD), pt.as_tensor(SCORES)
    scale, log_jacobian = transform.backward(z).eval(), transform.log_jac_det(z).eval()
    np.testing.assert_allclose(stats.norm.logpdf(SCORES), stats.halfnorm.logpdf(scale, scale=SD) + log_jacobian)
