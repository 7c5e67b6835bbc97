"""`forecast rename`: what it changes, what it leaves as it is, and how lines of the past are read after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.workspace.draft_renames import RenameError, draft_rename
from forecast.workspace.mentions import Named
from forecast.workspace.problems import Source
from forecast.workspace.records import Workspace
from forecast.workspace.renames import Rename, Renames
from tests.workspace.renaming import drafted, names_of, renamed, rich
from tests.workspace.writing import TODAY, messages, read
from tests.workspace.writing import replace as replace_text

WORD = re.compile(rb"[A-Za-z0-9_.-]+")
NEW = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,7}", fullmatch=True).map(lambda name: f"{name}_q9")
ODD = st.sampled_from(["true", "12", "1e5", "null", "no", "2026-01-01", "NULL"])
UNCOMPARED = ("root", "contents", "digests", "renames", "warnings")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that no test changes."""
    return rich(tmp_path_factory.mktemp("renaming"))


@pytest.fixture(scope="module")
def before(world: Path) -> Workspace:
    """What stands in it."""
    return read(world)


def as_data(workspace: Workspace) -> dict[str, Any]:
    """Everything that a workspace says, in no order of names."""
    data = {key: value for key, value in asdict(workspace).items() if key not in UNCOMPARED}
    return {**data, "statements": by_id(data["statements"]), "items": by_id(data["items"])}


def by_id(rows: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """Rows by their ids."""
    return {row["id"]: row for row in rows}


def with_name(value: Any, old: str, new: str) -> Any:
    """The same with each text that is the old name, or is made from it by the reader, made the new one."""
    match value:
        case str():
            made = {old.replace("_", " "): new.replace("_", " "), f"judgement/{old}": f"judgement/{new}", old: new}
            text = value.replace(f"resolved-{old}-", f"resolved-{new}-")
            settled = re.fullmatch(r"(.*) is settled: (.*)", text)
            if settled is not None:
                event, state = ((new if one == old else one) for one in settled.groups())
                return f"{event.replace('_', ' ')} is settled: {state}"
            return made.get(text, text)
        case dict():
            return {with_name(key, old, new): with_name(one, old, new) for key, one in value.items()}
        case list() | tuple():
            return tuple(with_name(one, old, new) for one in value)
    return value


OWN = ("launch", "budget", "prototype", "breakthrough", "on-sale", "kept-then", "market_analyst", "alone", "newspaper")
UNIQUE = [
    *(Named("event", name) for name in ("launch", "budget", "prototype", "demand", "success")),
    *(Named("state", name, "launch") for name in ("limited", "general")),
    *(Named("state", name, "budget") for name in ("kept", "raised", "cut")),
    *(Named("state", name, "prototype") for name in ("shown", "tested")),
    *(Named("scenario", name) for name in ("breakthrough", "on_the_market", "still_testing")),
    *(Named("question", name) for name in ("on-sale", "kept-then")),
    *(Named("expert", name) for name in ("project_lead", "market_analyst", "alone", "pupil")),
    *(Named("source", name) for name in ("newspaper", "forum")),
    *(Named("statement", name) for name in ("shares-of-launch", "given-two", "order", "came")),
    *(Named("item", name) for name in ("first", "second", "third", "row-1", "row-2", "m-1")),
]
PROSE = ("says", "why", "headline", "question", "resolves", "summary", "publication", "title", "topic")


def without_prose(value: Any) -> Any:
    """What is said in words left out: a name in it is no name."""
    if isinstance(value, dict):
        return {key: without_prose(one) for key, one in value.items() if key not in PROSE or key in OWN}
    if isinstance(value, list | tuple):
        return tuple(without_prose(one) for one in value)
    return value


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=80, deadline=None)
@given(target=st.sampled_from(UNIQUE), new=st.one_of(NEW, ODD))
def test_a_workspace_is_the_same_up_to_the_name(world: Path, before: Workspace, target: Named, new: str) -> None:
    """After a rename every record says what it said, with the new name wherever the old one was a name."""
    after = drafted(world, target, new).workspace
    assert after is not None
    expected = with_name(without_prose(as_data(before)), target.name, new)
    questions = {question.id: question.benchmarks for question in after.questions}
    if target.kind == "question":  # the file of a series keeps its name, and the series its question
        old = {question.id: question.benchmarks for question in before.questions}[target.name]
        kept = tuple(f"judgement/{new}" if name.startswith("judgement/") else name for name in old)
        assert kept == questions[new]
        strip = {"benchmarks"}
    else:
        strip = set()
    assert without(expected, strip) == without(without_prose(as_data(after)), strip)


def without(value: Any, keys: set[str]) -> Any:
    """Data without some keys, however deep; of empty keys the same."""
    if isinstance(value, dict):
        return {key: without(one, keys) for key, one in value.items() if key not in keys}
    return tuple(without(one, keys) for one in value) if isinstance(value, list | tuple) else value


@settings(max_examples=80, deadline=None)
@given(data=st.data(), new=NEW)
def test_all_bytes_but_the_name_stay(world: Path, before: Workspace, data: st.DataObject, new: str) -> None:
    """A file is changed in words that are the old name, which become the new one; nothing else in it moves."""
    target = data.draw(st.sampled_from(sorted(names_of(before))))
    draft = drafted(world, target, new)
    for path, content in draft.contents.items():
        old = (world / path).read_bytes() if (world / path).exists() else b""
        if path == "priors/renames.jsonl":
            assert content.startswith(old)
            continue
        assert WORD.split(old) == WORD.split(content)
        changed = {pair for pair in zip(WORD.findall(old), WORD.findall(content), strict=True) if pair[0] != pair[1]}
        assert {(target.name.encode(), new.encode())} == changed


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_there_and_back(tmp_path_factory: pytest.TempPathFactory, before: Workspace, data: st.DataObject) -> None:
    """Renamed and renamed back, every file of names is as it was, and lines of the past count as they did."""
    root = rich(tmp_path_factory.mktemp("back"))
    target = data.draw(st.sampled_from(sorted(names_of(before))))
    paths = [path for path in root.rglob("*") if path.is_file()]
    old = {path: path.read_bytes() for path in paths}
    renamed(root, target, "between_q9")
    there = target._replace(name="between_q9")
    renamed(root, there, target.name)
    assert old == {path: path.read_bytes() for path in paths}
    assert as_data(before) == as_data(read(root))


def test_a_state_of_another_event_keeps_its_name(tmp_path: Path) -> None:
    """`none` is a state of two events; only the one that is meant is called otherwise."""
    root = rich(tmp_path)
    renamed(root, Named("state", "none", "launch"), "nothing")
    events = read(root).network.events
    assert (("nothing", "limited", "general"), ("none", "shown", "tested")) == (
        events["launch"].states,
        events["prototype"].states,
    )


def test_a_state_that_a_table_has_in_rows_of_several_events_is_refused(tmp_path: Path) -> None:
    """A column map that says one state for all rows names states of several events: that is told, and nothing done."""
    root = rich(tmp_path)
    (root / "evidence/mapped.csv").write_text("uid,day,text,e\nm-1,2026-07-05,g,launch\nm-2,2026-07-05,g,prototype\n")
    always = "columns: {id: uid, reported: day, headline: text, event: e}\nalways: {source: forum, claims: none}\n"
    (root / "evidence/mapped.columns.yaml").write_text(always)
    with pytest.raises(Exception, match="rows of several events"):
        drafted(root, Named("state", "none", "launch"), "nothing")
    assert drafted(root, Named("state", "limited", "launch"), "some").workspace is not None


# --- lines of the past -------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(["line", "rename", "new"]), st.integers(0, 3), st.sampled_from("abcde"))))
def test_a_line_counts_for_what_it_was_written_of(steps: list[tuple[str, int, str]]) -> None:
    """However names are changed, reused and exchanged, a line leads to the name of today of what it was about."""
    called: list[str] = []  # of each thing, today
    lines: list[tuple[str, int]] = []  # the name as it was written, and the thing
    made: list[Rename] = []
    for what, which, name in steps:
        if what == "new" and name not in called:
            called.append(name)
        elif called and what == "line":
            lines.append((called[which % len(called)], which % len(called)))
        elif called and what == "rename" and name not in called:
            one = Rename("event", called[which % len(called)], name, TODAY, Source("r", 1), None, {"f": len(lines)})
            made.append(one)
            called[which % len(called)] = name
    renames = Renames(tuple(made), {"event": tuple(called)})
    found = [renames.today("event", name, Source("f", n), TODAY) for n, (name, _) in enumerate(lines, 1)]
    assert [called[thing] for _, thing in lines] == found


def test_a_state_follows_its_event() -> None:
    """State and event are renamed in any order; the state of a line is that of the event as it was called then."""
    of_event = Rename("event", "launch", "start", TODAY, Source("r", 1), None, {"f": 1})
    then = Rename("state", "general", "all", TODAY, Source("r", 2), "start", {"f": 1})
    other = Rename("state", "general", "most", TODAY, Source("r", 3), "launch", {"f": 1})
    known = {"event": ("start",), "state of start": ("none", "all")}
    found = Renames((of_event, then, other), known).state_today("launch", "general", Source("f", 1), TODAY)
    assert ("start", "all") == found


def test_a_line_that_another_branch_added_later_follows_too() -> None:
    """A line behind the rename that names what nothing is called any more counts for what was so called last."""
    one = Rename("event", "a", "b", TODAY, Source("r", 1), None, {"f": 1})
    assert "b" == Renames((one,), {"event": ("b",)}).today("event", "a", Source("f", 9), TODAY)
    assert "a" == Renames((one,), {"event": ("a", "b")}).today("event", "a", Source("f", 9), TODAY)


@pytest.mark.parametrize(("day", "name"), [("2026-07-01", "b"), ("2026-07-02", "a")])
def test_a_rename_line_without_numbers_goes_by_days(day: str, name: str) -> None:
    """Where a rename line says no numbers of lines, a line of a later day is not meant, if the name is used again."""
    one = Rename("event", "a", "b", date(2026, 7, 1), Source("r", 1))
    found = Renames((one,), {"event": ("a", "b")}).today("event", "a", Source("f", 1), date.fromisoformat(day))
    assert name == found


def test_mistakes_in_the_file_are_told_with_their_line(tmp_path: Path) -> None:
    """Each line of priors/renames.jsonl that is wrong is one message; a name that leads nowhere is a warning."""
    root = rich(tmp_path)
    end = '"on": "2026-07-01"}'
    lines = (
        f'{{"kind": "event", "old": "a", "new": "a", {end}',
        f'{{"kind": "evnt", "old": "a", "new": "launch", {end}',
        f'{{"kind": "state", "old": "a", "new": "general", {end}',
        f'{{"kind": "event", "event": "x", "old": "a", "new": "launch", {end}',
        f'{{"kind": "event", "old": "a", "new": "lanch", {end}',
        '{"kind": "event", "old": "a", "new": "launch", "on": "2099-01-01"}',
        "not json",
    )
    (root / "priors/renames.jsonl").write_text("\n".join(lines))
    at = "priors/renames.jsonl"
    kinds = "'question', 'event', 'state', 'scenario', 'expert', 'source', 'statement', 'item'"
    assert messages(root) == [
        f"{at}:1: rename of 'a': old and new name are the same; got 'a'; a line that says a new name",
        f"{at}:2: rename of 'a': kind is not a known value; got 'evnt'; allowed are {kinds}; did you mean 'event'?",
        f"{at}:3: rename of 'a': missing key 'event'; the event whose state it is",
        f"{at}:4: rename of 'a': 'event' beside kind 'event'; only with kind 'state'",
        f"{at}:6: rename of 'a': on lies in the future; got '2099-01-01'; today is {TODAY}",
        f"{at}:7: no JSON: Expecting value; got 'not json'",
    ]
    (lost,) = (one for one in messages(root, "warning") if one.startswith(at))
    assert lost.startswith(f"{at}:5: warning: rename of 'a': there is no event 'lanch'; if it has another name now: ")
    assert lost.endswith("; did you mean 'launch'?")


MISTAKES = {
    ("lanch", "x"): "nothing is called 'lanch': no question, event, .* or item; did you mean 'launch'",
    ("launch=generl", "x"): "event 'launch' has no state 'generl'; states are .*; did you mean 'general'",
    ("launch", "budget"): "there is event 'budget' already",
    ("launch", "on-sale"): "there is question 'on-sale' already",
    ("launch", "other"): "there is scenario 'other'",
    ("launch=general", "none"): "there is state 'none' of event 'launch' already",
    ("launch", "laun ch"): "'laun ch' is not usable as a name",
    ("launch", "x" * 101): "is not usable as a name",
    ("launch", "launch"): "event 'launch' already has that name",
    ("editors", "x"): "expert 'editors' cannot be renamed",
    ("newspaper", "resolutions"): "source 'resolutions' cannot be",
    ("alone", "outside"): "there is group 'outside' already",
    ("kept-then", "crowds"): "the series priors/benchmarks/crowds.csv",
}


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str) -> None:
    """A name that is not there, is taken, means something by itself or cannot be a name is refused in words."""
    root = rich(tmp_path)
    (root / "priors/benchmarks/crowds.csv").write_text("date,forecaster,probability\n2026-03-01,c,0.3\n")
    with pytest.raises(RenameError, match=MISTAKES[old, new]):
        draft_rename(root, None, old, new, TODAY)


def test_what_is_ambiguous_is_asked(tmp_path: Path) -> None:
    """A source called like an item needs its kind said."""
    root = rich(tmp_path)
    renamed(root, Named("item", "first"), "forum")
    with pytest.raises(RenameError, match="source 'forum', item 'forum'; say which: forecast rename source forum NEW"):
        draft_rename(root, None, "forum", "x", TODAY)
    assert Named("source", "forum") == draft_rename(root, "source", "forum", "x", TODAY).target


def test_a_name_that_was_changed_by_hand_needs_the_line_alone(tmp_path: Path) -> None:
    """Where the files have the new name already, lines of the past count again, and no other file is touched."""
    root = rich(tmp_path)
    replace_text(root, "priors/questions.yaml", 'id: "kept-then"', "id: kept-by-june")
    assert 2 == sum("kept-then" in one and "unknown question" in one for one in messages(root, "warning"))
    draft = renamed(root, Named("question", "kept-then"), "kept-by-june")
    assert (["priors/renames.jsonl"], ()) == (list(draft.contents), draft.edited)
    workspace = read(root)
    assert ["kept-by-june"] == [one.subject for one in workspace.resolutions if one.state == "no"]
    assert "judgement/kept-by-june" in workspace.benchmarks
    assert [] == [one for one in messages(root, "warning") if "kept-then" in one]


def test_a_name_of_the_past_leads_to_one_of_today(tmp_path: Path) -> None:
    """Lines of the past cannot be led to a name that nothing has."""
    root = rich(tmp_path)
    replace_text(root, "priors/questions.yaml", 'id: "kept-then"', "id: kept-by-june")
    with pytest.raises(RenameError, match=r"nothing is called 'kept-by-jun' today; .* did you mean 'kept-by-june'"):
        draft_rename(root, None, "kept-then", "kept-by-jun", TODAY)
