"""Printed digits: none beyond what is known, and nothing that is not certain looks so."""

from __future__ import annotations

from decimal import Decimal
from math import log, sqrt
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.digits import (
    DERIVED,
    MOST_DECIMALS,
    NOTHING,
    RARE,
    SCALES,
    SMALLEST,
    UNITS,
    UNKNOWN_ERROR,
    before_after,
    change,
    digits,
    exact,
    exact_at,
    fraction,
    interval,
    number,
    percent,
    plain,
    points,
    rare,
    score,
    score_difference,
    share,
    signed,
    size,
)

INSIDE = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
ERRORS = st.one_of(st.none(), st.floats(0.0, 1.0))
FIGURES = st.integers(1, 4)


def _bounds(text: str, unit: Decimal) -> tuple[Decimal, Decimal]:
    """Return between which numbers (in percent) a text says that a probability lies."""
    value = Decimal(text.removesuffix(" %").lstrip("<>"))
    if text.startswith("<"):
        return Decimal(0), value
    return (value, Decimal(100)) if text.startswith(">") else (value - unit / 2, value + unit / 2)


def _unit(mcse: float | None) -> Decimal:
    return 100 * Decimal(str(UNITS[digits(UNKNOWN_ERROR if mcse is None else mcse)][0]))


def _order(text: str) -> tuple[Decimal, int]:
    return Decimal(text.removesuffix(" %").lstrip("<>")), (text[0] == ">") - (text[0] == "<")


def _looks_open(text: str) -> bool:
    """Say whether a text is a plain number or a bound, and neither 0 nor 100 %."""
    return "e" not in text.lower() and (text[0] in "<>" or 0 < Decimal(text.removesuffix(" %")) < 100)


@pytest.mark.parametrize(
    ("probability", "mcse", "expected"),
    [
        (0.3456, 0.0004, "34.6 %"),
        (0.3456, 0.0006, "35 %"),
        (0.3456, 0.006, "35 %"),
        (0.748, 0.0098, "75 %"),
        (0.3456, 0.025, "35 %"),
        (0.3456, 0.026, "30 %"),
        (0.02, 0.02, "<5 %"),
        (0.98, 0.02, ">95 %"),
        (0.3456, None, "35 %"),
        (0.0, 0.0, "0 %"),
        (1.0, 0.0, "100 %"),
        (0.0004, 0.0001, "<0.1 %"),
        (0.004, 0.002, "<1 %"),
        (0.9996, 0.0001, ">99.9 %"),
        (0.997, None, ">99 %"),
        (0.9999999999999999, 0.0, ">99.9 %"),
    ],
)
def test_percent(probability: float, mcse: float | None, expected: str) -> None:
    """The finest of 0.1, 1, 5 and 10 percent that is at least twice the error; never rounded to none or all."""
    assert expected == percent(probability, mcse)


@pytest.mark.parametrize("mcse", [0.0004, 0.0005, 0.002, 0.005, 0.0098, 0.02, 0.025, 0.04, 0.05])
def test_another_run_prints_the_same_or_the_next_number(mcse: float) -> None:
    """Of pairs of runs whose errors are the stated one, at least 19 in 20 print numbers at most one step apart."""
    random = Random(18)
    unit, pairs = _unit(mcse), 2000
    apart = 0
    for _ in range(pairs):
        truth = random.uniform(0.3, 0.7)
        one, other = (Decimal(number(random.gauss(truth, mcse), mcse).lstrip("<>")) for _ in range(2))
        apart += abs(one - other) > unit
    assert apart <= 0.05 * pairs + 3.0 * sqrt(0.05 * 0.95 * pairs)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0001, "0.01 %"),
        (0.9999999, "99.99999 %"),
        (0.9999, "99.99 %"),
        (0.345, "34.5 %"),
        (0.125, "12.5 %"),
        (0.0125, "1.25 %"),
        (0.9875, "98.75 %"),
        (0.3, "30 %"),
        (2 / 3, "66.7 %"),
        (0.00125, "0.125 %"),
        (0.00015, "0.015 %"),
        (1e-7, "0.00001 %"),
        (3.16e-7, "0.00003 %"),
        (1.0 - 3.16e-7, "99.99997 %"),
        (5e-324, "<0.0000000001 %"),
        (1.0 - 2.0**-53, ">99.9999999999 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
    ],
)
def test_what_was_stated_comes_out_as_stated(probability: float, expected: str) -> None:
    """A number without Monte Carlo error is written as somebody would type it in percent."""
    assert expected == exact(probability)


@given(probability=INSIDE, mcse=ERRORS)
def test_nothing_uncertain_looks_certain(probability: float, mcse: float | None) -> None:
    """However near the ends and whatever the error: no 0 %, no 100 %, no exponent, and the text is true."""
    shown = percent(probability, mcse)
    assert _looks_open(shown)
    low, high = _bounds(shown, _unit(mcse))
    rounding = Decimal("1e-12")
    assert low - rounding <= 100 * Decimal(probability) <= high + rounding


@given(probability=INSIDE, figures=FIGURES)
def test_nothing_stated_looks_certain(probability: float, figures: int) -> None:
    """Without an error too: the text differs from the number by at most half of its last digit."""
    shown = exact(probability, figures)
    assert _looks_open(shown)
    p = Decimal(repr(probability))
    tail = min(p, 1 - p)
    last = Decimal(1).scaleb(max(tail.adjusted() + 1 - figures, min(-MOST_DECIMALS - 2, tail.adjusted())) + 2)
    low, high = _bounds(shown, last)
    assert low <= 100 * p <= high
    if tail < SMALLEST:
        assert shown[0] in "<>"


@given(pair=st.tuples(INSIDE, INSIDE).map(sorted), mcse=ERRORS, figures=FIGURES)
def test_larger_numbers_never_look_smaller(pair: list[float], mcse: float | None, figures: int) -> None:
    """Texts are in the order of the numbers, with an error and without."""
    for texts in ([percent(p, mcse) for p in pair], [exact(p, figures) for p in pair], [fraction(p) for p in pair]):
        assert _order(texts[0]) <= _order(texts[1])


@example(probability=0.855, mcse=0.005, figures=3)  # its distance from 1 is a rounding error above a half of the unit
@given(probability=st.floats(0.5, 1.0), mcse=ERRORS, figures=FIGURES)
def test_near_one_looks_like_near_zero(probability: float, mcse: float | None, figures: int) -> None:
    """P and 1 - p are written with the same digits: together they are 100 %."""
    turned = {"<": ">", ">": "<"}
    lack = 1.0 - probability
    for high, low in (
        (percent(probability, mcse), percent(lack, mcse)),
        (exact(probability, figures), exact(lack, figures)),
    ):
        assert turned.get(high[0], "") == low[0] if high[0] in turned else low[0] not in turned
        assert 100 == sum(Decimal(text.removesuffix(" %").lstrip("<>")) for text in (high, low))


@given(log_odds=st.floats(-1e4, 1e4), figures=FIGURES)
def test_log_odds_never_end(log_odds: float, figures: int) -> None:
    """Of log-odds, which have no ends, no text is 0 or 100 %, also where a double holds only 0 or 1."""
    assert _looks_open(exact_at(log_odds, figures))


@given(probability=st.floats(1e-9, 1.0 - 1e-9))
def test_log_odds_are_written_as_their_probability(probability: float) -> None:
    """The probability of log-odds is the probability, but for the rounding of the logarithm."""
    at = log(probability) - log(1.0 - probability)
    shown = [Decimal(text.removesuffix(" %")) for text in (exact_at(at), exact(probability))]
    assert abs(shown[0] - shown[1]) <= Decimal("0.1")


@given(pair=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(sorted), mcse=ERRORS)
def test_intervals_are_ordered_and_open(pair: list[float], mcse: float | None) -> None:
    """The lower end is never above the upper one; an interval with a width has no certain end."""
    ends = interval(pair[0], pair[1], mcse).removesuffix(" %").split(" to ")
    assert _order(ends[0]) <= _order(ends[-1])
    if pair[0] < pair[1]:
        assert all(_looks_open(end) for end in ends)


def test_interval_is_never_finer_than_percents() -> None:
    """Quantiles are less certain than means: whole percents at best; a range of one number is that number."""
    assert "12 to 35 %" == interval(0.1234, 0.3456, 0.0001)
    assert "12 %" == interval(0.121, 0.122, 0.0001)
    assert "<1 to 3 %" == interval(0.001, 0.03, 0.0001)
    assert "0 %" == interval(0.0, 0.0, 0.0)
    assert ">99 %" == interval(0.9999, 1.0, 0.0)


@pytest.mark.parametrize(
    ("difference", "mcse", "sign", "words"),
    [
        (0.031, 0.002, "+3", "up 3 points"),
        (-0.012, 0.002, "-1", "down 1 point"),
        (0.004, 0.002, "0", "unchanged"),
        (-0.0, 0.002, "0", "unchanged"),
        (0.0012, None, "+0.1", "up 0.1 points"),
        (0.0004, None, "0", "unchanged"),
        (0.1, 0.2, "0", "unchanged"),
    ],
)
def test_changes(difference: float, mcse: float | None, sign: str, words: str) -> None:
    """A change has the digits of its error, to a tenth of a point where nobody computed one; within it, it is none."""
    assert (sign, words) == (change(difference, mcse), points(difference, mcse))


@given(difference=st.floats(-1.0, 1.0), mcse=ERRORS)
def test_a_change_within_its_error_is_none(difference: float, mcse: float | None) -> None:
    """What is printed as a change is more than its Monte Carlo error, and has its sign."""
    shown = change(difference, mcse)
    if shown != "0":
        assert abs(difference) >= (mcse or 0.0)
        assert (shown[0] == "+") == (difference > 0)
    assert change(-difference, mcse) == shown.translate(str.maketrans("+-", "-+"))


@given(value=st.floats(0.0, 1.0), decimals=st.integers(1, 6))
def test_fractions_never_look_certain(value: float, decimals: int) -> None:
    """As a fraction of one too: what would round to 0 or 1 is less or more than one unit."""
    shown = share(value, decimals)
    assert (Decimal(shown.lstrip("<>")) in {0, 1}) == (value in {0.0, 1.0})
    assert abs(Decimal(shown.lstrip("<>")) - Decimal(value)) <= Decimal(10) ** -decimals


def test_fractions_and_plain_numbers() -> None:
    """Stated numbers as fractions, and ratios, have no exponent either."""
    assert ["0.0001", "0.9999999", "0.125", "<0.000000000001", "1"] == [
        fraction(p) for p in (0.0001, 0.9999999, 0.125, 5e-324, 1.0)
    ]
    assert ["1230", "0.0000123", "2"] == [plain(value, 3) for value in (1234.0, 1.234e-5, 2.0)]
    assert "35" == number(0.3456, 0.001)


WITH_ERRORS = st.tuples(st.floats(0.0, 1.0), st.one_of(st.none(), st.floats(0.0, 0.04)))


@given(WITH_ERRORS, WITH_ERRORS, st.one_of(st.none(), st.floats(0.0, 0.08)))
@example((0.4512, 0.003), (0.32, 0.006), 0.007)  # 45 -> 30, which changed by 10
@example((0.234, 0.004), (0.236, 0.004), 0.0002)  # 23 -> 24, which changed by .2
@example((0.003, 0.003), (1.0, 0.0), 0.003)
def test_a_change_is_that_of_the_printed_numbers(
    before: tuple[float, float | None], after: tuple[float, float | None], mcse: float | None
) -> None:
    """The printed change takes the first printed number to the second, each of which rounds what it is."""
    texts = *ends, moved = before_after(before, after, (after[0] - before[0], mcse))
    numbers = [Decimal(text.removesuffix(" %").lstrip("<>")) for text in ends]
    if not any(text[0] in "<>" for text in ends) and (moved != "0" or 0.0 < after[0] < 1.0):
        assert numbers[1] - numbers[0] == Decimal(moved), texts
    if moved != "0":
        for (p, error), text in zip((before, after), ends, strict=True):
            low, high = _bounds(text, max(_unit(error), Decimal(1)))
            assert low - Decimal("1e-9") <= 100 * Decimal(p) <= high + Decimal("1e-9"), texts
        assert (moved[0] == "+") == (after[0] > before[0])
    for (p, _), text in zip((before, after), ends, strict=True):
        assert text not in {"0 %", "100 %"} or p in {0.0, 1.0} or moved == "0"


@given(st.floats(-10.0, 10.0), st.integers(1, 4))
def test_no_zero_has_a_sign(value: float, decimals: int) -> None:
    """A signed number that rounds to zero has none; a measure that would is less than one unit, or nothing at all."""
    assert Decimal(signed(value, decimals)) == Decimal(f"{value:.{decimals}f}")
    assert (signed(value, decimals)[0] in "+-") == (Decimal(signed(value, decimals)) != 0)
    shown = size(abs(value), decimals)
    assert "-" not in shown
    assert shown.startswith("<") == (abs(value) >= 1e-12 and not float(f"{abs(value):.{decimals}f}"))
    assert ["0.00", "0.00", "<0.01", "2.05"] == [size(x, 2) for x in (-0.0, 1e-17, 0.004, 2.05)]


@given(value=st.floats(0.0, 3.0), decimals=st.integers(1, 4))
def test_a_score_that_is_not_zero_is_not_written_as_zero(value: float, decimals: int) -> None:
    """Only 0 is 0; a bound holds what it bounds, and any other text is within half a unit."""
    text, unit = score(value, decimals), 10.0**-decimals
    if text.startswith("<"):
        assert 0.0 < value < unit
    else:
        assert abs(float(text) - value) <= 0.5 * unit + 1e-12
        assert (float(text) == 0.0) == (value == 0.0)


@given(value=st.floats(-3.0, 3.0), decimals=st.integers(1, 4))
def test_a_difference_of_scores_that_is_not_zero_has_its_sign(value: float, decimals: int) -> None:
    """What is not rounding has its sign, and a bound lies on the other side of it than 0."""
    text, unit = score_difference(value, decimals), 10.0**-decimals
    if text[0] in "<>":
        assert 0.0 < abs(value) < unit
        assert float(text[1:]) == (unit if value > 0.0 else -unit)
        assert text[0] == ("<" if value > 0.0 else ">")
    elif abs(value) < NOTHING:
        assert text == f"{0.0:.{decimals}f}"
    else:
        assert text[0] == ("+" if value > 0.0 else "-")
        assert abs(float(text) - value) <= 0.5 * unit + 1e-12


@given(st.floats(0.0, 1.0))
@example(9.999e-7)
@example(4.35e-9)
@example(1e-12)
def test_what_is_rare_is_told_as_one_in_so_many(probability: float) -> None:
    """A small probability is read back within its two digits, and is written without zeros that nobody counts."""
    told = rare(probability)
    if not 0.0 < probability < RARE:
        assert exact(probability, DERIVED) == told
    elif Decimal(repr(probability)) < SMALLEST:
        assert "less than one in a trillion" == told
    else:
        of, scale = told.removeprefix("one in ").split()
        assert 1.0 <= float(of) < 1001.0
        sizes = {name: size_ for size_, name in SCALES.items()}
        assert 1.0 / probability == pytest.approx(float(of) * sizes[scale], rel=0.051)
