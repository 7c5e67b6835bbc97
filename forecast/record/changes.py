"""What differs between two lines of the ledger: items that are new or edited, and everything else that changed."""

from __future__ import annotations

from typing import Any

from forecast.record.entries import Line


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


def _common(digests: Any, others: Any) -> Any:
    """Leave out what only one line has: a source that enters with its first item is no change of its own."""
    if not isinstance(digests, dict):
        return digests
    return {name: digest for name, digest in digests.items() if name in others}
