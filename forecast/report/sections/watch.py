"""What would change the forecast: what is worth watching, and what each outcome would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.analysis.watch import Sight, WatchList
from forecast.digits import size
from forecast.report.section import Section, Subject, part, plain
from forecast.words import event_names, label, long_date, percent, scenario_names

NAMED, DECIDES = 3, 0.995  # events in the sentence; what makes a scenario as good as certain is no news
WATCHED = 3  # in the brief


@dataclass(frozen=True, kw_only=True)
class WatchedOutcome:
    """A state that an event may be in by then, and what it would do to the scenario that it moves most."""

    state: str
    probability: float
    shown: str
    scenario: str
    from_: float
    to: float
    change: float
    from_shown: str
    to_shown: str
    up: bool
    moves: bool


@dataclass(frozen=True, kw_only=True)
class WatchedEvent:
    """An event: where it stands now, and what its state will tell of the scenarios, in bits and as a share of them."""

    event: str
    now: str
    defines: bool
    bits: float
    bits_shown: str
    share: float
    share_shown: str
    outcomes: Sequence[WatchedOutcome]


@dataclass(frozen=True, kw_only=True)
class WatchListFigure:
    """What is worth watching until a day, of how many bits, and in a sentence."""

    by: str
    entropy: float
    entropy_shown: str
    left_out: Sequence[str]
    rows: Sequence[WatchedEvent]
    sentence: str


def watching(table: WatchList, names: Mapping[str, str], events: Mapping[str, str]) -> WatchListFigure:
    """Describe a watch list; `names` are those of the scenarios, by id."""
    rows = [
        WatchedEvent(
            event=events[row.event],
            now=label(row.now),
            defines=row.defines,
            bits=row.bits,
            bits_shown=size(row.bits, 3),
            share=row.share,
            share_shown=percent(row.share, None),
            outcomes=[_outcome(sight, names) for sight in row.outcomes],
        )
        for row in table.events
    ]
    return WatchListFigure(
        by=table.by.isoformat(),
        entropy=table.entropy,
        entropy_shown=size(table.entropy, 2),
        left_out=[events[event] for event in table.left_out],
        rows=rows,
        sentence=_watch(rows, long_date(table.by.isoformat())),
    )


def _outcome(sight: Sight, names: Mapping[str, str]) -> WatchedOutcome:
    moves = sight.moves
    change = moves.to - moves.from_
    return WatchedOutcome(
        state=label(sight.state),
        probability=sight.probability,
        shown=percent(sight.probability, None),
        scenario=names[moves.scenario],
        from_=moves.from_,
        to=moves.to,
        change=change,
        from_shown=percent(moves.from_, None),
        to_shown=percent(moves.to, None),
        up=change > 0,
        moves=percent(moves.from_, None) != percent(moves.to, None),
    )


def _watch(rows: Sequence[WatchedEvent], day: str) -> str:
    if not rows:
        return f"No event that can be watched until {day} reveals anything about the scenarios."
    said = f"Most worth watching until {day}: {', '.join(row.event for row in rows[:NAMED])}."
    moving = [
        (row, outcome) for row in rows[:NAMED] for outcome in row.outcomes if outcome.moves and outcome.to < DECIDES
    ]
    if not moving:
        return said
    row, most = max(moving, key=lambda pair: abs(pair[1].change))
    way, size = "up" if most.up else "down", f"{most.from_shown} to {most.to_shown}"
    return f"{said} If {row.event} is {most.state} then, {most.scenario} goes {way} from {size}."


@part
def watch(subject: Subject) -> WatchListFigure:
    """Return the page's watch list."""
    return watching(subject.material.answers.watch, scenario_names(subject.outcome), event_names(subject.outcome))


@dataclass(frozen=True, kw_only=True)
class WatchShown:
    """What the section of the watch list shows."""

    watch: WatchListFigure


class WatchSection(Section):
    """What would change the forecast, and what to look at."""

    id, title, group, place = "watch", "What would change it", "In short", 50
    entries: ClassVar[Mapping[str, int]] = {"watch": 140}

    @classmethod
    def shown(cls, subject: Subject) -> WatchShown:
        """Return the watch list."""
        return WatchShown(watch=watch(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the watch list."""
        return {"watch": watch(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the sentence, and what the first events of the list would do."""
        lines = [
            f"{row.event}, now {row.now}: "
            + "; ".join(
                f"{outcome.state} ({outcome.shown}) would put {outcome.scenario} at {outcome.to_shown}"
                for outcome in row.outcomes[:2]
            )
            for row in watch(subject).rows[:WATCHED]
        ]
        sentence = plain(watch(subject).sentence)
        return ["## What would change it", sentence, *(f"- {plain(line)}" for line in lines)]
