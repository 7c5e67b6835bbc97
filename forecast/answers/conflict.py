"""How surprising the evidence is under the model: as a whole, in pairs of items, and against what was stated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, alive_slices, factors
from forecast.compiled.reports import Report
from forecast.inference.batch import log_evidence, solve
from forecast.inference.elimination import plan
from forecast.prior.draws import load_fit
from forecast.prior.residuals import statement_columns
from forecast.record.outcome import Outcome
from forecast.workspace.log_odds import expit, t4_quantile
from forecast.workspace.records import Times

Array = NDArray[np.float64]
Row = dict[str, Any]
Progress = Callable[[str], None]

DRAWS = 200  # of the statements' draws, for the pairs
LEAST = 0.01  # decibans; a report that says less by now makes no pair worth telling
DECIBANS = 10.0 / log(10.0)  # of one natural logarithm


def conflict(found: Outcome, top: int, progress: Progress) -> Row:
    """Measure how far the reports disagree with each other, under the statements and what is settled.

    Args:
        found: the forecast.
        top: pairs told on each side.
        progress: is told how far it is.

    Returns:
        `reports` (number), `conflict` (decibans: log of the product of the single reports' probabilities over their
        joint probability, above zero if they are less probable together than they would be independently), `items`
        (each report's own part: its probability given the settled items against that given all other reports too),
        `statements` (see there; the first `top`), `fights` and `supports` (the strongest pairs: items, decibans,
        `copies`: of one group).

    Every source stands at its prior mean: what is measured is disagreement about the events. A report's probability is
    known up to a factor of its own, which cancels.

    Source: Jensen, Chamberlain, Nordahl and Jensen (1991), "Analysis in HUGIN of data conflict".
    """
    background = _Background(found)
    reports = background.network.reports
    single = {report.item: background.log_probability([report]) for report in reports}
    joint = background.log_probability(reports)
    items = []
    for place, report in enumerate(reports):
        progress(f"leaving out one report after the other: {100 * place // len(reports)} %")
        others = background.log_probability([other for other in reports if other is not report])
        # log P(i) - log P(i | all others)
        items.append({"item": report.item, "decibans": DECIBANS * (single[report.item] - (joint - others))})
    pairs = background.pairs(progress)
    ranked = sorted(pairs, key=lambda row: (-row["decibans"], row["items"]))
    return {
        "reports": len(reports),
        "conflict": DECIBANS * (sum(single.values()) - joint),
        "items": sorted(items, key=lambda row: (-row["decibans"], row["item"])),
        "statements": statements(found)[:top],
        "fights": [row for row in ranked if row["decibans"] > 0.0][:top],
        "supports": [row for row in reversed(ranked) if row["decibans"] < 0.0][:top],
    }


def statements(found: Outcome) -> list[Row]:
    """Hold each stated probability against what the evidence made of it: refuted ones first, then those moved most.

    Each: `statement`, `expert`, `stated` (low, middle and high of the 90 % interval), `before` and `after` (what the
    model implies for it, in the world as its author could know it: mean log-odds over the draws as a probability,
    without and with the evidence) and `refuted`: before lies in the interval and after does not.
    """
    spec, of = found.posterior.spec, found.posterior
    if not spec.statement_ids:
        return []
    said = {statement.id: statement for statement in found.workspace.statements}
    before = _quantities(of.base.folder).mean(axis=0)
    after = of.weights.weights @ _quantities(of.draws.folder)
    rows = []
    for name, column in statement_columns(spec).items():
        at = column[0]
        if at >= spec.stated.location.size or isinstance(said[name].reading, Times):
            continue
        half, middle = t4_quantile(0.95) * float(spec.stated.scale[at]), float(spec.stated.location[at])
        was, now = (float(values[at]) for values in (before, after))
        row = {
            "statement": name,
            "expert": said[name].expert,
            "stated": [expit(middle + sign * half) for sign in (-1, 0, 1)],
            "before": expit(was),
            "after": expit(now),
            "refuted": abs(was - middle) <= half < abs(now - middle),
        }
        rows.append((row["refuted"], abs(now - was), name, row))
    return [row for *_, row in sorted(rows, key=lambda row: (not row[0], -row[1], row[2]))]


def _quantities(folder: Path) -> Array:
    """Return what the statements read in each draw (draws, quantities)."""
    kept = load_fit(folder)[0]["quantity"]
    return kept.reshape(-1, kept.shape[-1])


class _Background:
    """The statements and what is settled, without any report: weighted draws of a network to ask reports of."""

    def __init__(self, found: Outcome) -> None:
        theta = found.posterior.base.theta
        self.theta = np.ascontiguousarray(theta[:, :: max(1, theta.shape[1] // DRAWS)])
        self.network = found.posterior.asked.network
        self.groups = {item.id: item.group for item in found.workspace.items}
        bare: AsOfNetwork = replace(self.network, reports=(), fixed=(), log_fixed=0.0)
        self.tables, self.offset = factors(bare, self.theta)
        self.scopes = bare.scopes
        self.silent = self._log_evidence([])

    def _log_evidence(self, reports: Sequence[Report]) -> Array:
        order = plan(self.network.cards, [*self.scopes, *(report.scope for report in reports)])
        return log_evidence(order, [*self.tables, *(self._table(report) for report in reports)]) + self.offset

    def _table(self, report: Report) -> Array:
        return report.table[alive_slices(self.network.alive, report.scope)][..., np.newaxis]

    def log_probability(self, reports: Sequence[Report]) -> float:
        """Compute log P(reports | settled items, statements), averaged over the draws."""
        together = self._log_evidence(reports)
        return float(np.logaddexp.reduce(together) - np.logaddexp.reduce(self.silent))

    def span(self, report: Report) -> float:
        """Return by how many decibans a report tells states apart: no pair with it can be further from none."""
        table = self._table(report)
        return DECIBANS * float(np.log(table.max() / low)) if (low := table.min()) > 0.0 else np.inf

    def pairs(self, progress: Progress) -> list[Row]:
        """Compute 10 log10 [P(i) P(j) / P(i, j)] for every pair of reports that still say something."""
        reports = self.network.reports
        weights = np.exp(self.silent - np.logaddexp.reduce(self.silent))
        given, chances = self._one_by_one(progress)
        rows = []
        spans = [self.span(report) for report in reports]
        for i, j in combinations(range(len(reports)), 2):
            if min(spans[i], spans[j]) < LEAST:
                continue
            one, other = (i, j) if len(reports[j].scope) == 1 else (j, i)
            if len(reports[other].scope) == 1:
                of = reports[other].scope[0]
                then = np.einsum("xd,x->d", given[one][of], self._table(reports[other])[..., 0])
                both = float(weights @ (np.exp(chances[one]) * then))
            else:
                both = float(np.exp(self.log_probability([reports[i], reports[j]])))
            apart = [float(weights @ np.exp(chances[k])) for k in (i, j)]
            names = sorted((reports[i].item, reports[j].item))
            group = self.groups[names[0]]
            rows.append(
                {
                    "items": names,
                    "decibans": DECIBANS * (log(apart[0]) + log(apart[1]) - log(both)),
                    "copies": group is not None and group == self.groups[names[1]],
                }
            )
        return rows

    def _one_by_one(self, progress: Progress) -> tuple[list[tuple[Array, ...]], list[Array]]:
        """Solve with each report alone: every event's posterior (states, draws), and log P(report | draw)."""
        given, chances = [], []
        reports = self.network.reports
        for place, report in enumerate(reports):
            progress(f"asking for one report after the other: {100 * place // len(reports)} %")
            order = plan(self.network.cards, [*self.scopes, report.scope])
            solution = solve(order, [*self.tables, self._table(report)])
            given.append(tuple(marginal[:, 0] for marginal in solution.marginals))
            chances.append(solution.log_evidence + self.offset - self.silent)
        return given, chances
