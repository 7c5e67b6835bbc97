"""The evidence as changes in the order in which they became known: items reported, items retracted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from forecast.workspace.records import Item, Workspace


@dataclass(frozen=True, order=True)
class Change:
    """An item enters (`retracts` false), or is taken back."""

    on: date
    item: str
    retracts: bool

    @property
    def kind(self) -> Literal["item", "retraction"]:
        """What the change is called."""
        return "retraction" if self.retracts else "item"


def changes(
    workspace: Workspace, as_of: date, new: Collection[str] | None = None, since: date | None = None
) -> tuple[Change, ...]:
    """Return the changes of the evidence until a date (day included), by day, ties by id.

    Args:
        workspace: the items.
        as_of: nothing dated later counts.
        new: items that enter; None: all. Of the others only retractions after `since` are changes.
        since: the date up to which the items that are not new are as they were; None: none is.
    """
    found = []
    for item in workspace.items:
        enters = item.reported <= as_of and (new is None or item.id in new)
        if enters:
            found.append(Change(item.reported, item.id, retracts=False))
        if item.retracted and item.retracted <= as_of and (enters or (since is not None and item.retracted > since)):
            found.append(Change(max(item.reported, item.retracted), item.id, retracts=True))
    return tuple(sorted(found))


def before(workspace: Workspace, of: Sequence[Change]) -> Workspace:
    """Return the workspace before any of the changes: neither what enters nor the retractions."""
    entering = {change.item for change in of if not change.retracts}
    retracted = {change.item for change in of if change.retracts}
    items = (item for item in workspace.items if item.id not in entering)
    return with_items(workspace, [replace(i, retracted=None) if i.id in retracted else i for i in items])


def prefixes(workspace: Workspace, of: Sequence[Change]) -> Iterator[Workspace]:
    """Yield the workspace after each change; after the last one it is the workspace as of the changes' date."""
    whole = {item.id: item for item in workspace.items}
    items = {item.id: item for item in before(workspace, of).items}
    for change in of:
        item = whole[change.item]
        items[item.id] = item if change.retracts else replace(item, retracted=None)
        yield with_items(workspace, items.values())


def with_items(workspace: Workspace, items: Iterable[Item]) -> Workspace:
    """Return a workspace with other items, in id order."""
    return replace(workspace, items=tuple(sorted(items, key=lambda item: item.id)))
