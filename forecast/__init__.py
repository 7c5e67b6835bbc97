"""Bayesian forecasts of one-off questions, from expert statements and dated evidence.

`load(folder).update()` is the daily job. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.api import Forecast, WorkspaceHandle, load
    from forecast.workspace.problems import Problem, WorkspaceProblems

__all__ = ["Forecast", "Problem", "WorkspaceHandle", "WorkspaceProblems", "load"]

_HOMES = {
    "Forecast": "forecast.api",
    "WorkspaceHandle": "forecast.api",
    "load": "forecast.api",
    "Problem": "forecast.workspace.problems",
    "WorkspaceProblems": "forecast.workspace.problems",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'forecast' has no attribute '{name}'"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
