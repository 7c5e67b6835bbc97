"""The most probable joint course of events within each scenario, and what tells the scenarios apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import Weighted, weighted, with_margins
from forecast.digits import percent
from forecast.inference.engine import ENGINE
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork
from forecast.model.layout import Layout, rule_events
from forecast.posterior.posterior import mean_joint
from forecast.words import event_names, label, likelihood_word, long_date, rules_in_words, scenario_names

Array = NDArray[np.float64]
Course = tuple[int, ...]  # a state of each event, as index among those that are alive

DRAWS = 1000  # of which courses are first sought, and the odds between scenarios and states are taken
PILOTS = 40  # draws whose own most probable courses are tried
ROUNDING = 1e-12  # of a log probability: no improvement
CLOSE = 3  # courses told beside the most probable one
UNSURE, SURE = 3, 0.95  # so many of the events that stay are told, if they are no surer than this


@dataclass(frozen=True, kw_only=True)
class CourseStep:
    """An event of a course: its state there, the state known today, and P(state) within the scenario and overall."""

    event: str
    state: str
    now: str | None
    in_scenario: float
    overall: float
    overall_mcse: float


@dataclass(frozen=True, kw_only=True)
class Near:
    """A course that differs in one event, and its probability within the scenario."""

    event: str
    state: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Distinguishing:
    """How far an event's distribution within a scenario is from its distribution overall (total variation).

    `state` is the one that gains most; `defines`: the rule of a scenario names the event.
    """

    event: str
    defines: bool
    distance: float
    state: str
    in_scenario: float
    overall: float
    overall_mcse: float


@dataclass(frozen=True, kw_only=True)
class Story:
    """A scenario by its most probable course of events.

    `rule`: when the scenario holds, in words; `probability` and `mcse`: of the scenario; `course_probability`:
    P(course | scenario, evidence); `story_probability`: P(course | evidence); `close`: the next courses;
    `distinguishing`: the largest distance first; `text`: the course in words.
    """

    scenario: str
    name: str
    rule: str
    probability: float
    mcse: float
    course: tuple[CourseStep, ...]
    course_probability: float
    story_probability: float
    close: tuple[Near, ...]
    distinguishing: tuple[Distinguishing, ...]
    text: str


def stories(outcome: Outcome) -> tuple[Story, ...]:
    """Tell each scenario that is possible by its most probable course of events, in rule order.

    The course maximises the weighted mean over draws of P(course | evidence, draw). No elimination gives that
    maximum. Tried are the exact most probable courses of single draws and of the mean factors (where a family is a
    chain, with its auxiliary variables, so that there they are only near); the best of them is
    then improved until no change of one event, nor of two that share a factor, makes it more probable.
    """
    queried, names = outcome.posterior.asked, scenario_names(outcome)
    thinned = weighted(outcome.posterior, max(1, outcome.posterior.weights.weights.size // DRAWS))
    fewer, search = _Search(thinned), _Search(weighted(outcome.posterior))
    joints, candidates = _joints(outcome, thinned), fewer.candidates()
    rules, rows = rules_in_words(outcome.workspace.scenarios, event_names(outcome)), []
    for s, name in enumerate(outcome.scenario_ids):
        share = float(joints[0][s].sum())
        if not share > 0.0:
            continue
        course, log_chance = search.best(s, fewer.most_probable(candidates[s]))
        steps = tuple(_step(outcome, queried.network, joints, s, v, x) for v, x in enumerate(course))
        close = (
            Near(
                event=outcome.layout.events[v].id,
                state=_state(queried.network, v, x),
                probability=exp(log_p) / share,
            )
            for v, x, log_p in search.close(s, course)[:CLOSE]
        )
        rows.append(
            Story(
                scenario=name,
                name=names[name],
                rule=rules[name],
                probability=share,
                mcse=outcome.scenarios[name].mcse,
                course=steps,
                course_probability=exp(log_chance) / share,
                story_probability=exp(log_chance),
                close=tuple(close),
                distinguishing=_distinguishing(outcome, joints, s),
                text=text(steps, outcome),
            )
        )
    return tuple(rows)


@dataclass(frozen=True)
class _Terms:
    """Log factors of every draw, and which events each of them is over; chains by the factor of their event.

    Auxiliary variables are summed out at the states of a course.
    """

    scopes: tuple[tuple[int, ...], ...]
    logs: tuple[Array, ...]
    chains: Mapping[int, tuple[Array, ...]]  # the factors of a chain in its order, the event's last

    def of(self, factor: int, course: Sequence[int]) -> Array:
        at = tuple(course[v] for v in self.scopes[factor])
        if factor not in self.chains:
            row: Array = self.logs[factor][at]
            return row
        *parents, last, own = at
        first, *links, end = self.chains[factor]
        highest = first[parents[0]]
        for link, x in zip(links, parents[1:], strict=True):
            highest = np.einsum("ad,abd->bd", highest, link[:, x])
        with np.errstate(divide="ignore"):
            return np.asarray(np.log((highest * end[:, last, own]).sum(axis=0)))


def _terms(network: AsOfNetwork, tables: Sequence[Array]) -> _Terms:
    n_events = len(network.layout.cards)
    rows = n_events + len(network.evidence_scopes)
    scopes, chains = list(network.scopes[:rows]), {}
    for recipe in network.causes:
        if recipe.auxiliary:
            end, *links = network.places(recipe.v)
            scopes[recipe.v] = (*network.layout.parents[recipe.v], recipe.v)
            chains[recipe.v] = tuple(tables[place] for place in (*links, end))
    with np.errstate(divide="ignore"):  # what is impossible has log probability minus infinity
        return _Terms(tuple(scopes), tuple(np.log(table) for table in tables[:rows]), chains)


def _joints(outcome: Outcome, thinned: Weighted) -> list[Array]:
    """Return P(scenario, state | E) for each event: the odds between them of some draws, both margins of all."""
    of = outcome.posterior
    scenarios = of.evaluation.scenarios @ of.weights.weights
    means = mean_joint(thinned.asked, thinned.theta, thinned.weights, thinned.drawn)
    return [
        with_margins(mean, scenarios, states @ of.weights.weights)
        for mean, states in zip(means, of.evaluation.events, strict=True)
    ]


class _Search:
    """Finds the course of largest mean probability within a scenario."""

    def __init__(self, weighed: Weighted) -> None:
        self.weighed = weighed
        network = weighed.asked.network
        self.tables, offset = weighed.factors()
        self.terms = _terms(network, self.tables)
        self.shift = offset - weighed.log_evidence
        scopes, self.cards = self.terms.scopes, network.cards[: len(network.layout.cards)]
        self.holding = [[f for f, scope in enumerate(scopes) if v in scope] for v in range(len(self.cards))]
        self.together = sorted({(a, b) for scope in scopes for a in scope for b in scope if a < b})

    def candidates(self) -> list[set[Course]]:
        """Return, for each scenario, the most probable courses of some draws and of the mean factors."""
        queried, weights = self.weighed.asked, self.weighed.weights
        draws = np.arange(0, weights.size, max(1, weights.size // PILOTS))
        tried = []
        for table in self.tables:
            full = np.broadcast_to(table, (*table.shape[:-1], weights.size))
            tried.append(np.concatenate([(full @ weights)[..., np.newaxis], full[..., draws]], axis=-1))
        courses = ENGINE.most_probable(queried.plan, queried.with_rules(tried), queried.masks)
        return [
            {
                tuple(map(int, courses.states[: len(self.cards), s, d]))
                for d in np.flatnonzero(courses.log_mass[s] > -np.inf)
            }
            for s in range(queried.masks.shape[0])
        ]

    def log_mean(self, log_p: Array) -> float:
        """Average P(course | E, draw) over the draws; return its log, for a long course has a very small one."""
        with np.errstate(divide="ignore"):  # a draw of weight 0 has log weight minus infinity
            return float(np.logaddexp.reduce(np.log(self.weighed.weights) + log_p))

    def all_terms(self, course: Course) -> Array:
        """Return the log factors of a course (factors, draws)."""
        rows = [self.terms.of(f, course) for f in range(len(self.terms.scopes))]
        return np.stack([np.broadcast_to(row, self.shift.shape) for row in rows])

    def holds(self, s: int, course: Sequence[int]) -> bool:
        """Say whether a course lies in scenario s."""
        queried = self.weighed.asked
        return queried.decision.first(course, len(queried.network.cards)) == s

    def most_probable(self, candidates: set[Course]) -> Course:
        """Return the course of the largest mean probability."""
        return max(
            (self.log_mean(self.all_terms(candidate).sum(axis=0) + self.shift), candidate)
            for candidate in sorted(candidates)
        )[1]

    def best(self, s: int, course: Course) -> tuple[Course, float]:
        """Improve a course of scenario s; return the best one found, and its mean log P(course | E)."""
        chance = self.log_mean(self.all_terms(course).sum(axis=0) + self.shift)
        while True:
            better = max(((p, other) for other, p in self._neighbours(s, course)), default=(-np.inf, course))
            if better[0] <= chance + ROUNDING:
                return course, chance
            chance, course = better

    def close(self, s: int, course: Course) -> list[tuple[int, int, float]]:
        """Return the courses of scenario s that differ in one event: (event, state, log P(course | E)), best first."""
        differing = [
            (next(v for v, x in enumerate(other) if x != course[v]), other, p)
            for other, p in self._neighbours(s, course, pairs=False)
        ]
        return sorted(((v, other[v], p) for v, other, p in differing), key=lambda row: (-row[2], row[:2]))

    def _neighbours(self, s: int, course: Course, *, pairs: bool = True) -> Iterator[tuple[Course, float]]:
        terms = self.all_terms(course)
        total, finite = terms.sum(axis=0) + self.shift, bool(np.isfinite(terms).all())
        cards = self.cards
        changed = [(v,) for v in range(len(cards))] + (list(self.together) if pairs else [])
        for events in changed:
            touched = sorted({f for v in events for f in self.holding[v]})
            if finite:
                rest = total - terms[touched].sum(axis=0)
            else:
                rest = np.delete(terms, touched, axis=0).sum(axis=0) + self.shift
            for states in product(*([x for x in range(cards[v]) if x != course[v]] for v in events)):
                other = list(course)
                for v, x in zip(events, states, strict=True):
                    other[v] = x
                if not self.holds(s, other):
                    continue
                log_p = rest + sum(self.terms.of(f, other) for f in touched)
                yield tuple(other), self.log_mean(log_p)


def _state(network: AsOfNetwork, v: int, alive: int) -> str:
    return network.layout.events[v].states[network.alive[v][alive]]


def _now(network: AsOfNetwork, v: int) -> str | None:
    path = network.known.paths.get(v)
    return None if path is None else network.layout.events[v].states[path.on(path.until)]


def _step(outcome: Outcome, network: AsOfNetwork, joints: Sequence[Array], s: int, v: int, x: int) -> CourseStep:
    state = network.alive[v][x]
    event, joint = outcome.layout.events[v], joints[v]
    return CourseStep(
        event=event.id,
        state=event.states[state],
        now=_now(network, v),
        in_scenario=float(joint[s, state] / joint[s].sum()),
        overall=float(joint[:, state].sum()),
        overall_mcse=outcome.events[event.id][event.states[state]].mcse,
    )


def _distinguishing(outcome: Outcome, joints: Sequence[Array], s: int) -> tuple[Distinguishing, ...]:
    layout: Layout = outcome.layout
    defining = rule_events(layout, outcome.workspace.scenarios)
    rows = []
    for v, event in enumerate(layout.events):
        overall, inside = joints[v].sum(axis=0), joints[v][s] / joints[v][s].sum()
        state = int(np.argmax(inside - overall))
        rows.append(
            Distinguishing(
                event=event.id,
                defines=v in defining,
                distance=float(np.abs(inside - overall).sum() / 2.0),
                state=event.states[state],
                in_scenario=float(inside[state]),
                overall=float(overall[state]),
                overall_mcse=outcome.events[event.id][event.states[state]].mcse,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.distance, row.event)))


def text(course: Sequence[CourseStep], outcome: Outcome) -> str:
    """Tell a course in plain words: what moves, what is behind it, and what of the rest is least sure to stay."""
    kinds, names = {event.id: event.kind for event in outcome.layout.events}, event_names(outcome)
    moves, hidden, stays = [], [], []
    for step in course:
        name, state = names[step.event], label(step.state)
        if kinds[step.event] == "constant":
            hidden.append(f"{name} is {state}")
        elif step.state == step.now:
            stays.append(step)
        else:
            verb = "reaches" if kinds[step.event] == "reached" else f"turns from {label(step.now or '')} to"
            moves.append(f"{name} {verb} {state}")
    until = long_date(outcome.layout.horizon)
    parts = [f"By {until} {'; '.join(moves)}." if moves else f"Nothing known now changes until {until}."]
    if hidden:
        parts.append(f"In the background, perhaps never observed: {'; '.join(hidden)}.")
    unsure = sorted((s.in_scenario, s.event, s.state) for s in stays if s.in_scenario < SURE)[:UNSURE]
    listed = ", ".join(
        f"{names[event]} {label(state)} ({likelihood_word(p)}, {percent(p, None)})" for p, event, state in unsure
    )
    if stays and moves:
        parts.append(f"The rest stays as it is{f', least probably {listed}' if unsure else ''}.")
    elif unsure:
        parts.append(f"Least probable to stay: {listed}.")
    return " ".join(parts)
