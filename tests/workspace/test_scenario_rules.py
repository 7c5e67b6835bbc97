"""Whether a scenario rule can ever be the first to match, against trying every joint state."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.read_scenarios import Region, covering

STATES = {"a": ("x", "y"), "b": ("x", "y", "z"), "c": ("x", "y", "z"), "d": ("x", "y")}


def regions() -> st.SearchStrategy[Region]:
    """Some states of some events."""
    boxes = {event: st.frozensets(st.sampled_from(states), min_size=1) for event, states in STATES.items()}
    return st.fixed_dictionaries({}, optional=boxes)


def matching(region: Region) -> set[tuple[str, ...]]:
    """Return the joint states in a region, by trying all."""
    events = tuple(STATES)
    joint = product(*STATES.values())
    return {
        states for states in joint if all(s in region.get(e, STATES[e]) for e, s in zip(events, states, strict=True))
    }


@given(regions(), st.lists(regions(), max_size=6))
def test_covering_is_what_brute_force_finds(region: Region, earlier: list[Region]) -> None:
    """A region is covered exactly when every joint state in it is in an earlier one, and those named suffice."""
    blockers = covering(region, earlier, {event: frozenset(states) for event, states in STATES.items()})
    everything = set().union(*map(matching, earlier))
    assert (blockers is not None) == (matching(region) <= everything)
    if blockers is not None:
        assert matching(region) <= set().union(*(matching(earlier[k]) for k in blockers))
