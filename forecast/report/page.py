"""The report as one plain map: every number that the page shows, in full and as it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.digits import UNITS
from forecast.prior.residuals import DISAGREES
from forecast.record.outcome import QUANTILES, Outcome
from forecast.report.alternatives import alternatives
from forecast.report.checks import calibration
from forecast.report.confidence import confidence
from forecast.report.digits import THIN_SPACE
from forecast.report.events import event_table, uncertain_rows
from forecast.report.evidence import evidence_list
from forecast.report.grounds import grounds
from forecast.report.history import history
from forecast.report.judgement import headline, question, scenarios, word_table
from forecast.report.material import Material
from forecast.report.moves import watching, waterfall
from forecast.report.opinions import statements
from forecast.report.predictive import predictive
from forecast.report.recorded import Recorded
from forecast.report.sampling import reweighting
from forecast.report.scored import scored
from forecast.report.sensitivity import PARTS, POWERS, SENSITIVE, hanging_on
from forecast.report.untrusted import all_readable
from forecast.report.wording import event_names, first_wins, long_date, scenario_names
from forecast.reweight.curves import Curves

Array = NDArray[np.float64]

CURVE_EVERY = 2  # draws: half of them give the curves to a fraction of a percent, in half the time
FORMAT = 2


def page_numbers(material: Material, by_date: Curves, fit: Mapping[str, Array]) -> dict[str, Any]:
    """Build the content of report.json.

    Args:
        material: what the report is drawn from.
        by_date: P(event by a date).
        fit: the posterior of stage 1 without any evidence in the sampler.
    """
    found = material.outcome
    shares = scenarios(found, material.prior, material.forecast, material.answers.stories)
    told, items = statements(found, fit), evidence_list(found)
    asked, sampled, weighed = question(found), dict(material.answers.sampling), reweighting(found)
    results = scored(material.kept.scores)
    page = {
        "format": FORMAT,
        "question": asked,
        "headline": headline(shares, long_date(asked["horizon"])),
        "compared_with": material.forecast.get("compared_with"),
        "compared": material.recorded.compared(material.forecast.get("compared_with")),
        "first_wins": first_wins(found.workspace.scenarios),
        "axis_to": _axis(shares),
        "scenarios": shares,
        "levels": [f"{100 * level:.0f}{THIN_SPACE}%" for level in QUANTILES],
        "words": word_table(),
        "confidence": confidence(shares, told, asked, weighed["doubt"], results["resolved"]),
        **_answered(material),
        "history": history(material, items),
        "events": event_table(found, material.prior, by_date),
        "curves": _curves(by_date),
        "evidence": items,
        "statements": told,
        "disagreements": [row for row in told if row["disagrees"]],
        "disagrees_above": DISAGREES,
        "grounds": grounds(found, items, told),
        "predictive": predictive(material.prior),
        "uncertain_rows": uncertain_rows(found),
        "power_scaling": {
            "parts": PARTS,
            "sensitive_above": SENSITIVE,
            "powers": list(POWERS),
            "rows": list(material.answers.power_scaling),
        },
        "warnings": list(material.warnings),
        "alternatives": alternatives(found, material.answers.alternatives, shares),
        "sampling": sampled,
        "reweighting": weighed,
        "digits": [f"{100 * unit:g}" for unit, _ in UNITS],
        "calibration": calibration(material.kept.calibration),
        "scores": results,
        "reproduce": reproduce(found, material.recorded),
    }
    clean: dict[str, Any] = all_readable(page)
    return clean


def _answered(material: Material) -> dict[str, Any]:
    """Describe what the engine answered: why, what to watch, what if, what the forecast hangs on."""
    answers, found = material.answers, material.outcome
    names, events = scenario_names(found), event_names(found)

    def told(table: Mapping[str, Any] | None) -> Any:
        return None if table is None else waterfall(table, names, found.scenarios[table["target"]].mcse)

    return {
        "since_update": told(answers.since_update),
        "since_prior": told(answers.since_prior),
        "watch": watching(answers.watch, names, events),
        "hanging_on": hanging_on(answers.influence, names, events),
        "what_if": answers.worlds,
    }


def _curves(by_date: Curves) -> dict[str, Any]:
    return {
        "days": [day.isoformat() for day in by_date.days],
        "every": CURVE_EVERY,
        "correction": by_date.correction,
        "correction_shown": f"{100.0 * by_date.correction:.2f} points",
    }


def _axis(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return where the axis of the scenario figure ends: a round tenth that holds every dot."""
    highest = max(float(row["dots"][-1]) for row in rows)
    return min(1.0, ceil(10.0 * highest + 0.2) / 10.0)


def reproduce(found: Outcome, recorded: Recorded) -> dict[str, Any]:
    """Describe how to get the same numbers again: command, seed, versions, draws, ledger line, digests of the files."""
    is_recorded = recorded.number is not None
    return {
        "command": f"forecast update --as-of {found.as_of.isoformat()} --seed {found.seed}",
        "seed": found.seed,
        "draws": found.posterior.draws.digest,
        "version": recorded.line.version,
        "versions": dict(recorded.line.versions),
        "line": recorded.line.as_json() if is_recorded else None,
        "number": recorded.number,
        "sentence": recorded.sentence,
        "note": recorded.line.note if is_recorded else None,
        "files": dict(sorted(found.workspace.digests.items())),
    }
