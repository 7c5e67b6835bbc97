"""What is supposed of the events: learned, imposed, or given another probability; as a user writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from forecast.analysis.target import UnknownTargetError, event_states
from forecast.analysis.twin import descendants_of
from forecast.ledger.outcome import Outcome
from forecast.workspace.problems import choice, shown

ROUNDING = 1e-12  # of a sum of probabilities that a user gives


@dataclass(frozen=True)
class Learned:
    """The event is found in one of some states (indices) on the horizon date."""

    text: str
    event: int
    states: tuple[int, ...]


@dataclass(frozen=True)
class Imposed:
    """Somebody puts the event into a state, whatever its causes."""

    text: str
    event: int
    state: int


@dataclass(frozen=True)
class Reset:
    """Some states of the event shall have these probabilities; the others share the rest as they do now."""

    text: str
    event: int
    probabilities: Mapping[int, float]


@dataclass(frozen=True)
class Supposition:
    """All that is supposed: learned as one condition, then imposed, then reset one after the other."""

    learned: tuple[Learned, ...]
    imposed: tuple[Imposed, ...]
    reset: tuple[Reset, ...]


def read_supposition(
    outcome: Outcome, learned: Sequence[str], imposed: Sequence[str], reset: Sequence[str]
) -> Supposition:
    """Read EVENT=STATE (or EVENT=STATE,STATE), EVENT=STATE and EVENT=STATE:P (or EVENT=STATE:P,STATE:P).

    Raises UnknownTargetError for a name that there is not, and ValueError for what makes no sense together.
    """
    supposition = _all_read(outcome, learned, imposed, reset)
    acts = supposition.imposed
    twice = [act.text for place, act in enumerate(acts) if act.event in {other.event for other in acts[:place]}]
    if twice:
        msg = f"'{twice[0]}': two interventions on one event"
        raise ValueError(msg)
    held = {act.event for act in acts}
    below = held.union(descendants_of(outcome.layout, tuple(held)))
    for condition in supposition.learned:
        if condition.event in below:
            msg = f"'{condition.text}': downstream of the intervention, so the condition is ambiguous; ask without --do"
            raise ValueError(msg)
    for change in supposition.reset:
        if change.event in held:
            msg = f"'{change.text}': the intervention fixes the event, so its probability is 1 or 0"
            raise ValueError(msg)
    return supposition


def _all_read(outcome: Outcome, learned: Sequence[str], imposed: Sequence[str], reset: Sequence[str]) -> Supposition:
    """Read every part; what is wrong in several is reported at once."""
    wrong: list[ValueError] = []

    def read[T](reader: Callable[[Outcome, str], T], texts: Sequence[str]) -> tuple[T, ...]:
        held = []
        for text in texts:
            try:
                held.append(reader(outcome, text))
            except ValueError as error:
                wrong.append(error)
        return tuple(held)

    supposition = Supposition(read(_learned, learned), read(_imposed, imposed), read(_reset, reset))
    if wrong:
        unknown = any(isinstance(error, UnknownTargetError) for error in wrong)
        raise (UnknownTargetError if unknown else ValueError)("\n".join(map(str, wrong)))
    return supposition


def _split(outcome: Outcome, text: str, form: str) -> tuple[int, tuple[str, ...], str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        msg = f"'{text}': write {form}"
        raise UnknownTargetError(msg)
    states = event_states(outcome, name, tuple(outcome.events))
    return outcome.layout.index[name], states, value


def _place(text: str, state: str, states: tuple[str, ...]) -> int:
    if state not in states:
        msg = (
            f"'{text}': event '{text.partition('=')[0]}' has no state {shown(state)}; {choice('states', state, states)}"
        )
        raise UnknownTargetError(msg)
    return states.index(state)


def _learned(outcome: Outcome, text: str) -> Learned:
    v, states, value = _split(outcome, text, "EVENT=STATE")
    return Learned(text, v, tuple(_place(text, state, states) for state in value.split(",")))


def _imposed(outcome: Outcome, text: str) -> Imposed:
    v, states, value = _split(outcome, text, "EVENT=STATE")
    return Imposed(text, v, _place(text, value, states))


def _reset(outcome: Outcome, text: str) -> Reset:
    v, states, value = _split(outcome, text, "EVENT=STATE:PROBABILITY")
    given: dict[int, float] = {}
    for part in value.split(","):
        state, colon, number = part.rpartition(":")
        try:
            p = float(number) if colon else -1.0
        except ValueError:
            p = -1.0
        if not 0.0 <= p <= 1.0:
            msg = f"'{text}': write EVENT=STATE:PROBABILITY, the probability between 0 and 1"
            raise ValueError(msg)
        given[_place(text, state, states)] = p
    total = fsum(given.values())
    if total > 1.0 + ROUNDING or (len(given) == len(states) and abs(total - 1.0) > ROUNDING):
        msg = f"'{text}': the probabilities add up to {total:g}"
        raise ValueError(msg)
    return Reset(text, v, given)
