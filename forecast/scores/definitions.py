"""What each score is, in words: printed with the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """A measure: its name in tables, what it is, its range, whether lower or higher is better, its source."""

    heading: str
    text: str
    span: str
    better: str
    source: str


MEASURES: Mapping[str, Definition] = {
    "brier": Definition(
        "Brier 0-1",
        "(p - o)^2 of yes or no; of several states half of the summed form",
        "0 to 1; always 1/2: .25",
        "lower",
        "Brier (1950), halved",
    ),
    "brier_sum": Definition(
        "Brier 0-2",
        "sum over the options, yes and no or the states, of (p - o)^2",
        "0 to 2; always 1/2: .5",
        "lower",
        "Brier (1950)",
    ),
    "log": Definition(
        "log",
        "-ln of the probability of what came true; infinite where that was 0, and then also with "
        "probabilities moved into [.01, .99] and [.001, .999]",
        "0 to infinity; always 1/2: .693",
        "lower",
        "Good (1952)",
    ),
    "rps": Definition(
        "RPS",
        "ranked probability score of ordered states: squared distances of cumulated probabilities, divided by K - 1",
        "0 to 1",
        "lower",
        "Epstein (1969), Murphy (1971)",
    ),
    "crps": Definition(
        "CRPS",
        "continuous ranked probability score of the empirical distribution of draws, in the quantity's unit",
        "0 to infinity",
        "lower",
        "Matheson and Winkler (1976)",
    ),
    "crps_fair": Definition(
        "fair CRPS",
        "CRPS of draws without what their small number adds: an unbiased estimate for the distribution they come from, "
        "if they are independent; none of a single draw",
        "0 to infinity",
        "lower",
        "Ferro (2014)",
    ),
    "crps_quantiles": Definition(
        "CRPS of quantiles",
        "twice the mean pinball loss over the stated levels, an approximation of the CRPS, in the quantity's unit; "
        "to be compared between equal levels alone",
        "0 to infinity",
        "lower",
        "Bracher et al. (2021)",
    ),
    "baseline": Definition(
        "baseline",
        "100 ln(p K) / ln K of the probability of what came true among K options; yes or no: 100 (1 + log2 p)",
        "minus infinity to 100; equal probabilities: 0",
        "higher",
        "Metaculus",
    ),
    "peer": Definition(
        "peer",
        "100 N/(N-1) ln(p / geometric mean of all N) among those who forecast the question at that time; "
        "those of a question add up to 0",
        "unbounded; like the others: 0",
        "higher",
        "Metaculus",
    ),
    "auc": Definition(
        "AUC",
        "chance that a forecast of a question that came true is above one of a question that did not, ties half",
        "0 to 1; blind: .5",
        "higher",
        "Mason and Graham (2002)",
    ),
    "corp": Definition(
        "CORP",
        "Brier 0-1 of all yes-or-no forecasts = MCB - DSC + UNC: miscalibration (lower is better), discrimination "
        "(higher is better), uncertainty of the outcomes; recalibrated by pooling adjacent violators",
        "0 to 1 each",
        "lower",
        "Dimitriadis, Gneiting and Jordan (2021)",
    ),
    "skill": Definition(
        "skill",
        "1 - S / S of the benchmark, on the questions that both answered, each over the time that both forecasts "
        "stood; quantiles at the levels that both state",
        "minus infinity to 1; like the benchmark: 0",
        "higher",
        "Murphy (1988)",
    ),
}

TIMINGS: Mapping[str, str] = {
    "each": "mean over all forecasts, each counted once",
    "spot": "mean over questions of the score of the forecast that stands at the close",
    "time_weighted": "mean over questions of the mean over time; a forecast stands until the forecaster's next one or "
    "the close. Baseline and peer: over the whole window, to the scheduled close where one is given, 0 before the "
    "first forecast and after an early close, so that coverage counts",
    "daily": "mean over questions of the mean over UTC days of the day's latest standing forecast, from the first on "
    "(with Brier 0-2 as the Good Judgment Project did)",
    "shared_time": "mean over questions that both answered of the mean over the time that both forecasts stand; where "
    "that is the close alone, the score there",
}

GROUPINGS: Mapping[str, str] = {
    "forecaster": "everything of one forecaster",
    "topic": "a forecaster's questions of one topic",
    "horizon": "a forecaster's forecasts by the days from forecast to close",
    "pair": "a forecaster and a benchmark, on the questions that both answered",
}
