"""Where each row of one or several files stands."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.scores.cells import Ints
from forecast.workspace.problems import Source


@dataclass(frozen=True)
class Where:
    """The place of each row: `paths`, and (n,) which of them and the line."""

    paths: tuple[str, ...]
    files: Ints
    lines: Ints

    def __len__(self) -> int:
        return self.lines.size

    def __getitem__(self, row: int) -> Source:
        return Source(self.paths[self.files[row]], int(self.lines[row]))

    def seen_from(self, row: int, other: int) -> str:
        """Name the place of another row, as a message about `row` does."""
        line = f"line {self.lines[other]}"
        return line if self.files[row] == self.files[other] else f"{line} of {self.paths[self.files[other]]}"
