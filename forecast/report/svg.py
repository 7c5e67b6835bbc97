"""How a figure of matplotlib becomes part of the page: inline SVG in its colours, light and dark, without a script."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from textwrap import fill
from typing import Any
from xml.parsers.expat import ParserCreate
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from forecast.sampling.settings import CHAINS as N_CHAINS

Array = NDArray[np.float64]

LONG = re.compile(r"-?\d+\.\d{2,}")  # coordinates finer than a tenth of a point, which nobody sees
LINE_BREAK = "&#10;"
PIXELS = 1.12  # for each point: what is written in 10 points is then larger than 11 pixels
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
PANEL_WIDTH = 3.6  # inches
TITLE_WIDTH = 30  # characters of a panel's title
# Of chains and of powers: none of them is a scenario's, which are those of Okabe and Ito (2008).
CHAINS = ("#4f9da6", "#a08a3c", "#8b5e83", "#7f86c9")
POWERS = ("#b0705a", "#6b8e5a")


def resampled(weights: Array) -> NDArray[np.intp]:
    """Return the indices of SIZE draws of equal weight (systematic resampling from the middle of each step)."""
    at = (np.arange(SIZE) + 0.5) / SIZE
    return np.minimum(np.searchsorted(np.cumsum(weights), at), weights.size - 1)


def by_chain(draws: Array) -> Array:
    """Return draws (..., draws) as (chain, draw, ...): stage 1 writes chain after chain."""
    chained = draws.reshape(*draws.shape[:-1], N_CHAINS, -1)
    return np.moveaxis(chained, (-2, -1), (0, 1))


def panel_size(panels: int, height: float) -> tuple[float, float]:
    """Return width and height in inches of a figure of so many panels, each so high: all panels are as wide."""
    return PANEL_WIDTH * min(panels, MOST_COLUMNS), height * -(-panels // MOST_COLUMNS)


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


def break_titles(drawn: Any) -> None:
    """Break titles that are wider than their panels: what holds them grows, and its texts shrink with it."""
    for axes in drawn.get_viz("figure").axes:
        axes.set_title(fill(axes.get_title(), TITLE_WIDTH))


def element(drawn: Any, name: str, described: str, kind: str = "panels") -> str:
    """Return the figure as an element that a page can hold: one `<svg>` a panel, which stack where there is no room.

    Every panel has the labels of its own axes, also where the figure shares them. What belongs to no panel, such as a
    legend, comes first. `kind`: the element's classes.
    """
    from markupsafe import escape as escape_text
    from matplotlib import pyplot as plt

    figure = drawn.get_viz("figure")
    panels = [axes for axes in figure.axes if axes.get_visible() and (axes.has_data() or axes.get_legend())]
    for axes in figure.axes:
        axes.set_visible(False)
    pieces = [f'<div class="key">{_piece(figure, f"{name}-legend")}</div>'] if figure.legends else []
    for artist in [*figure.legends, *figure.texts]:
        artist.set_visible(False)
    for n, axes in enumerate(panels):
        axes.set_visible(True)
        axes.tick_params(labelleft=bool(axes.yaxis.get_visible()), labelbottom=True)
        pieces.append(_piece(figure, f"{name}-{n}"))
        axes.set_visible(False)
    plt.close(figure)
    return f'<div class="{kind}" role="img" aria-label="{escape_text(described)}">{"".join(pieces)}</div>'


def _piece(figure: Any, name: str) -> str:
    """Return what is visible of a figure."""
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return inline(file.getvalue(), name)


def inline(text: str, name: str) -> str:
    """Turn a stand-alone SVG of matplotlib into an inline one.

    No prologue, colours of the style sheet, ids that begin with `name` (a page holds several figures), and a width at
    which its texts are large enough. It is hidden from assistive technology: what holds it says what it shows.
    """
    prologue, body = text.split("<svg", 1)
    inlined = _Inlined(name)
    parser = ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler = inlined.start
    parser.EndElementHandler = inlined.end
    parser.CharacterDataHandler = inlined.text
    parser.CommentHandler = inlined.comment
    parser.Parse(prologue, False)
    # XML reads a line break within an attribute as a space, but not one that is a reference.
    parser.Parse(f"<svg{body}".strip().replace("\n", LINE_BREAK), True)
    return "".join(inlined.parts) + body[len(body.rstrip()) :]


class _Inlined:
    """What becomes of the elements of a figure as they are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: list[str] = []
        self.is_open = False  # the tag that was begun last
        self.left_out = 0  # elements, each within the one before, that do not come into the page

    def start(self, tag: str, attributes: list[str]) -> None:
        if self.left_out or tag == "metadata":
            self._close()
            self.left_out += 1
            return
        self._close()
        named = zip(attributes[::2], attributes[1::2], strict=True)
        written = [(key, self._value(tag, key, value)) for key, value in named if not self._is_dropped(tag, key, value)]
        self.parts.append('<svg aria-hidden="true"' if tag == "svg" else f"<{tag}")
        self.parts += [f' {key}="{_quoted(value)}"' for key, value in written]
        self.is_open = True

    def end(self, tag: str) -> None:
        if self.left_out:
            self.left_out -= 1
        elif self.is_open:
            self.parts.append("/>")
            self.is_open = False
        else:
            self.parts.append(f"</{tag}>")

    def text(self, text: str) -> None:
        if not self.left_out:
            self._close()
            self.parts.append(escape(text))

    def comment(self, text: str) -> None:
        if not self.left_out:
            self._close()
            self.parts.append(f"<!--{_rounded(text.replace(LINE_BREAK, chr(10)))}-->")

    def _close(self) -> None:
        if self.is_open:
            self.parts.append(">")
            self.is_open = False

    def _is_dropped(self, tag: str, key: str, value: str) -> bool:
        # The view box stays, and tells the height. A rotation by 0 is none.
        return (tag == "svg" and key == "height") or (key == "transform" and value.startswith("rotate(-0 "))

    def _value(self, tag: str, key: str, value: str) -> str:
        value = _rounded(value)
        if key == "style":  # the font is the page's own
            value = "; ".join(
                declaration for declaration in value.split("; ") if not declaration.startswith("font-family:")
            )
        for colour, variable in VARIABLES.items():
            value = value.replace(colour, variable)
        if tag == "svg" and key == "width":
            return f"{float(value.removesuffix('pt')) * PIXELS:.0f}"
        if key == "id":
            return f"{self.name}-{value}"
        if key.endswith("href") and value.startswith("#"):
            return f"#{self.name}-{value[1:]}"
        return value.replace("url(#", f"url(#{self.name}-")


def _rounded(text: str) -> str:
    return LONG.sub(lambda number: f"{float(number[0]):.1f}", text)


def _quoted(text: str) -> str:
    """Escape a text for an attribute as matplotlib does."""
    return escape(text, {'"': "&quot;", "'": "&apos;"})
