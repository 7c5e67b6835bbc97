"""What the model made of each expert: residuals, deviations, noise, record, conflicts, and a summary in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.coherence import conflicts
from forecast.analysis.distance import Distance
from forecast.analysis.statements import StatementRow, statement_rows
from forecast.ledger.outcome import Outcome
from forecast.sampling.likelihood import DISAGREES, statement_columns
from forecast.sampling.spec import LEAST_RECORD, PriorSpec, active_statements, track_records
from forecast.workspace.fits import expit

Array = NDArray[np.float64]

LEVELS = (0.05, 0.95)
SAYS_AS_MUCH = 0.1  # log-odds; a deviation below it is not worth a sentence
QUIET, LOUD = 0.8, 1.25  # noise, as a multiple of that of an expert of whom nothing is known


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over draws, and the 5 and 95 % quantiles."""

    mean: float
    quantiles: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Resolved forecasts: their number, how many are needed, the Brier score, and bias and slope once learned."""

    resolved: int
    needed: int
    brier: float | None
    bias: Spread | None
    slope: Spread | None


@dataclass(frozen=True, kw_only=True)
class ExpertRow:
    """What the model made of an expert, from the fit on the statements alone.

    `statements`: as the report tells them; `deviation`: mean over the expert's single numbers of what group and coder
    add, in log-odds; `noise`: omega, in log-odds, None for an exact expert; `incoherent`: smallest sets of the expert's
    own statements that cannot all hold; `conflicts`: such sets with statements of others; `summary`: all in words;
    `distances`: the way from each number to what is implied for it, where one expert was asked about.
    """

    expert: str
    name: str
    group: str
    weight: float
    statements: tuple[StatementRow, ...]
    deviation: Spread | None
    noise: Spread | None
    record: Record
    incoherent: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    summary: str
    distances: tuple[Distance, ...] = ()


def expert_table(found: Outcome) -> tuple[ExpertRow, ...]:
    """Describe every expert with a statement by the as-of date, in id order."""
    workspace, spec = found.workspace, found.posterior.spec
    told = statement_rows(found, fit := found.posterior.base.fit()[0])
    by_id = {row.id: row for row in told}
    active = active_statements(workspace, found.as_of)
    sets = conflicts(workspace, found.layout, active)
    records = track_records(workspace, found.as_of)
    speaker = {statement.id: statement.expert for statement in active}
    rows = []
    for place, name in enumerate(spec.experts):
        own = [by_id[statement.id] for statement in active if statement.expert == name]
        touching = [ids for ids in sets if any(speaker[one] == name for one in ids)]
        expert = workspace.experts[name]
        row = ExpertRow(
            expert=name,
            name=expert.name,
            group=expert.group,
            weight=expert.weight,
            statements=tuple(own),
            deviation=_deviation(spec, fit, [row.id for row in own]),
            noise=None if expert.exact else _summed(fit["omega"].reshape(-1, len(spec.experts))[:, place]),
            record=_record(spec, fit, name, records.get(name, [])),
            incoherent=tuple(tuple(ids) for ids in touching if all(speaker[one] == name for one in ids)),
            conflicts=tuple(tuple(ids) for ids in touching if any(speaker[one] != name for one in ids)),
            summary="",
        )
        rows.append(replace(row, summary=summary(row, _typical(fit))))
    return tuple(rows)


def _typical(fit: Mapping[str, Array]) -> float:
    """Return the mean noise over all experts: what the quiet and the loud are compared with."""
    return float(fit["omega"].mean())


def _summed(values: Array) -> Spread:
    low, high = np.quantile(values, LEVELS).tolist()
    return Spread(mean=float(values.mean()), quantiles=(low, high))


def _deviation(spec: PriorSpec, fit: Mapping[str, Array], names: Sequence[str]) -> Spread | None:
    """Average the deviations over the single numbers of an expert; None where there is none."""
    n_stated = spec.stated.location.size
    rows = [column[0] for name, column in statement_columns(spec).items() if name in names and column[0] < n_stated]
    if not rows or not spec.deviation_labels:
        return None
    columns, weights = spec.deviations.padded()
    deviation = fit["deviation"].reshape(-1, len(spec.deviation_labels))
    return _summed((deviation[:, columns[rows]] * weights[rows]).sum(axis=2).mean(axis=1))


def _record(spec: PriorSpec, fit: Mapping[str, Array], name: str, resolved: Sequence[tuple[float, int]]) -> Record:
    brier, learned = None, dict[str, Spread]()
    if resolved:
        brier = float(np.mean([(expit(location) - happened) ** 2 for location, happened in resolved]))
    if name in spec.rated:
        place = spec.rated.index(name)
        learned = {part: _summed(fit[part].reshape(-1, len(spec.rated))[:, place]) for part in ("bias", "slope")}
    return Record(
        resolved=len(resolved), needed=LEAST_RECORD, brier=brier, bias=learned.get("bias"), slope=learned.get("slope")
    )


def summary(row: ExpertRow, typical_noise: float) -> str:
    """Tell an expert's row in a paragraph; every sentence says what a number in the row says."""
    own = row.statements
    events = sorted({one.event for one in own})
    n = len(own)
    on = events[0] if len(events) == 1 else f"{len(events)} events"
    parts = [f"{row.name} ({row.group.replace('_', ' ')}) made {n} statement{'s' * (n != 1)} on {on}."]
    far = sorted((one for one in own if one.disagrees), key=lambda one: -abs(one.residual or 0.0))
    if far:
        worst = far[0]
        parts.append(
            f"The model ends more than {DISAGREES:g} sd away from {len(far)} of them; farthest from “{worst.says}”: "
            f"coded as {worst.coded}, implied {worst.implied} ({worst.residual_shown} sd)."
        )
    else:
        parts.append(f"The model ends within {DISAGREES:g} sd of {'it' if n == 1 else 'all of them'}.")
    if (deviation := row.deviation) is not None and abs(deviation.mean) >= SAYS_AS_MUCH:
        more = "more" if deviation.mean > 0 else "less"
        by = f"{abs(deviation.mean):.1f} log-odds on average"
        parts.append(f"On what is asked, group and coder say {more} than the model, by {by}.")
    parts.append(_on_noise(row.noise, typical_noise))
    parts.append(_on_record(row.record))
    if row.incoherent:
        sets = "; ".join(" with ".join(ids) for ids in row.incoherent)
        parts.append(f"Not all of this can hold at once: {sets}.")
    if row.conflicts:
        parts.append(f"{len(row.conflicts)} contradiction{'s' * (len(row.conflicts) != 1)} with others.")
    return " ".join(parts)


def _on_noise(noise: Spread | None, typical: float) -> str:
    if noise is None:
        return "What is stated follows from a rule: it is read without extra noise."
    ratio = noise.mean / typical
    word = "as large as" if QUIET <= ratio <= LOUD else "smaller than" if ratio < QUIET else "larger than"
    return f"The extra noise of {noise.mean:.2f} log-odds is {word} that of the others."


def _on_record(record: Record) -> str:
    if record.slope is None or record.bias is None:
        return f"No track record counts yet ({record.resolved} of {record.needed} resolved forecasts)."
    bias, slope = record.bias.mean, record.slope.mean
    direction = "too high" if bias > 0 else "too low"
    stretch = "too far from" if slope > 1 else "too near to"
    return (
        f"{record.resolved} forecasts are resolved, with a Brier score of {record.brier:.3f}: on average "
        f"{abs(bias):.1f} log-odds {direction}, and {stretch} one half by a factor of {max(slope, 1 / slope):.1f}."
    )
