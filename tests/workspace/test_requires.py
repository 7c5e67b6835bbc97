"""`requires` in the user's own file: what is read, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.workspace.records import Condition, Requirement
from tests.workspace.writing import example, messages, read, replace

NETWORK = "priors/network.yaml"
FORM = "{event: state}, a list of states, or {at_least: state}"
STATES = "states are 'none', 'shown', 'tested'"
TWO_MAPS = "{event: state}, {any_of: [...]}, or these for each state"


def with_requires(folder: Path, requires: str, event: str = "launch") -> Path:
    """The example with requirements of an event on the line behind its name."""
    replace(example(folder), NETWORK, f"\n  {event}:\n", f"\n  {event}:\n    requires: {requires}\n")
    return folder


def needs(folder: Path, requires: str, event: str = "launch") -> dict[str, str]:
    """What each state of the event requires, in words."""
    found = read(with_requires(folder, requires, event)).network.events[event].requires
    return {one.state: str(one) for one in found}


def test_every_later_state_needs_it(tmp_path: Path) -> None:
    """Without a state all need it but the first; of a status all but that at the opening."""
    both = dict.fromkeys(("limited", "general"), "prototype shown or tested")
    assert both == needs(tmp_path / "a", "{prototype: shown}")
    rest = dict.fromkeys(("cut", "raised"), "demand high")
    assert rest == needs(tmp_path / "b", "{demand: high}", "budget")


def test_a_step_of_another_event_counts_with_all_later_ones(tmp_path: Path) -> None:
    """Of a reached event a state means that it has been reached; of others exactly the states that are named."""
    (one,) = (
        read(with_requires(tmp_path, "{general: {prototype: shown, budget: kept}}")).network.events["launch"].requires
    )
    conditions = (Condition("prototype", ("shown", "tested")), Condition("budget", ("kept",)))
    assert Requirement("general", (conditions,)) == one


def test_alternatives(tmp_path: Path) -> None:
    """What stands beside any_of holds in each of its ways."""
    expected = {"general": "prototype tested and budget kept; or prototype tested and budget raised and demand high"}
    text = "{general: {prototype: tested, any_of: [{budget: kept}, {budget: raised, demand: high}]}}"
    assert expected == needs(tmp_path, text)


def test_what_is_required_is_a_parent(tmp_path: Path) -> None:
    """Naming an event suffices: it is a parent behind those that are listed."""
    network = read(with_requires(tmp_path, "{demand: high, prototype: shown}")).network
    assert ("prototype", "budget", "demand") == network.events["launch"].parents


@pytest.mark.parametrize(
    ("event", "requires", "expected"),
    [
        ("launch", "5", [f"requires is no map of events to states; got 5; {TWO_MAPS}"]),
        ("launch", "{}", [f"requires is no map of events to states; got an empty map; {TWO_MAPS}"]),
        ("launch", "{prototype: shwon}", [
            f"requires: event 'prototype' has no state 'shwon'; {STATES}; did you mean 'shown'?"
        ]),
        ("launch", "{prototyp: shown}", [
            ("requires: unknown event 'prototyp'; events are 'demand', 'budget', 'prototype', 'launch', 'success'; "
            "did you mean 'prototype'?")
        ]),
        ("launch", "{genral: {prototype: shown}}", [
            ("requires: event 'launch' has no state 'genral'; states are 'none', 'limited', 'general'; "
            "did you mean 'general'?")
        ]),
        ("launch", "{prototype: {shown: 1}}", [
            f"requires: 'prototype' is an event with a map behind it; {FORM}",
            ("requires: 'prototype': unknown event 'shown'; events are 'demand', 'budget', 'prototype', 'launch', "
            "'success'"),
            f"requires: 'prototype': names no states of 'shown'; got 1; {FORM}",
        ]),
        ("launch", "{prototype: []}", [f"requires: names no states of 'prototype'; got an empty list; {FORM}"]),
        ("launch", "{limited: {}}", [f"requires: 'limited': names no events; got an empty map; {FORM}"]),
        ("launch", "{any_of: []}", [
            "requires: any_of is no list of alternatives; got an empty list; any_of: [{event: state}, {event: state}]"
        ]),
        ("launch", "{any_of: [{any_of: [{prototype: shown}]}]}", [
            "requires: any_of within any_of; list all alternatives in one"
        ]),
        ("launch", "{none: {prototype: shown}}", [
            "requires: state 'none' is where the event begins, and requires nothing; name a later state"
        ]),
        ("launch", "{prototype: none}", [
            ("requires: the requirement of 'prototype' says nothing: 'none' is where it begins; "
            "name the states without which this cannot be")
        ]),
        ("launch", "{budget: [cut, kept, raised]}", [
            ("requires: the requirement of 'budget' says nothing: every state of it is named; "
            "name the states without which this cannot be")
        ]),
        ("budget", "{cut: {demand: high}, kept: {demand: high}, raised: {demand: high}}", [
            ("requires: there is no state that the event could be in; got demand low; "
            "leave one state that requires less")
        ]),
        ("success", "{no: {launch: limited}}", [
            ("requires: the state at the opening, 'no', lacks what it requires on that day; "
            "got launch limited or general; another 'initial', or let only other states require it")
        ]),
        ("launch", "{limited: {demand: high, any_of: [{demand: low}]}}", [
            ("requires: what state 'limited' requires can never hold; got demand high and demand low; "
            "name states that can be together")
        ]),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, event: str, requires: str, expected: list[str]) -> None:
    """Each mistake is told once, with its line, what was found, what is allowed, and the nearest name."""
    root = with_requires(tmp_path, requires, event)
    line = (root / NETWORK).read_text().splitlines().index(f"    requires: {requires}") + 1
    assert sorted(f"{NETWORK}:{line}: event '{event}': {one}" for one in expected) == messages(root)


def test_a_constant_requires_constants(tmp_path: Path) -> None:
    """What holds all window long cannot hang on a date."""
    root = with_requires(tmp_path, "{high: {fame: wide}}", "demand")
    fame = "  fame: {question: f?, kind: reached, states: [none, wide], resolves: f}\n"
    replace(root, NETWORK, "\n  budget:\n", f"\n{fame}  budget:\n")
    what = "the event is a constant and requires events that are none: 'fame'; a constant can require constants alone"
    assert [f"{NETWORK}:7: event 'demand': requires: {what}"] == messages(root)


def test_a_circle_through_what_is_required(tmp_path: Path) -> None:
    """What an event requires is upstream of it: no event is its own ancestor."""
    what = "events are their own ancestors: budget <- prototype <- budget; take one of these parents out"
    assert [f"{NETWORK}:12: {what}"] == messages(with_requires(tmp_path, "{prototype: shown}", "budget"))


def test_certainties_are_referred_to_it(tmp_path: Path) -> None:
    """Whoever states 0 is told where a rule that cannot be broken belongs."""
    root = example(tmp_path)
    replace(root, "priors/statements/outside.yaml", "{low: 0.04, best: 0.15, high: 0.5, level: 0.9}", "0")
    (found,) = messages(root)
    assert "what cannot be without another event is a `requires` of the network" in found


def test_what_is_added_is_held_against_it(tmp_path: Path) -> None:
    """Neither a statement on what is excluded is written, nor evidence of a step without its prerequisite."""
    root = with_requires(tmp_path, "{prototype: tested}")
    said = [
        "add", "statement", "-C", str(root), "--yes", "--expert", "editors", "--publisher", "x", "--says", "x",
        "--about", "success=yes", "--given", "launch=general", "--given", "prototype=none", "--form", "probability",
        "--value", "0.2", "--why", "x",
    ]  # fmt: skip
    replace(root, "priors/statements/team.yaml", "prototype: [none, shown]", "budget: cut")
    told = CliRunner().invoke(main, said)
    allowed = "'launch' limited or general requires prototype tested: no statement is needed for what follows from it"
    assert (1, True) == (told.exit_code, f"its condition cannot be; {allowed}" in told.stderr)
    assert not (root / "priors/statements/editors.yaml").exists()
    settled = [
        "add", "evidence", "-C", str(root), "--yes", "--no-effect", "--headline", "It is on sale", "--source",
        "newspaper", "--why", "x", "--settled", "launch=limited", "--reported", "2026-05-01", "--credibility", "1",
    ]  # fmt: skip
    told = CliRunner().invoke(main, settled)
    why = "'launch' limited requires prototype tested"
    assert (1, True) == (told.exit_code, "is part of evidence that is impossible together; got" in told.stderr)
    assert why in told.stderr
