#!/usr/bin/env bash
# Predicted survival: draws of one day count as one, and what comes after the data is as if it were no draw.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    'arviz-stats[xarray]==1.3.3' arviz-base==1.3.1 numpy==2.5.5 scipy==1.18.1 xarray==2026.9.0

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from arviz_base import from_dict
from arviz_stats import generate_survival_curves, kaplan_meier

SEEN = np.array([1.0, 1.0, 1.0, 1.0, 10.0])  # the days on which five events happened


def curves(predicted, **more):
    """Return P(not yet) by day of the data and of one predicted data set."""
    groups = {"posterior_predictive": predicted[np.newaxis, np.newaxis], "observed_data": SEEN, "constant_data": np.ones(SEEN.size)}
    data = from_dict({name: {"day": values} for name, values in groups.items()})
    of_data, of_prediction = kaplan_meier(data, "day")["day"].to_numpy(), generate_survival_curves(data, "day", **more)["day"].to_numpy()
    return [{float(day): round(float(p), 6) for day, p in zip(*curve, strict=True)} for curve in (of_data, of_prediction[:, 0])]


print(f"package:  arviz-stats {version('arviz-stats')}, `kaplan_meier` and `generate_survival_curves`")
print("expected: a prediction that is the data has the curve of the data; the factor limits how far a curve is shown (its documentation)")
of_data, same = curves(SEEN)
print(f"seen:     days {SEEN.astype(int).tolist()}, P(not yet): of the data {of_data}, of the same days as a prediction {same}")
late = np.array([2.0, 4.0, 1000.0, 1001.0, 1002.0])
_, cut = curves(late)
_, whole = curves(late, extrapolation_factor=None)
print(f"seen:     days {late.astype(int).tolist()}: {cut}; without the factor {whole}")
right = (
    of_data == {1.0: 0.2, 10.0: 0.0}
    and same == {1.0: 0.5, 10.0: 0.0}
    and cut == {2.0: 0.5, 4.0: 0.0}
    and whole == {2.0: 0.8, 4.0: 0.6, 1000.0: 0.4, 1001.0: 0.2, 1002.0: 0.0}
)
sys.exit(0 if right else "no longer as described")
PYTHON
