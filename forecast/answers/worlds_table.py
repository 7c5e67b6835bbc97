"""What if, for the page: every answer as whole numbers of ten-thousandths, and a table for those without scripts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.worlds import Worlds
from forecast.record.outcome import Outcome
from forecast.words import event_name, label, percent, scenario_colour, scenario_names

Array = NDArray[np.float64]

UNIT = 10_000  # the page computes with ten-thousandths: finer than anything it prints
CERTAIN = 0.995  # a scenario above this is as good as certain


def worlds_table(found: Outcome, made: Worlds) -> dict[str, Any]:
    """Write what-ifs as nested lists.

    Returns `begin` (what to show first: event and state by number), `scenarios` and `events` (names, with `asked`:
    whether the event can be asked about), `now`, `learned` and `imposed` ("event.state" by number -> scenarios and
    events), `pairs` ("event.event" -> [state][state] -> scenarios given both, None where they cannot both be), all in
    units of 1 / `unit`; `pair_draws`; `rows`: the single ones in words, for a table.
    """
    names = scenario_names(found)
    weights = found.posterior.weights.weights
    evaluation = found.posterior.evaluation
    now = (evaluation.scenarios @ weights, tuple(event @ weights for event in evaluation.events))
    return {
        "unit": UNIT,
        "scenarios": [
            {"id": name, "name": names[name], "colour": scenario_colour(found, name)} for name in found.scenario_ids
        ],
        "events": [
            {
                "id": event.id,
                "label": event_name(event),
                "states": list(map(label, event.states)),
                "asked": v in made.asked,
            }
            for v, event in enumerate(found.layout.events)
        ],
        "now": _world(now),
        "learned": {f"{v}.{x}": _world(one) for (v, x), one in made.learned.items()},
        "imposed": {f"{v}.{x}": _world(one) for (v, x), one in made.imposed.items()},
        "pairs": {f"{v}.{w}": _pair(joint) for (v, w), joint in made.pairs.items()},
        "pair_draws": made.pair_draws,
        "begin": list(_telling(made, now[0])),
        "rows": _rows(found, made),
    }


def _telling(made: Worlds, now: Array) -> tuple[int, int]:
    """Return what would move the scenarios most if it were learned, short of making one of them certain."""

    def moved(place: tuple[int, int]) -> float:
        after = made.learned[place][0]
        return 0.0 if after.max() > CERTAIN else float(np.abs(after - now).sum())

    return max(sorted(made.learned), key=moved)


def _world(one: tuple[Array, tuple[Array, ...]]) -> dict[str, Any]:
    return {"scenarios": _units(one[0]), "events": [_units(event) for event in one[1]]}


def _units(probabilities: Array) -> list[int]:
    return [round(UNIT * p) for p in probabilities.tolist()]


def _pair(joint: Array) -> list[list[list[int] | None]]:
    return [
        [
            _units(joint[:, x, y] / p) if (p := float(joint[:, x, y].sum())) > 0.0 else None
            for y in range(joint.shape[2])
        ]
        for x in range(joint.shape[1])
    ]


def _rows(found: Outcome, made: Worlds) -> list[dict[str, Any]]:
    """Return a row for each event and state: every scenario if it is learned, and if it is imposed."""
    rows = []
    for v in made.asked:
        event = found.layout.events[v]
        for x, state in enumerate(event.states):
            row = {"event": event_name(event), "state": label(state), "first": x == 0, "states": len(event.states)}
            for how, table in (("learned", made.learned), ("imposed", made.imposed)):
                one = table.get((v, x))
                row[how] = (
                    ["—"] * len(found.scenario_ids) if one is None else [percent(p, None) for p in one[0].tolist()]
                )
            rows.append(row)
    return rows
