"""A distribution: a probability for each state of the event."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, override

from pydantic import BeforeValidator, Field

from forecast.workspace.names import Frame, unknown_state, unnumbered
from forecast.workspace.nodes import Cursor, MapNode, Name, refuse
from forecast.workspace.problems import Problem
from forecast.workspace.records import Distribution, Expert, Reading, Target
from forecast.workspace.renames import Former
from forecast.workspace.statement_forms.form import Built, Numbers, Said, StatedDistribution, StatementForm
from forecast.workspace.wording import exact, label

SUM_TOLERANCE = 1e-6
SD_KEY = "sd"  # beside the states; no state may be called so


def _read_share(value: Any) -> Any:
    if value == 0 and not isinstance(value, bool):
        raise refuse(
            "may not be 0",
            "no evidence could ever bring it back; write 0.01, or less; "
            "what cannot be without another event is a `requires` of the network",
        )
    return value


Share = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_read_share)]


class DistributionForm(StatementForm[Distribution]):
    """`distribution: {STATE: PROBABILITY, ..., sd: 1}`."""

    key = "distribution"
    shape = Annotated[dict[Name, Share], Field(min_length=1)]
    record = Distribution
    may_be_coded_again = False
    example = "{STATE: 0.2, STATE: 0.8, sd: 1}"
    is_read_with_about = True
    is_on_whole_event = True
    has_outcome = False

    @override
    def references(self, statement: Cursor, frame: Frame) -> Iterator[Problem]:
        """Report states that the event does not have, and states that are left out."""
        event = statement.text("about", "event")
        states = frame.names.states(event) if event is not None else None
        if not isinstance(statement.child(self.key), MapNode) or states is None:
            return
        at = statement.at(self.key).under(self.key)
        for state in at.keys:
            if state != SD_KEY:
                yield from unknown_state(frame.names, event, state, at.key(state))
        yield from unnumbered(states, at, f"event '{event}': state ", "probability", "states", [SD_KEY])

    @override
    def build(self, said: Said) -> Built:
        """Return the reading, and numbers that do not sum to one."""
        entries: dict[str, float] = said.value
        states = said.frame.names.states(said.about.event) if said.about.event else None
        shares = {state: p for state, p in entries.items() if state != SD_KEY}
        if states is None or set(shares) != set(states):
            return None, ()
        total = math.fsum(shares.values())
        if abs(total - 1) > SUM_TOLERANCE:
            return None, (said.at.problem("probabilities do not sum to one", f"{total:.7g}", "1 (within 0.000001)"),)
        return Distribution({state: shares[state] for state in states}, entries.get(SD_KEY)), ()

    @override
    def sd(self, reading: Distribution, expert: Expert) -> float | None:
        """Return the sd that is stated."""
        return reading.sd if reading.sd is not None else expert.default_sd

    @override
    def numbers(self, reading: Distribution, scale: float, window_days: int) -> Numbers:
        """Return the shares."""
        return StatedDistribution(tuple(reading.probabilities.values()), scale)

    @override
    def words(self, reading: Distribution, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write each state with its share."""
        listed = ", ".join(f"{label(state)} {exact(p)}" for state, p in reading.probabilities.items())
        return listed + (f" (sd {reading.sd:g})" if reading.sd is not None else "")

    @override
    def alike(self, reading: Distribution, sd: float) -> Reading:
        """Return the same shares."""
        return replace(reading, sd=sd)

    @override
    def former(self, reading: Distribution, about: Target, names: Former) -> Distribution:
        """Return the reading with the names of then."""
        if about.condition is None:
            return reading
        event = about.condition.event
        return replace(reading, probabilities={names.state(event, s): p for s, p in reading.probabilities.items()})
