"""What an update rested on, kept for good: every input file by the digest of its content, once, compressed.

Below `reports/kept/`, which belongs into version control:

- `objects/ab/cdef....gz` is a content with the SHA-256 abcdef..., compressed: `zcat FILE | sha256sum` shows it.
- `objects/ab/cdef....parts` stands for a long content: the digests of its parts, in order. Parts end where their own
  lines say so, so that a line more leaves all other parts as they are.
- A *manifest* is such a content too: a line `DIGEST  PATH` for each file, as `sha256sum` writes and checks it. The
  ledger's line names it (`kept`).
- `lines/DIGEST.gz` is a copy of the ledger's line with that digest, written after the line itself.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from forecast.files import replace_file

KEPT = "reports/kept"
# Of a content with more bytes only the parts that are new are kept again; a part has some 2 ** bits lines.
LONG, PART_BITS = 256 * 1024, 10  # of an input file
LONG_LIST, LIST_BITS = 4 * 1024, 5  # of a list of files, which most updates add a line to
DIGEST = re.compile(r"[0-9a-f]{64}")
MOST = 256 * 1024 * 1024  # bytes of one content: more than any input file may have


class DamagedInputError(ValueError):
    """What is kept under a digest is missing or has another content: `digest`, and `why`."""

    def __init__(self, digest: str, why: str) -> None:
        self.digest, self.why = digest, why
        super().__init__(f"what is kept under {digest[:16]} {why}")


def digest_of_content(content: bytes) -> str:
    """Compute the SHA-256 of a content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def manifest_of(digests: Mapping[str, str]) -> bytes:
    """Write the digests of files, by path, as `sha256sum` does."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items())).encode()


def keep_inputs(root: Path, contents: Mapping[str, bytes], digests: Mapping[str, str] | None = None) -> str:
    """Keep the contents of input files, by path as are their digests if known; return the digest of their manifest.

    What is kept already is not written again. Everything is synced when this returns. Raises OSError.
    """
    known = digests or {}
    digests = {path: keep(root, content, digest=known.get(path)) for path, content in contents.items()}
    return keep(root, manifest_of(digests), LONG_LIST, LIST_BITS)


def keep(root: Path, content: bytes, long: int = LONG, bits: int = PART_BITS, digest: str | None = None) -> str:
    """Keep one content and return its digest; of one that is `long` the parts are kept. Raises OSError."""
    digest = digest or digest_of_content(content)
    place = _place(root, digest)
    if place.with_suffix(".gz").exists() or place.with_suffix(".parts").exists():
        return digest
    if len(content) <= long:
        replace_file(place.with_suffix(".gz"), _packed(content))
    else:
        parts = [_keep_part(root, part) for part in parts_of(content, bits, 8 * long)]
        replace_file(place.with_suffix(".parts"), "".join(f"{part}\n" for part in parts).encode())
    return digest


def _keep_part(root: Path, part: bytes) -> str:
    digest = digest_of_content(part)
    place = _place(root, digest).with_suffix(".gz")
    if not place.exists():
        replace_file(place, _packed(part))
    return digest


def _packed(content: bytes) -> bytes:
    """Pack a content: at this level in a third of the time that the last percent of its size would take."""
    return gzip.compress(content, 6, mtime=0)


def parts_of(content: bytes, bits: int = PART_BITS, most: int = 8 * LONG) -> Iterator[bytes]:
    """Cut a content behind lines whose checksum ends in zeros: what stands before an edit is cut as it was."""
    start, end, mask = 0, 0, (1 << bits) - 1
    for line in content.splitlines(keepends=True):
        end += len(line)
        if zlib.crc32(line) & mask == 0 or end - start > most:
            yield content[start:end]
            start = end
    if start < end:
        yield content[start:end]


def kept_content(root: Path, digest: str, parts_read: dict[str, bytes] | None = None) -> bytes:
    """Return what is kept under a digest. Raises DamagedInputError where it is missing or another content.

    `parts_read` are parts that need not be read again; it is added to.
    """
    place = _place(root, digest)
    if (parts := place.with_suffix(".parts")).exists():
        names = _bytes_of(root, parts, digest).decode("ascii", "replace").split()
        content = b"".join(_parts(root, names, digest, {} if parts_read is None else parts_read))
    else:
        content = _unpacked(root, place.with_suffix(".gz"), digest)
    if digest_of_content(content) != digest:
        raise DamagedInputError(digest, "has been changed")
    return content


def _parts(root: Path, names: Sequence[str], digest: str, read: dict[str, bytes]) -> Iterator[bytes]:
    length = 0
    for name in names:
        if name not in read:
            read[name] = _unpacked(root, _place(root, name).with_suffix(".gz"), digest)
        length += len(read[name])
        if length > MOST:
            raise DamagedInputError(digest, "has been changed")
        yield read[name]


def _unpacked(root: Path, place: Path, digest: str) -> bytes:
    packed = _bytes_of(root, place, digest)
    unpacker = zlib.decompressobj(wbits=31)  # a gzip file
    try:
        content = unpacker.decompress(packed, MOST)
    except zlib.error:
        raise DamagedInputError(digest, "has been changed") from None
    if not unpacker.eof or unpacker.unused_data:
        raise DamagedInputError(digest, "has been changed")
    return content


def _bytes_of(root: Path, place: Path, digest: str) -> bytes:
    """Read a file of the workspace's own: no device, and nothing that a link leads out to."""
    try:
        status = place.stat()
        is_within = os.path.realpath(place).startswith(os.path.join(os.path.realpath(root), ""))  # noqa: PTH118  # fast
        if not is_within or not stat.S_ISREG(status.st_mode) or status.st_size > MOST:
            raise DamagedInputError(digest, "cannot be read: it is no file of this workspace")
        return place.read_bytes()
    except OSError as error:
        raise DamagedInputError(
            digest, "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        ) from None


def kept_manifest(root: Path, digest: str) -> dict[str, str]:
    """Return the digests of the files of a manifest, by path. Raises DamagedInputError.

    A path is one of the workspace's own: none begins with a slash or leads out of it.
    """
    return dict(listed_file(row, digest) for row in kept_content(root, digest).decode(errors="replace").splitlines())


def listed_file(row: str, manifest: str) -> tuple[str, str]:
    """Return the path and the digest that a line of a manifest tells. Raises DamagedInputError."""
    content, _, path = row.partition("  ")
    if DIGEST.fullmatch(content) is None or not path or path.startswith("/") or ".." in path.split("/"):
        raise DamagedInputError(manifest, "is no list of files")
    return path, content


def kept_inputs(root: Path, manifest: str) -> dict[str, bytes]:
    """Return the contents of all files of a manifest, by path. Raises DamagedInputError."""
    return {path: kept_content(root, digest) for path, digest in kept_manifest(root, manifest).items()}


def seal(root: Path, texts: Sequence[str]) -> None:
    """Keep a copy of each of the ledger's lines that has none yet. Raises OSError."""
    for text in texts:
        content = text.encode()
        place = _sealed(root, digest_of_content(content))
        if not place.exists():
            replace_file(place, _packed(content))


def sealed_lines(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the kept copies of lines by their digest, and the names of those that are damaged."""
    copies: dict[str, bytes] = {}
    damaged: list[str] = []
    for place in sorted((root / KEPT / "lines").glob("*.gz")):
        digest = place.name.removesuffix(".gz")
        try:
            content = _unpacked(root, place, digest)
        except DamagedInputError:
            content = b""
        if content and digest_of_content(content) == digest:
            copies[digest] = content
        else:
            damaged.append(digest)
    return copies, damaged


def _place(root: Path, digest: str) -> Path:
    if DIGEST.fullmatch(digest) is None:
        raise DamagedInputError(digest, "cannot be: that is no SHA-256")  # and no way out of the folder either
    return root / KEPT / "objects" / digest[:2] / digest[2:]


def _sealed(root: Path, digest: str) -> Path:
    return root / KEPT / "lines" / f"{digest}.gz"
