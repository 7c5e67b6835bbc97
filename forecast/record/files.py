"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with exactly these files in the place of `folder`, which stays as it is until they are all there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    before = folder.with_name(f".{folder.name}.before")
    recover_folder(folder)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        for name, content in files.items():
            (partial / name).write_bytes(content)
        if folder.exists():
            folder.rename(before)
        partial.rename(folder)
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
