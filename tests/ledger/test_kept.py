"""What an update rested on is kept for good: once, whole, and found again by its digest."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.ledger.kept import (
    KEPT,
    DamagedInputError,
    digest_of_content,
    keep,
    keep_inputs,
    kept_content,
    kept_inputs,
    kept_manifest,
    parts_of,
    seal,
    sealed_lines,
)

LINES = st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")), max_size=300)


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@given(contents=st.dictionaries(st.sampled_from(["a.yaml", "evidence/b.csv", "c"]), st.binary(max_size=2000)))
@settings(max_examples=50)
def test_what_is_kept_comes_back(contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Contents come back by path, byte for byte; keeping them again writes nothing."""
    root = tmp_path_factory.mktemp("kept")
    manifest = keep_inputs(root, contents)
    before = _files(root)
    assert contents == kept_inputs(root, manifest)
    assert manifest == keep_inputs(root, contents)
    assert before == _files(root)


@given(lines=LINES, repeats=st.integers(1, 40))
def test_parts_make_the_content(lines: list[bytes], repeats: int) -> None:
    """The parts of a content, one behind the other, are the content, and none is empty."""
    content = b"\n".join(lines) * repeats
    parts = list(parts_of(content))
    assert content == b"".join(parts)
    assert all(parts)


def test_a_line_more_keeps_little_more(tmp_path: Path) -> None:
    """Of a long table with a line more, only what is new is kept again: the part that the line stands in."""
    table = b"".join(b"item-%d,2026-01-01,source,%x\n" % (row, row * 7919) for row in range(60_000))
    first = keep(tmp_path, table)
    before = _files(tmp_path)
    grown = table[:1_000_000] + b"\none line more\n" + table[1_000_000:] + b"and one at the end\n"
    second = keep(tmp_path, grown)
    new = {path: content for path, content in _files(tmp_path).items() if path not in before}
    assert [table, grown] == [kept_content(tmp_path, digest) for digest in (first, second)]
    assert sum(map(len, new.values())) < sum(map(len, before.values())) / 8


def test_other_tools_read_what_is_kept(tmp_path: Path) -> None:
    """An object is a gzip file of a content with its name as SHA-256; a manifest is what `sha256sum` writes."""
    manifest = keep_inputs(tmp_path, {"priors/a.yaml": b"a\n", "evidence/b.yaml": b"b\n"})
    place = tmp_path / KEPT / "objects" / manifest[:2] / f"{manifest[2:]}.gz"
    listed = gzip.decompress(place.read_bytes())
    assert manifest == hashlib.sha256(listed).hexdigest()
    for path, content in kept_inputs(tmp_path, manifest).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    done = subprocess.run(["sha256sum", "-c"], input=listed, cwd=tmp_path, capture_output=True, check=False)
    assert (0, b"evidence/b.yaml: OK\npriors/a.yaml: OK\n") == (done.returncode, done.stdout)


@given(data=st.data())
@settings(max_examples=60)
def test_damage_is_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A kept file with other bytes, or cut short, or gone, never gives another content: it is told as damaged."""
    root = tmp_path_factory.mktemp("kept")
    content = data.draw(st.binary(min_size=1, max_size=400))
    digest = keep(root, content)
    place = root / KEPT / "objects" / digest[:2] / f"{digest[2:]}.gz"
    packed = bytearray(place.read_bytes())
    at = data.draw(st.integers(0, len(packed) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "add", "remove"]))
    if how == "flip":
        packed[at] ^= data.draw(st.integers(1, 255))
    if how == "remove":
        place.unlink()
    else:
        place.write_bytes(bytes(packed[:at]) if how == "cut" else bytes(packed) + b"x" * (how == "add"))
    with contextlib.suppress(DamagedInputError):
        assert content == kept_content(root, digest)  # a byte of the gzip header that says nothing of the content


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "g" * 64, "A" * 64, "a" * 63])
def test_a_digest_leads_nowhere_else(digest: str, tmp_path: Path) -> None:
    """What is no SHA-256 in hexadecimal names no file."""
    with pytest.raises(DamagedInputError, match="no SHA-256"):
        kept_content(tmp_path, digest)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "evidence/../../x", ""])
def test_a_manifest_names_files_of_the_workspace(path: str, tmp_path: Path) -> None:
    """A manifest with a path that leads out of the workspace is none."""
    manifest = keep(tmp_path, f"{digest_of_content(b'x')}  {path}\n".encode())
    with pytest.raises(DamagedInputError, match="no list of files"):
        kept_manifest(tmp_path, manifest)


def test_more_than_any_file_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to more than an input file may have is damaged, not read to its end."""
    digest = keep(tmp_path, b"\0" * 200_000)
    monkeypatch.setattr("forecast.ledger.kept.MOST", 100_000)
    with pytest.raises(DamagedInputError, match="has been changed"):
        kept_content(tmp_path, digest)


def test_lines_are_copied_once(tmp_path: Path) -> None:
    """A copy of each line is kept under its digest, and a damaged copy is named."""
    seal(tmp_path, ['{"a":1}', '{"b":2}'])
    before = _files(tmp_path)
    seal(tmp_path, ['{"a":1}', '{"b":2}', '{"c":3}'])
    assert before.items() <= _files(tmp_path).items()
    texts = [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert ({digest_of_content(text): text for text in texts}, []) == sealed_lines(tmp_path)
    spoiled = digest_of_content(texts[1])
    (tmp_path / KEPT / "lines" / f"{spoiled}.gz").write_bytes(gzip.compress(b'{"b":3}'))
    found, damaged = sealed_lines(tmp_path)
    assert ({texts[0], texts[2]}, [spoiled]) == (set(found.values()), damaged)
