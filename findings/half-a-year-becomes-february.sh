#!/usr/bin/env bash
# Dates from words: the second half of a year becomes its February, and its tenth week October.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    dateparser==1.5.0 python-dateutil==4.0.0 pytz==2026.6 regex==2026.11.19 tzlocal==5.4.5

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from datetime import date, datetime
from importlib.metadata import version

from dateparser import parse
from dateparser.search import search_dates

SETTINGS = {"RELATIVE_BASE": datetime(2026, 6, 15), "PREFER_DAY_OF_MONTH": "last"}


def day(words):
    """The day that the parser reads in the words, None where it reads none."""
    found = parse(words, settings=SETTINGS)
    return found and found.date()


print(f"package:  dateparser {version('dateparser')}, read on 2026-06-15 with the last day of a month preferred")
print("expected: a day of the time that is named, or None, as for other words that it does not understand")
due = {
    "Q4 2026": (date(2026, 10, 1), date(2026, 12, 31)),  # quarters are documented, since 1.5.0
    "H1 2026": (date(2026, 1, 1), date(2026, 6, 30)),
    "H2 2026": (date(2026, 7, 1), date(2026, 12, 31)),
    "2026-W04": (date.fromisocalendar(2026, 4, 1), date.fromisocalendar(2026, 4, 7)),  # ISO 8601
    "2026-W10": (date.fromisocalendar(2026, 10, 1), date.fromisocalendar(2026, 10, 7)),
    "2026-W13": (date.fromisocalendar(2026, 13, 1), date.fromisocalendar(2026, 13, 7)),
}
seen = {words: day(words) for words in due}
for words, (first, last) in due.items():
    print(f"seen:     {words!r} is read as {seen[words]}; it runs from {first} to {last}")
found = search_dates("The talks are to end in H2 2026.", languages=["en"], settings=SETTINGS)
print(f"seen:     in a sentence: {[(words, str(when.date())) for words, when in found]}")
unread = [day(words) for words in ("second half of 2026", "H3 of 2026", "week 10 of 2026")]
print(f"seen:     the second half of 2026 and the tenth week in words: {unread[0]} and {unread[2]}")
right = (
    due["Q4 2026"][0] <= seen["Q4 2026"] <= due["Q4 2026"][1]
    and seen["H2 2026"] == date(2026, 2, 28)
    and seen["2026-W04"].month == 4
    and seen["2026-W10"].month == 10
    and seen["2026-W13"] == date(2026, 6, 13)
    and [when.month for _, when in found] == [2]
    and unread[0] is unread[2] is None
)
sys.exit(0 if right else "no longer as described")
PYTHON
