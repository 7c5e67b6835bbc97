#!/usr/bin/env bash
# Three quantiles that are exactly even: a distribution that is a sixth too wide, or none.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    skpro==2.16.0 scikit-base==1.2.0 numpy==2.5.5 scipy==1.18.1 pandas==2.3.3 scikit-learn==1.9.0

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from math import isnan

import numpy as np
from skpro.distributions import QPD_S, QPD_U

LEVEL = 0.1


def quantiles(kind, low, median, high, **bounds):
    """Return the quantiles at LEVEL, one half and 1 - LEVEL of the distribution that is stated by them."""
    stated = kind(alpha=LEVEL, qv_low=low, qv_median=median, qv_high=high, **bounds)
    return [float(np.ravel(stated.ppf(level))[0]) for level in (LEVEL, 0.5, 1 - LEVEL)]


def meets(found, *stated):
    return bool(np.allclose(found, stated, rtol=1e-9, atol=0))


print(f"package:  skpro {version('skpro')}, Johnson distributions by their 10, 50 and 90 % quantiles")
print("expected: the quantiles that were given (its documentation; Hadlock 2017); what comes to light is a division by zero, in a warning")
seen = {high: quantiles(QPD_U, 2.0, 4.0, high) for high in (5.999999, 6.0, 6.000001)}
for high, found in seen.items():
    print(f"seen:     unbounded, 2, 4 and {high:.7g}: {', '.join(f'{value:.7g}' for value in found)}")
tenths = quantiles(QPD_U, 0.2, 0.5, 0.8)
print(f"seen:     unbounded, .2, .5 and .8: {', '.join(f'{value:.7g}' for value in tenths)}")
above = {high: quantiles(QPD_S, 2.0, 4.0, high, lower=0.0) for high in (7.999999, 8.0, 8.000001)}
for high, found in above.items():
    print(f"seen:     above 0, 2, 4 and {high:.7g}: {', '.join(f'{value:.7g}' for value in found)}")
right = (
    all(meets(found, 2, 4, high) for high, found in seen.items() if high != 6)
    and meets(seen[6.0], 4 - 2 * np.sinh(1), 4, 4 + 2 * np.sinh(1))
    and all(meets(found, 2, 4, high) for high, found in above.items() if high != 8)
    and all(isnan(value) for value in above[8.0])
)
sys.exit(0 if right else "no longer as described")
PYTHON
