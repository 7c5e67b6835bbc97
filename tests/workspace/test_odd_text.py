"""Conflict markers and blanks that are no spaces are named as such, once, at the right line, in every kind of file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.ledger.ledger import LEDGER, SOLVE, read_ledger
from forecast.networks.bif import parse_bif
from forecast.pipeline import check
from forecast.scoring.world import read_table
from forecast.session import Session
from forecast.workspace.csv_text import parse_csv, parse_json_lines
from forecast.workspace.feeds.histories import read_json
from forecast.workspace.nodes import plain
from forecast.workspace.problems import WorkspaceProblems, unfinished_merge
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import TODAY, example, messages

MERGE = "<<<<<<< HEAD\n{ours}\n||||||| base\n{ours}\n=======\n{theirs}\n>>>>>>> two\n"
ALLOWED = "keep what is right of the two sides, delete the marker lines, and finish the merge with git"
MARKED = f"the markers of an unfinished merge, on lines 2, 4, 6, 8; got '<<<<<<< HEAD'; {ALLOWED}"
NBSP = "\u00a0"


def merged(first: str, ours: str, theirs: str) -> str:
    """A file whose first line is common and whose second is in conflict."""
    return f"{first}\n" + MERGE.format(ours=ours, theirs=theirs)


FILES = {
    "priors/scenarios.yaml": merged("# rules", "- id: a", "- id: b"),
    "priors/network.yaml": merged("title: x", "opens: 2026-01-01", "opens: 2026-01-02"),
    "evidence/2026-05-01-x.yaml": merged("- id: x", "  reported: 2026-05-01", "  reported: 2026-05-02"),
    "evidence/table.csv": merged("id,reported,source,headline,event,claims", "a,b,c,d,e,f", "g,h,i,j,k,l"),
    "priors/benchmarks/crowd.csv": merged("date,forecaster,probability", "2026-05-01,a,0.3", "2026-05-01,a,0.4"),
    "priors/judgements.csv": merged("date,question,probability,why", "2026-05-01,q,0.3,", "2026-05-01,q,0.4,"),
    "priors/resolutions.jsonl": merged("{}", "{}", "{}"),
    LEDGER: merged("{}", "{}", "{}"),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("path", FILES)
def test_markers_in_any_file_of_a_workspace(tmp_path: Path, path: str, ending: str) -> None:
    """`check` names the markers of an unfinished merge once a file, at the line of the first, as an error."""
    example(tmp_path)
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(FILES[path].replace("\n", ending).encode())
    workspace, problems = check(Session(tmp_path, TODAY))
    assert workspace is None
    said = MARKED.replace(ALLOWED, SOLVE) if path == LEDGER else MARKED
    assert [f"{path}:2: {said}"] == [str(problem) for problem in problems if problem.source.path == path]


def test_markers_in_other_files(tmp_path: Path) -> None:
    """A network file, a table of experts and one of forecasts in an unfinished merge have the same message."""
    with pytest.raises(WorkspaceProblems) as raised:
        parse_bif(merged("network x {}", "variable a {}", "variable b {}"), "x.bif")
    assert f"x.bif:2: {MARKED}" == str(raised.value)
    (tmp_path / "x.csv").write_text(merged("expert,question,probability", "a,b,.5", "a,b,.6"), encoding="utf-8")
    with pytest.raises(WorkspaceProblems) as raised:
        read_table(tmp_path / "x.csv", TODAY)
    assert f"{(tmp_path / 'x.csv').as_posix()}:2: {MARKED}" == str(raised.value)


@pytest.mark.parametrize("marker", ["=======", ">>>>>>> two", "<<<<<<< HEAD", "<<<<<<<<< longer"])
def test_one_marker_that_was_left(marker: str) -> None:
    """A marker that was left behind by somebody who deleted the others is named as one."""
    said = f"x:2: the markers of an unfinished merge, on line 2; got '{marker}'; {ALLOWED}"
    of_yaml = parse_yaml(f"a: 1\n{marker}\nb: 2\n".encode(), "x")[1]
    of_csv = parse_csv(f"a,b\n{marker}\n1,2\n".encode(), "x")[1]
    of_lines = parse_json_lines(f"{{}}\n{marker}\n{{}}\n".encode(), "x")[1]
    assert [[said]] * 3 == [[str(problem) for problem in found] for found in (of_yaml, of_csv, of_lines)]


def test_what_is_no_marker() -> None:
    """Lines of signs within a text, a quoted cell or a comment are text."""
    text = "a: |\n  =======\n  <<<<<<< x\n# >>>>>>> y\nb: '<<<<<<< z'\n"
    node, problems = parse_yaml(text.encode(), "x")
    assert node is not None
    assert ({"a": "=======\n<<<<<<< x\n", "b": "<<<<<<< z"}, ()) == (plain(node), problems)
    table, problems = parse_csv(b'a,b\n1,"heading\n=======\n>>>>>>> quoted"\n', "x")
    assert table is not None
    assert ([(2, ["1", "heading\n=======\n>>>>>>> quoted\n".rstrip("\n")])], ()) == (list(table.rows), problems)


@given(st.text(st.characters(exclude_characters="<>="), max_size=40))
def test_without_its_signs_there_is_no_marker(text: str) -> None:
    """A text without the signs of markers is never called an unfinished merge."""
    assert unfinished_merge(text, "x") is None


def test_a_ledger_with_markers_is_not_read(tmp_path: Path) -> None:
    """No command goes on from a ledger in an unfinished merge."""
    (tmp_path / "reports").mkdir()
    (tmp_path / LEDGER).write_text(FILES[LEDGER], encoding="utf-8")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert f"{LEDGER}:2: {MARKED.replace(ALLOWED, SOLVE)}" == str(raised.value)


ITEM = """\
- id: n
  reported: 2026-05-01
  source: newspaper
  group: wire
  headline: Une hausse de 70 % ; oui.
  bears_on:
  - {event: success, support: slight, for: yes}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: newspaper", f"source:{NBSP}newspaper", "3: a non-breaking space after 'source:'"),
        ("source: newspaper", f"source:{NBSP} newspaper", "3: a non-breaking space after 'source:'"),
        ("source: newspaper", "source:\u3000newspaper", "3: ideographic space after 'source:'"),
        ("source: newspaper", "source:\u200bnewspaper", "3: a zero-width space after 'source:'"),
        ("  group: wire", f"{NBSP} group: wire", "4: a non-breaking space at the beginning of the line"),
        ("  group: wire", f" {NBSP}group: wire", "4: a non-breaking space at the beginning of the line"),
        ("- id: n", f"-{NBSP}id: n", "1: a non-breaking space after '-'"),
        ("id: n", f"id:{NBSP}n", "1: a non-breaking space after '- id:'"),
        ("  - {event", f"  -{NBSP}{{event", "7: a non-breaking space after '-'"),
    ],
)
def test_an_odd_blank_is_named_at_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A blank that looks like a space and is none is named where it stands, though the parser stumbles later on."""
    example(tmp_path)
    (tmp_path / "evidence/2026-05-01-n.yaml").write_text(ITEM.replace(old, new), encoding="utf-8")
    (found,) = messages(tmp_path)
    assert (True, True) == (found.startswith(f"evidence/2026-05-01-n.yaml:{said}, where an"), "got U+" in found), found


def test_an_odd_blank_in_json() -> None:
    """A blank that JSON does not take is named where it stands, in lines and in whole files."""
    _, of_lines = parse_json_lines(f'{{}}\n{{"known":{NBSP}1}}'.encode(), "x")
    _, _, of_file = read_json(f'{{"a": 1,\n"known":{NBSP}1}}'.encode(), "x")
    start = (
        "x:2: a non-breaking space after '\"known\":', where an ordinary space belongs; got U+00A0; retype the space"
    )
    assert [start.replace("'\"known", "'{\"known")] == [str(one) for one in of_lines]
    assert [start] == [str(one) for one in of_file]


@pytest.mark.parametrize(
    "text",
    [
        "why: Because.\n  group:{}wire\n",  # one text of two lines, as the parser sees it
        "about:\n  group:{}wire\n",  # a text in place of a map
        "- why: Because.\n  group:{}wire\n",
    ],
)
def test_an_odd_blank_swallows_no_key(text: str) -> None:
    """A key that the parser would take for text, without a word, is named."""
    node, problems = parse_yaml(text.format(NBSP).encode(), "x")
    said = "x:2: a non-breaking space after 'group:', where an ordinary space belongs; got U+00A0; retype the space"
    assert (None, [said]) == (node, [str(problem) for problem in problems])


def test_an_odd_blank_within_text_stays(tmp_path: Path) -> None:
    """Texts keep their non-breaking spaces, and another mistake in such a file is not put down to them."""
    example(tmp_path)
    text = ITEM.replace("70 % ;", f"70{NBSP}%{NBSP};") + f"  why: |\n    note:{NBSP}said\n    {NBSP}so\n"
    path = tmp_path / "evidence/2026-05-01-n.yaml"
    path.write_text(text, encoding="utf-8")
    assert [] == [one for one in messages(tmp_path) if "newspaper" not in one]
    node, problems = parse_yaml(f"{text}x: [\n".encode(), "x")
    assert (None, True) == (node, "non-breaking" not in str(problems[0]))


NO_SPACES = [
    ("-id: a\n  reported: 2026-05-01\n", 1, "dash", "-id", "- id"),
    ("- id: a\n-id: b\n", 2, "dash", "-id: b", "- id: b"),
    ("a:\n  -b\n  - c\n", 2, "dash", "-b - c", "- b - c"),
    ("- id: a\n  bears_on:\n  -{event: x}\n", 3, "dash", "-{event", "- {event"),
    ("- id: a\n  url: https://x.org\n  source:mlex\n  b: 1\n", 3, "colon", "source:mlex", "source: mlex"),
    ("- id: a\n  source:mlex\n", 2, "colon", "source:mlex", "source: mlex"),
    ("source:mlex\nb: 1\n", 1, "colon", "source:mlex", "source: mlex"),
    ("wire: {name: A}\nnews:{name: B}\n", 2, "colon", "news:{name", "news: {name"),
    ("a: {event:launch, claims: none}\n", 1, "colon", "event:launch", "event: launch"),
    ("a: {0.05:0.1, 0.9: 0.4}\n", 1, "colon", "0.05:0.1", "0.05: 0.1"),
]


@pytest.mark.parametrize(("text", "line", "sign", "got", "write"), NO_SPACES)
def test_a_space_that_was_left_out(text: str, line: int, sign: str, got: str, write: str) -> None:
    """A dash or a colon without its space is named once, on its own line, with the way to write it."""
    said = f"x:{line}: no space after the {sign}; got '{got}'; write '{write}'"
    assert [said] == [str(problem) for problem in parse_yaml(text.encode(), "x")[1]]


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=2, max_size=5, unique=True),
    st.integers(0, 4),
    st.sampled_from(["x y", "2026-05-01", "[u, v]", "{u: v}", "'q'", "https://x.org/y:z"]),
)
def test_any_space_that_was_left_out(keys: list[str], place: int, value: str) -> None:
    """Whichever key of an item lacks the space behind its colon, its line is named; with the space all is right."""
    lines = [f"{'- ' if number == 0 else '  '}{key}: {value}\n" for number, key in enumerate(keys)]
    assert () == parse_yaml("".join(lines).encode(), "x")[1]
    place %= len(lines)
    lines[place] = lines[place].replace(": ", ":", 1)
    (problem,) = parse_yaml("".join(lines).encode(), "x")[1]
    assert (place + 1, "no space after the colon") == (problem.source.line, problem.what)


@pytest.mark.parametrize(
    "text", ["a: -5\n", "a: -b\n", "url: https://x.org\n", "- 12:30\n", "a: 3:1 on\n", "? -1\n: b\n"]
)
def test_no_space_is_asked_for_in_a_value(text: str) -> None:
    """A dash or a colon inside a value, or a negative number, is text as it stands."""
    assert () == parse_yaml(text.encode(), "x")[1]
