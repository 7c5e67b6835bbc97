"""What an update concludes: tables of scenarios and events, and what they rest on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.files import read_in
from forecast.inference.scaled import NotFiniteError
from forecast.ledger.entries import Line
from forecast.model.asof import compile_opening
from forecast.model.layout import Layout
from forecast.plain import as_data, spread
from forecast.posterior.posterior import Evaluation, Posterior, evaluate, evaluate_scenarios, query, unweighted
from forecast.posterior.weights import averages, no_false_certainty, reasons, weighted_quantiles
from forecast.sampling.spec import theta_draws
from forecast.workspace.csv_text import NotJsonError, load_json
from forecast.workspace.names import OTHER
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.records import Scenario, Workspace

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Estimate:
    """A probability with the quantiles of its distribution over draws, in the order of QUANTILES.

    `mcse` is the Monte Carlo standard error of the probability, and `ess` how many independent draws would give it.
    """

    probability: float
    quantiles: tuple[float, ...]
    mcse: float
    ess: float


@dataclass(frozen=True)
class Outcome:
    """The forecast as of a date.

    `scenarios`: id -> estimate, `other` last. `events`: id -> state -> estimate.
    """

    workspace: Workspace
    layout: Layout
    as_of: date
    seed: int
    posterior: Posterior
    scenarios: Mapping[str, Estimate]
    events: Mapping[str, Mapping[str, Estimate]]

    @property
    def scenario_ids(self) -> tuple[str, ...]:
        """Scenario ids in rule order, `other` last."""
        return tuple(self.scenarios)


def outcome(workspace: Workspace, layout: Layout, as_of: date, seed: int, posterior: Posterior) -> Outcome:
    """Summarise a posterior."""
    scenarios, events = estimates(workspace, layout, posterior.evaluation, posterior.weights.weights)
    return Outcome(workspace, layout, as_of, seed, posterior, scenarios, events)


def prior_outcome(forecast: Outcome) -> Outcome:
    """Summarise the prior that a forecast started from: the statements alone, at the opening."""
    posterior = unweighted(forecast.workspace, forecast.layout, forecast.posterior.spec, forecast.posterior.base)
    return outcome(forecast.workspace, forecast.layout, forecast.workspace.network.opens, forecast.seed, posterior)


def at_opening(layout: Layout, rules: Sequence[Scenario], theta: Array) -> Array:
    """Compute P(part | theta_d) (parts with the rest, draws) at the opening, before any evidence."""
    return evaluate_scenarios(query(compile_opening(layout), rules), theta)[1]


def prior_probabilities(forecast: Outcome, rules: Sequence[Scenario]) -> Array:
    """Compute the probability of each part of a partition in `prior_outcome`, and of the rest: no event is solved."""
    shares = at_opening(forecast.layout, rules, forecast.posterior.base.theta)
    weights = np.full(shares.shape[1], 1.0 / shares.shape[1])
    return np.array([one.probability for one in _rows([shares], weights, adds_up=True)])


def estimates(
    workspace: Workspace, layout: Layout, evaluation: Evaluation, weights: Array, *, adds_up: bool = True
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]]]:
    """Summarise draws by their weights: each scenario, and each state of each event.

    `adds_up`: an event's states share one among them; False where they are P(at least this step).
    """
    names = [*(scenario.id for scenario in workspace.scenarios), OTHER]
    rows = iter(_rows([evaluation.scenarios, *evaluation.events], weights, adds_up=adds_up))
    scenarios = {name: next(rows) for name in names}
    events = {event.id: {state: next(rows) for state in event.states} for event in layout.events}
    return scenarios, events


def _rows(blocks: list[Array], weights: Array, *, adds_up: bool) -> list[Estimate]:
    values = np.concatenate(blocks)  # errors of many rows at once cost less than a few at a time
    summary = averages(values, weights, np.concatenate([block @ weights for block in blocks]))
    # Every forecast, prior, alternative and past date passes here: nothing undefined is ever printed or written.
    if not all(np.isfinite(numbers).all() for numbers in (summary.mean, summary.mcse)):
        msg = "a probability of the forecast, or its Monte Carlo error, is infinite or not a number"
        raise NotFiniteError(msg)
    quantiles = weighted_quantiles(values, weights, np.array(QUANTILES))
    # What is the same in all draws is just that: weights add up to one but for rounding.
    means = np.where(summary.mcse == 0.0, quantiles[:, QUANTILES.index(0.5)], summary.mean)
    if adds_up:
        ends = np.cumsum([len(block) for block in blocks])[:-1]
        means, quantiles = (_apart(np.split(of, ends), blocks, weights) for of in (means, quantiles))
    numbers = zip(means.tolist(), quantiles.tolist(), summary.mcse.tolist(), summary.ess.tolist(), strict=True)
    return [Estimate(p, tuple(row), error, size) for p, row, error, size in numbers]


def _apart(parts: list[Array], blocks: list[Array], weights: Array) -> Array:
    pairs = zip(parts, blocks, strict=True)
    return np.concatenate([no_false_certainty(part, block, weights) for part, block in pairs])


# The tables of a forecast: forecast.json and forecast.csv written, and read back with what is wrong in them.


@dataclass(frozen=True, kw_only=True)
class EstimateRow:
    """An estimate as it stands in files: `quantiles` by level."""

    probability: float
    quantiles: Mapping[str, float]
    mcse: float


@dataclass(frozen=True, kw_only=True)
class ScenarioEntry:
    """A scenario, and the change of its probability against the line that is compared with; None without one."""

    id: str
    estimate: EstimateRow = spread()
    change: float | None


@dataclass(frozen=True, kw_only=True)
class StateEntry:
    """A state of an event."""

    state: str
    estimate: EstimateRow = spread()


@dataclass(frozen=True, kw_only=True)
class EventEntry:
    """An event with its states."""

    id: str
    states: tuple[StateEntry, ...]


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """How far the numbers can be trusted: the weights, and (`fit`) the sampling that the draws come from.

    `reliable` where there are no `reasons` (forecast.posterior.weights) against it.
    """

    pareto_k: float | None
    ess: float
    ess_scenario_min: float
    reliable: bool
    reasons: tuple[str, ...]
    anchor: date | None
    draws: int
    fit: Mapping[str, float] = spread()


@dataclass(frozen=True, kw_only=True)
class TableHead:
    """What a table is of. `compared_with`: the as-of date of the line that changes are measured against."""

    format: int = 1
    title: str
    as_of: date
    opens: date
    horizon: date
    known_until: date
    seed: int
    version: str
    compared_with: date | None


@dataclass(frozen=True, kw_only=True)
class ForecastRecord:
    """A forecast as forecast.json holds it."""

    head: TableHead = spread()
    scenarios: tuple[ScenarioEntry, ...]
    events: tuple[EventEntry, ...]
    diagnostics: Diagnostics


def forecast_table(outcome: Outcome, compared: Line | None, version: str) -> ForecastRecord:
    """Build the content of forecast.json; `compared` is the ledger line that changes are measured against."""
    before = compared.probabilities if compared else {}
    return ForecastRecord(
        head=TableHead(
            title=outcome.workspace.network.title,
            as_of=outcome.as_of,
            opens=outcome.workspace.network.opens,
            horizon=outcome.workspace.network.horizon,
            known_until=outcome.posterior.asked.network.known.until,
            seed=outcome.seed,
            version=version,
            compared_with=compared.as_of if compared else None,
        ),
        scenarios=tuple(
            ScenarioEntry(id=name, estimate=as_row(estimate), change=_change(estimate, before.get(name)))
            for name, estimate in outcome.scenarios.items()
        ),
        events=tuple(
            EventEntry(
                id=name,
                states=tuple(StateEntry(state=state, estimate=as_row(estimate)) for state, estimate in states.items()),
            )
            for name, states in outcome.events.items()
        ),
        diagnostics=diagnostics(outcome),
    )


def diagnostics(outcome: Outcome) -> Diagnostics:
    """Return how far the numbers of a forecast can be trusted."""
    fit = outcome.posterior.draws.diagnostics
    weights = outcome.posterior.weights
    sizes = {name: estimate.ess for name, estimate in outcome.scenarios.items()}
    doubts = reasons(fit, weights, sizes, {name: estimate.mcse for name, estimate in outcome.scenarios.items()})
    return Diagnostics(
        pareto_k=weights.pareto_k if weights.pareto_k > float("-inf") else None,
        ess=weights.effective_size,
        ess_scenario_min=min(sizes.values()),
        reliable=not doubts,
        reasons=tuple(doubts),
        anchor=outcome.posterior.anchor,
        draws=int(weights.weights.size),
        fit=fit,
    )


def as_row(estimate: Estimate) -> EstimateRow:
    """Return an estimate as it stands in forecast.json."""
    return EstimateRow(probability=estimate.probability, quantiles=by_level(estimate), mcse=estimate.mcse)


def by_level(estimate: Estimate) -> dict[str, float]:
    """Return the quantiles of an estimate by their level, as a text."""
    return {str(p): value for p, value in zip(QUANTILES, estimate.quantiles, strict=True)}


def _change(estimate: Estimate, before: float | None) -> float | None:
    return None if before is None else estimate.probability - before


def as_json(table: object) -> bytes:
    """Encode a table as JSON, the same bytes for the same numbers."""
    return (json.dumps(as_data(table), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(table: ForecastRecord) -> bytes:
    """Encode the scenarios and event states of a table as CSV, one row each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "id", "state", "probability", *(f"q{round(100 * p):02d}" for p in QUANTILES), "change"])
    for row in table.scenarios:
        change = "" if row.change is None else row.change
        writer.writerow(["scenario", row.id, "", row.estimate.probability, *row.estimate.quantiles.values(), change])
    for event in table.events:
        for state in event.states:
            numbers = (state.estimate.probability, *state.estimate.quantiles.values())
            writer.writerow(["event", event.id, state.state, *numbers, ""])
    return text.getvalue().encode()


REWEIGHTED, REFITTED = "reweighted", "refitted"
NEEDS_REFIT, TOO_MANY, IMPOSSIBLE = "needs a refit", "not computed", "contradicts itself"


CLEAR = 2.0  # Monte Carlo errors from which on a change is one

FORECAST = "forecast.json"


def kept_forecast(root: Path, day: str) -> dict[str, Any] | None:
    """Return what `reports/DAY/forecast.json` holds, or None where there is none.

    Raises WorkspaceProblems: it cannot be read, is no JSON, or its scenarios and events are not lists of what has an id
    and probabilities.
    """
    path = f"reports/{day}/{FORECAST}"
    try:
        content = read_in(root / "reports" / day, FORECAST)
    except OSError as error:
        raise WorkspaceProblems([_unread(path, error)]) from None
    if content is None:
        return None
    table = _object(content, path)
    for key, inner in (("scenarios", None), ("events", "states")):
        if key in table or key == "scenarios":
            _hold(table.get(key), key, inner, path)
    return table


def read_object(root: Path, path: str) -> dict[str, Any]:
    """Return the JSON object that a file of `reports/` holds. Raises WorkspaceProblems where there is none in it."""
    try:
        return _object((root / path).read_bytes(), path)
    except OSError as error:
        raise WorkspaceProblems([_unread(path, error)]) from None


def _unread(path: str, error: OSError) -> Problem:
    return Problem(Source(path, 1), f"cannot be read: {error.strerror or error}")


def _object(text: bytes, path: str) -> dict[str, Any]:
    source = Source(path, 1)
    try:
        content = load_json(text.decode())
    except UnicodeDecodeError as error:
        raise WorkspaceProblems(
            [Problem(source, "not UTF-8 text", f"byte 0x{error.object[error.start]:02x}")]
        ) from None
    except NotJsonError as error:
        place = Source(path, error.line)
        raise WorkspaceProblems([Problem(place, "no JSON", error.what, error.allowed or "one object")]) from None
    if not isinstance(content, dict):
        raise WorkspaceProblems([Problem(source, "no JSON object", type(content).__name__, "one object")])
    return content


def _hold(rows: Any, key: str, inner: str | None, path: str) -> None:
    """Raise WorkspaceProblems unless these are rows as an update writes them."""
    states = inner is not None
    is_right = isinstance(rows, list) and all(
        isinstance(row, dict)
        and isinstance(row.get("id"), str)
        and (_are_states(row.get(inner)) if states else _is_number(row.get("probability")))
        for row in rows
    )
    if not is_right:
        what = f"{key} are not as an update writes them"
        raise WorkspaceProblems([Problem(Source(path, 1), what, "", "`forecast update` writes the file again")])


def _are_states(states: Any) -> bool:
    return isinstance(states, list) and all(
        isinstance(state, dict) and isinstance(state.get("state"), str) and _is_number(state.get("probability"))
        for state in states
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FLAT_DRAWS = 1000  # of the flat prior: its means are good to about a percentage point


@dataclass(frozen=True)
class Predictive:
    """The flat prior at the opening, and what the statements left of it.

    `scenarios`: id -> estimate; `events`: id -> state -> estimate; `pulls`: id of an event -> its pull.
    """

    scenarios: Mapping[str, Estimate]
    events: Mapping[str, Mapping[str, Estimate]]
    pulls: Mapping[str, float]


def prior_predictive(prior: Outcome) -> Predictive:
    """Evaluate the flat prior (standard normal coordinates, equal weights) at the opening, and compute the pulls.

    `prior` is the outcome of the statements alone at the opening. An event's pull towards its default is the share of
    the flat prior's variance of log-odds, summed over the event's states, that is left after the statements: 1 where
    nobody said anything that bears on it.
    """
    flat = evaluate(prior.posterior.asked, theta_draws(prior.posterior.spec.rows, flat_coordinates(prior)))
    weights = np.full(FLAT_DRAWS, 1.0 / FLAT_DRAWS)
    scenarios, events = estimates(prior.workspace, prior.layout, flat, weights)
    stated = prior.posterior.evaluation
    pulls = {event.id: _variance(stated, v) / _variance(flat, v) for v, event in enumerate(prior.layout.events)}
    return Predictive(scenarios, events, pulls)


def flat_coordinates(prior: Outcome) -> Array:
    """Draw the coordinates of the CPT rows before any statement: standard normal, (n, FLAT_DRAWS)."""
    size = (prior.posterior.spec.rows.n_coordinates, FLAT_DRAWS)
    return np.random.default_rng(prior.seed).standard_normal(size)


def _variance(evaluation: Evaluation, v: int) -> float:
    """Sum the variances over draws of the log-odds of each state against the others."""
    states = evaluation.events[v]
    # The others are added up: 1 - P would lose the digits of a state that is nearly certain.
    others = np.stack([np.delete(states, x, axis=0).sum(axis=0) for x in range(len(states))])
    return float((np.log(states) - np.log(others)).var(axis=1).sum())


@dataclass(frozen=True, kw_only=True)
class PriorScenario:
    """A scenario in the prior, and in the flat prior."""

    scenario: ScenarioEntry = spread()
    flat: EstimateRow


@dataclass(frozen=True, kw_only=True)
class PriorState:
    """A state in the prior, and in the flat prior."""

    state: StateEntry = spread()
    flat: EstimateRow


@dataclass(frozen=True, kw_only=True)
class PriorEvent:
    """An event in the prior: its states, and its pull."""

    id: str
    states: tuple[PriorState, ...]
    pull: float


@dataclass(frozen=True, kw_only=True)
class PriorTable:
    """A prior in the form of forecast.json, beside the flat prior."""

    head: TableHead = spread()
    scenarios: tuple[PriorScenario, ...]
    events: tuple[PriorEvent, ...]
    diagnostics: Diagnostics


def with_flat(table: ForecastRecord, predictive: Predictive) -> PriorTable:
    """Return a prior with the flat prior at every scenario and state, and the pull of every event."""
    return PriorTable(
        head=table.head,
        scenarios=tuple(
            PriorScenario(scenario=row, flat=as_row(predictive.scenarios[row.id])) for row in table.scenarios
        ),
        events=tuple(
            PriorEvent(
                id=event.id,
                states=tuple(
                    PriorState(state=row, flat=as_row(predictive.events[event.id][row.state])) for row in event.states
                ),
                pull=predictive.pulls[event.id],
            )
            for event in table.events
        ),
        diagnostics=table.diagnostics,
    )


@dataclass(frozen=True, kw_only=True)
class AlternativeTable:
    """The forecast under an alternative, against the ordinary one, in the form of forecast.json."""

    alternative: str
    table: ForecastRecord = spread()


@dataclass(frozen=True, kw_only=True)
class MovedBy:
    """What a new item (`kind` item) or other inputs (inputs) add to each scenario."""

    what: str
    kind: str
    effects: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class UpdateTable:
    """The forecast of an update, which records were edited after they were used, and what moved it."""

    table: ForecastRecord = spread()
    edited: tuple[str, ...]
    moved: tuple[MovedBy, ...]
