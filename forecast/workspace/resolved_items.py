"""Events that `priors/resolutions.jsonl` settles, as evidence items: they count from the day they were known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from forecast.workspace.grades import DEFAULT_GRADES, Letter
from forecast.workspace.problems import Source
from forecast.workspace.records import Item, ReportSource, Resolved, Settled

REPORTER = "resolutions"  # the id of the source of such items
CONFIRMED = 1
# Settled parts stand outside the source mixture: this grade never enters a number.
GRADE: Letter = "A"


def prefix(event: str) -> str:
    """Return what the id of an event's items begins with."""
    return f"resolved-{event}-"


def headline(event: str, state: str) -> str:
    """Return the headline of an item that settles an event."""
    return f"{event.replace('_', ' ')} is settled: {state}"


def resolved_items(resolutions: Iterable[Resolved], events: Mapping[str, object]) -> tuple[Item, ...]:
    """Return an item `resolved-EVENT-DATE` for each line about an event; one that was undone is retracted."""
    items: list[Item] = []
    times: Counter[str] = Counter()
    for line in resolutions:
        if line.subject not in events or line.state is None:
            continue
        name = f"{prefix(line.subject)}{line.on}"
        times[name] += 1
        items.append(
            Item(
                name if times[name] == 1 else f"{name}-{times[name]}",
                line.known,
                line.on,
                REPORTER,
                CONFIRMED,
                None,
                0.0,
                headline(line.subject, line.state),
                line.url,
                line.note or "Entered as resolved by whoever keeps this workspace, from the source that is named.",
                (Settled(line.subject, line.state, line.source),),
                line.undone,
                None,
                line.source,
            )
        )
    return tuple(items)


def with_reporter(
    sources: Mapping[str, ReportSource], items: tuple[Item, ...], place: Source
) -> dict[str, ReportSource]:
    """Return the sources with the one of resolved items, if there are any and nobody is called like it."""
    own = ReportSource(REPORTER, "Resolutions", GRADE, DEFAULT_GRADES[GRADE], place)
    return dict(sorted({**({REPORTER: own} if items else {}), **sources}.items()))
