"""ArviZ's forest of scenarios and events, prior beside posterior."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.record.outcome import Outcome
from forecast.report.inline_svg import INK, PAPER, POSTERIOR, PRIOR, resampled, style, svg
from forecast.report.moves import shortened
from forecast.report.wording import event_name, label, scenario_names
from forecast.reweight.evaluate import Evaluation

Array = NDArray[np.float64]

LABEL = 34  # characters beside the intervals: more would run into them

FOREST = (
    "Intervals of each scenario and of each event's likeliest state, prior and now; the numbers are in "
    "the tables of scenarios and events."
)


def forest(found: Outcome, prior: Outcome) -> str:
    """Draw the forest of all scenarios and of each event's likeliest state, before any evidence and now."""
    means = [event @ found.posterior.weights.weights for event in found.posterior.evaluation.events]
    likeliest = [int(np.argmax(mean)) for mean in means]
    states = [f"{event_name(e)}: {label(e.states[k])}" for e, k in zip(found.layout.events, likeliest, strict=True)]

    def values(evaluation: Evaluation) -> Array:
        events = [evaluation.events[v][k] for v, k in enumerate(likeliest)]
        return np.concatenate([evaluation.scenarios, np.stack(events)])

    return prior_posterior(
        [shortened(name, LABEL) for name in [*scenario_names(found).values(), *states]],
        values(prior.posterior.evaluation),
        values(found.posterior.evaluation),
        found.posterior.weights.weights,
    )


def prior_posterior(names: list[str], prior: Array, posterior: Array, weights: Array) -> str:
    """Draw a forest of intervals, prior beside posterior (ArviZ `plot_forest`).

    Args:
        names: of the rows.
        prior: (rows, draws), all of the same weight.
        posterior: (rows, draws) with normalised `weights` (draws).
    """
    with style("forest"):
        from arviz_base import from_dict
        from arviz_plots import plot_forest

        def data(values: Array) -> Any:
            dims = {"p": ["quantity"]}
            return from_dict({"posterior": {"p": values.T[np.newaxis]}}, dims=dims, coords={"quantity": names})

        n = prior.shape[1]
        drawn = plot_forest(
            {"prior": data(prior[:, resampled(np.full(n, 1.0 / n))]), "now": data(posterior[:, resampled(weights)])},
            combined=True,
            ci_probs=(0.5, 0.9),
            point_estimate="mean",
            color=[PRIOR, POSTERIOR],
            labels=["quantity"],
            visuals={
                "ticklabels": False,
                "labels": {"color": INK},
                "twig": {"width": 1.4},
                "trunk": {"width": 3.5},
                "point_estimate": {"facecolor": PAPER},
            },
            backend="matplotlib",
            figure_kwargs={"figsize": (10.0, 1.0 + 0.27 * len(names))},
        )
        drawn.get_target(None, {"column": "labels"}).set_axis_off()
        return svg(drawn, "forest", FOREST)
