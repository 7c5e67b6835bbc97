"""The comparison of two checkouts finds what differs, and the outputs of the example are all there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.same import compare

HERE = Path(__file__).parent
QUESTIONS = (
    "why", "what-if", "watch-list", "story", "conflict", "influence", "alternatives", "sources", "experts", "questions",
    "due", "log", "diff", "show", "check", "verify",
)  # fmt: skip


def test_equal_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal files are equal, and the exit status is 0."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"example": {"why": "a", "log": "b"}}), encoding="utf-8")
    assert (0, "2 outputs, 0 differ\n") == (compare.main([str(path), str(path)]), capsys.readouterr().out)


def test_one_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A last digit, a missing output and a line that was written otherwise are told at their place, with status 1."""
    before = {"why --json": '{"p": [0.25, 0.1]}\n[stderr]\n[exit 0]\n', "log": "one\ntwo\n", "gone": ""}
    after = {"why --json": '{"p": [0.25, 0.10000000000000002]}\n[stderr]\n[exit 0]\n', "log": "one\n2\n"}
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for path, texts in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps({"example": texts}), encoding="utf-8")
    assert 1 == compare.main(list(map(str, paths)))
    assert [
        "example / gone",
        "    only in BEFORE",
        "example / log",
        "    -two",
        "    +2",
        "example / why --json",
        "    [0].p[1]: 0.1 -> 0.10000000000000002",
        "3 outputs, 3 differ",
    ] == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("other", ['{"a": 1, "b": 2.0}', '{"b": 2, "a": 1}', '{"a": 1,  "b": 2}', '{"a": 1, "b": 2}\n'])
def test_bytes_count(other: str) -> None:
    """The type of a number, the order of keys, a blank and an end of line are differences."""
    assert 1 == len(list(compare.differences({"part": {"x": '{"a": 1, "b": 2}'}}, {"part": {"x": other}})))


def test_numbers_alone() -> None:
    """With other words the numbers are compared, to the last digit."""
    before, same, other = ({"part": {"x": text}} for text in ("a 0.25 b 1e-05", "c 0.25, d 1e-05", "a 0.25 b 2e-05"))
    assert [] == list(compare.differences(before, same, numbers=True))
    assert 1 == len(list(compare.differences(before, other, numbers=True)))


def test_mistakes(tmp_path: Path) -> None:
    """The script runs on this checkout; no command ends in an exception, and every mistake of the tests is told."""
    path = tmp_path / "out.json"
    called = [sys.executable, str(HERE / "outputs.py"), str(path), "mistakes"]
    subprocess.run(called, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parents[1])}, stderr=subprocess.PIPE)
    texts = json.loads(path.read_text(encoding="utf-8"))["mistakes"]
    told = [text for name, text in texts.items() if name.endswith(" check")]
    assert 100 < len(told)
    assert [] == [text for text in told if "[raised" in text or "[exit 1]" not in text]


@pytest.mark.trust
def test_example_is_complete(tmp_path: Path) -> None:
    """The outputs of the example hold every question for a person and for a program, and the files of two updates."""
    path = tmp_path / "out.json"
    called = [sys.executable, str(HERE / "outputs.py"), str(path), "example"]
    subprocess.run(called, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parents[1])}, stderr=subprocess.PIPE)
    texts = json.loads(path.read_text(encoding="utf-8"))["example"]
    for question in QUESTIONS:
        assert {True, False} == {"--json" in name for name in texts if name.split()[0] == question}
    days = [f"reports/{day}/forecast.{form}" for day in ("2026-04-01", "2026-07-01") for form in ("csv", "json")]
    assert [] == [day for day in days if "breakthrough" not in texts[day]]
    assert [] == [name for name, text in texts.items() if "[raised" in text]
