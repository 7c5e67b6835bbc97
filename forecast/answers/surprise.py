"""Where the reports that came lie among reports that the model would have brought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.background import Background
from forecast.digests import digest_of
from forecast.inference.batch import log_evidence
from forecast.inference.joint_draws import draw_states
from forecast.reweight.mcse import averages

Array = NDArray[np.float64]
Row = dict[str, Any]

ROUNDING = 1e-9  # log probabilities that differ by less are equal


def surprise(background: Background, seed: int) -> Row:
    """Compute the predictive p-value of the reports: the chance of reports that are no likelier than those that came.

    In each draw the states of all events are drawn from the as-of network given what is settled, and every report
    that still tells states apart comes out with probability P(i | states) or does not (its likelihoods are read on
    their own scale, the largest 1). The discrepancy is log P(which came out | settled, theta_d), so the p-value is the
    weighted share of draws whose simulated reports have at most that of the real ones, all of which came out.

    Returns `p_value`, its Monte Carlo error `mcse`, `draws`, `ess`, and `median`: how many simulated reports come out.

    Source: Gelman, Meng and Stern (1996), "Posterior predictive assessment of model fitness via realized
    discrepancies".
    """
    rng = np.random.default_rng(int(digest_of(seed, "surprise")[:16], 16))
    weights, n = background.weights, background.weights.size
    states = draw_states(background.plan, background.factors(()), rng)
    logs = [np.zeros((*table.shape[:-1], n)) for table in background.factors(())[len(background.tables) :]]
    count = np.zeros(n)
    for i in range(len(background.told)):
        place, table = background.place(i), background.table(i)[..., np.newaxis]
        chance = background.table(i)[tuple(states[v] for v in background.scopes[place])]
        came = rng.uniform(size=n) < chance
        with np.errstate(divide="ignore"):  # what cannot be has log probability minus infinity
            logs[place] += np.log(np.where(came, table, 1.0 - table))
        count += came
    peaks = [log_table.reshape(-1, n).max(axis=0) for log_table in logs]
    reported = [np.exp(log_table - peak) for log_table, peak in zip(logs, peaks, strict=True)]
    simulated = log_evidence(background.plan, [*background.tables, *reported]) + sum(peaks) - background.silent
    real = background.log_given(range(len(background.told)))
    p, error = share_below(simulated, real, weights)
    order = np.argsort(count, kind="stable")
    median = count[order][np.searchsorted(np.cumsum(weights[order]), 0.5)]
    return {
        "p_value": p,
        "mcse": error,
        "draws": n,
        "ess": background.effective_size,
        "median": int(median),
    }


def share_below(simulated: Array, real: Array, weights: Array) -> tuple[float, float]:
    """Return the weighted share of draws with simulated <= real (log probabilities), and its Monte Carlo error."""
    below = (simulated <= real + ROUNDING).astype(float)
    found = averages(below[np.newaxis], weights)
    return float(found.mean[0]), float(found.mcse[0])


def two_outcomes(chance: float) -> float:
    """Return the p-value of what had this chance where only one other thing could have been."""
    return chance if chance < 0.5 else 1.0
