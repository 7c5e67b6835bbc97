"""Read a discrete Bayesian network from a BIF file: text to blocks here, blocks to tables in `tables`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from forecast.networks.formats import MAX_BYTES
from forecast.networks.network import (
    CANONICAL,
    TABLES_ONLY,
    BifWord,
    Blocks,
    DiscreteNetwork,
    ProbabilityBlock,
    ProbabilityEntry,
    VariableBlock,
    build,
)
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, unfinished_merge

# What the grammar's terminals are called in a message.
_READABLE = {
    "WORD": "a name or number",
    "QUOTED": "a quoted name",
    "PROPERTY": "'property ...;'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "SEMICOLON": "';'",
    "COMMA": "','",
    "VBAR": "'|'",
    "$END": "the end of the file",
}


def read_bif(path: str | Path) -> DiscreteNetwork:
    """Read and check a network in the interchange format for Bayesian networks.

    Raises:
        WorkspaceProblems: every mistake in the file, each with its line. A text that does not follow the grammar is
            one problem, at the first place where it goes wrong.

    Source: Cozman (1998), "The Interchange Format for Bayesian Networks", version 0.15.
    """
    name = str(path)
    return parse_bif(bif_text(read_outside(Path(path), name, MAX_BYTES), name), name)


def parse_bif(text: str, path: str) -> DiscreteNetwork:
    """Read a network from BIF text; `path` is the name that messages give. Raises as `read_bif`."""
    if (merge := unfinished_merge(text, path)) is not None:
        raise WorkspaceProblems([merge])
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as wrong:
        raise WorkspaceProblems([_syntax_problem(wrong, text, path)]) from None
    return build(_blocks(tree), path)


def bif_text(content: bytes, name: str) -> str:
    """Return the text of a file. Raises WorkspaceProblems where it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        problem = Problem(
            Source(name, line), "not a text file", f"byte 0x{content[failure.start]:02x}", "text is UTF-8"
        )
        raise WorkspaceProblems([problem]) from None


@cache
def _parser() -> Lark:
    grammar = files("forecast.networks").joinpath("bif.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)


def _syntax_problem(wrong: UnexpectedInput, text: str, path: str) -> Problem:
    last_line = max(1, text.count("\n") + (not text.endswith("\n")))
    if isinstance(wrong, UnexpectedToken):
        expected = wrong.accepts or wrong.expected
        at_end = wrong.token.type == "$END"
        line = last_line if at_end else wrong.line
        got = "the end of the file" if at_end else f"'{str(wrong.token)[:40]}'"
    elif isinstance(wrong, UnexpectedCharacters):
        expected, line = wrong.allowed or set(), wrong.line
        got = f"'{text[wrong.pos_in_stream :].split(maxsplit=1)[0][:40]}'"
    else:
        raise TypeError(f"an unknown kind of syntax error: {wrong!r}")
    if canonical := CANONICAL.search(text[wrong.pos_in_stream :].partition("\n")[0].partition("//")[0]):
        what = "a canonical model, not a table"
        return Problem(Source(path, line), what, f"'{canonical[0]}'", TABLES_ONLY)
    allowed = sorted(_READABLE.get(terminal, f"'{terminal.strip('_').lower()}'") for terminal in expected)
    return Problem(Source(path, line), "not in the BIF grammar", got, f"expected {' or '.join(allowed)}")


def _blocks(tree: Tree[Token]) -> Blocks:
    return Blocks(
        variables=tuple(_variable(block) for block in tree.find_data("variable")),
        probabilities=tuple(_probability(block) for block in tree.find_data("probability")),
    )


def _variable(block: Tree[Token]) -> VariableBlock:
    types = _parts(block, "type")
    states = tuple(_names(names) for kind in types for names in _parts(kind, "names"))
    sizes = tuple(word for kind in types for size in _parts(kind, "size") for word in _words(size))
    return VariableBlock(_names(block)[0], states, sizes)


def _probability(block: Tree[Token]) -> ProbabilityBlock:
    parents = tuple(word for names in _parts(block, "names") for word in _names(names))
    rows, defaults, tables = (_entries(block, kind) for kind in ("row", "default", "table"))
    return ProbabilityBlock(_names(block)[0], parents, rows, defaults, tables, _words(block))


def _entries(block: Tree[Token], kind: str) -> tuple[ProbabilityEntry, ...]:
    return tuple(
        ProbabilityEntry(
            given=tuple(word for names in _parts(entry, "names") for word in _names(names)),
            numbers=tuple(word for numbers in _parts(entry, "numbers") for word in _words(numbers)),
        )
        for entry in _parts(block, kind)
    )


def _parts(tree: Tree[Token], kind: str) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree) and child.data == kind]


def _names(tree: Tree[Token]) -> tuple[BifWord, ...]:
    return tuple(word for name in _parts(tree, "name") for word in _words(name))


def _words(tree: Tree[Token]) -> tuple[BifWord, ...]:
    tokens = [child for child in tree.children if isinstance(child, Token)]
    texts = (one_form(token.strip('"') if token.type == "QUOTED" else str(token)) for token in tokens)
    return tuple(BifWord(text, token.line or 1) for text, token in zip(texts, tokens, strict=True))
