"""A network file as the priors of a workspace: constants, their rows as exact statements, zeros as requirements."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from forecast.networks.answer import answer
from forecast.networks.details import listed
from forecast.networks.network import DiscreteNetwork
from forecast.workspace.files import EXPERTS, NETWORK, SCENARIOS, SOURCES, STATEMENTS
from forecast.workspace.nodes import NAME_PATTERN

Array = NDArray[np.float64]
Box = tuple[tuple[int, ...], ...]  # for each parent the states that will do
EXPERT = "network_file"
SD = 0.1  # in log-odds, of a number that a file gives without a width: odds within a factor of 1.18 at 90 %
LONGEST_NAME = 60  # letters of an event's name


@dataclass(frozen=True)
class ImportedNetwork:
    """Contents of the new files by path, how many events and statements they hold, and what was changed on the way."""

    contents: Mapping[str, bytes]
    events: int
    statements: int
    told: tuple[str, ...]


def as_workspace(network: DiscreteNetwork, file: str, opens: date, horizon: date, sd: float = SD) -> ImportedNetwork:
    """Code a network as the files of a workspace.

    A variable becomes a constant with a table of rows: a network file knows no time, and to make an event or a status
    of a variable is a decision for whoever reads its question. A row becomes one statement for each of its states (of
    two states: for the second) by one exact expert, at the width `sd`: files give numbers without a width. A zero
    becomes what the state requires of its parents. States, and variables with one state left, that have no probability
    at all are left out, and told.

    Raises ValueError where nothing is left to forecast, or `sd` is not above 0.
    """
    if not 0.0 < sd < np.inf:
        msg = f"an sd above 0, not {sd:g}"
        raise ValueError(msg)
    told: list[str] = []
    left = _possible(network, told)
    if not left.names:
        msg = "every variable of the network is certain: there is nothing to forecast"
        raise ValueError(msg)
    names = _named(left.names, "variables", told)
    states = {
        name: _named(left.states[name], f"states of '{name}'", told, ("sd", "at_least", "any_of"))
        for name in left.names
    }
    title = network.details.name or file
    statements = [one for name in left.names for one in _statements(left, name, names, states, file, opens, sd)]
    lines = [f"title: {_quoted(title)}", f"opens: {opens}", f"horizon: {horizon}", "events:"]
    lines += [line for name in left.names for line in _event(left, name, names, states, file)]
    expert = {
        "name": f"The network file {file}",
        "role": "its tables, each row by itself",
        "exact": True,
        "default_sd": sd,
    }
    last = left.names[-1]
    scenario = {
        "id": _free("imported", names.values()),
        "name": f"{names[last]} is {states[last][left.states[last][-1]]}"[:LONGEST_NAME],
        "when": {names[last]: states[last][left.states[last][-1]]},
    }
    texts = {
        NETWORK: "\n".join(lines),
        SCENARIOS: f"# An example of a rule: write those that you want to forecast.\n- {json.dumps(scenario)}",
        EXPERTS: f"{EXPERT}: {json.dumps(expert, ensure_ascii=False)}",
        f"{STATEMENTS}{EXPERT}.yaml": "\n".join(statements) or "[]",
        SOURCES: "{}",
    }
    contents = {path: f"{text}\n".encode() for path, text in texts.items()}
    return ImportedNetwork(contents, len(left.names), len(statements), tuple(told))


def _possible(network: DiscreteNetwork, told: list[str]) -> DiscreteNetwork:
    """Return the network without states that have no probability, and without variables that are then certain."""
    marginals = answer(network, ()).marginals
    kept = {name: np.flatnonzero(marginals[name] > 0.0) for name in network.names}
    gone = [
        f"{name}={network.states[name][i]}" for name in network.names for i in np.flatnonzero(marginals[name] == 0.0)
    ]
    certain = [name for name in network.names if kept[name].size == 1]
    if gone:
        told.append(f"states without any probability are left out: {listed(gone)}")
    if certain:
        told.append(f"variables that are certain are left out: {listed(certain)}")
    tables, parents = {}, {}
    for name in network.names:
        if name in certain:
            continue
        family = (*network.parents[name], name)
        cut = network.tables[name][np.ix_(*(kept[one] for one in family))]
        parents[name] = tuple(one for one in network.parents[name] if one not in certain)
        tables[name] = cut.reshape([kept[one].size for one in (*parents[name], name)])
    states = {name: tuple(network.states[name][i] for i in kept[name]) for name in tables}
    return DiscreteNetwork(tuple(tables), states, parents, tables, (), network.details)


def _named(names: Sequence[str], what: str, told: list[str], reserved: Sequence[str] = ()) -> dict[str, str]:
    """Return names as a workspace takes them, and tell which are others."""
    kept = [name for name in names if re.fullmatch(NAME_PATTERN, name) and name not in reserved]
    made: dict[str, str] = {}
    for name in names:
        word = name
        if name not in kept:
            word = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-") or "state"
            word = _free(word, [*kept, *made.values(), *reserved])
        made[name] = word
    changed = [f"{old} is {new}" for old, new in made.items() if old != new]
    if changed:
        told.append(f"names of {what}: {listed(changed)}")
    return made


def _free(name: str, taken: Iterable[str]) -> str:
    used = set(taken)
    return next(one for one in chain((name,), (f"{name}_{i}" for i in count(2))) if one not in used)


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _event(
    network: DiscreteNetwork, name: str, names: Mapping[str, str], states: Mapping[str, Mapping[str, str]], file: str
) -> Iterator[str]:
    title = network.details.of(name).title
    said = dict(network.details.of(name).properties).get("question", "")
    yield f"  {_quoted(names[name])}:"
    if title and len(title) <= LONGEST_NAME:
        yield f"    name: {_quoted(title)}"
    yield f"    question: {_quoted(said or f'Which state is {title or name} in?')}"
    yield "    kind: constant"
    yield f"    states: {json.dumps(list(states[name].values()))}"
    yield f"    resolves: {_quoted(f'as {file} means its variable {name}; write here how anybody could settle it')}"
    if network.parents[name]:
        yield f"    parents: {json.dumps([names[parent] for parent in network.parents[name]])}"
    yield "    cpt: table"
    needs = {state: _needs(network, name, i, names, states) for i, state in enumerate(network.states[name])}
    needs = {states[name][state]: one for state, one in needs.items() if one}
    if needs:
        yield f"    requires: {json.dumps(needs)}"


def _needs(
    network: DiscreteNetwork, name: str, state: int, names: Mapping[str, str], states: Mapping[str, Mapping[str, str]]
) -> dict[str, object]:
    """Return what a state requires of the parents: nothing if no row has a zero for it."""
    above = network.tables[name][..., state] > 0.0
    if above.all():
        return {}
    parents = network.parents[name]

    def conditions(box: Box) -> dict[str, list[str]]:
        return {
            names[parent]: [states[parent][network.states[parent][i]] for i in own]
            for parent, own in zip(parents, box, strict=True)
            if len(own) < len(network.states[parent])
        }

    alternatives = [conditions(box) for box in _boxes(above)]
    return dict(alternatives[0]) if len(alternatives) == 1 else {"any_of": alternatives}


def _boxes(above: NDArray[np.bool_]) -> list[Box]:
    """Cover the places of a table that hold by few boxes: two that differ along one axis alone become one."""
    found: list[Box] = [tuple((int(i),) for i in at) for at in np.argwhere(above)]
    for axis in reversed(range(above.ndim)):
        joined: dict[Box, tuple[int, ...]] = {}
        for box in found:
            rest = (*box[:axis], (), *box[axis + 1 :])
            joined[rest] = tuple(sorted((*joined.get(rest, ()), *box[axis])))
        found = [(*rest[:axis], own, *rest[axis + 1 :]) for rest, own in joined.items()]
    return found


def _statements(
    network: DiscreteNetwork,
    name: str,
    names: Mapping[str, str],
    states: Mapping[str, Mapping[str, str]],
    file: str,
    opens: date,
    sd: float,
) -> Iterator[str]:
    """Yield a statement for each number of each row that is neither 0 nor 1; of two that are open, for the second."""
    table = network.tables[name]
    parents = network.parents[name]
    for row, at in enumerate(np.ndindex(table.shape[:-1])):
        opened = np.flatnonzero(table[at] > 0.0)
        given = {
            names[parent]: states[parent][network.states[parent][i]] for parent, i in zip(parents, at, strict=True)
        }
        for i in () if opened.size == 1 else opened[1:] if opened.size == 2 else opened:
            p = float(table[at][i])
            state = states[name][network.states[name][i]]
            about = {"event": names[name], "state": state, **({"given": given} if given else {})}
            when = f" given {', '.join(f'{key} {value}' for key, value in given.items())}" if given else ""
            yield "\n".join(
                (
                    f"- id: {_quoted(f'{names[name]}-{row}-{state}')}",
                    f"  date: {opens}",
                    f"  expert: {EXPERT}",
                    f"  source: {{publisher: {_quoted(file)}}}",
                    f"  says: {_quoted(f'{names[name]} is {state}{when}: {p!r}.')}",
                    f"  about: {json.dumps(about)}",
                    f"  probability: {{best: {p!r}, sd: {sd!r}}}",
                    "  why: A row of the file, which gives no width; the width is the convention of the import.",
                )
            )
