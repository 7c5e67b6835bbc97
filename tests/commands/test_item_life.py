"""The life of an item through `forecast update`: day by day, in the forecast and in the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from forecast.commands.main import main

ORDERS = """\
- id: shops-take-orders
  reported: 2026-07-04
  source: newspaper
  credibility: 2
  headline: Shops all over the home market take orders for the product.
  why: Shops seldom do so before a general launch is near.
  bears_on:
  - {event: launch, support: strong, for: general, until: 2026-12-31}
"""
CORRECTION = """\
- id: one-shop-takes-orders
  reported: 2026-07-08
  supersedes: shops-take-orders
  source: newspaper
  credibility: 2
  headline: One shop takes orders for the product, the paper corrects itself.
  why: One shop may do so on its own.
  bears_on:
  - {event: launch, support: slight, for: general, until: 2026-12-31}
"""
RETRACTED = CORRECTION.replace("credibility", "retracted: 2026-07-12\n  credibility")
DAYS = [f"2026-07-{day:02}" for day in (3, 4, 7, 8, 11, 12)]


def _write(root: Path, orders: str, correction: str) -> None:
    for name, text in (("orders", orders), ("correction", correction)):
        path = root / f"evidence/{name}.yaml"
        path.write_text(text, encoding="utf-8")
        if not text:
            path.unlink()


def _update(root: Path, day: str) -> tuple[Any, dict[str, Any], str]:
    """Return what is forecast for the scenarios on a day, the last line of the ledger, and what was printed."""
    result = CliRunner().invoke(main, ["update", "-C", str(root), "--as-of", day, "--no-report"])
    assert 0 == result.exit_code, result.output
    table = json.loads((root / "reports" / day / "forecast.json").read_text(encoding="utf-8"))
    last = (root / "reports/ledger.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    return [row["probability"] for row in table["scenarios"]], json.loads(last), result.output


def _on_each_day(root: Path, orders: str, correction: str) -> dict[str, Any]:
    _write(root, orders, correction)
    return {day: _update(root, day)[0] for day in DAYS}


def test_an_item_counts_on_its_days_alone(updated: Path) -> None:
    """Reported, superseded, retracted: a forecast as of a day is that of the items that count on it, to the last digit,
    whatever became of them later; nothing is sampled anew for it."""
    cached = sorted((updated / "reports/.cache").iterdir())
    without = _on_each_day(updated, "", "")
    first = _on_each_day(updated, ORDERS, "")
    second = _on_each_day(updated, "", CORRECTION.replace("  supersedes: shops-take-orders\n", ""))
    lives = _on_each_day(updated, ORDERS, RETRACTED)
    expected = {
        "2026-07-03": without["2026-07-03"],  # not yet reported
        "2026-07-04": first["2026-07-04"],
        "2026-07-07": first["2026-07-07"],  # what corrects it is not yet known
        "2026-07-08": second["2026-07-08"],  # superseded: the correction alone
        "2026-07-11": second["2026-07-11"],  # not yet retracted
        "2026-07-12": without["2026-07-12"],
    }
    assert expected == lives
    assert cached == sorted((updated / "reports/.cache").iterdir())
    for day, parts in (("2026-07-07", first), ("2026-07-11", second)):
        assert without[day] != parts[day]


def test_the_ledger_tells_which_version_counted_when(updated: Path) -> None:
    """Each line holds the digest of every item as it was used: one that is edited later has another digest from then on
    and is named; supersession and retraction enter on their own days and are no edits."""
    lines: dict[str, dict[str, Any]] = {}
    _write(updated, ORDERS, "")
    _, lines["used"], _ = _update(updated, "2026-07-04")
    _write(updated, ORDERS.replace("all over", "in most of"), "")
    _, lines["edited"], named = _update(updated, "2026-07-07")
    assert "'shops-take-orders' was edited after the update of 2026-07-04 used it" in named
    _write(updated, ORDERS.replace("all over", "in most of"), CORRECTION)
    _, lines["superseded"], quiet = _update(updated, "2026-07-08")
    _write(updated, ORDERS.replace("all over", "in most of"), RETRACTED)
    _, lines["retracted"], still = _update(updated, "2026-07-12")
    assert "edited" not in quiet + still
    versions = {name: line["inputs"]["items"].get("shops-take-orders") for name, line in lines.items()}
    assert versions["used"] != versions["edited"]
    assert versions["edited"] == versions["superseded"] == versions["retracted"]
    corrected = {name: "one-shop-takes-orders" in line["inputs"]["items"] for name, line in lines.items()}
    assert {"used": False, "edited": False, "superseded": True, "retracted": True} == corrected
    retracted = {name: line["inputs"]["retracted"] for name, line in lines.items()}
    gone = ["one-shop-takes-orders"]
    assert {"used": [], "edited": [], "superseded": [], "retracted": gone} == retracted


def test_a_day_gone_by_is_computed_as_it_was(updated: Path) -> None:
    """Whatever is added, superseded or retracted afterwards, the update of an earlier day has no news."""
    _write(updated, ORDERS, "")
    before, line, _ = _update(updated, "2026-07-07")
    _write(updated, ORDERS, RETRACTED)
    again, last, printed = _update(updated, "2026-07-07")
    assert (before, line) == (again, last)
    assert "nothing new" in printed.lower()
