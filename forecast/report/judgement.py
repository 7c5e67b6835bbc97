"""Main judgement and question: the scenarios in a sentence each, and what is being forecast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecast.compiled.scenarios import OTHER
from forecast.digits import points
from forecast.record.outcome import Outcome
from forecast.report.digits import THIN_SPACE, estimate
from forecast.report.wording import (
    conditions,
    event_name,
    event_names,
    first_terms,
    label,
    likelihood_word,
    long_date,
    scenario_colour,
    scenario_names,
)
from forecast.reweight.weights import weighted_quantiles

DOTS = 20  # quantile dots a scenario: each stands for one chance in twenty (Kay et al. 2016)
NO_RULE = "None of the scenarios' rules holds at the horizon."


def scenarios(found: Outcome, prior: Outcome, forecast: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe every scenario, the likeliest first and `other` last."""
    names, events = scenario_names(found), event_names(found)
    rules = {rule.id: rule for rule in found.workspace.scenarios}
    changes = {row["id"]: row.get("change") for row in forecast["scenarios"]}
    at = (np.arange(DOTS) + 0.5) / DOTS
    posterior = found.posterior
    dots = weighted_quantiles(posterior.evaluation.scenarios, posterior.weights.weights, at)
    rows = []
    for i, (name, shares) in enumerate(found.scenarios.items()):
        row = {
            "id": name,
            "name": names[name],
            "summary": rules[name].summary if name in rules else NO_RULE,
            "rule": conditions(rules[name].when, events) if name in rules else "every other course of events",
            "colour": scenario_colour(found, name),
            **estimate(shares),
            "mcse_shown": f"{100.0 * shares.mcse:.2f} points",
            "word": likelihood_word(shares.probability),
            "prior": estimate(prior.scenarios[name]),
            "change": changes.get(name),
            "dots": dots[i].tolist(),
        }
        row["moved"] = _moved(row, forecast.get("compared_with"))
        row["sentence"] = _sentence(row, long_date(found.layout.horizon))
        rows.append(row)
    return sorted(rows, key=lambda row: (row["id"] == OTHER, -row["probability"], row["id"]))


def _sentence(row: Mapping[str, Any], horizon: str) -> str:
    moved = f", {row['moved']}" if row["moved"] else ""
    return f"{row['word'].capitalize()} on {horizon}: {row['shown']}{moved}."


def _moved(row: Mapping[str, Any], since: str | None) -> str | None:
    if row["change"] is None or since is None:
        return None
    return f"{points(row['change'], row['mcse'])} since {long_date(since)}"


def word_table() -> list[dict[str, Any]]:
    """Return the terms of the ICD 203 table (2015) with their bands, from the least likely on."""
    return [
        {"word": word, "low": low, "high": high, "shown": f"{low:g}–{high:g}{THIN_SPACE}%"}
        for word, (low, high) in first_terms().items()
    ]


def headline(rows: list[dict[str, Any]], horizon: str) -> str:
    """Say in one sentence which scenario leads, and how likely it is that none comes about."""
    named, other = rows[:-1], rows[-1]
    if not named:
        return f"No scenarios are defined for {horizon}."
    first = f"{named[0]['name']} {named[0]['shown']}"
    if other["probability"] > named[0]["probability"]:
        none = f"none of the scenarios, {other['shown']}"
        return f"Likeliest on {horizon}: {none}. Of the scenarios: {first}{_second(named)}."
    return f"Likeliest on {horizon}: {first}{_second(named)}. None of the scenarios: {other['shown']}."


def _second(named: list[dict[str, Any]]) -> str:
    return f", then {named[1]['name']} {named[1]['shown']}" if len(named) > 1 else ""


def question(found: Outcome) -> dict[str, Any]:
    """Describe the question: window, horizon, what is known until when, and what resolves each event."""
    known = found.posterior.asked.network.known
    return {
        "title": found.workspace.network.title,
        "as_of": found.as_of.isoformat(),
        "opens": found.layout.opens.isoformat(),
        "horizon": found.layout.horizon.isoformat(),
        "known_until": known.until.isoformat(),
        "watched_until": found.workspace.watched_until.isoformat() if found.workspace.watched_until else None,
        "events": [
            {
                "id": event.id,
                "label": event_name(event),
                "question": event.question,
                "kind": event.kind,
                "role": event.role,
                "states": [label(state) for state in event.states],
                "resolves": event.resolves,
            }
            for event in found.layout.events
        ],
    }
