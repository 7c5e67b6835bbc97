#!/usr/bin/env bash
# The CRPS of a narrow beta forecast is minus infinity, the best score there is, and of a narrower one no number.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    scoringrules==0.11.0 numpy==2.5.5 scipy==1.18.1

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import scoringrules
from scipy.integrate import quad
from scipy.stats import beta

SHAPES = ((100, 100), (250, 250), (265, 265), (268, 268), (300, 300), (100, 900), (400, 600))


def integral(truth, a, b):
    """The integral of (F(x) - 1{x >= truth})**2, over twelve standard deviations on either side of the mean."""
    forecast = beta(a, b)
    ends = forecast.mean() - 12 * forecast.std(), forecast.mean() + 12 * forecast.std()
    below = quad(lambda x: forecast.cdf(x) ** 2, ends[0], truth, epsabs=1e-13, limit=500)[0]
    return below + quad(lambda x: forecast.sf(x) ** 2, truth, ends[1], epsabs=1e-13, limit=500)[0]


print(f"package:  scoringrules {version('scoringrules')}, `crps_beta(obs, a, b)`; the truth lies .01 above the forecast's mean")
print("expected: the integral that defines the score (its documentation; Gneiting and Raftery 2007), which is never negative")
seen = {}
for a, b in SHAPES:
    truth = a / (a + b) + 0.01
    seen[a, b] = float(scoringrules.crps_beta(truth, a, b)), integral(truth, a, b)
    print(f"seen:     beta({a}, {b}): {seen[a, b][0]:.7f}; the integral is {seen[a, b][1]:.7f}")
outside = float(scoringrules.crps_beta(1.5, 2, 3))
print(f"seen:     beta(2, 3) and the truth 1.5: {outside}; by the definition {1.5 - 1 + float(scoringrules.crps_beta(1, 2, 3)):.4f}")
right = (
    all(abs(seen[same, same][0] - seen[same, same][1]) < 1e-9 for same in (100, 250))
    and abs(seen[265, 265][0] / seen[265, 265][1] - 1) > 5e-4
    and seen[268, 268][0] == -np.inf
    and np.isnan(seen[300, 300][0])
    and abs(seen[100, 900][0] - seen[100, 900][1]) < 1e-9
    and np.isnan(seen[400, 600][0])
    and np.isnan(outside)
)
sys.exit(0 if right else "no longer as described")
PYTHON
