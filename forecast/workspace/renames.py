"""Names that were changed, `priors/renames.jsonl`: under which name of today a line that is never edited counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, get_args

from forecast.workspace.problems import Source


@dataclass(frozen=True)
class Rename:
    """From a line of an appended file on, something is called otherwise.

    `event` is that of a state, as it was called then; `lines` says how many lines a file had at the time, by its path.
    """

    kind: str
    old: str
    new: str
    on: date
    source: Source
    event: str | None = None
    lines: Mapping[str, int] | None = field(default=None, hash=False)

    def is_after(self, place: Source, day: date) -> bool:
        """Say whether a line was there when the name was changed; `day` decides where no number of lines is said."""
        return day <= self.on if self.lines is None else place.line <= self.lines.get(place.path, 0)


@dataclass(frozen=True)
class Renames:
    """All renames in the order in which they were made."""

    made: tuple[Rename, ...] = ()
    known: Mapping[str, Collection[str]] = field(default_factory=dict)  # names of today by kind

    def today(self, kind: str, name: str, place: Source, day: date) -> str:
        """Return what a name in a line of an appended file is called today.

        The renames since the line was written are followed. A name that leads nowhere, as in a line that another
        branch added later, is the one that was so called last.
        """
        return self._state(kind, None, name, place, day)[1]

    def state_today(self, event: str, state: str, place: Source, day: date) -> tuple[str, str]:
        """Return what an event and its state in a line of an appended file are called today."""
        renamed = self._state("state", event, state, place, day)
        return renamed[0] or event, renamed[1]

    def before(self, place: Source, day: date) -> Former:
        """Return what things were called when a line of an appended file was written."""
        return Former(tuple(rename for rename in self.made if rename.is_after(place, day)))

    def formerly(self, kind: str, name: str) -> Iterator[str]:
        """Yield every name that leads to a name of today."""
        for old in dict.fromkeys(rename.old for rename in self.made if rename.kind == kind):
            if old not in self.known.get(kind, ()) and follow(self.made, kind, None, old)[1] == name:
                yield old

    def _state(self, kind: str, event: str | None, name: str, place: Source, day: date) -> tuple[str | None, str]:
        since = [rename for rename in self.made if rename.is_after(place, day)]
        event, found = follow(since, kind, event, name)
        if event is not None and event not in self.known.get("event", (event,)):
            event = _last(self.made, "event", None, event)[1]
        names = self.known.get(kind if event is None else states_of(event))
        return (event, found) if names is None or found in names else _last(self.made, kind, event, found)


NO_RENAMES = Renames()


@dataclass(frozen=True)
class Former:
    """What is called so today, as it was called before some renames, which are in the order in which they were made."""

    since: tuple[Rename, ...]

    def name(self, kind: str, name: str) -> str:
        """Return what something was called."""
        for rename in reversed(self.since):
            if rename.kind == kind and rename.new == name:
                name = rename.old
        return name

    def state(self, event: str, state: str) -> str:
        """Return what a state of an event, by its name of today, was called."""
        for rename in reversed(self.since):
            if rename.kind == "event" and rename.new == event:
                event = rename.old
            elif rename.kind == "state" and rename.new == state and rename.event == event:
                state = rename.old
        return state


def states_of(event: str) -> str:
    """Return the key of an event's states among the names by kind."""
    return f"state of {event}"


def follow(made: Collection[Rename], kind: str, event: str | None, name: str) -> tuple[str | None, str]:
    """Return what an event (None but for a state) and a name are called after some renames."""
    for rename in made:
        if rename.kind == "event" and rename.old == event:
            event = rename.new
        elif rename.kind == kind and rename.old == name and rename.event == event:
            name = rename.new
    return event, name


def _last(made: tuple[Rename, ...], kind: str, event: str | None, name: str) -> tuple[str | None, str]:
    """Follow a name from the last time on that it was given up."""
    places = [n for n, one in enumerate(made) if one.kind == kind and one.old == name and one.event == event]
    return follow(made[places[-1] :], kind, event, name) if places else (event, name)


# What an Admiralty grade says about a source before its reports are compared with anything: a convention.

Letter = Literal["A", "B", "C", "D", "E", "F"]
LETTERS: tuple[Letter, ...] = get_args(Letter)


class Grade(NamedTuple):
    """A Beta prior of a source's reliability: `mean`, and `certainty` as a number of reports already seen (a + b)."""

    mean: float
    certainty: float


# No likelihood ratios have been published for these grades. A workspace may put evidence/grades.yaml in their place.
# F cannot be judged: every reliability is as probable as any other.
DEFAULT_GRADES: dict[Letter, Grade] = {
    "A": Grade(0.95, 20.0),
    "B": Grade(0.85, 20.0),
    "C": Grade(0.7, 20.0),
    "D": Grade(0.5, 20.0),
    "E": Grade(0.3, 20.0),
    "F": Grade(0.5, 2.0),
}


# What several outlets report on one day of one event is mostly one report. Of the news that French media put online in
# 2013 a third was original, the rest copied (Cagé, Hervé and Viaud 2020, The Production of Information in an Online
# World); of the home news of British quality papers 60 % was all or mostly agency copy or public relations, and 12 %
# was found to be all of their own making (Lewis, Williams and Franklin 2008, A Compromised Fourth Estate?). So a second
# outlet keeps a third. A workspace may put another number into evidence/grades.yaml.
SAME_DAY_RHO = 2.0 / 3.0

# How the hazard of an event is spread over time, where it is not constant.


@dataclass(frozen=True)
class DatedRates:
    """Relative hazard from dates on, each day itself included; 1 before the first. Dates rise."""

    steps: tuple[tuple[date, float], ...]

    def on(self, day: date) -> float:
        """Return the relative hazard on a day."""
        return next((rate for start, rate in reversed(self.steps) if start <= day), 1.0)

    def __str__(self) -> str:
        return ", ".join(f"from {start} on rate {rate:g}" for start, rate in self.steps)


@dataclass(frozen=True)
class Weibull:
    """Exposure ((t - opening) / window)^shape: below 1 early days count more than late ones, above 1 less."""

    shape: float

    def __str__(self) -> str:
        return f"Weibull of shape {self.shape:g}"


Timing = DatedRates | Weibull
