"""Resolved questions as track records and settled events as evidence: from their known dates on, never before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from forecast.ledger.line import active_inputs
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import evaluate, query
from forecast.posterior.sources import draw_reliabilities
from forecast.sampling.spec import LEAST_RECORD, prior_spec, track_records
from forecast.workspace.problems import Source
from forecast.workspace.read_questions import resolved_items, with_reporter
from forecast.workspace.records import Claim, Condition, Question, Resolution, Resolved, Statement, Workspace
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, workspace

BY = date(2026, 1, 1)
KNOWN = BY + timedelta(days=3)
DAY = timedelta(days=1)


def line(state: str | None = "yes", *, known: date = KNOWN, undone: date | None = None) -> Resolved:
    """The question's only resolution."""
    return Resolved(subject="q", state=state, on=BY, known=known, url=None, source=HERE, undone=undone)


def world(*lines: Resolved, said: tuple[Statement, ...] = (), by: date = BY) -> Workspace:
    """Two events, one question about the first, and what was said of it."""
    net = network(event("a", states=("none", "some", "all")), event("b"))
    asked = Question(
        id="q",
        question="?",
        about=Condition("a", ("some", "all")),
        by=by,
        opens=OPENS,
        topic="test",
        resolves="rule",
        base_rate=None,
        benchmarks=(),
        source=HERE,
    )
    return replace(workspace(net, statements=said), questions=(asked,), resolutions=lines)


def matching(name: str = "s", **changes: object) -> Statement:
    """A statement about what the question asks."""
    told = statement(name, target("a", "some", "all", by=BY), 0.7)
    return replace(told, **changes)  # type: ignore[arg-type]  # names of fields, given by the tests below


def outcomes(one: Workspace, as_of: date) -> list[int]:
    """What came of ann's statements, as known on a date."""
    return [happened for _, happened in track_records(one, as_of).get("ann", [])]


def test_a_statement_is_resolved_by_the_question_that_asks_the_same() -> None:
    """From the known date on, and until the line is undone."""
    for state, happened in (("yes", 1), ("no", 0)):
        one = world(line(state), said=(matching(),))
        assert outcomes(one, KNOWN - DAY) == []
        [(location, found)] = track_records(one, KNOWN)["ann"]
        assert happened == found
        assert logit(0.7) == pytest.approx(location)
    undone = world(line(undone=KNOWN + DAY), said=(matching(),))
    assert [outcomes(undone, KNOWN), outcomes(undone, KNOWN + DAY)] == [[1], []]


def test_what_does_not_count() -> None:
    """Void, another day, other states, a condition, a scenario, a statement made once it was known: no record."""
    assert outcomes(world(line(None), said=(matching(),)), KNOWN) == []
    others = (
        matching("day", about=target("a", "some", "all", by=BY + DAY)),
        matching("horizon", about=target("a", "some", "all")),
        matching("states", about=target("a", "all", by=BY)),
        matching("event", about=target("b", "yes", by=BY)),
        matching("given", about=target("a", "some", "all", given={"b": "yes"}, by=BY)),
        matching("late", date=KNOWN),
    )
    assert outcomes(world(line(), said=others), HORIZON) == []
    at_the_horizon = world(line(), said=(matching(about=target("a", "all", "some")),), by=HORIZON)
    assert outcomes(at_the_horizon, HORIZON) == [1]


def test_a_statement_speaks_for_itself_first() -> None:
    """A statement that says how it turned out is resolved by that, on its own day."""
    own = matching(resolved=Resolution("none", KNOWN + DAY, None))
    one = world(line(), said=(own,))
    assert [outcomes(one, KNOWN), outcomes(one, KNOWN + DAY)] == [[], [0]]


def test_ten_resolved_questions_teach_an_experts_bias() -> None:
    """The prior learns bias and slope from the known date on."""
    one = world(line(), said=tuple(matching(f"s{i}") for i in range(LEAST_RECORD)))
    layout = lay_out(one.network)
    rated = [prior_spec(layout, one, day).rated for day in (KNOWN - DAY, KNOWN)]
    assert rated == [(), ("ann",)]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["yes", "no", None]), st.integers(0, 300), st.integers(1, 300))
def test_no_leak(state: str | None, later: int, before: int) -> None:
    """A resolution known after a date, or undone after it, changes no input of a forecast as of that date."""
    as_of = BY - timedelta(days=100) + timedelta(days=before)
    known = as_of + timedelta(days=1 + later)
    said = (matching(),)
    without = world(said=said)
    assert active_inputs(without, as_of) == active_inputs(world(line(state, known=known), said=said), as_of)
    standing = world(line(state, known=BY), said=said)
    undone = world(line(state, known=BY, undone=known), said=said)
    assert active_inputs(standing, as_of) == active_inputs(undone, as_of)


def test_the_ledger_tells_a_resolution_apart() -> None:
    """A statement is not edited by the outcome of its question; the outcome is an input of its own."""
    one = world(line(), said=(matching(),))
    before, after = active_inputs(one, KNOWN - DAY), active_inputs(one, KNOWN)
    assert before["statements"] == after["statements"]
    assert ("resolutions" in before, list(after["resolutions"])) == (False, ["s"])


def settled(known: date, undone: date | None = None) -> Workspace:
    """A source claimed on the fifth day what a resolution settles later."""
    told = Resolved(
        subject="b",
        state="yes",
        on=OPENS + 4 * DAY,
        known=known,
        url="https://example.org",
        source=Source("r", 1),
        undone=undone,
    )
    claim = item("claimed", OPENS + 5 * DAY, Claim("b", "yes", HERE), source="rumour")
    base = workspace(network(event("b")), items=[claim])
    resolved = resolved_items([told], base.network.events)
    sources = with_reporter(base.sources, resolved, Source("r", 1))
    return replace(base, items=(*base.items, *resolved), sources=sources)


def test_a_settled_event_teaches_a_sources_reliability() -> None:
    """A claim that is settled raises its source's reliability from the known date on, and before it not a bit."""
    known = OPENS + 200 * DAY
    world_, plain = settled(known), settled(known)
    plain = replace(
        plain, items=plain.items[:1], sources={k: v for k, v in plain.sources.items() if k != "resolutions"}
    )
    layout = lay_out(world_.network)
    theta = np.full((layout.n_theta, 400), 0.3)

    def rumour(one: Workspace, as_of: date) -> float:
        known_then = compile_workspace(layout, one, as_of)
        drawn = draw_reliabilities(known_then, one.sources, theta, 1)
        weights = np.exp(drawn.log_correction + evaluate(query(known_then, ()), theta, drawn).log_evidence)
        return float(drawn.reliability[drawn.sources.index("rumour")] @ weights / weights.sum())

    assert rumour(plain, known - DAY) == rumour(world_, known - DAY)
    assert rumour(world_, known) > rumour(plain, known) + 0.02
    assert rumour(plain, known + DAY) == rumour(settled(known, undone=known + DAY), known + DAY)
