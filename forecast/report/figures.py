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
RANKS = "Rank curves of the chains, one panel for each scenario: the chains agree where they stay near zero."
SIZE = 1000  # draws of a resampled distribution in a figure
# Colours that the drawing uses, and what the page's style sheet calls them: so a figure follows dark mode.
INK, PAPER, SOFT, PRIOR, POSTERIOR = "#010203", "#0d0e0f", "#040506", "#070809", "#0a0b0c"
VARIABLES = {
    INK: "var(--ink)",
    PAPER: "var(--paper)",
    SOFT: "var(--line)",
    PRIOR: "var(--prior)",
    POSTERIOR: "var(--posterior)",
}
CHAINS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito (2008)


def prior_posterior(names: list[str], prior: Array, posterior: Array, weights: Array) -> str:
    """Draw a forest of intervals, prior beside posterior (ArviZ `plot_forest`).

    Args:
        names: of the rows.
        prior: (rows, draws), all of the same weight.
        posterior: (rows, draws) with normalised `weights` (draws).
    """
    with _style("forest"):
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
        return _svg(drawn, "forest", FOREST)


def ranks(shares: Mapping[str, Array]) -> str:
    """Draw the rank plot of each scenario's P(s | E, theta) by chain (ArviZ `plot_rank`); shares: (draws,) each."""
    with _style("ranks"):
        from arviz_base import from_dict
        from arviz_base.labels import NoVarLabeller
        from arviz_plots import plot_rank

        chained = np.stack([by_chain(values)[:, ::4] for values in shares.values()], axis=-1)
        dims, coords = {"p": ["quantity"]}, {"quantity": list(shares)}
        data = from_dict({"posterior": {"p": chained}}, dims=dims, coords=coords)
        drawn = plot_rank(
            data,
            backend="matplotlib",
            color=list(CHAINS),
            labeller=NoVarLabeller(),
            figure_kwargs={"figsize": (11.0, 3.2 * -(-len(shares) // 3))},
            col_wrap=3,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.5)  # the second row's titles clear of the first one's axes
        return _svg(drawn, "ranks", RANKS)


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


def _svg(drawn: Any, name: str, described: str) -> str:
    """Return the figure as an `<svg>` element that a page can hold."""
    from matplotlib import pyplot as plt

    file = io.StringIO()
    figure = drawn.get_viz("figure")
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return inline(file.getvalue(), name, described)


def inline(text: str, name: str, described: str) -> str:
    """Turn a stand-alone SVG of matplotlib into an inline one.

    No prologue, colours of the style sheet, ids that begin with `name` (a page holds several figures), and a text
    alternative.
    """
    from markupsafe import escape

    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;]*; ", "", text)  # the page's own
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    head, rest = text.split(">", 1)
    # The view box stays; without a size of its own the figure is as wide as its place.
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return head.replace("<svg", f'<svg role="img" aria-label="{escape(described)}"', 1) + ">" + rest
