"""The rows of tables of forecasts, how each question turned out, and what rows say against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from forecast.scoring.cells import (
    ROUNDING,
    CodedColumn,
    FaultError,
    Floats,
    Ints,
    Mask,
    Use,
    Where,
    has_zone,
    is_moment,
    number,
    points,
    probability,
    runs,
    value,
    written,
)
from forecast.workspace.numbers import why_no_number
from forecast.workspace.problems import Problem, nearest, quoted, shown

Kind = Literal["yes_no", "states", "draws", "quantiles", "distribution"]

KINDS: tuple[Kind, ...] = ("yes_no", "states", "draws", "quantiles", "distribution")
YES_NO, STATES, DRAWS, QUANTILES, DISTRIBUTION = range(5)
ABOUT: Mapping[Kind, str] = {"draws": "draws", "quantiles": "quantiles", "distribution": "a number"}
VOID = "void"
VOIDS = (VOID, "annulled", "ambiguous", "cancel", "cancelled", "canceled", "n/a")  # as platforms call it
YES_NO_WORDS = {"yes": 1.0, "no": 0.0}
OTHER = "other"  # in whatever case: the state that holds what has no state of its own yet, or no more
VOIDED = -math.inf  # stands for a question that became void
SUM_TOLERANCE = 1e-3  # of a forecast's probabilities: three rounded thirds pass; they are scored as they stand
DATE_IS_MIDNIGHT = "a date is its 00:00 UTC"
EVERY_STATE = "write every state, with 0 where it is ruled out"
OPEN_OR_VOID = "empty is an open question, void counts nowhere"
OUTSIDE = {True: ("earlier", "later"), False: ("below", "above")}  # of all that is stated; of dates, of numbers


@dataclass(frozen=True, kw_only=True)
class Rows:
    """n rows: cells by column, and what they were read as (NaN, or not `known`, where empty or wrong).

    `headings` has, for each file, the columns that stand there under their second name. Times in microseconds since
    1970. `wrong` (n,) are the rows with a mistake of their own: what they say is compared with nothing.
    """

    where: Where
    headings: tuple[Mapping[str, str], ...]
    cells: Mapping[str, CodedColumn]
    time: Ints
    time_known: Mask
    opens: Ints
    opens_known: Mask
    closes: Ints
    closes_known: Mask
    scheduled: Ints
    scheduled_known: Mask
    public: Ints  # when the outcome was known, of the column `known`
    public_known: Mask
    until: Ints  # when the forecast was withdrawn
    until_known: Mask
    probability: Floats
    value: Floats
    level: Floats  # of a quantile
    order: Floats
    low: Floats
    high: Floats
    interval_level: Floats
    weight: Floats
    ordered: bool
    wrong: Mask

    def __len__(self) -> int:
        return len(self.where)

    @property
    def question(self) -> Ints:
        """(n,) which question."""
        return self.cells["question"].codes

    @property
    def forecaster(self) -> Ints:
        """(n,) which forecaster."""
        return self.cells["forecaster"].codes

    def heading(self, column: str, row: int) -> str:
        """Return what a column is called in the file of a row."""
        return self.headings[self.where.file(row)].get(column, column)

    @cached_property
    def dated(self) -> Mask:
        """(n,) whether the value is a date, which was read as days since 1970."""
        cells = self.cells["value"]
        return np.array([is_moment(text) for text in cells.texts], dtype=bool)[cells.codes]

    @cached_property
    def whole_days(self) -> Mask:
        """(n,) whether the value is a date without a time of day."""
        cells = self.cells["value"]
        return np.array([has_zone(text) is None for text in cells.texts], dtype=bool)[cells.codes] & self.dated

    @cached_property
    def kind(self) -> Ints:
        """(n,) the place in KINDS: by which of the columns state, value, quantile and probability are filled."""
        has_value = self.cells["value"].filled
        one_value = np.where(self.cells["probability"].filled, DISTRIBUTION, DRAWS)
        numeric = np.where(self.cells["quantile"].filled, QUANTILES, one_value)
        return np.where(has_value, numeric, np.where(self.cells["state"].filled, STATES, YES_NO))

    def first_with(self, mask: Mask, of: str = "question") -> Ints:
        """(questions,) the first row of each question, or (forecasters,), for which `mask` (n,) holds, or -1."""
        first = np.full(len(self.cells[of].texts), -1, dtype=np.int64)
        chosen = np.flatnonzero(mask)[::-1]
        first[self.cells[of].codes[chosen]] = chosen  # the last assignment, of the first row, stays
        return first


def outcomes(rows: Rows) -> tuple[Floats, tuple[Clash, ...]]:
    """Return the outcome that each row gives (n,), and the problems.

    1, 0 or the share of yes between them; the code of the state that came true, or behind the last of these the code of
    a cell with shares of states; a number; VOIDED; NaN where the cell is empty or wrong.
    """
    cells = rows.cells["outcome"]
    problems: list[Clash] = []
    first = rows.first_with(np.ones(len(rows), dtype=bool))
    kinds, dated, ends = rows.kind[first], rows.dated[first], _ends(rows)
    options = _options(rows)
    pairs = rows.question * len(cells.texts) + cells.codes
    different, inverse = np.unique(pairs, return_inverse=True)
    values = np.full(different.size, math.nan)
    faults: dict[int, FaultError] = {}
    codes = {text: code for code, text in enumerate(rows.cells["state"].texts)}
    for place, pair in enumerate(different.tolist()):
        question, code = divmod(pair, len(cells.texts))
        text = cells.texts[code]
        try:
            if kinds[question] == STATES and shares_of(text, options.get(question, ())):
                values[place] = len(codes) + code
            else:
                values[place] = _outcome(
                    text,
                    int(kinds[question]),
                    options.get(question, ()),
                    codes,
                    dated=bool(dated[question]),
                    ends=ends.get(question),
                )
        except FaultError as fault:
            faults[place] = fault
    by_row = values[inverse]
    told = set(rows.question[~np.isnan(by_row)].tolist())
    for row in np.flatnonzero(np.isin(inverse, list(faults))).tolist():
        wrong = faults[int(inverse[row])]
        # Where another row says how the question turned out, only this row is lost.
        scope: Scope = "forecast" if rows.question[row] in told else "question"
        problems.append(_clash(rows, row, scope, wrong.what, wrong.got, wrong.allowed))
    return by_row, tuple(problems)


def _ends(rows: Rows) -> dict[int, tuple[float, float]]:
    """Return the least and the greatest value at which the distribution function of each question is stated."""
    stated = _values(rows, ~((rows.kind == DISTRIBUTION) & ~np.isnan(rows.value)))
    return {question: (float(values[0]), float(values[-1])) for question, values in stated.items()}


def _options(rows: Rows) -> dict[int, tuple[str, ...]]:
    """Return the states of each question that has any, in the order of their first rows."""
    state = rows.cells["state"]
    chosen = np.flatnonzero(state.filled)
    pairs = rows.question[chosen] * len(state.texts) + state.codes[chosen]
    _, first = np.unique(pairs, return_index=True)
    options: dict[int, list[str]] = {}
    for row in chosen[np.sort(first)].tolist():
        options.setdefault(int(rows.question[row]), []).append(state[row])
    return {question: tuple(names) for question, names in options.items()}


def shares_of(text: str, options: tuple[str, ...]) -> dict[str, float]:
    """Return the shares of the options of a question that resolved to several, "a=0.5; b=0.5"; {} of any other outcome.

    Raises:
        FaultError: an option is none of the question's or stands there twice, or the shares do not add up to 1.
    """
    if text in options or "=" not in text:
        return {}
    found: dict[str, float] = {}
    for part in text.split(";"):
        name, _, share = (one.strip() for one in part.rpartition("="))
        if name not in options or name in found:
            what = "outcome names an option twice" if name in found else "outcome is none of the options"
            raise FaultError(what, shown(name), f"options are {quoted(options)}{nearest(name, options)}")
        found[name] = probability("outcome", share)
    if abs(sum(found.values()) - 1.0) > ROUNDING * len(found):
        raise FaultError("shares of the outcome do not add up to 1", f"{sum(found.values()):.6g}", "write all of them")
    return found


def _outcome(
    text: str,
    kind: int,
    options: tuple[str, ...],
    codes: dict[str, int],
    *,
    dated: bool,
    ends: tuple[float, float] | None,
) -> float:
    if text == "":
        return math.nan
    if text == VOID or (text.casefold() in VOIDS and text not in options):
        return VOIDED
    if kind == YES_NO and text.casefold() in YES_NO_WORDS:
        return YES_NO_WORDS[text.casefold()]
    if kind == YES_NO:
        try:
            return probability("outcome", text)
        except FaultError:
            near = nearest(text, [VOID]) or (f"; {hint}" if (hint := why_no_number(text)) else "")
            allowed = f"1 is yes, 0 is no, 0.35 a resolution to 35 %, {OPEN_OR_VOID}{near}"
            raise FaultError("outcome is neither 1 nor 0", shown(text), allowed) from None
    if kind == STATES:
        if text not in options:
            allowed = f"options are {quoted(options)}, {OPEN_OR_VOID}"
            raise FaultError("outcome is none of the options", shown(text), allowed + nearest(text, [*options, VOID]))
        return float(codes[text])
    if ends is not None and text in OUTSIDE[dated]:
        return ends[0] - 1.0 if text == OUTSIDE[dated][0] else ends[1] + 1.0
    words = [VOID] if ends is None else [VOID, *OUTSIDE[dated]]
    outside = "" if ends is None else f"{' or '.join(OUTSIDE[dated])} than all that is stated; "
    if dated:
        if not is_moment(text):
            allowed = f"a date, as the question is about one; {outside}{OPEN_OR_VOID}"
            raise FaultError("outcome is not a date", shown(text), allowed + nearest(text, words))
        return value("outcome", text)
    allowed = f"a number, as the question is about {ABOUT[KINDS[kind]]}; {outside}{OPEN_OR_VOID}"
    return number("outcome", text, allowed + nearest(text, words))


Scope = Literal["forecast", "question", "forecaster"]


class Clash(NamedTuple):
    """Rows that disagree: the problem, at which of the rows it is told, and what cannot be scored for it."""

    problem: Problem
    row: int
    scope: Scope


def clashes(rows: Rows, use: Use) -> Iterator[Clash]:
    """Yield every disagreement between rows: about a question, its window, its options, a forecaster, or a forecast.

    What is said against a forecaster concerns the pool alone: no score depends on groups or weights.
    """
    yield from _kinds(rows)
    outcome, problems = outcomes(rows)
    yield from problems
    yield from _one_a_question(rows, "outcomes", outcome, ~np.isnan(outcome))
    yield from _windows(rows, use)
    topic, group = rows.cells["topic"], rows.cells["group"]
    yield from _one_a_question(rows, "topics", topic.codes.astype(float), topic.filled)
    yield from _one_each(rows, "forecaster", "groups", group.codes, group.filled)
    yield from _one_each(rows, "forecaster", "weights", rows.weight, ~np.isnan(rows.weight))
    yield from _orders(rows)
    yield from _twice(rows)
    if "time" not in use.filled:
        yield from _undated(rows)
    yield from _whole(rows)
    yield from _distributions(rows)
    yield from _withdrawals(rows)


def _clash(rows: Rows, row: int, scope: Scope, what: str, got: str, allowed: str) -> Clash:
    return Clash(Problem(rows.where[row], what, got, allowed), row, scope)


def left_out(rows: Rows, found: Sequence[Clash]) -> Mask:
    """(n,) the rows that cannot be scored: forecasts with a mistake in any of their rows, and questions with one."""
    questions = len(rows.cells["question"].texts)
    lost = np.zeros(questions, dtype=bool)
    lost[rows.question[[clash.row for clash in found if clash.scope == "question"]]] = True
    for column, known in (
        ("opens", rows.opens_known),
        ("closes", rows.closes_known),
        ("scheduled_close", rows.scheduled_known),
        ("known", rows.public_known),
    ):
        # What the only cell says that says it could not be read.
        lost |= (rows.first_with(rows.cells[column].filled) >= 0) & (rows.first_with(known) < 0)
    wrong = rows.wrong.copy()
    if not found and not wrong.any():
        return lost[rows.question]
    wrong[[clash.row for clash in found if clash.scope == "forecast"]] = True
    order, starts = runs([rows.question, rows.forecaster, rows.time])
    of = np.cumsum(starts) - 1
    any_wrong = np.bincount(of, wrong[order], minlength=len(rows)) > 0.0
    out = np.zeros(len(rows), dtype=bool)
    out[order] = any_wrong[of]
    return out | lost[rows.question]


def _name(rows: Rows, row: int) -> str:
    return f"question {shown(rows.cells['question'][row])}"


def _forecaster(rows: Rows, row: int) -> str:
    return f"{rows.heading('forecaster', row)} {shown(rows.cells['forecaster'][row])}"


def _kinds(rows: Rows) -> Iterator[Clash]:
    first = rows.first_with(np.ones(len(rows), dtype=bool))[rows.question]
    for row in np.flatnonzero(rows.kind != rows.kind[first]).tolist():
        got = f"{KINDS[rows.kind[row]]}, at {rows.where.seen_from(row, first[row])} {KINDS[rows.kind[first[row]]]}"
        what = f"{_name(rows, row)} is forecast in two ways"
        yield _clash(rows, row, "forecast", what, got, "one of yes or no, states, draws, quantiles, a distribution")
    for row in np.flatnonzero((rows.dated != rows.dated[first]) & rows.cells["value"].filled).tolist():
        cells = rows.cells["value"]
        got = f"{shown(cells[row])}, at {rows.where.seen_from(row, first[row])} {shown(cells[int(first[row])])}"
        yield _clash(rows, row, "forecast", f"{_name(rows, row)} has dates and numbers", got, "one of both")


def _one_a_question(rows: Rows, what: str, said: Floats | Ints, known: Mask) -> Iterator[Clash]:
    yield from _one_each(rows, "question", what, said, known)


def _one_each(rows: Rows, of: str, what: str, said: Floats | Ints, known: Mask) -> Iterator[Clash]:
    """Yield the rows that say of their question or forecaster something else than the first row that says anything."""
    first = rows.first_with(known, of)[rows.cells[of].codes]
    for row in np.flatnonzero(rows.cells[of].filled & known & (said != said[first])).tolist():
        other = int(first[row])
        column = rows.cells[what if what in rows.cells else what.removesuffix("s")]
        got = f"{shown(column[row])}, at {rows.where.seen_from(row, other)} {shown(column[other])}"
        name = f"{rows.heading(of, row)} {shown(rows.cells[of][row])}"
        yield _clash(
            rows,
            row,
            "forecaster" if of == "forecaster" else "question",
            f"{name} has two {_plural(what)}",
            got,
            "keep one",
        )


def _plural(what: str) -> str:
    plurals = {"opens": "openings (opens)", "closes": "ends (closes)", "scheduled_close": "scheduled ends"}
    plurals["known"] = "times from which its outcome was known"
    return plurals.get(what, what)


def _windows(rows: Rows, use: Use) -> Iterator[Clash]:
    yield from _one_a_question(rows, "opens", rows.opens, rows.opens_known)
    yield from _one_a_question(rows, "closes", rows.closes, rows.closes_known)
    first_opens, first_closes = rows.first_with(rows.opens_known), rows.first_with(rows.closes_known)
    any_row = rows.first_with(np.ones(len(rows), dtype=bool))
    for column, first in (("opens", first_opens), ("closes", first_closes)):
        # A cell that is there and wrong has a problem of its own.
        filled = rows.first_with(rows.cells[column].filled)
        for row in any_row[(first < 0) & (filled < 0)].tolist() if use.windows else ():
            allowed = "one row of a question is enough, and the same in all that have it"
            yield _clash(rows, row, "question", f"{_name(rows, row)} has no '{column}'", "nothing", allowed)
    yield from _early_closes(rows, first_closes)
    both = (first_opens >= 0) & (first_closes >= 0)
    opens, closes = rows.opens[first_opens], rows.closes[first_closes]
    # Of a question whose window is not right, or not agreed on, nobody knows what lies outside it.
    two_openings = _is_disputed(rows, rows.opens, rows.opens_known)
    two_ends = _is_disputed(rows, rows.closes, rows.closes_known)
    backwards = both & (closes <= opens) & ~two_openings & ~two_ends
    for question in np.flatnonzero(backwards).tolist():
        row = int(first_closes[question])
        got = f"opens {written(opens[question])}, closes {written(closes[question])}"
        yield _clash(rows, row, "question", f"{_name(rows, row)} closes before it opens", got, "opens < closes")
    opened = (first_opens >= 0) & ~backwards & ~two_openings
    closed = (first_closes >= 0) & ~backwards & ~two_ends
    early = rows.time_known & opened[rows.question] & (rows.time < opens[rows.question])
    late = rows.time_known & closed[rows.question] & (rows.time > closes[rows.question])
    for mask, what, word, limit in (
        (early, "the forecast was made before its question opens", "opens", opens),
        (late, "the forecast was made after its question closes", "closes", closes),
    ):
        for row in np.flatnonzero(mask).tolist():
            got = f"{written(rows.time[row])}, {word} {written(limit[rows.question[row]])}"
            yield _clash(rows, row, "forecast", what, got, f"opens <= time <= closes; {DATE_IS_MIDNIGHT}")


def _is_disputed(rows: Rows, said: Ints, known: Mask) -> Mask:
    """(questions,) whether two rows of a question say different things."""
    first = rows.first_with(known)[rows.question]
    disputed = np.zeros(len(rows.cells["question"].texts), dtype=bool)
    disputed[rows.question[known & (said != said[first])]] = True
    return disputed


def _early_closes(rows: Rows, first_closes: Ints) -> Iterator[Clash]:
    """A question closes when it was scheduled to, or earlier."""
    yield from _one_a_question(rows, "known", rows.public, rows.public_known)
    yield from _one_a_question(rows, "scheduled_close", rows.scheduled, rows.scheduled_known)
    first = rows.first_with(rows.scheduled_known)
    scheduled, closes = rows.scheduled[first], rows.closes[first_closes]
    for question in np.flatnonzero((first >= 0) & (first_closes >= 0) & (scheduled < closes)).tolist():
        row = int(first[question])
        got = f"closes {written(closes[question])}, scheduled_close {written(scheduled[question])}"
        what = f"{_name(rows, row)} closes after its scheduled close"
        yield _clash(rows, row, "question", what, got, f"closes <= scheduled_close; {DATE_IS_MIDNIGHT}")


def _orders(rows: Rows) -> Iterator[Clash]:
    """Each state of an ordered question has one place of its own."""
    order, state = rows.cells["order"], rows.cells["state"]
    for row in np.flatnonzero(order.filled & ~state.filled).tolist():
        yield _clash(rows, row, "forecast", "an order without a state", shown(order[row]), "it is the state's place")
    places: dict[tuple[int, str], int] = {}
    taken: dict[tuple[int, float], int] = {}
    pairs = rows.question * len(state.texts) + state.codes
    ordered = np.zeros(len(rows.cells["question"].texts), dtype=bool)
    placed = ~np.isnan(rows.order) & state.filled
    ordered[rows.question[placed]] = True
    chosen = np.flatnonzero(placed)
    # One row of each (question, state, place) is enough to see what disagrees.
    for row in chosen[np.sort(np.unique(np.stack([pairs[chosen], rows.order[chosen]]), axis=1, return_index=True)[1])]:
        question, name, place = int(rows.question[row]), state[row], float(rows.order[row])
        first = places.setdefault((question, name), int(row))
        holder = taken.setdefault((question, place), int(row))
        if rows.order[first] != place:
            got = f"{place:g}, at {rows.where.seen_from(row, first)} {rows.order[first]:g}"
            yield _clash(
                rows, row, "question", f"state {shown(name)} of {_name(rows, row)} has two places", got, "keep one"
            )
        elif state[holder] != name:
            got = f"{place:g}, the place of {shown(state[holder])} at {rows.where.seen_from(row, holder)}"
            yield _clash(rows, row, "question", f"two states of {_name(rows, row)} have one place", got, "1, 2, 3, ...")
    without = ordered[rows.question] & state.filled & ~order.filled
    _, firsts = np.unique(pairs[without], return_index=True)
    for row in np.flatnonzero(without)[np.sort(firsts)].tolist():
        if (int(rows.question[row]), state[row]) not in places:
            what = f"state {shown(state[row])} of {_name(rows, row)} has no order"
            yield _clash(rows, row, "question", what, "nothing", "other states of the question have one")


def _twice(rows: Rows) -> Iterator[Clash]:
    """A forecaster says one thing about a question at a time; of draws there may be equal ones."""
    value_codes = rows.cells["value"].codes
    part = np.where(rows.kind == STATES, rows.cells["state"].codes, points(np.nan_to_num(rows.level, nan=-1.0)))
    part = np.where(rows.kind == DISTRIBUTION, value_codes, part)
    filled = rows.cells["question"].filled & rows.cells["forecaster"].filled & rows.time_known
    chosen = np.flatnonzero(filled & (rows.kind != DRAWS) & ~rows.wrong)
    keys = [rows.question, rows.forecaster, rows.time, part]
    order, starts = runs([key[chosen] for key in keys])
    first = chosen[order][np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))]
    for row, other in zip(chosen[order][~starts].tolist(), first[~starts].tolist(), strict=True):
        what = f"{_forecaster(rows, row)} forecasts {_name(rows, row)} twice at one time"
        got = f"{written(rows.time[row])}, first at {rows.where.seen_from(row, other)}"
        yield _clash(rows, row, "forecast", what, got, "one forecast at a time")


def _undated(rows: Rows) -> Iterator[Clash]:
    """Of several forecasts of one question, all say when they were made: the latest one is not to be seen otherwise."""
    filled = rows.cells["question"].filled & rows.cells["forecaster"].filled
    chosen = np.flatnonzero(filled & (rows.kind == YES_NO))
    order, starts = runs([rows.question[chosen], rows.forecaster[chosen]])
    in_order, dated = chosen[order], rows.cells["time"].filled
    first = in_order[np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))]
    for row, other in zip(in_order[~starts].tolist(), first[~starts].tolist(), strict=True):
        if not (dated[row] and dated[other]):
            what = f"{_forecaster(rows, row)} forecasts {_name(rows, row)} twice"
            got = f"first at {rows.where.seen_from(row, other)}"
            yield _clash(
                rows, row, "forecast", what, got, f"keep the latest, or give each its {rows.heading('time', row)}"
            )


def _withdrawals(rows: Rows) -> Iterator[Clash]:
    """A forecast is withdrawn after it was made, and at one time, whichever of its rows says so."""
    both = rows.time_known & rows.until_known
    for row in np.flatnonzero(both & (rows.until <= rows.time)).tolist():
        got = f"time {written(rows.time[row])}, end_time {written(rows.until[row])}"
        yield _clash(rows, row, "forecast", "the forecast was withdrawn before it was made", got, "time < end_time")
    chosen = np.flatnonzero(both & rows.cells["question"].filled & rows.cells["forecaster"].filled)
    keys = [rows.question, rows.forecaster, rows.time]
    order, starts = runs([key[chosen] for key in keys])
    order = chosen[order]
    first = order[np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))]
    differ = rows.until[order] != rows.until[first]
    for row, other in zip(order[differ].tolist(), first[differ].tolist(), strict=True):
        got = f"{written(rows.until[row])}, at {rows.where.seen_from(row, other)} {written(rows.until[other])}"
        what = f"a forecast of {_name(rows, row)} has two ends (end_time)"
        yield _clash(rows, row, "forecast", what, got, "keep one")


def _other(rows: Rows) -> Ints:
    """(questions,) the code of the state that is called `other`, -1 where there is none."""
    state = rows.cells["state"]
    is_other = np.array([text.casefold() == OTHER for text in state.texts], dtype=bool)[state.codes]
    first = rows.first_with(is_other & state.filled)
    return np.where(first >= 0, state.codes[first], -1)


def _whole(rows: Rows) -> Iterator[Clash]:
    """A forecast of states gives each its probability, and they add up; quantiles rise with their levels.

    Where it gives `other` one, that is of all states that it leaves out: those that were no options at its time.
    """
    options = np.unique(np.stack([rows.question, rows.cells["state"].codes])[:, rows.cells["state"].filled], axis=1)
    n_options = np.bincount(options[0], minlength=len(rows.cells["question"].texts))
    chosen = np.flatnonzero(rows.time_known & ((rows.kind == STATES) | (rows.kind == QUANTILES)))
    keys = [rows.question, rows.forecaster, rows.time, np.nan_to_num(rows.level)]
    order, _ = runs([key[chosen] for key in keys])
    order = chosen[order]
    starts = np.flatnonzero(runs([key[order] for key in keys[:3]])[1])
    if not starts.size:
        return
    wrong = np.logical_or.reduceat(rows.wrong[order], starts)
    total = np.add.reduceat(np.nan_to_num(rows.probability[order]), starts)
    width = np.diff(np.append(starts, order.size))
    values = rows.value[order]
    falls = np.append(False, (values[1:] < values[:-1]) & (np.diff(np.repeat(np.arange(starts.size), width)) == 0))
    for row in order[falls & ~np.repeat(wrong, width)].tolist():
        got = f"{rows.value[row]:g} at level {rows.level[row]:g}"
        yield _clash(rows, row, "forecast", "quantiles cross", got, "a quantile is at least those of lower levels")
    states = (rows.kind[order[starts]] == STATES) & ~wrong
    missing = n_options[rows.question[order[starts]]] - width
    has_order = rows.first_with(~np.isnan(rows.order)) >= 0
    is_other = rows.cells["state"].codes == np.where(has_order | rows.ordered, -1, _other(rows))[rows.question]
    with_other = np.logical_or.reduceat(is_other[order], starts)
    for place in np.flatnonzero(states & (missing > 0) & ~with_other).tolist():
        row = int(order[starts[place]])
        got = f"{width[place]} of {width[place] + missing[place]} states"
        what = f"a forecast of {_name(rows, row)} leaves states out"
        yield _clash(rows, row, "forecast", what, got, f"{EVERY_STATE}; or give '{OTHER}' what they have")
    off = np.abs(total - 1.0) > SUM_TOLERANCE + ROUNDING * width
    for place in np.flatnonzero(states & ((missing == 0) | with_other) & off).tolist():
        row = int(order[starts[place]])
        what = f"probabilities of a forecast of {_name(rows, row)} do not add up to 1"
        yield _clash(rows, row, "forecast", what, f"{total[place]:.6g}", f"1 up to {SUM_TOLERANCE:g}")


def _distributions(rows: Rows) -> Iterator[Clash]:
    """A distribution function never falls, and is stated from one end to the other, which all of a question share."""
    chosen = np.flatnonzero(rows.time_known & (rows.kind == DISTRIBUTION) & ~np.isnan(rows.value))
    keys = [rows.question, rows.forecaster, rows.time, rows.value]
    order, _ = runs([key[chosen] for key in keys])
    order = chosen[order]
    starts = np.flatnonzero(runs([key[order] for key in keys[:3]])[1])
    ends, texts = _ends(rows), rows.cells["value"]
    for own in np.split(order, starts[1:]) if order.size else ():
        if rows.wrong[own].any():
            continue
        p, row = rows.probability[own], int(own[0])
        for place in np.flatnonzero(np.diff(p) < 0.0).tolist():
            low, high = int(own[place]), int(own[place + 1])
            got = f"{p[place + 1]:g} at {texts[high]}, {p[place]:g} at {texts[low]}"
            what, allowed = "the distribution function falls", "each is the probability of at most its value"
            yield _clash(rows, high, "forecast", what, got, allowed)
        first, last = ends[int(rows.question[row])]
        if first == last:
            what = f"{_name(rows, row)} has a distribution at one value"
            yield _clash(rows, row, "question", what, texts[row], "state it at two values or more")
        elif (rows.value[own[0]], rows.value[own[-1]]) != (first, last):
            same = rows.question == rows.question[row]
            names = [texts[int(np.flatnonzero(same & (rows.value == end))[0])] for end in (first, last)]
            got = f"{texts[row]} to {texts[int(own[-1])]}, others {names[0]} to {names[1]}"
            what = f"a forecast of {_name(rows, row)} does not go from end to end"
            allowed = "all forecasts of a question have the same first and last value; between them they may differ"
            yield _clash(rows, row, "forecast", what, got, allowed)


# Forecasts of questions as arrays: what every score is computed from.

Resolution = Literal["resolved", "open", "void", "known", "mistaken"]
RESOLUTIONS: tuple[Resolution, ...] = ("resolved", "open", "void", "known", "mistaken")
NEVER = np.iinfo(np.int64).max  # when a forecast is withdrawn that never is

MICROSECONDS_A_DAY = 86_400_000_000
BINARY = ("no", "yes")


@dataclass(frozen=True)
class TableQuestion:
    """One question. `outcome` is 1 or 0, the place of the option, or the number; None while open or if void.

    `values` of a distribution are those at which anybody states it, rising; of `whole_days` they are dates without a
    time of day. Where it resolved to several options at once, `shares` (K,) has what each got, and `outcome` is that of
    "yes", None of states; () where one came true. `options` of a question about states are in their order if `ordered`;
    `other` is the place of the one that holds what has no option of its own, -1 where there is none. A `dated` number
    is days since 1970. Times in microseconds since 1970; `scheduled_close` is when it was to close, which is `closes`
    unless the table says otherwise. `closes` is earlier where the outcome was known earlier. The resolution is "known"
    where that was so before the question opened, "mistaken" where mistakes leave nothing to be scored.
    """

    name: str
    kind: Kind
    options: tuple[str, ...]
    ordered: bool
    resolution: Resolution
    outcome: float | None
    shares: tuple[float, ...]
    other: int
    dated: bool
    values: tuple[float, ...]
    whole_days: bool
    opens: int
    closes: int
    scheduled_close: int
    topic: str


@dataclass(frozen=True)
class Forecasts:
    """n forecasts, sorted by question, forecaster and time, and the m numbers that they consist of.

    `question`, `forecaster` (n,) point into the names; `time` (n,) is in microseconds since 1970, and so is `until`
    (n,), when it was withdrawn (NEVER if it was not). Forecast i
    consists of `entries[first[i] : first[i] + width[i]]`: the probability of yes; one probability for each option, in
    their order, NaN of one that is part of `other` in this forecast; draws, rising; quantiles, rising with their
    `levels` (NaN for everything else); or P(at most) each of the question's values. `rows` (m,) says from which row of
    `where` each entry is. `n_left_out`
    forecasts with mistakes are not among them; `warnings` has the mistakes too.
    """

    questions: tuple[TableQuestion, ...]
    forecasters: tuple[str, ...]
    question: Ints
    forecaster: Ints
    time: Ints
    until: Ints
    first: Ints
    width: Ints
    entries: Floats
    levels: Floats
    where: Where
    rows: Ints
    n_left_out: int
    warnings: tuple[Problem, ...]

    @property
    def closes(self) -> Ints:
        """(n,) when the question of each forecast closes."""
        return np.array([question.closes for question in self.questions], dtype=np.int64)[self.question]

    @property
    def outcome(self) -> Floats:
        """(n,) how the question of each forecast turned out, NaN while it is not known."""
        outcomes = [np.nan if question.outcome is None else question.outcome for question in self.questions]
        return np.array(outcomes, dtype=float)[self.question]

    def only(self, keep: Mask) -> Forecasts:
        """Return some of the forecasts, chosen by `keep` (n,). Questions and forecasters keep their places."""
        return replace(
            self,
            question=self.question[keep],
            forecaster=self.forecaster[keep],
            time=self.time[keep],
            until=self.until[keep],
            first=self.first[keep],
            width=self.width[keep],
        )


def resolved(forecasts: Forecasts) -> Forecasts:
    """Return the forecasts of questions whose outcome is known."""
    known = np.array([question.resolution == "resolved" for question in forecasts.questions], dtype=bool)
    return forecasts.only(known[forecasts.question])


def known_at(forecasts: Forecasts, end: int) -> Forecasts:
    """Return what was known before a moment: forecasts made before `end`; what does not close before it is open."""
    questions = tuple(
        question if question.closes < end else replace(question, resolution="open", outcome=None)
        for question in forecasts.questions
    )
    return replace(forecasts, questions=questions).only(forecasts.time < end)


def assembled(rows: Rows, out: Mask, warnings: tuple[Problem, ...]) -> Forecasts:
    """Gather rows into forecasts, without those that are left `out` (n,), and those made once the outcome was known.

    What rows say of their question counts wherever it stands, also in a row that is left out.
    """
    places, options = _places(rows)
    values = _values(rows, out)
    for question, mine in _rows_by_question(rows, np.flatnonzero((rows.kind == DISTRIBUTION) & ~out)):
        places[mine] = np.searchsorted(values[question], rows.value[mine])
    mistaken = rows.first_with(~out) < 0
    questions = tuple(
        replace(question, resolution="mistaken") if lost else question
        for question, lost in zip(_questions(rows, options, values), mistaken.tolist(), strict=True)
    )
    hindsight = in_hindsight(rows) & ~out
    chosen = np.flatnonzero(~out & ~hindsight)
    forecaster = rows.cells["forecaster"]
    has_places = (rows.kind == STATES) | (rows.kind == DISTRIBUTION)
    entries = np.where(np.isnan(rows.value) | has_places, rows.probability, rows.value)
    within = np.where(has_places, places, np.where(np.isnan(rows.level), entries, rows.level))
    keys = [rows.question, forecaster.codes, rows.time]
    order, _ = runs([key[chosen] for key in [*keys, within]])
    order = chosen[order]
    first = np.flatnonzero(runs([key[order] for key in keys])[1])
    at = order[first]
    until = np.minimum.reduceat(np.where(rows.until_known, rows.until, NEVER)[order], first) if first.size else first
    width, at_entry = np.diff(np.append(first, order.size)), order
    entry = entries[order]
    n_options = np.array(
        [len(one.options) if one.kind == "states" else len(one.values) for one in questions], dtype=np.int64
    )
    if (width < n_options[rows.question[at]]).any():
        # What a forecast leaves out is NaN in it, at the row of its first option or value.
        wide = np.maximum(width, n_options[rows.question[at]])
        begins = np.cumsum(wide) - wide
        of = np.repeat(np.arange(at.size), width)
        fills = wide[of] > width[of]
        place = begins[of] + np.where(fills, places[order].astype(np.int64), np.arange(order.size) - first[of])
        entry = np.full(int(wide.sum()), np.nan)
        entry[place] = entries[order]
        at_entry = np.repeat(at, wide)
        at_entry[place] = order
        first, width = begins, wide
        _between_values(questions, rows.question[at], first, width, entry)
    n_left_out = int(runs([key[out] for key in keys])[1].sum())
    return Forecasts(
        questions=questions,
        forecasters=forecaster.texts,
        question=rows.question[at],
        forecaster=forecaster.codes[at],
        time=rows.time[at],
        until=until,
        first=first,
        width=width,
        entries=entry,
        levels=rows.level[at_entry],
        where=rows.where,
        rows=at_entry,
        n_left_out=n_left_out,
        warnings=tuple(sorted((*warnings, *told_in_hindsight(rows, hindsight)))),
    )


def _values(rows: Rows, out: Mask) -> dict[int, Floats]:
    """Return the values at which the distribution function of each question is stated by anybody, rising."""
    chosen = (rows.kind == DISTRIBUTION) & ~out
    pairs = np.unique(np.stack([rows.question[chosen].astype(float), rows.value[chosen]]), axis=1)
    if not pairs.size:
        return {}
    begins = np.flatnonzero(np.diff(pairs[0], prepend=-1.0))
    return dict(zip(map(int, pairs[0][begins]), np.split(pairs[1], begins[1:]), strict=True))


def _rows_by_question(rows: Rows, chosen: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each question of the chosen rows, and which of them are its own."""
    order, starts = runs([rows.question[chosen]])
    begins = np.flatnonzero(starts)
    for mine in np.split(chosen[order], begins[1:]) if begins.size else ():
        yield int(rows.question[mine[0]]), mine


def _between_values(
    questions: Sequence[TableQuestion], question: Ints, first: Ints, width: Ints, entry: Floats
) -> None:
    """Put what a distribution function is where a forecast does not state it: on the line between its neighbours."""
    for place in np.flatnonzero(np.isin(question, [at for at, one in enumerate(questions) if one.values])).tolist():
        own = slice(int(first[place]), int(first[place] + width[place]))
        gaps, values = np.isnan(entry[own]), np.array(questions[int(question[place])].values)
        if gaps.any():
            entry[own] = np.interp(values, values[~gaps], entry[own][~gaps])


def in_hindsight(rows: Rows) -> Mask:
    """(n,) the rows whose forecast was made when everybody could know the outcome."""
    first = rows.first_with(rows.public_known)
    return (first >= 0)[rows.question] & rows.time_known & (rows.time >= rows.public[first][rows.question])


def told_in_hindsight(rows: Rows, hindsight: Mask) -> Iterator[Problem]:
    """Warn once a question of the forecasts that do not count because the outcome was known when they were made."""
    first, public = rows.first_with(hindsight), rows.public[rows.first_with(rows.public_known)]
    for question in np.flatnonzero(first >= 0).tolist():
        mine = hindsight & (rows.question == question)
        n = int(runs([rows.forecaster[mine], rows.time[mine]])[1].sum())
        row = int(first[question])
        what = f"{_name(rows, row)}: {n} {'forecast' if n == 1 else 'forecasts'} made once the outcome was known"
        got = f"{written(rows.time[row])}, known {written(public[question])}"
        yield Problem(rows.where[row], what, got, "only what was forecast before counts", "warning")


def _places(rows: Rows) -> tuple[Floats, dict[int, tuple[tuple[str, ...], bool]]]:
    """Return the place of each row's state (n,), and of each question its states in order and whether that counts."""
    state = rows.cells["state"]
    chosen = np.flatnonzero(state.filled)
    pairs = rows.question[chosen] * max(len(state.texts), 1) + state.codes[chosen]
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    placed: dict[int, float] = {}
    for row in np.flatnonzero(~np.isnan(rows.order)).tolist():
        placed.setdefault(int(rows.question[row] * len(state.texts) + state.codes[row]), float(rows.order[row]))
    by_question: dict[int, list[tuple[float, int, int]]] = {}
    for pair, (row, key) in enumerate(zip(chosen[first].tolist(), pairs[first].tolist(), strict=True)):
        by_question.setdefault(int(rows.question[row]), []).append((placed.get(key, math.nan), row, pair))
    place = np.zeros(first.size)
    options: dict[int, tuple[tuple[str, ...], bool]] = {}
    for question, states in by_question.items():
        has_order = not math.isnan(states[0][0])
        states.sort(key=lambda one: one[0] if has_order else one[1])
        for at, (_, _, pair) in enumerate(states):
            place[pair] = at
        options[question] = tuple(state[row] for _, row, _ in states), has_order or rows.ordered
    places = np.zeros(len(rows))
    places[chosen] = place[inverse]
    return places, options


def _questions(
    rows: Rows, options: dict[int, tuple[tuple[str, ...], bool]], values: Mapping[int, Floats]
) -> Iterator[TableQuestion]:
    outcome, _ = outcomes(rows)
    firsts: list[Ints] = [
        rows.first_with(mask)
        for mask in (
            np.ones(len(rows), dtype=bool),
            ~np.isnan(outcome),
            rows.opens_known,
            rows.closes_known,
            rows.scheduled_known,
            rows.cells["topic"].filled,
            rows.public_known,
        )
    ]
    states, others, dated = rows.cells["state"].texts, _other(rows), rows.dated
    timed = np.zeros(len(rows.cells["question"].texts), dtype=bool)
    timed[rows.question[~rows.whole_days]] = True
    for question, name in enumerate(rows.cells["question"].texts):
        any_row, known, opens, closes, scheduled, topic, public = (int(first[question]) for first in firsts)
        kind = int(rows.kind[any_row])
        names, ordered = options.get(question, (BINARY if kind == YES_NO else (), False))
        said = math.nan if known < 0 else float(outcome[known])
        happened: float | None = None if math.isnan(said) or said == VOIDED else said
        shares: tuple[float, ...] = ()
        if happened is not None and kind == STATES:
            if happened < len(states):
                happened = float(names.index(states[int(happened)]))
            else:
                found = shares_of(rows.cells["outcome"][known], names)
                shares, happened = tuple(found.get(name, 0.0) for name in names), None
        elif happened is not None and kind == YES_NO and 0.0 < happened < 1.0:
            shares = (1.0 - happened, happened)
        began, closed = int(rows.opens[opens]), int(rows.closes[closes])
        since = int(rows.public[public]) if public >= 0 else NEVER
        resolution: Resolution = "open" if math.isnan(said) else "void" if said == VOIDED else "resolved"
        yield TableQuestion(
            name=name,
            kind=KINDS[kind],
            options=names,
            ordered=ordered,
            resolution="known" if resolution == "resolved" and since <= began else resolution,
            outcome=happened,
            shares=shares,
            other=names.index(states[others[question]]) if kind == STATES and others[question] >= 0 else -1,
            dated=bool(dated[any_row]),
            values=tuple(values[question].tolist()) if question in values else (),
            whole_days=not timed[question],
            opens=began,
            closes=min(closed, since) if since > began else closed,
            scheduled_close=int(rows.scheduled[scheduled]) if scheduled >= 0 else closed,
            topic=rows.cells["topic"][topic] if topic >= 0 else "",
        )
