"""The forecast as an ArviZ DataTree: labelled axes, units and everything that the page rests on, in one netCDF file.

What groups, variables and coordinates are stands in the file as attributes; docs/datatree.md shows the same table, and
a test holds both against a written file.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.statements import StatementRow
from forecast.ledger.outcome import Outcome
from forecast.plain import as_data
from forecast.posterior.posterior import Evaluation
from forecast.report.sections.grounds import EvidenceRow
from forecast.report.sections.question import AskedQuestion, Reproduction
from forecast.report.svg import by_chain
from forecast.sampling.likelihood import statement_columns
from forecast.sampling.spec import PriorSpec
from forecast.workspace.names import OTHER

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

Array = NDArray[np.float64]


class Meaning(NamedTuple):
    """Units (of numbers; "1" for probabilities and counts, None for texts) and what a variable is."""

    units: str | None
    long_name: str


GROUPS = {
    "prior": "what the statements imply at the opening, before any evidence: draws of equal weight",
    "posterior": "parameters of stage 1 as they were sampled: weight them by forecast/weight",
    "forecast": "what each draw forecasts, all evidence weighed exactly; a forecast is the mean weighted by `weight`",
    "joint": "the forecast as one table: each scenario together with each state of each event",
    "sample_stats": "what the sampler reports about its draws",
    "statements": "every statement that counts, beside what the statements together imply for it",
    "evidence": "every item reported by the as-of date, what it weighs and whether it still counts",
}
COORDINATES = {
    "chain": Meaning("1", "number of the chain"),
    "draw": Meaning("1", "number of the draw within its chain"),
    "scenario": Meaning(None, "id of the scenario, in the order of the rules, `other` last"),
    "event_state": Meaning(None, "event=state, events in file order"),
    "event": Meaning(None, "id of the event"),
    "state": Meaning(None, "state of the event"),
    "alpha_coordinate": Meaning(None, "event and basis vector of its states"),
    "beta_coordinate": Meaning(None, "event and basis vector, parent and basis vector of its states"),
    "epsilon_coordinate": Meaning(None, "event and basis vector, row of its table"),
    "deviation_coordinate": Meaning(None, "group or coder, event and basis vector of its states"),
    "expert": Meaning(None, "id of the expert"),
    "rated": Meaning(None, "id of an expert with a track record"),
    "coded": Meaning(None, "remarks that were coded again"),
    "distribution": Meaning(None, "id of a statement that gives a whole distribution"),
    "count": Meaning(None, "id of a statement that counts cases"),
    "reading": Meaning(None, "id of the statement; of a distribution one coordinate each"),
    "statement": Meaning(None, "id of the statement"),
    "item": Meaning(None, "id of the item"),
}
PROBABILITIES = {
    "scenarios": Meaning("1", "probability of the scenario, given the evidence and the draw"),
    "event_states": Meaning("1", "probability of the state at the horizon, given the evidence and the draw"),
}
VARIABLES: dict[str, dict[str, Meaning]] = {
    "prior": PROBABILITIES,
    "posterior": {
        "alpha": Meaning("sd", "level of an event's table: standard normal before the statements"),
        "beta": Meaning("sd", "effect of a parent: standard normal before the statements"),
        "epsilon": Meaning("sd", "a row's own deviation: standard normal before the statements"),
        "deviation": Meaning("sd", "deviation of a group or coder: standard normal before the statements"),
        "omega": Meaning("log-odds", "extra noise of an expert"),
        "kappa": Meaning("log-odds", "sd between coders of one remark, where remarks are coded by several"),
        "bias": Meaning("log-odds", "bias of an expert with a track record"),
        "slope": Meaning("1", "slope of an expert with a track record"),
        "spread": Meaning("1", "common precision of the coordinates of a distribution"),
        "case_noise": Meaning("sd", "how the class of a count differs from the event at hand"),
        "quantity": Meaning("log-odds or log probability", "what a statement is a reading of"),
    },
    "forecast": {
        "weight": Meaning("1", "importance weight of the draw, normalised"),
        "log_evidence": Meaning("nat", "log probability of the evidence, given the draw"),
        **PROBABILITIES,
    },
    "joint": {"probability": Meaning("1", "probability of scenario and state together, given the evidence")},
    "sample_stats": {
        "depth": Meaning("1", "depth of the trajectory's tree"),
        "step_size": Meaning("1", "step size of the integrator"),
        "n_steps": Meaning("1", "steps of the trajectory"),
        "energy": Meaning("nat", "energy of the Hamiltonian"),
        "diverging": Meaning("1", "whether the trajectory diverged"),
    },
    "statements": {
        "date": Meaning(None, "when it was said"),
        "expert": Meaning(None, "who said it"),
        "group": Meaning(None, "group of the expert"),
        "coded_by": Meaning(None, "who put the number on the words; empty: the expert"),
        "says": Meaning(None, "paraphrase"),
        "why": Meaning(None, "why this number"),
        "publisher": Meaning(None, "where it was published"),
        "title": Meaning(None, "title of the publication"),
        "url": Meaning(None, "address of the publication"),
        "event_id": Meaning(None, "id of the event it is about; empty for a scenario"),
        "about": Meaning(None, "what it is about, in words"),
        "coded": Meaning(None, "what it is read as"),
        "implied": Meaning(None, "what all statements together imply, with the 90 % interval"),
        "residual": Meaning("sd", "stated less implied"),
        "disagrees": Meaning("1", "1 where the residual is large enough for a warning"),
    },
    "evidence": {
        "reported": Meaning(None, "when it was reported"),
        "happened": Meaning(None, "when it happened, if on another day"),
        "headline": Meaning(None, "what was reported"),
        "why": Meaning(None, "why these numbers"),
        "url": Meaning(None, "where it was reported"),
        "source": Meaning(None, "who reported it"),
        "grade": Meaning(None, "reliability of the source, A to F"),
        "credibility": Meaning("1", "credibility of the item, 1 to 6"),
        "bears_on": Meaning(None, "events (or the scenarios) that it concerns and how, as JSON"),
        "group": Meaning(None, "group of copies that it belongs to"),
        "copy": Meaning("1", "0 for the strongest of its group, then 1, 2, ..."),
        "informative": Meaning("1", "prior probability that the report is informative"),
        "decibans": Meaning("dB", "largest weight between two joint states of its events, as of today"),
        "counts": Meaning("1", "1 unless retracted or superseded"),
        "standing": Meaning(None, "whether it counts, has decayed, is a copy, or is gone"),
    },
}


def described(group: str, data: Dataset) -> Dataset:
    """Return a group with its own description and the units and meaning of everything in it.

    Raises KeyError for a variable of which nothing is said here.
    """
    meanings = COORDINATES | VARIABLES[group]
    labelled = data.assign_attrs(description=GROUPS[group])
    for name in (*labelled.coords, *labelled.data_vars):
        meaning = (VARIABLES[group] if name in labelled.data_vars else meanings)[str(name)]
        units = {} if meaning.units is None else {"units": meaning.units}
        labelled[name].attrs = {**units, "long_name": meaning.long_name}
    return labelled


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What of the report stands in the tree beside its arrays."""

    question: AskedQuestion
    statements: Sequence[StatementRow]
    evidence: Sequence[EvidenceRow]
    reproduce: Reproduction


def data_tree(
    outcome: Outcome,
    opening: Evaluation,
    joint: Sequence[Array],
    fit: tuple[Mapping[str, Array], Mapping[str, Array]],
    tables: Tables,
) -> DataTree:
    """Build the tree.

    Args:
        outcome: the forecast.
        opening: the base draws at the opening, without evidence.
        joint: for each event the weighted mean of P(scenario, state), (scenarios, states).
        fit: posterior and sampler statistics of the draws in use, {variable: (chain, draw, ...)}.
        tables: statements and evidence become tables, the rest attributes.
    """
    import xarray as xr

    posterior, stats = fit
    evaluation, weights = outcome.posterior.evaluation, outcome.posterior.weights.weights
    groups = {
        "prior": _probabilities(outcome, opening, {}),
        "posterior": _parameters(outcome.posterior.spec, posterior),
        "forecast": _probabilities(
            outcome,
            evaluation,
            {"weight": by_chain(weights), "log_evidence": by_chain(evaluation.log_evidence)},
        ),
        "joint": xr.Dataset(
            {"probability": (("scenario", "event_state"), np.concatenate(list(joint), axis=1))},
            coords={"scenario": _texts(outcome.scenario_ids), **_event_states(outcome)},
        ),
        "sample_stats": _with_axes({name: (("chain", "draw"), values) for name, values in stats.items()}),
        "statements": _table("statement", tables.statements, tuple(VARIABLES["statements"])),
        "evidence": _table("item", tables.evidence, tuple(VARIABLES["evidence"])),
    }
    about = {"title": tables.question.title, "as_of": tables.question.as_of, "scenario_other": OTHER}
    root = xr.Dataset(
        attrs={**about, "reproduce": json.dumps(as_data(tables.reproduce), ensure_ascii=False, sort_keys=True)}
    )
    return xr.DataTree.from_dict({"/": root, **{name: described(name, data) for name, data in groups.items()}})


def as_netcdf(tree: DataTree) -> bytes:
    """Encode a tree as netCDF-4; `xarray.load_datatree` reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecast.nc"
        tree.to_netcdf(path, engine="h5netcdf")
        return path.read_bytes()


def _texts(values: Sequence[str]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def _with_axes(variables: Mapping[str, Any], coords: Mapping[str, Any] | None = None) -> Dataset:
    """Make a dataset whose chain and draw axes are numbered."""
    import xarray as xr

    data = xr.Dataset(dict(variables), coords=dict(coords or {}))
    return data.assign_coords({axis: np.arange(data.sizes[axis]) for axis in ("chain", "draw") if axis in data.sizes})


def _event_states(outcome: Outcome) -> dict[str, object]:
    pairs = [(event.id, state) for event in outcome.layout.events for state in event.states]
    return {
        "event_state": _texts([f"{event}={state}" for event, state in pairs]),
        "event": ("event_state", _texts([event for event, _ in pairs])),
        "state": ("event_state", _texts([state for _, state in pairs])),
    }


def _probabilities(outcome: Outcome, evaluation: Evaluation, more: Mapping[str, Array]) -> Dataset:
    axes = ("chain", "draw")
    variables: dict[str, Any] = {name: (axes, values) for name, values in more.items()}
    variables["scenarios"] = ((*axes, "scenario"), by_chain(evaluation.scenarios))
    variables["event_states"] = ((*axes, "event_state"), by_chain(np.concatenate(evaluation.events)))
    return _with_axes(variables, {"scenario": _texts(outcome.scenario_ids), **_event_states(outcome)})


def _parameters(spec: PriorSpec, posterior: Mapping[str, Array]) -> Dataset:
    n_stated = spec.stated.location.size
    counts = n_stated + spec.n_distributions
    labels = {
        "alpha": ("alpha_coordinate", spec.rows.alpha),
        "beta": ("beta_coordinate", spec.rows.beta),
        "epsilon": ("epsilon_coordinate", spec.rows.epsilon),
        "deviation": ("deviation_coordinate", spec.deviation_labels),
        "omega": ("expert", spec.experts),
        "kappa": ("coded", ("again",)),
        "bias": ("rated", spec.rated),
        "slope": ("rated", spec.rated),
        "spread": ("distribution", spec.statement_ids[n_stated:counts]),
        "case_noise": ("count", spec.statement_ids[counts : counts + len(spec.counted)]),
        "quantity": ("reading", _readings(spec)),
    }
    # Single precision: half the file, and far below Monte Carlo error.
    variables = {
        name: (("chain", "draw", labels[name][0]), values.astype(np.float32)) for name, values in posterior.items()
    }
    return _with_axes(variables, {axis: _texts(names) for axis, names in map(labels.__getitem__, posterior)})


def _readings(spec: PriorSpec) -> list[str]:
    """Name each of the spec's quantities by its statement; coordinates of a distribution are numbered."""
    names = [""] * spec.quantities.n_rows
    for statement, rows in statement_columns(spec).items():
        for place, row in enumerate(rows):
            names[row] = statement if len(rows) == 1 else f"{statement}[{place}]"
    return names


def _table(axis: str, rows: Sequence[StatementRow] | Sequence[EvidenceRow], columns: Sequence[str]) -> Dataset:
    """Make a table of texts and numbers; nested parts are JSON, absent ones an empty text or not-a-number."""
    import xarray as xr

    variables = {name: (axis, _column([_cell(row, name) for row in rows])) for name in columns}
    return xr.Dataset(variables, coords={axis: _texts([row.id for row in rows])})


def _cell(row: StatementRow | EvidenceRow, name: str) -> Any:
    if name == "url":
        return row.link.url if row.link else None
    return as_data(getattr(row, name))


def _column(values: Sequence[Any]) -> NDArray[Any]:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int | float) for value in present):
        return np.array([np.nan if value is None else float(value) for value in values])
    return _texts([_as_text(value) for value in values])


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
