#!/usr/bin/env bash
# Many weak reports on one event: their product underflows, a posterior of .83 becomes 1, then they are called incompatible.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check pyagrum==3.3.1 numpy==2.5.5

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from math import exp, log

import pyagrum

HIT = 0.51  # of a report, given the event; .49 without it


def posterior(reports, speaking_for, engine):
    """P(the event) after so many reports, of which some speak for it and the others against it; or what was raised."""
    net = pyagrum.BayesNet()
    net.add(pyagrum.LabelizedVariable("event", "", ["yes", "no"]))
    net.cpt("event").fillWith([0.5, 0.5])
    for number in range(reports):
        name = f"report{number}"
        net.add(pyagrum.LabelizedVariable(name, "", ["for", "against"]))
        net.addArc("event", name)
        net.cpt(name)[{"event": "yes"}] = [HIT, 1 - HIT]
        net.cpt(name)[{"event": "no"}] = [1 - HIT, HIT]
    inference = engine(net)
    inference.setEvidence({f"report{n}": "for" if n < speaking_for else "against" for n in range(reports)})
    try:
        inference.makeInference()
        return inference.posterior("event")[0]
    except pyagrum.IncompatibleEvidence as error:
        return type(error).__name__


print(f"package:  pyagrum {version('pyagrum')}; reports of a likelihood ratio of 51 to 49, 40 more for an event than against it")
due = 1 / (1 + exp(-40 * log(HIT / (1 - HIT))))
print(f"expected: P(event) {due:.4f}, whatever their number")
found = {}
for reports in (1000, 1070, 1074, 1100):
    for engine in (pyagrum.LazyPropagation, pyagrum.VariableElimination):
        value = found[reports, engine] = posterior(reports, reports // 2 + 20, engine)
        said = value if isinstance(value, str) else f"{value:.4f}"
        print(f"seen:     {reports} reports, {engine.__name__}: {said}")
right = all(
    abs(found[1000, engine] - due) < 1e-6
    and abs(found[1070, engine] - due) > 1e-3
    and found[1074, engine] == 1
    and found[1100, engine] == "IncompatibleEvidence"
    for engine in (pyagrum.LazyPropagation, pyagrum.VariableElimination)
)
sys.exit(0 if right else "no longer as described")
PYTHON
