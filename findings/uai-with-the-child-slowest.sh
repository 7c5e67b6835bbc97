#!/usr/bin/env bash
# UAI files are written and read with the child's states slowest and parents in the wrong order; nothing is said.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check pgmpy==1.1.2 numpy==2.5.5 pandas==3.1.1

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np

from pgmpy.factors.discrete import TabularCPD
from pgmpy.models import DiscreteBayesianNetwork
from pgmpy.readwrite import UAIReader, UAIWriter

print(f"package:  pgmpy {version('pgmpy')}; UAI files of networks of two and three binary variables")
print("expected: a table lists the states of the last variable of its scope fastest, and that is the child (UAI 2022 format)")
pair = DiscreteBayesianNetwork([("a", "b")])
rows = np.array([[0.9, 0.1], [0.2, 0.8]])  # P(b | a), one row for each state of a
pair.add_cpds(TabularCPD("a", 2, [[0.6], [0.4]]), TabularCPD("b", 2, rows.T, ["a"], [2]))
table = [float(number) for number in str(UAIWriter(pair)).split()[-4:]]
print(f"seen:     P(b | a) of rows .9 .1 and .2 .8 is written as {table}")
published = "BAYES 2 2 2 2 1 0 2 0 1 2 0.6 0.4 4 0.9 0.1 0.2 0.8"
read = UAIReader(string=published).get_model().get_cpds("var_1").values.T.tolist()
print(f"seen:     the same network as the format has it is read with the rows {read}")

# Two parents of two states each, so that any order of them fits.
three = DiscreteBayesianNetwork([("a", "c"), ("b", "c")])
shares = np.array([0.1, 0.2, 0.3, 0.4])  # P(c = 0 | a, b), the states of b fastest
three.add_cpds(
    TabularCPD("a", 2, [[0.6], [0.4]]),
    TabularCPD("b", 2, [[0.7], [0.3]]),
    TabularCPD("c", 2, np.array([shares, 1 - shares]), ["a", "b"], [2, 2]),
)
text = str(UAIWriter(three))
scope = [int(number) for number in text.splitlines()[6].split()[1:]]
numbers = [float(number) for number in text.splitlines()[-1].split()]
print(f"seen:     P(c | a, b): scope {scope} (a is 0, b is 1, c is 2), numbers {numbers}")
print("          so the parents are listed with b first, and the numbers run with b fastest")
right = (
    table == list(rows.T.ravel())
    and read == [[0.9, 0.2], [0.1, 0.8]]
    and scope == [1, 0, 2]
    and numbers[:4] == list(shares)
)
sys.exit(0 if right else "no longer as described")
PYTHON
