#!/usr/bin/env bash
# Maximum entropy where the mass cannot be reached: PreliZ warns, and returns a distribution far from the nearest one.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    preliz==0.28.0 arviz_base==1.3.0 arviz_stats==1.3.3 pytensor==3.3.8 numpy==2.5.5 scipy==1.18.1

"$scratch/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")  # of the import
import preliz

CASES = {
    "Beta(1, b)": (lambda free: preliz.Beta(alpha=1, beta=free), lambda: preliz.Beta(alpha=1), 0.3, 0.6),
    "Gamma(1, b)": (lambda free: preliz.Gamma(alpha=1, beta=free), lambda: preliz.Gamma(alpha=1), 3.0, 6.0),
}
ASKED = 0.9


def mass(distribution, low, high):
    return float(distribution.cdf(high) - distribution.cdf(low))


print(f"package:  preliz {version('preliz')}; `maxent` with one parameter fixed, {ASKED:g} of the mass asked for in an interval")
print("expected: where no parameter reaches that mass, an error, or the distribution that comes nearest")
right = True
for name, (made, partial, low, high) in CASES.items():
    best = max(mass(made(10 ** (place / 100)), low, high) for place in range(-200, 200))
    fitted = partial()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        preliz.maxent(fitted, lower=low, upper=high, mass=ASKED, plot=False)
    found = mass(fitted, low, high)
    said = "with a warning" if any("requested mass" in str(one.message) for one in told) else "without a warning"
    print(f"seen:     {name} between {low:g} and {high:g}: {fitted} has {found:.2g}, {said}; {best:.3f} is possible")
    right = right and found < best / 100
sys.exit(0 if right else "no longer as described")
PYTHON
