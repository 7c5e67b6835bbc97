"""How what stands in the files is written for readers: days, names, conditions, what a statement is about, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from forecast import digits
from forecast.digits import STATED
from forecast.workspace.records import Condition, Event, Target

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
THIN_SPACE = "\u202f"  # between a number and its percent sign, never broken
NO_BREAK = "\u00a0"  # what it joins stays on one line


def long_date(day: date | str) -> str:
    """Write a date in words, without the machine's locale."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """Write a number with what it counts, in the singular where it is one."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def label(name: str) -> str:
    """Write an id for reading."""
    return name.replace("_", " ")


def event_name(event: Event) -> str:
    """Return what an event is called: the name that the files give it, or its id for reading."""
    return event.name or label(event.id)


def condition(when: Condition, events: Mapping[str, str]) -> str:
    """Write a condition, with the names of the events."""
    return f"{events[when.event]} is {' or '.join(map(label, when.states))}"


def target(about: Target, names: Mapping[str, str], events: Mapping[str, str]) -> str:
    """Write what a statement is about, with the names of the scenarios and of the events."""
    what = condition(about.condition, events) if about.condition else f"scenario {names[str(about.scenario)]}"
    given = f", if {conditions(about.given, events)}" if about.given else ""
    return what + given + (f", by {long_date(about.by)}" if about.by else "")


def conditions(listed: Iterable[Condition], events: Mapping[str, str]) -> str:
    """Write several conditions that hold together."""
    return " and ".join(condition(when, events) for when in listed)


def exact(probability: float, figures: int = STATED) -> str:
    """Write a probability without Monte Carlo error (forecast.digits.exact)."""
    return digits.exact(probability, figures).replace(" ", THIN_SPACE)
