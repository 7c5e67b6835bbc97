"""Reports of one day: what several sources say of one event without a group is taken for one report, and told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.ledger.line import active_inputs, record_digest
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.model.reliability import evidence_doubts
from forecast.model.reports import informative_probability
from forecast.workspace.records import Coding, Item, Likelihood, Workspace
from forecast.workspace.renames import SAME_DAY_RHO
from tests.workspace.writing import example, messages, read
from tests.worlds import HERE, event, item, network, statement, target, workspace

DAY, NEXT = date(2025, 3, 1), date(2025, 3, 2)
NET = network(event("mood", "constant", ["bad", "fair", "good"]), event("talks"))
GOOD = Likelihood("mood", {"bad": 0.1, "fair": 0.5, "good": 1.0}, None, HERE)
GREAT = Likelihood("mood", {"bad": 0.05, "fair": 0.2, "good": 1.0}, None, HERE)
BAD = Likelihood("mood", {"bad": 1.0, "fair": 0.5, "good": 0.1}, None, HERE)
TALKS = Likelihood("talks", {"no": 1.0, "yes": 2.0}, None, HERE)


def kept(*items: Item, world: Workspace | None = None) -> dict[str, float]:
    """What each item keeps of the probability that it is informative."""
    known = replace(world or workspace(NET), items=tuple(items))
    reports = compile_workspace(lay_out(known.network), known, NEXT).reports
    return {one.item: one.informative / informative_probability_of(known, one.item) for one in reports}


def informative_probability_of(known: Workspace, name: str) -> float:
    """The probability by grade and credibility alone."""
    one = next(item for item in known.items if item.id == name)
    return informative_probability(known.sources[one.report_source].grade.mean, one.credibility)


def test_several_sources_of_one_day() -> None:
    """The strongest source counts in full, each further one keeps 1 - rho of the one before."""
    found = kept(
        item("a", DAY, GOOD, source="wire"), item("b", DAY, GREAT, source="agency"), item("c", DAY, GOOD, source="blog")
    )
    assert {"b": 1.0, "a": 1.0 - SAME_DAY_RHO, "c": (1.0 - SAME_DAY_RHO) ** 2} == pytest.approx(found)


@pytest.mark.parametrize(
    "other",
    [
        item("b", NEXT, GOOD, source="agency"),  # another day
        item("b", DAY, BAD, source="agency"),  # another claim
        item("b", DAY, TALKS, source="agency"),  # another event
        item("b", DAY, GREAT, source="wire"),  # the same source: two incidents
        replace(item("b", DAY, GOOD, source="agency"), independent="An own reporter was there."),
        item("b", DAY, GOOD, source="agency", group="mine"),  # who groups has thought about it
    ],
    ids=["day", "claim", "event", "source", "independent", "group"],
)
def test_what_is_no_copy(other: Item) -> None:
    """Another day, claim or event, the same source, and what somebody says of the items, leave both as they are."""
    assert {"a": 1.0, "b": 1.0} == kept(item("a", DAY, GOOD), other)


def test_incidents_of_one_source() -> None:
    """Many reports of one source are copies of another source's, not of each other."""
    rows = [item(f"row-{i}", DAY, GOOD, source="blog") for i in range(3)]
    found = kept(item("a", DAY, GREAT, source="agency"), *rows)
    assert {"a": 1.0, **{row.id: 1.0 - SAME_DAY_RHO for row in rows}} == pytest.approx(found)


def test_rho_of_the_table() -> None:
    """The grades' table has the correlation; with 0 every report counts in full."""
    world = workspace(NET)
    free = replace(world, sources={n: replace(one, same_day_rho=0.0) for n, one in world.sources.items()})
    assert {"a": 1.0, "b": 1.0} == kept(item("a", DAY, GOOD), item("b", DAY, GOOD, source="agency"), world=free)


def test_it_is_told() -> None:
    """The check names the items, the claim, how they are read, and both ways out; once one is independent, nothing."""
    items = item("a", DAY, GOOD), item("b", DAY, GOOD, source="agency")
    known = workspace(NET, items=items)
    (problem,) = evidence_doubts(compile_workspace(lay_out(NET), known, NEXT), known)
    assert "items 'a', 'b': several sources on one day for 'good' of 'mood', in no group" == problem.what
    assert "read as copies, rho 0.67" == problem.got
    assert "`independent` with the reason" in problem.allowed
    told = workspace(NET, items=(items[0], replace(items[1], independent="Because.")))
    assert () == evidence_doubts(compile_workspace(lay_out(NET), told, NEXT), told)


FILE = "evidence/2026-06-25-rumours.yaml"
RUMOUR = """- {{id: {name}, reported: 2026-06-25, source: {source}, headline: The price is fixed., {more}
  bears_on: [{{event: demand, likelihood: {{low: 0.3, high: 0.6}}}}]}}
"""


def test_files(tmp_path: Path) -> None:
    """`independent` and the table's `same_day` are read; an item cannot be both independent and in a group."""
    folder = example(tmp_path)
    (folder / FILE).write_text(
        RUMOUR.format(name="r1", source="newspaper", more="independent: An own reporter.,")
        + RUMOUR.format(name="r2", source="forum", more=""),
        encoding="utf-8",
    )
    (folder / "evidence/grades.yaml").write_text("same_day: {rho: 0.25, why: a guess}\n", encoding="utf-8")
    known = read(folder)
    assert "An own reporter." == next(one.independent for one in known.items if one.id == "r1")
    assert {0.25} == {one.same_day_rho for one in known.sources.values()}
    (folder / FILE).write_text(
        RUMOUR.format(name="r1", source="newspaper", more="independent: Why., group: g,"), encoding="utf-8"
    )
    (wrong,) = messages(folder)
    assert wrong == f"{FILE}:1: item 'r1': independent, and in a group of copies; got g; one of them"


def test_lines_of_the_ledger_keep_their_digests() -> None:
    """The digest of an item, a source and a statement is that of before where nothing new is said, else another."""
    said = statement("s", target("talks", "yes"), 0.3, coded_by="ed")
    known = workspace(NET, items=[item("a", DAY, GOOD)], statements=[said])
    sources = {n: replace(one, same_day_rho=0.5) for n, one in known.sources.items()}
    again = replace(said, codings=(Coding("eve", said.reading, "because"),))
    others = replace(
        known, items=(replace(known.items[0], independent="Because."),), sources=sources, statements=(again,)
    )
    before, after = active_inputs(known, NEXT), active_inputs(others, NEXT)
    assert before["items"]["a"] == record_digest(known.items[0])
    assert before["sources"]["wire"] == record_digest(known.sources["wire"])
    assert before["statements"]["s"] == record_digest(said)
    for part, name in (("items", "a"), ("sources", "wire"), ("statements", "s")):
        assert before[part][name] != after[part][name]
