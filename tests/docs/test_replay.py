"""The README's scores are those of the replay that is kept in reports/."""

from __future__ import annotations

import pandas as pd

from docs.replay import BEGIN, END, OWN, README, ROOT, readme_table
from forecast.analysis.replay_day import TABLE, forecaster_courses
from forecast.scoring.score_table import score_table


def test_the_scores_of_the_readme() -> None:
    """The table in the README is what `make replay` writes from reports/replay.csv."""
    others = {name for question in forecaster_courses(ROOT).values() for name in question} - {OWN}
    found = score_table(pd.read_csv(ROOT / TABLE, dtype=str, keep_default_na=False), benchmarks=sorted(others))
    shown = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    assert readme_table(found) == shown
