"""Every measure: what it is in words, at every timing a column of scores, and the groups that are averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecast.scoring.cells import Floats, Ints, Mask, points, ranges, written
from forecast.scoring.rows import KINDS, MICROSECONDS_A_DAY, OUTSIDE, Forecasts, Kind, TableQuestion, resolved
from forecast.scoring.rules import (
    ForecasterAnswers,
    OutcomeLogs,
    bin_of_outcome,
    brier_sum,
    crps_of_distribution,
    crps_of_draws,
    crps_of_quantiles,
    fair_crps_of_draws,
    pinball_loss,
    ranked_probability_score,
    spot_peer,
    time_weighted_peer,
)
from forecast.workspace.problems import Problem, Source, quoted

# What forecasts consist of (options, a number of draws, quantiles at levels), and which cannot be compared.

LEVELS_LISTED = 30  # of a form in a message; of more only the ends are
FORMS_LISTED = 10  # forms in a message; the rest is counted
MEASURE_OF_KIND: Mapping[Kind, str] = {"draws": "crps", "quantiles": "crps_quantiles"}
WHAT = {
    "crps": "numbers of draws differ: scores by crps cannot be compared, for few draws score worse by being few",
    "crps_quantiles": "levels of quantiles differ: scores by crps_quantiles cannot be compared",
}
ALLOWED = {
    "crps": "skill by crps is withheld where they differ; crps_fair compares any numbers of draws from 2 on",
    "crps_quantiles": "skill is computed at the levels that both state, and withheld where there are none",
}


@dataclass(frozen=True)
class ForecastForm:
    """What a forecast consists of: `width` numbers, and their `levels`, rising, if they are quantiles."""

    kind: Kind
    width: int
    levels: tuple[float, ...]

    def __str__(self) -> str:
        if self.kind != "quantiles":
            return f"{self.width} {'draw' if self.width == 1 else 'draws'}"
        if self.width > LEVELS_LISTED:
            return f"{self.width} levels from {self.levels[0]:g} to {self.levels[-1]:g}"
        return ", ".join(f"{level:g}" for level in self.levels)


def alike(forecasts: Forecasts) -> Iterator[tuple[ForecastForm, Ints]]:
    """Yield each form that occurs, and which forecasts have it. Levels are the same as `ties.points` has it."""
    kinds = np.array([KINDS.index(question.kind) for question in forecasts.questions], dtype=np.int64)[
        forecasts.question
    ]
    for kind, name in enumerate(KINDS):
        of_kind = kinds == kind
        for width in np.unique(forecasts.width[of_kind]).tolist():
            chosen = np.flatnonzero(of_kind & (forecasts.width == width))
            if name != "quantiles":
                yield ForecastForm(name, width, ()), chosen
                continue
            levels = forecasts.levels[forecasts.first[chosen, np.newaxis] + np.arange(width)]
            same = points(levels.ravel()).reshape(levels.shape)
            _, group = np.unique(same, axis=0, return_inverse=True)
            order = np.argsort(group, kind="stable")
            for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
                yield ForecastForm(name, width, tuple(levels[members[0]].tolist())), chosen[members]


@dataclass(frozen=True)
class StatedForms:
    """What n forecasts consist of.

    `form` (n,) is a place in `forms`. Of forecasts by quantiles also each of e entries: those of forecast i are
    `first[i]` to `first[i] + width[i]` (width 0 for other kinds); `level` (e,) a place in `levels` (L,), and
    `loss` (e,) twice the pinball loss there.
    """

    form: Ints
    forms: tuple[ForecastForm, ...]
    first: Ints
    width: Ints
    level: Ints
    levels: Floats
    loss: Floats

    @property
    def mixed(self) -> bool:
        """Whether there are quantiles at different levels, or different numbers of draws."""
        kinds = [form.kind for form in self.forms]
        return kinds.count("draws") > 1 or kinds.count("quantiles") > 1


def stated(forecasts: Forecasts) -> StatedForms:
    """Gather what forecasts of resolved questions consist of."""
    forms: list[ForecastForm] = []
    form, width = np.zeros_like(forecasts.width), np.zeros_like(forecasts.width)
    for one, chosen in alike(forecasts):
        form[chosen] = len(forms)
        forms.append(one)
        width[chosen] = one.width if one.kind == "quantiles" else 0
    entries = ranges(forecasts.first, width)
    said = forecasts.levels[entries]
    level = points(said)
    levels = np.zeros(int(level.max(initial=-1)) + 1)
    levels[level] = said
    loss = 2.0 * pinball_loss(forecasts.entries[entries], said, np.repeat(forecasts.outcome, width))
    return StatedForms(form, tuple(forms), np.cumsum(width) - width, width, level, levels, loss)


@dataclass(frozen=True)
class Unlike:
    """More than one form of forecast under one measure, each with the forecasters who use it, and where that shows."""

    measure: str
    forms: tuple[tuple[ForecastForm, tuple[str, ...]], ...]
    source: Source

    @property
    def warning(self) -> Problem:
        """What a user reads."""
        said = [f"{form} by {quoted(names)}" for form, names in self.forms[:FORMS_LISTED]]
        more = [f"{len(self.forms) - FORMS_LISTED} more"] if self.forms[FORMS_LISTED:] else []
        got = " against ".join([*said, *more])
        return Problem(self.source, WHAT[self.measure], got, ALLOWED[self.measure], "warning")


def unlike(forecasts: Forecasts) -> tuple[Unlike, ...]:
    """Return what is unlike among the forecasts of resolved questions: nothing, or one finding a measure."""
    known = resolved(forecasts)
    by_measure: dict[str, list[tuple[ForecastForm, Ints]]] = {}
    for form, chosen in alike(known):
        if form.kind in MEASURE_OF_KIND:
            by_measure.setdefault(MEASURE_OF_KIND[form.kind], []).append((form, chosen))
    return tuple(_found(known, measure, forms) for measure, forms in by_measure.items() if len(forms) > 1)


def _found(known: Forecasts, measure: str, forms: list[tuple[ForecastForm, Ints]]) -> Unlike:
    # In the order of their first rows, as the table has them; the second one is where they begin to differ.
    first_rows = [int(_rows(known, chosen).min()) for _, chosen in forms]
    in_order = np.argsort(first_rows, kind="stable").tolist()
    named = []
    for at in in_order:
        form, chosen = forms[at]
        names = np.unique(known.forecaster[chosen]).tolist()
        named.append((form, tuple(known.forecasters[name] for name in names)))
    return Unlike(measure, tuple(named), known.where[first_rows[in_order[1]]])


def _rows(known: Forecasts, chosen: Ints) -> Ints:
    """Return the row of the first entry of each chosen forecast."""
    return known.rows[known.first[chosen]]


# The scores of each forecast by itself, and warnings of those that are infinite.

# To where others move a probability before they take its logarithm; both have been the limits of Metaculus.
CLIPS = (0.01, 0.001)
OF_NUMBERS = ("crps", "crps_fair", "crps_quantiles", "crps_cdf")
BEYOND = 0.05  # what an even forecast has beyond each end that is open (Metaculus)
WARNINGS_LISTED = 20  # one message each; the rest is counted


@dataclass(frozen=True)
class ForecastScores:
    """Scores of n forecasts, NaN where one does not apply; those of a question with shares are expected ones.

    `p_yes` (n,) and `happened` (n,) are those of questions that resolved to yes or no; `n_options` (n,) how many
    options the forecast gave a probability (NaN for numbers). `scores` holds (n,) by measure, `logs` ln of what was
    given to what came true, by the clip: with probabilities moved into [clip, 1 - clip], and with 0 as they are. Of a
    distribution it is half of that, moved nowhere; `even` (n,) is the same of an even forecast (NaN for all others).
    """

    p_yes: Floats
    happened: Floats
    n_options: Floats
    even: Floats
    scores: Mapping[str, Floats]
    logs: Mapping[float, OutcomeLogs]


def per_forecast(forecasts: Forecasts) -> ForecastScores:
    """Score each forecast of resolved questions.

    Raises:
        ValueError: there is a forecast of a question without an outcome.
    """
    outcome = forecasts.outcome
    is_resolved = np.array([question.resolution == "resolved" for question in forecasts.questions], dtype=bool)
    if not is_resolved[forecasts.question].all():
        msg = "only forecasts of resolved questions can be scored"
        raise ValueError(msg)
    n = forecasts.question.size
    p_yes, n_options, even = (np.full(n, np.nan) for _ in range(3))
    scores = {name: np.full(n, np.nan) for name in ("brier_sum", "log", "rps", *OF_NUMBERS)}
    absent_outcome = np.zeros(n, dtype=bool)
    logs = {clip: OutcomeLogs(np.full(n, np.nan), np.full(n, np.nan), absent_outcome) for clip in (0.0, *CLIPS)}
    is_shared = np.array([bool(question.shares) for question in forecasts.questions], dtype=bool)[forecasts.question]
    ordered = np.array([question.ordered for question in forecasts.questions], dtype=bool)[forecasts.question]
    for form, chosen in alike(forecasts):
        kind = form.kind
        entries = forecasts.entries[forecasts.first[chosen, np.newaxis] + np.arange(form.width)]
        if kind in {"yes_no", "states"}:
            probabilities = np.hstack([1.0 - entries, entries]) if kind == "yes_no" else entries
            shares, absent = _shares(forecasts, chosen, form.width), np.isnan(probabilities)
            n_options[chosen] = form.width if kind == "states" else 2
            other = np.array([question.other for question in forecasts.questions])[forecasts.question[chosen]]
            if absent.any():
                # What was no option at the time is part of `other`, and came true as such (Metaculus).
                n_options[chosen] -= absent.sum(axis=1)
                absent_outcome[chosen] = (absent & (shares > 0.0)).any(axis=1) & ~is_shared[chosen]
                shares[np.arange(chosen.size), other] += np.where(absent, shares, 0.0).sum(axis=1)
                shares[absent] = probabilities[absent] = 0.0
            scores["brier_sum"][chosen] = expected(brier_sum, probabilities, shares)
            for clip, log in logs.items():
                moved = clipped(probabilities, clip)
                log.own[chosen] = -expected(log_of_outcome, moved, shares)
                log.other[chosen] = np.where(other < 0, log.own[chosen], -log_of_outcome(moved, other))
            scores["log"][chosen] = 0.0 - logs[0.0].own[chosen]
            in_order = ordered[chosen]
            if in_order.any():
                ranked = expected(ranked_probability_score, probabilities[in_order], shares[in_order])
                scores["rps"][chosen[in_order]] = ranked
            if kind == "yes_no":
                p_yes[chosen] = np.where(is_shared[chosen], np.nan, entries[:, 0])
        elif kind == "draws":
            scores["crps"][chosen] = crps_of_draws(entries, outcome[chosen])
            scores["crps_fair"][chosen] = fair_crps_of_draws(entries, outcome[chosen])
        elif kind == "distribution":
            for question in np.unique(forecasts.question[chosen]).tolist():
                own = forecasts.question[chosen] == question
                scored = _distribution(forecasts.questions[question], entries[own])
                scores["crps_cdf"][chosen[own]], half_log, even[chosen[own]] = scored
                for log in logs.values():
                    log.own[chosen[own]] = log.other[chosen[own]] = half_log
        else:
            scores["crps_quantiles"][chosen] = crps_of_quantiles(entries, np.array(form.levels), outcome[chosen])
    all_scores = {"brier": scores["brier_sum"] / 2.0, **scores}
    return ForecastScores(p_yes, np.where(np.isnan(p_yes), np.nan, outcome), n_options, even, all_scores, logs)


def _distribution(question: TableQuestion, at_most: Floats) -> tuple[Floats, Floats, float]:
    """Return the CRPS of distribution functions (k, m), half of ln of what each gave to the bin of the outcome (k,).

    And the latter of an even forecast: BEYOND each end that anybody leaves open, and the rest in equal parts between
    the values. Bins with their factor 1/2 are those of Metaculus, whose resolution is one bin of a grid.
    """
    values, outcome = np.array(question.values), float(question.outcome or 0.0)
    crps = crps_of_distribution(values, at_most, outcome, whole_days=question.whole_days)
    place = bin_of_outcome(values, outcome)
    shares = np.diff(at_most, axis=1, prepend=0.0, append=1.0)[:, place]
    n_open = int((at_most[:, 0] > 0.0).any()) + int((at_most[:, -1] < 1.0).any())
    inside = (1.0 - BEYOND * n_open) / (values.size - 1)
    even = BEYOND if place in (0, values.size) else inside
    return crps, -minus_log(shares) / 2.0, float(np.log(even) / 2.0)


def _shares(forecasts: Forecasts, chosen: Ints, width: int) -> Floats:
    """Return the share of each option (k, K) in how the question of each chosen forecast (k,) turned out."""
    options = 2 if width == 1 else width
    known = {}
    for question in np.unique(forecasts.question[chosen]).tolist():
        asked = forecasts.questions[question]
        known[question] = asked.shares or tuple(float(place == asked.outcome) for place in range(options))
    places = {question: place for place, question in enumerate(known)}
    place = np.array([places.get(question, 0) for question in range(len(forecasts.questions))])
    shares: Floats = np.array(list(known.values()), dtype=float).reshape(-1, options)
    return np.asarray(shares[place[forecasts.question[chosen]]], dtype=float)


def expected(rule: Callable[[Floats, Ints], Floats], probabilities: Floats, shares: Floats) -> Floats:
    """Compute the mean of a scoring rule over the options, weighted by the share of each in how it turned out.

    Where one came true it is the rule itself. Of a question that resolved to a share o of "yes" the Brier score is
    o (1 - p)^2 + (1 - o) p^2 = (p - o)^2 + o (1 - o): what p would score on average over questions like it.

    Args:
        rule: of probabilities (k, K) and the places (k,) of what came true.
        probabilities: (k, K).
        shares: (k, K), each row adding up to 1.
    """
    total = np.zeros(probabilities.shape[0])
    for place in range(probabilities.shape[1]):
        chosen = np.flatnonzero(shares[:, place] > 0.0)
        if chosen.size:
            score = rule(probabilities[chosen], np.full(chosen.size, place))
            total[chosen] += shares[chosen, place] * score
    return np.asarray(total)


def log_of_outcome(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute -ln of the probability (k, K) of the place (k,) that came true: infinite where it was ruled out.

    Source: Good (1952).
    """
    return minus_log(probabilities[np.arange(outcome.size), outcome])


def minus_log(p_outcome: Floats) -> Floats:
    """Compute -ln p: infinite where what came true had been ruled out (Good 1952)."""
    with np.errstate(divide="ignore"):  # an infinite score is the score of a certainty that was wrong
        return np.asarray(-np.log(p_outcome) + 0.0)  # + 0: no negative zero for a certainty that was right


def clipped(p_outcome: Floats, clip: float) -> Floats:
    """Move probabilities into [clip, 1 - clip], as others do before they take the logarithm; 0 changes nothing."""
    return np.clip(p_outcome, clip, 1.0 - clip)


def baseline(log_score: Floats, n_options: Floats) -> Floats:
    """Compute the baseline score 100 ln(p K) / ln K: 0 for equal probabilities, 100 for certainty, higher is better.

    With two options it is 100 (1 + log2 p). NaN where the forecast knew a single option.

    Args:
        log_score: (n,) -ln p of what came true.
        n_options: (n,) K.

    Source: Metaculus, scores FAQ.
    """
    several = n_options > 1.0
    return np.where(several, 100.0 * (1.0 - log_score / np.log(np.where(several, n_options, 2.0))), np.nan)


def certainties(forecasts: Forecasts) -> tuple[Problem, ...]:
    """Return a warning for each forecast that gave probability 0 to what came true: its log score is infinite."""
    known = resolved(forecasts)
    wrong = np.flatnonzero(np.isneginf(per_forecast(known).logs[0.0].own))
    allowed = f"it is reported as such, and with probabilities moved into {' and '.join(map(_interval, CLIPS))}"
    warnings = []
    for at in wrong.tolist():
        question = known.questions[known.question[at]]
        first = int(known.first[at])
        if question.kind == "distribution":
            what = "probability 0 of where the outcome lies: baseline and peer scores are infinite"
            got = f"outcome '{outcome_in_words(question)}'"
            told = "they are reported as such; the CRPS is not infinite"
            warnings.append(Problem(known.where[int(known.rows[first])], what, got, told, "warning"))
            continue
        entry, outcome = first, "" if question.outcome is None else f"{question.outcome:g}"
        if question.kind == "states":
            happened = np.flatnonzero(question.shares) if question.shares else np.array([int(question.outcome or 0)])
            places = [int(place) for place in happened if known.entries[first + place] == 0.0]
            place = places[0] if places else question.other
            entry, outcome = first + place, question.options[int(happened[0]) if not question.shares else place]
        what = f"probability {known.entries[entry]:g} and the other outcome: the log score is infinite"
        source = known.where[int(known.rows[entry])]
        warnings.append(Problem(source, what, f"outcome '{outcome}'", allowed, "warning"))
    warnings.sort()
    if len(warnings) <= WARNINGS_LISTED:
        return tuple(warnings)
    what = f"{len(warnings) - WARNINGS_LISTED} more forecasts like it"
    return (*warnings[:WARNINGS_LISTED], Problem(warnings[WARNINGS_LISTED].source, what, severity="warning"))


def outcome_in_words(question: TableQuestion) -> str:
    """Say how a question about a number or a date turned out: its value, or on which side of what is stated it lies."""
    outcome = float(question.outcome or 0.0)
    if question.values and not question.values[0] <= outcome <= question.values[-1]:
        return OUTSIDE[question.dated][int(outcome > question.values[-1])]
    return written(round(outcome * MICROSECONDS_A_DAY)) if question.dated else f"{outcome:g}"


def _interval(clip: float) -> str:
    return f"[{clip:g}, {1.0 - clip:g}]"


TIMINGS: Mapping[str, str] = {
    "each": "mean over all forecasts, each counted once",
    "spot": "mean over questions of the score of the forecast that stands at the close; none where it was withdrawn",
    "time_weighted": "mean over questions of the mean over time; a forecast stands until the forecaster's next one, "
    "its withdrawal or the close. Baseline and peer: over the whole window, to the scheduled close where one is given, "
    "0 while none stands and after an early close, so that coverage counts",
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
HORIZON_DAYS = (7, 30, 90, 365)  # from forecast to close: where one group ends and the next begins
HORIZONS = ("under 7 days", "7 to 30 days", "30 to 90 days", "90 to 365 days", "365 days and more")


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
        "(p - o)^2 of yes or no; of several states half of the summed form; expected where the outcome has shares",
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
    "crps_cdf": Definition(
        "CRPS of CDF",
        "CRPS of a distribution function over the values at which it is stated: of days the sum of squared distances, "
        "of numbers their integral, in the quantity's unit",
        "0 to infinity",
        "lower",
        "Matheson and Winkler (1976)",
    ),
    "baseline": Definition(
        "baseline",
        "100 ln(p K) / ln K of the probability of what came true among K options; yes or no: 100 (1 + log2 p); of a "
        "distribution 50 ln(p / even) of the bin of the outcome",
        "minus infinity to 100, of distributions above; equal probabilities: 0",
        "higher",
        "Metaculus",
    ),
    "peer": Definition(
        "peer",
        "100 N/(N-1) ln(p / geometric mean of all N) among those who forecast the question at that time, half of it "
        "for distributions; those of a question add up to 0",
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


@dataclass(frozen=True)
class Series:
    """Scores by one measure: (n,) of forecasts if `timing` is "each", else (a,) of answers.

    `applies` says where there is a score: among these NaN is one that is not defined. `clipped` holds the same with
    probabilities moved into [clip, 1 - clip], for measures that can be infinite.
    """

    measure: str
    timing: str
    scores: Floats
    applies: Mask
    clipped: Mapping[float, Floats] = field(default_factory=dict)


def all_series(answers: ForecasterAnswers, scored: ForecastScores) -> tuple[Series, ...]:
    """Compute every measure that applies to anything, at every timing."""
    series = [*_plain(answers, scored), *_baseline(answers, scored), *_peer(answers, scored)]
    return tuple(scores for scores in series if scores.applies.any())


def _plain(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    timings: Mapping[str, Callable[[Floats], Floats]] = {
        "each": np.asarray,
        "spot": answers.spot,
        "time_weighted": answers.time_weighted,
        "daily": answers.daily,
    }
    for measure, each in scored.scores.items():
        for timing, over in timings.items():
            scores = over(each)
            clips = {clip: over(-scored.logs[clip].own) for clip in CLIPS} if measure == "log" else {}
            yield Series(measure, timing, scores, ~np.isnan(scores), clips)


def _baseline(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    each, *of_clips = (
        np.where(
            np.isnan(scored.even),
            baseline(-scored.logs[clip].own, scored.n_options),
            100.0 * (scored.logs[clip].own - scored.even),
        )
        for clip in (0.0, *CLIPS)
    )
    clips = dict(zip(CLIPS, of_clips, strict=True))
    has_logs = ~np.isnan(scored.logs[0.0].own[answers.first])
    for timing, over, applies in (
        ("spot", answers.spot, has_logs & answers.stays),
        ("time_weighted", answers.over_window, has_logs),
    ):
        yield Series("baseline", timing, over(each), applies, {clip: over(one) for clip, one in clips.items()})


def _peer(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    """Yield peer scores, which apply where several answered a question about options, or by distributions."""
    options = ~np.isnan(scored.logs[0.0].own)
    several = np.bincount(answers.question)[answers.question] > 1 if answers.question.size else np.zeros(0, dtype=bool)
    applies = several & options[answers.first]
    # A question about a number meets no other in any sum.
    logs = {
        clip: OutcomeLogs(np.where(options, log.own, 0.0), np.where(options, log.other, 0.0), log.absent)
        for clip, log in scored.logs.items()
    }
    for timing, over, there in (
        ("spot", spot_peer, applies & answers.stays),
        ("time_weighted", time_weighted_peer, applies),
    ):
        clips = {clip: over(answers, logs[clip]) for clip in CLIPS}
        yield Series("peer", timing, over(answers, logs[0.0]), there, clips)


@dataclass(frozen=True)
class Grouping:
    """Groups by what `labels` say. `of_forecast` (n,) and `of_answer` (a,) are places in labels, -1 for no group."""

    name: str
    labels: Sequence[Mapping[str, str]]
    of_forecast: Ints
    of_answer: Ints
    timings: frozenset[str]


def groupings(forecasts: Forecasts, answers: ForecasterAnswers) -> Iterator[Grouping]:
    """Yield the groups by forecaster, by topic where there are any, and by horizon."""
    names = forecasts.forecasters
    by_forecaster = [{"forecaster": name} for name in names]
    every = frozenset({"each", "spot", "time_weighted", "daily"})
    yield Grouping("forecaster", by_forecaster, forecasts.forecaster, answers.forecaster, every)
    topics = sorted({question.topic for question in forecasts.questions} - {""})
    if topics:
        places = {topic: place for place, topic in enumerate(topics)}
        topic = np.array([places.get(question.topic, -1) for question in forecasts.questions], dtype=np.int64)
        of_forecast = _product(forecasts.forecaster, topic[forecasts.question], len(topics))
        of_answer = _product(answers.forecaster, topic[answers.question], len(topics))
        labels = [{"forecaster": name, "topic": topic} for name in names for topic in topics]
        yield Grouping("topic", labels, of_forecast, of_answer, every)
    # Days are whole microseconds until here: a forecast of exactly 7 days falls into the second group.
    ahead = forecasts.closes - forecasts.time
    horizon = np.searchsorted(np.array(HORIZON_DAYS) * MICROSECONDS_A_DAY, ahead, side="right")
    of_forecast = _product(forecasts.forecaster, horizon, len(HORIZONS))
    labels = [{"forecaster": name, "horizon": label} for name in names for label in HORIZONS]
    yield Grouping("horizon", labels, of_forecast, np.full(answers.first.size, -1), frozenset({"each"}))


def _product(forecaster: Ints, part: Ints, n_parts: int) -> Ints:
    return np.where(part >= 0, forecaster * n_parts + part, -1)
