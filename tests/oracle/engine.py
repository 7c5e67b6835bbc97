"""The engine's answers over all states of every event, as the enumeration gives them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import log_evidence, log_regions, solve
from forecast.inference.elimination import plan
from forecast.model.asof import compile_workspace, factors
from forecast.model.layout import lay_out, rule_events, scenario_masks
from forecast.workspace.records import Workspace

Array = NDArray[np.float64]


class Answer(NamedTuple):
    """`log_evidence` (draws), `p_scenario` (scenarios and other, draws), `joint[v]` (states, scenarios, draws)."""

    log_evidence: Array
    p_scenario: Array
    joint: tuple[Array, ...]


def answer(workspace: Workspace, flat: Array, as_of: date, on: date | None = None) -> Answer:
    """Compile and solve; states that an event can no longer be in have probability zero."""
    layout = lay_out(workspace.network)
    compiled = compile_workspace(layout, workspace, as_of, on)
    tables, offset = factors(compiled, flat)
    events = rule_events(layout, workspace.scenarios)
    masks = scenario_masks(layout, workspace.scenarios)
    for axis, v in enumerate(events):
        masks = np.take(masks, list(compiled.alive[v]), axis=axis + 1)
    order = plan(compiled.cards, compiled.scopes, events)
    solution = solve(order, tables, masks)
    np.testing.assert_allclose(log_evidence(order, tables), solution.log_evidence, rtol=0, atol=1e-12)
    with np.errstate(invalid="ignore"):  # a scenario that is impossible in both is -inf - -inf
        assert (log_regions(order, tables, masks) == solution.log_regions).all()
    together = solve(order, tables, masks, by_region=False)
    joint = []
    for v, states in enumerate(compiled.alive[: len(layout.cards)]):
        full = np.zeros((layout.cards[v], masks.shape[0], flat.shape[1]))
        full[list(states)] = solution.marginals[v]
        joint.append(full)
        np.testing.assert_allclose(solution.marginals[v].sum(axis=1), together.marginals[v][:, 0], rtol=0, atol=1e-12)
    return Answer(solution.log_evidence + offset, np.exp(solution.log_regions - solution.log_evidence), tuple(joint))
