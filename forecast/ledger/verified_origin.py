"""What every update says that it came from: its kept inputs, and the version and the machine that computed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from forecast.ledger.kept import DamagedInputError, kept_content, listed_file
from forecast.ledger.ledger import LEDGER
from forecast.ledger.verified import IntegrityFinding, Kind, Row
from forecast.workspace.problems import Source


def verified_inputs(root: Path, rows: Sequence[Row]) -> tuple[tuple[IntegrityFinding, ...], int]:
    """Hold what is kept of every update's inputs against its digests; also return how many contents there are."""
    findings: list[IntegrityFinding] = []
    parts: dict[str, bytes] = {}
    seen: dict[str, None] = {}  # lines of manifests that were looked at already
    contents: set[str] = set()
    updates = [row for row in rows if row.day is not None]
    for row in updates:
        manifest = row.content.get("kept")
        if not isinstance(manifest, str) or manifest in contents:
            continue
        contents.add(manifest)
        try:
            listed = dict.fromkeys(kept_content(root, manifest, parts).decode(errors="replace").splitlines())
            new = [listed_file(text, manifest) for text in listed if text not in seen]
        except DamagedInputError as error:
            findings.append(_damaged(row, "the list of its files", error))
            continue
        seen |= listed
        for path, digest in new:
            if digest in contents:
                continue
            contents.add(digest)
            try:
                kept_content(root, digest)
            except DamagedInputError as error:
                findings.append(_damaged(row, path, error))
    bare = [row.number for row in updates if "kept" not in row.content]
    if bare:
        what = f"{_lines(bare)} {'was' if len(bare) == 1 else 'were'} written before inputs were kept"
        findings.append(IntegrityFinding(Source(LEDGER, bare[0]), "no inputs kept", what))
    return tuple(findings), len(contents)


def _damaged(row: Row, path: str, error: DamagedInputError) -> IntegrityFinding:
    kind: Kind = "kept inputs missing" if error.why == "is missing" else "kept inputs changed"
    what = f"what was kept of {path} for the forecast of {row.content['as_of']} {error.why} (under {error.digest[:16]})"
    return IntegrityFinding(Source(LEDGER, row.number), kind, what)


def _lines(numbers: Sequence[int]) -> str:
    return f"line {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} lines"


def verified_origin(rows: Sequence[Row], version: str, environment: Mapping[str, str]) -> Iterator[IntegrityFinding]:
    """Note which lines another version of the engine or another kind of machine wrote than the one at hand."""
    updates = [row for row in rows if row.day is not None]
    versions: dict[str, list[int]] = {}
    machines: dict[str, list[int]] = {}
    for row in updates:
        versions.setdefault(str(row.content.get("version")), []).append(row.number)
        there = row.content.get("environment")
        if isinstance(there, Mapping):
            names = [name for name in sorted({*there, *environment}) if there.get(name) != environment.get(name)]
            told = ", ".join(f"{name.replace('_', ' ')} {there.get(name)}" for name in names)
            machines.setdefault(told, []).append(row.number)
    for told, numbers in versions.items():
        if told != version:
            what = f"{_lines(numbers)} by forecast {told}; this is {version}"
            yield IntegrityFinding(Source(LEDGER, numbers[0]), "other version", what)
    for told, numbers in machines.items():
        if told:
            yield IntegrityFinding(Source(LEDGER, numbers[0]), "other processor", f"{_lines(numbers)} on {told}")
