"""What answers and pages say alike: dates, names, conditions, likelihood words, and numbers with the signs of print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecast import digits
from forecast.digits import FINEST_QUANTILE, Errors
from forecast.ledger.outcome import QUANTILES, Estimate, Outcome
from forecast.workspace.fits import OFFICIAL
from forecast.workspace.names import OTHER
from forecast.workspace.records import Event, Scenario
from forecast.workspace.wording import THIN_SPACE as THIN_SPACE
from forecast.workspace.wording import conditions as conditions
from forecast.workspace.wording import counted as counted
from forecast.workspace.wording import event_name as event_name
from forecast.workspace.wording import exact as exact
from forecast.workspace.wording import label as label
from forecast.workspace.wording import long_date as long_date
from forecast.workspace.wording import target as target

MINUS = "−"
NO_SCENARIO = "None of these"
PALETTE = 7  # scenario colours; all further scenarios are grey, told apart by their names: no colour means two


def event_names(outcome: Outcome) -> dict[str, str]:
    """Return what each event is called, by id."""
    return {event.id: event_name(event) for event in outcome.layout.events}


def scenario_names(outcome: Outcome) -> dict[str, str]:
    """Return the name of each scenario, last that of `other`: the workspace's own if it has one."""
    workspace = outcome.workspace
    return {rule.id: rule.name for rule in workspace.scenarios} | {OTHER: workspace.network.otherwise or NO_SCENARIO}


def scenario_colour(outcome: Outcome, scenario: str) -> str:
    """Return the colour class of a scenario: by its place in the rules, the same in every figure and update."""
    if scenario == OTHER:
        return "other"
    place = outcome.scenario_ids.index(scenario)
    return f"s{place}" if place < PALETTE else "rest"


def requirements(event: Event, events: Mapping[str, str]) -> tuple[str, ...]:
    """Write what an event's states require, a line for states that require the same."""
    lines: dict[str, list[str]] = {}
    for one in event.requires:
        ways = "; or ".join(conditions(all_, events) for all_ in one.any_of)
        lines.setdefault(ways, []).append(label(one.state))
    return tuple(f"{' or '.join(states)} requires: {ways}" for ways, states in lines.items())


def rule_alone(scenario: Scenario, events: Mapping[str, str]) -> str:
    """Write a scenario's own rule: in the words that its file has for it, else its conditions by their names."""
    return scenario.in_words or conditions(scenario.when, events)


def rules_in_words(scenarios: Sequence[Scenario], events: Mapping[str, str]) -> dict[str, str]:
    """Write when each scenario holds, `other` last: its conditions, and which earlier rules go before them.

    The first rule that holds wins. Left out are earlier ones that cannot hold together with it.
    """
    rules = {}
    for place, rule in enumerate(scenarios):
        before = [earlier.name for earlier in scenarios[:place] if not _excludes(earlier, rule)]
        unless = f", unless {' or '.join(before)} holds" if before else ""
        rules[rule.id] = rule_alone(rule, events) + unless
    return rules | {OTHER: "no rule of a scenario holds" if scenarios else "whatever comes: there are no scenarios"}


def _excludes(scenario: Scenario, other: Scenario) -> bool:
    """Say whether two rules ask for different states of one event."""
    states = {when.event: set(when.states) for when in scenario.when}
    return any(states.get(when.event, set(when.states)).isdisjoint(when.states) for when in other.when)


def rare(probability: float) -> str:
    """Write a probability for a sentence, very small ones as one in so many (forecast.digits.rare)."""
    return digits.rare(probability).replace(" %", f"{THIN_SPACE}%")


def first_wins(scenarios: Sequence[Scenario]) -> str:
    """Say in which order the rules are read."""
    if len(scenarios) < 2:
        return ""
    names = ", ".join(scenario.name for scenario in scenarios)
    return f"The rules are read in order, and the first that holds wins: {names}."


def first_terms() -> dict[str, tuple[float, float]]:
    """Return the bands of the ICD 203 table in percent, by the first term of each, from the least likely on."""
    bands = {bounds: term for term, bounds in reversed(OFFICIAL["icd203"].items())}
    return {term: bounds for bounds, term in sorted(bands.items())}


def likelihood_word(probability: float) -> str:
    """Return the term of the ICD 203 table (2015) for a probability; its bands meet at their ends."""
    if probability in {0.0, 1.0}:
        return "certain" if probability else "impossible"
    bands = first_terms()
    return next((term for term, (_, high) in bands.items() if 100.0 * probability < high), list(bands)[-1])


def percent(probability: float, mcse: float | None, *, coarsest: int = 0, sign: bool = True) -> str:
    """Write a computed probability in percent (forecast.digits.number)."""
    return digits.number(probability, mcse, coarsest=coarsest) + (f"{THIN_SPACE}%" if sign else "")


def interval(low: float, high: float, mcse: Errors) -> str:
    """Write the range between two quantiles, in whole percents or what the error allows."""
    texts = digits.ends(low, high, mcse)
    # A dash before a sign reads as an arrow, and behind one it takes the whole range into "less than".
    between = " to " if any(text[0] in "<>" for text in texts) else "–"
    return (texts[0] if texts[0] == texts[1] else between.join(texts)) + f"{THIN_SPACE}%"


def signed_points(change: float, mcse: float | None) -> str:
    """Write a change in points with its sign (forecast.digits.change)."""
    return digits.change(change, mcse).replace("-", MINUS)


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """An estimate in full and as it is shown, with its 90 % interval; `quantiles` by level."""

    probability: float
    mcse: float
    quantiles: dict[str, float]
    shown: str
    interval: str
    shown_quantiles: list[str]


def estimate(share: Estimate) -> Estimated:
    """Write an estimate."""
    quantiles = dict(zip(QUANTILES, share.quantiles, strict=True))
    return Estimated(
        probability=share.probability,
        mcse=share.mcse,
        quantiles={str(p): value for p, value in quantiles.items()},
        shown=percent(share.probability, share.mcse),
        interval=interval(quantiles[0.05], quantiles[0.95], share.mcse),
        shown_quantiles=[percent(value, share.mcse, coarsest=FINEST_QUANTILE) for value in share.quantiles],
    )
