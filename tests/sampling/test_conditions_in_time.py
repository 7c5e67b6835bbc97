"""Conditions at once and by a day: against closed forms, enumeration of all days at once, and simulated histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.model.layout import lay_out
from forecast.sampling import spec as spec_module
from forecast.sampling.likelihood import impossible_statements, quantities
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec, rows_prior, theta_draws
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.records import (
    Condition,
    Cpt,
    DatedCondition,
    Event,
    Item,
    Network,
    Requirement,
    Settled,
    Target,
)
from tests.model.test_simulated_histories import (
    FIRST,
    HISTORIES,
    WITH,
    WITHOUT,
    chain,
    chain_chances,
    hazard,
    simulated_chain,
    theta,
)
from tests.oracle.enumeration import AsOf
from tests.oracle.in_time import NothingToComeError, TimedReader, with_times
from tests.oracle.random_worlds import named, random_world, timed
from tests.oracle.statements import random_statements
from tests.sampling.interpreter import interpret
from tests.sampling.test_program_against_enumeration import READABLE, in_order
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, workspace

Array = NDArray[np.float64]
MIDDLE = date(2026, 1, 1)  # 365 of 730 days
NOISY = Cpt("noisy_or", "net")


def read(
    net: Network,
    flat: Array,
    about: Condition,
    *conditions: Condition,
    by: date | None = None,
    day: date = OPENS,
    items: tuple[Item, ...] = (),
) -> float:
    """P(target | conditions) as a statement of a day is a reading of it."""
    made = statement("said", Target(about, None, conditions, by), 0.5, day=day)
    spec = prior_spec(lay_out(net), workspace(net, statements=[made], items=items), HORIZON)
    return float(1.0 / (1.0 + np.exp(-quantities(spec, flat, [0])[0, 0])))


def yes(name: str, held_by: date | None = None) -> DatedCondition:
    """An event that is so by a day, or at once."""
    return DatedCondition(name, ("yes",), held_by)


DONE, CAUSE = Condition("e1", ("yes",)), Condition("e0", ("yes",))


@pytest.mark.parametrize("day", [OPENS, date(2025, 7, 1), MIDDLE])
def test_at_once_is_what_is_forecast_once_it_came(day: date) -> None:
    """70 % given a mandate at once stays 70 % on the day on which the mandate comes, by hand and in the network."""
    net, share = chain(2), (HORIZON - day).days / (HORIZON - OPENS).days
    flat = theta(net, {"e0": (FIRST,), "e1": (WITHOUT, 1.0 - 0.3 ** (1.0 / share))})
    came = item("mandate", day, Settled("e0", "yes", HERE))
    after = AsOf(workspace(net, items=[came]), named(lay_out(net), flat), day)
    happens, rest = after.log_odds(Target(DONE, None, (), None))
    assert read(net, flat, DONE, yes("e0"), day=day) == pytest.approx(0.7, abs=1e-12)
    assert float(1.0 / (1.0 + np.exp(rest - happens)).item()) == pytest.approx(0.7, abs=1e-12)
    assert read(net, flat, DONE, CAUSE, day=day) < 0.6


def required(name: str, *needs: str) -> Event:
    """An event that is taken or not, and only with all that it needs."""
    all_ = tuple(Condition(one, ("yes",)) for one in needs)
    return replace(event(name, parents=needs), requires=(Requirement("yes", (all_,)),))


@pytest.mark.parametrize("name", ["e1", "e2"])
def test_at_once_comes_with_what_it_requires(name: str) -> None:
    """What is supposed to come at once brings its prerequisites, and theirs: as if all of them were said."""
    net = network(event("e0"), required("e1", "e0"), required("e2", "e1"), event("deal", parents=["e1", "e2"]))
    layout = lay_out(net)
    flat = theta_draws(rows_prior(layout), np.random.default_rng(3).normal(size=(rows_prior(layout).n_coordinates, 1)))
    deal, said = Condition("deal", ("yes",)), {"e1": ("e0", "e1"), "e2": ("e0", "e1", "e2")}[name]
    expected = read(net, flat, deal, *map(yes, said))
    assert expected == read(net, flat, deal, yes(name))
    assert expected == read(net, flat, deal, *map(yes, reversed(said)))
    came = [item(one, OPENS, Settled(one, "yes", HERE)) for one in said]
    after = AsOf(workspace(net, items=came), named(layout, flat), OPENS)
    happens, rest = after.log_odds(Target(deal, None, (), None))
    assert float(1.0 / (1.0 + np.exp(rest - happens)).item()) == pytest.approx(expected, abs=1e-12)


def test_at_once_in_one_of_several_ways_is_told_as_such() -> None:
    """What requires one of several ways cannot come true by itself; the message says that, and what to name."""
    needs = Requirement("yes", ((Condition("decree", ("yes",)),), (Condition("vote", ("yes",)),)))
    step = replace(event("step", parents=["decree", "vote"]), requires=(needs,))
    net = network(event("decree"), event("vote"), step, event("end", parents=["step"]))

    def told(*events: str) -> list[str]:
        given = tuple(DatedCondition(name, ("yes",), None) for name in events)
        known = workspace(
            net, statements=[statement("end", Target(Condition("end", ("yes",)), None, given, None), 0.5)]
        )
        layout = lay_out(net)
        return [str(one) for one in impossible_statements(known, prior_spec(layout, known, net.horizon))]

    (message,) = told("step")
    assert "its condition cannot come true at once" in message
    assert "requires decree yes; or vote yes: name in 'given' what comes true with it" in message
    assert [] == told("vote", "step")


def test_by_the_day_of_the_statement_itself_it_is_at_the_horizon() -> None:
    """A condition by the day that is asked about, or by the horizon, is what no time says."""
    net, flat = chain(2), theta(chain(2), chain_chances(2))
    for by in (None, MIDDLE):
        assert read(net, flat, DONE, yes("e0", by or HORIZON), by=by) == read(net, flat, DONE, CAUSE, by=by)


def test_an_own_earlier_state() -> None:
    """The second step given the first at once is the hazard of the second alone, by a day that of the rest."""
    net = network(event("steps", states=["none", "one", "two"]))
    flat = theta(net, {"steps": (0.6, 0.4)})
    two = Condition("steps", ("two",))
    assert read(net, flat, two, DatedCondition("steps", ("one", "two"), None)) == pytest.approx(0.4, abs=1e-12)
    by_then = read(net, flat, two, DatedCondition("steps", ("one",), MIDDLE))
    assert by_then == pytest.approx(1.0 - 0.6**0.5, abs=1e-12)


@pytest.mark.parametrize("by", [date(2025, 7, 1), MIDDLE, date(2026, 7, 1)])
def test_by_a_day_against_simulated_histories(by: date, capsys: pytest.CaptureFixture[str]) -> None:
    """P(child, cause by a day) of a chain of three is the simulated one to .015, for the child and the grandchild."""
    net, flat = chain(3), theta(chain(3), chain_chances(3))
    times, share = simulated_chain(3), (by - OPENS).days / (HORIZON - OPENS).days
    early = times[0] < share
    for name, came in (("e1", times[1]), ("e2", times[2])):
        rule = read(net, flat, Condition(name, ("yes",)), yes("e0", by))
        simulated = float((came[early] < 1.0).mean())
        with capsys.disabled():
            print(f"\n{name} given e0 by {by}: rule {rule:.4f}, simulated {simulated:.4f}")
        assert (rule - simulated) * float(early.mean()) == pytest.approx(0.0, abs=0.015)


def test_a_status_on_a_day_against_simulated_histories() -> None:
    """P(child of a status | its state on a day) is the simulated one to .015, where the status may have gone back."""
    tau, open_again, rng = 0.5, 0.4, np.random.default_rng(11)
    talks = event("talks", "status", ("shut", "open"), persistence_days=365.0)
    net = network(talks, event("deal", parents=["talks"]))
    flat = np.array([[1.0 - open_again], [open_again], [hazard(WITHOUT)], [hazard(WITH)]])
    n = HISTORIES // 4
    effort, spent, now, clock = rng.exponential(1.0, n), np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n)
    came, on_day = np.full(n, np.inf), np.zeros(n, dtype=bool)
    while (clock < 1.0).any():
        until = clock + rng.exponential(tau, n)
        rate = np.where(now, hazard(WITH), hazard(WITHOUT))
        at = clock + (effort - spent) / rate
        came = np.where((at >= clock) & (at < until), np.minimum(came, at), came)
        on_day = np.where((clock <= 0.5) & (until > 0.5), now, on_day)
        spent, clock, now = spent + rate * (until - clock), until, rng.random(n) < open_again
    simulated = float((came[on_day] < 1.0).mean())
    rule = read(net, flat, Condition("deal", ("yes",)), DatedCondition("talks", ("open",), MIDDLE))
    assert (rule - simulated) * float(on_day.mean()) == pytest.approx(0.0, abs=0.015)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.booleans())
def test_what_statements_read(seed: int, n: int, has_timing: bool) -> None:
    """What is read of a condition in time is the enumeration over all days, on the tape and on draws."""
    world, rng = random_world(seed, n, n_reports=3), np.random.default_rng(seed + 1)
    world = timed(rng, world) if has_timing else world
    x = rng.normal(size=((prior := rows_prior(world.layout)).n_coordinates, 1))
    flat = theta_draws(prior, x)
    reader = TimedReader(world.workspace, named(world.layout, flat))
    made = [with_times(rng, one, reader) for one in random_statements(rng, reader, 4)]
    kept = []
    for one in made:
        try:
            implied = reader.implied(one)
        except NothingToComeError:
            continue
        if all(np.isfinite(q).all() and np.abs(q).max() < READABLE for q in implied):
            kept.append(one)
    assume(any(isinstance(when, DatedCondition) for one in kept for when in one.about.given))
    spec = replace(
        prior_spec(world.layout, replace(world.workspace, statements=tuple(kept)), HORIZON),
        rows=rows_prior(world.layout),
    )  # of x, whatever is stated
    expected = [float(q[0]) for one in in_order(spec, kept) for q in reader.implied(one)]
    np.testing.assert_allclose(expected, interpret(record_program(spec), x[:, 0].tolist()), rtol=1e-9, atol=1e-9)
    found = quantities(spec, flat, range(spec.quantities.n_rows))
    np.testing.assert_allclose(expected, found[:, 0], rtol=0, atol=1e-9)


def test_too_many_events_on_two_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition by a day that would cost more than all else is refused at its statement, with the ways out."""
    monkeypatch.setattr(spec_module, "MOST_ENTRIES", 10)
    made = statement("said", Target(DONE, None, (yes("e0", MIDDLE),), None), 0.5)
    with pytest.raises(WorkspaceProblems) as told:
        prior_spec(lay_out(chain(2)), workspace(chain(2), statements=[made]), HORIZON)
    (problem,) = told.value.problems
    assert (
        "test.yaml:1: statement 'said': 'held_by' is about the states of too many events on two days; "
        "got 31 products; at most 10; say when: at_once, or leave 'held_by' out"
    ) == str(problem)


def with_causes(*parents: str) -> Network:
    """A chain of two, and an event of seven independent causes that is a chain of auxiliary variables."""
    causes = [event(f"c{i}") for i in range(7)]
    events = chain(2).events.values()
    return network(*events, *causes, event("sum", parents=[*(c.id for c in causes), *parents], cpt=NOISY))


@pytest.mark.parametrize("parents", [(), ("e1",)])
def test_independent_causes_that_come_after(parents: tuple[str, ...]) -> None:
    """An event of independent causes that nothing read descends from changes nothing that is read of two days."""
    net = with_causes(*parents)
    layout = lay_out(net)
    flat = np.random.default_rng(7).uniform(0.05, 0.9, size=(layout.n_theta, 1))
    alone = theta(chain(2), chain_chances(2))
    first = layout.offsets[layout.index["e0"]]
    flat[first : first + alone.size] = alone
    for day in (MIDDLE, date(2026, 7, 1)):
        expected = read(chain(2), alone, DONE, yes("e0", day))
        assert read(net, flat, DONE, yes("e0", day)) == pytest.approx(expected, abs=1e-12)
        made = statement("said", Target(DONE, None, (yes("e0", day),), None), 0.5)
        spec = replace(
            prior_spec(layout, workspace(net, statements=[made]), HORIZON), rows=rows_prior(layout)
        )  # of x, whatever is stated
        (network,) = spec.networks
        assert len(network.cards) > len(layout.cards) + 2  # there are auxiliary variables behind the copies


def test_independent_causes_on_the_way() -> None:
    """A condition by a day about what descends from independent causes is refused at its statement, with a way out."""
    net = with_causes("e1")
    about = Condition("sum", ("yes",))
    made = statement("said", Target(about, None, (yes("e0", MIDDLE),), None), 0.5)
    with pytest.raises(WorkspaceProblems) as refused:
        prior_spec(lay_out(net), workspace(net, statements=[made]), HORIZON)
    (problem,) = refused.value.problems
    assert (
        "test.yaml:1: statement 'said': 'held_by' hangs together with event 'sum', of cpt noisy_or; "
        "say when: at_once, leave 'held_by' out, or give 'sum' cpt shared"
    ) == str(problem)
