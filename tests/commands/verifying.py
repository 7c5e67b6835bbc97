"""What the tests of `forecast verify` share: the command, its findings, and a ledger that is forged with its copies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.ledger.kept import seal
from forecast.ledger.ledger import LEDGER

ITEM = """- id: {}
  reported: {}
  source: newspaper
  headline: A late report.
  bears_on:
  - {{event: success, support: slight, for: yes}}
"""


def encode(line: dict[str, Any]) -> str:
    """Write a line of a ledger, whatever it holds."""
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def run(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, list(map(str, arguments)))


def verified(root: Path, *more: str) -> dict[str, Any]:
    """Return what `forecast verify --json` says; its exit status says whether all is whole."""
    result = run("verify", "-C", root, "--json", *more)
    assert result.exit_code in {0, 1}, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["whole"] is (result.exit_code == 0)
    return found


def kinds(root: Path, *more: str) -> list[str]:
    """Return the kinds of what `forecast verify` finds."""
    return [one["kind"] for one in verified(root, *more)["findings"]]


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first place where `old` stands in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def chain_anew(root: Path, *lines: str) -> None:
    """Put other lines in the place of a ledger and of all the copies that are kept of its lines."""
    shutil.rmtree(root / "reports/kept/lines")
    (root / LEDGER).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    seal(root, lines)
