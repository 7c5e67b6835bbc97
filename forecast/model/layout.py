"""Where each number of the network stands: events by index, CPT rows in C order, one flat parameter vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.family_sizes import holds_causes
from forecast.workspace.records import Event, Network, Scenario
from forecast.workspace.renames import DatedRates, Timing, Weibull

Index = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Indices of a network's parts.

    The flat parameter vector `theta` holds, event after event and row after row,
    - for a reached event one number a step: the cumulative hazard over the whole window, -ln(1 - P(step taken));
    - for a status or constant event one number a state: the probability of the state.

    A step or state that lacks what it requires (`excluded`) is zero there, and what all else is made of follows. Of an
    event whose causes act each by itself (`acts_by_cause`) theta holds in the place of rows the same numbers of each
    cause: of the leak, then of every state of every parent but its first.
    """

    events: tuple[Event, ...]
    index: dict[str, int]
    cards: tuple[int, ...]
    parents: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]  # of each event's first number in theta
    table_offsets: tuple[int, ...]  # of each event's first entry in the flat vector of compiled rows, if it is there
    n_theta: int
    n_table: int
    excluded: frozenset[int]  # indices in theta that are zero, for a row lacks what its event requires
    opens: date
    horizon: date  # the day that is asked about
    window_ends: date  # of the window that hazards speak of; the horizon may have been rolled beyond it

    @property
    def window_days(self) -> int:
        """Days of the window that hazards speak of."""
        return (self.window_ends - self.opens).days

    def acts_by_cause(self, v: int) -> bool:
        """Whether theta holds the causes of event v in the place of its rows."""
        return holds_causes(self.events[v])

    def n_rows(self, v: int) -> int:
        """Rows of theta of event v: parent configurations, or causes."""
        return _n_rows(self.events[v], [self.cards[p] for p in self.parents[v]])

    def cause(self, v: int, place: int, state: int) -> int | None:
        """Row of theta of the cause that a state of a parent (by its place) is; None for its first state."""
        before = sum(self.cards[p] - 1 for p in self.parents[v][:place])
        return before + state if state else None

    def width(self, v: int) -> int:
        """Numbers of theta in one row of event v: steps of a reached event, states of the others."""
        return self.cards[v] - 1 if self.events[v].kind == "reached" else self.cards[v]

    def configurations(self, v: int) -> list[tuple[int, ...]]:
        """Parent configurations of event v in row order."""
        return list(product(*(range(self.cards[p]) for p in self.parents[v])))

    def row(self, v: int, configuration: tuple[int, ...]) -> int:
        """Row number of a parent configuration."""
        if not configuration:
            return 0
        return int(np.ravel_multi_index(configuration, [self.cards[p] for p in self.parents[v]]))

    def theta_index(self, v: int, row: int, k: int) -> int:
        """Index in theta of number k (a step, or a state) of a row."""
        return self.offsets[v] + row * self.width(v) + k

    def possible(self, v: int, row: int) -> tuple[int, ...]:
        """Return the numbers of a row (steps, or states) that do not lack what they require."""
        return tuple(k for k in range(self.width(v)) if self.theta_index(v, row, k) not in self.excluded)

    def dated(self, v: int) -> bool:
        """Whether the event has a public history (reached or status)."""
        return self.events[v].kind != "constant"

    def state(self, event: str, state: str) -> int:
        """Index of a state of an event."""
        return self.events[self.index[event]].states.index(state)


def lay_out(network: Network) -> Layout:
    """Number the events (file order) and place their CPT rows."""
    events = tuple(network.events.values())
    index = {event.id: v for v, event in enumerate(events)}
    cards = tuple(len(event.states) for event in events)
    parents = tuple(tuple(index[p] for p in event.parents) for event in events)
    offsets, table_offsets = [0], [0]
    for v, event in enumerate(events):
        rows = _n_rows(event, [cards[p] for p in parents[v]])
        offsets.append(offsets[-1] + rows * (cards[v] - 1 if event.kind == "reached" else cards[v]))
        in_table = 0 if holds_causes(event) else rows
        table_offsets.append(table_offsets[-1] + in_table * cards[v])
    layout = Layout(
        events=events,
        index=index,
        cards=cards,
        parents=parents,
        offsets=tuple(offsets[:-1]),
        table_offsets=tuple(table_offsets[:-1]),
        n_theta=offsets[-1],
        n_table=table_offsets[-1],
        excluded=frozenset(),
        opens=network.opens,
        horizon=network.horizon,
        window_ends=network.window_ends,
    )
    return replace(layout, excluded=frozenset(_excluded(layout)))


def _excluded(layout: Layout) -> Iterator[int]:
    """Yield the indices in theta of the steps and states that lack what their event requires of its parents."""
    for v, event in enumerate(layout.events):
        first = 1 if event.kind == "reached" else 0  # step k leads to state k + 1
        needs = {event.states.index(one.state) - first: one for one in event.requires}
        for row, configuration in enumerate(layout.configurations(v) if needs else ()):
            parents = zip(layout.parents[v], configuration, strict=True)
            states = {layout.events[p].id: layout.events[p].states[x] for p, x in parents}
            yield from (layout.theta_index(v, row, k) for k, one in needs.items() if not one.is_met(states))


def _n_rows(event: Event, parents: Sequence[int]) -> int:
    return 1 + sum(card - 1 for card in parents) if holds_causes(event) else prod(parents)


def rule_events(layout: Layout, scenarios: Sequence[Scenario]) -> tuple[int, ...]:
    """Return the events that the rules mention, in layout order."""
    return tuple(sorted({layout.index[condition.event] for rule in scenarios for condition in rule.when}))


def scenario_of_each(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.intp]:
    """Return which scenario each joint state is (*cards of the rule events); the first rule that holds wins.

    The last number, that of the scenarios, is `other`.
    """
    events = rule_events(layout, scenarios)
    which = np.full([layout.cards[v] for v in events], len(scenarios), dtype=np.intp)
    for number, rule in reversed(list(enumerate(scenarios))):
        holds = np.ones((1,) * len(events), dtype=bool)
        for condition in rule.when:
            v = layout.index[condition.event]
            named = np.array([state in condition.states for state in layout.events[v].states])
            holds = holds & named.reshape([-1 if other == v else 1 for other in events])
        which[np.broadcast_to(holds, which.shape)] = number
    return which


def scenario_masks(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.float64]:
    """Compute 0/1 masks (scenarios + `other`, *cards of the rule events); the first rule that holds wins."""
    which = scenario_of_each(layout, scenarios)
    numbers = np.arange(len(scenarios) + 1).reshape([-1] + [1] * which.ndim)
    return np.asarray(which == numbers, dtype=np.float64)


# The hazard of reached events: its arithmetic, and how much of it falls into a span of days.

HALVINGS, TAYLOR_TERMS = 10, 9  # of the matrix exponential: scaling by 2^-10, and its series


def mean_hazard(xp: Any, now: Any, then: Any) -> Any:
    """Compute -ln M(exp(-now), exp(-then)), M(x, y) = (x - y) / ln(x / y): the cumulative hazard of an open step.

    `now` and `then` are cumulative hazards over the rest of the window with the dated parents as they are and as
    they will be. M averages the survival over a uniform date of the change; it is symmetric, and M(x, x) = x.
    """
    return (now + then) / 2.0 - xp.log_sinhc_half(now - then)


def changed_hazard(xp: Any, now: Any, then: Any, pieces: Sequence[tuple[Any, Any, Any, Any]]) -> Any:
    """Compute the cumulative hazard of an open step whose rate changes on a date that is cut into pieces.

    Args:
        xp: elementary functions.
        now, then: cumulative hazards over a unit of exposure before the change and after it.
        pieces: (weight, exposure before the piece, within it, after it); weights sum to 1. Within a piece the exposure
            of the change is uniform.

    -ln sum_j w_j exp(-h_j), h_j = before_j now + mean_hazard(within_j now, within_j then) + after_j then. One piece
    with all of the exposure within it is `mean_hazard`.
    """
    hazards = [
        before * now + mean_hazard(xp, within * now, within * then) + after * then
        for _, before, within, after in pieces
    ]
    # Against the first piece, so that small hazards keep their digits and large ones do not overflow.
    first, rest = hazards[0], list(zip(pieces, hazards, strict=True))[1:]
    if not rest:
        return first
    lost = sum(weight * xp.expm1(first - hazard) for (weight, _, _, _), hazard in rest)
    return first - xp.log1p(lost)


def steps_taken(xp: Any, hazards: Sequence[Any]) -> list[Any]:
    """Compute P(exactly 0, 1, .. m of m consecutive steps are taken), step k having cumulative hazard `hazards[k]`.

    A pure birth process over one unit of time with rates `hazards`: the hypoexponential distribution, that is the
    first row of the exponential of a bidiagonal matrix. Closed forms for up to two steps, scaling and squaring for
    more (Moler and Van Loan 2003, section 3); all terms of the squaring are positive, so nothing cancels.
    """
    if len(hazards) == 1:
        return [xp.exp(-hazards[0]), -xp.expm1(-hazards[0])]
    if len(hazards) == 2:
        first, second = hazards
        one = first * xp.exp(-mean_hazard(xp, first, second))
        return [xp.exp(-first), one, xp.both_steps(first, second)]
    return _many_steps(hazards)


def _many_steps(hazards: Sequence[Any]) -> list[Any]:
    n = len(hazards) + 1
    rates = [hazard / 2.0**HALVINGS for hazard in hazards] + [0.0 * hazards[0]]
    power = {(i, j): (1.0 + 0.0 * rates[0]) if i == j else 0.0 * rates[0] for i in range(n) for j in range(i, n)}
    matrix = dict(power)
    for term in range(1, TAYLOR_TERMS):
        power = {
            (i, j): (power[i, j] * -rates[j] + (power[i, j - 1] * rates[j - 1] if j > i else 0.0)) / term
            for i, j in power
        }
        matrix = {key: matrix[key] + power[key] for key in matrix}
    for _ in range(HALVINGS):
        matrix = {(i, j): sum(matrix[i, k] * matrix[k, j] for k in range(i, j + 1)) for i, j in matrix}
    return [matrix[0, j] for j in range(n)]


# Parts of a span with a Weibull, only to average over the parents' date: within each the exposure at that date is taken
# as uniform about its mean. Four err by less than .004 in survival, shapes .3 to 3 on either side, from the opening on.
WEIBULL_PARTS = 4


class Piece(NamedTuple):
    """Where the parents' date of change may lie: the probability, and the event's exposure before, within and after."""

    weight: float
    before: float
    within: float
    after: float


class Spans(NamedTuple):
    """A date of change lies in `start` to `stop`, known to lie in `seen` to `on`; exposure counts from seen to `until`.

    All are days since the opening.
    """

    seen: float
    on: float
    start: float
    stop: float
    until: float


def exposed(layout: Layout, v: int, start: float, stop: float) -> float:
    """Compute A(stop) - A(start) of an event for days since the opening, start <= stop.

    Dated rates: the days between, each times its rate, over the same sum for the window. Weibull: the difference of
    (days / window)^shape. Without a timing, and for what is no reached event: the days as a share of the window.
    """
    return _exposed(layout.events[v].timing, layout.opens, float(layout.window_days), start, stop)


def exposed_until(network: Network, event: str, day: date) -> float:
    """Compute A(day) of an event straight from its network: 0 at the opening, 1 at the end of the window."""
    window = float((network.window_ends - network.opens).days)
    return _exposed(network.events[event].timing, network.opens, window, 0.0, float((day - network.opens).days))


def _exposed(timing: Timing | None, opens: date, window: float, start: float, stop: float) -> float:
    match timing:
        case None:
            return (stop - start) / window
        case Weibull(shape):
            return float((stop / window) ** shape - (start / window) ** shape)
        case DatedRates():
            return _rated_days(timing, opens, start, stop) / _rated_days(timing, opens, 0.0, window)


def exposed_between(layout: Layout, v: int, start: date, stop: date) -> float:
    """Compute A(stop) - A(start) of an event, start <= stop."""
    return exposed(layout, v, float((start - layout.opens).days), float((stop - layout.opens).days))


def is_constant(layout: Layout, events: Sequence[int]) -> bool:
    """Say whether all of some events have the hazard spread evenly over time."""
    return all(layout.events[v].timing is None for v in events)


def pieces_of_change(layout: Layout, v: int, movers: Sequence[int], spans: Spans) -> tuple[Piece, ...]:
    """Cut the dates on which the parents of an event may change into pieces of even pace.

    Args:
        layout: the network.
        v: the event; its exposure is given for each piece.
        movers: its parents that change. All change on one date, distributed as their exposure is, on average over
            them; as the days where none has any exposure left.
        spans: the dates.

    Returns:
        Pieces in the order of time. Their weights are parts of the whole from `seen` to `on`; pieces of weight 0 are
        left out.
    """
    found = []
    for start, stop in pairwise(_knots(layout, [v, *movers], spans)):
        weight = _share(layout, movers, spans, start, stop)
        if weight > 0.0:
            before, within, after = (
                exposed(layout, v, *ends) for ends in pairwise((spans.seen, start, stop, spans.until))
            )
            mean = _mean_place(layout, v, movers, spans, (start, stop))
            width = min(1.0, 2.0 * mean, 2.0 * (1.0 - mean))
            left, right = (within * (place - width / 2.0) for place in (mean, 1.0 - mean))
            found.append(Piece(weight, before + left, within * width, after + right))
    return tuple(found)


def _share(layout: Layout, movers: Sequence[int], spans: Spans, start: float, stop: float) -> float:
    shares = _shares(layout, movers, spans, start, stop)
    return sum(shares.values()) / len(shares) if shares else (stop - start) / (spans.on - spans.seen)


def _shares(layout: Layout, movers: Sequence[int], spans: Spans, start: float, stop: float) -> dict[int, float]:
    """Return, of the parents that can still move, the share of their exposure that lies between two days."""
    ways = {p: (exposed(layout, p, start, stop), exposed(layout, p, spans.seen, spans.on)) for p in movers}
    return {p: part / whole for p, (part, whole) in ways.items() if whole > 0.0}


def _mean_place(layout: Layout, v: int, movers: Sequence[int], spans: Spans, ends: tuple[float, float]) -> float:
    """Compute the event's mean exposure at the parents' date within a part, as a share of its exposure there."""
    shares = _shares(layout, movers, spans, *ends) or {v: 1.0}
    own = _power(layout, v)
    places = ((share, _mean_power(own, _power(layout, p) if p in movers else 1.0, ends)) for p, share in shares.items())
    return sum(share * place for share, place in places) / sum(shares.values())


def _power(layout: Layout, v: int) -> float:
    timing = layout.events[v].timing
    return timing.shape if isinstance(timing, Weibull) else 1.0


def _mean_power(own: float, other: float, ends: tuple[float, float]) -> float:
    """Compute the mean of (t^own - a^own) / (b^own - a^own) where t^other is uniform between its values at a and b."""
    if own == other:
        return 0.5
    start = ends[0] / ends[1]  # in units of b
    mean = other / (own + other) * (1.0 - start ** (own + other)) / (1.0 - start**other)
    return float((mean - start**own) / (1.0 - start**own))


def _knots(layout: Layout, events: Sequence[int], spans: Spans) -> list[float]:
    inside: set[float] = set()
    for v in events:
        match layout.events[v].timing:
            case DatedRates(steps):
                inside |= {_first_day(layout.opens, start) for start, _ in steps}
            case Weibull():
                part = (spans.on - spans.seen) / WEIBULL_PARTS
                inside |= {spans.seen + number * part for number in range(1, WEIBULL_PARTS)}
    return [spans.start, *sorted(knot for knot in inside if spans.start < knot < spans.stop), spans.stop]


def _rated_days(timing: DatedRates, opens: date, start: float, stop: float) -> float:
    ends = [*(_first_day(opens, begins) for begins, _ in timing.steps), float("inf")]
    total = max(0.0, min(stop, ends[0]) - start)
    for (_, rate), (begins, until) in zip(timing.steps, pairwise(ends), strict=True):
        total += rate * max(0.0, min(stop, until) - max(start, begins))
    return total


def _first_day(opens: date, start: date) -> float:
    """Return where the hazard of a day begins: what happens on day d happens between d - 1 and d."""
    return float((start - opens).days - 1)
