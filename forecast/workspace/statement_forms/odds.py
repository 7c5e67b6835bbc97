"""Odds as bookmakers write them: read as the probability that they are."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple, override

from pydantic import BeforeValidator, PlainValidator

from forecast.workspace.nodes import Shape, UnitProbability, refuse
from forecast.workspace.records import Probability
from forecast.workspace.statement_forms.form import LEVEL, Built, Said, interval_problems
from forecast.workspace.statement_forms.probability import ProbabilityForm

ODDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*[:/]\s*([0-9]+(?:\.[0-9]+)?)(?:\s+(on|against))?\s*")


def read_odds(text: str) -> tuple[float, float] | None:
    """Return the parts of odds, (it happens, it does not); None where the text holds none.

    'a:b on' and plain 'a:b' are a to b that it happens, 'a:b against' a to b that it does not."""
    match = ODDS.fullmatch(text)
    if match is None:
        return None
    first, second = float(match[1]), float(match[2])
    return (second, first) if match[3] == "against" else (first, second)


class Odds(NamedTuple):
    """Odds as they were written, and the probability that they are."""

    text: str
    probability: float


def _read_odds(value: Any) -> Odds:
    parts = read_odds(value) if isinstance(value, str) else None
    if parts is None:
        raise refuse(
            "cannot be read as odds", "'3:1 on' is three to one that it happens; '3:1 against' that it does not"
        )
    happens, fails = parts
    if happens == 0 or fails == 0:
        raise refuse("may not be 0 or infinite", "no evidence could ever move a certainty; write '99:1 on', or less")
    return Odds(" ".join(str(value).split()), happens / (happens + fails))


OddsText = Annotated[Odds, PlainValidator(_read_odds, json_schema_input_type=str)]


class OddsShape(Shape):
    """The best odds, with others as an interval."""

    best: OddsText
    low: OddsText | None = None
    high: OddsText | None = None
    level: UnitProbability | None = None


def _read_odds_text(value: Any) -> Any:
    return {"best": value} if not isinstance(value, dict) else value


class OddsForm(ProbabilityForm):
    """`odds: 3:1 on`, or a map with `best`."""

    key = "odds"
    shape = Annotated[OddsShape, BeforeValidator(_read_odds_text, json_schema_input_type=str | OddsShape)]
    example = "3:1 on, or {best: 3:1 on, low: 2:1 on, high: 5:1 on}"

    @override
    def build(self, said: Said) -> Built:
        """Return the reading, a probability, and the problems in it."""
        shape: OddsShape = said.value
        low, high = shape.low, shape.high
        bounds = (None if low is None else low.probability, None if high is None else high.probability)
        problems = tuple(interval_problems(said.at, bounds[0], shape.best.probability, bounds[1]))
        if problems:
            return None, problems
        words = f"odds {shape.best.text}" + (f" ({low.text} to {high.text})" if low and high else "")
        return Probability(shape.best.probability, *bounds, shape.level or LEVEL, None, words), ()
