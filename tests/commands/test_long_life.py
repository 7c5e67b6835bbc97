"""A workspace that is used honestly for weeks: `forecast verify` finds nothing wrong with it after any step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.workspace.files import JUDGEMENTS

QUESTIONS = """- id: on-sale
  question: Can it be bought anywhere by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: yes = the first sale has been made by then.
- id: shown-by-june
  question: Is the prototype presented in public by the end of June?
  about: {event: prototype, state: {at_least: shown}}
  by: 2026-06-30
  resolves: yes = a presentation has taken place by then.
"""
ITEM = """- id: {0}
  reported: {1}
  source: newspaper
  headline: A report, {0}.
  bears_on:
  - {{event: success, support: slight, for: yes}}
"""

Step = Callable[[Path], object]


def _run(*arguments: str) -> Step:
    def step(root: Path) -> None:
        result = CliRunner().invoke(main, [*arguments, "-C", str(root)])
        assert 0 == result.exit_code, (arguments, result.output)

    return step


def _update(day: str, *more: str) -> Step:
    return _run("update", "--as-of", day, "--no-report", *more)


def _write(path: str, text: str) -> Step:
    return lambda root: (root / path).write_text(text, encoding="utf-8")


def _edit(path: str, old: str, new: str) -> Step:
    def step(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return step


def _split(root: Path) -> None:
    text = (root / "evidence/two.yaml").read_text(encoding="utf-8")
    at = text.index("- id: second")
    (root / "evidence/second.yaml").write_text(text[at:], encoding="utf-8")
    (root / "evidence/two.yaml").write_text(text[:at], encoding="utf-8")


LIFE: tuple[Step, ...] = (
    _write("priors/questions.yaml", QUESTIONS),
    _run("resolve", "shown-by-june", "yes", "--on", "2026-03-02", "--known", "2026-07-01", "--source",
         "https://example.org/a", "--yes"),
    _run("add", "judgement", "on-sale", "0.4", "--on", "2026-07-01", "--why", "a feeling", "--yes"),
    _update("2026-07-02"),
    _update("2026-07-03"),  # a quiet day
    _run("resolve", "shown-by-june", "--undo", "--known", "2026-07-03", "--yes"),
    _run("resolve", "shown-by-june", "yes", "--on", "2026-03-02", "--known", "2026-07-03", "--source",
         "https://example.org/c", "--yes"),
    _write("evidence/two.yaml", ITEM.format("first", "2026-07-04") + ITEM.format("second", "2026-07-04")),
    _update("2026-07-04"),
    _update("2026-07-04", "--seed", "7"),
    _update("2026-07-04"),
    _split,
    _update("2026-07-05"),
    lambda root: (root / "evidence/second.yaml").rename(root / "evidence/moved.yaml"),
    _run("add", "judgement", "on-sale", "0.5", "--on", "2026-07-05", "--why", "another", "--yes"),
    _edit("evidence/watch.yaml", "2026-06-30", "2026-07-06"),
    _update("2026-07-06", "-m", "watched on"),
    _update("2026-07-03"),  # a day of before
    _edit("evidence/moved.yaml", "  headline", "  retracted: 2026-07-07\n  headline"),
    _update("2026-07-07"),
    _write("priors/statements/comment.yaml", "# nothing yet\n[]\n"),
    _edit("priors/network.yaml", "title: ", "# a comment\ntitle: "),
    _update("2026-07-08", "--note", "quiet"),
    _run("rename", "question", "on-sale", "sold-by-october", "--yes"),
    _run("rename", "item", "first", "first-report", "--yes"),
    _update("2026-07-08"),
    _run("rename", "event", "success", "sold", "--yes"),
    _edit(JUDGEMENTS, "\n", "\r\n"),
    _update("2026-07-09"),
    _run("merge"),
    _run("cache", "--prune"),
    _run("add", "judgement", "sold-by-october", "0.6", "--on", "2026-07-09", "--why", "more", "--yes"),
    _write("evidence/last.yaml", ITEM.format("last", "2026-07-10").replace("success", "sold")),
    _update("2026-07-10", "--strict"),
)  # fmt: skip


@pytest.mark.usefixtures("few_draws")
def test_an_honest_life(updated: Path) -> None:
    """After every step of a long honest life nothing is found to be wrong."""
    for number, step in enumerate(LIFE):
        step(updated)
        result = CliRunner().invoke(main, ["verify", "-C", str(updated), "--json"])
        wrong = [one for one in json.loads(result.stdout)["findings"] if not one["note"]]
        assert (number, 0, []) == (number, result.exit_code, wrong)
