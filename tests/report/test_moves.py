"""Waterfall, watch list, confidence: sentences and bars carry what the numbers carry, and no more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.analysis.watch import Move, Sight, Watched, WatchList
from forecast.analysis.why import Step, Why
from forecast.publish import material
from forecast.report import confidence as basis
from forecast.report.page import report_files
from forecast.report.sections.watch import watching
from forecast.report.sections.waterfall import (
    FINEST,
    LEAST,
    MOST_TICKS,
    bars,
    in_points,
    shortened,
    ticks,
    waterfall,
    with_error,
)
from forecast.words import label
from tests.report.drawn import Drawn, draw
from tests.report.outcomes import asked, world

NAMES = {"a": "Alpha", "b": "Beta"}
EVENTS = {"big_event": "The big event"}


def _step(size: float, kind: str = "item", headline: str | None = "A report.") -> Step:
    return Step(what="one", kind=kind, on=date(2025, 5, 1), headline=headline, step=size)


def _table(start: float, sizes: list[float]) -> Why:
    steps = tuple(_step(size) for size in sizes)
    return Why(
        target="a", event=None, by="item", as_of=date(2025, 9, 1), since="the update of 2025-06-01", from_=start,
        to=start + sum(sizes), rows=steps, draws=9, unreliable=0,
    )  # fmt: skip


@given(start=st.floats(0.2, 0.8), sizes=st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=4))
def test_bars_lead_from_start_to_now(start: float, sizes: list[float]) -> None:
    """Each bar begins where the one before ended, the last ends at the forecast, and none leaves the axis."""
    fall = waterfall(_table(start, sizes), NAMES, 0.001)
    place = bars(fall)
    at = place.first
    for row, bar in zip(fall.rows, place.steps, strict=True):
        assert at == pytest.approx(bar.from_, abs=1e-6)
        assert min(bar.from_, bar.to) == bar.x
        assert bar.width in {0.0, LEAST} or abs(bar.to - bar.from_) == pytest.approx(bar.width)
        assert (row.step >= 0) == bar.up
        assert -1e-9 <= bar.x
        assert bar.x + bar.width <= place.width + LEAST
        assert bool(bar.width) == bool(
            float(row.value_shown.strip("<").replace("−", "-")) and "<" not in row.value_shown
        )
        at = bar.to
    assert place.last == pytest.approx(at, abs=1e-6)


def test_sentence_names_the_largest_item() -> None:
    """The sentence says from where to where, since when in words, and the largest step of a report."""
    table = _table(0.3, [0.1, -0.02])
    table = replace(table, rows=(*table.rows, _step(-0.2, "time", None)), to=table.to - 0.2)
    fall = waterfall(table, NAMES, 0.001)
    expected = (
        "Since the update of 1 June 2025, Alpha fell from 30\u202f% to 18\u202f%. "
        "Its largest step by a single report, +10.0 points: “A report.”"
    )
    assert expected == fall.sentence


def test_no_movement_is_not_called_one() -> None:
    """Where the printed numbers agree, the sentence says that it stands."""
    fall = waterfall(_table(0.3, [0.0001]), NAMES, 0.001)
    assert fall.sentence.startswith("Alpha stands at 30\u202f%, as it did by the update of 1 June 2025")


def test_nothing_to_compare_with(answered: Path) -> None:
    """A first forecast has no waterfall since an update, neither in the numbers nor on the page."""
    first = replace(asked(world(), answered), start=None)
    files = report_files(material(first, lambda _: None), lambda _: None)
    assert json.loads(files["report.json"])["since_update"] is None
    assert 1 == files["report.html"].count(b'<table class="wide stack fall"')


@given(step=st.floats(-1, 1), mcse=st.none() | st.floats(0, 0.3))
def test_a_step_is_never_zero_beside_its_bar(step: float, mcse: float | None) -> None:
    """A step has the decimals of its error's first digit, and "0" is written of no step at all."""
    shown, error = with_error(step, mcse)
    assert ("0" == shown) == (step == 0.0)
    if "<" in shown:
        assert 100.0 * abs(step) <= 0.5 * 10.0**-FINEST + 1e-12
    else:
        number = float(shown.replace("−", "-"))
        assert number or not step
        decimals = len(shown.partition(".")[2])
        assert 100.0 * step == pytest.approx(number, abs=0.5 * 10.0**-decimals + 1e-9)
    assert (error == "") == (not mcse)
    if "<" not in error + shown and error:
        assert 100.0 * (mcse or 0.0) == pytest.approx(
            float(error), abs=0.5 * 10.0 ** -len(error.partition(".")[2]) + 1e-9
        )


@given(low=st.floats(0, 0.99), size=st.floats(0.0005, 1.0))
def test_ticks_tell_each_other_apart(low: float, size: float) -> None:
    """A few round values within the axis, evenly apart, each written as the number that it is."""
    high = min(1.0, low + size)
    if high - low < 0.0005:
        return
    placed = ticks(low, high)
    assert len(placed) <= MOST_TICKS + 1
    assert len({text for _, text in placed}) == len(placed)
    for value, text in placed:
        assert low - 1e-6 <= value <= high + 1e-6
        assert 100.0 * value == pytest.approx(float(text), abs=1e-9)


@given(text=st.text(max_size=80), most=st.integers(2, 40))
def test_shortened_texts(text: str, most: int) -> None:
    """A shortened text is never longer than asked, and begins as the text does."""
    short = shortened(text, most)
    assert len(short) <= most
    assert text.startswith(short.removesuffix("…") if short != text else text)


def _watched(to: float) -> WatchList:
    moves = Move(scenario="b", from_=0.3, to=to)
    sight = Sight(state="so", probability=0.2, scenarios={}, moves=moves)
    row = Watched(
        event="big_event", kind="one_way", now="not", defines=True, bits=0.1, share=0.05, cost=None, bits_per_unit=None,
        outcomes=(sight,),
    )  # fmt: skip
    return WatchList(by=date(2025, 9, 1), entropy=2.0, left_out=(), events=(row,))


def test_watch_sentence() -> None:
    """The sentence names the event, its outcome and the scenario that moves; what makes one certain is no example."""
    assert (
        "Most is revealed by 1 September 2025 by The big event. "
        "If The big event is then so, Beta goes down from 30\u202f% to 10\u202f%."
    ) == watching(_watched(0.1), NAMES, EVENTS).sentence
    assert "Most is revealed by 1 September 2025 by The big event." == watching(_watched(1.0), NAMES, EVENTS).sentence
    assert (
        "Most is revealed by 1 September 2025 by The big event." == watching(_watched(0.3004), NAMES, EVENTS).sentence
    )
    nothing = replace(_watched(0.1), events=())
    assert watching(nothing, NAMES, EVENTS).sentence.startswith("No event that can be watched")


def test_no_arrow_where_the_printed_numbers_agree(drawn: Drawn) -> None:
    """An outcome that leaves the printed number as it is moves nothing: arrows stand where it is seen to move."""
    assert [False, True] == [watching(_watched(to), NAMES, EVENTS).rows[0].outcomes[0].moves for to in (0.3004, 0.32)]
    table = drawn.html.split('<h2 id="watch"', 1)[1].split("</section>", 1)[0]
    told = re.findall(r"([▲▼]) ([^<]+?) to ([^<]+)<", table)
    assert told
    assert [] == [one for one in told if one[1] == one[2]]


def test_nothing_is_watched_for_that_cannot_be(drawn: Drawn) -> None:
    """A step that has been taken is not undone: no outcome of the watch list lies behind the present state."""
    states = {label(event.id): list(map(label, event.states)) for event in drawn.found.layout.events}
    reached = {label(event.id) for event in drawn.found.layout.events if event.kind == "reached"}
    rows = [row for row in drawn.page["watch"]["rows"] if row["event"] in reached]
    assert [row for row in rows if row["now"] != states[row["event"]][0]]
    for row in rows:
        taken = states[row["event"]].index(row["now"])
        assert taken <= min(states[row["event"]].index(one["state"]) for one in row["outcomes"])


@pytest.mark.parametrize(
    ("shown", "expected"), [("−1", "−1 point"), ("+1", "+1 point"), ("0", "0 points"), ("−1.0", "−1.0 points")]
)
def test_one_point_is_one_point(shown: str, expected: str) -> None:
    """A step of one is a point, all others are points."""
    assert expected == in_points(shown)


def _reason(level: basis.Level) -> basis.Reason:
    return basis.Reason(about="", level=level, text="", numbers={})


@pytest.mark.parametrize(
    ("expected", "levels"),
    [
        ("high", ("high", "high")),
        ("moderate", ("high", "moderate")),
        ("low", ("high", "low", "moderate")),
    ],
)
def test_confidence_is_no_better_than_its_grounds(expected: str, levels: tuple[basis.Level, ...]) -> None:
    """High only if every ground is, low if any is."""
    assert expected == basis.graded_confidence([_reason(level) for level in levels]).level


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ("high", basis.sources([(f"s{n}", "A" if n < 6 else "C") for n in range(10)])),
        ("moderate", basis.sources([("a", "A"), ("b", "C"), ("c", "C")])),
        ("low", basis.sources([("a", "A"), ("b", "A")])),
        ("low", basis.sources([(f"s{n}", "F") for n in range(10)])),
        ("low", basis.sources([])),
        ("high", basis.agreement(50, 0, 0.05)),
        ("high", basis.agreement(50, 0, None)),
        ("moderate", basis.agreement(50, 1, 0.05)),
        ("moderate", basis.agreement(50, 0, 0.2)),
        ("low", basis.agreement(50, 0, 0.5)),
        ("low", basis.agreement(50, 10, None)),
        ("high", basis.assumptions(20, 1, 0)),
        ("moderate", basis.assumptions(20, 1, 2)),
        ("moderate", basis.assumptions(20, 5, 0)),
        ("low", basis.assumptions(20, 15, 0)),
        ("high", basis.coding(list("abcdefgh"))),
        ("moderate", basis.coding(list("aabbcc"))),
        ("low", basis.coding(list("aaab"))),
        ("low", basis.coding([])),
        ("high", basis.news(date(2025, 9, 30), date(2025, 9, 30))),
        ("moderate", basis.news(date(2025, 9, 30), date(2025, 9, 10))),
        ("low", basis.news(date(2025, 9, 30), date(2025, 3, 10))),
        ("high", basis.record(40, [], ahead=True)),
        ("moderate", basis.record(12, [], ahead=True)),
        ("low", basis.record(40, [], ahead=False)),
        ("low", basis.record(40, ["base rate"], ahead=True)),
    ],
)
def test_each_ground_can_be_high_and_low(expected: str, reason: basis.Reason) -> None:
    """Extent and quality of sources, agreement, assumptions, one coder, old news and the record each decide a level."""
    assert expected == reason.level


def test_neither_interval_nor_sampling_is_a_ground(drawn: Drawn) -> None:
    """What the level rests on is told by name: nothing of how wide an interval is or how well draws were computed."""
    about = [reason["about"] for reason in drawn.page["confidence"]["reasons"]]
    assert ["Sources", "Agreement", "Assumptions", "Coding", "News", "Record"] == about


def test_whose_number_it_is_comes_from_the_files(tmp_path: Path) -> None:
    """The editors are known by their id, a rule by its expert's `exact`; grounds count the three apart."""
    known = world()
    people = dict(known.experts)
    people["editors"] = replace(people["ann"], id="editors")
    people["rules"] = replace(people["ann"], id="rules", exact=True)
    said = [
        replace(one, expert={"s-chance": "editors", "s-order": "rules"}.get(one.id, one.expert))
        for one in known.statements
    ]
    page = draw(tmp_path, experts=people, statements=tuple(said)).page
    voices = {row["id"]: row["voice"] for row in page["statements"]}
    assert {"s-chance": "editors", "s-order": "rule", "s-word": "expert"}.items() <= voices.items()
    what = [row["what"] for row in page["grounds"]]
    assert "3 statements by experts with figures of their own." in what
    assert "1 statement by experts that an editor coded, with a wide interval." in what
    assert "1 statement of the editors' own." in what
    assert "1 statement that a rule settles: how events are resolved." in what


def test_every_step_of_the_drawn_waterfall_adds_up(drawn: Drawn) -> None:
    """On the page the steps since the prior lead from the prior's probability to the forecast's."""
    fall = drawn.page["since_prior"]
    assert drawn.prior.scenarios[fall["scenario"]].probability == fall["from"]
    assert drawn.found.scenarios[fall["scenario"]].probability == fall["to"]
    assert fall["to"] - fall["from"] == pytest.approx(sum(row["step"] for row in fall["rows"]), abs=1e-9)
    assert "Retracted: i-gone" in [row["headline"] for row in fall["rows"]]


def test_no_step_of_no_points_is_the_largest() -> None:
    """Where every single report moves the forecast by less than is printed, none is named as having moved it."""
    table = replace(_table(0.3, []), rows=(replace(_step(0.0004), mcse=0.002),), to=0.45)
    fall = waterfall(table, NAMES, 0.001)
    assert "No single report moved it by twice the Monte Carlo error, with draws enough to tell." in fall.sentence


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("30 September 2025, the day of this forecast.", basis.news(date(2025, 9, 30), date(2025, 9, 30))),
        ("1 day before this forecast.", basis.news(date(2025, 9, 30), date(2025, 9, 29))),
        ("Only 1 resolved question says", basis.record(1, [], ahead=True)),
        ("1 resolved question was forecast by people who knew", basis.record(1, [], ahead=False)),
        ("No resolved question says", basis.record(0, [], ahead=False)),
        ("1 report from 1 source, 0 of them graded A or B.", basis.sources([("a", "F")])),
        ("2 of them graded A or B; of the latest 1, none.", basis.sources([("a", "A"), ("b", "B")], ["F"])),
        ("None of 1 statement lies far", basis.agreement(1, 0, None)),
        ("2 of 9 statements lie far", basis.agreement(9, 2, None)),
        ("1 of 2 statements carry one coder's numbers (b).", basis.coding(["a", "b"])),
        ("1 of 3 statements carry one coder's numbers (b); rules settle 1.", basis.coding(["a", "b"], 1)),
        (
            "by 40 points on “Y?”, in odds most on X; none",
            basis.agreement(9, 0, 0.4, "“Y?”", ", in odds most on X"),
        ),
    ],
)
def test_grounds_are_told_in_the_right_number(text: str, reason: basis.Reason) -> None:
    """One is told in the singular, none is not told at all."""
    assert text in reason.text
