"""A matrix of competing hypotheses as evidence items: how consistent each item is with each of them, in decibans.

Source: Heuer (1999), Psychology of Intelligence Analysis, chapter 8, for the matrix and its grades.

Controlled studies of the procedure: Whitesmith (2019), "The efficacy of ACH in mitigating serial position effects and
confirmation bias in an intelligence analysis scenario", Intelligence and National Security 34(2), 225-242; Dhami,
Belton and Mandel (2019), "The analysis of competing hypotheses in intelligence analysis", Applied Cognitive Psychology
33(6), 1080-1090; Karvetski and Mandel (2020), "Coherence of probability judgments from uncertain evidence: does ACH
help?", Judgment and Decision Making.
"""

from __future__ import annotations

from collections.abc import Sequence

from forecast.workspace.csv_text import CsvTable, Header, parse_csv
from forecast.workspace.drafts import item_text
from forecast.workspace.evidence_forms.on_scenarios import OnScenariosForm
from forecast.workspace.feeds import ItemsFeed, ItemsRead
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, Source, choice, quoted, shown
from forecast.workspace.records import Network, Scenario
from forecast.workspace.yaml_text import resolve

# A convention: no published numbers exist. The steps are those of `support: moderate` and `strong`.
GRADES = {"CC": 10.0, "C": 5.0, "N": 0.0, "N/A": 0.0, "I": -5.0, "II": -10.0}
NEUTRAL = "N"
NEEDED = ("id", "reported", "source", "headline")
OPTIONAL = ("happened", "credibility", "group", "url", "why")
DIGITS = 4  # of a likelihood in the file: a hundredth of a deciban


class Ach(ItemsFeed):
    """A CSV matrix of competing hypotheses: a row an item, a column a hypothesis."""

    name = "ach"
    title = "a matrix of competing hypotheses"
    on_page = ()  # it has a chapter of its own
    caution = (
        "Controlled studies found no gain in accuracy from the ACH procedure (Whitesmith 2019; Dhami, Belton and "
        "Mandel 2019; Karvetski and Mandel 2020): the judgements of the matrix are carried over, no more."
    )

    def read(
        self, content: bytes, path: str, event: str | None, network: Network, scenarios: Sequence[Scenario]
    ) -> ItemsRead:
        """Read a CSV matrix: a row an item, a column a hypothesis, and what an item needs beside.

        The hypotheses are the states of `event`; without one the scenarios and `other`. The likelihood of a hypothesis
        is 10^(decibans / 10) of its cell, the largest in the row scaled to 1. A cell without a grade is neutral.
        """
        table, of_file = parse_csv(content, path)
        if table is None:
            return ItemsRead("", (), of_file)
        ids = (*(scenario.id for scenario in scenarios), OTHER)
        hypotheses = network.events[event].states if event is not None else ids
        problems = _of_header(table, Source(path, table.header_line), event, network, ids)
        needed = (*NEEDED, *hypotheses)
        table = table.as_meant(path, (*needed, *OPTIONAL), needed)
        if any(table.header.count(name) != 1 for name in needed):
            return ItemsRead("", (), (*of_file, *problems))
        added = []
        for line, row in table.rows:
            cells = {name: cell.strip() for name, cell in zip(table.header, row, strict=True)}
            wrong = [name for name in hypotheses if cells[name].upper() not in GRADES]
            for name in wrong:
                what = f"item {shown(cells['id'])}: {shown(name)} has no grade of consistency"
                problems.append(
                    Problem(
                        Source(path, line),
                        what,
                        shown(cells[name]),
                        choice("grades", cells[name].upper(), GRADES),
                    )
                )
            added.append(_item(cells | dict.fromkeys(wrong, NEUTRAL), event, hypotheses))
        return ItemsRead("".join(added), tuple(line for line, _ in table.rows), (*of_file, *problems))


def _of_header(
    table: CsvTable, where: Source, event: str | None, network: Network, scenarios: Sequence[str]
) -> list[Problem]:
    """Report columns that are unknown, missing or there twice; those of other hypotheses with what they need."""
    hypotheses = network.events[event].states if event is not None else scenarios
    known = (*NEEDED, *OPTIONAL, *hypotheses)
    problems = Header(table.header, where).unknown(known, lambda name: _hint(name, event, network, scenarios))
    of = f"'{event}' has states {quoted(hypotheses)}" if event is not None else f"scenarios are {quoted(hypotheses)}"
    needed = (*NEEDED, *hypotheses)
    misspelt = Header(table.header, where).misspelt(known, needed).values()
    for name in needed:
        if table.header.count(name) != 1 and name not in misspelt:
            got = "none" if name not in table.header else "several"
            problems.append(Problem(where, f"one column is needed for {shown(name)}", got, of))
    return problems


def _hint(name: str, event: str | None, network: Network, scenarios: Sequence[str]) -> str:
    """Say how a hypothesis of another kind is imported; a matrix has hypotheses of one kind."""
    if event is not None and name in scenarios:
        return "a matrix is on the states of one event or, without --event, on the scenarios; "
    with_state = [other.id for other in network.events.values() if name in other.states]
    if event is None and with_state:
        return f"that is a state of {quoted(with_state)}: without --event a matrix is on the scenarios; "
    return ""


def _item(cells: dict[str, str], event: str | None, hypotheses: Sequence[str]) -> str:
    decibans = {hypothese: GRADES[cells[hypothese].upper()] for hypothese in hypotheses}
    most = max(decibans.values())
    ratios = {one: round(10.0 ** ((tenths - most) / 10.0), DIGITS) for one, tenths in decibans.items()}
    numbers = mapping({one: Scalar(ratio, f"{ratio:g}", 1) for one, ratio in ratios.items()})
    fields: dict[str, Node] = {
        name: Scalar(resolve(cells[name]), cells[name], 1) if name == "credibility" else text(cells[name])
        for name in (*NEEDED, *OPTIONAL)
        if cells.get(name)
    }
    on_event: dict[str, Node] = {"event": text(event or ""), "likelihood": numbers}
    return item_text(fields, [mapping({OnScenariosForm.key: numbers} if event is None else on_event)])


FEEDS = (Ach(),)
