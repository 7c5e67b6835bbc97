"""Items on scenarios in the files: what they are read as, their digest, copies, and limits."""

from __future__ import annotations

from dataclasses import replace as with_
from datetime import date
from pathlib import Path

from forecast.ledger.line import record_digest
from forecast.workspace.records import Condition, Item, OnScenarios
from tests.workspace.writing import example, messages, read, replace

LIST = "evidence/2026-04-14-waiting-list.yaml"
SCENARIOS = "priors/scenarios.yaml"
ON_DEMAND = "- {event: demand, likelihood: {low: 0.3, high: 0.6}}"
NUMBERS = "{other: .25, breakthrough: 1, on_the_market: .5, still_testing: 0}"
PART = f"- {{scenarios: {NUMBERS}, until: 2026-10-01}}"


def item(root: Path) -> Item:
    """The item that bears on the scenarios."""
    return next(one for one in read(root).items if one.id == "waiting-list")


def test_what_is_read(tmp_path: Path) -> None:
    """The numbers stand in the order of the rules, `other` last; the rules are kept without their words."""
    replace(example(tmp_path), LIST, ON_DEMAND, f"{ON_DEMAND}\n  {PART}")
    part = item(tmp_path).bears_on[1]
    assert isinstance(part, OnScenarios)
    assert [("breakthrough", 1.0), ("on_the_market", 0.5), ("still_testing", 0.0), ("other", 0.25)] == [
        *part.ratios.items()
    ]
    rules = read(tmp_path).scenarios
    assert [with_(rule, name=rule.id, summary="") for rule in rules] == [*part.rules]
    assert (Condition("launch", ("limited", "general")),) == part.rules[1].when
    assert date(2026, 10, 1) == part.until


def test_the_digest_holds_the_rules(tmp_path: Path) -> None:
    """Another rule makes it another item; another description of a scenario does not, nor does another place."""
    replace(example(tmp_path), LIST, ON_DEMAND, PART)
    first = record_digest(item(tmp_path))
    replace(tmp_path, SCENARIOS, "  name: Breakthrough", "  name: Great success")
    replace(tmp_path, SCENARIOS, "# The first rule", "#\n# The first rule")
    assert first == record_digest(item(tmp_path))
    replace(tmp_path, SCENARIOS, "{launch: {at_least: limited}}", "{launch: limited}")
    assert first != record_digest(item(tmp_path))


def test_a_copy_is_told_once(tmp_path: Path) -> None:
    """An item with the address of an earlier one on the scenarios is warned about once, on an event or on all."""
    on_launch = "- {event: launch, support: slight, for: general}"
    for number, second in enumerate((on_launch, PART)):
        root = example(tmp_path / str(number))
        replace(root, LIST, ON_DEMAND, PART)
        replace(root, LIST, "- {event: demand, support: slight, for: high}", second)
        text = (root / LIST).read_text(encoding="utf-8").replace("  group: waiting-list", "  url: https://a.org #")
        (root / LIST).write_text(text, encoding="utf-8")
        assert [] == messages(root)
        found = [message for message in messages(root, "warning") if "the same address" in message]
        assert [True] == ["bears on 'launch' with the same address as item" in message for message in found]


def test_too_many_joint_states(tmp_path: Path) -> None:
    """Rules over more joint states than an item can hold numbers for are refused at the item, with the size."""
    example(tmp_path)
    network = tmp_path / "priors/network.yaml"
    more = "".join(
        f"  more_{n}:\n    question: More?\n    kind: constant\n    states: [a, b, c, d]\n    resolves: By looking.\n"
        for n in range(5)
    )
    network.write_text(network.read_text(encoding="utf-8").rstrip("\n") + "\n" + more, encoding="utf-8")
    named = ", ".join(f"more_{n}: a" for n in range(5))
    replace(tmp_path, SCENARIOS, "{prototype: [shown, tested]}", f"{{prototype: [shown, tested], {named}}}")
    replace(tmp_path, LIST, ON_DEMAND, PART)
    line = f"{LIST}:9: item 'waiting-list': the 8 events that it bears on have too many joint states"
    assert [f"{line}; got {3 * 2 * 3 * 4**5}; at most 4096; rules on fewer events, or a likelihood on an event"] == (
        messages(tmp_path)
    )
