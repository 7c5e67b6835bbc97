"""What every format that is written needs: names as it takes them, every digit of a number, and what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from forecast.networks.details import listed
from forecast.networks.network import DiscreteNetwork

Array = NDArray[np.float64]
PLAIN = re.compile("[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]*")
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Places:
    """What a format has a place for, beside names, states and tables.

    `properties` are those of variables; `network` says that the network has a name and properties, too.
    """

    form: str
    titles: bool = False
    properties: bool = False
    network: bool = False
    noisy_max: bool = False
    deterministic: bool = False


def left_out(network: DiscreteNetwork, places: Places) -> list[str]:
    """Say what a network has that a format has no place for, one line for each kind of thing."""
    details = network.details
    said = []
    of_network = [*(["its name"] if details.name else []), *(f"'{name}'" for name, _ in details.properties)]
    if of_network and not places.network:
        said.append(f"properties of the network: {', '.join(of_network[:3])}{_more(of_network)}")
    for is_carried, what, having in (
        (places.titles, "titles", [name for name in network.names if details.of(name).title]),
        (places.properties, "properties", [name for name in network.names if details.of(name).properties]),
        (places.form == details.form, f"what only {details.form} says", _with_kept(network)),
    ):
        if having and not is_carried:
            said.append(f"{what} of {listed(having)}")
    if details.kept and places.form != details.form:
        said.append(f"what only {details.form} says of the network: {', '.join(dict(details.kept))}")
    max_names = [name for name in network.names if details.of(name).noisy_max is not None]
    if max_names and not places.noisy_max:
        said.append(f"noisy-max parameters of {listed(max_names)}: the tables are written")
    fixed = [name for name in network.names if details.of(name).is_deterministic]
    if fixed and not places.deterministic:
        said.append(f"that {listed(fixed)} follow from their parents: tables of 0 and 1 are written")
    return said


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 3} more" if len(names) > 3 else ""  # as many as are named


def _with_kept(network: DiscreteNetwork) -> list[str]:
    return [name for name in network.names if network.details.of(name).kept]


@dataclass(frozen=True)
class Renamed:
    """Names as a format takes them: of the variables, and of the states of each."""

    variables: Mapping[str, str]
    states: Mapping[str, Mapping[str, str]]

    def told(self) -> list[str]:
        """Say which names are others in the file."""
        said = []
        if names := _changed(self.variables):
            said.append(f"names of variables: {names}")
        every = {
            f"{state} of {name}": new for name, of in self.states.items() for state, new in of.items() if new != state
        }
        if every:
            shown = [f"'{old}' is {new}" for old, new in list(every.items())[:3]]
            said.append(f"names of states: {', '.join(shown)}{_more([*every])}")
        return said


def _changed(names: Mapping[str, str]) -> str:
    changed = [f"'{old}' is {new}" for old, new in names.items() if new != old]
    return ", ".join(changed[:3]) + _more(changed)


def identifiers(network: DiscreteNetwork, *, most: int | None = None) -> Renamed:
    """Return names of letters, digits and underscores that begin with a letter, no two alike and none above `most`.

    A name that is such a word stays as it is.
    """
    of_states = {name: as_identifiers(known, "s", most) for name, known in network.states.items()}
    return Renamed(as_identifiers(network.names, "v", most), of_states)


def as_identifiers(names: Collection[str], prefix: str, most: int | None = None) -> dict[str, str]:
    """Return an identifier for each name; `prefix` begins those of names that do not begin with a letter."""
    kept = {name for name in names if IDENTIFIER.fullmatch(name) and (most is None or len(name) <= most)}
    taken, made = set(kept), {}
    for name in names:
        if name in kept:
            made[name] = name
            continue
        word = re.sub(r"[^A-Za-z0-9_]+", "_", name)
        word = word if IDENTIFIER.fullmatch(word) else f"{prefix}{word}"
        ends = ("" if number == 1 else f"_{number}" for number in count(1))
        cut = (word[: None if most is None else most - len(end)] + end for end in ends)
        made[name] = next(one for one in cut if one not in taken)
        taken.add(made[name])
    return made


def fitting(names: Collection[str], fits: Callable[[str], bool], prefix: str) -> dict[str, str]:
    """Return names that fit: those that do not become identifiers, no two alike."""
    others = as_identifiers([name for name in names if not fits(name)], prefix)
    made = {name: name for name in names if fits(name)}
    taken = {*made}
    for name, word in others.items():
        while word in taken:
            word = f"{word}_"
        taken.add(word)
        made[name] = word
    return {name: made[name] for name in names}


def is_plain(text: str) -> bool:
    """Say whether a text can stand in a file of text: no control characters but the end of a line and tabs."""
    return PLAIN.fullmatch(text) is not None


def as_xml(text: str) -> str:
    """Return a text with a sign in the place of each letter that XML 1.0 does not have, or that its readers change."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def digits(numbers: Iterable[float]) -> str:
    """Write numbers with the fewest digits that are read back as the same doubles, one blank between two."""
    return " ".join(map(repr, numbers))


def rows(table: Array) -> list[list[float]]:
    """Return the rows of a table, those of the last parent next to each other."""
    listed_rows: list[list[float]] = table.reshape(-1, table.shape[-1]).tolist()
    return listed_rows


def by_parents(network: DiscreteNetwork) -> tuple[str, ...]:
    """Return the variables, parents before children, and otherwise in their order."""
    placed: dict[str, None] = {}
    waiting = [(name, False) for name in reversed(network.names)]
    while waiting:
        name, is_ready = waiting.pop()
        if is_ready:
            placed.setdefault(name)
        elif name not in placed:
            waiting += [(name, True), *((parent, False) for parent in reversed(network.parents[name]))]
    return tuple(placed)


def in_parentheses(table: Array, indent: str, comma: str) -> str:
    """Write a table as nested lists, one for each parent, a row on each line; of a variable without parents one row."""
    if table.ndim == 1:
        return f"({comma.join(map(repr, table.tolist()))})"
    shape = table.shape[:-1]
    lines = []
    every = list(np.ndindex(shape))
    for at, row in zip(every, rows(table), strict=True):
        opened = next((i for i in range(len(shape) - 1, -1, -1) if at[i]), -1)  # lists that begin here: those after it
        closed = next((i for i in range(len(shape) - 1, -1, -1) if at[i] != shape[i] - 1), -1)
        begin, end = "(" * (len(shape) - 1 - opened), ")" * (len(shape) - 1 - closed)
        last = at == every[-1]
        lines.append(f"{begin:>{len(shape)}}({comma.join(map(repr, row))}){end}{'' if last or comma == ' ' else ','}")
    return f"\n{indent}".join(lines)
