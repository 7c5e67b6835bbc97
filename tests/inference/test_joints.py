"""Joints of two and three variables anywhere in a network, against the sum over all its states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference import joints
from forecast.inference.elimination import plan
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.inference.joints import Meeting, Split
from tests.inference.test_elimination_and_batch import random_factors, whole

Array = NDArray[np.float64]


def _masked(joint: Array, *asked: Split) -> Array:
    """Multiply a joint of all states (draws last) with the masks of some parts."""
    for scope, mask in asked:
        shape = [n if v in scope else 1 for v, n in enumerate(joint.shape[:-1])]
        joint = joint * mask.reshape(*shape, 1)
    return joint


@pytest.mark.parametrize("compiled_from", [0, joints.COMPILED_FROM])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), zeros=st.sampled_from([0.0, 0.4]), at_once=st.sampled_from([1, joints.AT_ONCE]))
def test_joints_are_sums_over_all_states(compiled_from: int, seed: int, zeros: float, at_once: int) -> None:
    """Of every two and every three parts, by arrays and by loops, however draws are cut; only zero is zero."""
    rng = np.random.default_rng(seed)
    cards, scopes, tables = random_factors(rng)
    tables = [np.where(rng.random(table.shape) < zeros, 0.0, table) for table in tables]
    keep = tuple(sorted(rng.choice(len(cards), size=min(len(cards), int(rng.integers(0, 3))), replace=False).tolist()))
    network = plan(cards, scopes, keep)
    which = rng.integers(0, 3, [cards[v] for v in keep])
    asked = [Split((v,), np.eye(card)) for v, card in enumerate(cards)]
    asked.append(Split(keep, np.stack([which == part for part in range(3)]).astype(float)))
    n_draws = max(table.shape[-1] for table in tables)
    tables = [np.broadcast_to(table, (*table.shape[:-1], n_draws)) for table in tables]
    joint = whole(cards, scopes, tables)
    joint = np.broadcast_to(joint, (*joint.shape[:-1], n_draws))
    weights = rng.dirichlet(np.ones(n_draws))
    meeting = Meeting(network, asked)
    places = list(range(len(asked)))
    pairs, others = (rng.permutation(places)[: int(rng.integers(1, len(places) + 1))].tolist() for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joints, "AT_ONCE", at_once)
        patch.setattr(joints, "COMPILED_FROM", compiled_from)
        patch.setattr(joints, "MOST_DRAWS", {2: 3, 3: 2})

        def found() -> tuple[Array, Array]:
            def some(places: NDArray[np.intp]) -> list[Array]:
                return [table[..., places] for table in tables]

            return meeting.of_two(some, weights), meeting.of_three(some, weights, pairs, others)

        if not joint.sum(axis=tuple(range(len(cards)))).all():
            with pytest.raises(ImpossibleEvidenceError):
                found()
            return
        two, three = found()
    share = joint / joint.sum(axis=tuple(range(len(cards)))) * weights
    rows = [(place, Split(one.scope, part)) for place, one in enumerate(asked) for part in one.parts]
    masks = np.stack([np.broadcast_to(_masked(np.ones((*cards, 1)), one), (*cards, 1)).ravel() for _, one in rows])
    expected = masks * share.sum(axis=-1).ravel()
    _assert_same(two, expected @ masks.T)
    first, third = (
        [row for place in of for row, (own, _) in enumerate(rows) if own == place] for of in (pairs, others)
    )
    of_three = np.einsum("as,bs,cs->abc", expected[first], masks[first], masks[third])
    for a, b, c in np.ndindex(of_three.shape):
        if len({rows[first[a]][0], rows[first[b]][0], rows[third[c]][0]}) < 3:
            of_three[a, b, c] = 0.0
    _assert_same(three, of_three)


def _assert_same(found: Array, expected: Array) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert ((found > 0.0) == (expected > 0.0)).all()
