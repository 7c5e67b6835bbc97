"""`forecast sources` shows what became of those who report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
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


def test_false_alarms(updated: Path) -> None:
    """Who claims a step before its day was wrong then: `sources`, `conflict` and `due` tell it, with the items."""
    with (updated / "evidence" / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("rumour: {name: Rumour, reliability: C}\n")
    days = ("2026-01-20", "2026-02-10", "2026-03-05")  # the prototype was shown on 2 March
    (updated / "evidence" / "2026-03-05-rumour.yaml").write_text(
        "".join(
            f"""\
- id: wolf-{day}
  reported: {day}
  source: rumour
  headline: They show it, as of {day}.
  bears_on:
  - {{event: prototype, claims: shown}}
"""
            for day in days
        ),
        encoding="utf-8",
    )
    row = json.loads(_sources(updated, "rumour", "--json").stdout)
    assert (["wolf-2026-01-20", "wolf-2026-02-10"], ["wolf-2026-03-05"]) == (row["false_alarms"], row["true_claims"])
    assert 1 / 3 == pytest.approx(row["agreement"])
    assert row["now"]["mean"] < row["prior"]
    assert "false when claimed: wolf-2026-01-20, wolf-2026-02-10" in _sources(updated, "rumour").stdout
    ask = ["-C", str(updated), "--as-of", AS_OF]
    conflict = CliRunner().invoke(main, ["conflict", *ask]).stdout
    assert "claims judged by now: 3, of which false when they were made: 2" in conflict
    assert "wolf-2026-01-20 (prototype shown or tested)" in conflict
    due = json.loads(CliRunner().invoke(main, ["due", *ask, "--json"]).stdout)["due"]
    (told,) = [one for one in due if one["kind"] == "claim"]
    assert ("rumour", "forecast sources rumour") == (told["subject"], told["command"])
    assert told["what"].startswith(
        "2 of 3 claims were false when they were made: wolf-2026-01-20 ('prototype' is 'shown'"
    )
    assert "settled on 2026-03-02; if it was earlier, give that item `happened`" in told["what"]


def test_an_open_claim_is_due(updated: Path) -> None:
    """A claim of a step that nothing settles is told with the day from which on it was false."""
    (updated / "evidence" / "2026-06-01-rumour.yaml").write_text(
        """\
- id: tested-already
  reported: 2026-06-01
  source: forum
  headline: They have tested it.
  bears_on:
  - {event: prototype, claims: tested}
""",
        encoding="utf-8",
    )
    ask = ["due", "-C", str(updated), "--as-of", AS_OF, "--json"]
    due = json.loads(CliRunner().invoke(main, ask).stdout)["due"]
    (told,) = [one for one in due if one["kind"] == "claim"]
    assert "tested-already" == told["subject"]
    assert "claims that 'prototype' is 'tested' since 2026-06-01, and nothing settles it" in told["what"]
    assert "watched until 2026-08-30, it was false" in told["what"]


def test_what_an_item_on_scenarios_favours(updated: Path) -> None:
    """The scenarios of the largest number, with what they have together by now; nothing where all have the same."""
    (updated / "evidence" / "2026-06-28-courses.yaml").write_text(
        "".join(
            f"""\
- id: courses-{number}
  reported: 2026-06-28
  source: forum
  headline: Of the whole course, no. {number}.
  bears_on:
  - {{scenarios: {{breakthrough: 2, on_the_market: 2, still_testing: {other}, other: {other}}}}}
"""
            for number, other in enumerate((1, 2))
        ),
        encoding="utf-8",
    )
    rows = json.loads(_sources(updated, "forum", "--json").stdout)
    told = {one["id"]: one["says"] for one in rows["items"]}
    update = ["update", "-C", str(updated), "--as-of", AS_OF, "--dry-run", "--json"]
    forecast = json.loads(CliRunner().invoke(main, update).stdout)
    now = sum(one["probability"] for one in forecast["scenarios"] if one["id"] in ("breakthrough", "on_the_market"))
    (row,) = told["courses-0"]
    assert ("scenarios", ["breakthrough", "on_the_market"], []) == (row["event"], row["favours"], told["courses-1"])
    assert now == pytest.approx(row["agreement"], abs=1e-12)


def test_unknown_source(updated: Path) -> None:
    """A source that reported nothing is wrong usage, with the nearest name."""
    known = json.loads(_sources(updated, "--json").stdout)[0]["source"]
    result = _sources(updated, known + "x")
    assert 2 == result.exit_code
    assert f"did you mean '{known}'" in result.output
