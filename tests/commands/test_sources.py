"""`forecast sources` shows what became of those who report."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _sources(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["sources", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_every_item_stands_with_its_source(updated: Path) -> None:
    """All items reported by the day, each once; the posterior of a reliability has its mean inside its interval."""
    rows = json.loads(_sources(updated, "--json").stdout)
    written = [path.read_text(encoding="utf-8") for path in sorted((updated / "evidence").glob("2*.yaml"))]
    ids = [line.removeprefix("- id: ") for text in written for line in text.splitlines() if line.startswith("- id: ")]
    assert sorted(ids) == sorted(one["id"] for row in rows for one in row["items"])
    for row in rows:
        if row["now"]:
            assert row["now"]["quantiles"][0] <= row["now"]["mean"] <= row["now"]["quantiles"][1]
            assert 0.0 < row["agreement"] < 1.0
    shown = _sources(updated).stdout
    assert all(row["source"] in shown for row in rows)


def test_one_source(updated: Path) -> None:
    """With a name: its items with what they favour."""
    rows = json.loads(_sources(updated, "--json").stdout)
    row = next(row for row in rows if row["now"])
    shown = _sources(updated, row["source"]).stdout
    assert all(one["id"] in shown for one in row["items"])
    assert row == json.loads(_sources(updated, row["source"], "--json").stdout)


def test_a_contradicted_source_loses(updated: Path) -> None:
    """A source whose strong claim is contradicted by what is settled is worth less than its grade."""
    text = (updated / "evidence" / "sources.yaml").read_text(encoding="utf-8")
    (updated / "evidence" / "sources.yaml").write_text(
        text + "rumour: {name: Rumour, reliability: C}\n", encoding="utf-8"
    )
    (updated / "evidence" / "2026-03-01-rumour.yaml").write_text(
        """\
- id: rumour-launch
  reported: 2026-03-01
  source: rumour
  credibility: 3
  headline: It is in the shops already.
  why: A false report for this test.
  bears_on:
  - {event: launch, claims: general}
""",
        encoding="utf-8",
    )
    row = json.loads(_sources(updated, "rumour", "--json").stdout)
    assert row["now"]["mean"] < row["prior"]
    assert ["general"] == row["items"][0]["says"][0]["favours"]


def test_unknown_source(updated: Path) -> None:
    """A source that reported nothing is wrong usage, with the nearest name."""
    known = json.loads(_sources(updated, "--json").stdout)[0]["source"]
    result = _sources(updated, known + "x")
    assert 2 == result.exit_code
    assert f"did you mean '{known}'" in result.output
