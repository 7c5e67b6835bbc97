#!/usr/bin/env bash
# Impossible evidence: pyAgrum's exact engines refuse it, its loopy belief propagation converges to zeros.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check pyagrum==3.3.1 numpy==2.5.5

"$scratch/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import pyagrum as gum

net = gum.fastBN("cause{yes|no}->sign{seen|unseen}->report{yes|no}")
net.cpt("cause").fillWith([1, 0])
net.cpt("sign").fillWith([1, 0, 0, 1])
net.cpt("report").fillWith([0.9, 0.1, 0.2, 0.8])

print(f"package:  pyagrum {version('pyagrum')}; in a chain of three the cause is certain, and its sign observed as unseen")
print("expected: P(x | e) is defined for P(e) > 0 alone, and on a chain belief propagation is exact (Pearl 1988,")
print("          'Probabilistic Reasoning in Intelligent Systems', chapter 4): the same refusal from every engine,")
print("          pyAgrum's IncompatibleEvidence.")
refused = {}
for kind in (gum.LazyPropagation, gum.ShaferShenoyInference, gum.VariableElimination, gum.LoopyBeliefPropagation):
    engine = kind(net)
    engine.setEvidence({"sign": "unseen"})
    try:
        engine.makeInference()
        found = {name: engine.posterior(name).toarray().tolist() for name in ("cause", "report")}
    except gum.IncompatibleEvidence:
        found = None
    refused[kind.__name__] = found
    said = "IncompatibleEvidence" if found is None else f"{found}, {engine.messageApproximationScheme()}"
    print(f"{'' if len(refused) > 1 else 'seen:':9} {kind.__name__:22} {said}")

zeros = {"cause": [0.0, 0.0], "report": [0.0, 0.0]}
exact = [found for name, found in refused.items() if name != "LoopyBeliefPropagation"]
sys.exit(0 if exact == [None] * 3 and refused["LoopyBeliefPropagation"] == zeros else "no longer as described")
PYTHON
