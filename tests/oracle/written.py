"""Worlds and statements written into files as a user would: what may be left out is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from forecast.workspace.records import (
    Condition,
    Count,
    Distribution,
    Event,
    MoreLikelyThan,
    Network,
    Probability,
    Statement,
    Target,
    Times,
    Workspace,
)
from forecast.workspace.renames import DatedRates, Weibull
from tests.oracle.statements import EXPERTS
from tests.worlds import second_target, with_second


def write_world(folder: Path, world: Workspace, statements: Sequence[Statement]) -> None:
    """Write the network, the scenarios, the experts and some statements. JSON is YAML."""
    network = world.network
    rolls = [{"on": _day(roll.on), "horizon": _day(roll.horizon), "why": "later"} for roll in network.rolled]
    files: dict[str, Any] = {
        "network": {
            "title": "written",
            "opens": _day(network.opens),
            "horizon": _day(network.window_ends),
            **({"rolled": rolls} if rolls else {}),
            "events": {event.id: _event(event) for event in network.events.values()},
        },
        "scenarios": [
            {"id": s.id, "name": s.id, "summary": "one", "when": {c.event: list(c.states) for c in s.when}}
            for s in world.scenarios
        ],
        "experts": {name: {"name": name, "role": "speaks", "group": name, "default_sd": 0.8} for name in EXPERTS},
        "statements/said": [_statement(one, network) for one in statements],
    }
    (folder / "priors/statements").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / f"priors/{name}.yaml"
        path.unlink(missing_ok=True)
        if content:
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def speakable(made: Statement, network: Network) -> Statement:
    """The statement with the days that files can give it: constants and scenarios have none of their own."""
    about, reading = _timeless(made.about, network, given_counts=False), made.reading
    if isinstance(reading, Times | MoreLikelyThan):
        second = _timeless(second_target(reading), network, given_counts=True)
        if second.by is not None and second.condition and _is_constant(network, second.condition.event):
            second = replace(second, by=about.by)  # only taken over: a constant's conditions are of that day
        reading = with_second(reading, second)
    if isinstance(reading, Count) and reading.per == "year" and not _is_reached(about, network):
        reading = replace(reading, per="window")
    return replace(made, about=about, reading=reading)


def as_meant(made: Statement, network: Network) -> Statement:
    """The statement as a reader of the files must take it: all states of a distribution, days of second targets."""
    if isinstance(made.reading, Distribution) and made.about.condition:
        event = network.events[made.about.condition.event]
        return replace(made, about=replace(made.about, condition=Condition(event.id, event.states)))
    if not isinstance(made.reading, Times | MoreLikelyThan):
        return made
    second = second_target(made.reading)
    if second.by is None and made.about.by is not None and second.condition is not None:
        dated = [name for name in (second.condition.event, *(c.event for c in second.given))
                 if not _is_constant(network, name)]  # fmt: skip
        if dated and _is_constant(network, second.condition.event):
            second = replace(second, by=made.about.by)
        elif dated:
            second = replace(second, by=_horizon(network, made.date))
    return replace(made, reading=with_second(made.reading, second))


def _timeless(target: Target, network: Network, *, given_counts: bool) -> Target:
    names = [target.condition.event] if target.condition else []
    names += [condition.event for condition in target.given] if given_counts and target.condition else []
    has_day = any(not _is_constant(network, name) for name in names)
    return target if has_day else replace(target, by=None)


def _is_constant(network: Network, name: str) -> bool:
    return network.events[name].kind == "constant"


def _is_reached(target: Target, network: Network) -> bool:
    return target.condition is not None and network.events[target.condition.event].kind == "reached"


def _horizon(network: Network, day: date) -> date:
    return [network.window_ends, *(roll.horizon for roll in network.rolled if roll.on <= day)][-1]


def _day(day: date) -> str:
    return day.isoformat()


def _event(event: Event) -> dict[str, Any]:
    node: dict[str, Any] = {
        "question": "So?",
        "kind": event.kind,
        "states": list(event.states),
        "resolves": "by decree",
    }
    if event.parents:
        node["parents"] = list(event.parents)
    if event.kind == "status":
        node |= {"initial": event.initial, "persistence_days": event.persistence_days}
    if isinstance(event.timing, Weibull):
        node["timing"] = {"weibull": {"shape": event.timing.shape}}
    if isinstance(event.timing, DatedRates):
        node["timing"] = {"steps": [{"from": _day(day), "rate": rate} for day, rate in event.timing.steps]}
    return node


def _statement(made: Statement, network: Network) -> dict[str, Any]:
    whole = isinstance(made.reading, Distribution)
    about = _target(made.about)
    if whole:
        del about["state"]
    return {
        "id": made.id,
        "date": _day(made.date),
        "expert": made.expert,
        "source": {"publisher": "journal"},
        "says": "says",
        "about": about,
        **_reading(made, network),
        "why": "because",
    }


def _reading(made: Statement, network: Network) -> dict[str, Any]:
    match made.reading:
        case Times(against, ratio, of_odds=of_odds):
            return {"odds_times" if of_odds else "times": {"against": _second(made, against, network), "ratio": ratio}}
        case MoreLikelyThan(other):
            return {"more_likely_than": _second(made, other, network)}
        case Count(happened, of, per, opportunities):
            more = {"opportunities": opportunities} if opportunities else {}
            return {"count": {"happened": happened, "of": of, "per": per, **more}}
        case Distribution(probabilities, sd):
            return {"distribution": {**probabilities, "sd": sd}}
        case Probability(best, sd=sd):
            return {"probability": {"best": best, "sd": sd}}
    raise ValueError(made.reading)


def _target(target: Target) -> dict[str, Any]:
    node: dict[str, Any] = {"scenario": target.scenario} if target.condition is None else _condition(target.condition)
    if target.given:
        node["given"] = {one.event: list(one.states) for one in target.given}
    return node | ({"by": _day(target.by)} if target.by else {})


def _condition(condition: Condition) -> dict[str, Any]:
    return {"event": condition.event, "state": list(condition.states)}


def _second(made: Statement, second: Target, network: Network) -> dict[str, Any]:
    """Leave out what is that of `about`: the event with its states, and the day."""
    about, node = made.about, _target(second)
    if second.condition is not None and about.condition is not None and second.condition.event == about.condition.event:
        del node["event"]
        if second.condition == about.condition:
            del node["state"]
    if second.condition is None:
        return node
    if second.by == about.by:
        node.pop("by", None)
    elif second.by is None and not _is_constant(network, second.condition.event):
        node["by"] = _day(_horizon(network, made.date))
    return node
