"""What an update rests on: nothing dated later, and nothing about where a record stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.digests import digest_of
from forecast.ledger.line import SHORT, active_inputs, record_digest
from forecast.workspace.problems import Source
from forecast.workspace.records import Settled, Support, Workspace
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

AS_OF = date(2026, 1, 1)
NEXT_DAY = AS_OF + timedelta(days=1)
ITEMS = [
    item("first", date(2025, 6, 1), Settled("truce", "yes", HERE), source="wire"),
    item("second", AS_OF, Support("truce", "slight", ("yes",), None, HERE), source="blog"),
]
SAID = [statement("said", target("truce", "yes"), 0.3)]
WORLD = workspace(network(event("truce")), statements=SAID, items=ITEMS, scenarios=[rule("peace", truce="yes")])
ELSEWHERE = Source("evidence/other.yaml", 77)


def _placed_elsewhere(part: Any) -> Any:
    return replace(part, source=ELSEWHERE)


def _without_effect() -> dict[str, Workspace]:
    later = item("later", NEXT_DAY, Settled("truce", "yes", HERE), source="agency", supersedes="first")
    says_later = statement("says-later", target("truce", "yes"), 0.9, expert="bob", day=NEXT_DAY)
    moved = [replace(one, source=ELSEWHERE, bears_on=tuple(map(_placed_elsewhere, one.bears_on))) for one in ITEMS]
    return {
        "later item": replace(WORLD, items=(*WORLD.items, later)),
        "later statement": replace(WORLD, statements=(*WORLD.statements, says_later)),
        "later retraction": replace(WORLD, items=(replace(ITEMS[0], retracted=NEXT_DAY), ITEMS[1])),
        "other lines": replace(WORLD, items=tuple(moved), network=replace(WORLD.network, source=ELSEWHERE)),
        "unused source": replace(WORLD, sources={**WORLD.sources, "new": WORLD.sources["wire"]}),
        "bytes of files": replace(WORLD, digests={"evidence/a.yaml": "0" * 64}),
    }


@pytest.mark.parametrize("name", _without_effect())
def test_what_does_not_count(name: str) -> None:
    """Later items, statements and retractions, and other places of the same records, leave the inputs as they are."""
    assert active_inputs(WORLD, AS_OF) == active_inputs(_without_effect()[name], AS_OF)


LAX, ROUGH = replace(WORLD.experts["ann"], default_sd=2.0), replace(WORLD.sources["wire"], reliability="D")
EDITS: dict[str, tuple[str, Callable[[Workspace], Workspace]]] = {
    "item": ("items", lambda w: replace(w, items=(replace(w.items[0], headline="other"), w.items[1]))),
    "retraction": ("retracted", lambda w: replace(w, items=(replace(w.items[0], retracted=AS_OF), w.items[1]))),
    "likelihood": ("items", lambda w: replace(w, items=(w.items[0], replace(w.items[1], credibility=1)))),
    "statement": ("statements", lambda w: replace(w, statements=(statement("said", target("truce", "yes"), 0.4),))),
    "expert": ("experts", lambda w: replace(w, experts={**w.experts, "ann": LAX})),
    "source": ("sources", lambda w: replace(w, sources={**w.sources, "wire": ROUGH})),
    "scenario": ("scenarios", lambda w: replace(w, scenarios=(rule("peace", truce="no"),))),
    "network": ("network", lambda w: replace(w, network=replace(w.network, horizon=date(2028, 1, 1)))),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_counts(name: str) -> None:
    """An edit of anything in use shows under its own heading and no other."""
    place, edit = EDITS[name]
    before, after = active_inputs(WORLD, AS_OF), active_inputs(edit(WORLD), AS_OF)
    assert [place] == [key for key in before if before[key] != after[key]]


def test_each_date_counts_from_its_own_day() -> None:
    """On the day itself the item is in, the day before it is not."""
    assert ["first", "second"] == list(active_inputs(WORLD, AS_OF)["items"])
    assert ["first"] == list(active_inputs(WORLD, AS_OF - timedelta(days=1))["items"])
    assert ["wire"] == list(active_inputs(WORLD, AS_OF - timedelta(days=1))["sources"])


PLAIN_VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False), st.none(), st.dates())
RECORDS = st.recursive(PLAIN_VALUES, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=20)


@given(RECORDS)
def test_the_digest_of_a_record_is_the_general_one(record: object) -> None:
    """What is written in one pass is what the general digest makes of the same lists and plain values."""
    assert digest_of(record)[:SHORT] == record_digest(record)


def test_the_digest_of_an_item_is_that_of_its_fields() -> None:
    """An item is its type and its fields in order, without the places; a ledger of before is still understood."""
    one, bearing = ITEMS[1], ["Support", "truce", "slight", ["yes"], None, None]
    fields = [one.id, AS_OF, None, "blog", one.credibility, one.group, one.rho, one.headline, one.url, one.why]
    assert digest_of(["Item", *fields, [bearing], None, None, None])[:SHORT] == record_digest(one)
