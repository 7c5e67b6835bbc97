"""Exposure by counting days, and the survival of a step whose parents change on a date, by quadrature."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad

from forecast.workspace.records import Event, Network
from forecast.workspace.renames import DatedRates, Weibull

Array = NDArray[np.float64]
LONGEST = 1500  # days from the opening that are counted
PARTS = 4  # with a Weibull, where dates are averaged over, exposure is spread evenly about its mean in each quarter


@cache
def days_passed(timing: DatedRates | None, opens: date) -> Array:
    """Sum of the rates of all days until each day since the opening."""
    rates = np.ones(LONGEST)
    for number in range(1, LONGEST):
        begun = [rate for start, rate in timing.steps if start <= opens + timedelta(days=number)] if timing else []
        rates[number] = begun[-1] if begun else 1.0
    rates[0] = 0.0  # what happens on day d happens between d - 1 and d
    return np.cumsum(rates)


def exposure_at(network: Network, event: Event, day: float) -> float:
    """A(t) of an event, t in days since the opening: the rates of all days until then, over those of the window."""
    window = (network.window_ends - network.opens).days
    if isinstance(event.timing, Weibull):
        return float(np.power(day / window, event.timing.shape))
    until = days_passed(event.timing, network.opens)
    return float(np.interp(day, np.arange(LONGEST), until) / until[window])


def mean_exposure(
    network: Network, event: Event, movers: list[Event], part: tuple[float, float], span: tuple[float, float]
) -> float:
    """Mean exposure since the beginning of the span on the date of the change, if that lies within a part of it."""
    total, weights = 0.0, 0.0
    shares: list[tuple[float, float]] = []  # of the part, and the power of the days in which it is even there
    for mover in movers:
        first, last = (exposure_at(network, mover, day) for day in part)
        whole = exposure_at(network, mover, span[1]) - exposure_at(network, mover, span[0])
        if whole > 0.0:
            power = mover.timing.shape if isinstance(mover.timing, Weibull) else 1.0
            shares.append(((last - first) / whole, power))
    for share, power in shares or [(1.0, 1.0)]:
        low, high = (end**power for end in part)

        def on_date(place: float, low: float = low, high: float = high, power: float = power) -> float:
            day = (low + place * (high - low)) ** (1.0 / power)
            return exposure_at(network, event, min(max(day, part[0]), part[1]))

        mean = quad(on_date, 0.0, 1.0, epsabs=1e-13, epsrel=1e-13, limit=400)[0]
        total, weights = total + share * mean, weights + share
    if weights == 0.0:
        return exposure_at(network, event, part[0]) - exposure_at(network, event, span[0])  # the part has no weight
    return float(total / weights - exposure_at(network, event, span[0]))


def changing_hazard(
    network: Network, event: Event, movers: list[Event], span: tuple[float, float], survival: tuple[Array, Array]
) -> Array:
    """-ln P(no step in the span) of a step that survives the window with `survival[0]` before its parents change.

    The date of the change is distributed as the exposure of the parents that move, on average over them.
    """
    start, stop = span
    knots = {start, stop}
    for one in (event, *movers):
        if isinstance(one.timing, Weibull):
            knots |= {float(knot) for knot in np.linspace(start, stop, PARTS + 1)}
        if isinstance(one.timing, DatedRates):
            days = [float((day - network.opens).days - 1) for day, _ in one.timing.steps]
            knots |= {day for day in days if start < day < stop}
    places = sorted(knots)
    passed = np.array([exposure_at(network, event, knot) - exposure_at(network, event, start) for knot in places])
    clocks = []
    for mover in movers:
        clock = np.array([exposure_at(network, mover, knot) - exposure_at(network, mover, start) for knot in places])
        if clock[-1] > 0.0:
            clocks.append(clock / clock[-1])
    changed = np.mean(clocks, axis=0) if clocks else (np.array(places) - start) / (stop - start)
    nodes, weights = np.polynomial.legendre.leggauss(32)
    total: Array = np.zeros_like(survival[0])
    for i in range(len(places) - 1):
        mean = mean_exposure(network, event, movers, (places[i], places[i + 1]), span)
        step = passed[i + 1] - passed[i]
        reach = min(step / 2.0, mean - passed[i], passed[i + 1] - mean)
        for node, weight in zip(nodes, weights / 2.0, strict=True):
            when = mean + node * reach
            quiet = survival[0] ** when * survival[1] ** (passed[-1] - when)
            # Of what is not survived: weights that sum to a rounding more than one must not survive more than all.
            total = total + (changed[i + 1] - changed[i]) * weight * (quiet - 1.0)
    return np.asarray(-np.log1p(total))
