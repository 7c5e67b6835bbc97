#!/usr/bin/env bash
# Events whose day is known only to an interval: those of a day are not over at its end, even where the day is known.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    lifelines==0.30.3 numpy==2.2.6 scipy==1.15.3 pandas==2.3.3 autograd==1.8.0

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from lifelines import KaplanMeierFitter

DAYS = [1, 2, 3, 3]  # when each of four events happened
WINDOWS = ([0, 1, 2, 2], [2, 3, 4, 4])  # the first day and the last on which each may have happened


def by_day(fitter, days):
    """Return the share that has happened by each day, rounded: upper and lower estimates are equal in these cases."""
    columns = fitter.cumulative_density_.loc[list(days)].to_numpy()
    assert np.allclose(columns, columns[:, :1])
    return [round(float(value), 6) for value in columns[:, 0]]


print(f"package:  lifelines {version('lifelines')}, `KaplanMeierFitter`; the share that has happened by each day")
print("expected: P(T <= t), 1 less the survival function, by either way of fitting (its documentation, which calls the second experimental)")
exact, as_windows = KaplanMeierFitter().fit(DAYS), KaplanMeierFitter().fit_interval_censoring(DAYS, DAYS)
plain, closed = by_day(exact, (1, 2, 3)), by_day(as_windows, (1, 2, 3))
print(f"seen:     days {DAYS}, by the end of days 1, 2 and 3: `fit` {plain}, `fit_interval_censoring` {closed}")
median = exact.median_survival_time_, float(np.ravel(as_windows.median_survival_time_)[0])
print(f"seen:     median: `fit` {median[0]}, `fit_interval_censoring` {median[1]}")
windows = KaplanMeierFitter().fit_interval_censoring(*WINDOWS)
found = by_day(windows, (1, 2, 3, 4))
print(f"seen:     windows {list(zip(*WINDOWS, strict=True))}, ends included, by the end of days 1 to 4: {found}")
print("          the first happened by day 2 for certain, and since all may have happened on it, most probable is 1 by then")
right = plain == [0.25, 0.5, 1.0] and closed == [0.0, 0.25, 0.5] and found == [0.0, 0.0, 1.0, 1.0]
sys.exit(0 if right else "no longer as described")
PYTHON
