"""Noisy-OR and noisy-MAX against their hidden mechanisms, summed over one by one."""

from __future__ import annotations

from itertools import product
from math import exp, log, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.records import Cpt, Network
from tests.sampling.cpt_worlds import COMPOUND, NET, NOISY_MAX, Drawn
from tests.worlds import event, network

CAUSES = (event("a", "constant"), event("b", "constant", ("no", "some", "much")), event("c", "constant"))
PARENTS = ("a", "b", "c")
CONFIGURATIONS = list(product((0, 1), (0, 1, 2), (0, 1)))
STATES = (("no", "yes"), ("no", "some", "much"), ("no", "yes"))
SEEDS = st.integers(0, 2**32 - 1)


def expit(x: float) -> float:
    """Probability of log-odds."""
    return 1.0 / (1.0 + exp(-x))


def logit(p: float) -> float:
    """Log-odds of a probability."""
    return log(p / (1.0 - p))


def noisy_or_network(cpt: Cpt) -> Network:
    """Three causes of a two-state status and of a reached event with two steps."""
    return network(
        *CAUSES,
        event("flag", "status", parents=PARENTS, cpt=cpt),
        event("steps", "reached", ("none", "one", "two"), PARENTS, cpt=cpt),
    )


def leak_and_links(drawn: Drawn, name: str, j: int, cpt: Cpt, configuration: tuple[int, ...]) -> tuple[float, ...]:
    """The leak and the net links that act, from the documented prior of each."""
    leak = expit(-2.0 + 1.5 * drawn.by_label[f"{name}[{j}]|leak"])
    links = []
    for parent, states, x in zip(PARENTS, STATES, configuration, strict=True):
        if x == 0:
            continue
        z = drawn.by_label[f"{name}[{j}]|{parent}={states[x]}"]
        if cpt.leak == "compound":
            stated = expit(logit(leak) + log(1.0 + exp(2.0 + 1.5 * z)))
            links.append((stated - leak) / (1.0 - leak))
        else:
            links.append(expit(1.5 * z))
    return (leak, *links)


def some_fires(chances: tuple[float, ...]) -> float:
    """P(at least one of independent mechanisms fires), as a sum over which ones do."""
    return sum(
        prod(p if fires else 1.0 - p for p, fires in zip(chances, firing, strict=True))
        for firing in product((False, True), repeat=len(chances))
        if any(firing)
    )


@given(SEEDS)
@pytest.mark.parametrize("cpt", [NET, COMPOUND], ids=["net", "compound"])
def test_noisy_or(cpt: Cpt, seed: int) -> None:
    """A row is the chance that the leak or any acting cause fires, for two states and for each step alike."""
    drawn = Drawn(noisy_or_network(cpt), seed=seed)
    for states in CONFIGURATIONS:
        yes = some_fires(leak_and_links(drawn, "flag", 0, cpt, states))
        assert pytest.approx([1.0 - yes, yes], rel=1e-9) == drawn.row("flag", *states)
        steps = [some_fires(leak_and_links(drawn, "steps", j, cpt, states)) for j in range(2)]
        assert pytest.approx(steps, rel=1e-9) == drawn.row("steps", *states)


def links(stated: list[float], leak: float, cpt: Cpt) -> dict[str, float]:
    """Coordinates of a noisy-OR of binary causes with stated links, under the convention."""
    coordinates = {"y[0]|leak": (logit(leak) + 2.0) / 1.5}
    for n, link in enumerate(stated):
        if cpt.leak == "net":
            coordinates[f"y[0]|x{n}=yes"] = logit(link) / 1.5
        else:
            raised = logit(link) - logit(leak)
            coordinates[f"y[0]|x{n}=yes"] = (log(exp(raised) - 1.0) - 2.0) / 1.5
    return coordinates


def stated_noisy_or(stated: list[float], leak: float, cpt: Cpt) -> Drawn:
    """A noisy-OR of binary causes with the links that were stated."""
    names = [f"x{n}" for n in range(len(stated))]
    net = network(*(event(name, "constant") for name in names), event("y", "constant", parents=names, cpt=cpt))
    return Drawn(net, links(stated, leak, cpt))


@pytest.mark.parametrize("cpt", [NET, COMPOUND], ids=["net", "compound"])
def test_published_number(cpt: Cpt) -> None:
    """Links .4, .8 and .9, all on and without a leak, give .988 under both conventions."""
    assert pytest.approx(0.988, abs=1e-9) == stated_noisy_or([0.4, 0.8, 0.9], 1e-12, cpt).row("y", 1, 1, 1)[1]


def test_leak_conventions() -> None:
    """Link .9 and leak .0001: .90001 if the link is the cause's alone, .9 if it includes the leak."""
    assert pytest.approx(0.90001, abs=1e-12) == stated_noisy_or([0.9], 1e-4, NET).row("y", 1)[1]
    assert pytest.approx(0.9, abs=1e-12) == stated_noisy_or([0.9], 1e-4, COMPOUND).row("y", 1)[1]


@given(SEEDS)
@pytest.mark.parametrize("cpt", [NET, COMPOUND], ids=["net", "compound"])
def test_a_cause_never_hinders(cpt: Cpt, seed: int) -> None:
    """A binary cause that is there makes the event at least as probable, whatever the others do."""
    drawn = Drawn(noisy_or_network(cpt), seed=seed)
    for a, b, c in CONFIGURATIONS:
        yes = drawn.row("flag", a, b, c)[1]
        assert yes <= drawn.row("flag", 1, b, c)[1]
        assert yes <= drawn.row("flag", a, b, 1)[1]


def contribution(drawn: Drawn, label: str, mean: float, card: int) -> list[float]:
    """Distribution of one contribution from the log-odds of going beyond each state."""
    there, states = 1.0, []
    for j in range(card - 1):
        beyond = expit(mean + log(card - 1 - j) + 1.5 * drawn.by_label[f"level[{j}]|{label}"])
        states.append(there * (1.0 - beyond))
        there *= beyond
    return [*states, there]


@given(SEEDS, st.integers(2, 4))
def test_noisy_max(seed: int, card: int) -> None:
    """A row is the distribution of the highest of independent contributions, summed over all their states."""
    states = [f"s{x}" for x in range(card)]
    drawn = Drawn(network(*CAUSES, event("level", "status", states, PARENTS, cpt=NOISY_MAX)), seed=seed)
    for configuration in CONFIGURATIONS:
        acting = [(p, STATES[i][x]) for i, (p, x) in enumerate(zip(PARENTS, configuration, strict=True)) if x]
        parts = [contribution(drawn, "leak", -2.0, card)]
        parts += [contribution(drawn, f"{parent}={state}", 0.0, card) for parent, state in acting]
        expected = [0.0] * card
        for each in product(range(card), repeat=len(parts)):
            expected[max(each)] += prod(part[x] for part, x in zip(parts, each, strict=True))
        assert pytest.approx(expected, rel=1e-9) == drawn.row("level", *configuration)


@given(SEEDS)
def test_noisy_max_of_two_states(seed: int) -> None:
    """A noisy-MAX with two states is the noisy-OR with net links; on a reached event it is that of each step."""
    expected, actual = (Drawn(noisy_or_network(cpt), seed=seed) for cpt in (NET, NOISY_MAX))
    for states in CONFIGURATIONS:
        for name in ("flag", "steps"):
            assert pytest.approx(expected.row(name, *states), rel=1e-12) == actual.row(name, *states)


def test_far_out() -> None:
    """Rows stay probabilities where links are next to 0 or 1: positive, and summing to one."""
    net = network(*CAUSES, event("level", "status", ("low", "mid", "high"), PARENTS, cpt=NOISY_MAX))
    for far in (-30.0, 30.0):
        labels = Drawn(net).by_label
        drawn = Drawn(net, {label: far for label in labels if label.startswith("level")})
        for states in CONFIGURATIONS:
            row = drawn.row("level", *states)
            assert min(row) > 0.0
            assert pytest.approx(1.0, abs=1e-12) == sum(row)
