"""The forecast as an ArviZ DataTree: labelled axes, units and everything that the page rests on, in one netCDF file.

What groups, variables and coordinates are stands in the file as attributes; docs/datatree.md shows the same table, and
a test holds both against a written file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from forecast.report.netcdf import Group, Labelled, as_netcdf
from forecast.report.sections.grounds import EvidenceRow
from forecast.report.sections.question import AskedQuestion, Reproduction
from forecast.report.svg import by_chain
from forecast.sampling.likelihood import quantities, statement_columns
from forecast.sampling.settings import CHAINS
from forecast.sampling.spec import PriorSpec, theta_draws
from forecast.workspace.names import OTHER

if TYPE_CHECKING:
    from xarray import DataTree

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


def described(meaning: Meaning) -> dict[str, str]:
    """Return the attributes that say what an array is; the units of dates say from which day they count."""
    units = {} if meaning.units in (None, DAY) else {"units": meaning.units}
    return {**units, "long_name": meaning.long_name}


@dataclass(frozen=True, kw_only=True)
class TreeContent:
    """Everything that the tree holds, and what is said of the whole."""

    groups: Mapping[str, Group]
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What of the report stands in the tree beside its arrays."""

    question: AskedQuestion
    statements: Sequence[StatementRow]
    evidence: Sequence[EvidenceRow]
    reproduce: Reproduction


def gathered(
    outcome: Outcome,
    prior: Outcome,
    joint: Sequence[Array],
    fit: tuple[Mapping[str, Array], Mapping[str, Array]],
    tables: Tables,
) -> TreeContent:
    """Gather what the tree holds.

    Args:
        outcome: the forecast.
        prior: what the statements alone give at the opening, without evidence.
        joint: for each event the weighted mean of P(scenario, state), (scenarios, states).
        fit: posterior and sampler statistics of the draws in use, {variable: (chain, draw, ...)}.
        tables: statements and evidence become tables, the rest attributes.
    """
    spec, evaluation = outcome.posterior.spec, outcome.posterior.evaluation
    weights = outcome.posterior.weights.weights
    chosen = resampled(weights)
    parameters, stats = ({name: _taken(values, chosen) for name, values in part.items()} for part in fit)
    flat, flat_fit = _before_statements(prior, spec)
    rng = np.random.default_rng([outcome.seed, 1])
    arrays: dict[str, Variables] = {
        "posterior": _probabilities(_of_draws(evaluation, chosen)) | _parameters(parameters),
        "prior": _probabilities(flat) | _parameters(flat_fit),
        "before_evidence": _probabilities(prior.posterior.evaluation),
        "log_prior": {name: (SAMPLE, by_chain(values)) for name, values in log_prior(parameters).items()},
        "log_likelihood": _log_likelihoods(spec, parameters, evaluation.log_evidence[chosen]),
        "posterior_predictive": _stated(replicates(spec, parameters, rng), SAMPLE),
        "prior_predictive": _stated(replicates(spec, flat_fit, rng), SAMPLE),
        "observed_data": _stated(observed(spec), ()),
        "sample_stats": {
            **{STATISTICS.get(name, name): (SAMPLE, _as_number(values)) for name, values in stats.items()},
            "drawn": (SAMPLE, chosen.reshape(CHAINS, -1)),
        },
        "forecast": {
            "weight": (SAMPLE, by_chain(weights)),
            "log_evidence": (SAMPLE, by_chain(evaluation.log_evidence)),
            **_probabilities(evaluation),
        },
        "joint": {"probability": (("scenario", "event_state"), np.concatenate(list(joint), axis=1))},
        "statements": _table("statement", tables.statements, "statements"),
        "evidence": _table("item", tables.evidence, "evidence"),
    }
    labels = _labels(outcome, spec) | {
        "statement": [row.id for row in tables.statements],
        "item": [row.id for row in tables.evidence],
    }
    groups = {name: _group(name, variables, labels) for name, variables in arrays.items()}
    about = {"title": tables.question.title, "as_of": tables.question.as_of, "scenario_other": OTHER}
    reproduce = json.dumps(as_data(tables.reproduce), ensure_ascii=False, sort_keys=True)
    held = {name: group for name, group in groups.items() if group.arrays}
    return TreeContent(groups=held, attributes={**about, "reproduce": reproduce})


def data_tree(content: TreeContent) -> DataTree:
    """Return what is held as a tree of xarray."""
    import xarray as xr

    def array(labelled: Labelled) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
        return labelled.dims, labelled.values, dict(labelled.attributes)

    datasets = {
        name: xr.Dataset(
            {called: array(one) for called, one in group.arrays.items()},
            {axis: array(labels) for axis, labels in group.axes.items()},
            group.attributes,
        )
        for name, group in content.groups.items()
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=content.attributes), **datasets})


STEP = 2.0**-10  # to which draws of standard normals and log-odds are rounded in a file: a thousandth
BITS = 12  # significant ones to which draws of other parameters and of probabilities are rounded
ROUNDED = {"posterior", "prior", "before_evidence", "posterior_predictive", "prior_predictive", "forecast"}
ON_STEPS = {"alpha", "beta", "epsilon", "deviation", "case_noise", "quantity", "stated", "distributions"}
AS_COMPUTED = {"weight", "log_evidence", "scenarios"}  # in these groups


def as_file(content: TreeContent) -> bytes:
    """Encode what is held as compressed netCDF-4; `xarray.load_datatree` reads it.

    Random digits cannot be compressed, so draws keep those that tell something: they are rounded to STEP, or to BITS
    significant bits, hundreds of times finer than the Monte Carlo error of their mean. Weights, scenarios and the log
    densities stay as they are.
    """
    groups = {
        name: replace(group, arrays={called: _rounded(name, called, array) for called, array in group.arrays.items()})
        for name, group in content.groups.items()
    }
    return as_netcdf(groups, content.attributes)


def _rounded(group: str, name: str, array: Labelled) -> Labelled:
    """Return an array with the digits that its file has: in whole steps if 16 bits hold them, as floats if not."""
    values = array.values
    if group not in ROUNDED or name in AS_COMPUTED or values.dtype.kind != "f" or not values.size:
        return array
    if name in ON_STEPS and np.abs(values).max() < STEP * np.iinfo(np.int16).max:  # not of what is not finite
        return replace(array, step=STEP)
    return replace(array, values=bit_rounded(values.astype(np.float32), BITS))


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


EXACT = {"observed_data", "forecast", "joint", "statements", "evidence"}  # groups whose numbers have double precision
TABLES = {"statements", "evidence"}  # groups that are there without a row too


def _group(name: str, variables: Variables, labels: Mapping[str, Sequence[str]]) -> Group:
    """Make a group of variables with one coordinate for each dimension; a variable without entries is left out.

    Unless they are to be exact numbers have single precision: half the room, and far below Monte Carlo error.
    Raises KeyError for a variable of which nothing is said here.
    """
    arrays = {
        called: Labelled(
            dims=dims,
            values=values if name in EXACT or values.dtype != np.float64 else values.astype(np.float32),
            attributes=described(VARIABLES[name][called]),
        )
        for called, (dims, values) in variables.items()
        if values.size or name in TABLES
    }
    lengths = {axis: n for one in arrays.values() for axis, n in zip(one.dims, one.values.shape, strict=True)}
    axes = {
        axis: Labelled(
            dims=(axis,),
            values=_texts(labels[axis]) if axis in labels else np.arange(n),
            attributes=described(COORDINATES[axis]),
        )
        for axis, n in lengths.items()
    }
    return Group(axes=axes, arrays=arrays, attributes={"description": GROUPS[name]})


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


def _table(axis: str, rows: Sequence[StatementRow] | Sequence[EvidenceRow], group: str) -> Variables:
    """Make a table of texts, dates and numbers; nested parts are JSON, absent ones empty, no date or no number."""
    return {
        name: ((axis,), _column([_cell(row, name) for row in rows], meaning))
        for name, meaning in VARIABLES[group].items()
    }


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
