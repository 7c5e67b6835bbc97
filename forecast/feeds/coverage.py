"""Whether the files hold the whole window: the days, and the quarters of an hour, on which rows were added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from forecast.feeds.cells import Cells
from forecast.feeds.coders import Coder, Span
from forecast.workspace.problems import Problem, Source

WHOLE = "--whole says that the files hold all of the window, and that nothing happened there"
QUARTERS = 96  # of an hour, in a day
# Part of the quarters that may be missing with a warning. A convention: now and then the coder itself adds none,
# and a count that lacks so few rows is not another count.
GAPS = 0.1


class Coverage:
    """Remembers when rows were added, if the coder adds some every day, and else when incidents were."""

    def __init__(self, coder: Coder) -> None:
        self.coder = coder
        self.days: set[date] = set()
        self.quarters: dict[date, set[int | None]] = {}  # None: a row that does not say its time of day

    def add(self, cells: Cells, span: Span, added: date | None) -> None:
        """Note a row."""
        if self.coder.quarter is None:
            self.days.update(span)
        elif added is not None:
            self.days.add(added)
            self.quarters.setdefault(added, set()).add(self.coder.quarter(cells))

    def doubts(self, wanted_first: date, wanted_last: date, where: Source) -> Iterator[Problem]:
        """Report what is missing of a window: a problem, or for a few quarters of an hour a warning."""
        rows = "rows added" if self.coder.is_daily else "rows"
        if not self.days:
            yield Problem(where, "the files hold no rows", "", WHOLE)
            return
        first, last = min(self.days), max(self.days)
        if first > wanted_first or last < wanted_last:
            what, got = "the files hold only a part of the window", f"{rows} from {first} to {last}"
            yield Problem(where, what, got, f"from {wanted_first} to {wanted_last}; {WHOLE}")
        if self.coder.is_daily:
            number = (wanted_last - wanted_first).days + 1
            window = [wanted_first + timedelta(days=day) for day in range(number)]
            yield from self._missing_days([day for day in window if first < day < last], where)
            yield from self._missing_quarters([day for day in window if day in self.days], where)

    def _missing_days(self, inside: Sequence[date], where: Source) -> Iterator[Problem]:
        missing = [str(day) for day in inside if day not in self.days]
        if missing:
            what = f"{len(missing)} days of the window have no rows"
            yield Problem(where, what, _listed(missing), f"{self.coder.title} adds rows every day; {WHOLE}")

    def _missing_quarters(self, days: Sequence[date], where: Source) -> Iterator[Problem]:
        untimed = [str(day) for day in days if None in self.quarters[day]]
        if untimed:
            what = (
                f"{len(untimed)} days of the window have rows without a time of day, so no missing quarter hour shows"
            )
            yield Problem(where, what, _listed(untimed), "", "warning")
        missing = {day: QUARTERS - len(self.quarters[day]) for day in days if None not in self.quarters[day]}
        lacking, number = [day for day in missing if missing[day]], sum(missing.values())
        if lacking:
            of = QUARTERS * len(missing)
            what = f"{number:,} of {of:,} quarters of an hour have no rows, on {len(lacking)} days of the window"
            got = _listed([f"{day} lacks {missing[day]} of {QUARTERS}" for day in lacking])
            allowed = f"{self.coder.title} adds rows every 15 minutes"
            if number > GAPS * of:
                yield Problem(where, what, got, f"{allowed}; {WHOLE}")
            else:
                yield Problem(where, what, got, f"{allowed}; the count may be too small", "warning")


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
