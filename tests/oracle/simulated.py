"""A world drawn forward from the model: rows, sources, history day by day, what became of it, reports, statements.

Days, final states and what statements read come from the enumeration. Of the engine only the layout of the rows' prior
and of the deviations is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from forecast.cpt.kind import Spoken
from forecast.model.layout import Layout, lay_out
from forecast.model.reports import informative_probability
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import SD_EXPERT, prior_spec, rows_prior, spoken_of, theta_draws
from forecast.workspace.records import Event, Item, Likelihood, Network, Settled, Statement, Workspace
from tests.oracle.enumeration import AsOf, States, Theta
from tests.oracle.random_worlds import named
from tests.oracle.statements import Reader
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

Array = NDArray[np.float64]

AS_OF = date(2026, 1, 1)  # half of the window
SPEAKS = date(2025, 7, 1)  # an analyst who knows the first half year
SOURCES = ("wire", "blog")  # of grades B and D
REPORTS = 6
# What will be stated, whatever the numbers: the prior of the truth is that of the fit.
SPOKEN = {"truce": Spoken(as_a_whole=True), "aid": Spoken(given=frozenset({"truce"})), "will": Spoken(as_a_whole=True)}
LEAST, MOST = 0.05, 0.95  # probability of a report that is informative, by state


@dataclass(frozen=True)
class Simulated:
    """The files, and the truth: theta (n_theta, 1), the reliability of each of SOURCES, the states at the horizon."""

    layout: Layout
    workspace: Workspace
    theta: Array
    reliability: dict[str, float]
    states: States


def simulate(seed: int) -> Simulated:
    """Draw a world by its seed."""
    rng = np.random.default_rng([seed, 20250806])
    net = _network()
    layout = lay_out(net)
    prior = rows_prior(layout, SPOKEN)
    flat = theta_draws(prior, rng.normal(size=(prior.n_coordinates, 1)))
    theta = named(layout, flat)
    rules = [rule("peace", truce=("limited", "general")), rule("cut", aid="cut")]
    world = workspace(net, scenarios=rules, watched_until=AS_OF)
    grades = {name: world.sources[name].grade for name in SOURCES}
    reliability = {
        name: float(beta.ppf(rng.random(), grade.mean * grade.certainty, (1.0 - grade.mean) * grade.certainty))
        for name, grade in grades.items()
    }
    will = str(rng.choice(net.events["will"].states, p=_row(theta, "will", ())))
    settled = tuple(_history(rng, net, theta, {"will": will}))
    states = _final(rng, replace(world, items=settled), theta, {"will": will})
    items = (*settled, *_reports(rng, net, reliability, states))
    world = replace(world, items=tuple(sorted(items, key=lambda one: one.id)))
    said = _statements(rng, layout, world, theta)
    return Simulated(layout, replace(world, statements=said), flat, reliability, states)


def _network() -> Network:
    return network(
        event("will", "constant"),
        event("truce", "reached", ("none", "limited", "general"), parents=["will"]),
        event("aid", "status", ("on", "cut"), parents=["truce"]),
    )


def _row(theta: Theta, name: str, parents: tuple[str, ...]) -> Array:
    values = [theta[key][0] for key in sorted(theta) if key[:2] == (name, parents)]
    return np.array(values)


def _history(rng: np.random.Generator, net: Network, theta: Theta, undated: States) -> Iterator[Item]:
    """Walk the dated events day by day: what happens on a day follows the states before it."""
    window = (net.horizon - net.opens).days
    truce, aid = net.events["truce"], net.events["aid"]
    at = {"truce": 0, "aid": 0}
    day = net.opens
    while day < AS_OF:
        day += timedelta(days=1)
        before = dict(at)
        if before["truce"] < len(truce.states) - 1:
            stays = (1.0 - theta["truce", (undated["will"],), before["truce"]][0]) ** (1.0 / window)
            at["truce"] += int(rng.uniform() > stays)
        if rng.uniform() > np.exp(-1.0 / float(aid.persistence_days or 0)):
            at["aid"] = int(rng.choice(2, p=_row(theta, "aid", (truce.states[before["truce"]],))))
        for one in (truce, aid):
            if at[one.id] != before[one.id]:
                yield item(f"{one.id}-{day}", day, Settled(one.id, one.states[at[one.id]], HERE), source="agency")


def _final(rng: np.random.Generator, known: Workspace, theta: Theta, states: States) -> States:
    """Draw what becomes of the dated events by the horizon, parents first."""
    seen = AsOf(known, theta, AS_OF)
    for one in (known.network.events[name] for name in ("truce", "aid")):
        row = np.array([p[0] for p in seen.row(one.id, tuple(states[parent] for parent in one.parents))])
        states = states | {one.id: str(rng.choice(one.states, p=row))}
    return states


def _reports(rng: np.random.Generator, net: Network, reliability: dict[str, float], states: States) -> Iterator[Item]:
    """Draw reports that are published or not, each with the probability that the model gives; silence is told too."""
    for number in range(REPORTS):
        about: Event = net.events[("will", "truce", "aid")[number % 3]]
        source, credibility = SOURCES[int(rng.integers(2))], int(rng.integers(1, 6))
        chances = rng.uniform(LEAST, MOST, len(about.states))
        q = informative_probability(reliability[source], credibility)
        published = q * chances[about.states.index(states[about.id])] + (1.0 - q) * chances.mean()
        said = chances if rng.uniform() < published else 1.0 - chances
        # About the horizon itself, so that none of it wears off before.
        ratios = Likelihood(about.id, dict(zip(about.states, said.tolist(), strict=True)), HORIZON, HERE)
        reported = OPENS + timedelta(days=int(rng.integers(1, (AS_OF - OPENS).days)))
        yield item(f"report-{number}", reported, ratios, source=source, credibility=credibility)


def _statements(rng: np.random.Generator, layout: Layout, world: Workspace, theta: Theta) -> tuple[Statement, ...]:
    """Let experts state what they read in the truth, each with deviations of the group and noise of their own."""
    plain = replace(
        world,
        statements=(
            statement("a-truce", target("truce", "limited", "general"), 0.5, expert="ann", sd=0.4),
            statement("b-aid", target("aid", "cut", given={"truce": "none"}), 0.5, expert="bob", sd=0.4),
            statement("c-will", target("will", "yes"), 0.5, expert="editors", sd=0.8),
            statement("d-will", target("will", "yes"), 0.5, expert="bob", sd=0.4, day=SPEAKS),
        ),
    )
    assert spoken_of(layout, plain, plain.statements) == SPOKEN
    spec = prior_spec(layout, plain, AS_OF)
    reader, by_id = Reader(plain, theta), {one.id: one for one in plain.statements}
    implied = np.array([reader.implied(by_id[name])[0][0] for name in spec.statement_ids])
    columns, weights = spec.deviations.padded()
    deviation = (weights * rng.normal(size=len(spec.deviation_labels))[columns]).sum(axis=1)
    omega = np.abs(rng.normal(0.0, SD_EXPERT, len(spec.experts)))[spec.stated.expert] * spec.stated.scatters
    noise = np.sqrt((spec.stated.scale**2 + omega**2) / spec.stated.weight)
    heard = implied + deviation + noise * rng.standard_t(DEGREES_OF_FREEDOM, implied.size)
    stated = dict(zip(spec.statement_ids, (1.0 / (1.0 + np.exp(-heard))).tolist(), strict=True))
    readings: list[Any] = [one.reading for one in plain.statements]  # each is a probability
    again = [replace(reading, best=stated[one.id]) for one, reading in zip(plain.statements, readings, strict=True)]
    return tuple(replace(one, reading=reading) for one, reading in zip(plain.statements, again, strict=True))
