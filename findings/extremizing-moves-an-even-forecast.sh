#!/usr/bin/env bash
# Extremising with a factor of published work on log-odds: another function, which makes .30 of a forecast of .5.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check squigglepy==0.30 numpy==2.5.5 scipy==1.18.1

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from squigglepy.utils import extremize

FACTOR = 1.73  # of the documentation's own example, which cites arXiv 2111.03153


def log_odds(probability, factor):
    """The forecast whose log-odds are `factor` times as large, which is what the cited work extremises."""
    return probability**factor / (probability**factor + (1 - probability) ** factor)


print(f"package:  squigglepy {version('squigglepy')}; `extremize(p, e)`, whose documentation takes its factor from a paper on log-odds")
print("expected: log-odds times the factor: .5 stays, p and 1 - p mirror one another, what is near stays near")
seen = {p: extremize(p, FACTOR) for p in (0.3, 0.499999, 0.5, 0.500001, 0.7)}
for probability, value in seen.items():
    print(f"seen:     {probability:g} becomes {value:.4f}; by log-odds {log_odds(probability, FACTOR):.4f}")
right = (
    abs(seen[0.5] - 0.5**FACTOR) < 1e-12
    and seen[0.500001] - seen[0.5] > 0.39
    and abs(seen[0.7] - log_odds(0.7, FACTOR)) > 0.05
)
sys.exit(0 if right else "no longer as described")
PYTHON
