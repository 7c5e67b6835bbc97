"""What an evidence item says about events, from options and questions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from forecast.commands.asking import Asking, as_in_file, event_and_states, known
from forecast.compiled.parts import SUPPORT_DECIBANS
from forecast.workspace.drafts import mapping, text
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import Mapping, Node, Scalar
from forecast.workspace.records import Event, Network, Scenario
from forecast.workspace.shapes.evidence import BEARINGS, SCENARIOS
from forecast.workspace.yaml_text import resolve

FORMS = {
    "settled": "public, hard and dated: it is so",
    "likelihood": "how probable the report is in each state",
    "support": "in words, how strongly it favours some states",
    "claims": "the report says that it is already so",
}
WEARS_OFF = ("likelihood", "support", SCENARIOS)


@dataclass(frozen=True)
class Bearings:
    """What the options say: a text for each event, by form; `until` holds for all that wear off."""

    settled: tuple[str, ...]
    likelihood: tuple[str, ...]
    support: tuple[str, ...]
    claims: tuple[str, ...]
    scenarios: str | None
    until: str | None

    def any(self) -> bool:
        """Say whether an option tells what the item says about an event, or about the scenarios."""
        return bool(self.settled or self.likelihood or self.support or self.claims or self.scenarios is not None)

    def read(self, network: Network, rules: Sequence[Scenario], asking: Asking) -> tuple[Mapping, ...]:
        """Return what the item says about each event and the scenarios.

        Asked of events, one after the other, where no option says anything.
        """
        if not self.any():
            asking.say(f"events: {', '.join(network.events)}")
            return tuple(self._asked(network, asking))
        found = []
        for form in BEARINGS:
            for said in getattr(self, form):
                example = f"What it says about an event ({form}, {LOOKS[form]})"
                entries = asking.option_or_again(example, said, partial(parse, form, network))
                found.append(mapping(self._with_until(form, entries, asking)))
        if self.scenarios is not None:
            names = (*(rule.id for rule in rules), OTHER)
            example = f"What it says about the scenarios (a number for each of {', '.join(names)})"
            numbers = asking.option_or_again(example, self.scenarios, lambda said: _ratios(said, names, "scenarios"))
            found.append(mapping(self._with_until(SCENARIOS, {SCENARIOS: numbers}, asking)))
        return tuple(found)

    def _asked(self, network: Network, asking: Asking) -> Iterator[Mapping]:
        def event_of(said: str) -> str:
            return known(said, tuple(network.events), "events")

        event: str | None = asking.get("Event", None, event_of)
        while event is not None:
            for form, meaning in FORMS.items():
                asking.say(f"  {form}: {meaning}")
            form = asking.get("Form", None, lambda said: known(said, BEARINGS, "forms"))
            entries = {"event": text(event), **_ask(form, network.events[event], asking)}
            yield mapping(self._with_until(form, entries, asking))
            event = asking.optional("Another event (empty: that is all)", None, read=event_of)

    def _with_until(self, form: str, entries: dict[str, Node], asking: Asking) -> dict[str, Node]:
        if form not in WEARS_OFF:
            return entries
        until = asking.optional("It has decayed by (a day, empty: 180 days after the report)", self.until, read=_day)
        return {**entries, "until": text(until)} if until else entries


# How an option says it, which is what is asked for again after one that cannot be read.
LOOKS = {
    "settled": "EVENT=STATE",
    "claims": "EVENT=STATE",
    "likelihood": "EVENT=NUMBER,NUMBER in the order of the states, or EVENT={STATE: NUMBER}",
    "support": "EVENT=STATE[,STATE]:STRENGTH or EVENT>=STATE:STRENGTH",
}


def parse(form: str, network: Network, said: str) -> dict[str, Node]:
    """Read what an option says about one event. Raises ValueError with what is wrong."""
    event, equals, value = (part.strip() for part in said.partition("="))
    name = event.rstrip(">").strip() if form == "support" else event
    known(name, tuple(network.events), "events")
    if not equals:
        raise ValueError(f"'{said}' has no value for '{name}'; {LOOKS[form]}")
    states = network.events[name].states
    if form == "likelihood":
        return {"event": text(name), form: _ratios(value, states, "states")}
    if form == "support":
        chosen, colon, strength = said.rpartition(":")
        if not colon:
            raise ValueError(f"'{said}' has no strength; {LOOKS[form]}")
        return {
            "event": text(name),
            form: text(_strength(strength)),
            "for": event_and_states(chosen, network.events)[1],
        }
    return {"event": text(name), form: text(known(value, states, f"states of '{name}'"))}


def _ask(form: str, event: Event, asking: Asking) -> dict[str, Node]:
    states = ", ".join(event.states)
    if form == "likelihood":
        asking.say("How probable is such a report in each state? Only ratios matter; 1 in every state has no weight.")
        return {form: mapping({state: asking.get(f"  {state}", None, _number) for state in event.states})}
    if form == "support":
        question = f"For (of {states}; several with commas; >=STATE for it and all later ones)"
        for_ = asking.get(question, None, lambda said: _states(said, event))
        strengths = ", ".join(f"{name} {decibans:g} dB" for name, decibans in SUPPORT_DECIBANS.items())
        return {form: text(asking.get(f"Strength ({strengths})", None, _strength)), "for": for_}
    return {form: text(asking.get(f"State ({states})", None, lambda said: known(said, event.states, "states")))}


def _states(said: str, event: Event) -> Node:
    is_later = said.startswith(">=")
    return event_and_states(f"{event.id}{said}" if is_later else f"{event.id}={said}", {event.id: event})[1]


def _ratios(value: str, names: Sequence[str], what: str) -> Node:
    if value.startswith("{"):
        return as_in_file(value)
    numbers = [_number(part) for part in value.split(",")]
    if len(numbers) != len(names):
        raise ValueError(f"{len(numbers)} numbers for the {len(names)} {what} {', '.join(names)}")
    return mapping(dict(zip(names, numbers, strict=True)))


def _number(said: str) -> Scalar:
    number = resolve(said.strip())
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise ValueError(f"'{said.strip()}' is no likelihood; a number from 0 on")
    return Scalar(number, said.strip(), 1)


def _strength(said: str) -> str:
    return known(said.strip(), tuple(SUPPORT_DECIBANS), "strengths")


def _day(said: str) -> str:
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise ValueError(f"'{said}' is no date; write YYYY-MM-DD") from None
