"""How a figure of matplotlib becomes part of the page: inline SVG in its colours, light and dark, without a script."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.settings import CHAINS as N_CHAINS

Array = NDArray[np.float64]

LONG = re.compile(r"-?\d+\.\d{2,}")  # coordinates finer than a tenth of a point, which nobody sees
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
MOST_COLUMNS = 3  # of panels beside each other
CHAINS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito (2008)


def resampled(weights: Array) -> NDArray[np.intp]:
    """Return the indices of SIZE draws of equal weight (systematic resampling from the middle of each step)."""
    at = (np.arange(SIZE) + 0.5) / SIZE
    return np.minimum(np.searchsorted(np.cumsum(weights), at), weights.size - 1)


def by_chain(draws: Array) -> Array:
    """Return draws (..., draws) as (chain, draw, ...): stage 1 writes chain after chain."""
    chained = draws.reshape(*draws.shape[:-1], N_CHAINS, -1)
    return np.moveaxis(chained, (-2, -1), (0, 1))


def panel_rows(panels: int) -> int:
    """Return how many rows so many panels take."""
    return -(-panels // MOST_COLUMNS)


def as_labels(names: Mapping[str, str]) -> dict[Hashable, Hashable]:
    """Return names as ArviZ types them."""
    labels: dict[Hashable, Hashable] = {}
    labels.update(names)
    return labels


@contextmanager
def style(salt: str) -> Iterator[None]:
    """Set matplotlib up for one figure: text as text, the page's colours, ids of its own."""
    import matplotlib as mpl

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.size": 10.0,
        "figure.facecolor": "white",  # not drawn; ArviZ takes from it that what it chooses itself has to be dark
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


def element(drawn: Any, name: str, described: str) -> str:
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
    text = re.sub(r"<[^>]+>", lambda tag: LONG.sub(lambda number: f"{float(number[0]):.1f}", tag[0]), text)
    text = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", text)  # as it is without
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    head, rest = text.split(">", 1)
    # The view box stays; without a size of its own the figure is as wide as its place.
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return head.replace("<svg", f'<svg role="img" aria-label="{escape(described)}"', 1) + ">" + rest
