"""A discrete Bayesian network, built of the blocks of a file and checked."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.networks.details import NetworkDetails
from forecast.workspace.numbers import vanishes, why_no_number
from forecast.workspace.problems import (
    Problem,
    Source,
    WorkspaceProblems,
    choice,
    is_slip,
    near,
    nearest,
    quoted,
    shown,
)

# The blocks of a BIF file, and the numbers of each laid out as a conditional probability table.

# Models by a few parameters for each parent, in the spellings in use; the format has no rule for any of them.
CANONICAL = re.compile(
    r"(leaky[\s_-]*)?noisy[\s_-]*(or|and|max|min|adder|logical)(?![a-z])|\bici\b|canonical[\s_-]*model\w*",
    re.IGNORECASE,
)
TABLES_ONLY = "only tables are read: save the network with the probabilities of every combination of parents"


class BifWord(NamedTuple):
    """A name or a number as written (without quotes), and the 1-based line it stands on."""

    text: str
    line: int


class VariableBlock(NamedTuple):
    """A `variable` block: the state lists and the declared sizes of its `type` statements (one of each is right)."""

    name: BifWord
    states: tuple[tuple[BifWord, ...], ...]
    sizes: tuple[BifWord, ...]


class ProbabilityEntry(NamedTuple):
    """One line of numbers in a `probability` block; `given` are the parents' states of a row."""

    given: tuple[BifWord, ...]
    numbers: Sequence[BifWord]

    @property
    def line(self) -> int:
        """Return the line on which the entry starts."""
        return (self.given or self.numbers)[0].line


class ProbabilityBlock(NamedTuple):
    """A `probability` block: rows `(states) numbers`, `default` rows, whole `table`s, and its properties' text.

    A whole table lists the variable's own states slowest, as in BIF, or `by_row`: one row after the other, the last
    parent's states fastest, as in every other format. `computed` makes the table where a file has none but what it is
    computed from: of the states of the parents and of the variable itself, and the name of the file.
    """

    name: BifWord
    parents: tuple[BifWord, ...]
    rows: tuple[ProbabilityEntry, ...] = ()
    defaults: tuple[ProbabilityEntry, ...] = ()
    tables: tuple[ProbabilityEntry, ...] = ()
    properties: tuple[BifWord, ...] = ()
    by_row: bool = False
    computed: Callable[[Mapping[str, Sequence[str]], str], CheckedTable] | None = None


class Words(NamedTuple):
    """What messages call the parts of a format: what declares a variable, and what gives it a table."""

    variable: str = "'variable' block"
    table: str = "probability block"


class Blocks(NamedTuple):
    """All blocks of one file, in file order."""

    variables: tuple[VariableBlock, ...]
    probabilities: tuple[ProbabilityBlock, ...]
    words: Words = Words()


LEAST_DIGITS = 4  # significant ones that a program prints where it counts those and not the decimals

NUMBER = re.compile(r"[+-]?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?")


def rounding_of(numbers: Sequence[str]) -> float:
    """Return a bound: numbers that add up to one miss it by less once they are rounded and printed.

    Half a unit of the last place of each number. Programs print with as many decimals or as many significant digits
    for a whole row, and leave out zeros at the end; a number's last place is therefore the row's last decimal, or that
    of the row's most significant digits where it comes earlier. Numbers without any decimal are exact. (The bound
    itself would need numbers that all lie in the middle of two roundings and go the same way.)
    """
    printed = [_places(number) for number in numbers]
    finest = min(last for _, last, _ in printed)
    digits = max(LEAST_DIGITS, *(count for _, _, count in printed))
    if finest >= 0:
        return 0.0
    return sum(0.5 * 10.0 ** min(last, max(finest, first - digits + 1)) for first, last, _ in printed)


def _places(number: str) -> tuple[int, int, int]:
    """Return the powers of ten of the first and the last digit, and how many digits there are from one to the other.

    A one counts as the number just below it: as a probability it is rounded where 0.99... would be. A zero has no first
    digit: it is as fine as its row.
    """
    found = NUMBER.fullmatch(number)
    if found is None:
        msg = f"not a number: {number!r}"
        raise ValueError(msg)
    whole, after, only_after, power = found.groups()
    decimals = after or only_after or ""
    exponent = int(power or 0)
    last = exponent - len(decimals)
    digits = ((whole or "") + decimals).lstrip("0")
    if not digits:
        return -(10**6), 0 if last >= 0 else last, 0
    first = last + len(digits) - 1
    return min(first, -1), last, len(digits) - max(first + 1, 0)


SUM_TOLERANCE = 1e-6  # of a row whose digits explain less: some programs print more than they hold
ROUNDING = 1e-12  # what adding up numbers in floating point leaves; not worth a word
MAX_TABLE_ENTRIES = 4_000_000  # of one table: 32 MB
NAMED_AT_MOST = 3  # missing rows that one message lists


# Whether rows that rounding does not explain are divided by their sums, too: every format is read the same way, and
# none has to hand it on.
_NORMALISES: ContextVar[bool] = ContextVar("_NORMALISES", default=False)


@contextmanager
def normalising(*, is_wanted: bool) -> Iterator[None]:
    """Divide every row by its sum, however far that is from one, while networks are read; each table tells of it."""
    before = _NORMALISES.set(is_wanted)
    try:
        yield
    finally:
        _NORMALISES.reset(before)


class CheckedTable(NamedTuple):
    """A table with axes (parents..., states), rows normalised, and what was found wrong or mended on the way."""

    rows: NDArray[np.float64]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read_table(block: ProbabilityBlock, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
    """Lay out the entries of a block.

    Args:
        block: the entries as written: rows with the parents' states, a default row, or one whole table.
        states: the states of each parent, in order, and last those of the variable itself.
        path: the name that messages give.

    A whole `table` lists the variable's own states slowest and the last parent fastest (the format's rule). A row
    that misses one by less than rounding to its printed digits explains, or by less than 1e-6, is divided by its sum,
    with a warning; any other deviation is a problem. So is a canonical model, which is no table.
    """
    if block.computed is not None:
        return block.computed(states, path)
    reader = _BlocksReader(block, states, path)
    reader.refuse_canonical()
    if not reader.problems:
        reader.read_whole() if block.tables else reader.read_rows()
        reader.normalise()
    return CheckedTable(reader.rows, tuple(reader.problems), tuple(reader.warnings))


class _BlocksReader:
    def __init__(self, block: ProbabilityBlock, states: Mapping[str, Sequence[str]], path: str) -> None:
        *self.parents, self.name = states
        self.block, self.states, self.path = block, states, path
        self.index = {name: {state: i for i, state in enumerate(known)} for name, known in states.items()}
        self.shape = tuple(len(known) for known in states.values())
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.entries: dict[tuple[int, ...], ProbabilityEntry] = {}  # what gave each row
        self.rows: NDArray[np.float64] = np.empty(0)
        if prod(self.shape) > MAX_TABLE_ENTRIES:
            self._problem(
                block.name.line, "table is too large", f"{prod(self.shape)} entries", f"at most {MAX_TABLE_ENTRIES}"
            )

    def _problem(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(Source(self.path, line), f"variable '{self.name}': {what}", got, allowed))

    def refuse_canonical(self) -> None:
        for word in self.block.properties:
            if found := CANONICAL.search(word.text):
                self._problem(word.line, "a canonical model, not a table", f"'{found[0]}'", TABLES_ONLY)
                return

    def read_whole(self) -> None:
        first, *others = self.block.tables
        for entry in (*others, *self.block.rows, *self.block.defaults):
            self._problem(entry.line, "numbers beside a whole table", allowed=f"the table is on line {first.line}")
        numbers = self._numbers(first, prod(self.shape))
        if numbers is None or self.problems:
            return
        if self.block.by_row:
            self.rows = np.array(numbers).reshape(self.shape)
        else:
            own_first = np.array(numbers).reshape(self.shape[-1], *self.shape[:-1])
            self.rows = np.ascontiguousarray(np.moveaxis(own_first, 0, -1))
        self.entries = dict.fromkeys(np.ndindex(self.shape[:-1]), first)

    def read_rows(self) -> None:
        self.rows = np.zeros(self.shape)
        n_configurations = prod(self.shape[:-1])
        mistaken = 0  # rows that cannot be placed; what they leave out is not reported again
        for entry in self.block.rows:
            at = self._place(entry)
            numbers = self._numbers(entry, self.shape[-1])
            if at is None:
                mistaken += 1
                continue
            if at in self.entries:
                first = self.entries[at].line
                self._problem(entry.line, f"a second row for {self._row(at)}", allowed=f"first on line {first}")
                continue
            self.entries[at] = entry
            self.rows[at] = np.nan if numbers is None else numbers
        self._fill_default()
        n_missing = 0 if self.block.defaults else n_configurations - len(self.entries) - mistaken
        if n_missing > 0 and not mistaken:
            missing = (at for at in np.ndindex(self.shape[:-1]) if at not in self.entries)
            named = ", ".join(self._row(at) for at in islice(missing, NAMED_AT_MOST))
            more = f" and {n_missing - NAMED_AT_MOST} more" if n_missing > NAMED_AT_MOST else ""
            self._problem(self.block.name.line, f"{n_missing} of {n_configurations} rows missing: {named}{more}")

    def _fill_default(self) -> None:
        for entry in self.block.defaults[1:]:
            self._problem(entry.line, "a second default row", allowed=f"first on line {self.block.defaults[0].line}")
        for entry in self.block.defaults[:1]:
            numbers = self._numbers(entry, self.shape[-1])
            is_left = np.ones(self.shape[:-1], dtype=bool)
            for at in self.entries:
                is_left[at] = False
            if is_left.any():
                self.rows[is_left] = np.nan if numbers is None else numbers
                # The first of its rows stands for all of them: a line of a file can fill millions.
                first = np.unravel_index(int(np.argmax(is_left)), self.shape[:-1])
                self.entries[tuple(map(int, first))] = entry

    def _place(self, entry: ProbabilityEntry) -> tuple[int, ...] | None:
        if len(entry.given) != len(self.parents):
            got = f"{len(entry.given)} parent states"
            self._problem(entry.line, "row has the wrong length", got, f"parents are {quoted(self.parents) or 'none'}")
            return None
        at = []
        for parent, word in zip(self.parents, entry.given, strict=True):
            if word.text in self.index[parent]:
                at.append(self.index[parent][word.text])
            else:
                known = self.states[parent]
                allowed = choice("states", word.text, known)
                self._problem(word.line, f"parent '{parent}' has no such state", shown(word.text), allowed)
        return tuple(at) if len(at) == len(self.parents) else None

    def _numbers(self, entry: ProbabilityEntry, n: int) -> list[float] | None:
        if len(entry.numbers) != n:
            self._problem(entry.line, "wrong number of probabilities", str(len(entry.numbers)), f"{n} are needed")
            return None
        # Words that are made when they are asked for have their texts at hand, and their lines only on demand.
        texts: Sequence[str] = getattr(entry.numbers, "texts", None) or [word.text for word in entry.numbers]
        wrong = next((i for i, text in enumerate(texts) if not _is_probability(text)), None)
        if wrong is not None:
            word = entry.numbers[wrong]
            hint = f"; {why}" if (why := why_no_number(word.text)) else ""
            self._problem(word.line, "not a probability", shown(word.text), f"a number from 0 to 1{hint}")
            return None
        return [*map(float, texts)]

    def _row(self, at: tuple[int, ...]) -> str:
        return f"({', '.join(self.states[parent][i] for parent, i in zip(self.parents, at, strict=True))})"

    def _printed(self, at: tuple[int, ...]) -> list[str]:
        """Return the numbers of a row as they were written."""
        words = self.entries[at].numbers
        if self.block.tables:
            rows = self.shape[:-1]
            row = int(np.ravel_multi_index(at, rows)) if rows else 0
            n = self.shape[-1]
            words = words[row * n : (row + 1) * n] if self.block.by_row else words[row :: prod(rows)]
        texts: list[str] | None = getattr(words, "texts", None)
        return [word.text for word in words] if texts is None else texts

    def _order(self) -> str:
        """Tell the order of a table's numbers, and whether they would do in the other one, in which some files are."""
        rows = self.rows.reshape(-1, self.shape[-1])
        if self.block.by_row:
            order, other = f"fastest, then those of '{self.parents[-1]}'", "slowest"
            turned = rows.reshape(self.shape[-1], -1).T
        else:
            order, other = "slowest", "fastest"
            turned = rows.T.reshape(-1, self.shape[-1])
        fits = bool((np.abs(turned.sum(axis=-1) - 1.0) <= SUM_TOLERANCE).all())
        hint = f"; with the states of '{self.name}' {other} each row of this one sums to one" if fits else ""
        return f"; a table lists the states of '{self.name}' {order}{hint}"

    def _line(self, entry: ProbabilityEntry, at: tuple[int, ...]) -> int:
        """Return the line of a row: where its first number stands, if the table lists row after row."""
        if not self.block.by_row or not self.block.tables:
            return entry.line
        row = int(np.ravel_multi_index(at, self.shape[:-1])) if self.parents else 0
        return entry.numbers[row * self.shape[-1]].line

    def normalise(self) -> None:
        sums = self.rows.sum(axis=-1)
        off = np.abs(sums - 1.0)
        beyond: dict[
            ProbabilityEntry, tuple[tuple[int, ...], float]
        ] = {}  # the first such row of each: a default fills many
        for at, entry in self.entries.items():
            if off[at] > SUM_TOLERANCE + ROUNDING and entry not in beyond:
                explained = rounding_of(self._printed(at))
                if (off[at] >= explained - ROUNDING and not _NORMALISES.get()) or sums[at] == 0.0:
                    beyond[entry] = at, explained
        for entry, (at, explained) in beyond.items():
            what = "probabilities do not sum to one" + (f" in row {self._row(at)}" if self.parents else "")
            rounded = explained > SUM_TOLERANCE
            allowed = f"1, or less than {explained:.2g} off by rounding" if rounded else f"1 within {SUM_TOLERANCE:g}"
            order = self._order() if self.block.tables and self.parents else ""
            self._problem(self._line(entry, at), what, f"{sums[at]:.9g}", f"{allowed}{order}")
        if not self.problems:
            self.rows, _, warnings = divided(self.rows, self.name, Source(self.path, self.block.name.line))
            self.warnings += warnings


def divided(rows: NDArray[np.float64], name: str, source: Source) -> CheckedTable:
    """Divide each row of a variable's table by its sum, and warn if some miss one by more than adding up leaves."""
    sums = rows.sum(axis=-1)
    off = np.abs(sums - 1.0)
    mended = int((off > ROUNDING).sum())
    if not mended:
        return CheckedTable(rows, (), ())
    what = _mended(mended, off.size, float(off.max()))
    told = f"variable '{name}': {what}"
    warning = Mended(source, told, severity="warning", variable=name, rows=mended, of=off.size, off=float(off.max()))
    return CheckedTable(rows / sums[..., np.newaxis], (), (warning,))


@dataclass(frozen=True)
class Mended(Problem):
    """A warning of table rows that miss one, by up to `off`: so many `rows` of so many were divided by their sums."""

    variable: str = ""
    rows: int = 0
    of: int = 0
    off: float = 0.0


def _mended(rows: int, of: int, off: float) -> str:
    return f"{rows} of {of} rows miss one by up to {off:.1g}; each was divided by its sum"


TOLD_APART = 3  # variables; of more whose rows were mended one line tells


def _together(warnings: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the warnings; those of the mended rows of many variables as one, where a row misses one by most."""
    mended = [warning for warning in warnings if isinstance(warning, Mended)]
    if len(mended) <= TOLD_APART:
        return tuple(warnings)
    worst = max(mended, key=lambda one: one.off)
    what = _mended(sum(one.rows for one in mended), sum(one.of for one in mended), worst.off)
    told = Problem(worst.source, f"{len(mended)} variables, '{worst.variable}' most: {what}", severity="warning")
    return (told, *(warning for warning in warnings if not isinstance(warning, Mended)))


def _is_probability(text: str) -> bool:
    most = sys.float_info.max if _NORMALISES.get() else 1.0 + SUM_TOLERANCE
    if NUMBER.fullmatch(text) is None:
        return False
    value = float(text)
    return 0.0 < value <= most or (value == 0.0 and not vanishes(text))


@dataclass(frozen=True)
class DiscreteNetwork:
    """Variables with named states, and one conditional probability table each.

    `names` are the variables in file order; `tables[v]` has one axis for each of `parents[v]`, in that order, and
    last one for the states of v; every row (last axis) sums to one. `warnings` tell what the reader had to mend.
    `details` are what the file says besides, of the network and of those variables that it says more about.
    """

    names: tuple[str, ...]
    states: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, NDArray[np.float64]]
    warnings: tuple[Problem, ...]
    details: NetworkDetails = field(default_factory=NetworkDetails)


MAX_CYCLES = 10  # named; a dense graph has more than anybody can count
MAX_ENTRIES = 8_000_000  # of all tables together: 64 MB


def build(blocks: Blocks, path: str) -> DiscreteNetwork:
    """Check the blocks of one file and make the network.

    Raises:
        WorkspaceProblems: every mistake in every block.
    """
    blocks, problems = _as_meant(blocks, path)
    states = _states(blocks.variables, path, blocks.words, problems)
    owners = _owners(blocks, states, path, problems)
    parents = {name: _parents(block, states, path, blocks.words, problems) for name, block in owners.items()}
    problems += _cycles({name: known for name, known in parents.items() if known is not None}, owners, path)
    tables: dict[str, CheckedTable] = {}
    entries = 0
    for name, block in owners.items():
        known = parents[name]
        if known is not None and name not in known and all(states[v] for v in (*known, name)):
            size = prod(len(states[v]) for v in (*known, name))
            entries += size if size <= MAX_ENTRIES else 0
            if entries > MAX_ENTRIES:
                what, got = f"variable '{name}': the tables up to here are too large", f"{entries} entries"
                problems.append(
                    Problem(Source(path, block.name.line), what, got, f"at most {MAX_ENTRIES} in a network")
                )
                break
            tables[name] = read_table(block, {v: states[v] for v in (*known, name)}, path)
            problems += tables[name].problems
    if problems:
        raise WorkspaceProblems(problems)
    return DiscreteNetwork(
        names=tuple(states),
        states=states,
        parents={name: parents[name] or () for name in states},
        tables={name: tables[name].rows for name in states},
        warnings=_together([warning for name in states for warning in tables[name].warnings]),
    )


def _as_meant(blocks: Blocks, path: str) -> tuple[Blocks, list[Problem]]:
    """Return the blocks with a misspelt variable as it was meant, and each such slip: nothing else is wrong for it.

    A name is misspelt in its declaration where nothing else names it, and several places name one that is almost the
    same; it is misspelt at a table where that variable has no other one.
    """
    declared = {variable.name.text: variable.name.line for variable in blocks.variables}
    owned = {block.name.text for block in blocks.probabilities}
    parents = {word.text for block in blocks.probabilities for word in block.parents}
    strange: dict[str, list[BifWord]] = {}
    for block in blocks.probabilities:
        for word in (block.name, *block.parents):
            if word.text not in declared:
                strange.setdefault(word.text, []).append(word)
    problems: list[Problem] = []
    meant: dict[str, str] = {}
    for name, line in declared.items() if strange else ():
        other = None if name in owned & parents else near(name, [one for one in strange if one not in meant])
        if other is None or not is_slip(other, name):
            continue
        if name not in parents and len(strange[other]) > 1:
            times = f"'{other}' is named {len(strange[other])} times, first on line {strange[other][0].line}"
            what = f"variable '{name}' is named nowhere else"
            problems.append(Problem(Source(path, line), what, "", f"{times}; did you mean '{other}'?"))
        elif name not in owned and other in owned:
            problems += [
                _unknown("variable", word, (name,), path, blocks.words.table, blocks.words) for word in strange[other]
            ]
        else:
            continue
        meant[other] = name
    if not meant:
        return blocks, problems
    return blocks._replace(probabilities=tuple(_respelt(block, meant) for block in blocks.probabilities)), problems


def _respelt(block: ProbabilityBlock, meant: Mapping[str, str]) -> ProbabilityBlock:
    def word(written: BifWord) -> BifWord:
        return written._replace(text=meant.get(written.text, written.text))

    return block._replace(name=word(block.name), parents=tuple(map(word, block.parents)))


def _states(
    variables: Iterable[VariableBlock], path: str, words: Words, problems: list[Problem]
) -> dict[str, tuple[str, ...]]:
    """Return the states of every variable; none for one whose states cannot be read, so that its name is known."""
    states: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for variable in variables:
        name, line = variable.name
        if name in states:
            problems.append(
                Problem(
                    Source(path, line), f"variable '{name}' is declared twice", allowed=f"first on line {lines[name]}"
                )
            )
            continue
        lines[name] = line
        states[name] = ()
        if len(variable.states) != 1:
            got = f"{len(variable.states)} 'type' statements"
            problems.append(Problem(Source(path, line), f"variable '{name}'", got, "one 'type discrete [n] {...};'"))
            continue
        (listed,) = variable.states
        repeated = _repeated(listed)
        problems += [
            Problem(Source(path, word.line), f"variable '{name}': state '{word.text}' twice") for word in repeated
        ]
        problems += [
            Problem(
                Source(path, size.line),
                f"variable '{name}': wrong number of states",
                size.text,
                f"{len(listed)} are listed",
            )
            for size in variable.sizes
            if size.text != str(len(listed))
        ]
        if not repeated:
            states[name] = tuple(word.text for word in listed)
    if not states:
        problems.append(Problem(Source(path, 1), "no variable", allowed=f"a network has at least one {words.variable}"))
    return states


def _owners(
    blocks: Blocks, states: Mapping[str, tuple[str, ...]], path: str, problems: list[Problem]
) -> dict[str, ProbabilityBlock]:
    """Return the `probability` block of each variable."""
    owners: dict[str, ProbabilityBlock] = {}
    without = [name for name in states if name not in {block.name.text for block in blocks.probabilities}]
    names = [block.name.text for block in blocks.probabilities]
    # A second table, and one variable without any: one name that was meant to be another.
    is_one_slip = len(without) == 1 and len(names) == len(states) and set(names) == set(states) - set(without)
    for block in blocks.probabilities:
        name, line = block.name
        if name not in states:
            problems.append(_unknown("variable", block.name, tuple(states), path, blocks.words.table, blocks.words))
        elif name in owners:
            first = owners[name].name.line
            what = f"variable '{name}' has a second {blocks.words.table}"
            allowed = f"first on line {first}" + (f"; '{without[0]}' has none" if is_one_slip else "")
            problems.append(Problem(Source(path, line), what, allowed=allowed))
        else:
            owners[name] = block
    for variable in blocks.variables:
        name, line = variable.name
        if name not in owners and not is_one_slip:
            problems.append(Problem(Source(path, line), f"variable '{name}' has no {blocks.words.table}"))
    return owners


def _parents(
    block: ProbabilityBlock, states: Mapping[str, tuple[str, ...]], path: str, words: Words, problems: list[Problem]
) -> tuple[str, ...] | None:
    """Return the parents' names, or None when some of them are mistaken."""
    name = block.name.text
    unknown = [word for word in block.parents if word.text not in states]
    repeated = _repeated(block.parents)
    problems += [_unknown("parent", word, tuple(states), path, f"variable '{name}'", words) for word in unknown]
    problems += [
        Problem(Source(path, word.line), f"variable '{name}': parent '{word.text}' twice") for word in repeated
    ]
    return None if unknown or repeated else tuple(word.text for word in block.parents)


def _unknown(kind: str, word: BifWord, known: tuple[str, ...], path: str, where: str, words: Words) -> Problem:
    allowed = f"no {words.variable} declares it{nearest(word.text, known)}"
    return Problem(Source(path, word.line), f"{where}: unknown {kind}", f"'{word.text}'", allowed)


def _repeated(words: Iterable[BifWord]) -> list[BifWord]:
    seen: set[str] = set()
    repeated = []
    for word in words:
        if word.text in seen:
            repeated.append(word)
        seen.add(word.text)
    return repeated


def _cycles(parents: Mapping[str, tuple[str, ...]], owners: Mapping[str, ProbabilityBlock], path: str) -> list[Problem]:
    """Name one cycle after the other, cutting each at its first variable; at most MAX_CYCLES."""
    left = {name: tuple(known) for name, known in parents.items()}
    problems: list[Problem] = []
    while len(problems) < MAX_CYCLES:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as found:
            cycle: list[str] = found.args[1]
            problems.append(Problem(Source(path, owners[cycle[0]].name.line), "a cycle of parents", " -> ".join(cycle)))
            left[cycle[1]] = tuple(parent for parent in left[cycle[1]] if parent != cycle[0])
        else:
            break
    return problems
