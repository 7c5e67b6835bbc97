"""The page docs/from-words-to-numbers.md: what it shows stands in the workspace, is read so, and can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from forecast.model.reports import informative_probability
from forecast.sampling.readings import numbers
from forecast.sampling.statements import as_read
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.nodes import plain
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Item, OnEvent, Settled, Workspace
from forecast.workspace.yaml_text import parse_yaml
from tests.docs.pages import ROOT, blocks, commands, run

PAGE = "docs/from-words-to-numbers.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
CODED = re.findall(r"^```yaml\n(.*?)^```\n((?:>[^\n]*\n)+)", TEXT, flags=re.MULTILINE | re.DOTALL)


@cache
def workspace() -> Workspace:
    """The workspace of this repository."""
    found, _ = read_workspace(ROOT, today=date.fromisoformat("2026-12-01"))
    assert found is not None
    return found


def entries(text: str) -> list[dict[str, Any]]:
    """The entries of a list in YAML."""
    node, problems = parse_yaml(text.encode(), "x")
    assert node is not None
    assert () == problems
    return list(plain(node))


@cache
def written() -> dict[str, dict[str, Any]]:
    """Every statement and item of the workspace as it is written, by id."""
    said, reported = workspace().statements, workspace().items
    places = {one.source.path for one in said} | {one.source.path for one in reported}
    paths = sorted(path for path in places if path.endswith(".yaml"))
    found = [one for path in paths for one in entries((ROOT / path).read_text(encoding="utf-8"))]
    return {one["id"]: one for one in found}


def test_ten_remarks_are_coded() -> None:
    """Ten remarks, numbered, each with its file entry and its reading."""
    numbered = re.findall(r"^### (\d+)\. ", TEXT, flags=re.MULTILINE)
    assert [str(number) for number in range(1, 11)] == numbered
    assert (10, 10) == (len(CODED), TEXT.count("```yaml\n"))


@pytest.mark.parametrize(("shown", "reading"), CODED, ids=[shown.split()[2] for shown, _ in CODED])
def test_it_stands_in_the_workspace_and_is_read_so(shown: str, reading: str) -> None:
    """Every key that the page shows is that of the file, and the lines under it say what the model makes of it."""
    told: list[str] = []
    for entry in entries(shown):
        assert entry == {key: written()[entry["id"]].get(key) for key in entry}
        told += _told(entry["id"])
    assert told == [line.removeprefix("> ") for line in reading.splitlines() if line != ">"]


def _told(name: str) -> Iterator[str]:
    """What is told of a statement, or of each part of an item that settles nothing, on the day of its report."""
    there = workspace()
    for statement in there.statements:
        if statement.id == name:
            yield as_read(numbers(statement, there.experts, there.network))
    for item in there.items:
        if item.id == name:
            yield from _of_item(there, item)


def _of_item(there: Workspace, item: Item) -> Iterator[str]:
    q = informative_probability(there.sources[item.report_source].grade.mean, item.credibility)
    for part in item.bears_on:
        assert isinstance(part, OnEvent)
        if isinstance(part, Settled):
            continue
        event = there.network.events[part.event]
        said = list(evidence_form(part).likelihood(part, event))
        mean = sum(said) / len(said)
        weighed = {state: q * one + (1.0 - q) * mean for state, one in zip(event.states, said, strict=True)}
        high, low = (pick(weighed, key=lambda state: weighed[state]) for pick in (max, min))
        times = f"{weighed[high] / weighed[low]:.2f} times as probable in {high} as in {low}"
        yield f"{part.event}: informative with probability {q:.2f}; {times}"


def test_the_commands_print_what_they_show(tmp_path: Path) -> None:
    """Each command of the page, done in order in one folder, prints the lines that are shown, in their order."""
    missing = []
    for block in blocks(PAGE):
        for shown in commands(block) if block.language == "console" else ():
            status, printed = run(shown.arguments, tmp_path)
            assert shown.status == status, printed
            rest = iter(line.strip() for line in printed)
            missing += [line for line in shown.printed if line.strip() not in rest]
    assert [] == missing
