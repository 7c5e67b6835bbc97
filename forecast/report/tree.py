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
from forecast.ledger.outcome import Outcome, flat_coordinates
from forecast.plain import as_data
from forecast.posterior.densities import log_prior, log_record, log_statements, prior_fit
from forecast.posterior.posterior import Evaluation, evaluate
from forecast.posterior.replicates import Replicates, observed, replicates
from forecast.posterior.weights import resampled
from forecast.report.sections.grounds import EvidenceRow
from forecast.report.sections.question import AskedQuestion, Reproduction
from forecast.report.svg import by_chain
from forecast.sampling.likelihood import quantities, statement_columns
from forecast.sampling.settings import CHAINS
from forecast.sampling.spec import PriorSpec, theta_draws
from forecast.workspace.names import OTHER

if TYPE_CHECKING:
    from xarray import DataArray, Dataset, DataTree

Array = NDArray[np.float64]


DAY = "date"


class Meaning(NamedTuple):
    """Units (of numbers; "1" for probabilities and counts, None for texts, DAY for dates) and what a variable is."""

    units: str | None
    long_name: str


GROUPS = {
    "posterior": "the forecast: draws of equal weight, each as often as its weight says, in the order they were drawn",
    "prior": "before any statement and any evidence: draws of equal weight",
    "before_evidence": "what the statements imply at the opening, before any evidence: draws of equal weight",
    "log_prior": "log density of each parameter in the draws of the posterior",
    "log_likelihood": "log density of what is known in the draws of the posterior, given their parameters",
    "posterior_predictive": "what the same people would state in the draws of the posterior",
    "prior_predictive": "what the same people would state in the draws of the prior",
    "observed_data": "what they stated",
    "sample_stats": "what the sampler reports about the draws of the posterior",
    "forecast": "every draw once, as it was drawn; a forecast is the mean weighted by `weight`",
    "joint": "the forecast as one table: each scenario together with each state of each event",
    "statements": "every statement that counts, beside what the statements together imply for it",
    "evidence": "every item reported by the as-of date, what it weighs and whether it still counts",
}
COORDINATES = {
    "chain": Meaning("1", "number of the chain"),
    "draw": Meaning("1", "number of the draw within its chain"),
    "scenario": Meaning(None, "id of the scenario, in the order of the rules, `other` last"),
    "event": Meaning(None, "id of the event, in file order"),
    "event_state": Meaning(None, "event=state, events in file order"),
    "alpha_coordinate": Meaning(None, "event and basis vector of its states"),
    "beta_coordinate": Meaning(None, "event and basis vector, parent and basis vector of its states"),
    "epsilon_coordinate": Meaning(None, "event and basis vector, row of its table"),
    "deviation_coordinate": Meaning(None, "group or coder, event and basis vector of its states"),
    "expert": Meaning(None, "id of the expert"),
    "rated": Meaning(None, "id of an expert with a track record"),
    "coded": Meaning(None, "remarks that were coded again"),
    "number": Meaning(None, "id of a statement of one number"),
    "distribution": Meaning(None, "id of a statement that gives a whole distribution"),
    "component": Meaning(None, "id of a statement that gives a whole distribution, and basis vector of its states"),
    "count": Meaning(None, "id of a statement that counts cases"),
    "order": Meaning(None, "id of a statement that calls one thing likelier than another"),
    "reading": Meaning(None, "id of the statement; of a distribution one coordinate each"),
    "resolved": Meaning(None, "expert with a track record, and number of the resolved forecast"),
    "statement": Meaning(None, "id of the statement"),
    "item": Meaning(None, "id of the item"),
}
PROBABILITIES = {
    "scenarios": Meaning("1", "probability of the scenario, given the draw"),
    "events": Meaning("1", "probability that the event ends in its last state, given the draw"),
    "event_states": Meaning("1", "probability of the state at the horizon, given the draw"),
}
PARAMETERS = {
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
}
PREDICTIVE = {
    "stated": Meaning("log-odds", "a single number; the logarithm of a ratio"),
    "distributions": Meaning("log-odds", "coordinate of the centred log-ratios of a distribution"),
    "counted": Meaning("1", "how many of the cases took the step"),
    "ordered": Meaning("1", "1 where the first was called the likelier"),
    "record": Meaning("1", "1 where a resolved forecast came true"),
}
VARIABLES: dict[str, dict[str, Meaning]] = {
    "posterior": {**PROBABILITIES, **PARAMETERS},
    "prior": {**PROBABILITIES, **PARAMETERS},
    "before_evidence": PROBABILITIES,
    "log_prior": {
        name: Meaning("nat", f"log prior density of {name}, summed over its coordinates")
        for name in PARAMETERS
        if name != "quantity"
    },
    "log_likelihood": {
        "stated": Meaning("nat", "log density of a single number, given its expert's noise"),
        "distributions": Meaning("nat", "log density of a distribution, given its expert's noise"),
        "counted": Meaning("nat", "log probability of a count, its class integrated out"),
        "ordered": Meaning("nat", "log probability of an order"),
        "record": Meaning("nat", "log probability of a resolved forecast, given bias and slope"),
        "evidence": Meaning("nat", "log probability of all evidence, given the draw"),
    },
    "posterior_predictive": PREDICTIVE,
    "prior_predictive": PREDICTIVE,
    "observed_data": PREDICTIVE,
    "sample_stats": {
        "tree_depth": Meaning("1", "depth of the trajectory's tree"),
        "step_size": Meaning("1", "step size of the integrator"),
        "n_steps": Meaning("1", "steps of the trajectory"),
        "energy": Meaning("nat", "energy of the Hamiltonian"),
        "diverging": Meaning("1", "1 where the trajectory diverged"),
        "drawn": Meaning("1", "which of the draws in `forecast` this is, counted from 0, chain after chain"),
    },
    "forecast": {
        "weight": Meaning("1", "importance weight of the draw, normalised"),
        "log_evidence": Meaning("nat", "log probability of the evidence, given the draw"),
        **PROBABILITIES,
    },
    "joint": {"probability": Meaning("1", "probability of scenario and state together, given the evidence")},
    "statements": {
        "date": Meaning(DAY, "when it was said"),
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
        "reported": Meaning(DAY, "when it was reported"),
        "happened": Meaning(DAY, "when it happened, if on another day"),
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
        units = {} if meaning.units in (None, DAY) else {"units": meaning.units}  # those of dates are xarray's own
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
    prior: Outcome,
    joint: Sequence[Array],
    fit: tuple[Mapping[str, Array], Mapping[str, Array]],
    tables: Tables,
) -> DataTree:
    """Build the tree.

    Args:
        outcome: the forecast.
        prior: what the statements alone give at the opening, without evidence.
        joint: for each event the weighted mean of P(scenario, state), (scenarios, states).
        fit: posterior and sampler statistics of the draws in use, {variable: (chain, draw, ...)}.
        tables: statements and evidence become tables, the rest attributes.
    """
    import xarray as xr

    spec, evaluation = outcome.posterior.spec, outcome.posterior.evaluation
    weights = outcome.posterior.weights.weights
    chosen = resampled(weights)
    parameters, stats = ({name: _taken(values, chosen) for name, values in part.items()} for part in fit)
    flat, flat_fit = _before_statements(prior, spec)
    rng = np.random.default_rng([outcome.seed, 1])
    groups = {
        "posterior": _with_axes(_probabilities(_of_draws(evaluation, chosen)) | _parameters(parameters), outcome, spec),
        "prior": _with_axes(_probabilities(flat) | _parameters(flat_fit), outcome, spec),
        "before_evidence": _with_axes(_probabilities(prior.posterior.evaluation), outcome, spec),
        "log_prior": _with_axes(
            {name: (SAMPLE, by_chain(values)) for name, values in log_prior(parameters).items()}, outcome, spec
        ),
        "log_likelihood": _with_axes(
            _log_likelihoods(spec, parameters, evaluation.log_evidence[chosen]), outcome, spec
        ),
        "posterior_predictive": _with_axes(_stated(replicates(spec, parameters, rng), SAMPLE), outcome, spec),
        "prior_predictive": _with_axes(_stated(replicates(spec, flat_fit, rng), SAMPLE), outcome, spec),
        "observed_data": _with_axes(_stated(observed(spec), ()), outcome, spec, is_exact=True),
        "sample_stats": _with_axes(
            {
                **{STATISTICS.get(name, name): (SAMPLE, _as_number(values)) for name, values in stats.items()},
                "drawn": (SAMPLE, chosen.reshape(CHAINS, -1)),
            },
            outcome,
            spec,
        ),
        "forecast": _with_axes(
            {
                "weight": (SAMPLE, by_chain(weights)),
                "log_evidence": (SAMPLE, by_chain(evaluation.log_evidence)),
                **_probabilities(evaluation),
            },
            outcome,
            spec,
            is_exact=True,
        ),
        "joint": _with_axes(
            {"probability": (("scenario", "event_state"), np.concatenate(list(joint), axis=1))},
            outcome,
            spec,
            is_exact=True,
        ),
        "statements": _table("statement", tables.statements, "statements"),
        "evidence": _table("item", tables.evidence, "evidence"),
    }
    about = {"title": tables.question.title, "as_of": tables.question.as_of, "scenario_other": OTHER}
    root = xr.Dataset(
        attrs={**about, "reproduce": json.dumps(as_data(tables.reproduce), ensure_ascii=False, sort_keys=True)}
    )
    held = {name: described(name, data) for name, data in groups.items() if data.data_vars}
    return xr.DataTree.from_dict({"/": root, **held})


STEP = 2.0**-10  # to which draws of standard normals and log-odds are rounded in a file: a thousandth
BITS = 12  # significant ones to which draws of other parameters and of probabilities are rounded
ROUNDED = {"posterior", "prior", "before_evidence", "posterior_predictive", "prior_predictive", "forecast"}
ON_STEPS = {"alpha", "beta", "epsilon", "deviation", "case_noise", "quantity", "stated", "distributions"}
AS_COMPUTED = {"weight", "log_evidence", "scenarios"}  # in these groups


def as_netcdf(tree: DataTree) -> bytes:
    """Encode a tree as compressed netCDF-4; `xarray.load_datatree` reads it.

    Random digits cannot be compressed, so draws keep those that tell something: they are rounded to STEP, or to BITS
    significant bits, hundreds of times finer than the Monte Carlo error of their mean. Weights, scenarios and the log
    densities stay as they are.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecast.nc"
        stored = tree.copy()
        for group, held in stored.children.items():
            for name, array in held.data_vars.items():
                if array.dtype.kind not in "fiu" or not array.size:
                    continue
                array.encoding = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": array.shape}
                if group in ROUNDED and array.dtype.kind == "f" and name not in AS_COMPUTED:
                    _round_draws(array, on_steps=str(name) in ON_STEPS)
        stored.to_netcdf(path, engine="h5netcdf")
        return path.read_bytes()


def _round_draws(array: DataArray, *, on_steps: bool) -> None:
    """Have the values of an array written with fewer digits: in whole steps if 16 bits hold them, as floats if not."""
    if on_steps and np.abs(array.to_numpy()).max() < STEP * np.iinfo(np.int16).max:  # not of what is not finite
        array.encoding |= {"dtype": "int16", "scale_factor": np.float32(STEP), "_FillValue": np.iinfo(np.int16).min}
    else:
        array.values = bit_rounded(array.to_numpy().astype(np.float32), BITS)


def bit_rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round numbers of single precision to so many significant bits, halves to even; what is not finite stays.

    Source: Klöwer and others (2021), "Compressing atmospheric data into its real information content".
    """
    kept = np.ascontiguousarray(values).view(np.uint32)
    cut = 24 - bits  # of the 23 that are stored, the first being always one
    half = np.uint32((1 << (cut - 1)) - 1) + ((kept >> np.uint32(cut)) & np.uint32(1))
    rounded = (kept + half) & ~np.uint32((1 << cut) - 1)
    return np.where(np.isfinite(values), rounded.view(np.float32), values)


def _texts(values: Sequence[str]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


Variables = dict[str, tuple[tuple[str, ...], NDArray[Any]]]  # by name: dimensions, values

SAMPLE = ("chain", "draw")
STATISTICS = {"depth": "tree_depth"}  # names of ArviZ, where they are others


def _with_axes(variables: Variables, outcome: Outcome, spec: PriorSpec, *, is_exact: bool = False) -> Dataset:
    """Make a dataset of variables with one coordinate for each dimension; one without entries is left out.

    Unless they are to be exact numbers have single precision: half the room, and far below Monte Carlo error.
    """
    import xarray as xr

    held = {
        name: (dims, values if is_exact or values.dtype != np.float64 else values.astype(np.float32))
        for name, (dims, values) in variables.items()
        if 0 not in values.shape
    }
    data, labels = xr.Dataset(held), _labels(outcome, spec)
    return data.assign_coords(
        {str(axis): _texts(labels[str(axis)]) if axis in labels else np.arange(n) for axis, n in data.sizes.items()}
    )


def _labels(outcome: Outcome, spec: PriorSpec) -> dict[str, Sequence[str]]:
    events, ids = outcome.layout.events, spec.statement_ids
    ends = np.cumsum([spec.stated.location.size, spec.n_distributions, len(spec.counted)]).tolist()
    readings = _readings(spec)
    return {
        "scenario": outcome.scenario_ids,
        "event": [event.id for event in events],
        "event_state": [f"{event.id}={state}" for event in events for state in event.states],
        "alpha_coordinate": spec.rows.alpha,
        "beta_coordinate": spec.rows.beta,
        "epsilon_coordinate": spec.rows.epsilon,
        "deviation_coordinate": spec.deviation_labels,
        "expert": spec.experts,
        "coded": ("again",),
        "rated": spec.rated,
        "number": ids[: ends[0]],
        "distribution": ids[ends[0] : ends[1]],
        "component": readings[ends[0] : ends[0] + spec.distributions.location.size],
        "count": ids[ends[1] : ends[2]],
        "order": ids[ends[2] :],
        "reading": readings,
        "resolved": [f"{spec.rated[who]}[{i}]" for i, who in enumerate(spec.record.expert.tolist())],
    }


def _taken(values: NDArray[Any], chosen: NDArray[np.intp]) -> NDArray[Any]:
    """Return chosen draws of values (chain, draw, ...), in the same shape."""
    return values.reshape(chosen.size, *values.shape[2:])[chosen].reshape(values.shape)


def _of_draws(evaluation: Evaluation, chosen: NDArray[np.intp]) -> Evaluation:
    return Evaluation(
        evaluation.log_evidence[chosen],
        evaluation.scenarios[:, chosen],
        tuple(states[:, chosen] for states in evaluation.events),
    )


def _before_statements(prior: Outcome, spec: PriorSpec) -> tuple[Evaluation, dict[str, Array]]:
    """Return the flat prior: what it implies at the opening, and its parameters (chain, draw, ...)."""
    coordinates = flat_coordinates(prior)
    theta = theta_draws(spec.rows, coordinates)
    fit = prior_fit(spec, coordinates, np.random.default_rng([prior.seed, 2]))
    if spec.statement_ids:
        fit["quantity"] = quantities(spec, theta, range(spec.quantities.n_rows)).T[np.newaxis]
    chained = {name: by_chain(np.moveaxis(values[0], 0, -1)) for name, values in fit.items()}
    return evaluate(prior.posterior.asked, theta), chained


def _probabilities(evaluation: Evaluation) -> Variables:
    return {
        "scenarios": ((*SAMPLE, "scenario"), by_chain(evaluation.scenarios)),
        "events": ((*SAMPLE, "event"), by_chain(np.stack([states[-1] for states in evaluation.events]))),
        "event_states": ((*SAMPLE, "event_state"), by_chain(np.concatenate(evaluation.events))),
    }


def _parameters(fit: Mapping[str, Array]) -> Variables:
    axes = {
        **{part: f"{part}_coordinate" for part in ("alpha", "beta", "epsilon", "deviation")},
        "omega": "expert",
        "kappa": "coded",
        "bias": "rated",
        "slope": "rated",
        "spread": "distribution",
        "case_noise": "count",
        "quantity": "reading",
    }
    return {name: ((*SAMPLE, axes[name]), values) for name, values in fit.items()}


def _log_likelihoods(spec: PriorSpec, fit: Mapping[str, Array], log_evidence: Array) -> Variables:
    """Return the likelihood under the names of the data, statement by statement, and that of the evidence."""
    found: Variables = {"evidence": (SAMPLE, by_chain(log_evidence))}
    if spec.statement_ids:
        sizes = [spec.stated.location.size, spec.n_distributions, len(spec.counted)]
        parts = np.split(log_statements(spec, fit), np.cumsum(sizes))
        axes = {"stated": "number", "distributions": "distribution", "counted": "count", "ordered": "order"}
        for (name, axis), logs in zip(axes.items(), parts, strict=True):
            if logs.size:
                found[name] = ((*SAMPLE, axis), by_chain(logs))
    if spec.rated:
        found["record"] = ((*SAMPLE, "resolved"), by_chain(log_record(spec, fit)))
    return found


def _stated(said: Replicates, sample: tuple[str, ...]) -> Variables:
    """Return statements as variables, by chain where they were drawn."""
    axes = {
        "stated": "number",
        "distributions": "component",
        "counted": "count",
        "ordered": "order",
        "record": "resolved",
    }
    values = {name: getattr(said, name) for name in axes}
    return {
        name: ((*sample, axes[name]), by_chain(drawn.T) if sample else drawn[0])
        for name, drawn in values.items()
        if drawn.shape[1]
    }


def _as_number(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.int8) if values.dtype == bool else values


def _readings(spec: PriorSpec) -> list[str]:
    """Name each of the spec's quantities by its statement; coordinates of a distribution are numbered."""
    names = [""] * spec.quantities.n_rows
    for statement, rows in statement_columns(spec).items():
        for place, row in enumerate(rows):
            names[row] = statement if len(rows) == 1 else f"{statement}[{place}]"
    return names


def _table(axis: str, rows: Sequence[StatementRow] | Sequence[EvidenceRow], group: str) -> Dataset:
    """Make a table of texts, dates and numbers; nested parts are JSON, absent ones empty, no date or no number."""
    import xarray as xr

    meanings = VARIABLES[group]
    variables = {
        name: (axis, _column([_cell(row, name) for row in rows], meaning)) for name, meaning in meanings.items()
    }
    return xr.Dataset(variables, coords={axis: _texts([row.id for row in rows])})


def _cell(row: StatementRow | EvidenceRow, name: str) -> Any:
    if name == "url":
        return row.link.url if row.link else None
    return as_data(getattr(row, name))


def _column(values: Sequence[Any], meaning: Meaning) -> NDArray[Any]:
    if meaning.units == DAY:
        return np.array(["NaT" if value is None else value for value in values], dtype="datetime64[ns]")
    if meaning.units is None:
        return _texts([_as_text(value) for value in values])
    if all(isinstance(value, int) for value in values):  # a yes or no among them
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else float(value) for value in values])


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
