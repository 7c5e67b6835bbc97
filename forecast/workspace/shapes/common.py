"""What the shapes of all files share: names, texts, dates, probabilities, choices of states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from forecast.workspace.problems import shown

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Shape(BaseModel):
    """A map with known keys, read strictly: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    # Keys of which exactly one must be there; the reader checks it, the schema says it.
    one_of: ClassVar[tuple[str, ...]] = ()
    # Keys that some of these need beside them; the others of `one_of` stand without.
    beside: ClassVar[Mapping[str, str]] = {}


class AtLeast(Shape):
    """The state named and all later ones."""

    at_least: Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class Choice(NamedTuple):
    """States as the user wrote them: some names, or one name and all states after it."""

    states: tuple[str, ...]
    and_later: bool


def refuse(what: str, allowed: str = "") -> PydanticCustomError:
    """Return the error that a validator raises; `what` reads on from the name of the value."""
    return PydanticCustomError("plain_words", "{what}", {"what": what, "allowed": allowed})


def _read_day(value: Any) -> date:
    if not isinstance(value, str) or not ISO_DAY.fullmatch(value):
        raise refuse("is not a date", "dates are written YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise refuse("is a day that does not exist", "dates are written YYYY-MM-DD") from None


def _read_past_day(value: Any, info: ValidationInfo) -> date:
    day, today = _read_day(value), (info.context or {})["today"]
    if day > today:
        raise refuse("lies in the future", f"today is {today}")
    return day


def read_probability(value: Any) -> Any:
    """Return a number that is strictly between 0 and 1, and anything that is no number as it is; refuse the rest."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value in (0, 1):
            raise refuse("may not be 0 or 1", "no evidence could ever move a certainty; write 0.01 or 0.99, or less")
        if 1 < value <= 100:
            raise refuse("is not a probability", f"between 0 and 1; {value:g} % is written {value / 100:g}")
        if not 0 < value < 1:
            raise refuse("is not a probability", "a number between 0 and 1")
    return value


def _read_choice(value: Any) -> Choice:
    allowed = "a state, a list of states, or {at_least: state}"
    if isinstance(value, str):
        return Choice((value,), False)
    if isinstance(value, list):
        if not value:
            raise refuse("is an empty list: it can never hold", allowed)
        for state in value:
            if not isinstance(state, str):
                raise refuse(f"holds {shown(state)}, which is no state", "put a state's name in quotes")
        return Choice(tuple(dict.fromkeys(value)), False)
    if isinstance(value, dict) and set(value) == {"at_least"} and isinstance(value["at_least"], str):
        return Choice((value["at_least"],), True)
    if isinstance(value, dict) or value is None:
        raise refuse("names no states", allowed)
    raise refuse("is no state", f"{allowed}; put a state's name in quotes")


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=100)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Day = Annotated[date, BeforeValidator(_read_day, json_schema_input_type=date)]
PastDay = Annotated[date, BeforeValidator(_read_past_day, json_schema_input_type=date)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
UnitProbability = Annotated[float, Field(gt=0, lt=1), BeforeValidator(read_probability)]
States = Annotated[Choice, PlainValidator(_read_choice, json_schema_input_type=Name | list[Name] | AtLeast)]
