"""The forecast under other weights: everybody alike, without editors, without each group of experts, each source."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, isfinite, prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.inference.engine import ImpossibleEvidenceError, Plan
from forecast.ledger.line import active_inputs
from forecast.ledger.outcome import QUANTILES, Outcome, outcome
from forecast.ledger.tables import IMPOSSIBLE, NEEDS_REFIT, REFITTED, REWEIGHTED, TOO_MANY, diagnostics
from forecast.model.history import active_items
from forecast.posterior.evaluate import ContradictionError
from forecast.posterior.mcse import deviations, standard_error
from forecast.posterior.moved import Reweighed, reweigh
from forecast.posterior.posterior import posterior
from forecast.posterior.weights import weighted_quantiles
from forecast.sampling.draws import NotSampledError
from forecast.sampling.spec import active_statements
from forecast.store.entries import Place, keep_value, once, place_of
from forecast.workspace.alternatives import Alternative, alternative_workspace
from forecast.workspace.read_resolutions import REPORTER
from forecast.workspace.records import EDITORS, Settled

Array = NDArray[np.float64]
Row = dict[str, Any]
Progress = Callable[[str], None]
Kind = Literal["weights", "group", "source"]

THINNING = 4
# Entries of tables multiplied, over all draws and sources: some ten seconds on a small machine.
BUDGET = 4.0e9


@dataclass(frozen=True)
class ListedAlternative:
    """An alternative, whom it is about, and what it takes away: statements, items, events that the items settle."""

    kind: Kind
    name: str
    alternative: Alternative
    statements: int
    items: int
    settles: tuple[str, ...]

    @property
    def command(self) -> str:
        """What computes it exactly, by sampling where it must."""
        match self.kind:
            case "group":
                return f"forecast show --without-group {self.name}"
            case "source":
                return f"forecast show --without-source {self.name}"
            case _:
                return f"forecast show --{self.name}"


def listed(found: Outcome) -> tuple[ListedAlternative, ...]:
    """Return the alternatives of a forecast, those that change nothing left out.

    Equal weights; without what editors said or coded; without each group of experts, by name (somebody without a group
    is one); without each source of an active item, those with most items first. What `priors/resolutions.jsonl`
    settles has no source that could be left out.
    """
    workspace, spoken = found.workspace, active_statements(found.workspace, found.as_of)
    coded = [said for said in spoken if said.coded_by is not None or said.expert == EDITORS]
    groups: dict[str, int] = {}
    for said in spoken:
        group = workspace.experts[said.expert].group
        groups[group] = groups.get(group, 0) + 1
    rows = (
        [ListedAlternative("weights", "equal-weights", Alternative(equal_weights=True), len(spoken), 0, ())]
        if spoken
        else []
    )
    if coded:
        rows.append(
            ListedAlternative("weights", "without-editors", Alternative(without_editors=True), len(coded), 0, ())
        )
    for group, n in sorted(groups.items()):
        rows.append(ListedAlternative("group", group, Alternative(without_groups=(group,)), n, 0, ()))
    active = active_items(workspace.items, found.as_of)
    sources = {item.report_source: [i for i in active if i.report_source == item.report_source] for item in active}
    for name, items in sorted(sources.items(), key=lambda of: (-len(of[1]), of[0])):
        settled = {part.event for item in items for part in item.bears_on if isinstance(part, Settled)}
        if name != REPORTER:
            without = Alternative(without_sources=(name,))
            rows.append(ListedAlternative("source", name, without, 0, len(items), tuple(sorted(settled))))
    return tuple(rows)


def alternatives(found: Outcome, cache: Path, progress: Progress) -> list[Row]:
    """Compute every alternative that the kept draws bear, by reweighting them (forecast.posterior.moved).

    Weights that fail (Pareto k, effective size) tell nothing: unless draws of such a fit lie in the cache, the row says
    that it needs a refit, and the command for it. Of sources no more are computed than BUDGET allows, first on fewer
    draws and then fewer sources: those with the fewest items are not computed.

    Each row: `kind` (weights, group or source), `name`, `description`, `statements` and `items` that it changes or
    takes away, `settles` (events that these items settle: they then count as not having happened), `how` (reweighted,
    refitted, needs a refit, not computed, contradicts itself), `pareto_k`, `ess`, `draws`, `command`, and `scenarios`:
    scenario -> `probability`, `quantiles`, `mcse`, and `change` against the forecast with its error `change_mcse`;
    None where nothing is told. `reasons` say why a refitted one is not reliable (forecast.posterior.mcse).
    """
    fit = found.posterior.draws.fit()[0]
    all_listed = listed(found)
    sources = [one for one in all_listed if one.kind == "source"]
    every, affordable = _spread(found, len(sources))
    skipped = set(sources[affordable:])
    rows = []
    for number, one in enumerate(all_listed, 1):
        progress(f"one alternative after the other: {100 * number // len(all_listed)} %")
        if one in skipped:
            rows.append(_row(found, one, TOO_MANY))
            continue
        row = _reweighted(found, one, fit, every if one.kind == "source" else 1)
        if row["how"] == NEEDS_REFIT:
            row = refitted(found, one, row, cache, progress, may_sample=False)
        rows.append(row)
    return rows


def refitted(
    found: Outcome, one: ListedAlternative, row: Row, cache: Path, progress: Progress, *, may_sample: bool = True
) -> Row:
    """Compute an alternative with draws of its own, from the cache or (if that is allowed) sampled and kept there.

    Returns the row as it was where draws would have to be sampled and may not.
    """
    other = alternative_workspace(found.workspace, one.alternative)
    try:
        own = posterior(found.layout, other, found.as_of, found.seed, cache, progress, may_sample=may_sample)
    except NotSampledError:
        return row
    except ContradictionError:
        return _row(found, one, IMPOSSIBLE)
    told = outcome(other, found.layout, found.as_of, found.seed, own)
    scenarios = {}
    for name, estimate in told.scenarios.items():
        ordinary = found.scenarios[name]
        quantiles = dict(zip(map(str, QUANTILES), estimate.quantiles, strict=True))
        scenarios[name] = {
            "probability": estimate.probability,
            "quantiles": quantiles,
            "mcse": estimate.mcse,
            "change": estimate.probability - ordinary.probability,
            "change_mcse": hypot(estimate.mcse, ordinary.mcse),  # draws of their own: errors are independent
        }
    size = own.weights.weights.size
    row = _row(found, one, REFITTED, own.weights.pareto_k, own.weights.effective_size, size, scenarios)
    return row | {"reasons": diagnostics(told)["reasons"]}


def _spread(found: Outcome, n_sources: int) -> tuple[int, int]:
    """Return which draws sources are computed on, and how many sources BUDGET allows."""
    of_one = cost(found.posterior.asked.plan) * found.posterior.weights.weights.size
    every = 1 if n_sources * of_one <= BUDGET else THINNING
    return every, max(1, int(BUDGET * every / of_one))


def cost(order: Plan) -> int:
    """Return the entries of all tables that an elimination multiplies, for one draw."""
    return sum(len(step.inputs) * prod(order.cards[v] for v in (*step.scope, step.variable)) for step in order.steps)


def _reweighted(found: Outcome, one: ListedAlternative, fit: dict[str, Array], every: int) -> Row:
    other = alternative_workspace(found.workspace, one.alternative)
    try:
        there = reweigh(found.posterior, found.workspace, other, fit, every)
    except ImpossibleEvidenceError:
        return _row(found, one, IMPOSSIBLE)
    if there is None:
        return _row(found, one, NEEDS_REFIT)
    weights = there.weights
    told = _scenarios(found, there, every) if weights.reliable else None
    how = REWEIGHTED if weights.reliable else NEEDS_REFIT
    return _row(found, one, how, weights.pareto_k, weights.effective_size, weights.weights.size, told)


def _scenarios(found: Outcome, there: Reweighed, every: int) -> dict[str, Row]:
    without, everybody = there.weights.weights, found.posterior.weights.weights[::every]
    everybody = everybody / everybody.sum()
    shares = np.ascontiguousarray(found.posterior.evaluation.scenarios[:, ::every])
    quantiles = weighted_quantiles(there.scenarios, without, np.array(QUANTILES))
    after, before = there.scenarios @ without, shares @ everybody
    own, other = deviations(there.scenarios, without), deviations(shares, everybody)
    # Both are averages over the same draws: the error of a change is that of their difference.
    errors, of_changes = standard_error(own), standard_error(own - other)
    return {
        name: {
            "probability": float(after[i]),
            "quantiles": dict(zip(map(str, QUANTILES), quantiles[i].tolist(), strict=True)),
            "mcse": float(errors[i]),
            "change": float(after[i] - before[i]),
            "change_mcse": float(of_changes[i]),
        }
        for i, name in enumerate(found.scenario_ids)
    }


def _row(
    found: Outcome, one: ListedAlternative, how: str, k: float = np.nan, size: float = np.nan, draws: int = 0,
    scenarios: dict[str, Row] | None = None,
) -> Row:  # fmt: skip
    return {
        "kind": one.kind,
        "name": one.name,
        "description": one.alternative.description,
        "statements": one.statements,
        "items": one.items,
        "settles": list(one.settles),
        "how": how,
        "pareto_k": k if isfinite(k) else None,
        "ess": size if isfinite(size) else None,
        "draws": draws,
        "command": f"{one.command} --as-of {found.as_of}",
        "reasons": [],
        "scenarios": scenarios,
    }


def kept_alternatives(found: Outcome, cache: Path, progress: Progress, *, refit: bool = False) -> list[Row]:
    """Return the alternatives of a forecast (forecast.analysis.alternatives): the kept ones, or computed and kept.

    With `refit` those that reweighting cannot tell are sampled, and kept for all later questions about the forecast.

    Args:
        found: the forecast.
        cache: the folder reports/.cache of the workspace.
        progress: told what is being done; of refits how many there are and how long they will take.
        refit: whether to sample.
    """
    place = _place(found, cache)
    rows: list[Row] = once(place, lambda: alternatives(found, cache, progress))
    if refit:
        _refit(found, rows, place, progress)
    return rows


def _refit(found: Outcome, rows: list[Row], place: Place, progress: Progress) -> None:
    """Fill in the rows that need it, one fit after the other; each is kept at once, so that an interruption is none."""
    missing = [n for n, row in enumerate(rows) if row["how"] in {NEEDS_REFIT, TOO_MANY}]
    all_listed, started = listed(found), time.monotonic()
    for done, n in enumerate(missing):
        per_fit = (time.monotonic() - started) / done if done else None
        left = "" if per_fit is None else f", about {_minutes(per_fit * (len(missing) - done))} left"
        doing = f"refit {done + 1} of {len(missing)} ({rows[n]['description']}{left})"

        def say(what: str, doing: str = doing) -> None:
            progress(f"{doing}: {what}")

        rows[n] = refitted(found, all_listed[n], rows[n], place.folder, say)
        keep_value(place, rows)
    if missing:
        progress(f"{len(missing)} refits in {_minutes(time.monotonic() - started)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _place(found: Outcome, cache: Path) -> Place:
    """Return where alternatives are kept, by what they hang on: the draws, everything known, the date, the seed."""
    known = found.posterior.asked.network.known
    return place_of(
        cache,
        "alternatives",
        found.posterior.draws.digest,
        active_inputs(found.workspace, found.as_of),
        [found.as_of, known.until, found.layout.horizon, found.seed],
    )
