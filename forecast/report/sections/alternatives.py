"""Alternatives: the forecast under other weights beside the ordinary one: numbers, sentences, small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from forecast.analysis.alternatives import AlternativeForecast, AlternativeShare
from forecast.digits import points
from forecast.ledger.outcome import IMPOSSIBLE, NEEDS_REFIT, REFITTED, TOO_MANY, Outcome
from forecast.posterior.weights import MAX_PARETO_K, MIN_EFFECTIVE_SIZE
from forecast.report.section import Section, Subject, part, plain
from forecast.report.sections.judgement import ScenarioRow, scenario_rows
from forecast.sampling.spec import active_statements
from forecast.words import counted, event_names, interval, label, percent

KINDS = {"weights": "Other weights", "group": "Without a group of experts", "source": "Without a source"}
REFIT_ALL = "forecast report --refit-alternatives"
UNCHANGED = "unchanged"
LEAST_DRAWN = 0.005  # of a scenario: an alternative that moves all by less is counted, not drawn
AXIS = 1000.0  # length of every panel's axis, in units of its own


@dataclass(frozen=True, kw_only=True)
class OtherShare:
    """A scenario under an alternative, and how it differs from the forecast."""

    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    change: float
    change_mcse: float
    shown: str
    interval: str
    change_shown: str


@dataclass(frozen=True, kw_only=True)
class AlternativeRow:
    """An alternative: what it takes away, how it was computed, and every scenario under it; None if not computed."""

    kind: str
    name: str
    description: str
    statements: int
    items: int
    settles: Sequence[str]
    how: str
    pareto_k: float | None
    ess: float | None
    draws: int
    command: str
    reasons: Sequence[str]
    scenarios: Mapping[str, OtherShare] | None
    label: str
    takes: str
    how_shown: str
    k_shown: str
    ess_shown: str
    needs: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class AlternativesTable:
    """All alternatives; `told`: how many are computed; `missing`: how many need a fit of their own."""

    rows: Sequence[AlternativeRow]
    kinds: Mapping[str, str]
    told: int
    of: int
    missing: int
    refit_command: str
    max_pareto_k: float
    min_effective_size: float
    missing_names: Sequence[str]
    sentences: Sequence[str]
    axis_to: float


def alternatives_table(
    outcome: Outcome, answers: Sequence[AlternativeForecast], scenarios: Sequence[ScenarioRow]
) -> AlternativesTable:
    """Describe the alternatives of a forecast (forecast.analysis.alternatives).

    Rows come by kind, within a kind those that move a scenario most first, and last those of which nothing is told.

    Args:
        outcome: the forecast.
        answers: the alternatives.
        scenarios: the page's rows of the scenarios, in the order in which the page shows them.
    """
    order = list(KINDS)
    ranked = sorted(answers, key=lambda row: (order.index(row.kind), row.scenarios is None, -row.largest_change))
    rows = [_row(outcome, row, scenarios) for row in ranked]
    missing = [row for row in rows if row.how in {NEEDS_REFIT, TOO_MANY}]
    command = f"{REFIT_ALL} --as-of {outcome.as_of.isoformat()}"
    return AlternativesTable(
        rows=rows,
        kinds=KINDS,
        told=sum(row.scenarios is not None for row in rows),
        of=len(rows),
        missing=len(missing),
        refit_command=command,
        max_pareto_k=MAX_PARETO_K,
        min_effective_size=MIN_EFFECTIVE_SIZE,
        missing_names=[row.label for row in missing if row.kind != "source"],
        sentences=_sentences(rows, scenarios, command),
        axis_to=_axis(rows, scenarios),
    )


def _row(outcome: Outcome, row: AlternativeForecast, scenarios: Sequence[ScenarioRow]) -> AlternativeRow:
    k, events = row.pareto_k, event_names(outcome)
    shares = row.scenarios
    return AlternativeRow(
        kind=row.kind,
        name=row.name,
        description=row.description,
        statements=row.statements,
        items=row.items,
        settles=[events[event] for event in row.settles],
        how=row.how,
        needs=row.needs,
        pareto_k=k,
        ess=row.ess,
        draws=row.draws,
        command=row.command,
        reasons=row.reasons,
        scenarios=None if shares is None else {scenario.id: _share(shares[scenario.id]) for scenario in scenarios},
        label=_label(outcome, row),
        takes=counted(row.items, "item") if row.kind == "source" else counted(row.statements, "statement"),
        how_shown="from draws of its own" if row.how == REFITTED else row.how,
        k_shown="—" if k is None else f"{k:.2f}".replace("-", "−"),
        ess_shown="—" if row.ess is None else f"{row.ess:.0f}",
    )


def _share(share: AlternativeShare) -> OtherShare:
    return OtherShare(
        probability=share.probability,
        quantiles=share.quantiles,
        mcse=share.mcse,
        change=share.change,
        change_mcse=share.change_mcse,
        shown=percent(share.probability, share.mcse),
        interval=interval(share.quantiles["0.05"], share.quantiles["0.95"], share.mcse),
        change_shown=points(share.change, share.change_mcse) if share.is_clear else UNCHANGED,
    )


def _label(outcome: Outcome, row: AlternativeForecast) -> str:
    match row.kind, row.name:
        case "source", name:
            return outcome.workspace.sources[name].name
        case "group", name:
            spoke = {statement.expert for statement in active_statements(outcome.workspace, outcome.as_of)}
            members = [outcome.workspace.experts[expert] for expert in sorted(spoke)]
            names = [expert.name for expert in members if expert.group == name]
            return names[0] if len(names) == 1 else label(name)
        case _, "equal-weights":
            return "Equal weights for all statements"
        case _:
            return "Without editors' words and numbers"


def _sentences(rows: Sequence[AlternativeRow], scenarios: Sequence[ScenarioRow], command: str) -> list[str]:
    """Say which alternatives move the forecast most, those that take a known fact away apart from the others.

    A largest change is one of those that are computed: how many they are is said with it, and what is left out of it.
    """
    said = []
    apart = [row for row in rows if not row.settles]
    computed = sum(row.scenarios is not None for row in apart)
    of = f"Of {counted(len(apart), 'alternative that leaves', 'alternatives that leave')} every known fact as it is"
    if computed < len(apart):
        of += f", {computed} {'is' if computed == 1 else 'are'} computed. Of these"
    if (most := _most(apart, scenarios)) is not None:
        said.append(f"{of}, the largest change: {most}")
    elif computed:
        said.append(f"{of}, none clearly moves a scenario.")
    if missing := _missing(rows):
        said.append(
            f"Not computed, so not compared: {missing}. They may move the forecast more: {command} computes them."
        )
    if (most := _most([row for row in rows if row.settles], scenarios)) is not None:
        said.append(f"Where a fact goes with the only source cited for it, and counts as not having happened: {most}")
    if unlike := [row.label for row in rows if row.how == IMPOSSIBLE]:
        needs = dict.fromkeys(line for row in rows if row.how == IMPOSSIBLE for line in row.needs)
        because = f" ({'; '.join(needs)})" if needs else ""
        said.append(f"Without these the remaining evidence contradicts itself: {', '.join(unlike)}{because}.")
    return said


def _missing(rows: Sequence[AlternativeRow]) -> str:
    """Name the alternatives that need a fit of their own; of sources, how many there are."""
    missing = [row for row in rows if row.how in {NEEDS_REFIT, TOO_MANY}]
    named = [_name_of(row) for row in missing if row.kind != "source"]
    sources = len(missing) - len(named)
    return "; ".join([*named, *([f"without {counted(sources, 'source')}, each left out alone"] if sources else [])])


def _name_of(row: AlternativeRow) -> str:
    return f"{row.label[0].lower()}{row.label[1:]}" if row.kind == "weights" else f"without {row.label}"


def _most(rows: Sequence[AlternativeRow], scenarios: Sequence[ScenarioRow]) -> str | None:
    """Name the clear change that is largest; None if there is none."""
    changes = [
        (abs(share.change), row, scenario, share)
        for row in rows
        for scenario in scenarios
        if (share := (row.scenarios or {}).get(scenario.id)) and share.change_shown != UNCHANGED
    ]
    if not changes:
        return None
    _, row, scenario, share = max(changes, key=lambda change: change[0])
    return f"{_name_of(row)}, {scenario.name} at {share.shown} in place of {scenario.shown}."


def _axis(rows: Sequence[AlternativeRow], scenarios: Sequence[ScenarioRow]) -> float:
    """Return where the axis of every panel ends: a round tenth that holds every interval."""
    quantiles = [row.quantiles for row in scenarios]
    quantiles += [share.quantiles for row in rows for share in (row.scenarios or {}).values()]
    return min(1.0, ceil(10.0 * max(float(quantile["0.95"]) for quantile in quantiles)) / 10.0)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A probability on the axis, and the ends of its 90 % interval."""

    at: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Panels:
    """The figure: the axis of every panel, the forecast on each, and the marks of each alternative that moves one.

    `ordinary` and each of `marks` are in the order of the scenarios; `marks` is by the alternative's kind and name.
    """

    ticks: Sequence[tuple[float, str]]
    ordinary: Sequence[Mark]
    marks: Mapping[str, Sequence[Mark]]


def is_drawn(row: AlternativeRow) -> bool:
    """Say whether an alternative moves a scenario beyond Monte Carlo error, and by LEAST_DRAWN."""
    shares = (row.scenarios or {}).values()
    return any(share.change_shown != UNCHANGED and abs(share.change) >= LEAST_DRAWN for share in shares)


def panels(table: AlternativesTable, scenarios: Sequence[ScenarioRow]) -> Panels:
    """Place the forecast, and each alternative that is drawn, on an axis from 0 to `axis_to`."""

    def mark(one: OtherShare | ScenarioRow) -> Mark:
        ends = [AXIS * one.quantiles[level] / table.axis_to for level in ("0.05", "0.95")]
        return Mark(at=AXIS * one.probability / table.axis_to, low=ends[0], high=ends[1])

    return Panels(
        ticks=[(AXIS * at, f"{100 * table.axis_to * at:.0f}") for at in (0.0, 0.5, 1.0)],
        ordinary=[mark(one) for one in scenarios],
        marks={
            f"{row.kind} {row.name}": [mark(row.scenarios[one.id]) for one in scenarios]
            for row in table.rows
            if row.scenarios is not None and is_drawn(row)
        },
    )


def _unchanged(still: Sequence[AlternativeRow]) -> str:
    """Count in one line the alternatives that are not drawn, with the least reliable of their weights."""
    if not still:
        return ""
    told = counted(len(still), "other alternative moves", "other alternatives move")
    ks = [row for row in still if row.pareto_k is not None]
    sizes = [row for row in still if row.ess is not None]
    borne = []
    if ks:
        borne.append(f"k at most {max(ks, key=lambda row: row.pareto_k or 0.0).k_shown}")
    if sizes:
        borne.append(f"effective size at least {min(sizes, key=lambda row: row.ess or 0.0).ess_shown}")
    return f"{told} no scenario by half a point beyond error{f' ({", ".join(borne)})' if borne else ''}."


@part
def alternatives(subject: Subject) -> AlternativesTable:
    """Return the page's alternatives."""
    return alternatives_table(subject.outcome, subject.material.alternatives, scenario_rows(subject))


@dataclass(frozen=True, kw_only=True)
class AlternativesShown:
    """What the section of alternatives shows: those that change a scenario, and a line that counts the others."""

    alternatives: AlternativesTable
    panels: Panels
    scenarios: Sequence[ScenarioRow]
    moving: Sequence[AlternativeRow]
    still: str
    unchanged: str


class AlternativesSection(Section):
    """The forecast under other weights, without experts and without sources."""

    id, title, group, place = "alternatives", "Alternatives", "Method", 150
    entries: ClassVar[Mapping[str, int]] = {"alternatives": 280}

    @classmethod
    def gist(cls, subject: Subject) -> str:
        """Return the largest change that is computed."""
        table = alternatives(subject)
        most = _most([row for row in table.rows if not row.settles], scenario_rows(subject))
        missing = f" {table.missing} not computed." if table.missing else ""
        return "" if most is None else f"the largest change{' computed' if missing else ''}: {most}{missing}"

    @classmethod
    def shown(cls, subject: Subject) -> AlternativesShown:
        """Return the alternatives and their figure."""
        table, scenarios = alternatives(subject), scenario_rows(subject)
        return AlternativesShown(
            alternatives=table,
            panels=panels(table, scenarios),
            scenarios=scenarios,
            moving=[row for row in table.rows if is_drawn(row)],
            still=_unchanged([row for row in table.rows if row.scenarios and not is_drawn(row)]),
            unchanged=UNCHANGED,
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the alternatives."""
        return {"alternatives": alternatives(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the sentences."""
        sentences = alternatives(subject).sentences
        return [plain(" ".join(sentences))] if sentences else []
