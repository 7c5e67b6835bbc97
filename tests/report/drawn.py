"""A drawn report and its parts, for the tests of the page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from forecast.ledger.outcome import Outcome
from forecast.publish import ReportRequest, material
from forecast.report.page import report_files
from tests.report.outcomes import asked, world

VOID = {"meta", "br", "link", "img", "input"}


@dataclass(frozen=True)
class Drawn:
    """A forecast with its report."""

    about: ReportRequest
    files: dict[str, bytes]

    @property
    def found(self) -> Outcome:
        """The forecast."""
        return self.about.outcome

    @property
    def prior(self) -> Outcome:
        """The statements alone."""
        return self.about.prior

    @property
    def page(self) -> dict[str, Any]:
        """The content of report.json."""
        loaded: dict[str, Any] = json.loads(self.files["report.json"])
        return loaded

    @property
    def html(self) -> str:
        """The page."""
        return self.files["report.html"].decode()


def draw(folder: Path, **more: Any) -> Drawn:
    """Draw the report of the small world, changed as said."""
    about = asked(world(**more), folder)
    files = report_files(material(about, lambda _: None), lambda _: None, [("All updates", "../index.html")])
    return Drawn(about, files)


class Text(NamedTuple):
    """A piece of text: the elements around it, outermost first, and the section that it stands in.

    `drawn`: it is part of a figure that is told in other words, as what is hidden from assistive technology.
    """

    text: str
    around: tuple[str, ...]
    section: str | None
    drawn: bool


@dataclass
class Elements(HTMLParser):
    """Every element in order with its attributes, and every text."""

    found: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    told: list[Text] = field(default_factory=list)
    section: str | None = None
    hidden: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def texts(self) -> list[str]:
        """Every text, in order."""
        return [one.text for one in self.told]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["aria-labelledby"]
        if tag not in VOID:
            self.open.append(tag)
            self.hidden.append(tag == "svg" or dict(attrs).get("aria-hidden") == "true")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        self.hidden.pop()
        if tag != self.open.pop():
            msg = f"</{tag}> closes another element"
            raise ValueError(msg)
        if tag == "section":
            self.section = None

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.told.append(Text(data, tuple(self.open), self.section, any(self.hidden)))


@lru_cache(maxsize=8)
def elements(html: str) -> Elements:
    """Parse a page whose elements are all closed in order; many tests look at one page."""
    parser = Elements()
    parser.feed(html)
    parser.close()
    if parser.open:
        msg = f"never closed: {parser.open}"
        raise ValueError(msg)
    return parser
