#!/usr/bin/env bash
# Markets at 29, 57 and 58 % are counted as at 28, 56 and 57 %, in the place of those that were there.
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
from manifoldpy.calibration import bet_counts, binary_calibration

AT, YES, NO = (0.27, 0.28, 0.29, 0.30), 3, 7  # at each probability ten markets, three of which end in yes

yes, no = np.repeat(AT, YES), np.repeat(AT, NO)
counts, shares = bet_counts(yes, no, decimals=2), binary_calibration(yes, no, decimals=2)
other = [percent for percent in range(101) if bet_counts(np.array([percent / 100]), np.array([]), 2)[percent, 0] != 1]

print(f"package:  manifoldpy {version('manifoldpy')}, `binary_calibration` at two decimals; ten markets at each of 27, 28, 29 and 30 %")
print("expected: place i has the share of yes among the markets at i % (its documentation), so that every market counts once")
for probability in AT:
    place = round(100 * probability)
    print(f"seen:     {place} %: {int(counts[place].sum())} markets, {shares[place]:.1f} of them yes")
print(f"seen:     {int(counts.sum())} of {yes.size + no.size} markets are counted; percentages whose own place stays empty: {other}")
yes, no = np.repeat([0.28, 0.29], [28, 29]), np.repeat([0.28, 0.29], [72, 71])
mixed = bet_counts(yes, no, decimals=2)
print(f"seen:     28 of 100 yes at 28 % and 29 of 100 at 29 %: {mixed[28].astype(int).tolist()} yes and no at 28 %, none at 29 %")
right = (
    [int(counts[place].sum()) for place in (27, 28, 29, 30)] == [10, 10, 0, 10]
    and other == [29, 57, 58]
    and mixed[28].tolist() == [29, 71]
    and not mixed[29].any()
)
sys.exit(0 if right else "no longer as described")
PYTHON
