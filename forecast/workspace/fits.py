"""The log-odds scale, Student's t and the beta distribution on it, and both fitted to stated quantiles."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple


def logit(p: float) -> float:
    """Return the log-odds of a probability strictly between 0 and 1."""
    return math.log(p) - math.log1p(-p)


def expit(log_odds: float) -> float:
    """Return the probability of some log-odds."""
    if log_odds < 0.0:
        odds = math.exp(log_odds)
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-log_odds))


def t4_quantile(p: float) -> float:
    """Return the quantile of Student's t with 4 degrees of freedom, in closed form (Shaw 2006, section 3)."""
    alpha = 4 * p * (1 - p)
    q = math.cos(math.acos(math.sqrt(alpha)) / 3) / math.sqrt(alpha)
    return math.copysign(2 * math.sqrt(max(q - 1, 0.0)), p - 0.5)


def t4_cdf(t: float) -> float:
    """Return the distribution function of Student's t with 4 degrees of freedom, in closed form.

    With s = t / sqrt(4 + t^2) it is 1/2 + 3 s / 4 - s^3 / 4: the integral of the density 3 / (8 (1 + t^2 / 4)^(5/2)).
    """
    s = t / math.hypot(2.0, t)
    return 0.5 + s * (3.0 - s * s) / 4.0


def reading_quantile(p: float, *, exact: bool = False) -> float:
    """Return the quantile of a reading's noise at scale 1: of a t with 4 degrees of freedom, of a rule's a normal."""
    if not exact:
        return t4_quantile(p)
    from statistics import NormalDist  # not at every start: few workspaces have rules

    return NormalDist().inv_cdf(p)


def reading_cdf(x: float, *, exact: bool = False) -> float:
    """Return the distribution function of a reading's noise at scale 1 (`reading_quantile`)."""
    return math.erfc(-x / math.sqrt(2.0)) / 2.0 if exact else t4_cdf(x)


def interval_sd(low: float, high: float, level: float, *, exact: bool = False) -> float:
    """Return the scale of a reading's noise whose central `level` interval is as wide as low to high."""
    return (high - low) / (2 * reading_quantile((1 + level) / 2, exact=exact))


TINY = 1e-300  # stands for a zero denominator in the continued fraction, as its algorithm asks for
PRECISE = 1e-15  # relative; where the continued fraction ends
FARTHEST_LOG_ODDS = 700.0  # log-odds beyond which a probability is no number any more
HALVINGS = 80  # of the range of log-odds: down to 1e-21


def beta_cdf(log_odds: float, a: float, b: float) -> float:
    """Return P(X <= expit(log_odds)) for X ~ Beta(a, b): the regularised incomplete beta function.

    Log-odds, so that points near 1 are as exact as points near 0. The number of steps grows with sqrt(max(a, b)).

    Source: the continued fraction of DLMF 8.17.22, evaluated by the method of Lentz (1976).
    """
    if expit(log_odds) > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(-log_odds, b, a)
    x, rest = expit(log_odds), expit(-log_odds)
    if x == 0.0:
        return 0.0
    log_front = a * math.log(x) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    value, c, d, m, change = 1.0, 1.0, 0.0, 0, 0.0
    while abs(change - 1.0) > PRECISE:
        for odd in (True, False):
            if odd:
                step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                m += 1
            else:
                step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1.0 / ((1.0 + step * d) or TINY)
            c = (1.0 + step / c) or TINY
            change = c * d
            value *= change
    return value


def beta_log_odds(level: float, a: float, b: float) -> float:
    """Return the log-odds of the quantile of Beta(a, b) at a level, by bisection."""
    low, high = -FARTHEST_LOG_ODDS, FARTHEST_LOG_ODDS
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if beta_cdf(middle, a, b) < level else (low, middle)
    return 0.5 * (low + high)


FitKind = Literal["logit", "beta"]
FITS: tuple[FitKind, ...] = ("logit", "beta")
Cdf = Callable[[float, float, float], float]  # of log-odds, given two parameters
Points = tuple[tuple[float, float], ...]  # (level, probability), both rising
WORST_MISFIT = 0.02  # of the distribution function at a stated point: a convention, half of what people round to
LARGEST_BETA = 1e6  # parameter; the steps of the distribution function grow with its root
SMALLEST_BETA = 0.01  # parameter; below, quantiles are no numbers any more
WIDTH_LEVEL = 0.9  # central interval by which a beta is put on the log-odds scale
STEP = 1e-6  # of the central differences
ENOUGH = 1e-12  # change of a parameter (a location in scales, or a logarithm) at which the fit ends
MOST_STEPS = 300
FARTHEST_FIT = 30.0  # from the line through the points, in its scales: no sensible fit lies there


class NoBeta(ValueError):  # noqa: N818 - a reader is told that there is none
    """No beta distribution of a usable size comes near the stated quantiles."""


class Fit(NamedTuple):
    """A stated distribution as the model reads it: a t with 4 degrees of freedom in log-odds.

    `fitted` is the distribution function of what was fitted (the t, or Beta(*beta)) at the stated points."""

    location: float
    scale: float
    fitted: tuple[float, ...]
    beta: tuple[float, float] | None = None


@cache
def fit_quantiles(points: Points, kind: FitKind) -> Fit:
    """Fit the t with 4 degrees of freedom in log-odds, or a beta, to two or more quantiles of a probability.

    Least squares of the distribution function at the stated points against the stated levels, all with one weight, as
    SHELF fits (Oakley and O'Hagan 2010). Two quantiles are met exactly. A beta is read as the t with its median, and
    with the width of its central 90 % interval, both in log-odds.

    Raises:
        NoBeta: the quantiles are so close, or so near 0 or 1, that a beta's parameter would exceed `LARGEST_BETA`,
            or so far apart that it would be below `SMALLEST_BETA`.
    """
    levels, places = tuple(level for level, _ in points), tuple(logit(p) for _, p in points)
    location, scale = _fit_t(levels, places)
    if kind == "logit":
        return Fit(location, scale, tuple(t4_cdf((x - location) / scale) for x in places))
    a, b = _fit_beta(levels, places, location, scale)
    low, middle, high = (beta_log_odds(level, a, b) for level in ((1 - WIDTH_LEVEL) / 2, 0.5, (1 + WIDTH_LEVEL) / 2))
    return Fit(middle, interval_sd(low, high, WIDTH_LEVEL), tuple(beta_cdf(x, a, b) for x in places), (a, b))


def interval_points(low: float, best: float, high: float, level: float) -> Points:
    """Return an interval with its best value as quantiles: the best value is the median."""
    return ((1 - level) / 2, low), (0.5, best), ((1 + level) / 2, high)


def interval_fit(low: float, best: float, high: float, level: float) -> Fit:
    """Return how an interval is read without a `fit`: centred on its best value, as wide as it is in log-odds.

    Ends that do not lie as far from the best value in log-odds are not met: `fitted` says by how much."""
    location, scale = logit(best), interval_sd(logit(low), logit(high), level)
    return Fit(location, scale, tuple(t4_cdf((logit(p) - location) / scale) for p in (low, best, high)))


def misfit(points: Points, fit: Fit) -> float:
    """Return the largest difference between a stated level and the fitted one."""
    return max(abs(level - fitted) for (level, _), fitted in zip(points, fit.fitted, strict=True))


def _fit_t(levels: Sequence[float], places: Sequence[float]) -> tuple[float, float]:
    # The line through the points against the t's own quantiles is the exact fit of two points, and near that of more.
    z = [t4_quantile(level) for level in levels]
    z_mean, x_mean = sum(z) / len(z), sum(places) / len(z)
    slope = sum((one - z_mean) * (x - x_mean) for one, x in zip(z, places, strict=True))
    scale = slope / sum((quantile - z_mean) ** 2 for quantile in z)
    start = x_mean - scale * z_mean

    def cdf(x: float, moved: float, log_wider: float) -> float:
        if max(abs(moved), abs(log_wider)) > FARTHEST_FIT:
            return math.inf
        return t4_cdf((x - start - scale * moved) / (scale * math.exp(log_wider)))

    # Narrow ones to either side of it: where the points bend, the best t may follow some of them alone.
    sideways = [((x - start) / scale, -2.0) for x in places]
    moved, log_wider = _best(cdf, levels, places, [(0.0, 0.0), *sideways])
    return start + scale * moved, scale * math.exp(log_wider)


def _through(levels: Sequence[float], places: Sequence[float]) -> tuple[float, float]:
    """Return location and scale of the t through two points."""
    low, high = (t4_quantile(level) for level in levels)
    scale = (places[1] - places[0]) / (high - low)
    return places[0] - scale * low, scale


def _beta_near(location: float, scale: float) -> tuple[float, float]:
    """Return the logarithms of a beta's parameters whose log-odds lie and spread about as a t does."""
    # In log-odds a beta has a variance near 1/a + 1/b, and a median near ln(a / b).
    variance = (scale * t4_quantile(0.95) / 1.645) ** 2
    return (
        math.log1p(math.exp(location)) - math.log(variance),
        math.log1p(math.exp(-location)) - math.log(variance),
    )


def _fit_beta(levels: Sequence[float], places: Sequence[float], location: float, scale: float) -> tuple[float, float]:
    log_a, log_b = _beta_near(location, scale)
    least, largest = math.log(SMALLEST_BETA), math.log(LARGEST_BETA)
    if max(log_a, log_b) > largest:  # else a search among such betas would take minutes
        raise NoBeta

    def cdf(x: float, log_first: float, log_second: float) -> float:
        if max(log_first, log_second) > largest + 1.0 or min(log_first, log_second) < least - 1.0:
            return math.inf
        return beta_cdf(x, math.exp(log_first), math.exp(log_second))

    around = [(log_a + u, log_b + v) for u, v in ((-1.0, -1.0), (1.0, 1.0), (-2.0, 0.0), (0.0, -2.0))]
    even = [(0.0, 0.0), (-3.0, -3.0)]
    # Where the points bend, the best beta may follow some of them alone.
    through_two = [_beta_near(*_through(levels[i : i + 2], places[i : i + 2])) for i in range(len(places) - 1)]
    log_a, log_b = _best(cdf, levels, places, [(log_a, log_b), *around, *even, *through_two])
    if max(log_a, log_b) > largest or min(log_a, log_b) < least:
        raise NoBeta
    return math.exp(log_a), math.exp(log_b)


def _best(
    cdf: Cdf, levels: Sequence[float], places: Sequence[float], starts: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """Return the best of the fits from several starts; the first one alone where that is good already."""
    best, least = starts[0], math.inf
    for start in starts:
        fitted = _least_squares(cdf, levels, places, start)
        worst = [abs(cdf(x, *fitted) - level) for x, level in zip(places, levels, strict=True)]
        if _dot(worst, worst) < least:
            best, least = fitted, _dot(worst, worst)
        if max(worst) <= WORST_MISFIT / 10:
            break
    return best


def _least_squares(
    cdf: Cdf, levels: Sequence[float], places: Sequence[float], start: tuple[float, float]
) -> tuple[float, float]:
    """Minimise the squares of cdf(place, u, v) - level over (u, v), by the method of Levenberg (1944)."""

    def residuals(u: float, v: float) -> list[float]:
        return [cdf(x, u, v) - level for x, level in zip(places, levels, strict=True)]

    def slope(above: list[float], below: list[float]) -> list[float]:
        return [(up - down) / (2 * STEP) for up, down in zip(above, below, strict=True)]

    (u, v), damping = start, 1e-3
    errors = residuals(u, v)
    for _ in range(MOST_STEPS):
        by_u = slope(residuals(u + STEP, v), residuals(u - STEP, v))
        by_v = slope(residuals(u, v + STEP), residuals(u, v - STEP))
        uu, uv, vv = _dot(by_u, by_u) + damping, _dot(by_u, by_v), _dot(by_v, by_v) + damping
        ru, rv = _dot(by_u, errors), _dot(by_v, errors)
        determinant = uu * vv - uv * uv
        if not math.isfinite(determinant):  # at the edge of what is tried
            break
        if determinant <= 0.0:  # both directions are one, to the last digit
            damping *= 10
            continue
        step_u, step_v = (uv * rv - vv * ru) / determinant, (uv * ru - uu * rv) / determinant
        tried = residuals(u + step_u, v + step_v)
        if _dot(tried, tried) <= _dot(errors, errors):
            u, v, errors, damping = u + step_u, v + step_v, tried, damping / 10
        else:
            damping *= 10
        if max(abs(step_u), abs(step_v)) < ENOUGH:
            break
    return u, v


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(first, second, strict=True))


# What probability words mean: the official bands of the scales, and how people read a word without a scale.

EMPIRICAL_LEVEL = 0.9  # the table gives the 5 % and 95 % points of what readers answered

# Low and high of each band, in percent. An open end (0, 100) is where the scale stops saying more.
OFFICIAL: dict[str, dict[str, tuple[float, float]]] = {
    # Intelligence Community Directive 203 (2015), table of section D.6.e.(2)(a); both columns of terms.
    "icd203": {
        "almost no chance": (1, 5),
        "remote": (1, 5),
        "very unlikely": (5, 20),
        "highly improbable": (5, 20),
        "unlikely": (20, 45),
        "improbable": (20, 45),
        "roughly even chance": (45, 55),
        "roughly even odds": (45, 55),
        "likely": (55, 80),
        "probable": (55, 80),
        "very likely": (80, 95),
        "highly probable": (80, 95),
        "almost certain": (95, 99),
        "nearly certain": (95, 99),
    },
    # Professional Head of Intelligence Assessment (UK), probability yardstick of 2025; its gaps are meant.
    "phia": {
        "remote chance": (0, 5),
        "highly unlikely": (10, 20),
        "unlikely": (25, 35),
        "realistic possibility": (40, 50),
        "likely": (55, 75),
        "probable": (55, 75),
        "highly likely": (80, 90),
        "almost certain": (95, 100),
    },
    # NATO, Allied Joint Publication 2.1: five bands.
    "nato": {
        "highly unlikely": (0, 10),
        "unlikely": (10, 40),
        "even chance": (40, 60),
        "likely": (60, 90),
        "highly likely": (90, 100),
    },
    # Kent (1964), "Words of Estimative Probability": a centre and "give or take".
    "kent": {
        "almost certain": (87, 99),
        "probable": (63, 87),
        "chances about even": (40, 60),
        "probably not": (20, 40),
        "almost certainly not": (2, 12),
    },
    # Intergovernmental Panel on Climate Change, uncertainty guidance note (2010): nested, open to one side.
    "ipcc": {
        "virtually certain": (99, 100),
        "extremely likely": (95, 100),
        "very likely": (90, 100),
        "likely": (66, 100),
        "about as likely as not": (33, 66),
        "unlikely": (0, 33),
        "very unlikely": (0, 10),
        "extremely unlikely": (0, 5),
        "exceptionally unlikely": (0, 1),
    },
}
SCALES = tuple(OFFICIAL)
OFFICIAL_LEVEL = 0.9  # a convention: an author keeps to the band nine times in ten

# A band that ends at 0 or 1 has no log-odds there; half a percent is as far as the surveys' readers tell words apart.
# Within one percent of certainty (IPCC's outermost terms) the end moves to a tenth of the band's width.
OPEN_END = 0.005


class WordReading(NamedTuple):
    """A word as a probability with an interval; all strictly between 0 and 1."""

    low: float
    best: float
    high: float
    level: float


def terms(scale: str | None) -> tuple[str, ...]:
    """Return the terms of a scale, or those that were surveyed (`scale` None)."""
    return tuple(OFFICIAL[scale]) if scale is not None else tuple(_surveyed())


def read_word(term: str, scale: str | None) -> WordReading:
    """Return how a term is read: on its author's scale, or (None) by the median and the 90 % range of survey answers.

    Official bands are taken at 90 %, with the middle of the band as best. Surveys are pooled by averaging their
    percentiles, weighted by the number of answers; of a survey that is given raw and trimmed, the raw one counts.
    Upper and lower case do not matter. Raises KeyError for an unknown scale or term.

    Sources: the official bands as noted beside them; the CAPphrase survey (CC-BY), the survey of Mauboussin and
    Mauboussin (2018), and two smaller public ones, see `forecast/data/verbal_probability.csv`.
    """
    key = " ".join(term.lower().split())
    if scale is None:
        return _surveyed()[key]
    low, high = (bound / 100 for bound in OFFICIAL[scale][key])
    open_end = min(OPEN_END, (high - low) / 10)
    low, high = max(low, open_end), min(high, 1 - open_end)
    return WordReading(low, (low + high) / 2, high, OFFICIAL_LEVEL)


@cache
def _surveyed() -> dict[str, WordReading]:
    answers: dict[str, list[tuple[float, float, float, float]]] = {}
    with (Path(__file__).parents[1] / "data" / "verbal_probability.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(line for line in table if not line.startswith("#")):
            if row["source"] != "capphrase_4sd":
                numbers = (float(row[name]) for name in ("n", "p05", "median", "p95"))
                n, low, best, high = numbers
                answers.setdefault(row["phrase"].lower(), []).append((n, low, best, high))
    return {phrase: _pooled(rows) for phrase, rows in sorted(answers.items())}


def _pooled(rows: list[tuple[float, float, float, float]]) -> WordReading:
    readers = sum(row[0] for row in rows)
    low, best, high = (sum(row[0] * row[k] for row in rows) / readers / 100 for k in (1, 2, 3))
    low, high = max(low, OPEN_END), min(high, 1 - OPEN_END)
    # "Always" and "never" have their median at the end of the scale; the best value stays inside the interval.
    return WordReading(low, min(max(best, OPEN_END), 1 - OPEN_END), high, EMPIRICAL_LEVEL)
