"""The Python interface: a workspace that can be checked and updated, and a forecast as labelled tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast import pipeline
from forecast.digits import interval, percent
from forecast.ledger.outcome import QUANTILES
from forecast.plain import as_data
from forecast.session import DEFAULT_SEED, Session
from forecast.workspace.problems import Problem

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def load(folder: str | Path = ".") -> WorkspaceHandle:
    """Open a workspace: a folder with priors/, evidence/ and reports/. Nothing is read before it is asked for."""
    return WorkspaceHandle(Path(folder))


@dataclass(frozen=True)
class WorkspaceHandle(Session):
    """A workspace on disk, which can be checked and updated, and asked everything that a session can."""

    def check(self) -> tuple[Problem, ...]:
        """Return every mistake and warning in the files, sorted by place."""
        return pipeline.check(self)[1]

    def update(
        self,
        *,
        as_of: date | str | None = None,
        seed: int = DEFAULT_SEED,
        note: str | None = None,
        write: bool = True,
        report: bool = False,
    ) -> Forecast:
        """Compute the forecast as of a date (default: today, UTC) and write it as `forecast update` does.

        Args:
            as_of: nothing dated later is used.
            seed: of the draws.
            note: for the ledger line.
            write: write forecast.json, forecast.csv and the ledger line.
            report: also write the page and the DataTree.

        Raises:
            forecast.WorkspaceProblems: mistakes in the files, evidence that contradicts itself, or another program that
                holds the workspace's lock for minutes.
            forecast.files.UnwrittenError: the disk is full or may not be written; what was there is as it was.
        """
        day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
        update = pipeline.conclude(replace(self, as_of=day, seed=seed), note=note)  # reads the files anew
        if write:
            update = pipeline.write(update, self.progress, with_report=report)
        return Forecast(update)


@dataclass(frozen=True)
class Forecast:
    """A computed forecast. `numbers` is the content of forecast.json, at full precision."""

    _found: pipeline.Update

    @property
    def numbers(self) -> dict[str, Any]:
        """The content of forecast.json."""
        table: dict[str, Any] = as_data(self._found.forecast)
        return table

    @property
    def as_of(self) -> date:
        """The day after which nothing was used."""
        return self._found.outcome.as_of

    @cached_property
    def scenarios(self) -> pd.DataFrame:
        """One row a scenario: probability, quantiles of its distribution over draws, change since the last update."""
        import pandas as pd

        rows = [
            {"scenario": row["id"], "probability": row["probability"], **row["quantiles"], "change": row["change"]}
            for row in self.numbers["scenarios"]
        ]
        return pd.DataFrame(rows).set_index("scenario")

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event and state: probability and quantiles of its distribution over draws."""
        import pandas as pd

        rows = [
            {"event": event["id"], "state": row["state"], "probability": row["probability"], **row["quantiles"]}
            for event in self.numbers["events"]
            for row in event["states"]
        ]
        return pd.DataFrame(rows).set_index(["event", "state"])

    @cached_property
    def tree(self) -> xr.DataTree:
        """The ArviZ DataTree of the forecast, with the groups that docs/datatree.md lists."""
        return pipeline.tree_of(self._found)

    def __repr__(self) -> str:
        lines = [f"{row['id']} {percent(row['probability'], row['mcse'])}" for row in self.numbers["scenarios"]]
        return f"Forecast as of {self.as_of}: {', '.join(lines)}"

    def _repr_html_(self) -> str:
        low, high = str(QUANTILES[0]), str(QUANTILES[-1])
        rows = "".join(
            f"<tr><td>{escape(row['id'])}</td><td>{escape(percent(row['probability'], row['mcse']))}</td>"
            f"<td>{escape(interval(row['quantiles'][low], row['quantiles'][high], row['mcse']))}</td></tr>"
            for row in self.numbers["scenarios"]
        )
        title = escape(self.numbers["title"])
        head = "<tr><th>scenario</th><th>probability</th><th>90 % interval</th></tr>"
        return f"<table><caption>{title}, as of {self.as_of}</caption>{head}{rows}</table>"
