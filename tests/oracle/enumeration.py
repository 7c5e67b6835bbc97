"""The as-of network by enumeration: every formula of the model written out for one joint state at a time.

Nothing of the engine is used: rows come from numerical integrals and dense matrix exponentials, histories are walked
day by day, the joint is a plain sum of logs over all states. Numbers are arrays over draws, so that a whole prior can
be pushed through.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import product
from math import exp, log, log1p

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.special import expit

from forecast.workspace.records import (
    Claim,
    Event,
    Item,
    Likelihood,
    OnScenarios,
    Scenario,
    Settled,
    Support,
    Target,
    Workspace,
)
from tests.oracle.exposure import changing_hazard, exposure_at

Array = NDArray[np.float64]
# (event, its parents' states, k) -> (draws,): of a reached event P(step k is taken within the whole window), of the
# others P(state k).
Theta = Mapping[tuple[str, tuple[str, ...], int], Array]
States = dict[str, str]

# Where sources of a letter stand, if a test has them stand elsewhere than at the mean of their grade.
GRADE_MEAN: dict[str, float] = {}
SHIFT = {1: 1.0, 2: 0.5, 3: 0.0, 4: -0.5, 5: -1.0}
DECIBANS = {"slight": 2.0, "moderate": 5.0, "strong": 10.0, "very_strong": 15.0}


def mean_survival(x: Array, y: Array) -> Array:
    """Average of x^(1-s) y^s over s in [0, 1]: the survival if the parents change at a uniform moment."""
    if x is y:
        return x
    nodes, weights = np.polynomial.legendre.leggauss(32)
    shares = (nodes + 1.0) / 2.0
    return np.asarray(sum(w / 2.0 * x ** (1.0 - s) * y**s for s, w in zip(shares, weights, strict=True)))


def birth_process(hazards: Sequence[Array]) -> list[Array]:
    """P(0, 1, .. all steps are taken in one unit of time), by the dense matrix exponential of the rates."""
    if len(hazards) == 1:
        return [np.exp(-hazards[0]), -np.expm1(-hazards[0])]
    n = len(hazards) + 1
    generator = np.zeros((*hazards[0].shape, n, n))
    for k, hazard in enumerate(hazards):
        generator[..., k, k], generator[..., k, k + 1] = -hazard, hazard
    return [expm(generator)[..., 0, k] for k in range(n)]


@cache
def informative(reliability: float, credibility: int) -> float:
    """Solve logit q = logit r + kappa for q; kappa of credibility 6 is standard normal, averaged over on a grid."""
    centre = log(reliability) - log1p(-reliability)
    if credibility != 6:
        return float(expit(centre + SHIFT[credibility]))
    z = np.linspace(-12.0, 12.0, 24001)
    return float(np.trapezoid(np.exp(-z * z / 2.0) * expit(centre + z), z) / np.sqrt(2.0 * np.pi))


def first_rule(rules: Iterable[Scenario], states: States) -> str:
    """First rule that holds, else `other`."""
    return next((r.id for r in rules if all(states[when.event] in when.states for when in r.when)), "other")


def lacks(event: Event, state: str, parents: States) -> bool:
    """Whether a state requires something that the parents' states do not give."""
    for one in event.requires:
        if one.state == state:
            ways = [[parents[need.event] in need.states for need in all_] for all_ in one.any_of]
            return not any(all(way) for way in ways)
    return False


class AsOf:
    """What is known on `as_of` about the states on the date `on`; `at_opening`: nothing but theta is known."""

    def __init__(
        self, workspace: Workspace, theta: Theta, as_of: date, on: date | None = None, *, at_opening: bool = False
    ) -> None:
        self.workspace, self.theta = workspace, theta
        self.network = workspace.network
        self.on = on or self.network.horizon
        self.as_of = self.network.opens if at_opening else as_of
        self.items = [] if at_opening else [item for item in workspace.items if self._counts(item)]
        watched = self.as_of if at_opening or workspace.watched_until is None else workspace.watched_until
        self.silence = max(self.network.opens, min(self.as_of, watched, self.network.horizon))
        self.settled = {name: self._settled(name) for name in self.network.events}
        self._histories: dict[tuple[str, tuple[str, ...]], Array] = {}
        self._courses: dict[str, tuple[list[date], list[int]]] = {}

    def _counts(self, item: Item) -> bool:
        gone = [item.retracted] if item.retracted else []
        gone += [other.reported for other in self.workspace.items if other.supersedes == item.id]
        return item.reported <= self.as_of and all(day > self.as_of for day in gone)

    def _settled(self, name: str) -> list[tuple[date, int]]:
        states = self.network.events[name].states
        return sorted(
            (item.happened or item.reported, states.index(bearing.state))
            for item in self.items
            for bearing in item.bears_on
            if isinstance(bearing, Settled) and bearing.event == name
        )

    # What is known of one event on one day

    def known_until(self, name: str) -> date:
        """Date up to which the event's course is known: silence, or its last settled date if that is later."""
        return max([self.silence, *(day for day, _ in self.settled[name])])

    def state(self, name: str, day: date, *, before: bool = False) -> int:
        """State of a dated event on a day (`before`: without what happens on the day itself)."""
        event = self.network.events[name]
        if name not in self._courses:
            states = [event.states.index(event.initial) if event.initial else 0]
            for _, state in self.settled[name]:
                states.append(max(states[-1], state) if event.kind == "reached" else state)
            self._courses[name] = [when for when, _ in self.settled[name]], states
        days, states = self._courses[name]
        return states[(bisect_left if before else bisect_right)(days, day)]

    def _parents(self, event: Event, states: States, day: date, *, before: bool = False) -> tuple[str, ...]:
        names = []
        for parent in event.parents:
            other = self.network.events[parent]
            dated = other.kind != "constant"
            names.append(other.states[self.state(parent, day, before=before)] if dated else states[parent])
        return tuple(names)

    def _on_day(self, event: Event, states: States, day: date, state: int) -> tuple[str, ...] | None:
        """The parents that a move to a state sees: before the day or, if they lack what it requires, after it."""
        came = (self._parents(event, states, day, before=before) for before in (True, False))
        return next((one for one in came if not self._lacks(event, state, one)), None)

    def _lacks(self, event: Event, state: int, parents: tuple[str, ...]) -> bool:
        return lacks(event, event.states[state], dict(zip(event.parents, parents, strict=True)))

    def _days(self, day: date) -> float:
        return float((day - self.network.opens).days)

    def exposure(self, event: Event, start: date, stop: date) -> float:
        """Part of the window's exposure that lies between two days."""
        if event.timing is None:
            return (stop - start).days / (self.network.window_ends - self.network.opens).days
        days = self._days(start), self._days(stop)
        return exposure_at(self.network, event, days[1]) - exposure_at(self.network, event, days[0])

    # Factors

    def row(self, name: str, parents: tuple[str, ...]) -> list[Array]:
        """P(each state of the event on the date `on` | its parents' states on that date)."""
        event = self.network.events[name]
        if event.kind == "constant":
            return [self.theta[name, parents, k] for k in range(len(event.states))]
        seen = min(self.known_until(name), self.on)
        current = self.state(name, seen)
        if event.kind == "status":
            stay = exp(-(self.on - seen).days / float(event.persistence_days or 0))
            if lacks(event, event.states[current], dict(zip(event.parents, parents, strict=True))):
                stay = 0.0
            return [
                stay * float(k == current) + (1.0 - stay) * self.theta[name, parents, k]
                for k in range(len(event.states))
            ]
        part = self.exposure(event, seen, self.on)
        now = self._parents(event, dict(zip(event.parents, parents, strict=True)), seen)
        moved = [self.network.events[p] for p, a, b in zip(event.parents, now, parents, strict=True) if a != b]
        span = self._days(seen), self._days(self.on)
        hazards = []
        for k in range(current, len(event.states) - 1):
            if self._lacks(event, k + 1, now) and self._lacks(event, k + 1, parents):
                break  # neither this step nor one behind it is taken
            if event.cpt.kind in ("noisy_or", "noisy_max") and not event.requires:
                hazards.append(self._hazard_by_cause(event, now, parents, k, span))
                continue
            if moved and span[0] < span[1] and any(one.timing for one in (event, *moved)):
                survival = 1.0 - self.theta[name, now, k], 1.0 - self.theta[name, parents, k]
                hazards.append(changing_hazard(self.network, event, moved, span, survival))
                continue
            surv_now, surv_u = ((1.0 - self.theta[name, u, k]) ** part for u in (now, parents))
            hazards.append(-np.log(mean_survival(surv_now, surv_now if now == parents else surv_u)))
        zero = np.zeros_like(self.theta[name, parents, 0])
        ahead = birth_process(hazards) if hazards else [zero + 1.0]
        beyond = len(event.states) - current - len(ahead)
        return [*[zero] * current, *ahead, *[zero] * beyond]

    def _hazard_by_cause(
        self, event: Event, now: tuple[str, ...], then: tuple[str, ...], k: int, span: tuple[float, float]
    ) -> Array:
        """Hazard of a step whose causes act each by itself, each coming on a date of its own."""
        nothing = tuple(self.network.events[p].states[0] for p in event.parents)
        days = [self.network.opens + timedelta(days=int(day)) for day in span]
        part = self.exposure(event, *days)
        leak = 1.0 - self.theta[event.id, nothing, k]
        survival: Array = leak**part
        for place, parent in enumerate(event.parents):
            before, after = (
                (1.0 - self.theta[event.id, (*nothing[:place], of[place], *nothing[place + 1 :]), k]) / leak
                for of in (now, then)
            )
            mover = self.network.events[parent]
            if now[place] != then[place] and span[0] < span[1] and (event.timing or mover.timing):
                survival = survival * np.exp(-changing_hazard(self.network, event, [mover], span, (before, after)))
            elif now[place] == then[place]:
                survival = survival * after**part
            else:
                survival = survival * mean_survival(before**part, after**part)
        return np.asarray(-np.log(survival))

    def log_history(self, name: str, states: States) -> Array:
        """Log P(known course of a dated event | theta, its undated parents), day by day."""
        event = self.network.events[name]
        end = min(self.known_until(name), self.network.horizon)
        spent: dict[tuple[tuple[str, ...], int], float] = defaultdict(float)
        chance: Array = np.zeros_like(next(iter(self.theta.values())))
        current = event.states.index(event.initial) if event.initial else 0
        day = self.network.opens
        while day <= end:
            after = self.state(name, day)
            if after != current:
                reached = [after] if event.kind == "status" else range(current + 1, after + 1)
                for state in reached:
                    # What it requires may have come on the same day.
                    if self._on_day(event, states, day, state) is None:
                        return chance - np.inf
                if event.kind == "status":
                    u = self._on_day(event, states, day, after) or ()
                    chance = chance + np.log(self.theta[name, u, after]) - log(float(event.persistence_days or 0))
                else:
                    for k in range(current, after):
                        u = self._on_day(event, states, day, k + 1) or ()
                        chance = chance + np.log(-np.log1p(-self.theta[name, u, k]))
                current = after
            if day < end:
                tomorrow = day + timedelta(days=1)
                length = 1.0 if event.kind == "status" else self.exposure(event, day, tomorrow)
                spent[self._parents(event, states, day), current] += length
            day += timedelta(days=1)
        for (u, state), length in spent.items():
            if event.kind == "status" and self._lacks(event, state, u):
                return chance - np.inf
            if event.kind == "status":
                rate = length / float(event.persistence_days or 0)
                chance = chance - rate * (1.0 - self.theta[name, u, state])
            elif state < len(event.states) - 1:
                chance = chance + length * np.log1p(-self.theta[name, u, state])
        return chance

    # Reports

    def worn(self, item: Item, bearing: Likelihood | Support | Claim) -> tuple[list[float], float]:
        """Return lambda' of each state, and the mean of the unworn lambda."""
        event = self.network.events[bearing.event]
        if isinstance(bearing, Likelihood):
            top = max(bearing.ratios.values())
            full = [bearing.ratios[state] / top for state in event.states]
        elif isinstance(bearing, Support):
            full = [1.0 if s in bearing.states else 10.0 ** (-DECIBANS[bearing.strength] / 10.0) for s in event.states]
        else:
            place = event.states.index(bearing.state)
            past = event.kind == "reached"
            full = [float(k == place or (past and k > place)) for k in range(len(event.states))]
        mean = sum(full) / len(full)
        if event.kind == "constant":
            return full, mean
        if isinstance(bearing, Claim):
            was_true = self.was_true(item, bearing)
            if was_true is not None:
                return [float(was_true)] * len(full), mean
            if event.kind == "reached":
                waited = (self.known_until(bearing.event) - (item.happened or item.reported)).days
                return [x * (1.0 - min(max(waited, 0), 90) / 90.0) for x in full], mean
        today = min(self.known_until(bearing.event), self.on)
        ahead = (self.on - today).days
        if isinstance(bearing, Claim):
            share = exp(-max(0, (self.on - item.reported).days) / float(event.persistence_days or 0))
        else:
            until = bearing.until or item.reported + timedelta(days=180)
            share = min(1.0, max(0, (until - today).days) / ahead) if ahead else 0.0
        now = full[self.state(bearing.event, today)]
        return [now + share * (x - now) for x in full], mean

    def was_true(self, item: Item, claim: Claim) -> bool | None:
        """Whether a dated event was as claimed on the claim's day; None where no settled day tells, nor 90 of silence.

        Walked day by day: the state on the claim's day, then what comes until the last day that is known.
        """
        event, day = self.network.events[claim.event], item.happened or item.reported
        claimed, until = event.states.index(claim.state), self.known_until(claim.event)
        then = self.state(claim.event, day)
        later = [self.state(claim.event, day + timedelta(days=n)) for n in range(1, (until - day).days + 1)]
        if event.kind == "reached":
            if then >= claimed:
                return True
            return False if len(later) >= 90 or any(state >= claimed for state in later) else None
        if day < self.network.opens:
            return None
        if day <= until and then == claimed:
            return True
        return False if any(state != then for state in later) else None

    def as_made(self, item: Item) -> dict[str, tuple[list[float], float]]:
        """The worn vectors of the item's unsettled parts, a claim that is judged as it was made."""
        made = self.lambdas(item)
        for part in item.bears_on:
            if isinstance(part, Claim) and self._is_judged(item, part):
                event = self.network.events[part.event]
                place, past = event.states.index(part.state), event.kind == "reached"
                made[part.event] = [float(k == place or (past and k > place)) for k in range(len(event.states))], 0.0
        return made

    def _is_judged(self, item: Item, claim: Claim) -> bool:
        return self.network.events[claim.event].kind != "constant" and self.was_true(item, claim) is not None

    def lambdas(self, item: Item) -> dict[str, tuple[list[float], float]]:
        """The worn vectors of the item's unsettled parts."""
        return {b.event: self.worn(item, b) for b in item.bears_on if isinstance(b, Likelihood | Support | Claim)}

    def on_scenarios(self, item: Item) -> OnScenarios | None:
        """The item's part on the scenarios, if it has one."""
        return next((part for part in item.bears_on if isinstance(part, OnScenarios)), None)

    def worn_on_scenarios(self, item: Item, part: OnScenarios, states: States) -> float:
        """Worn number of one joint state: towards the scenario in which all dated events stay as they are known."""
        names = {condition.event for rule in part.rules for condition in rule.when}
        full = part.ratios[first_rule(part.rules, states)] / max(part.ratios.values())
        stays, days = dict(states), []
        for name in names:
            if self.network.events[name].kind != "constant":
                days.append(min(self.known_until(name), self.on))
                stays[name] = self.network.events[name].states[self.state(name, days[-1])]
        if not days:
            return full
        ahead = (self.on - min(days)).days
        left = max(0, ((part.until or item.reported + timedelta(days=180)) - min(days)).days)
        share = min(1.0, left / ahead) if ahead else 0.0
        now = part.ratios[first_rule(part.rules, stays)] / max(part.ratios.values())
        return full if share == 1.0 else now + share * (full - now)

    def joint_states(self, names: Iterable[str]) -> list[States]:
        """All joint states of some events."""
        of = sorted(names)
        return [dict(zip(of, x, strict=True)) for x in product(*(self.network.events[n].states for n in of))]

    def best(self, item: Item) -> dict[str, set[int]]:
        """Of each event that the item bears on the best states; of the scenarios the best joint states."""
        best = {n: {k for k, x in enumerate(v) if x == max(v)} for n, (v, _) in self.as_made(item).items()}
        for claim in item.bears_on:
            if isinstance(claim, Claim) and self._is_judged(item, claim):
                # Judged otherwise, or not judged: no copies of each other.
                best[f"{claim.event} {self.was_true(item, claim)}"] = best.pop(claim.event)
        if (part := self.on_scenarios(item)) is not None:
            names = {condition.event for rule in part.rules for condition in rule.when}
            values = [self.worn_on_scenarios(item, part, states) for states in self.joint_states(names)]
            best["\nscenarios"] = {k for k, x in enumerate(values) if x == max(values)}
        return best

    def mixture(self, item: Item, q: float, states: States, *, is_as_made: bool = False) -> float:
        """P(i|x) = q prod lambda + (1 - q) prod mean lambda."""
        said, noise = q, 1.0 - q
        made = self.as_made(item) if is_as_made else {}
        for name, (vector, mean) in self.lambdas(item).items():
            said *= made.get(name, (vector, mean))[0][self.network.events[name].states.index(states[name])]
            noise *= mean
        if (part := self.on_scenarios(item)) is not None:
            said *= self.worn_on_scenarios(item, part, states)
            noise *= sum(part.ratios.values()) / max(part.ratios.values()) / len(part.ratios)
        return said + noise

    def informative(self) -> dict[str, float]:
        """Return q of each unsettled item, times (1 - rho)^(k-1) for the k-th strongest of those that say the same."""
        sources = self.workspace.sources.values()
        grades = {source.id: GRADE_MEAN.get(source.reliability, source.grade.mean) for source in sources}
        told = [i for i in self.items if self.lambdas(i) or self.on_scenarios(i)]
        q = {i.id: informative(grades[i.report_source], i.credibility) for i in told}
        by_group: dict[str, list[Item]] = {}
        for item in self.items:
            if item.id in q:
                by_group.setdefault(item.group or f"\n{item.id}", []).append(item)
        for members in by_group.values():
            members.sort(key=lambda item: (-round(self._strength(item, q[item.id]), 9), item.id))
            voices: list[tuple[dict[str, set[int]], int]] = []
            strengths = {item.id: self._strength(item, q[item.id]) for item in members}
            for item in members:
                heard = int(strengths[item.id] > 1e-12)  # what says nothing makes no copy of another
                best = self.best(item)
                for number, (says, copies) in enumerate(voices):
                    common = best.keys() & says.keys()
                    if common and all(best[name] & says[name] for name in common):
                        q[item.id] *= (1.0 - item.rho) ** copies
                        narrowed = {name: best[name] & says.get(name, best[name]) for name in best}
                        voices[number] = ({**says, **narrowed}, copies + heard)
                        break
                else:
                    voices.append((best, heard))
        return q

    def _strength(self, item: Item, q: float) -> float:
        part = self.on_scenarios(item)
        names = {condition.event for rule in (part.rules if part else ()) for condition in rule.when}
        values = [
            self.mixture(item, q, states, is_as_made=True)
            for states in self.joint_states({*names, *self.lambdas(item)})
        ]
        return float("inf") if min(values) == 0.0 else log(max(values)) - log(min(values))

    # Answers

    @cached_property
    def joint(self) -> dict[tuple[str, ...], Array]:
        """P(states on the date `on`, everything known | theta) of every joint state, events in file order."""
        return {combination: np.exp(chance) for combination, chance in self.log_joint.items()}

    @cached_property
    def log_joint(self) -> dict[tuple[str, ...], Array]:
        """The logs of `joint`, minus infinity where something is impossible: right however much is known."""
        events = list(self.network.events.values())
        with np.errstate(divide="ignore"):  # of what is impossible
            rows = {
                (event.id, parents): np.log(self.row(event.id, parents))
                for event in events
                for parents in product(*(self.network.events[p].states for p in event.parents))
            }
            return {
                combination: self._log_chance(dict(zip(self.network.events, combination, strict=True)), rows)
                for combination in product(*(event.states for event in events))
            }

    def _log_chance(self, states: States, rows: Mapping[tuple[str, tuple[str, ...]], Array]) -> Array:
        chance: Array = np.zeros_like(next(iter(self.theta.values())))
        for event in self.network.events.values():
            parents = tuple(states[p] for p in event.parents)
            chance = chance + rows[event.id, parents][event.states.index(states[event.id])]
            if event.kind == "constant":
                seen = {event.states[k] for _, k in self.settled[event.id]}
                chance = chance if seen <= {states[event.id]} else np.full_like(chance, -np.inf)
            else:
                # Undated parents alone are looked up in `states`; dated ones have been where they were.
                undated = tuple(states[p] for p in event.parents if self.network.events[p].kind == "constant")
                if (event.id, undated) not in self._histories:
                    self._histories[event.id, undated] = self.log_history(event.id, states)
                chance = chance + self._histories[event.id, undated]
        return np.asarray(chance + self.log_told(states))

    def log_told(self, states: States) -> float:
        """Log P(all reports | states), every source at its prior mean."""
        told = self.informative_reports
        return float(sum(np.log(self.mixture(item, told[item.id], states)) for item in self.items if item.id in told))

    @cached_property
    def informative_reports(self) -> dict[str, float]:
        """What `informative` says, once."""
        return self.informative()

    def scenario(self, states: States) -> str:
        """First rule that holds, else `other`."""
        return first_rule(self.workspace.scenarios, states)

    def holds(self, target: Target, states: States) -> bool:
        """Whether the target (without its conditions) holds."""
        if target.condition is None:
            return self.scenario(states) == target.scenario
        return states[target.condition.event] in target.condition.states

    def log_odds(self, target: Target) -> Array:
        """Log of P(target, given, known) and of P(not target, given, known): (2, draws)."""
        shape = next(iter(self.theta.values())).shape
        logs: tuple[list[Array], list[Array]] = ([np.full(shape, -np.inf)], [np.full(shape, -np.inf)])
        for combination, chance in self.log_joint.items():
            states = dict(zip(self.network.events, combination, strict=True))
            if all(states[when.event] in when.states for when in target.given):
                logs[0 if self.holds(target, states) else 1].append(chance)
        return np.array([np.logaddexp.reduce(part) for part in logs])
