"""The bytes of a file that a user names, wherever it lies: a file, a pipe, or something that never ends."""

from __future__ import annotations

from pathlib import Path

from forecast.workspace.csv_text import MAX_BYTES
from forecast.workspace.problems import Problem, Source, WorkspaceProblems


def read_outside(path: Path, name: str | None = None, most: int = MAX_BYTES) -> bytes:
    """Return what a file holds, read once, as it may be a pipe.

    Args:
        path: the file.
        name: how messages call it; None for its path.
        most: bytes; what goes on for longer, as `/dev/zero` does, is not read to an end.

    Raises WorkspaceProblems: the file cannot be read, or is larger.
    """
    source = Source(path.as_posix() if name is None else name, 1)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise WorkspaceProblems([Problem(source, f"cannot be read: {error.strerror or error}")]) from None
    if len(content) > most:
        raise WorkspaceProblems([Problem(source, "file too large", "", f"at most {most} bytes; split the file")])
    return content
