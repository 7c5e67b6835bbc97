"""How the forecast came to stand where it does: scenarios over time, evidence dates, and what others say beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil
from typing import ClassVar

from forecast.analysis.questions import Ending, Other, QuestionStatus
from forecast.digits import amount
from forecast.report.section import Material, Section, Subject, part
from forecast.report.sections.events import points, spread_apart
from forecast.report.sections.grounds import EvidenceRow, evidence
from forecast.report.sections.judgement import scenario_axis, scenario_rows
from forecast.words import THIN_SPACE, exact, interval, label, percent, scenario_colour, scenario_names, signed_points
from forecast.workspace.read_benchmarks import JUDGEMENT

DayShares = Sequence[tuple[str, float]]

OWN = "this forecast"
OWN_JUDGEMENT = "own judgement"  # of priors/judgements.csv, where no author is named
PERCENT = f"{THIN_SPACE}%"
WIDTH, HEIGHT = 1000.0, 100.0  # of the chart, in units of its own: it is stretched to its place
STEP = 0.05  # of a scenario between two rows of the table
BASE_FIGURES = 2  # of a base rate: its interval spans a factor of two and more
APART = 8.0  # least distance of two names
JUMP, JUMPS = 0.05, 6  # of a scenario between two days: the least that is told of, and how many such days
MARKS_APART = 35.0  # least distance of two marks of jumps
TOLD_ITEMS = 2  # headlines beside a jump
MONTHS_APART = 90.0  # least distance of two dates on the axis
TICKS_APART = 8.0  # least distance of two ticks where evidence came in: nearer ones look like a bar
PERIODS = {1: "days on", 7: "weeks in", 28: "spans of four weeks in", 364: "years in"}  # that a tick may stand for
LOW_TICK, HIGH_TICK, FEW = 2.0, 7.0, 5  # heights of ticks of no item, and of the most or of so many


@dataclass(frozen=True, kw_only=True)
class DayPoint:
    """A probability on a day."""

    day: str
    probability: float
    mcse: float | None
    shown: str


@dataclass(frozen=True, kw_only=True)
class ScenarioCourse:
    """A scenario over time: as it would have been forecast (`replay`), and as it was recorded (`updates`)."""

    id: str
    name: str
    colour: str
    replay: Sequence[DayPoint]
    updates: Sequence[DayPoint]


@dataclass(frozen=True, kw_only=True)
class DayRow:
    """A day with every scenario, what it is from, and the note of its ledger line."""

    day: str
    origin: str
    shown: Sequence[str]
    note: str | None


@dataclass(frozen=True, kw_only=True)
class EvidenceDay:
    """A day on which evidence became known."""

    day: str
    count: int


@dataclass(frozen=True, kw_only=True)
class OtherForecast:
    """The latest number of another forecaster; `split`: what of its difference is another rule, where one is named.

    `called`: its name on the page.
    """

    forecaster: str
    called: str
    day: str
    probability: float
    shown: str
    split: str | None = None


@dataclass(frozen=True, kw_only=True)
class RuleBeside:
    """What this forecast has for another reading of the question."""

    name: str
    rule: str
    probability: float
    shown: str


@dataclass(frozen=True, kw_only=True)
class Cumulated:
    """The distribution function of a date or a number between two ends: points (share of the way, probability)."""

    from_: str
    to: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class SeriesPoint:
    """A forecaster's probability on a day."""

    day: str
    probability: float
    shown: str


@dataclass(frozen=True, kw_only=True)
class ForecasterSeries:
    """A forecaster's course on one question; `own`: it is this forecast."""

    forecaster: str
    own: bool
    points: Sequence[SeriesPoint]


@dataclass(frozen=True, kw_only=True)
class BesideRow:
    """A dated question: this forecast, the base rate, what others say, and how it ended.

    `condition`: under which it is asked, with its probability; `rules`: other readings of it; `distribution`: of a date
    or a number. The base rate is of the window from `opens` to `by`, with the 90 % interval that was given for it.
    """

    id: str
    text: str
    opens: str
    by: str
    status: str
    probability: float | None
    shown: str
    interval: str
    base_rate: float | None
    base_low: float | None
    base_high: float | None
    base_shown: str
    base_interval: str | None
    base_why: str | None
    others: Sequence[OtherForecast]
    ended: str | None
    caution: str | None
    series: Sequence[ForecasterSeries]
    condition: str | None = None
    rules: Sequence[RuleBeside] = ()
    distribution: Cumulated | None = None

    @property
    def widest(self) -> float:
        """How far the furthest other forecaster is from this forecast; -1 where nobody can be compared."""
        if self.probability is None:
            return -1.0
        return max((abs(other.probability - self.probability) for other in self.others), default=-1.0)


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A day on which a scenario stands JUMP or more from where it stood on the day before it in its course.

    `headlines`: of what became known in between, what settles an event first, then the heaviest; `items`: how many
    that were; `note`: of the ledger line of that day, if it is an update.
    """

    day: str
    since: str
    scenario: str
    name: str
    from_: float
    to: float
    from_shown: str
    to_shown: str
    headlines: Sequence[str]
    items: int
    note: str | None


@dataclass(frozen=True, kw_only=True)
class History:
    """The courses of the scenarios between two days, the days with evidence, and the questions.

    `jumps`: the largest, in the order of their days. `table` leaves out days of a replay on which no scenario is
    `step_shown` from the row before; `cautions` are those of open questions, each once.
    """

    from_: str
    to: str
    scenarios: Sequence[ScenarioCourse]
    table: Sequence[DayRow]
    jumps: Sequence[Jump]
    jump_shown: str
    evidence: Sequence[EvidenceDay]
    questions: Sequence[BesideRow]
    cautions: Sequence[str]
    step_shown: str
    replayed: bool
    series: bool


def history_of(material: Material, items: Sequence[EvidenceRow]) -> History:
    """Describe the course of every scenario, the days on which evidence became known, and the questions."""
    outcome, names = material.outcome, scenario_names(material.outcome)
    days = Counter(row.reported for row in items)
    courses = [
        ScenarioCourse(
            id=name,
            name=names[name],
            colour=scenario_colour(outcome, name),
            replay=_replayed(material, name),
            updates=_updates(material, name),
        )
        for name in outcome.scenario_ids
    ]
    return History(
        from_=outcome.layout.opens.isoformat(),
        to=outcome.as_of.isoformat(),
        scenarios=courses,
        table=_table(material, names),
        jumps=jumps_of(courses, items, _notes(material)),
        jump_shown=f"{100 * JUMP:.0f} points",
        evidence=[EvidenceDay(day=day, count=count) for day, count in sorted(days.items())],
        questions=[beside_row(row, material.kept.series or {}) for row in material.questions],
        cautions=list(dict.fromkeys(row.caution for row in material.questions if row.caution and not row.resolution)),
        step_shown=f"{100 * STEP:.0f} points",
        replayed=material.kept.replay is not None,
        series=material.kept.series is not None,
    )


def _updates(material: Material, name: str) -> list[DayPoint]:
    """Return the forecast of the statements alone at the opening, and of each update in the ledger."""
    opening = material.prior.scenarios[name]
    at_opening = _point(material.prior.as_of.isoformat(), opening.probability, opening.mcse)
    last, now = material.outcome.as_of.isoformat(), material.outcome.scenarios[name]
    by_day = {
        line.as_of.isoformat(): (share.probability, share.mcse)
        for line in material.ledger
        for share in line.scenarios
        if share.id == name and line.as_of < material.outcome.as_of
    }
    by_day[last] = (now.probability, now.mcse)
    return [at_opening, *(_point(day, *share) for day, share in sorted(by_day.items()))]


def _replayed(material: Material, name: str) -> list[DayPoint]:
    last = material.outcome.as_of.isoformat()
    return [_point(day, p) for day, p in (material.kept.replay or {}).get(name, ()) if day <= last]


def _point(day: str, probability: float, mcse: float | None = None) -> DayPoint:
    return DayPoint(day=day, probability=probability, mcse=mcse, shown=percent(probability, mcse))


def _notes(material: Material) -> dict[str, str | None]:
    notes = {line.as_of.isoformat(): line.note for line in material.ledger}
    return notes | {material.outcome.as_of.isoformat(): material.recorded.line.note}


def jumps_of(
    courses: Sequence[ScenarioCourse], items: Sequence[EvidenceRow], notes: Mapping[str, str | None]
) -> list[Jump]:
    """Return the largest jumps of the courses, one a day, with what became known since the day before it.

    The courses are those of the replay, which all have the model and the statements of today, so that evidence and time
    alone move them; without one they are the updates, which have also moved with what else was changed.
    """
    largest: dict[str, Jump] = {}
    for course in courses:
        for before, after in pairwise(course.replay or course.updates):
            size = abs(after.probability - before.probability)
            other = largest.get(after.day)
            if size < JUMP or (other is not None and size <= abs(other.to - other.from_)):
                continue
            between = [row for row in items if before.day < row.reported <= after.day]
            between.sort(key=lambda row: (not any(part.settles for part in row.bears_on), -abs(row.decibans or 0.0)))
            largest[after.day] = Jump(
                day=after.day,
                since=before.day,
                scenario=course.id,
                name=course.name,
                from_=before.probability,
                to=after.probability,
                from_shown=before.shown,
                to_shown=after.shown,
                headlines=[row.headline for row in between[:TOLD_ITEMS]],
                items=len(between),
                note=None if course.replay else notes.get(after.day),
            )
    chosen = sorted(largest.values(), key=lambda jump: -abs(jump.to - jump.from_))[:JUMPS]
    return sorted(chosen, key=lambda jump: jump.day)


def _table(material: Material, names: Mapping[str, str]) -> list[DayRow]:
    notes = _notes(material)
    days: dict[tuple[str, str], dict[str, DayPoint]] = {}
    for name in names:
        for origin, course in (("update", _updates(material, name)), ("replay", _replayed(material, name))):
            for point in course:
                days.setdefault((point.day, origin), {})[name] = point
    opening = material.prior.as_of.isoformat()
    rows, last = [], dict[str, DayPoint]()
    for (day, origin), shares in sorted(days.items()):
        if origin == "replay" and last and not _moved(last, shares):
            continue
        rows.append(
            DayRow(
                day=day,
                origin="prior" if (day, origin) == (opening, "update") else origin,
                shown=[shares[name].shown if name in shares else "—" for name in names],
                note=notes.get(day) if origin == "update" else None,
            )
        )
        last = shares
    return rows


def _moved(last: Mapping[str, DayPoint], now: Mapping[str, DayPoint]) -> bool:
    """Say whether a scenario has moved by STEP, or has come or gone."""
    return last.keys() != now.keys() or any(abs(now[one].probability - last[one].probability) >= STEP for one in now)


def beside_row(row: QuestionStatus, series: Mapping[str, Mapping[str, DayShares]]) -> BesideRow:
    """Describe a question for the page; `series`: each forecaster's course by question, of a replay."""
    probability, base = row.probability, row.base_rate
    shown, between = _shown(row)
    return BesideRow(
        id=row.question,
        text=row.text,
        opens=row.opens.isoformat(),
        by=row.by.isoformat(),
        status=row.status,
        probability=probability,
        shown=shown,
        interval=between,
        base_rate=None if base is None else base.probability,
        base_low=None if base is None else base.low,
        base_high=None if base is None else base.high,
        base_shown="—" if base is None else exact(base.probability, BASE_FIGURES),
        base_interval=None
        if base is None or base.low is None or base.high is None
        else f"{exact(base.low, BASE_FIGURES).removesuffix(PERCENT)}–{exact(base.high, BASE_FIGURES)}",
        base_why=None if base is None else f"{base.why} ({base.publisher})",
        others=[
            OtherForecast(
                forecaster=other.forecaster,
                called=OWN_JUDGEMENT if other.forecaster == JUDGEMENT else other.forecaster,
                day=other.date.isoformat(),
                probability=other.probability,
                shown=exact(other.probability),
                split=_split(row, other),
            )
            for other in row.benchmarks
        ],
        ended=_ended(row.resolution),
        caution=row.caution,
        series=_series(series.get(row.question, {})),
        condition=_condition(row),
        rules=[
            RuleBeside(
                name=rule.reading,
                rule=f"{rule.event}: {' or '.join(rule.states)} by {rule.by}; {rule.resolves}",
                probability=rule.probability,
                shown=percent(rule.probability, rule.mcse),
            )
            for rule in row.readings
        ],
        distribution=_distribution(row),
    )


def _shown(row: QuestionStatus) -> tuple[str, str]:
    """Write the answer and its 90 % interval: of a probability, of the day, of the number."""
    if (by := row.date_answer) is not None:
        if by.taken is not None:
            return by.taken.isoformat(), "settled"
        low, middle, high = (by.dates[level] for level in ("0.05", "0.5", "0.95"))
        after = f"after {row.by}"
        missed = percent(by.missed, by.mcse)
        if low is None:
            return f"not by then: {missed}", after
        return f"{middle or after}; not by then: {missed}", f"{low} to {high or after}"
    if (number := row.number_answer) is not None:
        least, median, most = (amount(number.quantiles[level]) for level in ("0.05", "0.5", "0.95"))
        return f"{median} {number.unit}", f"{least} to {most}"
    if row.probability is None or row.quantiles is None:
        return "—", "—"
    levels = row.quantiles["0.05"], row.quantiles["0.95"]
    return percent(row.probability, row.mcse), interval(*levels, row.mcse)


def _condition(row: QuestionStatus) -> str | None:
    given = row.given
    if given is None:
        return None
    return f"if {given.condition}" + (
        "" if given.probability is None else f": {percent(given.probability, given.mcse)}"
    )


def _split(row: QuestionStatus, other: Other) -> str | None:
    for rule in row.readings:
        for one in (one for one in rule.splits if one.forecaster == other.forecaster):
            by_rule, belief = (signed_points(part, row.mcse) for part in (one.other_rule, one.other_belief))
            return f"{by_rule} by the rule of {rule.reading}, {belief} by belief"
    return None


def _distribution(row: QuestionStatus) -> Cumulated | None:
    if (by := row.date_answer) is not None and row.by > row.opens:
        length = (row.by - row.opens).days
        places = [
            ((share.day - row.opens).days / length, share.probability) for share in by.days if share.day <= row.by
        ]
        return Cumulated(from_=row.opens.isoformat(), to=row.by.isoformat(), points=[(0.0, 0.0), *places])
    number = row.number_answer
    if number is None or number.values[0] == number.values[-1]:
        return None
    first, last = number.values[0], number.values[-1]
    places = [((value - first) / (last - first), p) for value, p in zip(number.values, number.up_to, strict=True)]
    return Cumulated(from_=amount(first), to=f"{amount(last)} {number.unit}", points=places)


def _ended(resolution: Ending | None) -> str | None:
    if resolution is None:
        return None
    if resolution.value is not None:
        return amount(resolution.value)
    return "void" if resolution.state is None else label(resolution.state)


def _series(by_forecaster: Mapping[str, DayShares]) -> list[ForecasterSeries]:
    return [
        ForecasterSeries(
            forecaster=OWN if who == "forecast" else who, own=who == "forecast", points=_series_points(shares)
        )
        for who, shares in by_forecaster.items()
    ]


def _series_points(shares: Iterable[tuple[str, float]]) -> list[SeriesPoint]:
    return [SeriesPoint(day=day, probability=p, shown=percent(p, None)) for day, p in shares]


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """A scenario in the chart: its line, the dots of its updates, where it stands now, and the height of its name."""

    colour: str
    name: str
    shown: str
    line: Sequence[tuple[float, float]]
    dots: Sequence[tuple[float, float]]
    label_y: float


@dataclass(frozen=True, kw_only=True)
class ChartMark:
    """A jump in the chart: its day, both heights, and where its number stands above the chart."""

    x: float
    from_: float
    to: float
    label_x: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Places in the chart: of lines, jumps, ticks where evidence came in, months and levels.

    `evidence`: (place, height) of each tick; `ticks` says what one stands for, and `most` how many items the highest
    has.
    """

    rows: Sequence[ChartLine]
    marks: Sequence[ChartMark]
    evidence: Sequence[tuple[float, float]]
    ticks: str
    binned: bool
    most: int
    months: Sequence[tuple[float, str]]
    levels: Sequence[tuple[float, str]]
    drawn: bool


def chart(past: History, axis_to: float) -> Chart:
    """Place the course of every scenario: lines of the replay, dots of the updates, ticks where evidence came in."""
    start, end = date.fromisoformat(past.from_), date.fromisoformat(past.to)
    days = max((end - start).days, 1)
    shares = [point.probability for row in past.scenarios for point in (*row.updates, *row.replay)]
    top = min(1.0, max([axis_to, *shares]) * 1.05)

    def height(probability: float) -> float:
        return HEIGHT * (1.0 - float(probability) / top)

    def placed(course: Sequence[DayPoint]) -> list[tuple[float, float]]:
        return [(_x(point.day, start, days), height(point.probability)) for point in course]

    dots = [placed(row.updates) for row in past.scenarios]
    heights = spread_apart([evidence_day[-1][1] for evidence_day in dots], APART, HEIGHT)
    places = [_x(jump.day, start, days) for jump in past.jumps]
    period, counts = binned(past.evidence, start)
    most = max(counts.values(), default=0)
    return Chart(
        rows=[
            ChartLine(
                colour=row.colour,
                name=row.name,
                shown=row.updates[-1].shown,
                line=placed(row.replay) or own,
                dots=own,
                label_y=y,
            )
            for row, own, y in zip(past.scenarios, dots, heights, strict=True)
        ],
        marks=[
            ChartMark(x=x, from_=height(jump.from_), to=height(jump.to), label_x=at)
            for jump, x, at in zip(past.jumps, places, spread_apart(places, MARKS_APART, WIDTH), strict=True)
        ],
        evidence=[
            (WIDTH * min(period * (n + 0.5), days) / days if period > 1 else WIDTH * n / days, _tick(count, most))
            for n, count in counts.items()
        ],
        ticks=PERIODS[period],
        binned=period > 1,
        most=most,
        months=_months(start, end, days),
        levels=[(height(tick), f"{100 * tick:.0f}") for tick in _levels(top)],
        drawn=past.replayed,
    )


def binned(evidence: Sequence[EvidenceDay], start: date) -> tuple[int, dict[int, int]]:
    """Count items by the shortest of PERIODS, in days, of which ticks stand apart.

    Returns the period, and how many items by its number from the first day on.
    """
    counts: dict[int, int] = {}
    for period in PERIODS:
        counts = {}
        for one in evidence:
            number = (date.fromisoformat(one.day) - start).days // period
            counts[number] = counts.get(number, 0) + one.count
        # Single days stand where they are, if there are as few of them as of ticks that stand apart.
        if len(counts) <= WIDTH / TICKS_APART:
            break
    return period, counts


def _tick(count: int, most: int) -> float:
    return LOW_TICK + (HIGH_TICK - LOW_TICK) * count / max(most, FEW)


def _x(day: str, start: date, days: int) -> float:
    return WIDTH * (date.fromisoformat(day) - start).days / days


def _levels(top: float) -> list[float]:
    step = 0.1 if top <= 0.6 else 0.2
    return [step * i for i in range(int(top / step + 1e-9) + 1)]


def _months(start: date, end: date, days: int) -> list[tuple[float, str]]:
    """Return first days of quarters within the window, with a short date each, none upon another."""
    quarters = [date(year, month, 1) for year in range(start.year, end.year + 1) for month in (1, 4, 7, 10)]
    places = [(WIDTH * (day - start).days / days, f"{day:%Y-%m}") for day in quarters if start <= day <= end]
    if not places:
        return [(0.0, f"{start:%Y-%m-%d}"), (WIDTH, f"{end:%Y-%m-%d}")]
    every = max(1, ceil(MONTHS_APART / max(places[1][0] - places[0][0], 1.0))) if len(places) > 1 else 1
    return places[::every]


@dataclass(frozen=True, kw_only=True)
class Spark:
    """A forecaster's course on a small curve."""

    own: bool
    points: str


def _sparks(row: BesideRow, past: History) -> list[Spark]:
    """Place each forecaster's course of one question between the opening and the as-of date."""
    start = date.fromisoformat(past.from_)
    days = max((date.fromisoformat(past.to) - start).days, 1)

    def course(series: Sequence[SeriesPoint]) -> str:
        places = [((date.fromisoformat(p.day) - start).days / days, p.probability) for p in series]
        return points([*places, (1.0, places[-1][1])] if len(places) == 1 else places)

    return [Spark(own=forecaster.own, points=course(forecaster.points)) for forecaster in row.series]


@part
def history(subject: Subject) -> History:
    """Return the page's history."""
    return history_of(subject.material, evidence(subject))


@dataclass(frozen=True, kw_only=True)
class HistoryShown:
    """What the section of history shows: the chart, and the small curves of each question, by its id."""

    past: History
    chart: Chart
    sparks: Mapping[str, Sequence[Spark]]


class HistorySection(Section):
    """The forecast over time, and what others say."""

    id, title, group, place = "history", "The forecast over time", "In short", 60
    entries: ClassVar[Mapping[str, int]] = {"history": 160}

    @classmethod
    def shown(cls, subject: Subject) -> HistoryShown:
        """Return the history with its figures."""
        past = history(subject)
        return HistoryShown(
            past=past,
            chart=chart(past, scenario_axis(scenario_rows(subject))),
            sparks={row.id: _sparks(row, past) for row in past.questions},
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the history."""
        return {"history": history(subject)}
