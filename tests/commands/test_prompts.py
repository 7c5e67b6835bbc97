"""The conversation of `forecast add`: wrong answers are told at once, a step back, drafts, names that are near."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.commands.asking import Conversation, StepBack
from forecast.commands.main import main
from forecast.workspace.files import find_files
from forecast.workspace.records import Condition, DatedCondition, OnScenarios
from tests.commands.conftest import AS_OF
from tests.workspace.writing import example, messages, read

STATEMENT = (
    "market_analyst", "2026-06-01", "A letter", "", "", "Cuts are rare.", "budget", "", "", "", "distribution",
    "{cut: 0.2, kept: 0.6, raised: 0.2}", "editor", "As said.", "y",
)  # fmt: skip
ITEM = (
    "Shops list it.", "2026-06-25", "", "newspaper", "2", "", "", "", "launch", "likelihood", "1", "2", "3", "", "",
    "As said.", "", "y",
)  # fmt: skip
ITEM_FILE = "evidence/2026-06-25-shops-list-it.yaml"
CONDITIONAL = (
    "market_analyst", "2026-01-20", "A letter", "", "", "Once tested it sells.", "launch>=limited", "prototype=tested",
    "", "at_once", "probability", "0.4", "editor", "As said.", "y",
)  # fmt: skip
TIME = CONDITIONAL.index("at_once")
KINDS = {"statement": STATEMENT, "evidence": ITEM}
WRITTEN = {"statement": "priors/statements/market_analyst.yaml", "evidence": ITEM_FILE}


def enter(folder: Path, kind: str, typed: Sequence[str], *options: str) -> Result:
    """Run `forecast add KIND` and type some answers; what is asked after them is interrupted."""
    effect = ["--no-effect"] if kind == "evidence" else []
    text = "".join(f"{line}\n" for line in typed)
    return CliRunner().invoke(main, ["add", kind, "-C", str(folder), *effect, *options], input=text)


@cache
def straight_on(kind: str) -> bytes:
    """The file that an entry writes of which nothing goes wrong."""
    with TemporaryDirectory() as folder:
        root = example(Path(folder))
        assert 0 == enter(root, kind, KINDS[kind]).exit_code
        return (root / WRITTEN[kind]).read_bytes()


def changed(typed: Sequence[str], answers: Mapping[int, Sequence[str]]) -> list[str]:
    """Answers, with others in the place of some."""
    return [one for number, said in enumerate(typed) for one in answers.get(number, (said,))]


def drafts(folder: Path) -> list[Path]:
    """The drafts that are kept."""
    return sorted((folder / "reports").glob(".*.draft")) if (folder / "reports").exists() else []


def given_in(folder: Path) -> list[Condition]:
    """The conditions of the statement that was added."""
    return [one for added in read(folder).statements if added.says == CONDITIONAL[5] for one in added.about.given]


@pytest.mark.parametrize(
    ("kind", "place", "wrong", "says"),
    [
        ("statement", 1, "June", "'June' is no date; write YYYY-MM-DD"),
        ("statement", 1, "2999-01-01", "2999-01-01 lies in the future; today is "),
        ("statement", 4, "the letter", "'the letter' is no address; https://... without spaces, or nothing"),
        ("statement", 6, "prototype>=shown", "item 'prototype-shown' had made 'shown or tested' certain"),
        ("statement", 8, "demand=hihg", "did you mean 'high'?"),
        (
            "statement",
            8,
            "demand=low demand=high",
            "'demand' is given twice; several states of one event are separated",
        ),
        ("statement", 9, "2027-06-01", "about: by lies outside the window"),
        ("statement", 11, "{cut: 0.2, kept: 0.6, raised: 0.3}", "sum"),
        ("statement", 11, "{cut: 0.2", "not readable as YAML"),
        ("evidence", 1, "2025-06-01", "reported"),
        ("evidence", 2, "2026-06-26", "happened after it was reported; got 2026-06-26"),
        ("evidence", 2, "2025-06-26", "before the"),
        ("evidence", 5, "two words", "'two words' cannot be a name; letters, digits, '_', '.' and '-', at most 100"),
        ("evidence", 6, "example.org", "'example.org' is no address"),
        ("evidence", 7, "hiring-stopp", "did you mean 'hiring-stop'?"),
        ("evidence", 13, "2026-06-01", "until lies before reported"),
        ("evidence", 16, "hiring-stop", "item 'hiring-stop' is there already; another id"),
        ("evidence", 16, "../x", "'../x' cannot be a name"),
    ],
)
def test_a_wrong_answer_is_told_at_once(tmp_path: Path, kind: str, place: int, wrong: str, says: str) -> None:
    """What is wrong with an answer is told before the next question, in one line, and the question is asked again."""
    root = example(tmp_path)
    result = enter(root, kind, changed(KINDS[kind], {place: (wrong, KINDS[kind][place])}))
    assert 0 == result.exit_code, result.output
    assert [True] == [says in line for line in result.stderr.splitlines()], result.stderr
    before, _, after = result.output.partition(result.stderr.strip())
    assert before.rstrip("\n").rpartition("\n")[2].partition(" (")[0].partition(":")[0] in after
    assert (root / WRITTEN[kind]).exists()


def test_what_no_state_could_bring_is_asked_for_again(tmp_path: Path) -> None:
    """A part of an item with which it would be wrong is told when it is complete, and asked for anew."""
    root = example(tmp_path)
    result = enter(root, "evidence", changed(ITEM, {9: ("likelihood", "0", "0", "0", "likelihood")}))
    assert 0 == result.exit_code, result.output
    assert ["likelihood is 0 in every state: the report could not exist; at least one number above 0"] == (
        result.stderr.splitlines()
    )


def test_the_day_of_as_of_counts(tmp_path: Path) -> None:
    """A report typed for a forecast of an earlier day is offered that day, and refused for a later one."""
    root = example(tmp_path)
    typed = changed(ITEM, {1: ("2026-07-02", "")})
    result = enter(root, "evidence", typed, "--as-of", AS_OF)
    assert 0 == result.exit_code, result.output
    says = f"2026-07-02 lies after {AS_OF}, the day of --as-of: the item would not count yet"
    assert [says] == result.stderr.splitlines()
    assert f"Reported on [{AS_OF}]" in result.stdout
    assert date.fromisoformat(AS_OF) == next(one.reported for one in read(root).items if one.headline == ITEM[0])


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_a_step_back_changes_nothing_but_the_answer(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    """However often somebody goes back, and gives the same answers again, the same is written."""
    typed = KINDS[kind]
    place = data.draw(st.integers(1, len(typed) - 1))
    steps = data.draw(st.integers(1, place))
    back = example(tmp_path_factory.mktemp("back"))
    result = enter(back, kind, [*typed[:place], *["<"] * steps, *typed[place - steps :]])
    assert 0 == result.exit_code, result.output
    assert straight_on(kind) == (back / WRITTEN[kind]).read_bytes()
    assert [] == drafts(back)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("soon", "'soon' is no time; at_once, a day (YYYY-MM-DD) or at_horizon"),
        ("2027-06-01", "2027-06-01"),
    ],
)
def test_the_time_of_a_condition_is_checked_at_once(tmp_path: Path, wrong: str, says: str) -> None:
    """A time at which no condition can hold is told before the next question, and the time is asked for again."""
    root = example(tmp_path)
    result = enter(root, "statement", changed(CONDITIONAL, {TIME: (wrong, CONDITIONAL[TIME])}))
    assert (0, [True]) == (result.exit_code, [says in line for line in result.stderr.splitlines()]), result.output
    assert [DatedCondition("prototype", ("tested",), None)] == given_in(root)


def test_a_step_back_to_the_time_of_a_condition(tmp_path: Path) -> None:
    """From the question after it, a step back asks for the time again, and the answer of then counts."""
    root = example(tmp_path)
    typed = [*CONDITIONAL[: TIME + 1], "<", "2026-06-30", *CONDITIONAL[TIME + 1 :]]
    result = enter(root, "statement", typed)
    assert 0 == result.exit_code, result.output
    assert [DatedCondition("prototype", ("tested",), date(2026, 6, 30))] == given_in(root)


@pytest.mark.parametrize("after", [0, 1])
def test_the_time_of_a_condition_is_kept_in_a_draft(tmp_path: Path, after: int) -> None:
    """Broken off before the question for the time or after it, an entry goes on there."""
    root = example(tmp_path)
    assert 1 == enter(root, "statement", CONDITIONAL[: TIME + after]).exit_code
    result = enter(root, "statement", CONDITIONAL[TIME + after :], "--draft")
    assert (0, []) == (result.exit_code, drafts(root)), result.output
    assert [DatedCondition("prototype", ("tested",), None)] == given_in(root)


def test_the_first_question_has_none_before(tmp_path: Path) -> None:
    """At the first question a step back is told to be none."""
    result = enter(example(tmp_path), "statement", ["<", *STATEMENT])
    assert (0, ["this is the first question"]) == (result.exit_code, result.stderr.splitlines())


@pytest.mark.parametrize("place", [1, 5, 12, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_broken_off_goes_on(tmp_path: Path, kind: str, place: int) -> None:
    """An entry that ends in the middle is a draft; it is no input; taken up, it asks for the rest, and is gone then."""
    root, typed = example(tmp_path / "x"), KINDS[kind]
    before = find_files(root).digests
    result = enter(root, kind, typed[:place])
    assert (1, 1, before) == (result.exit_code, len(drafts(root)), find_files(root).digests)
    assert f"kept as a draft: `forecast add {kind} --draft` goes on with it" in result.stderr
    assert [] == messages(root)
    for options, first in (((), ["y"]), (("--draft",), [])):  # offered, and asked for
        copy = example(tmp_path / f"copy{len(first)}")
        (copy / "reports").mkdir()
        (copy / "reports" / drafts(root)[0].name).write_bytes(drafts(root)[0].read_bytes())
        went_on = enter(copy, kind, [*first, *typed[place:]], *options)
        assert (0, []) == (went_on.exit_code, drafts(copy)), went_on.output
        assert straight_on(kind) == (copy / WRITTEN[kind]).read_bytes()


def test_options_are_kept_too(tmp_path: Path) -> None:
    """A draft knows what the options said; an option of now counts for more."""
    root = example(tmp_path)
    options = ("--source", "newspaper", "--reported", "2026-06-25", "--support", "success=yes:slight", "--rho", "0.5")
    assert 1 == enter(root, "evidence", ["Shops list it."], *options, "--group", "shops", "--url", "no").exit_code
    result = enter(root, "evidence", ["", "2", "", "", "", "", "", "y"], "--draft", "--url", "https://example.org/")
    assert 0 == result.exit_code, result.output
    (item,) = [one for one in read(root).items if one.headline == "Shops list it."]
    assert ("newspaper", 0.5, "shops", "https://example.org/") == (item.report_source, item.rho, item.group, item.url)
    assert ("success",) == tuple(getattr(part, "event", "") for part in item.bears_on)


def test_a_no_keeps_what_was_typed(tmp_path: Path) -> None:
    """Who does not want the entry as it is may go on with it later; a draft can be left where it is, and deleted."""
    root = example(tmp_path)
    assert "nothing written" in enter(root, "statement", [*STATEMENT[:-1], "n"]).stdout
    assert 1 == len(drafts(root))
    assert 0 == enter(root, "statement", ["n", *STATEMENT]).exit_code  # not this draft: a new entry
    assert 1 == len(drafts(root))
    result = enter(root, "statement", ["d", *STATEMENT])
    assert (0, []) == (result.exit_code, drafts(root))
    assert "There is a draft that begins “market_analyst”." in result.stdout


def test_what_is_refused_can_be_mended(updated: Path) -> None:
    """Where the whole is impossible, the last question is asked again, and further ones by going back; else a draft."""
    low = ["--settled", "demand=low", "--id", "low", "--reported", "2026-06-24", "--headline", "Low.", "--source"]
    assert 0 == enter(updated, "evidence", [], *low, "newspaper", "--yes").exit_code
    options = ("--settled", "demand=high", "--reported", "2026-06-25", "--as-of", AS_OF)
    call = ["add", "evidence", "-C", str(updated), *options]
    typed = ["It is high.", "", "newspaper", "2", "", "", "", "As said.", ""]
    result = CliRunner().invoke(main, call, input="\n".join(typed) + "\n")
    assert (1, True) == (result.exit_code, "refused; the last question again" in result.stderr), result.output
    assert 1 == len(drafts(updated))


def test_a_broken_draft_is_none(tmp_path: Path) -> None:
    """A draft that somebody has damaged is not offered; where one is wanted, that there is none is wrong usage."""
    root = example(tmp_path)
    (root / "reports").mkdir()
    for number, text in enumerate(("", "[]", '{"options": {}}', '{"options": {"day": 1}, "answers": [["a", "b"]]}')):
        (root / f"reports/.statement-{number}.draft").write_text(text)
    assert 0 == enter(root, "statement", STATEMENT).exit_code
    result = enter(root, "statement", [], "--draft")
    assert (2, True) == (result.exit_code, "there is no draft of statement" in result.stderr)


@pytest.mark.parametrize("said", ["newspapre", "Newspaper", "Example Weekly", "example weekly"])
def test_a_source_that_is_nearly_there_is_offered_first(tmp_path: Path, said: str) -> None:
    """A new id that is nearly that of a source, or its name, is offered as that source before anything is new."""
    root = example(tmp_path)
    result = enter(root, "evidence", changed(ITEM, {3: (said, "")}))
    assert 0 == result.exit_code, result.output
    assert "newspaper" == next(one.report_source for one in read(root).items if one.headline == ITEM[0])
    assert f"'{said}' is a new source; did you mean 'newspaper'" in result.stdout


def test_scenarios_and_what_is_superseded_are_offered(tmp_path: Path) -> None:
    """The questions offer a likelihood over the scenarios, once, and the items that this one may correct."""
    root = example(tmp_path)
    part = ("scenarios", "8", "4", "2", "1", "2026-09-30", "scenarios", "")
    result = enter(root, "evidence", changed(ITEM, {7: ("hiring-stop",), 8: part, **dict.fromkeys(range(9, 15), ())}))
    assert 0 == result.exit_code, result.output
    assert "latest items of 'newspaper': " in result.stdout
    assert ["'scenarios' is none of them"] == [line.partition(";")[0] for line in result.stderr.splitlines()]
    (item,) = [one for one in read(root).items if one.headline == ITEM[0]]
    (on,) = item.bears_on
    assert isinstance(on, OnScenarios)
    assert ("hiring-stop", [8.0, 4.0, 2.0, 1.0], date(2026, 9, 30)) == (
        item.supersedes,
        [*on.ratios.values()],
        on.until,
    )


def test_what_nobody_is_asked_is_not_introduced(tmp_path: Path) -> None:
    """Where options answer all that is needed, nothing is printed that would help to answer a question."""
    options = ("--headline", "Shops list it.", "--source", "newspaper", "--settled", "demand=low", "--dry-run")
    result = enter(example(tmp_path), "evidence", [], *options)
    assert (0, False) == (result.exit_code, "latest items" in result.output), result.output


def test_json_holds_one_object(tmp_path: Path) -> None:
    """With --json questions and offers go to stderr, and stdout holds one object."""
    root = example(tmp_path)
    enter(root, "statement", STATEMENT[:5], "--json")
    result = enter(root, "statement", ["y", *STATEMENT[5:]], "--json")
    assert (0, True) == (result.exit_code, json.loads(result.stdout)["written"])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xy", min_size=1, max_size=2)), max_size=6))
def test_a_run_gives_its_answers_again(answers: list[tuple[str, str]]) -> None:
    """A conversation that is run again gives every answer to the same questions, in order, and asks none of them."""
    talk = Conversation(answers)
    for _ in range(3):
        talk.again()
        assert [said for _, said in answers] == [talk.ask(one, None, to_stderr=True) for one, _ in answers]
        assert not talk.is_replayed
    for left in range(len(answers), 0, -1):
        with pytest.raises(StepBack):
            talk.step_back()
        assert answers[: left - 1] == list(talk.answers)
