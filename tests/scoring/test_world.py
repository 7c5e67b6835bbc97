"""A table as the numbers of a panel: what each row becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from forecast.scoring.world import DEFAULT_SD, ExpertForecast, ForecastTable, as_panel
from forecast.workspace.fits import interval_sd, logit
from forecast.workspace.problems import Source

HERE = Source("t.csv", 2)


def _row(expert: str, question: str, group: str | None = None) -> ExpertForecast:
    return ExpertForecast(expert=expert, question=question, best=0.3, group=group, source=HERE)


def _table(
    rows: tuple[ExpertForecast, ...], outcomes: Mapping[str, int | None], earlier: tuple[ExpertForecast, ...] = ()
) -> ForecastTable:
    return ForecastTable(path="t.csv", forecasts=rows, earlier=earlier, questions=outcomes, warnings=())


def test_a_row_is_a_reading() -> None:
    """A row becomes log-odds with a variance by its interval and weight; a row without an interval has variance 1."""
    wide = replace(_row("bob", "rain?"), low=0.2, high=0.5, level=0.8, weight=2.0)
    panel = as_panel(_table((_row("ann", "rain?"), wide), {"rain?": 1})).panel
    sd = interval_sd(logit(0.2), logit(0.5), 0.8)
    assert [1.0, (1.0 + sd**2) / (1.0 + DEFAULT_SD**2) / 2.0] == pytest.approx(panel.variance)
    assert ([logit(0.3)] * 2, [1.0]) == (panel.said.tolist(), panel.outcome.tolist())


def test_earlier_forecasts_belong_to_their_pair() -> None:
    """All forecasts of an expert on a question are one pair, and keep their age."""
    before = tuple(replace(_row("ann", "rain"), age=age) for age in (4.0, 2.0))
    panel = as_panel(_table((_row("ann", "rain"), _row("bob", "rain")), {"rain": None}, before)).panel
    assert ([0, 0, 0, 1], [0.0, 2.0, 4.0, 0.0]) == (panel.pair_of.tolist(), panel.age.tolist())
    assert ([0, 1], True) == (panel.expert.tolist(), bool(np.isnan(panel.outcome).all()))


def test_who_shares_a_deviation() -> None:
    """Two of one group share it on a question that both answer; one of a group, or without a group, shares nothing."""
    rows = (_row("ann", "q", "met"), _row("bob", "q", "met"), _row("met", "q"), _row("ann", "r", "met"))
    panel = as_panel(_table(rows, {"q": None, "r": None})).panel
    assert ([0, -1, 0, -1], 1) == (panel.shared.tolist(), panel.n_shared)
