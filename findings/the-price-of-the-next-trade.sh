#!/usr/bin/env bash
# The probability of a market at a time is that after its next trade: half-way through, calibration sees the outcome.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
# The package names versions of its own that have no builds for this Python; what is used of them has not changed.
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    numpy==2.2.6 scipy==1.15.3 pandas==2.3.3 matplotlib==3.10.3 attrs==25.3.0 requests==2.32.5
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps manifoldpy==1.1.2

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from manifoldpy.api import Market
from manifoldpy.calibration import brier_score, log_score, probability_at_fraction_completed

# The probability after each trade: three questions on which nothing happens between the first day and the last one.
TRADES = {
    "yes": [(10, 0.6), (1000, 0.99)],
    "no": [(10, 0.6), (1000, 0.01)],
    "no, with a trade at 400": [(10, 0.6), (400, 0.3), (1000, 0.01)],
}


def market(trades):
    """Return the market that the platform's interface would give, with its trades, created at time 0 at one half."""
    before = [0.5, *(after for _, after in trades)]
    bets = [
        {"createdTime": time, "probBefore": before[place], "probAfter": after, "outcome": "YES"}
        for place, (time, after) in enumerate(trades)
    ]
    return Market.from_json({"outcomeType": "BINARY", "createdTime": 0, "bets": bets})


histories = [market(trades).probability_history() for trades in TRADES.values()]
found = probability_at_fraction_completed(histories, 0.5).tolist()
standing = [
    float(probabilities[np.searchsorted(times, 500, side="right") - 1]) for times, probabilities in histories
]  # of the last trade at 500 or before it

print(f"package:  manifoldpy {version('manifoldpy')}, `probability_at_fraction_completed` at one half of 1000")
print("expected: the probability of each market at that time (its documentation), that is after the last trade by then")
for name, said, due in zip(TRADES, found, standing, strict=True):
    print(f"seen:     {name}: {said} where {due} stood")
scores = [
    [float(score(np.array(p[:1]), np.array(p[1:]))) for score in (brier_score, log_score)] for p in (found, standing)
]
print(f"seen:     Brier score {scores[0][0]:.4f} where {scores[1][0]:.4f} is right, log score {scores[0][1]:.4f} where {scores[1][1]:.4f} is")
right = found == [0.99, 0.01, 0.01] and standing == [0.6, 0.6, 0.3]
sys.exit(0 if right else "no longer as described")
PYTHON
