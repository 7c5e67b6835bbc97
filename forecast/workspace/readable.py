"""Everything that could be read, as the rules between files see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forecast.workspace.frame import Frame
from forecast.workspace.problems import Source
from forecast.workspace.records import Expert, Item, Statement


@dataclass(frozen=True)
class Superseding:
    """One item names another that it takes the place of."""

    item: str
    old: str
    source: Source


@dataclass(frozen=True)
class Readable:
    """Everything that could be read, wrong parts left out."""

    frame: Frame
    experts: Mapping[str, Expert]
    statements: tuple[Statement, ...]
    is_every_statement_read: bool
    items: tuple[Item, ...]
    item_ids: tuple[str, ...]  # also of items that could not be read
    superseding: tuple[Superseding, ...]  # likewise
