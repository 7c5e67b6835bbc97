"""Geometry and wording of the page: chains, dots, the network's places, likelihood words, inline figures."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.ledger.outcome import Outcome
from forecast.report.sections.events import spread_apart
from forecast.report.sections.history import APART, HEIGHT
from forecast.report.sections.judgement import DOT, MOST_STACK, STRIP_WIDTH, dot_strip
from forecast.report.sections.network import GAP_Y, MOST_LINES, NODE_HEIGHT, fitted_lines, place_nodes
from forecast.report.svg import CHAINS as DRAWN_CHAINS
from forecast.report.svg import INK, POWERS, SIZE, by_chain, element, inline, resampled, style
from forecast.sampling.settings import CHAINS
from forecast.words import PALETTE, likelihood_word, long_date, scenario_colour
from forecast.workspace.names import OTHER


def test_draws_are_chain_after_chain() -> None:
    """Draw number chain * n + i of a flat array is draw i of its chain."""
    flat = np.arange(3.0 * CHAINS)
    assert [[3 * chain + i for i in range(3)] for chain in range(CHAINS)] == by_chain(flat).tolist()
    assert (CHAINS, 3, 2) == by_chain(np.stack([flat, flat])).shape


def test_resampling_keeps_proportions() -> None:
    """Every draw comes up as often as its weight says, rounded up or down."""
    weights = np.array([0.1234, 0.5, 0.0, 0.3766])
    counts = np.bincount(resampled(weights), minlength=4)
    assert (np.abs(counts - SIZE * weights) <= 1).all()


@given(values=st.lists(st.floats(0, 0.6), min_size=20, max_size=20))
def test_dots_neither_overlap_nor_get_lost(values: list[float]) -> None:
    """Each quantile has its dot; two dots are a diameter apart in height, or half of one in width."""
    strip = dot_strip(sorted(values), {"0.5": 0.1}, 0.2, 0.6)
    assert 20 == len(strip.dots)
    for (x, y), (other_x, other_y) in combinations(strip.dots, 2):
        assert abs(y - other_y) >= 2 * strip.radius or abs(x - other_x) >= DOT / 2 - 1e-9
    assert strip.floor <= MOST_STACK * DOT
    assert STRIP_WIDTH / 3 == pytest.approx(strip.mean)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_is_settled_takes_no_more_room(value: float) -> None:
    """Twenty dots in one place make a row of the main figure no higher than so many dots, and stay within it."""
    strip = dot_strip([value] * 20, {}, value, 1.0)
    assert MOST_STACK * DOT == strip.floor
    heights = [y for _, y in strip.dots]
    assert 0.0 <= min(heights)
    assert max(heights) <= strip.floor


@given(ends=st.lists(st.floats(0, HEIGHT), max_size=6))
def test_names_of_lines_stand_apart(ends: list[float]) -> None:
    """Names are so far apart, in the order of their lines and within the chart; with room around it one stays put."""
    places = spread_apart(ends, APART, HEIGHT)
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    for before, after in pairwise(order):
        assert places[after] - places[before] >= APART - 1e-9
    assert all(place <= HEIGHT for place in places)
    for i, end in enumerate(ends):
        if all(abs(end - other) >= APART * len(ends) for k, other in enumerate(ends) if k != i):
            assert end == places[i]


@given(pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25))
@settings(max_examples=50, deadline=None)
def test_nodes_stand_apart_and_causes_on_the_left(pairs: list[tuple[int, int]]) -> None:
    """No two nodes share a place, each edge runs to the right, every event is drawn, and that twice the same."""
    keys = [f"event e{i}" for i in range(12)]
    edges = list(dict.fromkeys((keys[min(p)], keys[max(p)]) for p in pairs if p[0] != p[1]))
    placed = place_nodes(keys, edges)
    assert placed == place_nodes(keys, edges)
    assert set(keys) == set(placed.column)
    for one, other in combinations(keys, 2):
        apart = abs(placed.row[one] - placed.row[other]) * (NODE_HEIGHT + GAP_Y)
        assert placed.column[one] != placed.column[other] or apart >= NODE_HEIGHT
    for start, end in edges:
        assert placed.column[start] < placed.column[end]


@given(name=st.text(st.sampled_from("abcdefghiW 国ا"), max_size=60))
def test_names_are_broken_and_not_lost(name: str) -> None:
    """The lines of a name have its letters in their order, all of them unless the last line ends in an ellipsis."""
    lines, letters = fitted_lines(name), "".join(name.split())
    assert 1 <= len(lines) <= MOST_LINES
    told = "".join("".join(lines).split())
    assert letters.startswith(told.removesuffix("…"))
    assert told == letters or told.endswith("…")
    assert len(letters) > 25 or told == letters


STYLE = Path(__file__).parents[2] / "forecast" / "report" / "templates" / "style.css"
MEANT = ("prior", "posterior", "up", "down")


def _colours(block: str) -> dict[str, tuple[int, ...]]:
    found = re.findall(r"--([\w-]+): #([0-9a-f]{3}|[0-9a-f]{6})\b", block)
    wide = {name: code if len(code) == 6 else "".join(2 * digit for digit in code) for name, code in found}
    return {name: tuple(int(code[i : i + 2], 16) for i in (0, 2, 4)) for name, code in wide.items()}


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_one_colour_has_one_meaning(scheme: str) -> None:
    """A scenario has a colour that is far from every other's, and from prior, now, up, down, chains and powers."""
    text = STYLE.read_text(encoding="utf-8")
    light, dark, printed = (block.split("}", 1)[0] for block in text.split(":root {")[1:])
    colours = _colours(light) | _colours({"light": "", "dark": dark, "print": printed}[scheme])
    scenarios = {name: colours[name] for name in (*(f"s{n}" for n in range(PALETTE)), "other")}
    drawn = {
        f"drawn {n}": tuple(int(code[i : i + 2], 16) for i in (1, 3, 5)) for n, code in enumerate(DRAWN_CHAINS + POWERS)
    }
    others = {name: colours[name] for name in MEANT} | drawn
    for (one, colour), (other, second) in combinations((scenarios | others).items(), 2):
        if one in scenarios or other in scenarios:
            apart = sum((a - b) ** 2 for a, b in zip(colour, second, strict=True)) ** 0.5
            assert apart > 45.0, (one, other)


def test_scenarios_beyond_the_palette_share_no_colour_with_another() -> None:
    """Each of the first scenarios has a class of its own, further ones that of what has no colour."""
    names = [f"n{n}" for n in range(PALETTE + 3)]
    outcome = cast("Outcome", SimpleNamespace(scenario_ids=[*names, OTHER]))
    classes = [scenario_colour(outcome, name) for name in (*names, OTHER)]
    assert [*(f"s{n}" for n in range(PALETTE)), "rest", "rest", "rest", "other"] == classes


def test_every_panel_is_a_drawing_of_its_own() -> None:
    """A figure becomes its legend and one drawing a panel, each with the labels of its axes, also of shared ones."""
    from matplotlib import pyplot as plt

    with style("t"):
        figure, (left, right) = plt.subplots(1, 2, sharey=True)
        left.plot([0.0, 1.0], [0.0, 3.0], label="line")
        right.plot([0.0, 1.0], [0.0, 3.0])
        right.set_title("second")
        figure.legend(title="key")
        drawn = element(SimpleNamespace(get_viz=lambda _: figure), "t", "<b>")
    head, *pieces = drawn.split('<svg aria-hidden="true"')
    assert '<div class="panels" role="img" aria-label="&lt;b&gt;"><div class="key">' == head
    assert 3 == len(pieces)
    assert ["key" in piece for piece in pieces] == [True, False, False]
    assert ["second" in piece for piece in pieces] == [False, False, True]
    assert all(">1.5<" in piece for piece in pieces[1:])


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0, "impossible"),
        (0.001, "almost no chance"),
        (0.05, "very unlikely"),
        (0.2, "unlikely"),
        (0.5, "roughly even chance"),
        (0.7999, "likely"),
        (0.8, "very likely"),
        (0.97, "almost certain"),
        (0.999, "almost certain"),
        (1.0, "certain"),
    ],
)
def test_likelihood_words(probability: float, expected: str) -> None:
    """The terms of ICD 203, section D.6.e.(2)(a); a shared end belongs to the higher band."""
    assert expected == likelihood_word(probability)


def test_date_in_words() -> None:
    """Dates are written without the machine's locale."""
    assert "6 August 2025" == long_date("2025-08-06")


def test_inline_figure() -> None:
    """An inline figure has the page's colours, ids of its own, and a width in pixels; what holds it names it."""
    inner = '<g id="{0}a" fill="{1}"/><use href="#{0}a"/></svg>'
    text = '<?xml version="1.0"?>\n<svg height="9pt" viewBox="0 0 1 1" width="100pt">' + inner.format("", INK)
    head = '<svg aria-hidden="true" viewBox="0 0 1 1" width="112">'
    expected = head + inner.format("f-", "var(--ink)")
    assert expected == inline(text, "f")
