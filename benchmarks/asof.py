"""The as-of network's rows against simulated histories: the error of its two approximations, in probability.

Continuous time, constant hazards given the parents' present states, half of the window gone without news.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from benchmarks.measured import table
from tests.model.test_simulated_histories import QUIET, chain, chain_chances, joint, simulated_chain


def chain_errors(n: int) -> tuple[int, float, float]:
    """Return how many simulated chains stayed quiet, and the largest errors of a joint state and of one event."""
    times = simulated_chain(n)
    quiet = times[:, (times > QUIET).all(axis=0)] < 1.0
    rule = joint(chain(n), chain_chances(n))
    joint_errors = [
        float(rule[states]) - float((quiet == np.array(states)[:, np.newaxis]).all(axis=0).mean())
        for states in product((0, 1), repeat=n)
    ]
    event_errors = [float(rule.take(1, axis=v).sum()) - float(quiet[v].mean()) for v in range(n)]
    return quiet.shape[1], max(joint_errors, key=abs), max(event_errors, key=abs)


def main() -> None:
    """Print the errors for chains of two to five events, each the parent of the next."""
    rows = [("rule less simulation", "quiet histories", "any joint state", "any event")]
    for n in (2, 3, 4, 5):
        histories, of_joint, of_event = chain_errors(n)
        rows.append((f"chain of {n} events", f"{histories}", f"{of_joint:+.4f}", f"{of_event:+.4f}"))
    table(rows)


if __name__ == "__main__":
    main()
