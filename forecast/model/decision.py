"""Which of several rules holds first, in the form that an elimination needs.

The rules name some of the variables. Kept together to the last, these answer everything, but have as many joint states
as the product of theirs. Instead the rules can be evaluated on the way: a variable is read where it is summed out, and
of what was read only its class is passed on, which rules can still be the first to hold. That is a decision diagram
over the tree of the elimination (on a line, an ordered one: Bryant 1986; on a tree: Darwiche 2011). Each merging of two
classes is a factor of zeros and ones over them and an auxiliary variable, their class together, so that elimination,
most probable states and derivatives hold for them as they are; the last class is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.engine import ENGINE, Plan
from forecast.model.layout import Layout
from forecast.workspace.records import Scenario

Array = NDArray[np.float64]
Scope = tuple[int, ...]

SMALL_JOINT = 512  # joint states that are kept together as they are: no other way costs noticeably less
LARGEST_JOINT = 1_000_000  # joint states that are looked at beside a diagram
LARGEST_MERGE = 10_000  # pairs of classes that are looked at to be merged: each takes some microseconds
LARGEST_TABLE = 1_000_000  # entries of the factor of a merging


class TooManyClassesError(ValueError):
    """Rules that are too intricate for a diagram, and `size` entries are too many for a table over their variables."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"the rules of the scenarios need a table of {size:,} entries")


class Rule(NamedTuple):
    """A rule that holds where every condition does: a variable, and of each of its states whether it is named.

    None in the place of the conditions: the rule can never hold.
    """

    conditions: tuple[tuple[int, tuple[bool, ...]], ...] | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which rule holds first, read from the variables `kept`, which an elimination leaves to the last.

    `masks` (rules + 1, *states of `kept`): 1 where that rule is the first, the last where none holds. `cards`, `scopes`
    and `tables` (*states of the scope, 1) are the auxiliary variables, numbered behind all others, and their factors;
    the scope's last variable is the one that the factor determines. There are none where the rules' own variables are
    kept.
    """

    kept: Scope
    masks: Array
    cards: Scope = ()
    scopes: tuple[Scope, ...] = ()
    tables: tuple[Array, ...] = field(default=(), repr=False)

    def plan(self, cards: Sequence[int], scopes: Iterable[Scope]) -> Plan:
        """Plan the elimination of a network with the auxiliary variables."""
        return _plan((*cards, *self.cards), (*scopes, *self.scopes), self.kept)

    def first(self, states: Sequence[int], n_variables: int) -> int:
        """Return which rule holds first at the states of the variables; the last number where none does.

        Args:
            states: of the variables, by number; only those that rules name are read.
            n_variables: number of variables before the auxiliary ones.
        """
        known = dict(enumerate(states))
        for number, (scope, table) in enumerate(zip(self.scopes, self.tables, strict=True)):
            known[n_variables + number] = int(table[tuple(known[v] for v in scope[:-1])].argmax())
        at = tuple(known[v] for v in self.kept)
        return next(number for number, mask in enumerate(self.masks) if mask[at])


@lru_cache(maxsize=32)
def _plan(cards: Scope, scopes: tuple[Scope, ...], keep: Scope) -> Plan:
    """Return the plan of networks of that shape: much of the evidence changes nothing of it."""
    return ENGINE.plan(cards, scopes, keep=keep)


def rules_of(layout: Layout, alive: Sequence[range], scenarios: Iterable[Scenario]) -> tuple[Rule, ...]:
    """Return the scenarios' rules, over the states that their events can still be in."""

    def condition(event: str, named: Sequence[str]) -> tuple[int, tuple[bool, ...]]:
        v = layout.index[event]
        return v, tuple(layout.events[v].states[x] in named for x in alive[v])

    return tuple(Rule(tuple(condition(when.event, when.states) for when in one.when)) for one in scenarios)


def decide(cards: Sequence[int], scopes: Iterable[Scope], rules: Sequence[Rule]) -> Decision:
    """Choose how to evaluate rules in a network: by their variables' joint states, or by a diagram.

    Args:
        cards: number of states of each variable.
        scopes: of the network's factors.
        rules: in order; the first that holds counts.

    Few joint states are kept together without a look at anything else. Of more, the elimination with less work counts.

    Raises TooManyClassesError where both would be too large to be written down.
    """
    named = _named(rules)
    if prod(cards[v] for v in named) <= SMALL_JOINT:
        return _joint(cards, named, rules)
    # Factors of one variable, which most of the evidence is, take no part in the choice.
    wide = tuple(sorted({tuple(sorted(scope)) for scope in scopes if len(scope) > 1}))
    return _cheapest(tuple(cards), wide, tuple(rules))


def _named(rules: Iterable[Rule]) -> Scope:
    return tuple(sorted({v for rule in rules for v, _ in rule.conditions or ()}))


def _joint(cards: Sequence[int], named: Scope, rules: Sequence[Rule]) -> Decision:
    which = np.full([cards[v] for v in named], len(rules), dtype=np.intp)
    for number, rule in reversed(list(enumerate(rules))):
        if rule.conditions is None:
            continue
        holds = np.ones((1,) * len(named), dtype=bool)
        for v, states in rule.conditions:
            holds = holds & np.array(states, dtype=bool).reshape([-1 if other == v else 1 for other in named])
        which[np.broadcast_to(holds, which.shape)] = number
    numbers = np.arange(len(rules) + 1).reshape([-1] + [1] * which.ndim)
    return Decision(kept=named, masks=np.asarray(which == numbers, dtype=np.float64))


@lru_cache(maxsize=32)
def _cheapest(cards: Scope, scopes: tuple[Scope, ...], rules: tuple[Rule, ...]) -> Decision:
    named = _named(rules)
    size = prod(cards[v] for v in named)
    made = [_joint(cards, named, rules)] if size <= LARGEST_JOINT else []
    order, asked = ENGINE.plan(cards, scopes), _Asked(cards, rules)
    for share in MERGED:
        with suppress(TooManyClassesError):  # another share may do
            made.append(_Diagram(cards, asked, share).along(order))
    if not made:
        raise TooManyClassesError(size)
    return min(made, key=lambda one: _work(one, cards, scopes))


def _work(decision: Decision, cards: Scope, scopes: tuple[Scope, ...]) -> int:
    """Return about how many products an elimination forms, those with the masks on both ways included."""
    return decision.plan(cards, scopes).work + 2 * decision.masks.size


class _Asked:
    """What rules ask of variables: sets of rules as bits, the lowest that of the first; the last rule asks nothing."""

    def __init__(self, cards: Sequence[int], rules: Sequence[Rule]) -> None:
        self._of = [_asked(cards, rule) for rule in rules] + [{}]
        self.variables = {v for one in self._of for v in one or ()}
        self.number = len(self._of)
        self._left: dict[frozenset[int], tuple[int, list[int]]] = {}

    def at(self, v: int, state: int) -> int:
        """Return the rules that a state of a variable leaves possible."""
        possible = (one is not None and state in one.get(v, (state,)) for one in self._of)
        return sum(1 << number for number, is_possible in enumerate(possible) if is_possible)

    def always(self) -> int:
        """Return the first rule that asks nothing."""
        return next(number for number, one in enumerate(self._of) if one == {})

    def first(self, rules: int, read: frozenset[int]) -> int:
        """Return those of some rules that can still be the first, whatever is not read yet turns out to be.

        Not those behind one that has nothing left to ask, nor those that ask no less than one before them.
        """
        if read not in self._left:
            self._left[read] = self._still_asked(read)
        done, no_less = self._left[read]
        if found := rules & done:
            rules &= 2 * (found & -found) - 1
        return sum(1 << j for j in range(self.number) if rules >> j & 1 and not rules & no_less[j])

    def _still_asked(self, read: frozenset[int]) -> tuple[int, list[int]]:
        """Return the rules that have nothing left to ask, and for each those before it that ask no more."""
        left = [None if of is None else {v: of[v] for v in of if v not in read} for of in self._of]
        no_less = [sum(1 << i for i in range(j) if _implies(one, left[i])) for j, one in enumerate(left)]
        return sum(1 << j for j, one in enumerate(left) if one == {}), no_less


def _implies(one: Mapping[int, frozenset[int]] | None, other: Mapping[int, frozenset[int]] | None) -> bool:
    return one is not None and other is not None and all(v in one and one[v] <= states for v, states in other.items())


def _asked(cards: Sequence[int], rule: Rule) -> dict[int, frozenset[int]] | None:
    """Return the states that a rule asks of each variable that does not fulfil it anyhow; None if it never holds."""
    if rule.conditions is None:
        return None
    asked: dict[int, frozenset[int]] = {}
    for v, named in rule.conditions:
        asked[v] = asked.get(v, frozenset(range(cards[v]))) & {x for x, is_named in enumerate(named) if is_named}
    if not all(asked.values()):
        return None
    return {v: states for v, states in asked.items() if len(states) < cards[v]}


# Classes are merged where so small a share of their pairs is left; the others travel side by side. No share is the best
# for all networks, so that several are tried.
MERGED = (1.0, 0.8, 0.6, 0.3)


class _Read(NamedTuple):
    """Variables that were read (`of`), and the class of each state of `variable`: a bit for each rule that can still be
    the first, the last bit for none.
    """

    variable: int
    of: frozenset[int]
    classes: tuple[int, ...]


class _Diagram:
    def __init__(self, cards: Sequence[int], asked: _Asked, share: float) -> None:
        self._cards, self._asked, self._share = cards, asked, share
        self._made: list[int] = []
        self._scopes: list[Scope] = []
        self._tables: list[Array] = []

    def along(self, order: Plan) -> Decision:
        """Read each variable where it is summed out, and merge the classes that come together there."""
        waiting: dict[int, list[_Read]] = {}
        for step in order.steps:
            reads = [read for slot in step.inputs for read in waiting.pop(slot, [])]
            if step.variable in self._asked.variables:
                states = range(self._cards[step.variable])
                classes = tuple(self._asked.at(step.variable, x) for x in states)
                reads.append(_Read(step.variable, frozenset((step.variable,)), classes))
            waiting[step.output] = self._merged(reads, self._share)
        reads = self._merged([read for slot in order.root for read in waiting.pop(slot, [])], 1.0, to_one=True)
        if not reads:  # whatever the states are, the same rule holds
            return Decision(kept=(), masks=np.eye(self._asked.number)[self._asked.always()])
        answers = [self._asked.first(of, reads[0].of) for of in reads[0].classes]
        numbers = np.arange(self._asked.number)[:, np.newaxis]
        return Decision(
            kept=(reads[0].variable,),
            masks=np.asarray(numbers == [answer.bit_length() - 1 for answer in answers], dtype=np.float64),
            cards=tuple(self._made),
            scopes=tuple(self._scopes),
            tables=tuple(self._tables),
        )

    def _merged(self, reads: list[_Read], share: float, *, to_one: bool = False) -> list[_Read]:
        """Merge the two with the fewest classes, as long as so small a share of their pairs is left."""
        while len(reads) > 1:
            a, b, *others = sorted(reads, key=lambda read: (len(read.classes), read.variable))
            class_of = self._classes(a, b)
            if len(set(class_of.values())) > share * len(a.classes) * len(b.classes) and not to_one:
                break
            reads = [*others, self._merge(a, b, class_of)]
        return reads

    def _classes(self, a: _Read, b: _Read) -> dict[int, int]:
        """Return the class of each set of rules that two classes leave possible."""
        if (size := len(a.classes) * len(b.classes)) > LARGEST_MERGE:
            raise TooManyClassesError(size)
        read = a.of | b.of
        return {of: self._asked.first(of, read) for of in {x & y for x in a.classes for y in b.classes}}

    def _merge(self, a: _Read, b: _Read, class_of: Mapping[int, int]) -> _Read:
        classes = tuple(sorted(set(class_of.values())))
        if (size := len(a.classes) * len(b.classes) * len(classes)) > LARGEST_TABLE:
            raise TooManyClassesError(size)
        place = {of: state for state, of in enumerate(classes)}
        table = np.zeros((len(a.classes), len(b.classes), len(classes), 1))
        for i, x in enumerate(a.classes):
            table[i, range(len(b.classes)), [place[class_of[x & y]] for y in b.classes]] = 1.0
        made = _Read(len(self._cards) + len(self._made), a.of | b.of, classes)
        self._made.append(len(classes))
        self._scopes.append((a.variable, b.variable, made.variable))
        self._tables.append(table)
        return made
