"""What the files say is what the records hold."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from forecast.ledger.line import network_digest
from forecast.workspace.problems import Source
from forecast.workspace.records import (
    Claim,
    Condition,
    Count,
    Cpt,
    Distribution,
    Event,
    Likelihood,
    MoreLikelyThan,
    Probability,
    Quantiles,
    Reading,
    Settled,
    Support,
    Target,
    Times,
    Word,
)
from tests.workspace.writing import example, messages, read, replace

NETWORK = "priors/network.yaml"
OUTSIDE = "priors/statements/outside.yaml"
SHOWN = "evidence/2026-03-02-prototype-shown.yaml"


def test_events(tmp_path: Path) -> None:
    """An event holds what its entry says, with the line of its key; the events are in file order."""
    network = read(example(tmp_path)).network
    assert list(network.events) == ["demand", "budget", "prototype", "launch", "success"]
    assert (network.opens, network.horizon) == (date(2026, 1, 5), date(2026, 12, 31))
    assert network.events["budget"] == Event(
        id="budget",
        question="How much money does the project have on the horizon date?",
        kind="status",
        states=("cut", "kept", "raised"),
        resolves="compared with the plan of the opening; kept = within ten percent of it.",
        parents=("demand",),
        role="driver",
        initial="kept",
        persistence_days=400,
        cpt=Cpt("shared", None),
        source=Source(NETWORK, 12),
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("table", Cpt("table", None)),
        ("{kind: logistic}", Cpt("logistic", None)),
        ("noisy_max", Cpt("noisy_max", None)),
        ("{kind: noisy_or, leak: compound}", Cpt("noisy_or", "compound")),
    ],
)
def test_cpts(tmp_path: Path, written: str, expected: Cpt) -> None:
    """A way to build the CPT is its bare name, or a map with what belongs to it."""
    replace(example(tmp_path), NETWORK, "    parents: [budget]\n", f"    parents: [budget]\n    cpt: {written}\n")
    assert read(tmp_path).network.events["prototype"].cpt == expected


def test_scenarios(tmp_path: Path) -> None:
    """A rule's states are in the event's order, however they are named."""
    replace(example(tmp_path), "priors/scenarios.yaml", "[shown, tested]", "[tested, shown]")
    assert [scenario.when for scenario in read(tmp_path).scenarios] == [
        (Condition("launch", ("general",)), Condition("success", ("yes",))),
        (Condition("launch", ("limited", "general")),),
        (Condition("prototype", ("shown", "tested")),),
    ]


def test_what_holds_when_no_scenario_does_has_a_name(tmp_path: Path) -> None:
    """The name of the complement is read, is no input of the forecast, and is not that of a scenario."""
    without = read(example(tmp_path))
    assert without.network.otherwise is None
    replace(tmp_path, NETWORK, "horizon: 2026-12-31", "horizon: 2026-12-31\notherwise: It never comes")
    named = read(tmp_path)
    assert "It never comes" == named.network.otherwise
    assert network_digest(without.network) == network_digest(named.network)


YES = Condition("success", ("yes",))


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("probability: 0.3", Probability(0.3, None, None, 0.9, None)),
        ("probability: {best: 0.3, sd: 1}", Probability(0.3, None, None, 0.9, 1.0)),
        ("probability: {low: 0.1, best: 0.3, high: 0.5, level: 0.8}", Probability(0.3, 0.1, 0.5, 0.8, None)),
        (
            "probability: {best: 0.3, confidence: moderate}",
            Probability(0.3, None, None, 0.9, 0.7, "moderate confidence"),
        ),
        (
            "probability: {low: 0.1, best: 0.3, high: 0.5, level: 0.8, fit: beta}",
            Quantiles(((pytest.approx(0.1), 0.1), (0.5, 0.3), (0.9, 0.5)), "beta"),  # type: ignore[arg-type]  # stands for a float
        ),
        ("quantiles: {.05: 0.1, 0.5: 0.3, 0.9: 0.5}", Quantiles(((0.05, 0.1), (0.5, 0.3), (0.9, 0.5)), "logit")),
        ("quantiles: {0.1: 0.2, 0.9: 0.5, fit: beta}", Quantiles(((0.1, 0.2), (0.9, 0.5)), "beta")),
        ("odds: 3:1", Probability(0.75, None, None, 0.9, None, "odds 3:1")),
        ("odds: '3:1  against'", Probability(0.25, None, None, 0.9, None, "odds 3:1 against")),
        (
            "odds: {best: 4:1 on, low: 2:1 on, high: 9:1 on, level: 0.8}",
            Probability(0.8, 2 / 3, 0.9, 0.8, None, "odds 4:1 on (2:1 on to 9:1 on)"),
        ),
        (
            "count: {happened: 0, of: 9, per: window, until: 2025-06-30}",
            Count(0, 9, "window", None, date(2025, 6, 30)),
        ),
        ("word: {term: Very Likely, scale: icd203}", Word("very likely", "icd203")),
        ("count: {happened: 1, of: 9, per: opportunity, opportunities: 2}", Count(1, 9, "opportunity", 2.0)),
        (
            "times: {against: {given: {launch: none}}, ratio: 3, low: 2, high: 5}",
            Times(Target(YES, None, (Condition("launch", ("none",)),), None), 3.0, 2.0, 5.0, 0.9, False),
        ),
        (
            "odds_times: {against: {scenario: other}, ratio: 0.5}",
            Times(Target(None, "other", (), None), 0.5, None, None, 0.9, True),
        ),
        (
            "more_likely_than: {event: launch, state: {at_least: limited}}",
            MoreLikelyThan(Target(Condition("launch", ("limited", "general")), None, (), None)),
        ),
    ],
)
def test_readings(tmp_path: Path, reading: str, expected: Reading) -> None:
    """Each form of a statement becomes its record; a second target takes what it leaves out from `about`."""
    example(tmp_path)
    replace(tmp_path, OUTSIDE, "probability: {low: 0.04, best: 0.15, high: 0.5, level: 0.9}", reading)
    statements = {statement.id: statement for statement in read(tmp_path).statements}
    assert statements["editors-success"].reading == expected
    assert statements["editors-success"].about == Target(YES, None, (), None)


def test_distributions(tmp_path: Path) -> None:
    """A distribution is in the order of its event's states, and about all of them."""
    replace(example(tmp_path), OUTSIDE, "cut: 0.3, kept: 0.55,", "kept: 0.55, cut: 0.3,")
    statement = next(s for s in read(tmp_path).statements if s.id == "editors-budget")
    assert statement.about.condition == Condition("budget", ("cut", "kept", "raised"))
    assert statement.reading == Distribution({"cut": 0.3, "kept": 0.55, "raised": 0.15}, 1.2)
    assert isinstance(statement.reading, Distribution)
    assert list(statement.reading.probabilities) == ["cut", "kept", "raised"]


OCTOBER, MAY = date(2026, 10, 1), date(2026, 5, 1)


@pytest.mark.parametrize("form", ["times: {against: %s, ratio: 2}", "odds_times: {against: %s, ratio: 2}",
                                  "more_likely_than: %s"])  # fmt: skip
@pytest.mark.parametrize(
    ("second", "day"),
    [
        ("{given: {demand: low}}", OCTOBER),
        ("{event: launch, state: general}", OCTOBER),
        ("{event: launch, state: {at_least: limited}, given: {prototype: [none, shown], demand: low}}", OCTOBER),
        ("{event: launch, state: general, by: 2026-05-01}", MAY),
        ("{event: success, state: yes, by: 2026-05-01}", MAY),
        ("{event: demand, state: low}", None),  # a constant has no day
        ("{event: demand, state: low, given: {launch: general}}", OCTOBER),  # but what it is given has
        ("{scenario: other}", None),
    ],
)
def test_days_of_second_targets(tmp_path: Path, form: str, second: str, day: date | None) -> None:
    """A second target that names no day is meant for that of `about`, whatever its event; a scenario has none."""
    example(tmp_path)
    replace(tmp_path, OUTSIDE, "state: yes}", "state: yes, by: 2026-10-01}")
    replace(tmp_path, OUTSIDE, "probability: {low: 0.04, best: 0.15, high: 0.5, level: 0.9}", form % second)
    statement = next(s for s in read(tmp_path).statements if s.id == "editors-success")
    assert isinstance(statement.reading, Times | MoreLikelyThan)
    found = statement.reading.against if isinstance(statement.reading, Times) else statement.reading.other
    assert (OCTOBER, day) == (statement.about.by, found.by)


def test_a_day_that_was_taken_over_is_wrong_once(tmp_path: Path) -> None:
    """A day outside the window is one problem, however many targets it holds for."""
    example(tmp_path)
    replace(tmp_path, OUTSIDE, "state: yes}", "state: yes, by: 2027-10-01}")
    old = "probability: {low: 0.04, best: 0.15, high: 0.5, level: 0.9}"
    replace(tmp_path, OUTSIDE, old, "more_likely_than: {event: launch, state: general}")
    where = "priors/statements/outside.yaml:30: statement 'editors-success': about: by lies outside the window"
    window = "after the opening 2026-01-05, not after the horizon 2026-12-31"
    assert [f"{where}; got 2027-10-01; {window}"] == messages(tmp_path)


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        ("settled: shown", Settled("prototype", "shown", Source(SHOWN, 9))),
        ("claims: tested", Claim("prototype", "tested", Source(SHOWN, 9))),
        (
            "support: strong, for: {at_least: shown}",
            Support("prototype", "strong", ("shown", "tested"), None, Source(SHOWN, 9)),
        ),
        (
            "likelihood: {tested: 2, none: 0, shown: 1}, until: 2026-05-01",
            Likelihood("prototype", {"none": 0.0, "shown": 1.0, "tested": 2.0}, date(2026, 5, 1), Source(SHOWN, 9)),
        ),
    ],
)
def test_bearings(tmp_path: Path, bearing: str, expected: object) -> None:
    """Each form of evidence becomes its record, with its own line."""
    replace(example(tmp_path), SHOWN, "settled: shown", bearing)
    item = next(item for item in read(tmp_path).items if item.id == "prototype-shown")
    assert item.bears_on == (expected,)
    assert (item.credibility, item.rho, item.group, item.source) == (1, 0.9, None, Source(SHOWN, 1))


def test_no_credibility_cannot_be_judged(tmp_path: Path) -> None:
    """An item without credibility has 6."""
    replace(example(tmp_path), SHOWN, "  credibility: 1\n", "")
    assert {item.credibility for item in read(tmp_path).items if item.id == "prototype-shown"} == {6}


def test_order_is_decided(tmp_path: Path) -> None:
    """Statements, items, experts and sources are in id order, whatever the files are called."""
    example(tmp_path)
    (tmp_path / "priors/statements/team.yaml").rename(tmp_path / "priors/statements/a.yaml")
    workspace = read(tmp_path)
    orders = [
        [statement.id for statement in workspace.statements],
        [item.id for item in workspace.items],
        list(workspace.experts),
        list(workspace.sources),
    ]
    assert orders == [sorted(order) for order in orders]


def test_digests_name_every_input(tmp_path: Path) -> None:
    """Every file that is read has its SHA-256; other files have none."""
    files = {path.relative_to(tmp_path).as_posix(): path for path in example(tmp_path).rglob("*.yaml")}
    expected = {path: hashlib.sha256(place.read_bytes()).hexdigest() for path, place in files.items()}
    assert dict(read(tmp_path).digests) == expected


def test_a_single_item_needs_no_list(tmp_path: Path) -> None:
    """A file may hold one item as a map, and say its format."""
    text = (example(tmp_path) / SHOWN).read_text(encoding="utf-8")
    alone = "format: 1\n" + "\n".join(line[2:] for line in text.splitlines()) + "\n"
    before = [item.id for item in read(tmp_path).items]
    (tmp_path / SHOWN).write_text(alone, encoding="utf-8")
    assert [item.id for item in read(tmp_path).items] == before
