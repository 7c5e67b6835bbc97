#!/usr/bin/env bash
# One seed, one model, one version of every library: other draws on another x86-64 processor, by PyTensor's default.
# The other processor is played by NUMBA_CPU_NAME=generic, which compiles for any x86-64; needs one with AVX2 or newer.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    pymc==6.4.0 pytensor==3.3.8 nutpie==0.16.11 numba==0.68.0 llvmlite==0.50.0 numpy==2.5.5 scipy==1.18.1 \
    arviz==1.3.0 arviz-base==1.3.1 arviz-stats==1.3.3 arviz-plots==1.3.2 pandas==3.1.1 pyarrow==26.0.1 xarray==2026.9.0

cat >"$scratch/fit.py" <<'PYTHON'
"""A hierarchical logit of 200 fixed outcomes in 20 groups; keep the draws of its scale."""
import sys

import numpy as np
import nutpie
import pymc as pm

rng = np.random.default_rng(1)
group = np.repeat(np.arange(20), 10)
outcome = rng.binomial(1, 1 / (1 + np.exp(-rng.standard_normal(20)[group])))
with pm.Model() as model:
    centre, scale = pm.Normal("centre", 0, 1), pm.HalfNormal("scale", 1)
    effect = pm.Normal("effect", centre, scale, shape=20)
    pm.Bernoulli("outcome", logit_p=effect[group], observed=outcome)
compiled = nutpie.compile_pymc_model(model, backend="numba")
trace = nutpie.sample(compiled, draws=500, tune=500, chains=1, cores=1, seed=3, progress_bar=False)
np.save(sys.argv[1], trace.posterior["scale"].values[0])
PYTHON

fit() { # NAME FASTMATH [PROCESSOR]: each in caches of its own
    env ${3:+NUMBA_CPU_NAME="$3"} NUMBA_CACHE_DIR="$scratch/$1.numba" \
        PYTENSOR_FLAGS="base_compiledir=$scratch/$1.pytensor${2:+,numba__fastmath=$2}" \
        "$scratch/venv/bin/python" "$scratch/fit.py" "$scratch/$1.npy" >"$scratch/$1.log" 2>&1 \
        || { cat "$scratch/$1.log"; exit 1; }
}
unset NUMBA_CPU_NAME NUMBA_CPU_FEATURES PYTENSOR_FLAGS
fit default-here ''
fit default-here-again ''
fit default-generic '' generic
fit strict-here False
fit strict-generic False generic

"$scratch/venv/bin/python" - "$scratch" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

here = Path(sys.argv[1])
names = ("pytensor", "pymc", "nutpie", "numba", "numpy")
print("package: ", ", ".join(f"{name} {version(name)}" for name in names))
print("expected: one seed, one set of draws: nutpie's documentation of `sample` has `seed` for the randomness in sampling.")
print("          PyTensor's configuration says of `numba__fastmath`, which is true by default, that it uses numba's")
print("          fastmath mode; numba's manual ('Performance Tips', on fastmath), that this relaxes IEEE 754.")


def compared(a, b):
    """Say how far the draws of two runs are apart; return whether their bytes are equal, and the share apart by .01."""
    one, other = np.load(here / f"{a}.npy"), np.load(here / f"{b}.npy")
    equal, apart = one.tobytes() == other.tobytes(), float((np.abs(one - other) > 0.01).mean())
    print(f"          {a + ' / ' + b:36} bytes equal: {equal!s:5}  apart by .01 or more: {apart:5.1%}", end="")
    print(f"  by at most {np.abs(one - other).max():.3f}")
    return equal, apart


print("seen:     500 draws of the model's scale, one chain, seed 3")
again, other = compared("default-here", "default-here-again"), compared("default-here", "default-generic")
strict = compared("strict-here", "strict-generic")
as_described = again[0] and not other[0] and other[1] > 0.5 and strict[0]
sys.exit(0 if as_described else "no longer as described")
PYTHON
