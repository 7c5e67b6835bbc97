"""`priors/decisions.yaml`: what is read, each mistake at its place, and a rename that reaches it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from forecast.commands.main import main
from forecast.workspace.nodes import plain
from forecast.workspace.read import load
from forecast.workspace.schemas import FOLDER
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import TODAY, example, messages, read

DECISIONS = """- id: line
  question: Do we book the line?
  unit: euros
  event: launch
  options:
    book: {none: -900, general: 1400, limited: 200.5}
    wait: {none: 0, limited: 60, general: 300}
  why: as said
- id: staff
  question: Do we hire?
  unit: euros
  options:
    hire: {breakthrough: 5, on_the_market: 2, still_testing: -1, other: -3}
    "no": {breakthrough: 0, on_the_market: 0, still_testing: 0, other: 0}
"""
PATH = "priors/decisions.yaml"


def deciding(root: Path, text: str = DECISIONS) -> Path:
    """The example with decisions."""
    example(root)
    (root / PATH).write_text(text, encoding="utf-8")
    return root


def test_what_is_read(tmp_path: Path) -> None:
    """Utilities are in the order of the event's states, or of the scenarios with `other`; no forecast changes."""
    workspace = read(deciding(tmp_path / "a"))
    line, staff = workspace.decisions
    assert ("launch", ("none", "limited", "general"), "as said") == (line.event, line.outcomes, line.why)
    assert {"book": (-900.0, 200.5, 1400.0), "wait": (0.0, 60.0, 300.0)} == line.options
    assert (None, ("breakthrough", "on_the_market", "still_testing", "other")) == (staff.event, staff.outcomes)
    other = load(example(tmp_path / "b"), TODAY)
    same = ("network", "scenarios", "experts", "statements", "sources", "items", "watched_until")
    assert {name: getattr(workspace, name) for name in same} == {name: getattr(other, name) for name in same}


WRONG = """- id: line
  question: Do we book the line?
  event: launch
  options:
    book: {none: -900, genral: 1400, limited: much}
- id: line
  question: Do we?
  unit: euros
  event: lanch
  options:
    book: {none: 1}
    wait: 3
- question: Do we?
  unit: euros
  options:
    hire: {breakthrou: 5, on_the_market: .inf, still_testing: -1, other: -3}
    leave: {breakthrough: 5, on_the_market: 1, still_testing: -1, other: -3}
  wy: none
"""


def test_all_mistakes_in_one_run(tmp_path: Path) -> None:
    """Unknown events, states, scenarios and keys, missing utilities and units, each at its line, with the nearest."""
    states = "'none', 'limited', 'general'"
    scenarios = "'breakthrough', 'on_the_market', 'still_testing', 'other'"
    one, two = "decision 'line'", "decision number 3"
    keys = "keys are 'format', 'id', 'question', 'unit', 'event', 'options', 'why'"
    needed = "needed are 'id', 'question', 'unit', 'options'"
    events = "'demand', 'budget', 'prototype', 'launch', 'success'"
    assert messages(deciding(tmp_path, WRONG)) == [
        f"{PATH}:1: {one}: missing key 'unit'; {needed}",
        f"{PATH}:4: {one}: 1 option; a decision is among 2 or more",
        (
            f"{PATH}:5: {one}: option 'book': event 'launch' has no state 'genral'; states are {states}; did you mean "
            "'general'?"
        ),
        f"{PATH}:5: {one}: options.book.limited must be a number; got 'much'",
        f"{PATH}:6: decision 'line' appears twice; first at {PATH}:1; ids are used once",
        f"{PATH}:9: {one}: unknown event 'lanch'; events are {events}; did you mean 'launch'?",
        f"{PATH}:12: {one}: options.wait must be a map of keys to values; got 3",
        f"{PATH}:13: {two}: missing key 'id'; {needed}",
        (
            f"{PATH}:16: {two}: option 'hire': unknown scenario 'breakthrou'; scenarios are {scenarios}; did you mean "
            "'breakthrough'?"
        ),
        f"{PATH}:16: {two}: options.hire.on_the_market must be a finite number; got inf",
        f"{PATH}:18: {two}: unknown key 'wy'; {keys}; did you mean 'why'?",
    ]


def test_a_rename_reaches_decisions(tmp_path: Path) -> None:
    """Events, states and scenarios that are renamed are so in decisions, too."""
    root = deciding(tmp_path)
    for arguments in (
        ["event", "launch", "release"],
        ["launch=limited", "partial"],
        ["scenario", "still_testing", "test"],
    ):
        name = [word.replace("launch=", "release=") for word in arguments]
        done = CliRunner().invoke(main, ["rename", *name, "-C", str(root), "--yes"])
        assert 0 == done.exit_code, done.output
    line, staff = load(root, date(2026, 12, 1)).decisions
    assert ("release", ("none", "partial", "general")) == (line.event, line.outcomes)
    assert ("breakthrough", "on_the_market", "test", "other") == staff.outcomes


def test_the_schema_takes_what_is_read() -> None:
    """What is read is valid by the published schema, and a decision without a unit is not."""
    schema = json.loads((FOLDER / "decisions.json").read_text(encoding="utf-8"))
    for text, n_wrong in ((DECISIONS, 0), (DECISIONS.replace("  unit: euros\n", "", 1), 1)):
        node, _ = parse_yaml(text.encode(), "d")
        assert node is not None
        assert n_wrong == len(list(Draft202012Validator(schema).iter_errors(plain(node))))
