"""Which rows of a coder's table are meant: conditions `COLUMN=VALUE`, `COLUMN<=NUMBER` and `COLUMN>=NUMBER`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecast.feeds.cells import NUMBER, Cells
from forecast.feeds.coded_table import CodedTable
from forecast.workspace.problems import Problem, Severity, Source, choice, one_form, shown

FORM = re.compile(r"\s*([^<>=]+?)\s*(<=|>=|=)\s*(.+?)\s*")


@dataclass(frozen=True)
class Condition:
    """A cell that is a value, or a number that is bounded."""

    column: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.value}"


def condition(text: str) -> Condition:
    """Read a condition. Raises ValueError where the text is none."""
    found = FORM.fullmatch(one_form(text))
    if found is None or (found[2] != "=" and not NUMBER.fullmatch(found[3])):
        msg = f"{shown(text)} is no condition; write COLUMN=VALUE, COLUMN<=NUMBER or COLUMN>=NUMBER"
        raise ValueError(msg)
    return Condition(found[1], found[2], found[3])


class Selection:
    """Conditions at work: several values of one column are alternatives, all else must hold together."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.conditions = conditions
        self.values: dict[str, set[str]] = {}
        for one in conditions:
            if one.sign == "=":
                self.values.setdefault(one.column, set()).add(one.value)
        self.bounds = [one for one in conditions if one.sign != "="]
        self.met: dict[str, set[str]] = {column: set() for column in self.values}  # what the rows have there

    def column_problems(self, table: CodedTable) -> Iterator[Problem]:
        """Report conditions on columns that a table does not have."""
        for column in dict.fromkeys(one.column for one in self.conditions):
            if column not in table.places:
                where = Source(table.name, table.header_line)
                yield Problem(where, f"--where: no column {shown(column)}", "", choice("columns", column, table.places))

    def takes(self, cells: Cells) -> bool:
        """Say whether a row is meant; a bounded cell that is no number is reported."""
        is_meant = True
        for column, wanted in self.values.items():
            cell = one_form(cells.text(column))
            self.met[column].add(cell)
            is_meant = is_meant and cell in wanted
        for one in self.bounds:
            number = cells.number(one.column)
            holds = number is not None and (
                number <= float(one.value) if one.sign == "<=" else number >= float(one.value)
            )
            is_meant = is_meant and holds
        return is_meant

    def unmet(self, where: Source, severity: Severity) -> Iterator[Problem]:
        """Report values that no row has: a misspelt country would otherwise be a count of 0."""
        for one in self.conditions:
            if one.sign == "=" and one.value not in self.met[one.column]:
                allowed = choice(f"values of {one.column}", one.value, sorted(self.met[one.column]))
                yield Problem(where, f"--where: no row has {one}", "", allowed, severity)
