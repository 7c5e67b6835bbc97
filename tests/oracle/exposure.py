"""Exposure by counting days, and the survival of a step whose parents change on a date, by quadrature."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.records import Event, Network
from forecast.workspace.timing import DatedRates, Weibull

Array = NDArray[np.float64]
LONGEST = 1500  # days from the opening that are counted
PARTS = 16  # a Weibull exposure is taken as straight within each sixteenth of the span, where dates are averaged over


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
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            when = passed[i] + node * (passed[i + 1] - passed[i])
            quiet = survival[0] ** when * survival[1] ** (passed[-1] - when)
            total = total + (changed[i + 1] - changed[i]) * weight * quiet
    return np.asarray(-np.log(total))
