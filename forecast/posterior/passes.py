"""Many networks that differ little, on the same draws: a pass computes only what the one before did not.

The evidence with and without each of its parts, one part after the other, with a source a little more or less
reliable: most factors are the same from one such network to the next, and so are most messages of an elimination. What
has been computed is known by the very tables it was made of, so every pass is a whole one to the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from math import log, prod
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import EliminationStep, eliminate
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, KeptMessages, Plan, draws_at_once
from forecast.inference.scaled import REGIONS, Table, contract, eased, is_empty, logs, of_factor, shares
from forecast.model.asof import AsOfNetwork, alive_slices, family_tables, placed, scaled_factor
from forecast.model.history import HistoryRecipe, history_tables
from forecast.model.reliability import logs_at, report_at_nodes
from forecast.model.reports import Report
from forecast.model.rows import row_recipe
from forecast.posterior.posterior import Query, evenly
from forecast.posterior.sources import Reliabilities

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Scope = tuple[int, ...]

REMEMBERED = 100_000_000  # bytes of all messages and factors that are kept


class _Outline(NamedTuple):
    """The factors that a question hangs on, by their places in the scopes of its plan, and the plan of these alone."""

    places: tuple[int, ...]
    order: Plan
    families: tuple[tuple[Scope, ...], ...]


class Passes:
    """Exact inference on the same draws, for one network after the other.

    Args:
        theta: (n_theta, draws).
    """

    def __init__(self, theta: Array) -> None:
        self._theta = evenly(theta, 1)
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._lock = Lock()
        self._standing: tuple[Index | None, list[bytes]] = (None, [])

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return int(self._theta.shape[1])

    def evaluate_scenarios(self, queried: Query, drawn: Reliabilities) -> tuple[Array, Array]:
        """Compute log evidence (draws) and P(s | E, theta_d) (scenarios, draws), as `posterior.evaluate_scenarios`.

        Raises ImpossibleEvidenceError if a draw has no mass.
        """
        outline = outline_of(queried)

        def solved(block: _Block, factors: Sequence[Table], spent: Array) -> tuple[Array, Array]:
            log_evidence, of_regions = block.regions(outline.order, factors, queried.masks)
            return log_evidence + spent, of_regions

        parts = self._on_blocks(queried, outline, drawn, 1, solved)
        return np.concatenate([one for one, _ in parts]), np.concatenate([shares for _, shares in parts], axis=1)

    def joints(self, queried: Query, drawn: Reliabilities) -> Joints | None:
        """Compute P(s, states of the events of each factor of the reports | E, theta_d): one pass outward.

        None where nothing is reported. Raises ImpossibleEvidenceError if a draw has no mass.
        """
        if not queried.network.fixed:
            return None
        outline = outline_of(queried)
        first = len(queried.network.layout.cards)
        wanted = [outline.places.index(first + place) for place in range(len(queried.network.fixed))]

        def solved(_: _Block, factors: Sequence[Table], spent: Array) -> tuple[Array, list[Array]]:
            log_evidence, joints = ENGINE.families(outline.order, factors, wanted, queried.masks)
            return log_evidence + spent, [np.broadcast_to(one, (*one.shape[:-1], spent.size)) for one in joints]

        parts = self._on_blocks(queried, outline, drawn, queried.masks.shape[0], solved)
        joints = [np.concatenate(of_place, axis=-1) for of_place in zip(*(one for _, one in parts), strict=True)]
        return Joints(queried.network, drawn, np.concatenate([one for one, _ in parts]), tuple(joints))

    def _on_blocks[T](
        self, queried: Query, outline: _Outline, drawn: Reliabilities, n_regions: int,
        solved: Callable[[_Block, Sequence[Table], Array], T],
    ) -> list[T]:  # fmt: skip
        """Call a function on blocks of draws: with the factors of each, and the log of what was taken out of them."""
        tables = drawn.tables(queried.network)
        offset = np.zeros(self.n_draws)
        for nodes, constant in zip(drawn.nodes, tables.constant, strict=True):
            if constant.any():
                offset += constant[nodes]
        if self._standing[0] is not drawn.nodes:
            self._standing = drawn.nodes, [_digest(nodes.astype(np.int32)) for nodes in drawn.nodes]
        standing = self._standing[1]
        reported = [
            tuple((s, _digest(table), standing[s]) for s, table in by_source.items()) for by_source in tables.factors
        ]

        size = draws_at_once([outline.order], n_regions, BLOCK)
        n_blocks = -(-self.n_draws // size.draws)

        def on_block(places: Index) -> T:
            first, last = int(places[0]), int(places[-1]) + 1
            with self._lock:
                block = self._blocks.setdefault(
                    (first, last), _Block(self._theta[:, first:last], REMEMBERED // n_blocks)
                )
            factors, spent = block.factors(queried, outline, tables.factors, reported, drawn.nodes[:, first:last])
            return solved(block, factors, spent + offset[first:last])

        return ENGINE.in_blocks(on_block, np.arange(self.n_draws), size=size)


class Joints:
    """P(s, states of some events | E, draw) for each factor of the reports, and what follows for other reports.

    In one draw P(s, x | E) / P(report | x) is, up to a number, what holds without a report on x alone: the draw's
    theta and reliabilities are given. The number is the ratio of the evidence, by which the draw's weight changes.

    Source: Darwiche (2003), "A differential approach to inference in Bayesian networks", section 4 (evidence that is
    retracted).
    """

    def __init__(
        self, network: AsOfNetwork, drawn: Reliabilities, log_evidence: Array, joints: tuple[Array, ...]
    ) -> None:
        self._network, self._drawn, self._joints = network, drawn, joints
        self.log_evidence = log_evidence
        self.scenarios = np.asarray(joints[0].sum(axis=tuple(range(joints[0].ndim - 2))))
        self._told = {_key(report): report for report in network.reports}

    def of(self, other: AsOfNetwork) -> tuple[Array, Array] | None:
        """Return log evidence (draws) and P(s | E', draw) (scenarios, draws) for a network with other reports.

        None where the joints do not tell: what is settled differs, the reports that differ are on events of several
        factors, or one of them excludes a state that is possible without it.
        """
        network = self._network
        if other.rows is not network.rows or other.history is not network.history:
            return None
        now = {_key(report): report for report in other.reports}
        differing = [(-1.0, self._told[key]) for key in self._told.keys() - now.keys()]
        differing += [(1.0, now[key]) for key in now.keys() - self._told.keys()]
        by_scope: dict[Scope, Array] = {}
        offset = np.zeros(self.log_evidence.size)
        for sign, report in differing:
            if report.is_spent:
                offset += sign * log(report.noise)
                continue
            source = self._drawn.sources.index(report.source)
            scope, table = report_at_nodes(network.alive, report, self._drawn.grids[source])
            if sign < 0.0 and table.min(initial=0.0) < LEAST_LOG:
                return None
            at = sign * logs_at({source: table}, self._drawn.nodes)
            by_scope[scope] = by_scope[scope] + at if scope in by_scope else at
        offset += by_scope.pop((), 0.0)
        if not by_scope:
            return self.log_evidence + offset, self.scenarios
        events = {v for scope in by_scope for v in scope}
        homes = [
            (joint.size, place) for place, joint in enumerate(self._joints) if events <= {*network.fixed[place][0]}
        ]
        if not homes:
            return None
        place = min(homes)[1]
        wide, joint = network.fixed[place][0], self._joints[place]
        ratio: Array | float = 0.0
        for scope, at in by_scope.items():
            lengths = iter(at.shape)
            ratio = ratio + at.reshape([next(lengths) if v in scope else 1 for v in wide] + [-1])
        ratio = np.asarray(ratio)
        peak = ratio.max(axis=tuple(range(ratio.ndim - 1)))
        masses = (joint * np.exp(ratio - peak)[..., np.newaxis, :]).sum(axis=tuple(range(ratio.ndim - 1)))
        total = masses.sum(axis=0)
        if not (total > 0.0).all():
            return None
        return self.log_evidence + offset + peak + np.log(total), masses / total


# Below this a report all but excludes a state: what is left of its joint has lost digits that are needed without it.
LEAST_LOG = -300.0


def _key(report: Report) -> tuple[object, ...]:
    return report.item, report.source, report.credibility, report.kept, report.noise, report.scope, id(report.said)


BLOCK = 2000  # draws at once: what is computed is little by now, so that the calls would cost most


def _digest(array: NDArray[np.generic]) -> bytes:
    return blake2b(np.ascontiguousarray(array), digest_size=16).digest()


def outline_of(queried: Query) -> _Outline:
    """Return the factors that evidence and scenarios hang on, planned without the others.

    An event of which nothing is known, that no rule names and that is no parent of one left in is summed to one:
    its family is left out (a barren node).

    Source: Shachter (1986), "Evaluating influence diagrams".
    """
    network, rules = queried.network, queried.decision.scopes
    scopes = (*network.scopes, *rules)
    about = {v for scope in (*rules, queried.plan.keep) for v in scope}
    places = (*network.needed_places(about), *range(len(network.scopes), len(scopes)))
    order = _plan(queried.plan.cards, tuple(scopes[place] for place in places), queried.plan.keep)
    return _Outline(places, order, network.families)


@lru_cache(maxsize=64)
def _plan(cards: tuple[int, ...], scopes: tuple[tuple[int, ...], ...], keep: tuple[int, ...]) -> Plan:
    return ENGINE.plan(cards, scopes, keep)


class _Block:
    """A block of draws, and what was computed on it: factors by what they are made of, messages by their inputs."""

    def __init__(self, theta: Array, room: int) -> None:
        self._theta = theta
        self._kept = KeptMessages(room)
        self._rows = _Rows(None, [], {})

    def factors(
        self, queried: Query, outline: _Outline, by_source: Sequence[Mapping[int, Array]], said: Sequence[Hashable],
        nodes: Index,
    ) -> tuple[list[Table], Array]:  # fmt: skip
        """Return the factors of an outline, and the log of what was taken out of them (draws)."""
        network = queried.network
        evidence, spent = self._evidence(network, by_source, said, nodes)
        n_rows = len(network.layout.cards)
        rows = self._families(network, outline.families)
        rules = [of_factor(*one) for one in zip(queried.decision.tables, queried.decision.scopes, strict=True)]
        tables = [*rows[:n_rows], *evidence, *rows[n_rows:], *map(self._same, rules)]
        return [tables[place] for place in outline.places], spent

    def _families(self, network: AsOfNetwork, scopes: Sequence[Sequence[Scope]]) -> list[Table]:
        """Return the factors of all rows, each family's first one, then the links of chains."""
        before = self._rows
        if before.network is None or before.network.rows is not network.rows or before.network.alive != network.alive:
            made = _rows_anew(network, self._theta, before)
            tables: dict[Scope, tuple[Array, tuple[slice, ...], Table]] = {}
            for own, arrays in zip(scopes, made, strict=True):
                for scope, full in zip(own, arrays, strict=True):
                    cut, other = alive_slices(network.alive, scope), before.tables.get(scope)
                    if other is not None and other[0] is full and other[1] == cut:
                        tables[scope] = other
                        continue
                    numbers = full[cut]
                    is_same = other is not None and np.array_equal(other[2].numbers, numbers)
                    table = other[2] if other is not None and is_same else of_factor(numbers, scope)
                    tables[scope] = full, cut, table
            self._rows = _Rows(network, made, tables)
        families = [*(own[0] for own in scopes), *(link for own in scopes for link in own[1:])]
        return [self._rows.tables[scope][2] for scope in families]

    def _same(self, table: Table) -> Table:
        """Return the table that holds the same numbers and was there before, or this one."""
        key = ("rule", table.axes, table.numbers.shape, _digest(table.numbers))
        return self._kept.once(key, table.numbers.nbytes, lambda: table)

    def _evidence(
        self, network: AsOfNetwork, by_source: Sequence[Mapping[int, Array]], said: Sequence[Hashable], nodes: Index
    ) -> tuple[list[Table], Array]:
        """Return the factors of the evidence, in the order of `evidence_scopes`, and the log of what was taken out."""
        past, spent, told = self._past(network)
        spent = spent.copy()
        tables = []
        for place, scope in enumerate(network.evidence_scopes):
            alive = tuple(network.alive[v] for v in scope)
            reports = said[place] if place < len(said) else ()

            def compute(place: int = place, scope: Scope = scope) -> tuple[Table, Array]:
                logs_of = logs_at(by_source[place], nodes) if place < len(said) else 0.0
                numbers, taken_out = scaled_factor(sum(past.get(place, ()), start=logs_of))
                return of_factor(numbers, scope), taken_out

            key = ("evidence", scope, alive, reports, told.get(place))
            size = 8 * (prod(map(len, alive)) + 1) * self._theta.shape[1]
            table, taken_out = self._kept.once(key, size, compute)
            spent += taken_out
            tables.append(table)
        return tables, spent

    def _past(self, network: AsOfNetwork) -> _Past:
        """Return what is known of the past by place, what no state depends on, and digests of it by place."""

        def compute() -> tuple[object, _Past]:
            keys = list(parts_of_history(network.history, self._theta.shape[0]))
            of_events = [self._of_event(key, part) for key, part in keys]
            by_place, spent = placed(network, of_events, self._theta.shape[1])
            told: dict[int, tuple[Hashable, ...]] = {}
            for (key, _), scope in zip(keys, network.history.scopes, strict=True):
                if scope:
                    place = network.home(scope)[0]
                    told[place] = (*told.get(place, ()), key)
            return network.history, _Past(by_place, spent, told)

        size = 8 * network.history.constant.size * self._theta.shape[1]
        # The recipe is kept with it, so that no other one takes its place in memory.
        return self._kept.once(("past", id(network.history), network.evidence_scopes, network.alive), size, compute)[1]

    def _of_event(self, key: Hashable, part: HistoryRecipe) -> Array:
        size = 8 * part.constant.size * self._theta.shape[1]
        return self._kept.once(("course", key), size, lambda: history_tables(part, self._theta)[0])

    def regions(self, order: Plan, tables: Sequence[Table], masks: Array) -> tuple[Array, Array]:
        """Compute the log evidence (draws) and the share of each region (regions, draws)."""
        slots = eliminate(order, tables, _Messages(self._kept, order.cards))
        root = [slots[slot] for slot in order.root]
        whole = of_factor(np.moveaxis(masks, 0, -1)[..., np.newaxis], (*order.keep, REGIONS))
        of_regions = contract([whole, contract(root, order.keep, order.cards)], (REGIONS,), order.cards)
        total = contract([of_regions], (), order.cards)
        if (empty := np.flatnonzero(is_empty(total))).size:
            raise ImpossibleEvidenceError(empty)
        n_draws = self._theta.shape[1]  # what hangs on no theta at all has one column
        of_draws = shares(of_regions)
        return np.broadcast_to(logs(total), n_draws), np.broadcast_to(of_draws, (len(of_draws), n_draws))


class _Rows(NamedTuple):
    """The rows of a network: the tables of each event over all states, and by scope with what is alive of them."""

    network: AsOfNetwork | None
    made: list[list[Array]]
    tables: dict[Scope, tuple[Array, tuple[slice, ...], Table]]


def _rows_anew(network: AsOfNetwork, theta: Array, before: _Rows) -> list[list[Array]]:
    """Compute `family_tables`, of a network that differs little from the one before only what differs.

    The rows of an event hang on its own course and those of its parents, and on the day that is asked about.
    """
    other, layout = before.network, network.layout
    if other is None or other.layout is not layout or other.on != network.on:
        return family_tables(network, theta)
    now, then = network.known.paths, other.known.paths
    moved = {v for v in range(len(layout.cards)) if now.get(v) != then.get(v)}
    changed = [v for v, parents in enumerate(layout.parents) if not moved.isdisjoint((v, *parents))]
    rows = row_recipe(layout, network.known, network.on, changed)
    causes = tuple(recipe for recipe in network.causes if recipe.v in changed)
    anew = family_tables(replace(network, rows=rows, causes=causes), theta)
    return [anew[v] if v in changed else made for v, made in enumerate(before.made)]


class _Past(NamedTuple):
    by_place: dict[int, list[Array]]
    spent: Array
    told: dict[int, tuple[Hashable, ...]]


def parts_of_history(history: HistoryRecipe, n_theta: int) -> Iterator[tuple[Hashable, HistoryRecipe]]:
    """Yield the recipe of each table of a history by itself, and what tells it from those of other courses."""
    ends = [*history.starts[1:], history.constant.size]
    firsts = np.searchsorted(history.entry, [*history.starts, history.constant.size]).tolist()
    for place, (start, end) in enumerate(zip(history.starts, ends, strict=True)):
        terms = slice(firsts[place], firsts[place + 1])
        theta = history.theta[terms]
        rows = history.rows if theta.size and theta.max() >= n_theta else ()
        part = HistoryRecipe(
            scopes=history.scopes[place : place + 1],
            shapes=history.shapes[place : place + 1],
            starts=(0,),
            entry=history.entry[terms] - start,
            theta=theta,
            linear=history.linear[terms],
            log=history.log[terms],
            constant=history.constant[start:end],
            rows=rows,
        )
        numbers = (part.entry, part.theta, part.linear, part.log, part.constant)
        of_rows = tuple((row.is_rate, row.causes.shape, row.causes.tobytes()) for row in rows)
        yield (part.scopes, part.shapes, of_rows, *(one.tobytes() for one in numbers)), part


class _Messages:
    """Products and sums of tables; what was made of the same tables before is not made again."""

    def __init__(self, kept: KeptMessages, cards: Sequence[int]) -> None:
        self._kept, self._cards = kept, cards

    def message(self, given: Sequence[Table], received: Sequence[Table], step: EliminationStep) -> Table:
        inputs = (*given, *received)

        def compute() -> tuple[tuple[Table, ...], Table]:
            return inputs, eased(contract(inputs, step.scope, self._cards))

        # The inputs are kept with it, so that no other table takes their place in memory.
        size = 8 * prod(self._cards[v] for v in step.scope) * max((one.numbers.shape[-1] for one in inputs), default=1)
        return self._kept.once((step.scope, *map(id, inputs)), size, compute)[1]
