"""A count: a reference class, in which it happened so often, of so many cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, override

from pydantic import Field

from forecast.workspace.nodes import Day, Positive, Shape
from forecast.workspace.problems import Problem
from forecast.workspace.records import Count, Expert, Per, Reading
from forecast.workspace.statement_forms.form import Built, CountedCases, Numbers, Said, StatementForm

DAYS_PER_YEAR = 365.25


class CountShape(Shape):
    """A reference class: it happened so often, of so many cases."""

    happened: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=1)]
    per: Per
    opportunities: Positive | None = None
    until: Day | None = None


class CountForm(StatementForm[Count]):
    """`count: {happened: 7, of: 20, per: window}`."""

    key = "count"
    shape = CountShape
    record = Count
    may_be_coded_again = False
    may_be_exact = False
    example = "{happened: 7, of: 20, per: window}"
    is_read_with_about = True
    has_outcome = False
    is_at_opening = True

    @override
    def build(self, said: Said) -> Built:
        """Return the reading and the problems in it."""
        count: CountShape = said.value
        problems = (*_cases(count, said), *_exposure(count, said))
        if problems:
            return None, problems
        return Count(count.happened, count.of, count.per, count.opportunities, count.until), ()

    @override
    def sd(self, reading: Count, expert: Expert) -> float | None:
        """Return nothing: how sharp a count is its cases decide."""
        return None

    @override
    def numbers(self, reading: Count, scale: float, window_days: int) -> Numbers:
        """Return the cases, each with the part of the window's exposure that it has."""
        return CountedCases(reading.happened, reading.of, _share_of_window(reading, window_days))

    @override
    def words(self, reading: Count, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write the cases."""
        until = f", cases until {reading.until}" if reading.until else ""
        return f"{reading.happened} of {reading.of} per {reading.per}{until}"

    @override
    def alike(self, reading: Count, sd: float) -> Reading:
        """Return the count as it is."""
        return reading


def _share_of_window(count: Count, window_days: int) -> float:
    """Return the part of the window's exposure that a case has: all of it, an average year's share, or one of many."""
    match count.per:
        case "window":
            return 1.0
        case "year":
            # An average year of the window, whatever the event's timing makes of its single years.
            return DAYS_PER_YEAR / window_days
        case "opportunity":
            if count.opportunities is None:
                msg = "a count per opportunity needs the opportunities expected in the window"
                raise ValueError(msg)
            return 1.0 / count.opportunities


def _cases(count: CountShape, said: Said) -> Iterator[Problem]:
    """Report numbers of cases that do not fit together, and cases from within the window."""
    at, network = said.at, said.frame.network
    if count.happened > count.of:
        what = "happened more often than there were cases"
        yield at.at("happened").problem(what, str(count.happened), f"at most {count.of}")
    if count.per == "opportunity" and count.opportunities is None:
        yield at.problem("missing key 'opportunities'", "", "how many are expected within the window")
    if count.per != "opportunity" and count.opportunities is not None:
        what = f"'opportunities' with per {count.per}"
        yield at.at("opportunities").problem(what, "", "only with per opportunity")
    if count.until is not None and network is not None and count.until >= network.opens:
        allowed = f"before the opening {network.opens}; later cases are evidence"
        yield at.at("until").problem("cases after the opening", str(count.until), allowed)


def _exposure(count: CountShape, said: Said) -> Iterator[Problem]:
    """Report a target that gathers no exposure as the count would need it."""
    about, event = said.about, said.frame.events.get(said.about.event or "")
    if about.by is not None and event is not None and event.kind == "status":
        allowed = "a state that comes and goes gathers no exposure until a day; leave 'by' out, or give a probability"
        where = said.statement.at("about", "by").called(said.at.subject)
        yield where.problem("'by' on something that is not reached", f"an event of kind {event.kind}", allowed)
    if count.per == "year" and (about.scenario is not None or (event is not None and event.kind != "reached")):
        got = f"an event of kind {event.kind}" if event else "a scenario"
        what, allowed = "per year on something that is not reached", "per window or opportunity"
        yield said.at.at("per").problem(what, got, allowed)
