"""The README's table: by the one rule for digits, each number beside its rule."""

from __future__ import annotations

from pathlib import Path

from docs.pictures import picture, readme_table
from forecast.commands.readable import interval_of
from forecast.digits import percent
from forecast.ledger.outcome import as_row
from forecast.plain import as_data
from tests.report.outcomes import concluded, world


def test_the_table_prints_as_the_commands_do(tmp_path: Path) -> None:
    """Each row has the rule in words, and the digits that `forecast update` prints; the order of rules stands below."""
    found, before, made = concluded(world(), tmp_path)
    table, prior = as_data(made), {name: as_data(as_row(one)) for name, one in before.scenarios.items()}
    shown = readme_table(table, prior, found.workspace).splitlines()
    assert len(table["scenarios"]) + 4 == len(shown)
    for row, line in zip(table["scenarios"], shown[2:], strict=False):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        alone = prior[row["id"]]
        assert [percent(row["probability"], row["mcse"]), interval_of(row)] == cells[2:4]
        assert percent(alone["probability"], alone["mcse"]) == cells[4]
    assert "truce is general" in shown[2]
    assert "aid is cut, unless peace holds" in shown[3]
    assert "A probability is that of the rule. The rules are read in order" in shown[-1]
    assert percent(table["scenarios"][0]["probability"], table["scenarios"][0]["mcse"]) in picture(table, prior)
