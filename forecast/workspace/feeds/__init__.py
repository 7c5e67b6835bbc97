"""The registry of feeds: every module below `formats` names its own in `FEEDS`, and is found by being there.

A new feed is one new file there. The choices of `forecast import --format`, what the commands do with a file, and the
lists of docs/feeds.md come from it (the page is held to it by a test).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import Network, Scenario


class Feed(ABC):
    """Somebody else's files. `name` is what `--format` calls it, `title` its own name, `on_page` its row in the docs.

    Of a feed that becomes evidence `is_evidence` holds; the others become benchmarks.
    """

    is_evidence: ClassVar[bool]
    name: ClassVar[str]
    title: ClassVar[str]
    on_page: ClassVar[tuple[str, ...]]


@dataclass(frozen=True)
class ItemsRead:
    """Items as the text of a file of evidence, the line of each in its table, and what is wrong in the table.

    Where something is wrong in it the text serves to find what else is.
    """

    text: str
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]

    def placed(self, problem: Problem, path: str, file: str) -> Problem:
        """Return a problem of the text, which is to stand at `path`, at the row of the table that it is about."""
        if problem.source.path != path:
            return problem
        before = self.text.splitlines()[: problem.source.line]
        row = sum(line.startswith("- ") for line in before)
        return replace(problem, source=Source(file, self.lines[row - 1]))


class ItemsFeed(Feed):
    """A file that holds items of evidence. `caution`: what who imports it should know, a sentence or two."""

    is_evidence = True
    caution: ClassVar[str] = ""

    @abstractmethod
    def read(
        self, content: bytes, path: str, event: str | None, network: Network, scenarios: Sequence[Scenario]
    ) -> ItemsRead:
        """Read items on the states of `event`, without one on the scenarios."""


@cache
def feeds() -> Mapping[str, Feed]:
    """Return every feed by its name, sorted by the names of the modules."""
    from forecast.workspace.feeds import formats

    modules = sorted(module.name for module in iter_modules(formats.__path__))
    return {feed.name: feed for name in modules for feed in _feeds_in(f"{formats.__name__}.{name}")}


def feeds_of[F: Feed](kind: type[F]) -> dict[str, F]:
    """Return the feeds of one kind by name."""
    return {name: feed for name, feed in feeds().items() if isinstance(feed, kind)}


def names(*, evidence: bool) -> list[str]:
    """Return the names of the feeds that become evidence, or of those that become benchmarks."""
    return [name for name, feed in feeds().items() if feed.is_evidence is evidence]


def _feeds_in(module: str) -> Iterator[Feed]:
    yield from import_module(module).FEEDS
