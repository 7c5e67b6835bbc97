"""Events: the probability of each state at the opening and now, by date, and the least certain rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.record.outcome import Outcome
from forecast.report.digits import estimate, interval, percent
from forecast.report.wording import event_name, label
from forecast.reweight.curves import Curves
from forecast.reweight.mcse import averages
from forecast.reweight.weights import weighted_quantiles

Array = NDArray[np.float64]

UNCERTAIN_ROWS = 12  # listed: the widest row of each of so many events


def event_table(found: Outcome, prior: Outcome, by_date: Curves) -> list[dict[str, Any]]:
    """Describe every event and its states, with P(by date)."""
    rows = []
    for v, event in enumerate(found.layout.events):
        now, opening = found.events[event.id], prior.events[event.id]
        path = found.posterior.asked.network.known.paths.get(v)
        states = [
            {
                "state": label(state),
                **estimate(now[state]),
                "prior": estimate(opening[state]),
                "curve": _curve(by_date, v, k) if event.kind != "constant" else None,
            }
            for k, state in enumerate(event.states)
        ]
        rows.append(
            {
                "id": event.id,
                "label": event_name(event),
                "question": event.question,
                "kind": event.kind,
                "role": event.role,
                "current": label(event.states[path.on(path.until)]) if path else None,
                "likeliest": max(range(len(states)), key=lambda k: states[k]["probability"]),
                "states": states,
            }
        )
    return rows


def _curve(by_date: Curves, v: int, k: int) -> list[dict[str, Any]]:
    return [
        {
            "day": day.isoformat(),
            "probability": float(by_date.mean[v][t, k]),
            "mcse": float(by_date.mcse[v][t, k]),
            "quantiles": by_date.quantiles[v][t, k].tolist(),
            "shown": percent(float(by_date.mean[v][t, k]), float(by_date.mcse[v][t, k])),
        }
        for t, day in enumerate(by_date.days)
    ]


def uncertain_rows(found: Outcome) -> list[dict[str, Any]]:
    """List the CPT rows whose probabilities have the widest weighted distributions, one an event."""
    weights = found.posterior.weights.weights
    values = row_probabilities(found, found.posterior.draws.theta)
    means = values @ weights
    spread = np.sqrt(np.square(values - means[:, np.newaxis]) @ weights)
    names = _row_names(found)
    widest: dict[str, int] = {}
    for i in np.argsort(-spread, kind="stable").tolist():
        widest.setdefault(names[i][0], i)
    chosen = np.array(list(widest.values())[:UNCERTAIN_ROWS], dtype=np.intp)
    quantiles = weighted_quantiles(values[chosen], weights, np.array([0.05, 0.95]))
    mcse = averages(values[chosen], weights).mcse
    rows = []
    for n, (i, (low, high), error) in enumerate(zip(chosen.tolist(), quantiles.tolist(), mcse.tolist(), strict=True)):
        event, given, what = names[i]
        rows.append(
            {
                "rank": n + 1,
                "event": event,
                "given": given,
                "what": what,
                "probability": float(means[i]),
                "sd": float(spread[i]),
                "shown": percent(float(means[i]), error),
                "quantiles": [low, high],
                "interval": interval(low, high, error),
            }
        )
    return rows


def row_probabilities(found: Outcome, theta: Array) -> Array:
    """Compute every number of theta as a probability (n_theta, draws): of a step, or of a state."""
    values = theta.copy()
    for v, event in enumerate(found.layout.events):
        if event.kind == "reached":
            start = found.layout.offsets[v]
            stop = start + found.layout.n_rows(v) * found.layout.width(v)
            values[start:stop] = -np.expm1(-values[start:stop])
    return values


def _row_names(found: Outcome) -> list[tuple[str, str, str]]:
    layout, names = found.layout, []
    for v, event in enumerate(layout.events):
        parents = [layout.events[p] for p in layout.parents[v]]
        for configuration in layout.configurations(v):
            given = ", ".join(
                f"{event_name(parent)}: {label(parent.states[x])}"
                for parent, x in zip(parents, configuration, strict=True)
            )
            if event.kind == "reached":
                steps = zip(event.states[:-1], event.states[1:], strict=True)
                names += [(event_name(event), given, f"{label(before)} → {label(after)}") for before, after in steps]
            else:
                names += [(event_name(event), given, label(state)) for state in event.states]
    return names
