"""Tampering with the ledger and with what is kept beside it: each kind is found, and called by its name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.ledger.entries import line_digest
from forecast.ledger.kept import KEPT, keep_inputs, seal
from forecast.ledger.ledger import LEDGER
from forecast.ledger.verified import IntegrityFinding, verified_chain, verified_inputs, verified_pages

Rows = list[str]


def encode(line: dict[str, Any]) -> str:
    """Write a line of a ledger, whatever it holds."""
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _line(place: int, previous: str | None, **more: Any) -> str:
    day = f"2026-{1 + place // 28:02d}-{1 + place % 28:02d}"
    inputs = {"items": {f"item-{n}": f"{n * 7919:016x}" for n in range(place)}}
    scenarios = [{"id": "up", "probability": 0.25 + place / 1000, "mcse": 0.001}]
    content = {"as_of": day, "inputs": inputs, "scenarios": scenarios, "seed": 1, "previous": previous, **more}
    return encode(content)


def _ledger(root: Path, n_lines: int) -> Rows:
    """Write a ledger as updates do: inputs kept, lines chained, a copy of each kept."""
    rows: Rows = []
    for place in range(n_lines):
        kept = keep_inputs(root, {"priors/network.yaml": b"same\n", "evidence/e.yaml": b"item %d\n" % place})
        rows.append(_line(place, line_digest(rows[-1]) if rows else None, kept=kept))
    seal(root, rows)
    _write(root, rows)
    return rows


def _write(root: Path, rows: Rows) -> None:
    (root / LEDGER).write_bytes("".join(f"{row}\n" for row in rows).encode())


def _found(root: Path) -> list[IntegrityFinding]:
    chain = verified_chain(root)
    return [*chain.findings, *verified_inputs(root, chain.sound)[0], *verified_pages(root, chain)]


def _kinds(root: Path) -> set[str]:
    return {finding.kind for finding in _found(root)}


def test_a_whole_ledger(tmp_path: Path) -> None:
    """Nothing is found in a ledger as updates write it, and every line has its copy."""
    _ledger(tmp_path, 12)
    chain = verified_chain(tmp_path)
    assert ((), 12, 12) == (chain.findings, len(chain.rows), chain.n_copies)
    assert ((), 1 + 2 * 12) == verified_inputs(tmp_path, chain.rows)


def _flip(draw: random.Random, text: bytes) -> bytes:
    at = draw.randrange(len(text))
    return text[:at] + bytes([text[at] ^ draw.randrange(1, 256)]) + text[at + 1 :]


@pytest.mark.parametrize("seed", range(100))
def test_tampering_has_its_name(seed: int, tmp_path: Path) -> None:
    """A flipped byte, a line that is dropped, cut off, swapped or doubled: each is found under its own name, alone."""
    draw = random.Random(seed)
    rows = _ledger(tmp_path, draw.randrange(3, 20))
    place = draw.randrange(len(rows))
    how = ["flip", "drop", "cut", "swap", "double", "flip in kept", "drop kept", "flip in copy"][seed % 8]
    ledger, kept = tmp_path / LEDGER, tmp_path / KEPT
    if how == "flip":
        ledger.write_bytes(_flip(draw, ledger.read_bytes()))
        expected = "changed"
    elif how in {"drop", "cut"}:
        place = min(place, len(rows) - 2)
        _write(tmp_path, rows[:place] + rows[place + 1 :] if how == "drop" else rows[: place + 1])
        expected = "removed" if how == "drop" else "truncated"
    elif how == "swap":
        other = draw.choice([one for one in range(len(rows)) if one != place])
        rows[place], rows[other] = rows[other], rows[place]
        _write(tmp_path, rows)
        expected = "reordered"
    elif how == "double":
        _write(tmp_path, [*rows[: place + 1], *rows[place:]])
        expected = "repeated"
    else:
        folder = kept / ("lines" if how == "flip in copy" else "objects")
        one = draw.choice(sorted(path for path in folder.rglob("*.gz")))
        if how == "drop kept":
            one.unlink()
        else:
            content = one.read_bytes()
            at = draw.randrange(10, len(content))  # behind the header, of which a byte may say nothing
            one.write_bytes(content[:at] + bytes([content[at] ^ draw.randrange(1, 256)]) + content[at + 1 :])
        names = {"flip in copy": "kept copy damaged", "drop kept": "kept inputs missing"}
        expected = names.get(how, "kept inputs changed")
    assert {expected} == _kinds(tmp_path)


def _raised(row: str) -> str:
    return row.replace('"probability":0.2', '"probability":0.3')


def _merging(rows: Rows) -> Rows:
    return [*rows[:2], "<<<<<<< HEAD", rows[2], "=======", rows[3], ">>>>>>> two", *rows[4:]]


FORGERIES: dict[str, tuple[Callable[[Rows], Rows], set[str]]] = {
    "the last number raised": (lambda rows: [*rows[:-1], _raised(rows[-1])], {"changed"}),
    "a number raised": (lambda rows: [_raised(rows[0]), *rows[1:]], {"changed"}),
    "a line in between": (
        lambda rows: [*rows[:2], _line(99, line_digest(rows[1])), *rows[2:]],
        {"no copy", "fork", "no inputs kept"},
    ),
    "a line behind": (lambda rows: [*rows, _line(99, line_digest(rows[-1]))], {"no copy", "no inputs kept"}),
    "no object": (lambda rows: [*rows[:2], "[]", *rows[3:]], {"changed"}),
    "an empty line": (lambda rows: [*rows[:2], "", *rows[2:]], {"added"}),
    "everything gone": (lambda _rows: [], {"truncated"}),
    "all reversed": (lambda rows: rows[::-1], {"reordered"}),
    "the first gone": (lambda rows: rows[1:], {"removed"}),
    "two changed": (lambda rows: [rows[0], *map(_raised, rows[1:3]), *rows[3:]], {"changed"}),
    "git's markers": (_merging, {"unfinished merge"}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, tmp_path: Path) -> None:
    """What somebody would do by hand is found under its name."""
    forge, expected = FORGERIES[name]
    _write(tmp_path, forge(_ledger(tmp_path, 5)))
    assert expected == _kinds(tmp_path)


def test_chained_anew(tmp_path: Path) -> None:
    """A line that was changed, with all behind it chained anew, is found: no copy is of those lines."""
    rows = _ledger(tmp_path, 5)
    forged = rows[:2]
    for row in rows[2:]:
        content = json.loads(row)
        content["scenarios"][0]["probability"] = 0.9
        forged.append(encode({**content, "previous": line_digest(forged[-1])}))
    _write(tmp_path, forged)
    found = _found(tmp_path)
    assert [("changed", number) for number in (3, 4, 5)] == [(one.kind, one.where.line) for one in found]
    assert "differs in 'scenarios'" in found[0].what


def test_many_lines_chained_anew(tmp_path: Path) -> None:
    """However many lines were changed and chained anew, each is held against what it was."""
    rows = _ledger(tmp_path, 120)
    forged: Rows = []
    for row in rows:
        content = {**json.loads(row), "scenarios": []}
        forged.append(encode({**content, "previous": line_digest(forged[-1]) if forged else None}))
    _write(tmp_path, forged)
    assert ["changed"] * 120 == [one.kind for one in _found(tmp_path)]


def test_a_copy_that_is_gone(tmp_path: Path) -> None:
    """A line whose copy alone is gone was written by an update: the copy of the next line says so."""
    rows = _ledger(tmp_path, 4)
    (tmp_path / KEPT / "lines" / f"{line_digest(rows[1])}.gz").unlink()
    assert [("kept copy missing", 2)] == [(one.kind, one.where.line) for one in _found(tmp_path)]


def test_an_update_behind_a_changed_line(tmp_path: Path) -> None:
    """A last line that was changed, and that the next update went on from and copied, is called changed."""
    rows = _ledger(tmp_path, 3)
    forged = _raised(rows[2])
    after = _line(3, line_digest(forged), kept=json.loads(rows[2])["kept"])
    seal(tmp_path, [forged, after])
    _write(tmp_path, [*rows[:2], forged, after])
    assert [("changed", 3)] == [(one.kind, one.where.line) for one in _found(tmp_path)]


def test_empty_lines_are_told_once(tmp_path: Path) -> None:
    """Ten thousand empty lines are one finding, and are looked at in no time."""
    rows = _ledger(tmp_path, 3)
    _write(tmp_path, [*rows, *[""] * 10_000])
    assert [("added", 4)] == [(one.kind, one.where.line) for one in _found(tmp_path)]


def test_branches_that_two_clones_joined(tmp_path: Path) -> None:
    """Of two joins of the same two lines one may go: it held nothing but what the other says."""
    rows = _ledger(tmp_path, 2)
    ours, theirs = (_line(n, line_digest(rows[1]), kept=json.loads(rows[1])["kept"]) for n in (2, 3))
    ends = line_digest(ours), line_digest(theirs)
    joins = [encode({"kind": "merge", "previous": a, "also": b, "on": "2026-02-01"}) for a, b in (ends, ends[::-1])]
    seal(tmp_path, [ours, theirs, *joins])
    _write(tmp_path, [*rows, ours, theirs, joins[0]])
    assert [] == _found(tmp_path)
    _write(tmp_path, [*rows, ours, joins[0]])
    assert "removed" in _kinds(tmp_path)


@pytest.mark.parametrize("name", ["/dev/zero", "/etc/hostname", "folder"])
def test_what_is_kept_is_a_file_of_the_workspace(name: str, tmp_path: Path) -> None:
    """A device, a folder, or a link that leads out is read by nobody, and called by its name."""
    rows = _ledger(tmp_path, 2)
    place = next((tmp_path / KEPT / "objects").rglob("*.gz"))
    copy = tmp_path / KEPT / "lines" / f"{line_digest(rows[0])}.gz"
    for path in (place, copy, place.with_suffix(".parts")):
        path.unlink(missing_ok=True)
        if name == "folder":
            path.mkdir()
        else:
            path.symlink_to(name)
    assert {"kept copy damaged", "kept inputs changed"} == _kinds(tmp_path)


def test_without_copies_the_chain_alone(tmp_path: Path) -> None:
    """Without any kept copy a break of the chain is still found, and that there are no copies is said."""
    rows = _ledger(tmp_path, 5)
    for path in (tmp_path / KEPT / "lines").iterdir():
        path.unlink()
    assert {"no copy"} == _kinds(tmp_path)
    _write(tmp_path, [rows[0], rows[1].replace('"seed":1', '"seed":2'), *rows[2:]])
    assert {"no copy", "broken"} == _kinds(tmp_path) - {"fork"}


def test_a_page_with_other_numbers(tmp_path: Path) -> None:
    """A forecast.json whose numbers no line of its date has is named; a date without a line is none of its business."""
    rows = _ledger(tmp_path, 3)
    for row in (json.loads(rows[1]), {**json.loads(rows[2]), "scenarios": [{"id": "up", "probability": 0.9}]}):
        (tmp_path / "reports" / row["as_of"]).mkdir()
        (tmp_path / "reports" / row["as_of"] / "forecast.json").write_text(json.dumps(row), encoding="utf-8")
    assert [("other page", "reports/2026-01-03/forecast.json:1")] == [
        (one.kind, str(one.where)) for one in _found(tmp_path)
    ]


def test_a_thousand_lines(tmp_path: Path) -> None:
    """All of a long ledger is read: a byte flipped anywhere in it is found, at its line."""
    _ledger(tmp_path, 300)
    content = (tmp_path / LEDGER).read_bytes()
    at = content.index(b"\n", 2 * len(content) // 3) + 40
    (tmp_path / LEDGER).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    number = content[:at].count(b"\n") + 1
    assert [("changed", number)] == [(one.kind, one.where.line) for one in _found(tmp_path)]
