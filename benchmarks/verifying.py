"""How long `forecast verify` takes over a long ledger, and how much is kept of each daily update.

A ledger of 1,000 lines is written as updates write it, from the files of this repository: every day one more evidence
file. Only the sampling is left out: the numbers on the lines are those of the latest forecast.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from forecast.ledger.entries import encode, entry_of, line_digest
from forecast.ledger.kept import KEPT, keep_inputs, seal
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.workspace.files import find_files

ROOT = Path(__file__).parents[1]
N_LINES = 1000


def write_ledger(root: Path) -> int:
    """Write the ledger and what is kept with it; return the bytes that the first line took."""
    last = read_ledger(ROOT).updates[-1].as_json()
    contents = find_files(ROOT).contents
    report = contents[sorted(path for path in contents if path.startswith("evidence/2026"))[0]]
    texts: list[str] = []
    first = 0
    for place in range(N_LINES):
        day = (date(2026, 11, 29) + timedelta(days=place)).isoformat()
        if place:
            path = f"evidence/{day}-more.yaml"
            contents[path] = report.replace(b"- id: ", f"- id: more-{place}-".encode())
            (root / path).write_bytes(contents[path])
        line = {**last, "as_of": day, "kept": keep_inputs(root, contents)}
        line["previous"] = line_digest(texts[-1]) if texts else None
        texts.append(encode(entry_of(line)))
        if place == 0:
            seal(root, texts)
            first = size(root / KEPT)
    seal(root, texts)
    (root / LEDGER).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return first


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Print both."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for part in ("priors", "evidence"):
            shutil.copytree(ROOT / part, root / part)
        first = write_ledger(root)
        kept = size(root / KEPT)
        later = (kept - first) / (N_LINES - 1)
        print(f"kept of the first update: {first / 1e3:.1f} kB; of each later one {later / 1e3:.1f} kB")
        command = [sys.executable, "-m", "forecast", "verify", "-C", folder, "--json"]
        began = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True)
        took = time.perf_counter() - began
        found = json.loads(done.stdout)
        counts = f"{found['lines']} lines, {found['contents']} contents, {len(found['findings'])} findings"
        print(f"verify of {counts}: {took:.1f} s")


if __name__ == "__main__":
    main()
