"""Questions, benchmarks, judgements and resolutions: what is read, and each mistake at its place."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from forecast.workspace.csv_text import parse_json_lines
from forecast.workspace.nodes import plain
from forecast.workspace.read import load
from forecast.workspace.read_benchmarks import authors_of, forecasters_of, read_benchmark
from forecast.workspace.records import BaseRate, Condition, Publication
from forecast.workspace.schemas import FOLDER
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import ASKED, MARKET, TODAY, example, messages, read

ROOT = Path(__file__).parents[2]
MISTAKES = yaml.load((Path(__file__).parent / "mistakes_in_questions.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)


def asking(root: Path, questions: str = ASKED, market: str = MARKET) -> Path:
    """The example with questions and a series."""
    example(root)
    (root / "priors/questions.yaml").write_text(questions, encoding="utf-8")
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/market.csv").write_text(market, encoding="utf-8")
    return root


def test_what_is_read(tmp_path: Path) -> None:
    """Keys, defaults, states in the event's order, points by day and name; series found by name."""
    root = asking(tmp_path)
    (root / "priors/benchmarks/on-sale.csv").write_text("date,forecaster,probability\n", encoding="utf-8")
    workspace = read(root)
    first, second = workspace.questions
    assert Condition("launch", ("limited", "general")) == first.about
    assert (workspace.network.opens, "general", ("on-sale",)) == (first.opens, first.topic, first.benchmarks)
    assert (date(2026, 2, 1), "money", ("market",)) == (second.opens, second.topic, second.benchmarks)
    assert BaseRate(0.4, Publication("B", None, None), "four of ten") == second.base_rate
    assert Publication("A market", None, "https://a.example") == second.publication
    points = [(date(2026, 3, 1), "crowd", 1.0), (date(2026, 3, 2), "a b", 0.2), (date(2026, 3, 2), "crowd", 0.5)]
    assert points == list(workspace.benchmarks["market"].points)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['old']} to {mistake['new']:.30}")
def test_mistakes_in_questions(tmp_path: Path, mistake: dict[str, str]) -> None:
    """A mistake in one place is one problem at its line."""
    assert ASKED.count(mistake["old"]) == 1
    changed = ASKED.replace(mistake["old"], mistake["new"])
    assert messages(asking(tmp_path, changed)) == [f"priors/questions.yaml:{mistake['says']}"]


def test_mistakes_in_series(tmp_path: Path) -> None:
    """Each wrong cell is a problem at its row, all in one run; a row is wrong once for each of its cells."""
    rows = (
        "2026-03-01,crowd,0.5",
        "2026-03-01,crowd,0.6",
        "2026-02-30,crowd,0.5",
        "2099-01-01,crowd,0.5",
        "2026-03-02,,1.5",
        "2026-03-03,crowd,nan",
        "2026-03-04,crowd",
    )
    cells = "3 cells, as the header has"
    root = asking(tmp_path, market="\n".join(("date,forecaster,probability", *rows)) + "\n")
    path = "priors/benchmarks/market.csv"
    assert messages(root) == [
        f"{path}:3: crowd on 2026-03-01 appears twice; first in line 2; one number a day, the last of it",
        f"{path}:4: date is not a date; got '2026-02-30'; dates are written YYYY-MM-DD",
        f"{path}:5: date lies in the future; got 2099-01-01; today is {TODAY}",
        f"{path}:6: forecaster is empty; who forecast, in words",
        f"{path}:6: probability is not a probability; got '1.5'; a number from 0 to 1",
        f"{path}:7: probability is not a probability; got 'nan'; a number from 0 to 1",
        f"{path}:8: a row that does not fit the header; got 2 cells beginning with '2026-03-04'; {cells}",
    ]


def test_a_column_too_many_hides_no_mistake(tmp_path: Path) -> None:
    """What is wrong in the rows of a series is told with what is wrong in its header, in one run."""
    path = "priors/benchmarks/market.csv"
    root = asking(tmp_path, market="date,forecaster,probability,note,note\n2026-02-30,crowd,0.5,,\n")
    assert [
        f"{path}:1: column 'note' appears twice; each column stands once",
        f"{path}:1: unknown column 'note'; columns are 'date', 'forecaster', 'probability'",
        f"{path}:2: date is not a date; got '2026-02-30'; dates are written YYYY-MM-DD",
    ] == messages(root)


@pytest.mark.parametrize(
    "word", ["2026-W10", "2026-W10-1", "H2 2026", "Q3 2026", "no later than 2026", "2026-03~", "2026-03", "20260301"]
)
def test_words_are_no_day(tmp_path: Path, word: str) -> None:
    """Weeks, quarters, halves of a year, deadlines and what is approximate are refused, not guessed at."""
    # edtf 5.0.2 and dateparser 1.5.0 read another part of the year into most of them: findings/README.md
    says = f"date is not a date; got '{word}'; dates are written YYYY-MM-DD"
    root = asking(tmp_path, market=f"date,forecaster,probability\n{word},crowd,0.5\n")
    assert [f"priors/benchmarks/market.csv:2: {says}"] == messages(root)


def test_names_that_the_replay_gives_are_nobody_elses(tmp_path: Path) -> None:
    """A series named like the workspace's own rows in the table of the replay would be two forecasts at one time."""
    rows = "2026-03-01,forecast,0.5\n2026-03-01,base rate,0.5\n2026-03-01,judgement,0.5\n2026-03-01,forecasters,0.5\n"
    path = "priors/benchmarks/market.csv"
    assert [
        f"{path}:2: no other forecaster can be called 'forecast'; so are the workspace's own forecasts; another name",
        f"{path}:3: no other forecaster can be called 'base rate'; so are the base rates of questions; another name",
        (
            f"{path}:4: no other forecaster can be called 'judgement'; so are the numbers of priors/judgements.csv; "
            "another name"
        ),
    ] == messages(asking(tmp_path, market=f"date,forecaster,probability\n{rows}"))


def test_one_number_a_forecaster_and_day_over_all_series_of_a_question(tmp_path: Path) -> None:
    """Of two numbers of one day in two series neither is the later one, so the pair is a problem, told once."""
    root = asking(tmp_path)
    rows = "2026-03-01,crowd,0.5\n2026-03-02,crowd,0.5\n2026-03-03,a b,0.5\n"
    (root / "priors/benchmarks/kept.csv").write_text(f"date,forecaster,probability\n{rows}", encoding="utf-8")
    assert [
        (
            "priors/questions.yaml:6: question 'kept': crowd stands on 2026-03-01 in two of its series; "
            "got 'market' and 'kept'; one number of each forecaster a day; rename one or leave a series out"
        )
    ] == messages(root)


def test_mistakes_in_headers_and_judgements(tmp_path: Path) -> None:
    """Unknown, missing and double columns are named with the nearest; a judgement is of a question that there is."""
    root = asking(tmp_path, market="date,who,probabilty,date\n")
    judged = "date,question,probability,why\n2026-03-01,on-sal,0.5,\n2026-03-01,kept,0.5,x\n2026-03-01,kept,0.6,x\n"
    (root / "priors/judgements.csv").write_text(judged, encoding="utf-8")
    columns = "columns are 'date', 'forecaster', 'probability'"
    series, own = "priors/benchmarks/market.csv:1", "priors/judgements.csv"
    assert messages(root) == [
        f"{series}: column 'date' appears twice; each column stands once",
        f"{series}: missing column 'forecaster'; {columns}",
        f"{series}: unknown column 'probabilty'; {columns}; did you mean 'probability'?",
        f"{series}: unknown column 'who'; {columns}",
        f"{own}:4: question 'kept' on 2026-03-01 appears twice; first in line 3; one number a day, the last of it",
    ]
    way = "the row is ignored; if it has another name now: forecast rename question on-sal NAME"
    unknown = f"{own}:2: warning: unknown question 'on-sal'; {way}; questions are 'on-sale', 'kept'"
    assert [f"{unknown}; did you mean 'on-sale'?"] == [one for one in messages(root, "warning") if own in one]


def test_rows_of_one_unknown_question_are_one_message(tmp_path: Path) -> None:
    """A question that is misspelt where it is asked is told once, with the number of rows that are ignored for it."""
    root = asking(tmp_path)
    rows = [f"2026-03-0{day},{name},0.5," for day in (1, 2, 3) for name in ("on-sal", "kep")]
    (root / "priors/judgements.csv").write_text("\n".join(["date,question,probability,why", *rows]), encoding="utf-8")
    found = [one.split("; if it")[0] for one in messages(root, "warning") if "judgements" in one]
    assert [
        "priors/judgements.csv:2: warning: unknown question 'on-sal'; its 3 rows, to line 6, are ignored",
        "priors/judgements.csv:3: warning: unknown question 'kep'; its 3 rows, to line 7, are ignored",
    ] == found


AUTHORED = """date,question,probability,why,author
2026-03-01,kept,0.5,x
2026-03-01,kept,0.25,,ann
2026-03-02,kept,0.3,y, ann
2026-03-01,kept,0.75,,bob
2026-03-01,on-sale,0.1,z,judgement
"""


def test_each_author_is_a_series(tmp_path: Path) -> None:
    """An author's numbers are that author's; rows older than the column, or without a name, are `judgement`'s."""
    root = asking(tmp_path)
    (root / "priors/judgements.csv").write_text(AUTHORED, encoding="utf-8")
    workspace = read(root)
    points = [(1, "ann", 0.25), (1, "bob", 0.75), (1, "judgement", 0.5), (2, "ann", 0.3)]
    kept = workspace.benchmarks["judgement/kept"].points
    assert points == [(day.day, who, p) for day, who, p in kept]
    assert ["judgement"] == [who for _, who, _ in workspace.benchmarks["judgement/on-sale"].points]
    assert {"ann", "bob", "judgement"} == authors_of(workspace.benchmarks)
    assert {"crowd", "a b"} == forecasters_of(workspace.benchmarks)


def test_mistakes_in_authors(tmp_path: Path) -> None:
    """An author is called like no forecaster and like nothing that is kept for others, and has one number a day."""
    root = asking(tmp_path)
    more = "2026-03-04,kept,0.5,,crowd\n2026-03-04,kept,0.5,,base rate\n2026-03-02,kept,0.6,,ann\n2026-03-04,kept\n"
    (root / "priors/judgements.csv").write_text(AUTHORED + more, encoding="utf-8")
    own = "priors/judgements.csv"
    assert messages(root) == [
        (
            f"{own}:7: author 'crowd' is called like a benchmark; a series of priors/benchmarks/ has this forecaster; "
            "another name"
        ),
        f"{own}:8: no author can be called 'base rate'; so are the base rates of questions; another name",
        (
            f"{own}:9: question 'kept' on 2026-03-02 by 'ann' appears twice; first in line 4; one number a day, "
            "the last of it"
        ),
        (
            f"{own}:10: a row that does not fit the header; got 2 cells beginning with '2026-03-04'; 5 cells, as the "
            "header has"
        ),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("yes", "undo", "undo"), []),
        (("broken", "undo", "undo"), ["1: no JSON"]),
        (("maybe", "undo", "yes"), ["1: resolution of 'kept': a question ends in yes or no, not 'maybe'"]),
        (("maybe", "undo", "undo"), ["1: resolution of 'kept': a question ends in yes or no, not 'maybe'"]),
        (("undo", "yes"), ["1: resolution of 'kept': there is nothing to undo"]),
        (("capital",), ["1: resolution of 'kept': a question ends in yes or no, not 'Yes'"]),
        (("yes", "bad undo", "yes"), ["2: resolution of 'kept': known is"]),
        (("yes", "early undo", "yes"), ["2: resolution of 'kept': undone before it was known"]),
        (("yes", "yes", "undo", "undo"), []),
        (("yes", "yes"), ["2: resolution of 'kept': it is resolved already, as yes"]),
    ],
)
def test_a_wrong_line_is_one_message(tmp_path: Path, lines: tuple[str, ...], expected: list[str]) -> None:
    """A line that is wrong is undone and repeated like a right one, so that no later line is called wrong for it."""
    yes = '{"question": "kept", "state": "yes", "on": "2026-06-30", "known": "2026-07-01", "source": "a"}'
    undo = '{"undo": "kept", "known": "2026-07-05"}'
    written = {
        "yes": yes,
        "undo": undo,
        "broken": '{"question": "kept"',
        "maybe": yes.replace('"yes"', '"maybe"'),
        "capital": yes.replace('"yes"', '"Yes"').replace("06-30", "06-29"),
        "bad undo": undo.replace("07-05", "07-32"),
        "early undo": undo.replace("07-05", "06-30"),
    }
    root = asking(tmp_path)
    (root / "priors/resolutions.jsonl").write_text("\n".join(written[one] for one in lines), encoding="utf-8")
    found = [line.removeprefix("priors/resolutions.jsonl:") for line in messages(root)]
    assert (len(expected), True) == (len(found), all(map(str.startswith, found, expected)))


def test_two_branches_that_undid_one_line(tmp_path: Path) -> None:
    """A union merge leaves both lines, and none may be taken out: the second is ignored, with a warning."""
    lines = [
        '{"question": "kept", "state": "yes", "on": "2026-06-30", "known": "2026-07-01", "source": "a"}',
        '{"undo": "kept", "known": "2026-07-05"}',
        '{"undo": "kept", "known": "2026-07-06"}',
        '{"question": "kept", "state": "no", "on": "2026-06-30", "known": "2026-07-08", "source": "a"}',
    ]
    root = asking(tmp_path)
    (root / "priors/resolutions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    at = "priors/resolutions.jsonl"
    expected = f"{at}:3: warning: resolution of 'kept': it is undone already; at {at}:2; the line is ignored"
    assert ([], [expected]) == (messages(root), messages(root, "warning"))
    assert [("yes", date(2026, 7, 5)), ("no", None)] == [(one.state, one.undone) for one in read(root).resolutions]


def test_mistakes_in_resolutions(tmp_path: Path) -> None:
    """Lines that are no JSON, no object or no outcome are problems at their lines, all in one run."""
    root = asking(tmp_path)
    known = '"on": "2026-06-30", "known": "2026-07-01", "source": "a"'
    lines = (
        '{"question": "kept"',
        "[1]",
        '{"question": "kept", "question": "kept"}',
        f'{{"question": "kep", "state": "yes", {known}}}',
        f'{{"question": "kept", "state": "maybe", {known}}}',
        f'{{"question": "kept", "event": "launch", "state": "yes", {known}}}',
        f'{{"event": "launch", "state": "limted", {known}}}',
        "",
        '{"undo": "kept", "state": "yes", "known": "2026-07-02"}',
        f'{{"question": "kept", "stat": "yes", {known}}}',
        f'{{"question": "kept", "state": "yes", {known}}}',
        '{"undo": "kept", "known": "2026-06-30"}',
        '{"undo": "kept", "known": "2026-07-05"}',
        '{"undo": "kept", "known": "2026-07-05"}',
    )
    (root / "priors/resolutions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    at, states = "priors/resolutions.jsonl", "states are 'none', 'limited', 'general'"
    early = f"got 2026-06-30; from 2026-07-01 on, as {at}:11 says"
    names = (
        "format",
        "question",
        "event",
        "undo",
        "state",
        "void",
        "ambiguous",
        "value",
        "on",
        "known",
        "source",
        "note",
    )
    keys = f"keys are {', '.join(map(repr, names))}"
    assert messages(root) == [
        f"{at}:1: no JSON: Expecting ',' delimiter; got '{{\"question\": \"kept\"'",
        f"{at}:2: not a JSON object; got '[1]'; one JSON object a line",
        f"{at}:3: key 'question' appears twice; once in each object",
        f"{at}:5: resolution of 'kept': a question ends in yes or no, not 'maybe'; states are 'yes', 'no'",
        f"{at}:6: resolution of 'kept': 'event' beside 'question'; exactly one of 'question', 'event', 'undo'",
        f"{at}:9: resolution of 'kept': 'state' beside 'undo'; only known, source and note",
        f"{at}:10: resolution of 'kept': unknown key 'stat'; {keys}; did you mean 'state'?",
        f"{at}:12: resolution of 'kept': undone before it was known; {early}",
    ]
    ways = "`forecast rename OLD NEW` says what it is called now, `forecast resolve {} --undo` ends it"
    way = f"the line is ignored; {ways}"
    lost = "unknown question 'kep'; " + way.format("kep") + "; questions are 'on-sale', 'kept'; did you mean 'kept'?"
    state = f"event 'launch' has no state 'limted'; {way.format('launch')}; {states}; did you mean 'limited'?"
    of_two = f"event 'launch' has no state 'yes'; {way.format('kept')}; {states}"
    assert messages(root, "warning") == [
        f"{at}:4: warning: resolution of 'kep': {lost}",
        f"{at}:6: warning: resolution of 'kept': {of_two}",
        f"{at}:7: warning: resolution of 'launch': {state}",
    ]


RENAMED = {
    "a question": ("priors/questions.yaml", "id: kept", "id: held", {"question": "kept", "state": "no"}),
    "a state": ("priors/network.yaml", "kept", "stayed", {"event": "budget", "state": "kept"}),
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("what", RENAMED)
def test_a_renamed_name_is_undone(tmp_path: Path, what: str, times: int) -> None:
    """Lines about what was renamed are warnings, count for nothing, and end by an undo each; no undo is left over."""
    root = asking(tmp_path)
    path, old, new, line = RENAMED[what]
    days = {"on": "2026-06-30", "known": "2026-07-01", "source": "a"}
    subject = line.get("question") or line["event"]
    for one in [root / path] if what == "a question" else root.rglob("*.yaml"):
        one.write_text(one.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    undo = {"undo": subject, "known": "2026-07-05"}
    lines = [{**line, **days}] * times + [undo] * times
    said = []
    for number in range(times, 2 * times + 1):
        text = "\n".join(map(json.dumps, lines[:number]))
        (root / "priors/resolutions.jsonl").write_text(text, encoding="utf-8")
        workspace = read(root)
        said.append(sum("is ignored" in one for one in messages(root, "warning")))
        assert () == tuple(one for one in workspace.resolutions if one.undone is None)
    assert list(range(times, -1, -1)) == said
    (root / "priors/resolutions.jsonl").write_text("\n".join(map(json.dumps, [*lines, undo])), encoding="utf-8")
    # Of a question that is not there under its old name, an undo more names nothing; of an event it is one too many.
    one_too_many = [*messages(root), *(one for one in messages(root, "warning") if "it is undone already" in one)]
    assert 1 == len(one_too_many)


def test_lines_that_are_right(tmp_path: Path) -> None:
    """A later line undoes the latest of its subject; an undone event is a retracted item, and may be settled again."""
    root = asking(tmp_path)
    told = '"state": "limited", "on": "2026-07-01", "source": "a"'
    lines = (
        f'{{"event": "launch", {told}, "known": "2026-07-02"}}',
        '{"undo": "launch", "known": "2026-07-05"}',
        f'{{"event": "launch", {told}, "known": "2026-07-09", "note": "now truly"}}',
    )
    (root / "priors/resolutions.jsonl").write_text("\r\n".join(lines), encoding="utf-8")
    workspace = read(root)
    found = [(i.id, i.reported, i.happened, i.retracted, i.why) for i in workspace.items if i.id.startswith("resolved")]
    first, second = "resolved-launch-2026-07-01", "resolved-launch-2026-07-01-2"
    on = date(2026, 7, 1)
    assert [row[:4] for row in found] == [
        (first, date(2026, 7, 2), on, date(2026, 7, 5)),
        (second, date(2026, 7, 9), on, None),
    ]
    assert found[1][4] == "now truly"
    assert "resolutions" in workspace.sources
    assert [line.counts_on(date(2026, 7, 5)) for line in workspace.resolutions] == [False, False]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_lines(content: bytes) -> None:
    """Whatever stands in the files ends in objects and located problems."""
    trees, problems = parse_json_lines(content, "x.jsonl")
    lines = content.count(b"\n") + 1
    assert all(1 <= problem.source.line <= lines for problem in problems)
    assert len(trees) + len(problems) <= lines
    series, problems = read_benchmark(content, "priors/benchmarks/x.csv", TODAY)
    assert ("x", True) == (series.id, all(1 <= problem.source.line <= lines for problem in problems))


def test_questions_change_no_forecast_input(tmp_path: Path) -> None:
    """Questions, series and judgements leave everything that a forecast is made of as it is."""
    root = asking(tmp_path / "asking")
    (root / "priors/judgements.csv").write_text("date,question,probability,why\n2026-03-01,kept,0.5,\n", "utf-8")
    one, other = read(root), load(example(tmp_path / "plain"), TODAY)
    same = ("network", "scenarios", "experts", "statements", "sources", "items", "watched_until")
    assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}


def test_shipped_files_fit_the_schemas() -> None:
    """The shipped questions and each line of the shipped resolutions are valid by the published schemas."""
    schema = json.loads((FOLDER / "questions.json").read_text(encoding="utf-8"))
    node, _ = parse_yaml((ROOT / "priors/questions.yaml").read_bytes(), "q")
    assert node is not None
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(plain(node))]
    schema = json.loads((FOLDER / "resolutions.json").read_text(encoding="utf-8"))
    lines = (ROOT / "priors/resolutions.jsonl").read_text(encoding="utf-8").splitlines()
    found = [list(Draft202012Validator(schema).iter_errors(json.loads(line))) for line in lines]
    assert found == [[]] * len(lines)
    assert [] != list(Draft202012Validator(schema).iter_errors({"known": "2026-01-01"}))
