"""The as-of rows against simulated histories: continuous time, constant hazards given the parents' present states."""

from __future__ import annotations

from datetime import date
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.inference.tape import NumpyMath
from forecast.model.asof import compile_workspace, factors, family_tables
from forecast.model.layout import lay_out, mean_hazard
from forecast.workspace.records import Cpt, Event, Item, Network, Settled
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

Array = NDArray[np.float64]
MIDDLE = date(2026, 1, 1)  # 365 of 730 days: half the window
QUIET = 0.5
FIRST, WITH, WITHOUT = 0.5, 0.72, 0.047  # P(first), P(child | parent taken), P(child | parent not taken)
HISTORIES = 2_000_000


def crossing(effort: Array, parent: Array, before: float, after: float, start: Array | float = 0.0) -> Array:
    """When a hazard that is `before` until the parent moves and `after` from then on has added up to `effort`."""
    used = np.maximum(parent - start, 0.0) * before
    return np.where(effort < used, start + effort / before, np.maximum(parent, start) + (effort - used) / after)


def hazard(p_taken: float) -> float:
    """Constant hazard per window."""
    return -float(np.log1p(-p_taken))


def theta(net: Network, chances: dict[str, tuple[float, ...]]) -> Array:
    """One draw; `chances[event]` are P(step taken within the window), row after row."""
    layout = lay_out(net)
    return np.array([[hazard(p)] for name in net.events for p in chances[name]]).reshape(layout.n_theta, 1)


def joint(net: Network, chances: dict[str, tuple[float, ...]], items: tuple[Item, ...] = ()) -> Array:
    """P(states at the horizon | known in the middle of the window), all events."""
    layout = lay_out(net)
    compiled = compile_workspace(layout, workspace(net, items=items), MIDDLE)
    tables, _ = factors(compiled, theta(net, chances))
    everything = list(range(len(layout.cards)))
    masks = np.eye(int(np.prod(compiled.cards))).reshape(-1, *compiled.cards)
    solution = solve(plan(compiled.cards, compiled.scopes, everything), tables, masks)
    full = np.zeros(layout.cards)
    full[np.ix_(*(list(states) for states in compiled.alive))] = np.exp(
        solution.log_regions - solution.log_evidence
    ).reshape(compiled.cards)
    return full


def chain(n: int) -> Network:
    """Events e0 -> e1 -> .. that are taken or not."""
    return network(*(event(f"e{k}", parents=[f"e{k - 1}"] if k else []) for k in range(n)))


def chain_chances(n: int) -> dict[str, tuple[float, ...]]:
    """Chances of a chain."""
    return {f"e{k}": (WITHOUT, WITH) if k else (FIRST,) for k in range(n)}


def simulated_chain(n: int, histories: int = HISTORIES) -> Array:
    """Dates (in windows) of the events of a chain, (events, histories)."""
    rng = np.random.default_rng(20250806)
    times = [rng.exponential(1.0 / hazard(FIRST), histories)]
    for _ in range(n - 1):
        times.append(crossing(rng.exponential(1.0, histories), times[-1], hazard(WITHOUT), hazard(WITH)))
    return np.array(times)


def test_quiet_half_window(capsys: pytest.CaptureFixture[str]) -> None:
    """After a quiet half window the rule's joint distribution of a three-event chain is the simulated one to .015."""
    times = simulated_chain(3)
    quiet = times[:, (times > QUIET).all(axis=0)] < 1.0
    rule = joint(chain(3), chain_chances(3))
    errors = {
        states: float(rule[states]) - float((quiet == np.array(states)[:, np.newaxis]).all(axis=0).mean())
        for states in product((0, 1), repeat=3)
    }
    with capsys.disabled():
        largest = max(errors.values(), key=abs)
        print(f"\nas-of rule less {quiet.shape[1]} simulated histories: at most {largest:+.4f}")
    assert all(abs(error) < 0.015 for error in errors.values())
    simulated_first = quiet[0].mean()
    assert 1.0 - np.sqrt(1.0 - FIRST) == pytest.approx(float(rule[1].sum()), abs=1e-12)
    assert simulated_first == pytest.approx(float(rule[1].sum()), abs=0.002)


def naive_first(happened: int | None) -> float:
    """P(first) of a static chain of four (or of a pair whose child happened) with `not yet` vectors as evidence."""
    total = np.zeros(2)
    n = 4 if happened is None else 2
    for states in product((0, 1), repeat=n):
        chance = 1.0
        for k, state in enumerate(states):
            p = FIRST if k == 0 else (WITH if states[k - 1] else WITHOUT)
            quiet = ((1.0 - p) ** QUIET - (1.0 - p)) / p  # P(not by the middle | taken by the horizon)
            chance *= p if state else 1.0 - p
            chance *= float(state) if k == happened else (quiet if state else 1.0)
        total[states[0]] += chance
    return float(total[1] / total.sum())


def test_not_yet_vectors_are_wrong() -> None:
    """A quiet chain of four: .29 (simulated .295), where `not yet` vectors in a static network say .144."""
    times = simulated_chain(4)
    simulated = float((times[0, (times > QUIET).all(axis=0)] < 1.0).mean())
    rule = float(joint(chain(4), chain_chances(4))[1].sum())
    assert simulated == pytest.approx(rule, abs=0.003)
    assert rule == pytest.approx(0.295, abs=0.003)
    assert naive_first(None) == pytest.approx(0.144, abs=0.003)


def test_a_child_that_came_first_does_not_drag_its_parent() -> None:
    """The parent of a child that happened first stays at .29 (simulated .296); a static network says .864."""
    times = simulated_chain(2)
    child_first = times[0, (times[1] < QUIET) & (times[0] > QUIET)]
    happened = item("child", date(2025, 6, 1), Settled("e1", "yes", HERE))
    rule = float(joint(chain(2), chain_chances(2), (happened,))[1].sum())
    assert float((child_first < 1.0).mean()) == pytest.approx(rule, abs=0.01)
    assert rule == pytest.approx(0.296, abs=0.004)
    assert naive_first(1) == pytest.approx(0.864, abs=0.003)


def test_two_steps_of_one_event() -> None:
    """Two steps still to come: .034 by the rule against .038 simulated; a plain product says .059."""
    lower, upper, n = 0.3, 0.8, HISTORIES
    rng = np.random.default_rng(7)
    parent = rng.exponential(1.0 / hazard(FIRST), n)
    first = crossing(rng.exponential(1.0, n), parent, hazard(lower), hazard(upper))
    second = crossing(rng.exponential(1.0, n), parent, hazard(lower), hazard(upper), first)
    simulated = float((second[(parent > QUIET) & (first > QUIET)] < 1.0).mean())
    steps: Event = event("steps", states=["none", "one", "two"], parents=["cause"])
    net = network(event("cause"), steps)
    table = joint(net, {"cause": (FIRST,), "steps": (lower, lower, upper, upper)})
    survival = [1.0 - table[a, 1:].sum() / table[a].sum() for a in (0, 1)]
    plain = sum(float(table[a].sum()) * (1.0 - survival[a]) ** 2 for a in (0, 1))
    assert simulated == pytest.approx(0.038, abs=0.001)
    assert float(table[:, 2].sum()) == pytest.approx(0.034, abs=0.001)
    assert plain == pytest.approx(0.059, abs=0.002)


def simulated_or(parents: Array, leak: float, link: float) -> Array:
    """When a hazard that every parent raises by the same, from its date on, has added up to a drawn effort."""
    rng = np.random.default_rng(11)
    effort, used = rng.exponential(1.0, parents.shape[1]), np.zeros(parents.shape[1])
    start, date_of = np.zeros(parents.shape[1]), np.full(parents.shape[1], np.inf)
    ends = np.concatenate([np.sort(parents, axis=0), np.full((1, parents.shape[1]), 1e9)])
    for number, end in enumerate(ends):
        rate = leak + number * link
        comes = start + (effort - used) / rate
        date_of = np.where((date_of == np.inf) & (comes <= end), comes, date_of)
        used, start = used + rate * (end - start), end
    return date_of


def parents_of(kind: str, n: int, p_taken: float) -> Array:
    """Dates (n, histories) of parents that are independent, a chain, or children of one cause of their own."""
    rng = np.random.default_rng(12)
    root = rng.exponential(1.0 / hazard(p_taken if kind == "chain" else FIRST), HISTORIES)
    if kind == "independent":
        return rng.exponential(1.0 / hazard(p_taken), (n, HISTORIES))
    times = [root]
    for _ in range(n - (kind == "chain")):
        before = times[-1] if kind == "chain" else root
        times.append(crossing(rng.exponential(1.0, HISTORIES), before, hazard(WITHOUT), hazard(p_taken)))
    return np.array(times if kind == "chain" else times[1:])


@pytest.mark.parametrize(("p_taken", "p_link"), [(0.5, 0.6), (0.8, 0.9)])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("kind", ["independent", "chain", "fork"])
def test_causes_that_come_each_on_a_date_of_its_own(
    kind: str, n: int, p_taken: float, p_link: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of a noisy OR err less than with one common date; so does the event, but for parents of one cause (.011)."""
    leak, link = hazard(WITHOUT), hazard(p_link)
    parents = parents_of(kind, n, p_taken)
    child = simulated_or(parents, leak, link)
    quiet = (parents > QUIET).all(axis=0) & (child > QUIET)
    came, taken = parents[:, quiet] < 1.0, child[quiet] < 1.0
    names = [f"p{number}" for number in range(n)]
    net = network(*map(event, names), event("child", parents=names, cpt=Cpt("noisy_or", "net")))
    layout = lay_out(net)
    compiled = compile_workspace(layout, workspace(net), MIDDLE)
    (row,) = family_tables(compiled, np.array([[1.0]] * n + [[leak]] + [[link]] * n))[n]
    errors: dict[str, list[tuple[float, float]]] = {"own": [], "common": []}
    for states in product((0, 1), repeat=n):
        of = (came == np.array(states)[:, np.newaxis]).all(axis=0)
        now, then = QUIET * leak, QUIET * (leak + sum(states) * link)
        common = -float(np.expm1(-(mean_hazard(NumpyMath, np.array(now), np.array(then)))))
        for rule, p in (("own", float(row[(*states, 1, 0)])), ("common", common)):
            errors[rule].append((float(of.mean()), p - float(taken[of].mean())))
    in_row = {rule: max(weight * abs(error) for weight, error in of) for rule, of in errors.items()}
    in_event = {rule: abs(sum(weight * error for weight, error in of)) for rule, of in errors.items()}
    with capsys.disabled():
        print(f"\n{kind}, {n} parents {p_taken}, links {p_link}: joint state {in_row}, event {in_event}")
    assert in_row["own"] <= in_row["common"] + 1e-4
    assert in_event["own"] <= (0.013 if kind == "fork" else in_event["common"])


def test_the_middle_of_the_window() -> None:
    """The dates of this file are what its comments say."""
    assert (MIDDLE - OPENS).days / (HORIZON - OPENS).days == QUIET
