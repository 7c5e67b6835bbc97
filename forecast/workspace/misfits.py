"""Statements that their own fit misses: what was stated against what is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from forecast.digits import fraction, share
from forecast.workspace.fits import WORST_MISFIT, Fit, Points, fit_quantiles, interval_fit, interval_points, misfit
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Probability, Quantiles, Reading, Statement


def misfits(statements: Iterable[Statement]) -> Iterator[Problem]:
    """Warn of every statement where a fitted level is off by more than `WORST_MISFIT`, with all the numbers."""
    for statement in statements:
        found = fit_of(statement.reading)
        if found is None:
            continue
        points, fit, what, instead = found
        if misfit(points, fit) > WORST_MISFIT:
            places = " / ".join(fraction(p) for _, p in points)
            stated = " / ".join(fraction(level) for level, _ in points)
            fitted = " / ".join(share(level, 3) for level in fit.fitted)
            got = f"below {places}: stated {stated}, fitted {fitted}"
            allowed = f"differences up to {WORST_MISFIT:g}; {instead}"
            subject = f"statement {shown(statement.id)}: {what} misses what was stated"
            yield Problem(statement.source, subject, got, allowed, "warning")


def fit_of(reading: Reading) -> tuple[Points, Fit, str, str] | None:
    """Return what was stated, what is fitted, its name, and what else could be done; None where nothing is fitted."""
    match reading:
        case Quantiles(points, kind):
            other = "beta" if kind == "logit" else "logit"
            return points, fit_quantiles(points, kind), f"the {kind} fit", f"state other quantiles, or fit: {other}"
        case Probability(best, low, high, level) if low is not None and high is not None:
            points = interval_points(low, best, high, level)
            instead = "move one end, or state quantiles"
            return points, interval_fit(low, best, high, level), "the interval about its best value", instead
    return None
