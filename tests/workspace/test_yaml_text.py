"""YAML text is read as version 1.2, with the line of every value."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.nodes import child, line_at, plain, replaced
from forecast.workspace.yaml_text import KEPT_BYTES, parse_yaml, resolve

NUMBERS = st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False))
TREES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(st.characters(codec="ascii"), max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abcxyz_", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


def tree(text: str) -> Any:
    """Return the plain tree of a text that must be readable."""
    node, problems = parse_yaml(text.encode(), "a.yaml")
    if node is None or problems:
        raise ValueError(str(problems))
    return plain(node)


@given(TREES)
def test_what_a_dumper_writes_is_read_back(value: Any) -> None:
    """A tree written by an independent dumper is the same tree when read."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper's own signature
            return True

    assert tree(yaml.dump(value, Dumper=Dumper)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("007", 7),
        ("9" * 30, float("9" * 30)),
        ("true", True),
        ("~", None),
        ("", None),
        ("-.inf", float("-inf")),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_unquoted_scalars(text: str, expected: object) -> None:
    """An unquoted scalar is what the core schema of YAML 1.2 makes of it; octal and hexadecimal numbers stay text."""
    assert resolve(text) == expected
    assert type(resolve(text)) is type(expected)


def test_quoted_scalars_are_text() -> None:
    """What stands in quotes, or in a block, is text."""
    assert tree("a: '1'\nb: \"true\"\nc: |\n  5\n") == {"a": "1", "b": "true", "c": "5\n"}


def test_keys_are_text() -> None:
    """A key is the text that it is written as."""
    assert tree("{no: 1, 2026: 2, true: 3, 2026-01-01: 4}") == {"no": 1, "2026": 2, "true": 3, "2026-01-01": 4}


def test_lines() -> None:
    """A scalar's line is its own, a block's that of its key, a list item's that of its dash."""
    node, _ = parse_yaml(
        b"# first\na:\n  b:\n    - c: 1\n      d: >\n        folded\n    - {e: 2,\n       f: 3}\n", "a.yaml"
    )
    assert node is not None
    places = [("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 0, "d"), ("a", "b", 1), ("a", "b", 1, "f")]
    assert [line_at(node, *steps) for steps in places] == [2, 3, 4, 5, 7, 8]


def test_lines_of_what_is_not_there() -> None:
    """The line of a missing value is that of the deepest value above it."""
    node, _ = parse_yaml(b"a:\n  b: 1\n", "a.yaml")
    assert node is not None
    assert [line_at(node, "a", "c"), line_at(node, "a", "b", 0), line_at(node, "z")] == [1, 2, 1]


def test_duplicate_keys_are_said_once_each() -> None:
    """The first of several equal keys counts, each later one is a problem with both lines."""
    node, problems = parse_yaml(b"a: 1\nb: 2\na: 3\n'a': 4\n", "a.yaml")
    assert node is not None
    assert plain(node) == {"a": 1, "b": 2}
    assert [str(problem) for problem in problems] == [
        "a.yaml:3: duplicate key 'a'; it stands on line 1 already",
        "a.yaml:4: duplicate key 'a'; it stands on line 1 already",
    ]


def test_a_byte_order_mark_is_no_content() -> None:
    """A file that an editor began with a byte order mark is read like any other."""
    assert tree("\ufeffa: 1\n") == {"a": 1}


@given(TREES)
def test_replacing_a_value_leaves_the_rest(value: Any) -> None:
    """Taking a key out of a tree gives the tree that never had it."""
    node, _ = parse_yaml(yaml.dump({"kept": [value, 1], "gone": value}, Dumper=yaml.SafeDumper).encode(), "a.yaml")
    if node is None:  # the dumper used an alias, which is refused
        return
    assert plain(replaced(node, ("gone",), None)) == {"kept": [value, 1]}
    assert plain(replaced(node, ("kept", 0), None)) == {"kept": [1], "gone": value}
    assert child(replaced(node, ("kept", 0), child(node, "gone")), "gone") == child(node, "gone")


@pytest.mark.parametrize("size", [1, KEPT_BYTES])
def test_the_same_text_in_two_files(size: int) -> None:
    """A text that was read before is told of with the file that it stands in now, and its tree is the same."""
    wrong = b"a: 1\na: 2\n# " + b"x" * size
    first, again, elsewhere = (parse_yaml(wrong, path) for path in ("one.yaml", "one.yaml", "other.yaml"))
    assert first == again
    assert first[0] == elsewhere[0]
    assert ["one.yaml", "other.yaml"] == [problem.source.path for _, (problem,) in (first, elsewhere)]
