#!/usr/bin/env bash
# Pareto smoothing gives weight to draws that the target rules out, or a Pareto k of NaN without a warning.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    arviz-stats==1.3.3 arviz-base==1.3.1 numpy==2.5.5 scipy==1.18.1

"$scratch/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
from arviz_stats.base import array_stats

DRAWS = 4000
print(f"package:  arviz-stats {version('arviz-stats')}, arviz_stats.base.array_stats.psislw; {DRAWS} draws, few of which live")
print("expected: self-normalised importance sampling weighs a draw by its ratio of target to proposal density; zero has")
print("          no weight (Vehtari, Simpson, Gelman, Yao and Gabry 2024, 'Pareto Smoothed Importance Sampling',")
print("          equation 1). A k above 0.7 is the paper's sign that weights are not to be relied on.")


def smoothed(live):
    """Return the weight of the draws that are ruled out, how many of them have any, k, and the number of warnings."""
    log_ratios = np.full(DRAWS, -np.inf)
    log_ratios[:live] = np.random.default_rng(7).standard_normal(live)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        log_weights, k = array_stats.psislw(-log_ratios)  # it takes the ratios of leave-one-out, turned round
    weights = np.exp(log_weights)
    return float(weights[live:].sum()), int(np.count_nonzero(weights[live:])), float(k), len(told)


print("seen:     live  ruled out, with weight  their weight       k  k > 0.7  warnings")
rows = {live: smoothed(live) for live in (100, 150, 170, 1000)}
for live, (weight, many, k, told) in rows.items():
    print(f"          {live:4} {many:23} {weight:13.4f} {k:7.3f}  {k > 0.7!s:7} {told:9}")

as_described = (
    all(rows[live][0] > 0.001 and rows[live][2] < 0.7 and rows[live][3] == 0 for live in (150, 170))
    and np.isnan(rows[100][2])
    and rows[100][3] == 0
    and rows[1000][0] == 0.0
)
sys.exit(0 if as_described else "no longer as described")
PYTHON
