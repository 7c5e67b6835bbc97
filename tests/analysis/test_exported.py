"""A forecast as a network of tables, against the joint distribution of every world added up."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.analysis import exported as module
from forecast.analysis.exported import TableTooLargeError, nearest_network
from forecast.analysis.target import weighted
from forecast.ledger.outcome import Outcome
from tests.analysis.test_chains import as_tables_and_chains


def joint_of(outcome: Outcome) -> np.ndarray:
    """Return the mean over draws of P(states of all events | E, draw), by multiplying all factors."""
    chosen = weighted(outcome.posterior)
    network = chosen.asked.network
    draws = len(network.cards)
    product = np.ones((*network.cards, chosen.weights.size))
    for scope, table in zip(network.scopes, chosen.factors()[0], strict=True):
        placed = np.transpose(table, (*np.argsort(scope), len(scope)))
        shape = [network.cards[v] if v in scope else 1 for v in range(draws)]
        product = product * placed.reshape(*shape, -1)
    product /= product.sum(axis=tuple(range(draws)), keepdims=True)
    alive = product @ chosen.weights
    whole = np.zeros(outcome.layout.cards)
    whole[tuple(slice(states.start, states.stop) for states in network.alive[: whole.ndim])] = alive
    return whole


@pytest.mark.parametrize("seed", range(10))
def test_rows_are_those_of_the_whole_joint(seed: int) -> None:
    """A row is P(state | parents, E) of the forecast's joint; families that are chains give the same rows."""
    tables, chains = as_tables_and_chains(seed)
    joint = joint_of(tables)
    made, same = (nearest_network(one) for one in (tables, chains))
    events = tables.layout.events
    unreached = 0
    for v, event in enumerate(events):
        family = (*tables.layout.parents[v], v)
        others = tuple(axis for axis in range(joint.ndim) if axis not in family)
        marginal = np.transpose(joint.sum(axis=others), np.argsort(np.argsort(family)))
        total = marginal.sum(axis=-1, keepdims=True)
        rows = made.network.tables[event.id]
        reached = np.broadcast_to(total > 0.0, rows.shape)
        unreached += int((total == 0.0).sum())
        np.testing.assert_allclose((marginal / np.where(total > 0.0, total, 1.0))[reached], rows[reached], atol=1e-10)
        np.testing.assert_allclose(1.0, rows.sum(axis=-1), atol=1e-12)
        np.testing.assert_allclose(rows, same.network.tables[event.id], atol=1e-10)
    assert (unreached, unreached) == (made.unreached, same.unreached)
    roots = [event.id for v, event in enumerate(events) if not tables.layout.parents[v]]
    for name in roots:  # a root has the forecast's own probabilities
        expected = [one.probability for one in tables.events[name].values()]
        np.testing.assert_allclose(expected, made.network.tables[name], atol=1e-12)
    assert made.gap == pytest.approx(same.gap, abs=1e-9)


def test_a_table_that_nobody_could_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event with too many combinations of its parents' states is named."""
    tables, _ = as_tables_and_chains(0)
    monkeypatch.setattr(module, "LARGEST", 3)
    with pytest.raises(
        TableTooLargeError, match=r"event '.*' would have a table of \d+ entries; at most 3 are written"
    ):
        nearest_network(tables)
