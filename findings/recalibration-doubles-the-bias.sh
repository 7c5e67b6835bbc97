#!/usr/bin/env bash
# The share of truths below a predicted quantile is that above the opposite one, and recalibration doubles a bias.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    uncertainty-toolbox==0.1.1 numpy==2.2.6 scipy==1.15.3 scikit-learn==1.7.2 matplotlib==3.10.3

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import uncertainty_toolbox as toolbox
from scipy.stats import norm

NUMBER = 10_000
BIAS = 1.0  # every forecast is too low by one of its standard deviations
LEVELS = (0.1, 0.5, 0.9)

errors = norm.ppf((np.arange(NUMBER) + 0.5) / NUMBER)
truth, mean, sd = errors + BIAS, np.zeros(NUMBER), np.ones(NUMBER)

print(f"package:  uncertainty-toolbox {version('uncertainty-toolbox')}; {NUMBER} normal forecasts, all one standard deviation too low")
print("expected: the share of the truths that lie below the predicted quantile, as the function's documentation has it")
shares = {}
for level in LEVELS:
    said = toolbox.metrics_calibration.get_proportion_under_quantile(mean, sd, truth, level)
    shares[level] = said, float(np.mean(truth <= norm.ppf(level))), float(np.mean(truth >= norm.ppf(1 - level)))
    below, above = shares[level][1:]
    print(f"seen:     {level:.0%} quantile: {said:.4f}; below it lie {below:.4f}, above the {1 - level:.0%} quantile {above:.4f}")
print("expected: quantiles after recalibration hold their levels (its documentation; Kuleshov, Fenner and Ermon 2018)")
recalibrate = toolbox.recalibration.get_quantile_recalibrator(mean, sd, truth)
after = {}
for level in LEVELS:
    value = float(np.ravel(recalibrate(np.zeros(1), np.ones(1), level))[0])
    after[level], below = value, float(np.mean(truth <= value))
    print(f"seen:     {level:.0%} quantile, recalibrated: {value:+.2f}, with {below:.4f} below it; right is {norm.ppf(level) + BIAS:+.2f}")
right = all(abs(said - above) < 1e-3 and abs(said - below) > 0.2 for said, below, above in shares.values()) and all(
    abs(value - (norm.ppf(level) - BIAS)) < 0.02 for level, value in after.items()
)
sys.exit(0 if right else "no longer as described")
PYTHON
