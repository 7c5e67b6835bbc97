"""Small files of the coders for tests: the samples, and rows made up on the spot."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.coded_table import Coder, File, condition
from forecast.workspace.feeds.counted import IncidentCount, Wanted, count
from forecast.workspace.feeds.formats.ucdp import UcdpGed

SAMPLES = Path(__file__).parent / "samples"
FILES = {
    "acled": "acled.csv",
    "gdelt": "gdelt.export.CSV",
    "ucdp-ged": "ucdp-ged.csv",
    "ucdp-candidate": "ucdp-candidate.csv",
}
APRIL = date(2026, 4, 1), date(2026, 4, 30)
REPORTED = date(2026, 6, 1)


def sample(form: str) -> str:
    """Return the text of a sample."""
    return (SAMPLES / FILES[form]).read_text(encoding="utf-8")


def counted(
    form: str,
    *texts: str,
    of: str = "fatalities",
    window: tuple[date, date] = APRIL,
    where: Sequence[str] = ("country=Sampleland",),
    reported: date = REPORTED,
    is_whole: bool = False,
) -> IncidentCount:
    """Count the rows of files `1.csv`, `2.csv`, ... of one coder."""
    files = [File(f"{number}.csv", text.encode()) for number, text in enumerate(texts, 1)]
    return count(files, feeds_of(Coder)[form], Wanted(of, *window, reported, tuple(map(condition, where)), is_whole))


def bounds(found: IncidentCount) -> tuple[int, int, int]:
    """Return low, best and high."""
    return found.low, found.best, found.high


def said(found: IncidentCount) -> list[str]:
    """Return the problems as a user reads them."""
    return [str(problem) for problem in found.problems]


def ucdp_text(rows: Iterable[tuple[int, date, date, int, int, int]]) -> str:
    """Return a UCDP file: id, first day, last day, low, best, high of each row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, UcdpGed.columns, restval="", lineterminator="\n")
    writer.writeheader()
    for key, first, last, low, best, high in rows:
        cells = {"id": key, "date_start": first, "date_end": last, "low": low, "best": best, "high": high}
        writer.writerow({**cells, "code_status": "Clear", "country": "Sampleland"})
    return text.getvalue()
