"""Each mistake is said in the words, and at the place, in which a user meets it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.read import load
from tests.workspace.writing import TODAY, example, messages, read, replace

HERE = Path(__file__).parent
MISTAKES: list[dict[str, Any]] = [
    mistake
    for name in ("mistakes_in_priors.yaml", "mistakes_in_evidence.yaml")
    for mistake in yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
]


@pytest.mark.parametrize(
    "mistake", MISTAKES, ids=[f"{n}-{m['old'] + ' to ' + m['new']:.50}" for n, m in enumerate(MISTAKES)]
)
def test_one_mistake(tmp_path: Path, mistake: dict[str, Any]) -> None:
    """A mistake in one place gives exactly the problems that it is, each at its line."""
    replace(example(tmp_path), mistake["file"], mistake["old"], mistake["new"])
    assert messages(tmp_path) == mistake["says"]


def test_all_mistakes_in_one_run(tmp_path: Path) -> None:
    """Mistakes in several files, and several in one item, are all reported together, sorted by place."""
    example(tmp_path)
    replace(tmp_path, "priors/scenarios.yaml", "launch: general, s", "lunch: general, s")
    replace(tmp_path, "evidence/watch.yaml", "2026-06-30", "yesterday")
    replace(
        tmp_path,
        "priors/statements/outside.yaml",
        "  about: {event: budget}\n  distribution: {cut: 0.3,",
        "  about: {event: bugdet}\n  reason: none\n  distribution: {cut: 1.3,",
    )
    replace(tmp_path, "priors/statements/outside.yaml", "  why: Nobody spoke about the budget", "  because: Nobody did")
    events = "events are 'demand', 'budget', 'prototype', 'launch', 'success'"
    keys = "keys are 'format', 'id', 'date', 'expert', 'source', 'says', 'about', 'why', 'coded_by', 'probability', "
    keys += "'quantiles', 'odds', 'word', 'times', 'odds_times', 'count', 'more_likely_than', 'distribution', "
    keys += "'resolved'"
    outside = "priors/statements/outside.yaml"
    needed = "needed are 'id', 'date', 'expert', 'source', 'says', 'about', 'why'"
    assert messages(tmp_path) == [
        "evidence/watch.yaml:2: watch: watched_until is not a date; got 'yesterday'; dates are written YYYY-MM-DD",
        f"priors/scenarios.yaml:5: scenario 'breakthrough': unknown event 'lunch'; {events}; did you mean 'launch'?",
        f"{outside}:17: statement 'editors-budget': missing key 'why'; {needed}",
        f"{outside}:22: statement 'editors-budget': about: unknown event 'bugdet'; {events}; did you mean 'budget'?",
        f"{outside}:23: statement 'editors-budget': unknown key 'reason'; {keys}",
        f"{outside}:25: statement 'editors-budget': unknown key 'because'; {keys}",
    ]


def test_sums_are_checked_beside_other_mistakes(tmp_path: Path) -> None:
    """A statement with a missing text, or one under a misspelt key, still has its numbers checked."""
    example(tmp_path)
    replace(tmp_path, "priors/statements/outside.yaml", "raised: 0.15", "raised: 0.25")
    replace(
        tmp_path, "priors/statements/outside.yaml", "  says: Budgets mostly stay as they are; cuts are", "  sayss: C"
    )
    for key, mistake in (("sayss", "unknown key 'sayss'"), ("remark", "missing key 'says'")):
        kinds = [message.split("; ")[0].split(": ", 2)[2] for message in messages(tmp_path)]
        expected = [mistake, "distribution: probabilities do not sum to one"]
        assert sorted(kinds) == sorted(expected + (["unknown key 'remark'"] if key == "remark" else []))
        replace(tmp_path, "priors/statements/outside.yaml", f"  {key}: C", "  remark: C")


def test_missing_files(tmp_path: Path) -> None:
    """An empty folder gives a located problem for each file that every workspace needs."""
    what = "file is missing; every workspace needs it; `forecast init` writes an example"
    expected = [f"priors/{name}.yaml:1: {what}" for name in ("experts", "network", "scenarios")]
    assert messages(tmp_path) == expected


def test_not_even_a_folder(tmp_path: Path) -> None:
    """A workspace that does not exist gives the same problems as an empty one."""
    assert messages(tmp_path / "nowhere") == messages(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "1: the file is empty; an unused file is deleted"),
        (b"# nothing yet\n", "1: the file is empty; an unused file is deleted"),
        (b"- a\n- b\n", "1: the file has the wrong form; got a list; a map: key: value"),
        (b"x" * 1_000_000, "1: the file has the wrong form; got '" + "x" * 80 + "...'; a map: key: value"),
        (b"title: a\nopens: \xff\n", "2: not UTF-8 text; got byte 0xff; save the file as UTF-8"),
        (b"\x00\x01\x02", "1: character that cannot stand in YAML; got U+0000; remove it"),
        (b"[" * 100, "1: nested too deeply; at most 20 levels"),
        (b"a: 1\n---\nb: 1\n", "2: a second document in one file; got '---'; one document a file"),
        (b"a: &x 1\nb: *x\n", "1: an anchor is used; got '&x'; remove it; anchors are not read"),
        (b"a: !!str 1\n", "1: a tag is used; got 'tag:yaml.org,2002:str'; remove it; tags are not read"),
        (b"? [a]\n: 1\n", "1: a key that is a list or a map; a key is a name"),
    ],
    ids=[f"content-{number}" for number in range(11)],
)
def test_no_network_at_all(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file that holds anything but a network is one located problem, and nothing else is said about its names."""
    example(tmp_path)
    (tmp_path / "priors/network.yaml").write_bytes(content)
    assert messages(tmp_path) == [f"priors/network.yaml:{expected}"]


def test_too_large_a_file(tmp_path: Path) -> None:
    """A file over the limit is refused by its size, unread."""
    example(tmp_path)
    (tmp_path / "evidence/2026-07-01-bulk.yaml").write_bytes(b"#" * 10_000_001)
    allowed = "at most 10000000 bytes; split the file"
    assert messages(tmp_path) == [f"evidence/2026-07-01-bulk.yaml:1: file too large; got 10000001 bytes; {allowed}"]


def test_odd_things_in_the_folder(tmp_path: Path) -> None:
    """Folders named like files, broken links and devices are problems; odd names can be printed; a circle ends."""
    example(tmp_path)
    (tmp_path / "evidence/a.yaml").mkdir()
    (tmp_path / "evidence/b.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "evidence/c.yaml")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/evidence/d\xff.yaml")).write_text("just text\n", encoding="utf-8")
    (tmp_path / "evidence/circle").symlink_to(tmp_path / "evidence")
    assert messages(tmp_path) == [
        "evidence/a.yaml:1: not a file; got a folder; a text file",
        "evidence/b.yaml:1: file cannot be read; got No such file or directory; a readable text file",
        "evidence/c.yaml:1: not a file; got a device; a text file",
        "evidence/d\\xff.yaml:1: the file has the wrong form; got 'just text'; a list: - id: ...",
    ]


def test_files_that_are_not_read(tmp_path: Path) -> None:
    """A file that looks like input and is not read is warned about, with the nearest name that is."""
    example(tmp_path)
    (tmp_path / "priors/experts.yml").write_text("a: b\n", encoding="utf-8")
    names = "'priors/network.yaml', 'priors/scenarios.yaml', 'priors/experts.yaml', 'priors/questions.yaml', "
    names += "'priors/resolutions.jsonl', 'priors/judgements.csv', 'priors/renames.jsonl', 'priors/decisions.yaml', "
    names += "'priors/statements/*.yaml', 'priors/benchmarks/*.csv', "
    names += "'evidence/*.yaml', 'evidence/*.csv'; did you mean 'priors/experts.yaml'?"
    expected = [f"priors/experts.yml:1: warning: this file is not read; read are {names}"]
    assert messages(tmp_path, "warning") == expected


def test_the_example_is_right(tmp_path: Path) -> None:
    """The packaged example has neither errors nor warnings."""
    example(tmp_path)
    assert messages(tmp_path) + messages(tmp_path, "warning") == []


def test_load_raises_everything(tmp_path: Path) -> None:
    """`load` gives the workspace, or raises all problems at once."""
    workspace = load(example(tmp_path), TODAY)
    assert workspace == read(tmp_path)
    replace(tmp_path, "evidence/watch.yaml", "2026-06-30", "2099-06-30")
    with pytest.raises(WorkspaceProblems) as raised:
        load(tmp_path, TODAY)
    assert str(raised.value) == (
        "evidence/watch.yaml:2: watch: watched_until lies in the future; got '2099-06-30'; today is 2026-11-01"
    )
