"""What every event would be if two were learned at once: for a page that has no engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import weighted
from forecast.analysis.watch import mutual_information
from forecast.analysis.worlds import PAIR_DRAWS, UNIT, Together, Worlds, fitted_to_margins
from forecast.ledger.outcome import Outcome

Array = NDArray[np.float64]
Progress = Callable[[str], None]
Pair = tuple[int, int]
PairTable = Mapping[str, tuple[tuple[tuple[tuple[int, ...], ...] | None, ...], ...]]

MOST_NUMBERS = 100_000  # of all pairs together: some 200 kB of a page
STEP = 2  # of the numbers, in units of 1 / UNIT: fine enough for whole percents, and two signs hold one
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%()*+,"  # safe in HTML


def pair_table(outcome: Outcome, made: Worlds, progress: Progress) -> PairTable:
    """Write what every event is given two learned ones: "event.event" -> [state][state] -> states of each event.

    In units of 1 / UNIT, in steps of STEP, the states of an event UNIT together; what is neither impossible nor certain
    is neither 0 nor UNIT. None where both cannot be. Of the events that can be asked about those that tell most of the
    scenarios are taken with one another, as many as MOST_NUMBERS allows.
    """
    bits = {v: mutual_information(_joints(outcome, made, v)[0]) for v in made.asked}
    pairs = chosen_pairs(outcome.layout.cards, sorted(made.asked, key=lambda v: (-bits[v], v)))
    progress("what if: every event, conditioning on two")
    given = events_given_pairs(outcome, made, pairs)
    return {f"{v}.{w}": _in_units(joints) for (v, w), joints in given.items()}


def chosen_pairs(cards: Sequence[int], telling: Sequence[int]) -> list[Pair]:
    """Return the pairs, each v < w, of as many of the telling events as MOST_NUMBERS allows."""
    taken: list[Pair] = []
    numbers = 0
    for place, event in enumerate(telling):
        more = [(min(event, other), max(event, other)) for other in telling[:place]]
        numbers += sum(cards[v] * cards[w] * (sum(cards) - len(cards)) for v, w in more)
        if numbers > MOST_NUMBERS:
            break
        taken += more
    return sorted(taken)


def events_given_pairs(outcome: Outcome, made: Worlds, pairs: Sequence[Pair]) -> dict[Pair, tuple[Array, ...]]:
    """Compute P(state of v, state of w, state of u | E) for each pair and every event u: (of v, of w, of u) each.

    The dependence of the three comes from regularly spaced draws, scaled until each two of them have the joint
    distribution that all draws give them, as that of pairs and scenarios does (forecast.analysis.worlds).
    """
    of = outcome.posterior
    events = sorted({event for pair in pairs for event in pair})
    chosen = weighted(of, max(1, of.weights.weights.size // PAIR_DRAWS))
    rough = Together(chosen).of_three(events, range(len(outcome.layout.cards)))
    between = {v: _joints(outcome, made, v)[1] for v in events}
    fitted = {(v, w, u): _of_its_own(between[v][w], of_first=u == v) for v, w in pairs for u in (v, w)}
    apart = [(v, w, u) for v, w in pairs for u in range(len(outcome.layout.cards)) if u not in {v, w}]
    alike: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
    for v, w, u in apart:
        alike.setdefault(rough[v, w][u].shape, []).append((v, w, u))
    for same in alike.values():
        joints = np.stack([np.moveaxis(rough[v, w][u], 2, 0) for v, w, u in same])
        with_v, with_w = (np.stack([between[three[axis]][three[2]].T for three in same]) for axis in (0, 1))
        both = np.stack([between[v][w] for v, w, _ in same])
        for three, joint in zip(same, fitted_to_margins(joints, with_v, with_w, both), strict=True):
            fitted[three] = np.moveaxis(joint, 0, 2)
    return {(v, w): tuple(fitted[v, w, u] for u in range(len(outcome.layout.cards))) for v, w in pairs}


def _joints(outcome: Outcome, made: Worlds, v: int) -> tuple[Array, tuple[Array, ...]]:
    """Return P(state of v, scenario | E) and P(state of v, state of u | E) for every u, of all draws."""
    chance = outcome.posterior.evaluation.events[v] @ outcome.posterior.weights.weights
    possible = [(x, made.learned[v, x]) for x in range(chance.size) if (v, x) in made.learned]
    with_scenarios = np.stack([chance[x] * scenarios for x, (scenarios, _) in possible])
    with_events = [np.zeros((chance.size, card)) for card in outcome.layout.cards]
    for x, (_, events) in possible:
        for joint, states in zip(with_events, events, strict=True):
            joint[x] = chance[x] * states
    return with_scenarios, tuple(with_events)


def _of_its_own(both: Array, *, of_first: bool) -> Array:
    """Return P(v, w, u) where u is v, or w."""
    states = np.eye(both.shape[0 if of_first else 1])
    return both[:, :, np.newaxis] * (states[:, np.newaxis, :] if of_first else states[np.newaxis])


def _in_units(joints: Sequence[Array]) -> tuple[tuple[tuple[tuple[int, ...], ...] | None, ...], ...]:
    both = joints[0].sum(axis=2)
    return tuple(
        tuple(
            tuple(_units((joint[x, y] / both[x, y]).tolist()) for joint in joints) if both[x, y] > 0.0 else None
            for y in range(both.shape[1])
        )
        for x in range(both.shape[0])
    )


def _units(shares: Sequence[float]) -> tuple[int, ...]:
    """Write probabilities that sum to one in steps of STEP; the largest is what the others leave of UNIT."""
    units = [max(STEP, STEP * round(UNIT / STEP * p)) if p > 0.0 else 0 for p in shares]
    most = max(range(len(shares)), key=lambda k: shares[k])
    units[most] += UNIT - sum(units)
    return tuple(units)


def written(pairs: PairTable) -> dict[str, str]:
    """Write the table as texts, for a page: about a fifth of its size.

    "event.event" -> of each state of the one, then of the other, then of each event, every state but the last: two of
    SIGNS, the number in steps of STEP to their base. The last state is what the others leave of UNIT; of states that
    cannot both be there is a space in place of every sign.
    """
    base = len(SIGNS)
    texts = {}
    for name, table in pairs.items():
        some = next(given for row in table for given in row if given is not None)
        nothing = "  " * sum(len(states) - 1 for states in some)
        texts[name] = "".join(
            nothing
            if given is None
            else "".join(
                SIGNS[units // STEP // base] + SIGNS[units // STEP % base] for states in given for units in states[:-1]
            )
            for row in table
            for given in row
        )
    return texts
