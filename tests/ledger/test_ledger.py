"""The ledger: a chain that is only ever appended to, and what counts as news."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.ledger.entries import Line, encode
from forecast.ledger.ledger import LEDGER, append, has_news, line_to_compare, read_ledger
from forecast.ledger.verified import verified_chain
from forecast.workspace.problems import WorkspaceProblems
from tests.ledgers import INPUTS, digest, line_json, update

SHIPPED = Path(__file__).parents[2] / LEDGER


def _chain(*lines: Line) -> tuple[Line, ...]:
    chained: list[Line] = []
    for line in lines:
        chained.append(replace(line, previous=digest(chained[-1]) if chained else None))
    return tuple(chained)


def _write(root: Path, text: str) -> None:
    (root / "reports").mkdir(exist_ok=True)
    (root / LEDGER).write_text(text, encoding="utf-8")


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    """Lines come back as they were added, numbered, and adding one leaves the bytes of the others alone."""
    lines = _chain(update(), update(note="zwei\u2028Zeilen"), update("2026-04-01"))
    assert () == read_ledger(tmp_path).updates
    before = b""
    for line in lines:
        assert line == append(tmp_path, line)
        after = (tmp_path / LEDGER).read_bytes()
        assert before == after[: len(before)]
        before = after
    found = read_ledger(tmp_path)
    assert lines == found.updates
    assert [1, 2, 3] == [line.number for line in found.updates]
    assert ((digest(lines[-1]),), None) == (found.heads, found.fork)


def test_the_shipped_ledger_keeps_its_bytes() -> None:
    """Every line of the shipped ledger, read into a record, is written as the very same text."""
    ledger = read_ledger(SHIPPED.parents[1])
    assert list(ledger.texts) == [encode(entry) for entry in ledger.entries]
    assert SHIPPED.read_text(encoding="utf-8").splitlines() == list(ledger.texts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
UNKNOWN = st.dictionaries(st.text(max_size=5).filter(lambda key: key not in {"kind", "kept", "refit"}), JSON)


@given(UNKNOWN, UNKNOWN, st.booleans(), st.sampled_from([{}, {"kept": "0" * 64}, {"refit": True}]))
def test_a_line_of_a_later_version_keeps_its_bytes(
    more: dict[str, Any], in_row: dict[str, Any], with_error: bool, own: dict[str, Any]
) -> None:
    """Keys that this version does not know, and those that a line may lack, are written as they were read."""
    content = {**more, **line_json(), **own}
    content["scenarios"] = [
        {**in_row, **row, **({"mcse": 0.001} if with_error else {})} for row in content["scenarios"]
    ]
    if not with_error:
        content["scenarios"] = [
            {key: value for key, value in row.items() if key != "mcse"} for row in content["scenarios"]
        ]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert text == encode(update(**content))


BREAKS: dict[str, Callable[[list[str]], list[str]]] = {
    "a number changed": lambda rows: [rows[0], rows[1].replace('"seed":1', '"seed":2'), rows[2]],
    "a line gone": lambda rows: [rows[0], rows[2]],
    "lines swapped": lambda rows: [rows[0], rows[2], rows[1]],
    "no entry": lambda rows: [rows[0], "{}", rows[2]],
    "no JSON": lambda rows: [rows[0], rows[1], rows[2][:-1]],
    "no object": lambda rows: [rows[0], rows[1], "[]"],
    "the first gone": lambda rows: rows[1:],
    "a line twice": lambda rows: [*rows, rows[1]],
}
CHANGED = "the ledger's chain is broken: a line before was changed or removed"
FOUND = {
    "a number changed": (3, CHANGED),
    "a line gone": (2, CHANGED),
    "lines swapped": (2, "the ledger's lines stand in another order: line 2 comes after line 3"),
    "no entry": (2, "no key 'as_of'"),
    "no JSON": (3, "no JSON"),
    "no object": (3, "no JSON; got no object"),
    "the first gone": (1, CHANGED),
    "a line twice": (4, "the ledger has a line twice, on lines 2 and 4"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_chain_is_located(tmp_path: Path, name: str) -> None:
    """The first line that does not fit the others is named by its number, and what is wrong with it."""
    rows = [encode(line) for line in _chain(update(), update("2026-04-01"), update("2026-05-01"))]
    _write(tmp_path, "\n".join(BREAKS[name](rows)) + "\n")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    number, said = FOUND[name]
    first = raised.value.problems[0]
    assert f"{LEDGER}:{number}" == str(first.source)
    assert f"{first.source}: {said}" == str(first)[: len(f"{first.source}: {said}")]


def test_a_wrong_byte_is_located(tmp_path: Path) -> None:
    """A ledger with a byte that is no UTF-8 is a problem at its line, no traceback."""
    rows = [encode(line) for line in _chain(update(), update("2026-04-01"))]
    (tmp_path / "reports").mkdir()
    (tmp_path / LEDGER).write_bytes("\n".join(rows).encode() + b"\n{\xff}\n")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert f"{LEDGER}:3: not UTF-8 text; got byte 0xff; `forecast verify` says what was written there" == str(
        raised.value
    )


@pytest.mark.parametrize(
    "change",
    [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")],
    ids=("mark", "returns"),
)
def test_what_an_editor_of_windows_does_is_no_change(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """A byte order mark and carriage returns change no line: it is read, verified and gone on with."""
    for day in ("2026-03-01", "2026-04-01"):
        append(tmp_path, update(day))
    place = tmp_path / LEDGER
    as_written = read_ledger(tmp_path)
    changed = change(place.read_bytes())
    place.write_bytes(changed)
    assert (as_written, ()) == (read_ledger(tmp_path), verified_chain(tmp_path).findings)
    append(tmp_path, update("2026-05-01"))
    assert (True, 3, ()) == (
        place.read_bytes().startswith(changed),
        len(read_ledger(tmp_path).entries),
        verified_chain(tmp_path).findings,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(b"\n", b"\r"), "1: lines end with a carriage return alone"),
        (lambda text: text.decode().encode("utf-16"), "1: UTF-16 text"),
        (lambda text: text.replace(b"\n", b"\n\n", 1), "2: an empty line; one object a line; delete it"),
        (lambda _: b"", "1: an empty line"),
        (lambda text: text[:-9], "2: no JSON; got "),
    ],
    ids=("returns alone", "UTF-16", "an empty line", "an empty file", "cut off"),
)
def test_what_else_editors_do_is_named(tmp_path: Path, change: Callable[[bytes], bytes], said: str) -> None:
    """The message says what is there, and where to see what was written."""
    for day in ("2026-03-01", "2026-04-01"):
        append(tmp_path, update(day))
    place = tmp_path / LEDGER
    place.write_bytes(change(place.read_bytes()))
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert f"{LEDGER}:{said}" == str(raised.value)[: len(f"{LEDGER}:{said}")]


WRONG: dict[str, tuple[dict[str, Any] | str, str]] = {
    "a key gone": ({"note": ...}, "no key 'note'; a text, or null"),
    "a key misspelt": ({"note": ..., "notes": "x"}, "no key 'note'; there is 'notes'; a text, or null"),
    "no day": ({"as_of": "2026-3-1"}, "'as_of' is not as an update writes it; got '2026-3-1'; a day, YYYY-MM-DD"),
    "no number": ({"seed": "1"}, "'seed' is not as an update writes it; got '1'; an integer"),
    "no digest": ({"kept": "abc"}, "'kept' is not as an update writes it; got 'abc'; the SHA-256 of another line"),
    "no share": (
        {"scenarios": [{"id": "a", "probability": 1.5, "quantiles": []}]},
        "scenario 1: 'probability' is not as an update writes it; got 1.5; a number from 0 to 1",
    ),
    "no inputs": ({"inputs": {**INPUTS, "items": ["a"]}}, "inputs: 'items' is not as an update writes it; got a list"),
    "a later format": ({"format": 2}, "'format' is not as an update writes it; got 2; 1; a later forecast"),
    "another kind": ({"kind": "mrege"}, "an entry of another kind; got 'mrege'; 'merge', or no kind: an update"),
    "a merge of one": (
        {"kind": "merge", "previous": "0" * 64, "also": "0" * 64, "on": "2026-01-01"},
        "a merge of one branch; got the same digest twice",
    ),
    "a key twice": ('{"seed":1,"seed":1}', "no JSON; got key 'seed' appears twice"),
    "not a number": ('{"seed":NaN}', "no JSON; got NaN is not a JSON number"),
    "too large": ('{"seed":1e999}', "no JSON; got the number 1e999 is too large"),
    "too long": ('{"seed":' + "9" * 5000 + "}", "no JSON; got a number of 5000 digits"),
    "too deep": ("[" * 100_000, "no JSON; got nested too deeply"),
    "half a character": ('{"note":"\\ud800"}', "no JSON; got half of a character"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_line_of_another_shape_is_located(tmp_path: Path, name: str) -> None:
    """What is wrong with a line is one message with its place, what was found and what is allowed; no traceback."""
    change, said = WRONG[name]
    content = {} if isinstance(change, str) else {**line_json(), **change}
    content = {key: value for key, value in content.items() if value is not ...}
    _write(tmp_path, (change if isinstance(change, str) else json.dumps(content)) + "\n")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert f"{LEDGER}:1: {said}" == str(raised.value)[: len(f"{LEDGER}:1: {said}")]
    assert 1 == len(raised.value.problems)


@given(st.text())
def test_a_line_is_one_line(note: str) -> None:
    """Whatever a note holds, a line is one line of the file."""
    text = encode(update(note=note))
    assert 1 == len(text.split("\n"))
    assert note == json.loads(text)["note"]


def test_numbers_that_are_none_are_refused() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON"):
        encode(replace(update(), diagnostics={"a": float("nan")}))


NEWS: dict[str, Any] = {
    "known_until": "2026-02-01",
    "seed": 2,
    "version": "2",
    "rolled": "2028-01-01",
    "inputs": {**INPUTS, "items": {"a": "b"}},
}


@pytest.mark.parametrize("key", NEWS)
def test_what_is_news(key: str) -> None:
    """Other inputs, another a*, seed or version are news; a note or a later day on which nothing happened is not."""
    old, other = update(), update(**{key: NEWS[key]})
    assert has_news(old, [])
    assert has_news(other, [old])
    assert not has_news(update("2026-09-01", known_until="2026-03-01", note="again"), [old])
    assert has_news(old, [old, other])


def test_what_a_change_is_measured_against() -> None:
    """The latest line with other inputs that is not after the as-of date."""
    a, b, c = update("2026-01-01"), update("2026-02-01", seed=2), update("2026-05-01", seed=3)
    again = update("2026-03-01", seed=2, known_until="2026-02-01")
    assert a == line_to_compare(again, [a, b])
    assert b == line_to_compare(replace(again, seed=4), [a, b, c])
    assert a == line_to_compare(replace(again, as_of=a.as_of), [a, b, c])
    assert None is line_to_compare(update("2025-12-31", seed=2), [a, b, c])
    assert None is line_to_compare(again, [])
