"""What the network's structure makes of a stated number, whatever the draws: the files say other than what is meant.

A status keeps its state, steps that require each other multiply, a small number is no prerequisite, and a parent's
first state does nothing where causes only add up. Each is said with the remedy: as warnings of `forecast check`, beside
the way from a stated number to the implied one, and under a supposition.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from math import exp, expm1, inf, log1p

from forecast.cpt import DEFAULT, KINDS
from forecast.digits import DERIVED, exact
from forecast.model.history import Known, active_items, settle
from forecast.model.layout import Layout, exposed_between
from forecast.sampling.readings import numbers, read_at
from forecast.sampling.spec import active_statements
from forecast.workspace.fits import expit, logit
from forecast.workspace.names import horizon_on
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Condition, DatedCondition, Event, Requirement, Statement, Target, Workspace
from forecast.workspace.statement_forms.form import CountedCases, Ordered, StatedDistribution, StatedNumber

WIDEST_GAP = 0.5  # log-odds between what was stated and what the structure leaves of it
SMALL = 0.05  # stated without a state of a parent: as small as whoever means "cannot" writes it
# Names of states in which something is not there.
IDLE = frozenset({"no", "none", "not", "never", "nothing", "nobody", "absent", "without", "off", "false"})


def stated_probability(workspace: Workspace, statement: Statement, states: Iterable[str]) -> float | None:
    """Return the stated probability of some states of the target's event; None where the statement is of others.

    A count states the mean of Jeffreys' posterior for a case, (happened + 1/2) / (cases + 1), on the target's scale.
    """
    condition, wanted = statement.about.condition, set(states)
    match numbers(statement, workspace.experts, workspace.network):
        case StatedNumber(location=location, against=None) if condition and set(condition.states) == wanted:
            return expit(location)
        case CountedCases(happened, of, exponent, stays) if condition and set(condition.states) == wanted and not stays:
            return -expm1(log1p(-(happened + 0.5) / (of + 1.0)) / exponent)
        case StatedDistribution(probabilities=shares) if condition:
            return sum(p for state, p in zip(condition.states, shares, strict=True) if state in wanted)
    return None


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """A status that is in a state on a day, and keeps it until another day with probability `kept`.

    Whatever its parents are: the state is drawn again at the pace of `days` alone, its mean time between redraws.
    """

    event: str
    state: str
    days: float
    since: date
    until: date
    kept: float

    def bounds(self, states: Iterable[str]) -> tuple[float, float]:
        """Return the least and the largest probability of some states that any row can give."""
        return (self.kept, 1.0) if self.state in states else (0.0, 1.0 - self.kept)

    def told(self, states: Iterable[str]) -> str:
        """Say how far the probability of some states can go."""
        low, high = self.bounds(states)
        bound = f"at least {exact(low, DERIVED)}" if low else f"at most {exact(high, DERIVED)}"
        return (
            f"'{self.event}' is a status, keeps its state for {self.days:g} days on average whatever its parents do, "
            f"and is {shown(self.state)} on {self.since}: {bound} by {self.until}"
        )


def keeping(layout: Layout, known: Known, given: Sequence[Condition], event: str, until: date) -> Keeping | None:
    """Return how a status keeps its state from what is known until a day; None for other events.

    None too where its state lacks under the conditions what it requires: it has then been drawn again.
    """
    v = layout.index[event]
    of = layout.events[v]
    if of.kind != "status" or of.persistence_days is None:
        return None
    path = known.paths[v]
    since = min(path.until, until)
    state = of.states[path.on(since)]
    if any(_cannot_be_met(one, layout, given) for one in of.requires if one.state == state):
        return None
    kept = exp(-(until - since).days / of.persistence_days)
    return Keeping(event=event, state=state, days=of.persistence_days, since=since, until=until, kept=kept)


def _cannot_be_met(one: Requirement, layout: Layout, given: Sequence[Condition]) -> bool:
    under = {when.event: when.states for when in given}
    states = [under.get(name, layout.events[layout.index[name]].states) for name in one.events]
    return not any(one.is_met(dict(zip(one.events, each, strict=True))) for each in product(*states))


@dataclass(frozen=True, kw_only=True)
class NeededStep:
    """States of an event that are stated, given what they require, with a probability; None: nobody stated it."""

    event: str
    states: tuple[str, ...]
    given: str | None  # the event that is required, None for the first link
    stated: float | None

    def __str__(self) -> str:
        """Write it as a factor: `works begun given permit 60 %`."""
        given = f" given {self.given}" if self.given else ""
        said = "not stated" if self.stated is None else exact(self.stated)
        return f"{self.event} {'/'.join(self.states)}{given} {said}"


@dataclass(frozen=True)
class NeededChain:
    """Links from the last event back to the first, each of which the one before it requires."""

    links: tuple[NeededStep, ...]

    @property
    def most(self) -> float:
        """The product of what is stated: the last event is at most so probable."""
        product_ = 1.0
        for link in self.links:
            product_ *= 1.0 if link.stated is None else link.stated
        return product_

    def __str__(self) -> str:
        """Write the chain and its product."""
        return f"{' x '.join(map(str, self.links))} = {exact(self.most, DERIVED)} at most"

    def told(self) -> str:
        """Say what requires what, and the product."""
        names = [f"{link.event} {'/'.join(link.states)}" for link in self.links]
        return f"{names[0]} requires {', which requires '.join(names[1:])}: {self}"


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A workspace's statements known on a date, and what its network makes of them."""

    workspace: Workspace
    layout: Layout
    as_of: date

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements known on the date."""
        return active_statements(self.workspace, self.as_of)

    def notes(self, said: Statement) -> tuple[str, ...]:
        """Say what of the structure takes a statement's number away from what was stated, and the remedy."""
        found: list[str] = []
        if (kept := self._broken(said)) is not None:
            found.append(f"{kept.told(_condition(said).states)}; {self._unkept(said, kept)}")
        if (chain := self._too_long(said)) is not None:
            found.append(f"a chain of prerequisites multiplies: {chain.told()}")
        idle = {when.event: when.states for when in said.about.given}
        found += [
            f"under `{event.cpt.kind}` the first state of '{parent}', {shown(first)}, has no effect"
            for event, parent, first, _ in self._idle()
            if said.about.condition and said.about.condition.event == event.id and parent in idle
        ]
        return tuple(found)

    def why_other(self, said: Statement, here: float, known: Known, *, at_once: bool) -> str:
        """Say why a number stated under a condition is another in the forecast under the same condition.

        Args:
            said: the statement, about states of an event by the horizon.
            here: their probability in the forecast under the condition.
            known: what is settled there.
            at_once: the forecast has the condition come true on its day; otherwise it holds on the horizon date.
        """
        states, given = _condition(said).states, said.about.given
        kept = keeping(self.layout, known, given, _condition(said).event, self.layout.horizon)
        if kept is not None and kept.since < kept.until:
            low, high = kept.bounds(states)
            if not low <= (self.stated(said) or 0.0) <= high:
                return f"{kept.told(states)}; {self._unkept(said, kept)}"
        dated = [when for when in given if isinstance(when, DatedCondition)]
        if not at_once and any(when.held_by is None for when in dated):
            return "it was said of the day on which the condition comes true; here that may be the last day: --at-once"
        if held := [str(when.held_by) for when in dated if when.held_by is not None]:
            return f"it was said of what holds by {', '.join(held)}"
        if at_once and not dated:
            return "it was said of all cases in which the condition holds on the horizon date; ask without --at-once"
        way = f"`forecast experts {said.expert}` goes the way from the one to the other"
        left = self._left_now(said, known)
        if left is None:
            return way
        days, p = left
        told = f"it was said of a longer time; at the same pace the {days} days left give {exact(p, DERIVED)}"
        is_near = abs(_log_odds(p) - _log_odds(here)) <= WIDEST_GAP
        return told if is_near else f"{told}, and {way}"

    def _left_now(self, said: Statement, known: Known) -> tuple[int, float] | None:
        """Return the days left of the time that a statement is about, and what its hazard gives in them.

        None where the statement is not about the next steps of a reached event, or no time has passed since.
        """
        v = self.layout.index[_condition(said).event]
        if self.layout.events[v].kind != "reached":
            return None
        read, path = read_at(said, self.workspace.network) or self.layout.opens, known.paths[v]
        states = [self.layout.state(_condition(said).event, state) for state in _condition(said).states]
        if path.on(path.until) >= min(states) or not read < path.until < self.layout.horizon:
            return None
        of, left = (exposed_between(self.layout, v, day, self.layout.horizon) for day in (read, path.until))
        hazard = -log1p(-(self.stated(said) or 0.0)) * left / of
        return (self.layout.horizon - path.until).days, -expm1(-hazard)

    def is_out_of_reach(self, said: Statement) -> bool:
        """Say whether no row could give what a statement says, as its event keeps its state."""
        return self._broken(said) is not None

    def doubts(self, told: Container[str] = ()) -> tuple[Problem, ...]:
        """Return a warning for each statement, or event, whose number the structure does not carry.

        `told`: statements whose `notes` are told elsewhere.
        """
        apart = [said for said in self.statements if said.id not in told]
        found = [*self._keeping_doubts(apart), *self._chain_doubts(apart)]
        return tuple(sorted([*found, *self._prerequisite_doubts(), *self._idle_doubts(), *self._order_doubts()]))

    # A status keeps its state.

    def _keeping_doubts(self, statements: Iterable[Statement]) -> Iterator[Problem]:
        for said in statements:
            kept = self._broken(said)
            if kept is None:
                continue
            states = _condition(said).states
            p = self.stated(said)
            what = f"statement {shown(said.id)}: {kept.told(states)}"
            got = f"{exact(p or 0.0)} stated"
            yield Problem(said.source, what, got, self._unkept(said, kept), "warning")

    def _broken(self, said: Statement) -> Keeping | None:
        """Return how its event's persistence breaks a stated number, None where it does not.

        As the statement is read; what follows from a rule holds on every day, so of an exact expert also as of today.
        """
        condition, p = said.about.condition, self.stated(said)
        if condition is None or p is None or any(when.event == condition.event for when in said.about.given):
            return None
        until = said.about.by or horizon_on(self.workspace.network, said.date)
        days = [read_at(said, self.workspace.network)]
        if self.workspace.experts[said.expert].exact and said.about.given:
            days.append(self.as_of)
        for day in days:
            kept = keeping(self.layout, self._known(day), said.about.given, condition.event, until)
            if kept is not None and kept.since < until:
                low, high = (_log_odds(bound) for bound in kept.bounds(condition.states))
                if not low - WIDEST_GAP <= logit(p) <= high + WIDEST_GAP:
                    return kept
        return None

    def stated(self, said: Statement) -> float | None:
        """Return the probability that a statement gives the states that it names."""
        read = numbers(said, self.workspace.experts, self.workspace.network)
        return expit(read.location) if isinstance(read, StatedNumber) and read.against is None else None

    def _known(self, day: date | None) -> Known:
        """Return what is settled on a day; None: at the opening, before any item."""
        if day is None:
            return settle(self.layout, (), self.layout.opens, None)
        return settle(self.layout, active_items(self.workspace.items, day), day, self.workspace.watched_until)

    def _unkept(self, said: Statement, kept: Keeping) -> str:
        """Say what to do where a status keeps a state that it should leave, or loses one that it should keep."""
        event = self.layout.events[self.layout.index[kept.event]]
        shorter = f"a shorter persistence_days of '{event.id}', or a number that this leaves"
        named = _condition(said).states
        left = [state for state in event.states if (state in named) == (kept.state in named)]
        needs = self._instead(event, said.about.given)
        if needs is None:
            return shorter
        listed = ", ".join(f"{state}: {needs}" for state in left)
        return (
            f"if that is a rule, say requires: {{{listed}}} of '{event.id}' in place of the statement; else {shorter}"
        )

    def _instead(self, event: Event, given: Sequence[Condition]) -> str | None:
        """Write the states of parents that conditions exclude as what is required; None where that cannot be said.

        Of a reached event a state means that it has been reached: what has been reached cannot be required to be open.
        """
        ways = []
        for when in given:
            parent = self.layout.events[self.layout.index[when.event]]
            others = [state for state in parent.states if state not in when.states]
            if parent.id not in event.parents or not others:
                return None
            if parent.kind == "reached":
                if parent.states[0] in others:
                    return None
                others = others[:1]
            ways.append(f"{{{parent.id}: {others[0] if len(others) == 1 else f'[{", ".join(others)}]'}}}")
        if not ways:
            return None
        return ways[0] if len(ways) == 1 else f"{{any_of: [{', '.join(ways)}]}}"

    # Steps that require each other multiply.

    def _chain_doubts(self, statements: Iterable[Statement]) -> Iterator[Problem]:
        for said in statements:
            chain = self._too_long(said)
            if chain is not None:
                what = f"statement {shown(said.id)} is more than the chain of what it requires leaves"
                got = f"{exact(self.stated(said) or 0.0)}; {chain}"
                allowed = "a chain of prerequisites multiplies: state a step higher, or the last one lower; "
                yield Problem(said.source, what, got, f"{allowed}widen what is meant less exactly", "warning")

    def _too_long(self, said: Statement) -> NeededChain | None:
        """Return the chain of prerequisites that leaves less than a statement without a condition says."""
        p, condition = self.stated(said), said.about.condition
        if p is None or condition is None or said.about.given or said.about.by is not None:
            return None
        chain = self._longer(condition.event, condition.states)
        return None if chain is None or logit(p) <= _log_odds(chain.most) + WIDEST_GAP else chain

    def chain(self, event: str, states: Sequence[str]) -> NeededChain:
        """Return the chain of prerequisites of an event's states that leaves them least, as it is stated.

        A link is the largest probability that a statement gives the states given what they require. Its product is a
        bound, whatever else is so: P(all that is required) is at most that of each. Where there are several ways
        (`any_of`) the chain ends, and where less is stated of an event by itself than its own chain leaves.
        """
        alone = max(self._all_stated(event, states, lambda given: not given), default=None)
        longer = self._longer(event, states)
        if longer is not None and (alone is None or longer.most < alone):
            return longer
        return NeededChain((NeededStep(event=event, states=tuple(states), given=None, stated=alone),))

    def _longer(self, event: str, states: Sequence[str]) -> NeededChain | None:
        needed = self._needed(event, states)
        if not needed:
            return None
        chains = [self.chain(when.event, when.states) for when in needed]
        least = min(chains, key=lambda chain: chain.most)
        stated = self._once_there(event, states, needed)
        return NeededChain(
            (NeededStep(event=event, states=tuple(states), given=least.links[0].event, stated=stated), *least.links)
        )

    def _needed(self, event: str, states: Sequence[str]) -> tuple[Condition, ...]:
        """Return what all of some states of an event require, where there is one way only."""
        of = self.layout.events[self.layout.index[event]]
        first = min(of.states.index(state) for state in states)
        entered = of.states[: first + 1] if of.kind == "reached" else tuple(states) if len(states) == 1 else ()
        return tuple(
            when for one in of.requires if one.state in entered and len(one.any_of) == 1 for when in one.any_of[0]
        )

    def _once_there(self, event: str, states: Sequence[str], needed: Sequence[Condition]) -> float | None:
        """Return the largest probability stated given what is required, and nothing but what that requires in turn."""
        behind: dict[str, set[str]] = {}
        waiting = list(needed)
        while waiting:
            when = waiting.pop()
            if when.event not in behind:
                behind[when.event] = set(when.states)
                waiting += self._needed(when.event, when.states)

        def fits(given: Sequence[Condition]) -> bool:
            under = {when.event: set(when.states) for when in given}
            all_there = all(when.event in under for when in needed)
            return all_there and all(under[name] <= behind.get(name, set()) for name in under)

        return max(self._all_stated(event, states, fits), default=None)

    def _all_stated(
        self, event: str, states: Sequence[str], fits: Callable[[Sequence[Condition]], bool]
    ) -> Iterator[float]:
        """Yield what is stated of an event's states by the horizon, under conditions that fit."""
        for said in self.statements:
            about = said.about
            if about.condition and about.condition.event == event and about.by is None and fits(about.given):
                p = stated_probability(self.workspace, said, states)
                if p is not None:
                    yield p

    # A small number is no prerequisite.

    def _prerequisite_doubts(self) -> Iterator[Problem]:
        for said in self.statements:
            p, condition, given = self.stated(said), said.about.condition, said.about.given
            if p is None or condition is None or self.workspace.experts[said.expert].exact:
                continue  # of an exact expert: the page on `exact` asks the same, and such a number does not leak
            event = self.layout.events[self.layout.index[condition.event]]
            states = condition.states if p <= SMALL else tuple(x for x in event.states if x not in condition.states)
            needs = self._instead(event, given)
            if min(p, 1.0 - p) > SMALL or needs is None or not _may_require(event, states):
                continue
            under = " and ".join(f"{when.event}={'/'.join(when.states)}" for when in given)
            what = (
                f"statement {shown(said.id)}: {event.id}={'/'.join(states)} has {exact(min(p, 1.0 - p))} given {under}"
            )
            needing = event.states.index(states[0]) == 1 and len(states) == len(event.states) - 1
            written = needs if needing else f"{{{', '.join(f'{state}: {needs}' for state in states)}}}"
            allowed = (
                f"a stated number leaves that possible, and may come out larger; if it cannot happen then, say "
                f"requires: {written} of '{event.id}' in place of the statement"
            )
            yield Problem(said.source, what, "", allowed, "warning")

    # A reached event begins in its first state and only goes forward.

    def _order_doubts(self) -> Iterator[Problem]:
        for event in self.layout.events:
            first, *later = event.states
            named = next((state for state in later if _is_idle(state)), None)
            if event.kind == "reached" and named is not None and not _is_idle(first):
                what = f"event {shown(event.id)}: a reached event begins in its first state and only goes forward"
                got = f"states {', '.join(event.states)}"
                allowed = f"put {shown(named)} first if that is how it begins, or make it a status"
                yield Problem(event.source, what, got, allowed, "warning")

    # A parent's first state does nothing where causes only add up.

    def _idle_doubts(self) -> Iterator[Problem]:
        for event, parent, first, seen in self._idle():
            what = f"event {shown(event.id)}: under `{event.cpt.kind}` the first state of a parent has no effect"
            got = f"{shown(first)} first of '{parent}', {seen}"
            states = self.workspace.network.events[parent].states
            order = (
                ""
                if self.workspace.network.events[parent].kind == "reached"
                else (f"put the state without effect first in the states of '{parent}' ({', '.join(states)}), or ")
            )
            yield Problem(event.source, what, got, f"{order}use cpt {DEFAULT}", "warning")

    def _idle(self) -> Iterator[tuple[Event, str, str, str]]:
        """Yield events whose causes only add up, with each parent whose first state seems to do something, and why."""
        for event in self.layout.events:
            if KINDS[event.cpt.kind].can_lower:
                continue
            for parent in event.parents:
                first, *later = self.workspace.network.events[parent].states
                named = next((state for state in later if _is_idle(state)), None)
                stated = self._higher_in_first(event, parent, first)
                if stated is not None:
                    yield event, parent, first, stated
                elif named is not None and not _is_idle(first):
                    yield event, parent, first, f"{shown(named)} is another"

    def _higher_in_first(self, event: Event, parent: str, first: str) -> str | None:
        """Say which statements give an event more in the first state of a parent than in another; None if none do."""
        alone: dict[tuple[str, ...], list[tuple[tuple[str, ...], float, str]]] = {}
        for said in self.statements:
            condition, states = said.about.condition, _in_state(said.about, event, parent)
            if condition is None or states is None:
                continue
            p = stated_probability(self.workspace, said, condition.states)
            if p is not None:
                alone.setdefault(condition.states, []).append((states, p, said.id))
                continue
            second, is_higher = self._compared(said)
            others = None if second is None else _in_state(second, event, parent)
            if second is None or others is None or second.condition != condition:
                continue
            if (states if is_higher else others) == (first,):
                return f"and statement {shown(said.id)} gives {shown(event.id)} more there"
        for stated in alone.values():
            there = max((one[1:] for one in stated if one[0] == (first,)), default=None)
            elsewhere = min((one[1:] for one in stated if first not in one[0]), default=None)
            if there is not None and elsewhere is not None and there[0] > elsewhere[0]:
                low = f"{exact(elsewhere[0])} elsewhere ({elsewhere[1]})"
                return f"with {exact(there[0])} stated there ({there[1]}) and {low}"
        return None

    def _compared(self, said: Statement) -> tuple[Target | None, bool]:
        """Return what a statement compares its target with, and whether it says that its own is the likelier one."""
        match numbers(said, self.workspace.experts, self.workspace.network):
            case Ordered(other=other):
                return other, True
            case StatedNumber(location=location, against=against):
                return against, location > 0.0
        return None, False


def _may_require(event: Event, states: Sequence[str]) -> bool:
    """Say whether states of an event may require anything: not the one where it begins, of a reached one all later."""
    begins = event.initial if event.kind == "status" else event.states[0]
    if not states or begins in states:
        return False
    return event.kind != "reached" or states[-1] == event.states[-1]


def _in_state(about: Target, event: Event, parent: str) -> tuple[str, ...] | None:
    """Return the states of a parent under which alone a target is about later states of an event."""
    condition = about.condition
    if condition is None or condition.event != event.id or event.states[0] in condition.states or len(about.given) != 1:
        return None
    (when,) = about.given
    return when.states if when.event == parent else None


def _is_idle(state: str) -> bool:
    words = state.lower().replace("-", "_").split("_")
    return words[0] in IDLE


def _condition(said: Statement) -> Condition:
    assert said.about.condition is not None  # for the type checker
    return said.about.condition


def _log_odds(p: float) -> float:
    return logit(p) if 0.0 < p < 1.0 else inf if p else -inf
