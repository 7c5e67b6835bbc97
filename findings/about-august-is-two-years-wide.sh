#!/usr/bin/env bash
# EDTF: an approximate month is padded by a year and a month, where the documents have a month.
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

from edtf import parse_edtf

# The first two are examples of the README, with the bounds that it prints.
EXPECTED = {
    "1979-08~": ((1979, 7, 1), (1979, 9, 30)),
    "1979~": ((1978, 1, 1), (1980, 12, 31)),
    "2025-08-15~": ((2025, 8, 14), (2025, 8, 16)),
    "2025-~08": ((2025, 7, 1), (2025, 9, 30)),
}

print(f"package:  edtf {version('edtf')}, `lower_fuzzy` and `upper_fuzzy` of dates of the Extended Date/Time Format")
print("expected: a date that is approximate at the scale of a month is padded by a month, at that of a year by a year (README)")
seen = {}
for text, due in EXPECTED.items():
    date = parse_edtf(text)
    seen[text] = tuple(date.lower_fuzzy()[:3]), tuple(date.upper_fuzzy()[:3])
    print(f"seen:     {text:12} {seen[text][0]} to {seen[text][1]}; due {due[0]} to {due[1]}")
february = tuple(parse_edtf("2024-02~").upper_fuzzy()[:3])
print(f"seen:     2024-02~ ends {february}: the last day of a leap year's February, moved to a March")
right = seen == {
    **EXPECTED,
    "1979-08~": ((1978, 7, 1), (1980, 9, 30)),
    "2025-08-15~": ((2024, 7, 14), (2026, 9, 16)),
} and february == (2025, 3, 29)
sys.exit(0 if right else "no longer as described")
PYTHON
