"""Workspaces without some of their voices, or with all of them alike."""

from __future__ import annotations

import pytest

from forecast.analysis.alternatives import EQUAL_SD, Alternative, UnknownNameError, alternative_workspace
from forecast.workspace.records import Probability, Word, Workspace
from forecast.workspace.statement_forms import stated_sd
from tests.worlds import event, network, statement, target, workspace


def world() -> Workspace:
    """Three voices in two groups, one number coded by an editor."""
    told = (
        statement("a1", target("x", "yes"), 0.7, expert="ann", sd=0.3),
        statement("b1", target("x", "yes"), Word("likely", "icd203"), expert="bob", coded_by="editor"),
        statement("c1", target("x", "yes"), Probability(0.2, 0.1, 0.5, 0.9, None), expert="cat"),
        statement("e1", target("x", "yes"), 0.5, expert="editors"),
    )
    groups = {"ann": "east", "bob": "east", "cat": "west", "editors": "editors"}
    return workspace(network(event("x", "constant")), statements=told, experts=groups)


@pytest.mark.parametrize(
    ("alternative", "stay"),
    [
        (Alternative(without_experts=("ann",)), ["b1", "c1", "e1"]),
        (Alternative(without_groups=("east",)), ["c1", "e1"]),
        (Alternative(without_editors=True), ["a1", "c1"]),
        (Alternative(without_experts=("cat",), without_groups=("east",), without_editors=True), []),
    ],
)
def test_who_is_left(alternative: Alternative, stay: list[str]) -> None:
    """Exactly the statements of those who are left out are missing; the rest is as it was."""
    one = world()
    expected = [statement for statement in one.statements if statement.id in stay]
    assert expected == list(alternative_workspace(one, alternative).statements)
    assert alternative.description


def test_equal_weights() -> None:
    """Every statement has the same sd and the best value that it had."""
    alike = alternative_workspace(world(), Alternative(equal_weights=True))
    assert [EQUAL_SD] * 4 == [stated_sd(one.reading, alike.experts[one.expert]) for one in alike.statements]
    bests = [one.reading.best for one in alike.statements if isinstance(one.reading, Probability)]
    assert [0.7, 0.675, 0.2, 0.5] == pytest.approx(bests)


def test_unknown_names() -> None:
    """An unknown expert or group is named, with the nearest that exists."""
    with pytest.raises(UnknownNameError, match="did you mean 'ann'"):
        alternative_workspace(world(), Alternative(without_experts=("anne",)))
    with pytest.raises(UnknownNameError, match="did you mean 'west'"):
        alternative_workspace(world(), Alternative(without_groups=("wets",)))
    assert "" == Alternative().description
