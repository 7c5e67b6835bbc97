"""What docs/answers.md shows of the shipped workspace is of its latest forecast, and as the program printed it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from forecast.digits import number
from tests.docs.pages import ROOT, script

PAGE = (ROOT / "docs/answers.md").read_text(encoding="utf-8")
HINT = "run `python docs/answers.py` after the update"


SCRIPT = script("docs/answers.py")


def _forecast() -> dict[str, float]:
    """Return the probability of each scenario in the latest forecast."""
    return {row["id"]: row["probability"] for row in json.loads(SCRIPT.last_line(ROOT))["scenarios"]}


def test_the_page_is_of_the_latest_forecast() -> None:
    """The page names the ledger's last line, and shows what was printed then, not a character edited."""
    assert SCRIPT.stamp(PAGE, SCRIPT.last_line(ROOT)) in PAGE, HINT


def test_every_answer_is_shown() -> None:
    """Each answer stands there with its output on the shipped workspace."""
    shown = {command.split()[0] for command in SCRIPT.outputs(PAGE)}
    assert {"story", "why", "what-if", "watch-list", "conflict", "influence"} == shown
    assert all(len(printed.splitlines()) > 3 for printed in SCRIPT.outputs(PAGE).values())


def test_what_it_shows_is_the_forecast() -> None:
    """Stories carry the scenarios' probabilities, what-if begins with them, and why ends there, to the last digit."""
    forecast, shown = _forecast(), SCRIPT.outputs(PAGE)
    for name, probability in forecast.items():
        assert _says(probability, rf"^{name}  ([<>\d.]+) %", shown["story"]), (name, HINT)
    for command in (command for command in shown if command.startswith("what-if")):
        for name, probability in forecast.items():
            assert _says(probability, rf"^{name} +([<>\d.]+) %", shown[command]), (name, HINT)
    for command in (command for command in shown if command.startswith("why")):
        assert _says(forecast[command.split()[1]], r"^ +now .* ([<>\d.]+) %$", shown[command]), HINT


def _says(probability: float, pattern: str, printed: str) -> bool:
    """Say whether what is printed in a place is the probability, to one of the units that an error may allow."""
    found = re.search(pattern, printed, re.MULTILINE)
    units = (number(probability, mcse) for mcse in (0.0, 0.005, 0.05))
    return found is not None and found[1] in units


@pytest.mark.parametrize("where", ["3", "%", "forecast"])
def test_an_edited_output_is_seen(where: str) -> None:
    """The stamp hangs on every character that is shown, and on the line."""
    line = SCRIPT.last_line(ROOT)
    start = PAGE.index("```text\n")
    edited = PAGE[:start] + PAGE[start:].replace(where, where + where, 1)
    assert SCRIPT.stamp(PAGE, line) != SCRIPT.stamp(edited, line)
    assert SCRIPT.stamp(PAGE, line) != SCRIPT.stamp(PAGE, f"{line} ")


def test_filling_runs_each_command_once(tmp_path: Path) -> None:
    """Each block gets what its command prints as of the ledger's last date; all else stays."""
    asked: list[list[str]] = []

    def run(arguments: list[str]) -> str:
        asked.append(arguments)
        return f"printed {len(asked)}   \n"

    line = SCRIPT.last_line(ROOT)
    (tmp_path / "page.md").write_text(SCRIPT.filled(PAGE, line, run), encoding="utf-8")
    filled = (tmp_path / "page.md").read_text(encoding="utf-8")
    as_of = json.loads(line)["as_of"]
    assert len(SCRIPT.outputs(PAGE)) == len(asked)
    assert all(["--as-of", as_of] == arguments[-2:] for arguments in asked)
    assert [f"printed {number}" for number in range(1, len(asked) + 1)] == [
        printed.splitlines()[-1] for printed in SCRIPT.outputs(filled).values()
    ]
    assert SCRIPT.stamp(filled, line) in filled
    assert SCRIPT.BLOCK.sub("", SCRIPT.STAMP.sub("", PAGE)) == SCRIPT.BLOCK.sub("", SCRIPT.STAMP.sub("", filled))
