#!/usr/bin/env bash
# A metalog is fitted to a sample in the order in which it stands: shuffled, its 5 % quantile lies above its 95 % quantile.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    pymetalog==0.2.2 numpy==2.2.6 scipy==1.15.3 pandas==2.3.3 matplotlib==3.10.3 seaborn==0.13.2

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import pymetalog

SAMPLE = [3.0, 5.0, 6.0, 7.0, 9.0, 12.0, 15.0, 19.0, 25.0, 40.0]
ORDERS = {
    "sorted": SAMPLE,
    "reversed": SAMPLE[::-1],
    "as it came": [25.0, 3.0, 12.0, 40.0, 6.0, 5.0, 19.0, 9.0, 15.0, 7.0],
}
LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def fit(values, **more):
    """Return the quantiles at LEVELS of a metalog of three terms, and whether the package calls it valid."""
    fitted = pymetalog.metalog(x=list(values), term_limit=3, term_lower_bound=3, **more)
    quantiles = pymetalog.qmetalog(fitted, y=LEVELS, term=3).tolist()
    return quantiles, fitted.output_dict["Validation"]["valid"].item()


print(f"package:  pymetalog {version('pymetalog')}, three terms, bounded below by 0, fitted to {len(SAMPLE)} numbers")
print("expected: a sample has no order; each number belongs to its rank, and a quantile function rises (Keelin 2016)")
seen = {}
for name, values in ORDERS.items():
    assert sorted(values) == SAMPLE
    seen[name] = fit(values, bounds=[0], boundedness="sl")
    quantiles = ", ".join(f"{level:.0%} {value:.1f}" for level, value in zip(LEVELS, seen[name][0], strict=True))
    print(f"seen:     {name}: {quantiles}; valid: {seen[name][1]}")
# Three quantiles that no metalog of three terms can have: its quantile function falls from 10.2 at .8 on.
stated, said = fit([1.0, 9.0, 10.0], probs=[0.1, 0.5, 0.9], bounds=[0, 1], boundedness="u")
print(f"seen:     10, 50 and 90 % quantiles 1, 9 and 10: 75 % {stated[3]:.2f}, 95 % {stated[4]:.2f}; valid: {said}")
right = (
    seen["sorted"][0] == sorted(seen["sorted"][0])
    and all(quantiles == sorted(quantiles, reverse=True) for quantiles, _ in (seen["reversed"], seen["as it came"]))
    and stated[3] > stated[4]
    and {said, *(valid for _, valid in seen.values())} == {"yes"}
)
sys.exit(0 if right else "no longer as described")
PYTHON
