"""`timing` and `rolled` in the user's own file: what is read, and what each mistake is answered with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.workspace.names import horizon_on, last_horizon, seen_on
from forecast.workspace.renames import DatedRates, Weibull
from tests.workspace.writing import example, messages, read, replace

NETWORK = "priors/network.yaml"
SHOWN = "evidence/2026-03-02-prototype-shown.yaml"
ALLOWED = "rate above 0 somewhere from 2026-01-05 to 2026-12-31"

OUTSIDE = "from the opening 2026-01-05 until the horizon 2026-12-31"


def with_timing(folder: Path, timing: str, event: str = "prototype") -> Path:
    """The example with a timing on line 26 (of `prototype`), or behind the parents of another event."""
    parents = {"prototype": "    parents: [budget]\n", "success": "    parents: [launch, demand]\n"}[event]
    replace(example(folder), NETWORK, parents, f"{parents}    timing: {timing}\n")
    return folder


def with_rolls(folder: Path, *rolls: str) -> Path:
    """The example with rolls from line 5 on."""
    lines = "".join(f"- {{{roll}}}\n" for roll in rolls)
    replace(example(folder), NETWORK, "horizon: 2026-12-31\n", f"horizon: 2026-12-31\nrolled:\n{lines}")
    return folder


def test_both_ways_are_read(tmp_path: Path) -> None:
    """Dated rates keep their dates and rates, a Weibull its shape; without a timing there is none."""
    steps = "{steps: [{from: 2026-02-01, rate: 2}, {from: 2026-04-01, rate: 0.5}]}"
    network = read(with_timing(tmp_path / "a", steps)).network
    expected = DatedRates(((date(2026, 2, 1), 2.0), (date(2026, 4, 1), 0.5)))
    assert (expected, None) == (network.events["prototype"].timing, network.events["launch"].timing)
    assert (
        Weibull(0.7) == read(with_timing(tmp_path / "b", "{weibull: {shape: 0.7}}")).network.events["prototype"].timing
    )


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ("{}", ["timing: says nothing; needs exactly one of 'steps', 'weibull'"]),
        (
            "{weibull: {shape: 2}, steps: [{from: 2026-02-01, rate: 2}]}",
            ["timing: 'weibull' beside 'steps'; exactly one of 'steps', 'weibull'"],
        ),
        ("{weibull: {shape: 0}}", ["timing.weibull.shape is out of range; got 0; greater than 0"]),
        ("{wiebull: {shape: 1}}", [
            "timing: unknown key 'wiebull'; keys are 'steps', 'weibull'; did you mean 'weibull'?",
        ]),
        ("{steps: [{from: 2026-02-01, rate: -1}]}", ["timing.steps[1].rate is out of range; got -1; at least 0"]),
        ("{steps: [{from: 2026-02-01, rate: 1e308}]}", [
            "timing.steps[1].rate is out of range; got 1e+308; at most 1e+09",
        ]),
        ("{steps: [{from: 2026-02-01}]}", ["timing.steps[1]: missing key 'rate'; needed are 'from', 'rate'"]),
        (
            "{steps: [{from: 2026-04-01, rate: 2}, {from: 2026-02-01, rate: 1}]}",
            ["timing: the steps' dates do not rise; got 2026-02-01; after 2026-04-01"],
        ),
        ("{steps: [{from: 2027-04-01, rate: 2}]}", [
            f"timing: a step lies outside the window; got 2027-04-01; {OUTSIDE}",
        ]),
        ("{steps: [{from: 2026-01-05, rate: 0}]}", [f"timing: the rate is 0 on every day of the window; a {ALLOWED}"]),
    ],
)  # fmt: skip
def test_mistakes_in_a_timing(tmp_path: Path, timing: str, expected: list[str]) -> None:
    """Each mistake in a timing is said at its line, with what is allowed."""
    found = [one for one in messages(with_timing(tmp_path, timing)) if one.startswith(f"{NETWORK}:27: ")]
    prefix = f"{NETWORK}:27: event 'prototype': "
    assert sorted(expected) == sorted(message.removeprefix(prefix) for message in found)


def test_check_tells_the_timing(tmp_path: Path) -> None:
    """`check --network` says how each event's hazard is spread, where it is not even."""
    with_timing(tmp_path, "{steps: [{from: 2026-02-01, rate: 2}, {from: 2026-04-01, rate: 0.5}]}")
    told = "timing: from 2026-02-01 on rate 2, from 2026-04-01 on rate 0.5"
    printed = CliRunner().invoke(main, ["check", "--network", "-C", str(tmp_path)]).stdout
    assert [told] == [line.split("─ ")[1].strip() for line in printed.splitlines() if "timing" in line]
    assert "Weibull of shape 0.7" == str(Weibull(0.7))


def test_a_status_has_no_timing(tmp_path: Path) -> None:
    """A timing on a status or a constant is refused, with the key that serves instead."""
    (found,) = messages(with_timing(tmp_path, "{weibull: {shape: 2}}", "success"))
    what = "event 'success': 'timing' on an event of kind status; 'persistence_days' sets the pace of a status"
    assert found == f"{NETWORK}:43: {what}; only the steps of a reached event have a timing"


def test_a_step_on_a_day_of_rate_zero(tmp_path: Path) -> None:
    """A settled step on a day on which its event's timing gives it no chance is named as impossible."""
    with_timing(tmp_path, "{steps: [{from: 2026-03-01, rate: 0}, {from: 2026-03-03, rate: 1}]}")
    what = "item 'prototype-shown': 'prototype' cannot reach 'shown' on 2026-03-02: impossible by its timing"
    allowed = "a rate above 0 there, or 'happened' on another day"
    assert [f"{SHOWN}:9: {what}; got rate 0 on that day; {allowed}"] == messages(tmp_path)
    replace(tmp_path, SHOWN, "happened: 2026-03-02", "happened: 2026-03-03")
    assert [] == messages(tmp_path)


def test_a_statement_about_days_of_rate_zero(tmp_path: Path) -> None:
    """A statement by a date until which its event cannot move is refused: its probability is 0 whatever theta is."""
    with_timing(tmp_path, "{steps: [{from: 2026-01-05, rate: 0}, {from: 2026-03-02, rate: 1}]}")
    path = "priors/statements/outside.yaml"
    said = "- id: soon\n  date: 2026-01-10\n  expert: editors\n  source: {publisher: x}\n  says: Soon.\n"
    said += "  about: {event: prototype, state: shown, by: BY}\n  probability: 0.2\n  why: because\n"
    before = (tmp_path / path).read_text(encoding="utf-8")
    for by, n_problems in (("2026-03-01", 1), ("2026-03-02", 0)):
        (tmp_path / path).write_text(before + said.replace("BY", by), encoding="utf-8")
        found = messages(tmp_path)
        assert n_problems == len(found)
    (tmp_path / path).write_text(before + said.replace("BY", "2026-03-01"), encoding="utf-8")
    what = "statement 'soon': event 'prototype' cannot move by its timing"
    got = "got rate 0 on every day after 2026-01-05 until 2026-03-01; a later 'by', or a rate above 0 before it"
    assert messages(tmp_path)[0].partition(": ")[2] == f"{what}; {got}"


def test_horizons_by_day(tmp_path: Path) -> None:
    """A roll counts from its day on; the file's own horizon stays the end of the window."""
    rolls = "on: 2026-07-01, horizon: 2027-06-30, why: it takes longer", "on: 2026-10-01, horizon: 2027-12-31"
    workspace = read(with_rolls(tmp_path, *rolls))
    days = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 10, 1)]
    ends = [date(2026, 12, 31), date(2027, 6, 30), date(2027, 12, 31)]
    assert ends == [horizon_on(workspace.network, day) for day in days]
    assert ends == [seen_on(workspace, day).network.horizon for day in days]
    assert [ends[0]] * 3 == [seen_on(workspace, day).network.window_ends for day in days]
    assert ends[2] == last_horizon(workspace.network)
    assert workspace == seen_on(seen_on(workspace, days[2]), days[0])
    assert ["it takes longer", None] == [roll.why for roll in workspace.network.rolled]


@pytest.mark.parametrize(
    ("rolls", "line", "expected"),
    [
        (["on: 2026-01-04, horizon: 2027-12-31"], 6, "on lies before the opening; got 2026-01-04; from 2026-01-05 on"),
        (
            ["on: 2026-07-01, horizon: 2026-12-31"],
            6,
            "the horizon is no later than the one before; got 2026-12-31; after 2026-12-31",
        ),
        (
            ["on: 2027-12-31, horizon: 2027-12-31"],
            6,
            "the horizon is not after the day from which it counts; got 2027-12-31; after 2027-12-31",
        ),
        (
            ["on: 2026-07-01, horizon: 2027-06-30", "on: 2026-07-01, horizon: 2027-12-31"],
            7,
            "on is not after that of the roll before; got 2026-07-01; after 2026-07-01",
        ),
    ],
)
def test_windows_that_overlap(tmp_path: Path, rolls: list[str], line: int, expected: str) -> None:
    """A roll that does not go on where the one before ended is a problem at its line."""
    number = line - 5
    assert [f"{NETWORK}:{line}: network: rolled[{number}]: {expected}"] == messages(with_rolls(tmp_path, *rolls))


def test_what_a_later_horizon_allows(tmp_path: Path) -> None:
    """Days beyond the first horizon may be spoken of once it is rolled; the last horizon bounds them."""
    example(tmp_path)
    replace(
        tmp_path,
        "priors/statements/outside.yaml",
        "{event: success, state: yes}",
        "{event: success, state: yes, by: 2027-03-01}",
    )
    what = "about: by lies outside the window; got 2027-03-01; after the opening 2026-01-05, not after the horizon"
    assert messages(tmp_path)[0].endswith(f"{what} 2026-12-31")
    replace(
        tmp_path,
        NETWORK,
        "horizon: 2026-12-31\n",
        "horizon: 2026-12-31\nrolled:\n- {on: 2026-10-01, horizon: 2027-06-30}\n",
    )
    assert [] == messages(tmp_path)
