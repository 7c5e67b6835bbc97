"""How well forecasts tell what happened from what did not, whatever their level."""

from __future__ import annotations

import numpy as np

from forecast.scores.cells import Floats
from forecast.scores.ties import points


def auc(p_event: Floats, outcome: Floats) -> float | None:
    """Compute the area under the ROC curve: P(p of an event that happened > p of one that did not), ties half.

    Forecasts tie as `ties.points` has it: .3 and .1 + .2 do.

    Args:
        p_event: (n,) probabilities.
        outcome: (n,) 1 or 0.

    Returns:
        The area, or None where only one of the two outcomes is there.

    Source: Mason and Graham (2002).
    """
    happened = outcome == 1.0
    n_yes, n_no = int(happened.sum()), int((~happened).sum())
    if not n_yes or not n_no:
        return None
    point = points(p_event)
    yes, no = (np.bincount(point[chosen], minlength=int(point.max()) + 1) for chosen in (happened, ~happened))
    below = np.cumsum(no) - no
    return float((yes * (2 * below + no)).sum() / (2.0 * n_yes * n_no))
