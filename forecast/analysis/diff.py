"""What changed between two forecasts, and what each change of the evidence did to every scenario and event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.chronology import EvidenceChange, Pooled, Whole, before, pool_draws, prefixes
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.differences import Differences, differences
from forecast.ledger.entries import Line
from forecast.ledger.ledger import Ledger
from forecast.ledger.line import active_inputs, new_line, table_today
from forecast.ledger.outcome import Outcome, kept_forecast
from forecast.workspace.records import Item, Workspace
from forecast.workspace.renames import NO_RENAMES, Renames

LATEST, BACK = "latest", "~"
Events = Mapping[str, Mapping[str, float]]


class UnknownUpdateError(ValueError):
    """Nothing in the ledger answers to the name; the message says what does."""


@dataclass(frozen=True)
class End:
    """A forecast to compare: its ledger line, or what would stand in one, and the events' probabilities if known.

    The line has no number where the forecast is computed from the files as of its date. `errors` are the Monte Carlo
    errors of the events' probabilities.
    """

    line: Line
    events: Events | None
    errors: Events | None = None

    @property
    def number(self) -> int | None:
        """That of the line, from 1; None where it is computed from the files."""
        return self.line.number

    @property
    def as_of(self) -> date:
        """Nothing dated later was used."""
        return self.line.as_of

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.as_of}" if self.number is None else f"line {self.number} of {self.as_of}"

    @property
    def scenarios(self) -> dict[str, float]:
        """The scenarios' probabilities, by id."""
        return self.line.probabilities

    @property
    def scenario_errors(self) -> dict[str, float]:
        """Their Monte Carlo errors, by id; older lines have none."""
        return {share.id: share.mcse for share in self.line.scenarios if share.mcse is not None}


def find_line(text: str, ledger: Ledger) -> Line | None:
    """Return the update that a text names: a line's number, `latest`, `~N` updates before it, or a date's last line.

    None for a date without a line. Raises UnknownUpdateError.
    """
    updates = ledger.updates
    known = f"the ledger has lines 1 to {len(ledger.entries)}" if ledger.entries else "the ledger has no line yet"
    if len(ledger.entries) < 2:
        known += "; `forecast update` writes one each time, and two are compared"
    known += "; a day (YYYY-MM-DD) needs no line"
    steps = text.removeprefix(BACK)
    if text == LATEST or (text.startswith(BACK) and steps.isascii() and steps.isdigit()):
        back = 0 if text == LATEST else int(steps)
        line = updates[-1 - back] if back < len(updates) else None
    elif text.isascii() and text.isdigit():
        line = next((update for update in updates if update.number == int(text)), None)
        if line is None and 0 < int(text) <= len(ledger.entries):
            msg = f"line {text} joins two branches: {known}; name one of an update"
            raise UnknownUpdateError(msg)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            msg = f"'{text}' names no update; write a day (YYYY-MM-DD), a line's number, {LATEST}, or ~1 (one before)"
            raise UnknownUpdateError(msg) from None
        return next((update for update in reversed(updates) if update.as_of == day), None)
    if line is None:
        msg = f"no line '{text}': {known}"
        raise UnknownUpdateError(msg)
    return line


def end_of_line(root: Path, line: Line, renames: Renames = NO_RENAMES) -> End:
    """Return an update of the ledger; its events come from its forecast.json, if that is still the update's own."""
    table = table_today(kept_forecast(root, line.as_of.isoformat()) or {"scenarios": []}, line, renames)
    recorded = {row["id"]: row["probability"] for row in table["scenarios"]}
    is_own = recorded == line.probabilities
    known = (_events(table["events"], key) if is_own else None for key in ("probability", "mcse"))
    return End(line, *known)


def _events(rows: Sequence[Mapping[str, Any]], key: str) -> Events:
    return {row["id"]: {state["state"]: state[key] for state in row["states"]} for row in rows}


def end_of_files(outcome: Outcome) -> End:
    """Return the forecast that the files give as of its date, in the same form."""
    errors = {name: {state: one.mcse for state, one in states.items()} for name, states in outcome.events.items()}
    return End(new_line(outcome), events_of(outcome), errors)


def events_of(outcome: Outcome) -> Events:
    """Return the probability of every state of every event of a forecast."""
    return {name: {state: one.probability for state, one in states.items()} for name, states in outcome.events.items()}


def restored(workspace: Workspace, end: End) -> Workspace:
    """Return the workspace with what an update used of it: items, retractions, statements and watched time.

    What has been edited since stands as it is now, and what has been taken out of the files is missing.
    """
    inputs = end.line.inputs

    def as_it_was(item: Item) -> Item:
        return item if item.id in inputs["retracted"] else replace(item, retracted=None)

    return replace(
        workspace,
        items=tuple(as_it_was(item) for item in workspace.items if item.id in inputs["items"]),
        statements=tuple(statement for statement in workspace.statements if statement.id in inputs["statements"]),
        watched_until=end.line.known_until,
    )


Array = NDArray[np.float64]
Progress = Callable[[str], None]
Effects = dict[str, float]

TIME, MONTE_CARLO = "time without news", "Monte Carlo difference"


@dataclass(frozen=True)
class _StepPoint:
    """The forecast after a step: what was added, and what it then is (None where the evidence so far is impossible)."""

    kind: str
    change: EvidenceChange | None
    whole: Whole | None


@dataclass(frozen=True, kw_only=True)
class ComparedForecast:
    """An end of a comparison: its name, and its line (None where it is computed from the files)."""

    name: str
    line: int | None
    as_of: date
    known_until: date


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A probability at both ends, with the Monte Carlo errors where they are known."""

    id: str
    from_: float
    to: float
    from_mcse: float | None
    to_mcse: float | None
    change: float


@dataclass(frozen=True, kw_only=True)
class MovedEvent:
    """An event's states at both ends; `recomputed`: known from the draws of the table alone."""

    id: str
    recomputed: bool
    states: tuple[Moved, ...]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What became known or changed, and what it added to every scenario and to every state of every event."""

    what: str
    kind: str
    on: date | None = None
    headline: str | None = None
    scenarios: Effects
    events: Mapping[str, Effects]
    possible: bool = True
    reliable: bool = True


@dataclass(frozen=True, kw_only=True)
class ForecastDifference:
    """What changed between two forecasts: inputs, probabilities, and the steps that add up to it."""

    from_: ComparedForecast
    to: ComparedForecast
    inputs: Differences
    news: tuple[str, ...]
    scenarios: tuple[Moved, ...]
    events: tuple[MovedEvent, ...]
    rows: tuple[Cause, ...]
    unreliable: int


def difference(first: End, last: End, outcome: Outcome, progress: Progress) -> ForecastDifference:
    """Explain the change from one forecast to another as a sum of steps, for every scenario and every event.

    The evidence of the first end is turned into that of the last one, change after change in the order in which it
    became known, and the forecast computed anew each time, all on the same draws: those of the last end. Time without
    news, from the first date to the last one with no change at all, is the first step. The last row is what no item
    explains: other inputs that changed (statements, network, edited items as they were, ...) and what the draws of the
    table differ by; with it the steps add up to the difference of the two forecasts' own numbers.

    Args:
        first, last: the ends; `first` is not dated later than `last`.
        outcome: the last end computed anew from what the files still hold of it.
        progress: is told how far it is.
    """
    changed = differences(first.line, last.line)
    points = list(_points(first, last, outcome, progress))
    names = outcome.scenario_ids
    scenarios = _steps(points, names, lambda whole: whole.estimate.shares)
    events = {
        event.id: _steps(points, event.states, lambda whole, v=v: whole.events[v])  # type: ignore[misc]  # v is bound
        for v, event in enumerate(outcome.layout.events)
    }
    ends = _ends(first, last, outcome, points)
    headlines = {item.id: item.headline for item in outcome.workspace.items}
    rows = [
        _row(point, headlines, scenarios[place], {name: steps[place] for name, steps in events.items()})
        for place, point in enumerate(points[1:])
    ]
    rows.append(_remainder(changed, rows, ends))
    return ForecastDifference(
        from_=_end(first),
        to=_end(last),
        inputs=changed,
        news=tuple(changed.words()),
        scenarios=tuple(
            _moved(name, *ends.scenarios[name], *(end.scenario_errors.get(name) for end in (first, last)))
            for name in names
        ),
        events=tuple(
            MovedEvent(
                id=event.id,
                recomputed=event.id in ends.recomputed,
                states=tuple(
                    _moved(x, *ends.events[event.id][x], *(_error(end, event.id, x) for end in (first, last)))
                    for x in event.states
                ),
            )
            for event in outcome.layout.events
        ),
        rows=tuple(rows),
        unreliable=sum(not row.reliable for row in rows),
    )


def _changes(first: End, last: End, outcome: Outcome) -> tuple[EvidenceChange, ...]:
    """Return what the evidence of the last end has that the first had not: items, edits that the files hold, ..."""
    used, had = last.line.inputs, first.line.inputs
    items = {item.id: item for item in outcome.workspace.items}
    now = active_inputs(outcome.workspace, outcome.as_of)["items"]
    own = {name for name, digest in used["items"].items() if now.get(name) == digest}
    # Of an edited item the first end's text is gone: it enters as it is, and what it did before is in the remainder.
    enters = {name for name in items if name not in had["items"] or (name in own and had["items"][name] != now[name])}
    retracted = {
        name for name in used["retracted"] if name in items and (name in enters or name not in had["retracted"])
    }
    steps = [EvidenceChange(items[name].reported, name, retracts=False) for name in enters]
    for name in retracted:
        item = items[name]
        steps.append(EvidenceChange(max(item.reported, item.retracted or item.reported), name, retracts=True))
    return tuple(sorted(steps))


def _points(first: End, last: End, outcome: Outcome, progress: Progress) -> Iterator[_StepPoint]:
    pooled = pool_draws(outcome.posterior, outcome.seed)
    steps = _changes(first, last, outcome)
    unchanged = before(outcome.workspace, steps)
    yield _StepPoint("start", None, _whole(pooled, restored(unchanged, first), outcome, first))
    yield _StepPoint("time", None, _whole(pooled, unchanged, outcome, last))
    for number, (change, remaining) in enumerate(zip(steps, prefixes(outcome.workspace, steps), strict=True), 1):
        progress(f"adding one item after the other: {100 * number // len(steps)} %")
        yield _StepPoint(change.kind, change, _whole(pooled, remaining, outcome, last))


def _whole(pooled: Pooled, workspace: Workspace, outcome: Outcome, end: End) -> Whole | None:
    try:
        return pooled.whole(workspace, outcome.posterior, end.as_of)
    except ImpossibleEvidenceError:
        return None


def _steps(points: Sequence[_StepPoint], names: Sequence[str], of: Callable[[Whole], Array]) -> list[Effects]:
    """Return what each point but the first adds; an impossible one adds nothing."""
    rows: list[Effects] = []
    at: Array | None = None
    for point in points:
        now = at if point.whole is None else of(point.whole)
        if point is not points[0]:
            step = np.zeros(len(names)) if at is None or now is None else now - at
            rows.append(dict(zip(names, map(float, step), strict=True)))
        at = now
    return rows


@dataclass(frozen=True)
class _Ends:
    """Probabilities at both ends; `recomputed` are events of which the two are known from the draws of the table."""

    scenarios: Mapping[str, tuple[float, float]]
    events: Mapping[str, Mapping[str, tuple[float, float]]]
    recomputed: frozenset[str]


def _ends(first: End, last: End, outcome: Outcome, points: Sequence[_StepPoint]) -> _Ends:
    old, new = first.scenarios, last.scenarios
    known = [point.whole for point in points if point.whole is not None]
    events, recomputed = {}, []
    for v, event in enumerate(outcome.layout.events):
        told = [{} if end.events is None else end.events.get(event.id, {}) for end in (first, last)]
        if any(set(states) != set(event.states) for states in told):
            told = [
                dict(zip(event.states, map(float, whole.events[v]), strict=True)) for whole in (known[0], known[-1])
            ]
            recomputed.append(event.id)
        events[event.id] = {state: (told[0][state], told[1][state]) for state in event.states}
    # A scenario that was not there had none.
    scenarios = {name: (old.get(name, 0.0), new.get(name, 0.0)) for name in outcome.scenario_ids}
    return _Ends(scenarios, events, frozenset(recomputed))


def _row(point: _StepPoint, headlines: Mapping[str, str], scenarios: Effects, events: Mapping[str, Effects]) -> Cause:
    change, estimate = point.change, None if point.whole is None else point.whole.estimate
    return Cause(
        what=TIME if change is None else change.item,
        kind=point.kind,
        on=None if change is None else change.on,
        headline=None if change is None else headlines[change.item],
        scenarios=scenarios,
        events=dict(events),
        possible=estimate is not None,
        reliable=estimate is not None and estimate.reliable,
    )


def _remainder(changed: Differences, rows: Sequence[Cause], ends: _Ends) -> Cause:
    """Return the row of what is no single item of the files: other inputs that changed, and the table's draws."""
    statements = [changed.new, changed.edited, changed.taken_out]
    others = ["statements"] if any("statements" in kinds for kinds in statements) else []
    others += [kind for kind in changed.edited if kind not in {"statements", "items"}]
    others += ["edited items as they were"] if "items" in changed.edited else []
    others += ["items taken out"] if "items" in changed.taken_out else []
    others += ["items retracted before"] if changed.restored else []
    others += [name for name in changed.changed if name != TIME]

    def left(name: str, at: tuple[float, float], effects: Sequence[Effects]) -> float:
        return at[1] - at[0] - fsum(row[name] for row in effects)

    by_scenario = [row.scenarios for row in rows]
    return Cause(
        what=" and ".join([*others, MONTE_CARLO]),
        kind="inputs" if others else "monte_carlo",
        scenarios={name: left(name, at, by_scenario) for name, at in ends.scenarios.items()},
        events={
            event: {state: left(state, at, [row.events[event] for row in rows]) for state, at in states.items()}
            for event, states in ends.events.items()
        },
    )


def _end(end: End) -> ComparedForecast:
    return ComparedForecast(name=end.name, line=end.number, as_of=end.as_of, known_until=end.line.known_until)


def _error(end: End, event: str, state: str) -> float | None:
    return (end.errors or {}).get(event, {}).get(state)


def _moved(name: str, first: float, last: float, first_mcse: float | None, last_mcse: float | None) -> Moved:
    return Moved(id=name, from_=first, to=last, from_mcse=first_mcse, to_mcse=last_mcse, change=last - first)
