"""The forecast without each expert, and without each group: by reweighting where the draws allow it."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.likelihood import log_likelihood
from forecast.prior.spec import active_statements
from forecast.record.alternative_rows import largest_change
from forecast.record.outcome import Outcome
from forecast.reweight.mcse import deviations, standard_error
from forecast.reweight.weights import weigh_draws

Array = NDArray[np.float64]
Row = dict[str, Any]


def without_experts(found: Outcome, progress: Callable[[str], None]) -> list[Row]:
    """Compute the forecast without the statements of each expert, and of each group of several experts.

    The draws are weighted by P(evidence) over what the sampler knew, as ever, and by 1 / p(the statements left out |
    draw) (forecast.prior.likelihood): importance sampling from the posterior with everybody. Where the smoothed
    weights fail (Pareto k, effective size) nothing is told: that needs a fit of its own.

    Each row: `kind` (expert or group), `name`, `statements`, `pareto_k`, `ess`, `reliable`, and `effects`: scenario ->
    `change` (probability without less probability with them) and `mcse`, its Monte Carlo error; None where it is not
    reliable. Most moved first, those that need a fit last.

    Source: Gelfand, Dey and Chang (1992), importance sampling leave-one-out; Vehtari, Gelman and Gabry (2017), section
    2.1, for smoothing it.
    """
    posterior = found.posterior
    fit = posterior.draws.fit()[0]
    drawn, evaluation = posterior.reliabilities, posterior.evaluation
    log_ratios = evaluation.log_evidence + drawn.log_correction - posterior.log_anchor
    rows = []
    parts = _parts(found)
    for number, (kind, name, statements) in enumerate(parts, 1):
        progress(f"leaving out one expert after the other: {100 * number // len(parts)} %")
        weights = weigh_draws(log_ratios - log_likelihood(posterior.spec, fit, statements), evaluation.scenarios)
        rows.append(
            {
                "kind": kind,
                "name": name,
                "statements": len(statements),
                "pareto_k": weights.pareto_k if isfinite(weights.pareto_k) else None,
                "ess": weights.effective_size,
                "reliable": weights.reliable,
                "effects": _effects(found, weights.weights) if weights.reliable else None,
            }
        )
    return sorted(
        rows, key=lambda row: (not row["reliable"], -largest_change(row["effects"]), row["kind"], row["name"])
    )


def _parts(found: Outcome) -> list[tuple[str, str, frozenset[str]]]:
    experts: dict[str, set[str]] = {}
    for statement in active_statements(found.workspace, found.as_of):
        experts.setdefault(statement.expert, set()).add(statement.id)
    groups: dict[str, list[str]] = {}
    for name in sorted(experts):
        groups.setdefault(found.workspace.experts[name].group, []).append(name)
    parts = [("expert", name, frozenset(experts[name])) for name in sorted(experts)]
    for group, members in sorted(groups.items()):
        if len(members) > 1:
            parts.append(("group", group, frozenset[str]().union(*(experts[name] for name in members))))
    return parts


def _effects(found: Outcome, without: Array) -> dict[str, Row]:
    shares, everybody = found.posterior.evaluation.scenarios, found.posterior.weights.weights
    # Both are averages over the same draws: the error is that of their difference.
    errors = standard_error(deviations(shares, without) - deviations(shares, everybody))
    changes = shares @ without - shares @ everybody
    rows = zip(found.scenario_ids, changes.tolist(), errors.tolist(), strict=True)
    return {name: {"change": change, "mcse": error} for name, change, error in rows}
