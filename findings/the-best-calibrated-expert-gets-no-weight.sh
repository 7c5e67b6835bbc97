#!/usr/bin/env bash
# Cooke's classical model: the calibration of an expert whose realisations fall exactly as stated is 0.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary numpy,scipy,matplotlib,PyQt5 \
    anduryl==1.2.2 pydantic==2.13.4 numpy==2.2.6 scipy==1.15.3 matplotlib==3.10.3 PyQt5==5.15.11

cd "$scratch"
QT_QPA_PLATFORM=offscreen venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from scipy.stats import chi2

from anduryl import Project

EXPECTED = np.array([0.05, 0.45, 0.45, 0.05])  # of realisations below the 5 %, between it and the median, and so on
TRUTH = 100
STATED = ((110, 150, 190), (60, 120, 180), (20, 80, 140), (10, 50, 90))  # 5, 50 and 95 % quantiles, by the bin of the truth
COUNTS = {"even": (1, 9, 9, 1), "good": (1, 8, 10, 1), "poor": (4, 8, 6, 2)}

items = sum(COUNTS["even"])
with open("study.dtt", "w") as table, open("study.rls", "w") as truths:
    print("* CLASS ASCII OUTPUT FILE. NQ=   3   QU=   5  50  95", file=table)
    for number, (expert, counts) in enumerate(COUNTS.items(), start=1):
        bins = np.repeat(range(4), counts)
        for item, place in enumerate(bins, start=1):
            quantiles = " ".join(f"{value:12.5E}" for value in STATED[place])
            print(f"{number:5d} {expert:>8s} {item:4d} {f'item{item}':>14s} UNI {quantiles}", file=table)
    for item in range(1, items + 1):
        print(f"{item:5d} {f'item{item}':>14s} {TRUTH:12.5E} UNI", file=truths)

project = Project()
project.io.load_file("study.dtt")
project.experts.calculate_weights(overshoot=0.1, alpha=None, calpower=1.0)

print(f"package:  anduryl {version('anduryl')}, {items} seed items in Excalibur's files; calibration and combined score")
print("expected: 1 - F(2 n I(s, p)) of a chi-squared distribution with 3 degrees of freedom (Cooke 1991), in 0 to 1")
right = {}
for place, (expert, counts) in enumerate(COUNTS.items()):
    shares = np.array(counts) / items
    due = chi2.sf(2 * items * np.sum(shares * np.log(shares / EXPECTED)), 3)
    found, weight = project.experts.calibration[place], project.experts.comb_score[place]
    print(f"seen:     {expert}, {counts} in the four bins: {found:.4f} where {due:.4f} is due; combined score {weight:.4f}")
    right[expert] = found, due
as_described = right["even"][0] < 1e-9 and abs(right["even"][1] - 1) < 1e-9 and all(
    abs(right[one][0] - right[one][1]) < 1e-3 for one in ("good", "poor")
)
sys.exit(0 if as_described else "no longer as described")
PYTHON
