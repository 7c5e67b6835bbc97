"""Files that appear whole or not at all, and are on the disk before anybody is told that they are written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE
from typing import BinaryIO


def replace_file(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place and move it there; it is synced, and so is its folder.

    A link stays one, and what it leads to is replaced. A file that was there keeps its permissions.

    Args:
        path: its place; folders that are missing are made.
        content: its bytes, or what writes them.

    Raises OSError, and what `content` raises; what was there is then as it was.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Others may be writing the same file of a cache: other threads, other processes, other machines.
    partial = path.with_name(f".{path.name}.{token_hex(4)}.partial")
    try:
        _write(partial, content)
        if path.exists():
            partial.chmod(S_IMODE(path.stat().st_mode))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, for good: a power failure does not bring it back."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with exactly these files in the place of `folder`, which stays as it is until they are all there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{token_hex(4)}.partial")
    before = folder.with_name(f".{folder.name}.before")
    recover_folder(folder)
    try:
        partial.mkdir()
        for name, content in files.items():
            _write(partial / name, content)
        _sync_folder(partial)
        if folder.exists():
            folder.rename(before)
        partial.rename(folder)
        _sync_folder(folder.parent)
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        recover_folder(folder)


def recover_folder(folder: Path) -> None:
    """Bring back the folder of before if a replacement was interrupted between its two moves."""
    before = folder.with_name(f".{folder.name}.before")
    if before.exists():
        if folder.exists():
            shutil.rmtree(before)
        else:
            before.rename(folder)


def _write(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    with path.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make names in a folder last: after a power failure a file that was moved there could have its old name."""
    if os.name == "nt":
        return  # Windows opens no folder, and moves files with the names of both places in its journal
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
