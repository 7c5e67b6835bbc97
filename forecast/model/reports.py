"""Unsettled evidence: each report as P(report | states of the events it bears on), weighed by its source."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from math import exp, inf, isfinite, log, log10, prod
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.digests import field_names
from forecast.inference.scaled import NotFiniteError
from forecast.inference.tape import normal_quadrature
from forecast.model.history import Known, Path
from forecast.model.layout import Layout, rule_events, scenario_of_each
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.evidence_forms.form import DECAYED_AFTER_DAYS, SETTLED_WITHIN_DAYS
from forecast.workspace.names import OTHER
from forecast.workspace.records import (
    CANNOT_BE_JUDGED,
    Bearing,
    Event,
    Item,
    OnEvent,
    OnScenarios,
    ReportSource,
    Settled,
    Workspace,
)

Array = NDArray[np.float64]
Scope = tuple[int, ...]
Favours = tuple[tuple[str, tuple[int, ...]], ...]  # events, and of each the places of the states that are favoured


def content(bearing: Bearing) -> tuple[Hashable, ...]:
    """Return what a part says, without its place in a file."""
    of = _contents(type(bearing))  # type: ignore[arg-type]  # mypy takes no class for hashable
    return tuple([tuple(value.items()) if isinstance(value, dict) else value for value in of(bearing)])


@cache
def _contents(record: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the class of a part and its fields, but not its place: asked once a record, used for each."""
    names = field_names(record)
    return attrgetter("__class__", *(name for name in names if name != "source"))


def on_event(layout: Layout, known: Known, item: Item, bearing: OnEvent, on: date) -> tuple[Array, float]:
    """Return lambda'(x) = lambda(now) + share (lambda(x) - lambda(now)) and the mean of the unworn lambda.

    lambda(x) is what the form of evidence says of the state x, the largest 1.
    """
    v = layout.index[bearing.event]
    event, path = layout.events[v], known.paths.get(v)
    form, (full, mean, _) = evidence_form(bearing), _said(bearing, event)
    if path is None:
        return full, mean  # what is said of a constant never wears
    today = min(path.until, on)
    if (was_true := verdict(layout, known, item, bearing)) is not None:
        return np.full_like(full, float(was_true)), mean
    if form.of_present:
        if event.kind == "reached":
            return (_unconfirmed(path, item) if form.claimed(bearing, event) else 1.0) * full, mean
        share = exp(-max(0, (on - item.reported).days) / float(event.persistence_days or 1.0))
    else:
        share = _share(item, form.until(bearing), today, on)
    now = full[path.on(today)]
    return now + share * (full - now), mean


class _Said(NamedTuple):
    """What a part says of each state of its event as it was reported, the largest number 1; their mean; the largest."""

    full: Array
    mean: float
    best: tuple[int, ...]


MOST_SAID = 4000  # parts of which this is kept: about another day each says the same
_SAID: dict[tuple[int, int], tuple[OnEvent, Event, _Said]] = {}


def _said(bearing: OnEvent, event: Event) -> _Said:
    key = (id(bearing), id(event))
    if (kept := _SAID.get(key)) is not None:
        return kept[2]
    numbers = np.array(evidence_form(bearing).likelihood(bearing, event))
    full = np.asarray(numbers / numbers.max())
    full.flags.writeable = False
    said = _Said(full, float(full.mean()), tuple(np.flatnonzero(full == full.max()).tolist()))
    if len(_SAID) >= MOST_SAID:
        _SAID.clear()
    _SAID[key] = bearing, event, said  # with both, so that no other ones take their place in memory
    return said


def claimed_on(item: Item) -> date:
    """Return the day on which an item says that what it claims was so."""
    return item.happened or item.reported


def verdict(layout: Layout, known: Known, item: Item, part: OnEvent) -> bool | None:
    """Say whether a claim was true on its day, by what is settled; None where that is open or nothing was claimed.

    What is claimed is told by the form of evidence. A step is compared with the day on which it was settled to be
    taken: sooner or later true is not true. One that is settled on no day is false once the news was watched for
    SETTLED_WITHIN_DAYS after the claim: steps are public. A status is compared with the spell that held on the day.
    That the present spell goes on is silence, which may be a change that nobody settled: it refutes no claim.
    """
    v = layout.index[part.event]
    event, day, path = layout.events[v], claimed_on(item), known.paths.get(v)
    claimed = evidence_form(part).claimed(part, event)
    if not claimed:
        return None
    if path is None:
        seen = known.observed.get(v)
        return None if seen is None else any(state in claimed for state in seen)
    if event.kind == "status":
        if day < layout.opens:
            return None  # of a status before the opening nothing is known
        if path.on(day) in claimed and day <= path.until:
            return True
        return False if any(change > day for change, _ in path.changes) else None
    if path.on(day) in claimed:
        return True
    return False if path.on(path.until) in claimed or _unconfirmed(path, item) == 0.0 else None


def _unconfirmed(path: Path, item: Item) -> float:
    """Return the probability that a step truly taken on the day of a claim is not settled yet: falling evenly to 0."""
    watched = max(0, (path.until - claimed_on(item)).days)
    return max(0.0, 1.0 - watched / SETTLED_WITHIN_DAYS)


def on_scenarios(
    layout: Layout, known: Known, item: Item, bearing: OnScenarios, on: date
) -> tuple[Scope, Array, float]:
    """Return the events of the rules, lambda'(x) over their joint states, and the mean over the scenarios' numbers.

    lambda(x) is the number of the scenario that x is, the largest number 1. It wears off towards the value that it has
    if all dated events stay as they are known to be, whatever the constants are: lambda'(x) = lambda(x now) + share
    (lambda(x) - lambda(x now)). The time ahead begins where the first of the dated events is no longer known.
    """
    scope = rule_events(layout, bearing.rules)
    ratios = np.array([bearing.ratios[name] for name in (*(rule.id for rule in bearing.rules), OTHER)])
    ratios = ratios / ratios.max()
    full, mean = ratios[scenario_of_each(layout, bearing.rules)], float(ratios.mean())
    dated = {v: known.paths[v] for v in scope if v in known.paths}
    if not dated:
        return scope, full, mean
    share = _share(item, bearing.until, min(on, *(path.until for path in dated.values())), on)
    if share == 1.0:
        return scope, full, mean  # exactly: a scenario's joint states stay level, whatever they wear off towards
    states = {v: path.on(min(path.until, on)) for v, path in dated.items()}
    now = full[tuple(slice(states[v], states[v] + 1) if v in states else slice(None) for v in scope)]
    return scope, now + share * (full - now), mean


def _share(item: Item, until: date | None, today: date, on: date) -> float:
    """Return how much of what was said on what is to come still stands: of the days ahead, those until it is worn."""
    left = max(0, ((until or item.reported + timedelta(days=DECAYED_AFTER_DAYS)) - today).days)
    ahead = (on - today).days
    return min(1.0, left / ahead) if ahead > 0 else float(left > 0)


# Shift of the log-odds of being informative by the credibility of the item (1 confirmed .. 5 improbable); where it
# cannot be judged the shift is standard normal, averaged over.
CREDIBILITY_SHIFT = {1: 1.0, 2: 0.5, 3: 0.0, 4: -0.5, 5: -1.0}
LEAST_LOG_ODDS = -700.0  # below, e^-x overflows
UNJUDGED_NODES = 32  # of that average
SPENT = 1e-20  # what a copy keeps of being informative: nothing that a double could show beside 1
DECIBANS_PER_NAT = 10.0 * log10(exp(1.0))


class UndefinedError(NotFiniteError):
    """The forecast is undefined; `items` are a smallest set that leaves it so, none where it is not the evidence."""

    def __init__(self, items: Sequence[Item], why: str) -> None:
        self.items, self.why = tuple(items), why
        super().__init__(why)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One weighed report about the events of `scope`.

    `said` is its probability under each joint state if it is informative, `noise` if it is not (both up to the same
    factor); `informative` the probability that it is, with the source's reliability at its prior mean. `copy` is its
    rank (0 = the strongest) among the reports of its group (or, without one, of its day) that say the same, `kept`
    what a copy keeps of `informative`.
    """

    item: str
    source: str
    credibility: int
    scope: tuple[int, ...]
    said: Array
    noise: float
    informative: float
    copy: int
    kept: float

    @property
    def is_spent(self) -> bool:
        """Whether it is the copy of so many others that its table is `noise` everywhere, to the last digit."""
        return self.kept < SPENT and self.noise > 0.0

    @property
    def table(self) -> Array:
        """P(report | x) over the states of the scope, at the prior mean of the source's reliability."""
        return self.informative * self.said + (1.0 - self.informative) * self.noise

    @property
    def decibans(self) -> float:
        """Largest weight of evidence between any two joint states, 10 log10(max / min)."""
        table = self.table
        low = float(table.min())
        return float("inf") if low == 0.0 else DECIBANS_PER_NAT * log(float(table.max()) / low)


@cache
def informative_probability(reliability: float, credibility: int) -> float:
    """Compute the probability that a report is informative.

    logit q = logit(reliability of the source) + shift(credibility). A credibility that cannot be judged has a standard
    normal shift; the report's probability is linear in q, so its average over the shift is exact (Gauss-Hermite).
    """
    centre = log(reliability / (1.0 - reliability))
    if credibility != CANNOT_BE_JUDGED:
        return 1.0 / (1.0 + _odds_against(centre + CREDIBILITY_SHIFT[credibility]))
    nodes, weights = normal_quadrature(UNJUDGED_NODES)
    return sum(
        [w / (1.0 + _odds_against(centre + x)) for x, w in zip(nodes.tolist(), weights.tolist(), strict=True)], 0.0
    )


def _odds_against(log_odds: float) -> float:
    return exp(-log_odds) if log_odds > LEAST_LOG_ODDS else inf


_SPENT_KIND = attrgetter("scope", "noise", "source")
_KIND = attrgetter("scope", "noise", "source", "credibility", "informative", "kept")


def alike(reports: Iterable[Report]) -> list[list[Report]]:
    """Return reports that differ in the item alone together, in the order of the first of them.

    Of spent ones nothing is left but their noise, whatever they say and however many they are copies of.
    """
    found: dict[tuple[Any, ...], list[Report]] = {}
    for report in reports:
        # Items that say the same share one array (`weigh`).
        key = (None, *_SPENT_KIND(report)) if report.is_spent else (id(report.said), *_KIND(report))
        if (same := found.get(key)) is None:
            found[key] = [report]
        else:
            same.append(report)
    return list(found.values())


_COPIES_KIND = attrgetter("scope", "noise", "source", "credibility")


def copies_alike(kinds: Iterable[Sequence[Report]]) -> list[list[Sequence[Report]]]:
    """Return kinds of reports (`alike`) that differ as copies alone, in what they keep, together; spent ones apart."""
    found: dict[tuple[Any, ...], list[Sequence[Report]]] = {}
    for same in kinds:
        report = same[0]
        key = (None, *_SPENT_KIND(report)) if report.is_spent else (id(report.said), *_COPIES_KIND(report))
        found.setdefault(key, []).append(same)
    return list(found.values())


class Favoured(NamedTuple):
    """What an item reports, as the first item that says the same reports it, and each part of that.

    `says` is by event, or by the rules of the scenarios; of a claim that is judged by event and verdict, and as it was
    made. `strength` (decibans) is that of the report as it was made too: what it weighs by now is nothing.
    """

    report: Report
    says: dict[Hashable, Array]
    strength: float
    favours: Favours


class AlreadyRead(NamedTuple):
    """What has been read of reports with one layout, in the light of what is known, for one day.

    By what they say, and by the very items (and the reliability of the source): these stand beside what they say.
    """

    by_content: dict[tuple[Any, ...], Favoured | None]
    by_item: dict[tuple[int, float], tuple[Item, Favoured | None]]


def weigh(
    layout: Layout,
    known: Known,
    items: Iterable[Item],
    sources: Mapping[str, ReportSource],
    on: date,
    said: AlreadyRead | None = None,
) -> tuple[Report, ...]:
    """Weigh the unsettled parts of active items, as seen on the as-of date, about the states on the date `on`.

    P(i|x) = q prod_v lambda_v(x_v) + (1 - q) prod_v mean(lambda_v): the item says something about all its events or
    about none, so refuting one part discredits the rest. A part on the scenarios is a factor of its own, over the
    joint states of the events that their rules mention. Within a group the k-th strongest report that says the same
    keeps q (1 - rho)^(k-1); reports that contradict each other are no copies. Without a group, so do those of the k-th
    strongest source of one day.

    `said` keeps what has been read for the next call with the same layout, what is known, and the same day.
    """
    # Items that say the same on the same day from sources of one grade differ in name alone.
    said = AlreadyRead({}, {}) if said is None else said
    groups: dict[str, list[_Member]] = {}
    for item in items:
        reliability = sources[item.report_source].grade.mean
        same = said.by_item.get((id(item), reliability))
        if same is None:
            key = _content(item, reliability)
            if key not in said.by_content:
                said.by_content[key] = _report(layout, known, item, reliability, on)
            # The item is kept with it, so that no other one takes its place in memory.
            same = said.by_item[id(item), reliability] = item, said.by_content[key]
        if (one := same[1]) is not None:
            groups.setdefault(item.group or f"item {item.id}", []).append(_Member(item, *one))
    weighed = [
        heard.ranked(copy, heard.item.rho)
        for members in groups.values()
        for copy, heard in (_ranked(members) if len(members) > 1 else [(0, members[0])])
        if heard.item.group is not None
    ]
    alone = [members[0] for members in groups.values() if members[0].item.group is None]
    copies = _of_one_day(alone)
    weighed += (
        heard.ranked(copies.get(heard.item.id, 0), sources[heard.item.report_source].same_day_rho) for heard in alone
    )
    return tuple(sorted(weighed, key=attrgetter("item")))


def _content(item: Item, reliability: float) -> tuple[Hashable, ...]:
    """Return what an item reports, and when: those of whom it is the same differ in name alone."""
    return (item.reported, item.happened, reliability, item.credibility, *map(content, item.bears_on))


class Copies:
    """Which reports are copies of which, and on what other days that is the same.

    What is a copy of what hangs on which of those in a group, or of one day, weigh more, and on what each says at most.
    Both are the same for all that say the same, so that another day is compared by these alone.

    Args:
        layout, known, items, sources, on: as of `weigh`.
        kinds: the reports that were weighed of these (`alike`).
    """

    def __init__(
        self, layout: Layout, known: Known, items: Iterable[Item], sources: Mapping[str, ReportSource], on: date,
        kinds: Sequence[Sequence[Report]],
    ) -> None:  # fmt: skip
        self._layout, self._known, self._kinds = layout, known, kinds
        numbers: dict[tuple[Hashable, ...], int] = {}
        self._first: list[tuple[Item, float]] = []
        self._number: dict[str, int] = {}
        together: dict[Hashable, set[int]] = {}
        for item in items:
            reliability = sources[item.report_source].grade.mean
            number = numbers.setdefault(_content(item, reliability), len(numbers))
            if number == len(self._first):
                self._first.append((item, reliability))
            self._number[item.id] = number
            together.setdefault(item.group or item.reported, set()).add(number)
        self._together = {tuple(sorted(same)) for same in together.values()}
        self._ranks = self._ranked(self._read(on))

    def on(self, day: date) -> list[list[Report]] | None:
        """Return the reports about the states on another day, as `alike` has them; each stands for all of its kind.

        None where others are copies then.
        """
        read = self._read(day)
        if self._ranked(read) != self._ranks:
            return None
        kinds = []
        for same in self._kinds:
            heard = read[self._number[same[0].item]]
            if heard is None:
                return None
            now = replace(same[0], scope=heard.report.scope, said=heard.report.said, noise=heard.report.noise)
            kinds.append([now] * len(same))
        return kinds

    def _read(self, day: date) -> list[Favoured | None]:
        return [_report(self._layout, self._known, item, reliability, day) for item, reliability in self._first]

    def _ranked(self, read: Sequence[Favoured | None]) -> list[object]:
        """Return what ranks hang on, for all that may be copies of each other."""
        best = [None if heard is None else _best_states(heard.says) for heard in read]
        found: list[object] = []
        for same in sorted(self._together):
            strengths = [-1.0 if (heard := read[number]) is None else heard.strength for number in same]
            place = {strength: k for k, strength in enumerate(sorted({0.0, *strengths}))}
            found.append(([place[one] - place[0.0] for one in strengths], [best[number] for number in same]))
        return found


def _of_one_day(alone: Iterable[_Member]) -> dict[str, int]:
    """Return how many sources each ungrouped report is taken to be a copy of, where there are any.

    What several sources report on one day for the same states of one event is one report to them all, unless an item
    says why it is independent. The sources are ranked by their strongest report; of one source nothing is a copy of its
    own reports, which may be of several incidents.
    """
    members = {member.item.id: member for member in alone}
    ranks: dict[str, int] = {}
    for together in same_day_reports((one.item, one.favours) for one in members.values()):
        strongest: dict[str, _Member] = {}
        for name in together:
            one = members[name]
            best = strongest.setdefault(one.item.report_source, one)
            if one.strength > best.strength:
                strongest[one.item.report_source] = one
        of_source = {one.item.report_source: rank for rank, one in _ranked(list(strongest.values()))}
        ranks |= {name: of_source[members[name].item.report_source] for name in together}
    return ranks


def same_day_reports(reports: Iterable[tuple[Item, Favours]]) -> list[list[str]]:
    """Return the ids of ungrouped items that are taken for one report, by their days, each set in id order.

    Of one day, from several sources, and linked by an event of which they favour the same states. Items with a group,
    and independent ones, are in none.
    """
    by_claim: dict[tuple[date, str, tuple[int, ...]], list[Item]] = {}
    for item, favours in reports:
        if item.group is None and item.independent is None:
            for event, states in favours:
                by_claim.setdefault((item.reported, event, states), []).append(item)
    joined: dict[str, list[str]] = {}
    for same in by_claim.values():
        if len({item.report_source for item in same}) < 2:
            continue
        sets = [joined.setdefault(item.id, [item.id]) for item in same]
        merged = sorted({name for one in sets for name in one})
        joined |= dict.fromkeys(merged, merged)
    return [names for name, names in sorted(joined.items()) if names[0] == name]


def same_day_as(workspace: Workspace, item: Item) -> list[Item]:
    """Return the items that are taken with an item for one report of its day, as far as they still count."""
    gone = {one.supersedes for one in workspace.items}
    of_day = [one for one in workspace.items if one.reported == item.reported and not one.retracted]
    active = [one for one in of_day if one.id not in gone]
    sets = same_day_reports((one, favoured(one, workspace.network.events)) for one in active)
    names = next((names for names in sets if item.id in names), [])
    return [one for one in active if one.id in names and one.id != item.id]


def favoured(item: Item, events: Mapping[str, Event]) -> Favours:
    """Return which states of which events an item favours, as it was reported; nothing of what it settles."""
    found = []
    for part in item.bears_on:
        if isinstance(part, OnEvent) and not isinstance(part, Settled):
            said = _said(part, events[part.event])
            if len(said.best) < said.full.size:
                found.append((part.event, said.best))
    return tuple(found)


class _Member(NamedTuple):
    """An item with what it reports (`Favoured`)."""

    item: Item
    report: Report
    says: dict[Hashable, Array]
    strength: float
    favours: Favours

    def ranked(self, copy: int, rho: float) -> Report:
        """Return its report as the copy of so many others, with which it has a correlation."""
        kept, one = (1.0 - rho) ** copy, self.report
        informative = one.informative * kept
        name, source = self.item.id, self.item.report_source
        return Report(
            item=name,
            source=source,
            credibility=one.credibility,
            scope=one.scope,
            said=one.said,
            noise=one.noise,
            informative=informative,
            copy=copy,
            kept=kept,
        )


def _ranked(members: list[_Member]) -> list[tuple[int, _Member]]:
    """Rank the reports of a group by strength among those that say the same of the events they share.

    What a report says of an event is the set of its best states, of the scenarios that of the best joint states: two
    reports contradict each other where they have no best state in common, so neither a tie nor the order of the states
    decides. A report that says nothing (any more) makes no copy of another. Claims that were true and claims that were
    false on their day are no copies of each other, nor of what still speaks of the event.
    """
    # Members that say the same share one report (`weigh`), and what is computed from it.
    best_states: dict[int, dict[Hashable, frozenset[int]]] = {}
    for _, report, parts, *_ in members:
        if id(report) not in best_states:
            best_states[id(report)] = _best_states(parts)
    ranked: list[tuple[int, _Member]] = []
    voices: list[dict[Hashable, frozenset[int]]] = []
    heard: list[int] = []
    joined: dict[int, int] = {}  # which voice a report is of, until some voice has come to say something else
    for member in sorted(members, key=lambda one: (-one.strength, one.item.id)):
        said = id(member.report)
        if (voice := joined.get(said)) is None:
            says = best_states[said]
            voice = next((place for place, agreed in enumerate(voices) if _agree(says, agreed)), len(voices))
            if voice == len(voices):
                voices.append(dict(says))
                heard.append(0)
            agreed = {v: best & voices[voice].get(v, best) for v, best in says.items()}
            if any(voices[voice].get(v) != best for v, best in agreed.items()):
                voices[voice].update(agreed)
                joined.clear()
            if says:  # what says nothing joins nobody, not even its like
                joined[said] = voice
        ranked.append((heard[voice], member))
        heard[voice] += member.strength > 0.0
    return ranked


def _best_states(says: Mapping[Hashable, Array]) -> dict[Hashable, frozenset[int]]:
    """Return the states that are favoured by each part of what a report says."""
    return {part: frozenset(np.flatnonzero(worn == worn.max()).tolist()) for part, worn in says.items()}


def _agree(says: Mapping[Hashable, frozenset[int]], agreed: Mapping[Hashable, frozenset[int]]) -> bool:
    shared = says.keys() & agreed.keys()
    return bool(shared) and all(says[part] & agreed[part] for part in shared)


def _report(layout: Layout, known: Known, item: Item, reliability: float, on: date) -> Favoured | None:
    lambdas: dict[int, tuple[Array, float]] = {}
    as_made: dict[int, Array] = {}
    joints: dict[Hashable, tuple[Scope, Array, float]] = {}
    judged: dict[tuple[int, bool], Array] = {}
    for bearing in item.bears_on:
        if isinstance(bearing, OnScenarios):
            of, worn, mean = on_scenarios(layout, known, item, bearing, on)
            _, before, mean_before = joints.get(bearing.rules, (of, np.ones(()), 1.0))
            joints[bearing.rules] = of, worn * before, mean * mean_before
            continue
        if not isinstance(bearing, OnEvent) or isinstance(bearing, Settled):
            continue  # what is settled is known, not reported
        v = layout.index[bearing.event]
        worn, mean = on_event(layout, known, item, bearing, on)
        made = worn
        if v in known.paths and (was_true := verdict(layout, known, item, bearing)) is not None:
            made = judged[v, was_true] = _said(bearing, layout.events[v]).full
        before, mean_before = lambdas.get(v, (np.ones(()), 1.0))
        lambdas[v] = worn * before, mean * mean_before
        as_made[v] = made * as_made.get(v, np.ones(()))
    if not lambdas and not joints:
        return None
    noise = prod([lambdas[v][1] for v in sorted(lambdas)] + [mean for *_, mean in joints.values()])
    scope, said = _joint({v: worn for v, (worn, _) in lambdas.items()}, joints)
    if not (np.isfinite(said).all() and isfinite(noise)):
        raise UndefinedError([item], f"what item '{item.id}' says is infinite or not a number")
    report = Report(
        item=item.id,
        source=item.report_source,
        credibility=item.credibility,
        scope=scope,
        said=said,
        noise=noise,
        informative=informative_probability(reliability, item.credibility),
        copy=0,
        kept=1.0,
    )
    silent = {v for v, _ in judged if np.ptp(lambdas[v][0]) == 0.0}  # nothing but the claim that is judged
    says: dict[Hashable, Array] = {v: worn for v, (worn, _) in sorted(lambdas.items()) if v not in silent}
    strength = replace(report, said=_joint(as_made, joints)[1]).decibans if judged else report.decibans
    parts = says | judged | {rules: factor for rules, (_, factor, _) in joints.items()}
    return Favoured(report, parts, strength, favoured(item, {event.id: event for event in layout.events}))


def _joint(lambdas: Mapping[int, Array], joints: Mapping[Hashable, tuple[Scope, Array, float]]) -> tuple[Scope, Array]:
    """Multiply what is said of events and of scenarios; return the events, and the product over their states."""
    scope = tuple(sorted(lambdas))
    said = np.ones(())
    for v in scope:
        said = np.multiply.outer(said, lambdas[v])
    for of, factor, _ in joints.values():
        scope, said = _times(scope, said, of, factor)
    return scope, said


def _times(scope: Scope, table: Array, of: Scope, factor: Array) -> tuple[Scope, Array]:
    """Multiply two tables, each over the states of its events in layout order."""
    both = tuple(sorted({*scope, *of}))

    def wide(events: Scope, entries: Array) -> Array:
        cards = iter(entries.shape)
        return entries.reshape([next(cards) if v in events else 1 for v in both])

    return both, wide(scope, table) * wide(of, factor)
