"""Which rows of coders' tables count: the conditions of `--where`, and whether the files hold the whole window."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from forecast.workspace.feeds.coded_table import NUMBER, CodedRow, CodedTable, Coder, Span
from forecast.workspace.problems import Problem, Severity, Source, choice, one_form, shown

FORM = re.compile(r"\s*([^<>=]+?)\s*(<=|>=|=)\s*(.+?)\s*")
WHOLE = "--whole says that the files hold all of the window, and that nothing happened there"
QUARTERS = 96  # of an hour, in a day
# Part of the quarters that may be missing with a warning. A convention: now and then the coder itself adds none,
# and a count that lacks so few rows is not another count.
GAPS = 0.1


@dataclass(frozen=True)
class RowCondition:
    """A cell that is a value, or a number that is bounded."""

    column: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.value}"


def condition(text: str) -> RowCondition:
    """Read a condition. Raises ValueError where the text is none."""
    match = FORM.fullmatch(one_form(text))
    if match is None or (match[2] != "=" and not NUMBER.fullmatch(match[3])):
        msg = f"{shown(text)} is not a condition; write COLUMN=VALUE, COLUMN<=NUMBER or COLUMN>=NUMBER"
        raise ValueError(msg)
    return RowCondition(match[1], match[2], match[3])


class Selection:
    """Conditions at work: several values of one column are alternatives, all else must hold together."""

    def __init__(self, conditions: Sequence[RowCondition]) -> None:
        self.conditions = conditions
        self.values: dict[str, set[str]] = {}
        for condition in conditions:
            if condition.sign == "=":
                self.values.setdefault(condition.column, set()).add(condition.value)
        self.bounds = [condition for condition in conditions if condition.sign != "="]
        self.met: dict[str, set[str]] = {column: set() for column in self.values}  # what the rows have there

    def column_problems(self, table: CodedTable) -> Iterator[Problem]:
        """Report conditions on columns that a table does not have."""
        for column in dict.fromkeys(condition.column for condition in self.conditions):
            if column not in table.places:
                where = Source(table.name, table.header_line)
                yield Problem(where, f"--where: no column {shown(column)}", "", choice("columns", column, table.places))

    def takes(self, cells: CodedRow) -> bool:
        """Say whether a row is meant; a bounded cell that is no number is reported."""
        is_meant = True
        for column, wanted in self.values.items():
            cell = one_form(cells.text(column))
            self.met[column].add(cell)
            is_meant = is_meant and cell in wanted
        for bound in self.bounds:
            number = cells.number(bound.column)
            holds = number is not None and (
                number <= float(bound.value) if bound.sign == "<=" else number >= float(bound.value)
            )
            is_meant = is_meant and holds
        return is_meant

    def unmet(self, where: Source, severity: Severity) -> Iterator[Problem]:
        """Report values that no row has: a misspelt country would otherwise be a count of 0."""
        for condition in self.conditions:
            if condition.sign == "=" and condition.value not in self.met[condition.column]:
                allowed = choice(f"values of {condition.column}", condition.value, sorted(self.met[condition.column]))
                yield Problem(where, f"--where: no row has {condition}", "", allowed, severity)


class Coverage:
    """Remembers when rows were added, if the coder adds some every day, and else when incidents were."""

    def __init__(self, coder: Coder) -> None:
        self.coder = coder
        self.days: set[date] = set()
        self.quarters: dict[date, set[int | None]] = {}  # None: a row that does not say its time of day

    def add(self, cells: CodedRow, span: Span, added: date | None) -> None:
        """Note a row."""
        if not self.coder.is_daily:
            self.days.update(span)
        elif added is not None:
            self.days.add(added)
            self.quarters.setdefault(added, set()).add(self.coder.quarter(cells))

    def doubts(self, wanted_first: date, wanted_last: date, where: Source) -> Iterator[Problem]:
        """Report what is missing of a window: a problem, or for a few quarters of an hour a warning."""
        rows = "rows added" if self.coder.is_daily else "rows"
        if not self.days:
            yield Problem(where, "the files hold no rows", "", WHOLE)
            return
        first, last = min(self.days), max(self.days)
        if first > wanted_first or last < wanted_last:
            what, got = "the files hold only a part of the window", f"{rows} from {first} to {last}"
            yield Problem(where, what, got, f"from {wanted_first} to {wanted_last}; {WHOLE}")
        if self.coder.is_daily:
            number = (wanted_last - wanted_first).days + 1
            window = [wanted_first + timedelta(days=day) for day in range(number)]
            yield from self._missing_days([day for day in window if first < day < last], where)
            yield from self._missing_quarters([day for day in window if day in self.days], where)

    def _missing_days(self, inside: Sequence[date], where: Source) -> Iterator[Problem]:
        missing = [str(day) for day in inside if day not in self.days]
        if missing:
            what = f"{_days(len(missing))} of the window {_have(len(missing))} no rows"
            yield Problem(where, what, _listed(missing), f"{self.coder.title} adds rows every day; {WHOLE}")

    def _missing_quarters(self, days: Sequence[date], where: Source) -> Iterator[Problem]:
        untimed = [str(day) for day in days if None in self.quarters[day]]
        if untimed:
            what = (
                f"{_days(len(untimed))} of the window {_have(len(untimed))} rows without a time of day, "
                "so a missing quarter of an hour would not be noticed"
            )
            yield Problem(where, what, _listed(untimed), "", "warning")
        missing = {day: QUARTERS - len(self.quarters[day]) for day in days if None not in self.quarters[day]}
        lacking, number = [day for day in missing if missing[day]], sum(missing.values())
        if lacking:
            of = QUARTERS * len(missing)
            quarters = f"{number:,} of {of:,} quarters of an hour"
            what = f"{quarters} {_have(number)} no rows, on {_days(len(lacking))} of the window"
            got = _listed([f"{day} lacks {missing[day]} of {QUARTERS}" for day in lacking])
            allowed = f"{self.coder.title} adds rows every 15 minutes"
            if number > GAPS * of:
                yield Problem(where, what, got, f"{allowed}; {WHOLE}")
            else:
                yield Problem(where, what, got, f"{allowed}; the count may be too small", "warning")


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _days(number: int) -> str:
    return f"{number:,} day" if number == 1 else f"{number:,} days"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
