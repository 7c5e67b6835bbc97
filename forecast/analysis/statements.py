"""Expert statements: what was said, what it was coded as, where the model ended, and how far apart the two are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import zero_sum_basis
from forecast.ledger.outcome import Outcome
from forecast.plain import Link, link
from forecast.posterior.weights import averages, quantile_errors
from forecast.sampling.likelihood import DISAGREES, residuals, statement_columns
from forecast.sampling.readings import numbers
from forecast.words import conditions, event_names, interval, label, percent, scenario_names, target
from forecast.workspace.fits import expit, logit
from forecast.workspace.records import EDITORS, Expert, Statement
from forecast.workspace.statement_forms import statement_form
from forecast.workspace.statement_forms.form import CountedCases, Ordered, StatedDistribution, StatedNumber

Array = NDArray[np.float64]
Voice = Literal["expert", "editors", "rule"]


@dataclass(frozen=True)
class _Implied:
    """What stage 1 implies for a statement: as text, and as numbers."""

    shown: str
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """A statement beside what the model of all statements implies for it.

    `voice` says whose number it is: an expert's, the editors' own, or what follows from a rule; `event` is "scenarios"
    where it is about one; `residual` is coded less implied in standard deviations, None for a mere order.
    """

    id: str
    date: str
    expert: str
    group: str
    coded_by: str | None
    voice: Voice
    says: str
    why: str
    publisher: str
    title: str | None
    link: Link | None
    event: str
    event_id: str | None
    about: str
    coded: str
    implied: str
    implied_values: Mapping[str, object]
    residual: float | None
    residual_shown: str
    disagrees: bool


def statement_rows(outcome: Outcome, fit: Mapping[str, Array]) -> list[StatementRow]:
    """Describe every statement known on the as-of date, by event and date.

    Args:
        outcome: the forecast.
        fit: the posterior of stage 1 without the anchor's evidence, {variable: (chain, draw, ...)}.
    """
    spec = outcome.posterior.spec
    said = {statement.id: statement for statement in outcome.workspace.statements}
    columns = statement_columns(spec)
    gaps = residuals(spec, fit)
    quantity = fit["quantity"].reshape(-1, fit["quantity"].shape[-1]) if columns else np.empty((0, 0))
    names, events = scenario_names(outcome), event_names(outcome)
    rows = []
    for name, column in columns.items():
        statement = said[name]
        implied = _implied(outcome, statement, quantity[:, column])
        expert = outcome.workspace.experts[statement.expert]
        residual = gaps[name]
        rows.append(
            StatementRow(
                id=name,
                date=statement.date.isoformat(),
                expert=expert.name,
                group=label(expert.group),
                coded_by=", ".join(statement.coders) or None,
                voice=_voice(expert),
                says=statement.says,
                why=statement.why,
                publisher=statement.publication.publisher,
                title=statement.publication.title,
                link=link(statement.publication.url),
                event=events[statement.about.condition.event] if statement.about.condition else "scenarios",
                event_id=statement.about.condition.event if statement.about.condition else None,
                about=_about(statement, names, events),
                coded=_coded(statement, names, events),
                implied=implied.shown,
                implied_values=implied.values,
                residual=residual,
                residual_shown=_signed(residual),
                disagrees=residual is not None and abs(residual) > DISAGREES,
            )
        )
    order = {event.id: v for v, event in enumerate(outcome.layout.events)}
    return sorted(rows, key=lambda row: (order.get(row.event_id or "", len(order)), row.date, row.id))


def _coded(statement: Statement, names: Mapping[str, str], events: Mapping[str, str]) -> str:
    """Write what a statement was coded as, by each coder where there are several."""
    words = [statement_form(reading).words(reading, names, events) for reading in statement.readings]
    if len(words) == 1:
        return words[0]
    return "; ".join(f"{coder}: {said}" for coder, said in zip(statement.coders, words, strict=True))


def _voice(expert: Expert) -> Voice:
    """Say whose number a statement of somebody is: an expert's, the editors' own, or what follows from a rule."""
    return "editors" if expert.id == EDITORS else "rule" if expert.exact else "expert"


def _about(statement: Statement, names: Mapping[str, str], events: Mapping[str, str]) -> str:
    if not statement_form(statement.reading).is_on_whole_event or statement.about.condition is None:
        return target(statement.about, names, events)
    given = f", if {conditions(statement.about.given, events)}" if statement.about.given else ""
    return f"each state of {events[statement.about.condition.event]}{given}"


def _implied(outcome: Outcome, statement: Statement, quantity: Array) -> _Implied:
    workspace = outcome.workspace
    match numbers(statement, workspace.experts, workspace.network):
        case StatedNumber(against=against):
            if against is not None:
                return _factor(np.exp(quantity[:, 0]))
            return _chance(1.0 / (1.0 + np.exp(-quantity[:, 0])))
        case StatedDistribution() as said:
            basis = zero_sum_basis(len(said.probabilities))
            return _distribution(statement, np.exp(quantity @ basis.T))
        case CountedCases(stays=stays):
            return _chance(np.exp(quantity[:, 0]) if stays else -np.expm1(quantity[:, 0]), " a case")
        case Ordered():
            share, error = _average((quantity[:, 0] > 0.0).astype(float))
            return _Implied(f"in {percent(share, error)} of draws", {"share_of_draws": share})


def _average(values: Array) -> tuple[float, float]:
    """Return the mean of values (draws) and its Monte Carlo error."""
    average = averages(values[np.newaxis], np.full(values.size, 1.0 / values.size))
    return float(average.mean[0]), float(average.mcse[0])


def _chance(values: Array, unit: str = "") -> _Implied:
    mean, error = _average(values)
    low, high = np.quantile(values, [0.05, 0.95]).tolist()
    # Of a wide distribution the mean is known to ten points only; its ends, near 0 or 1, often to one.
    of_low, of_high = quantile_errors(values, [0.05, 0.95])
    shown = f"{percent(mean, error)}{unit} ({interval(low, high, (of_low, of_high))})"
    return _Implied(shown, {"mean": mean, "quantiles": [low, high]})


def _factor(values: Array) -> _Implied:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    numbers_ = {"median": middle, "quantiles": [low, high]}
    return _Implied(f"{_two_digits(middle)} times ({_two_digits(low)}–{_two_digits(high)})", numbers_)


def _signed(residual: float | None) -> str:
    return "—" if residual is None else f"{residual:+z.1f}".replace("-", "−")


def _two_digits(factor: float) -> str:
    return f"{factor:#.2g}".rstrip(".")


def _distribution(statement: Statement, shares: Array) -> _Implied:
    shares = shares / shares.sum(axis=1, keepdims=True)
    states = statement.about.condition.states if statement.about.condition else ()
    averaged = [_average(share) for share in shares.T]
    shown = ", ".join(f"{label(s)} {percent(*average)}" for s, average in zip(states, averaged, strict=True))
    return _Implied(shown, {"mean": {s: mean for s, (mean, _) in zip(states, averaged, strict=True)}})


NEAR_THE_ENDS = 0.05  # a probability below it, or above the rest, is told in log-odds
Unit = Literal["probability", "log-odds", "log-ratio"]


@dataclass(frozen=True)
class DistanceScale:
    """How what is implied for a statement is told: its unit, and the number of each draw in it."""

    unit: Unit
    stated: float
    values: Callable[[Array], Array]  # (rows, draws) -> (draws)
    state: str | None = None

    def mean(self, quantity: Array, weights: Array) -> tuple[float, float]:
        """Return the weighted mean over draws of what is implied, (rows, draws), and its Monte Carlo error."""
        found = averages(self.values(quantity)[np.newaxis], weights)
        return float(found.mean[0]), float(found.mcse[0])


def scale_of(
    said: Statement, read: StatedNumber | StatedDistribution | CountedCases, last: Array, weights: Array
) -> DistanceScale:
    """Choose how the way from a statement to what is implied for it, (rows, draws) with weights, is told.

    In points, or in log-odds where the stated or the implied probability is near 0 or 1. A distribution is told by the
    state that is implied farthest from what was stated.
    """
    if isinstance(read, StatedNumber) and read.against is not None:
        return DistanceScale("log-ratio", read.location, _first)
    state = None
    log_odds: Callable[[Array], Array]
    if isinstance(read, StatedNumber):
        stated, log_odds = expit(read.location), _first
    elif isinstance(read, CountedCases):
        stated, log_odds = read.happened / read.of, _of_staying if read.stays else _of_moving
    else:
        gaps = np.abs(_shares(last) @ weights - np.array(read.probabilities))
        place = int(gaps.argmax())
        stated, state = read.probabilities[place], _states(said)[place]
        log_odds = partial(_of_state, place)

    def chance(quantity: Array) -> Array:
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds(quantity))))

    implied = float(chance(last) @ weights)
    is_inside = all(NEAR_THE_ENDS <= p <= 1.0 - NEAR_THE_ENDS for p in (stated, implied))
    if is_inside or stated in {0.0, 1.0}:  # of a count: no case, or all
        return DistanceScale("probability", stated, chance, state)
    return DistanceScale("log-odds", logit(stated), log_odds, state)


def _first(quantity: Array) -> Array:
    return np.asarray(quantity[0])


def _of_moving(quantity: Array) -> Array:
    """Compute the log-odds of a case of a count, from ln P(it does not happen)."""
    return np.asarray(np.log(-np.expm1(quantity[0])) - quantity[0])


def _of_state(place: int, quantity: Array) -> Array:
    share = _shares(quantity)[place]
    return np.asarray(np.log(share) - np.log1p(-share))


def _of_staying(quantity: Array) -> Array:
    return -_of_moving(quantity)


def _shares(quantity: Array) -> Array:
    """Compute the probabilities of a distribution (states, draws) from its coordinates."""
    unscaled = np.exp(zero_sum_basis(len(quantity) + 1) @ quantity)
    return np.asarray(unscaled / unscaled.sum(axis=0))


def _states(said: Statement) -> Sequence[str]:
    return said.about.condition.states if said.about.condition else ()
