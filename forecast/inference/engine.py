"""The door to exact inference: what is asked of a network, whoever computes it, and in which blocks of draws.

A network is a product of factors; a question sums that product over what is not asked about. The modules here are best
read in this order. `elimination` chooses in which order variables are summed out, which decides how large the tables
become. `scaled` is the arithmetic of tables whose products neither vanish nor overflow. `batch` runs a plan inward and
outward on arrays of many draws; `blocks` runs the same plan as a compiled circuit. `junction` answers single cases on
the tree of cliques that an elimination leaves behind, with an array for each clique; `flat` does so with index lists,
for small networks, and `compiled` with loops, for large ones. `tape` records the inward pass as a program with a
gradient, for the sampler. This module decides which of them is asked; `joints` asks it, and finds the joints of
variables that are far apart.

Source: Lauritzen and Spiegelhalter (1988), "Local computations with probabilities on graphical structures and their
application to expert systems" (the tree of cliques); Darwiche (2003), "A differential approach to inference in Bayesian
networks" (the outward pass as a derivative); Koller and Friedman (2009), "Probabilistic graphical models", chapters 9
and 10 (elimination and cliques), section 13.2 (the most probable state).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.inference import batch, elimination
from forecast.inference.batch import Factor, KeptMessages, Solution, messages
from forecast.inference.cores import cores
from forecast.inference.elimination import EliminationStep, ImpossibleEvidenceError, Plan, Scope, eliminate
from forecast.inference.flat import Flat
from forecast.inference.junction import Case, Potentials, enumerated
from forecast.inference.scaled import DRAWS, SMALLEST, Table, contract, logs, shares

if TYPE_CHECKING:
    from forecast.inference.compiled import Compiled

# Joint states of a network, for all draws at once: the most probable one, and one drawn at random.

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class MostProbable(NamedTuple):
    """The best joint state within each region of the root, and its mass.

    `log_mass` (regions, draws): natural log of the product of all factors there, minus infinity in a region that has
    no mass. `states` (variables, regions, draws): the state of each variable; meaningless where there is no mass.
    """

    log_mass: Array
    states: Index


def most_probable(network: Plan, factors: Sequence[Factor], regions: Array | None = None) -> MostProbable:
    """Find the joint state of the largest mass in each draw and region. Of equal ones it takes always the same.

    Args:
        network: the elimination plan for the factors' scopes.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        regions: (regions, *states of `network.keep`), 0/1 masks of the root's joint states; None: one that holds
            everything.

    Source: Koller and Friedman (2009), section 13.2 (max-product variable elimination with traceback).
    """
    with np.errstate(divide="ignore"):  # what is impossible has log mass minus infinity
        slots = [logs(factor) if isinstance(factor, Table) else np.log(factor) for factor in factors]
    n_draws = max((factor.shape[-1] for factor in slots), default=1)
    maxima = _Maxima(network)
    tables = [_Logs(scope, slot) for scope, slot in zip(network.scopes, slots, strict=False)]
    reduced = eliminate(network, tables, maxima)
    product = maxima.product([reduced[slot] for slot in network.root], network.keep)
    root = np.broadcast_to(product, (*(network.cards[v] for v in network.keep), n_draws)).reshape(-1, n_draws)
    masks = np.ones((1, root.shape[0])) if regions is None else regions.reshape(regions.shape[0], -1)
    masked = np.where(masks[:, :, np.newaxis] > 0.0, root, -np.inf)
    best = masked.argmax(axis=1)
    log_mass = np.take_along_axis(masked, best[:, np.newaxis], axis=1)[:, 0]
    states = np.zeros((len(network.cards), *best.shape), dtype=np.intp)
    if network.keep:
        states[list(network.keep)] = np.unravel_index(best, tuple(network.cards[v] for v in network.keep))
    for step, choice in zip(reversed(network.steps), reversed(maxima.choices), strict=True):
        # A message that no draw has of its own has a draw axis of length one.
        draw = np.minimum(np.arange(n_draws), choice.shape[-1] - 1)
        states[step.variable] = choice[(*states[list(step.scope)], draw)]
    return MostProbable(log_mass, states)


class _Logs(NamedTuple):
    """Logarithms of a table, an axis for each variable of its scope, draws last."""

    scope: Scope
    numbers: Array


class _Maxima:
    """Sums of logarithms and their maxima; keeps the best state of each variable for the way back."""

    def __init__(self, network: Plan) -> None:
        self._cards = network.cards
        self.choices: list[Index] = []

    def message(self, given: Sequence[_Logs], received: Sequence[_Logs], step: EliminationStep) -> _Logs:
        table = self.product([*given, *received], (*step.scope, step.variable))
        self.choices.append(table.argmax(axis=-2))
        return _Logs(step.scope, table.max(axis=-2))

    def product(self, tables: Sequence[_Logs], axes: Scope) -> Array:
        """Add log tables up over the axes of `axes`, in that order, draws last."""
        total = np.zeros((*(self._cards[v] for v in axes), 1))
        for scope, numbers in tables:
            order = [scope.index(v) for v in axes if v in scope]
            shape = [self._cards[v] if v in scope else 1 for v in axes]
            total = total + numbers.transpose(*order, len(scope)).reshape(*shape, numbers.shape[-1])
        return total


def draw_states(network: Plan, factors: Sequence[Factor], rng: np.random.Generator) -> Index:
    """Draw the state of every variable (variables, draws) from the normalised product of the factors of each draw.

    Args:
        network: the elimination plan for the factors' scopes, without `keep`.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        rng: gives one uniform number for each variable and draw.

    Raises ImpossibleEvidenceError if a draw has no mass, and ValueError for a plan that keeps variables.

    Source: Dawid (1992), "Applications of a general propagation algorithm for probabilistic expert systems".
    """
    if network.keep:
        msg = "a plan without variables that are kept is needed"
        raise ValueError(msg)
    slots = messages(network, factors)
    n_draws = max((slot.numbers.shape[-1] for slot in slots), default=1)
    states = np.zeros((len(network.cards), n_draws), dtype=np.intp)
    for step in reversed(network.steps):
        # The states of the others are drawn by now: a table becomes a row over the variable for each draw.
        rows = [_row(slots[slot], step.variable, network.cards[step.variable], states) for slot in step.inputs]
        chances = shares(contract(rows, (step.variable,), network.cards))
        cumulative = np.cumsum(chances, axis=0)
        below = cumulative[:-1] <= rng.uniform(size=n_draws) * cumulative[-1]
        states[step.variable] = below.sum(axis=0)
    return states


def _row(table: Table, variable: int, card: int, states: Index) -> Table:
    """Return a table at the drawn states of all its variables but one."""
    own = np.arange(card)[:, np.newaxis]
    draw = np.arange(states.shape[1]) if table.numbers.shape[-1] > 1 else np.zeros(states.shape[1], dtype=np.intp)
    at = (*(own if v == variable else states[v] for v in table.axes[:-1]), draw)
    exponents = None if table.exponents is None else table.exponents[at]
    return table._replace(numbers=table.numbers[at], axes=(variable, DRAWS), exponents=exponents)


__all__ = [
    "BLOCK",
    "ENGINE",
    "BlockSize",
    "Case",
    "Cases",
    "Engine",
    "Factor",
    "ImpossibleEvidenceError",
    "KeptMessages",
    "MostProbable",
    "Plan",
    "Solution",
    "TooDenseNetworkError",
    "draws_at_once",
    "solve_case",
]


BLOCK = 1000  # draws solved at once: large enough for numpy's loops, small enough for the processor's cache
CIRCUIT_FROM = 200_000_000  # entries of products of all draws: below this numpy is done before numba is imported
MOST_COMPILED = 1_000_000  # the same of one draw: a list of operations takes a hundred bytes for each
MOST_HELD = 400_000_000  # bytes that the tables of all draws solved at once may take: more brings no speed


_ASKED = threading.local()  # of how many draws the block is a part that a thread works on


class BlockSize(NamedTuple):
    """How many draws are solved at once, on how many threads."""

    draws: int
    threads: int


class Engine(Protocol):
    """An executor of exact inference on a discrete network, for many draws of its factors at once.

    Factors are non-negative arrays, axes as in the scopes of the plan, then draws (or 1: the same for all draws), or
    tables of logarithms (`scaled.of_logs`). All but `plan` and `in_blocks` raise `ImpossibleEvidenceError` for draws
    without any mass, and ValueError for a factor that holds a negative number, an infinity or NaN.
    """

    def plan(self, cards: Sequence[int], scopes: Iterable[Scope], keep: Iterable[int] = ()) -> Plan:
        """Prepare networks of the given scopes; the variables of `keep` stay together to the last (`regions`)."""

    def evaluate(
        self,
        network: Plan,
        factors: Sequence[Factor],
        regions: Array | None = None,
        *,
        by_region: bool = True,
        wanted: Sequence[int] = (),
        about: Collection[int] | None = None,
        kept: KeptMessages | None = None,
    ) -> Solution:
        """Compute the log evidence, the regions' log masses, every marginal, and the joints of the factors `wanted`.

        Marginals and joints are told apart by region, if asked. `about`: the variables whose marginals are needed
        (None: all); those of the others may have no region. `kept`: messages that are made of the same tables are
        taken from it, and left there.
        """

    def log_evidence(self, network: Plan, factors: Sequence[Factor]) -> Array:
        """Compute the natural log of the total mass (draws)."""

    def log_regions(self, network: Plan, factors: Sequence[Factor], regions: Array) -> Array:
        """Compute the natural log of each region's mass (regions, draws)."""

    def families(
        self, network: Plan, factors: Sequence[Factor], wanted: Sequence[int], regions: Array | None = None
    ) -> tuple[Array, list[Array]]:
        """Compute the log evidence (draws), and P(states of its scope | evidence) (by region) for some factors."""

    def gradient(self, network: Plan, factors: Sequence[Factor]) -> tuple[Array, list[Array]]:
        """Compute the log evidence (draws), and its derivative by the log of every entry of every factor."""

    def most_probable(self, network: Plan, factors: Sequence[Factor], regions: Array | None = None) -> MostProbable:
        """Find the joint state of the largest mass in each draw and region."""

    def draw_states(self, network: Plan, factors: Sequence[Factor], rng: np.random.Generator) -> Index:
        """Draw the state of every variable (variables, draws) from the posterior of each draw."""

    def in_blocks[T](self, solved: Callable[..., T], *by_draw: Any, size: BlockSize | int | None = None) -> list[T]:
        """Call a function on blocks of draws (last axis of every argument); return what it gives, in their order.

        `size` draws a block (None: what suits the executor), and on how many threads at most (a number alone: all
        cores). How long a block is depends on the machine alone, so that every worker on it has the same results.
        """


class Executors:
    """Two executors of a plan for many draws; blocks of draws are shared out to the processor's cores by threads.

    `batch` runs it on arrays of draws. Where that would take longer than importing numba, `blocks` runs it as a
    compiled circuit. Both agree to 1e-12. How many draws are asked for decides, never what ran before, so that the
    same question has the same answer; a block of a single draw is always numpy's.
    """

    plan = staticmethod(elimination.plan)
    most_probable = staticmethod(most_probable)
    draw_states = staticmethod(draw_states)

    @staticmethod
    def evaluate(
        network: Plan,
        factors: Sequence[Factor],
        regions: Array | None = None,
        *,
        by_region: bool = True,
        wanted: Sequence[int] = (),
        about: Collection[int] | None = None,
        kept: KeptMessages | None = None,
    ) -> Solution:
        """Compute the log evidence, the regions' log masses, every marginal, and the joints of the factors `wanted`."""
        times = 1 if regions is None or not by_region else regions.shape[0]
        if pays_compiling(network, factors, 1 + times):
            from forecast.inference import blocks

            found = blocks.solve(network, factors, regions, by_region=by_region, wanted=wanted)
            if found is not None:
                return found
        return batch.solve(network, factors, regions, by_region=by_region, wanted=wanted, about=about, kept=kept)

    @staticmethod
    def log_regions(network: Plan, factors: Sequence[Factor], regions: Array) -> Array:
        """Compute the natural log of each region's mass (regions, draws)."""
        if pays_compiling(network, factors, 1):
            from forecast.inference import blocks

            found = blocks.solve(network, factors, regions, outward=False)
            if found is not None:
                return found.log_regions
        return batch.log_regions(network, factors, regions)

    @classmethod
    def log_evidence(cls, network: Plan, factors: Sequence[Factor]) -> Array:
        """Compute the natural log of the total mass (draws)."""
        if not pays_compiling(network, factors, 1):
            return batch.log_evidence(network, factors)
        everything = np.ones((1, *(network.cards[v] for v in network.keep)))
        return np.asarray(cls.log_regions(network, factors, everything)[0])

    @classmethod
    def families(
        cls, network: Plan, factors: Sequence[Factor], wanted: Sequence[int], regions: Array | None = None
    ) -> tuple[Array, list[Array]]:
        """Compute the log evidence (draws), and P(states of its scope | evidence) (by region) for some factors."""
        solution = cls.evaluate(network, factors, regions, wanted=wanted, about=())
        if regions is None:
            return solution.log_evidence, [joint[..., 0, :] for joint in solution.families]
        return solution.log_evidence, list(solution.families)

    @classmethod
    def gradient(cls, network: Plan, factors: Sequence[Factor]) -> tuple[Array, list[Array]]:
        """Compute the log evidence and its derivative by the factors' logs: that is each family's posterior."""
        return cls.families(network, factors, range(network.n_factors))

    @staticmethod
    def in_blocks[T](solved: Callable[..., T], *by_draw: Any, size: BlockSize | int | None = None) -> list[T]:
        """Call a function on blocks of draws; in order, so that results do not depend on the threads.

        Loops of numpy and compiled ones let go of the interpreter's lock, so the blocks share the processor's cores.
        """
        length, threads = size if isinstance(size, BlockSize) else (size or BLOCK, os.cpu_count() or 1)
        starts = range(0, by_draw[0].shape[-1], length)

        def on_block(start: int) -> T:
            try:
                return solved(*(values[..., start : start + length] for values in by_draw))
            except ImpossibleEvidenceError as impossible:
                raise ImpossibleEvidenceError(impossible.draws + start, impossible.factors) from impossible

        asked = (_ASKED, "draws", by_draw[0].shape[-1])
        with ThreadPoolExecutor(min(len(starts), threads, cores()), initializer=setattr, initargs=asked) as pool:
            return list(pool.map(on_block, starts))


ENGINE: Engine = Executors()


def draws_at_once(
    plans: Iterable[Plan], n_regions: int = 1, most: int | None = None, memory: int | None = None
) -> BlockSize:
    """Return of how many draws the tables of eliminations fit into memory: at most `most`, or so many as suit.

    Held at once are all factors and messages, and on the way outward about as many again for each region. A draw
    alone may take `memory` bytes (None: a share of what is free), all threads together no more than that or
    `MOST_HELD`. Raises TooDenseNetworkError, before anything is computed, for a draw that does not fit.
    """
    entries = largest = 0
    for plan in plans:
        one = plan.message_entries + n_regions * (plan.message_entries + 2 * plan.largest_table)
        entries, largest = max(entries, one), max(largest, plan.largest_table)
    needed, cores = 8 * max(entries, 1), os.cpu_count() or 1
    allowed = free_memory() if memory is None else memory
    if needed > allowed:
        raise TooDenseNetworkError(largest, needed, allowed)
    fitting = min(allowed, max(MOST_HELD, needed)) // needed
    return BlockSize(max(1, min(most or BLOCK, fitting // cores)), min(cores, fitting))


def pays_compiling(network: Plan, factors: Sequence[Factor], passes: int) -> bool:
    """Say whether compiled loops are worth their import: by all draws that are asked for, however they are cut."""
    n_draws = max((of.numbers.shape[-1] if isinstance(of, Table) else of.shape[-1] for of in factors), default=1)
    asked = max(n_draws, getattr(_ASKED, "draws", 0))
    return passes * network.work * asked >= CIRCUIT_FROM and network.work <= MOST_COMPILED


# One case after the other on one network: the executor and its memory, chosen by what the plan predicts.

ENUMERATED_UP_TO = 2_000  # joint states: their table is there before an order is found
LISTED_UP_TO = 100  # entries of products for each variable: beyond this the index lists cost more than they save
COMPILED_FROM = 30_000_000  # entries of products: below this they are computed before numba is imported
MOST_WORK = 20_000_000_000  # entries of products in all states of what is conditioned on: some minutes
SECONDS_AN_ENTRY = 20e-9  # of one processor, measured on networks with large tables
TOLD_FROM = 5.0  # seconds: what takes longer is told before it begins
FREE_SHARE = 2  # of the memory that is free, one part in so many is used unless something else is said
MOST_CONDITIONED = 12  # variables
SMALL = 1_000_000  # bytes that any machine has
PLANS_KEPT = 32


class TooDenseNetworkError(ValueError):
    """Exact inference would need `bytes_needed` of memory, for a table of `entries` numbers; `memory` are allowed."""

    def __init__(self, entries: int, bytes_needed: int, memory: int) -> None:
        self.entries, self.bytes_needed, self.memory = entries, bytes_needed, memory
        super().__init__(
            f"exact inference needs {in_bytes(bytes_needed)} of memory, with a table of {entries:,} numbers, where "
            f"{in_bytes(memory)} are allowed"
        )


def in_bytes(n: int) -> str:
    """Write a number of bytes with three digits: 12.3 MB."""
    size = float(n)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000.0:
            return f"{size:.3g} {unit}"
        size /= 1000.0
    return f"{size:.3g} PB" if size < 1e6 else "more than any machine holds"


def free_memory() -> int:
    """Return how many bytes a question may take by default: a share of what this machine has free."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4 << 30
    return free // FREE_SHARE


def bytes_of(network: Plan) -> int:
    """Predict the memory of one case: that of all messages, on the way in and on the way out, and of the factors."""
    if _is_listed(network):
        return 100 * (network.work + network.message_entries)  # with the index lists
    return 32 * network.message_entries + (0 if network.work >= COMPILED_FROM else 16 * network.work)


class Cases:
    """Answers one case after another on networks of the same shape: what is prepared once is used again.

    Small networks are solved by index lists (`flat`), large ones by compiled loops (`compiled`), those between them
    clique by clique (`junction`): the predicted work decides. All agree but for the last digits. Where numbers are so
    far apart that doubles would lose some, the executor of draws (`batch`) takes over.

    A network whose tables need more than `memory` is conditioned on some variables: each of their states is a case of
    its own with smaller tables, and the cases are added up, weighed by their mass.

    Raises TooDenseNetworkError at once where not even that helps, before any memory is taken.

    Source: Pearl (1988), "Probabilistic reasoning in intelligent systems", section 4.4.2 (cutset conditioning).
    """

    def __init__(self, network: Plan, memory: int | None = None) -> None:
        self.network = network
        self._memory = memory
        self.given: Scope = ()
        self._conditioned = network
        if bytes_of(network) > SMALL and bytes_of(network) > self.memory:
            self.given, self._conditioned = _conditioned(network, self.memory)

    @property
    def largest_table(self) -> int:
        """Return the entries of the largest product that is formed."""
        return self._conditioned.largest_table

    @property
    def seconds(self) -> float:
        """Predict how long a case takes on one processor, in all states of what is conditioned on."""
        return SECONDS_AN_ENTRY * self._conditioned.work * prod(self.network.cards[v] for v in self.given)

    @cached_property
    def memory(self) -> int:
        """Return the bytes that tables may take."""
        return free_memory() if self._memory is None else self._memory

    def solve(self, factors: Sequence[Array]) -> Case:
        """Return log evidence and marginals of factors: non-negative arrays, axes as in the scopes of the plan.

        Raises ImpossibleEvidenceError for a case without any mass, and ValueError for a factor that holds a negative
        number, an infinity or NaN.
        """
        if not self.given:
            return self._case(factors)
        cards = self.network.cards
        cases: list[Case] = []
        states: list[tuple[int, ...]] = []
        refused: ImpossibleEvidenceError | None = None
        for state in np.ndindex(*(cards[v] for v in self.given)):
            at = dict(zip(self.given, state, strict=True))
            cut = [
                factor[tuple(slice(at[v], at[v] + 1) if v in at else slice(None) for v in scope)]
                for factor, scope in zip(factors, self.network.scopes, strict=False)
            ]
            try:
                cases.append(self._case(cut))
                states.append(state)
            except ImpossibleEvidenceError as impossible:
                refused = impossible
        if not cases:
            raise ImpossibleEvidenceError(np.zeros(1, dtype=np.intp), range(self.network.n_factors)) from refused
        masses = np.array([case.log_evidence for case in cases])
        log_evidence = float(np.logaddexp.reduce(masses))
        weights = np.exp(masses - log_evidence)
        marginals = [np.zeros(card) for card in cards]
        for weight, case, state in zip(weights, cases, states, strict=True):
            own = dict(zip(self.given, state, strict=True))
            for v, marginal in enumerate(marginals):
                part = marginal[own[v] : own[v] + 1] if v in own else marginal
                part += weight * case.marginals[v]
                part[(part == 0.0) & (case.marginals[v] > 0.0)] = SMALLEST
        return Case(log_evidence, tuple(marginals))

    def _case(self, factors: Sequence[Array]) -> Case:
        network = self._conditioned
        prepared = network.prepared
        for executor in _executors(network):
            if executor.__name__ not in prepared:
                prepared[executor.__name__] = executor(network)
            case: Case | None = prepared[executor.__name__].solve(factors)
            if case is not None:
                return case
        # Numbers are too far apart for doubles: tables with powers of two of their own hold them.
        if (needed := 24 * network.work) > max(self.memory, SMALL):
            raise TooDenseNetworkError(network.largest_table, needed, self.memory)
        solution = batch.solve(network, [factor[..., np.newaxis] for factor in factors])
        return Case(float(solution.log_evidence[0]), tuple(marginal[:, 0, 0] for marginal in solution.marginals))


def _is_listed(network: Plan) -> bool:
    # Index lists save calls, of which each variable costs some, and take time for each entry.
    return network.work <= LISTED_UP_TO * len(network.cards)


def _executors(network: Plan) -> tuple[type[Flat | Potentials | Compiled], ...]:
    """Return who is asked first, and who is where the first one may not hold the numbers."""
    if _is_listed(network):
        return Flat, Potentials
    if network.work < COMPILED_FROM:
        return (Potentials,)
    from forecast.inference.compiled import Compiled

    return (Compiled,)


def solve_case(
    cards: tuple[int, ...],
    scopes: tuple[Scope, ...],
    factors: Sequence[Array],
    memory: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Case:
    """Return log evidence and marginals of one case, from all its joint states if they are few, else as `Cases` does.

    `tell` is told of what will take more than a few seconds, before it begins. Raises as `Cases` does.
    """
    if prod(cards) <= ENUMERATED_UP_TO:
        case = enumerated(cards, scopes, factors)
        if case is not None:
            return case
    cases = Cases(plan_of(cards, scopes), memory)
    if cases.seconds >= TOLD_FROM:
        long = f"{cases.seconds:.0f} s" if cases.seconds < 120.0 else f"{cases.seconds / 60.0:.0f} minutes"
        tell(f"exact inference with a table of {cases.largest_table:,} numbers: about {long} of one processor")
    return cases.solve(factors)


@lru_cache(maxsize=PLANS_KEPT)
def plan_of(cards: tuple[int, ...], scopes: tuple[Scope, ...]) -> Plan:
    """Return the plan of a network of that shape: the same one, and what was prepared with it, for the next case."""
    return elimination.plan(cards, scopes)


def _conditioned(network: Plan, memory: int) -> tuple[Scope, Plan]:
    """Return variables to condition on so that the memory holds, none where it does, and the plan with each fixed.

    The next one is that which is in the largest tables, counted with the states that fixing it spares.
    """
    fixed: list[int] = []
    plan, cases = network, 1
    while bytes_of(plan) > memory or cases * plan.work > MOST_WORK:
        spared = [0] * len(plan.cards)
        for step in plan.steps:
            product = prod(plan.cards[v] for v in (*step.scope, step.variable))
            for v in (*step.scope, step.variable):
                spared[v] += product - product // max(plan.cards[v], 1)
        best = max(range(len(spared)), key=spared.__getitem__)
        cases *= plan.cards[best]
        if len(fixed) == MOST_CONDITIONED or not spared[best] or cases * plan.work > MOST_WORK * plan.cards[best]:
            raise TooDenseNetworkError(network.largest_table, bytes_of(network), memory)
        fixed.append(best)
        cards = [1 if v == best else card for v, card in enumerate(plan.cards)]
        plan = elimination.plan(cards, plan.scopes[: plan.n_factors])
    return tuple(fixed), plan
