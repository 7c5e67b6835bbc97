"""Half-normal scales sampled as standard normal numbers: their logarithm has a long tail towards zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class NormalScores(Transform):  # type: ignore[misc]  # PyMC ships no types
    """Between a half-normal scale s (`sd` its parameter) and its normal score z, P(S < s) = P(Z < z).

    A priori z is standard normal. With the logarithm instead, a posterior that reaches zero has an exponential tail to
    the left and a narrow flank to the right, and the sampler's steps are as short as the flank.
    """

    name = "score"

    def __init__(self, sd: float) -> None:
        self.sd = sd

    def forward(self, value: Any, *_inputs: Any) -> Any:
        """Compute z from s. Upper tails are compared, which doubles can tell apart far out."""
        return np.sqrt(2.0) * pt.erfcinv(2.0 * pt.erfc(value / (self.sd * np.sqrt(2.0))))

    def backward(self, value: Any, *_inputs: Any) -> Any:
        """Compute s from z."""
        return self.sd * np.sqrt(2.0) * pt.erfcinv(pt.erfc(value / np.sqrt(2.0)) / 2.0)

    def log_jac_det(self, value: Any, *_inputs: Any) -> Any:
        """Compute ln ds/dz: the difference of the two log densities."""
        scale = self.backward(value)
        return np.log(self.sd / 2.0) + (scale / self.sd) ** 2 / 2.0 - value**2 / 2.0
