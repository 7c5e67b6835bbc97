"""What the groups, variables and coordinates of forecast.nc are: units and meaning, as attributes of the file.

docs/datatree.md shows the same table; a test holds both against a written file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xarray import Dataset


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

    Raises KeyError for a variable that this file says nothing of.
    """
    meanings = COORDINATES | VARIABLES[group]
    told = data.assign_attrs(description=GROUPS[group])
    for name in (*told.coords, *told.data_vars):
        meaning = (VARIABLES[group] if name in told.data_vars else meanings)[str(name)]
        units = {} if meaning.units is None else {"units": meaning.units}
        told[name].attrs = {**units, "long_name": meaning.long_name}
    return told
