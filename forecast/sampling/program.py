"""Stage 1's deterministic part as one recorded program: from CPT coordinates to what each statement reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Queries, TapeTable, restrict, select
from forecast.inference.tape import Program, Tape, TapeMath, Traced, exp_each, joined
from forecast.model.asof import AsOfNetwork, Scope, alive_slices
from forecast.model.causes import family_values
from forecast.model.history import history_values
from forecast.model.rows import row_values
from forecast.sampling.spec import PriorSpec, RowsPrior, TargetOdds, theta_values

Array = NDArray[np.float64]

Target = tuple[Scope, NDArray[np.bool_]]  # a mask over the states of some variables

ALL = np.ones((), dtype=bool)
LEAST = -np.finfo(float).max  # stands for minus infinity where nothing is possible: it can be subtracted
WIDE = 300.0  # nats between the states of one factor, beyond which the rarer ones are weighed by themselves


def record_program(spec: PriorSpec) -> Program:
    """Record the program of a spec.

    Inputs: the coordinates of the CPT rows (alpha, beta, epsilon). Outputs: the quantities of the spec in order, then,
    if there is an anchor, the log probability of its evidence.
    """
    tape = Tape(spec.rows.n_coordinates)
    theta = _theta(tape, spec.rows)
    queries = Queries(tape)
    networks = {n: _Recorded(tape, queries, network, theta) for n, network in enumerate(spec.networks)}
    sides = [networks[side.network].log_masses(side) for side in spec.sides]
    outputs = [Traced(tape, np.empty(0))]  # a workspace may have no statement yet
    if sides:
        logs = joined([Traced(tape, np.array([side[part].at.item() for side in sides])) for part in range(3)])
        outputs.append((spec.quantities @ logs[:, np.newaxis])[:, 0])
    if spec.anchor:
        outputs.append(_Recorded(tape, queries, spec.anchor, theta).log_evidence()[np.newaxis])
    return tape.program(joined(outputs))


def record_theta(rows: RowsPrior) -> Program:
    """Record theta (outputs) as a function of the coordinates of the CPT rows (inputs)."""
    tape = Tape(rows.n_coordinates)
    return tape.program(_theta(tape, rows))


def _theta(tape: Tape, rows: RowsPrior) -> Traced:
    positions = np.zeros(rows.n_theta, dtype=np.uint32) + tape.constant(0.0).at
    positions[rows.certain] = tape.constant(1.0).at
    for where, values in theta_values(TapeMath, rows, tape.inputs[:, np.newaxis]):
        positions[where] = values.at[:, 0]
    return Traced(tape, positions)


class _Recorded:
    """One as-of network on the tape: its factors, restricted to the states that events can still be in."""

    def __init__(self, tape: Tape, queries: Queries, network: AsOfNetwork, theta: Traced) -> None:
        self._queries = queries
        self._network = network
        self._layout = network.layout
        self._alive = network.alive
        self._factors = _families(tape, queries, network, theta)
        self._tape = tape
        self._evidence, self._stateless = self._evidence_logs(theta)

    def _evidence_logs(self, theta: Traced) -> tuple[list[tuple[Scope, Traced | Array]], list[Traced]]:
        """Record the logs of the factors of the past and the reports, and the logs of what no state has a part in."""
        network, cards = self._network, self._network.cards
        scopes, stateless = network.evidence_scopes, []
        logs: list[Traced | Array] = [table for _, table in network.fixed]
        logs += [np.zeros([cards[v] for v in scope]) for scope in scopes[len(logs) :]]
        for scope, table in self._history_logs(theta):
            if not scope:
                stateless.append(table)
                continue
            home, axes, shape = network.home(scope)
            logs[home] = table[alive_slices(self._alive, scope)].transposed(axes).reshaped(shape) + logs[home]
        return list(zip(scopes, logs, strict=True)), stateless

    def _history_logs(self, theta: Traced) -> Iterator[tuple[Scope, Traced]]:
        """Yield the undated parents of each dated event, and the log probability of its course for their states."""
        recipe = self._network.history
        if not recipe.starts:
            return
        terms = history_values(TapeMath, recipe, theta[:, np.newaxis])[:, 0]
        values = self._tape.sums(recipe.constant.size, recipe.entry, 1.0, terms) + recipe.constant
        for scope, shape, start in zip(recipe.scopes, recipe.shapes, recipe.starts, strict=True):
            yield scope, values[start : start + prod(shape)].reshaped(shape)

    def _weighed(
        self, among: Sequence[Sequence[int]], only: Target = ((), ALL)
    ) -> list[tuple[TapeTable, Traced | float]]:
        """Record the factors of the evidence over some of the alive states, and the log that was taken out of each.

        Of those states that agree with `only` (a mask over some variables) the largest has 1, and the others have 0:
        what is left of some states may be less than a double holds beside that of all.
        """
        weighed: list[tuple[TapeTable, Traced | float]] = []
        for scope, logs in self._evidence:
            some = logs[np.ix_(*(list(among[v]) for v in scope))]
            agrees = np.broadcast_to(_projected(only, scope), some.shape)
            values, peak = self._scaled(some, agrees) if isinstance(some, Traced) else self._constant(some, agrees)
            weighed.append((self._queries.table(scope, values), peak))
        return weighed

    def _scaled(self, logs: Traced, agrees: NDArray[np.bool_]) -> tuple[Traced, Traced | float]:
        entries = np.broadcast_to(self._tape.constant(0.0).at, logs.shape).copy()
        kept = logs[agrees]
        peak = reduce(TapeMath.maximum, (kept[i] for i in range(kept.at.size)))
        entries[agrees] = TapeMath.exp(kept - peak).at
        return Traced(self._tape, entries), peak

    def _constant(self, logs: Array, agrees: NDArray[np.bool_]) -> tuple[Traced, float]:
        peak = max(float(logs[agrees].max(initial=-np.inf)), LEAST)
        scaled = exp_each(np.where(agrees, logs - peak, 0.0))
        return self._tape.constant(np.where(agrees, scaled, 0.0)), peak

    def log_evidence(self) -> Traced:
        """Record the log of the mass of everything known."""
        weighed = self._weighed([range(card) for card in self._network.cards])
        own = (table for family in self._factors for table in family)
        tables = [*(select(table, self._alive) for table in own), *(table for table, _ in weighed)]
        total = TapeMath.log(self._queries.masses(self._network.cards, tables, (), [np.ones(())])[0])
        for spent in (*self._stateless, *(peak for _, peak in weighed)):
            total = total + spent
        return total + self._network.log_fixed

    def log_masses(self, side: TargetOdds) -> tuple[Traced, Traced, Traced]:
        """Record ln a, ln b and ln(a + b): a the mass of a side's target given its conditions, b of the complement.

        All three up to one number, which depends on the conditions alone and cancels in what is read of a side.
        """
        given = {v: [x for x in self._alive[v] if x in states] for v, states in side.given}
        alive = [given.get(v, list(states)) for v, states in enumerate(self._alive)]
        among = [[states.index(x) for x in kept] for states, kept in zip(self._alive, alive, strict=True)]
        alive += [list(range(card)) for card in side.rules.cards]
        target = side.table
        for axis, v in enumerate(side.variables):
            target = np.take(target, alive[v], axis=axis)
        cards, both = [len(states) for states in alive], [target, 1.0 - target]
        if not (target.any() and (target < 1.0).any() and self._decided_by_evidence(side)):
            evidence = [table for table, _ in self._weighed(among)]
            tables = self._relevant(side, alive, evidence, self._rules(side, among))
            a, b = self._queries.masses(cards, tables, side.variables, both)
            return TapeMath.log(a), TapeMath.log(b), TapeMath.log(a + b)
        logs = []
        for mask in both:
            weighed = self._weighed(among, (side.variables, mask > 0.0))
            tables = self._relevant(side, alive, [table for table, _ in weighed], self._rules(side, among))
            log_mass = TapeMath.log(self._queries.masses(cards, tables, side.variables, [mask])[0])
            touching = (peak for table, peak in weighed if set(table.scope) & set(side.variables))
            logs.append(reduce(lambda total, peak: total + peak, touching, log_mass))
        larger = TapeMath.maximum(logs[0], logs[1])
        rest = TapeMath.log1p(TapeMath.exp(-TapeMath.abs(logs[0] - logs[1])))
        return logs[0], logs[1], larger + rest

    def _decided_by_evidence(self, side: TargetOdds) -> bool:
        """Say whether evidence on a target's own events may leave its rarer side less than a double holds."""
        touching = [logs for scope, logs in self._evidence if set(scope) & set(side.variables)]
        return any(isinstance(logs, Traced) or _span(logs) > WIDE for logs in touching)

    def _rules(self, side: TargetOdds, among: Sequence[Sequence[int]]) -> list[TapeTable]:
        """Record the factors between the events and a scenario, over some of the alive states."""
        made = []
        for scope, table in zip(side.rules.scopes, side.rules.tables, strict=True):
            states = (among[v] if v < len(among) else range(size) for v, size in zip(scope, table.shape, strict=False))
            made.append(self._queries.table(scope, self._tape.constant(table[..., 0][np.ix_(*map(list, states))])))
        return made

    def _relevant(
        self, side: TargetOdds, alive: list[list[int]], evidence: list[TapeTable], rules: list[TapeTable]
    ) -> list[TapeTable]:
        """Drop barren events (their rows sum to one) and parts that are cut off from the target (they cancel)."""
        # An observed constant has no factor of its own: its row, cut to the state that was seen, is the evidence.
        seen = self._network.known.observed
        about = {*side.variables, *(v for table in rules for v in table.scope)}.intersection(range(len(self._alive)))
        needed = {*about, *(v for v, _ in side.given), *seen, *(v for table in evidence for v in table.scope)}
        stack = list(needed)
        while stack:
            for p in self._layout.parents[stack.pop()]:
                if p not in needed:
                    needed.add(p)
                    stack.append(p)
        own = (table for v in sorted(needed) for table in self._factors[v])
        tables = [*(select(table, alive) for table in own), *evidence, *rules]
        for v, states in enumerate(alive):
            if len(states) == 1 and v not in side.variables:  # carries no influence between its neighbours
                tables = [restrict(table, v, 0) for table in tables]
        reached = set(side.variables)
        connected: list[TapeTable] = []
        while touching := [table for table in tables if reached & set(table.scope)]:
            connected += touching
            tables = [table for table in tables if not reached & set(table.scope)]
            reached |= {v for table in touching for v in table.scope}
        return connected


def _projected(only: Target, scope: Scope) -> NDArray[np.bool_]:
    """Return which states of a scope's own variables agree with a mask, whatever the others are."""
    variables, mask = only
    others = tuple(axis for axis, v in enumerate(variables) if v not in scope)
    mask = mask.any(axis=others)
    own = [v for v in variables if v in scope]
    order = sorted(range(len(own)), key=lambda axis: scope.index(own[axis]))
    sizes = dict(zip(own, mask.shape, strict=True))
    return mask.transpose(order).reshape([sizes.get(v, 1) for v in scope])


def _span(logs: Array) -> float:
    finite = logs[np.isfinite(logs)]
    return float(np.ptp(finite)) if finite.size else 0.0


def _families(tape: Tape, queries: Queries, network: AsOfNetwork, theta: Traced) -> list[list[TapeTable]]:
    """Record the factors of each event's row over all states, in the order of `network.families`."""
    layout = network.layout
    rows = np.zeros(network.rows.n_table, dtype=np.uint32) + tape.constant(0.0).at
    rows[network.rows.certain] = tape.constant(1.0).at
    for where, values in row_values(TapeMath, network.rows, theta[:, np.newaxis]):
        rows[where] = values.at[:, 0]
    chains = {recipe.v: family_values(TapeMath, recipe, theta[:, np.newaxis]) for recipe in network.causes}
    made = []
    for v, scopes in enumerate(network.families):
        if v in chains:
            made.append([queries.table(scope, part[..., 0]) for scope, part in zip(scopes, chains[v], strict=True)])
            continue
        start, shape = layout.table_offsets[v], [layout.cards[other] for other in scopes[0]]
        made.append([queries.table(scopes[0], Traced(tape, rows[start : start + prod(shape)].reshape(shape)))])
    return made
