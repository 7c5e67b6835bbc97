"""What would change the forecast: what is worth watching, and what each outcome would do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.analysis.supposition import descendants_of
from forecast.analysis.watch import Sight, WatchList
from forecast.digits import size
from forecast.model.layout import rule_events
from forecast.report.section import Section, Subject, part, plain
from forecast.words import counted, event_names, label, long_date, percent, scenario_names

NAMED, DECIDES = 3, 0.995  # events in the sentence; what makes a scenario as good as certain is no news
WATCHED = 3  # in the brief
LEAST = 0.02  # of a scenario's change: what moves none by that is no sign
SIGNS = 4  # of each kind, on the first page


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
    """An event: where it stands now, and what its state will tell of the scenarios, in bits and as a share of them.

    `defines`: a scenario's rule names it; `follows`: it is downstream of such an event, and so no sign ahead of it.
    """

    event: str
    now: str
    defines: bool
    follows: bool
    bits: float
    bits_shown: str
    share: float
    share_shown: str
    outcomes: Sequence[WatchedOutcome]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """The state of an event that would move a scenario most, and that scenario."""

    event: str
    state: str
    shown: str
    scenario: str
    change: float
    from_shown: str
    to_shown: str
    up: bool


@dataclass(frozen=True, kw_only=True)
class WatchListFigure:
    """What is worth watching until a day, of how many bits, and in a sentence.

    `leading` are signs that neither a scenario's rule names nor follow from what it names, `of_rules` those that it
    names: each moves a scenario by LEAST or more, the most first. `outside` counts the events of the first kind, and
    `finding` says what the lists come to.
    """

    by: str
    leading: Sequence[Sign]
    of_rules: Sequence[Sign]
    outside: int
    finding: str
    entropy: float
    entropy_shown: str
    left_out: Sequence[str]
    rows: Sequence[WatchedEvent]
    sentence: str


def watching(
    table: WatchList, names: Mapping[str, str], events: Mapping[str, str], follows: Collection[str] = ()
) -> WatchListFigure:
    """Describe a watch list; `names` are those of the scenarios, by id; `follows`: events downstream of a rule's."""
    rows = [
        WatchedEvent(
            event=events[row.event],
            now=label(row.now),
            defines=row.defines,
            follows=not row.defines and row.event in follows,
            bits=row.bits,
            bits_shown=size(row.bits, 3),
            share=row.share,
            share_shown=percent(row.share, None),
            outcomes=[_outcome(sight, names) for sight in row.outcomes],
        )
        for row in table.events
    ]
    leading = _signs(row for row in rows if not (row.defines or row.follows))
    of_rules = _signs(row for row in rows if row.defines)
    outside, day = sum(not (row.defines or row.follows) for row in rows), long_date(table.by.isoformat())
    return WatchListFigure(
        by=table.by.isoformat(),
        leading=leading,
        of_rules=of_rules,
        outside=outside,
        finding=_finding(len(leading), outside, day, any_rule=bool(of_rules)),
        entropy=table.entropy,
        entropy_shown=size(table.entropy, 2),
        left_out=[events[event] for event in table.left_out],
        rows=rows,
        sentence=_watch(rows, day),
    )


def _signs(rows: Iterable[WatchedEvent]) -> list[Sign]:
    """Return the events that would move a scenario by LEAST, the most first, each with what would do it."""
    signs = []
    for row in rows:
        most = max(row.outcomes, key=lambda one: abs(one.change))
        if abs(most.change) >= LEAST:
            sign = Sign(
                event=row.event,
                state=most.state,
                shown=most.shown,
                scenario=most.scenario,
                change=most.change,
                from_shown=most.from_shown,
                to_shown=most.to_shown,
                up=most.up,
            )
            signs.append(sign)
    return sorted(signs, key=lambda sign: -abs(sign.change))


def _finding(leading: int, outside: int, day: str, *, any_rule: bool) -> str:
    """Say what the lists of signs come to; that there is none is the finding."""
    least = f"{100 * LEAST:.0f} points"
    if not outside:
        return f"Until {day} no event can be watched that comes before what the rules name."
    ahead = f"{counted(outside, 'event')} that {'comes' if outside == 1 else 'come'} before what the rules name"
    if leading:
        return f"Until {day}, {leading} of {ahead} would move a scenario by {least} or more."
    said = f"Until {day}, none of {ahead} would move a scenario by {least}: "
    return said + ("only what a rule itself names would." if any_rule else "there is no leading sign.")


def _counts(table: WatchListFigure) -> str:
    """Say how the events are divided, so that the counts of all sentences about them add up."""
    named, after = sum(row.defines for row in table.rows), sum(row.follows for row in table.rows)
    unseen = len(table.left_out)
    said = f"{counted(len(table.rows) + unseen, 'event')}: {named} named by a rule, {len(table.rows) - named} outside"
    said += f" ({table.outside} before what the rules name, {after} after)"
    return f"{said}, {unseen} that may stay unseen until then" if unseen else said


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
    said = f"Most is revealed by {day} by {', '.join(row.event for row in rows[:NAMED])}."
    moving = [
        (row, outcome) for row in rows[:NAMED] for outcome in row.outcomes if outcome.moves and outcome.to < DECIDES
    ]
    if not moving:
        return said
    row, most = max(moving, key=lambda pair: abs(pair[1].change))
    way, size = "up" if most.up else "down", f"{most.from_shown} to {most.to_shown}"
    return f"{said} If {row.event} is then {most.state}, {most.scenario} goes {way} from {size}."


@part
def watch(subject: Subject) -> WatchListFigure:
    """Return the page's watch list."""
    outcome = subject.outcome
    layout, rules = outcome.layout, rule_events(outcome.layout, outcome.workspace.scenarios)
    follows = {layout.events[v].id for v in descendants_of(layout, tuple(rules))}
    return watching(subject.material.answers.watch, scenario_names(outcome), event_names(outcome), follows)


@dataclass(frozen=True, kw_only=True)
class WatchShown:
    """What the section of the watch list shows: the events under headings, and those that move nothing."""

    watch: WatchListFigure
    groups: Sequence[tuple[str, Sequence[WatchedEvent]]]
    quiet: Sequence[WatchedEvent]
    least_shown: str
    counts: str


class WatchSection(Section):
    """What would change the forecast, and what to look at."""

    id, title, group, place = "watch", "What would change it", "In short", 50
    entries: ClassVar[Mapping[str, int]] = {"watch": 140}

    @classmethod
    def shown(cls, subject: Subject) -> WatchShown:
        """Return the watch list: leading signs first, then what the rules name, then what follows from that."""
        rows = watch(subject).rows
        moving = [row for row in rows if any(abs(one.change) >= LEAST for one in row.outcomes)]
        return WatchShown(
            watch=watch(subject),
            groups=[
                ("Leading signs: before what the rules name", [r for r in moving if not (r.defines or r.follows)]),
                ("Named by a scenario's rule", [r for r in moving if r.defines]),
                ("Following from what a rule names", [r for r in moving if r.follows]),
            ],
            quiet=[row for row in rows if row not in moving],
            least_shown=f"{100 * LEAST:.0f} points",
            counts=_counts(watch(subject)),
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the watch list."""
        return {"watch": watch(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the finding, and what the first signs would do."""
        shown = watch(subject)
        lines = [
            f"{row.event}: {row.state} ({row.shown}): {row.scenario} {row.from_shown} to {row.to_shown}"
            for row in [*shown.leading, *shown.of_rules][:WATCHED]
        ]
        sentence = plain(shown.finding)
        return ["## What would change it", sentence, *(f"- {plain(line)}" for line in lines)]
