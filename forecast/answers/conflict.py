"""How far the reports disagree: all together, in pairs, and each with all others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.background import Background
from forecast.answers.refuted import statements
from forecast.answers.surprise import surprise, two_outcomes
from forecast.record.outcome import Outcome
from forecast.reweight.mcse import standard_error

Array = NDArray[np.float64]
Row = dict[str, Any]
Progress = Callable[[str], None]

DRAWS = 100  # of the forecast's, for the pairs
SURPRISE_DRAWS = 1000  # of the forecast's, each of which simulates all reports once
LEAST = 0.01  # decibans; a report that says less by now makes no pair worth telling
DECIBANS = 10.0 / log(10.0)  # of one natural logarithm


def conflict(found: Outcome, top: int, progress: Progress) -> Row:
    """Measure how far the reports disagree with each other, under the statements and what is settled.

    Args:
        found: the forecast.
        top: pairs told on each side.
        progress: is told how far it is.

    Returns:
        `reports` (number), `telling` (how many still tell states apart), `surprise` (see there: how probable the
        reports are among simulated ones), `conflict` (decibans: log of the product of the single reports'
        probabilities over their joint probability, above zero if they are less probable together than they would be
        independently) and `mcse`, its Monte Carlo error, `items` (each report's own part: its probability given the
        settled items against that given all other reports too; `chance`, the latter, with its `mcse`; `p_value`, of
        coming out or not the probability of what is no likelier), `statements` (forecast.answers.refuted; the first
        `top`), `fights` and `supports` (the strongest pairs: items, decibans, `copies`: of one group), `draws`, `ess`
        and `pareto_k` (of the draws for the pairs).

    Every source stands at its prior mean: what is measured is disagreement about the events.

    Source: Jensen, Chamberlain, Nordahl and Jensen (1991), "Analysis in HUGIN of data conflict".
    """
    size = found.posterior.weights.weights.size
    background = Background(found.posterior, max(1, size // DRAWS))
    progress("weighing the reports against each other")
    singles = background.chances()
    log_joint = background.log_given(range(len(background.told)))
    whole, mcse = _conflict(singles, log_joint, background.weights)
    pairs = _pairs(found, background, singles)
    ranked = sorted(pairs, key=lambda row: (-row["decibans"], row["items"]))
    progress("simulating reports")
    return {
        "reports": len(background.network.reports),
        "telling": len(background.told),
        "surprise": surprise(Background(found.posterior, max(1, size // SURPRISE_DRAWS)), found.seed),
        "conflict": whole,
        "mcse": mcse,
        "items": _items(background, singles, log_joint),
        "statements": statements(found)[:top],
        "fights": [row for row in ranked if row["decibans"] > 0.0][:top],
        "supports": [row for row in reversed(ranked) if row["decibans"] < 0.0][:top],
        "draws": background.weights.size,
        "ess": background.effective_size,
        "pareto_k": background.pareto_k if np.isfinite(background.pareto_k) else None,
    }


def _conflict(singles: Array, log_joint: Array, weights: Array) -> tuple[float, float]:
    """Return 10 log10 [prod_i P(i) / P(all)] and its Monte Carlo error (delta method)."""
    joint = np.exp(log_joint - log_joint.max())
    apart, together = singles @ weights, float(joint @ weights)
    whole = float(np.log(apart).sum()) - log(together) - float(log_joint.max())
    deviation = (singles / apart[:, np.newaxis] - 1.0).sum(axis=0) - (joint / together - 1.0)
    return DECIBANS * whole, DECIBANS * _error(weights * deviation)


def _items(background: Background, singles: Array, log_joint: Array) -> list[Row]:
    """Compute for each report 10 log10 [P(i) / P(i | all others)]; one that says nothing any more has none."""
    weights, rows = background.weights, []
    for i, report in enumerate(background.told):
        log_others = background.log_given([j for j in range(len(background.told)) if j != i])
        # P(i | all others) = E[P(all)] / E[P(others)]
        peak = max(log_joint.max(), log_others.max())
        joint, others = np.exp(log_joint - peak), np.exp(log_others - peak)
        chance = float(joint @ weights / (others @ weights))
        error = _error(weights * (joint - chance * others)) / float(others @ weights)
        decibans = DECIBANS * (log(float(singles[i] @ weights)) - log(chance))
        rows.append(
            {
                "item": report.item,
                "decibans": decibans,
                "chance": chance,
                "mcse": error,
                "p_value": two_outcomes(chance),
            }
        )
    return sorted(rows, key=lambda row: (-row["decibans"], row["item"]))


def _pairs(found: Outcome, background: Background, singles: Array) -> list[Row]:
    """Compute 10 log10 [P(i) P(j) / P(i, j)] for every pair of reports that still say something."""
    weights = background.weights
    groups = {item.id: item.group for item in found.workspace.items}
    speaking = [i for i in range(len(background.told)) if _span(background.table(i)) >= LEAST]
    apart, rows, terms = singles @ weights, [], []
    given = {i: background.chances(i) for i in speaking[:-1]}
    for i, j in combinations(speaking, 2):
        joint = singles[i] * given[i][j]
        both = float(joint @ weights)
        terms.append(weights * (singles[i] / apart[i] + singles[j] / apart[j] - joint / both - 1.0))
        names = sorted((background.told[i].item, background.told[j].item))
        group = groups[names[0]]
        rows.append(
            {
                "items": names,
                "decibans": DECIBANS * log(apart[i] * apart[j] / both),
                "copies": group is not None and group == groups[names[1]],
            }
        )
    errors = DECIBANS * standard_error(np.stack(terms)) if rows else np.zeros(0)
    return [row | {"mcse": error} for row, error in zip(rows, errors.tolist(), strict=True)]


def _error(terms: Array) -> float:
    """Return the Monte Carlo error of the sum of terms (draws)."""
    return float(standard_error(terms[np.newaxis])[0])


def _span(table: Array) -> float:
    """Return by how many decibans a report tells states apart: no pair with it can be further from none."""
    return DECIBANS * log(float(table.max()) / low) if (low := float(table.min())) > 0.0 else np.inf
