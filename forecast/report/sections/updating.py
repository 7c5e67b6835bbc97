"""Prior and posterior: what the evidence changed, and where the tables are widest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome
from forecast.model.layout import Layout
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.report import svg
from forecast.report.section import Inputs, Section, Subject, part
from forecast.report.sections.events import StateRow, events
from forecast.report.sections.judgement import ScenarioRow, scenario_rows
from forecast.words import Estimated, event_name, interval, label, percent

if TYPE_CHECKING:
    from markupsafe import Markup

Array = NDArray[np.float64]

UNCERTAIN_ROWS = 6  # listed: the widest row of each of so many events
AXIS, TICKS = 1000.0, 5  # of the forest: its length in units of its own, and into how many parts ticks divide it
DENSITIES = "Density of each scenario's probability over the draws, prior and now."


@dataclass(frozen=True, kw_only=True)
class UncertainRow:
    """A row of a conditional table: the event, the states of its causes, what is probable, and how sure that is."""

    rank: int
    event: str
    given: str
    what: str
    probability: float
    sd: float
    shown: str
    quantiles: Sequence[float]
    interval: str


@part
def uncertain_rows(subject: Subject) -> list[UncertainRow]:
    """List the CPT rows whose probabilities have the widest weighted distributions, one an event."""
    posterior = subject.outcome.posterior
    weights = posterior.weights.weights
    values = row_probabilities(subject.outcome, posterior.draws.theta)
    means = values @ weights
    spread = np.sqrt(np.square(values - means[:, np.newaxis]) @ weights)
    names = _row_names(subject.outcome)
    widest: dict[str, int] = {}
    for i in np.argsort(-spread, kind="stable").tolist():
        widest.setdefault(names[i][0], i)
    chosen = np.array(list(widest.values())[:UNCERTAIN_ROWS], dtype=np.intp)
    quantiles = weighted_quantiles(values[chosen], weights, np.array([0.05, 0.95]))
    mcse = averages(values[chosen], weights).mcse
    rows = []
    for n, (i, (low, high), error) in enumerate(zip(chosen.tolist(), quantiles.tolist(), mcse.tolist(), strict=True)):
        event, given, what = names[i]
        rows.append(
            UncertainRow(
                rank=n + 1,
                event=event,
                given=given,
                what=what,
                probability=float(means[i]),
                sd=float(spread[i]),
                shown=percent(float(means[i]), error),
                quantiles=[low, high],
                interval=interval(low, high, error),
            )
        )
    return rows


def row_probabilities(outcome: Outcome, theta: Array) -> Array:
    """Compute every number of theta as a probability (n_theta, draws): of a step, or of a state."""
    values = theta.copy()
    for v, event in enumerate(outcome.layout.events):
        if event.kind == "reached":
            start = outcome.layout.offsets[v]
            stop = start + outcome.layout.n_rows(v) * outcome.layout.width(v)
            values[start:stop] = -np.expm1(-values[start:stop])
    return values


def _rows_of_theta(layout: Layout, v: int) -> list[list[tuple[int, int]]]:
    """Return the parents' places and states of each row, or of each cause that acts by itself."""
    cards = [layout.cards[p] for p in layout.parents[v]]
    if layout.acts_by_cause(v):
        return [[], *([(place, x)] for place, card in enumerate(cards) for x in range(1, card))]
    return [list(enumerate(configuration)) for configuration in layout.configurations(v)]


def _row_names(outcome: Outcome) -> list[tuple[str, str, str]]:
    layout, names = outcome.layout, []
    for v, event in enumerate(layout.events):
        parents = [layout.events[p] for p in layout.parents[v]]
        for row in _rows_of_theta(layout, v):
            given = ", ".join(f"{event_name(parents[place])}: {label(parents[place].states[x])}" for place, x in row)
            if layout.acts_by_cause(v):
                given = f"{given} alone" if given else "none of the causes"
            if event.kind == "reached":
                steps = zip(event.states[:-1], event.states[1:], strict=True)
                names += [(event_name(event), given, f"{label(before)} → {label(after)}") for before, after in steps]
            else:
                names += [(event_name(event), given, label(state)) for state in event.states]
    return names


@dataclass(frozen=True, kw_only=True)
class ForestMark:
    """An estimate on the axis of the forest: its mean, and the ends of its 90 and of its 50 % interval."""

    mean: float
    outer: tuple[float, float]
    inner: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """A scenario, or an event's likeliest state, before any evidence and now, on the axis."""

    name: str
    state: str | None
    prior: ForestMark
    now: ForestMark


@part
def forest(subject: Subject) -> list[ForestRow]:
    """Place every scenario, and each event's likeliest state, on an axis from 0 to 1."""
    rows = [_forest_row(row.name, None, row, row.prior) for row in scenario_rows(subject)]
    for event in events(subject):
        state = event.states[event.likeliest]
        rows.append(_forest_row(event.label, state.state, state, state.prior))
    return rows


def _forest_row(name: str, state: str | None, now: ScenarioRow | StateRow, prior: Estimated) -> ForestRow:
    return ForestRow(
        name=name,
        state=state,
        prior=_mark(prior.probability, prior.quantiles),
        now=_mark(now.probability, now.quantiles),
    )


def _mark(mean: float, quantiles: Mapping[str, float]) -> ForestMark:
    ends = {level: AXIS * value for level, value in quantiles.items()}
    return ForestMark(mean=AXIS * mean, outer=(ends["0.05"], ends["0.95"]), inner=(ends["0.25"], ends["0.75"]))


@dataclass(frozen=True, kw_only=True)
class UpdatingShown:
    """What the section of prior and posterior shows."""

    uncertain_rows: Sequence[UncertainRow]
    forest: Sequence[ForestRow]
    ticks: Sequence[tuple[float, str]]
    densities: Markup


class UpdatingSection(Section):
    """Prior against posterior."""

    id, title, group, place = "updating", "Prior and posterior", "Method", 130
    entries: ClassVar[Mapping[str, int]] = {"uncertain_rows": 250}

    @classmethod
    def shown(cls, subject: Subject) -> UpdatingShown:
        """Return the widest rows, and the figures."""
        return UpdatingShown(
            uncertain_rows=uncertain_rows(subject),
            forest=forest(subject),
            ticks=[(AXIS * n / TICKS, f"{100 * n // TICKS}") for n in range(TICKS + 1)],
            densities=subject.figure("densities"),
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the widest rows."""
        return {"uncertain_rows": uncertain_rows(subject)}

    @classmethod
    def figures(cls, inputs: Inputs) -> Mapping[str, str]:
        """Draw the density of every scenario that varies."""
        return {"densities": _densities(inputs) if inputs.varying else ""}


def _densities(inputs: Inputs) -> str:
    """Draw each scenario's distribution, prior and posterior (ArviZ `plot_prior_posterior`)."""
    outcome, now = inputs.outcome, inputs.varying
    before = dict(zip(outcome.scenario_ids, inputs.prior.posterior.evaluation.scenarios, strict=True))
    names, weights = inputs.names, outcome.posterior.weights.weights
    with svg.style("densities"):
        from arviz_base import from_dict
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_prior_posterior

        even = np.full(weights.size, 1.0 / weights.size)
        groups = {
            "prior": {name: before[name][svg.resampled(even)][np.newaxis] for name in now},
            "posterior": {name: values[svg.resampled(weights)][np.newaxis] for name, values in now.items()},
        }
        drawn = plot_prior_posterior(
            from_dict(groups),
            kind="kde",
            backend="matplotlib",
            color=[svg.PRIOR, svg.POSTERIOR],
            labeller=MapLabeller(var_name_map=svg.as_labels(names)),
            visuals={"title": {"color": svg.INK}},
            figure_kwargs={"figsize": svg.panel_size(len(now), 2.8)},
            col_wrap=svg.MOST_COLUMNS,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.6)
        return svg.element(drawn, "densities", DENSITIES)
