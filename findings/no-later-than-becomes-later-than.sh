#!/usr/bin/env bash
# EDTF from words: no later than a year becomes that year or later, and a quarter becomes a month.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    edtf==5.0.2 python-dateutil==4.0.0 pyparsing==3.3.3

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from edtf import parse_edtf, text_to_edtf

# Words, what they mean in the format, and what comes out.
ROWS = (
    ("earlier than 2026", "/2026", "/2026"),  # as the README has it for 1928, and so the next
    ("later than 2026", "2026/", "2026/"),
    ("no later than 2026", "/2026", "2026/"),
    ("not before 2026", "2026/", "/2026"),
    ("Q3 2025", "2025-35", "2025-03"),
    ("by Q3 2025", "2025-35", "2025-03"),
    ("2nd half of 2025", "2025-41", "2025-02"),
    ("week 10 of 2025", "2025-03", "2025-10"),
)

print(f"package:  edtf {version('edtf')}, `text_to_edtf`")
print("expected: what the words mean, or None, as for words that it does not understand; quarters are 33 to 36 and halves")
print("          40 and 41 in the format (Extended Date/Time Format, level 2), and the package's own reader knows them")
seen = {}
for words, due, _ in ROWS:
    seen[words] = text_to_edtf(words)
    print(f"seen:     {words!r} becomes {seen[words]!r}; due {due!r} or None")
third = parse_edtf("2025-35")
quarter = tuple(third.lower_strict()[:3]), tuple(third.upper_strict()[:3])
print(f"seen:     '2025-35' is read as {quarter[0]} to {quarter[1]}")
right = (
    all(seen[words] == found for words, _, found in ROWS)
    and quarter == ((2025, 7, 1), (2025, 9, 30))
    and text_to_edtf("between 2025 and 2026") is None
)
sys.exit(0 if right else "no longer as described")
PYTHON
