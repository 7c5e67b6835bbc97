"""How good and how fast pools are, on simulated panels whose overlap of information is known.

    python -m benchmarks.pool [PANELS [KIND ...]]

PANELS of each kind, or of the kinds with these numbers (from 0).

Truth is a sum of facts. Each expert knows each fact that is out with a probability, the overlap: two experts share
overlap^2 of the facts, and one knows `overlap` of them. What an expert says is the log-odds of what they know, with
slips. Five kinds: few questions to many experts at once; many forecasters who return now and then while facts come
out; a small panel that reads the same news; 103 questions to experts who each answer some; and as markets are, a
handful of prices that know nearly all that is out, move often, and stay a little too near to even odds. Scores are
expected ones, given all facts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import table
from forecast.scoring.pool import HIERARCHICAL, PLAIN_POOLS, Pool, expit, pool
from forecast.scoring.world import ExpertForecast, ForecastTable
from forecast.workspace.problems import Source

Array = NDArray[np.float64]

TABLES = 4  # of each kind
FACTS = 40


@dataclass(frozen=True)
class Kind:
    """How a panel is.

    `knowable` is the sd of the log-odds of a question if all facts are known, `overlap` the chance that an expert knows
    a fact, `slips` the sd of what an expert says around what the expert knows, `returns` how often an expert says
    something on a question at most, while facts come out, `temper` by what experts multiply their log-odds.
    """

    name: str
    questions: int
    experts: int
    share_answered: float
    knowable: float
    overlap: float
    slips: float
    returns: int = 1
    temper: float = 1.0
    base_rate: float = 0.0


KINDS = (
    Kind("few questions, many experts, once", 25, 25, 1.0, 2.0, 0.55, 0.9, base_rate=0.0),
    Kind("many forecasters, returning", 80, 120, 0.12, 3.0, 0.6, 0.7, returns=4, base_rate=-1.0),
    Kind("small panel, the same news", 50, 8, 0.8, 1.8, 0.9, 0.5),
    Kind("103 questions, each to some experts", 103, 40, 0.3, 2.0, 0.55, 0.9),
    Kind("as markets are", 60, 6, 0.9, 2.5, 0.85, 0.3, returns=6, temper=0.9, base_rate=-0.5),
)


def simulated(kind: Kind, seed: int, *, with_outcomes: bool) -> tuple[ForecastTable, dict[str, float]]:
    """Draw a panel; return its table and the probability of each question given all facts."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    facts = rng.normal(0.0, kind.knowable / np.sqrt(FACTS), (kind.questions, FACTS))
    out = (
        np.sort(rng.uniform(0.0, 100.0, (kind.questions, FACTS)), axis=1) if kind.returns > 1 else np.zeros_like(facts)
    )
    truth = kind.base_rate + facts.sum(axis=1)
    happened = rng.uniform(size=kind.questions) < expit(truth)
    care = kind.slips * np.exp(rng.normal(0.0, 0.3, kind.experts))
    rows = []
    for e in range(kind.experts):
        for q in range(kind.questions):
            if rng.uniform() >= kind.share_answered:
                continue
            knows = rng.uniform(size=FACTS) < kind.overlap
            lasting = rng.normal(0.0, np.sqrt(0.75))
            days = np.sort(rng.uniform(0.0, 100.0, rng.integers(1, kind.returns + 1))) if kind.returns > 1 else [0.0]
            for day in days:
                known = knows & (out[q] <= day)
                unknown = np.square(kind.knowable) / FACTS * (FACTS - known.sum())
                # Log-odds of what is known: those of the rest averaged over, as a probit does it.
                best = (kind.base_rate + facts[q, known].sum()) / np.sqrt(1.0 + unknown * np.pi / 8.0)
                said = kind.temper * best + care[e] * (lasting + rng.normal(0.0, 0.5))
                rows.append((e, q, float(day), float(np.clip(expit(said), 0.005, 0.995))))
    return _table(rows, happened if with_outcomes else None), {
        _question(q): float(p) for q, p in enumerate(expit(truth))
    }


def _question(q: int) -> str:
    return f"q{q:03}"


def _table(rows: list[tuple[int, int, float, float]], happened: NDArray[np.bool_] | None) -> ForecastTable:
    last: dict[int, float] = {}
    latest: dict[tuple[int, int], float] = {}
    for e, q, day, _ in rows:
        last[q] = max(day, last.get(q, 0.0))
        latest[e, q] = day
    questions = {_question(q): None if happened is None else int(happened[q]) for q in sorted(last)}
    made = [
        (
            day == latest[e, q],
            ExpertForecast(
                expert=f"e{e:03}", question=_question(q), best=p, age=last[q] - day, outcome=questions[_question(q)],
                source=Source("", 1),
            ),
        )
        for e, q, day, p in rows
    ]  # fmt: skip
    return ForecastTable(
        path="",
        forecasts=tuple(row for is_latest, row in made if is_latest),
        earlier=tuple(row for is_latest, row in made if not is_latest),
        questions=questions,
        warnings=(),
    )


def scored(kind: Kind, seed: int, *, with_outcomes: bool) -> tuple[dict[str, float], Pool]:
    """Pool one panel; return the expected Brier score of every pool, and the pool."""
    found, truth = simulated(kind, seed, with_outcomes=with_outcomes)
    pooled = pool(found, 1, lambda _doing: None)
    p = np.array([truth[question.name] for question in pooled.questions])
    said = {name: np.array([question.to_score[name] for question in pooled.questions])
            for name in (HIERARCHICAL, *PLAIN_POOLS)}  # fmt: skip
    return {name: float((np.square(of - p) + p * (1.0 - p)).mean()) for name, of in said.items()}, pooled


def main(tables: int, kinds: Sequence[Kind] = KINDS) -> None:
    """Print the mean expected Brier score of all pools by kind, without outcomes and with them."""
    names = (HIERARCHICAL, *PLAIN_POOLS)
    rows = [
        (
            "kind of panel",
            "outcomes",
            *names,
            "pool less best",
            "its error",
            "stretch",
            "R-hat",
            "ESS",
            "refits",
            "cpu s",
        )
    ]
    for kind in kinds:
        for with_outcomes in (False, True):
            start = time.process_time()
            found = [scored(kind, seed, with_outcomes=with_outcomes) for seed in range(tables)]
            seconds = (time.process_time() - start) / tables
            mean = {name: float(np.mean([one[name] for one, _ in found])) for name in names}
            best = min(PLAIN_POOLS, key=mean.__getitem__)
            less = np.array([one[HIERARCHICAL] - one[best] for one, _ in found])
            error = f"{less.std(ddof=1) / np.sqrt(tables):.4f}" if tables > 1 else ""
            pools = [one for _, one in found]
            rows.append(
                (
                    kind.name,
                    "known" if with_outcomes else "",
                    *(f"{mean[name]:.4f}" for name in names),
                    f"{less.mean():+.4f}",
                    error,
                    f"{np.mean([one.stretch.mean for one in pools]):.2f}",
                    f"{max(one.diagnostics['r_hat_max'] for one in pools):.3f}",
                    f"{min(one.diagnostics['ess_bulk_min'] for one in pools):.0f}",
                    str(sum(left.refitted for one in pools for left in one.left_out.by_question.values())),
                    f"{seconds:.0f}",
                )
            )
            print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
    table(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else TABLES, [KINDS[int(number)] for number in sys.argv[2:]] or KINDS)
