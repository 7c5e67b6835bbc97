"""`forecast add statement`: what it asks, shows, refuses and writes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands import readable
from forecast.commands.main import main
from forecast.workspace.drafts import flow
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, plain
from forecast.workspace.problems import Source
from forecast.workspace.records import Condition, DatedCondition, Quantiles, Target
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import example, messages, read

FILE = "priors/statements/market_analyst.yaml"
ALL = {
    "--expert": "market_analyst",
    "--date": "2026-06-01",
    "--publisher": "Letter: the first",
    "--says": "A tenth, or # forty percent.",
    "--about": "success=yes",
    "--form": "quantiles",
    "--value": "{0.1: 0.1, 0.9: 0.4}",
    "--why": "Range of the letter.",
}


def run(folder: Path, *extra: str, said: str = "", changed: dict[str, str | None] | None = None) -> Result:
    """Run `forecast add statement` with all answers as options, but for those changed or taken out (None)."""
    options = {**ALL, **{f"--{name}": value for name, value in (changed or {}).items()}}
    arguments = [part for name, value in options.items() if value is not None for part in (name, value)]
    return CliRunner().invoke(main, ["add", "statement", "-C", str(folder), *arguments, *extra], input=said)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """A statement made of options stands in its expert's file, and is read as what the options say."""
    result = run(example(tmp_path), "--yes")
    assert (0, f"written: {FILE}") == (result.exit_code, result.stdout.splitlines()[-1])
    added = next(one for one in read(tmp_path).statements if one.source == Source(FILE, 1))
    assert ("market_analyst-2026-06-01", "A tenth, or # forty percent.") == (added.id, added.says)
    assert ("Letter: the first", "Range of the letter.") == (added.publication.publisher, added.why)
    assert Target(Condition("success", ("yes",)), None, (), None) == added.about
    assert Quantiles(((0.1, 0.1), (0.9, 0.4)), "logit") == added.reading
    assert [] == messages(tmp_path) + messages(tmp_path, "warning")


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A statement is added behind what its file holds, byte for byte, also where the last line has no end."""
    file = example(tmp_path) / FILE
    file.write_bytes((tmp_path / "priors/statements/team.yaml").read_bytes().rstrip())
    (tmp_path / "priors/statements/team.yaml").unlink()
    before = file.read_bytes()
    assert 0 == run(tmp_path, "--yes").exit_code
    assert 0 == run(tmp_path, "--yes").exit_code
    after = file.read_bytes()
    assert before + b"\n- id: market_analyst-2026-06-01\n" == after[: len(before) + 33]
    assert 1 == after.count(b"- id: market_analyst-2026-06-01-2\n")
    assert [] == messages(tmp_path)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"value": "{0.1: 0.4, 0.9: 0.1}"},
            "7: statement 'market_analyst-2026-06-01': quantiles: quantiles cross; got 0.1 at 0.9 after 0.4 at 0.1",
        ),
        (
            {"form": "word", "value": "{term: liekly}"},
            "7: statement 'market_analyst-2026-06-01': word: unknown term 'liekly'",
        ),
        ({"by": "2027-06-01"}, "6: statement 'market_analyst-2026-06-01': about: by lies outside the window"),
        (
            {"given": "prototype=shown,tested"},
            "1: statement 'market_analyst-2026-06-01': item 'prototype-shown' had made 'shown or tested' certain",
        ),
    ],
)
def test_nothing_wrong_is_written(tmp_path: Path, changed: dict[str, str | None], line: str) -> None:
    """A statement with a problem is not written; the problem has the place that it would have."""
    result = run(example(tmp_path), "--yes", changed=changed)
    assert (1, False) == (result.exit_code, (tmp_path / FILE).exists())
    assert [True] == [said.startswith(f"{FILE}:{line}") for said in result.stderr.splitlines()]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"expert": "market_analist"}, "did you mean 'market_analyst'?"),
        ({"about": "sucess=yes"}, "did you mean 'success'?"),
        ({"about": "on_the_markt"}, "did you mean 'on_the_market'?"),
        ({"about": "success=yess"}, "did you mean 'yes'?"),
        ({"given": "launch"}, "'launch' is not a condition; EVENT=STATE[,STATE] or EVENT>=STATE"),
        ({"form": "quantile"}, "did you mean 'quantiles'?"),
        ({"value": "{0.1: 0.1"}, "not readable as YAML"),
        ({"why": None, "says": None}, "with --yes nothing is asked; missing --says, --why"),
    ],
)
def test_wrong_usage(tmp_path: Path, changed: dict[str, str | None], says: str) -> None:
    """An option with a name that is not there is wrong usage and names the nearest one; so is a missing answer."""
    result = run(example(tmp_path), "--yes", changed=changed)
    assert (2, True, False) == (result.exit_code, says in result.stderr, (tmp_path / FILE).exists())


def test_mistakes_elsewhere_come_first(tmp_path: Path) -> None:
    """A workspace with errors gets no statement: they are printed."""
    (example(tmp_path) / "evidence/watch.yaml").write_text("watched_until: soon\n", encoding="utf-8")
    result = run(tmp_path, "--yes")
    assert (1, True) == (result.exit_code, result.stderr.startswith("evidence/watch.yaml:1: watch: watched_until"))


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("launch>=limited", Target(Condition("launch", ("limited", "general")), None, (), None)),
        ("launch=general, none", Target(Condition("launch", ("none", "general")), None, (), None)),
        ("on_the_market", Target(None, "on_the_market", (), None)),
        ("other", Target(None, "other", (), None)),
        (
            "{event: launch, state: {at_least: general}, given: {demand: low}}",
            Target(Condition("launch", ("general",)), None, (Condition("demand", ("low",)),), None),
        ),
    ],
)
def test_ways_to_say_what_it_is_about(tmp_path: Path, about: str, expected: Target) -> None:
    """States, later states, scenarios and YAML are all understood."""
    assert 0 == run(example(tmp_path), "--yes", changed={"about": about}).exit_code
    assert expected == next(one for one in read(tmp_path).statements if one.source.path == FILE).about


def test_questions(tmp_path: Path) -> None:
    """What no option says is asked; a name that is not there is asked for again; the plot comes before the decision."""
    nothing = dict.fromkeys(name.removeprefix("--") for name in ALL)
    answers = ["analyst", "market_analyst", "2026-06-01", "A letter", "", "", "Cuts are rare.", "bugdet", "budget", ""]
    answers += ["", "", "distribution", "{cut: 0.2, kept: 0.6, raised: 0.2}", "editor", "As said.", "y"]
    result = run(example(tmp_path), said="\n".join(answers) + "\n", changed=nothing)
    assert (0, f"written: {FILE}") == (result.exit_code, result.stdout.splitlines()[-1].rpartition("]: ")[2])
    assert 2 == result.stderr.count("did you mean")
    assert "  kept    ████████████████████████ 60 %\n" in result.stdout
    added = next(one for one in read(tmp_path).statements if one.source.path == FILE)
    assert ("editor", "Cuts are rare.") == (added.coded_by, added.says)


def test_no_is_no(tmp_path: Path) -> None:
    """Nothing is written where the answer is no, and that is no failure."""
    result = run(example(tmp_path), said="n\n")
    assert (0, True, False) == (result.exit_code, "nothing written" in result.stdout, (tmp_path / FILE).exists())


def test_json(tmp_path: Path) -> None:
    """With --json stdout holds one object: the statement, how it is read, stated against fitted."""
    result = run(
        example(tmp_path), "--yes", "--json", changed={"value": "{0.25: 0.22, 0.5: 0.3, 0.75: 0.35, fit: beta}"}
    )
    found = json.loads(result.stdout)
    assert (FILE, True, {"0.25", "0.5", "0.75", "fit"}) == (
        found["path"],
        found["written"],
        set(found["statement"]["quantiles"]),
    )
    read_as = found["read_as"]
    assert [0.231, 0.541, 0.719] == [round(level, 3) for level in read_as["fit"]["fitted_levels"]]
    assert [0.25, 0.5, 0.75] == [point["level"] for point in read_as["fit"]["stated"]]
    assert [6.2025, 14.7341] == pytest.approx(read_as["fit"]["beta"], abs=1e-4)
    assert found["problems"] == result.stderr.splitlines()
    assert [True] == ["the beta fit misses what was stated" in said for said in found["problems"]]


def test_the_plot_is_the_distribution() -> None:
    """Each column is as high as its share of the largest one, in eighths of a row."""
    drawn = list(readable.density(lambda p: p * p))
    heights = [
        sum(readable.EIGHTHS.index(row[column : column + 1] or " ") for row in drawn[:4]) for column in range(50)
    ]
    shares = [(2 * column + 1) / 99 for column in range(50)]
    assert [round(share * 32) for share in shares] == heights
    assert ["─" * 50, "0           25           50          75        100 %"] == drawn[4:]


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12)
    | st.sampled_from(
        ["no", "null", "true", "~", "1", "1.5", "2026-01-01", "3:1 on", "a: b", "a #b", "-", "", " a", ".inf"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc: #'\"{},", max_size=5), inner, max_size=3),
    max_leaves=6,
)


def nodes(value: object) -> Node:
    """A tree of texts."""
    if isinstance(value, list):
        return ListNode(tuple(map(nodes, value)), 1)
    if isinstance(value, dict):
        return MapNode({key: nodes(inner) for key, inner in value.items()}, dict.fromkeys(value, 1), 1)
    return Scalar(str(value), str(value), 1)


@given(VALUES)
def test_what_is_quoted_is_read_back(value: object) -> None:
    """Whatever texts a statement holds, the line that is written says them."""
    tree, problems = parse_yaml(flow(nodes(value)).encode(), "a.yaml")
    assert ((), value) == (problems, None if tree is None else plain(tree))


def test_one_event_is_given_once(tmp_path: Path) -> None:
    """Two --given of one event are wrong usage: neither is dropped in silence, and the way to say both is told."""
    result = run(example(tmp_path), "--given", "demand=high", "--given", "demand=low", "--yes")
    assert 2 == result.exit_code
    assert "'demand' is given twice; several states of one event are separated by commas" in result.stderr
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("value", ["", "~"])
def test_a_form_without_a_value_is_not_written(tmp_path: Path, value: str) -> None:
    """An empty value is a problem of the statement, not a statement that says nothing."""
    result = run(example(tmp_path), "--yes", changed={"value": value})
    assert 1 == result.exit_code
    assert "quantiles is empty; got nothing; write a value, or take the key out" in result.stderr
    assert not (tmp_path / FILE).exists()


LAUNCHED: dict[str, str | None] = {
    "about": "launch>=limited",
    "form": "probability",
    "value": "0.4",
    "date": "2026-01-20",
}


@pytest.mark.parametrize(
    ("time", "expected", "sentence"),
    [
        ("at_once", DatedCondition("prototype", ("tested",), None), "prototype comes to tested at once, on 2026-01-20"),
        (
            "2026-06-30",
            DatedCondition("prototype", ("tested",), date(2026, 6, 30)),
            "prototype has come to tested by 2026-06-30",
        ),
        ("at_horizon", Condition("prototype", ("tested",)), "prototype has come to tested by 2026-12-31, however late"),
        (None, Condition("prototype", ("tested",)), "prototype has come to tested by 2026-12-31, however late"),
    ],
)
def test_when_a_condition_holds(tmp_path: Path, time: str | None, expected: Condition, sentence: str) -> None:
    """`--when` gives a condition its time, and a sentence says which probability is read."""
    when = [] if time is None else ["--when", f"prototype={time}"]
    result = run(example(tmp_path), "--given", "prototype=tested", *when, "--yes", changed=LAUNCHED)
    said = f"of the probability that launch has come to limited or general by 2026-12-31, if {sentence}"
    assert (0, True) == (result.exit_code, said in result.stdout.splitlines())
    assert (expected,) == next(one for one in read(tmp_path).statements if one.source.path == FILE).about.given


def test_it_is_asked_which_is_meant(tmp_path: Path) -> None:
    """Whoever is asked is told what each time means and gives one; a constant has none to be asked for."""
    changed = {**LAUNCHED, "why": None}
    answers = ["", "", "prototype=tested demand=high", "", "soon", "at_once", "", "Because.", "y"]
    result = run(example(tmp_path), said="\n".join(answers) + "\n", changed=changed)
    assert (0, 1) == (result.exit_code, result.stdout.count("  at_once: "))
    for line in (
        "  at_once: if prototype comes to tested at once, on 2026-01-20",
        "  a day: if prototype has come to tested by that day",
        "  at_horizon: if prototype has come to tested by 2026-12-31, however late",
    ):
        assert line in result.stdout.splitlines()
    assert "'soon' is no time; at_once, a day (YYYY-MM-DD) or at_horizon" in result.stderr
    about = next(one for one in read(tmp_path).statements if one.source.path == FILE).about
    assert (DatedCondition("prototype", ("tested",), None), Condition("demand", ("high",))) == about.given


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("prototyp=at_once", "did you mean 'prototype'?"),
        ("prototype=soon", "'soon' is no time; at_once, a day (YYYY-MM-DD) or at_horizon"),
        ("prototype=at_horizon", "--when is given twice for one event; a condition holds at one time"),
    ],
)
def test_a_time_that_is_none(tmp_path: Path, when: str, says: str) -> None:
    """A time of an event that is not given, one that is no time, or two of one event are wrong usage."""
    times = ["--when", "prototype=at_once", "--when", when]
    result = run(example(tmp_path), "--given", "prototype=tested", *times, "--yes", changed=LAUNCHED)
    assert (2, True, False) == (result.exit_code, says in result.stderr, (tmp_path / FILE).exists())
