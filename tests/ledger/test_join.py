"""Branches of a ledger that are joined: nothing is lost, nothing is rewritten, and what comes after goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.ledger.entries import Merge, encode
from forecast.ledger.ledger import LEDGER, Ledger, append, both_sides, ledger_of, merge_files, merge_ledger, read_ledger
from forecast.workspace.problems import WorkspaceProblems
from tests.ledgers import digest, update

ON = date(2026, 8, 5)
Texts = tuple[str, ...]
Way = Callable[[Texts, Texts], str]


def _file(texts: Texts) -> str:
    return "".join(f"{text}\n" for text in texts)


def _parts(ours: Texts, theirs: Texts) -> tuple[Texts, Texts, Texts]:
    """Return the lines that both begin with, and the rest of each."""
    n = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    return ours[:n], ours[n:], theirs[n:]


def _union(ours: Texts, theirs: Texts) -> str:
    """As git's union merge leaves it where it does not see that the two rests have lines in common."""
    common, here, there = _parts(ours, theirs)
    return _file((*common, *here, *there))


def _markers(ours: Texts, theirs: Texts) -> str:
    common, here, there = _parts(ours, theirs)
    return f"{_file(common)}<<<<<<< HEAD\n{_file(here)}=======\n{_file(there)}>>>>>>> two\n"


def _three_parts(ours: Texts, theirs: Texts) -> str:
    """As with merge.conflictStyle=diff3, with a conflict of an older merge within the base."""
    common, here, there = _parts(ours, theirs)
    base = '||||||| merged\n<<<<<<<<< one\n{"x":1}\n=========\n>>>>>>>>> two\n'
    return f"{_file(common)}<<<<<<< HEAD\n{_file(here)}{base}=======\n{_file(there)}>>>>>>> two\n"


WAYS: dict[str, Way] = {"union": _union, "markers": _markers, "diff3": _three_parts}


def _grown(texts: Texts, name: str) -> Texts:
    ledger = ledger_of(texts, LEDGER) if texts else Ledger()
    return (*texts, encode(update(note=f"{name} {len(texts)}", previous=ledger.last)))


@st.composite
def histories(draw: st.DrawFn) -> list[Texts]:
    """Two or three copies of a ledger that went on apart, some of them joined with one another on the way."""
    base: Texts = ()
    for _ in range(draw(st.integers(0, 3))):
        base = _grown(base, "base")
    names = "abc"[: draw(st.integers(2, 3))]
    copies = {name: _grown(base, name) for name in names}
    for _ in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(names))
        other = draw(st.sampled_from(names))
        if other == name:
            copies[name] = _grown(copies[name], name)
        else:
            joined = tuple(dict.fromkeys((*copies[name], *copies[other])))
            ledger = ledger_of(joined, LEDGER)
            head, *others = ledger.heads
            for also in others[: draw(st.integers(0, 1))]:  # sometimes it stays a fork
                joined = (*joined, encode(Merge(previous=head, also=also, on=ON)))
            copies[name] = joined
    return list(copies.values())


@settings(deadline=None)
@given(histories(), st.data())
def test_joined_branches(tmp_path_factory: pytest.TempPathFactory, copies: list[Texts], data: st.DataObject) -> None:
    """Every line is there once, with its bytes; there is one head; joining again changes nothing; updates go on."""
    root = tmp_path_factory.mktemp("joined")
    place = root / LEDGER
    place.parent.mkdir()
    ours = copies[0]
    for theirs in copies[1:]:
        place.write_text(WAYS[data.draw(st.sampled_from(sorted(WAYS)))](ours, theirs), encoding="utf-8")
        joined = merge_ledger(root, ON)
        found = read_ledger(root)
        assert joined.ledger == found
        expected = list(dict.fromkeys((*ours, *theirs)))
        added = found.entries[len(expected) :]
        assert (expected, True) == (list(found.texts[: len(expected)]), all(isinstance(one, Merge) for one in added))
        assert (1, None) == (len(found.heads), found.fork)
        n_heads = len(ledger_of(expected, LEDGER).heads)
        assert (n_heads - 1, n_heads > 1) == (len(added), bool(joined.branches))
        before = place.read_bytes()
        assert "nothing to join: the ledger is of one branch" == merge_ledger(root, ON).sentence
        assert before == place.read_bytes()
        line = append(root, update(note="later"))
        assert (found.last, len(found.entries) + 1) == (line.previous, line.number)
        assert before == place.read_bytes()[: len(before)]
        ours = read_ledger(root).texts
    assert set(ours) >= {text for copy in copies for text in copy}


@given(histories())
def test_the_merge_driver(tmp_path_factory: pytest.TempPathFactory, copies: list[Texts]) -> None:
    """The driver leaves in the first file what stood there, then what only the second had, then the merges."""
    folder = tmp_path_factory.mktemp("driven")
    ours, theirs = folder / "A", folder / "B"
    ours.write_text(_file(copies[0]), encoding="utf-8")
    theirs.write_text(_file(copies[1]), encoding="utf-8")
    merge_files(ours, theirs, ON)
    texts = ours.read_text(encoding="utf-8").splitlines()
    expected = list(dict.fromkeys((*copies[0], *copies[1])))
    assert expected == texts[: len(expected)]
    assert (1, None) == (len((found := ledger_of(texts, LEDGER)).heads), found.fork)
    assert _file(copies[1]) == theirs.read_text(encoding="utf-8")


BASE = (encode(update()),)
HERE = _grown(_grown(BASE, "here"), "here")
THERE = _grown(BASE, "there")


def _write(root: Path, content: str) -> None:
    (root / LEDGER).parent.mkdir(exist_ok=True)
    (root / LEDGER).write_text(content, encoding="utf-8")


def test_a_fork_is_a_warning(tmp_path: Path) -> None:
    """Two heads are named with their lines and the way on; the next update comes after the last line of the file."""
    _write(tmp_path, _union(HERE, THERE))
    ledger = read_ledger(tmp_path)
    said = (
        f"{LEDGER}:4: warning: the ledger is forked: 2 branches were put into one file; got branches that end at "
        f"{LEDGER}:3 and {LEDGER}:4; run `forecast merge`, which joins them and changes no line"
    )
    assert [said] == [str(problem) for problem in ledger.warnings]
    assert ledger.last == append(tmp_path, update(note="later")).previous
    assert 2 == len(read_ledger(tmp_path).heads)


def test_two_beginnings_are_a_fork(tmp_path: Path) -> None:
    """Ledgers that were both begun on branches have no line in common, and are joined all the same."""
    _write(tmp_path, _file((encode(update(note="here")), encode(update(note="there")))))
    assert 2 == len(read_ledger(tmp_path).heads)
    assert (
        "joined two branches: 1 line from here, 1 from there; nothing else changed"
        == merge_ledger(tmp_path, ON).sentence
    )


SOLVED = "took the lines of both sides out of the conflict markers"
SAID: dict[str, tuple[str, str]] = {
    "union": (_union(HERE, THERE), "joined two branches: 2 lines from here, 1 from there; nothing else changed"),
    "markers": (
        _markers(HERE, THERE),
        f"{SOLVED}; joined two branches: 2 lines from here, 1 from there; nothing else changed",
    ),
    "one side is the other's past": (
        _markers(HERE, HERE[:2]),
        f"{SOLVED}; nothing else changed",
    ),
    "three": (
        _file((*HERE, *THERE[1:], encode(update(note="third", previous=digest(update()))))),
        "joined three branches: 2, 1 and 1 lines that only one of them had; nothing else changed",
    ),
    "twice": (_file((*HERE, HERE[1])), "left out 1 line that stood there already; nothing else changed"),
    "one": (_file(HERE), "nothing to join: the ledger is of one branch"),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(tmp_path: Path, name: str) -> None:
    """It says how many lines came from where, and that nothing else changed."""
    content, said = SAID[name]
    _write(tmp_path, content)
    assert said == merge_ledger(tmp_path, ON).sentence


def test_the_merge_names_both(tmp_path: Path) -> None:
    """The line that joins is dated and names the last line of each branch; it is written as it is read."""
    _write(tmp_path, _union(HERE, THERE))
    ledger = merge_ledger(tmp_path, ON).ledger
    expected = Merge(previous=ledger.digests[2], also=ledger.digests[3], on=ON)
    assert (expected, encode(expected)) == (ledger.entries[-1], ledger.texts[-1])
    assert (
        f'{{"also":"{expected.also}","format":1,"kind":"merge","note":null,"on":"2026-08-05",'
        f'"previous":"{expected.previous}"}}'
    ) == ledger.texts[-1]
    assert [1, 2, 3, 4] == [line.number for line in ledger.updates]


REFUSED: dict[str, tuple[str, str]] = {
    "a line changed": (
        _markers(HERE, THERE).replace("here 1", "here!", 1),
        f"{LEDGER}:4: the ledger's chain is broken",
    ),
    "a line gone": (_markers((BASE[0], HERE[2]), THERE), f"{LEDGER}:3: the ledger's chain is broken"),
    "no end": (_markers(HERE, THERE).replace(">>>>>>> two\n", ""), f"{LEDGER}:6: the markers of an unfinished merge"),
    "no middle": (_markers(HERE, THERE).replace("=======\n", ""), f"{LEDGER}:6: the markers of an unfinished merge"),
    "no beginning": (_markers(HERE, THERE).replace("<<<<<<< HEAD\n", ""), f"{LEDGER}:4: the markers of an unfinished"),
    "a line changed, twice": (_file((HERE[0], HERE[2], HERE[2])), f"{LEDGER}:2: the ledger's chain is broken"),
    "no JSON": (_union(HERE, (*THERE, "{")), f"{LEDGER}:5: no JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    """Lines that make no ledger are named as they stand in the file, and nothing is written."""
    content, said = REFUSED[name]
    _write(tmp_path, content)
    with pytest.raises(WorkspaceProblems) as raised:
        merge_ledger(tmp_path, ON)
    assert said == str(raised.value)[: len(said)]
    assert content == (tmp_path / LEDGER).read_text(encoding="utf-8")


@given(st.lists(st.sampled_from(["{}", "<<<<<<< a", "||||||| b", "=======", ">>>>>>> c", "<<<<<<<<<", "=" * 9])))
def test_markers_in_any_order(lines: list[str]) -> None:
    """Whatever markers there are, their lines are told or both sides are found; no marker is taken for a line."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        found = {line for _, line in both_sides(text)} - {""}
    except WorkspaceProblems as raised:
        found = {f"{problem.source.path}" for problem in raised.problems}
    assert {"{}", LEDGER} >= found


def test_the_end_of_the_last_line(tmp_path: Path) -> None:
    """A file whose last line has lost its end, as an editor leaves it, keeps its bytes and gets a line of its own."""
    content = _union(HERE, THERE).rstrip("\n")
    _write(tmp_path, content)
    merge_ledger(tmp_path, ON)
    assert f"{content}\n" == (tmp_path / LEDGER).read_text(encoding="utf-8")[: len(content) + 1]
    assert 5 == len(read_ledger(tmp_path).entries)


def test_a_merge_is_no_update(tmp_path: Path) -> None:
    """A line is compared with the last update, whatever joins stand between."""
    _write(tmp_path, _union(HERE, THERE))
    merge_ledger(tmp_path, ON)
    ledger = read_ledger(tmp_path)
    assert replace(update(note="there 1"), previous=ledger.digests[0]) == ledger.updates[-1]
