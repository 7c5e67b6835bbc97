"""`raises` and `lowers` in the user's own file, and the rows that nobody spoke about."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.workspace.unspoken import unspoken_rows
from tests.workspace.writing import example, messages, read, replace

NETWORK = "priors/network.yaml"
LAUNCH = "    parents: [prototype, budget]\n"


def with_keys(folder: Path, keys: str) -> Path:
    """The example with more keys of `launch`, from line 34 on."""
    replace(example(folder), NETWORK, LAUNCH, LAUNCH + "".join(f"    {line}\n" for line in keys.splitlines()))
    return folder


def test_directions_are_read(tmp_path: Path) -> None:
    """A parent under `raises` has direction 1, under `lowers` -1, under neither 0."""
    launch = read(with_keys(tmp_path, "raises: [prototype]\nlowers: [budget]")).network.events["launch"]
    assert (1, -1, 0) == tuple(launch.direction(name) for name in ("prototype", "budget", "demand"))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            "raises: [protoype]",
            "raises: 'protoype' is not a parent; parents are 'prototype', 'budget'; did you mean 'prototype'?",
        ),
        ("lowers: [demand]", "lowers: 'demand' is not a parent; parents are 'prototype', 'budget'"),
        ("raises: [budget]\nlowers: [budget]", "parent 'budget' both raises and lowers; one direction, or none"),
        ("raises: [budget, budget]", "raises: parent 'budget' appears twice; each stands once"),
        (
            "cpt: noisy_max\nlowers: [budget]",
            "'lowers' beside cpt 'noisy_max', under which no parent can lower; ways in which one can are 'shared'",
        ),
    ],
)
def test_mistakes(tmp_path: Path, keys: str, expected: str) -> None:
    """Each mistake is told once, with what is allowed."""
    (message,) = messages(with_keys(tmp_path, keys))
    assert expected in message


def test_a_direction_without_parents(tmp_path: Path) -> None:
    """An event without parents has nothing that could raise it."""
    example(tmp_path)
    replace(tmp_path, NETWORK, "    states: [low, high]\n", "    states: [low, high]\n    raises: [budget]\n")
    assert ["the event has no parents"] == [message.split("; ")[-1] for message in messages(tmp_path)]


def test_rows_that_nobody_spoke_about(tmp_path: Path) -> None:
    """A statement speaks about the rows with the states that it is conditioned on, an unconditional one about none."""
    workspace = read(example(tmp_path))
    events = workspace.network.events
    # The lead compared a tested prototype with one that is not: that is every row.
    assert () == unspoken_rows(events["launch"], events, workspace.statements).rows
    without = tuple(s for s in workspace.statements if s.id != "lead-launch-needs-test")
    assert 9 == len(unspoken_rows(events["launch"], events, without).rows)
    success = unspoken_rows(events["success"], events, workspace.statements)
    assert ("nobody spoke about any of the 6 rows", 6) == (str(success), success.of)


def test_a_table_of_which_rows_are_not_spoken_of(tmp_path: Path) -> None:
    """`check` warns of a table's rows without a statement and names them; shared rows are listed, not warned of."""
    folder = with_keys(tmp_path, "cpt: table")
    statements = next((folder / "priors" / "statements").glob("*.yaml"))
    text = statements.read_text(encoding="utf-8").replace(
        "given: {prototype: [none, shown]}", "given: {prototype: none}"
    )
    statements.write_text(text, encoding="utf-8")
    (warning,) = [message for message in messages(folder, "warning") if "spoke" in message]
    expected = (
        "event 'launch': nobody spoke about 3 of the 9 rows of its table, (shown, cut), (shown, kept), (shown, raised)"
        "; each step stays near one half there"
    )
    assert expected in warning
    listed = CliRunner().invoke(main, ["check", "-C", str(folder), "--network"])
    assert "nobody spoke about 3 of the 9 rows, (shown, cut)" in listed.stdout
