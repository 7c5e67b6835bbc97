"""Random statements about a random world, and what each of them reads, by enumeration."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import zero_sum_basis
from forecast.sampling.readings import read_at
from forecast.workspace.records import (
    Condition,
    Count,
    Distribution,
    MoreLikelyThan,
    Probability,
    Reading,
    Statement,
    Target,
    Times,
    Workspace,
)
from tests.oracle.enumeration import AsOf, Theta
from tests.oracle.exposure import exposure_at
from tests.oracle.random_worlds import some_day
from tests.worlds import HORIZON, OPENS, statement

Array = NDArray[np.float64]
EXPERTS = ("ann", "bob", "editors")


class Reader:
    """What statements about one world read, knowing what their authors knew; theta as in the enumeration."""

    def __init__(self, workspace: Workspace, theta: Theta) -> None:
        self.workspace, self.theta = workspace, theta
        self._networks: dict[tuple[date | None, date | None], AsOf] = {}

    def logs(self, made: Statement, target: Target) -> tuple[Array, Array]:
        """Log of P(target, given, known) and of P(not target, given, known)."""
        read = read_at(made, self.workspace.network)
        key = read, target.by or self.horizon(made)
        if key not in self._networks:
            self._networks[key] = AsOf(self.workspace, self.theta, read or OPENS, key[1], at_opening=read is None)
        happens, rest = self._networks[key].log_odds(target)
        return happens, rest

    def horizon(self, made: Statement) -> date:
        """The horizon that was asked about on the day of a statement."""
        network, asked = self.workspace.network, self.workspace.network.window_ends
        for roll in network.rolled:
            asked = roll.horizon if roll.on <= made.date else asked
        return asked

    def _case(self, made: Statement, count: Count) -> Array:
        """Log of the probability that one case of a reference class has no step (is not as the target says).

        The target stays open with e^-(rate A(by)), a case with e^-(rate A(case)): A counts days by their rates.
        """
        network, about, horizon = self.workspace.network, made.about, self.horizon(made)
        happens, rest = self.logs(made, about)
        days = float((horizon - network.opens).days)
        parts = {"window": 1.0, "year": 365.25 / days, "opportunity": 1.0 / (count.opportunities or 1.0)}
        times, stays = parts[count.per], False
        if about.condition is not None:
            event = network.events[about.condition.event]
            if about.by is not None:
                until = exposure_at(network, event, float((about.by - network.opens).days))
                times *= exposure_at(network, event, days) / until
            stays = event.kind == "reached" and event.states[0] in about.condition.states and times != 1.0
        return np.asarray(times * ((happens if stays else rest) - np.logaddexp(happens, rest)))

    def log_odds(self, made: Statement, target: Target) -> Array:
        """Log-odds of g."""
        happens, rest = self.logs(made, target)
        return happens - rest

    def implied(self, made: Statement) -> list[Array]:
        """What the statement is a reading of: one quantity, or one a coordinate of a distribution."""
        about, reading = made.about, made.reading
        match reading:
            case Times(against=against, of_odds=False):
                first, second = (self.logs(made, side) for side in (about, against))
                return [first[0] - np.logaddexp(*first) - second[0] + np.logaddexp(*second)]
            case Times(against=other) | MoreLikelyThan(other=other):
                return [self.log_odds(made, about) - self.log_odds(made, other)]
            case Count():
                return [self._case(made, reading)]
            case Distribution() if about.condition is not None:
                logs = []
                for state in self.workspace.network.events[about.condition.event].states:
                    one = Target(Condition(about.condition.event, (state,)), None, about.given, about.by)
                    happens, rest = self.logs(made, one)
                    logs.append(happens - np.logaddexp(happens, rest))
                return list(zero_sum_basis(len(logs)).T @ np.array(logs))
        return [self.log_odds(made, about)]


def random_target(rng: np.random.Generator, workspace: Workspace, by: date | None) -> Target:
    """An event in some of its states, or a scenario, perhaps given other events."""
    events = list(workspace.network.events.values())
    chosen = rng.permutation(len(events))[: int(rng.integers(1, 4))]
    given = []
    for v in chosen[1:]:
        size = int(rng.integers(1, len(events[v].states)))
        states = rng.choice(events[v].states, size=size, replace=False).tolist()
        given.append(Condition(events[v].id, tuple(s for s in events[v].states if s in states)))
    if workspace.scenarios and rng.random() < 0.25:
        names = [*(scenario.id for scenario in workspace.scenarios), "other"]
        return Target(None, str(rng.choice(names)), tuple(given), by)
    about = events[chosen[0]]
    size = int(rng.integers(1, len(about.states)))
    start = int(rng.integers(0, len(about.states) - size + 1))
    return Target(Condition(about.id, about.states[start : start + size]), None, tuple(given), by)


def random_reading(rng: np.random.Generator, workspace: Workspace, about: Target, days: list[date]) -> Reading:
    """One of the forms; those that need a single event fall back on a probability. A second target has its own day."""
    kind = int(rng.integers(7))
    if kind <= 2:
        second = random_target(rng, workspace, random_by(rng, days))
        return MoreLikelyThan(second) if kind == 2 else Times(second, 2.0, None, None, 0.9, of_odds=bool(kind))
    if kind in (3, 5) and about.condition is not None:
        per = str(rng.choice(["window", "year", "opportunity"]))
        return Count(1, 5, per, 3.0 if per == "opportunity" else None)  # type: ignore[arg-type]  # one of Per
    if kind == 4 and about.condition is not None:
        states = workspace.network.events[about.condition.event].states
        return Distribution(dict.fromkeys(states, 1.0 / len(states)), 0.5)
    return Probability(0.3, None, None, 0.9, 0.5)


def random_by(rng: np.random.Generator, days: list[date]) -> date | None:
    """The horizon, or one of a few days: statements about one day share a network."""
    return days[int(rng.integers(len(days)))] if days and rng.random() < 0.4 else None


def can_be_counted(reader: Reader, made: Statement) -> bool:
    """A count is of what can be and can fail to be; by a day, of what is reached, and can have been by then."""
    about, network = made.about, reader.workspace.network
    if not isinstance(made.reading, Count):
        return True
    if not all(np.isfinite(logs).all() for logs in reader.logs(made, about)):
        return False
    if about.by is None or about.condition is None:
        return True
    event = network.events[about.condition.event]
    return event.kind == "reached" and exposure_at(network, event, float((about.by - network.opens).days)) > 0.0


def random_statements(rng: np.random.Generator, reader: Reader, n: int) -> list[Statement]:
    """Up to n statements of which no target or condition was certain or impossible on their date."""
    workspace, statements = reader.workspace, []
    last = workspace.network.horizon
    few = [some_day(rng, OPENS + timedelta(days=1), last) for _ in range(3)]
    for number in range(n):
        day = some_day(rng, OPENS - timedelta(days=200), HORIZON - timedelta(days=10))
        days = [one for one in few if one > max(day, OPENS)]
        about = random_target(rng, workspace, random_by(rng, days))
        reading = random_reading(rng, workspace, about, days)
        if isinstance(reading, Count | Distribution):
            about = Target(about.condition, None, about.given, about.by)
        made = statement(f"s{number}", about, reading, expert=str(rng.choice(EXPERTS)), day=day)
        if not can_be_counted(reader, made):
            continue
        with np.errstate(all="ignore"):
            quantities = reader.implied(made)
        if all(np.isfinite(quantity).all() for quantity in quantities):
            statements.append(made)
    return statements
