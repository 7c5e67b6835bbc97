"""Checks of the method: the prior predictive, and simulation-based calibration where a run of it is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from forecast.digits import signed
from forecast.ledger.outcome import FLAT_DRAWS, Outcome, prior_predictive
from forecast.plain import all_readable, spread
from forecast.posterior.replicates import inputs_digest
from forecast.report import svg
from forecast.report.section import Kept, Section, Subject, part
from forecast.words import Estimated, counted, estimate, event_names, label, long_date, scenario_names

if TYPE_CHECKING:
    from markupsafe import Markup

CALIBRATION = "reports/calibration.json"
NEEDED = ("date", "worlds", "quantities")
POSTERIOR_CALIBRATION = "reports/posterior-calibration.json"
POSTERIOR_NEEDED = ("date", "as_of", "draws", "refits", "doubtful", "quantities")
ENOUGH_REFITS = 100
COMMAND = "python -m benchmarks.posterior_calibration"
SURPRISING = 0.01  # p value of a test of even ranks below which a quantity is marked
UNLIKELY = 2.58  # standard errors, as rare as that
PIT = "Ranks of simulated truths: difference between their distribution and an even one."
POSTERIOR_PIT = "Ranks of drawn parameters in refits: difference between their distribution and an even one."


@dataclass(frozen=True, kw_only=True)
class PredictiveRow:
    """A scenario or state by the statements alone and by the flat prior."""

    name: str
    statements: Estimated
    flat: Estimated


@dataclass(frozen=True, kw_only=True)
class PredictiveEvent:
    """An event's states, and its pull: the share of the flat prior's variance that the statements left."""

    label: str
    pull: float
    pull_shown: str
    states: Sequence[PredictiveRow]


@dataclass(frozen=True, kw_only=True)
class PredictiveTable:
    """The prior predictive: scenarios and events by the statements alone, and by nobody's."""

    draws: int
    scenarios: Sequence[PredictiveRow]
    events: Sequence[PredictiveEvent]


def predictive_table(prior: Outcome) -> PredictiveTable:
    """Describe every scenario and event state by the statements alone and by the flat prior."""
    flat, names, events = prior_predictive(prior), scenario_names(prior), event_names(prior)
    return PredictiveTable(
        draws=FLAT_DRAWS,
        scenarios=[
            PredictiveRow(name=names[name], statements=estimate(share), flat=estimate(flat.scenarios[name]))
            for name, share in prior.scenarios.items()
        ],
        events=[
            PredictiveEvent(
                label=events[name],
                pull=flat.pulls[name],
                pull_shown=f"{flat.pulls[name]:.2f}",
                states=[
                    PredictiveRow(
                        name=label(state), statements=estimate(share), flat=estimate(flat.events[name][state])
                    )
                    for state, share in states.items()
                ],
            )
            for name, states in prior.events.items()
        ],
    )


@part
def predictive(subject: Subject) -> PredictiveTable:
    """Return the page's prior predictive."""
    return predictive_table(subject.material.prior)


@dataclass(frozen=True, kw_only=True)
class RankedQuantity:
    """A quantity's ranks, `of` the largest that there can be, and a test of their being even."""

    name: str
    worlds: int
    ranks: Sequence[int]
    of: int
    p_value: float
    p_shown: str
    surprising: bool


@dataclass(frozen=True, kw_only=True)
class SimulatedScenario:
    """In how many simulated worlds a scenario came about, and how many were expected (`row`, as in the file)."""

    row: Mapping[str, Any] = spread()
    expected_shown: str
    z_shown: str


@dataclass(frozen=True, kw_only=True)
class NoCalibration:
    """There is no run."""

    run: bool = False
    text: str = "Simulation-based calibration has not yet been run."
    quantities: Sequence[RankedQuantity] = ()
    scenarios: Sequence[SimulatedScenario] = ()


@dataclass(frozen=True, kw_only=True)
class CalibrationRun:
    """A run of simulation-based calibration."""

    run: bool = True
    date: str
    worlds: int
    text: str
    quantities: Sequence[RankedQuantity]
    scenarios: Sequence[SimulatedScenario]


# What runs call their quantities, as the section of the model has them.
QUANTITIES = {
    "P(evidence)": "probability of the evidence",
    "p(statements)": "density of the statements",
    "levels (alpha)": "levels α",
    "effects (beta)": "effects β",
    "deviations (deviation)": "deviations δ",
    "noise (omega)": "extra noise ω",
}
OF_SCENARIO = re.compile(r"P\((\w+) \| evidence\)")


def calibration_of(kept: Mapping[str, Any] | None) -> CalibrationRun | NoCalibration:
    """Describe a stored run of simulation-based calibration.

    The file holds `date` (of the run), `model` (what the worlds are drawn from), `worlds` (how many), `quantities`
    (each with `name`, `ranks`: a rank for each world, `of`: the largest rank there can be, `p_value`: of a test of even
    ranks) and, if they were
    counted, `scenarios` (each with `name`, `came`: in how many worlds it came true, `expected`: the sum of its
    probabilities, `z`: the difference in standard errors).

    Source: Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms with
    simulation-based calibration".
    """
    if kept is None:
        return NoCalibration()
    rows, result = _ranked(kept, {})
    scenarios = [
        SimulatedScenario(row=row, expected_shown=f"{row['expected']:.1f}", z_shown=signed(row["z"], 1))
        for row in kept.get("scenarios", ())
    ]
    model = kept.get("model", "a model that the file does not name")
    text = (
        f"Run on {long_date(kept['date'])} on {kept['worlds']} simulated worlds of {model}. {result}{_came(scenarios)}"
    )
    return CalibrationRun(date=kept["date"], worlds=kept["worlds"], text=text, quantities=rows, scenarios=scenarios)


def _called(name: str, scenarios: Mapping[str, str]) -> str:
    """Write what a run calls a quantity as the page calls it: a scenario by its name, others in words."""
    of = OF_SCENARIO.fullmatch(name)
    if of is None:
        return QUANTITIES.get(name, name)
    return f"P({scenarios.get(of[1], label(of[1]))} | evidence)"


def _ranked(kept: Mapping[str, Any], scenarios: Mapping[str, str]) -> tuple[list[RankedQuantity], str]:
    """Return the ranked quantities of a run, and a sentence on whether their ranks are even.

    `scenarios` are the names of those that the run is about, by id; empty where they are of a made-up network.
    """
    rows = [
        RankedQuantity(
            name=_called(row["name"], scenarios),
            worlds=len(row["ranks"]),
            ranks=row["ranks"],
            of=row["of"],
            p_value=row["p_value"],
            p_shown=f"{row['p_value']:.3f}",
            surprising=row["p_value"] < SURPRISING,
        )
        for row in kept["quantities"]
    ]
    marked = [row.name for row in rows if row.surprising]
    if marked:
        return rows, f"Ranks are uneven (p below {SURPRISING:g}) for {', '.join(marked)}."
    return rows, f"No quantity's ranks are uneven (p below {SURPRISING:g})."


def _came(scenarios: Sequence[SimulatedScenario]) -> str:
    """Say whether scenarios came true as often as their probabilities add up to."""
    if not scenarios:
        return ""
    furthest = max(scenarios, key=lambda scenario: abs(float(scenario.row["z"])))
    name, came = furthest.row["name"], furthest.row["came"]
    counts = f"{came} times where {furthest.expected_shown} were expected"
    if abs(furthest.row["z"]) > UNLIKELY:
        return f" Probabilities are off: “{name}” came true {counts} ({furthest.z_shown} standard errors)."
    return f" Scenarios came true as often as they were forecast: “{name}”, the furthest off, {counts}."


@part
def calibration(subject: Subject) -> CalibrationRun | NoCalibration:
    """Return the page's run of simulation-based calibration."""
    return calibration_of(subject.material.kept.calibration)


@dataclass(frozen=True, kw_only=True)
class PosteriorCalibration:
    """Simulation-based calibration on the workspace's own statements.

    `current`: of the draws of this forecast; `same_inputs`: of its inputs, whatever program drew; None: not known.
    """

    run: bool = False
    date: str | None = None
    refits: int = 0
    current: bool = False
    same_inputs: bool | None = None
    text: str
    quantities: Sequence[RankedQuantity] = ()


def posterior_calibration_of(
    kept: Mapping[str, Any] | None, draws: str, inputs: str, scenarios: Mapping[str, str] | None = None
) -> PosteriorCalibration:
    """Describe a stored run of posterior simulation-based calibration.

    The file holds `date` (of the run), `as_of` (of the forecast that was tested), `draws` (the digest of its draws),
    `inputs` (that of its inputs alone; earlier versions did not store it), `refits` (how many), `doubtful` (of how many
    the chains did not agree) and `quantities` as `calibration_of` has them. `draws` and `inputs` are the digests of the
    forecast at hand: a run of others is called one. `scenarios` are the names of its scenarios, by id.

    Source: Säilynoja, Schmitt, Bürkner and Vehtari (2025), "Posterior SBC: simulation-based calibration checking
    conditional on data".
    """
    if kept is None:
        return PosteriorCalibration(
            text="It has not been run: nothing here says whether the fit is calibrated for these statements."
            f" To run it: {COMMAND}."
        )
    rows, result = _ranked(kept, scenarios or {})
    current, of_inputs = kept["draws"] == draws, kept.get("inputs")
    same = True if current else None if of_inputs is None else of_inputs == inputs
    if current:
        of = "this forecast's own model, statements and draws"
    elif same:
        of = "the model and statements as they are now, drawn by another version of the program"
    elif same is None:
        of = "other draws than this forecast's, and the file does not say of which inputs"
    else:
        of = "another model, other statements or another anchor than this forecast's: it says nothing of these"
    few = f" {ENOUGH_REFITS} are wanted: so few tell gross mistakes only." if kept["refits"] < ENOUGH_REFITS else ""
    doubtful = f" In {kept['doubtful']} of them the chains did not agree." if kept["doubtful"] else ""
    when = f"Run on {long_date(kept['date'])}, {kept['refits']} refits of the forecast as of {long_date(kept['as_of'])}"
    return PosteriorCalibration(
        run=True,
        date=kept["date"],
        refits=kept["refits"],
        current=current,
        same_inputs=same,
        text=f"{when}: {of}.{few}{doubtful} {result}",
        quantities=rows,
    )


@part
def posterior_calibration(subject: Subject) -> PosteriorCalibration:
    """Return the page's run of posterior simulation-based calibration."""
    now = subject.outcome.posterior
    kept = subject.material.kept.posterior_calibration
    names = scenario_names(subject.outcome)
    return posterior_calibration_of(kept, now.draws.digest, inputs_digest(now.spec), names)


@dataclass(frozen=True, kw_only=True)
class ChecksShown:
    """What the section of checks shows."""

    predictive: PredictiveTable
    calibration: CalibrationRun | NoCalibration
    pit: Markup
    posterior_calibration: PosteriorCalibration
    posterior_pit: Markup


class ChecksSection(Section):
    """The prior predictive, and simulation-based calibration of the method and on the statements at hand."""

    id, title, group, place = "checks", "Checks of the method", "Method", 190
    entries: ClassVar[Mapping[str, int]] = {"predictive": 240, "calibration": 320, "posterior_calibration": 325}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Say whether the posterior calibration found the fit calibrated."""
        ran = posterior_calibration(subject)
        if not ran.quantities:
            return "the fit's calibration has not been tested on these statements"
        least = min(ran.quantities, key=lambda row: row.p_value)
        found = "not calibrated" if least.surprising else "no miscalibration found"
        on = "" if ran.same_inputs else " on other inputs"
        of = counted(len(ran.quantities), "p-value")
        return f"of the fit, not of forecasts: {found} in {ran.refits} refits{on}, smallest of {of} {least.p_shown}"

    @classmethod
    def shown(cls, subject: Subject) -> ChecksShown:
        """Return the checks, with the figures of the ranks."""
        from markupsafe import Markup

        ranks = subject.material.ranks
        return ChecksShown(
            predictive=predictive(subject),
            calibration=calibration(subject),
            pit=Markup(ranks.get("pit", "")),  # matplotlib has escaped its texts
            posterior_calibration=posterior_calibration(subject),
            posterior_pit=Markup(ranks.get("posterior-pit", "")),  # as above
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the checks."""
        return {
            "predictive": predictive(subject),
            "calibration": calibration(subject),
            "posterior_calibration": posterior_calibration(subject),
        }


@dataclass(frozen=True, kw_only=True)
class RankFigure:
    """All that decides a figure of ranks: its name, what it shows, its quantities, and the seed that breaks ties."""

    name: str
    says: str
    quantities: Sequence[RankedQuantity]
    seed: int


def rank_figures(kept: Kept, outcome: Outcome) -> list[RankFigure]:
    """Return the figures that the kept runs of both calibrations call for."""
    names = scenario_names(outcome)
    runs = (
        ("pit", PIT, calibration_of(kept.calibration)),
        ("posterior-pit", POSTERIOR_PIT, posterior_calibration_of(kept.posterior_calibration, "", "", names)),
    )
    return [
        RankFigure(name=name, says=says, quantities=all_readable(run.quantities), seed=outcome.seed)
        for name, says, run in runs
        if run.quantities
    ]


def drawn_ranks(figure: RankFigure) -> str:
    """Draw the ECDF difference of simulation-based calibration's ranks (ArviZ `plot_ecdf_pit`), a panel a quantity."""
    quantities, name = figure.quantities, figure.name
    with svg.style(name):
        from arviz_base import from_dict
        from arviz_plots import plot_ecdf_pit

        rng = np.random.default_rng(figure.seed)
        # Within (0, 1) and without ties: ArviZ rescales by the largest value that it sees otherwise.
        values = {
            row.name: ((np.array(row.ranks) + rng.random(len(row.ranks))) / (row.of + 1))[np.newaxis]
            for row in quantities
        }
        drawn = plot_ecdf_pit(
            from_dict({"prior_sbc": values}),
            backend="matplotlib",
            visuals={
                "ecdf_lines": {"color": svg.POSTERIOR},
                "suspicious_points": {"color": svg.INK, "size": 9},
                "p_value_text": False,  # of another test than the table's
                "xlabel": False,
            },
            figure_kwargs={"figsize": svg.panel_size(len(values), 3.0)},
            col_wrap=svg.MOST_COLUMNS,
        )
        svg.break_titles(drawn)
        drawn.get_viz("figure").subplots_adjust(hspace=0.5)  # panels lower than they are wide
        return svg.element(drawn, name, figure.says)
