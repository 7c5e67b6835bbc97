"""Statements as numbers on the log-odds scale."""

from __future__ import annotations

from datetime import date
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.sampling.readings import numbers, read_at
from forecast.workspace.fits import FITS, FitKind, fit_quantiles, interval_sd, read_word, t4_quantile
from forecast.workspace.records import (
    Count,
    Distribution,
    MoreLikelyThan,
    Per,
    Probability,
    Quantiles,
    Reading,
    Times,
    Word,
)
from forecast.workspace.statement_forms.form import CountedCases, Numbers, Ordered, StatedDistribution, StatedNumber
from tests.worlds import HORIZON, OPENS, event, network, statement, target, workspace

NET = network(event("one", states=["no", "some", "all"]))
ABOUT, OTHER = target("one", "all"), target("one", "some")


def read(reading: Reading, coded_by: str | None = None) -> Numbers:
    """The numbers of one statement; the expert's own sd is 0.8."""
    made = statement("s", ABOUT, reading, coded_by=coded_by)
    return numbers(made, workspace(NET).experts, NET)


def logit(p: float) -> float:
    """Log-odds."""
    return log(p) - log(1.0 - p)


def point(probability: float, sd: float) -> tuple[float, float, bool]:
    """A number on the log-odds scale, its sd, and that it is of odds."""
    return logit(probability), sd, True


def parts(said: Numbers) -> tuple[float, float, bool]:
    """The same of a reading."""
    assert isinstance(said, StatedNumber)
    return said.location, said.scale, said.of_odds


@given(st.floats(1e-6, 1.0 - 1e-6))
def test_quantile_of_t(p: float) -> None:
    """The closed form is the quantile of Student's t with 4 degrees of freedom."""
    assert stats.t.ppf(p, 4) == pytest.approx(t4_quantile(p), rel=1e-7, abs=1e-7)


def test_ninety_percent_interval() -> None:
    """At 90 % the interval is 2 x 2.132 sds wide in log-odds."""
    assert 1.0 / (2.0 * 2.132) == pytest.approx(interval_sd(0.0, 1.0, 0.9), abs=1e-4)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_probability_with_an_interval(level: float) -> None:
    """The scale is the one whose central interval has the stated width."""
    said = read(Probability(0.65, 0.25, 0.92, level, None))
    width = logit(0.92) - logit(0.25)
    scale = width / (2.0 * float(stats.t.ppf((1.0 + level) / 2.0, 4)))
    assert isinstance(said, StatedNumber)
    assert (logit(0.65), scale, True, None) == pytest.approx((said.location, said.scale, said.of_odds, said.against))


def test_point_with_an_sd_or_without() -> None:
    """A point has its own sd, or the expert's."""
    assert point(0.3, 0.4) == pytest.approx(parts(read(Probability(0.3, None, None, 0.9, 0.4))))
    assert point(0.3, 0.8) == pytest.approx(parts(read(Probability(0.3, None, None, 0.9, None))))


@pytest.mark.parametrize("fit", FITS)
def test_quantiles(fit: FitKind) -> None:
    """Quantiles are the t that was fitted to them; an editor's are no narrower than other numbers of an editor."""
    points = ((0.25, 0.5), (0.5, 0.55), (0.75, 0.6))
    found = fit_quantiles(points, fit)
    assert (found.location, found.scale, True) == parts(read(Quantiles(points, fit)))
    assert (found.location, 1.0, True) == parts(read(Quantiles(points, fit), "editor"))


def test_two_quantiles_are_the_interval() -> None:
    """Two quantiles that lie evenly about a best value say what the interval says."""
    low, high = 0.2, 0.6
    best = 1.0 / (1.0 + exp(-(logit(low) + logit(high)) / 2.0))
    as_interval = parts(read(Probability(best, low, high, 0.8, None)))
    assert as_interval == pytest.approx(parts(read(Quantiles(((0.1, low), (0.9, high)), "logit"))))


def test_an_editor_s_number_is_wide() -> None:
    """A number that somebody else put on an expert's words has an sd of at least one."""
    assert point(0.3, 1.0) == pytest.approx(parts(read(Probability(0.3, None, None, 0.9, 0.4), "editor")))
    assert point(0.3, 1.7) == pytest.approx(parts(read(Probability(0.3, None, None, 0.9, 1.7), "editor")))
    assert StatedDistribution((0.2, 0.5, 0.3), 1.0) == read(
        Distribution({"no": 0.2, "some": 0.5, "all": 0.3}, 0.6), "editor"
    )


def test_word() -> None:
    """A word is the interval of its scale."""
    band = read_word("likely", "icd203")
    as_interval = read(Probability(band.best, band.low, band.high, band.level, None))
    assert as_interval == read(Word("likely", "icd203"))


@pytest.mark.parametrize("of_odds", [False, True])
def test_ratio(of_odds: bool) -> None:
    """A ratio is a difference of logs, its interval one of logs."""
    said = read(Times(OTHER, 3.0, 1.5, 6.0, 0.9, of_odds))
    assert StatedNumber(log(3.0), interval_sd(log(1.5), log(6.0), 0.9), of_odds, OTHER) == said
    assert StatedNumber(log(3.0), 0.8, of_odds, OTHER) == read(Times(OTHER, 3.0, None, None, 0.9, of_odds))


@pytest.mark.parametrize(
    ("per", "opportunities", "exponent"),
    [("window", None, 1.0), ("year", None, 365.25 / 730.0), ("opportunity", 4.0, 0.25)],
)
def test_count(per: Per, opportunities: float | None, exponent: float) -> None:
    """One case has probability 1 - (1 - g)^exponent: of the window, a year of it, or one of m opportunities."""
    assert (HORIZON - OPENS).days == 730
    assert CountedCases(1, 7, exponent) == read(Count(1, 7, per, opportunities))


def test_order_and_distribution() -> None:
    """An order has no number; a distribution keeps the order of the states."""
    assert Ordered(OTHER, 0.8) == read(MoreLikelyThan(OTHER))
    assert StatedDistribution((0.2, 0.5, 0.3), 0.6) == read(Distribution({"no": 0.2, "some": 0.5, "all": 0.3}, 0.6))


def test_what_the_author_knew() -> None:
    """Editors, counts and statements from before the opening are read at the opening, others on their date."""
    later, before = date(2025, 5, 1), date(2024, 5, 1)
    assert later == read_at(statement("s", ABOUT, 0.3, day=later), NET)
    assert OPENS == read_at(statement("s", ABOUT, 0.3, day=OPENS), NET)
    assert read_at(statement("s", ABOUT, 0.3, day=before), NET) is None
    assert read_at(statement("s", ABOUT, 0.3, day=later, expert="editors"), NET) is None
    assert read_at(statement("s", ABOUT, Count(1, 7, "window", None), day=later), NET) is None
