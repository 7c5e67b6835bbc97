"""The two ends of a comparison: updates of the ledger, or dates that the files can be read as of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from forecast.record.entries import Line
from forecast.record.kept_forecast import kept_forecast
from forecast.record.ledger import Ledger
from forecast.record.new_line import new_line
from forecast.record.outcome import Outcome
from forecast.record.renamed import table_today
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
    known += "; a day (YYYY-MM-DD) needs no line"
    steps = text.removeprefix(BACK)
    if text == LATEST or (text.startswith(BACK) and steps.isascii() and steps.isdigit()):
        back = 0 if text == LATEST else int(steps)
        line = updates[-1 - back] if back < len(updates) else None
    elif text.isascii() and text.isdigit():
        line = next((one for one in updates if one.number == int(text)), None)
        if line is None and 0 < int(text) <= len(ledger.entries):
            msg = f"line {text} joins two branches: {known}; name one of an update"
            raise UnknownUpdateError(msg)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            msg = f"'{text}' names no update; write a day (YYYY-MM-DD), a line's number, {LATEST}, or ~1 (one before)"
            raise UnknownUpdateError(msg) from None
        return next((one for one in reversed(updates) if one.as_of == day), None)
    if line is None:
        msg = f"no line '{text}': {known}"
        raise UnknownUpdateError(msg)
    return line


def end_of_line(root: Path, line: Line, renames: Renames = NO_RENAMES) -> End:
    """Return an update of the ledger; its events come from its forecast.json, if that is still the update's own."""
    table = table_today(kept_forecast(root, line.as_of.isoformat()) or {"scenarios": []}, line, renames)
    told = {row["id"]: row["probability"] for row in table["scenarios"]}
    is_own = told == line.probabilities
    known = (_events(table["events"], key) if is_own else None for key in ("probability", "mcse"))
    return End(line, *known)


def _events(rows: Sequence[Mapping[str, Any]], key: str) -> Events:
    return {row["id"]: {state["state"]: state[key] for state in row["states"]} for row in rows}


def end_of_files(found: Outcome) -> End:
    """Return the forecast that the files give as of its date, in the same form."""
    errors = {name: {state: one.mcse for state, one in states.items()} for name, states in found.events.items()}
    return End(new_line(found), events_of(found), errors)


def events_of(found: Outcome) -> Events:
    """Return the probability of every state of every event of a forecast."""
    return {name: {state: one.probability for state, one in states.items()} for name, states in found.events.items()}


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
        statements=tuple(one for one in workspace.statements if one.id in inputs["statements"]),
        watched_until=end.line.known_until,
    )
