"""How far the draws can be trusted: the sampling of the parameters, and the weights that evidence gives the draws."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome, diagnostics
from forecast.plain import spread
from forecast.posterior.weights import MAX_PARETO_K, MIN_EFFECTIVE_SIZE, not_reliable
from forecast.report import svg
from forecast.report.section import Inputs, Section, Subject, part
from forecast.sampling.draws import LEAST_ESS, MAX_R_HAT, distrust
from forecast.sampling.settings import CHAINS
from forecast.words import event_names, label, long_date, percent, scenario_names

if TYPE_CHECKING:
    from markupsafe import Markup

Array = NDArray[np.float64]
Checks = tuple[float, float, float]  # R-hat, bulk and tail effective size

PARAMETERS = ("alpha", "beta", "epsilon", "deviation", "omega")
RANKS = "Rank curves of the chains, one panel for each scenario: the chains agree where they stay near zero."
DIAGNOSTICS: dict[Hashable, Hashable] = {
    "ess_bulk": "Effective size, bulk",
    "ess_tail": "Effective size, tail",
    "rhat": "R-hat",
}
P_VALUE = re.compile(r"p=([\d.]+).*")  # as ArviZ writes it, with the level that the caption has
CONVERGENCE = "How many of all parameters have at most such an effective size, bulk and tail, and such an R-hat."


@dataclass(frozen=True, kw_only=True)
class WorstParameter:
    """The worst diagnostics over all parameters (`fit`, by name), and as they are shown."""

    fit: Mapping[str, float] = spread()
    r_hat_shown: str
    ess_bulk_shown: str
    ess_tail_shown: str
    divergences_shown: str


@dataclass(frozen=True, kw_only=True)
class SampledScenario:
    """Diagnostics of a scenario's (a state's) P(s | E, theta); None for one that is certain or impossible.

    `mcse` is that of the probability as it is printed, weights included; the others are of the draws.
    """

    name: str
    mcse: float
    mcse_shown: str
    r_hat: float | None
    ess_bulk: float | None
    ess_tail: float | None
    shown: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class SamplingTable:
    """The sampling of the parameters, of each scenario and of each event's states.

    `good`: all checks of the parameters pass.
    """

    parameters: WorstParameter
    forecasts: Sequence[SampledScenario]
    states: Sequence[SampledScenario]
    chains: int
    draws: int
    max_r_hat: float
    min_ess: float
    good: bool


def chain_checks(outcome: Outcome) -> dict[str, list[Checks | None]]:
    """Compute R-hat and effective sizes of all that is printed, P(s | E, theta); None where it does not vary.

    `scenarios` in their order, `states` of all events, one event after the other.
    """
    evaluation = outcome.posterior.evaluation
    return {"scenarios": _checks(evaluation.scenarios), "states": _checks(np.concatenate(evaluation.events))}


def _checks(shares: Array) -> list[Checks | None]:
    """Check the chains of each row of shares (rows, draws)."""
    found: list[Checks | None] = [None] * len(shares)
    varies = np.flatnonzero(np.ptp(shares, axis=1) > 0.0)  # what is certain or impossible has no chain to check
    if varies.size:
        array_stats, axes = _array_stats(), {"chain_axis": 1, "draw_axis": 2}
        chained = np.moveaxis(svg.by_chain(shares[varies]), 2, 0)
        r_hat = array_stats.rhat(chained, **axes).tolist()
        bulk = array_stats.ess(chained, method="bulk", **axes).tolist()
        tail = array_stats.ess(chained, method="tail", prob=(0.05, 0.95), **axes).tolist()
        for row, checks in zip(varies.tolist(), zip(r_hat, bulk, tail, strict=True), strict=True):
            found[row] = checks
    return found


def _array_stats() -> Any:
    from arviz_stats import base

    return base.array_stats


@part
def sampling(subject: Subject) -> SamplingTable:
    """Describe the sampling of the parameters (worst over all of them) and of each scenario."""
    outcome, checks = subject.outcome, subject.material.answers.of_sections["sampling"]
    fit, names = outcome.posterior.draws.diagnostics, event_names(outcome)
    states = [(event, state) for event in outcome.layout.events for state in event.states]
    return SamplingTable(
        parameters=WorstParameter(
            fit=fit,
            r_hat_shown=f"{fit['r_hat_max']:.3f}",
            ess_bulk_shown=f"{fit['ess_bulk_min']:.0f}",
            ess_tail_shown=f"{fit['ess_tail_min']:.0f}",
            divergences_shown=f"{fit['divergences']:.0f}",
        ),
        forecasts=[
            _sampled(name, outcome.scenarios[scenario].mcse, of)
            for (scenario, name), of in zip(scenario_names(outcome).items(), checks["scenarios"], strict=True)
        ],
        states=[
            _sampled(f"{names[event.id]}: {label(state)}", outcome.events[event.id][state].mcse, of)
            for (event, state), of in zip(states, checks["states"], strict=True)
        ],
        chains=CHAINS,
        draws=int(outcome.posterior.weights.weights.size),
        max_r_hat=MAX_R_HAT,
        min_ess=LEAST_ESS,
        good=not distrust(fit),
    )


def _sampled(name: str, mcse: float, checks: Checks | None) -> SampledScenario:
    r_hat, bulk, tail = checks or (None, None, None)
    return SampledScenario(
        name=name,
        mcse=mcse,
        mcse_shown=f"{100.0 * mcse:.2f} points",
        r_hat=r_hat,
        ess_bulk=bulk,
        ess_tail=tail,
        shown=["—"] * 3 if checks is None else [f"{checks[0]:.3f}", f"{checks[1]:.0f}", f"{checks[2]:.0f}"],
    )


@dataclass(frozen=True, kw_only=True)
class SamplingShown:
    """What the section of sampling shows."""

    sampling: SamplingTable
    ranks: Markup
    convergence: Markup


class SamplingSection(Section):
    """Whether the chains agree, for parameters and forecasts alike."""

    id, title, group, place = "sampling", "Sampling", "Method", 160
    entries: ClassVar[Mapping[str, int]] = {"sampling": 290}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Return the worst diagnostics of the parameters."""
        found = sampling(subject)
        worst, verdict = found.parameters, "the chains agree" if found.good else "the chains do not agree"
        sizes = f"ESS {worst.ess_bulk_shown} bulk and {worst.ess_tail_shown} tail"
        return f"{verdict}: R-hat {worst.r_hat_shown}, {sizes}, divergences {worst.divergences_shown}"

    @classmethod
    def shown(cls, subject: Subject) -> SamplingShown:
        """Return the diagnostics and their figures."""
        return SamplingShown(
            sampling=sampling(subject), ranks=subject.figure("ranks"), convergence=subject.figure("convergence")
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the diagnostics."""
        return {"sampling": sampling(subject)}

    @classmethod
    def asks(cls, inputs: Inputs) -> object:
        """Check the chains of every scenario and every state."""
        return chain_checks(inputs.outcome)

    @classmethod
    def figures(cls, inputs: Inputs) -> Mapping[str, str]:
        """Draw the ranks of every scenario that varies, and the convergence of the parameters."""
        shares = {inputs.names[name]: values for name, values in inputs.varying.items()}
        return {"ranks": _ranks(shares) if shares else "", "convergence": _convergence(inputs.fit)}


def _ranks(shares: Mapping[str, Array]) -> str:
    """Draw the rank plot of each scenario's P(s | E, theta) by chain (ArviZ `plot_rank`); shares: (draws,) each."""
    with svg.style("ranks"):
        from arviz_base import from_dict
        from arviz_base.labels import NoVarLabeller
        from arviz_plots import plot_rank

        chained = np.stack([svg.by_chain(values)[:, ::4] for values in shares.values()], axis=-1)
        dims, coords = {"p": ["quantity"]}, {"quantity": list(shares)}
        drawn = plot_rank(
            from_dict({"posterior": {"p": chained}}, dims=dims, coords=coords),
            backend="matplotlib",
            color=list(svg.CHAINS),
            labeller=NoVarLabeller(),
            visuals={"xlabel": False, "remove_axis": False},
            figure_kwargs={"figsize": svg.panel_size(len(shares), 3.2)},
            col_wrap=svg.MOST_COLUMNS,
        )
        svg.break_titles(drawn)
        for text in (text for axes in drawn.get_viz("figure").axes for text in axes.texts):
            text.set_text(P_VALUE.sub(r"p = \1", text.get_text()))
        drawn.get_viz("figure").subplots_adjust(hspace=0.5)  # panels lower than they are wide
        return svg.element(drawn, "ranks", RANKS)


def _convergence(fit: Mapping[str, Array]) -> str:
    """Draw effective sizes and R-hat of every sampled parameter (ArviZ `plot_convergence_dist`)."""
    with svg.style("convergence"):
        from arviz_base import from_dict
        from arviz_base.labels import MapLabeller
        from arviz_plots import plot_convergence_dist

        sampled = {name: fit[name] for name in PARAMETERS if name in fit}
        drawn = plot_convergence_dist(
            from_dict({"posterior": sampled}),
            backend="matplotlib",
            labeller=MapLabeller(var_name_map=DIAGNOSTICS),
            visuals={"dist": {"color": svg.POSTERIOR}, "ref_line": {"color": svg.INK}},
            figure_kwargs={"figsize": svg.panel_size(len(DIAGNOSTICS), 2.6)},
        )
        for axes in drawn.get_viz("figure").axes:
            axes.locator_params(axis="x", nbins=4)  # labels such as 1.002 are as wide as the room between more ticks
        return svg.element(drawn, "convergence", CONVERGENCE)


@dataclass(frozen=True, kw_only=True)
class Reweighting:
    """The weights of the draws, and which evidence the sampler already knew (`anchor`, its date)."""

    pareto_k: float | None
    pareto_k_shown: str
    max_pareto_k: float
    effective_size: float
    effective_size_shown: str
    min_effective_size: float
    reliable: bool
    doubt: str
    anchor: str | None
    fit_of: str


@part
def reweighting(subject: Subject) -> Reweighting:
    """Describe the weights."""
    weights, anchor = subject.outcome.posterior.weights, subject.outcome.posterior.anchor
    size, n_draws = weights.effective_size, int(weights.weights.size)
    k = weights.pareto_k if weights.pareto_k > float("-inf") else None
    doubts = diagnostics(subject.outcome).reasons
    return Reweighting(
        pareto_k=k,
        pareto_k_shown="none (all draws have equal weight)" if k is None else f"{k:.2f}".replace("-", "−"),
        max_pareto_k=MAX_PARETO_K,
        effective_size=size,
        effective_size_shown=f"{size:.0f} of {n_draws} ({percent(size / n_draws, None)})",
        min_effective_size=MIN_EFFECTIVE_SIZE,
        reliable=not doubts,
        doubt=not_reliable(doubts),
        anchor=anchor.isoformat() if anchor else None,
        fit_of=f"the evidence known on {long_date(anchor)}" if anchor else "the prior",
    )


@dataclass(frozen=True, kw_only=True)
class ReweightingShown:
    """What the section of reweighting shows."""

    reweighting: Reweighting


class ReweightingSection(Section):
    """How evenly the evidence weighs the draws."""

    id, title, group, place = "reweighting", "Reweighting", "Method", 170
    entries: ClassVar[Mapping[str, int]] = {"reweighting": 300}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Return the diagnostics of the weights."""
        found = reweighting(subject)
        return f"Pareto k {found.pareto_k_shown}, effective size {found.effective_size_shown}"

    @classmethod
    def shown(cls, subject: Subject) -> ReweightingShown:
        """Return the weights."""
        return ReweightingShown(reweighting=reweighting(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the weights."""
        return {"reweighting": reweighting(subject)}
