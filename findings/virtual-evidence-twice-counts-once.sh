#!/usr/bin/env bash
# Two items of virtual evidence on one variable: the last one counts alone, and the log speaks of a CPD that nobody named.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check pgmpy==1.1.2 numpy==2.5.5 pandas==3.1.1

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import numpy as np

from pgmpy.factors.discrete import TabularCPD
from pgmpy.inference import BeliefPropagation, VariableElimination
from pgmpy.models import DiscreteBayesianNetwork

PRIOR, RELIABILITY = np.array([0.7, 0.3]), np.array([[0.9, 0.2], [0.1, 0.8]])
told = []
logging.getLogger("pgmpy").addFilter(lambda record: told.append(record.getMessage()) or True)
net = DiscreteBayesianNetwork([("war", "alarm")])
net.add_cpds(TabularCPD("war", 2, PRIOR[:, None]), TabularCPD("alarm", 2, RELIABILITY, ["war"], [2]))


def item(likelihood):
    return TabularCPD("alarm", 2, np.array(likelihood)[:, None])


def by_hand(*likelihoods):
    joint = PRIOR * (RELIABILITY * np.prod(likelihoods, axis=0)[:, None]).sum(axis=0)
    return joint[1] / joint.sum()


quiet, loud = (0.8, 0.2), (0.2, 0.8)
print(f"package:  pgmpy {version('pgmpy')}; `query` with `virtual_evidence` of two items on one variable")
print("expected: their likelihoods multiply (Pearl 1988), or the second is refused")
seen = {}
for name, items in {"loud": [loud], "loud twice": [loud, loud], "quiet, loud": [quiet, loud], "loud, quiet": [loud, quiet]}.items():
    for engine in (VariableElimination, BeliefPropagation):
        answer = engine(net).query(["war"], virtual_evidence=[item(one) for one in items], show_progress=False)
        seen[name, engine] = answer.values[1]
        print(f"seen:     {name}, {engine.__name__}: P(war) {answer.values[1]:.4f}, by hand {by_hand(*items):.4f}")
print(f"seen:     in the log: {', '.join(sorted(set(told)))}")
right = all(
    abs(seen["loud twice", engine] - by_hand(loud)) < 1e-9
    and abs(seen["quiet, loud", engine] - by_hand(loud)) < 1e-9
    and abs(seen["loud, quiet", engine] - by_hand(quiet)) < 1e-9
    for engine in (VariableElimination, BeliefPropagation)
)
sys.exit(0 if right else "no longer as described")
PYTHON
