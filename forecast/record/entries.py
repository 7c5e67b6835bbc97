"""What stands in the ledger: updates, and merges of two branches; JSON at the edge, typed records within."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

FORMAT = 1
MERGE = "merge"
Json = dict[str, Any]


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
class Line:
    """An update that had something new.

    `previous` is the digest of the entry before it, None of a first one; `rolled` the horizon in ISO form if it is no
    longer the file's own; `inputs` holds the digests of the records that counted (forecast.record.inputs); `kept` is
    the digest of the inputs that are kept, `environment` the machine: older lines lack both. `refit`: the draws were
    sampled anew on demand. `number` is its place in the file, from 1; None where it is not written. `extra` holds what
    a later version wrote beside these.
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

    def as_json(self) -> Json:
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
    "scenarios", "diagnostics", "note", "previous", "kept", "refit",
)  # fmt: skip
MERGE_KEYS = ("format", "kind", "previous", "also", "on", "note")


def _sorted(own: Json, extra: Mapping[str, Any]) -> Json:
    return dict(sorted((own | dict(extra)).items()))


def _others(content: Mapping[str, Any], keys: tuple[str, ...]) -> Json:
    return {key: value for key, value in content.items() if key not in keys}


def entry_of(content: Mapping[str, Any], number: int | None = None) -> Entry:
    """Return the entry that a JSON object of the right shape is (forecast.record.entry_shape tells the shape)."""
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


def encode(entry: Entry) -> str:
    """Write an entry as text, the same for the same content. Raises ValueError for a number that is none."""
    return json.dumps(entry.as_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def line_digest(text: str) -> str:
    """Compute the SHA-256 of an entry as it stands in the file, without the end of the line."""
    return hashlib.sha256(text.encode()).hexdigest()
