#!/usr/bin/env bash
# A probability below 1e-9 is zero to a probabilistic logic program: what is left has the whole posterior.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    problog==2.3.0

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from problog import get_evaluatable
from problog.errors import InconsistentEvidenceError
from problog.program import PrologString


def answer(program):
    """Return what the program's one query has for an answer, or None where its evidence is called inconsistent."""
    try:
        return next(iter(get_evaluatable().create_from(PrologString(program)).evaluate().values()))
    except InconsistentEvidenceError:
        return None


def report(if_so, if_not):
    """A program: an event of .4, and a report that has one probability if the event is so and another if not."""
    return f"0.4::event. {if_so}::told :- event. {if_not}::told :- \\+event. evidence(told). query(event)."


print(f"package:  problog {version('problog')}, default evaluation; an event of probability .4 and one report of it")
print("expected: only the ratio of the two likelihoods matters (Bayes' rule), and a fact has the probability written before it")
rows = [(0.02, 0.01), (2e-8, 1e-8), (1e-9, 5e-9), (9e-10, 4.5e-9), (2e-11, 1e-11)]
seen = {}
for if_so, if_not in rows:
    due = 0.4 * if_so / (0.4 * if_so + 0.6 * if_not)
    seen[if_so] = answer(report(if_so, if_not)), due
    said = "called inconsistent" if seen[if_so][0] is None else f"{seen[if_so][0]:.6f}"
    print(f"seen:     likelihoods {if_so:g} and {if_not:g}: {said}; by Bayes' rule {due:.6f}")
alone, product = answer("9e-10::fact. query(fact)."), answer("1e-6::one. 1e-6::two. both :- one, two. query(both).")
print(f"seen:     a fact of 9e-10 alone: {alone:g}; two facts of 1e-6 together: {product:g}")
right = (
    all(abs(seen[one][0] - seen[one][1]) < 1e-6 for one in (0.02, 2e-8, 1e-9))
    and seen[9e-10][0] == 0
    and seen[2e-11][0] is None
    and alone == 0
    and abs(product / 1e-12 - 1) < 1e-6
)
sys.exit(0 if right else "no longer as described")
PYTHON
