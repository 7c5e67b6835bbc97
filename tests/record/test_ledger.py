"""The ledger: a chain that is only ever appended to, and what counts as news."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.record.ledger import LEDGER, append, encode, has_news, line_digest, line_to_compare, read_ledger
from forecast.workspace.problems import WorkspaceProblems


def _line(as_of: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    return {"as_of": as_of, "known_until": as_of, "seed": 1, "version": "1", "inputs": {"items": {}}, **more}


def _chain(*lines: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    chained: list[dict[str, Any]] = []
    for line in lines:
        chained.append({**line, "previous": line_digest(encode(chained[-1])) if chained else None})
    return tuple(chained)


def _write(root: Path, text: str) -> None:
    (root / "reports").mkdir(exist_ok=True)
    (root / LEDGER).write_text(text, encoding="utf-8")


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    """Lines come back as they were added, and adding one leaves the bytes of the others alone."""
    lines = _chain(_line(), _line(note="zwei\u2028Zeilen"), _line("2026-04-01"))
    assert () == read_ledger(tmp_path)
    before = b""
    for line in lines:
        assert line == append(tmp_path, line)
        after = (tmp_path / LEDGER).read_bytes()
        assert before == after[: len(before)]
        before = after
    assert lines == read_ledger(tmp_path)


BREAKS: dict[str, Callable[[list[str]], list[str]]] = {
    "a number changed": lambda rows: [rows[0], rows[1].replace('"seed":1', '"seed":2'), rows[2]],
    "a line gone": lambda rows: [rows[0], "{}", rows[2]],
    "lines swapped": lambda rows: [rows[0], rows[2], rows[1]],
    "no JSON": lambda rows: [rows[0], rows[1], rows[2][:-1]],
    "no object": lambda rows: [rows[0], rows[1], "[]"],
    "the first gone": lambda rows: rows[1:],
}
BROKEN_LINE = {"a number changed": 3, "a line gone": 2, "lines swapped": 2, "no JSON": 3, "no object": 3} | {
    "the first gone": 1
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_chain_is_located(tmp_path: Path, name: str) -> None:
    """The first line whose digest of the line before does not fit is named by its number."""
    rows = [encode(line) for line in _chain(_line(), _line("2026-04-01"), _line("2026-05-01"))]
    _write(tmp_path, "\n".join(BREAKS[name](rows)) + "\n")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert [f"{LEDGER}:{BROKEN_LINE[name]}"] == [str(problem.source) for problem in raised.value.problems]


def test_a_wrong_byte_is_located(tmp_path: Path) -> None:
    """A ledger with a byte that is no UTF-8 is a problem at its line, no traceback."""
    rows = [encode(line) for line in _chain(_line(), _line("2026-04-01"))]
    (tmp_path / "reports").mkdir()
    (tmp_path / LEDGER).write_bytes("\n".join(rows).encode() + b"\n{\xff}\n")
    with pytest.raises(WorkspaceProblems) as raised:
        read_ledger(tmp_path)
    assert f"{LEDGER}:3: not UTF-8 text; got byte 0xff; lines are only ever appended" == str(raised.value)


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=5))
def test_a_line_is_one_line(content: dict[str, Any]) -> None:
    """Whatever a note holds, a line is one line of the file, and the same for any order of keys."""
    text = encode(content)
    assert 1 == len(text.split("\n"))
    assert content == json.loads(text)
    assert text == encode(dict(reversed(content.items())))


def test_numbers_that_are_none_are_refused() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON"):
        encode({"a": float("nan")})


NEWS = {"known_until": "2026-02-01", "seed": 2, "version": "2", "inputs": {"items": {"a": "b"}}}


@pytest.mark.parametrize("key", NEWS)
def test_what_is_news(key: str) -> None:
    """Other inputs, another a*, seed or version are news; a note or a later day on which nothing happened is not."""
    old = _line()
    assert has_news(old, [])
    assert has_news({**old, key: NEWS[key]}, [old])
    assert not has_news({**old, "as_of": "2026-09-01", "note": "again"}, [old])
    assert has_news(old, [old, {**old, key: NEWS[key]}])


def test_what_a_change_is_measured_against() -> None:
    """The latest line with other inputs that is not after the as-of date."""
    a, b, c = _line("2026-01-01"), _line("2026-02-01", seed=2), _line("2026-05-01", seed=3)
    again = _line("2026-03-01", seed=2, known_until="2026-02-01")
    assert a == line_to_compare(again, [a, b])
    assert b == line_to_compare({**again, "seed": 4}, [a, b, c])
    assert a == line_to_compare({**again, "as_of": "2026-01-01"}, [a, b, c])
    assert None is line_to_compare({**again, "as_of": "2025-12-31"}, [a, b, c])
    assert None is line_to_compare(again, [])
