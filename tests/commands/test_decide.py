"""`forecast decide` as a table on a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.decide import _at_the_point

NUMBERS = st.from_regex(r"[<-]?[0-9]{1,3}(,[0-9]{3})?(\.[0-9]{1,4})?", fullmatch=True)


@given(st.sampled_from(["regret", "expected", ""]), st.lists(NUMBERS, min_size=1))
def test_decimal_points_stand_below_each_other(heading: str, numbers: list[str]) -> None:
    """In a column the last digit before the point has one place, whatever stands behind; no text is changed."""
    above, filled = _at_the_point(heading, numbers)
    assert (heading, numbers) == (above.strip(), [text.strip() for text in filled])
    assert 1 == len({len(text) for text in (above, *filled)})
    assert 1 == len({len(text.rstrip().partition(".")[0]) for text in filled})
