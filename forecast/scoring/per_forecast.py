"""The scores of each forecast by itself, and warnings of those that are infinite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.scoring.cells import Floats
from forecast.scoring.forms import alike
from forecast.scoring.rules import (
    brier_sum,
    crps_of_draws,
    crps_of_quantiles,
    fair_crps_of_draws,
    ranked_probability_score,
)
from forecast.scoring.table import Forecasts, resolved
from forecast.workspace.problems import Problem

# To where others move a probability before they take its logarithm; both have been the limits of Metaculus.
CLIPS = (0.01, 0.001)
OF_NUMBERS = ("crps", "crps_fair", "crps_quantiles")
LISTED = 20  # one message each; the rest is counted


@dataclass(frozen=True)
class ForecastScores:
    """Scores of n forecasts, NaN where one does not apply.

    `p_yes` (n,) and `happened` (n,) are those of questions with yes or no; `p_outcome` (n,) is the probability that was
    given to what came true, and `n_options` (n,) of how many (NaN for numbers). `scores` holds (n,) by measure.
    """

    p_yes: Floats
    happened: Floats
    p_outcome: Floats
    n_options: Floats
    scores: Mapping[str, Floats]


def per_forecast(forecasts: Forecasts) -> ForecastScores:
    """Score each forecast of resolved questions.

    Raises:
        ValueError: there is a forecast of a question without an outcome.
    """
    outcome = forecasts.outcome
    if np.isnan(outcome).any():
        msg = "only forecasts of resolved questions can be scored"
        raise ValueError(msg)
    n = forecasts.question.size
    p_yes, p_outcome, n_options = (np.full(n, np.nan) for _ in range(3))
    scores = {name: np.full(n, np.nan) for name in ("brier_sum", "rps", *OF_NUMBERS)}
    ordered = np.array([question.ordered for question in forecasts.questions], dtype=bool)[forecasts.question]
    for form, chosen in alike(forecasts):
        kind = form.kind
        entries = forecasts.entries[forecasts.first[chosen, np.newaxis] + np.arange(form.width)]
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
            scores["crps_fair"][chosen] = fair_crps_of_draws(entries, outcome[chosen])
        else:
            scores["crps_quantiles"][chosen] = crps_of_quantiles(entries, np.array(form.levels), outcome[chosen])
    all_scores = {"brier": scores["brier_sum"] / 2.0, "brier_sum": scores["brier_sum"], "log": minus_log(p_outcome)}
    all_scores |= {name: scores[name] for name in ("rps", *OF_NUMBERS)}
    return ForecastScores(p_yes, np.where(np.isnan(p_yes), np.nan, outcome), p_outcome, n_options, all_scores)


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


def certainties(forecasts: Forecasts) -> tuple[Problem, ...]:
    """Return a warning for each forecast that gave probability 0 to what came true: its log score is infinite."""
    known = resolved(forecasts)
    wrong = np.flatnonzero(per_forecast(known).p_outcome == 0.0)
    allowed = f"it is reported as such, and with probabilities moved into {' and '.join(map(_interval, CLIPS))}"
    warnings = []
    for at in wrong.tolist():
        question = known.questions[known.question[at]]
        outcome = int(question.outcome or 0)
        entry = int(known.first[at]) + (0 if question.kind == "yes_no" else outcome)
        what = f"probability {known.entries[entry]:g} and the other outcome: the log score is infinite"
        source = known.where[int(known.rows[entry])]
        warnings.append(Problem(source, what, f"outcome '{_said(question.options, outcome)}'", allowed, "warning"))
    warnings.sort()
    if len(warnings) <= LISTED:
        return tuple(warnings)
    what = f"{len(warnings) - LISTED} more forecasts like it"
    return (*warnings[:LISTED], Problem(warnings[LISTED].source, what, severity="warning"))


def _said(options: tuple[str, ...], outcome: int) -> str:
    return str(outcome) if options == ("no", "yes") else options[outcome]


def _interval(clip: float) -> str:
    return f"[{clip:g}, {1.0 - clip:g}]"
