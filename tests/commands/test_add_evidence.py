"""`forecast add evidence`: what it asks, shows, refuses and writes, and that its effect is what the update shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.evidence_questions import slug
from forecast.commands.main import main
from forecast.workspace.nodes import NAME_PATTERN
from forecast.workspace.problems import choice
from forecast.workspace.records import Claim, Item, Likelihood, OnScenarios, Settled, Support
from tests.commands.conftest import AS_OF
from tests.workspace.writing import example, messages, read

FILE = "evidence/2026-06-25-shops-list-the-product-sooner-than.yaml"
ALL: dict[str, str | None] = {
    "headline": "Shops list the product, sooner than expected: from July.",
    "reported": "2026-06-25",
    "source": "newspaper",
    "credibility": "2",
    "why": "Lists are made # early.",
    "likelihood": "launch=0.2,0.4,0.4",
}


def add(folder: Path, *extra: str, said: str = "", changed: Mapping[str, str | None] | None = None) -> Result:
    """Run `forecast add evidence` with all answers as options, but for those changed or taken out (None)."""
    options = {**ALL, **(changed or {})}
    arguments = [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
    return CliRunner().invoke(main, ["add", "evidence", "-C", str(folder), *arguments, *extra], input=said)


def write(folder: Path, *extra: str, changed: Mapping[str, str | None] | None = None) -> Result:
    """Run it without asking and without the forecast."""
    return add(folder, "--yes", "--no-effect", *extra, changed=changed)


def added(folder: Path, path: str = FILE) -> Item:
    """Return the item that was written to a file."""
    return next(item for item in read(folder).items if item.source.path == path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """An item made of options stands in a file of its own, called by date and headline, and says what they say."""
    more = {"happened": "2026-06-24", "group": "shops", "url": "https://example.org/a?b=c#d", "rho": "0.5"}
    result = write(example(tmp_path), changed={**more, "supersedes": "hiring-stop", "until": "2026-09-30"})
    assert (0, f"written: {FILE}") == (result.exit_code, result.stdout.splitlines()[-1]), result.output
    item = added(tmp_path)
    assert ("2026-06-25-shops-list-the-product-sooner-than", ALL["headline"]) == (item.id, item.headline)
    assert (date(2026, 6, 25), date(2026, 6, 24)) == (item.reported, item.happened)
    assert ("newspaper", 2, "shops", 0.5) == (item.report_source, item.credibility, item.group, item.rho)
    assert (more["url"], ALL["why"], "hiring-stop") == (item.url, item.why, item.supersedes)
    (bearing,) = item.bears_on
    assert isinstance(bearing, Likelihood)
    assert ({"none": 0.2, "limited": 0.4, "general": 0.4}, date(2026, 9, 30)) == (dict(bearing.ratios), bearing.until)
    assert [] == messages(tmp_path) + messages(tmp_path, "warning")


def test_every_form(tmp_path: Path) -> None:
    """One item may say something about several events, in any of the four forms."""
    forms = ["--settled", "prototype=tested", "--support", "budget=kept,raised:moderate", "--claims", "success=yes"]
    forms += ["--support", "launch>=limited: slight", "--likelihood", "demand={high: 2, low: 1}"]
    result = write(example(tmp_path), *forms, changed={"likelihood": None})
    assert 0 == result.exit_code, result.output
    settled, likelihood, budget, launch, claim = added(tmp_path).bears_on
    assert isinstance(settled, Settled)
    assert isinstance(likelihood, Likelihood)
    assert isinstance(claim, Claim)
    assert ("prototype", "tested", "success", "yes") == (settled.event, settled.state, claim.event, claim.state)
    assert {"low": 1, "high": 2} == dict(likelihood.ratios)
    assert isinstance(budget, Support)
    assert isinstance(launch, Support)
    assert (("kept", "raised"), "moderate") == (budget.states, budget.strength)
    assert (("limited", "general"), "slight") == (launch.states, launch.strength)


def test_on_scenarios(tmp_path: Path) -> None:
    """Numbers for the scenarios in the order of their rules, `other` last, or by name; it wears off as told."""
    for number, said in enumerate(("8,4,2,1", "{other: 1, breakthrough: 8, on_the_market: 4, still_testing: 2}")):
        root = example(tmp_path / str(number))
        result = write(root, changed={"likelihood": None, "scenarios": said, "until": "2026-09-30"})
        assert 0 == result.exit_code, result.output
        (part,) = added(root).bears_on
        assert isinstance(part, OnScenarios)
        assert ([8.0, 4.0, 2.0, 1.0], date(2026, 9, 30)) == ([*part.ratios.values()], part.until)


def test_a_new_source(tmp_path: Path) -> None:
    """A source that is not there yet is added with its grade behind those that are, which stay as they are."""
    file = example(tmp_path) / "evidence/sources.yaml"
    file.write_bytes(file.read_bytes().rstrip())
    before = file.read_bytes()
    result = write(tmp_path, changed={"source": "wire", "source-name": "A wire: the second", "grade": "c"})
    assert (0, f"written: evidence/sources.yaml, {FILE}") == (result.exit_code, result.stdout.splitlines()[-1])
    assert before + b'\nwire: {name: "A wire: the second", reliability: C}\n' == file.read_bytes()
    assert ("wire", "C") == (added(tmp_path).report_source, read(tmp_path).sources["wire"].reliability)


def test_names_are_free(tmp_path: Path) -> None:
    """The same news twice gets another id and another file; nothing that is there is replaced."""
    write(example(tmp_path))
    before = (tmp_path / FILE).read_bytes()
    assert 0 == write(tmp_path).exit_code
    second = added(tmp_path, FILE.replace(".yaml", "-2.yaml"))
    assert ("2026-06-25-shops-list-the-product-sooner-than-2", before) == (second.id, (tmp_path / FILE).read_bytes())
    assert 0 == write(tmp_path, changed={"id": "shop-list"}).exit_code
    assert 0 == write(tmp_path, changed={"headline": "Списки магазинов"}).exit_code
    assert "2026-06-25-newspaper" == added(tmp_path, "evidence/2026-06-25-newspaper.yaml").id
    assert "shop-list" == added(tmp_path, "evidence/2026-06-25-shop-list.yaml").id
    assert 0 == write(tmp_path, changed={"id": "2026-06-25-shop-list"}).exit_code
    assert "2026-06-25-shop-list" == added(tmp_path, "evidence/2026-06-25-shop-list-2.yaml").id
    assert "shop-list" == added(tmp_path, "evidence/2026-06-25-shop-list.yaml").id


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"likelihood": "launch={none: .nan, limited: 1, general: 1}"},
            "8: item '2026-06-25-shops-list-the-product-sooner-than': bears_on[1].likelihood.none must be a finite",
        ),
        (
            {"likelihood": "launch=0,0,0"},
            "8: item '2026-06-25-shops-list-the-product-sooner-than': bears_on[1]: likelihood is 0 in every state",
        ),
        (
            {"happened": "2026-06-26"},
            "3: item '2026-06-25-shops-list-the-product-sooner-than': happened after it was reported; got 2026-06-26",
        ),
        (
            {"until": "2026-06-01"},
            "8: item '2026-06-25-shops-list-the-product-sooner-than': until lies before reported",
        ),
        (
            {"likelihood": None, "support": "launch>=none:slight"},
            "8: item '2026-06-25-shops-list-the-product-sooner-than': bears_on[1]: support for every state of 'launch'",
        ),
    ],
)
def test_nothing_wrong_is_written(tmp_path: Path, changed: dict[str, str | None], line: str) -> None:
    """An item with a problem is not written, nor is its new source; the problem has the place that it would have."""
    before = {path: path.read_bytes() for path in example(tmp_path).rglob("*.yaml")}
    result = write(tmp_path, changed={"source": "wire", "source-name": "Wire", "grade": "C", **changed})
    assert 1 == result.exit_code
    assert [True] == [said.startswith(f"{FILE}:{line}") for said in result.stderr.splitlines()[1:]]
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}


def test_a_source_that_is_there_is_described_again(tmp_path: Path) -> None:
    """Where an interrupted command wrote a new source without its item, it takes the source as it is when run again."""
    more = {"source": "wire", "source-name": "Wire", "grade": "c"}
    assert 0 == write(example(tmp_path), changed=more).exit_code
    (tmp_path / FILE).unlink()
    sources = (tmp_path / "evidence/sources.yaml").read_bytes()
    again = write(tmp_path, changed=more)
    assert (0, sources) == (again.exit_code, (tmp_path / "evidence/sources.yaml").read_bytes()), again.output
    assert (tmp_path / FILE).exists()


def test_ids_lead_nowhere_else(tmp_path: Path) -> None:
    """An id that cannot be a name is a problem, whatever path it would make."""
    result = write(example(tmp_path / "inside"), changed={"id": "../../../outside"})
    assert (1, []) == (result.exit_code, list(tmp_path.glob("*.yaml")))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"source": "newspapre"}, "did you mean 'newspaper'?; a new one needs --source-name and --grade"),
        ({"grade": "A"}, "source 'newspaper' is there already, with grade B"),
        ({"source-name": "Another"}, "source 'newspaper' is there already, with grade B"),
        ({"source": "wire", "source-name": "Wire", "grade": "G"}, "grades are 'A', 'B', 'C', 'D', 'E', 'F'"),
        ({"likelihood": "lanch=1,2,3"}, "did you mean 'launch'?"),
        ({"likelihood": "launch"}, "'launch' has no value for 'launch'; EVENT=NUMBER,NUMBER"),
        ({"likelihood": "launch=1,2"}, "What it says about an event 'launch=1,2': 2 numbers for the 3 states none, "),
        ({"likelihood": "launch=1,2,-3"}, "'-3' is no likelihood; a number from 0 on"),
        ({"claims": "launch=generall"}, "did you mean 'general'?"),
        ({"settled": "launch>=limited"}, "events are"),
        ({"support": "launch=general"}, "'launch=general' has no strength"),
        ({"support": "launch=general:medium"}, "strengths are 'slight', 'moderate', 'strong', 'very_strong'"),
        ({"credibility": "7"}, "'7' is none of them; credibilities are '1'"),
        ({"reported": "soon"}, "'soon' is no date"),
        ({"until": "soon"}, "'soon' is no date"),
        ({"headline": " "}, "What is reported, in one sentence ' ': this may not be empty"),
        (
            {"supersedes": "hiring-stopp"},
            "Supersedes the item 'hiring-stopp': 'hiring-stopp' is none of them; items are ",
        ),
        ({"supersedes": "hiring-stopp"}, "did you mean 'hiring-stop'?"),
        (
            {"headline": None, "likelihood": None},
            "missing --headline, --settled, --likelihood, --support, --claims or ",
        ),
        ({"likelihood": None, "scenarios": "1,2,3"}, "3 numbers for the 4 scenarios breakthrough, on_the_market, "),
        ({"likelihood": None, "scenarios": ""}, "'' is no likelihood"),
    ],
)
def test_wrong_usage(tmp_path: Path, changed: dict[str, str | None], says: str) -> None:
    """An option with a name that is not there is wrong usage and names the nearest one; so is a missing answer."""
    result = write(example(tmp_path), changed=changed)
    assert (2, True, False) == (result.exit_code, says in result.stderr, (tmp_path / FILE).exists()), result.stderr


def test_mistakes_elsewhere_come_first(tmp_path: Path) -> None:
    """A workspace with errors gets no item: they are printed."""
    (example(tmp_path) / "evidence/watch.yaml").write_text("watched_until: soon\n", encoding="utf-8")
    result = write(tmp_path)
    assert (1, True) == (result.exit_code, result.stderr.startswith("evidence/watch.yaml:1: watch: watched_until"))


def test_questions(tmp_path: Path) -> None:
    """What no option says is asked; a name that is not there is asked for again, and the nearest one is named."""
    answers = ["Shops list it.", "25 June", "2026-06-25", "", "newspapre", "n", "", "wire", "The wire", "C", "2"]
    answers += ["waiting-lists", "n", "", "", "lauch", "launch", "likelihood", "1", "-2", "2", "3", ""]
    answers += ["budget", "support", ">=kept", "stong", "strong", "2026-08-01", "success", "claims", "yes", ""]
    answers += ["As said.", "", "y"]
    nothing: dict[str, str | None] = dict.fromkeys(ALL)
    result = add(example(tmp_path), "--no-effect", said="\n".join(answers) + "\n", changed=nothing)
    file = "evidence/2026-06-25-shops-list-it.yaml"
    assert (0, True) == (result.exit_code, result.stdout.endswith(f"written: evidence/sources.yaml, {file}\n"))
    assert [
        "'25 June' is no date; write YYYY-MM-DD",
        "'newspapre' is a new source; did you mean 'newspaper'?",
        "'wire' is a new source",
        f"'lauch' is none of them; {choice('events', 'lauch', (*read(tmp_path).network.events, 'scenarios'))}",
        "'-2' is no likelihood; a number from 0 on",
        "'stong' is none of them; strengths are 'slight', 'moderate', 'strong', 'very_strong'; did you mean 'strong'?",
    ] == result.stderr.splitlines()
    item = added(tmp_path, file)
    assert ("2026-06-25-shops-list-it", "wire", 2, "waiting-lists") == (
        item.id,
        item.report_source,
        item.credibility,
        item.group,
    )
    launch, budget, success = item.bears_on
    assert isinstance(launch, Likelihood)
    assert isinstance(budget, Support)
    assert isinstance(success, Claim)
    assert ({"none": 1, "limited": 2, "general": 3}, None) == (dict(launch.ratios), launch.until)
    assert (("kept", "raised"), "strong", date(2026, 8, 1)) == (budget.states, budget.strength, budget.until)


def test_no_is_no(tmp_path: Path) -> None:
    """Nothing is written where the answer is no or the run is dry, and that is no failure."""
    for result in (add(example(tmp_path), "--no-effect", said="n\n"), add(tmp_path, "--no-effect", "--dry-run")):
        assert (0, True, False) == (result.exit_code, "nothing written" in result.stdout, (tmp_path / FILE).exists())


def test_the_update_shows_what_was_shown(updated: Path) -> None:
    """The change that is shown before the item is saved is, to the last digit, the change that the update reports."""
    result = add(updated, "--yes", "--json", "--as-of", AS_OF)
    found = json.loads(result.stdout)
    assert (0, FILE, True, []) == (result.exit_code, found["path"], found["written"], found["problems"])
    assert (None, ALL["headline"]) == (found["new_source"], found["item"]["headline"])
    effect = found["effect"]
    arguments = ["update", "-C", str(updated), "--as-of", AS_OF, "--no-report", "--json"]
    table = json.loads(CliRunner().invoke(main, arguments).stdout)
    changes = [(row["id"], row["probability"], row["change"]) for row in table["scenarios"]]
    assert changes == [(row["id"], row["probability"], row["change"]) for row in effect["scenarios"]]
    assert 0.001 < max(abs(change) for *_, change in changes)
    launch = next(event for event in table["events"] if event["id"] == "launch")
    (event,) = effect["events"]
    assert [row["probability"] for row in launch["states"]] == [row["probability"] for row in event["states"]]
    assert 0.0 == pytest.approx(sum(row["change"] for row in event["states"]), abs=1e-12)


def test_the_effect_is_shown_before_the_question(updated: Path) -> None:
    """The tables come before the decision; nothing is written by showing them; doubts about the evidence are said."""
    before = sorted(path for path in updated.rglob("*") if path.name != ".lock")
    # The same newspaper on the same day on an event that is linked to another: likely one report.
    day = {"reported": "2026-06-18", "likelihood": "launch=1,9,9"}
    result = add(updated, "--as-of", AS_OF, said="n\n", changed=day)
    assert 0 == result.exit_code, result.output
    shown = result.stdout.splitlines()
    (start,) = [n for n, line in enumerate(shown) if line.split() == ["scenario", "before", "after", "change"]]
    assert ["breakthrough", "on_the_market", "still_testing", "other"] == [r.split()[0] for r in shown[start + 1 :][:4]]
    assert ["launch", "none"] == shown[start + 7].split()[:2]
    assert [True] == ["come from one source on one day" in said for said in result.stderr.splitlines()]
    assert before == sorted(path for path in updated.rglob("*") if path.name != ".lock")


def test_an_item_of_tomorrow_changes_nothing_yet(updated: Path) -> None:
    """As of a day before it was reported an item moves nothing, and that is said."""
    result = add(updated, "--dry-run", "--as-of", AS_OF, changed={"reported": "2026-07-02"})
    assert "it is reported later, so it does not count yet" in result.stdout, result.output
    table = json.loads(add(updated, "--dry-run", "--json", "--as-of", AS_OF, changed={"reported": "2026-07-02"}).stdout)
    assert {0.0} == {row["change"] for row in table["effect"]["scenarios"]}


def test_what_is_impossible_is_not_written(updated: Path) -> None:
    """An item that contradicts what is settled is named with what it contradicts, and not written."""
    write(updated, "--settled", "demand=low", changed={"likelihood": None, "id": "low", "reported": "2026-06-24"})
    result = add(updated, "--yes", "--settled", "demand=high", "--as-of", AS_OF, changed={"likelihood": None})
    assert (1, False) == (result.exit_code, (updated / FILE).exists())
    assert any(said.startswith(f"{FILE}:") and "'low'" in said for said in result.stderr.splitlines()), result.stderr


@given(st.text(max_size=200))
def test_any_headline_makes_a_name(headline: str) -> None:
    """Whatever a headline is made of, its words can stand in an id."""
    words = slug(headline)
    assert len(words) <= 6
    assert re.fullmatch(NAME_PATTERN, "-".join(("2026-06-25", *words)))


def test_a_copy_of_the_same_day(tmp_path: Path) -> None:
    """What another source says of the day is named, and a reason why it is independent is written."""
    example(tmp_path)
    assert 0 == write(tmp_path).exit_code
    other = {"source": "forum", "headline": "They list it, from July."}
    result = write(tmp_path, changed=other)
    assert (0, "") == (
        result.exit_code,
        "" if "read as copies, rho 0.67, unless independent" in result.stderr else "no",
    )
    assert "several sources on one day" in "\n".join(messages_of_check(tmp_path))
    alone = {**other, "headline": "I saw the list.", "independent": "Somebody who was in the shop."}
    assert 0 == write(tmp_path, changed=alone).exit_code
    assert "Somebody who was in the shop." == added(tmp_path, "evidence/2026-06-25-i-saw-the-list.yaml").independent


def messages_of_check(folder: Path) -> list[str]:
    """What `forecast check` says."""
    return CliRunner().invoke(main, ["check", "-C", str(folder)]).stdout.splitlines()
