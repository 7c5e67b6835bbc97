"""P(general ceasefire by a day) of this repository's forecast, beside the prices of `markets.csv`.

python docs/markets.py                 as of 2026-09-25 and of the latest forecast in reports/
python docs/markets.py 2026-10-08      as of any other days
"""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

from forecast.commands.running import Progress
from forecast.digits import FINEST_QUANTILE, exact, number
from forecast.posterior.by_date import CURVE_QUANTILES, Curves, curves
from forecast.posterior.posterior import posterior
from forecast.session import DEFAULT_SEED, Session

ROOT = Path(__file__).parents[1]
PRICES = Path(__file__).with_name("markets.csv")
EVENT, STATE = "ceasefire", "general"
PRICED_ON = date(2026, 9, 25)  # the last day of September 2026 with a price of every kind of contract
DEADLINES = (date(2026, 12, 31), date(2027, 6, 30), date(2027, 12, 31))


def by_deadline(as_of: date) -> tuple[int, int, Curves]:
    """Compute P(at least each state by each deadline) as of a day; return the places of event and state, and curves."""
    session = Session(ROOT, as_of=as_of)
    workspace, layout, as_of = session.workspace, session.layout, session.day
    found = posterior(layout, workspace, as_of, DEFAULT_SEED, ROOT / "reports" / ".cache", Progress())
    asked = curves(layout, workspace, as_of, found.draws.theta, found.weights.weights, DEADLINES)
    return layout.index[EVENT], layout.state(EVENT, STATE), asked


def main(days: list[date]) -> None:
    """Print the forecast as of each day, then the prices."""
    print(f"P({EVENT} reaches {STATE} by a day)     mean   5 %  50 %  95 %  of the distribution over draws")
    for as_of in days:
        v, k, asked = by_deadline(as_of)
        for t, deadline in enumerate(DEADLINES):
            mcse = float(asked.mcse[v][t, k])
            spread = [float(asked.quantiles[v][t, k, q]) for q in range(len(CURVE_QUANTILES))]
            quantiles = "".join(f"{number(one, mcse, coarsest=FINEST_QUANTILE):>6}" for one in spread)
            print(f"as of {as_of}, by {deadline}          {number(float(asked.mean[v][t, k]), mcse):>6}{quantiles}")
    print()
    with PRICES.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            price = exact(float(row["probability"])).removesuffix(" %")
            print(f"{row['date']}  by {row['deadline']}  {price:>5}  {row['forecaster']}: {row['asks about']}")


def latest() -> date:
    """Return the as-of date of the latest forecast in reports/."""
    return max(date.fromisoformat(path.parent.name) for path in (ROOT / "reports").glob("*/forecast.json"))


if __name__ == "__main__":
    main([date.fromisoformat(day) for day in sys.argv[1:]] or [PRICED_ON, latest()])
