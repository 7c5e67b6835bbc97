"""ArviZ's figures of the draws: chains, convergence, prior against posterior, power-scaling, calibration."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.record.outcome import Outcome
from forecast.report.forest import forest
from forecast.report.inline_svg import CHAINS, INK, POSTERIOR, PRIOR, resampled, style, svg
from forecast.report.sampling import by_chain
from forecast.report.sensitivity import POWERS, sensitivity_tree
from forecast.report.wording import scenario_names

Array = NDArray[np.float64]

PARAMETERS = ("alpha", "beta", "epsilon", "deviation", "omega")
RANKS = "Rank curves of the chains, one panel for each scenario: the chains agree where they stay near zero."
DIAGNOSTICS: dict[Hashable, Hashable] = {
    "ess_bulk": "Effective size, bulk",
    "ess_tail": "Effective size, tail",
    "rhat": "R-hat",
}
CONVERGENCE = "How many of all parameters have at most such an effective size, bulk and tail, and such an R-hat."
DENSITIES = "Density of each scenario's probability over the draws, prior and now."
SCALED = "Each scenario with the default levels, and with statements and evidence, to a lower and to a higher power."
PIT = "Ranks of simulated truths: difference between their distribution and an even one."
MOST_COLUMNS = 3
LOWEST = 0.1  # of the height: room for the lowest interval's dot, which the axis cuts in half otherwise


def method_figures(
    found: Outcome, prior: Outcome, fit: Mapping[str, Array], logs: Mapping[str, Array]
) -> dict[str, str]:
    """Draw what hangs on the draws alone: name -> `<svg>` element; an empty text where nothing varies.

    Args:
        found, prior: the forecast, and the statements alone at the opening.
        fit: the kept fit of the draws in use, {variable: (chain, draw, ...)}.
        logs: the log density of each part of the posterior (forecast.report.sensitivity).
    """
    names = scenario_names(found)
    shares = {name: found.posterior.evaluation.scenarios[i] for i, name in enumerate(found.scenario_ids)}
    varying = {name: values for name, values in shares.items() if values.std() > 0.0}
    if not varying:
        return {
            "forest": forest(found, prior),
            "ranks": "",
            "convergence": convergence(fit),
            "densities": "",
            "power_scaling": "",
        }
    opening = {
        name: prior.posterior.evaluation.scenarios[i] for i, name in enumerate(found.scenario_ids) if name in varying
    }
    return {
        "forest": forest(found, prior),
        "ranks": ranks({names[name]: values for name, values in varying.items()}),
        "convergence": convergence(fit),
        "densities": densities(opening, varying, found.posterior.weights.weights, names),
        "power_scaling": power_scaled(found, logs, names),
    }


def ranks(shares: Mapping[str, Array]) -> str:
    """Draw the rank plot of each scenario's P(s | E, theta) by chain (ArviZ `plot_rank`); shares: (draws,) each."""
    with style("ranks"):
        from arviz_base import from_dict
        from arviz_base.labels import NoVarLabeller
        from arviz_plots import plot_rank

        chained = np.stack([by_chain(values)[:, ::4] for values in shares.values()], axis=-1)
        dims, coords = {"p": ["quantity"]}, {"quantity": list(shares)}
        drawn = plot_rank(
            from_dict({"posterior": {"p": chained}}, dims=dims, coords=coords),
            backend="matplotlib",
            color=list(CHAINS),
            labeller=NoVarLabeller(),
            visuals={"xlabel": False, "remove_axis": False},
            figure_kwargs={"figsize": (11.0, 3.2 * _lines(len(shares)))},
            col_wrap=MOST_COLUMNS,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.5)  # the second row's titles clear of the first one's axes
        return svg(drawn, "ranks", RANKS)


def convergence(fit: Mapping[str, Array]) -> str:
    """Draw effective sizes and R-hat of every sampled parameter (ArviZ `plot_convergence_dist`)."""
    with style("convergence"):
        from arviz_base import from_dict
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_convergence_dist

        sampled = {name: fit[name] for name in PARAMETERS if name in fit}
        drawn = plot_convergence_dist(
            from_dict({"posterior": sampled}),
            backend="matplotlib",
            labeller=MapLabeller(var_name_map=DIAGNOSTICS),
            visuals={"dist": {"color": POSTERIOR}, "ref_line": {"color": INK}},
            figure_kwargs={"figsize": (11.0, 2.6)},
        )
        for axes in drawn.get_viz("figure").axes:
            axes.locator_params(axis="x", nbins=4)  # labels such as 1.002 are as wide as the room between more ticks
        return svg(drawn, "convergence", CONVERGENCE)


def densities(opening: Mapping[str, Array], now: Mapping[str, Array], weights: Array, names: Mapping[str, str]) -> str:
    """Draw each scenario's distribution, prior and posterior (ArviZ `plot_prior_posterior`)."""
    with style("densities"):
        from arviz_base import from_dict
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_prior_posterior

        even = np.full(weights.size, 1.0 / weights.size)
        groups = {
            "prior": {name: values[resampled(even)][np.newaxis] for name, values in opening.items()},
            "posterior": {name: values[resampled(weights)][np.newaxis] for name, values in now.items()},
        }
        drawn = plot_prior_posterior(
            from_dict(groups),
            kind="kde",
            backend="matplotlib",
            color=[PRIOR, POSTERIOR],
            labeller=MapLabeller(var_name_map=_any(names)),
            visuals={"title": {"color": INK}},
            figure_kwargs={"figsize": (11.0, 2.8 * _lines(len(now)))},
            col_wrap=MOST_COLUMNS,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.6)
        return svg(drawn, "densities", DENSITIES)


def power_scaled(found: Outcome, logs: Mapping[str, Array], names: Mapping[str, str]) -> str:
    """Draw each scenario's distribution with a part of the posterior at other powers (ArviZ `plot_psense_dist`)."""
    with style("power"):
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_psense_dist

        tree = sensitivity_tree(found, logs)
        drawn = plot_psense_dist(
            tree,
            prior_var_names=["levels"],
            likelihood_var_names=["statements", "evidence"],
            alphas=POWERS,
            kind="ecdf",
            backend="matplotlib",
            color=[CHAINS[1], INK, CHAINS[0]],
            labeller=MapLabeller(var_name_map=_any(names)),
            visuals={"title": {"color": INK}},
            figure_kwargs={"figsize": (10.0, 1.9 * len(tree["posterior"].data_vars))},
        )
        drawn.get_viz("figure").subplots_adjust(hspace=1.1)
        for axes in drawn.get_viz("figure").axes:
            low, high = axes.get_ylim()
            axes.set_ylim(low - LOWEST * (high - low), high)
        return svg(drawn, "power", SCALED)


def rank_histograms(quantities: list[Mapping[str, Any]], seed: int) -> str:
    """Draw the ECDF difference of simulation-based calibration's ranks (ArviZ `plot_ecdf_pit`), a panel a quantity."""
    with style("pit"):
        from arviz_base import from_dict
        from arviz_plots import plot_ecdf_pit

        rng = np.random.default_rng(seed)
        # Within (0, 1) and without ties: ArviZ rescales by the largest value that it sees otherwise.
        values = {
            row["name"]: ((np.array(row["ranks"]) + rng.random(len(row["ranks"]))) / (row["of"] + 1))[np.newaxis]
            for row in quantities
        }
        drawn = plot_ecdf_pit(
            from_dict({"prior_sbc": values}),
            backend="matplotlib",
            visuals={
                "ecdf_lines": {"color": POSTERIOR},
                "suspicious_points": {"color": INK, "size": 9},
                "p_value_text": {"text": lambda p: f"p = {p:.2f}"},
                "xlabel": False,
            },
            figure_kwargs={"figsize": (11.0, 3.0 * _lines(len(values)))},
            col_wrap=MOST_COLUMNS,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.5)  # as of the rank plot
        return svg(drawn, "pit", PIT)


def _lines(panels: int) -> int:
    return -(-panels // MOST_COLUMNS)


def _any(names: Mapping[str, str]) -> dict[Hashable, Hashable]:
    """Return names as ArviZ types them."""
    found: dict[Hashable, Hashable] = {}
    found.update(names)
    return found
