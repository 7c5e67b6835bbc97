"""The forecast as an ArviZ DataTree: labelled axes, units and everything that the page rests on, in one netCDF file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.scenarios import OTHER
from forecast.feedback.statements import StatementRow
from forecast.plain import as_plain
from forecast.prior.residuals import statement_columns
from forecast.prior.spec import PriorSpec
from forecast.record.outcome import Outcome
from forecast.report.sections.grounds import EvidenceRow
from forecast.report.sections.method import AskedQuestion, Reproduction
from forecast.report.svg import by_chain
from forecast.report.tree_words import VARIABLES, described
from forecast.reweight.evaluate import Evaluation

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

Array = NDArray[np.float64]


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
        attrs={**about, "reproduce": json.dumps(as_plain(tables.reproduce), ensure_ascii=False, sort_keys=True)}
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


def _event_states(outcome: Outcome) -> dict[str, Any]:
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
    return as_plain(getattr(row, name))


def _column(values: Sequence[Any]) -> NDArray[Any]:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int | float) for value in present):
        return np.array([np.nan if value is None else float(value) for value in values])
    return _texts([_as_text(value) for value in values])


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
