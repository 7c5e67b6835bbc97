"""`forecast roll` and `forecast show --by`, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.ledger.ledger import read_ledger
from tests.commands.conftest import AS_OF
from tests.workspace.writing import example, read

NETWORK = "priors/network.yaml"
LINE = "horizon: 2026-12-31\n"


def run(*arguments: object) -> Result:
    """Run the command line."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def roll(root: Path, *arguments: str) -> Result:
    """Run `forecast roll`."""
    return run("roll", "-C", root, *arguments)


def test_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    """The first roll adds two lines behind the horizon, the next one line behind the first; comments stay."""
    before = (example(tmp_path) / NETWORK).read_text(encoding="utf-8")
    first = roll(tmp_path, "--horizon", "2027-12-31", "--on", "2026-10-01", "--why", "It takes longer: much", "--yes")
    entry = '- {on: 2026-10-01, horizon: 2027-12-31, why: "It takes longer: much"}\n'
    assert (0, f"rolled:\n{entry}") == (first.exit_code, first.stdout[: len(entry) + 8])
    assert ["horizon 2026-12-31", "from 2026-10-01 on: horizon 2027-12-31", f"written: {NETWORK}"] == (
        first.stdout.splitlines()[2:]
    )
    written = (tmp_path / NETWORK).read_text(encoding="utf-8")
    assert before.replace(LINE, f"{LINE}rolled:\n{entry}") == written
    second = roll(tmp_path, "--horizon", "2028-12-31", "--on", "2027-10-01", "--yes", "--json")
    more = "- {on: 2027-10-01, horizon: 2028-12-31}\n"
    assert written.replace(entry, f"{entry}{more}") == (tmp_path / NETWORK).read_text(encoding="utf-8")
    told = json.loads(second.stdout)
    assert (NETWORK, True, "2026-12-31", []) == (told["path"], told["written"], told["horizon"], told["problems"])
    assert ["It takes longer: much", None] == [one["why"] for one in told["rolled"]]
    assert 2 == len(read(tmp_path).network.rolled)


@pytest.mark.parametrize(
    "rolls",
    [
        "rolled:\n  - on: 2026-10-01\n    horizon: 2027-06-30\n    why: >-\n      Slow.\n      Slower.\n\n# events\n",
        "rolled:\n# none yet\n",
        "rolled: # later ones\n",
    ],
)
def test_any_block_of_rolls(tmp_path: Path, rolls: str) -> None:
    """A roll goes behind those that there are, however they are written in block style."""
    path = example(tmp_path) / NETWORK
    before = path.read_text(encoding="utf-8").replace(LINE, f"{LINE}{rolls}")
    path.write_text(before, encoding="utf-8")
    known = len(read(tmp_path).network.rolled)
    assert 0 == roll(tmp_path, "--horizon", "2028-12-31", "--on", "2027-10-01", "--yes").exit_code
    assert known + 1 == len(read(tmp_path).network.rolled)
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if "2027-10-01" not in line]
    assert before.splitlines() == kept


def test_rolls_on_one_line(tmp_path: Path) -> None:
    """Rolls in flow style are left to their author, with the form that can be added to."""
    path = example(tmp_path) / NETWORK
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(LINE, f"{LINE}rolled: [{{on: 2026-10-01, horizon: 2027-06-30}}]\n"), encoding="utf-8")
    found = roll(tmp_path, "--horizon", "2028-12-31", "--on", "2027-10-01", "--yes")
    what = f"{NETWORK}:5: network: the rolls are written on one line; a line for each roll: - {{on: ..., horizon: ...}}"
    assert (1, what) == (found.exit_code, found.stderr.strip())


def test_nothing_wrong_is_written(tmp_path: Path) -> None:
    """A horizon that is no later is a problem, a missing one wrong usage, and a no leaves the file alone."""
    before = (example(tmp_path) / NETWORK).read_bytes()
    wrong = roll(tmp_path, "--horizon", "2026-06-30", "--on", "2026-05-01", "--yes")
    expected = "network: rolled[1]: the horizon is no later than the one before; got 2026-06-30; after 2026-12-31"
    assert (1, f"{NETWORK}:6: {expected}\n") == (wrong.exit_code, wrong.stderr)
    assert 2 == roll(tmp_path, "--yes").exit_code
    declined = CliRunner().invoke(main, ["roll", "-C", str(tmp_path), "--horizon", "2027-12-31"], input="n\n")
    assert (0, "nothing written") == (declined.exit_code, declined.stdout.splitlines()[-1])
    assert before == (tmp_path / NETWORK).read_bytes()


def test_a_roll_is_news(updated: Path) -> None:
    """After a roll the update of its day is about the new horizon and says so; an earlier day keeps the old one."""
    assert 0 == roll(updated, "--horizon", "2027-12-31", "--on", AS_OF, "--yes").exit_code
    done = run("update", "-C", updated, "--as-of", AS_OF, "--no-report")
    assert 0 == done.exit_code, done.output
    assert "another horizon" in done.stdout
    table = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    lines = read_ledger(updated).updates
    assert "2027-12-31" == table["horizon"]
    assert [("2026-12-31", None), ("2027-12-31", "2027-12-31")] == [(f"{one.horizon}", one.rolled) for one in lines]
    assert lines[0].inputs == lines[1].inputs
    earlier = json.loads(run("show", "--by", "2026-10-01", "--as-of", "2026-06-30", "-C", updated, "--json").stdout)
    assert "2026-12-31" == earlier["horizon"]


def test_show_by(updated: Path) -> None:
    """`show --by` prints every event and scenario; on the horizon these are the numbers of the forecast."""
    table = json.loads(next((updated / "reports").glob("*/forecast.json")).read_text(encoding="utf-8"))
    told = json.loads(run("show", "--by", "2026-12-31", "--as-of", AS_OF, "-C", updated, "--json").stdout)
    for row, one in zip(table["scenarios"], told["scenarios"], strict=True):
        assert (row["id"], pytest.approx(row["probability"], abs=1e-12)) == (one["id"], one["probability"])
        assert row["quantiles"] == pytest.approx(one["quantiles"], abs=1e-12)
    printed = run("show", "--by", "2026-10-01", "--as-of", AS_OF, "-C", updated)
    assert 0 == printed.exit_code
    assert all(row["id"] in printed.stdout for row in (*table["scenarios"], *table["events"]))
    assert "on 2026-10-01" in printed.stdout
    # A reached event has a row for each step, the others one for each state.
    words = [line.split() for line in printed.stdout.splitlines()]
    steps = sum(len(one["states"]) - 1 for one in told["events"] if one["kind"] == "reached")
    states = sum(len(one["states"]) for one in told["events"] if one["kind"] != "reached")
    assert (steps, states) == (sum("by" in line[:3] for line in words), sum("on" in line[:3] for line in words) - 1)


@pytest.mark.parametrize("by", ["2026-06-30", "2027-01-01", "soon"])
def test_days_that_there_are_not(updated: Path, by: str) -> None:
    """A day before the as-of date, after the horizon, or that is no date is wrong usage."""
    found = run("show", "--by", by, "--as-of", AS_OF, "-C", updated)
    assert (2, True) == (found.exit_code, "--by" in found.stderr)
