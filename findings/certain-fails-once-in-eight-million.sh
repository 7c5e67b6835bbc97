#!/usr/bin/env bash
# What is certain fails with probability 1.2e-7 to a Bernoulli distribution: a world that is ruled out can win.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    numpyro==0.22.0 jax==0.12.0.1 jaxlib==0.12.0.1 numpy==2.5.5 scipy==1.18.1

cd "$scratch"
JAX_PLATFORMS=cpu venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from math import exp, inf

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer.util import log_density


def model(event, as_categorical):
    """An event of one half; if it is so nothing is denied, for certain; and a report that all but needs the event."""
    numpyro.sample("event", dist.Bernoulli(0.5), obs=event)
    silent = jnp.where(event == 1, 1.0, 0.5)
    of_silence = dist.Categorical(jnp.stack([1 - silent, silent])) if as_categorical else dist.Bernoulli(silent)
    numpyro.sample("silence", of_silence, obs=0)
    numpyro.sample("told", dist.Bernoulli(jnp.where(event == 1, 0.5, 1e-9)), obs=1)


def posterior(as_categorical):
    """Return P(event), given a denial and the report, by enumeration of its two states."""
    if_not, if_so = (exp(float(log_density(model, (state, as_categorical), {}, {})[0])) for state in (0, 1))
    return if_so / (if_so + if_not)


print(f"package:  numpyro {version('numpyro')}, single precision, which is its default")
print("expected: a Bernoulli distribution gives 1 less its probability to 0, and so does the same as a categorical one")
logs = {}
for p in (0.5, 0.75, 1.0):
    plain, categorical = dist.Bernoulli(p), dist.Categorical(jnp.array([1 - p, p]))
    logs[p] = float(plain.log_prob(0)), float(categorical.log_prob(0))
    print(f"seen:     log P(0) where P(1) is {p}: {logs[p][0]:.4f}, as a categorical distribution {logs[p][1]:.4f}")
tiny = float(dist.Bernoulli(0.0).log_prob(1))
print(f"seen:     log P(1) where P(1) is 0: {tiny:.4f}")
found, due = posterior(as_categorical=False), posterior(as_categorical=True)
print(f"seen:     an event that has been ruled out by a denial, after one more report: {found:.4f}, with categorical distributions {due}")
right = (
    all(abs(logs[p][0] - logs[p][1]) < 1e-6 for p in (0.5, 0.75))
    and abs(logs[1.0][0] + 15.9424) < 1e-3
    and logs[1.0][1] == -inf
    and tiny > -100
    and found > 0.9
    and due == 0
)
sys.exit(0 if right else "no longer as described")
PYTHON
