"""A sealed file: arrays and texts under names, with SHA-256 of each part and of the list of parts.

Two lines, the SHA-256 of the second and the list itself as JSON, then the bytes of all parts one after the other. What
was cut off, changed or written by somebody else does not fit them, and is not read. There is no pickle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Part = bytes | NDArray[Any]

LONGEST_LIST = 1_000_000  # bytes; a hundred parts take ten thousand
KINDS_OF_NUMBERS = "biufU"  # of numpy: truth values, whole numbers, doubles, texts of fixed length


class DamagedEntryError(Exception):
    """A sealed file does not hold what its list says."""


@dataclass(frozen=True)
class Sealed:
    """A file whose list of parts is whole, and which is as long as that says.

    `about` is what the writer said of it; `parts` by name: (offset, bytes, SHA-256, dtype, shape, is in Fortran order).
    """

    path: Path
    about: Mapping[str, str]
    parts: Mapping[str, tuple[int, int, str, str, tuple[int, ...], bool]]

    def array(self, name: str) -> NDArray[Any]:
        """Read an array, as it was: the same type, shape and order. Raises DamagedEntryError."""
        _, size, _, dtype, shape, is_fortran = self._part(name)
        kind = np.dtype(dtype)
        if kind.kind not in KINDS_OF_NUMBERS or kind.itemsize * int(np.prod(shape, dtype=object)) != size:
            raise DamagedEntryError
        # Into the array's own memory: a copy of it takes as long as the digest.
        array = np.empty(shape[::-1] if is_fortran else shape, kind)
        self._read(name, memoryview(array.reshape(-1).view(np.uint8)) if size else memoryview(b""))
        return array.T if is_fortran else array

    def text(self, name: str) -> bytes:
        """Read a part that is no array. Raises DamagedEntryError."""
        content = bytearray(self._part(name)[1])
        self._read(name, memoryview(content))
        return bytes(content)

    def _part(self, name: str) -> tuple[int, int, str, str, tuple[int, ...], bool]:
        if name not in self.parts:
            raise DamagedEntryError
        return self.parts[name]

    def _read(self, name: str, into: memoryview) -> None:
        offset, size, seal, *_ = self._part(name)
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(offset)
                n_read = 0
                while n_read < size and (more := file.readinto(into[n_read:])):
                    n_read += more
        except OSError as error:
            raise DamagedEntryError from error
        if n_read != size or sha256(into).hexdigest() != seal:
            raise DamagedEntryError


def write_sealed(file: BinaryIO, about: Mapping[str, str], parts: Mapping[str, Part]) -> None:
    """Write parts and what is to be said about them."""
    listed, contents = [], []
    for name, part in parts.items():
        dtype, shape, is_fortran = "", [], False
        content: Any = part
        if not isinstance(part, bytes):
            is_fortran = part.flags.f_contiguous and not part.flags.c_contiguous
            dtype, shape = part.dtype.str, list(part.shape)
            if part.dtype.kind not in KINDS_OF_NUMBERS:
                msg = f"an array of {part.dtype} is not kept"
                raise ValueError(msg)
            content = np.ascontiguousarray(part.T if is_fortran else part).reshape(-1).view(np.uint8)
        contents.append(content)
        listed.append([name, len(content), sha256(content).hexdigest(), dtype, shape, is_fortran])
    text = json.dumps({"about": dict(about), "parts": listed}, sort_keys=True).encode()
    file.write(sha256(text).hexdigest().encode() + b"\n" + text + b"\n")
    for content in contents:
        file.write(content)


def open_sealed(path: Path) -> Sealed | None:
    """Read the list of a sealed file; None for anything else. The parts themselves are checked when they are read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            seal, text = file.readline(66).strip(), file.readline(LONGEST_LIST)
            start, size = file.tell(), os.fstat(file.fileno()).st_size
        if not text.endswith(b"\n") or sha256(text[:-1]).hexdigest().encode() != seal:
            return None
        found = json.loads(text)
        about, parts = {str(key): str(value) for key, value in found["about"].items()}, {}
        for name, n_bytes, digest, dtype, shape, is_fortran in found["parts"]:
            parts[str(name)] = (start, int(n_bytes), str(digest), str(dtype), tuple(map(int, shape)), bool(is_fortran))
            start += int(n_bytes)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return Sealed(path, about, parts) if start == size else None
