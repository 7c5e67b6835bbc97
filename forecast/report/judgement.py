"""Main judgement and question: the scenarios in a sentence each, and what is being forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecast.compiled.scenarios import OTHER
from forecast.digits import DERIVED, points
from forecast.record.outcome import Outcome
from forecast.report.digits import THIN_SPACE, estimate, exact
from forecast.report.wording import (
    event_name,
    event_names,
    first_terms,
    label,
    likelihood_word,
    long_date,
    rules_in_words,
    scenario_colour,
    scenario_names,
)
from forecast.reweight.weights import weighted_quantiles

DOTS = 20  # quantile dots a scenario: each stands for one chance in twenty (Kay et al. 2016)


def scenarios(
    found: Outcome, prior: Outcome, forecast: Mapping[str, Any], told: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Describe every scenario, the likeliest first and `other` last.

    The probability is that of the scenario's `rule`. What goes with it as a story has one of its own: of the `summary`
    of the files nobody computes it, of `story`, the most probable course, it stands beside it.

    Args:
        found, prior: the forecast, and the statements alone.
        forecast: the content of forecast.json.
        told: the rows of forecast.answers.story.
    """
    names, rules = scenario_names(found), rules_in_words(found.workspace.scenarios, event_names(found))
    summaries = {rule.id: rule.summary for rule in found.workspace.scenarios}
    courses = {row["scenario"]: _story(row) for row in told}
    changes = {row["id"]: row.get("change") for row in forecast["scenarios"]}
    at = (np.arange(DOTS) + 0.5) / DOTS
    posterior = found.posterior
    dots = weighted_quantiles(posterior.evaluation.scenarios, posterior.weights.weights, at)
    rows = []
    for i, (name, shares) in enumerate(found.scenarios.items()):
        row = {
            "id": name,
            "name": names[name],
            "summary": summaries.get(name),
            "rule": rules[name],
            "story": courses.get(name),
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
    return f"{row['word'].capitalize()} on {horizon}: {row['shown']} that {row['rule']}{moved}."


def _story(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the most probable course of a scenario with its own probability, and its share of the scenario's."""
    return {
        "text": row["text"],
        "probability": row["story_probability"],
        "shown": exact(row["story_probability"], DERIVED),
        "share": row["course_probability"],
        "share_shown": exact(row["course_probability"], DERIVED),
    }


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
