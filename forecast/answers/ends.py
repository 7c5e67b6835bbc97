"""The two ends of a comparison: updates of the ledger, or dates that the files can be read as of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from forecast.record.inputs import active_inputs, rolled_to
from forecast.record.kept_forecast import kept_forecast
from forecast.record.ledger import Line
from forecast.record.outcome import Outcome
from forecast.workspace.records import Item, Workspace

LATEST, BACK = "latest", "~"
Events = Mapping[str, Mapping[str, float]]


class UnknownUpdateError(ValueError):
    """Nothing in the ledger answers to the name; the message says what does."""


@dataclass(frozen=True)
class End:
    """A forecast to compare: its ledger line, or what would stand in one, and the events' probabilities if known.

    `number` is that of the line, from 1; None where the forecast is computed from the files as of its date. `errors`
    are the Monte Carlo errors of the events' probabilities.
    """

    number: int | None
    line: Line
    events: Events | None
    errors: Events | None = None

    @property
    def as_of(self) -> date:
        """Nothing dated later was used."""
        return date.fromisoformat(self.line["as_of"])

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.as_of}" if self.number is None else f"line {self.number} of {self.as_of}"

    @property
    def scenarios(self) -> dict[str, float]:
        """The scenarios' probabilities, by id."""
        return {row["id"]: row["probability"] for row in self.line["scenarios"]}

    @property
    def scenario_errors(self) -> dict[str, float]:
        """Their Monte Carlo errors, by id; older lines have none."""
        return {row["id"]: row["mcse"] for row in self.line["scenarios"] if "mcse" in row}


def find_line(text: str, ledger: Sequence[Line]) -> int | None:
    """Return the place of the line that a text names: a number, `latest`, `~N` before it, or a date's last line.

    None for a date without a line. Raises UnknownUpdateError.
    """
    known = f"the ledger has lines 1 to {len(ledger)}" if ledger else "the ledger has no line yet"
    known += "; a day (YYYY-MM-DD) needs no line"
    steps = text.removeprefix(BACK)
    if text == LATEST or (text.startswith(BACK) and steps.isascii() and steps.isdigit()):
        place = len(ledger) - 1 - (0 if text == LATEST else int(steps))
    elif text.isascii() and text.isdigit():
        place = int(text) - 1
    else:
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            msg = f"'{text}' names no update; write a day (YYYY-MM-DD), a line's number, {LATEST}, or ~1 (one before)"
            raise UnknownUpdateError(msg) from None
        return max((place for place, line in enumerate(ledger) if line["as_of"] == day), default=None)
    if not 0 <= place < len(ledger):
        msg = f"no line '{text}': {known}"
        raise UnknownUpdateError(msg)
    return place


def end_of_line(root: Path, ledger: Sequence[Line], place: int) -> End:
    """Return an update of the ledger; its events come from its forecast.json, if that is still the update's own."""
    line = ledger[place]
    table = kept_forecast(root, line["as_of"]) or {"scenarios": []}
    told = {row["id"]: row["probability"] for row in table["scenarios"]}
    is_own = told == {row["id"]: row["probability"] for row in line["scenarios"]}
    known = (_events(table["events"], key) if is_own else None for key in ("probability", "mcse"))
    return End(place + 1, line, *known)


def _events(rows: Sequence[Mapping[str, Any]], key: str) -> Events:
    return {row["id"]: {state["state"]: state[key] for state in row["states"]} for row in rows}


def end_of_files(found: Outcome, version: str) -> End:
    """Return the forecast that the files give as of its date, in the same form."""
    line = {
        "as_of": found.as_of.isoformat(),
        "known_until": found.posterior.asked.network.known.until.isoformat(),
        "rolled": rolled_to(found.workspace.network),
        "seed": found.seed,
        "version": version,
        "inputs": active_inputs(found.workspace, found.as_of),
        "scenarios": [
            {"id": name, "probability": one.probability, "mcse": one.mcse} for name, one in found.scenarios.items()
        ],
    }
    errors = {name: {state: one.mcse for state, one in states.items()} for name, states in found.events.items()}
    return End(None, line, events_of(found), errors)


def events_of(found: Outcome) -> Events:
    """Return the probability of every state of every event of a forecast."""
    return {name: {state: one.probability for state, one in states.items()} for name, states in found.events.items()}


def restored(workspace: Workspace, end: End) -> Workspace:
    """Return the workspace with what an update used of it: items, retractions, statements and watched time.

    What has been edited since stands as it is now, and what has been taken out of the files is missing.
    """
    inputs = end.line["inputs"]

    def as_it_was(item: Item) -> Item:
        return item if item.id in inputs["retracted"] else replace(item, retracted=None)

    return replace(
        workspace,
        items=tuple(as_it_was(item) for item in workspace.items if item.id in inputs["items"]),
        statements=tuple(one for one in workspace.statements if one.id in inputs["statements"]),
        watched_until=date.fromisoformat(end.line["known_until"]),
    )
