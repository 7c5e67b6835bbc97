"""The registry of network formats: a format is a file of the folder, and is chosen by ending, then by content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.networks import formats as folder
from forecast.networks.formats import format_of, formats, read_network
from forecast.workspace.problems import WorkspaceProblems

DATA = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[2] / "docs/commands.md"
COIN = "network coin { } variable x { type discrete [ 2 ] { a, b }; } probability ( x ) { table 0.25, 0.75; }"
TOY = """
from forecast.networks.bif import parse_bif
from forecast.networks.formats import NetworkFormat


class CoinFormat(NetworkFormat):
    title, endings = "Coin", ({ending!r},)

    def recognises(self, content):
        return content.startswith(b"coin ")

    def read(self, content, name):
        p = float(content.split()[1])
        head = "variable x {{ type discrete [ 2 ] {{ a, b }}; }}"
        return parse_bif(f"{{head}} probability ( x ) {{{{ table {{p}}, {{1 - p}}; }}}}", name)


FORMATS = (CoinFormat(),)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """One more module in the folder of formats."""
    module = f"coin_{request.param.strip('.')}"
    (tmp_path / f"{module}.py").write_text(TOY.format(ending=request.param), encoding="utf-8")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    formats.cache_clear()
    yield
    formats.cache_clear()


@pytest.mark.parametrize("toy", [".coin"], indirect=True)
@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("name", ["net.coin", "net.COIN", "net.txt"])
def test_a_format_is_one_file(tmp_path: Path, name: str) -> None:
    """A new module is read by `forecast query`, by the ending of its files or their content, and named to others."""
    (tmp_path / name).write_text("coin 0.25\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["query", str(tmp_path / name)])
    assert (0, True) == (result.exit_code, "a 0.2500  b 0.7500" in result.output), result.output
    (tmp_path / "other").write_text("nothing\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["query", str(tmp_path / "other")])
    listed = "other:1: no network format that is known; formats are BIF (.bif), Coin (.coin), "
    assert (1, True) == (result.exit_code, listed in result.output), result.output


@pytest.mark.parametrize("toy", [".bif"], indirect=True)
@pytest.mark.usefixtures("toy")
def test_an_ending_has_one_format() -> None:
    """Two formats with one ending are a mistake of whoever adds the second."""
    with pytest.raises(ValueError, match=r"two network formats with the ending \.bif"):
        formats()


@pytest.mark.parametrize("before", ["", "\ufeff", " \n// a note\n/* and\nanother */ "])
def test_bif_is_known_by_its_first_word(tmp_path: Path, before: str) -> None:
    """A file without the ending is BIF where its first word, behind comments, is that of a block."""
    (tmp_path / "coin").write_text(before + COIN, encoding="utf-8")
    assert ("x",) == read_network(tmp_path / "coin").names
    for text in (f"note {COIN}", "// network", "networks", " " * 100_000, "/*" * 50_000):
        with pytest.raises(WorkspaceProblems, match="no network format that is known"):
            format_of((before + text).encode(), "coin")


def test_the_page_names_every_format() -> None:
    """The section of `forecast query` names each format with its endings."""
    section = re.findall(r"^## forecast query\n(.*?)^## ", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shown = [f"{one.title} ({', '.join(f'`{ending}`' for ending in one.endings)})" for one in formats()]
    assert [] == [text for text in shown if text not in section[0]]


FILES = sorted(path.name for path in DATA.iterdir() if path.name.startswith("dog.") and not path.name.endswith(".evid"))


@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
@pytest.mark.parametrize("name", FILES)
def test_line_ends_change_nothing(tmp_path: Path, name: str, end: bytes) -> None:
    """A file of each format with the line ends of Windows or an old Macintosh is the same network."""
    content = (DATA / name).read_bytes().replace(b"\r\n", b"\n")
    (tmp_path / name).write_bytes(content.replace(b"\n", end))
    expected, actual = read_network(DATA / name), read_network(tmp_path / name)
    assert (expected.names, dict(expected.states)) == (actual.names, dict(actual.states))
    assert {n: t.tolist() for n, t in expected.tables.items()} == {n: t.tolist() for n, t in actual.tables.items()}


@pytest.mark.parametrize("name", [*FILES, "noise.xdsl"])
def test_markers_of_a_merge_are_named(tmp_path: Path, name: str) -> None:
    """In a file of each format what git left is called by its name."""
    lines = (DATA / name).read_bytes().split(b"\n")
    lines[len(lines) // 2 : len(lines) // 2] = [b"<<<<<<< HEAD", b"=======", b">>>>>>> other"]
    (tmp_path / name).write_bytes(b"\n".join(lines))
    with pytest.raises(WorkspaceProblems, match="the markers of an unfinished merge, on lines"):
        read_network(tmp_path / name)
