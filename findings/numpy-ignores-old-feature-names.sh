#!/usr/bin/env bash
# NPY_DISABLE_CPU_FEATURES with the names that numpy had before 2.4 disables nothing, and nobody is told.
# Needs an x86-64 processor with AVX2 or newer.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check numpy==2.5.5

cat >"$scratch/run.py" <<'PYTHON'
"""Compute functions of fixed numbers; keep them, and print which loops numpy has chosen."""
import sys

import numpy as np
from numpy.lib.introspect import opt_func_info

x = np.random.default_rng(0).uniform(0.0, 20.0, 100_000)
found = {"exp": np.exp(-x), "log": np.log(x), "log1p": np.log1p(x), "power": np.power(x, 0.3), "tanh": np.tanh(x - 10.0)}
np.savez(sys.argv[1], **found)
loops = opt_func_info(func_name="^(exp|tanh)$", signature="float64")
print(", ".join(f"{name} by {loop['dd']['current']}" for name, loop in sorted(loops.items())))
PYTHON

unset PYTHONWARNINGS
run() { # NAME FEATURES: as any program runs, with Python's own filters of warnings
    NPY_DISABLE_CPU_FEATURES="$2" "$scratch/venv/bin/python" "$scratch/run.py" "$scratch/$1.npz" \
        >"$scratch/$1.out" 2>"$scratch/$1.err"
}
run all ''
run old 'AVX512F AVX512CD AVX512_SKX,AVX2,FMA3'
run new 'X86_V4 X86_V3'
NPY_DISABLE_CPU_FEATURES='AVX2,FMA3' "$scratch/venv/bin/python" -W always -c 'import numpy' 2>"$scratch/asked.err"

"$scratch/venv/bin/python" - "$scratch" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

here = Path(sys.argv[1])
print(f"package:  numpy {version('numpy')}")
print("expected: numpy's documentation, 'CPU build options', 'Runtime Dispatch': a feature that is not among those which")
print("          the build dispatches raises an error. Before 2.4 its example was to disable AVX2 and FMA3; the release")
print("          notes of 2.4.0 replace such names by X86_V2, X86_V3 and X86_V4.")
kept = {name: np.load(here / f"{name}.npz") for name in ("all", "old", "new")}
told = {name: (here / f"{name}.err").read_text() for name in kept}
ways = {name: (here / f"{name}.out").read_text().strip() for name in kept}


def differing(name):
    """Count the numbers, of 100,000 for each function, that are not those of numpy as it is, to the last bit."""
    return {of: int(np.count_nonzero(kept["all"][of] != kept[name][of])) for of in kept["all"].files}


print("seen:     nothing disabled:   ", ways["all"])
for name in ("old", "new"):
    print(f"          {name} names disabled: {ways[name]}; told: {told[name].strip() or 'nothing'}")
    print("                              numbers of 100,000 that differ:", differing(name))
text = (here / "asked.err").read_text()
print("          only with `python -W always`:", " ".join(text[text.find("ImportWarning") :].split()))
if "X86" not in ways["all"]:
    sys.exit("this processor has no loops of numpy that could be disabled: nothing can be seen here")
as_described = (
    not any(differing("old").values())
    and ways["old"] == ways["all"]
    and not told["old"]
    and "ImportWarning" in text
    and ways["new"] != ways["all"]
    and any(differing("new").values())
)
sys.exit(0 if as_described else "no longer as described")
PYTHON
