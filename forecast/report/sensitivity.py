"""Which judgements the forecast hangs on: power-scaling of its parts, and the tables that its spread comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.likelihood import log_likelihood
from forecast.record.outcome import Outcome
from forecast.report.digits import percent
from forecast.report.sampling import by_chain
from forecast.report.wording import scenario_names

Array = NDArray[np.float64]
Row = dict[str, Any]

SENSITIVE = 0.05  # change of the distribution for each doubling of a part (Kallioinen et al. 2024, section 2.4)
JUDGEMENTS, ARROWS = 10, 10  # listed
POWERS = (0.8, 1.25)  # to which the figure takes a part
# What is scaled: the part of the model, and how the page calls it.
PARTS = {
    "levels": "the default levels of the tables",
    "effects": "the default effects of causes",
    "statements": "all experts' statements",
    "evidence": "all evidence",
}
DEFAULTS = {"levels": "alpha", "effects": "beta"}  # standard normal coordinates of the tables (forecast.prior.model)


def parts(found: Outcome, fit: Mapping[str, Array]) -> dict[str, Array]:
    """Compute the log density of each part of the posterior in every draw, in the order of PARTS: (draws) each.

    Args:
        found: the forecast.
        fit: the kept fit of the draws in use, {variable: (chain, draw, ...)}.
    """
    spec, n_draws = found.posterior.spec, found.posterior.weights.weights.size
    logs = {}
    for part, name in DEFAULTS.items():
        coordinates = fit[name] if name in fit else np.zeros((n_draws, 0))
        logs[part] = -0.5 * np.square(coordinates.reshape(n_draws, -1)).sum(axis=1)
    said = log_likelihood(spec, fit, spec.statement_ids) if spec.statement_ids else np.zeros(n_draws)
    return {**logs, "statements": said, "evidence": found.posterior.evaluation.log_evidence}


def sensitivity_tree(found: Outcome, logs: Mapping[str, Array]) -> Any:
    """Build the tree that ArviZ scales: P(s | E, draw) as posterior, default tables as prior, the rest as likelihood.

    `logs` are those of `parts`. Draws are resampled by their weights (systematically, so that equal weights leave them
    as they are). Scenarios that do not vary are left out: nothing can move them.
    """
    import xarray as xr

    weights = found.posterior.weights.weights
    at = (np.arange(weights.size) + 0.5) / weights.size
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), at), weights.size - 1)
    shares = by_chain(found.posterior.evaluation.scenarios[:, chosen])
    axes = {"chain": np.arange(shares.shape[0]), "draw": np.arange(shares.shape[1])}

    def data(values: Mapping[str, Array]) -> Any:
        return xr.Dataset({name: (("chain", "draw"), array) for name, array in values.items()}, axes)

    varying = {name: shares[..., i] for i, name in enumerate(found.scenario_ids) if np.ptp(shares[..., i]) > 0.0}
    chained = {name: by_chain(values[chosen]) for name, values in logs.items()}
    return xr.DataTree.from_dict(
        {
            "posterior": data(varying),
            "log_prior": data({name: values for name, values in chained.items() if name in DEFAULTS}),
            "log_likelihood": data({name: values for name, values in chained.items() if name not in DEFAULTS}),
        }
    )


def power_scaling(found: Outcome, logs: Mapping[str, Array]) -> list[Row]:
    """Compute the power-scaling sensitivity of each scenario's distribution to each part (ArviZ `psense`).

    Beside it what chance alone gives: the same of the part's log densities, shuffled among the draws. A scenario is
    called sensitive to a part only above both SENSITIVE and that.

    Source: Kallioinen, Paananen, Bürkner and Vehtari (2024), "Detecting and diagnosing prior and likelihood
    sensitivity with power-scaling".
    """
    rng = np.random.default_rng(found.seed)
    shuffled = {name: rng.permutation(values) for name, values in logs.items()}
    of, by_chance = _psense(found, logs), _psense(found, shuffled)
    chance = {part: max(values.values(), default=0.0) for part, values in by_chance.items()}
    rows = []
    for scenario, name in scenario_names(found).items():
        values = {part: of[part].get(scenario) for part in PARTS}
        limits = {part: max(SENSITIVE, chance[part]) for part in PARTS}
        rows.append(
            {
                "name": name,
                "parts": values,
                "chance": chance,
                "shown": {part: "—" if value is None else f"{value:.2f}" for part, value in values.items()},
                "chance_shown": {part: f"{value:.2f}" for part, value in chance.items()},
                "sensitive": [part for part, value in values.items() if value is not None and value > limits[part]],
            }
        )
    return rows


def _psense(found: Outcome, logs: Mapping[str, Array]) -> dict[str, dict[str, float]]:
    """Return the sensitivity of each varying scenario, by part."""
    from arviz_stats import psense

    tree = sensitivity_tree(found, logs)
    if not tree["posterior"].data_vars:
        return {part: {} for part in PARTS}
    tables = {
        part: psense(tree, group="prior" if part in DEFAULTS else "likelihood", group_var_names=[part])
        for part in PARTS
    }
    return {part: {name: float(value) for name, value in table.data_vars.items()} for part, table in tables.items()}


def hanging_on(influence: Mapping[str, Any], names: Mapping[str, str], events: Mapping[str, str]) -> Row:
    """Describe a table of forecast.answers.influence: whose tables the spread comes from, and the strongest arrows."""
    rows = []
    for row in influence["judgements"][:JUDGEMENTS]:
        told = {name: share for name, share in row["shares"].items() if share is not None}
        if told:
            most = max(told, key=lambda name: told[name])
            rows.append(
                {
                    "event": events[row["event"]],
                    "scenario": names[most],
                    "share": told[most],
                    "shown": percent(told[most], None),
                }
            )
    arrows = [
        {
            "from": events[arrow["parent"]],
            "to": events[arrow["child"]],
            "bits": arrow["bits"],
            "shown": f"{arrow['bits']:.3f}",
        }
        for arrow in influence["arrows"][:ARROWS]
    ]
    return {"judgements": rows, "arrows": arrows}
