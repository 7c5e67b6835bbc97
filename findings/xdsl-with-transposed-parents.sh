#!/usr/bin/env bash
# pyAgrum reads and writes XDSL and UAI with the first parent fastest, where both formats have the last one so.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check pyagrum==3.3.1 numpy==2.5.5

"$scratch/venv/bin/python" - "$scratch" <<'PYTHON'
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pyagrum as gum

here = Path(sys.argv[1])
# Shortness of breath given lung disease and bronchitis (Lauritzen and Spiegelhalter 1988), as GeNIe lists it.
NUMBERS = "0.9 0.1 0.2 0.8 0.3 0.7 0.1 0.9"
DISEASE = '<cpt id="either"><state id="no" /><state id="yes" /><probabilities>0.9 0.1</probabilities></cpt>'
BRONCHITIS = '<cpt id="bronc"><state id="no" /><state id="yes" /><probabilities>0.7 0.3</probabilities></cpt>'
BREATH = (
    '<cpt id="dysp"><state id="no" /><state id="yes" /><parents>either bronc</parents>'
    f"<probabilities>{NUMBERS}</probabilities></cpt>"
)
NOISY = (
    '<noisymax id="cough"><state id="yes" /><state id="no" /><parents>either bronc</parents>'
    "<strengths>1 0 1 0</strengths><parameters>0.5 0.5 0 1 0.3 0.7 0 1 0.01 0.99</parameters></noisymax>"
)
DRAWN = '<extensions><genie version="1.0" app="GeNIe" name="n">{}</genie></extensions>'
UAI = "BAYES\n3\n2 2 2\n3\n1 0\n1 1\n3 0 1 2\n\n2 0.9 0.1\n2 0.7 0.3\n8 " + NUMBERS + "\n"


alive = []  # a network has to live as long as its table is looked at


def loaded(name, text):
    (here / name).write_text(text)
    alive.append(gum.loadBN(str(here / name)))
    return alive[-1]


def xdsl(*nodes):
    ids = re.findall(r'id="(\w+)"><state', "".join(nodes))
    drawn = DRAWN.format("".join(f'<node id="{one}"><name>{one}</name></node>' for one in ids))
    inside = "".join(nodes)
    return f'<?xml version="1.0"?><smile version="1.0" id="n" numsamples="1000"><nodes>{inside}</nodes>{drawn}</smile>'


print(f"package:  pyagrum {version('pyagrum')}, loadBN and saveBN")
print("expected: BayesFusion, 'SMILE Programmer's Manual', Multidimensional arrays: the last dimension, the node itself,")
print("          runs fastest, then the last parent. UAI 2014, 'Model Format': the last variable of a scope is the least")
print("          significant digit. So the second row is that of either=no, bronc=yes: 0.2 0.8 (published: 0.8).")

read = loaded("a.xdsl", xdsl(DISEASE, BRONCHITIS, BREATH))
from_xdsl = [float(p) for p in read.cpt("dysp")[{"either": "no", "bronc": "yes"}]]
from_uai = [float(p) for p in loaded("a.uai", UAI).cpt("2")[{"0": 0, "1": 1}]]
print(f"seen:     XDSL  row of either=no, bronc=yes: {from_xdsl}")
print(f"          UAI   row of either=no, bronc=yes: {from_uai}")

net = gum.fastBN("either{no|yes}->dysp{no|yes}<-bronc{no|yes}")
net.cpt("dysp")[{"either": "no", "bronc": "yes"}] = [0.2, 0.8]
net.cpt("dysp")[{"either": "yes", "bronc": "no"}] = [0.3, 0.7]
gum.saveBN(net, str(here / "b.xdsl"))
written = re.search(r"<parents>(.*?)</parents>\s*<probabilities>(.*?)</probabilities>", (here / "b.xdsl").read_text())
second_row = [float(p) for p in written[2].split()[2:4]]
print(f"          XDSL written: parents '{written[1]}', second row {second_row}; that of either=no, bronc=yes is [0.2, 0.8]")

noisy = sorted(loaded("c.xdsl", xdsl(DISEASE, BRONCHITIS, BREATH, NOISY)).names())
print(f"          a network with a noisymax node 'cough' is read with the variables {noisy}, without a warning")

third = gum.fastBN("a{x|y}")
third.cpt("a").fillWith([1 / 3, 2 / 3])
gum.saveBN(third, str(here / "d.xdsl"))
digits = re.search(r"<probabilities>(\S+)", (here / "d.xdsl").read_text())[1]
print(f"          1/3 is written as {digits}")

as_described = (
    from_xdsl == [0.3, 0.7]
    and abs(from_uai[0] - 0.3) < 1e-6
    and second_row == ([0.3, 0.7] if written[1] == "either bronc" else [0.2, 0.8])
    and noisy == ["bronc", "dysp", "either"]
    and digits == "0.333333"
)
sys.exit(0 if as_described else "no longer as described")
PYTHON
