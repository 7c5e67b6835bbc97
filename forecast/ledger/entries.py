"""What stands in the ledger: updates, and merges of two branches; JSON at the edge, typed records within."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from forecast.workspace.csv_text import NotJsonError, load_json
from forecast.workspace.problems import Problem, Source, nearest, shown
from forecast.workspace.records import Condition, DatedCondition, Proposition

FORMAT = 1
MERGE = "merge"
Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A scenario of an update: its probability, the quantiles of it over draws, its Monte Carlo error.

    `mcse` is None in lines of before version 0.2. `extra` is what a later version wrote beside them.
    """

    id: str
    probability: float
    quantiles: tuple[float, ...]
    mcse: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return it as it stands in the file, keys in their order there."""
        own = {"id": self.id, "mcse": self.mcse, "probability": self.probability, "quantiles": list(self.quantiles)}
        return _sorted({key: value for key, value in own.items() if key != "mcse" or value is not None}, self.extra)


@dataclass(frozen=True, kw_only=True)
class LadderEntry:
    """What an update said of an event in some states (forecast.posterior.ladder): day in ISO form -> P(yes by it)."""

    event: str
    states: tuple[str, ...]
    by: Mapping[str, float]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return it as it stands in the file, keys in their order there."""
        return _sorted({"event": self.event, "states": list(self.states), "by": dict(self.by)}, self.extra)


@dataclass(frozen=True, kw_only=True)
class AskedEntry:
    """What an update said of a question about a scenario or under a condition: day in ISO form -> P(yes | given)."""

    about: Proposition
    given: Proposition | None
    by: Mapping[str, float]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return it as it stands in the file, keys in their order there."""
        own = {"about": _said(self.about), "by": dict(self.by)}
        return _sorted(own | ({} if self.given is None else {"given": _said(self.given)}), self.extra)


def _said(about: Proposition) -> Json:
    """Write what holds or does not: `scenario`, or `conditions`, each with its own day if it has one."""
    if about.scenario is not None:
        return {"scenario": about.scenario}
    rows = []
    for one in about.conditions:
        day = {"held_by": one.held_by.isoformat()} if isinstance(one, DatedCondition) and one.held_by else {}
        rows.append({"event": one.event, "states": list(one.states), **day})
    return {"conditions": rows}


def _proposition(said: Mapping[str, Any]) -> Proposition:
    if "scenario" in said:
        return Proposition(scenario=said["scenario"])
    return Proposition(
        tuple(
            DatedCondition(row["event"], tuple(row["states"]), date.fromisoformat(row["held_by"]))
            if "held_by" in row
            else Condition(row["event"], tuple(row["states"]))
            for row in said["conditions"]
        )
    )


@dataclass(frozen=True, kw_only=True)
class Line:
    """An update that had something new.

    `previous` is the digest of the entry before it, None of a first one; `rolled` the horizon in ISO form if it is no
    longer the file's own; `inputs` holds the digests of the records that counted (forecast.ledger.line); `kept` is
    the digest of the inputs that are kept, `environment` the machine: older lines lack both. `refit`: the draws were
    sampled anew on demand. `ladder` holds the sub-questions of the day; older lines lack it; `asked` those about
    scenarios and under conditions, where there are any. `number` is its place in
    the file, from 1; None where it is not written. `extra` holds what a later version wrote beside these.
    """

    as_of: date
    horizon: date
    rolled: str | None
    known_until: date
    seed: int
    version: str
    versions: Mapping[str, str]
    environment: Mapping[str, str] | None
    inputs: Mapping[str, Any]
    scenarios: tuple[Share, ...]
    diagnostics: Mapping[str, Any]
    note: str | None
    previous: str | None
    kept: str | None = None
    refit: bool = False
    ladder: tuple[LadderEntry, ...] | None = None
    asked: tuple[AskedEntry, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = field(default=None, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """The digests of the entries that it comes after."""
        return () if self.previous is None else (self.previous,)

    @property
    def probabilities(self) -> dict[str, float]:
        """The scenarios' probabilities, by id."""
        return {share.id: share.probability for share in self.scenarios}

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the file, keys in their order there."""
        own: Json = {
            "format": FORMAT,
            "as_of": self.as_of.isoformat(),
            "horizon": self.horizon.isoformat(),
            "rolled": self.rolled,
            "known_until": self.known_until.isoformat(),
            "seed": self.seed,
            "version": self.version,
            "versions": dict(self.versions),
            "inputs": dict(self.inputs),
            "scenarios": [share.as_json() for share in self.scenarios],
            "diagnostics": dict(self.diagnostics),
            "note": self.note,
            "previous": self.previous,
        }
        own |= {} if self.environment is None else {"environment": dict(self.environment)}
        own |= {} if self.kept is None else {"kept": self.kept}
        own |= {} if self.ladder is None else {"ladder": [entry.as_json() for entry in self.ladder]}
        own |= {} if not self.asked else {"asked": [entry.as_json() for entry in self.asked]}
        return _sorted(own | ({"refit": True} if self.refit else {}), self.extra)


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Two branches that are one again: the digests of the last entry of each (`previous`, `also`), and the day."""

    previous: str
    also: str
    on: date
    note: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = field(default=None, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """The digests of the entries that it comes after."""
        return self.previous, self.also

    def as_json(self) -> Json:
        """Return it as it stands in the file, keys in their order there."""
        own = {"format": FORMAT, "kind": MERGE, "previous": self.previous, "also": self.also}
        return _sorted({**own, "on": self.on.isoformat(), "note": self.note}, self.extra)


Entry = Line | Merge
SHARE_KEYS = ("id", "mcse", "probability", "quantiles")
LINE_KEYS = (
    "format", "as_of", "horizon", "rolled", "known_until", "seed", "version", "versions", "environment", "inputs",
    "scenarios", "diagnostics", "note", "previous", "kept", "refit", "ladder",
    "asked",
)  # fmt: skip
LADDER_KEYS = ("event", "states", "by")
ASKED_KEYS = ("about", "given", "by")
MERGE_KEYS = ("format", "kind", "previous", "also", "on", "note")


def _sorted(own: Json, extra: Mapping[str, Any]) -> Json:
    return dict(sorted((own | dict(extra)).items()))


def _others(content: Mapping[str, Any], keys: tuple[str, ...]) -> Json:
    return {key: value for key, value in content.items() if key not in keys}


def entry_of(content: Mapping[str, Any], number: int | None = None) -> Entry:
    """Return the entry that a JSON object of the right shape is (forecast.ledger.entries tells the shape)."""
    if content.get("kind") == MERGE:
        return Merge(
            previous=content["previous"],
            also=content["also"],
            on=date.fromisoformat(content["on"]),
            note=content["note"],
            extra=_others(content, MERGE_KEYS),
            number=number,
        )
    return Line(
        as_of=date.fromisoformat(content["as_of"]),
        horizon=date.fromisoformat(content["horizon"]),
        rolled=content["rolled"],
        known_until=date.fromisoformat(content["known_until"]),
        seed=content["seed"],
        version=content["version"],
        versions=content["versions"],
        environment=content.get("environment"),
        inputs=content["inputs"],
        scenarios=tuple(_share(row) for row in content["scenarios"]),
        diagnostics=content["diagnostics"],
        note=content["note"],
        previous=content["previous"],
        kept=content.get("kept"),
        refit=content.get("refit", False),
        ladder=None if "ladder" not in content else tuple(_ladder_entry(row) for row in content["ladder"]),
        asked=tuple(_asked_entry(row) for row in content.get("asked", ())),
        extra=_others(content, LINE_KEYS),
        number=number,
    )


def _share(row: Mapping[str, Any]) -> Share:
    return Share(
        id=row["id"],
        probability=row["probability"],
        quantiles=tuple(row["quantiles"]),
        mcse=row.get("mcse"),
        extra=_others(row, SHARE_KEYS),
    )


def _ladder_entry(row: Mapping[str, Any]) -> LadderEntry:
    return LadderEntry(event=row["event"], states=tuple(row["states"]), by=row["by"], extra=_others(row, LADDER_KEYS))


def _asked_entry(row: Mapping[str, Any]) -> AskedEntry:
    given = row.get("given")
    return AskedEntry(
        about=_proposition(row["about"]),
        given=None if given is None else _proposition(given),
        by=row["by"],
        extra=_others(row, ASKED_KEYS),
    )


def encode(entry: Entry) -> str:
    """Write an entry as text, the same for the same content. Raises ValueError for a number that is none."""
    return json.dumps(entry.as_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def as_read(line: Line) -> Line:
    """Return an update as it will be read from the file: keys in their order there, lists where it has tuples."""
    entry = entry_of(parse_object(encode(line)))
    assert isinstance(entry, Line)  # for the type checker: a line has no `kind`
    return entry


def line_digest(text: str) -> str:
    """Compute the SHA-256 of an entry as it stands in the file, without the end of the line."""
    return hashlib.sha256(text.encode()).hexdigest()


Check = tuple[Callable[[Any], bool], str]  # whether a value is right, and what is allowed
DIGEST = re.compile(r"[0-9a-f]{64}")
ROUNDING = 1e-9  # of a probability: a weighted mean of ones may end in another last digit


class RefusedError(ValueError):
    """JSON that no ledger holds: a key twice, a number that is none; the message says which."""


def parse_object(text: str) -> Mapping[str, Any]:
    """Parse one line. Raises RefusedError, which says what is wrong."""
    try:
        content = load_json(text)
    except NotJsonError as error:
        raise RefusedError(error.what) from None
    if not isinstance(content, dict):
        msg = "no object"
        raise RefusedError(msg)
    return content


def shape_problems(content: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Yield what is wrong with the keys and values of an entry. Keys that are not known are a later version's."""
    kind = content.get("kind")
    if "kind" in content and kind != MERGE:
        yield Problem(source, "an entry of another kind", shown(kind), f"'{MERGE}', or no kind: an update")
    elif kind == MERGE:
        yield from _problems(content, MERGE_SHAPE, source, "")
        if content.get("previous") == content.get("also"):
            yield Problem(source, "a merge of one branch", "the same digest twice", "the digests of two entries")
    else:
        yield from _problems(content, LINE_SHAPE, source, "")
        yield from _nested(content, source)


def _nested(content: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    if isinstance(inputs := content.get("inputs"), dict):
        yield from _problems(inputs, INPUTS_SHAPE, source, "inputs: ")
    ladder = content.get("ladder")
    for place, row in enumerate(ladder if isinstance(ladder, list) else (), 1):
        if isinstance(row, dict):
            yield from _problems(row, LADDER_SHAPE, source, f"ladder, row {place}: ")
    asked = content.get("asked")
    for place, row in enumerate(asked if isinstance(asked, list) else (), 1):
        if isinstance(row, dict):
            yield from _problems(row, ASKED_SHAPE, source, f"asked, row {place}: ")
    rows = content.get("scenarios")
    for place, row in enumerate(rows if isinstance(rows, list) else (), 1):
        if isinstance(row, dict):
            yield from _problems(row, SHARE_SHAPE, source, f"scenario {place}: ")
    ids = [row["id"] for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
    if twice := [name for place, name in enumerate(ids) if name in ids[:place]]:
        yield Problem(source, "a scenario appears twice", shown(twice[0]), "each scenario once")


def _problems(content: Mapping[str, Any], shape: Mapping[str, Check], source: Source, where: str) -> Iterator[Problem]:
    for key, (is_right, allowed) in shape.items():
        if key in content:
            if not is_right(content[key]):
                yield Problem(source, f"{where}'{key}' is not as an update writes it", shown(content[key]), allowed)
        elif key not in MAY_LACK:
            others = [name for name in content if name not in shape]
            near = nearest(key, others).replace("did you mean", "there is").rstrip("?")
            yield Problem(source, f"{where}no key '{key}'{near}", "", allowed)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return _is_number(value) and -ROUNDING <= value <= 1 + ROUNDING


def _or_none(check: Check) -> Check:
    return (lambda value: value is None or check[0](value)), f"{check[1]}, or null"


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and {*map(type, value.values())} <= {str}


DAY: Check = (_is_day, "a day, YYYY-MM-DD")
LINK: Check = (_is_digest, "the SHA-256 of another line, 64 hexadecimal digits")
TEXT: Check = (_is_text, "a text")
TEXTS: Check = (_texts, "a map of texts")
FORMATS: Check = ((lambda value: _is_integer(value) and value == FORMAT), f"{FORMAT}; a later forecast may write more")
MAY_LACK = {
    "environment",
    "kept",
    "refit",
    "ladder",
    "asked",
    "given",
    "mcse",
    "resolutions",
}  # as older lines do, or most
OBJECTS: Check = (
    (lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value)),
    "a list of objects",
)
LIST_OF_TEXTS: Check = (
    (lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value)),
    "a list of texts",
)
LINE_SHAPE: Mapping[str, Check] = {
    "format": FORMATS,
    "as_of": DAY,
    "horizon": DAY,
    "rolled": _or_none(DAY),
    "known_until": DAY,
    "seed": (_is_integer, "an integer"),
    "version": TEXT,
    "versions": TEXTS,
    "environment": TEXTS,
    "inputs": ((lambda value: isinstance(value, dict)), "a map of digests"),
    "scenarios": OBJECTS,
    "ladder": OBJECTS,
    "asked": OBJECTS,
    "diagnostics": ((lambda value: isinstance(value, dict)), "a map"),
    "note": _or_none(TEXT),
    "previous": _or_none(LINK),
    "kept": LINK,
    "refit": ((lambda value: value is True), "true, or no such key"),
}
INPUTS_SHAPE: Mapping[str, Check] = {
    "network": TEXT,
    "scenarios": TEXT,
    "experts": TEXTS,
    "sources": TEXTS,
    "statements": TEXTS,
    "items": TEXTS,
    "retracted": (
        (lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value)),
        "a list of ids",
    ),
    "resolutions": TEXTS,
}
SHARE_SHAPE: Mapping[str, Check] = {
    "id": TEXT,
    "probability": (_is_share, "a number from 0 to 1"),
    "quantiles": (
        (lambda value: isinstance(value, list) and all(map(_is_share, value))),
        "a list of numbers from 0 to 1",
    ),
    "mcse": ((lambda value: _is_number(value) and value >= 0), "a number that is not negative"),
}
BY_DAY: Check = (
    (lambda value: isinstance(value, dict) and all(map(_is_day, value)) and all(map(_is_share, value.values()))),
    "a map of days to numbers from 0 to 1",
)


def _is_proposition(value: Any) -> bool:
    def is_condition(row: Any) -> bool:
        return (
            isinstance(row, dict)
            and _is_text(row.get("event"))
            and LIST_OF_TEXTS[0](row.get("states"))
            and ("held_by" not in row or _is_day(row["held_by"]))
        )

    if not isinstance(value, dict):
        return False
    rows = value.get("conditions")
    return _is_text(value.get("scenario")) or (isinstance(rows, list) and bool(rows) and all(map(is_condition, rows)))


PROPOSITION: Check = (_is_proposition, "a scenario, or conditions of events and states")
LADDER_SHAPE: Mapping[str, Check] = {"event": TEXT, "states": LIST_OF_TEXTS, "by": BY_DAY}
ASKED_SHAPE: Mapping[str, Check] = {"about": PROPOSITION, "given": PROPOSITION, "by": BY_DAY}
MERGE_SHAPE: Mapping[str, Check] = {
    "format": FORMATS,
    "previous": LINK,
    "also": LINK,
    "on": DAY,
    "note": _or_none(TEXT),
}
