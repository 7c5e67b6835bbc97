"""Which judgements the forecast depends on: power-scaling of its parts, and the tables that its spread comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.influence import Arrow, Judgement
from forecast.digits import size
from forecast.ledger.outcome import Outcome
from forecast.posterior.weights import resampled
from forecast.report import svg
from forecast.report.section import Inputs, Section, Subject, part
from forecast.sampling.likelihood import log_likelihood
from forecast.words import event_names, percent, scenario_names

if TYPE_CHECKING:
    from markupsafe import Markup

Array = NDArray[np.float64]

SENSITIVE = 0.05  # change of the distribution for each doubling of a part (Kallioinen et al. 2024, section 2.4)
JUDGEMENTS, ARROWS = 6, 6  # listed
POWERS = (0.8, 1.25)  # to which the figure takes a part
SCALED = "Each scenario with the default levels, and with statements and evidence, to a lower and to a higher power."
LOWEST = 0.1  # of the height: room for the lowest interval's dot, which the axis cuts in half otherwise
# What is scaled: the part of the model, and how the page calls it.
PARTS = {
    "levels": "the default levels of the tables",
    "effects": "the default effects of causes",
    "statements": "all experts' statements",
    "evidence": "all evidence",
}
DEFAULTS = {"levels": "alpha", "effects": "beta"}  # standard normal coordinates of the tables (forecast.sampling.model)
WHOLE = ("prior", "likelihood")  # the defaults together, and statements and evidence together
CONFLICT = "potential prior-data conflict"
STRONG = "potential strong prior / weak likelihood"


def parts(outcome: Outcome, fit: Mapping[str, Array]) -> dict[str, Array]:
    """Compute the log density of each part of the posterior in every draw, in the order of PARTS: (draws) each.

    Args:
        outcome: the forecast.
        fit: the kept fit of the draws in use, {variable: (chain, draw, ...)}.
    """
    spec, n_draws = outcome.posterior.spec, outcome.posterior.weights.weights.size
    logs = {}
    for scaled, name in DEFAULTS.items():
        coordinates = fit[name] if name in fit else np.zeros((n_draws, 0))
        logs[scaled] = -0.5 * np.square(coordinates.reshape(n_draws, -1)).sum(axis=1)
    said = log_likelihood(spec, fit, spec.statement_ids) if spec.statement_ids else np.zeros(n_draws)
    return {**logs, "statements": said, "evidence": outcome.posterior.evaluation.log_evidence}


def sensitivity_tree(outcome: Outcome, logs: Mapping[str, Array]) -> Any:
    """Build the tree that ArviZ scales: P(s | E, draw) as posterior, default tables as prior, the rest as likelihood.

    `logs` are those of `parts`. Draws are resampled by their weights (systematically, so that equal weights leave them
    as they are). Scenarios that do not vary are left out: nothing can move them.
    """
    import xarray as xr

    chosen = resampled(outcome.posterior.weights.weights)
    shares = svg.by_chain(outcome.posterior.evaluation.scenarios[:, chosen])
    axes = {"chain": np.arange(shares.shape[0]), "draw": np.arange(shares.shape[1])}

    def data(values: Mapping[str, Array]) -> Any:
        return xr.Dataset({name: (("chain", "draw"), array) for name, array in values.items()}, axes)

    varying = {name: shares[..., i] for i, name in enumerate(outcome.scenario_ids) if np.ptp(shares[..., i]) > 0.0}
    chained = {name: svg.by_chain(values[chosen]) for name, values in logs.items()}
    return xr.DataTree.from_dict(
        {
            "posterior": data(varying),
            "log_prior": data({name: values for name, values in chained.items() if name in DEFAULTS}),
            "log_likelihood": data({name: values for name, values in chained.items() if name not in DEFAULTS}),
        }
    )


@dataclass(frozen=True, kw_only=True)
class PowerRow:
    """The sensitivity of a scenario to each part, None for one that is certain, and what chance alone gives.

    `whole`: the same of the prior (all defaults) and of the likelihood (statements and evidence); `diagnosis`: what
    both together are called, empty where the prior has no say.
    """

    name: str
    parts: Mapping[str, float | None]
    chance: Mapping[str, float]
    shown: Mapping[str, str]
    chance_shown: Mapping[str, str]
    sensitive: Sequence[str]
    whole: Mapping[str, float | None]
    whole_shown: Mapping[str, str]
    diagnosis: str


@dataclass(frozen=True, kw_only=True)
class PowerScaling:
    """Power-scaling: the parts and what they are called, the limit, the powers of the figure, a row a scenario."""

    parts: Mapping[str, str]
    sensitive_above: float
    powers: Sequence[float]
    rows: Sequence[PowerRow]


def power_scaled(outcome: Outcome, logs: Mapping[str, Array]) -> dict[str, dict[str, dict[str, float]]]:
    """Compute the power-scaling sensitivity of each scenario's distribution to each part (ArviZ `psense`).

    Returns it `of` the parts, and `by_chance` the same of their log densities shuffled among the draws; each by part
    and by scenario.

    Source: Kallioinen, Paananen, Bürkner and Vehtari (2024), "Detecting and diagnosing prior and likelihood
    sensitivity with power-scaling".
    """
    rng = np.random.default_rng(outcome.seed)
    shuffled = {name: rng.permutation(values) for name, values in logs.items()}
    return {"of": _psense(outcome, logs), "by_chance": _psense(outcome, shuffled)}


def _psense(outcome: Outcome, logs: Mapping[str, Array]) -> dict[str, dict[str, float]]:
    """Return the sensitivity of each varying scenario, by part."""
    from arviz_stats import psense

    tree = sensitivity_tree(outcome, logs)
    if not tree["posterior"].data_vars:
        return {part: {} for part in (*PARTS, *WHOLE)}
    tables = {
        part: psense(tree, group="prior" if part in DEFAULTS else "likelihood", group_var_names=[part])
        for part in PARTS
    }
    tables |= {group: psense(tree, group=group) for group in WHOLE}
    return {part: {name: float(value) for name, value in table.data_vars.items()} for part, table in tables.items()}


def power_rows(names: Mapping[str, str], psense: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[PowerRow]:
    """Describe the result of `power_scaled`; `names` are those of the scenarios, by id.

    A scenario is called sensitive to a part only above both SENSITIVE and what chance alone gives. Sensitive to the
    prior and to the likelihood is a potential prior-data conflict, to the prior alone a potential strong prior (or weak
    likelihood): the names of Kallioinen and others (2024), and of priorsense and ArviZ.
    """
    by_chance = {part: max(values.values(), default=0.0) for part, values in psense["by_chance"].items()}
    chance = {part: by_chance[part] for part in PARTS}
    limits = {part: max(SENSITIVE, value) for part, value in by_chance.items()}
    rows = []
    for scenario, name in names.items():
        values, whole = ({part: psense["of"][part].get(scenario) for part in of} for of in (PARTS, WHOLE))
        is_sensitive = [value is not None and value > limits[part] for part, value in whole.items()]
        rows.append(
            PowerRow(
                name=name,
                parts=values,
                chance=chance,
                shown={part: "—" if value is None else f"{value:.2f}" for part, value in values.items()},
                chance_shown={part: f"{value:.2f}" for part, value in chance.items()},
                sensitive=[part for part, value in values.items() if value is not None and value > limits[part]],
                whole=whole,
                whole_shown={part: "—" if value is None else f"{value:.2f}" for part, value in whole.items()},
                diagnosis="" if not is_sensitive[0] else CONFLICT if is_sensitive[1] else STRONG,
            )
        )
    return rows


@part
def power_scaling(subject: Subject) -> PowerScaling:
    """Return the page's power-scaling."""
    rows = power_rows(scenario_names(subject.outcome), subject.material.answers.of_sections["sensitivity"])
    return PowerScaling(parts=PARTS, sensitive_above=SENSITIVE, powers=POWERS, rows=rows)


@dataclass(frozen=True, kw_only=True)
class TableShare:
    """An event's table, and the share of a scenario's variance that it explains."""

    event: str
    scenario: str
    share: float
    shown: str


@dataclass(frozen=True, kw_only=True)
class ShownArrow:
    """An arrow of the network, and how many bits the cause tells of the effect."""

    from_: str
    to: str
    bits: float
    shown: str


@dataclass(frozen=True, kw_only=True)
class HangingOn:
    """Whose tables the spread comes from, and the strongest arrows."""

    judgements: Sequence[TableShare]
    arrows: Sequence[ShownArrow]


def hanging_on(
    judgements: Sequence[Judgement], arrows: Sequence[Arrow], names: Mapping[str, str], events: Mapping[str, str]
) -> HangingOn:
    """Describe what the forecast depends on (forecast.analysis.influence); `names` are the scenarios', by id."""
    rows = []
    for row in judgements[:JUDGEMENTS]:
        shares = {name: share for name, share in row.shares.items() if share is not None}
        if shares:
            most = max(shares, key=lambda name: shares[name])
            share = shares[most]
            shown = percent(share, None)
            rows.append(TableShare(event=events[row.event], scenario=names[most], share=share, shown=shown))
    strongest = [
        ShownArrow(
            from_=events[arrow.parent],
            to=events[arrow.child],
            bits=arrow.bits,
            shown=size(arrow.bits, 3),
        )
        for arrow in arrows[:ARROWS]
    ]
    return HangingOn(judgements=rows, arrows=strongest)


@part
def dependence(subject: Subject) -> HangingOn:
    """Return the page's tables and arrows that the forecast depends on."""
    outcome, answers = subject.outcome, subject.material.answers
    return hanging_on(answers.judgements, answers.arrows, scenario_names(outcome), event_names(outcome))


@dataclass(frozen=True, kw_only=True)
class SensitivityShown:
    """What the section of sensitivity shows."""

    power_scaling: PowerScaling
    power_figure: Markup
    hanging_on: HangingOn
    warnings: Sequence[str]


class SensitivitySection(Section):
    """What the forecast depends on most, and what the run warned of."""

    id, title, group, place = "sensitivity", "Sensitivity", "Method", 140
    entries: ClassVar[Mapping[str, int]] = {"hanging_on": 150, "power_scaling": 260, "warnings": 270}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Name the scenarios in which prior and data may be in conflict, and those that the prior rules."""
        rows = power_scaling(subject).rows
        found = {
            diagnosis: [row.name for row in rows if row.diagnosis == diagnosis] for diagnosis in (CONFLICT, STRONG)
        }
        told = [f"{diagnosis}: {', '.join(names)}" for diagnosis, names in found.items() if names]
        return "; ".join(told) or "no scenario is sensitive to the defaults"

    @classmethod
    def shown(cls, subject: Subject) -> SensitivityShown:
        """Return the sensitivities and their figure."""
        return SensitivityShown(
            power_scaling=power_scaling(subject),
            power_figure=subject.figure("power_scaling"),
            hanging_on=dependence(subject),
            warnings=_warnings(subject),
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the sensitivities and the warnings."""
        return {
            "hanging_on": dependence(subject),
            "power_scaling": power_scaling(subject),
            "warnings": _warnings(subject),
        }

    @classmethod
    def asks(cls, inputs: Inputs) -> object:
        """Scale the parts of the posterior."""
        return power_scaled(inputs.outcome, inputs.logs)

    @classmethod
    def figures(cls, inputs: Inputs) -> Mapping[str, str]:
        """Draw every scenario that varies with parts of the posterior at other powers."""
        return {"power_scaling": _power_figure(inputs) if inputs.varying else ""}


@part
def _warnings(subject: Subject) -> list[str]:
    return list(subject.material.warnings)


def _power_figure(inputs: Inputs) -> str:
    """Draw each scenario's distribution with a part of the posterior at other powers (ArviZ `plot_psense_dist`)."""
    with svg.style("power"):
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_psense_dist

        tree = sensitivity_tree(inputs.outcome, inputs.logs)
        drawn = plot_psense_dist(
            tree,
            prior_var_names=["levels"],
            likelihood_var_names=["statements", "evidence"],
            alphas=POWERS,
            kind="ecdf",
            backend="matplotlib",
            color=[svg.POWERS[0], svg.INK, svg.POWERS[1]],
            labeller=MapLabeller(var_name_map=svg.as_labels(inputs.names)),
            visuals={"title": {"color": svg.INK}},
            figure_kwargs={"figsize": (8.8, 1.9 * len(tree["posterior"].data_vars))},
        )
        drawn.get_viz("figure").subplots_adjust(hspace=1.1)  # makes the panels as low as they can be read
        for axes in drawn.get_viz("figure").axes:
            low, high = axes.get_ylim()
            axes.set_ylim(low - LOWEST * (high - low), high)
        return svg.element(drawn, "power", SCALED, "panels pairs")
