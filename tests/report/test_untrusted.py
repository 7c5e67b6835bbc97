"""Text from files can be read on the page and do nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.plain import all_readable, link, readable
from forecast.report.page import isolated


@given(st.text())
def test_no_invisible_character_is_left(text: str) -> None:
    """No control, bidirectional or surrogate character reaches the page."""
    left = set(readable(text)) & {
        chr(i) for i in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0, 27)
    }
    assert set() == left


def test_bidirectional_control_is_written_out() -> None:
    """A character that would reorder the line is shown by its number; letters of right-to-left scripts stay."""
    assert "a[U+202E]b שלום" == readable("a\u202eb שלום")
    assert {"k": ["x[U+0000]", 1, None]} == all_readable({"k": ("x\0", 1, None)})


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://example.org/a?b=c", True),
        ("http://example.org", True),
        ("HTTPS://example.org", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//example.org", False),
        ("file:///etc/passwd", False),
        ("https:", False),
        ("https://[::1", False),
        ("https://exa mple.org", False),
        ("https://example.org/\u202e", False),
    ],
)
def test_only_web_addresses_are_links(url: str, followed: bool) -> None:
    """Addresses of http and https with a host are links; every other address is text."""
    found = link(url)
    assert found is not None
    assert followed == found.followed
    assert url == found.url


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Truce: 3 %</p>", "<p>Truce: 3 %</p>"),
        ("<p>If هدنة 2 (A): 3 %</p>", "<p>If <bdi>هدنة 2 (A)</bdi>: 3 %</p>"),
        ("<td>停戦 yes</td>", "<td><bdi>停戦</bdi> yes</td>"),
        ("<p>a שלום 5 שלום b</p>", "<p>a <bdi>שלום 5 שלום</bdi> b</p>"),
        ('<a title="هدنة">x</a><svg><text>هدنة</text></svg>', '<a title="هدنة">x</a><svg><text>هدنة</text></svg>'),
        ("<p>&lt;b&gt; هدنة &amp; هدنة</p>", "<p>&lt;b&gt; <bdi>هدنة</bdi> &amp; <bdi>هدنة</bdi></p>"),
    ],
)
def test_names_of_other_scripts_are_isolated(html: str, expected: str) -> None:
    """A name is isolated as a whole, every other run from its first letter to its last; tags and drawings stay."""
    assert expected == isolated(html, ["هدنة 2 (A)", "Truce"])


def test_no_address_is_no_link() -> None:
    """An absent address is absent."""
    assert link(None) is None
