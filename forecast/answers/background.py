"""What is settled and stated, without any report: draws of a network to ask reports of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, alive_slices, factors, varying_axes
from forecast.compiled.reports import Report
from forecast.inference.batch import joints, log_evidence
from forecast.inference.elimination import Plan, plan
from forecast.reweight.posterior import Posterior
from forecast.reweight.psis import effective_size, smooth

Array = NDArray[np.float64]
Scope = tuple[int, ...]


class Background:
    """The forecast's draws, weighted as if nothing had been reported but what is settled.

    Every source stands at its prior mean. `told` are the reports that still tell states apart, in the order of the
    network's; `weights` (draws) are proportional to P(settled | theta) over what the draws knew, smoothed.
    """

    def __init__(self, found: Posterior, every: int = 1) -> None:
        self.network = found.asked.network
        self.theta = np.ascontiguousarray(found.draws.theta[:, ::every])
        bare: AsOfNetwork = replace(self.network, reports=(), fixed=(), log_fixed=0.0)
        self.tables, offset = factors(bare, self.theta)
        cut = [_cut(self.network, report) for report in self.network.reports]
        varying = [i for i, (scope, _) in enumerate(cut) if scope]
        self.told = tuple(self.network.reports[i] for i in varying)
        self._tables = [cut[i][1] for i in varying]
        with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
            self._logs = [np.log(table) for table in self._tables]
        self.scopes = tuple(dict.fromkeys(cut[i][0] for i in varying))
        self._place = [self.scopes.index(cut[i][0]) for i in varying]
        self.plan: Plan = plan(self.network.cards, [*bare.scopes, *self.scopes])
        self.silent = log_evidence(self.plan, self.factors(()))
        smoothed = smooth(self.silent + offset - found.log_anchor[::every])
        self.weights, self.pareto_k = smoothed
        self.effective_size = effective_size(self.weights)

    def table(self, i: int) -> Array:
        """Return P(report i | states of its scope), alive states, over the events that it still tells apart."""
        return self._tables[i]

    def place(self, i: int) -> int:
        """Return which of `scopes` report i speaks of."""
        return self._place[i]

    def factors(self, kept: Collection[int]) -> list[Array]:
        """Return the factors of `plan` with some reports (places in `told`) and no others, each scope's largest 1."""
        return [*self.tables, *(table[..., np.newaxis] for table, _ in self._reported(kept))]

    def _reported(self, kept: Collection[int]) -> list[tuple[Array, float]]:
        """Multiply reports scope by scope; return each product, its maximum taken out, and the log of that."""
        logs = [np.zeros([self.network.cards[v] for v in scope]) for scope in self.scopes]
        for i in kept:
            logs[self._place[i]] = logs[self._place[i]] + self._logs[i]
        return [scaled(log_table) for log_table in logs]

    def log_given(self, kept: Collection[int]) -> Array:
        """Compute log P(these reports | settled, theta_d) (draws)."""
        spent = sum(peak for _, peak in self._reported(kept))
        return log_evidence(self.plan, self.factors(kept)) + spent - self.silent

    def chances(self, given: int | None = None) -> Array:
        """Compute P(report | settled, one other report or none, theta_d) for every report (reports, draws)."""
        wanted = range(len(self.tables), len(self.tables) + len(self.scopes))
        _, joint = joints(self.plan, self.factors(() if given is None else (given,)), wanted)
        rows = []
        for i, table in enumerate(self._tables):
            of = joint[self._place[i]]
            rows.append((table[..., np.newaxis] * of).reshape(-1, of.shape[-1]).sum(axis=0))
        return np.stack(rows) if rows else np.zeros((0, self.theta.shape[1]))


def scaled(log_table: Array) -> tuple[Array, float]:
    """Return the exponentials of a table of logs without its maximum, and the maximum (0 where nothing is possible)."""
    peak = float(log_table.max(initial=-np.inf))
    peak = peak if peak > -np.inf else 0.0
    return np.exp(log_table - peak), peak


def _cut(network: AsOfNetwork, report: Report) -> tuple[Scope, Array]:
    """Return the events that a report still tells apart, and its table over their alive states."""
    table = report.table[alive_slices(network.alive, report.scope)]
    axes = varying_axes(table)
    flat = tuple(slice(None) if axis in axes else 0 for axis in range(table.ndim))
    return tuple(report.scope[axis] for axis in axes), table[flat] if table.size else table
