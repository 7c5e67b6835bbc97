#!/usr/bin/env bash
# A network that pyAgrum writes with sixteen digits and reads again has seven: rows miss one, rare states vanish.
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
print(f"package:  pyagrum {version('pyagrum')}, saveBN and loadBN")
print("expected: IEEE 754-2019, 5.12.2: a double written with 17 significant digits is read back as itself (for 1/3 the")
print("          16 that are written will do); tables in memory are doubles (`Tensor.toarray().dtype`).")
print("          'The Interchange Format for Bayesian Networks' (Cozman, BIF) sets no limit to the digits of a number.")


def network(rare, common):
    net = gum.fastBN("cause{yes|no}->sign{seen|unseen}")
    net.cpt("cause").fillWith([rare, common])
    net.cpt("sign").fillWith([0.1, 0.9, 0.7, 0.3])
    return net


def posterior(net):
    engine = gum.LazyPropagation(net)
    engine.setEvidence({"sign": "seen"})
    engine.makeInference()
    return float(engine.posterior("cause")[0])


def reread(net, kind):
    path = str(here / f"net.{kind}")
    gum.saveBN(net, path)
    return gum.loadBN(path), Path(path).read_text()


before, seen = network(1 / 3, 2 / 3), {}
print(f"seen:     P(cause) = 1/3, then P(cause | sign) = {posterior(before)!r}")
for kind in ("bif", "net", "bifxml"):
    after, text = reread(before, kind)
    written = re.search(r"0\.33+", text).group()
    cell, total = float(after.cpt("cause")[0]), float(after.cpt("cause").sum())
    seen[kind] = cell, total, abs(posterior(after) - posterior(before)), len(written)
    print(f"          .{kind:6} written {written:18}  read {cell!r:19} row sums to {total!r:19}", end="")
    print(f" posterior {posterior(after)!r}")


def row(kind, *cells):
    """Return a row as it is read again; the network has to live as long as its table is looked at."""
    after, _ = reread(network(*cells), kind)
    return [float(cell) for cell in after.cpt("cause").toarray()]


certain, gone = row("bif", 1e-9, 1 - 1e-9), row("bif", 1e-50, 1.0)
print(f"          .bif    row 1e-09, 0.999999999 is read as {certain}")
print(f"          .bif    row 1e-50, 1.0 is read as {gone}")

as_described = (
    all(seen[kind][0] == 0.3333333432674408 and seen[kind][3] >= 18 for kind in ("bif", "net"))
    and all(seen[kind][1] != 1.0 and 1e-10 < seen[kind][2] < 1e-7 for kind in ("bif", "net"))
    and seen["bifxml"][0] == 0.333333
    and certain[1] == 1.0
    and gone[0] == 0.0
)
sys.exit(0 if as_described else "no longer as described")
PYTHON
