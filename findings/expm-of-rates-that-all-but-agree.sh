#!/usr/bin/env bash
# The exponential of a triangular matrix of rates: SciPy loses every digit of an entry where two rates all but agree.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check scipy==1.18.1 numpy==2.5.5

"$scratch/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from scipy.linalg import expm


def steps(last):
    """Rates of a pure birth process of three steps: rows of the generator sum to zero, those of its exponential to one."""
    generator = np.zeros((4, 4))
    for k, rate in enumerate((10.0, 1.0, last)):
        generator[k, k], generator[k, k + 1] = -rate, rate
    return generator


print(f"package:  scipy {version('scipy')}; `scipy.linalg.expm` of a bidiagonal generator with rates 10, 1 and 1 + gap")
print("expected: the first row sums to one, and moves by no more than the gap")
same, missing = expm(steps(1.0))[0], {}
for gap in (0.0, np.finfo(float).eps, 1e-12, 1e-9):
    row = expm(steps(1.0 + gap))[0]
    missing[gap] = abs(row.sum() - 1.0)
    print(f"seen:     gap {gap:8.2g}: row sums to {row.sum():.12f}, P(two steps) {row[2]:.12f} ({same[2]:.12f} without a gap)")
dense = expm(steps(1.0 + np.finfo(float).eps) + 1e-300 * np.tri(4, k=-1))[0]
print(f"seen:     the same matrix with entries of 1e-300 below the diagonal: row sums to {dense.sum():.12f}")
if missing[0.0] < 1e-14 and missing[np.finfo(float).eps] > 0.1 and missing[1e-12] > 1e-6 and abs(dense.sum() - 1.0) < 1e-12:
    sys.exit(0)
print("changed:  this is no longer so")
sys.exit(1)
PYTHON
