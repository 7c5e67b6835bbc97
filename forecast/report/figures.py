"""ArviZ figures as inline SVG, in the page's colours: readable in light and in dark, and without a script."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.report.sampling import by_chain

Array = NDArray[np.float64]

FOREST = (
    "Intervals of each scenario and of each event's likeliest state, before any evidence and now; the numbers stand in "
    "the tables of scenarios and events."
)
RANKS = "Histograms of ranks by chain, one for each scenario: flat where the chains agree."
SIZE = 1000  # draws of a resampled distribution in a figure
# Colours that the drawing uses, and what the page's style sheet calls them: so a figure follows dark mode.
INK, SOFT, PRIOR, POSTERIOR = "#010203", "#040506", "#070809", "#0a0b0c"
VARIABLES = {INK: "var(--ink)", SOFT: "var(--line)", PRIOR: "var(--prior)", POSTERIOR: "var(--posterior)"}
CHAINS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito (2008)


def prior_posterior(names: list[str], prior: Array, posterior: Array, weights: Array) -> str:
    """Draw a forest of intervals, prior beside posterior (ArviZ `plot_forest`).

    Args:
        names: of the rows.
        prior: (rows, draws), all of the same weight.
        posterior: (rows, draws) with normalised `weights` (draws).
    """
    with _style("prior-posterior"):
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
            aes={"color": ["model"], "y": ["model"]},
            color=[PRIOR, POSTERIOR],
            labels=["quantity"],
            backend="matplotlib",
            figure_kwargs={"figsize": (8.0, 0.9 + 0.3 * len(names))},
        )
        return _svg(drawn, FOREST)


def ranks(shares: Mapping[str, Array]) -> str:
    """Draw the rank plot of each scenario's P(s | E, theta) by chain (ArviZ `plot_rank`); shares: (draws,) each."""
    with _style("ranks"):
        from arviz_base import from_dict
        from arviz_plots import plot_rank

        data = from_dict({"posterior": {name: by_chain(values)[:, ::4] for name, values in shares.items()}})
        drawn = plot_rank(
            data,
            backend="matplotlib",
            color=list(CHAINS),
            figure_kwargs={"figsize": (9.0, 2.3 * -(-len(shares) // 3))},
            col_wrap=3,
        )
        return _svg(drawn, RANKS)


def resampled(weights: Array) -> NDArray[np.intp]:
    """Return the indices of SIZE draws of equal weight (systematic resampling from the middle of each step)."""
    at = (np.arange(SIZE) + 0.5) / SIZE
    return np.minimum(np.searchsorted(np.cumsum(weights), at), weights.size - 1)


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """Set matplotlib up for one figure: text as text, the page's colours, ids of its own."""
    import matplotlib as mpl

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.size": 10.0,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "path.simplify_threshold": 1.0,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor"), INK),
        **dict.fromkeys(("axes.edgecolor", "grid.color"), SOFT),
    }
    with warnings.catch_warnings(), mpl.rc_context(style):
        warnings.simplefilter("ignore")  # of plotting libraries about each other: the reader sees the figure itself
        yield


def _svg(drawn: Any, described: str) -> str:
    """Return the figure as an `<svg>` element that a page can hold."""
    from matplotlib import pyplot as plt

    file = io.StringIO()
    figure = drawn.get_viz("figure")
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return inline(file.getvalue(), described)


def inline(text: str, described: str) -> str:
    """Turn a stand-alone SVG of matplotlib into an inline one: no prologue, style-sheet colours, a text alternative."""
    from markupsafe import escape

    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    head, rest = text.split(">", 1)
    # The view box stays; without a size of its own the figure is as wide as its place.
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return head.replace("<svg", f'<svg role="img" aria-label="{escape(described)}"', 1) + ">" + rest
