"""The tables of a forecast: forecast.json and forecast.csv written, and read back with what is wrong in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.files import read_in
from forecast.ledger.entries import Line
from forecast.ledger.outcome import QUANTILES, Estimate, Outcome, estimates
from forecast.posterior.evaluate import Evaluation, evaluate
from forecast.posterior.mcse import reasons
from forecast.sampling.rows_prior import theta_draws
from forecast.workspace.json_text import NotJsonError, load_json
from forecast.workspace.problems import Problem, Source, WorkspaceProblems


def forecast_table(found: Outcome, compared: Line | None, version: str) -> dict[str, Any]:
    """Build the content of forecast.json; `compared` is the ledger line that changes are measured against."""
    known = found.posterior.asked.network.known
    before = compared.probabilities if compared else {}
    return {
        "format": 1,
        "title": found.workspace.network.title,
        "as_of": found.as_of.isoformat(),
        "opens": found.workspace.network.opens.isoformat(),
        "horizon": found.workspace.network.horizon.isoformat(),
        "known_until": known.until.isoformat(),
        "seed": found.seed,
        "version": version,
        "compared_with": compared.as_of.isoformat() if compared else None,
        "scenarios": [
            {"id": name, **as_row(estimate), "change": _change(estimate, before.get(name))}
            for name, estimate in found.scenarios.items()
        ],
        "events": [
            {
                "id": name,
                "states": [{"state": state, **as_row(estimate)} for state, estimate in states.items()],
            }
            for name, states in found.events.items()
        ],
        "diagnostics": diagnostics(found),
    }


def diagnostics(found: Outcome) -> dict[str, Any]:
    """Return how far the numbers can be trusted: the weights, and the sampling that the draws come from.

    `reliable` where there are no `reasons` (forecast.posterior.mcse) against it.
    """
    fit = found.posterior.draws.diagnostics
    weights = found.posterior.weights
    sizes = {name: estimate.ess for name, estimate in found.scenarios.items()}
    doubts = reasons(fit, weights, sizes, {name: estimate.mcse for name, estimate in found.scenarios.items()})
    return {
        "pareto_k": weights.pareto_k if weights.pareto_k > float("-inf") else None,
        "ess": weights.effective_size,
        "ess_scenario_min": min(sizes.values()),
        "reliable": not doubts,
        "reasons": list(doubts),
        "anchor": found.posterior.anchor.isoformat() if found.posterior.anchor else None,
        "draws": int(weights.weights.size),
        **fit,
    }


def as_row(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as it stands in forecast.json."""
    quantiles = {str(p): value for p, value in zip(QUANTILES, estimate.quantiles, strict=True)}
    return {"probability": estimate.probability, "quantiles": quantiles, "mcse": estimate.mcse}


def _change(estimate: Estimate, before: float | None) -> float | None:
    return None if before is None else estimate.probability - before


def as_json(table: Mapping[str, Any]) -> bytes:
    """Encode a table as JSON, the same bytes for the same numbers."""
    return (json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(table: Mapping[str, Any]) -> bytes:
    """Encode the scenarios and event states of a table as CSV, one row each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "id", "state", "probability", *(f"q{round(100 * p):02d}" for p in QUANTILES), "change"])
    for row in table["scenarios"]:
        change = "" if row["change"] is None else row["change"]
        writer.writerow(["scenario", row["id"], "", row["probability"], *row["quantiles"].values(), change])
    for event in table["events"]:
        for row in event["states"]:
            numbers = (row["probability"], *row["quantiles"].values())
            writer.writerow(["event", event["id"], row["state"], *numbers, ""])
    return text.getvalue().encode()


REWEIGHTED, REFITTED = "reweighted", "refitted"
NEEDS_REFIT, TOO_MANY, IMPOSSIBLE = "needs a refit", "not computed", "contradicts itself"


CLEAR = 2.0  # Monte Carlo errors from which on a change is one


def is_clear(scenario: Mapping[str, Any]) -> bool:
    """Say whether the `change` of a scenario is more than Monte Carlo error."""
    return bool(abs(scenario["change"]) >= CLEAR * scenario["change_mcse"])


def largest_change(scenarios: Mapping[str, Mapping[str, Any]] | None) -> float:
    """Return the largest `change` of any scenario, by name; zero where none is told."""
    return max((abs(one["change"]) for one in (scenarios or {}).values()), default=0.0)


def computed(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return of how many rows anything is told: a largest change is one of these."""
    return sum(row["scenarios"] is not None for row in rows)


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
    found = _object(content, path)
    for key, inner in (("scenarios", None), ("events", "states")):
        if key in found or key == "scenarios":
            _hold(found.get(key), key, inner, path)
    return found


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
        raise WorkspaceProblems([Problem(place, "no JSON", error.what, "one object")]) from None
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
        isinstance(one, dict) and isinstance(one.get("state"), str) and _is_number(one.get("probability"))
        for one in states
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Array = NDArray[np.float64]

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
    rows = prior.posterior.spec.rows
    coordinates = np.random.default_rng(prior.seed).standard_normal((rows.n_coordinates, FLAT_DRAWS))
    flat = evaluate(prior.posterior.asked, theta_draws(rows, coordinates))
    weights = np.full(FLAT_DRAWS, 1.0 / FLAT_DRAWS)
    scenarios, events = estimates(prior.workspace, prior.layout, flat, weights)
    told = prior.posterior.evaluation
    pulls = {event.id: _variance(told, v) / _variance(flat, v) for v, event in enumerate(prior.layout.events)}
    return Predictive(scenarios, events, pulls)


def _variance(found: Evaluation, v: int) -> float:
    """Sum the variances over draws of the log-odds of each state against the others."""
    states = found.events[v]
    # The others are added up: 1 - P would lose the digits of a state that is nearly certain.
    others = np.stack([np.delete(states, x, axis=0).sum(axis=0) for x in range(len(states))])
    return float((np.log(states) - np.log(others)).var(axis=1).sum())


def with_flat(table: Mapping[str, Any], found: Predictive) -> dict[str, Any]:
    """Return a prior in the form of forecast.json with `flat` at every scenario and state, `pull` at every event."""
    scenarios = [row | {"flat": as_row(found.scenarios[row["id"]])} for row in table["scenarios"]]
    events = [
        event
        | {
            "states": [row | {"flat": as_row(found.events[event["id"]][row["state"]])} for row in event["states"]],
            "pull": found.pulls[event["id"]],
        }
        for event in table["events"]
    ]
    return {**table, "scenarios": scenarios, "events": events}
