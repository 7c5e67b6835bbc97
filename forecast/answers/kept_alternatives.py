"""The table of alternatives, kept under the digest of all that it hangs on; refits fill in what reweighting cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forecast.answers.alternatives import alternatives, listed, refitted
from forecast.record.alternative_rows import NEEDS_REFIT, TOO_MANY
from forecast.record.inputs import active_inputs
from forecast.record.outcome import Outcome
from forecast.store.entries import Place, keep_value, once, place_of

Row = dict[str, Any]
Progress = Callable[[str], None]


def kept_alternatives(found: Outcome, cache: Path, progress: Progress, *, refit: bool = False) -> list[Row]:
    """Return the alternatives of a forecast (forecast.answers.alternatives): the kept ones, or computed and kept.

    With `refit` those that reweighting cannot tell are sampled, and kept for all later questions about the forecast.

    Args:
        found: the forecast.
        cache: the folder reports/.cache of the workspace.
        progress: told what is being done; of refits how many there are and how long they will take.
        refit: whether to sample.
    """
    place = _place(found, cache)
    rows: list[Row] = once(place, lambda: alternatives(found, cache, progress))
    if refit:
        _refit(found, rows, place, progress)
    return rows


def _refit(found: Outcome, rows: list[Row], place: Place, progress: Progress) -> None:
    """Fill in the rows that need it, one fit after the other; each is kept at once, so that an interruption is none."""
    missing = [n for n, row in enumerate(rows) if row["how"] in {NEEDS_REFIT, TOO_MANY}]
    all_listed, started = listed(found), time.monotonic()
    for done, n in enumerate(missing):
        per_fit = (time.monotonic() - started) / done if done else None
        left = "" if per_fit is None else f", about {_minutes(per_fit * (len(missing) - done))} left"
        doing = f"refit {done + 1} of {len(missing)} ({rows[n]['description']}{left})"

        def say(what: str, doing: str = doing) -> None:
            progress(f"{doing}: {what}")

        rows[n] = refitted(found, all_listed[n], rows[n], place.folder, say)
        keep_value(place, rows)
    if missing:
        progress(f"{len(missing)} refits in {_minutes(time.monotonic() - started)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _place(found: Outcome, cache: Path) -> Place:
    """Return where alternatives are kept, by what they hang on: the draws, everything known, the date, the seed."""
    known = found.posterior.asked.network.known
    return place_of(
        cache,
        "alternatives",
        found.posterior.draws.digest,
        active_inputs(found.workspace, found.as_of),
        [found.as_of, known.until, found.layout.horizon, found.seed],
    )
