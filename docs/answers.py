"""Fills `answers.md` with what the answers print for the latest forecast of a workspace's ledger.

python docs/answers.py                 of this repository
python docs/answers.py FOLDER          of a copy of it

Run it after an update that changed the ledger; a test fails until then.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from forecast.ledger.entries import line_digest

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("answers.md")
COLUMNS = "100"  # of the terminal that the page shows
SAME = 1e-9  # probabilities that differ by more are of another forecast

BLOCK = re.compile(r"<!-- shipped: (?P<command>[^\n]+) -->\n```text\n(?P<printed>.*?)```\n", re.DOTALL)
STAMP = re.compile(r"<!-- printed for ledger line (?P<line>\w*), outputs (?P<outputs>\w*) -->")


def last_line(root: Path) -> str:
    """Return the last line of a workspace's ledger as it stands in the file."""
    return (root / "reports" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()[-1]


def outputs(page: str) -> dict[str, str]:
    """Return what the page shows for each command."""
    return {found["command"]: found["printed"] for found in BLOCK.finditer(page)}


def stamp(page: str, line: str) -> str:
    """Return the comment that ties what the page shows to a line of the ledger."""
    shown = hashlib.sha256(json.dumps(outputs(page)).encode()).hexdigest()
    return f"<!-- printed for ledger line {line_digest(line)[:16]}, outputs {shown[:16]} -->"


def filled(page: str, line: str, run: Callable[[Sequence[str]], str]) -> str:
    """Return the page with each command run anew, and its stamp."""
    as_of = json.loads(line)["as_of"]

    def anew(found: re.Match[str]) -> str:
        arguments = [*shlex.split(found["command"]), "--as-of", as_of]
        printed = "".join(f"{row.rstrip()}\n" for row in run(arguments).splitlines())
        return (
            f"<!-- shipped: {found['command']} -->\n```text\n$ {shlex.join(['forecast', *arguments])}\n{printed}```\n"
        )

    page = BLOCK.sub(anew, page)
    return STAMP.sub(stamp(page, line), page)


def main(root: Path) -> None:
    """Fill the page. Exits with a message if the files of the workspace no longer give the ledger's last forecast."""
    line = last_line(root)

    def run(arguments: Sequence[str]) -> str:
        print(shlex.join(["forecast", *arguments]), file=sys.stderr)
        command = [sys.executable, "-m", "forecast", *arguments, "-C", str(root)]
        environment = os.environ | {"COLUMNS": COLUMNS}
        ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        return ran.stdout

    told = json.loads(run(["story", "--json", "--as-of", json.loads(line)["as_of"]]))
    now = {row["scenario"]: row["probability"] for row in told}
    if any(abs(row["probability"] - now.get(row["id"], 0.0)) > SAME for row in json.loads(line)["scenarios"]):
        sys.exit("the files give another forecast than the ledger's last line; run `forecast update` first")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), line, run), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
