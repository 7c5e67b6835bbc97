"""Warnings about items that look like copies of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace.writing import messages, write_bulk

HEADER = "id,reported,source,group,headline,url,event,support,for,supersedes"


def copies(root: Path) -> list[str]:
    """Return the warnings about copies."""
    return [message for message in messages(root, "warning") if "restate each other" in message]


@pytest.mark.parametrize(
    ("second", "how"),
    [
        ("b,2026-07-01,forum,,the launch of the Product is near!,,demand,slight,high,", "nearly the headline of"),
        ("b,2026-07-01,forum,,Launch is near.,https://example.org/1,demand,slight,high,", "the same address as"),
        ("b,2026-07-02,forum,,The launch of the product is near.,,demand,slight,high,", None),
        ("b,2026-07-01,forum,,The launch of the product is near.,,success,slight,yes,", None),
        ("b,2026-07-01,forum,wire,The launch of the product is near.,,demand,slight,high,", None),
        ("b,2026-07-01,forum,,The launch of the product is far away.,,demand,slight,high,", None),
        ("b,2026-07-01,forum,,The launch of the product is near.,,demand,slight,high,a", None),
    ],
)
def test_copies(tmp_path: Path, second: str, how: str | None) -> None:
    """One address on an event, or nearly one headline on its day, is warned about; a group or a supersession is not."""
    first = "a,2026-07-01,newspaper,wire,The launch of the product is near.,https://example.org/1,demand,slight,high,"
    write_bulk(tmp_path, first, second, header=HEADER)
    said = f"evidence/feed.csv:3: warning: item 'b': bears on 'demand' with {how} item 'a'; "
    said += "that is at evidence/feed.csv:2; give both one group if they restate each other"
    assert ([said] if how else []) == copies(tmp_path)


def test_a_copy_of_two_groups(tmp_path: Path) -> None:
    """An item is held against two groups: sharing the group of the first does not hide that it copies the second."""
    rows = [
        f"{name},2026-07-01,forum,{group},The launch is near.,,demand,slight,high,"
        for name, group in ("ax", "by", "cx")
    ]
    write_bulk(tmp_path, *rows, header=HEADER)
    assert ["'b'", "'c'"] == [message.split("item ")[1].split(":")[0] for message in copies(tmp_path)]
