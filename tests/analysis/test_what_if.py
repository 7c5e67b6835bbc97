"""Learned, imposed and reset against enumeration, the laws of intervention, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from math import exp
from typing import Any

import numpy as np
import pytest

from forecast.analysis.questions import outcome_on
from forecast.analysis.supposition import descendants_of, read_supposition
from forecast.analysis.target import UnknownTargetError
from forecast.analysis.what_if import ImpossibleError
from forecast.ledger.outcome import Outcome
from forecast.model.layout import lay_out
from forecast.workspace.records import Condition, Requirement, Settled
from tests.analysis.worlds import AS_OF, Answered, answered, outcome_of
from tests.oracle.enumeration import AsOf
from tests.plainly import what_if
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

SEEDS = range(12)


def _ask(
    found: Outcome, *learned: str, do: tuple[str, ...] = (), reset: tuple[str, ...] = (), at_once: bool = False
) -> dict[str, object]:
    supposed = read_supposition(found, learned, do, reset, at_once=at_once)
    table: dict[str, object] = what_if(found, supposed, lambda _: None)
    return table


def _numbers(table: dict[str, object]) -> dict[str, float]:
    """Return {scenario or event=state: probability after}."""
    flat = {row["id"]: row["after"] for row in table["scenarios"]}  # type: ignore[attr-defined]  # rows of plain JSON
    for one in table["events"]:  # type: ignore[attr-defined]  # rows of plain JSON
        flat |= {f"{one['id']}={row['id']}": row["after"] for row in one["states"]}
    return flat


def _from_joint(world: Answered, joint: dict[tuple[str, ...], float]) -> dict[str, float]:
    names = list(world.outcome.layout.index)
    found = dict.fromkeys(world.outcome.scenario_ids, 0.0)
    found |= {f"{name}={x}": 0.0 for name in names for x in world.outcome.events[name]}
    total = sum(joint.values())
    for states, chance in joint.items():
        found[world.scenario(states)] += chance / total
        for name, state in zip(names, states, strict=True):
            found[f"{name}={state}"] += chance / total
    return found


def _world(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Answered, np.random.Generator]:
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    return world, np.random.default_rng(seed)


def _possible(world: Answered, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw a joint state that the evidence leaves possible."""
    states = [states for states, chance in world.joint.items() if chance > 0.0]
    return states[int(rng.integers(len(states)))]


@pytest.mark.parametrize("seed", SEEDS)
def test_learned_is_the_mean_joint_given_the_conditions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several conditions are one: the joint restricted to them and normalised once, after the average over draws."""
    world, rng = _world(seed, monkeypatch)
    names, states = list(world.outcome.layout.index), _possible(world, rng)
    places = rng.choice(len(names), size=2, replace=False)
    table = _ask(world.outcome, *(f"{names[v]}={states[v]}" for v in places))
    inside = {x: chance for x, chance in world.joint.items() if all(x[v] == states[v] for v in places)}
    assert _from_joint(world, inside) == pytest.approx(_numbers(table), abs=1e-9)
    assert sum(inside.values()) == pytest.approx(table["p_learned"], abs=1e-9)


def _scaled(joint: dict[tuple[str, ...], float], wanted: dict[int, tuple[str, float]]) -> dict[tuple[str, ...], float]:
    """Iterative proportional fitting: each event's state in turn, until nothing moves."""
    chances = np.array([*joint.values()])
    inside = {v: np.array([x[v] == state for x in joint]) for v, (state, _) in wanted.items()}
    for _ in range(20_000):
        before = chances
        for v, (_, p) in wanted.items():
            now = chances[inside[v]].sum()
            chances = chances * np.where(inside[v], p / now, (1.0 - p) / (1.0 - now))
        if np.abs(chances - before).max() < 1e-14:
            break
    return dict(zip(joint, chances.tolist(), strict=True))


def _open_states(world: Answered, rng: np.random.Generator, most: int) -> dict[int, tuple[str, float]]:
    """Draw a state of each of some events that is neither certain nor impossible, and a probability for it."""
    names = list(world.outcome.layout.index)
    states = _possible(world, rng)
    return {
        v: (states[v], float(rng.uniform(0.3, 0.7)))
        for v in rng.permutation(len(names)).tolist()[:most]
        if 1e-6 < world.outcome.events[names[v]][states[v]].probability < 1.0 - 1e-6
    }


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_learned_of_an_earlier_day(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked about an earlier day, states and scenarios are those of that day, given what is learned of it."""
    world, rng = _world(seed, monkeypatch)
    day = AS_OF + timedelta(days=int(rng.integers(1, (HORIZON - AS_OF).days)))
    there = outcome_on(world.outcome, day)
    oracle = AsOf(world.outcome.workspace, world.oracle.theta, AS_OF, day)
    total = sum(oracle.joint.values())
    weights = world.outcome.posterior.weights.weights
    joint = {states: float(weights @ (chance / total)) for states, chance in oracle.joint.items()}
    states = max(joint, key=lambda one: joint[one])
    names = list(world.outcome.events)
    table = _ask(there, f"{names[0]}={states[0]}")
    given = {one: share for one, share in joint.items() if one[0] == states[0]}
    expected = _from_joint(replace(world, oracle=oracle), {one: p / sum(given.values()) for one, p in given.items()})
    assert _numbers(table) == pytest.approx(expected, abs=1e-9)
    assert (day.isoformat(), HORIZON.isoformat()) == (table["on"], table["horizon"])


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_set_is_jeffreys_rule_for_several(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One: P'(y) = sum_x q(x) P(y | x). Several: the limit of doing so in turn, in whichever order they are given."""
    world, rng = _world(seed, monkeypatch)
    names = list(world.outcome.layout.index)
    wanted = _open_states(world, rng, 1 + seed % 3)
    if not wanted:
        pytest.skip("no event of this world is open")
    asked = [f"{names[v]}={state}:{p!r}" for v, (state, p) in wanted.items()]
    try:
        table = _ask(world.outcome, reset=tuple(asked))
    except ImpossibleError:
        assert len(asked) > 1
        assert world.outcome.workspace.network.events
        limit = _scaled(dict(world.joint), wanted)
        apart = [abs(sum(q for x, q in limit.items() if x[v] == state) - p) for v, (state, p) in wanted.items()]
        assert max(apart) > 1e-6
        return
    assert _from_joint(world, _scaled(dict(world.joint), wanted)) == pytest.approx(_numbers(table), abs=1e-8)
    back = _ask(world.outcome, reset=tuple(reversed(asked)))
    assert _numbers(table) == pytest.approx(_numbers(back), abs=1e-9)


def test_what_cannot_be_set_together_is_named() -> None:
    """An event that requires another cannot be likelier than it; the message names both, and nothing else."""
    first, other = event("first"), event("other")
    second = replace(
        event("second", parents=["first"]), requires=(Requirement("yes", ((Condition("first", ("yes",)),),)),)
    )
    known = workspace(network(first, second, other), scenarios=[rule("both", second="yes")])
    found = outcome_of(known, np.full((lay_out(known.network).n_theta, 4), 0.5), AS_OF)
    with pytest.raises(ImpossibleError, match=r"'first=yes:0\.2', 'second=yes:0\.3' cannot hold together"):
        _ask(found, reset=("other=yes:0.5", "first=yes:0.2", "second=yes:0.3"))
    edge = _numbers(_ask(found, reset=("first=yes:0.3", "second=yes:0.3")))
    assert (0.3, 0.3) == pytest.approx((edge["first=yes"], edge["second=yes"]), abs=1e-9)


def _redrawn(world: Answered, anew: tuple[int, ...], put: dict[int, str], rows: AsOf) -> dict[tuple[str, ...], float]:
    """By enumeration: other events as they are on all evidence, those of `put` in their states, some anew from rows."""
    oracle = world.oracle
    events = list(oracle.network.events.values())
    total, weights = sum(oracle.joint.values()), world.outcome.posterior.weights.weights
    kept = [u for u in range(len(events)) if u not in anew and u not in put]
    others: dict[tuple[str, ...], np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}
    for states, chance in oracle.joint.items():
        key = tuple(states[u] for u in kept)
        others[key] = others.get(key, 0.0) + chance / total
    joint = {}
    for states in product(*(one.states for one in events)):
        if any(states[u] != state for u, state in put.items()):
            continue
        chance = others[tuple(states[u] for u in kept)]
        for u in anew:
            parents = tuple(states[p] for p in world.outcome.layout.parents[u])
            chance = chance * rows.row(events[u].id, parents)[events[u].states.index(states[u])]
        joint[states] = float(weights @ chance)
    return joint


def _imposed(world: Answered, v: int, state: str) -> dict[tuple[str, ...], float]:
    """The imposed world by enumeration: others as they are on all evidence, then each descendant from its row."""
    return _redrawn(world, descendants_of(world.outcome.layout, (v,)), {v: state}, world.oracle)


def _before(table: dict[str, object], column: str = "before") -> dict[str, float]:
    """Return {scenario or event=state: what it is without the intervention, or by the forecast}."""
    flat = {row["id"]: row[column] for row in table["scenarios"]}  # type: ignore[attr-defined]  # rows of plain JSON
    for one in table["events"]:  # type: ignore[attr-defined]  # rows of plain JSON
        flat |= {f"{one['id']}={row['id']}": row[column] for row in one["states"]}
    return flat


@pytest.mark.parametrize("seed", SEEDS)
def test_imposed_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under do the twin network equals enumeration, and nothing moves that is not downstream."""
    world, rng = _world(seed, monkeypatch)
    names = list(world.outcome.layout.index)
    for v, name in enumerate(names):
        state = _possible(world, rng)[v]
        table = _ask(world.outcome, do=(f"{name}={state}",))
        assert _from_joint(world, _imposed(world, v, state)) == pytest.approx(_numbers(table), abs=1e-9)
        moved = {row["id"] for row in table["events"] if row["moved"] > 1e-9}  # type: ignore[attr-defined]  # plain JSON
        assert moved <= {name, *table["descendants"]}  # type: ignore[misc]  # plain JSON
        # Held against the world without the intervention, in which no report speaks of what is downstream either.
        below = descendants_of(world.outcome.layout, (v,))
        assert _from_joint(world, _redrawn(world, below, {}, world.oracle)) == pytest.approx(_before(table), abs=1e-9)
        assert _from_joint(world, dict(world.joint)) == pytest.approx(_before(table, "forecast"), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_imposed_at_once_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put so today: the event and those below follow from the rows that hold once it is settled, the rest stays."""
    world, _ = _world(seed, monkeypatch)
    layout, known = world.outcome.layout, world.outcome.posterior.asked.network.known
    asked = 0
    for v, path in known.paths.items():
        of, seen = layout.events[v], path.on(path.until)
        to_come = [x for x in range(len(of.states)) if (x > seen if of.kind == "reached" else x != seen)]
        for x in to_come[-1:]:
            news = item("news", AS_OF, Settled(of.id, of.states[x], HERE), happened=AS_OF, source="agency")
            items = (*world.oracle.workspace.items, news)
            then = AsOf(replace(world.oracle.workspace, items=items), world.oracle.theta, AS_OF)
            anew = tuple(sorted((v, *descendants_of(layout, (v,)))))
            table = _ask(world.outcome, do=(f"{of.id}={of.states[x]}",), at_once=True)
            assert _from_joint(world, _redrawn(world, anew, {}, then)) == pytest.approx(_numbers(table), abs=1e-9)
            below = descendants_of(layout, (v,))
            by_hand = _from_joint(world, _redrawn(world, below, {}, world.oracle))
            assert by_hand == pytest.approx(_before(table), abs=1e-9)
            asked += 1
    if not asked:
        pytest.skip("no event of this world has anything to come")


@pytest.mark.parametrize("seed", SEEDS)
def test_at_once_is_the_forecast_with_the_news_of_that_day(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes true at once is a step, or a change, that is settled on the as-of date: the same by enumeration."""
    world = answered(seed, 4, monkeypatch)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    layout, known = world.outcome.layout, world.outcome.posterior.asked.network.known
    asked = 0
    for v, path in known.paths.items():
        of, seen = layout.events[v], path.on(path.until)
        state = next((x for x in range(len(of.states)) if (x > seen if of.kind == "reached" else x != seen)), None)
        if state is None:
            continue
        news = item("news", AS_OF, Settled(of.id, of.states[state], HERE), happened=AS_OF, source="agency")
        then = replace(world.oracle.workspace, items=(*world.oracle.workspace.items, news))
        with_it = AsOf(then, world.oracle.theta, AS_OF).joint
        weights = world.outcome.posterior.weights.weights / sum(world.oracle.joint.values())
        by_hand = {states: float(weights @ chance) for states, chance in with_it.items()}
        table = _ask(world.outcome, f"{of.id}={of.states[state]}", at_once=True)
        assert _from_joint(world, by_hand) == pytest.approx(_numbers(table), abs=1e-9)
        assert (True, None) == (table["at_once"], table["p_learned"])
        asked += 1
    if not asked:
        pytest.skip("no event of this world has anything to come")


def test_at_once_a_constant_has_no_time() -> None:
    """A constant that comes true at once is learned; nothing comes true again, or two ways at once."""
    assert _numbers(_ask(_simpson(), "man=yes")) == _numbers(_ask(_simpson(), "man=yes", at_once=True))
    a = event("a", states=("no", "yes", "more"))
    found = outcome_of(
        workspace(network(a), items=[item("it", OPENS, Settled("a", "yes", HERE))]), np.ones((2, 3)), OPENS
    )
    with pytest.raises(ImpossibleError, match="'a=yes' cannot come true at once: 'a' is 'yes' already"):
        _ask(found, "a=yes", at_once=True)
    with pytest.raises(ImpossibleError, match="comes to one state on one day"):
        _ask(found, "a=more", "a=more", at_once=True)


def test_at_once_one_of_several_ways_has_to_be_named() -> None:
    """What requires one of several ways does not come by itself: the message says so, and with a way it comes."""
    needs = Requirement("yes", ((Condition("decree", ("yes",)),), (Condition("vote", ("yes",)),)))
    step = replace(event("step", parents=["decree", "vote"]), requires=(needs,))
    known = workspace(network(event("decree"), event("vote"), step))
    layout = lay_out(known.network)
    theta = np.full((layout.n_theta, 3), 0.5)
    theta[list(layout.excluded)] = 0.0
    found = outcome_of(known, theta, OPENS)
    with pytest.raises(ImpossibleError, match="'step' yes requires decree yes; or vote yes; name the way"):
        _ask(found, "step=yes", at_once=True)
    assert 1.0 == pytest.approx(_numbers(_ask(found, "step=yes", "vote=yes", at_once=True))["vote=yes"])


@pytest.mark.parametrize("at_once", [False, True])
def test_what_lowers_an_event_lowers_it_whatever_was_reported(at_once: bool) -> None:
    """The change is that of the intervention: reports on what it acts on count neither before nor after."""
    net = network(event("delay"), event("launch", parents=["delay"]), event("talk", "constant", parents=["launch"]))
    theta = np.array([0.5, 0.8, 0.6, 0.1, 0.9, 0.8, 0.2])[:, np.newaxis]
    said = item("said", AS_OF, Settled("talk", "yes", HERE))
    scenarios = [rule("on_time", launch="yes")]
    found = outcome_of(workspace(net, items=[said], scenarios=scenarios), np.tile(theta, 2), AS_OF)
    bare = outcome_of(workspace(net, scenarios=scenarios), np.tile(theta, 2), AS_OF)
    asked = {"do": ("delay=yes",), "at_once": at_once}
    for outcome in (found, bare):
        table = _ask(outcome, **asked)  # type: ignore[arg-type]  # the same question
        for name in ("on_time", "launch=yes"):
            assert _numbers(table)[name] - _before(table)[name] < -0.01
    table = _ask(bare, **asked)  # type: ignore[arg-type]  # the same question
    assert _before(table) == pytest.approx(_before(table, "forecast"), abs=1e-12)
    # The report makes delay more probable, and speaks against the launch: the forecast is another number.
    table = _ask(found, do=("delay=yes",))
    assert _before(table, "forecast")["launch=yes"] < _numbers(table)["launch=yes"] < _before(table)["launch=yes"]


def test_what_is_so_is_not_put_so_at_once() -> None:
    """Nothing can be put at once where it is already; the message says how to hold it there."""
    found = outcome_of(workspace(network(event("a", "status", persistence_days=100.0))), np.ones((2, 3)) / 2, AS_OF)
    with pytest.raises(ImpossibleError, match="'a=no' cannot come true at once: 'a' is so already; to hold it there"):
        _ask(found, do=("a=no",), at_once=True)
    assert 1.0 == _numbers(_ask(found, do=("a=no",)))["a=no"]


def test_what_is_known_is_certain() -> None:
    """The probability of what can be nothing else is 1 to the last digit, however the draws are summed."""
    seen = workspace(network(event("a"), event("b")), items=[item("it", OPENS, Settled("a", "yes", HERE))])
    found = outcome_of(seen, np.random.default_rng(1).uniform(0.1, 1.0, (2, 7)), OPENS)
    known = _ask(found, "a=yes")
    assert (1.0, 0.0) == (known["p_learned"], known["p_learned_mcse"])


def test_what_is_learned_and_what_is_stated_have_their_errors() -> None:
    """The probability of what is learned has the Monte Carlo error that the same state has in the forecast."""
    theta = np.random.default_rng(2).uniform(0.1, 0.9, (2, 400))
    found = outcome_of(workspace(network(event("a"), event("b"))), theta, OPENS)
    assert found.events["a"]["yes"].mcse == pytest.approx(_ask(found, "a=yes")["p_learned_mcse"], rel=1e-9)
    assert None is _ask(found, do=("a=yes",))["p_learned_mcse"]


def test_statements_under_the_same_condition_are_told() -> None:
    """Beside the answer stands what was stated of the same case, where that is another number, with the reason."""
    net = network(event("cause", "constant"), event("state", "status", parents=["cause"], persistence_days=2000.0))
    said = [
        statement("rule", target("state", "yes", given={"cause": "yes"}), 0.97),
        statement("other", target("state", "yes", given={"cause": "no"}), 0.97),
    ]
    theta = np.array([0.5, 0.5, 0.5, 0.5, 0.03, 0.97])[:, np.newaxis]
    found = outcome_of(workspace(net, statements=said), np.tile(theta, 2), OPENS)
    rows: list[Any] = list(_ask(found, "cause=yes")["stated"])  # type: ignore[call-overload]  # plain JSON
    kept = exp(-(HORIZON - OPENS).days / 2000.0)
    assert ["rule"] == [row["statement"] for row in rows]
    assert [0.97, 0.97 * (1.0 - kept)] == pytest.approx([rows[0]["stated"], rows[0]["here"]])
    assert "keeps its state for 2000 days on average" in rows[0]["why"]
    assert [] == _ask(found, do=("cause=yes",))["stated"]


def _simpson(p_men: float = 0.5) -> Outcome:
    """Men are treated more often and recover less: P(recovered | treated) = .5 although treatment gives .6."""
    net = network(
        event("man", "constant"), event("treated", "constant", parents=["man"]),
        event("recovered", "constant", parents=["treated", "man"]),
    )  # fmt: skip
    yes = {"man": [p_men], "treated": [0.25, 0.75], "recovered": [0.7, 0.3, 0.8, 0.4]}
    theta = np.array([number for rows in yes.values() for p in rows for number in (1.0 - p, p)])
    known = workspace(net, scenarios=[rule("well", recovered="yes")])
    return outcome_of(known, np.tile(theta[:, np.newaxis], 2), OPENS)


def test_simpson() -> None:
    """Treatment that is imposed gives .6 where treatment that is seen gives .5."""
    assert 0.6 == pytest.approx(_numbers(_ask(_simpson(), do=("treated=yes",)))["well"], abs=1e-12)
    assert 0.5 == pytest.approx(_numbers(_ask(_simpson(), "treated=yes"))["well"], abs=1e-12)
    # Seen men, then treatment imposed: men recover in .4.
    assert 0.4 == pytest.approx(_numbers(_ask(_simpson(), "man=yes", do=("treated=yes",)))["well"], abs=1e-12)


def test_imposed_on_a_root_is_learned() -> None:
    """Where nothing was observed, to impose a root is to learn it."""
    assert _numbers(_ask(_simpson(), "man=yes")) == pytest.approx(
        _numbers(_ask(_simpson(), do=("man=yes",))), abs=1e-12
    )


def test_a_seen_effect_is_set_aside() -> None:
    """A constant that was observed says nothing of its copy: the imposed world forgets it and names the item."""
    seen = item("seen", OPENS, Settled("effect", "yes", HERE))
    net = network(event("cause", "constant"), event("effect", "constant", parents=["cause"]))
    theta = np.array([0.5, 0.5, 0.9, 0.1, 0.2, 0.8])[:, np.newaxis]
    found = outcome_of(workspace(net, items=[seen]), np.tile(theta, 2), AS_OF)
    table = _ask(found, do=("cause=no",))
    assert 0.1 == pytest.approx(_numbers(table)["effect=yes"], abs=1e-12)
    assert ["seen"] == [row["item"] for row in table["set_aside"]]  # type: ignore[attr-defined]  # plain JSON
    with pytest.raises(ImpossibleError, match=r"'effect=no' is impossible.*only be 'yes'"):
        _ask(found, "effect=no", "cause=yes")
    with pytest.raises(ImpossibleError, match=r"'effect=no:0\.3' gives probability to a state that the evidence"):
        _ask(found, reset=("effect=no:0.3",))


def test_conditions_that_exclude_each_other_are_named() -> None:
    """A smallest set of conditions is named, and no other."""
    with pytest.raises(ImpossibleError, match="'man=yes', 'man=no' cannot hold together") as raised:
        _ask(_simpson(), "recovered=yes", "man=yes", "man=no")
    assert "recovered" not in str(raised.value)


@pytest.mark.parametrize(
    ("learned", "imposed", "reset", "message"),
    [
        (["treatd=yes"], [], [], "did you mean 'treated'"),
        (["treated=maybe"], [], [], "has no state 'maybe'"),
        (["treated"], [], [], "write EVENT=STATE"),
        (["treatd>=yes"], [], [], "did you mean 'treated'"),
        (["treated<=maybe"], [], [], "has no state 'maybe'"),
        (["treated>=no"], [], [], "every state, so that nothing is supposed"),
        ([], ["man>=yes"], [], "only one state can be named; write EVENT=STATE"),
        ([], [], ["man>=yes:0.4"], "only one state can be named; write EVENT=STATE"),
        (["treatd=yes"], ["man=maybe"], ["mann=yes:1"], r"'treated'.*\n.*no state 'maybe'.*\n.*did you mean 'man'"),
        (["well=yes"], [], [], "'well' is a scenario; give states of events"),
        ([], ["man=yes", "man=no"], [], "two interventions on one event"),
        (["recovered=yes"], ["treated=yes"], [], "downstream of the intervention"),
        ([], ["man=yes"], ["man=yes:0.4"], "the intervention fixes the event"),
        ([], [], ["man=yes:1.4"], "between 0 and 1"),
        ([], [], ["man=yes:0.7,no:0.7"], "add up to 1.4"),
        ([], [], ["man=yes:nan"], "between 0 and 1"),
    ],
)
def test_refused(learned: list[str], imposed: list[str], reset: list[str], message: str) -> None:
    """What names nothing, or makes no sense together, is refused with a reason."""
    with pytest.raises(ValueError, match=message) as raised:
        read_supposition(_simpson(), learned, imposed, reset)
    assert isinstance(raised.value, UnknownTargetError) == (
        any(word in message for word in ("no state", "did you", "write E", "scenario"))
    )


def test_a_state_and_those_beyond_it() -> None:
    """`>=` is the state and all later ones, `<=` it and all earlier ones, spaces or not."""
    net = network(event("step", "constant", states=["a", "b", "c"]))
    found = outcome_of(workspace(net), np.tile(np.array([[0.2], [0.3], [0.5]]), 2), OPENS)
    for said, states in (("step>=b", (1, 2)), ("step <= b", (0, 1)), ("step<=a", (0,)), ("step=a, c", (0, 2))):
        assert read_supposition(found, [said], [], []).learned[0].states == states
    assert _numbers(_ask(found, "step>=b"))["step=c"] == pytest.approx(0.625, abs=1e-12)
