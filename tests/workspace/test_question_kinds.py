"""Questions of every kind but the plain one, and other readings: what is read, each mistake, and tables of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from forecast.workspace.mentions import mentions
from forecast.workspace.question_table import draft_questions
from forecast.workspace.read import load
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    DateQuestion,
    JointQuestion,
    NumberQuestion,
    Proposition,
    Question,
)
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import KINDS, MARKET, QUESTION_TABLE, TODAY, example, messages, read


def asking(root: Path, questions: str = KINDS) -> Path:
    """The example with questions of every kind and a series."""
    example(root)
    (root / "priors/questions.yaml").write_text(questions, encoding="utf-8")
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/market.csv").write_text(MARKET, encoding="utf-8")
    return root


def test_what_is_read(tmp_path: Path) -> None:
    """Each kind is a record of its own; without a day it is about the horizon; those about an event stand apart."""
    workspace = read(asking(tmp_path))
    [sold], [joint, out, day, number] = workspace.questions, workspace.further
    assert [one.id for one in workspace.asked] == ["sold", "sold-if-tested", "out", "first-sale", "units"]
    assert isinstance(sold, Question)
    [rule] = sold.readings
    assert (Condition("launch", ("general",)), date(2026, 12, 31), ("crowd",)) == (
        rule.about,
        rule.by,
        rule.forecasters,
    )
    assert isinstance(joint, JointQuestion)
    assert Proposition((Condition("prototype", ("tested",)),)) == joint.given
    assert isinstance(out, JointQuestion)
    assert (Proposition(scenario="breakthrough"), Proposition(scenario="other")) == (out.about, out.given)
    assert isinstance(day, DateQuestion)
    assert ("launch", "limited", workspace.network.horizon) == (day.event, day.step, day.by)
    assert isinstance(number, NumberQuestion)
    assert ((0.0, 0.0), (0.5, 4000.0), (1.0, 40000.0)) == number.cases[0].points
    assert (Proposition(), (1.0, 1000.0)) == (number.cases[-1].about, number.bins)


Q = "priors/questions.yaml"
MISTAKES = yaml.load(
    (Path(__file__).parent / "mistakes_in_question_kinds.yaml").read_text("utf-8"), Loader=yaml.BaseLoader
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['new']:.40}")
def test_mistakes(tmp_path: Path, mistake: dict[str, str]) -> None:
    """A mistake in one place is one problem at its line."""
    says = mistake["says"]
    assert 1 == KINDS.count(mistake["old"])
    found = messages(asking(tmp_path, KINDS.replace(mistake["old"], mistake["new"])))
    assert [f"{Q}:{says}"] == [one[: len(Q) + 1 + len(says)] for one in found]


RESOLVED = [
    ("units", {"value": 20}, "2026-06-30", None),
    ("units", {"value": -0.5}, "2026-06-30", None),
    ("units", {"state": "yes"}, "2026-06-30", "a question about a number ends in a 'value'"),
    ("sold", {"value": 1}, "2026-10-31", "only a question about a number has a 'value'"),
    ("units", {"value": 20}, "2026-05-31", "a value holds on the question's last day"),
    ("units", {"value": 20, "state": "yes"}, "2026-06-30", "needs one outcome"),
    ("first-sale", {"state": "yes"}, "2026-05-31", None),
    ("first-sale", {"state": "no"}, "2026-05-31", "no before the question's last day"),
    ("out", {"state": "yes"}, "2026-05-31", "yes before the question's last day"),
    ("sold-if-tested", {"void": True}, "2026-05-31", None),
]


@pytest.mark.parametrize(("name", "outcome", "day", "says"), RESOLVED)
def test_resolutions(tmp_path: Path, name: str, outcome: dict[str, object], day: str, says: str | None) -> None:
    """A number ends in a value, a date on its day or not by the last one; a condition that fails makes void."""
    root = asking(tmp_path)
    line = {"question": name, **outcome, "on": day, "known": max(day, "2026-07-02"), "source": "a"}
    (root / "priors/resolutions.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    found = [one.split(": ", 2)[2].split(";")[0] for one in messages(root)]
    assert found == ([says] if says else [])


@pytest.mark.parametrize(("known", "is_right"), [("2026-06-15", False), ("2026-07-01", True)])
def test_yes_before_the_last_day(tmp_path: Path, known: str, *, is_right: bool) -> None:
    """Under a condition that was met, yes is final once the condition's day is over and the step is taken."""
    given = "{budget: {is: raised, held_by: 2026-06-30}}"
    early = KINDS.replace(
        "{event: launch, state: limited}\n  given", "{event: launch, state: {at_least: limited}}\n  given"
    )
    root = asking(tmp_path, early.replace("{prototype: tested}", given))
    line = {"question": "sold-if-tested", "state": "yes", "on": "2026-06-01", "known": known, "source": "a"}
    (root / "priors/resolutions.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    assert is_right == (not messages(root))


def test_a_judgement_is_a_probability(tmp_path: Path) -> None:
    """A judgement of a date or a number is a problem; one of a question under a condition is a series of it."""
    root = asking(tmp_path)
    judged = "date,question,probability,why\n2026-03-01,units,0.5,\n2026-03-01,sold-if-tested,0.5,\n"
    (root / "priors/judgements.csv").write_text(judged, encoding="utf-8")
    assert ["a judgement of 'units', which asks for a date or a number"] == [
        one.split(": ", 1)[1].split(";")[0] for one in messages(root)
    ]


def test_every_name_is_found(tmp_path: Path) -> None:
    """What a question names of the network and the scenarios is found by renames."""
    tree, _ = parse_yaml((asking(tmp_path) / Q).read_bytes(), Q)
    assert tree is not None
    found = [one.named for one in mentions(Q, tree) if one.named is not None]
    names = {(one.kind, one.name) for one in found}
    assert {("event", "prototype"), ("state", "tested"), ("scenario", "breakthrough"), ("scenario", "other")} <= names
    assert 6 == sum(one.name == "launch" for one in found)
    assert 3 == sum(one == ("state", "limited", "launch") for one in found) - 1


def test_a_table_is_read_as_if_it_stood_in_the_file(tmp_path: Path) -> None:
    """Rows become questions behind those that there are, of the kind that their cells say."""
    root = asking(tmp_path)
    draft = draft_questions(root, QUESTION_TABLE, "table.csv", TODAY)
    assert () == draft.problems
    (root / Q).write_bytes(draft.content)
    asked = load(root, TODAY).asked[5:]
    assert [type(one) for one in asked] == [Question, JointQuestion, DateQuestion, JointQuestion]
    assert asked[0].question == "Tested, by July?"
    assert isinstance(asked[1], JointQuestion)
    conditions = (Condition("budget", ("raised",)), Condition("prototype", ("shown", "tested")))
    assert Proposition(conditions) == asked[1].given


def test_a_condition_with_a_day_of_its_own(tmp_path: Path) -> None:
    """It is read from the file and from a table; on the question's own day it is one without a day."""
    root = asking(tmp_path, KINDS.replace("{prototype: tested}", "{prototype: {is: tested, held_by: 2026-06-30}}"))
    table = b"id,question,about,given,by,resolves\n"
    table += b"own,Q,launch>=limited,prototype>=shown@2026-06-30;budget=raised@2026-07-31,2026-07-31,r\n"
    (root / Q).write_bytes(draft_questions(root, table, "t.csv", TODAY).content)
    first, *_, last = (one.given for one in load(root, TODAY).further if isinstance(one, JointQuestion))
    assert Proposition((DatedCondition("prototype", ("tested",), date(2026, 6, 30)),)) == first
    shown = DatedCondition("prototype", ("shown", "tested"), date(2026, 6, 30))
    assert Proposition((shown, Condition("budget", ("raised",)))) == last


def test_mistakes_in_a_table_are_told_at_its_rows(tmp_path: Path) -> None:
    """What a cell says wrongly, and what is wrong with the question, stand at the row, all in one run."""
    rows = ("a,Q,prototyp=tested,,2026-07-31,r", "b,Q,brekthrough,,2026-07-31,r", "c,,,launch,2026-07-31,r", "d,Q,,,,r")
    table = "\n".join(("id,question,about,when,by,resolves", *rows)).encode()
    root = asking(tmp_path)
    told = sorted(str(one)[:40] for one in draft_questions(root, table, "t.csv", TODAY).problems)
    assert [one[:22] for one in told] == [
        "t.csv:2: about: 'proto",
        "t.csv:3: about: there ",
        "t.csv:4: question is e",
        "t.csv:4: when: a date ",
        "t.csv:5: asks about no",
    ]
    late = b"id,question,about,by,resolves\nx,Q,launch=limited,2027-07-31,r\nsold,Q,launch=limited,2026-07-31,r\n"
    found = [str(one) for one in draft_questions(root, late, "t.csv", TODAY).problems]
    assert [one.split("; ")[0] for one in found] == [
        "t.csv:2: question 'x': by lies outside the window",
        "t.csv:3: question 'sold' appears twice",
    ]


NUMBERS = b"""\
id,question,about,by,resolves,unit,bins,case,0,0.05,0.5,0.95,1,reading,reading_about,reading_by,reading_resolves,benchmarks,reading_forecasters
many,How many?,,,delivered,units,1; 1000,launch=general,0,800,4000,15000,40000,,,,,,
,,,,,,,launch=limited;prototype>=shown,0,20,200,900,3000,,,,,,
,,,,,,,otherwise,0,,,,0,,,,,,
bought,Is it bought?,launch>=limited,2026-10-31,a sale,,,,,,,,,pool,launch=general,,as general,market,crowd; a b
,,,,,,,,,,,,,late,,2026-12-31,by then,,
"""


def test_numbers_and_readings_from_a_table(tmp_path: Path) -> None:
    """A row without an id goes on with the question above: another case of its number, or another reading."""
    root = asking(tmp_path)
    draft = draft_questions(root, NUMBERS, "table.csv", TODAY)
    assert () == draft.problems
    (root / Q).write_bytes(draft.content)
    number, bought = load(root, TODAY).asked[5:]
    assert isinstance(number, NumberQuestion)
    assert ("units", (1.0, 1000.0)) == (number.unit, number.bins)
    conditions = (Condition("launch", ("limited",)), Condition("prototype", ("shown", "tested")))
    assert [(Condition("launch", ("general",)),), conditions, ()] == [one.about.conditions for one in number.cases]
    assert ((0.0, 0.0), (0.05, 20.0), (0.5, 200.0), (0.95, 900.0), (1.0, 3000.0)) == number.cases[1].points
    assert ((0.0, 0.0), (1.0, 0.0)) == number.cases[2].points
    assert isinstance(bought, Question)
    said = [(rule.name, rule.about.states, rule.by, rule.forecasters) for rule in bought.readings]
    general, late = ("pool", ("general",), date(2026, 10, 31)), ("late", bought.about.states, date(2026, 12, 31))
    assert [(*general, ("crowd", "a b")), (*late, ())] == said
    assert ("market",) == bought.benchmarks


HEADER = "id,question,about,by,resolves,unit,bins,case,0,0.5,1,reading,reading_about,reading_resolves"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["n,Q,,,r,u,,launch=generl,0,1,2,,,"], ["2: case: 'generl' is none of them"]),
        (["n,Q,,,r,u,,otherwise,,,,,,"], ["2: a case without quantiles"]),
        (["n,Q,,,r,u,,,0,1,2,,,", ",,,2026-11-30,,,,,,,,,,"],
         ["3: 'by' in a row without an id, which goes on with the question above"]),
        (["n,Q,,,r,u,,,0,1,2,,,", ",,,,,,,,,,,x,general,r"], ["3: reading_about: 'general' is no event with a state"]),
        (["n,Q,,,r,u,2; 1,launch=limited,0,9,4,,,", ",,,,,,,,0,1,1,,,"],
         ["2: question 'n': the edges of bins do not rise",
          "2: question 'n': case 1: levels rise, and values do not fall"]),
        (["n,Q,,,r,u,,launch=limited,0,1,2,,,", ",,,,,,,,0,5%,x,,,"],
         ["3: question 'n': number.cases[2].quantiles.0.5 must be a number",
          "3: question 'n': number.cases[2].quantiles.1 must be a number"]),
        (["n,Q,,,r,u,,launch=limited,0,1,2,,,"], ["2: question 'n': the cases do not cover everything"]),
        (["n,Q,,,r,u,,,0,1,2,x,launch=limited,r"], ["2: question 'n': unknown key 'readings'"]),
    ],
)  # fmt: skip
def test_mistakes_in_cases_and_readings_are_told_at_their_rows(
    tmp_path: Path, rows: list[str], told: list[str]
) -> None:
    """What is wrong with a case or a reading stands at its own row, and all of it in one run."""
    draft = draft_questions(asking(tmp_path), "\n".join((HEADER, *rows)).encode(), "t.csv", TODAY)
    assert [f"t.csv:{one}" for one in told] == [str(one).split("; ")[0] for one in draft.problems]


def test_a_level_in_percent_is_told(tmp_path: Path) -> None:
    """A column that is called 5% is no level, and the message says what one is."""
    (one,) = draft_questions(
        asking(tmp_path),
        HEADER.replace("0.5", "50%").encode() + b"\nn,Q,launch=limited,2026-10-31,r,,,,,,,,,\n",
        "t.csv",
        TODAY,
    ).problems
    assert str(one).startswith("t.csv:1: unknown column '50%'; a level is a column from 0 to 1, such as 0.05; ")
