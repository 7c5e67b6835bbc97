"""Tell two files of outputs apart. Usage: python tests/same/compare.py [--numbers] BEFORE.json AFTER.json [PART ...]

Prints each output that differs, or that only one of the files has, and in it the lines that differ; of JSON the keys.
Exits with 1 if there is any difference. With `--numbers` words are not compared, but every number, to its last digit.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MOST = 12  # differing places shown of one output
WIDEST = 200
NUMBER = re.compile(r"[-+]?\b\d[\d.]*(?:e[-+]?\d+)?")


def differences(before: Mapping[str, Any], after: Mapping[str, Any], *, numbers: bool = False) -> Iterator[str]:
    """Yield a paragraph for each output that differs, or whose `numbers` do."""
    for part in sorted({*before, *after}):
        old, new = before.get(part, {}), after.get(part, {})
        for what in sorted({*old, *new}):
            one, other = old.get(what), new.get(what)
            if one == other:
                continue
            if one is None or other is None:
                yield f"{part} / {what}\n    only in {'AFTER' if one is None else 'BEFORE'}"
                continue
            if numbers and NUMBER.findall(one) == NUMBER.findall(other):
                continue
            places = list(_places(one, other))
            more = [f"    and {len(places) - MOST} more"] if len(places) > MOST else []
            yield "\n".join([f"{part} / {what}", *(f"    {place:.{WIDEST}}" for place in places[:MOST]), *more])


def _places(one: str, other: str) -> Iterator[str]:
    try:
        both = [_json(text) for text in (one, other)]
    except ValueError:
        both = []
    found = list(_leaves("", *both)) if both else []
    if found:
        yield from found
        return
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))
    if one.splitlines() == other.splitlines():
        yield "line ends differ"


def _json(text: str) -> Any:
    """Read the JSON that a command, a file or a file of lines holds, with what a command says besides."""
    out, sign, rest = text.partition("[stderr]\n")
    try:
        return [json.loads(out), rest.splitlines()]
    except ValueError:
        if sign:
            raise
        return [json.loads(line) for line in text.splitlines()]


def _leaves(key: str, one: Any, other: Any) -> Iterator[str]:
    if type(one) is type(other) and isinstance(one, dict):
        if one == other and list(one) != list(other):
            yield f"{key}: other order of the keys"
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _leaves(f"{key}.{name}", one.get(name, "[missing]"), other.get(name, "[missing]"))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _leaves(f"{key}[{number}]", left, right)
    elif one != other or type(one) is not type(other):
        yield f"{key}: {json.dumps(one, ensure_ascii=False):.90} -> {json.dumps(other, ensure_ascii=False):.90}"


def main(arguments: Sequence[str]) -> int:
    """Print what differs, and return the exit status."""
    numbers, arguments = "--numbers" in arguments, [one for one in arguments if one != "--numbers"]
    before, after = (json.loads(Path(path).read_text(encoding="utf-8")) for path in arguments[:2])
    if parts := arguments[2:]:
        before, after = ({part: found.get(part, {}) for part in parts} for found in (before, after))
    told = list(differences(before, after, numbers=numbers))
    for paragraph in told:
        sys.stdout.write(paragraph + "\n")
    compared = sum(len(texts) for texts in before.values())
    sys.stdout.write(f"{compared} outputs, {len(told)} differ\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
