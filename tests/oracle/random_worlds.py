"""Random small worlds with histories and reports, and theta in both notations: the model's and the engine's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast.model.layout import Layout, lay_out
from forecast.workspace.names import seen_on
from forecast.workspace.records import (
    Bearing,
    Claim,
    Condition,
    Event,
    Item,
    Likelihood,
    Network,
    OnScenarios,
    Requirement,
    Roll,
    Scenario,
    Settled,
    Support,
    Workspace,
)
from forecast.workspace.renames import DatedRates, Timing, Weibull
from tests.oracle.enumeration import Theta, lacks
from tests.worlds import HERE, HORIZON, OPENS, item, random_network, rule, workspace

Array = NDArray[np.float64]
WINDOW = (HORIZON - OPENS).days
BY_CAUSE = ("noisy_or", "noisy_max")


@dataclass(frozen=True)
class World:
    """A workspace and draws of theta: `theta` as probabilities by name, `flat` (n_theta, draws) as the engine's."""

    workspace: Workspace
    layout: Layout
    theta: Theta
    flat: Array


def random_theta(rng: np.random.Generator, layout: Layout, draws: int) -> tuple[Theta, Array]:
    """Rows of any shape: log-odds of sd 1.5."""
    theta, flat = {}, np.zeros((layout.n_theta, draws))
    for v, event in enumerate(layout.events):
        width = layout.width(v)
        for row, configuration in enumerate(layout.configurations(v)):
            parents = tuple(layout.events[p].states[x] for p, x in zip(layout.parents[v], configuration, strict=True))
            eta = rng.normal(0.0, 1.5, (width, draws))
            first = 1 if event.kind == "reached" else 0
            by_parent = dict(zip(event.parents, parents, strict=True))
            held = np.array([[not lacks(event, state, by_parent)] for state in event.states[first:]])
            values = 1.0 / (1.0 + np.exp(-eta)) if first else np.exp(eta) / (np.exp(eta) * held).sum(axis=0)
            values = values * held
            for k in range(width):
                theta[event.id, parents, k] = values[k]
                number = -np.log1p(-values[k]) if event.kind == "reached" else values[k]
                flat[layout.theta_index(v, row, k)] = number
    return theta, flat


def named(layout: Layout, flat: Array) -> Theta:
    """Theta by name, as probabilities, from the engine's vector (n_theta, draws)."""
    theta = {}
    for v, one in enumerate(layout.events):
        for row, configuration in enumerate(layout.configurations(v)):
            parents = tuple(layout.events[p].states[x] for p, x in zip(layout.parents[v], configuration, strict=True))
            if one.cpt.kind in BY_CAUSE and not one.requires:
                numbers = highest_of(layout, v, configuration, flat)
            else:
                numbers = [flat[layout.theta_index(v, row, k)] for k in range(layout.width(v))]
            for k, number in enumerate(numbers):
                theta[one.id, parents, k] = -np.expm1(-number) if one.kind == "reached" else number
    return theta


def highest_of(layout: Layout, v: int, configuration: tuple[int, ...], flat: Array) -> list[Array]:
    """A row of causes that act each by itself: rates that add up, or a sum over what each of them brings about.

    The engine's vector holds the leak first, then every state of every parent but its first.
    """
    states = [range(1, layout.cards[p]) for p in layout.parents[v]]
    links = [(place, x) for place, of in enumerate(states) for x in of]
    causes = [0, *(1 + n for n, (place, x) in enumerate(links) if configuration[place] == x)]
    parts = [[flat[layout.theta_index(v, cause, k)] for k in range(layout.width(v))] for cause in causes]
    if layout.events[v].kind == "reached":
        return [np.sum(of_step, axis=0) for of_step in zip(*parts, strict=True)]
    totals = [np.zeros(flat.shape[1]) for _ in range(layout.cards[v])]
    for each in product(range(layout.cards[v]), repeat=len(parts)):
        totals[max(each)] += np.prod([part[x] for part, x in zip(parts, each, strict=True)], axis=0)
    return totals


def some_day(rng: np.random.Generator, after: date = OPENS, before: date = HORIZON) -> date:
    """A day of the window, both ends included."""
    return after + timedelta(days=int(rng.integers(0, (before - after).days + 1)))


def random_history(rng: np.random.Generator, event: Event, last: date) -> list[Item]:
    """Settled items of one event that fit together, up to a date."""
    quarters = rng.random() < 0.5  # often on the same days as other events
    drawn = {some_day(rng, OPENS, last) for _ in range(int(rng.integers(0, 4)))}
    days = sorted({OPENS + 91 * ((day - OPENS) // 91) if quarters else day for day in drawn})
    steps: list[tuple[date, str]] = []
    if event.kind == "reached":
        states = sorted(int(rng.integers(1, len(event.states))) for _ in days)
        steps = [(day, event.states[state]) for day, state in zip(days, states, strict=True)]
    elif event.kind == "status":
        steps = [(day, event.states[int(rng.integers(len(event.states)))]) for day in days]
    elif rng.random() < 0.3:
        state = event.states[int(rng.integers(len(event.states)))]
        steps = [(day, state) for day in days]
    items = []
    for number, (day, state) in enumerate(steps):
        reported = day + timedelta(days=int(rng.integers(0, 30)) * int(rng.random() < 0.5))
        retracted = reported + timedelta(days=int(rng.integers(1, 200))) if rng.random() < 0.15 else None
        items.append(
            item(
                f"settled-{event.id}-{number}",
                reported,
                Settled(event.id, state, HERE),
                happened=day if reported != day else None,
                retracted=retracted,
            )
        )
    return items


def random_bearing(rng: np.random.Generator, event: Event, reported: date) -> Bearing:
    """A likelihood (ties and zeros included), a support or a claim."""
    until = None if rng.random() < 0.5 else reported + timedelta(days=int(rng.integers(1, 400)))
    kind = int(rng.integers(4))
    if kind <= 1:
        ratios = np.round(rng.uniform(0.0, 1.0, len(event.states)), int(rng.integers(1, 6)))
        ratios[int(rng.integers(len(event.states)))] = 1.0
        return Likelihood(event.id, dict(zip(event.states, ratios.tolist(), strict=True)), until, HERE)
    if kind == 2:
        chosen = tuple(s for s in event.states if rng.random() < 0.5) or event.states[:1]
        strength = str(rng.choice(["slight", "moderate", "strong", "very_strong"]))
        return Support(event.id, strength, chosen, until, HERE)
    return Claim(event.id, event.states[int(rng.integers(len(event.states)))], HERE)


def random_report(rng: np.random.Generator, network: Network, name: str, last: date) -> Item:
    """An unsettled item on one to three events, half of them in one of two groups."""
    events = list(network.events.values())
    reported = some_day(rng, OPENS, last)
    about = rng.choice(len(events), size=min(len(events), int(rng.choice([1, 1, 1, 2, 3]))), replace=False)
    return item(
        name,
        reported,
        *(random_bearing(rng, events[v], reported) for v in about),
        source=str(rng.choice(["wire", "blog", "agency", "rumour"])),
        credibility=int(rng.integers(1, 7)),
        group=str(rng.choice(["north", "south"])) if rng.random() < 0.5 else None,
        rho=float(rng.choice([0.9, 0.5, 0.0])),
        retracted=reported + timedelta(days=int(rng.integers(1, 300))) if rng.random() < 0.15 else None,
        supersedes=f"report-{int(rng.integers(6))}" if rng.random() < 0.1 else None,
    )


def random_scenarios(rng: np.random.Generator, network: Network) -> list[Scenario]:
    """Up to three overlapping rules of one or two conditions."""
    events = list(network.events.values())
    rules = []
    for number in range(int(rng.integers(0, 4))):
        chosen = rng.choice(len(events), size=min(len(events), int(rng.integers(1, 3))), replace=False)
        when = {
            events[v].id: [s for s in events[v].states if rng.random() < 0.5] or events[v].states[1:] for v in chosen
        }
        rules.append(rule(f"scenario-{number}", **when))
    return rules


def random_world(
    seed: int, n_events: int, *, draws: int = 3, n_reports: int = 6, has_requirements: bool = False
) -> World:
    """A random workspace; its items lie in the first three quarters of the window."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_events)
    network = with_requirements(rng, network) if has_requirements else network
    last = OPENS + timedelta(days=3 * WINDOW // 4)
    items = [one for event in network.events.values() for one in random_history(rng, event, last)]
    items += [random_report(rng, network, f"report-{n}", last) for n in range(int(rng.integers(0, n_reports + 1)))]
    made = workspace(
        network,
        items=items,
        scenarios=random_scenarios(rng, network),
        watched_until=None if rng.random() < 0.5 else some_day(rng),
    )
    layout = lay_out(network)
    theta, flat = random_theta(rng, layout, draws)
    return World(made, layout, theta, flat)


def with_parts_on_scenarios(rng: np.random.Generator, made: World) -> World:
    """Half of the unsettled items also, or only, bear on the scenarios; zeros and ties included."""
    rules = tuple(random_scenarios(rng, made.workspace.network)) or (
        rule("first", **{name: one.states[-1] for name, one in list(made.workspace.network.events.items())[:2]}),
    )
    items = []
    for one in made.workspace.items:
        if rng.random() < 0.5 and not any(isinstance(part, Settled) for part in one.bears_on):
            numbers = np.round(rng.uniform(0.0, 1.0, len(rules) + 1), int(rng.integers(1, 4)))
            numbers[int(rng.integers(len(numbers)))] = 1.0
            until = None if rng.random() < 0.5 else one.reported + timedelta(days=int(rng.integers(1, 400)))
            names = (*(scenario.id for scenario in rules), "other")
            part = OnScenarios(dict(zip(names, numbers.tolist(), strict=True)), rules, until, HERE)
            one = replace(one, bears_on=(part,) if rng.random() < 0.5 else (*one.bears_on, part))
        items.append(one)
    return replace(made, workspace=replace(made.workspace, items=tuple(items), scenarios=rules))


def with_requirements(rng: np.random.Generator, network: Network) -> Network:
    """The network with requirements of some states of some events with parents: one way or two, of one or two each."""
    events = {}
    for name, one in network.events.items():
        needs = []
        for state in one.states[1:] if one.parents else ():
            if rng.random() < 0.5:
                ways = [random_way(rng, network, one) for _ in range(int(rng.integers(1, 3)))]
                needs.append(Requirement(state, tuple(ways)))
        events[name] = replace(one, requires=tuple(needs))
    return replace(network, events=events)


def random_way(rng: np.random.Generator, network: Network, one: Event) -> tuple[Condition, ...]:
    """Conditions on one or two parents of an event; of reached parents a state and all later ones, mostly."""
    chosen = rng.choice(one.parents, size=min(len(one.parents), int(rng.integers(1, 3))), replace=False)
    conditions = []
    for parent in map(str, chosen):
        states = network.events[parent].states
        first = int(rng.integers(1, len(states)))
        named = states[first:] if rng.random() < 0.8 else tuple(s for s in states if rng.random() < 0.5)
        conditions.append(Condition(parent, named or states[:1]))
    return tuple(conditions)


def random_timing(rng: np.random.Generator, last: date = HORIZON) -> Timing | None:
    """None, a Weibull, or one to three dated rates, some of them 0 (never in the whole window)."""
    kind = int(rng.integers(4))
    if kind == 0:
        return None
    if kind == 1:
        return Weibull(float(rng.choice([0.4, 0.7, 1.0, 1.6, 3.0])))
    days = sorted({some_day(rng, OPENS, last) for _ in range(int(rng.integers(1, 4)))})
    rates = [float(rng.choice([0.0, 0.25, 1.0, 2.0, 7.5])) for _ in days]
    return DatedRates(tuple(zip([OPENS, *days[1:]] if rng.random() < 0.2 else days, [*rates[:-1], 3.0], strict=True)))


def timed(rng: np.random.Generator, world: World, *, rolled_to: date | None = None) -> World:
    """The same world with timings for reached events, and perhaps asked about a later horizon."""
    events = {
        name: replace(event, timing=random_timing(rng)) if event.kind == "reached" else event
        for name, event in world.workspace.network.events.items()
    }
    rolls = (Roll(OPENS, rolled_to, None, HERE),) if rolled_to else ()
    made = seen_on(
        replace(world.workspace, network=replace(world.workspace.network, events=events, rolled=rolls)), HORIZON
    )
    return replace(world, workspace=made, layout=lay_out(made.network))


def configurations(network: Network, event: Event) -> list[tuple[str, ...]]:
    """Parents' states of an event, in row order."""
    return list(product(*(network.events[p].states for p in event.parents)))
