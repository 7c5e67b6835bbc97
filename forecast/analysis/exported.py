"""A forecast as a network of tables, for other programs: its joint distribution, as far as its own arrows hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import Weighted, weighted
from forecast.inference.engine import ENGINE
from forecast.ledger.ledger import Ledger, line_of
from forecast.ledger.line import new_line
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, alive_slices, family_tables
from forecast.networks.answer import answer
from forecast.networks.details import NetworkDetails, Properties, VariableDetails
from forecast.networks.network import DiscreteNetwork

Array = NDArray[np.float64]
LARGEST = 100_000  # entries of one event's table: a family of causes may have any number of parents
BLOCK = 4_000_000  # numbers of the tables of one block of draws


class TooLargeError(ValueError):
    """An event has too many combinations of its parents' states for a table."""


@dataclass(frozen=True)
class ExportedForecast:
    """A network, and how near it comes to the forecast.

    `gap` is the largest difference of a state's probability between the network and the forecast, `widest` the event
    and state that have it. `unreached` are the rows for parents' states that cannot be any more.
    """

    network: DiscreteNetwork
    gap: float
    widest: str
    unreached: int


def exported(outcome: Outcome, ledger: Ledger) -> ExportedForecast:
    """Return the network with the arrows of the workspace that is nearest to the forecast.

    Its rows are P(state at the horizon | parents' states, all that is known), over the weighted draws: the posterior
    mean of each row, every draw counted by its weight and by how probable it holds the parents' states. Of all networks
    with these arrows this one has the least Kullback-Leibler divergence from the forecast's joint distribution (Koller
    and Friedman 2009, section 8.5). The evidence is in it: nothing has to be observed. Where evidence or uncertain rows
    tie events together that no arrow joins, its marginals differ from the forecast's; `gap` says by how much.

    A row for parents' states that cannot be any more is the posterior mean of that row alone.

    Raises TooLargeError.
    """
    chosen = weighted(outcome.posterior)
    compiled, layout = chosen.asked.network, outcome.layout
    names = tuple(event.id for event in layout.events)
    means, joints = _families(chosen)
    tables, unreached = {}, 0
    for name, mean, joint in zip(names, means, joints, strict=True):
        reached = joint.sum(axis=-1, keepdims=True)
        rows = np.where(reached > 0.0, joint, mean)
        tables[name] = rows / rows.sum(axis=-1, keepdims=True)
        unreached += int((reached == 0.0).sum())
    made = DiscreteNetwork(
        names,
        {event.id: event.states for event in layout.events},
        {event.id: tuple(names[p] for p in layout.parents[v]) for v, event in enumerate(layout.events)},
        tables,
        (),
        _details(outcome, ledger, compiled),
    )
    found = answer(made, ())
    gaps = {
        f"{name}={state}": abs(p - outcome.events[name][state].probability)
        for name in names
        for state, p in zip(made.states[name], found.marginals[name].tolist(), strict=True)
    }
    widest = max(gaps, key=gaps.__getitem__)
    return ExportedForecast(made, gaps[widest], widest, unreached)


def _families(chosen: Weighted) -> tuple[list[Array], list[Array]]:
    """Return for each event the mean of its rows, and of P(parents, event | E, draw), over all states.

    Both are (parents..., states). A block of draws after the other: tables of all draws at once are large.
    """
    compiled = chosen.asked.network
    layout = compiled.layout
    wanted = [(*layout.parents[v], v) for v in range(len(layout.cards))]
    shapes = [tuple(layout.cards[v] for v in scope) for scope in wanted]
    for event, shape in zip(layout.events, shapes, strict=True):
        if prod(shape) > LARGEST:
            msg = f"event '{event.id}' would have a table of {prod(shape)} entries; at most {LARGEST} are written"
            raise TooLargeError(msg)
    # Families of chained causes hold auxiliary variables: a factor of ones keeps their events together.
    chained = [v for v, scopes in enumerate(compiled.families) if len(scopes) > 1]
    ones = [np.ones((*(compiled.cards[v] for v in wanted[c]), 1)) for c in chained]
    order = ENGINE.plan(compiled.cards, (*compiled.scopes, *(wanted[c] for c in chained)))
    places = [len(compiled.scopes) + chained.index(v) if v in chained else v for v in range(len(layout.cards))]
    means, joints = [np.zeros(shape) for shape in shapes], [np.zeros(shape) for shape in shapes]
    step = max(1, BLOCK // max(map(prod, shapes)))
    for start in range(0, chosen.weights.size, step):
        block = chosen.block(start, start + step)
        rows = family_tables(compiled, np.ascontiguousarray(block.theta))
        for mean, scopes, family, scope in zip(means, compiled.families, rows, wanted, strict=True):
            mean += _contracted(scopes, family, scope) @ block.weights
        tables = [*block.factors()[0], *ones]
        for joint, scope, marginal in zip(joints, wanted, ENGINE.families(order, tables, places)[1], strict=True):
            joint[alive_slices(compiled.alive, scope)] += marginal @ block.weights
    return means, joints


def _contracted(scopes: Sequence[tuple[int, ...]], family: Sequence[Array], wanted: tuple[int, ...]) -> Array:
    """Sum the auxiliary variables out of a family: (*wanted, draws)."""
    if len(family) == 1:
        return family[0]
    places = {v: i for i, v in enumerate(dict.fromkeys(v for scope in (wanted, *scopes) for v in scope))}
    draws = len(places)
    own = [[places[v] for v in scope] for scope in scopes]
    made, left = family[0], own[0]
    for i, table in enumerate(family[1:], 1):
        # A link is summed away as soon as no later factor holds it.
        needed = {*(places[v] for v in wanted), *(one for scope in own[i + 1 :] for one in scope)}
        out = [one for one in dict.fromkeys((*left, *own[i])) if one in needed]
        made = np.einsum(made, [*left, draws], table, [*own[i], draws], [*out, draws])
        left = out
    return np.asarray(np.einsum(made, [*left, draws], [*(places[v] for v in wanted), draws]))


def _details(outcome: Outcome, ledger: Ledger, compiled: AsOfNetwork) -> NetworkDetails:
    """Return where the network comes from: the date, the line of the ledger, digests and the version."""
    line = new_line(outcome)
    recorded = line_of(line, ledger.updates)
    where: Properties = (("ledger_line", "none: this forecast is not in the ledger"),)
    if recorded is not None and recorded.number is not None:
        where = (("ledger_line", str(recorded.number)), ("ledger_digest", ledger.digests[recorded.number - 1]))
    return NetworkDetails(
        name="forecast",
        properties=(
            ("title", outcome.workspace.network.title),
            ("as_of", outcome.as_of.isoformat()),
            ("states_on", compiled.on.isoformat()),
            *where,
            ("inputs_digest", line.kept or ""),
            ("seed", str(outcome.seed)),
            ("version", f"forecast {line.version}"),
            ("numbers", "posterior means of the rows, given all that was known on the date"),
        ),
        variables={
            event.id: VariableDetails(event.name or "", (("question", event.question),))
            for event in outcome.layout.events
        },
    )
