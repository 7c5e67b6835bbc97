"""The scores of each forecast by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecast.scores.cells import Floats, Ints, Mask
from forecast.scores.quantities import crps_of_draws, crps_of_quantiles
from forecast.scores.rows import KINDS
from forecast.scores.states import brier_sum, ranked_probability_score
from forecast.scores.table import Forecasts

# To where others move a probability before they take its logarithm; both have been the limits of Metaculus.
CLIPS = (0.01, 0.001)


@dataclass(frozen=True)
class Scored:
    """Scores of n forecasts, NaN where one does not apply.

    `p_yes` (n,) and `happened` (n,) are those of questions with yes or no; `p_outcome` (n,) is the probability that was
    given to what came true, and `n_options` (n,) of how many (NaN for numbers). `scores` holds (n,) by measure.
    """

    p_yes: Floats
    happened: Floats
    p_outcome: Floats
    n_options: Floats
    scores: Mapping[str, Floats]


def per_forecast(forecasts: Forecasts) -> Scored:
    """Score each forecast of resolved questions.

    Raises:
        ValueError: there is a forecast of a question without an outcome.
    """
    outcomes = np.array([np.nan if one.outcome is None else one.outcome for one in forecasts.questions])
    outcome = outcomes[forecasts.question]
    if np.isnan(outcome).any():
        msg = "only forecasts of resolved questions can be scored"
        raise ValueError(msg)
    n = forecasts.question.size
    p_yes, p_outcome, n_options = (np.full(n, np.nan) for _ in range(3))
    scores = {name: np.full(n, np.nan) for name in ("brier_sum", "rps", "crps", "crps_quantiles")}
    ordered = np.array([one.ordered for one in forecasts.questions], dtype=bool)[forecasts.question]
    for kind, chosen in _alike(forecasts):
        entries = forecasts.entries[forecasts.first[chosen, np.newaxis] + np.arange(forecasts.width[chosen[0]])]
        if kind in {"yes_no", "states"}:
            probabilities = np.hstack([1.0 - entries, entries]) if kind == "yes_no" else entries
            happened = outcome[chosen].astype(np.int64)
            p_outcome[chosen] = probabilities[np.arange(chosen.size), happened]
            n_options[chosen] = probabilities.shape[1]
            scores["brier_sum"][chosen] = brier_sum(probabilities, happened)
            in_order = ordered[chosen]
            ranked = ranked_probability_score(probabilities[in_order], happened[in_order])
            scores["rps"][chosen[in_order]] = ranked
            if kind == "yes_no":
                p_yes[chosen] = entries[:, 0]
        elif kind == "draws":
            scores["crps"][chosen] = crps_of_draws(entries, outcome[chosen])
        else:
            levels = forecasts.levels[forecasts.first[chosen[0]] + np.arange(forecasts.width[chosen[0]])]
            scores["crps_quantiles"][chosen] = crps_of_quantiles(entries, levels, outcome[chosen])
    all_scores = {"brier": scores["brier_sum"] / 2.0, "brier_sum": scores["brier_sum"], "log": minus_log(p_outcome)}
    all_scores |= {name: scores[name] for name in ("rps", "crps", "crps_quantiles")}
    return Scored(p_yes, np.where(np.isnan(p_yes), np.nan, outcome), p_outcome, n_options, all_scores)


def minus_log(p_outcome: Floats) -> Floats:
    """Compute -ln p: infinite where what came true had been ruled out (Good 1952)."""
    with np.errstate(divide="ignore"):  # an infinite score is the score of a certainty that was wrong
        return np.asarray(-np.log(p_outcome) + 0.0)  # + 0: no negative zero for a certainty that was right


def clipped(p_outcome: Floats, clip: float) -> Floats:
    """Move probabilities into [clip, 1 - clip], as others do before they take the logarithm."""
    return np.clip(p_outcome, clip, 1.0 - clip)


def baseline(p_outcome: Floats, n_options: Floats) -> Floats:
    """Compute the baseline score 100 ln(p K) / ln K: 0 for equal probabilities, 100 for certainty, higher is better.

    With two options it is 100 (1 + log2 p).

    Args:
        p_outcome: (n,) the probability of what came true.
        n_options: (n,) K, at least 2.

    Source: Metaculus, scores FAQ.
    """
    return np.asarray(100.0 * (1.0 - minus_log(p_outcome) / np.log(n_options)))


def _alike(forecasts: Forecasts) -> Iterator[tuple[str, Ints]]:
    """Yield forecasts that can be scored in one go: of one kind, of as many numbers, at the same levels."""
    kinds = np.array([KINDS.index(one.kind) for one in forecasts.questions], dtype=np.int64)[forecasts.question]
    for kind, name in enumerate(KINDS):
        of_kind: Mask = kinds == kind
        for width in np.unique(forecasts.width[of_kind]).tolist():
            chosen = np.flatnonzero(of_kind & (forecasts.width == width))
            if name != "quantiles":
                yield name, chosen
                continue
            levels = forecasts.levels[forecasts.first[chosen, np.newaxis] + np.arange(width)]
            _, inverse = np.unique(levels, axis=0, return_inverse=True)
            for group in range(inverse.max() + 1):
                yield name, chosen[inverse == group]
