"""The shipped workspace: complete, coded once each, and true to its table of references."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from math import exp
from pathlib import Path

import numpy as np
import pytest

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.by_date import decided
from forecast.workspace.problems import Problem
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Likelihood, Settled, Support, Workspace

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 11, 23)  # six weeks after the shipped news was last watched

FACTS = [f"f{number:03d}" for number in range(1, 81)]
BASE_RATES = [f"b{number:02d}" for number in range(1, 18)]
REMARKS = [f"x{number:02d}" for number in range(1, 10)]
ESTIMATES = [f"e{number:03d}" for number in range(1, 49)]
WINDOW_FACTS = FACTS[21:]  # f022 on are dated in the window
PLAN_TERMS = [
    "plan: ceasefire",
    "plan: territory",
    "plan: sanctions",
    "plan: energy",
    "plan: no NATO pledge",
    "plan: no end of aid",
]

Row = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def shipped() -> tuple[Workspace, tuple[Problem, ...]]:
    """The shipped workspace and what reading it complained about."""
    workspace, problems = read_workspace(ROOT, today=TODAY)
    assert workspace is not None, "\n".join(map(str, problems))
    return workspace, problems


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of the table in docs/coding.md: reference, what, where, remark."""
    lines = (ROOT / "docs" / "coding.md").read_text(encoding="utf-8").splitlines()
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| ")]
    assert {len(row) for row in cells} == {4}
    return [(row[0], row[1], row[2], row[3]) for row in cells[1:]]


def quoted(cell: str) -> list[str]:
    """Return the ids in backticks of one table cell."""
    return re.findall(r"`([^`]+)`", cell)


def test_shipped_files_hold_no_mistake(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """Every shipped file passes the check without an error."""
    assert [str(problem) for problem in shipped[1] if problem.severity == "error"] == []


def test_every_reference_has_one_row(rows: list[Row]) -> None:
    """The table names each fact, base rate, remark, estimate and plan term of the reference data exactly once."""
    counted = Counter(row[0] for row in rows)
    wanted = [*FACTS, *BASE_RATES, *REMARKS, *PLAN_TERMS, *ESTIMATES]
    assert {reference: counted[reference] for reference in wanted} == dict.fromkeys(wanted, 1)
    assert [reference for reference, times in counted.items() if times > 1] == []


def test_every_row_leads_somewhere(rows: list[Row]) -> None:
    """A reference became at least one id, or the row says why it was left out."""
    assert [row[0] for row in rows if not quoted(row[2]) and not row[3]] == []


def test_every_id_in_the_table_exists(shipped: tuple[Workspace, tuple[Problem, ...]], rows: list[Row]) -> None:
    """An id in the table is an event, a statement, an item or a question of the shipped workspace."""
    workspace = shipped[0]
    known = {*workspace.network.events, *(s.id for s in workspace.statements), *(i.id for i in workspace.items)}
    known |= {q.id for q in workspace.questions}
    assert [name for row in rows for name in quoted(row[2]) if name not in known] == []


def test_everything_shipped_is_in_the_table(shipped: tuple[Workspace, tuple[Problem, ...]], rows: list[Row]) -> None:
    """Each event, item and question, and each statement that is not the editors' own traces back to a reference."""
    workspace = shipped[0]
    named = {name for row in rows for name in quoted(row[2])}
    spoken = [s.id for s in workspace.statements if s.expert != "editors"]
    wanted = [
        *workspace.network.events,
        *(i.id for i in workspace.items),
        *spoken,
        *(q.id for q in workspace.questions),
    ]
    assert [name for name in wanted if name not in named] == []


def test_window_facts_are_items_of_their_window(
    shipped: tuple[Workspace, tuple[Problem, ...]], rows: list[Row]
) -> None:
    """Facts from the opening on are evidence items, and no earlier fact is one."""
    items = {item.id for item in shipped[0].items}
    as_items = {row[0]: bool(set(quoted(row[2])) & items) for row in rows if row[0] in FACTS}
    assert as_items == {fact: fact in WINDOW_FACTS for fact in FACTS}


def test_no_two_reasons_are_alike(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """Each statement and each item has a reason of its own, longer than a phrase."""
    workspace = shipped[0]
    reasons = [*(s.why for s in workspace.statements), *(i.why for i in workspace.items)]
    words = Counter(" ".join(re.findall(r"\w+", reason.lower())) for reason in reasons)
    assert [reason for reason, times in words.items() if times > 1] == []
    assert [reason for reason in words if len(reason.split()) < 10] == []


def test_size_of_the_workspace(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """The network, the statements and the evidence have the size that the question needs."""
    workspace = shipped[0]
    assert 18 <= len(workspace.network.events) <= 40
    assert 40 <= len(workspace.statements) <= 80
    assert 55 <= len(workspace.items) <= 75
    assert [s.id for s in workspace.scenarios] == ["escalation", "deal_making", "frozen_conflict", "limited_agreement"]
    assert max(len(event.parents) for event in workspace.network.events.values()) <= 3


def test_every_event_has_a_marginal(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """For each event somebody says how probable one of its states is, without a condition."""
    workspace = shipped[0]
    targets = [s.about for s in workspace.statements]
    stated = {target.condition.event for target in targets if target.condition is not None and not target.given}
    assert [event for event in workspace.network.events if event not in stated] == []


def test_every_kind_of_reading_and_bearing_is_used(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """The shipped files show each way to state a prior and each way to report evidence."""
    workspace = shipped[0]
    readings = {type(s.reading).__name__ for s in workspace.statements}
    bearings = {type(bearing).__name__ for item in workspace.items for bearing in item.bears_on}
    assert readings == {"Count", "Distribution", "MoreLikelyThan", "Probability", "Times", "Word"}
    assert bearings == {"Claim", "Likelihood", "Settled", "Support"}


def test_voices_without_a_number_are_coded(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """None of the analysts gave a number, so each of theirs names the coder."""
    voices = ("voitolovsky", "bovt", "krutakov", "article_author")
    assert [s.id for s in shipped[0].statements if s.expert in voices and s.coded_by != "editor"] == []


def test_reports_are_weak_and_narrow(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """A likelihood ratio of a shipped report stays under four, and an item bears on at most three open events."""
    items = shipped[0].items
    ratios = {
        (item.id, bearing.event): max(bearing.ratios.values()) / min(bearing.ratios.values())
        for item in items
        for bearing in item.bears_on
        if isinstance(bearing, Likelihood)
    }
    assert {key: ratio for key, ratio in ratios.items() if not 1 < ratio <= 4} == {}
    strengths = {b.strength for item in items for b in item.bears_on if isinstance(b, Support)}
    assert strengths <= {"slight", "moderate"}
    still_open = {item.id: sum(not isinstance(b, Settled) for b in item.bears_on) for item in items}
    assert {name: number for name, number in still_open.items() if number > 3} == {}


def test_facts_from_memory_and_newswires_are_unjudged(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """What nobody read in full has credibility 6 and a source that cannot be judged."""
    workspace = shipped[0]
    unread = [item for item in workspace.items if item.report_source in ("recollection", "newswire_relay")]
    assert {item.credibility for item in unread} == {6}
    assert {workspace.sources[item.report_source].reliability for item in unread} == {"F"}
    assert [i.id for i in workspace.items if i.reported >= date(2026, 6, 16) and i not in unread] == []


def test_settled_history(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """What is settled is the public record of the window, day by day."""
    settled = sorted(
        (item.happened, bearing.event, bearing.state)
        for item in shipped[0].items
        for bearing in item.bears_on
        if isinstance(bearing, Settled) and item.happened is not None
    )
    assert settled == [
        (date(2025, 8, 15), "trump_putin_summit", "held"),
        (date(2025, 9, 10), "escalation_level", "incidents"),
        (date(2025, 10, 2), "prisoner_exchange", "partial"),
        (date(2025, 10, 22), "sanctions_relief", "tightened"),
        (date(2025, 11, 20), "ukraine_pressed", "yes"),
        (date(2025, 11, 23), "framework", "drafted"),
        (date(2025, 11, 23), "talks_transparency", "partial"),
        (date(2026, 1, 6), "security_guarantees", "declared"),
        (date(2026, 1, 26), "energy_trade", "barred"),
        (date(2026, 1, 29), "ceasefire", "limited"),
        (date(2026, 2, 5), "military_channel", "open"),
    ]


def test_estimates_are_points_of_the_questions_they_became(
    shipped: tuple[Workspace, tuple[Problem, ...]], rows: list[Row]
) -> None:
    """Every estimate leads to questions alone, and every question has a series, a caution and points of its window."""
    workspace = shipped[0]
    names = {q.id for q in workspace.questions}
    led = {row[0]: set(quoted(row[2])) for row in rows if row[0] in ESTIMATES}
    assert {reference: ids - names for reference, ids in led.items() if ids - names} == {}
    assert names - set().union(*led.values()) == set()
    assert [q.id for q in workspace.questions if not q.benchmarks or not q.caution] == []
    late = [
        (q.id, day)
        for q in workspace.questions
        for name in q.benchmarks
        for day, _, _ in workspace.benchmarks[name].points
        if day > q.by
    ]
    assert late == []


def test_base_rates_follow_from_what_they_name(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """Each base rate is 1 - exp(-rate * days), to three digits, with the rate and the share that its reason names."""
    year, war = 365.25, 8.4  # years that a high-intensity interstate episode lasts on average
    rates = {
        "ceasefire": (1.0, 1.0 / (war * year)),
        "agreement": (0.6, 1.0 / (war * year)),
        "territory": (0.3, 1.0 / (war * year)),
        "nato": (1.0, 0.5 / 36 / year),
        "escalation": (1.0, 0.3 / 11.5 / year),
        "talks": (1.0, 5 / 1461),
    }
    for question in shipped[0].questions:
        share, rate = rates[question.topic]
        days = (question.by - question.opens).days
        assert question.base_rate is not None
        assert f"{share * (1.0 - exp(-rate * days)):.3g}" == f"{question.base_rate.probability:.3g}", question.id
        assert re.search(rf"\b{days}[/)]", question.base_rate.why), question.id


def test_intervals_of_base_rates_hold_as_often_as_they_say(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """Of draws of the rate as priors/questions.yaml describes it, a twentieth leads below and one above each interval.

    The ends have two digits, so that the shares are off by as much as half of the second one makes.
    """
    random, year = np.random.default_rng(18), 365.25
    war = random.gamma(7.5, 1.0 / (7 * 8.4 * year), 200_000)
    rates = {
        "ceasefire": war,
        "agreement": war,
        "territory": war,
        "nato": random.gamma(0.5, 1.0 / (36 * year), war.size),
        "escalation": random.gamma(3.5, 1.0 / (11.5 * year), war.size) * random.beta(1.0, 9.0, war.size),
        "talks": random.gamma(5.5, 1.0 / 1461, war.size),
    }
    shares = {"agreement": 0.6, "territory": 0.3}
    for question in shipped[0].questions:
        base = question.base_rate
        assert base is not None
        assert base.low is not None
        assert base.high is not None
        days = (question.by - question.opens).days
        drawn = shares.get(question.topic, 1.0) * -np.expm1(-rates[question.topic] * days)
        assert np.mean(drawn < base.low) == pytest.approx(0.05, abs=0.012), question.id
        assert np.mean(drawn > base.high) == pytest.approx(0.05, abs=0.012), question.id


def test_a_question_opens_with_the_first_number_found(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """Not before the opening, and not after the first number; one that somebody asked of at the opening opens there."""
    workspace = shipped[0]
    for question in workspace.questions:
        first = min(day for name in question.benchmarks for day, _, _ in workspace.benchmarks[name].points)
        allowed = {workspace.network.opens, max(first, workspace.network.opens)}
        assert question.opens in allowed, question.id


def test_outcomes_are_those_of_the_events(shipped: tuple[Workspace, tuple[Problem, ...]]) -> None:
    """What the settled evidence says of a question is how it was resolved, and only what is past is."""
    workspace = shipped[0]
    ended = {line.subject: line for line in workspace.resolutions}
    layout = lay_out(workspace.network)
    until = workspace.watched_until
    assert until is not None
    for question in workspace.questions:
        network = compile_workspace(layout, workspace, until, on=question.by)
        known = decided(network, question)
        found = {True: "yes", False: "no", None: None}[known]
        assert (question.id, found) == (question.id, ended[question.id].state if question.id in ended else None)
