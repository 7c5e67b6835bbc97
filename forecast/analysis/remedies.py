"""What can be done where a number is not what was stated, in words: for `experts`, `add statement` and warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from math import exp
from pathlib import Path

from forecast.analysis.distance import Cause, Distance, Distances, DistanceStep
from forecast.analysis.statements import Unit
from forecast.analysis.structure import Structure
from forecast.digits import DERIVED, change, exact, percent
from forecast.ledger.line import active_inputs
from forecast.model.layout import lay_out
from forecast.sampling.draws import Draws
from forecast.sampling.likelihood import DISAGREES, kept_residuals
from forecast.sampling.readings import numbers
from forecast.sampling.spec import PriorSpec
from forecast.store.entries import once, place_of
from forecast.workspace.fits import expit
from forecast.workspace.records import Statement, Workspace
from forecast.workspace.statement_forms import targets_of
from forecast.workspace.statement_forms.form import CountedCases, StatedNumber

FAR = {"probability": 0.05, "log-odds": 0.3, "log-ratio": 0.2}  # a distance below is none that asks for a remedy
MOST_LISTED = 3
CAUSES: dict[Cause, str] = {
    "alone": "default prior",
    "same_event": "same event",
    "kind": "CPT kind",
    "statements": "other statements",
    "evidence": "evidence",
}
REQUIRES = "use `table`, or `requires` where a state needs another"
LIMITS = {
    "shared": f"these rows cannot be this far apart under `shared`; {REQUIRES}",
    "logistic": f"`logistic` gives each parent one slope, the same in all rows; {REQUIRES}",
    "noisy_or": f"under `noisy_or` causes add up and none can hinder; {REQUIRES}",
    "noisy_max": "under `noisy_max` the highest cause counts and none can hinder; use `table`",
}


def shown(value: float, unit: Unit, mcse: float | None) -> str:
    """Write a step: in points, or with two decimals in log-odds or as a log-ratio."""
    if unit == "probability":
        return change(value, mcse)
    return "0" if abs(value) < max(0.005, mcse or 0.0) else f"{value:+.2f}"


def as_stated(value: float, unit: Unit) -> str:
    """Write a number of a unit as somebody would state it: a probability, or so many times."""
    match unit:
        case "probability":
            return percent(value, None)
        case "log-odds":
            return exact(expit(value), DERIVED)
        case "log-ratio":
            return f"{exp(value):.2g} times"


def main_step(distance: Distance) -> DistanceStep | None:
    """Return the step that goes farthest in the direction of the whole distance; None if that asks for no remedy.

    The evidence is no cause: what is learned since is no disagreement with what was said.
    """
    steps = [step for step in distance.steps if step.causes != ("evidence",)]
    total = sum(step.change for step in steps)
    if not steps or abs(total) < FAR[distance.unit]:
        return None
    return max(steps, key=lambda step: step.change if total > 0.0 else -step.change)


def remedy(distance: Distance, workspace: Workspace, as_of: date) -> str:
    """Say what takes a number farthest from what was stated, and what can be done about it; "" where it is near.

    What the structure of the network does to it is said first: no width of an interval changes that.
    """
    step = main_step(distance)
    structure = Structure(workspace=workspace, layout=lay_out(workspace.network), as_of=as_of)
    known = {statement.id: statement for statement in structure.statements}
    notes = structure.notes(known[distance.statement])
    if step is None or structure.is_out_of_reach(known[distance.statement]):
        return "; ".join(notes)  # no other number of this or another statement would bring it nearer
    return "; ".join((*notes, _mostly(step, distance, workspace, known)))


def _mostly(step: DistanceStep, distance: Distance, workspace: Workspace, known: dict[str, Statement]) -> str:
    size = shown(step.change, distance.unit, step.mcse)
    *earlier, last = step.causes
    if earlier:
        any_of = ", ".join(CAUSES[cause] for cause in earlier)
        expert = known[distance.statement].expert
        refit = f"`forecast experts {expert} --refit` may tell them apart"
        return f"mostly {any_of} or {CAUSES[last]} ({size}); {refit}; {_elsewhere(distance)}"
    return f"mostly {CAUSES[last]} ({size}): {_about(last, distance, workspace, known)}"


def _about(cause: Cause, distance: Distance, workspace: Workspace, known: dict[str, Statement]) -> str:
    match cause:
        case "alone":
            return _alone(distance, workspace, known)
        case "same_event":
            return _same_event(distance, workspace, known)
        case "kind":
            return LIMITS.get(str(distance.kind), f"its CPT kind does not carry these rows; {REQUIRES}")
        case "statements":
            return _elsewhere(distance)
        case "evidence":
            return "it was learned since"


def _alone(distance: Distance, workspace: Workspace, known: dict[str, Statement]) -> str:
    """The default priors of its own rows and of the causes that nobody spoke of, and its own width."""
    silent = _unspoken(distance.event, workspace, known)
    wide = f"its width (sd {distance.sd:.2g} log-odds) leaves" if distance.sd else "a count leaves"
    sharper = "a narrower interval" if distance.sd else "a probability and its interval"
    if not silent:
        return f"{wide} room for the default prior; state it with {sharper} if it is known better"
    listed = ", ".join(f"'{name}'" for name in silent[:MOST_LISTED])
    more = f" and {len(silent) - MOST_LISTED} more" if len(silent) > MOST_LISTED else ""
    return (
        f"{wide} room for the default priors, also of {listed}{more}, whose probability nobody stated; "
        f"state that, or this with {sharper}"
    )


def _unspoken(event: str | None, workspace: Workspace, known: dict[str, Statement]) -> list[str]:
    """Return the causes of an event, near ones first, that no statement gives a probability of without a condition."""
    told = {
        said.about.condition.event
        for said in known.values()
        if said.about.condition and not said.about.given and len(targets_of(said)) == 1
    }
    events, causes = workspace.network.events, dict[str, None]()
    ahead = list(events[event].parents) if event is not None else []
    while ahead:
        name = ahead.pop(0)
        if name not in causes:
            causes[name] = None
            ahead += events[name].parents
    return [name for name in causes if name not in told]


def _same_event(distance: Distance, workspace: Workspace, known: dict[str, Statement]) -> str:
    others = [_said(known[name], workspace) for name in distance.others]
    if len(others) == 1:
        return f"another statement of '{distance.event}' says {others[0]}; widen the one that is meant less exactly"
    listed = ", ".join(others[:MOST_LISTED]) + (", ..." if len(others) > MOST_LISTED else "")
    return f"{len(others)} other statements of '{distance.event}' say {listed}; widen those that are meant less exactly"


def _said(said: Statement, workspace: Workspace) -> str:
    """Write the number of a statement with its condition and its id."""
    read = numbers(said, workspace.experts, workspace.network)
    states = "/".join(said.about.condition.states) if said.about.condition else str(said.about.scenario)
    given = ", ".join(f"{when.event}={'/'.join(when.states)}" for when in said.about.given)
    about = f"{states} given {given}" if given else states
    match read:
        case StatedNumber(against=None, location=location):
            return f"{about} {exact(expit(location))} ({said.id})"
        case CountedCases(happened=happened, of=of):
            return f"{about} {happened} of {of} ({said.id})"
        case _:
            return f"{about} ({said.id})"


def _elsewhere(distance: Distance) -> str:
    if not distance.without:
        return "statements elsewhere pull it, none that could be left out by itself"
    end = next(step.implied for step in reversed(distance.steps) if step.causes != ("evidence",))
    gap = abs(end - distance.stated)
    told = next((one for one in distance.without if abs(one.implied - distance.stated) < gap), None)
    if told is None:
        return "no other statement does it by itself: without any one of them it would be no nearer"
    number = as_stated(told.implied, distance.unit)
    return f"without '{told.statement}' it would be {number}; one of the two is meant otherwise, or less exactly"


def distances_of(ways: Distances, names: Iterable[str]) -> tuple[Distance, ...]:
    """Return the ways of some statements, each with its remedy, but for mere orders, which have none."""
    found = [way for name in names if (way := ways.of(name)) is not None]
    return tuple(replace(way, remedy=remedy(way, ways.workspace, ways.as_of)) for way in found)


def kept_remedies(workspace: Workspace, as_of: date, seed: int, spec: PriorSpec, base: Draws) -> dict[str, str]:
    """Return the remedy of each statement that the prior ends far from (forecast.sampling.likelihood.DISAGREES).

    Computed once for the same statements and draws: it takes longer than a daily update.
    """
    far = [name for name, gap in kept_residuals(spec, base).items() if gap is not None and abs(gap) > DISAGREES]
    if not far:
        return {}
    inputs = active_inputs(workspace, as_of)
    said = [inputs[part] for part in ("network", "experts", "statements")]

    def compute() -> dict[str, str]:
        ways = Distances(
            workspace=workspace,
            layout=lay_out(workspace.network),
            as_of=as_of,
            seed=seed,
            spec=spec,
            base=base,
            cache=Path(base.store),
        )
        return {way.statement: way.remedy for way in distances_of(ways, far)}

    found: dict[str, str] = once(place_of(base.store, "remedies", base.digest, said, seed), compute)
    return found
