"""The digits of printed numbers: one rule for the terminal, the page, tables and messages alike.

The law: no digit is printed that another run could change. A computed probability is rounded to the finest step of a
tenth of a percent, one, five or ten percent that is at least twice its Monte Carlo standard error. Rounding always has
edges, so the law means a step: another run with another seed prints the same number or one step beside it, at least
nineteen times in twenty (two runs differ by a normal number of sqrt(2) standard errors, and by more than the step that
takes it past a neighbour in 5 % of cases at most).

A number without such an error, which somebody stated or which follows from what was stated, has a few significant
digits of the smaller of itself and what it lacks to one. Whatever is neither impossible nor certain is never written as
0 or 100 %, and no number has an exponent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import exp, isfinite

# Steps of a probability, finest first, with the decimals of a percentage. None of 2 %, which would look like whole
# percents: 76 for .75. A multiple of five is read as the rounded number that it is.
UNITS = ((0.001, 1), (0.01, 0), (0.05, 0), (0.1, 0))
FINEST_QUANTILE = 1  # index in UNITS: quantiles are less precise than means, so never finer than whole percents
UNKNOWN_ERROR = (
    0.005  # Monte Carlo standard error that probabilities without one of their own are printed as if they had
)
WHOLE = 1  # index in UNITS: whole percents
FINEST_CHANGE = 0  # index in UNITS: a change between two sums over the same draws, whose error nobody computed
STATED, DERIVED = 3, 2  # significant digits of a stated number, and of an end of an interval that follows from it
MOST_DECIMALS = 4  # of a percentage without Monte Carlo error; more only until the first digit that is not 0, or not 9
NOTHING = 1e-12  # of a measure: what is below it is rounding
SMALLEST = Decimal("1e-12")  # of what a probability is, and what it lacks to one: below it stands "less than"
RARE = 1e-6  # below it a probability that stands in a sentence is told as one in so many
SCALES = {10**6: "million", 10**9: "billion", 10**12: "trillion"}  # of the short scale


# Of the two ends of a range: one Monte Carlo standard error for both, that of the mean where nobody computed their own;
# or one for each end. Near 0 and 1 an end is often known far better than the mean.
Errors = float | tuple[float, float] | None
WithError = tuple[float, float | None]  # a number and its Monte Carlo standard error


def digits(mcse: float) -> int:
    """Return the index in UNITS of the finest unit that twice the Monte Carlo standard error does not exceed."""
    return next((i for i, (unit, _) in enumerate(UNITS) if 2.0 * mcse <= unit), len(UNITS) - 1)


def number(probability: float, mcse: float | None, *, coarsest: int = 0) -> str:
    """Write a probability in percent, without the sign, with the digits that its Monte Carlo standard error allows.

    What would round to none or all is written as less or more than one unit; exactly 0 and 1 stay.

    Args:
        probability: between 0 and 1.
        mcse: its Monte Carlo standard error; None where nobody computed it (UNKNOWN_ERROR).
        coarsest: index in UNITS of the finest unit allowed.
    """
    return _at(probability, max(coarsest, digits(UNKNOWN_ERROR if mcse is None else mcse)))


def _at(probability: float, index: int) -> str:
    """Write a probability in percent, without the sign, in a unit of UNITS."""
    unit, decimals = UNITS[index]
    if probability in {0.0, 1.0}:
        return "100" if probability else "0"
    whole = round(1.0 / unit)
    # From the nearer end: 1 - p is exact from one half on, so that what is as far from 1 as another from 0 looks so.
    steps = whole - round((1.0 - probability) / unit) if probability > 0.5 else round(probability / unit)
    if steps == 0:
        return f"<{100 * unit:.{decimals}f}"
    if steps == whole:
        return f">{100 * (1.0 - unit):.{decimals}f}"
    return f"{100 * unit * steps:.{decimals}f}"


def percent(probability: float, mcse: float | None) -> str:
    """Write a computed probability with the digits that its error allows (see `number`), and the percent sign."""
    return f"{number(probability, mcse)} %"


def ends(low: float, high: float, mcse: Errors) -> tuple[str, str]:
    """Write two quantiles in percent, without the sign: in whole percents, or what the error allows.

    Of a range that has a width no end is certain: a quantile that is 0 or 1 in floating point is near it.
    """
    if low != high:
        low, high = max(low, 5e-324), min(high, 1.0 - 2.0**-53)
    of_low, of_high = mcse if isinstance(mcse, tuple) else (mcse, mcse)
    return number(low, of_low, coarsest=FINEST_QUANTILE), number(high, of_high, coarsest=FINEST_QUANTILE)


def interval(low: float, high: float, mcse: Errors) -> str:
    """Write the range between two quantiles; a range of one number is that number."""
    texts = ends(low, high, mcse)
    return f"{texts[0]} %" if texts[0] == texts[1] else f"{' to '.join(texts)} %"


def change(difference: float, mcse: float | None) -> str:
    """Write a change of a probability in points with its sign, with the digits that its error allows; "0" is none.

    A change within its error is none. `mcse` is None where nobody computed it: the digits are those of FINEST_CHANGE.
    """
    unit, decimals = UNITS[FINEST_CHANGE if mcse is None else digits(mcse)]
    steps = round(abs(difference) / unit)
    if steps == 0 or abs(difference) < (mcse or 0.0):
        return "0"
    return f"{'+' if difference > 0 else '-'}{100 * unit * steps:.{decimals}f}"


def amount(value: float) -> str:
    """Write a quantity with three significant digits, whole from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def before_after(before: WithError, after: WithError, difference: WithError) -> tuple[str, str, str]:
    """Write a probability before and after something, and its change: the change is that of the printed numbers.

    Both ends have the digits of the one that is known less well, or of the change where that is known better still, as
    between sums over the same draws. Where one is known to five or ten points only, the other keeps its whole percents.
    A change within its error is none, and then both ends are the same number.

    Args:
        before, after, difference: each a number and its Monte Carlo standard error (None as in `number` and `change`).

    Returns: the two probabilities with the percent sign, and the change in points with its sign ("0": none).
    """
    ends = before, after
    if change(*difference) == "0":
        shown = percent(*before)
        return shown, shown if 0.0 < after[0] < 1.0 else percent(*after), "0"
    own = [digits(UNKNOWN_ERROR if error is None else error) for _, error in ends]
    of_change = FINEST_CHANGE if difference[1] is None else digits(difference[1])
    common = min(max(own), of_change)
    if common > WHOLE:
        texts = [_at(p, max(index, WHOLE)) for (p, _), index in zip(ends, own, strict=True)]
    else:
        texts = [_at(p, common) for p, _ in ends]
    unit, decimals = UNITS[min(common, WHOLE)]
    if any(text[0] in "<>" for text in texts):
        points_ = Decimal(100) * Decimal(str(unit)) * round(difference[0] / unit)
    else:
        points_ = Decimal(texts[1]) - Decimal(texts[0])
    if not points_:
        return percent(*before), percent(*before) if 0.0 < after[0] < 1.0 else percent(*after), "0"
    return f"{texts[0]} %", f"{texts[1]} %", f"{points_:+.{decimals}f}"


def points(difference: float, mcse: float | None) -> str:
    """Write a change of a probability in words: up, down or unchanged at the digits that its error allows."""
    size = change(difference, mcse).lstrip("+-")
    if size == "0":
        return "unchanged"
    return f"{'up' if difference > 0 else 'down'} {size} {'point' if float(size) == 1.0 else 'points'}"


def exact(probability: float, figures: int = STATED) -> str:
    """Write a probability that has no Monte Carlo error in percent, as it was stated.

    So many significant digits of the smaller of p and 1 - p, at most MOST_DECIMALS decimals but always the first digit
    that tells it from 0 or 100; zeros at the end are left out. Exactly 0 and 1 stay.
    """
    if probability in {0.0, 1.0}:
        return "100 %" if probability else "0 %"
    p = Decimal(repr(float(probability)))  # the shortest decimal that is this number: what was typed
    return _nearer(min(p, 1 - p), is_high=p > Decimal("0.5"), figures=figures)


def rare(probability: float, figures: int = DERIVED) -> str:
    """Write a probability for a sentence: as `exact` does, but what is below RARE as one in so many.

    Nobody reads ten zeros behind a point. Below SMALLEST it is less than one in a trillion.
    """
    if not 0.0 < probability < RARE:
        return exact(probability, figures)
    if Decimal(repr(float(probability))) < SMALLEST:
        return f"less than one in a {SCALES[10**12]}"
    of = Decimal(plain(1.0 / probability, figures))
    scale = max(one for one in SCALES if one <= of)
    return f"one in {(of / scale).normalize():f} {SCALES[scale]}"


def exact_at(log_odds: float, figures: int = STATED) -> str:
    """Write the probability of some log-odds as `exact` does: also where it is 0 or 1 in floating point."""
    odds = Decimal(repr(exp(-abs(float(log_odds)))))
    return _nearer(odds / (1 + odds), is_high=log_odds > 0.0, figures=figures)


def _nearer(tail: Decimal, *, is_high: bool, figures: int) -> str:
    """Write, in percent, what is `tail` away from 0 or (`is_high`) from 1."""
    if tail < SMALLEST:
        bound = 100 * (1 - SMALLEST) if is_high else 100 * SMALLEST
        return f"{'>' if is_high else '<'}{bound.normalize():f} %"
    first = -(100 * tail).adjusted()  # decimals until the first digit that is not 0
    decimals = max(first, min(MOST_DECIMALS, first + figures - 1), 0)
    rounded = (100 * tail).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    text = f"{100 - rounded if is_high else rounded:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def fraction(probability: float, figures: int = STATED) -> str:
    """Write a probability as `exact` does, but as a fraction of one."""
    text = exact(probability, figures).removesuffix(" %")
    sign = text[:1] if text[0] in "<>" else ""
    return f"{sign}{Decimal(text.removeprefix(sign)).scaleb(-2).normalize():f}"


def plain(value: float, figures: int) -> str:
    """Write a number with so many significant digits, and never with an exponent."""
    return f"{Decimal(f'{value:.{figures}g}'):f}"


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign and so many decimals; what rounds to zero has none."""
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def size(value: float, decimals: int) -> str:
    """Write a measure that is never negative, with so many decimals; what would round to zero is less than one unit."""
    if value < NOTHING:
        return f"{0.0:.{decimals}f}"
    text = f"{value:.{decimals}f}"
    return text if float(text) else f"<{10.0**-decimals:.{decimals}f}"


def score(value: float, decimals: int) -> str:
    """Write a score with so many decimals; only 0 is written as 0, and what is nearer to it is less than one unit."""
    if not isfinite(value):
        return "infinite" if value > 0.0 else str(value)
    text = f"{value:.{decimals}f}"
    return text if not value or float(text) else f"{'<' if value > 0.0 else '>-'}{10.0**-decimals:.{decimals}f}"


def score_difference(value: float, decimals: int) -> str:
    """Write a difference of scores, or an end of its interval, with its sign; only what is rounding is written as 0.

    What would round to zero lies between zero and one unit: <+0.0001, >-0.0001.
    """
    if abs(value) < NOTHING:
        return f"{0.0:.{decimals}f}"
    text = f"{value:+.{decimals}f}"
    return text if float(text) else f"{'<' if value > 0.0 else '>'}{text[0]}{10.0**-decimals:.{decimals}f}"


def share(value: float, decimals: int) -> str:
    """Write a probability as a fraction of one; what would round to 0 or 1 is less or more than one unit."""
    unit = 10.0**-decimals
    text = f"{value:.{decimals}f}"
    if value in {0.0, 1.0} or 0.0 < float(text) < 1.0:
        return text
    return f"<{unit:.{decimals}f}" if value < 0.5 else f">{1.0 - unit:.{decimals}f}"


def past(value: float, limit: float, digits_tried: Sequence[int] = (4, 6, 9)) -> str:
    """Write a value with as many digits as show that it is past its limit: 1.0104, not 1.01."""
    return next((shown for digits in digits_tried if float(shown := f"{value:.{digits}g}") != limit), repr(value))
