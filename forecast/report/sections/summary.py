"""The first page: every scenario, what a sceptic asks, why it moved, what to watch, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from forecast.analysis.statements import StatementRow
from forecast.ledger.ledger import LEDGER
from forecast.ledger.outcome import QUANTILES
from forecast.report import confidence as basis
from forecast.report.confidence import Confidence, graded_confidence
from forecast.report.section import Section, Subject, part, plain
from forecast.report.sections.caveats import Caveats, apart, caveats, in_odds
from forecast.report.sections.grounds import EvidenceRow, evidence, statements, without_statement
from forecast.report.sections.judgement import (
    ScenarioRow,
    Strip,
    dot_strip,
    headline,
    likeliest_first,
    scenario_axis,
    scenario_rows,
)
from forecast.report.sections.sampling import reweighting
from forecast.report.sections.scores import scores
from forecast.report.sections.sensitivity import DEFAULTS, power_scaling
from forecast.report.sections.watch import SIGNS, Sign, WatchListFigure, watch
from forecast.report.sections.waterfall import StepRow, Waterfall, largest_steps, since_prior, since_update
from forecast.words import THIN_SPACE, first_terms, first_wins, long_date
from forecast.workspace.records import EDITORS

LATEST = 8  # reports, as many as the page shows at once


@dataclass(frozen=True, kw_only=True)
class ToldStretch:
    """A stretch of the forecast's past: its waterfall, and the largest steps of it."""

    fall: Waterfall
    steps: Sequence[StepRow]


@dataclass(frozen=True, kw_only=True)
class JudgementShown:
    """What the first page shows; `scenarios` are by probability, `listed` with `other` last."""

    scenarios: Sequence[ScenarioRow]
    listed: Sequence[ScenarioRow]
    strips: Mapping[str, Strip]
    axis_to: float
    levels: Sequence[str]
    order: Sequence[str]
    since: str | None
    doubt: str
    caveats: Caveats
    confidence: Confidence
    moved: Sequence[ToldStretch]
    watch: WatchListFigure
    leading: Sequence[Sign]
    of_rules: Sequence[Sign]


class JudgementSection(Section):
    """Every scenario with its probability, and what matters most about it."""

    id, title, group, place = "judgement", "Main judgement", "In short", 10
    entries: ClassVar[Mapping[str, int]] = {
        "headline": 30,
        "first_wins": 60,
        "axis_to": 70,
        "scenarios": 80,
        "levels": 90,
        "caveats": 95,
    }

    @classmethod
    def shown(cls, subject: Subject) -> JudgementShown:
        """Return the scenarios and where their dots stand, and what else the first page tells."""
        rows, signs = scenario_rows(subject), watch(subject)
        axis_to = scenario_axis(rows)
        return JudgementShown(
            scenarios=likeliest_first(rows),
            listed=rows,
            strips={row.id: dot_strip(row.dots, row.quantiles, row.probability, axis_to) for row in rows},
            axis_to=axis_to,
            levels=_levels(),
            since=subject.material.since,
            order=_order(subject),
            doubt=reweighting(subject).doubt,
            caveats=caveats(subject),
            confidence=confidence(subject),
            moved=[
                ToldStretch(fall=fall, steps=largest_steps(fall))
                for fall in (since_update(subject), since_prior(subject))
                if fall is not None
            ],
            watch=signs,
            leading=signs.leading[:SIGNS],
            of_rules=signs.of_rules[:SIGNS],
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the scenarios, and what a sceptic asks."""
        rows = scenario_rows(subject)
        return {
            "headline": _headline(subject),
            "first_wins": _first_wins(subject),
            "axis_to": scenario_axis(rows),
            "scenarios": rows,
            "levels": _levels(),
            "caveats": caveats(subject),
        }

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the table of scenarios and what a sceptic asks; before them, what the ledger is warned of."""
        warned = [f"**{plain(line)}**" for line in subject.material.warnings if line.startswith(LEDGER)]
        table = [
            "| Scenario | Holds when | Probability | 90 % interval | In words | Change |",
            "|---|---|---:|---:|---|---|",
        ]
        for row in scenario_rows(subject):
            cells = (plain(row.name), plain(row.rule), row.shown, row.interval, row.word, row.moved or "—")
            table.append(f"| {' | '.join(cells)} |")
        order = _first_wins(subject)
        asked = [f"- **{plain(one.title)}:** {plain(one.text)}" for one in caveats(subject).told]
        return [*warned, "\n".join(table), *([plain(order)] if order else []), *asked]


def _headline(subject: Subject) -> str:
    return headline(scenario_rows(subject), long_date(subject.outcome.layout.horizon))


def _levels() -> list[str]:
    return [f"{100 * level:.0f}{THIN_SPACE}%" for level in QUANTILES]


@part
def _order(subject: Subject) -> list[str]:
    return [rule.name for rule in subject.outcome.workspace.scenarios]


@part
def _first_wins(subject: Subject) -> str:
    return first_wins(subject.outcome.workspace.scenarios)


@dataclass(frozen=True, kw_only=True)
class WordBand:
    """A term of the ICD 203 table (2015), its band in percent, and the band as it is shown."""

    word: str
    low: float
    high: float
    shown: str


def word_table() -> list[WordBand]:
    """Return the terms of the ICD 203 table with their bands, from the least likely on."""
    return [
        WordBand(word=word, low=low, high=high, shown=f"{low:g}–{high:g}{THIN_SPACE}%")
        for word, (low, high) in first_terms().items()
    ]


@part
def confidence(subject: Subject) -> Confidence:
    """Grade the basis of the forecast."""
    outcome, said = subject.outcome, statements(subject)
    counting = [row for row in evidence(subject) if row.counts]
    scored = scores(subject)
    leaning = sum(not DEFAULTS.keys().isdisjoint(row.sensitive) for row in power_scaling(subject).rows)
    coders = [_coder(row) for row in said if row.voice != "rule"]
    asked, disagree = caveats(subject), sum(row.disagrees for row in said)
    apart_on = "an open question" if asked.disagreement is None else f"“{asked.disagreement.text}”"
    return graded_confidence(
        [
            basis.sources([(row.source, row.grade) for row in counting], _latest(counting)),
            basis.agreement(len(said), disagree, apart(asked.disagreement), apart_on, in_odds(asked)),
            basis.assumptions(len(outcome.layout.events), without_statement(subject), leaning),
            basis.coding(coders, len(said) - len(coders)),
            basis.news(outcome.as_of, outcome.posterior.asked.network.known.until),
            basis.record(
                scored.resolved,
                [row.name for row in scored.beside if row.is_worse],
                ahead=bool(scored.record.rows),
            ),
        ]
    )


def _latest(counting: Sequence[EvidenceRow]) -> list[str]:
    """Return the grades of the latest reports, where there are earlier ones too."""
    return [row.grade for row in counting[:LATEST]] if len(counting) > LATEST else []


def _coder(row: StatementRow) -> str:
    """Return who put the number down: of an expert's own number the expert."""
    coder = row.coded_by or (EDITORS if row.voice == "editors" else row.expert)
    return EDITORS if coder == EDITORS.removesuffix("s") else coder


@dataclass(frozen=True, kw_only=True)
class ConfidenceShown:
    """What the section of confidence shows."""

    words: Sequence[WordBand]
    confidence: Confidence


class ConfidenceSection(Section):
    """Words for probabilities, and confidence apart from them."""

    id, title, group, place = "confidence", "Likelihood and confidence", "In short", 30
    entries: ClassVar[Mapping[str, int]] = {"words": 100, "confidence": 110}

    @classmethod
    def shown(cls, subject: Subject) -> ConfidenceShown:
        """Return the words and the grades."""
        return ConfidenceShown(words=word_table(), confidence=confidence(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the words and the grades."""
        return {"words": word_table(), "confidence": confidence(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the grade with the reasons that are not high."""
        graded = confidence(subject)
        return [
            plain(" ".join([graded.sentence, *(reason.text for reason in graded.reasons if reason.level != "high")]))
        ]
