"""What differs between the inputs of two ledger lines, name by name, and the course of all lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from forecast.ledger.entries import Line, Share
from forecast.ledger.ledger import line_to_compare
from forecast.workspace.files import EXPERTS, NETWORK, RESOLUTIONS, SCENARIOS, SOURCES, STATEMENTS


def changes(line: Line, compared: Line | None) -> tuple[list[str], tuple[str, ...]]:
    """Return the ids of items that are new, edited or retracted since the compared line, and of records edited."""
    if compared is None:
        return list(line.inputs["items"]), ()
    edited = [
        name
        for kind in ("items", "statements")
        for name, digest in line.inputs[kind].items()
        if compared.inputs[kind].get(name, digest) != digest
    ]
    retracted = set(line.inputs["retracted"]) ^ set(compared.inputs["retracted"])
    items = line.inputs["items"]
    return [n for n in items if n not in compared.inputs["items"] or n in edited or n in retracted], tuple(edited)


def other_changes(line: Line, compared: Line) -> list[str]:
    """Name the inputs other than single items that differ between two ledger lines."""
    named = {"network": "network", "scenarios": "scenario rules", "experts": "experts", "sources": "sources"}
    changed = [
        name
        for key, name in named.items()
        if _common(line.inputs[key], compared.inputs[key]) != _common(compared.inputs[key], line.inputs[key])
    ]
    if line.inputs["statements"] != compared.inputs["statements"]:
        changed.append("statements")
    if set(compared.inputs["items"]) - set(line.inputs["items"]):
        changed.append("items taken out")
    if line.inputs.get("resolutions") != compared.inputs.get("resolutions"):
        changed.append("resolved questions")
    names = {
        "known_until": "time without news",
        "rolled": "another horizon",
        "seed": "another seed",
        "version": "another version",
    }
    return changed + [name for key, name in names.items() if getattr(line, key) != getattr(compared, key)]


@dataclass(frozen=True)
class Edited:
    """What differs between the inputs of two forecasts and is no report.

    `files`: in which of them, where both are known by their bytes; `records`: a short text for each kind of record.
    """

    files: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


NOTHING_EDITED = Edited()
FILES = {
    "network": NETWORK,
    "scenario rules": SCENARIOS,
    "experts": EXPERTS,
    "sources": SOURCES,
    "statements": STATEMENTS,
    "resolved questions": RESOLUTIONS,
}


def edited(line: Line, compared: Line, digests: Mapping[str, str], before: Mapping[str, str]) -> Edited:
    """Tell what other inputs than reports changed since a line, and in which files.

    Args:
        line: of the forecast.
        compared: the line that it is compared with.
        digests, before: SHA-256 of each input file by its path, of the forecast and of `compared`; empty where they are
            not known. A file counts where it holds what `other_changes` names.
    """
    found = differences(compared, line)
    new, altered, gone = (
        {kind: names for kind, names in by_kind.items() if kind != "items"}
        for by_kind in (found.new, found.edited, found.taken_out)
    )
    records = replace(found, new=new, edited=altered, taken_out=gone, retracted=(), restored=()).words()
    places = tuple(FILES[what] for what in other_changes(line, compared) if what in FILES)
    changed = [path for path in sorted(digests.keys() | before.keys()) if digests.get(path) != before.get(path)]
    files = [path for path in changed if path.startswith(places)] if digests and before and places else []
    return Edited(tuple(files), tuple(text for text in records if text != NAMED["known_until"]))


def _common(digests: Any, others: Any) -> Any:
    """Leave out what only one line has: a source that enters with its first item is no change of its own."""
    if not isinstance(digests, dict):
        return digests
    return {name: digest for name, digest in digests.items() if name in others}


# They come and go with what is said and reported: only an edit of one that both lines rest on is a change of its own.
SPEAKERS = ("experts", "sources")
NAMED = {
    "known_until": "time without news",
    "rolled": "another horizon",
    "seed": "another seed",
    "version": "another version",
}
SINGULAR = {"statements": "statement", "items": "item", "experts": "expert", "sources": "source"}
SHOWN = 3  # names of one kind in a line of text


@dataclass(frozen=True)
class Differences:
    """Names by kind of record (`items`, `statements`, ...): what is new, edited, taken out.

    `retracted` and `restored` are ids of items; `changed` names what is one thing: the network, the scenario rules, the
    watched time, the seed, the version.
    """

    new: Mapping[str, tuple[str, ...]]
    edited: Mapping[str, tuple[str, ...]]
    taken_out: Mapping[str, tuple[str, ...]]
    retracted: tuple[str, ...]
    restored: tuple[str, ...]
    changed: tuple[str, ...]

    def words(self, most: int = SHOWN) -> list[str]:
        """Return one short text for each kind of difference, with at most so many names each."""
        texts = [f"new {_counted(kind, names, most)}" for kind, names in self.new.items()]
        texts += [f"edited {_counted(kind, names, most)}" for kind, names in self.edited.items()]
        texts += [f"taken out {_counted(kind, names, most)}" for kind, names in self.taken_out.items()]
        texts += [f"retracted {_listed(self.retracted, most)}"] if self.retracted else []
        texts += [f"no longer retracted {_listed(self.restored, most)}"] if self.restored else []
        others = [name for name in self.changed if name != NAMED["known_until"]]
        # Time passes with every update; it is news only where nothing else is.
        return [*texts, *others] or list(self.changed)


def differences(before: Line | None, after: Line) -> Differences:
    """Compare the inputs of two ledger lines; against no line at all everything is new."""
    inputs: Mapping[str, Any] = after.inputs
    old: Mapping[str, Any] = {} if before is None else before.inputs
    records = {kind: value for kind, value in inputs.items() if isinstance(value, Mapping)}
    gone = {kind: value for kind, value in old.items() if isinstance(value, Mapping)}
    single = [kind for kind, value in inputs.items() if isinstance(value, str)]
    retracted, were = _names(inputs.get("retracted", ())), _names(old.get("retracted", ()))
    changed = [] if before is None else [_name(kind) for kind in single if old.get(kind) != inputs[kind]]
    changed += (
        [] if before is None else [name for key, name in NAMED.items() if getattr(before, key) != getattr(after, key)]
    )
    return Differences(
        dict(_filled({kind: _missing(value, gone.get(kind, {})) for kind, value in _spoken(records).items()})),
        dict(_filled({kind: _edited(value, gone.get(kind, {})) for kind, value in records.items()})),
        dict(_filled({kind: _missing(value, records.get(kind, {})) for kind, value in _spoken(gone).items()})),
        _missing(retracted, were),
        tuple(name for name in were if name not in retracted and name in inputs["items"]),
        tuple(changed),
    )


def _spoken[T](records: Mapping[str, T]) -> dict[str, T]:
    return {kind: value for kind, value in records.items() if kind not in SPEAKERS}


def _filled(by_kind: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((kind, names) for kind, names in by_kind.items() if names)


def _names(values: Collection[str]) -> tuple[str, ...]:
    return tuple(values)


def _missing(names: Collection[str], among: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in among)


def _edited(now: Mapping[str, str], before: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, digest in now.items() if before.get(name, digest) != digest)


def _name(kind: str) -> str:
    return {"scenarios": "scenario rules"}.get(kind, kind)


def _counted(kind: str, names: tuple[str, ...], most: int) -> str:
    what = SINGULAR.get(kind, kind) if len(names) == 1 else kind
    return f"{what} {_listed(names, most)}" if len(names) == 1 else f"{len(names)} {what}: {_listed(names, most)}"


def _listed(names: tuple[str, ...], most: int) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, kw_only=True)
class ShareRow:
    """A scenario of a line, and its change; None where there is nothing to compare with."""

    share: Share
    change: float | None


@dataclass(frozen=True, kw_only=True)
class UpdateRow:
    """An update of the ledger. `line` and `compared_with` are numbers of lines, from 1; `news`: `inputs` in words."""

    line: int | None
    as_of: date
    known_until: date
    compared_with: int | None
    scenarios: tuple[ShareRow, ...]
    inputs: Differences
    news: tuple[str, ...]
    note: str | None
    seed: int
    version: str
    diagnostics: Mapping[str, object]


def history(updates: Sequence[Line]) -> tuple[UpdateRow, ...]:
    """Return one row for each update of a ledger, in the order of the file.

    A line is compared with the latest one before it that has other inputs and is not dated after it, as an update is.
    """
    rows = []
    for place, line in enumerate(updates):
        compared = line_to_compare(line, updates[:place])
        before = compared.probabilities if compared else {}
        inputs = differences(compared, line)
        rows.append(
            UpdateRow(
                line=line.number,
                as_of=line.as_of,
                known_until=line.known_until,
                compared_with=None if compared is None else compared.number,
                scenarios=tuple(_with_change(share, before) for share in line.scenarios),
                inputs=inputs,
                news=tuple(inputs.words()),
                note=line.note,
                seed=line.seed,
                version=line.version,
                diagnostics=dict(line.diagnostics),
            )
        )
    return tuple(rows)


def courses(updates: Sequence[Line]) -> tuple[list[str], dict[str, list[float | None]]]:
    """Return the as-of dates in order, and each scenario's probability on them (None where it was not there).

    Of several updates of one date the last one counts.
    """
    known = {line.as_of.isoformat(): line.probabilities for line in updates}
    days = sorted(known)
    names = dict.fromkeys(name for day in days for name in known[day])
    return days, {name: [known[day].get(name) for day in days] for name in names}


def _with_change(share: Share, before: Mapping[str, float]) -> ShareRow:
    change = share.probability - before[share.id] if share.id in before else None
    return ShareRow(share=share, change=change)
