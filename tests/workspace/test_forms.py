"""The registries of forms: each record has its form, and what is derived from them is whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace import evidence_forms as evidence
from forecast.workspace import statement_forms as statements
from forecast.workspace.nodes import Cursor
from forecast.workspace.problems import Source
from forecast.workspace.records import OnEvent, Reading
from forecast.workspace.yaml_text import parse_yaml

TREE = b"""\
top:
  first: 1
  second:
    - a
    - b
"""


def test_every_record_has_its_form() -> None:
    """A record has one form of evidence; the forms of statement read exactly the records that statements hold."""
    assert len(evidence.FORMS) == len({form.record for form in evidence.FORMS})
    assert [] == [form.key for form in evidence.FORMS if form.is_on_event != issubclass(form.record, OnEvent)]
    assert {*Reading.__subclasses__()} == {form.record for form in statements.FORMS}


def test_no_key_stands_twice() -> None:
    """A key decides between the forms, so it belongs to one of them."""
    for forms in (
        [key for form in evidence.FORMS for key in (form.key, *form.beside)],
        [form.key for form in statements.FORMS],
    ):
        assert sorted(set(forms)) == sorted(forms)


def test_shapes_hold_every_key() -> None:
    """The shapes of the files know all keys of all forms, by the names that stand in files."""
    of_bearings = {field.alias or name for name, field in evidence.BearingShape.model_fields.items()}
    assert {"event", "until", *(key for form in evidence.FORMS for key in (form.key, *form.beside))} == of_bearings
    assert {*statements.READINGS} <= {*statements.StatementShape.model_fields}


def test_a_cursor_stands_where_its_value_does() -> None:
    """A value is at its own line, a key at the key's; where nothing stands, the deepest value above does."""
    tree, problems = parse_yaml(TREE, "x.yaml")
    assert () == problems
    assert tree is not None
    at = Cursor.over(tree, "x.yaml", "thing")
    assert Source("x.yaml", 2) == at.at("top", "first").source
    assert Source("x.yaml", 3) == at.at("top").key("second").source
    assert Source("x.yaml", 5) == at.at("top", "second", 1).source
    assert at.at("top", "second").source == at.at("top", "second", 7).source
    assert ["a", "b"] == [text for text, _ in at.at("top", "second").texts()]
    assert "x.yaml:2: thing: part: is odd; got 1; more" == str(
        at.at("top", "first").under("part").problem("is odd", "1", "more")
    )


@given(st.lists(st.sampled_from(["top", "first", "second", 0, 1, 2]), max_size=4))
def test_a_cursor_never_leaves_the_file(steps: list[str | int]) -> None:
    """Whatever steps are taken, the line is one of the file's, and the subject stays."""
    tree, _ = parse_yaml(TREE, "x.yaml")
    assert tree is not None
    at = Cursor.over(tree, "x.yaml", "thing").at(*steps)
    assert 1 <= at.line <= TREE.count(b"\n")
    assert "thing" == at.subject
