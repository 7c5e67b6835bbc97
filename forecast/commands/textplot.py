"""A distribution of a probability as a few lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from forecast.digits import exact

EIGHTHS = " ▁▂▃▄▅▆▇█"
COLUMNS = 50  # of two percent each
ROWS = 4
TICKS = ((0, "0"), (12, "25"), (25, "50"), (37, "75"), (47, "100 %"))
BAR = 40  # columns of a bar of 100 %


def density(cdf: Callable[[float], float]) -> Iterator[str]:
    """Yield lines that draw a distribution over 0 to 1, given its distribution function, and the axis below."""
    edges = [column / COLUMNS for column in range(1, COLUMNS)]
    below = [0.0, *map(cdf, edges), 1.0]
    masses = [after - before for before, after in pairwise(below)]
    heights = [round(mass / max(masses) * ROWS * 8) for mass in masses]
    for row in reversed(range(ROWS)):
        yield "".join(EIGHTHS[min(max(height - 8 * row, 0), 8)] for height in heights).rstrip()
    axis = [" "] * (COLUMNS + 2)
    for column, label in TICKS:
        axis[column : column + len(label)] = label
    yield "─" * COLUMNS
    yield "".join(axis).rstrip()


def bars(names: Sequence[str], shares: Sequence[float]) -> Iterator[str]:
    """Yield one line for each share, with a bar and the percentage."""
    width = max(map(len, names))
    for name, share in zip(names, shares, strict=True):
        yield f"{name:<{width}}  {'█' * round(share * BAR)} {exact(share)}"


def sparkline(course: Sequence[float | None], top: float) -> str:
    """Draw probabilities as one column each, `top` at full height; a gap where there is none."""
    return "".join(" " if p is None else EIGHTHS[max(1, round(8 * p / top))] if top else EIGHTHS[1] for p in course)
