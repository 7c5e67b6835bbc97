"""The registry of feeds: one file each, from which options and the lists of docs/feeds.md follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from forecast.commands.import_ import benchmark, evidence
from forecast.workspace.feeds import Feed, feeds, feeds_of, formats, names
from forecast.workspace.feeds.coded_table import Coder
from forecast.workspace.feeds.histories import Crowd

PAGE = (Path(__file__).parents[3] / "docs" / "feeds.md").read_text(encoding="utf-8")
TOY = '''"""A toy feed."""

from forecast.workspace.feeds.histories import Crowd


class Toy(Crowd):
    """A list of points."""

    name = "toy"
    title = "Toy"
    on_page = ("a list", "`t`", "`p`")
    keys = ()
    time = "t"
    probability = "p"
    form = "a list of points"


FEEDS = (Toy(),)
'''


def _rows(kind: type[Feed]) -> list[str]:
    """Return the rows of a table of the page: feeds whose files are alike share one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, feed in feeds_of(kind).items():
        alike.setdefault(feed.on_page, []).append(f"`{name}`")
    return ["| " + " | ".join([", ".join(called), *cells]) + " |" for cells, called in alike.items()]


@pytest.mark.parametrize("kind", [Coder, Crowd])
def test_the_page_lists_the_feeds(kind: type[Feed]) -> None:
    """The tables of the page are the rows of the registry, in whatever order, and no others."""
    table = next(part for part in PAGE.split("\n\n") if "| `--format` |" in part and _rows(kind)[0] in part)
    assert sorted(_rows(kind)) == sorted(table.splitlines()[2:])


@pytest.mark.parametrize(("command", "is_evidence"), [(evidence, True), (benchmark, False)])
def test_the_choices_are_the_feeds(command: click.Command, is_evidence: bool) -> None:
    """`--format` of both commands offers the feeds of its kind, and the page names each of them."""
    (form,) = (option for option in command.params if option.name == "form")
    assert isinstance(form.type, click.Choice)
    assert names(evidence=is_evidence) == list(form.type.choices)
    assert [] == [name for name in form.type.choices if f"`{name}`" not in PAGE and f"--format {name}" not in PAGE]


def test_no_name_stands_twice() -> None:
    """A name of `--format` belongs to one feed, and every file of the folder has one."""
    found = [feed for module in Path(formats.__path__[0]).glob("[!_]*.py") for feed in _feeds_in(module.stem)]
    assert sorted(feeds()) == sorted(feed.name for feed in found)


def _feeds_in(module: str) -> Iterator[Feed]:
    yield from (feed for feed in feeds().values() if type(feed).__module__ == f"{formats.__name__}.{module}")


def test_a_new_feed_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file below `formats` is found by being there, with nothing else changed."""
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    feeds.cache_clear()
    try:
        assert ["kalshi", "manifold", "metaculus", "polymarket", "toy"] == names(evidence=False)
    finally:
        feeds.cache_clear()
