"""What the blocks of a BIF file say, before anything is checked: words, each with its line."""

from __future__ import annotations

import re
from typing import NamedTuple

# Models by a few parameters for each parent, in the spellings in use; the format has no rule for any of them.
CANONICAL = re.compile(
    r"(leaky[\s_-]*)?noisy[\s_-]*(or|and|max|min|adder|logical)(?![a-z])|\bici\b|canonical[\s_-]*model\w*",
    re.IGNORECASE,
)
TABLES_ONLY = "only tables are read: save the network with the probabilities of every combination of parents"


class Word(NamedTuple):
    """A name or a number as written (without quotes), and the 1-based line it stands on."""

    text: str
    line: int


class Variable(NamedTuple):
    """A `variable` block: the state lists and the declared sizes of its `type` statements (one of each is right)."""

    name: Word
    states: tuple[tuple[Word, ...], ...]
    sizes: tuple[Word, ...]


class Entry(NamedTuple):
    """One line of numbers in a `probability` block; `given` are the parents' states of a row."""

    given: tuple[Word, ...]
    numbers: tuple[Word, ...]

    @property
    def line(self) -> int:
        """Return the line on which the entry starts."""
        return (*self.given, *self.numbers)[0].line


class Probability(NamedTuple):
    """A `probability` block: rows `(states) numbers`, `default` rows, whole `table`s, and its properties' text."""

    name: Word
    parents: tuple[Word, ...]
    rows: tuple[Entry, ...]
    defaults: tuple[Entry, ...]
    tables: tuple[Entry, ...]
    properties: tuple[Word, ...] = ()


class Blocks(NamedTuple):
    """All blocks of one file, in file order."""

    variables: tuple[Variable, ...]
    probabilities: tuple[Probability, ...]
