"""A pool of 300 experts on 100 questions, without outcomes and with them. At most 60 s asked for the fit.

    python benchmarks/pool.py [EXPERTS QUESTIONS]

The first, small fit fills the caches of compiled code and is not shown. Refits without single outcomes are
not run here: each takes as long as the fit.
"""

from __future__ import annotations

import sys
import time
from datetime import date

import numpy as np

from benchmarks.measured import table
from forecast.scoring.pool import Pool, pool
from forecast.scoring.world import ExpertForecast, ForecastTable
from forecast.workspace.problems import Source

LIMIT = 60.0
EXPERTS, QUESTIONS = 300, 100
DAY = date(2026, 1, 1)


def simulated(n_experts: int, n_questions: int, *, with_outcomes: bool) -> ForecastTable:
    """Return a table in which everybody answers everything, each with a noise of their own."""
    rng = np.random.default_rng(1)
    logit = rng.normal(0.0, 1.5, n_questions)
    outcome = (rng.uniform(size=n_questions) < 1.0 / (1.0 + np.exp(-logit))).astype(int)
    scale = np.hypot(0.5, np.abs(rng.normal(0.0, 0.5, n_experts)))
    said = logit + scale[:, np.newaxis] * rng.standard_t(4, (n_experts, n_questions))
    p_event = 1.0 / (1.0 + np.exp(-said))
    questions = {f"q{q:03}": int(outcome[q]) if with_outcomes else None for q in range(n_questions)}
    rows = tuple(
        ExpertForecast(expert=f"e{e:03}", question=name, best=float(p_event[e, q]), outcome=known, source=Source("", 1))
        for e in range(n_experts)
        for q, (name, known) in enumerate(questions.items())
    )
    return ForecastTable(path="", forecasts=rows, questions=questions, warnings=())


def main(n_experts: int, n_questions: int) -> None:
    """Print the seconds of both pools and how well they were sampled."""

    def pooled(n: int, m: int, *, with_outcomes: bool) -> Pool:
        found = simulated(n, m, with_outcomes=with_outcomes)
        return pool(found, DAY, 1, lambda _doing: None, refit=False)

    rows = [
        (
            f"{n_experts} experts x {n_questions} questions",
            f"fit, s (limit {LIMIT:g})",
            "of processor",
            "leave out, s",
            "R-hat",
            "ESS",
        )
    ]
    for name, with_outcomes in (("no outcome known", False), ("all outcomes known", True)):
        pooled(12, 12, with_outcomes=with_outcomes)
        start = time.process_time()
        found = pooled(n_experts, n_questions, with_outcomes=with_outcomes)
        # Beside the wall time: it is what the fit costs where other work runs too, on all cores together.
        processor = f"{time.process_time() - start:.1f}"
        # Chains that do not agree are drawn longer, which is part of the seconds.
        quality = (f"{found.diagnostics['r_hat_max']:.3f}", f"{found.diagnostics['ess_bulk_min']:.0f}")
        rows.append(
            (name, f"{found.seconds_fitting:.1f}", processor, f"{found.left_out.seconds_weighing:.1f}", *quality)
        )
    table(rows)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given) if given else main(EXPERTS, QUESTIONS)
