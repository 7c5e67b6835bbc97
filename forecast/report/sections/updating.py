"""Prior and posterior: what the evidence changed, and where the tables are least certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome
from forecast.model.layout import Layout
from forecast.plain import readable
from forecast.posterior.posterior import Evaluation
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.report import svg
from forecast.report.section import Inputs, Section, Subject, part
from forecast.report.sections.waterfall import shortened
from forecast.words import event_name, interval, label, percent

if TYPE_CHECKING:
    from markupsafe import Markup

Array = NDArray[np.float64]

UNCERTAIN_ROWS = 6  # listed: the widest row of each of so many events
LABEL = 34  # characters beside the intervals: more would run into them
FOREST = (
    "Intervals of each scenario and of each event's likeliest state, prior and now; the numbers are in "
    "the tables of scenarios and events."
)
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
class UpdatingShown:
    """What the section of prior and posterior shows."""

    uncertain_rows: Sequence[UncertainRow]
    forest: Markup
    densities: Markup


class UpdatingSection(Section):
    """Prior against posterior."""

    id, title, group, place = "updating", "Prior and posterior", "Method", 130
    entries: ClassVar[Mapping[str, int]] = {"uncertain_rows": 250}

    @classmethod
    def shown(cls, subject: Subject) -> UpdatingShown:
        """Return the least certain rows, and the figures."""
        return UpdatingShown(
            uncertain_rows=uncertain_rows(subject),
            forest=subject.figure("forest"),
            densities=subject.figure("densities"),
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the least certain rows."""
        return {"uncertain_rows": uncertain_rows(subject)}

    @classmethod
    def figures(cls, inputs: Inputs) -> Mapping[str, str]:
        """Draw the forest of all scenarios and events, and the density of every scenario that varies."""
        return {
            "forest": _forest(inputs),
            "densities": _densities(inputs) if inputs.varying else "",
        }


def _forest(inputs: Inputs) -> str:
    """Draw the forest of all scenarios and of each event's likeliest state, before any evidence and now."""
    outcome = inputs.outcome
    means = [event @ outcome.posterior.weights.weights for event in outcome.posterior.evaluation.events]
    likeliest = [int(np.argmax(mean)) for mean in means]
    states = [f"{event_name(e)}: {label(e.states[k])}" for e, k in zip(outcome.layout.events, likeliest, strict=True)]

    def values(evaluation: Evaluation) -> Array:
        events = [evaluation.events[v][k] for v, k in enumerate(likeliest)]
        return np.concatenate([evaluation.scenarios, np.stack(events)])

    return _prior_posterior(
        [shortened(name, LABEL) for name in [*inputs.names.values(), *map(readable, states)]],
        values(inputs.prior.posterior.evaluation),
        values(outcome.posterior.evaluation),
        outcome.posterior.weights.weights,
    )


def _prior_posterior(names: list[str], prior: Array, posterior: Array, weights: Array) -> str:
    """Draw a forest of intervals, prior beside posterior (ArviZ `plot_forest`).

    Args:
        names: of the rows.
        prior: (rows, draws), all of the same weight.
        posterior: (rows, draws) with normalised `weights` (draws).
    """
    with svg.style("forest"):
        from arviz_base import from_dict
        from arviz_plots import plot_forest

        def data(values: Array) -> Any:
            dims = {"p": ["quantity"]}
            return from_dict({"posterior": {"p": values.T[np.newaxis]}}, dims=dims, coords={"quantity": names})

        n = prior.shape[1]
        drawn = plot_forest(
            {
                "prior": data(prior[:, svg.resampled(np.full(n, 1.0 / n))]),
                "now": data(posterior[:, svg.resampled(weights)]),
            },
            combined=True,
            ci_probs=(0.5, 0.9),
            point_estimate="mean",
            color=[svg.PRIOR, svg.POSTERIOR],
            labels=["quantity"],
            visuals={
                "ticklabels": False,
                "labels": {"color": svg.INK},
                "twig": {"width": 1.4},
                "trunk": {"width": 3.5},
                "point_estimate": {"facecolor": svg.PAPER},
            },
            backend="matplotlib",
            figure_kwargs={"figsize": (10.0, 1.0 + 0.27 * len(names))},
        )
        drawn.get_target(None, {"column": "labels"}).set_axis_off()
        return svg.element(drawn, "forest", FOREST)


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
            figure_kwargs={"figsize": (11.0, 2.8 * svg.panel_rows(len(now)))},
            col_wrap=svg.MOST_COLUMNS,
        )
        drawn.get_viz("figure").subplots_adjust(hspace=0.6)
        return svg.element(drawn, "densities", DENSITIES)
