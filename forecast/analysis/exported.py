"""A forecast as a network of tables, for other programs: posterior means of the rows, and the evidence as findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import weighted
from forecast.ledger.ledger import Ledger, line_of
from forecast.ledger.line import new_line
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, alive_slices, family_tables
from forecast.networks.answer import Finding, answer
from forecast.networks.details import NetworkDetails, Properties, VariableDetails
from forecast.networks.network import DiscreteNetwork

Array = NDArray[np.float64]
LARGEST = 100_000  # entries of one event's table: a family of causes may have any number of parents
BLOCK = 2_000_000  # numbers of the tables of one block of draws


class TooLargeError(ValueError):
    """An event has too many combinations of its parents' states for a table."""


@dataclass(frozen=True)
class ExportedForecast:
    """A network, the findings that stand for the evidence, and how near it comes to the forecast.

    `gap` is the largest difference of a state's probability between the network given `findings` and the forecast, and
    `widest` the event and state that have it. A forecast is a mean over draws; a network has one number where the draws
    have a distribution, and answers at their mean.
    """

    network: DiscreteNetwork
    findings: tuple[Finding, ...]
    gap: float
    widest: str


def exported(outcome: Outcome, ledger: Ledger) -> ExportedForecast:
    """Return the network of the as-of date at the posterior mean of its rows.

    Rows are P(state at the horizon | parents' states, what is known), averaged over the draws by their weights. What
    was reported, and what the past says of states, are further variables with the states yes and no, each a child of
    the events that it bears on: given that all of them are yes, the network has the evidence of the forecast.

    Raises TooLargeError.
    """
    chosen = weighted(outcome.posterior)
    compiled, layout = chosen.asked.network, outcome.layout
    rows = _mean_rows(compiled, chosen.theta, chosen.weights)
    names = tuple(event.id for event in layout.events)
    tables = dict(zip(names, rows, strict=True))
    states = {event.id: event.states for event in layout.events}
    parents = {event.id: tuple(names[p] for p in layout.parents[v]) for v, event in enumerate(layout.events)}
    findings = []
    for scope, likely in _evidence(compiled, chosen.factors()[0], chosen.weights, rows):
        name = _free(f"evidence_{'_'.join(names[v] for v in scope)}", tables)
        states[name] = ("yes", "no")
        parents[name] = tuple(names[v] for v in scope)
        tables[name] = np.stack([likely, 1.0 - likely], axis=-1)
        findings.append(Finding(name, (1.0, 0.0), f"{name}=yes"))
    made = DiscreteNetwork(tuple(tables), states, parents, tables, (), _details(outcome, ledger, findings))
    found = answer(made, findings)
    gaps = {
        f"{name}={state}": abs(p - outcome.events[name][state].probability)
        for name in names
        for state, p in zip(states[name], found.marginals[name].tolist(), strict=True)
    }
    widest = max(gaps, key=gaps.__getitem__)
    return ExportedForecast(made, tuple(findings), gaps[widest], widest)


def _free(name: str, taken: dict[str, Array]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _mean_rows(compiled: AsOfNetwork, theta: Array, weights: Array) -> list[Array]:
    """Return the weighted mean of each event's table over all states, (parents..., states)."""
    layout = compiled.layout
    shapes = [(*(layout.cards[p] for p in layout.parents[v]), card) for v, card in enumerate(layout.cards)]
    for event, shape in zip(layout.events, shapes, strict=True):
        if prod(shape) > LARGEST:
            msg = f"event '{event.id}' would have a table of {prod(shape)} entries; at most {LARGEST} are written"
            raise TooLargeError(msg)
    means = [np.zeros(shape) for shape in shapes]
    step = max(1, BLOCK // max(map(prod, shapes)))
    for start in range(0, weights.size, step):
        some = slice(start, start + step)
        tables = family_tables(compiled, np.ascontiguousarray(theta[:, some]))
        for mean, scopes, family in zip(means, compiled.families, tables, strict=True):
            v = scopes[0][-1]
            mean += _contracted(scopes, family, (*layout.parents[v], v)) @ weights[some]
    return [mean / mean.sum(axis=-1, keepdims=True) for mean in means]


def _contracted(scopes: Sequence[tuple[int, ...]], family: Sequence[Array], wanted: tuple[int, ...]) -> Array:
    """Sum the auxiliary variables out of a family: (*wanted, draws)."""
    if len(family) == 1:
        return family[0]
    places = {v: i for i, v in enumerate(dict.fromkeys(v for scope in (wanted, *scopes) for v in scope))}
    draws = len(places)
    made, left = family[0], [places[v] for v in scopes[0]]
    later = [[places[v] for v in scope] for scope in scopes]
    for i, table in enumerate(family[1:], 1):
        # A link is summed away as soon as no later factor holds it.
        needed = {*(places[v] for v in wanted), *(one for scope in later[i + 1 :] for one in scope)}
        out = [one for one in dict.fromkeys((*left, *later[i])) if one in needed]
        made = np.einsum(made, [*left, draws], table, [*later[i], draws], [*out, draws])
        left = out
    return np.asarray(np.einsum(made, [*left, draws], [*(places[v] for v in wanted), draws]))


def _evidence(
    compiled: AsOfNetwork, factors: Sequence[Array], weights: Array, rows: Sequence[Array]
) -> list[tuple[tuple[int, ...], Array]]:
    """Return what the evidence says of events: scopes, and the mean likelihood over all states, its maximum one."""
    layout = compiled.layout
    first = len(layout.cards)
    found = []
    said: set[int] = set()
    for scope, table in zip(compiled.evidence_scopes, factors[first:], strict=False):
        mean = table[..., 0] if table.shape[-1] == 1 else table @ weights
        full = np.zeros([layout.cards[v] for v in scope])
        full[alive_slices(compiled.alive, scope)] = mean / mean.max()
        found.append((scope, full))
        said |= {*scope}
    for v in range(first):
        dead = [state for state in range(layout.cards[v]) if state not in compiled.alive[v]]
        if v not in said and dead and rows[v][..., dead].any():
            found.append(((v,), np.array([float(state not in dead) for state in range(layout.cards[v])])))
    return found


def _details(outcome: Outcome, ledger: Ledger, findings: Sequence[Finding]) -> NetworkDetails:
    """Return where the network comes from: the date, the line of the ledger, digests and the version."""
    line = new_line(outcome)
    recorded = line_of(line, ledger.updates)
    where: Properties = (("ledger_line", "none: this forecast is not in the ledger"),)
    if recorded is not None and recorded.number is not None:
        where = (("ledger_line", str(recorded.number)), ("ledger_digest", ledger.digests[recorded.number - 1]))
    events = outcome.layout.events
    variables = {event.id: VariableDetails(event.name or "", (("question", event.question),)) for event in events}
    evidence = {
        finding.variable: VariableDetails(properties=(("stands_for", "what is known of its parents; it is yes"),))
        for finding in findings
    }
    return NetworkDetails(
        name="forecast",
        properties=(
            ("title", outcome.workspace.network.title),
            ("as_of", outcome.as_of.isoformat()),
            ("horizon", outcome.workspace.network.horizon.isoformat()),
            *where,
            ("inputs_digest", line.kept or ""),
            ("seed", str(outcome.seed)),
            ("version", f"forecast {line.version}"),
            ("numbers", "posterior means of the rows for the time that remains"),
        ),
        variables={**variables, **evidence},
    )
