"""Random statements about a random world, and what each of them reads, by enumeration."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.prior.linear import zero_sum_basis
from forecast.prior.readings import read_at
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
from tests.oracle.random_worlds import some_day
from tests.worlds import HORIZON, OPENS, statement

Array = NDArray[np.float64]
EXPERTS = ("ann", "bob", "editors")


class Reader:
    """What statements about one world read, knowing what their authors knew; theta as in the enumeration."""

    def __init__(self, workspace: Workspace, theta: Theta) -> None:
        self.workspace, self.theta = workspace, theta
        self._networks: dict[tuple[date | None, date | None], AsOf] = {}

    def odds(self, made: Statement, target: Target) -> tuple[Array, Array]:
        """P(target, given, known) and P(not target, given, known)."""
        read = read_at(made, self.workspace.network)
        key = read, target.by
        if key not in self._networks:
            self._networks[key] = AsOf(self.workspace, self.theta, read or OPENS, target.by, at_opening=read is None)
        return self._networks[key].odds(target)

    def log_odds(self, made: Statement, target: Target) -> Array:
        """Log-odds of g."""
        happens, rest = self.odds(made, target)
        return np.asarray(np.log(happens) - np.log(rest))

    def implied(self, made: Statement) -> list[Array]:
        """What the statement is a reading of: one quantity, or one a coordinate of a distribution."""
        about, reading = made.about, made.reading
        match reading:
            case Times(against=against, of_odds=False):
                first, second = (self.odds(made, side) for side in (about, against))
                return [np.log(first[0] / sum(first)) - np.log(second[0] / sum(second))]
            case Times(against=other) | MoreLikelyThan(other=other):
                return [self.log_odds(made, about) - self.log_odds(made, other)]
            case Count(per=per, opportunities=opportunities):
                window = (HORIZON - OPENS).days
                exponent = {"window": 1.0, "year": 365.25 / window}.get(per) or 1.0 / float(opportunities or 0)
                happens, rest = self.odds(made, about)
                return [exponent * np.log(rest / (happens + rest))]
            case Distribution() if about.condition is not None:
                logs = []
                for state in self.workspace.network.events[about.condition.event].states:
                    one = Target(Condition(about.condition.event, (state,)), None, about.given, about.by)
                    happens, rest = self.odds(made, one)
                    logs.append(np.log(happens / (happens + rest)))
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


def random_reading(rng: np.random.Generator, workspace: Workspace, about: Target, by: date | None) -> Reading:
    """One of the forms; those that need a single event fall back on a probability."""
    kind = int(rng.integers(7))
    if kind <= 1:
        return Times(random_target(rng, workspace, by), 2.0, None, None, 0.9, of_odds=bool(kind))
    if kind == 2:
        return MoreLikelyThan(random_target(rng, workspace, by))
    if kind == 3 and about.condition is not None:
        per = str(rng.choice(["window", "year", "opportunity"]))
        return Count(1, 5, per, 3.0 if per == "opportunity" else None)  # type: ignore[arg-type]  # one of Per
    if kind == 4 and about.condition is not None:
        states = workspace.network.events[about.condition.event].states
        return Distribution(dict.fromkeys(states, 1.0 / len(states)), 0.5)
    return Probability(0.3, None, None, 0.9, 0.5)


def random_statements(rng: np.random.Generator, reader: Reader, n: int) -> list[Statement]:
    """Up to n statements of which no target or condition was certain or impossible on their date."""
    workspace, statements = reader.workspace, []
    for number in range(n):
        day = some_day(rng, OPENS - timedelta(days=200), HORIZON - timedelta(days=10))
        by = some_day(rng, max(day, OPENS) + timedelta(days=1)) if rng.random() < 0.3 else None
        about = random_target(rng, workspace, by)
        reading = random_reading(rng, workspace, about, by)
        if isinstance(reading, Count | Distribution):
            about = Target(about.condition, None, about.given, by)
        made = statement(f"s{number}", about, reading, expert=str(rng.choice(EXPERTS)), day=day)
        with np.errstate(all="ignore"):
            quantities = reader.implied(made)
        if all(np.isfinite(quantity).all() for quantity in quantities):
            statements.append(made)
    return statements
