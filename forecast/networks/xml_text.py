"""XML as elements that know their lines, read without entities of any kind and written as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from forecast.networks.network import BifWord
from forecast.networks.text import ManyWords
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, shown, unfinished_merge

MAX_DEPTH = 100
ENTITIES = "the five of XML and numbers of characters, such as &amp; and &#233;"
# Of expat's errors those that a reader of files understands only in other words.
MEANING = {
    "no element found": "the file ends before its last element is closed",
    "undefined entity": f"an entity that XML does not have; allowed are {ENTITIES}",
}


@dataclass
class Element:
    """An element: its name without a prefix, attributes, children, and its own text, each piece with its line."""

    name: str
    line: int
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list["Element"])
    pieces: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    @property
    def text(self) -> str:
        """The text of the element without that of its children, in one of Unicode's forms and without margins."""
        return one_form("".join(piece for _, piece in self.pieces)).strip()

    def of(self, *names: str) -> list[Element]:
        """Return the children with one of these names."""
        return [child for child in self.children if child.name in names]

    def within(self, name: str) -> Iterator[Element]:
        """Yield the elements of a name below this one, at any depth."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.within(name)

    def word(self) -> BifWord:
        """Return the text as one word, at the line where it begins."""
        for line, piece in self.pieces:
            if piece.strip():
                return BifWord(self.text, line + piece[: len(piece) - len(piece.lstrip())].count("\n"))
        return BifWord(self.text, self.line)

    def words(self) -> ManyWords:
        """Return the words of the text."""
        return _words(self.pieces)

    def xml(self) -> str:
        """Write the element as it was, on one line but for what its texts hold."""
        attributes = "".join(f" {key}={quoteattr(value)}" for key, value in self.attributes.items())
        inside = escape("".join(piece for _, piece in self.pieces)) if not self.children or self.text else ""
        inside += "".join(child.xml() for child in self.children)
        return f"<{self.name}{attributes}>{inside}</{self.name}>" if inside else f"<{self.name}{attributes} />"


def _words(pieces: Sequence[tuple[int, str]]) -> ManyWords:
    text = "".join(piece for _, piece in pieces)
    texts = text.split()

    def lines() -> list[int]:
        starts = [*accumulate(len(piece) for _, piece in pieces)]
        found: list[int] = []
        at = counted = piece = 0
        line = pieces[0][0] if pieces else 1
        for word in texts:
            at = text.index(word, at)
            while at >= starts[piece]:
                counted = starts[piece]
                piece += 1
                line = pieces[piece][0]
            line += text.count("\n", counted, at)
            counted = at
            found.append(line)
            at += len(word)
        return found

    return ManyWords(texts, lines)


def parse_xml(content: bytes, path: str) -> Element:
    """Read a document: its elements, without comments, instructions and name spaces.

    No entity is defined, none is expanded but XML's own five, and nothing outside the file is opened: a declaration of
    an entity is a problem wherever it stands. A document type that declares elements alone is read over.

    Raises:
        WorkspaceProblems: the first place at which the document is not well formed, or uses an entity.
    """
    reader = _Reader(path)
    try:
        reader.parser.Parse(content, True)  # expat takes no keywords: this is the whole document
    except (LookupError, ValueError) as wrong:  # what Python says of an encoding that it does not have
        reader.refuse("not well-formed XML", str(wrong), "an encoding such as UTF-8 or ISO-8859-1", 1)
    except expat.ExpatError as wrong:
        if (merge := unfinished_merge(content.decode("latin-1"), path)) is not None:
            raise WorkspaceProblems([merge]) from None
        said = expat.ErrorString(wrong.code)
        reader.refuse("not well-formed XML", "", MEANING.get(said, said), wrong.lineno)
    if reader.root is None:  # expat has said so before
        reader.refuse("not well-formed XML", "", "one element that holds all others", 1)
    return reader.root


class _Reader:
    def __init__(self, path: str) -> None:
        self.path, self.root = path, None
        self.open: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.say
        self.parser.EntityDeclHandler = self.declare
        self.parser.ExternalEntityRefHandler = self.refer
        self.parser.SkippedEntityHandler = self.skip

    root: Element | None

    def refuse(self, what: str, got: str, allowed: str, line: int | None = None) -> NoReturn:
        at = max(1, self.parser.CurrentLineNumber if line is None else line)
        raise WorkspaceProblems([Problem(Source(self.path, at), what, got, allowed)])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) == MAX_DEPTH:
            self.refuse("elements within elements", f"{MAX_DEPTH + 1} deep", f"at most {MAX_DEPTH}")
        made = Element(name.rpartition(":")[2], self.parser.CurrentLineNumber, attributes)
        if self.open:
            self.open[-1].children.append(made)
        else:
            self.root = made
        self.open.append(made)

    def end(self, _: str) -> None:
        self.open.pop()

    def say(self, text: str) -> None:
        self.open[-1].pieces.append((self.parser.CurrentLineNumber, text))

    def declare(self, name: str, *_: object) -> None:
        self.refuse("an entity is declared", shown(name), f"none: a network needs only {ENTITIES}")

    def refer(self, _: str, __: str | None, system: str | None, ___: str | None) -> int:
        self.refuse("a reference out of the file", shown(system or ""), "nothing outside the file is read")
        return 0

    def skip(self, name: str, _: bool) -> None:  # as expat calls it
        self.refuse("an entity that XML does not have", shown(name), f"allowed are {ENTITIES}")
