"""A matrix of competing hypotheses as evidence items: how consistent each item is with each state, in decibans.

Source: Heuer (1999), Psychology of Intelligence Analysis, chapter 8, for the matrix and its grades.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.draft_items import item_text
from forecast.workspace.drafts import mapping, text
from forecast.workspace.nodes import Node, Scalar
from forecast.workspace.problems import Problem, Source, choice, nearest, quoted, shown
from forecast.workspace.records import Network, Scenario
from forecast.workspace.yaml_text import resolve

# A convention: no published numbers exist. The steps are those of `support: moderate` and `strong`.
GRADES = {"CC": 10.0, "C": 5.0, "N": 0.0, "N/A": 0.0, "I": -5.0, "II": -10.0}
NEUTRAL = "N"
NEEDED = ("id", "reported", "source", "headline")
OPTIONAL = ("happened", "credibility", "group", "url", "why")
DIGITS = 4  # of a likelihood in the file: a hundredth of a deciban


@dataclass(frozen=True)
class Matrix:
    """The items of a matrix as the text of a file of evidence, the line of each, and what is wrong in the matrix.

    Where something is wrong in it the text serves to find what else is: a cell without a grade is taken as neutral.
    """

    text: str
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]

    def placed(self, problem: Problem, path: str, file: str) -> Problem:
        """Return a problem of the text, which is to stand at `path`, at the row of the matrix that it is about."""
        if problem.source.path != path:
            return problem
        before = self.text.splitlines()[: problem.source.line]
        row = sum(line.startswith("- ") for line in before)
        return replace(problem, source=Source(file, self.lines[row - 1]))


def read_matrix(content: bytes, path: str, event: str, network: Network, scenarios: Sequence[Scenario]) -> Matrix:
    """Read a CSV matrix: a row an item, a column a state of `event`, and what an item needs beside.

    The likelihood of a state is 10^(decibans / 10) of its cell, the largest in the row scaled to 1.
    """
    table, found = parse_csv(content, path)
    problems: list[Problem] = []
    if table is None:
        return Matrix("", (), found)
    states, where = network.events[event].states, Source(path, table.header_line)
    known = (*NEEDED, *OPTIONAL, *states)
    for name in table.header:
        if name not in known:
            is_scenario = name in {scenario.id for scenario in scenarios}
            hint = "evidence bears on events, not on scenarios; " if is_scenario else ""
            allowed = f"{hint}columns are {quoted(known)}{nearest(name, known)}"
            problems.append(Problem(where, f"unknown column {shown(name)}", "", allowed))
    for name in (*NEEDED, *states):
        if table.header.count(name) != 1:
            got = "none" if name not in table.header else "several"
            problems.append(
                Problem(where, f"one column is needed for {shown(name)}", got, f"'{event}' has states {quoted(states)}")
            )
    if problems:
        return Matrix("", (), (*found, *problems))
    added = []
    for line, row in table.rows:
        cells = {name: cell.strip() for name, cell in zip(table.header, row, strict=True)}
        wrong = [state for state in states if cells[state].upper() not in GRADES]
        for state in wrong:
            what = f"item {shown(cells['id'])}: {shown(state)} has no grade of consistency"
            problems.append(
                Problem(Source(path, line), what, shown(cells[state]), choice("grades", cells[state].upper(), GRADES))
            )
        added.append(_item(cells | dict.fromkeys(wrong, NEUTRAL), event, states))
    return Matrix("".join(added), tuple(line for line, _ in table.rows), (*found, *problems))


def _item(cells: dict[str, str], event: str, states: Sequence[str]) -> str:
    decibans = {state: GRADES[cells[state].upper()] for state in states}
    most = max(decibans.values())
    ratios = {state: round(10.0 ** ((tenths - most) / 10.0), DIGITS) for state, tenths in decibans.items()}
    likelihood = mapping({state: Scalar(ratio, f"{ratio:g}", 1) for state, ratio in ratios.items()})
    fields: dict[str, Node] = {
        name: Scalar(resolve(cells[name]), cells[name], 1) if name == "credibility" else text(cells[name])
        for name in (*NEEDED, *OPTIONAL)
        if cells.get(name)
    }
    return item_text(fields, [mapping({"event": text(event), "likelihood": likelihood})])


def path_of(name: str, day: date) -> str:
    """Return the file of evidence that a matrix is written to."""
    return f"evidence/{day}-{name}.yaml"
